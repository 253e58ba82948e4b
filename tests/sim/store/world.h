/* world: several storage nodes with their disks, clocks, clients, an archive and the network
 * between them, in one thread and one virtual time, from one seed.
 *
 * Every node is the store that ships (engine/store over engine/wal, engine/btree and core/paxos) on
 * a simulated disk; only the shell around it is simulated: log batches and worker jobs complete
 * after a delay, messages and requests travel as packed bytes, processes die and disks fail.
 *
 * What is judged stands outside the code (world_judge): the archive's log is replayed request by
 * request and every answer any client got is held against it.
 *
 * Threads: one. Two worlds in one process do not touch each other.
 */
#ifndef TC_SIM_STORE_WORLD_H
#define TC_SIM_STORE_WORLD_H

#include "base/map.h"
#include "base/prng.h"
#include "engine/store/store.h"
#include "env/sim/sim.h"
#include "sim/kit/heap.h"
#include "sim/kit/net.h"
#include "sim/store/disk.h"
#include "sim/store/follow.h"
#include "sim/store/index.h"
#include "sim/store/run.h"
#include "sim/store/strand.h"
#include "sim/store/swarm.h"
#include "sim/store/unmade.h"

enum {
    WORLD_NODES_MAX = 7,
    WORLD_ROOTS_MAX = 4,   /* groups at the beginning */
    WORLD_GROUPS_MAX = 32, /* and what they split and merge into; a power of 2 */
    WORLD_SPLITS_MAX = 6,
    WORLD_MERGES_MAX = 8,
    WORLD_KEYS_MAX = 12, /* per group; key 0 is a counter that is only added to */
    WORLD_CLIENTS_MAX = 8,
    WORLD_ATTEMPTS_MAX = 60,
    WORLD_RANGE_ITEMS_MAX = 12,
    WORLD_INDEX_TABLE = 900, /* table id of the index */
    WORLD_INDEX_VALUES = 4,  /* of the attribute it is by: three letters, or the item has none */
};

#define WORLD_MS_NS      1000000u
#define WORLD_GIVE_UP_NS 9000000000u /* routers repeat a request id for at most 10 s */

/* A group. The first swarm.groups of a world are roots; a split takes two more as children, whose
 * keys are part of their parent's and whose indices go on where the parent's end; a merge takes one
 * more, whose keys are those of two neighbours of one line and whose indices go on above both. A
 * group's number is above those of all that it comes from. */
struct world_group {
    uint64_t gid;
    uint32_t root;        /* the group at the beginning of its line; itself */
    uint32_t parent;      /* itself for a root; of a merged one the left one */
    uint32_t right;       /* of a merged one the right one; else 0, which is never one */
    uint32_t merged;      /* what this one and a neighbour are to become; 0: nothing */
    uint32_t children[2]; /* 0: no split was asked for */
    uint32_t split_key;   /* the first of the right child */
    bool made;            /* somebody has seen what it became */
    uint64_t hold_ns;     /* of a merged one: nobody asks for the merge before */
    uint32_t from, to;    /* its keys: [from, to) */
    uint32_t count;       /* members; at first rid i + 1 lives on nodes[i] */
    uint32_t nodes[WORLD_NODES_MAX];
    uint64_t epoch;                     /* of which the members are: as clients know them */
    struct tc_buf keys[WORLD_KEYS_MAX]; /* storage keys, ascending */
    char names[WORLD_KEYS_MAX][12];     /* and the key attribute of each */
    uint64_t told;                      /* highest index that anybody was told of */
    struct tc_buf history;              /* struct world_told, ascending */
};

/* From at_ns on somebody knew of index. */
struct world_told {
    uint64_t at_ns;
    uint64_t index;
};

/* The archive's copy of one group's log; entry i stands at i - 1 - base. */
struct world_archive {
    struct world_entry *entries;
    uint64_t base; /* a child's log begins above its parent's SPLIT */
    uint64_t base_chain;
    uint64_t count; /* the last index it has */
    uint64_t cap;
};

struct world_entry {
    uint64_t ballot;
    uint64_t chain;
    uint32_t body_crc;
    uint16_t type;
    struct tc_buf body;
};

struct world;

