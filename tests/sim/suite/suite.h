/* suite: every daemon of a cluster in one thread and one virtual time, from one seed.
 *
 * What runs is what ships: each daemon's own main() with its own options, shells, workers and
 * locks. Only what a process gets from outside is simulated: threads are fibers under one
 * deterministic scheduler (thread.c), clocks and randomness belong to the node (time.c), disks are
 * env/sim (disk.c), streams and calls between daemons carry the same packed messages over a network
 * that delays, loses and partitions (rpc_*.c), and the front door hands requests to the API without
 * a socket (front.c, curl.c). A process may be killed between any two steps, paused, or cut off.
 *
 *   proc.c   processes: start, kill, pause        fiber.c  fibers and the scheduler
 *   layout.c which daemons, with which options    client.c operations through the API
 *   lin.c    linearizability of one key           fault.c  faults by swarm
 *   judge.c  what must hold at the end            run.c    one seed
 *   order.c  splits, and what is on record        errand.c what a person with a tool does
 *   index.h  the table's indexes: clients, operator, judge
 *   curl.c   what the canary asks of libcurl
 *   scenario.c  one kind of fault again and again, counted
 *
 * Threads: one. One suite per process (fibers need a current one); seeds run in child processes.
 * Memory: what a killed process held is lost until the child process ends, as its code cannot free.
 */
#ifndef TC_SIM_SUITE_H
#define TC_SIM_SUITE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/prng.h"
#include "env/sim/sim.h"
#include "sim/kit/heap.h"

enum {
    SUITE_PROCS_MAX = 24,
    SUITE_ARGS_MAX = 48,
    SUITE_CLIENTS_MAX = 8,
    SUITE_KEYS_MAX = 8,
    SUITE_FAILURE_BYTES = 1024,
    SUITE_FIBER_NAME_BYTES = 24,
};

#define SUITE_MS UINT64_C(1000000)
#define SUITE_S  UINT64_C(1000000000)

struct suite;
struct suite_proc;
struct suite_fiber;

/* ---- fiber.c ----------------------------------------------------------------------------------
 */

/* A thread of a simulated process. It runs until it parks; nothing preempts it. */
struct suite_fiber *suite_fiber_new(struct suite_proc *proc, const char *name,
                                    void *(*fn)(void *arg), void *arg);
/* The fiber that runs, NULL on the scheduler's own stack. */
struct suite_fiber *suite_fiber_self(void);
struct suite_proc *suite_fiber_proc(const struct suite_fiber *f);
/* Wait until woken through this address, or until virtual time until_ns. False: time ran out. */
bool suite_park(const void *on, uint64_t until_ns);
void suite_sleep(uint64_t ns);
/* Wake fibers of this process that wait on the address: the longest waiting one, or all. */
void suite_wake(struct suite_proc *proc, const void *on, bool all);
/* Wait until another fiber has ended; its result. */
void *suite_fiber_join(struct suite_fiber *f);
/* All fibers of a process vanish where they stand. */
void suite_fibers_drop(struct suite_proc *proc);
/* Run every fiber that can, and then the next event; false when the next one lies after until_ns.
 */
bool suite_step(struct suite *s, uint64_t until_ns);

/* ---- proc.c -----------------------------------------------------------------------------------
 */

/* One daemon: which main, which slot of its kind, and where its zeroed statics lie. */
struct suite_image {
    const char *kind;
    int (*main)(int argc, char **argv);
    uint8_t *bss;
    uint8_t *bss_end;
};

struct suite_proc {
    struct suite *suite;
    uint32_t id;
    const char *kind;
    char name[32];
    char zone[2];
    struct suite_image image;
    struct tc_buf args; /* NUL ended strings */
    size_t arg_count;
    bool alive;
    bool stop_asked;
    uint64_t life; /* rises with every start and end */
    uint64_t paused_until_ns;
    struct sim_fs *fs; /* of its node */
    bool armed;        /* that disk will lose power in one of its next writes */
    uint64_t slow_until_ns;
    struct tc_prng prng;
    uint64_t origin_ns; /* of its monotonic clock */
    int32_t drift_ppm;
    int64_t wall_skew_ns;
    struct tc_list fibers;
    struct tc_list rpcs;      /* struct rpc of rpc_core.c */
    struct http_server *http; /* routers */
};

