/* The shell around one store: what the daemon does with threads and sockets, done with events. */
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

/* What is under way when the process ends is carried out in part: the disk stops at some write. */
static void end_work(struct world_node *n) {
    struct world *w = n->w;
    if (!w->calm && tc_prng_chance(&w->fault_prng, 1, 2))
        sim_fs_crash_after(n->fs, tc_prng_below(&w->fault_prng, n->job ? 20 : 2));
    bool reaches_disk = tc_prng_chance(&w->fault_prng, 1, 2);
    if (n->batch) {
        if (!n->batch_written && reaches_disk)
            TC_IGNORE(store_batch_write(n->batch)); /* nobody hears of it */
        TC_IGNORE(store_batch_done(n->store, n->batch, TC_EIO));
    }
    if (n->job) {
        if (!n->job_ran)
            store_job_run(n->job);
        store_job_done(n->store, n->job);
    }
    n->batch = NULL;
    n->job = NULL;
}

void world_node_stop(struct world_node *n, bool power, uint64_t delay_ns) {
    struct world *w = n->w;
    if (n->store == NULL)
        return;
    world_trace(w, "%u  stops (%s)", n->id, power ? "power" : "process");
    world_node_set_clock(n);
    end_work(n);
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

/* ---- effects */

static enum world_parcel_kind parcel_kind(enum store_effect_type type) {
    if (type == STORE_SEND_CHUNK)
        return PARCEL_CHUNK;
    if (type == STORE_SEND_BEAT)
        return PARCEL_BEAT;
    return type == STORE_SEND_BEAT_ACK ? PARCEL_BEAT_ACK : PARCEL_PAXOS;
}

static void send_parcel(struct world_node *n, struct store_effect *e) {
    struct world *w = n->w;
    uint64_t delays[SIM_NET_COPIES_MAX];
    uint32_t to = (uint32_t)strtoul(e->addr + 5, NULL, 10);
    TC_ASSERT(to < w->swarm.nodes);
    if (e->type == STORE_SEND)
        world_first_ballot(w, n, e);
    if (world_strand_stops(w, e, to))
        return;
    enum world_parcel_kind kind = parcel_kind(e->type);
    uint32_t copies = sim_net_route(&w->net, n->id, to, delays);
    for (uint32_t i = 0; i < copies; i++) {
        struct world_parcel *p = world_parcel_new(kind, n->id);
        tc_buf_append_slice(&p->bytes, tc_buf_slice(&e->payload));
        world_push(w, delays[i], EVENT_PARCEL, to, 0, p);
    }
}

static void keep_mark(struct world *w, const struct store_effect *e) {
    Tercet__Pb__ScrubMarkReply *m =
        e->err == TC_OK
            ? tercet__pb__scrub_mark_reply__unpack(NULL, e->payload.len, e->payload.data)
            : NULL;
    uint64_t *index = calloc(1, sizeof *index);
    TC_ASSERT(index != NULL);
    *index = m ? m->index : 0;
    free(tc_map_put(&w->marks, tc_map_u64_key(&e->token), index));
    if (m)
        tercet__pb__scrub_mark_reply__free_unpacked(m, NULL);
}

/* The index that a client's answer tells, as soon as it is on its way. */
static void note_answer(struct world *w, const struct store_effect *e) {
    const struct world_op *op = w->ops[e->token / 64 - 1];
    uint64_t index = 0;
    if (op->kind == OP_RANGE || op->kind == OP_RANGE_EVENTUAL) {
        Tercet__Pb__RangeReply *m =
            tercet__pb__range_reply__unpack(NULL, e->payload.len, e->payload.data);
        TC_ASSERT(m != NULL);
        index = m->index;
        tercet__pb__range_reply__free_unpacked(m, NULL);
    } else {
        Tercet__Pb__ItemReply *m =
            tercet__pb__item_reply__unpack(NULL, e->payload.len, e->payload.data);
        TC_ASSERT(m != NULL);
        index = m->index;
        tercet__pb__item_reply__free_unpacked(m, NULL);
    }
    world_oracle_answer(w, op->parts[e->token % 64], op->kind, e->err, index);
}

static void send_answer(struct world_node *n, struct store_effect *e) {
    struct world *w = n->w;
    if (e->token >> 63) { /* asked by the checker itself */
        keep_mark(w, e);
        return;
    }
    if (world_index_owns(e->token)) {
        world_index_reply(n, e);
        return;
    }
    if (world_call_owns(e->token)) {
        world_call_reply(n, e);
        return;
    }
    if (world_oracle_owns(e->token)) {
        world_oracle_reply(w, e);
        return;
    }
    world_disk_answered(n, e->token, e->err == TC_OK);
    note_answer(w, e);
    if (tc_prng_chance(&w->prng, w->swarm.net.drop_ppm, 1000000))
        return;
    struct world_parcel *p = world_parcel_new(PARCEL_ITEM, n->id);
    p->token = e->token;
    p->err = e->err;
    p->bytes = e->payload;
    e->payload = (struct tc_buf){0};
    uint64_t delay = tc_prng_between(&w->prng, w->net.opt.delay_min_ns, w->net.opt.delay_max_ns);
    world_push(w, delay, EVENT_ANSWER, n->id, 0, p);
}

static void take_effects(struct world_node *n) {
    struct store_effect *e;
    while ((e = store_effect_next(n->store)) != NULL) {
        switch (e->type) {
        case STORE_REPLY:
            send_answer(n, e);
            break;
        case STORE_SEND:
        case STORE_SEND_CHUNK:
        case STORE_SEND_BEAT:
        case STORE_SEND_BEAT_ACK:
            send_parcel(n, e);
            break;
        case STORE_PUSH:
            break;
        case STORE_INDEX:
            world_index_send(n, e);
            break;
        case STORE_CALL:
            world_call(n, e);
            break;
        }
        store_effect_free(e);
    }
}

static uint64_t slowed(const struct world_node *n, uint64_t delay_ns) {
    if (n->w->now_ns >= n->slow_until_ns)
        return delay_ns;
    if (delay_ns % 16 == 0)
        return delay_ns + 2500 * (uint64_t)WORLD_MS_NS; /* stands still for more than a lease */
    return delay_ns * 40 + 20 * WORLD_MS_NS;
}

/* Some batches are written when taken and reported later, some written late: a crash between finds
 * the disk in either state. */
static void take_batch(struct world_node *n) {
    struct world *w = n->w;
    if (n->batch || (n->batch = store_batch_take(n->store)) == NULL)
        return;
    n->batch_written = tc_prng_chance(&n->prng, 1, 2);
    if (n->batch_written)
        n->batch_err = store_batch_write(n->batch);
    uint64_t delay = tc_prng_between(&n->prng, w->swarm.batch_min_ns, w->swarm.batch_max_ns);
    world_push(w, world_disk_slowed(n, slowed(n, delay)), EVENT_BATCH, n->id, n->life, NULL);
}

static void take_job(struct world_node *n) {
    if (n->job || (n->job = store_job_take(n->store)) == NULL)
        return;
    n->job_ran = tc_prng_chance(&n->prng, 1, 2);
    if (n->job_ran)
        store_job_run(n->job);
    uint64_t delay = tc_prng_between(&n->prng, 100000, n->w->swarm.job_max_ns);
    world_push(n->w, slowed(n, delay), EVENT_JOB, n->id, n->life, NULL);
}

void world_node_pump(struct world_node *n) {
    if (n->store == NULL)
        return;
    take_effects(n);
    take_batch(n);
    take_job(n);
    take_effects(n);
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

static void batch_done(struct world_node *n) {
    struct store_batch *b = n->batch;
    if (!n->batch_written)
        n->batch_err = store_batch_write(b);
    n->batch = NULL;
    TC_IGNORE(store_batch_done(n->store, b, n->batch_err)); /* store_failed says it again */
}

static void job_done(struct world_node *n) {
    struct store_job *j = n->job;
    if (!n->job_ran)
        store_job_run(j);
    n->job = NULL;
    store_job_done(n->store, j);
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
            batch_done(n);
        break;
    case EVENT_JOB:
        if (current)
            job_done(n);
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
