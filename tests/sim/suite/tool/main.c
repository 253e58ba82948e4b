/* tercet-sim-suite: runs seeds of whole clusters, each in a child process, and replays one.
 *
 * Exit 0: every seed held. A failing seed is run a second time, its trace to a file. */
#include "base/mutant.h"
#include "sim/suite/scenario.h"
#include "sim/suite/tool/probes.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct options {
    uint64_t from, seeds;
    bool trace;
    unsigned mutant;
    enum suite_scenario scenario;
    bool probes;
    bool twice; /* run each seed a second time and compare the hashes */
};

struct totals {
    uint64_t seeds, failures;
    struct suite_result sum;
};

static const struct option longs[] = {{"seed", required_argument, NULL, 's'},
                                      {"seeds", required_argument, NULL, 'n'},
                                      {"trace", no_argument, NULL, 't'},
                                      {"mutant", required_argument, NULL, 'm'},
                                      {"scenario", required_argument, NULL, 'c'},
                                      {"twice", no_argument, NULL, '2'},
                                      {"probes", no_argument, NULL, 'p'},
                                      {"help", no_argument, NULL, 'h'},
                                      {0}};

static int usage(FILE *to, int code) {
    fprintf(
        to,
        "usage: tercet-sim-suite [--seeds N] [--seed FIRST] [--trace] [--twice]\n\n"
        "Simulates whole clusters: the daemons' own programs under one deterministic\n"
        "scheduler, simulated disks, clocks and network; kills, pauses, partitions.\n\n"
        "  --seeds N   how many seeds (1)\n  --seed S    the first one (1)\n"
        "  --trace     print what happens\n"
        "  --mutant M  with the deliberate fault M, until a seed fails (tercet-sim-suite_mutant "
        "only)\n"
        "  --scenario NAME  one-way or rolling: one kind of fault again and again, counted\n"
        "  --probes    rare branches that were reached; a demanded one that was not is a failure\n"
        "  --twice     run each seed again: both runs must be the same to the byte\n");
    return code;
}

/* In a child, since killed daemons cannot give their memory back. False: the child broke. */
static bool run_child(const struct options *o, uint64_t seed, bool trace,
                      struct suite_result *ret) {
    int pipes[2];
    if (pipe(pipes) != 0)
        return false;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        struct suite_result r = suite_run(seed, o->scenario, trace);
        fflush(stdout);
        if (write(pipes[1], &r, sizeof r) != (ssize_t)sizeof r)
            _Exit(1);
        probes_write(pipes[1]);
        _Exit(0);
    }
    close(pipes[1]);
    size_t got = 0;
    for (ssize_t n; got < sizeof *ret; got += (size_t)n)
        if ((n = read(pipes[0], (char *)ret + got, sizeof *ret - got)) <= 0)
            break;
    probes_read(pipes[0]);
    close(pipes[0]);
    int status = 0;
    (void)waitpid(child, &status, 0);
    return got == sizeof *ret;
}

static void add(struct totals *t, const struct suite_result *r) {
    struct suite_result *s = &t->sum;
    t->seeds++;
    s->simulated_ns += r->simulated_ns;
    s->events += r->events;
    s->switches += r->switches;
    s->messages += r->messages;
    s->faults += r->faults;
    s->kills += r->kills;
    s->ops += r->ops;
    s->unknowns += r->unknowns;
    s->undecided += r->undecided;
    s->orders += r->orders;
    s->lost_elections += r->lost_elections;
    s->chosen_elections += r->chosen_elections;
    s->stood_ms = r->stood_ms > s->stood_ms ? r->stood_ms : s->stood_ms;
}

static void one(const struct options *o, uint64_t seed, struct totals *t) {
    struct suite_result r = {0}, again = {0};
    if (!run_child(o, seed, o->trace, &r)) {
        snprintf(r.failure, sizeof r.failure, "an assertion failed, or the process died");
        r.ok = false;
    } else if (o->twice && (!run_child(o, seed, false, &again) || again.hash != r.hash)) {
        snprintf(r.failure, sizeof r.failure, "two runs differ: %016lx and %016lx",
                 (unsigned long)r.hash, (unsigned long)again.hash);
        r.ok = false;
    }
    add(t, &r);
    if (r.ok)
        return;
    t->failures++;
    printf("FAIL seed %lu: %s\n  replay: ./dev sim --suite%s%s --seed %lu --trace\n",
           (unsigned long)seed, r.failure, o->scenario ? " --scenario " : "",
           o->scenario ? suite_scenario_name(o->scenario) : "", (unsigned long)seed);
}

#ifdef TC_MUTANTS
unsigned tc_mutant;
extern unsigned paxos_mutant;

/* Faults of the core have the numbers of REPLICATION.md D6 and add 1000 here. */
static bool set_mutant(unsigned m) {
    tc_mutant = m < 1000 ? m : 0;
    paxos_mutant = m >= 1000 ? m - 1000 : 0;
    return true;
}
#else
static bool set_mutant(unsigned m) {
    return m == 0;
}
#endif

int __real_clock_gettime(clockid_t clock, struct timespec *ret);

static double now_s(void) {
    struct timespec ts;
    (void)__real_clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    struct options o = {.from = 1, .seeds = 1};
    struct totals t = {0};
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (c == 's')
            o.from = strtoull(optarg, NULL, 10);
        else if (c == 'n')
            o.seeds = strtoull(optarg, NULL, 10);
        else if (c == 't')
            o.trace = true;
        else if (c == 'm')
            o.mutant = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == '2')
            o.twice = true;
        else if (c == 'p')
            o.probes = true;
        else if (c == 'c' && suite_scenario_find(optarg, &o.scenario))
            continue;
        else
            return usage(c == 'h' ? stdout : stderr, c == 'h' ? 0 : 2);
    }
    if (!set_mutant(o.mutant)) {
        fprintf(stderr,
                "tercet-sim-suite: this build has no mutants; tercet-sim-suite_mutant has\n");
        return 2;
    }
    double began = now_s();
    for (uint64_t i = 0; i < o.seeds && !(o.mutant && t.failures); i++) /* one says it all */
        one(&o, o.from + i, &t);
    double took = now_s() - began;
    const struct suite_result *s = &t.sum;
    printf(
        "suite: %lu of %lu seeds ok, %.0f s simulated in %.1f s (x%.0f), %lu requests answered, "
        "%lu unknown, %lu faults, %lu kills, %lu orders, %lu messages, %lu histories undecided\n",
        (unsigned long)(t.seeds - t.failures), (unsigned long)t.seeds,
        (double)s->simulated_ns / 1e9, took, (double)s->simulated_ns / 1e9 / took,
        (unsigned long)s->ops, (unsigned long)s->unknowns, (unsigned long)s->faults,
        (unsigned long)s->kills, (unsigned long)s->orders, (unsigned long)s->messages,
        (unsigned long)s->undecided);
    if (o.scenario)
        printf("%s: %lu faults, %lu elections because no leader was heard, %lu by choice, longest "
               "stand of a partition %lu ms\n",
               suite_scenario_name(o.scenario), (unsigned long)s->faults,
               (unsigned long)s->lost_elections, (unsigned long)s->chosen_elections,
               (unsigned long)s->stood_ms);
    bool reached = !o.probes || probes_report();
    return t.failures || !reached ? 1 : 0;
}
