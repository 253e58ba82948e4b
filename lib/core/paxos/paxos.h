/* paxos: one replica of one replication group, as a pure step machine (REPLICATION.md B).
 *
 * paxos_step takes one event and fills one output. The machine does no I/O, reads no clock and
 * waits for nothing: the driver performs the output and reports back with further events. The same
 * code runs in the daemon and in the simulator.
 *
 * Time: now_ns in the event is monotonic and runs on while the process is stopped. It is read
 * after the input arrived, never earlier: a strong read is only as honest as the clock it was
 * compared with (B8).
 *
 * Ordering is data. Whatever a step wants written (appends, repairs, hardstate) is one unit with a
 * number, out->seq, which rises by any amount from step to step. The driver writes units in that
 * order and reports the newest durable one by PAXOS_DURABLE; skipping over units is fine, for an
 * older unit is never durable later than a newer one. A message may leave when the unit after_seq
 * (0: none) and all before it are durable. There is no other rule, so drivers batch and pipeline
 * syncs freely. Messages may be lost, repeated, reordered and late.
 *
 * An append at index i replaces whatever the log held at i and above. A repair rewrites one entry
 * in place and cuts nothing.
 *
 * Memory: event memory belongs to the caller; bodies are taken by reference (tc_blob_ref). Output
 * memory, and every entry or body in it, belongs to the machine until the next step: a driver that
 * keeps a body takes a reference, and copies the message. The machine keeps the metadata of
 * (base, last] and the bodies of a bounded tail; an entry in a message with body NULL and
 * body_len > 0 is read by the driver from its log by index, before the next step, because a later
 * step may replace the entry.
 *
 * Invariants (paxos_check): base <= commit or the log waits for its tail after a snapshot; commit
 * <= last; promised never falls; nothing at or below commit is ever replaced; indices in the log
 * are dense and every chain hash continues its predecessor's; acknowledged <= durable, and never at
 * or past a FAULTY entry.
 */
#ifndef TC_CORE_PAXOS_H
#define TC_CORE_PAXOS_H

#include "base/blob.h"
#include "base/err.h"
#include "base/trace.h"
#include "core/quorum/quorum.h"

enum {
    PAXOS_MSG_ENTRIES_MAX = 256,        /* entries of one message; more is TC_ECORRUPT */
    PAXOS_MSG_BYTES_MAX = 4 << 20,      /* bodies of one message: one entry may always go alone */
    PAXOS_PROPOSALS_MAX = 256,          /* proposals of one event */
    PAXOS_LOG_COUNT_MAX = 1 << 20,      /* entries between base and last */
    PAXOS_UNCOMMITTED_COUNT_MAX = 8192, /* above it proposals are refused with TC_EBUSY */
    PAXOS_BODY_BYTES_MAX = 2 << 20,     /* one entry */
    PAXOS_ROUND_BITS = 40,
    PAXOS_RID_BITS = 24,
    PAXOS_LEARNERS_MAX = 2,
};

/* Part of the log's format: never renumber. HARDSTATE records are the driver's, not entries. */
enum paxos_entry_type {
    PAXOS_LEAD = 1, /* first entry of a leader; empty */
    PAXOS_WRITE = 2,
    PAXOS_CONF = 3,  /* body: see paxos_conf_encode */
    PAXOS_SPLIT = 4, /* the last entry that means anything: only LEADs may follow (B12) */
    PAXOS_GENESIS = 5,
    PAXOS_TXN_PREPARE = 6,
    PAXOS_TXN_COMMIT = 7,
    PAXOS_TXN_CANCEL = 8,
    PAXOS_ARCHIVED = 9,
    PAXOS_SCRUB = 10,
    PAXOS_SEAL = 11,  /* the right one of two neighbours waits for its merge: seals, as a SPLIT */
    PAXOS_MERGE = 12, /* the left one takes in the sealed right one: seals, as a SPLIT */
    PAXOS_ENTRY_TYPE_MAX = 12,
};

/* Such an entry is the last one in its log that means anything: only LEADs may follow. */
static inline bool paxos_entry_seals(uint16_t type) {
    return type == PAXOS_SPLIT || type == PAXOS_SEAL || type == PAXOS_MERGE;
}

enum paxos_entry_flags {
    PAXOS_FAULTY = 1, /* identity known, body unreadable here: to be repaired */
};

