/* sim_cluster: one replication group (core/paxos) on a few stores in virtual time.
 *
 * It is a driver of the core as the daemon's is: it steps, writes units to a simulated disk, sends
 * what may leave, applies, and reports back. Around it stand a network, clocks, clients and faults,
 * all from one seed; checkers look at every node after every step (REPLICATION.md B2, D3). A node
 * is one store: it holds one replica, whose rid is its own for ever, or none. Who is replaced,
 * moved and healed is decided by an administrator that sees what the daemons' one sees.
 *
 * One thread, no globals but paxos_mutant. A failed check ends the run: `failure` says what.
 *
 * cluster.c life and event loop · node.c driver · store.c replicas come and go · ship.c snapshots,
 * archive · admin.c replacement, moves, healing · disk.c durable state · machine.c the replicated
 * registers · client.c requests · check.c invariants · fault.c faults by swarm · run.c one seed
 */
#ifndef TC_SIM_CLUSTER_H
#define TC_SIM_CLUSTER_H

#include "base/buf.h"
#include "base/prng.h"
#include "base/trace.h"
#include "core/paxos/paxos.h"
#include "core/support/support.h"
#include "sim/kit/clock.h"
#include "sim/kit/heap.h"
#include "sim/kit/history.h"
#include "sim/kit/net.h"

enum {
    SIM_NODES_MAX = 9,
    SIM_RIDS_MAX = 512,
    SIM_KEYS = 6,
    SIM_CLIENTS_MAX = 8,
    SIM_UNITS_MAX = 2048,  /* written and not yet durable */
    SIM_WAITING_MAX = 512, /* writes of one node waiting for commit */
    SIM_TEXT_MAX = 256,
    SIM_IN_FLIGHT_MAX = 20000, /* messages: more of them is a storm (rule 7) */
    SIM_SIBLINGS_MAX = 3,
};

#define SIM_MS 1000000u

extern unsigned paxos_mutant;

/* ---- disk ------------------------------------------------------------------------------------ */

struct sim_unit {
    uint64_t seq;
    bool hardstate;
    uint64_t promised;
    struct tc_buf appends; /* struct paxos_entry[], bodies referenced */
    struct tc_buf repairs;
};

struct sim_state {
    uint64_t applied;
    uint64_t chain; /* of the log at applied */
    uint64_t version[SIM_KEYS];
    uint64_t value[SIM_KEYS];
    uint64_t sum; /* of everything above and of every entry applied */
};

struct sim_disk {
    uint64_t promised;
    struct paxos_mark base;
    struct quorum_config config; /* in force at base */
    bool log_only;               /* no B-tree: checkpoint says nothing */
    struct tc_buf log;           /* struct paxos_entry[], base.index + 1 first; bodies referenced */
    struct sim_state checkpoint;
    struct sim_unit units[SIM_UNITS_MAX]; /* not durable, oldest first (ring) */
    size_t unit_head;
    size_t unit_count;
    uint64_t syncing_seq; /* covered by the sync that runs; 0: none runs */
};

/* ---- nodes ----------------------------------------------------------------------------------- */

struct sim_msg; /* a message with everything it refers to */

struct sim_held {
    uint64_t after_seq;
    struct sim_msg *msg;
};

struct sim_waiting {
    uint64_t index;
    uint64_t ballot;
    uint32_t client;
    uint64_t op_id;
};

struct sim_node {
    uint32_t rid; /* 0: this store holds no replica */
    bool up;
    uint32_t boot;
    uint64_t paused_until_ns; /* virtual */
    struct paxos *paxos;
    struct sim_clock clock;
    struct tc_trace trace;
    struct sim_cluster *cluster;
    struct sim_disk disk;
    struct sim_state state;
    struct tc_buf held; /* struct sim_held[]: waits for the disk */
    struct sim_waiting waiting[SIM_WAITING_MAX];
    size_t waiting_count;
    uint64_t tick_at_ns; /* virtual time of the tick that is scheduled */
    uint64_t durable_seq;
    uint64_t checked_commit;
    uint64_t said_promise;   /* highest promise that left this node */
    uint64_t owned;          /* committed and durable here: never to be lost again */
    bool snapshot_on_way;    /* to this node */
    bool wants_tree;         /* to become STORAGE: a snapshot brings the B-tree too */
    bool patient;            /* scripts: as a follower its timers stand still */
    struct support *support; /* of the main group's node; NULL: groups beat for themselves */
    uint64_t beats_at_ns;    /* virtual time at which it is looked at next */
    uint64_t sync_since_ns;
    bool stuck_disk; /* scripts: no sync completes until this is lifted */
};

struct sim_client {
    bool active;
    uint64_t op_id; /* of the operation that is out; 0: none */
    struct sim_op op;
    uint32_t target;
    uint64_t invoked_ns;
    uint64_t known[SIM_KEYS]; /* versions this client saw, for conditions */
    uint64_t done_count;
};

