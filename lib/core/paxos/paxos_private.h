/* What the files of core/paxos do for each other; the machine's state is in paxos_state.h.
 *
 * paxos.c step · start.c begin and end · base.c snapshots, trimming · out.c output · elect.c
 * suspicion, asking · acceptor.c PREPARE and ACCEPT · candidate.c campaigns, promises · adopt.c the
 * best log · wanted.c what is unreadable in it · leader.c proposals, commit, lease · feed.c what
 * followers are sent and answer · resign.c handing over · member.c peers, learners · configure.c
 * change of members · outcast.c who was left out · quiet.c beats by node · repair.c FETCH, archive
 * · log.c, log_config.c the log.
 */
#ifndef TC_CORE_PAXOS_PRIVATE_H
#define TC_CORE_PAXOS_PRIVATE_H

#include "base/assert.h"
#include "base/probe.h"
#include "core/paxos/paxos.h"
#include "core/paxos/paxos_state.h"

#include <inttypes.h>

/* Deliberate faults for the simulator's own test (REPLICATION.md D4): zero in shipped builds. */
#ifdef PAXOS_MUTANTS
extern unsigned paxos_mutant;
#define PAXOS_MUTANT(n) (paxos_mutant == (n))
#else
#define PAXOS_MUTANT(n) (0)
#endif

#define PAXOS_ROUND_LEAP_MAX (1ull << 32)

#define TRACE(p, ...) TC_TRACE((p)->trace, __VA_ARGS__)
#define B_FMT         "b=%" PRIu64 ".%" PRIu32
#define B_ARGS(b)     paxos_ballot_round(b), paxos_ballot_rid(b)
#define AT_FMT        "%" PRIu64 "@%" PRIu64 ".%" PRIu32
#define AT_ARGS(m)    (m).index, paxos_ballot_round((m).ballot), paxos_ballot_rid((m).ballot)

/* out.c */
void paxos__out_begin(struct paxos *p, struct paxos_out *out);
/* Number the unit, resolve after-marks and fill what every step reports. */
void paxos__out_end(struct paxos *p);
/* When a message may leave: at once, after this step's unit or, if there is none, the newest one,
 * or after the log is durable up to an index and the promise is. */
enum after {
    AFTER_NOTHING,
    AFTER_ALL,
    AFTER_INDEX,
};
void paxos__send(struct paxos *p, const struct paxos_msg *msg, enum after after);
/* Append to the log and to this step's unit. */
TC_MUST_USE tc_err paxos__write(struct paxos *p, const struct paxos_entry *e);
/* Drop index and above, in the log and in what is known of its durability. */
void paxos__cut(struct paxos *p, uint64_t index);
/* False: too many repairs wait for the disk; the entry stays FAULTY and is fetched again. */
bool paxos__repair_write(struct paxos *p, const struct paxos_entry *e);
void paxos__promise(struct paxos *p, uint64_t ballot);
void paxos__ask_snapshot(struct paxos *p, uint32_t rid);
/* Entries [from, from + count) copied for a message; bodies borrowed. */
const struct paxos_entry *paxos__copy_entries(struct paxos *p, uint64_t from, size_t count);
/* How many entries from index on fit into one message. */
size_t paxos__fit(const struct paxos *p, uint64_t from, size_t count_max, uint64_t bytes_max);

/* paxos.c */
const struct quorum_config *paxos__config(const struct paxos *p);
struct paxos_mark paxos__last(const struct paxos *p);
uint64_t paxos__jitter(struct paxos *p, uint64_t max_ns);
void paxos__durable(struct paxos *p, uint64_t seq);
/* Highest index that may be acknowledged: before the first FAULTY entry. */
uint64_t paxos__sound(const struct paxos *p, uint64_t index);
void paxos__see_round(struct paxos *p, uint64_t ballot);

static inline size_t paxos__pending_cap(const struct paxos *p) {
    return p->pending.len / sizeof(struct pending);
}
/* The i-th unit that waits, oldest first. */
static inline struct pending *paxos__pending(const struct paxos *p, size_t i) {
    return &(
        (struct pending *)(void *)p->pending.data)[(p->pending_head + i) % paxos__pending_cap(p)];
}