/* Ballots: round in the high 40 bits, the owner's rid in the low 24; 0 is before every ballot. */
static inline uint64_t paxos_ballot(uint64_t round, uint32_t rid) {
    return round << PAXOS_RID_BITS | rid;
}
static inline uint64_t paxos_ballot_round(uint64_t ballot) {
    return ballot >> PAXOS_RID_BITS;
}
static inline uint32_t paxos_ballot_rid(uint64_t ballot) {
    return (uint32_t)(ballot & ((1u << PAXOS_RID_BITS) - 1));
}

struct paxos_entry {
    uint64_t index;
    uint64_t ballot;   /* of the leader that first proposed it; kept when adopted */
    uint64_t chain;    /* paxos_chain of everything up to and including this entry */
    uint32_t body_crc; /* CRC32C of the body */
    uint32_t body_len;
    uint16_t type;
    uint16_t flags;
    struct tc_blob *body; /* NULL: empty, FAULTY, or in the driver's log only */
};

/* The body of a CONF entry: u16 length, quorum_encode of that length, then bytes of the driver's
 * own to the end. */
void paxos_conf_encode(const struct quorum_config *c, struct tc_slice driver, struct tc_buf *out);
/* ret_driver may be NULL; it points into body.
 *   Errors   TC_ECORRUPT  not a valid body; the outputs are untouched */
TC_MUST_USE tc_err paxos_conf_decode(struct tc_slice body, struct quorum_config *ret_config,
                                     struct tc_slice *ret_driver);

/* A place in a log: nothing but its identity. */
struct paxos_mark {
    uint64_t index;
    uint64_t ballot;
    uint64_t chain;
};

/* The chain hash after entry e (of which index, ballot, type, body_len and body_crc enter). */
uint64_t paxos_chain(uint64_t gid, uint64_t chain_before, const struct paxos_entry *e);

/* Where the log of a child begins: at the index of its parent's SPLIT entry, before every ballot,
 * with a chain hash that joins it to the parent's log and to no other child's (B12). */
struct paxos_mark paxos_child_base(const struct paxos_mark *split, uint64_t child_gid);
/* Where the log of a merged group begins: at the higher index of both entries that sealed its
 * parents, so that indices, which are versions of items, go back for none of them. */
struct paxos_mark paxos_merged_base(const struct paxos_mark *merge, const struct paxos_mark *seal,
                                    uint64_t merged_gid);
/* The ballot that every replica of a child has promised from the start: the first round of the
 * replica that led the parent (of a merge: the left one). */
static inline uint64_t paxos_child_ballot(uint64_t split_ballot) {
    return paxos_ballot(1, paxos_ballot_rid(split_ballot));
}

/* ---- messages (B4) --------------------------------------------------------------------------- */

/* On the wire as numbers: never renumber. */
enum paxos_msg_type {
    PAXOS_ASK = 1, /* do you hear a leader? */
    PAXOS_ASK_REPLY = 2,
    PAXOS_PREPARE = 3,
    PAXOS_PROMISE = 4,
    PAXOS_ACCEPT = 5, /* entries, or none: a beat */
    PAXOS_ACCEPTED = 6,
    PAXOS_FETCH = 7, /* send me this entry */
    PAXOS_FETCHED = 8,
    PAXOS_RESIGN = 9,   /* campaign, with this as the proof that my lease is over */
    PAXOS_REMOVED = 10, /* a committed configuration without you */
    PAXOS_NUDGE = 11,   /* a log replica hears no leader: one of you should ask and campaign */
    PAXOS_MSG_TYPE_MAX = 11,
};

enum paxos_msg_flags {
    PAXOS_F_REFUSED = 1,    /* PROMISE, ACCEPTED: no; seen_ballot says what is promised */
    PAXOS_F_MISMATCH = 2,   /* ACCEPTED: prev does not match; mark is the hint */
    PAXOS_F_HEARS = 4,      /* ASK_REPLY: a leader is alive */
    PAXOS_F_QUARANTINE = 8, /* ASK_REPLY, PROMISE, ACCEPTED: just started, promises nothing yet */
    PAXOS_F_RESIGNED = 16,  /* PREPARE: seen_ballot was resigned in writing */
    PAXOS_F_BTREE = 32,     /* ACCEPTED: holds a B-tree */
    PAXOS_F_ABSENT = 64,    /* FETCHED: mark is not, and never was, in this log */
    /* ACCEPT: nothing is in flight, the sender's node beats for this group from now on. ACCEPTED:
     * so be it, the node's acknowledgements are this replica's (core/support). */
    PAXOS_F_QUIET = 128,
};

