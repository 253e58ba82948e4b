/* store, controlled: what the control plane and other nodes ask of it, besides items.
 *
 * Part of store.h, whose rules hold: one owner thread, inputs are borrowed, answers that come later
 * are effects STORE_REPLY. Requests are checked; every one may be repeated.
 */
#ifndef TC_ENGINE_STORE_CONTROL_H
#define TC_ENGINE_STORE_CONTROL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include "proto/storage.pb-c.h"

struct store;

/* ---- replicas come and go */

/* Become a member of a new group, or of an old one as a learner. Durable when TC_OK.
 *   Errors   TC_EEXISTS   this gid already lives here
 *            TC_EINVAL    rid is not a member, or the member is not this store
 *            TC_ELIMIT    too many replicas; TC_EFULL
 *            TC_EIO       the disk has failed, and the store with it: end the process
 */
TC_MUST_USE tc_err store_create_replica(struct store *s,
                                        const Tercet__Pb__CreateReplicaRequest *req);
/* The same with rid and store as asked for: a leader takes back a learner. A retired group is kept
 * (TC_EBUSY) until the archive has its log.
 *   Errors   TC_ESTALE  another rid or store is meant; those of store_delete_replica */
TC_MUST_USE tc_err store_delete_request(struct store *s,
                                        const Tercet__Pb__DeleteReplicaRequest *req);
/*   Errors   TC_ENOTFOUND, TC_EBUSY (a job of it runs: try again), TC_EIO */
TC_MUST_USE tc_err store_delete_replica(struct store *s, uint64_t gid);
/* Drop the B-tree of a replica and take it again from another one; log and promises stay.
 *   Errors   TC_ENOTFOUND, TC_EBUSY */
TC_MUST_USE tc_err store_reinstall(struct store *s, uint64_t gid);
/* Keep the directory of nodes. Durable when TC_OK.
 *   Errors   TC_ESTALE  a newer one is kept; TC_EINVAL; TC_EIO, TC_EFULL */
TC_MUST_USE tc_err store_set_directory(struct store *s, const Tercet__Pb__Directory *directory);
/* ---- members of a group */

/* Asked of a leader; each appends a packed ChangeReplicaReply, also with TC_ENOTLEADER (moved).
 *   Errors   TC_ENOTLEADER, TC_ENOTFOUND (group or member), TC_EINVAL
 *            TC_EBUSY   change: another change of this group goes on, or a member is silent
 *            TC_ELIMIT  change: too many members, or rids are used up */
TC_MUST_USE tc_err store_change_replica(struct store *s,
                                        const Tercet__Pb__ChangeReplicaRequest *req,
                                        struct tc_buf *out);
TC_MUST_USE tc_err store_heal_replica(struct store *s, const Tercet__Pb__HealReplicaRequest *req,
                                      struct tc_buf *out);
TC_MUST_USE tc_err store_transfer(struct store *s, const Tercet__Pb__TransferRequest *req,
                                  struct tc_buf *out);
/* The reply (packed ReplicaAliveReply) is an effect with this token, now or later. */
void store_replica_alive(struct store *s, uint64_t token,
                         const Tercet__Pb__ReplicaAliveRequest *req);
/* Append the packed Partition of a group as its replica here has applied it.
 *   Errors   TC_ENOTFOUND */
TC_MUST_USE tc_err store_get_partition(struct store *s, uint64_t gid, struct tc_buf *out);
/* The answer to the effect STORE_CALL with this token, or why there is none. */
void store_call_done(struct store *s, uint64_t token, tc_err err, struct tc_slice payload);
/* ---- what this node tells */

/* Append the packed NodeInfoReply; without the replicas if their digest is the known one (0: none
 * is known). */
void store_node_info(struct store *s, uint64_t known_digest, struct tc_buf *out);
/* Append a JSON object with the node and its replicas, for the admin endpoint. */
void store_status_json(struct store *s, struct tc_buf *out);

/* ---- scrubs */

