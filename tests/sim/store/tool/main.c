/* tercet-sim-store: runs seeds of the whole-node simulator, and replays one.
 *
 * Exit 0: every seed held. A failing seed is run a second time to print the end of its trace. */
#include "base/mutant.h"
#include "base/probe.h"
#include "sim/store/world.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TAIL_LINES = 60,
    LINE_BYTES = 600,
};

struct tail {
    char lines[TAIL_LINES][LINE_BYTES];
    uint64_t count;
    bool all;
};

#ifdef TC_MUTANTS
unsigned tc_mutant;
#endif

struct options {
    uint64_t from;
    uint64_t seeds;
    uint64_t stride;
    bool trace;
    bool probes;
    bool one_failure; /* is enough: a mutant is caught */
};

struct totals {
    uint64_t seeds, failures, simulated_ns, events, ops, acked, unknown, faults, restarts;
    uint64_t snapshots, damage, trimmed, lost, wiped, moves, joins, heals, splits, merges, restored;
    uint64_t indexes, rows;
};

static uint64_t current_seed;
static struct tail *abort_tail;

static void keep_line(void *user, const char *line) {
    struct tail *t = user;
    if (t->all)
        puts(line);
    else
        snprintf(t->lines[t->count % TAIL_LINES], LINE_BYTES, "%s", line);
    t->count++;
}

static void print_tail(const struct tail *t) {
    uint64_t first = t->all ? t->count : t->count > TAIL_LINES ? t->count - TAIL_LINES : 0;
    for (uint64_t i = first; i < t->count; i++)
        printf("    %s\n", t->lines[i % TAIL_LINES]);
}

/* An assertion of the code under test: name the seed before the process ends. */
static void on_abort(int signal_number) {
    (void)signal_number;
    if (abort_tail)
        print_tail(abort_tail);
    printf("FAIL seed %lu: an assertion failed\n  replay: ./dev sim --store --seed %lu --trace\n",
           (unsigned long)current_seed, (unsigned long)current_seed);
    fflush(stdout);
    _exit(1);
}

static void add(struct totals *t, const struct world_result *r) {
    t->seeds++;
    t->failures += !r->ok;
    t->simulated_ns += r->simulated_ns;
    t->events += r->event_count;
    t->ops += r->op_count;
    t->acked += r->acked_count;
    t->unknown += r->unknown_count;
    t->faults += r->fault_count;
    t->restarts += r->restart_count;
    t->snapshots += r->snapshot_count;
    t->damage += r->damage_count;
    t->trimmed += r->trimmed_count;
    t->lost += r->lost_count;
    t->wiped += r->wiped_count;
    t->moves += r->move_count;
    t->joins += r->join_count;
    t->heals += r->heal_count;
    t->splits += r->split_count;
    t->merges += r->merge_count;
    t->restored += r->restored_count;
    t->indexes += r->indexed;
    t->rows += r->row_count;
}

static void report_failure(uint64_t seed, const struct world_result *r, struct tail *tail) {
    printf("FAIL seed %" PRIu64 ": %s\n", seed, r->failure);
    tail->count = 0;
    (void)world_run(seed, keep_line, tail);
    print_tail(tail);
    printf("  replay: ./dev sim --store --seed %" PRIu64 " --trace\n", seed);
    fflush(stdout);
}

static void run_seed(uint64_t seed, const struct options *o, struct totals *t) {
    static struct tail tail;
    current_seed = seed;
    tail = (struct tail){.all = o->trace};
    abort_tail = o->trace ? NULL : &tail;
    struct world_result r = world_run(seed, o->trace ? keep_line : NULL, &tail);
    add(t, &r);
    if (o->trace)
        printf("seed %" PRIu64 ": %s, hash %016" PRIx64 "\n", seed, r.ok ? "ok" : r.failure,
               r.hash);
    else if (!r.ok)
        report_failure(seed, &r, &tail);
}

/* What many hundred seeds reach; one that none of them meets is a hole in the workload. */
static const char *const demanded[] = {
    "sim: a disk was lost where groups split or merge",
    "sim: a disk is lost between a seal and its merge",
    "sim: a replica moves so that two groups can merge",
    "sim: the members of several groups change at once",
    "sim: a disk gets full",
    "sim: a write came to a store whose disk is full",
    "sim: a store that took no writes takes them again",
    "sim: a store asks to be emptied because its disk is slow",
    "sim: a replica moves away from a store that asks to be emptied",
    "sim: a store that asked to be emptied does so no more",
    "store: an entry that found no room on the disk is applied again",
};

enum {
    DEMANDED_COUNT = sizeof demanded / sizeof demanded[0],
    DEMANDED_SEEDS = 500, /* fewer may miss one */
};

