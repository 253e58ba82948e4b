/* store__learner: replicas that hold a log and no B-tree (REPLICATION.md B10).
 *
 * A learner is made from the leader's word where its log begins, is fed like any follower and
 * counted nowhere until a configuration names it; from then on it is a log replica. It promises and
 * acknowledges, follows what is committed (members and request ids, no items), and becomes a
 * storage replica where it stands when a whole copy is installed. Until then its descriptor says
 * learner = true, and a B-tree file may be missing.
 */
#ifndef TC_ENGINE_STORE_LEARNER_H
#define TC_ENGINE_STORE_LEARNER_H

#include "engine/store/store_private.h"

/* A request to create a learner, checked. Errors: TC_EINVAL. */
TC_MUST_USE tc_err store__learner_check(const struct store *s,
                                        const Tercet__Pb__CreateReplicaRequest *req);
/* Follow what is committed; does nothing where a B-tree is. */
void store__learner_follow(struct replica *r);
/* To a log replica or learner whose log ends below this one's base: begin anew from there. */
void store__learner_send_base(struct replica *r, uint32_t to);
/* Such a message arrived. */
void store__learner_take_base(struct replica *r, const Tercet__Pb__SnapshotChunk *c);
/* A B-tree is in place now: from here on it is expected.
 *   Errors   TC_EIO, TC_EFULL: the descriptor was not changed */
TC_MUST_USE tc_err store__learner_done(struct replica *r);
/* A packed Partition, as another node has applied it. */
void store__learner_looked_up(struct replica *r, struct tc_slice partition);
/* Delete the replica if nobody needs it any more: r may be gone afterwards. A removed replica hears
 * so. One that hears no leader for long asks the nodes of the directory: who removed it may be gone
 * by now, and a learner is forgotten once a leader says that its log does not name it. */
void store__learner_sweep(struct replica *r, uint64_t now_ns);

#endif
