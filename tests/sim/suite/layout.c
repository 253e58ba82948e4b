/* Which daemons a run has, with which options, and what the seed chose. */
#include "sim/suite/suite.h"
#include "sim/suite/wire.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

enum {
    ADMIN_PORT_BASE = 9000,
};

/* Half of the seeds have orders, and half of these faults for so long that they meet replicas of
 * retired groups as they go. Draws of its own, so that the others stay what they were. */
static void draw_orders(uint64_t seed, struct suite_swarm *w) {
    struct tc_prng p = tc_prng(seed ^ 0x6f7264657273ull);
    if (!tc_prng_chance(&p, 1, 2))
        return;
    w->order_every_ns = tc_prng_between(&p, 800, 6000) * SUITE_MS;
    w->safety_ns += tc_prng_chance(&p, 1, 2) ? 35 * SUITE_S : 0;
    w->merges = tc_prng_chance(&p, 1, 2);
}

/* Half of the seeds have a table with indexes; in most of these another index comes and goes. */
static void draw_indexes(uint64_t seed, struct suite_swarm *w) {
    struct tc_prng p = tc_prng(seed ^ 0x696e6465786573ull);
    w->indexed = tc_prng_chance(&p, 1, 2);
    w->index_cycles = tc_prng_chance(&p, 3, 4);
    w->local_projection = (uint32_t)tc_prng_below(&p, 3);
    w->global_projection = (uint32_t)tc_prng_below(&p, 3);
}

/* Half of the seeds have a canary, which uses both routers all the time. */
static void draw_canary(uint64_t seed, struct suite_swarm *w) {
    struct tc_prng p = tc_prng(seed ^ 0x70726f626573ull);
    w->canary = tc_prng_chance(&p, 1, 2);
}

struct suite_swarm suite_swarm_draw(uint64_t seed) {
    struct tc_prng p = tc_prng(seed ^ 0x737569746573ull);
    struct suite_swarm w = {
        .storage_count = tc_prng_chance(&p, 1, 3) ? 6 : 3,
        .clients = (uint32_t)tc_prng_between(&p, 2, SUITE_CLIENTS_MAX),
        .keys = (uint32_t)tc_prng_between(&p, 3, SUITE_KEYS_MAX),
        .safety_ns = tc_prng_between(&p, 15, 50) * SUITE_S,
        .fault_every_ns = tc_prng_between(&p, 80, 1500) * SUITE_MS,
        .think_ns = tc_prng_between(&p, 20, 400) * SUITE_MS,
        .disk_sync_ns = tc_prng_between(&p, 50, 3000) * 1000,
        /* About a third of the kinds of faults is off. */
        .faults = (uint32_t)(tc_prng_u64(&p) | tc_prng_u64(&p)),
    };
    draw_orders(seed, &w);
    draw_indexes(seed, &w);
    draw_canary(seed, &w);
    return w;
}

static void add(struct suite *s, const char *kind, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        char name[32], zone = (char)('a' + i % 3);
        snprintf(name, sizeof name, i < 3 ? "%s-%c" : "%s-%c%u", kind, zone, i / 3 + 1);
        struct suite_proc *p = suite_proc_add(s, kind, name, zone);
        struct sim_latency latency = {.read_ns = 10000, .write_ns = 10000, .kib_ns = 500};
        sim_fs_set_latency(p->fs, &latency);
    }
}

/* "127.0.0.1:7000,127.0.0.1:7001": everyone of a kind. */
static void arg_list(struct suite_proc *p, const char *option, const char *kind,
                     uint32_t port_base) {
    struct tc_buf list = {0};
    for (uint32_t i = 0; i < p->suite->proc_count; i++)
        if (strcmp(p->suite->procs[i].kind, kind) == 0)
            tc_buf_printf(&list, "%s127.0.0.1:%u", list.len ? "," : "", port_base + i);
    suite_proc_arg(p, "%s", option);
    suite_proc_arg(p, "%.*s", (int)list.len, (const char *)list.data);
    tc_buf_deinit(&list);
}

static void args_common(struct suite_proc *p) {
    suite_proc_arg(p, "tercet-%s", p->kind);
    suite_proc_arg(p, "--node=%s", p->name);
    suite_proc_arg(p, "--zone=%s", p->zone);
    suite_proc_arg(p, "--cluster=sim");
    suite_proc_arg(p, "--data=d");
    suite_proc_arg(p, "--rpc-listen=127.0.0.1:%u", WIRE_PORT_BASE + p->id);
    suite_proc_arg(p, "--admin-listen=127.0.0.1:%u", ADMIN_PORT_BASE + p->id);
    if (p->suite->trace)
        suite_proc_arg(p, "--log-level=debug");
}

/* Small and quick, so that checkpoints, trims and segments happen in seconds. */
static void args_storage(struct suite_proc *p) {
    suite_proc_arg(p, "--wal-segment-bytes=16M");
    suite_proc_arg(p, "--wal-max-bytes=128M");
    suite_proc_arg(p, "--cache-bytes=1M");
    suite_proc_arg(p, "--checkpoint-bytes=64K");
    suite_proc_arg(p, "--checkpoint-interval-ms=3s");
    suite_proc_arg(p, "--segment-age-ms=1s");
    suite_proc_arg(p, "--segment-bytes=64K");
}

static void args_of(struct suite_proc *p) {
    static const struct {
        const char *kind, *option, *of;
    } links[] = {
        {"storage", "--memds", "memds"},
        {"storage", "--archiver", "archiver"},
        {"memds", "--peers", "memds"},
        {"router", "--memds", "memds"},
        {"router", "--gac", "gac"},
        {"scrubber", "--storage", "storage"},
        {"autoadmin", "--storage", "storage"},
    };
    args_common(p);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        if (strcmp(p->kind, links[i].kind) == 0)
            arg_list(p, links[i].option, links[i].of, WIRE_PORT_BASE);
    if (strcmp(p->kind, "storage") == 0)
        args_storage(p);
    if (strcmp(p->kind, "canary") == 0)
        arg_list(p, "--routers", "router", HTTP_PORT_BASE);
    if (strcmp(p->kind, "router") == 0)
        suite_proc_arg(p, "--http-listen=127.0.0.1:%u", HTTP_PORT_BASE + p->id);
    if (strcmp(p->kind, "archiver") == 0 || strcmp(p->kind, "scrubber") == 0)
        suite_proc_arg(p, "--archive=dir:archive");
    /* A cut loses answers here, where TCP would break the connection within seconds. */
    if (strcmp(p->kind, "scrubber") == 0)
        suite_proc_arg(p, "--pages-deadline-ms=20s");
}

void suite_layout(struct suite *s) {
    add(s, "storage", s->swarm.storage_count);
    add(s, "memds", 2);
    add(s, "gac", 2);
    add(s, "router", 2);
    add(s, "archiver", 1);
    add(s, "scrubber", 1);
    add(s, "autoadmin", 2);
    add(s, "canary", s->swarm.canary);
    s->archive_fs = sim_fs_new(s->seed * 131);
    tc_err err = tc_fs_mkdir(sim_fs_fs(s->archive_fs), "archive");
    TC_ASSERT(err == TC_OK);
    for (uint32_t i = 0; i < s->proc_count; i++) {
        args_of(&s->procs[i]);
        suite_proc_start(&s->procs[i]);
    }
}