/* ---- cluster --------------------------------------------------------------------------------- */

/* Which faults a run may have, and how slow or small everything is. Drawn from the seed. */
struct sim_swarm {
    uint32_t nodes;   /* stores */
    uint32_t members; /* of the first configuration: on the first stores, rids from 1 */
    uint32_t clients;
    uint64_t safety_ns; /* length of the phase with faults */
    uint64_t think_max_ns;
    uint64_t tree_max_ns; /* a B-tree crosses within this */
    uint64_t sync_min_ns;
    uint64_t sync_max_ns;
    uint64_t fault_every_ns; /* mean distance of faults; 0: none */
    bool crashes;
    bool pauses;
    bool partitions;
    bool leader_targeted;
    bool resigns;
    bool grudges; /* cut, then crash, so that grants are forgotten while they run */
    bool kills_new_leaders;
    bool trims;
    bool rot;
    bool slow_disk;
    bool replaces; /* the administrator replaces the dead by log replicas and heals them */
    bool moves;    /* it moves members to other stores for no reason */
    bool lost_disks;
    bool long_deaths; /* nodes stay down until they are replaced */
    bool gray_links;  /* one direction of one link, for long */
    uint32_t drift_ppm;
    bool beats;        /* nodes beat for their groups (core/support) */
    uint32_t siblings; /* more groups on the same nodes */
    struct sim_net_options net;
    struct paxos_options paxos;
};

/* What the administrator is about; victim 0: nothing. */
struct sim_change {
    uint32_t victim; /* rids */
    uint32_t newcomer;
    bool move;      /* the victim is well: its successor gets a B-tree first */
    uint64_t match; /* of the newcomer, and when it last rose */
    uint64_t since_ns;
};

/* Somebody who watches every node's steps, in the order in which they happen (tests/model/trace).
 */
struct sim_observer {
    void *user;
    void (*start)(void *user, uint32_t node, const struct paxos_recovery *r);
    void (*crash)(void *user, uint32_t node);
    void (*durable)(void *user, uint32_t node, uint64_t seq); /* before anything follows from it */
    void (*step)(void *user, uint32_t node, const struct paxos_event *ev,
                 const struct paxos_out *out, const struct paxos_status *after);
    void (*launch)(void *user, uint32_t node, const struct paxos_msg *msg);
};

struct sim_cluster {
    uint64_t seed;
    const struct sim_observer *observer; /* NULL: nobody */
    uint32_t group;
    struct sim_cluster *main; /* the group whose nodes these are too; itself for the main one */
    struct sim_cluster *siblings[SIM_SIBLINGS_MAX];
    uint32_t sibling_count;
    struct tc_prng beat_prng;
    struct sim_swarm swarm;
    struct tc_prng prng;
    uint64_t now_ns;
    struct sim_heap heap;
    struct sim_net net;
    struct sim_node nodes[SIM_NODES_MAX];
    struct sim_client clients[SIM_CLIENTS_MAX];
    struct quorum_config config; /* the first one */
    uint32_t next_rid;
    uint32_t restate_count; /* looks of the administrator in seeds that state members again */
    uint32_t lost_rid;      /* the last member whose disk was lost, and what it held: its last */
    struct sim_disk lost;   /* acknowledgements may still be on their way */
    struct sim_change change;
    struct tc_buf archive; /* struct paxos_entry[], index 1 first; bodies referenced */
    struct sim_history history;
    uint64_t next_op_id;
    bool calm;                               /* liveness phase */
    bool hold[SIM_NODES_MAX][SIM_NODES_MAX]; /* scripts: messages of this link are parked */
    struct tc_buf parked;                    /* struct sim_event[] */

    /* what was chosen, as far as anyone committed it: index 1 first */
    struct tc_buf chosen; /* struct sim_chosen[] */
    uint64_t chosen_lead_ballot;
    struct quorum_config chosen_config; /* the latest committed one */

    bool failed;
    char failure[SIM_TEXT_MAX];
    uint64_t hash; /* of everything that happened */
    uint64_t event_count;
    uint64_t acked_count;
    uint64_t election_count;
    uint64_t in_flight;
    uint64_t sent_count;                         /* messages of this group's members */
    void (*trace)(void *user, const char *line); /* NULL: no trace lines are made */
    void *trace_user;
};

struct sim_chosen {
    uint64_t chain;
    uint64_t ballot;
    uint32_t key;    /* UINT32_MAX: not a write */
    uint64_t before; /* version that this write replaced */
    uint64_t sum;    /* state sum after applying it; 0: nobody has */
};

