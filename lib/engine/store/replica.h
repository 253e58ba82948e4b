/* store__replica: life of one replica, from its descriptor on disk to its removal.
 *
 * Files in the store's directory, by group id in hex: replica-<gid>.desc (u8 state: 1 live, 2 gone;
 * then a packed CreateReplicaRequest) and replica-<gid>.tree. A descriptor of a gone replica stays,
 * because a rid must never come back without the promises it made (REPLICATION.md B1).
 */
#ifndef TC_ENGINE_STORE_REPLICA_H
#define TC_ENGINE_STORE_REPLICA_H

#include "engine/store/store_private.h"

enum {
    STORE_SYSTEM_GID = 1,
};

/* Open every replica that a descriptor names, in ascending gid; forget log records of others.
 *   Errors   TC_EIO, TC_ECORRUPT (a descriptor is damaged), with a line in diag */
TC_MUST_USE tc_err store__replica_recover_all(struct store *s, struct tc_buf *diag);
/* The descriptor of a group, live or gone.
 *   Errors   TC_ENOTFOUND, TC_ECORRUPT, TC_EIO */
TC_MUST_USE tc_err store__replica_desc_load(struct store *s, uint64_t gid, bool *ret_live,
                                            Tercet__Pb__CreateReplicaRequest **ret_desc);
/* No replica of the group is on disk here, as far as anybody can tell. */
bool store__replica_is_free(struct store *s, uint64_t gid);
/* Write a live replica's descriptor. Errors: TC_EIO, TC_EFULL: the old or the new one is there. */
TC_MUST_USE tc_err store__replica_desc_save(struct store *s,
                                            const Tercet__Pb__CreateReplicaRequest *desc);
/* ... of one that is deleted and must not come back empty. */
TC_MUST_USE tc_err store__replica_desc_bury(struct store *s,
                                            const Tercet__Pb__CreateReplicaRequest *desc);
bool store__replica_desc_sound(const Tercet__Pb__CreateReplicaRequest *desc, uint64_t gid);
/* The configuration at the place where its log began. Errors: TC_EINVAL, TC_ECORRUPT. */
TC_MUST_USE tc_err store__replica_first_config(const Tercet__Pb__CreateReplicaRequest *desc,
                                               struct quorum_config *ret_config);
/* A child of a split or merge, without a B-tree yet (REPLICA_BUILDING). Durable when TC_OK;
 * consumes desc. may_begin: this process proposed the entry and has not used the child's first
 * ballot. Errors   TC_EFULL, TC_EIO */
TC_MUST_USE tc_err store__replica_make_child(struct store *s,
                                             Tercet__Pb__CreateReplicaRequest *desc_take,
                                             bool may_begin, struct replica **ret_replica);
struct replica *store__replica_new(struct store *s, Tercet__Pb__CreateReplicaRequest *desc_take);
/* Enter it into the store's tables. */
void store__replica_insert(struct store *s, struct replica *r);
/* Free a replica's memory and close its files. */
void store__replica_free(struct replica *r);
/* There is no B-tree yet, as is to be expected: ask for a snapshot. */
void store__replica_wants_copy(struct replica *r, const char *why);
/* The B-tree is not to be trusted any more: stop serving and leading, and ask for a snapshot. */
void store__replica_damaged(struct replica *r, const char *why);
/* How it is, for people. */
const char *store__replica_state_text(const struct replica *r);
/* One line for the operator, through store_env.notice; bad may be NULL. */
void store__replica_notice(const struct replica *r, const char *why,
                           const struct btree_damage *bad);
/* A freshly installed or opened B-tree. The stamp's blob says where an installed snapshot's log
 * begins, and how many rows are auxiliary: u8 version = 1, or 2 where some are | base index,
 * ballot, chain | version 2: u64 auxiliary rows, their bytes, those of the outbox | configuration.
 */
void store__replica_blob(struct tc_buf *out, const struct paxos_mark *base,
                         const struct quorum_config *config, const struct store_aux *aux);
TC_MUST_USE tc_err store__replica_blob_decode(struct tc_slice blob, struct paxos_mark *ret_base,
                                              struct quorum_config *ret_config,
                                              struct store_aux *ret_aux);
void store__replica_tree_path(const struct replica *r, char *path, size_t cap);
struct btree_opts store__replica_tree_opts(const struct replica *r, bool create);
/* Paxos over what log and tree hold; the log part of recovery. */
TC_MUST_USE tc_err store__replica_start(struct replica *r, struct btree_stamp stamp);

#endif
