/* store, inside: one replica, the store around it, and what its files offer each other. */
#ifndef TC_ENGINE_STORE_PRIVATE_H
#define TC_ENGINE_STORE_PRIVATE_H

#include "base/arena.h"
#include "base/map.h"
#include "core/bucket/bucket.h"
#include "core/disk/disk.h"
#include "core/paxos/paxos.h"
#include "engine/btree/btree.h"
#include "engine/store/decide.h"
#include "engine/store/dedup.h"
#include "engine/store/overlay.h"
#include "engine/store/store.h"
#include "engine/store/wait.h"
#include "engine/store/wire.h"
#include "engine/wal/wal.h"
#include "env/clock.h"
#include "proto/bytes.h"

enum {
    STORE_SCRUB_MARKS_MAX = 4,         /* marked indices whose content vector is kept */
    STORE_SCRATCH_BYTES_MAX = 8 << 20, /* one evaluation */
    STORE_JOBS_COUNT_MAX = 256,        /* queued for the worker; more wait for the next tick */
    STORE_SEND_WINDOW_COUNT = 4,       /* snapshot chunks without an ack */
    STORE_AUX_LOCALS_MAX = 5,          /* local indexes of a table, which never change */
};

#define STORE_MS_NS          1000000u
#define STORE_BUILD_RETRY_NS 1000000000u /* a child's B-tree that could not be made */

enum replica_state {
    REPLICA_OK,
    REPLICA_DAMAGED,    /* the B-tree is not to be trusted; waits for a snapshot */
    REPLICA_INSTALLING, /* a snapshot is coming in */
    REPLICA_LOG,        /* a log replica: it holds no B-tree, and never leads or serves */
    REPLICA_BUILDING,   /* a child of a split or merge: its B-tree is being made */
    REPLICA_LOST,       /* what it promised is lost: it must be replaced, and says nothing (B11) */
};

/* A unit of the log that paxos waits for, and the lsn at which it is durable. */
struct store_unit {
    uint64_t seq;
    uint64_t lsn;
};

/* The part of the log that is being written and synced. */
struct store_batch {
    struct wal_batch *wal; /* NULL: none is out */
};

/* Proposals taken in since the last flush; their indices are already given. */
struct store_proposals {
    struct paxos_proposal items[PAXOS_PROPOSALS_MAX];
    size_t count;
    uint64_t bytes;
};

/* Addresses and stores of members by rid; see members.h. */
struct store_members {
    Tercet__Pb__Member **items; /* owned */
    size_t count;
};

/* The content vector of a replica at a marked index (REPLICATION.md C4). */
struct scrub_mark {
    uint64_t index;
    uint64_t chain;
    uint64_t item_count;
    struct btree_sums sums;
};

/* Rows of the B-tree that are no items of clients; see aux.h. */
struct store_aux {
    uint64_t count;
    uint64_t bytes; /* keys and values */
    uint64_t outbox_count;
    struct store_aux_local { /* rows of one local index, in the order in which they were met */
        uint8_t id;
        uint64_t count;
        uint64_t bytes;
    } locals[STORE_AUX_LOCALS_MAX];
    size_t local_count;
    bool uncounted; /* locals are not known: an older version's stamp */
};

struct support;
struct index_schema;

struct replica {
    struct store *store;
    uint64_t gid;
    uint32_t rid;
    Tercet__Pb__CreateReplicaRequest *desc; /* owned; partition kept at the newest known */
    struct paxos *paxos;                    /* NULL: REPLICA_LOST */
    struct paxos_status status;             /* after the last step */
    uint64_t deadline_ns;
    size_t heap_at;             /* place in the heap of deadlines; 0: none */
    struct tc_list active_link; /* in store.due.active */
    uint64_t active_until_ns;
    struct store_unit *units; /* not yet durable, oldest first */
    size_t unit_count;
    size_t unit_cap;
    uint64_t durable_seq;
    struct tc_list flush_link;         /* in store.flush_waiting while proposals wait */
    struct store_proposals *proposals; /* NULL until the first */
    struct btree *tree;                /* never NULL while state is REPLICA_OK */
    enum replica_state state;
    char damage[128]; /* why, in words */

    struct paxos_mark applied; /* what the B-tree holds */
    uint64_t reported;         /* what paxos was told of it */
    uint64_t committed;        /* committed and durable here */
    uint64_t noted;            /* request ids of the log are known up to here */
    uint64_t fresh_ns;         /* at that time all is applied that a leader had committed */
    uint64_t lag_index;        /* committed by a leader at lag_ns, not applied yet; 0: none */
    uint64_t lag_ns;
    uint64_t hlc_ns;          /* highest seen in an entry */
    uint64_t applied_hlc_ns;  /* of the newest WRITE applied in this process; 0: none */
    uint64_t term_ballot;     /* own ballot while leading, else 0 */
    uint64_t term_ended_ns;   /* the last one it led; 0: none */
    uint64_t campaign_ballot; /* newest own ballot of a campaign */
    bool stalled;             /* apply waits for a checkpoint to free memory */
    bool blocked;             /* pipeline state is not known: no evaluation until it is applied */
    bool restarting;          /* an installed snapshot began the log anew; its base is logged */
    uint64_t unread_index;    /* an entry that could not be read, for the next tick; 0: none */
    bool hand_over;           /* an entry could not be read: somebody else had better lead */
    uint64_t hand_over_ns;    /* not again before */
    uint64_t disk_stay_ns;    /* not given away because of the disk before */
    bool announced;           /* this term's leadership was pushed to memds */