void sim_cluster_init(struct sim_cluster *c, uint64_t seed, const struct sim_swarm *swarm);
void sim_cluster_deinit(struct sim_cluster *c);
/* Handle the next event. False at until_ns, at a failure, or when nothing is left. */
bool sim_cluster_next(struct sim_cluster *c, uint64_t until_ns);
void sim_fail(struct sim_cluster *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_note(struct sim_cluster *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Scripts: let the parked messages of a link go. */
void sim_release(struct sim_cluster *c, uint32_t from, uint32_t to);

/* Event kinds of the heap. */
enum sim_kind {
    SIM_EV_TICK,
    SIM_EV_MESSAGE,
    SIM_EV_SYNCED,
    SIM_EV_THINK,
    SIM_EV_REQUEST,
    SIM_EV_REPLY,
    SIM_EV_FAULT,
    SIM_EV_CRASH,
    SIM_EV_HEAL,
    SIM_EV_START,
    SIM_EV_SNAPSHOT,
    SIM_EV_UPKEEP, /* checkpoint, archive, trim */
    SIM_EV_RESTORE,
    SIM_EV_ADMIN,
    SIM_EV_BEATS, /* a node's beats are due */
    SIM_EV_BEAT,
    SIM_EV_ACK,
};

void sim_schedule(struct sim_cluster *c, enum sim_kind kind, uint32_t node, uint64_t delay_ns,
                  uint64_t arg, void *data);

/* node.c */
void sim_node_start(struct sim_cluster *c, uint32_t node);
void sim_node_crash(struct sim_cluster *c, uint32_t node);
void sim_node_pause(struct sim_cluster *c, uint32_t node, uint64_t for_ns);
tc_err sim_node_step(struct sim_cluster *c, uint32_t node, struct paxos_event *ev,
                     struct paxos_out *out);
void sim_node_message(struct sim_cluster *c, uint32_t node, struct sim_msg *msg);
void sim_node_synced(struct sim_cluster *c, uint32_t node, uint64_t boot);
struct paxos_status sim_node_status(const struct sim_cluster *c, uint32_t node);
uint64_t sim_node_now(const struct sim_cluster *c, uint32_t node);
/* The node that leads at the highest ballot; -1: none. */
int sim_leader(const struct sim_cluster *c);

/* store.c */
/* The store of this replica; -1: it is nowhere (any more). */
int sim_store_of(const struct sim_cluster *c, uint32_t rid);
/* A new replica under a new rid on a free store, with an empty log and no B-tree, and its start. */
uint32_t sim_store_create(struct sim_cluster *c, uint32_t node);
/* The replica is gone, with everything durable: the store is free. */
void sim_store_wipe(struct sim_cluster *c, uint32_t node);
/* The disk died and an empty one is in its place. Mutation 15: the replica lives on, forgetful. */
void sim_store_lose(struct sim_cluster *c, uint32_t node);
/* This member's loss leaves a quorum of members that hold everything committed, one of them with a
 * B-tree (REPLICATION.md D2, atlas). */
bool sim_store_may_lose(const struct sim_cluster *c, uint32_t node);

/* ship.c */
/* What the step said about snapshots and the archive. */
void sim_ship(struct sim_cluster *c, uint32_t node, const struct paxos_out *out);
/* Send what node holds to another one: the B-tree too, or where the log begins only. */
void sim_ship_snapshot(struct sim_cluster *c, uint32_t node, uint32_t to, bool tree);
void sim_ship_arrives(struct sim_cluster *c, uint32_t node, void *snapshot);
void sim_ship_restore(struct sim_cluster *c, uint32_t node, void *wanted);
/* Checkpoint; archive up to lag entries below it (the leader's word); trim, but keep some. */
void sim_node_upkeep(struct sim_cluster *c, uint32_t node, uint64_t lag, uint64_t keep);
uint64_t sim_archived(const struct sim_cluster *c);

/* admin.c */
void sim_admin(struct sim_cluster *c);
/* The joint configuration that puts newcomer in victim's place, proposed at node. */
tc_err sim_admin_replace(struct sim_cluster *c, uint32_t node, uint32_t victim, uint32_t newcomer,
                         enum quorum_role role);
/* LOG becomes STORAGE. */
tc_err sim_admin_upgrade(struct sim_cluster *c, uint32_t node, uint32_t rid);
tc_err sim_admin_learn(struct sim_cluster *c, uint32_t node, uint32_t rid);

/* beats.c: the node under several groups. The main group owns links, faults and support machines;
 * siblings run beside it in the same virtual time. */
void sim_siblings_init(struct sim_cluster *c);
void sim_siblings_deinit(struct sim_cluster *c);
/* Let every sibling handle what happens before until_ns, under the main group's partitions. */
void sim_siblings_run(struct sim_cluster *c, uint64_t until_ns);
/* Before and after the main group's replica starts; before and after it crashes. */
void sim_beats_start(struct sim_cluster *c, uint32_t node);
void sim_beats_started(struct sim_cluster *c, uint32_t node);
void sim_beats_crash(struct sim_cluster *c, uint32_t node);
void sim_beats_crashed(struct sim_cluster *c, uint32_t node);
void sim_beats_due(struct sim_cluster *c, uint32_t node, uint64_t boot);
void sim_beats_recv(struct sim_cluster *c, struct sim_event *ev);
/* Everything is over: every group must fall quiet and stay so. */
void sim_check_quiet(struct sim_cluster *c);

/* message.c */
struct sim_msg *sim_msg_copy(const struct paxos_msg *m);
struct sim_msg *sim_msg_ref(struct sim_msg *m);
void sim_msg_unref(struct sim_msg *m);
const struct paxos_msg *sim_msg_get(const struct sim_msg *m);

/* disk.c */
void sim_disk_deinit(struct sim_disk *d);
struct paxos_entry *sim_disk_entry(const struct sim_disk *d, uint64_t index);
uint64_t sim_disk_last(const struct sim_disk *d);
void sim_disk_write(struct sim_disk *d, const struct paxos_out *out);
/* Everything up to seq reached the medium. */
void sim_disk_sync(struct sim_disk *d, uint64_t seq);
/* Power fails: a prefix of what was not synced survives by luck, the rest is gone. */
void sim_disk_crash(struct sim_disk *d, struct tc_prng *prng);
void sim_disk_trim(struct sim_disk *d, struct paxos_mark base, const struct quorum_config *config);
/* A snapshot: the log starts at base (its tail above is kept if it continues), state is durable;
 * NULL: no B-tree came along. */
void sim_disk_install(struct sim_disk *d, struct paxos_mark base,
                      const struct quorum_config *config, const struct sim_state *state);
/* Mutation 16: the log ends before index. */
void sim_disk_cut(struct sim_disk *d, uint64_t index);
/* The entry (by chain) at index is durable here, in the log or below the checkpoint. */
bool sim_disk_holds(const struct sim_disk *d, uint64_t index, uint64_t chain);

/* machine.c */
struct tc_blob *sim_body(uint32_t key, uint64_t value, size_t extra);
void sim_apply(struct sim_state *s, const struct paxos_entry *e, uint32_t *ret_key,
               uint64_t *ret_before);

/* client.c */
/* Issue the next operation; op_id is the one that timed out, 0: none is out. */
void sim_client_think(struct sim_cluster *c, uint32_t client, uint64_t op_id);
void sim_client_request(struct sim_cluster *c, uint32_t node, uint32_t client, uint64_t op_id);
void sim_client_reply(struct sim_cluster *c, void *reply);
void sim_client_applied(struct sim_cluster *c, uint32_t node, const struct paxos_entry *e,
                        uint64_t before);

/* check.c */
void sim_check_step(struct sim_cluster *c, uint32_t node, const struct paxos_out *out);
void sim_check_applied(struct sim_cluster *c, uint32_t node, const struct paxos_entry *e,
                       uint32_t key, uint64_t before);
/* The lease oracle (I6): node was allowed a strong read when it led at ballot, and nobody has
 * committed the LEAD of a higher one. The ballot is that of before the step, in which a resignation
 * that is due follows the read: whoever is told leads later than the read. */
void sim_check_read(struct sim_cluster *c, uint32_t node, uint64_t ballot);
void sim_check_acked(struct sim_cluster *c, uint32_t node, uint64_t index);
/* The archive takes e next (I9). */
void sim_check_archived(struct sim_cluster *c, const struct paxos_entry *e);
/* What a replica holds again before it starts. */
void sim_check_start(struct sim_cluster *c, uint32_t node);
/* At the end: whoever was removed and can hear a member knows it. */
void sim_check_silenced(struct sim_cluster *c);
const struct sim_chosen *sim_chosen_at(const struct sim_cluster *c, uint64_t index);

/* fault.c */
struct sim_swarm sim_swarm_draw(uint64_t seed);
/* stage 0: something new; stage 1: the second half of a grudge. */
void sim_fault(struct sim_cluster *c, uint64_t stage);
void sim_new_leader(struct sim_cluster *c, uint32_t node);
void sim_calm(struct sim_cluster *c);

/* run.c: both phases of one seed; false on failure. */
struct sim_result {
    bool ok;
    char failure[SIM_TEXT_MAX];
    uint64_t hash;
    uint64_t event_count;
    uint64_t acked_count;
    uint64_t election_count;
    uint64_t simulated_ns;
};
struct sim_result sim_run_swarm(uint64_t seed, const struct sim_swarm *swarm,
                                const struct sim_observer *observer,
                                void (*trace)(void *user, const char *line), void *user);
struct sim_result sim_run(uint64_t seed, void (*trace)(void *user, const char *line), void *user);

#endif
