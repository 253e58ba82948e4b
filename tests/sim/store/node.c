/* The shell around one store: its process begins and ends, and events come to it. effects.c lets
 * its answers out, work.c carries out its batches and jobs. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "base/probe.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TICK_MAX_NS = 10000000, /* the store wants a tick at least this often */
    TICK_MIN_NS = 100000,
};

static uint64_t node_random(void *user) {
    return tc_prng_u64(&((struct world_node *)user)->prng);
}

static void node_line(void *user, const char *text) {
    struct world_node *n = user;
    world_trace(n->w, "%u  %s", n->id, text);
}

void world_node_set_clock(struct world_node *n) {
    int64_t skew = (int64_t)(n->w->now_ns / 1000000) * n->drift_ppm;
    n->clock.now_ns = n->origin_ns + n->w->now_ns + (uint64_t)skew;
}

/* ---- start and stop */

void world_node_init(struct world *w, uint32_t id) {
    struct world_node *n = &w->nodes[id];
    int32_t drift = w->swarm.drift_ppm;
    n->w = w;
    n->id = id;
    n->fs = sim_fs_new(w->seed * 31 + id);
    n->prng = tc_prng(w->seed * 77 + id);
    n->origin_ns = tc_prng_between(&w->prng, 1, 1000) * 1000000000u;
    n->drift_ppm = (int32_t)world_below(w, (uint64_t)(2 * drift + 1)) - drift;
    sim_clock_init(&n->clock, n->origin_ns, 1700000000000000000u + world_below(w, 1000000000));
    n->env = (struct store_env){
        .fs = sim_fs_fs(n->fs), .clock = &n->clock.clock, .random = node_random, .user = n};
    tc_err err = tc_fs_mkdir(n->env.fs, "d");
    TC_ASSERT(err == TC_OK);
    world_node_start(n);
    if (n->store == NULL)
        world_fail(w, "node %u: a fresh disk could not be formatted", id);
}

static void start_later(struct world_node *n, uint64_t delay_ns) {
    world_push(n->w, delay_ns, EVENT_START, n->id, n->life, NULL);
}

/* A store may give its disk up only when bits were flipped on it. */
static void open_failed(struct world_node *n, tc_err err, const struct tc_buf *diag) {
    struct world *w = n->w;
    world_trace(w, "%u  store_open: %s %.*s", n->id, tc_err_name(err), (int)diag->len,
                (const char *)diag->data);
    if (err == TC_ECORRUPT && n->rotten) {
        TC_PROBE("sim: a rotten disk is given up");
        n->lost = true;
        w->lost_count++;
        return;
    }
    if (err == TC_ECORRUPT || err == TC_EINVAL ||
        (!n->failing && !n->disk.filled && !sim_fs_is_down(n->fs)))
        world_fail(w, "node %u cannot open its store: %s %.*s", n->id, tc_err_name(err),
                   (int)diag->len, (const char *)diag->data);
    if (sim_fs_is_down(n->fs))
        sim_fs_crash(n->fs);
    else
        sim_fs_restart(n->fs);
    sim_fs_heal(n->fs);
    n->failing = false;
    n->life++;
    start_later(n, tc_prng_between(&w->fault_prng, 1, 500) * WORLD_MS_NS);
}

static void learn_uuid(struct world_node *n) {
    Tercet__Pb__NodeInfoReply *info = world_node_info(n);
    memcpy(n->uuid, info->store_uuid.data, STORE_UUID_BYTES);
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
}

void world_node_start(struct world_node *n) {
    struct world *w = n->w;
    char name[16], addr[16], zone[2] = {world_zone(w, n->id), 0};
    TC_ASSERT(n->store == NULL && !n->lost);
    snprintf(name, sizeof name, "storage-%u", n->id);
    snprintf(addr, sizeof addr, "node:%u", n->id);
    struct store_options o = w->swarm.store;
    o.node = name;
    o.addr = addr;
    o.zone = zone;
    n->life++;
    if (w->trace)
        n->env.trace = (struct tc_trace){.line = node_line, .user = n};
    world_node_set_clock(n);
    if (!w->calm && n->life > 1 && tc_prng_chance(&w->fault_prng, 1, 12)) {
        n->failing = n->doubted = true; /* power goes again during recovery or soon after */
        sim_fs_crash_after(n->fs, tc_prng_below(&w->fault_prng, 12));
    }
    struct tc_buf diag = {0};
    tc_err err = store_open(&n->env, "d", &o, &diag, &n->store);
    world_trace(w, "%u  starts: %s", n->id, tc_err_name(err));
    if (err != TC_OK) {
        n->store = NULL;
        open_failed(n, err, &diag);
    } else {
        w->restart_count += n->life > 1;
        learn_uuid(n);
        world_push(w, TICK_MIN_NS, EVENT_TICK, n->id, n->life, NULL);
        world_node_pump(n);
    }
    tc_buf_deinit(&diag);
}

