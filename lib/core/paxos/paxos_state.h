/* The state of one replica of a group: the log, what is durable, and what each role keeps.
 *
 * Private to core/paxos. Fields belong to the role that they stand under; paxos_check (status.c)
 * says how they hang together. Nothing of it is durable but the log and promised.
 */
#ifndef TC_CORE_PAXOS_STATE_H
#define TC_CORE_PAXOS_STATE_H

#include "base/arena.h"
#include "base/prng.h"
#include "core/paxos/log.h"
#include "core/paxos/paxos.h"

enum {
    PAXOS_PENDING_MIN = 4,
    PAXOS_PENDING_MAX = 256, /* units written and not yet durable; more are merged */
    PAXOS_FETCHES_MAX = 8,   /* FAULTY entries asked for at once */
    /* Voters of the configuration in force; beside them a leader feeds learners, and anybody else
     * asks the voters of the newest configuration it was shown, as far as there is room. */
    PAXOS_PEERS_MAX = QUORUM_VOTERS_MAX + PAXOS_LEARNERS_MAX,
    PAXOS_PEERS_FEW = 4, /* of a group of three, with its learners: room for these comes first */
};

/* How the leader feeds one follower or learner. */
enum peer_mode {
    PEER_PROBE,     /* match unknown: one message at a time */
    PEER_REPLICATE, /* match known: pipelined within the window */
    PEER_SNAPSHOT,  /* below the base: waits for a snapshot */
};

struct peer {
    uint32_t rid;
    bool pump; /* something changed or it is new: send it what the role has to send */
    /* of the leader */
    bool learner;     /* fed, never counted: no configuration names it */
    bool has_tree;    /* its newest answer said so */
    bool quarantined; /* likewise: it has just started and cannot campaign yet */
    enum peer_mode mode;
    uint64_t match;
    uint64_t next;        /* match < next; entries in (match, next) are in flight */
    uint64_t echo_ns;     /* newest own send time it echoed at this ballot; 0: none */
    uint64_t heard_ns;    /* newest answer at this ballot */
    uint64_t beat_match;  /* match at the last beat: no progress since then means loss */
    uint64_t snapshot_ns; /* a snapshot was asked for then */
    uint64_t rewound_ns;  /* a mismatch moved next down then */
    uint64_t matched_ns;  /* match rose then */
    uint32_t slot;        /* its node in the support machine; 0: none */
    bool asked_quiet;     /* it may be quiet since */
    bool quiet;           /* it is: its node's acknowledgements at fort_boot and fort_epoch count */
    uint64_t fort_boot;
    uint64_t fort_epoch;
    /* of the candidate */
    bool silent; /* answered this ask round: hears no leader */
    bool promised;
    struct paxos_mark last;  /* of its promise */
    uint64_t config_version; /* in force there when it promised */
    bool absent;             /* provably never had the entry that blocks adoption */
};

/* A unit given to the driver. The log was (base, last] then; a later cut lowers last. */
struct pending {
    uint64_t seq;
    uint64_t last;
    uint64_t repair; /* index repaired, or 0 */
};

enum phase {
    PHASE_IDLE,
    PHASE_ASK,
    PHASE_PREPARE,
};

struct paxos {
    struct tc_arena self;    /* holds this struct */
    struct tc_arena scratch; /* output of the current step */
    uint64_t gid;
    uint32_t rid;
    struct paxos_options opt;
    struct tc_prng prng;
    const struct tc_trace *trace;
    uint64_t now_ns;
    uint64_t before_ns; /* time of the step before */

    struct paxos_log log;
    uint64_t promised;
    uint64_t commit;
    uint64_t applied;
    uint64_t checkpoint;
    uint64_t archived;
    uint64_t durable; /* entries up to here */
    uint64_t seq;     /* newest unit given out */
    uint64_t durable_seq;
    uint64_t hard_seq;     /* unit that holds promised */
    struct tc_buf pending; /* struct pending[], a ring: it grows with the disk's delay */
    size_t pending_head;
    size_t pending_count;
    uint64_t pending_since_ns; /* the oldest unit has been waiting since */