/* base.c */
tc_err paxos__installed(struct paxos *p, const struct paxos_event *ev);
tc_err paxos__trim(struct paxos *p, uint64_t index);

/* member.c */
struct peer *paxos__peer(struct paxos *p, uint32_t rid);
/* Follow the configuration in force; what is known of peers that stay is kept. */
void paxos__sync_peers(struct paxos *p);
/* Where the configuration in force stands. */
uint64_t paxos__config_index(const struct paxos *p);
/* Quorums under the configuration in force: what decides, everywhere. */
uint64_t paxos__reached(const struct paxos *p, const struct quorum_value *values, size_t count);
bool paxos__has(const struct paxos *p, const uint32_t *rids, size_t count);
/* STORAGE in the configuration in force, and it does hold a B-tree. */
bool paxos__able(const struct paxos *p);
tc_err paxos__learn(struct paxos *p, uint32_t rid);
tc_err paxos__unlearn(struct paxos *p, uint32_t rid);

/* configure.c */
tc_err paxos__configure(struct paxos *p, const struct paxos_event *ev);
/* Leader: commit rose from before. Tell whom a final configuration left out. */
void paxos__committed(struct paxos *p, uint64_t before);
/* Leader: after a joint configuration the final one; after that, leave if it is without this one.
 */
void paxos__advance_config(struct paxos *p);

/* elect.c */
/* What peers showed belongs to one round of questions. */
void paxos__forget_shown(struct paxos *p);
/* NULL: none. */
const struct quorum_config *paxos__shown(const struct paxos *p);
void paxos__follow(struct paxos *p, uint64_t ballot, const char *why);
void paxos__tick_follower(struct paxos *p);
void paxos__tick_candidate(struct paxos *p);
bool paxos__quarantined(const struct paxos *p);
tc_err paxos__recv_ask(struct paxos *p, const struct paxos_msg *m);
tc_err paxos__recv_ask_reply(struct paxos *p, const struct paxos_msg *m);
tc_err paxos__recv_resign(struct paxos *p, const struct paxos_msg *m);
tc_err paxos__recv_nudge(struct paxos *p, const struct paxos_msg *m);

/* outcast.c */
/* A committed configuration is without this replica, which was a member. */
bool paxos__excluded(const struct paxos *p);
/* A committed configuration excludes this replica. */
void paxos__become_outcast(struct paxos *p);
/* The sender is unknown to a newer committed configuration: tell it. True if it was told. */
bool paxos__tell_removed(struct paxos *p, const struct paxos_msg *m);
tc_err paxos__recv_removed(struct paxos *p, const struct paxos_msg *m);

/* candidate.c */
void paxos__campaign(struct paxos *p, uint64_t resigned_ballot);
/* Ask for a promise and for the log that follows after. */
void paxos__send_prepare(struct paxos *p, const struct peer *to, struct paxos_mark after);
tc_err paxos__recv_promise(struct paxos *p, const struct paxos_msg *m);
/* Adopt, fetch or win, as far as the promises at hand allow. */
void paxos__candidate_advance(struct paxos *p);
/* Give the campaign up, and let others try before the next one. */
void paxos__stand_back(struct paxos *p, const char *why);

/* adopt.c */
/* A log that ends at a holds what one that ends at b may lack: its last ballot decides. */
bool paxos__log_better(const struct paxos_mark *a, const struct paxos_mark *b);
/* Who promised the best log; NULL: none is better than the own one. */
struct peer *paxos__best_promiser(struct paxos *p);
bool paxos__knows_newer_config(const struct paxos *p, const struct peer *f);
/* Ask for the next page of the best log, once. */
void paxos__pull(struct paxos *p, struct peer *best);
tc_err paxos__adopt(struct paxos *p, const struct paxos_msg *m);

/* wanted.c */
/* An unreadable entry stands in the way: it was neither found nor can it be dropped yet. */
bool paxos__want_blocks(struct paxos *p);
/* Ask everybody for want, which is unreadable in the log of rid. */
void paxos__look_for(struct paxos *p, struct paxos_mark want, uint32_t rid);
void paxos__look_for_own(struct paxos *p);