struct world_node {
    struct world *w;
    uint32_t id;
    struct sim_fs *fs;
    struct sim_clock clock;
    struct store_env env;
    struct tc_prng prng;
    struct store *store; /* NULL: down */
    uint8_t uuid[STORE_UUID_BYTES];
    uint64_t life; /* rises with every start and stop: events of an older life are void */
    struct store_batch *batch;
    bool batch_written;
    tc_err batch_err;
    struct store_job *job;
    bool job_ran;
    uint64_t origin_ns; /* of its monotonic clock */
    int32_t drift_ppm;
    uint64_t paused_until_ns;
    uint64_t slow_until_ns;
    bool lost;   /* the disk was given up because of rot: for good */
    bool rotten; /* a bit was flipped in some file */
    struct world_disk disk;
    bool failing; /* a disk fault is armed or happened in this life */
    bool doubted; /* a B-tree was damaged or given up on purpose in this life */
};

enum world_kind {
    OP_GET,
    OP_GET_EVENTUAL,
    OP_PUT,
    OP_PUT_IF,     /* condition: the item's stamp is the one last seen */
    OP_PUT_ABSENT, /* condition: no such item */
    OP_ADD,
    OP_DELETE,
    OP_RANGE,
    OP_RANGE_EVENTUAL,
    OP_KINDS,
};

struct world_seen {
    uint32_t key;
    uint64_t stamp; /* id of the operation that wrote the item; 0: no item */
    uint64_t count;
};

/* One operation of a client, kept to the end. */
struct world_op {
    uint64_t id; /* from 1 */
    enum world_kind kind;
    uint32_t client;
    uint32_t group; /* a root */
    uint32_t part;  /* the group of that line which is asked; the one that answered, when done */
    uint8_t parts[WORLD_ATTEMPTS_MAX + 1]; /* by attempt */
    uint32_t key;
    uint64_t expected;  /* OP_PUT_IF: stamp */
    uint64_t item_hash; /* of the item it puts */
    uint32_t limit;     /* ranges */
    bool reverse;
    struct tc_buf request; /* packed; freed when done */
    uint64_t invoked_ns;
    uint64_t floor; /* index that somebody knew of before */
    uint32_t attempts;
    uint64_t open_attempts; /* bit per attempt that may still be carried out */
    bool refusing;          /* its first attempt came to a store that takes no writes */
    bool done;
    bool maybe; /* refused, but an earlier attempt may have been, or be, carried out */
    tc_err err; /* TC_EUNKNOWN: given up */
    uint64_t index;
    struct world_seen seen[WORLD_RANGE_ITEMS_MAX];
    uint32_t seen_count;
    bool more;
    uint64_t logged; /* index of its entry; found by the judge */
};

/* A scrub of one group under load: one mark, and what each replica had there. */
struct world_scrub {
    uint64_t token; /* of the mark asked for; 0: none */
    uint64_t asked_ns;
    uint32_t from;        /* who told the vector first */
    struct tc_buf vector; /* empty: nobody yet */
};

struct world_client {
    struct world_op *op;
    uint32_t node; /* where it asks next */
    uint64_t wake; /* number of the timer that counts */
    uint32_t hints[WORLD_GROUPS_MAX];
    uint64_t last_stamp[WORLD_ROOTS_MAX][WORLD_KEYS_MAX];
    uint64_t done_count;
    bool idle; /* begins nothing new */
};