struct suite_proc *suite_proc_add(struct suite *s, const char *kind, const char *name, char zone);
void suite_proc_arg(struct suite_proc *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void suite_proc_start(struct suite_proc *p);
/* The process is gone between two steps; power: what its disk had not synced is lost too. */
void suite_proc_kill(struct suite_proc *p, bool power);
/* As SIGTERM: it drains and leaves. */
void suite_proc_stop(struct suite_proc *p);
void suite_proc_pause(struct suite_proc *p, uint64_t ns);
struct suite_proc *suite_proc_find(struct suite *s, const char *name);
/* The process of the fiber that runs; NULL outside. */
struct suite_proc *suite_proc_self(void);
uint64_t suite_proc_mono_ns(const struct suite_proc *p);
uint64_t suite_proc_wall_ns(const struct suite_proc *p);

/* ---- net: in rpc_net.c -------------------------------------------------------------------------
 */

struct suite_net {
    uint64_t delay_min_ns;
    uint64_t delay_max_ns;
    uint32_t stall_ppm; /* a message waits for stall_ns more, as after a loss */
    uint64_t stall_ns;
    bool cut[SUITE_PROCS_MAX][SUITE_PROCS_MAX]; /* [from][to] */
    uint64_t cut_ns[SUITE_PROCS_MAX][SUITE_PROCS_MAX];
    /* 0: a way works as long as it is not cut itself. Else so long after the way back was cut, for
     * then nothing is acknowledged and the sender's window is full. */
    uint64_t window_ns;
};

bool suite_net_open(const struct suite *s, uint32_t from, uint32_t to);
uint64_t suite_net_delay_ns(struct suite *s);
void suite_net_cut(struct suite *s, uint32_t from, uint32_t to);
void suite_net_heal(struct suite *s);
/* Connections of a process that died are reset at the other ends. */
void suite_rpc_killed(struct suite_proc *p);

/* ---- front.c -----------------------------------------------------------------------------------
 */

/* Hand one HTTP request to a router; done runs on the scheduler's stack when the answer left it,
 * or never if the router dies before. */
struct suite_answer {
    unsigned status;
    struct tc_slice body;
};
typedef void (*suite_answer_fn)(void *user, const struct suite_answer *a);
/* False: the router does not listen. */
bool suite_front_request(struct suite_proc *router, struct tc_slice head, struct tc_slice body,
                         suite_answer_fn done, void *user);

/* ---- events -------------------------------------------------------------------------------------
 */

typedef void (*suite_fn)(struct suite *s, void *arg);
/* Run fn on the scheduler's stack after delay_ns. */
void suite_after(struct suite *s, uint64_t delay_ns, suite_fn fn, void *arg);

/* ---- the whole ----------------------------------------------------------------------------------
 */

enum suite_scenario {
    SCENARIO_NONE, /* faults by swarm */
    SCENARIO_ONE_WAY,
    SCENARIO_ROLLING,
};

struct suite_swarm {
    uint32_t storage_count; /* 3 or 6: one or two per zone */
    uint32_t clients;
    uint32_t keys;
    uint64_t safety_ns;
    uint64_t fault_every_ns;
    uint64_t think_ns;
    uint64_t disk_sync_ns;
    uint32_t faults;         /* bits of enum suite_fault */
    uint64_t order_every_ns; /* between orders to split a group; 0: none are given */
    bool merges;             /* some of them merge two */
    bool indexed;            /* the table has a local and a global index */
    bool index_cycles;       /* another global one comes and goes */
    bool canary;             /* one runs */
    uint32_t local_projection, global_projection; /* everything, some attributes, keys */
};

struct suite_clients;

struct suite {
    uint64_t seed;
    enum suite_scenario scenario;
    struct suite_swarm swarm;
    struct tc_prng prng;       /* scheduling and network */
    struct tc_prng fault_prng; /* faults, so that they do not shift the rest */
    uint64_t now_ns;
    struct sim_heap heap;
    struct tc_buf ready; /* struct suite_fiber *[] */
    struct suite_net net;
    struct suite_proc procs[SUITE_PROCS_MAX];
    uint32_t proc_count;
    struct sim_fs *archive_fs; /* the object store's disk: outlives every node */
    struct suite_clients *clients;
    uint64_t hash; /* of everything that happened */
    uint64_t event_count;
    uint64_t switch_count;
    uint64_t message_count;
    uint64_t fault_count;
    uint64_t kill_count;
    uint64_t order_count;
    uint64_t probe_count; /* requests of the canary that went well */
    uint64_t undecided;   /* histories that the checker gave up */
    uint64_t lost_elections,
        chosen_elections; /* of a scenario: because nobody was heard, by choice */
    uint64_t stood_ms;    /* longest time without a success of a partition */
    bool disk_lost;
    bool calm;    /* no faults any more */
    bool judging; /* and time enough to recover has passed */
    bool failed;
    char failure[SUITE_FAILURE_BYTES];
    bool trace;
};

extern struct suite *suite_now; /* the one that runs */

void suite_fail(struct suite *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void suite_trace(struct suite *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void suite_mix(struct suite *s, const void *bytes, size_t len);
uint64_t suite_below(struct suite *s, uint64_t bound);

/* layout.c */
struct suite_swarm suite_swarm_draw(uint64_t seed);
void suite_layout(struct suite *s);
/* fault.c */
void suite_faults_begin(struct suite *s);
void suite_calm(struct suite *s);
/* client.c */
void suite_clients_begin(struct suite *s);
/* Nothing new is begun; true once nothing is out. */
bool suite_clients_rest(struct suite *s);
/* judge.c: histories are linearizable, and after the calm all goes on. */
void suite_judge(struct suite *s);
/* order.c, order_judge.c */
void suite_orders_begin(struct suite *s);
/* Every order is closed, and what is on record is what lives. */
void suite_orders_judge(struct suite *s);
/* run.c */
struct suite_result {
    bool ok;
    uint64_t hash;
    uint64_t simulated_ns;
    uint64_t events, switches, messages, faults, kills, ops, unknowns, undecided, orders;
    uint64_t lost_elections, chosen_elections, stood_ms;
    char failure[SUITE_FAILURE_BYTES];
};
struct suite_result suite_run(uint64_t seed, enum suite_scenario scenario, bool trace);

#endif