    uint64_t made_ns; /* here, in this process */
    uint64_t digest;  /* its part of store.digest_sum */

    struct index_schema *schema; /* in force here; NULL: none. Borrows from desc */
    bool schema_unknown;         /* there is one that cannot be read here */
    struct store_aux aux;        /* at applied.index */
    struct expire_state {
        uint64_t next_s; /* no expiry row that counts is due before; 0: not known */
        uint64_t retry_ns;
        uint64_t mark_ns; /* of an index: this leader's hybrid time was in second mark_s then */
        uint64_t mark_s;
    } expire;
    struct store_outbox *outbox; /* a leader's: what is owed to global indexes; NULL: nothing */

    struct store_members members; /* everybody known to be, or to have been, of this group */
    struct store_heal *heal;      /* a leader's change of members; NULL until the first look */
    bool is_short;                /* a leader: members are missing; counted in due.shorts */
    bool restive;                 /* a leader: a member has fallen silent, not for long yet */
    uint64_t fed_ns;              /* a leader was heard then, or this one led */
    uint64_t lookup_ns;           /* alone for long: it asks about its group next */
    uint64_t lookups;             /* how often: another node each time */
    bool excluded;                /* a newer committed configuration is without it */
    uint32_t live_logs;           /* a leader: voters that answer, itself included */

    struct store_overlay overlay;
    struct store_dedup dedup;
    struct store_waits waits;

    struct checkpoint_state {
        bool running;
        bool wanted;
        uint64_t retry_ns;  /* the disk was full: not before */
        uint64_t last_ns;   /* when the last one began */
        uint64_t log_bytes; /* applied since */
        uint64_t durable;   /* index of the newest durable one */
        uint64_t reported;  /* what paxos was told of it */
    } checkpoint;
    struct trim_state {
        uint64_t index; /* to be dropped from the log once lsn is durable; 0: none */
        uint64_t lsn;
    } trim;
    struct archive_state {
        struct tc_list link; /* in store.offers: to be asked for an offer */
        uint64_t archived;   /* answered by the archiver or told by the leader */
        bool offered;        /* one offer is out */
        bool asked;          /* the archiver's end is known in this term */
        uint64_t next_ns;    /* no look before */
        uint64_t ask_ns;     /* no question before */
        uint64_t since_ns;   /* when the oldest entry that is not archived was first seen */
        uint64_t wanted; /* archive up to here without waiting: a scrub compares at this index */
        uint64_t verify_first;
        uint64_t verify_last;
        uint64_t restore_index; /* archived entries up to here are wanted; 0: none */
        uint64_t restore_from;  /* ... and from here on next */
        uint64_t restore_ns;    /* not asked for before */
        uint32_t refused_count; /* pages that the core refused, one after the other */
        bool reading;           /* the offer that is out asks for them */
        char problem[192];
    } archive;
    struct scrub_mark *marks; /* ring of STORE_SCRUB_MARKS_MAX; NULL until the first */
    size_t mark_next;
    struct snapshot_send *sends; /* one per receiving replica, linked */
    struct snapshot_take *take;  /* a snapshot coming in */
    uint64_t ask_ns;             /* when a damaged replica asks for one next */
    struct bucket reads; /* the partition's capacity; in force only where the flag says so */
    struct bucket writes;
    bool limits_reads;
    bool limits_writes;
    size_t jobs_out;         /* jobs that hold pointers into this replica */
    struct store_seal *seal; /* from the entry that seals its log on; see split.h */
    uint64_t seal_index;     /* a SPLIT or MERGE that this process proposed, and its ballot */
    uint64_t seal_ballot;
    bool building;  /* a child: its B-tree is at the worker */
    bool may_begin; /* a child whose first ballot is still this process's to use, once */
};

/* Who is to be looked at, and when; see due.h. */
struct store_due {
    struct replica **heap; /* [1, count], by deadline */
    size_t count;
    size_t cap;
    struct tc_list active;
    bool busy; /* something goes on in an active one, or happened since the last tick */
    uint64_t ticked_ns;
    size_t sweep_at; /* replica that is swept next */
    uint64_t sweep_ns;
    uint64_t upkeep_ns; /* of the active ones */
    size_t hurry;       /* replicas that must still look again */
    size_t hurry_at;
    size_t shorts;    /* groups led here that lack members */
    uint64_t asks_ns; /* the pace of elections: asks_left was counted up to then */
    uint64_t asks_left;
    bool pressed;
};