/* Log a SCRUB entry; the reply (packed ScrubMarkReply) is an effect with this token. */
void store_scrub_mark(struct store *s, uint64_t token, uint64_t gid);
/* Append the packed ScrubVectorReply.
 *   Errors   TC_ENOTFOUND  no such group, or the index is not (or no longer) known
 *            TC_EBUSY      not applied up to index yet */
TC_MUST_USE tc_err store_scrub_vector(struct store *s, uint64_t gid, uint64_t index,
                                      struct tc_buf *out);
/* Read and check every live page, as a job; the reply (packed ScrubPagesReply) is an effect. */
void store_scrub_pages(struct store *s, uint64_t token, uint64_t gid);
/* Append the packed ScrubBucketReply. Errors: TC_ENOTFOUND, TC_EINVAL (bucket), TC_ECORRUPT. */
TC_MUST_USE tc_err store_scrub_bucket(struct store *s, uint64_t gid, uint32_t bucket,
                                      struct tc_buf *out);

/* One page of what a table's items should be in a global index, or of what a group of the index
 * holds; appends the packed ScrubIndexReply.
 *   Errors   TC_ENOTFOUND; TC_EINVAL (no such index, no schema)
 *            TC_EBUSY  not the leader, or the log is sealed */
TC_MUST_USE tc_err store_scrub_index(struct store *s, const Tercet__Pb__ScrubIndexRequest *req,
                                     struct tc_buf *out);

/* ---- groups are split and merged */

/* Split a group that this node leads (REPLICATION.md B12). Idempotent; appends the packed
 * SplitReply with TC_OK and TC_ENOTLEADER.
 *   Errors   TC_ENOTFOUND   no such group here
 *            TC_ENOTLEADER  reply.moved says who may lead
 *            TC_EINVAL      key is not inside the group's range, or the gids are not possible
 *            TC_EEXISTS     it is split otherwise already, or a child's gid was used before
 *            TC_EBUSY       not now: members are being changed, or what is in memory goes to disk
 *                           first, so that the pause will be short
 */
TC_MUST_USE tc_err store_split(struct store *s, const Tercet__Pb__SplitRequest *req,
                               struct tc_buf *out);

/* Make one group of two neighbours (docs/protocols/merge.md): seal the right one, then merge the
 * left one with it. Both idempotent; each appends its packed reply with TC_OK and TC_ENOTLEADER.
 *   Errors   TC_ENOTFOUND     no such group here
 *            TC_ENOTLEADER    reply.moved says who may lead
 *            TC_EINVAL        not neighbours, or the gids are not possible
 *            TC_EEXISTS       it was split, sealed or merged otherwise, or merged_gid was used
 *            TC_EBUSY         not now: members are being changed, a log replica is a member, what
 *                             is in memory goes to disk first, or the right one is not sealed yet
 *            TC_ENOTALIGNED   the stores of both groups are not the same: move one, or transfer */
TC_MUST_USE tc_err store_seal(struct store *s, const Tercet__Pb__SealRequest *req,
                              struct tc_buf *out);
TC_MUST_USE tc_err store_merge(struct store *s, const Tercet__Pb__MergeRequest *req,
                               struct tc_buf *out);

/* ---- a table's schema */

/* Put a schema in force in a group that this node leads: what it keeps besides items
 * (docs/protocols/index.md). Idempotent; appends the packed SetSchemaReply with TC_OK and
 * TC_ENOTLEADER.
 *   Errors   TC_ENOTFOUND   no such group here
 *            TC_ENOTLEADER  reply.moved says who may lead
 *            TC_EINVAL      not a schema
 *            TC_EBUSY       proposed, not in force yet; or members are being changed: ask again
 *            TC_EMOVED      the log is sealed: ask the children */
TC_MUST_USE tc_err store_set_schema(struct store *s, const Tercet__Pb__SetSchemaRequest *req,
                                    struct tc_buf *out);

/* ---- this node is emptied */

/* Give leadership of every group to another replica that answers; true when none is led any more
 * and who took over has been heard (or a lease has passed: it needs this node's promise no more).
 * Call again after later ticks until true or until patience ends. */
bool store_drain(struct store *s);

#endif
