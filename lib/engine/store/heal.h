/* store__heal: a leader makes its group whole (core/heal decides, this carries it out), and moves
 * replicas when asked. What is kept here is the leader's of one term; a later leader begins anew, a
 * joint configuration that is logged is finished by whoever leads then.
 */
#ifndef TC_ENGINE_STORE_HEAL_H
#define TC_ENGINE_STORE_HEAL_H

#include "core/heal/heal.h"
#include "engine/store/call.h"

enum {
    HEAL_PEERS_MAX = QUORUM_VOTERS_MAX + PAXOS_LEARNERS_MAX,
};

struct store_heal {
    struct heal_change change;
    Tercet__Pb__Member *newcomer; /* of the change; owned; NULL: none goes on */
    uint64_t base_index;          /* where its log begins */
    uint64_t create_call;         /* outstanding; 0: none */
    uint32_t rid_highest; /* ever given away in this term, or refused: it may be there after all */
    uint32_t asked_rid;   /* another member is, or was, asked about it ... */
    enum heal_opinion opinion; /* ... and said this ... */
    uint64_t opinion_until_ns; /* ... which counts until then */
    uint64_t ship_ns;          /* no copy is begun before */
};

void store__heal_tick(struct replica *r, uint64_t now_ns);
/* Nothing is under way that a leader must look at in each tick. */
bool store__heal_is_calm(const struct replica *r);
/* The term is over, or the replica goes. */
void store__heal_reset(struct replica *r);
void store__heal_free(struct replica *r);
/* Answers to calls; r may be NULL. */
void store__heal_created(struct store *s, struct replica *r, const struct store_call *c,
                         tc_err err);
void store__heal_confirmed(struct replica *r, const struct store_call *c, tc_err err,
                           enum heal_opinion opinion);
/* A follower or learner lies below the log's base: send it what it needs. */
void store__heal_below_base(struct replica *r, uint32_t rid);
/* The receiver of a copy refused it. */
void store__heal_copy_refused(struct replica *r);

/* Put a replica on a node, in the place of remove_rid (0: nobody's).
 *   Errors   TC_EBUSY  another change goes on; TC_ELIMIT  rids are used up */
TC_MUST_USE tc_err store__heal_begin(struct replica *r, const Tercet__Pb__DirectoryNode *node,
                                     uint32_t remove_rid, bool wished);
/* How far the change is; NONE: there is none. */
void store__heal_progress(const struct replica *r, Tercet__Pb__ChangeReplicaReply *ret);
/* What the leader knows of the others, for core/heal and for people. */
size_t store__heal_peers(const struct replica *r, uint64_t now_ns,
                         struct heal_peer peers[HEAL_PEERS_MAX]);

#endif
