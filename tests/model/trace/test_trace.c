/* Runs of the core follow the model's rules, step by step; runs of a core with a fault do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/trace/trace.h"

#include <stdlib.h>

enum {
    CLEAN_SEEDS = 12,
    MUTANT_SEEDS = 120,
};

/* One seed without what the model does not have. */
static struct sim_result run(uint64_t seed, struct trace *t) {
    struct sim_swarm swarm = sim_swarm_draw(seed);
    swarm.nodes = swarm.members;
    swarm.trims = swarm.rot = false;
    swarm.replaces = swarm.moves = swarm.lost_disks = swarm.long_deaths = false;
    swarm.beats = false;
    swarm.siblings = 0;
    trace_init(t, swarm.nodes);
    return sim_run_swarm(seed, &swarm, &t->observer, NULL, NULL);
}

static uint64_t clean_seeds(void) {
    const char *more = getenv("TERCET_TRACE_SEEDS");
    return more ? strtoull(more, NULL, 10) : CLEAN_SEEDS;
}

static void test_core_follows_the_model(void **state) {
    (void)state;
    uint64_t seeds = clean_seeds();
    uint64_t steps = 0;
    uint64_t restarts = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct trace t;
        struct sim_result r = run(seed, &t);
        if (t.rejected || !r.ok)
            fail_msg("seed %lu: %s%s", (unsigned long)seed, t.why, r.failure);
        assert_true(machine_len(&t.machine.chosen) > 0);
        steps += t.step_count;
        restarts += t.restart_count;
        trace_deinit(&t);
    }
    print_message("%lu seeds: %lu steps of the model, %lu restarts\n", (unsigned long)seeds,
                  (unsigned long)steps, (unsigned long)restarts);
    assert_true(steps > 1000 && restarts > 0);
}

static void test_faults_are_rejected(void **state) {
    (void)state;
    static const unsigned mutants[] = {1, 2, 3, 4, 11, 12, 19};
    for (size_t i = 0; i < sizeof mutants / sizeof mutants[0]; i++) {
        bool rejected = false;
        paxos_mutant = mutants[i];
        for (uint64_t seed = 1; seed <= MUTANT_SEEDS && !rejected; seed++) {
            struct trace t;
            (void)run(seed, &t);
            rejected = t.rejected;
            if (rejected)
                print_message("mutant %u, seed %lu: %s\n", mutants[i], (unsigned long)seed, t.why);
            trace_deinit(&t);
        }
        paxos_mutant = 0;
        if (!rejected)
            fail_msg("the traces of mutant %u are accepted", mutants[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_core_follows_the_model),
        cmocka_unit_test(test_faults_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