struct store {
    struct store_env env;
    struct store_options options;
    char dir[512];
    char node[STORE_NAME_BYTES_MAX];
    char zone[STORE_NAME_BYTES_MAX];
    char addr[STORE_ADDR_BYTES_MAX];
    uint8_t uuid[STORE_UUID_BYTES];
    uint64_t boot;
    uint64_t opened_ns;
    struct wal *wal;
    struct store_batch *batch;
    uint64_t durable_lsn;
    uint64_t queue_max_bytes; /* queued for the log, above which requests and messages wait */
    uint64_t proposed_bytes;  /* taken in and not yet with the log */
    uint64_t clock_mono_ns;   /* at the last look: both clocks must move alike */
    uint64_t clock_wall_ns;
    struct disk disk;
    uint64_t disk_tick_ns;
    bool failed;               /* the log is lost to this process */
    struct replica **replicas; /* ascending gid */
    size_t replica_count;
    struct tc_map by_gid; /* gid -> struct replica */
    struct store_due due;
    struct tc_list offers; /* replicas that may have something for the archiver */
    struct support *support;
    struct tc_map addresses; /* store uuid -> address, owned */
    struct tc_list effects_ready;
    struct tc_list effects_held;
    struct tc_list jobs; /* waiting for the worker */
    size_t job_count;
    struct tc_arena scratch; /* reset by each evaluation */
    struct store_counters counters;
    struct tc_list flush_waiting;
    struct store_wire_out *wire_out; /* scratch of one send and one receipt */
    struct store_wire_in *wire_in;
    struct paxos_entry *wire_entries;
    uint64_t upkeep_ns;      /* when the upkeep runs next */
    size_t push_at;          /* replica whose partition is told to memds next */
    struct tc_buf tables_at; /* system group's leader: key of the table told last; empty: begin */
    uint64_t digest_sum;
    size_t rest_at; /* replica that gives back its idle memory at rest_ns */
    uint64_t rest_ns;
    uint64_t relieve_ns;               /* when a full log is looked after next */
    uint64_t prepare_ns;               /* no segment is made before */
    bool preparing;                    /* a segment is being made */
    struct store_directory *directory; /* never NULL */
    struct tc_list calls;              /* to other nodes, not answered yet; see call.h */
    size_t call_count;
    uint64_t next_call;
    struct tc_list outboxes;   /* groups led here that have rows for global indexes */
    uint64_t outbox_ns;        /* when they are looked at next */
    struct tc_list deliveries; /* such rows on their way */
    size_t delivery_count;
    uint64_t delivery_bytes;
    uint64_t next_delivery;
};

struct store_job {
    struct tc_list link;
    struct replica *r; /* NULL: of the store */
    bool cancelled;    /* never ran: release what it holds, nothing else */
    void (*run)(struct store_job *j);
    void (*done)(struct store *s, struct store_job *j); /* frees it */
};

/* ---- effect.c */
void store__reply(struct store *s, uint64_t token, tc_err err, const ProtobufCMessage *msg);
void store__reply_packed(struct store *s, uint64_t token, tc_err err, struct tc_slice payload);
void store__send(struct store *s, enum store_effect_type type, const char *addr, uint64_t after_lsn,
                 const ProtobufCMessage *msg);
void store__push(struct store *s, const Tercet__Pb__PushRequest *msg);
/* Rows of one index on their way to its groups. */
void store__index_send(struct store *s, uint64_t token, uint64_t table_id,
                       const Tercet__Pb__IndexRequest *msg);
/* Takes the payload. */
void store__call_send(struct store *s, const struct store_effect *call);
void store__effects_release(struct store *s);
void store__effects_deinit(struct store *s);

/* ---- job.c */
/* Queue a job whose struct starts with store_job. */
void store__job_add(struct store *s, struct replica *r, struct store_job *j);
void store__jobs_cancel(struct store *s);

/* ---- store.c */
/* Compare how far both clocks moved: a virtual machine that was paused finds wall time ahead. Then
 * every lease and grant is void (REPLICATION.md B8). Call before a lease is relied on. */
void store__check_clocks(struct store *s);

/* ---- batch.c */
/* Room for entries that peers or the archive have, in the log's queue and in its segments. */
bool store__log_has_room(const struct store *s);
/* Bytes on their way into the log. */
uint64_t store__log_bytes_coming(const struct store *s);
/* Hand every queued proposal to its group. */
void store__flush(struct store *s);
/* The log cannot be trusted any more: remembered, and told to the shell by store_batch_done. */
void store__fail(struct store *s, const char *why);

/* ---- shared by all */
static inline uint64_t store__now_ns(const struct store *s) {
    return tc_clock_mono_ns(s->env.clock);
}
static inline uint64_t store__wall_ns(const struct store *s) {
    return tc_clock_wall(s->env.clock).unix_ns;
}
static inline struct replica *store__find(const struct store *s, uint64_t gid) {
    return tc_map_get(&s->by_gid, tc_map_u64_key(&gid));
}
static inline uint64_t store__earlier(uint64_t a_ns, uint64_t b_ns) {
    return a_ns < b_ns ? a_ns : b_ns;
}

#endif
