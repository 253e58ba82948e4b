/* store__split: one group becomes two, or two become one (REPLICATION.md B12,
 * docs/protocols/split.md and merge.md).
 *
 * An entry seals a group's log: nothing that means anything follows it. SPLIT at s makes two
 * children, MERGE makes one of the left one of two neighbours and of the right one, which a SEAL
 * sealed before. Every replica that applies a SPLIT or MERGE makes the children on its own store:
 * their logs begin there, their B-trees are made from the parents' last checkpoints by the worker,
 * and until then a child accepts and promises as a log replica does. The entry counts as applied
 * when the B-trees are durable (a SEAL: when the checkpoint right below it is), and a sealed
 * replica takes no checkpoint beyond, so every start meets the entry again and finishes what a
 * crash cut short.
 */
#ifndef TC_ENGINE_STORE_SPLIT_H
#define TC_ENGINE_STORE_SPLIT_H

#include "engine/store/log.h"
#include "engine/store/store_private.h"

#define STORE_BUILD_RETRY_NS 1000000000u /* a child's B-tree that could not be made */

/* What a replica knows of the entry that sealed it, from the moment it began to apply it. */
struct store_seal {
    enum paxos_entry_type type; /* SPLIT, SEAL, MERGE */
    struct paxos_mark at;
    uint64_t gids[2];   /* SPLIT: left, right; SEAL and MERGE: the merged group, 0 */
    struct tc_buf key;  /* SPLIT: the first of the right child */
    uint64_t right_gid; /* MERGE */
    uint64_t right_index;
    uint64_t right_chain;
    bool done;
    uint64_t done_ns;
    uint64_t retry_ns; /* a build that failed is tried again then */
};

/* ---- seal.c: what all three have in common */

struct store_seal *store__seal_new(enum paxos_entry_type type, const struct paxos_entry *e);
void store__seal_free(struct replica *r);
/* The entry that seals this replica's log, applied or not; 0: none. */
uint16_t store__seal_type(const struct replica *r);
/* It is applied: the checkpoint stays where it is. */
bool store__seal_done(const struct replica *r);
/* The replica must not be deleted yet: children are made from it, or repeated requests may still
 * have to be answered from its log. */
bool store__seal_needed(const struct replica *r);
/* Its log up to that entry, which its children's lines begin with, is not known to be in the
 * archive.
 */
bool store__seal_unarchived(const struct replica *r);
/* Members must not change: the log is sealed, or it is a child in which requests may be repeated
 * whose ids stand in a parent's log alone, which a newcomer would not have, or whose log the
 * archive has not begun. */
bool store__seal_keeps_members(const struct replica *r);
/* Unstall a parent whose build is to be tried again. */
void store__seal_tick(struct replica *r, uint64_t now_ns);
/* ... whose children are ready, or what they are made of; r may be NULL. */
void store__seal_wake(struct replica *r);
/* left ends where right begins, in one table. */
bool store__seal_neighbours(const struct replica *left, const struct replica *right);
/* Apply the entry that seals, or go on applying it.
 *   Errors   TC_EBUSY    not finished: a checkpoint or B-tree is on its way, or the other side of a
 *                        merge is; the caller stalls and comes again
 *            TC_ECORRUPT, TC_EIO, TC_EFULL */
TC_MUST_USE tc_err store__seal_apply(struct replica *r, const struct paxos_entry *e,
                                     struct tc_slice body);
/* A group of that number is, or was, on this store. */
bool store__seal_gid_used(struct store *s, uint64_t gid);
/* A leader under its lease.
 *   Errors   TC_ENOTLEADER; TC_EBUSY (leads, and waits for its lease) */
TC_MUST_USE tc_err store__seal_may_begin(struct replica *r);
/* Propose an entry that seals; this process may let the children begin. What is in memory is
 * written first, so that the pause is short.
 *   Errors   TC_EBUSY (that, or members are being changed), those of paxos */
TC_MUST_USE tc_err store__seal_propose(struct replica *r, enum paxos_entry_type type,
                                       struct tc_slice body);
/* This very process proposed it, and nobody has used the children's first ballot yet. */
bool store__seal_is_live(const struct replica *r, const struct paxos_entry *e);
/*   Errors   TC_EMOVED  the children serve
 *            TC_EBUSY   sealed, and what follows is not known here */
TC_MUST_USE tc_err store__seal_admit(const struct replica *r);
/* Who is to be named in a refusal: of a sealed group the child that holds key (before: what stands
 * right before key, empty: the end); NULL when that is not here. r may be NULL. */
struct replica *store__seal_target(struct replica *r, struct tc_slice key, bool before);

/* ---- split.c, merge.c: the entries */

TC_MUST_USE tc_err store__split_apply(struct replica *r, const struct paxos_entry *e,
                                      struct tc_slice body);
TC_MUST_USE tc_err store__merge_apply_seal(struct replica *r, const struct paxos_entry *e,
                                           struct tc_slice body);
TC_MUST_USE tc_err store__merge_apply(struct replica *r, const struct paxos_entry *e,
                                      struct tc_slice body);
/* The merged group's replica has waited so long for the right side that it takes a copy instead. */
void store__merge_tick(struct replica *left, uint64_t now_ns);

/* ---- split_child.c: what a child inherits */

/* Where the log of a child begins and what it promised, from its descriptor; nothing for others.
 *   Errors   TC_ECORRUPT */
TC_MUST_USE tc_err store__split_child_base(struct replica *r, struct store_base *ret_base,
                                           uint64_t *ret_promised);
/* The descriptor of a child as this parent's replica makes it from the entry e: the parent's range
 * and members under the child's gid, an epoch higher. The caller sets what differs, and frees it.
 */
Tercet__Pb__CreateReplicaRequest *store__split_child_desc(struct replica *parent,
                                                          const struct paxos_entry *e, uint64_t gid,
                                                          const struct paxos_mark *base);
void store__split_set_bytes(ProtobufCBinaryData *to, struct tc_slice from);
/* A store never makes a child twice: a descriptor of it, live or gone, is the record.
 *   ret_child   NULL: it was here, and is no more
 *   Errors      TC_ENOTFOUND  it never was here; TC_EIO, TC_ECORRUPT */
TC_MUST_USE tc_err store__split_child_known(struct store *s, uint64_t gid,
                                            struct replica **ret_child);
/* Request ids of the parents' logs, live and at start. right: NULL for a split. */
void store__split_inherit(struct replica *child, const struct replica *left,
                          const struct replica *right);
void store__split_recovered(struct store *s);

/* ---- split_build.c: a child's B-tree */

/* Begin, unless it is under way. The durable checkpoints of the parents are those right below the
 * entries that sealed them. right: NULL for a split. */
void store__split_build(struct replica *child, struct replica *left, struct replica *right);

/* ---- split_serve.c, merge_serve.c: control */

/* The other half of the group that this one is a half of, while the parent is here; NULL: none.
 * Both are told to memds at once: a map with one half would have a hole where the other half is. */
struct replica *store__split_twin(const struct replica *r);
/* What NodeInfo tells of it; false: nothing. Its children point into replicas. */
bool store__split_fill(struct replica *r, Tercet__Pb__SplitReply *reply,
                       Tercet__Pb__Partition *children[2]);
bool store__merge_fill_seal(const struct replica *r, Tercet__Pb__SealReply *reply);
bool store__merge_fill(const struct replica *r, Tercet__Pb__MergeReply *reply);

#endif
