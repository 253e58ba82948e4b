/* tercet-sim: seeds of the replication core's simulation, and the replay of one. */
#include "base/assert.h"
#include "base/probe.h"
#include "sim/core/cluster.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    TAIL_LINES = 200,
};

struct options {
    uint64_t seed;
    uint64_t seeds;
    bool trace;
    bool probes;
};

struct tail {
    char lines[TAIL_LINES][SIM_TEXT_MAX * 2];
    size_t count;
};

static uint64_t running_seed;

static void print_line(void *user, const char *line) {
    (void)user;
    puts(line);
}

static void keep_line(void *user, const char *line) {
    struct tail *t = user;
    snprintf(t->lines[t->count++ % TAIL_LINES], sizeof t->lines[0], "%s", line);
}

static void print_replay(uint64_t seed) {
    printf("replay: tercet-sim --seed %llu", (unsigned long long)seed);
    if (paxos_mutant)
        printf(" --mutant %u", paxos_mutant);
    puts(" --trace");
}

/* An assertion of the core ends the process: say at least which seed it was. */
static void on_abort(int sig) {
    char text[64];
    int len =
        snprintf(text, sizeof text, "seed %llu: assertion\n", (unsigned long long)running_seed);
    ssize_t ignored = write(STDOUT_FILENO, text, (size_t)len);
    (void)ignored;
    signal(sig, SIG_DFL);
    raise(sig);
}

static void show_failure(uint64_t seed, const struct sim_result *r) {
    static struct tail tail;
    tail.count = 0;
    (void)sim_run(seed, keep_line, &tail);
    size_t from = tail.count > TAIL_LINES ? tail.count - TAIL_LINES : 0;
    for (size_t i = from; i < tail.count; i++)
        puts(tail.lines[i % TAIL_LINES]);
    printf("seed %llu: %s\n", (unsigned long long)seed, r->failure);
    print_replay(seed);
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_probe(void *user, const struct tc_probe *p) {
    (void)user;
    printf("probe %10llu  %s\n", (unsigned long long)p->count, p->name);
}

static int usage(void) {
    fputs("usage: tercet-sim [--seeds N] [--seed FIRST] [--mutant M] [--trace] [--probes]\n"
          "  Runs N seeds (default 100) from FIRST (default 1); --seed alone runs that one.\n"
          "  --mutant M switches on deliberate fault M of REPLICATION.md D6.\n",
          stderr);
    return 2;
}

static bool parse(int argc, char **argv, struct options *o) {
    static const struct option table[] = {
        {"seeds", required_argument, NULL, 'n'},  {"seed", required_argument, NULL, 's'},
        {"mutant", required_argument, NULL, 'm'}, {"trace", no_argument, NULL, 't'},
        {"probes", no_argument, NULL, 'p'},       {NULL, 0, NULL, 0}};
    bool one = false;
    bool many = false;
    int opt;
    while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (opt == 'n') {
            o->seeds = strtoull(optarg, NULL, 10);
            many = true;
        } else if (opt == 's') {
            o->seed = strtoull(optarg, NULL, 10);
            one = true;
        } else if (opt == 'm') {
            paxos_mutant = (unsigned)strtoul(optarg, NULL, 10);
        } else if (opt == 't') {
            o->trace = true;
        } else if (opt == 'p') {
            o->probes = true;
        } else {
            return false;
        }
    }
    if (one && !many)
        o->seeds = 1;
    return optind == argc;
}

int main(int argc, char **argv) {
    struct options o = {.seed = 1, .seeds = 100};
    struct sim_result sum = {0};
    if (!parse(argc, argv, &o))
        return usage();
    signal(SIGABRT, on_abort);
    double start = seconds_now();
    for (uint64_t i = 0; i < o.seeds; i++) {
        running_seed = o.seed + i;
        struct sim_result r = sim_run(running_seed, o.trace ? print_line : NULL, NULL);
        sum.event_count += r.event_count;
        sum.acked_count += r.acked_count;
        sum.election_count += r.election_count;
        sum.simulated_ns += r.simulated_ns;
        sum.hash ^= r.hash;
        if (!r.ok) {
            show_failure(running_seed, &r);
            return 1;
        }
    }
    double took = seconds_now() - start;
    double simulated = (double)sum.simulated_ns / 1e9;
    printf("%llu seeds ok: %.1f simulated hours in %.1f s (x%.0f), %.1f seeds/s, %llu events, "
           "%llu answers, %llu elections, hash %016llx\n",
           (unsigned long long)o.seeds, simulated / 3600, took, simulated / took,
           (double)o.seeds / took, (unsigned long long)sum.event_count,
           (unsigned long long)sum.acked_count, (unsigned long long)sum.election_count,
           (unsigned long long)sum.hash);
    if (o.probes)
        tc_probe_each(print_probe, NULL);
    return 0;
}