struct world {
    uint64_t seed;
    struct world_swarm swarm;
    struct tc_prng prng;
    struct tc_prng fault_prng;
    uint64_t now_ns;
    struct sim_heap heap;
    struct sim_net net;
    struct world_node nodes[WORLD_NODES_MAX];
    struct world_group groups[WORLD_GROUPS_MAX];
    uint32_t group_count;
    uint32_t root_count;
    struct world_index index;
    struct world_follow follow;
    struct tc_prng split_prng;
    uint64_t split_count;       /* made */
    bool split_watch;           /* the next child's leader is to lose power as it begins */
    struct tc_map first_owners; /* gid -> life of the node that began it; see first_ballot.c */
    uint64_t merge_count;       /* made */
    struct world_archive archives[WORLD_GROUPS_MAX];
    struct world_client clients[WORLD_CLIENTS_MAX];
    struct world_op **ops;
    uint64_t op_count;
    uint64_t op_cap;
    struct tc_map marks; /* tokens of scrub marks -> index */
    struct world_scrub scrubs[WORLD_GROUPS_MAX];
    struct tc_prng reshape_prng;
    struct world_strand strand;
    struct world_unmade unmade;
    struct world_disks disks;
    bool reshape_notices; /* the control plane knows who is down */
    uint64_t directory_version;
    struct tc_map calls; /* tokens of calls in progress -> their answers, to be filled in */
    uint64_t call_count;
    uint64_t archive_out_until_ns;
    uint64_t hash; /* of everything that happened */
    uint64_t event_count;
    uint64_t acked_count;
    uint64_t unknown_count;
    uint64_t refused_count;
    uint64_t fault_count;
    uint64_t restart_count;
    uint64_t snapshot_count;
    uint64_t damage_count;
    uint64_t trimmed_count;
    uint64_t lost_count;
    uint64_t scrub_count;    /* comparisons of two replicas */
    uint64_t wiped_count;    /* disks lost for good */
    uint64_t move_count;     /* begun */
    uint64_t join_count;     /* log replicas taken in */
    uint64_t heal_count;     /* ... and made storage replicas */
    uint64_t restored_count; /* entries that came back from the archive */
    bool calm;
    bool failed;
    char failure[WORLD_FAILURE_BYTES];
    void (*trace)(void *user, const char *line);
    void *trace_user;
};

/* ---- world.c */
void world_init(struct world *w, uint64_t seed, const struct world_swarm *swarm);
void world_deinit(struct world *w);
/* One event; false when the next one lies after until_ns or the run has failed. */
bool world_next(struct world *w, uint64_t until_ns);
/* All events of the next ms. */
void world_run_ms(struct world *w, uint64_t ms);
/* Run until it is so, two minutes at most. *ret_group: whose fault it is that it is not. */
bool world_settles(struct world *w, bool (*is_settled)(struct world *w, uint32_t *ret_group),
                   uint32_t *ret_group);