/* One struct for all types. Fields by type; those not named are 0.
 *
 *   ASK        seen_ballot promised, mark own last, echo_ns sender's clock, config
 *   ASK_REPLY  seen_ballot promised, mark own last, echo_ns as asked, config, flags
 *   PREPARE    ballot, mark own last, commit, config; flag RESIGNED: seen_ballot was resigned
 *   PROMISE    ballot, seen_ballot promised, last own last (chain unused), commit, config, entries
 *              after mark if the own log is better than the candidate's
 *   ACCEPT     ballot, entries after mark, commit, archived, echo_ns leader's clock at send,
 *              last.index how often this leader's group woke; flag QUIET: last.ballot the boot of
 *              the sender's node, last.chain that of the receiver's
 *   ACCEPTED   ballot, seen_ballot promised, mark match, last own last, commit, echo_ns as sent;
 *              flag MISMATCH: mark is the hint, last.index the mark.index that was rejected;
 *              flag QUIET: last.index as sent, last.ballot the node's boot, last.chain its epoch
 *   FETCH      mark the entry wanted
 *   FETCHED    mark the entry wanted, one entry or flag ABSENT and seen_ballot promised
 *   RESIGN     ballot resigned
 *   REMOVED    config
 *   NUDGE      mark own last, config
 */
struct paxos_msg {
    enum paxos_msg_type type;
    uint32_t from; /* rids */
    uint32_t to;
    uint32_t flags;
    uint64_t ballot;
    uint64_t seen_ballot;
    struct paxos_mark mark;
    struct paxos_mark last;
    uint64_t commit;
    uint64_t archived;
    uint64_t echo_ns;
    const struct paxos_entry *entries; /* dense, rising */
    size_t entry_count;
    const struct quorum_config *config; /* NULL: none */
};

/* ---- events ---------------------------------------------------------------------------------- */

enum paxos_event_type {
    PAXOS_EV_TICK,       /* out->deadline_ns passed (earlier or later is harmless) */
    PAXOS_EV_RECEIVE,    /* a message; the driver checked its CRC, gid and both store uuids */
    PAXOS_EV_PROPOSE,    /* log these; out->first_index is the first one's index */
    PAXOS_EV_DURABLE,    /* every unit up to seq is durable */
    PAXOS_EV_APPLIED,    /* the state machine holds everything up to index */
    PAXOS_EV_READ,       /* may strong reads that arrived by now be served? out->read_err */
    PAXOS_EV_RESIGN,     /* hand over to resign.target (0: the best follower that answers) */
    PAXOS_EV_INSTALLED,  /* a snapshot is durable here, and the log restarts at its base */
    PAXOS_EV_REPAIRED,   /* the driver itself made the FAULTY entry at index good, durably */
    PAXOS_EV_FAULTY,     /* the driver can read the durable entry at index no more: fetch it */
    PAXOS_EV_ARCHIVED,   /* a committed ARCHIVED entry (or the driver's policy) says index */
    PAXOS_EV_CHECKPOINT, /* the B-tree is durable up to index */
    PAXOS_EV_TRIM,       /* forget entries up to index, at most paxos_trim_max; out->base */
    PAXOS_EV_CLOCK_JUMP, /* the clock was caught lying: no lease of before counts any more */
    PAXOS_EV_LEARN,      /* leader: feed this rid too, without counting it (B10.1) */
    PAXOS_EV_UNLEARN,    /* leader: forget the learner with rid target */
    PAXOS_EV_CONFIGURE,  /* leader: propose the next configuration; out->first_index */
    PAXOS_EV_RESTORED,   /* entries that the driver read from the archive */
    PAXOS_EV_WOKEN,      /* a beat of the node in slot lists this group (core/support) */
    /* Lead at the promised ballot without asking anybody: the log is that of a child, empty, and
     * everybody promised this ballot when the child was made (B12). Only the process that proposed
     * the SPLIT or MERGE may send it, and only once: a second start may have used the ballot before
     * it stopped. */
    PAXOS_EV_BEGIN,
};

