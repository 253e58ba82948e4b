/* store, inside: what one store holds, and what its files offer each other. */
#ifndef TC_ENGINE_STORE_PRIVATE_H
#define TC_ENGINE_STORE_PRIVATE_H

#include "base/arena.h"
#include "base/map.h"
#include "core/disk/disk.h"
#include "core/paxos/paxos.h"
#include "engine/store/decide.h"
#include "engine/store/replica_state.h"
#include "engine/store/store.h"
#include "engine/store/wire.h"
#include "engine/wal/wal.h"
#include "env/clock.h"
#include "proto/bytes.h"

enum {
    STORE_SCRATCH_BYTES_MAX = 8 << 20, /* one evaluation */
    STORE_JOBS_COUNT_MAX = 256,        /* queued for the worker; more wait for the next tick */
    STORE_SEND_WINDOW_COUNT = 4,       /* snapshot chunks without an ack */
};

#define STORE_MS_NS 1000000u

/* The part of the log that is being written and synced. */
struct store_batch {
    struct wal_batch *wal; /* NULL: none is out */
};

struct support;

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
/* A uuid or a request id: 16 bytes by chance. */
static inline void store__random_id(const struct store *s, uint8_t id[STORE_UUID_BYTES]) {
    for (size_t i = 0; i < STORE_UUID_BYTES; i += 8) {
        uint64_t bits = s->env.random(s->env.user);
        memcpy(id + i, &bits, sizeof bits);
    }
}
static inline uint64_t store__earlier(uint64_t a_ns, uint64_t b_ns) {
    return a_ns < b_ns ? a_ns : b_ns;
}

#endif
