/* One seed: safety under faults, then calm, then what must hold. */
#include "sim/suite/client.h"
#include "sim/suite/scenario.h"

#include "base/assert.h"
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void suite_mix(struct suite *s, const void *bytes, size_t len) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++)
        s->hash = (s->hash ^ at[i]) * UINT64_C(0x100000001b3);
}

uint64_t suite_below(struct suite *s, uint64_t bound) {
    return tc_prng_below(&s->prng, bound);
}

void suite_fail(struct suite *s, const char *fmt, ...) {
    va_list args;
    if (s->failed)
        return;
    s->failed = true;
    va_start(args, fmt);
    vsnprintf(s->failure, sizeof s->failure, fmt, args);
    va_end(args);
    suite_trace(s, "FAILURE %s", s->failure);
}

static void print(const struct suite *s, const char *fmt, va_list args) {
    printf("%10.6f ", (double)s->now_ns / 1e9);
    vprintf(fmt, args);
    putchar('\n');
}

void suite_trace(struct suite *s, const char *fmt, ...) {
    va_list args;
    if (!s->trace)
        return;
    va_start(args, fmt);
    print(s, fmt, args);
    va_end(args);
}

/* The daemons' own log lines become lines of the trace. After the calm an error is a failure. */
void __wrap_daemon_log_write(struct daemon_log *log, enum daemon_log_level level, const char *fmt,
                             ...) __attribute__((format(printf, 3, 4)));

void __wrap_daemon_log_write(struct daemon_log *log, enum daemon_log_level level, const char *fmt,
                             ...) {
    struct suite_proc *p = suite_proc_self();
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (level > daemon_log_level(log))
        return;
    suite_trace(p->suite, "%s  %s: %s", p->name, daemon_log_level_name(level), text);
    bool canary = strcmp(p->kind, "canary") == 0;
    if (p->suite->judging && (level == DAEMON_LOG_ERROR || (canary && level == DAEMON_LOG_WARN)))
        suite_fail(p->suite, "%s says although all is well again: %s", p->name, text);
    else if (canary && level == DAEMON_LOG_ERROR)
        suite_fail(p->suite, "%s says: %s", p->name, text);
}

static void world_begin(struct suite *s, uint64_t seed, bool trace) {
    s->seed = seed;
    s->trace = trace;
    s->hash = UINT64_C(0xcbf29ce484222325);
    s->swarm = suite_swarm_draw(seed);
    s->prng = tc_prng(seed);
    s->fault_prng = tc_prng(seed * 5 + 3);
    s->net.delay_min_ns = 50 * 1000;
    s->net.delay_max_ns = tc_prng_between(&s->prng, 200, 20000) * 1000;
    s->net.stall_ppm = (uint32_t)suite_below(s, 5000);
    s->net.stall_ns = tc_prng_between(&s->prng, 50, 800) * SUITE_MS;
    suite_scenario_swarm(s);
    suite_now = s;
}

static void pass(struct suite *s, uint64_t ns) {
    uint64_t until_ns = s->now_ns + ns;
    while (suite_step(s, until_ns)) {
    }
}

static void faults(struct suite *s) {
    if (s->scenario != SCENARIO_NONE) {
        suite_scenario_run(s);
        return;
    }
    suite_faults_begin(s);
    suite_orders_begin(s);
    pass(s, s->swarm.safety_ns);
}

/* The tables are there, and whole: who loses one of two replicas loses the group. */
static bool serves(const struct suite *s) {
    return s->clients->created && (!s->swarm.canary || s->probe_count > 0);
}

struct suite_result suite_run(uint64_t seed, enum suite_scenario scenario, bool trace) {
    static struct suite s;
    s.scenario = scenario;
    world_begin(&s, seed, trace);
    suite_layout(&s);
    suite_clients_begin(&s);
    for (uint64_t t = 0; t < 60 && !serves(&s) && !s.failed; t++)
        pass(&s, SUITE_S);
    if (!serves(&s))
        suite_fail(&s, "a new cluster serves no table within 60 s");
    faults(&s);
    suite_calm(&s);
    pass(&s, 20 * SUITE_S);
    s.judging = true;
    if (!s.failed)
        suite_judge(&s);
    struct suite_result r = {.ok = !s.failed,
                             .hash = s.hash,
                             .simulated_ns = s.now_ns,
                             .events = s.event_count,
                             .switches = s.switch_count,
                             .messages = s.message_count,
                             .faults = s.fault_count,
                             .kills = s.kill_count,
                             .ops = s.clients->ok,
                             .unknowns = s.clients->unknown,
                             .undecided = s.undecided,
                             .orders = s.order_count,
                             .lost_elections = s.lost_elections,
                             .chosen_elections = s.chosen_elections,
                             .stood_ms = s.stood_ms};
    snprintf(r.failure, sizeof r.failure, "%s", s.failure);
    return r;
}