struct paxos_proposal {
    enum paxos_entry_type type;
    struct tc_blob *body; /* borrowed: the machine takes its own reference; NULL: empty */
    uint32_t body_crc;    /* CRC32C of the body */
};

struct paxos_event {
    uint64_t now_ns;
    enum paxos_event_type type;
    union {
        const struct paxos_msg *msg; /* RECEIVE */
        struct {
            const struct paxos_proposal *items;
            size_t count;
        } propose;
        uint64_t seq;    /* DURABLE */
        uint64_t index;  /* APPLIED, REPAIRED, FAULTY, ARCHIVED, CHECKPOINT, TRIM */
        uint32_t target; /* LEARN, UNLEARN */
        struct {
            /* The leader serves until the target, or the first follower that may lead, has answered
             * a beat of now; then it stops, waits until that one holds its log, and resigns. */
            uint32_t target;
            /* False: if nobody takes over, lead on; ask again later. True: step down then, for
             * this replica cannot serve. */
            bool leaves;
        } resign;
        struct {
            /* One step from the configuration in force, which must be committed and not joint, as
             * the LEAD of this ballot must be committed. Either joint (sets[0] as in force, sets[1]
             * the new members; the machine itself proposes the final one, with the same driver
             * bytes, as soon as the joint one is committed, whoever leads then; a leader whose log
             * begins behind the joint entry proposes it without driver bytes), or the same members
             * with one role changed from LOG to STORAGE, of a peer that has a B-tree, or the same
             * members as they are, for the driver's bytes alone. version must be one above. Members
             * that are new must be learners whose match reached commit; new STORAGE members must
             * have a B-tree too. Members that stay keep role, store and zone. One of the new
             * members can lead and was heard of within two leases.
             */
            const struct quorum_config *config;
            struct tc_slice driver; /* kept behind the configuration in the entry's body */
        } configure;
        struct {
            struct paxos_mark base; /* the log is empty up to here; at most checkpoint_index */
            const struct quorum_config *config; /* in force at base */
            uint64_t checkpoint_index;          /* what the installed B-tree holds */
            uint64_t archived;
            /* No B-tree came along: a log replica's log begins anew at base, which is
             * checkpoint_index. Otherwise a replica without a B-tree has one from now on. */
            bool log_only;
        } installed;
        struct {
            /* Entries of the archive up to restore_index at most, in pages from commit + 1 on:
             * dense, bodies included; the first one's index is at most one above the last of this
             * log. They may overlap what is held. They count as committed when the last of them is
             * the very entry at which the better log begins. Ignored when none is wanted. */
            const struct paxos_entry *entries;
            size_t count;
        } restored;
        struct {
            uint32_t slot;
            uint64_t number;
        } woken;
    };
};

/* ---- output ---------------------------------------------------------------------------------- */

enum paxos_role {
    PAXOS_FOLLOWER,
    PAXOS_CANDIDATE, /* asking or preparing */
    PAXOS_LEADER,
    PAXOS_OUTCAST, /* a committed configuration excludes this replica: delete it */
};

struct paxos_send {
    uint64_t after_seq; /* 0: at once */
    struct paxos_msg msg;
};

struct paxos_out {
    /* The unit to write; seq is 0 if there is none. */
    uint64_t seq;
    const struct paxos_entry *appends;
    size_t append_count;
    const struct paxos_entry *repairs;
    size_t repair_count;
    bool hardstate; /* write promised */
    uint64_t promised;

    const struct paxos_send *sends;
    size_t send_count;
    /* Members and learners (rids) that can only be caught up by a snapshot. Repeated about once per
     * lease while that is so; the driver sends one at a time: with the B-tree to a STORAGE member,
     * a peer that said it has one (paxos_peers) or one that shall get it; else without (log_only).
     */
    const uint32_t *snapshots;
    size_t snapshot_count;