void world_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void world_trace(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void world_mix(struct world *w, struct tc_slice bytes);
uint64_t world_below(struct world *w, uint64_t bound);

enum world_event {
    EVENT_TICK,    /* node */
    EVENT_PARCEL,  /* node; data: struct world_parcel */
    EVENT_BATCH,   /* node, arg: life */
    EVENT_JOB,     /* node, arg: life */
    EVENT_START,   /* node, arg: life */
    EVENT_ANSWER,  /* data: parcel for a client */
    EVENT_CLIENT,  /* node: client, arg: wake */
    EVENT_OFFER,   /* node; data: parcel for the archive */
    EVENT_ARCHIVE, /* node; data: parcel from the archive */
    EVENT_FAULT,   /* node: 0: any fault; else this node + 1 loses power */
    EVENT_ORACLE,
    EVENT_SCRUB,  /* node: group */
    EVENT_UNMADE, /* a replica that was not made is asked for after all */
    EVENT_RESHAPE,
    EVENT_STRAND,
    EVENT_SPLIT, /* node: the parent; 0xffffffff: a new one, or a merge, is drawn */
    EVENT_MERGE, /* node: the merged group */
    EVENT_PART,  /* arg: part and attempt of rows of the index: time for another attempt */
    EVENT_SCHEMA,
    EVENT_FOLLOW,
    EVENT_DISK,
};

enum world_parcel_kind {
    PARCEL_PAXOS,
    PARCEL_CHUNK,
    PARCEL_BEAT,
    PARCEL_BEAT_ACK,
    PARCEL_ITEM,
    PARCEL_RANGE,
    PARCEL_CALL,
    PARCEL_CALLED,
    PARCEL_ROWS,
    PARCEL_ROWS_DONE,
    PARCEL_ARCHIVE_LOST,
    PARCEL_ARCHIVE,
};

struct world_parcel {
    enum world_parcel_kind kind;
    uint32_t from;
    uint64_t token;
    uint64_t life;
    uint64_t gid;
    const char *method; /* CALL */
    tc_err err;
    struct tc_buf bytes;
};

struct world_parcel *world_parcel_new(enum world_parcel_kind kind, uint32_t from);
void world_parcel_free(struct world_parcel *p);
void world_push(struct world *w, uint64_t delay_ns, enum world_event kind, uint32_t node,
                uint64_t arg, void *data);

/* ---- node.c */
void world_node_init(struct world *w, uint32_t id);
void world_node_start(struct world_node *n);
/* The process ends now; power: the machine too. It starts again after delay_ns. */
void world_node_stop(struct world_node *n, bool power, uint64_t delay_ns);
void world_node_event(struct world_node *n, const struct sim_event *ev);
/* Let the store's effects, batches, jobs and offers out. */
void world_node_pump(struct world_node *n);
void world_node_set_clock(struct world_node *n);
/* It runs and holds a replica of the group. */
bool world_node_has(struct world_node *n, uint64_t gid);
/* NULL when down; free with free_unpacked. */
Tercet__Pb__NodeInfoReply *world_node_info(struct world_node *n);

/* ---- effects.c */
void world_effects_take(struct world_node *n);

/* ---- work.c */
/* The next batch and the next job, if none is out. */
void world_work_take(struct world_node *n);
void world_work_batch_done(struct world_node *n);
void world_work_job_done(struct world_node *n);
/* The process ends: what is under way is carried out in part. */
void world_work_end(struct world_node *n);

/* ---- deliver.c */
void world_deliver(struct world_node *n, const struct world_parcel *p);
void world_deliver_archive(struct world_node *n, const struct world_parcel *p);

/* ---- group.c */
void world_groups_create(struct world *w);
/* Zone letter of a node. */
char world_zone(const struct world *w, uint32_t node);
/* Two more groups, for the children of parent. False: there is no room. */
bool world_groups_reserve(struct world *w, uint32_t parent, uint32_t split_key);
/* One more group, for what two neighbours become; its number, 0: there is no room. */
uint32_t world_groups_reserve_merged(struct world *w, uint32_t left, uint32_t right);
/* It is not to be split or merged, and it exists as far as the world has seen. */
bool world_group_is_leaf(const struct world *w, uint32_t group);
/* Ask one of its members, drawn from prng, to put the schema in force; that fails now and then. */
void world_group_set_schema(struct world *w, uint32_t group, struct tc_slice schema,
                            struct tc_prng *prng);
/* It exists as far as the world has seen, and nothing has come of it yet. */
bool world_group_lives(const struct world *w, uint32_t group);
/* It is to be split or merged, so others will have its keys. */
bool world_group_ends(const struct world_group *g);
/* Number of the group; groups of a world have gids from 1. */
uint32_t world_group_of(const struct world *w, uint64_t gid);

/* ---- split.c */
/* Ask for another split, or ask again for one that is not finished. */
void world_split_next(struct world *w, uint32_t parent);
/* n sends a message: it may be of the ballot that a child begins with (first_ballot.c). */
void world_first_ballot(struct world *w, struct world_node *n, const struct store_effect *e);
void world_first_ballot_deinit(struct world *w);
/* The group of op's line which holds its key, as far as the world has seen. */
uint32_t world_split_leaf(const struct world *w, uint32_t root, uint32_t key);
/* Highest index that anybody was told of a key, in whatever group of its line. */
uint64_t world_split_told(const struct world *w, uint32_t root, uint32_t key);
/* ... at_ns. */
uint64_t world_split_told_at(const struct world *w, uint32_t root, uint32_t key, uint64_t at_ns);
/* A refusal named this group: it was seen. WORLD_GROUPS_MAX: it is not of this line. */
uint32_t world_split_seen(struct world *w, uint32_t root, uint64_t gid);
/* Every member that can has finished the split of this group. */
bool world_split_settled(struct world *w, uint32_t group);

/* ---- merge.c */
/* Ask for a merge of two neighbours, if there are any. */
void world_merge_draw(struct world *w);
/* Ask for the merge again, of some node, until it is finished. */
void world_merge_next(struct world *w, uint32_t merged);
/* Every member that can has finished its part in what this group is to become. */
bool world_merge_settled(struct world *w, uint32_t group);

/* ---- request.c: what clients send, and what they read out of answers */
void world_request_build(struct world *w, struct world_op *op);
struct world_seen world_item_read(const struct world_group *g, uint32_t key, struct tc_slice item);
uint32_t world_key_find(const struct world *w, const struct world_group *g, struct tc_slice key);
uint32_t world_key_of_item(const struct world *w, const struct world_group *g,
                           struct tc_slice item);

/* ---- client.c */
void world_client_wake(struct world *w, uint32_t client, uint64_t wake);
void world_client_answer(struct world *w, const struct world_parcel *p);
bool world_op_is_write(enum world_kind kind);
const char *world_op_name(enum world_kind kind);

/* ---- archive.c */
void world_archive_offers(struct world_node *n);
void world_archive_take(struct world *w, uint32_t node, struct world_parcel *offer);
void world_archive_deinit(struct world_archive *a);

/* ---- fault.c */
void world_fault_next(struct world *w);
void world_fault_power(struct world *w, uint32_t node);
/* Power went at some node whose store had nothing to write, so it has not noticed: it starts again.
 */
void world_fault_end_dead(struct world *w);
void world_calm(struct world *w);

/* ---- oracle.c */
/* An answer leaves its node: from now on somebody may know of it. */
void world_oracle_answer(struct world *w, uint32_t group, enum world_kind kind, tc_err err,
                         uint64_t index);
/* Highest index that was known at_ns. */
uint64_t world_oracle_told(const struct world_group *g, uint64_t at_ns);
/* Ask some node for a strong read now, and again later. */
void world_oracle_next(struct world *w);
bool world_oracle_owns(uint64_t token);
void world_oracle_reply(struct world *w, const struct store_effect *e);

/* ---- scrub.c */
/* One step of the group's scrub: mark, or compare what is known of the last mark. */
void world_scrub_next(struct world *w, uint32_t group);
void world_scrub_deinit(struct world_scrub *s);

/* ---- calls.c */
void world_call(struct world_node *n, const struct store_effect *e);
void world_call_deliver(struct world_node *n, const struct world_parcel *p);
bool world_call_owns(uint64_t token);
void world_call_reply(struct world_node *n, const struct store_effect *e);
void world_calls_deinit(struct world *w);

/* ---- reshape.c */
void world_reshape_next(struct world *w);
/* What a node says of the members, if it is news. */
void world_group_learn(struct world *w, struct world_group *g, const Tercet__Pb__Partition *p);
/* The replica that leads with the newest ballot, as it says itself; NULL: none. *ret_info is to be
 * freed if it is found. */
Tercet__Pb__ReplicaInfo *world_group_leader(struct world *w, uint64_t gid,
                                            Tercet__Pb__NodeInfoReply **ret_info,
                                            struct world_node **ret_node);
/* Ask the leader n, which told r, for a move of the member at, or to lead instead of it. */
void world_ask_move(struct world *w, struct world_node *n, const Tercet__Pb__ReplicaInfo *r,
                    uint32_t at, uint32_t to);
void world_ask_transfer(struct world *w, struct world_node *n, const Tercet__Pb__ReplicaInfo *r,
                        uint32_t at);
/* The disk of n is lost for good, if every group survives that: false if not. */
bool world_lose_disk(struct world *w, struct world_node *n);
/* Its leader reports three storage replicas that answer and keep up; learns the members. */
bool world_group_whole(struct world *w, struct world_group *g);

/* ---- align.c */
/* A merge is wanted whose groups stand on different nodes: one step to bring them together. */
void world_align(struct world *w, struct world_group *merged);
/* It is to merge: its members are not moved at random. */
bool world_align_holds(const struct world_group *g);

/* ---- judge.c */
/* Replay the archive and hold every answer against it. */
void world_judge(struct world *w);

/* ---- ends.c */
/* It is split or merged, everywhere. */
bool world_end_settled(struct world *w, uint32_t group);
/* Demand that of every group that is to be. */
void world_ends_settle(struct world *w);

/* ---- converge.c */
/* The entry that ended this group is in the archive, where the logs of what it became begin. */
bool world_end_archived(const struct world *w, uint32_t group);
/* This replica may never agree with the others: its disk rotted. */
bool world_excused(struct world_node *n, uint64_t gid);
/* All replicas reach the same index with the same content, and the archive rebuilds it. */
void world_converge(struct world *w);

#endif
