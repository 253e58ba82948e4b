/* store__split: one group becomes two (REPLICATION.md B12, docs/protocols/split.md).
 *
 * The SPLIT entry at index s seals the parent: nothing that means anything follows it in that log.
 * Every replica that applies it makes both children on its own store. Their logs begin at s, their
 * B-trees are made from the parent's checkpoint at s - 1 by the worker, and until then a child
 * accepts and promises as a log replica does. The entry counts as applied when both B-trees are
 * durable, and the parent takes no checkpoint beyond s - 1, so every start meets the entry again
 * and finishes what a crash cut short.
 */
#ifndef TC_ENGINE_STORE_SPLIT_H
#define TC_ENGINE_STORE_SPLIT_H

#include "engine/store/log.h"
#include "engine/store/store_private.h"

/* What a parent knows of its split from the moment its children exist. */
struct store_split {
    struct paxos_mark at; /* the SPLIT entry */
    uint64_t gids[2];     /* left, right */
    struct tc_buf key;    /* the first of the right child */
    bool done;            /* both B-trees are durable here */
    uint64_t done_ns;
    uint64_t retry_ns; /* a build that failed is tried again then */
};

/* ---- split.c: the entry */

/* Apply the SPLIT at e, or go on applying it.
 *   Errors   TC_EBUSY    not finished: the parent's checkpoint or the children's B-trees are on
 *                        their way; the caller stalls and comes again
 *            TC_ECORRUPT, TC_EIO, TC_EFULL */
TC_MUST_USE tc_err store__split_apply(struct replica *r, const struct paxos_entry *e,
                                      struct tc_slice body);
/* Both children of this parent are durable here: its checkpoint stays where it is. */
bool store__split_done(const struct replica *r);
/* The replica must not be deleted yet: children are made from it, or repeated requests may still
 * have to be answered from its log. */
bool store__split_needed(const struct replica *r);
/* Its log up to the SPLIT is not in the archive yet, which its children's lines begin with. */
bool store__split_unarchived(const struct replica *r);
/* Members must not change: the group is being split or was, or it is a child in which requests may
 * be repeated whose ids stand in its parent's log alone, which a newcomer would not have. */
bool store__split_keeps_members(const struct replica *r);
/* Unstall a parent whose children are ready or whose build is to be tried again. */
void store__split_tick(struct replica *r, uint64_t now_ns);
void store__split_free(struct replica *r);

/* ---- split_child.c: what a child inherits */

/* Where the log of a child begins and what it promised, from its descriptor; nothing for others.
 *   Errors   TC_ECORRUPT */
TC_MUST_USE tc_err store__split_child_base(struct replica *r, struct store_base *ret_base,
                                           uint64_t *ret_promised);
/* The descriptor of one child as this parent's replica makes it; the caller frees it. */
Tercet__Pb__CreateReplicaRequest *store__split_child_desc(struct replica *parent,
                                                          const struct paxos_entry *e,
                                                          const struct entry_split *split,
                                                          int side);
/* Request ids and time of the parent's log, live and at start. */
void store__split_inherit(struct replica *child, const struct replica *parent);
void store__split_recovered(struct store *s);
/* The group in whose log the entry at index of this replica's lineage stands. */
uint64_t store__split_log_gid(const struct replica *r, uint64_t index);

/* ---- split_build.c: a child's B-tree */

/* Begin, unless it is under way. The parent's durable checkpoint is that of the split. */
void store__split_build(struct replica *parent, struct replica *child);

/* ---- split_serve.c: requests and control */

/*   Errors   TC_EMOVED  the children serve
 *            TC_EBUSY   a leader whose log holds a SPLIT that is not applied */
TC_MUST_USE tc_err store__split_admit(const struct replica *r);
/* Who is to be named in a refusal: of a split parent the child that holds key (before: what stands
 * right before key, empty: the end); NULL when that is not here. r may be NULL. */
struct replica *store__split_target(struct replica *r, struct tc_slice key, bool before);
/* The other half of the group that this one is a half of, while the parent is here; NULL: none.
 * Both are told to memds at once: a map with one half would have a hole where the other half is. */
struct replica *store__split_twin(const struct replica *r);
/* What NodeInfo tells of it; false: nothing. Its children point into replicas. */
bool store__split_fill(struct replica *r, Tercet__Pb__SplitReply *reply,
                       Tercet__Pb__Partition *children[2]);

#endif