    enum paxos_role role;
    enum phase phase;
    uint64_t ballot; /* candidate, leader: own; follower: of the leader it knows */
    uint32_t leader;
    uint64_t round_seen; /* highest round anyone mentioned */
    struct peer *peers;  /* in peer_mem, which grows once, to PAXOS_PEERS_MAX */
    struct tc_buf peer_mem;
    struct tc_buf peer_mem_before; /* until the step ends in which it grew */
    size_t peer_count;
    bool log_only;           /* holds no B-tree */
    struct support *support; /* NULL: no group is ever quiet */
    uint32_t held_slots[PAXOS_PEERS_MAX];
    size_t held_count;
    bool newborn; /* BEGIN may come, once */

    /* follower */
    uint64_t heard_ns;  /* last ACCEPT of a current leader; 0: never */
    uint64_t missed_ns; /* since then the leader missed is silent; 0: none is */
    uint32_t missed;
    uint64_t suspect_at_ns;
    uint64_t grant_until_ns;
    uint64_t grant_ballot;
    uint64_t quarantine_until_ns;
    uint64_t verified; /* equal to the log of leader verified_ballot up to here */
    uint64_t verified_ballot;
    uint64_t fetch_at_ns;
    bool fortified; /* the grant runs while the node supports the leader's: see quiet.c */
    bool restless;  /* ... but this replica needs its leader's attention */
    uint32_t fort_slot;
    uint64_t fort_boot;
    uint64_t fort_epoch;
    uint64_t seen_number; /* newest count of awakenings that the leader told */

    /* candidate */
    uint64_t ask_ns; /* this round's send time */
    bool ask_veto;
    struct tc_buf shown; /* struct quorum_config: the newest one a peer showed this round */
    uint64_t retry_at_ns;
    uint64_t give_up_at_ns;
    uint32_t joined_rid;      /* of the best log, whose pages agree with the own one ... */
    struct paxos_mark joined; /* ... up to here */
    bool joined_doubt;        /* nothing but earlier pages came since */
    uint64_t pulled_last;     /* where a page was last asked for, + 1; 0: ask again */
    uint64_t resigned_ballot; /* proof carried by this campaign; 0: none */
    struct paxos_mark want;   /* FAULTY at its promiser: wanted from anybody; index 0: none */
    uint32_t want_rid; /* whose log it was found in, unreadable; the own rid: in the own one */
    struct paxos_mark
        restore; /* a better log begins there, and joins this one by the archive only */

    /* leader */
    uint64_t lead_index;
    uint64_t led_since_ns;
    uint64_t beat_at_ns;
    uint64_t echo_floor_ns;
    bool asking;    /* serves, and waits for a successor to answer (resign.c) */
    bool resigning; /* serves no more, and waits for the successor to hold the log */
    bool resign_leaves;
    uint32_t resign_target; /* 0: whoever answers */
    uint32_t resigned_to;   /* in the last term that ended so; 0: to nobody */
    uint64_t
        handed_ballot; /* resigned to it in writing, and nobody has asked for a promise since */
    uint64_t take_back_at_ns; /* then this replica leads again; handed_ballot 0: never */
    uint64_t resign_asked_ns; /* the question's send time: only answers to later beats count */
    uint64_t resign_at_ns;    /* so long the one or the other goes on */
    uint64_t quiet_number;    /* awakenings so far; never falls while this process runs */
    uint64_t active_ns;       /* somebody proposed last then */
    uint64_t told_archived;   /* what the followers were told */

    /* the step's output */
    struct paxos_out *out;
    uint64_t append_from;                 /* 0: nothing appended this step */
    uint64_t repaired[PAXOS_FETCHES_MAX]; /* indices repaired this step */
    bool was_serving;
    struct tc_buf sends;     /* struct paxos_send[] */
    struct tc_buf repairs;   /* struct paxos_entry[] */
    struct tc_buf snapshots; /* uint32_t[] */
    bool hardstate;
};

#endif