/* acceptor.c */
tc_err paxos__recv_prepare(struct paxos *p, const struct paxos_msg *m);
tc_err paxos__recv_accept(struct paxos *p, const struct paxos_msg *m);
/* Entries continue each other from mark: dense, ballots rising and at most ballot_max, chains. */
bool paxos__entries_valid(const struct paxos *p, const struct paxos_msg *m, uint64_t ballot_max);
/* Store entries after m->mark, which the log holds: keep equal ones, repair FAULTY ones, cut at
 * the first difference. */
tc_err paxos__store_entries(struct paxos *p, const struct paxos_entry *e, size_t count);

/* leader.c */
void paxos__lead(struct paxos *p);
void paxos__tick_leader(struct paxos *p);
tc_err paxos__propose(struct paxos *p, const struct paxos_event *ev);
/* The next entry, at the own ballot. */
TC_MUST_USE tc_err paxos__append_own(struct paxos *p, const struct paxos_proposal *item);
void paxos__leader_advance(struct paxos *p); /* commit and send */
bool paxos__lease_valid(const struct paxos *p);
bool paxos__serving(const struct paxos *p);
/* When a quorum was last heard. */
uint64_t paxos__quorum_heard(const struct paxos *p);

/* feed.c */
/* New entries are there: send them to whom the pipeline is open. */
void paxos__pump_pipelines(struct paxos *p);
/* Send every peer that has something to come what its mode and its window allow. */
void paxos__feed(struct paxos *p);
/* A beat for every peer, of its own or by its node. */
void paxos__beat(struct paxos *p);
/* One beat without entries, to be answered with its send time. */
void paxos__send_beat(struct paxos *p, const struct peer *f);
/* What the follower lacks is below the base: ask the driver, about once per lease. */
void paxos__need_snapshot(struct paxos *p, struct peer *f);
tc_err paxos__recv_accepted(struct paxos *p, const struct paxos_msg *m);

/* resign.c */
tc_err paxos__resign(struct paxos *p, uint32_t target, bool leaves);
void paxos__advance_resign(struct paxos *p);
/* Campaign with the own resignation, if it is time and nobody else did; true: it does. */
bool paxos__take_back(struct paxos *p);

/* quiet.c */
/* Give every peer its slot, and hold those and no others. */
void paxos__sync_slots(struct paxos *p, struct peer *peers, size_t count);
void paxos__drop_slots(struct paxos *p);
/* Leader: newest own send time that f or its node echoed, and when either was last heard. */
uint64_t paxos__echo(const struct paxos *p, const struct peer *f);
uint64_t paxos__heard(const struct paxos *p, const struct peer *f);
void paxos__wake_peer(struct paxos *p, struct peer *f);
void paxos__wake_all(struct paxos *p);
/* The beat of a peer that is quiet or may become so; false: it needs one of its own. */
bool paxos__beat_quiet(struct paxos *p, struct peer *f);
void paxos__recv_quiet(struct paxos *p, struct peer *f, const struct paxos_msg *m);
void paxos__advance_quiet(struct paxos *p);
void paxos__check_peers_support(struct paxos *p);
bool paxos__leader_rests(const struct paxos *p);
/* Follower: no promise to others before. */
uint64_t paxos__granted_until(const struct paxos *p);
bool paxos__supported(const struct paxos *p);
bool paxos__follower_rests(const struct paxos *p);
void paxos__unfortify(struct paxos *p);
void paxos__renounce(struct paxos *p);
/* An ACCEPT of the leader that is followed; true: the answer says QUIET. */
bool paxos__follow_quiet(struct paxos *p, const struct paxos_msg *m, bool matched);
void paxos__woken(struct paxos *p, uint32_t slot, uint64_t number);
/* split.c */
/* An entry that seals the log goes alone, under a settled configuration of storage replicas only: a
 * log replica applies nothing, so it could not make what follows.
 *   Errors   TC_ELIMIT, TC_EBUSY */
tc_err paxos__may_seal(const struct paxos *p, size_t count);
tc_err paxos__begin(struct paxos *p);

/* repair.c */
void paxos__send_fetches(struct paxos *p);
void paxos__send_fetch(struct paxos *p, const struct paxos_mark *m);
tc_err paxos__recv_fetch(struct paxos *p, const struct paxos_msg *m);
tc_err paxos__recv_fetched(struct paxos *p, const struct paxos_msg *m);
tc_err paxos__restored(struct paxos *p, const struct paxos_event *ev);

#endif