static void print_probe(void *user, const struct tc_probe *p) {
    bool *reached = user;
    printf("  probe %10" PRIu64 "  %s\n", p->count, p->name);
    for (size_t i = 0; i < DEMANDED_COUNT; i++)
        reached[i] = reached[i] || (p->count && strcmp(demanded[i], p->name) == 0);
}

/* False: a demanded one was not reached. */
static bool report_probes(uint64_t seeds) {
    bool reached[DEMANDED_COUNT] = {false}, all = true;
    tc_probe_each(print_probe, reached);
    for (size_t i = 0; i < DEMANDED_COUNT && seeds >= DEMANDED_SEEDS; i++) {
        if (!reached[i])
            printf("  probe          0  %s  NOT REACHED\n", demanded[i]);
        all = all && reached[i];
    }
    return all;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void summarize(const struct totals *t, double real_s) {
    double sim_s = (double)t->simulated_ns / 1e9;
    printf(
        "store: %" PRIu64 " seeds, %.0f s simulated in %.1f s (x%.0f), %" PRIu64 " failures; "
        "%" PRIu64 " operations (%" PRIu64 " acknowledged, %" PRIu64 " unknown), %" PRIu64
        " faults, %" PRIu64 " restarts, %" PRIu64 " snapshots, %" PRIu64 " damaged, %" PRIu64
        " disks given up, %" PRIu64 " entries trimmed, %" PRIu64 " disks lost, %" PRIu64
        " moves, %" PRIu64 " log replicas joined, %" PRIu64 " healed, %" PRIu64 " splits, %" PRIu64
        " merges, %" PRIu64 " entries restored, %" PRIu64 " indexes that took %" PRIu64 " rows\n",
        t->seeds, sim_s, real_s, sim_s / (real_s > 0 ? real_s : 1), t->failures, t->ops, t->acked,
        t->unknown, t->faults, t->restarts, t->snapshots, t->damage, t->lost, t->trimmed, t->wiped,
        t->moves, t->joins, t->heals, t->splits, t->merges, t->restored, t->indexes, t->rows);
}

static _Noreturn void usage(void) {
    fputs("usage: tercet-sim-store [--seeds N] [--seed FIRST] [--stride K] [--trace] [--probes]\n"
          "                        [--mutant M]\n"
          "  Runs N seeds (default 50) from FIRST (default 1), every K-th; --seed alone runs that\n"
          "  one. --mutant M: with deliberate fault M of tests/sim/store/mutants.txt, and stop at "
          "the\n"
          "  first failing seed (tercet-sim-store_mutant only).\n",
          stderr);
    exit(2);
}

static void set_mutant(const char *number) {
#ifdef TC_MUTANTS
    tc_mutant = (unsigned)strtoul(number, NULL, 10);
#else
    fprintf(stderr, "tercet-sim-store is built without fault %s: tercet-sim-store_mutant has it\n",
            number);
    exit(2);
#endif
}

static void parse_one(struct options *o, int opt) {
    switch (opt) {
    case 'n':
        o->seeds = strtoull(optarg, NULL, 10);
        break;
    case 's':
        o->from = strtoull(optarg, NULL, 10);
        break;
    case 'k':
        o->stride = strtoull(optarg, NULL, 10);
        break;
    case 't':
        o->trace = true;
        break;
    case 'p':
        o->probes = true;
        break;
    case 'm':
        set_mutant(optarg);
        o->one_failure = true;
        break;
    default:
        usage();
    }
}

static struct options parse(int argc, char **argv) {
    static const struct option table[] = {{"seeds", required_argument, NULL, 'n'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"stride", required_argument, NULL, 'k'},
                                          {"trace", no_argument, NULL, 't'},
                                          {"probes", no_argument, NULL, 'p'},
                                          {"mutant", required_argument, NULL, 'm'},
                                          {NULL, 0, NULL, 0}};
    struct options o = {.stride = 1};
    int opt;
    while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1)
        parse_one(&o, opt);
    if (optind != argc || o.stride == 0)
        usage();
    if (o.seeds == 0)
        o.seeds = o.from ? 1 : 50;
    if (o.from == 0)
        o.from = 1;
    return o;
}

int main(int argc, char **argv) {
    struct options o = parse(argc, argv);
    struct totals t = {0};
    double began = seconds();
    signal(SIGABRT, on_abort);
    for (uint64_t i = 0; i < o.seeds; i++) {
        run_seed(o.from + i * o.stride, &o, &t);
        if (o.one_failure && t.failures)
            break;
    }
    summarize(&t, seconds() - began);
    bool reached = !o.probes || report_probes(o.seeds);
    return t.failures > 0 || !reached;
}