    uint64_t apply_index; /* committed and durable here: apply up to it (I7) */
    uint64_t first_index; /* PROPOSE: where the first one went */
    tc_err read_err;      /* READ: TC_OK, else TC_ENOTLEADER or TC_EUNAVAILABLE (no lease) */
    bool role_changed;    /* role, ballot, leader or serving differ from before; see status */
    bool base_changed;    /* the driver may free entries up to paxos_status.base */
    bool stuck;           /* a FAULTY entry blocks this group and no peer could help yet */
    /* A candidate met a better log that begins above its own end, and so do all the others that are
     * left: the committed entries (commit, restore_index] must come from the archive, by RESTORED.
     * 0: nothing is wanted. Repeated with every campaign. */
    uint64_t restore_index;
    uint64_t deadline_ns; /* send PAXOS_EV_TICK then; UINT64_MAX: never */
};

/* ---- life ------------------------------------------------------------------------------------ */

struct paxos;
struct support;

/* Timers keep the ratios of B8: beat << suspect <= lease / 2. Zero means the default. */
struct paxos_options {
    uint64_t lease_ns;         /* 1 s */
    uint64_t beat_ns;          /* 150 ms */
    uint64_t suspect_ns;       /* 500 ms of silence: ask the others */
    uint64_t stall_ns;         /* 1 s: a leader whose own sync hangs this long steps down */
    uint32_t drift_ppm;        /* 10000 = 1 %: bound on the difference of two clock rates */
    uint32_t window_count_max; /* 1024 entries in flight per follower */
    uint32_t batch_count_max;  /* 128 entries per ACCEPT */
    uint32_t batch_bytes_max;  /* 1 MiB of bodies per ACCEPT */
    uint64_t tail_bytes_max;   /* 8 MiB of bodies kept in memory per group */
};

/* What recovery found; everything in it is durable. */
struct paxos_recovery {
    uint64_t promised;
    struct paxos_mark base;             /* a new group: {0, 0, seed of its chain} */
    const struct quorum_config *config; /* in force at base */
    const struct paxos_entry *entries;  /* (base, last], dense; FAULTY marks set; bodies optional
                                           except of readable CONF */
    size_t entry_count;
    uint64_t checkpoint_index; /* >= base.index */
    /* Chain hash at checkpoint_index; 0: not known. The log behind an installed snapshot may end in
     * entries that were never chosen: only a log that holds the checkpoint's own place is known to
     * be committed up to it. */
    uint64_t checkpoint_chain;
    uint64_t archived;
    /* This replica holds no B-tree: it accepts and promises, and can neither lead nor serve. What
     * is committed and durable counts as applied; checkpoint_index is base.index. */
    bool log_only;
    /* A child that this very process is making, having proposed the SPLIT or MERGE itself: BEGIN
     * may come.
     */
    bool newborn;
};

struct paxos_params {
    uint64_t gid;
    uint32_t rid;
    uint64_t seed;   /* of the machine's own randomness (timers' jitter) */
    uint64_t now_ns; /* start of the boot quarantine */
    struct paxos_options options;
    const struct tc_trace *trace;          /* NULL, or outlives the machine */
    const struct paxos_recovery *recovery; /* borrowed for the call */
    /* The node's support machine, which outlives this one, with the same lease; the driver ticks
     * every replica when it says "changed". NULL: every group beats for itself. */
    struct support *support;
};

/* Build a replica from what its store holds. Starts as follower; commit is the checkpoint index if
 * the log holds that place (by checkpoint_chain), else base.index, and nothing more (B11). Call
 * paxos_step with a TICK to learn the first deadline. Errors   TC_EINVAL    options, rid or
 * configuration are not possible TC_ECORRUPT  entries are not dense or a chain hash does not
 * continue
 */
TC_MUST_USE tc_err paxos_new(const struct paxos_params *params, struct paxos **ret_paxos);
void paxos_free(struct paxos *p);