static void add_counters(struct world_node *n) {
    const struct store_counters *c = store_counters(n->store);
    n->w->snapshot_count += c->snapshots_installed;
    n->w->damage_count += c->damage_found;
    n->w->join_count += c->log_replicas_added;
    n->w->heal_count += c->heals_done;
    n->w->restored_count += c->restored;
    if (c->damage_found && !n->rotten && !n->doubted)
        world_fail(n->w, "node %u found damage where nothing was damaged", n->id);
}

void world_node_stop(struct world_node *n, bool power, uint64_t delay_ns) {
    struct world *w = n->w;
    if (n->store == NULL)
        return;
    world_trace(w, "%u  stops (%s)", n->id, power ? "power" : "process");
    world_node_set_clock(n);
    world_work_end(n);
    add_counters(n);
    store_close(n->store);
    n->store = NULL;
    n->life++;
    n->paused_until_ns = 0;
    n->failing = false;
    n->doubted = false;
    world_disk_stopped(n);
    if (power)
        sim_fs_crash(n->fs);
    else
        sim_fs_restart(n->fs);
    start_later(n, delay_ns);
}

/* The store said that it cannot go on. */
static void process_ends(struct world_node *n) {
    if (!n->failing && !n->rotten && !n->disk.filled)
        world_fail(n->w, "node %u stopped itself with a healthy disk", n->id);
    TC_PROBE("sim: store ends its process after a disk error");
    world_node_stop(n, sim_fs_is_down(n->fs) || tc_prng_chance(&n->w->fault_prng, 1, 2),
                    tc_prng_between(&n->w->fault_prng, 10, 500) * WORLD_MS_NS);
}

void world_node_pump(struct world_node *n) {
    if (n->store == NULL)
        return;
    world_effects_take(n);
    world_work_take(n);
    world_effects_take(n);
    if (store_failed(n->store))
        process_ends(n);
}

/* ---- events */

static void tick(struct world_node *n) {
    store_tick(n->store);
    world_archive_offers(n);
    uint64_t due = store_deadline_ns(n->store), now = n->clock.now_ns;
    uint64_t wait = due > now ? due - now : 0;
    wait = wait < TICK_MIN_NS ? TICK_MIN_NS : wait > TICK_MAX_NS ? TICK_MAX_NS : wait;
    world_push(n->w, wait, EVENT_TICK, n->id, n->life, NULL);
}

static void act(struct world_node *n, const struct sim_event *ev) {
    bool current = ev->arg == n->life;
    switch ((enum world_event)ev->kind) {
    case EVENT_TICK:
        if (current)
            tick(n);
        break;
    case EVENT_BATCH:
        if (current)
            world_work_batch_done(n);
        break;
    case EVENT_JOB:
        if (current)
            world_work_job_done(n);
        break;
    case EVENT_PARCEL:
        world_deliver(n, ev->data);
        break;
    case EVENT_ARCHIVE:
        world_deliver_archive(n, ev->data);
        break;
    case EVENT_START:
    case EVENT_ANSWER:
    case EVENT_CLIENT:
    case EVENT_OFFER:
    case EVENT_FAULT:
    case EVENT_ORACLE:
    case EVENT_SCRUB:
    case EVENT_UNMADE:
    case EVENT_RESHAPE:
    case EVENT_STRAND:
    case EVENT_SPLIT:
    case EVENT_MERGE:
    case EVENT_PART:
    case EVENT_SCHEMA:
    case EVENT_FOLLOW:
    case EVENT_DISK:
        break;
    }
}

void world_node_event(struct world_node *n, const struct sim_event *ev) {
    struct world *w = n->w;
    if (n->store && n->paused_until_ns > w->now_ns) {
        world_push(w, n->paused_until_ns - w->now_ns, (enum world_event)ev->kind, ev->node, ev->arg,
                   ev->data);
        return;
    }
    if (ev->kind == EVENT_START) {
        if (n->store == NULL && !n->lost && ev->arg == n->life)
            world_node_start(n);
    } else if (n->store) {
        world_node_set_clock(n);
        act(n, ev);
        world_node_pump(n);
    }
    world_parcel_free(ev->data);
}

Tercet__Pb__NodeInfoReply *world_node_info(struct world_node *n) {
    struct tc_buf b = {0};
    if (n->store == NULL)
        return NULL;
    store_node_info(n->store, 0, &b);
    Tercet__Pb__NodeInfoReply *info = tercet__pb__node_info_reply__unpack(NULL, b.len, b.data);
    TC_ASSERT(info != NULL);
    tc_buf_deinit(&b);
    return info;
}

bool world_node_has(struct world_node *n, uint64_t gid) {
    Tercet__Pb__NodeInfoReply *info = world_node_info(n);
    bool has = false;
    for (size_t i = 0; info && i < info->n_replicas; i++)
        has = has || info->replicas[i]->partition->gid == gid;
    if (info)
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return has;
}
