/* support: leases between nodes instead of between the replicas of every group (REPLICATION.md B9).
 *
 * One machine per store. Every beat_ns it sends one beat to each store with which it has a group in
 * common; the receiver supports the sender for one lease from then on and acknowledges. A follower
 * replica that is *fortified* (core/paxos) refuses other candidates while its node supports the
 * leader's node, and the leader counts the node's acknowledgements as its own follower's. So one
 * pair of messages renews the leases of all quiet groups of two nodes.
 *
 * Names: a peer is another store, known by its uuid and numbered by a *slot* that never changes. A
 * store's *boot* rises with every start of its process: everything here is volatile, so what was
 * agreed with another boot is void. The *epoch* is this store's, per peer: it is raised before a
 * fortified replica promises to somebody else, and voids every fortification for that peer at once.
 *
 * Wakes: a quiet group sends nothing, and its followers take every beat of the leader's node as the
 * leader's word that nothing changed. Once it does change, the leader lists the group in every beat
 * to that node until one of them is acknowledged. A beat is as new as its send time: older ones are
 * ignored, unacknowledged.
 *
 * Pure: time is an argument, nothing blocks. Memory: heap, by slots and by wakes that nobody has
 * acknowledged, both bounded by what the node holds. One thread. All times are the own monotonic
 * clock's, but for a beat's sent_ns and its echo, which are the sender's.
 *
 * Invariant: support for a boot of a peer never shrinks while that boot is the newest known.
 */
#ifndef TC_CORE_SUPPORT_H
#define TC_CORE_SUPPORT_H

#include "base/err.h"
#include "base/trace.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SUPPORT_UUID_BYTES = 16,
    SUPPORT_WAKES_MAX = 4096, /* in one beat */
    SUPPORT_SLOTS_MAX = 4096, /* above it only stores that share a group get a slot */
};

struct support;

struct support_params {
    uint8_t store[SUPPORT_UUID_BYTES]; /* own */
    uint64_t boot;                     /* own; not 0 */
    uint64_t lease_ns;                 /* as the groups' own (paxos_options) */
    uint64_t beat_ns;
    uint64_t suspect_ns;
    const struct tc_trace *trace; /* NULL, or outlives the machine */
};

/* This group's leader went from quiet to active, or leads no more. */
struct support_wake {
    uint64_t gid;
    uint64_t number; /* the leader's count of its groups' awakenings, rising within a boot */
};

struct support_beat {
    uint8_t from[SUPPORT_UUID_BYTES];
    uint8_t to[SUPPORT_UUID_BYTES];
    uint64_t boot; /* of the sender */
    uint64_t sent_ns;
    bool partial; /* more groups woke than fit: this beat vouches for no quiet one */
    const struct support_wake *wakes;
    size_t wake_count;
};

struct support_ack {
    uint8_t from[SUPPORT_UUID_BYTES];
    uint8_t to[SUPPORT_UUID_BYTES];
    uint64_t boot;    /* of the supporter, who sends this */
    uint64_t epoch;   /* at which it supports */
    uint64_t to_boot; /* of the beat */
    uint64_t echo_ns; /* its sent_ns */
};

/*   Errors   TC_EINVAL  times not positive or boot 0 */
TC_MUST_USE tc_err support_new(const struct support_params *params, struct support **ret_support);
void support_free(struct support *s);

/* ---- driver ---------------------------------------------------------------------------------- */

/* Note who fell silent. Call at support_deadline_ns. */
void support_tick(struct support *s, uint64_t now_ns);
/* When support_tick or support_next_beat has something to do; UINT64_MAX: never. */
uint64_t support_deadline_ns(const struct support *s);
/* Somebody fell silent, spoke again, restarted or raised an epoch since the last call: every
 * replica must look again (PAXOS_EV_TICK). */
bool support_take_changed(struct support *s);
/* The next beat that is due; false: none. Its memory is the machine's until the next call. Do not
 * call while a sync of this store's log has hung for longer than it may: a leader with a sick disk
 * must lose its leases. */
bool support_next_beat(struct support *s, uint64_t now_ns, struct support_beat *ret_beat);
/* A beat arrived. After TC_OK the driver hands b's wakes to their groups (PAXOS_EV_WOKEN) and only
 * then sends the acknowledgement.
 * Who is not known gets a slot: a member that lags behind the change that made the sender its
 * leader is spoken to only once its node answers. Errors   TC_EINVAL  not for this store, older
 * than what is known, or from one store too many: drop it */
TC_MUST_USE tc_err support_recv_beat(struct support *s, uint64_t now_ns,
                                     const struct support_beat *b, struct support_ack *ret_ack);
/* An acknowledgement arrived; what is not for this boot or too old is ignored. */
void support_recv_ack(struct support *s, uint64_t now_ns, const struct support_ack *a);
/* The clock was caught lying: no acknowledgement of before counts any more. */
void support_void(struct support *s, uint64_t now_ns);

/* ---- groups ---------------------------------------------------------------------------------- */

/* The slot of a store, from 1. While anybody holds it, beats are sent to it. */
uint32_t support_hold(struct support *s, const uint8_t *store);
void support_drop(struct support *s, uint32_t slot);
/* 0: not known. */
uint32_t support_find(const struct support *s, const uint8_t *store);
uint64_t support_own_boot(const struct support *s);
uint64_t support_lease_ns(const struct support *s);

/* As the supporter: what is known of the peer in slot, and promised to it. */
uint64_t support_boot(const struct support *s, uint32_t slot); /* 0: it never beat */
uint64_t support_epoch(const struct support *s, uint32_t slot);
/* It is supported until then; 0 for another boot than the newest known: that process is gone. */
uint64_t support_until_ns(const struct support *s, uint32_t slot, uint64_t boot);
/* A beat of this boot came within suspect_ns. */
bool support_hears(const struct support *s, uint32_t slot, uint64_t boot, uint64_t now_ns);
/* sent_ns of the newest beat; its own clock. */
uint64_t support_beat_ns(const struct support *s, uint32_t slot);
/* When the newest complete beat of this boot arrived; 0: none. */
uint64_t support_fresh_ns(const struct support *s, uint32_t slot, uint64_t boot);
/* A replica fortified at (slot, epoch) is about to promise to somebody else. */
void support_raise(struct support *s, uint32_t slot, uint64_t epoch);

/* As the supported one: the peer in slot acknowledges. */
uint64_t support_acker_boot(const struct support *s, uint32_t slot); /* 0: it never did */
uint64_t support_acker_epoch(const struct support *s, uint32_t slot);
/* Newest send time it acknowledged at its present boot and epoch. */
uint64_t support_echo_ns(const struct support *s, uint32_t slot);
/* When it last did. */
uint64_t support_acked_ns(const struct support *s, uint32_t slot);
bool support_acks(const struct support *s, uint32_t slot, uint64_t now_ns);
/* List gid in the beats to slot until one is acknowledged. */
void support_wake(struct support *s, uint32_t slot, struct support_wake wake);

#endif