/* One event in, one output out. out is filled on every return.
 *   Errors   leave the replica's log and promise as they were:
 *     TC_ENOTLEADER  PROPOSE, RESIGN: this replica does not lead, does not serve yet, or is
 *                    handing over
 *     TC_EBUSY       PROPOSE: too much is uncommitted or the log is too long; nothing was taken
 *     TC_EBUSY       RESIGN: the target, or whoever might take over, is silent or has just
 *                    started, or another target is asked; try again later
 *     TC_ELIMIT      PROPOSE: too many proposals, or a body too large
 *     TC_EUNSUPPORTED PROPOSE: CONF, which CONFIGURE proposes
 *     TC_EMOVED      PROPOSE, CONFIGURE: the log is sealed
 *     TC_EINVAL      BEGIN: not newborn, not the owner of the promised ballot, no B-tree, or
 *                    the log is not empty
 *     TC_ENOTLEADER  LEARN, UNLEARN, CONFIGURE: this replica does not lead or is handing over
 *     TC_EBUSY       CONFIGURE: another change, or this term's LEAD, is not committed yet, a new
 *                    member has not caught up or lacks its B-tree, nobody that answers could
 *                    lead afterwards, or the log holds too many changes; LEARN:
 *                    PAXOS_LEARNERS_MAX are fed
 *     TC_ELIMIT      CONFIGURE: the driver's bytes are too many
 *     TC_ECORRUPT    RECEIVE: the message contradicts itself or a committed entry; dropped.
 *                    RESTORED: the entries do not continue this log, or lead to another one
 *                    than the better log: begin again at commit + 1
 *     TC_EINVAL      RECEIVE: not addressed to this replica, an unknown type, or a round out
 *                    of all proportion; dropped.
 *                    INSTALLED, TRIM: impossible index. CONFIGURE: not one step from the
 *                    configuration in force. LEARN: a member, or no rid
 */
TC_MUST_USE tc_err paxos_step(struct paxos *p, const struct paxos_event *ev, struct paxos_out *out);

struct paxos_status {
    enum paxos_role role;
    bool serving;       /* leads, and LEAD is applied: may evaluate writes; reads need READ too */
    uint32_t leader;    /* rid believed to lead; 0: unknown */
    uint64_t ballot;    /* of that leader, or own ballot when candidate */
    uint32_t successor; /* resigned to it in writing, and hears of no leader since; 0: nobody */
    uint64_t promised;
    struct paxos_mark base;
    struct paxos_mark last;
    uint64_t commit;
    uint64_t applied;
    uint64_t durable; /* entries up to here are durable */
    uint64_t checkpoint;
    uint64_t archived;
    uint64_t lead_index; /* leader: its LEAD entry */
    bool by_choice; /* candidate, leader: on a resignation, or born so: no leader had been missed */
    uint64_t faulty_count;
    bool log_only;       /* holds no B-tree */
    bool config_settled; /* the configuration in force is committed and not joint */
    bool quiet;          /* no beats of its own, no deadline: the nodes' support stands for it */
    uint64_t seal_index; /* of the entry in the log that seals it, committed or not; 0: none */
};
struct paxos_status paxos_status(const struct paxos *p);
/* The entry at index, or NULL outside (base, last]. Borrowed until the next step. */
const struct paxos_entry *paxos_entry_at(const struct paxos *p, uint64_t index);
/* What the leader knows of another member or learner. */
struct paxos_peer_status {
    uint32_t rid;
    bool learner;
    bool has_tree;     /* it said so in its newest answer */
    uint64_t match;    /* durable there and equal to this log */
    uint64_t heard_ns; /* newest answer, or the begin of the term or of its feeding; of the leader
                        * whose silence began the term: when it fell silent */
    bool below_base;   /* waits for a snapshot */
};
/* Fill ret with up to cap peers; 0 unless this replica leads. */
size_t paxos_peers(const struct paxos *p, struct paxos_peer_status *ret, size_t cap);
/* A quiet follower: when its leader's node last said that nothing has been committed beyond this
 * replica's commit index. 0: it is not quiet. */
uint64_t paxos_fresh_ns(const struct paxos *p);
/* The configuration in force: the latest in the log, committed or not. Until the next step. */
const struct quorum_config *paxos_config(const struct paxos *p);
/* The configuration in force at index (>= base); it goes with a snapshot taken there. */
const struct quorum_config *paxos_config_at(const struct paxos *p, uint64_t index);
/* Highest index that TRIM accepts: min(checkpoint, archived, commit), without a B-tree
 * min(archived, commit); never at or above a joint configuration in force or an unreadable CONF;
 * and on a leader not above what a live follower or learner still needs unless that lags by more
 * than half of PAXOS_LOG_COUNT_MAX. */
uint64_t paxos_trim_max(const struct paxos *p);
/* All invariants above; the simulator and TC_VERIFY builds call it after every step. */
bool paxos_check(const struct paxos *p);

const char *paxos_msg_name(enum paxos_msg_type type);
const char *paxos_role_name(enum paxos_role role);

#endif
