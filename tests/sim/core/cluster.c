#include "sim/core/cluster.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void sim_fail(struct sim_cluster *c, const char *fmt, ...) {
    va_list args;
    if (c->failed)
        return;
    c->failed = true;
    va_start(args, fmt);
    vsnprintf(c->failure, sizeof c->failure, fmt, args);
    va_end(args);
    sim_note(c, "!!! %s", c->failure);
}

void sim_note(struct sim_cluster *c, const char *fmt, ...) {
    char text[640];
    va_list args;
    if (c->trace == NULL)
        return;
    int len = snprintf(text, sizeof text, "[%6lu] ", (unsigned long)(c->now_ns / SIM_MS));
    va_start(args, fmt);
    vsnprintf(text + len, sizeof text - (size_t)len, fmt, args);
    va_end(args);
    c->trace(c->trace_user, text);
}

static void node_line(void *user, const char *text) {
    struct sim_node *n = user;
    if (n->cluster->trace && n->cluster->group)
        sim_note(n->cluster, "%u > (group %u) %s", n->rid, n->cluster->group, text);
    else if (n->cluster->trace)
        sim_note(n->cluster, "%u > %s", n->rid, text);
}

void sim_schedule(struct sim_cluster *c, enum sim_kind kind, uint32_t node, uint64_t delay_ns,
                  uint64_t arg, void *data) {
    struct sim_event ev = {.at_ns = c->now_ns + delay_ns,
                           .kind = (uint32_t)kind,
                           .node = node,
                           .arg = arg,
                           .data = data};
    sim_heap_push(&c->heap, ev);
}

static void init_config(struct sim_cluster *c) {
    c->config.version = 1;
    c->config.sets[0].count = c->swarm.members;
    c->next_rid = c->swarm.members + 1;
    for (uint32_t i = 0; i < c->swarm.members; i++) {
        struct quorum_member *m = &c->config.sets[0].members[i];
        m->rid = i + 1;
        m->role = QUORUM_STORAGE;
        m->store[0] = (uint8_t)(i + 1);
        snprintf(m->zone, sizeof m->zone, "z%u", i + 1);
    }
    c->chosen_config = c->config;
}

static void init_node(struct sim_cluster *c, uint32_t i) {
    struct sim_node *n = &c->nodes[i];
    uint32_t wrong_ppm = paxos_mutant == 26 ? 300000 : c->swarm.drift_ppm;
    int64_t drift = (int64_t)tc_prng_below(&c->prng, 2 * (uint64_t)wrong_ppm + 1);
    bool member = i < c->swarm.members;
    n->rid = member ? i + 1 : 0;
    n->cluster = c;
    n->disk.config = c->config;
    n->disk.log_only = !member;
    n->clock.origin_ns = tc_prng_between(&c->prng, 1000000ull * SIM_MS, 5000000ull * SIM_MS);
    n->clock.rate_ppm = (int32_t)(drift - (int64_t)wrong_ppm);
    n->trace = (struct tc_trace){.line = NULL, .user = n};
    if (member)
        sim_schedule(c, SIM_EV_START, i, 0, 0, NULL);
    if (c->swarm.trims)
        sim_schedule(c, SIM_EV_UPKEEP, i, tc_prng_below(&c->prng, 500 * SIM_MS), 0, NULL);
}

void sim_cluster_init(struct sim_cluster *c, uint64_t seed, const struct sim_swarm *swarm) {
    *c = (struct sim_cluster){.seed = seed, .swarm = *swarm, .prng = tc_prng(seed)};
    c->main = c;
    c->beat_prng = tc_prng(seed ^ 0x6265617473);
    c->net.opt = swarm->net;
    c->net.prng = &c->prng;
    init_config(c);
    for (uint32_t i = 0; i < swarm->nodes; i++)
        init_node(c, i);
    for (uint32_t i = 0; i < swarm->clients; i++) {
        c->clients[i].active = true;
        sim_schedule(c, SIM_EV_THINK, i, tc_prng_below(&c->prng, 20 * SIM_MS), 0, NULL);
    }
    if (swarm->fault_every_ns)
        sim_schedule(c, SIM_EV_FAULT, 0, swarm->fault_every_ns, 0, NULL);
    if (swarm->replaces)
        sim_schedule(c, SIM_EV_ADMIN, 0, swarm->paxos.lease_ns, 0, NULL);
}

static void drop_event(struct sim_event *ev) {
    if (ev->kind == SIM_EV_MESSAGE)
        sim_msg_unref(ev->data);
    else
        free(ev->data);
}

void sim_cluster_deinit(struct sim_cluster *c) {
    struct sim_event ev;
    while (sim_heap_pop(&c->heap, &ev))
        drop_event(&ev);
    sim_siblings_deinit(c);
    sim_heap_deinit(&c->heap);
    for (size_t i = 0; i < c->parked.len / sizeof ev; i++)
        drop_event(&((struct sim_event *)(void *)c->parked.data)[i]);
    tc_buf_deinit(&c->parked);
    for (uint32_t i = 0; i < c->swarm.nodes; i++) {
        struct sim_node *n = &c->nodes[i];
        struct sim_held *held = (struct sim_held *)(void *)n->held.data;
        for (size_t k = 0; k < n->held.len / sizeof *held; k++)
            sim_msg_unref(held[k].msg);
        tc_buf_deinit(&n->held);
        sim_disk_deinit(&n->disk);
        paxos_free(n->paxos);
        support_free(n->support);
    }
    for (size_t i = 0; i < sim_archived(c); i++)
        tc_blob_unref(((struct paxos_entry *)(void *)c->archive.data)[i].body);
    tc_buf_deinit(&c->archive);
    sim_disk_deinit(&c->lost);
    sim_history_deinit(&c->history);
    tc_buf_deinit(&c->chosen);
}

static void tick(struct sim_cluster *c, const struct sim_event *ev) {
    struct paxos_out out;
    struct paxos_event tick = {.type = PAXOS_EV_TICK};
    struct sim_node *n = &c->nodes[ev->node];
    if (!n->up || n->boot != ev->arg)
        return;
    if (n->patient && paxos_status(n->paxos).role == PAXOS_FOLLOWER)
        sim_schedule(c, SIM_EV_TICK, ev->node, 10 * SIM_MS, ev->arg, NULL);
    else
        (void)sim_node_step(c, ev->node, &tick, &out);
}

static void deliver(struct sim_cluster *c, struct sim_event *ev) {
    c->in_flight--;
    if (c->hold[ev->arg][ev->node]) {
        tc_buf_append(&c->parked, ev, sizeof *ev);
        return;
    }
    if (!c->nodes[ev->node].up || !sim_net_open(&c->net, (uint32_t)ev->arg, ev->node)) {
        sim_msg_unref(ev->data);
        return;
    }
    sim_node_message(c, ev->node, ev->data);
}

void sim_release(struct sim_cluster *c, uint32_t from, uint32_t to) {
    struct sim_event *ev = (struct sim_event *)(void *)c->parked.data;
    size_t count = c->parked.len / sizeof *ev;
    size_t kept = 0;
    c->hold[from][to] = false;
    for (size_t i = 0; i < count; i++) {
        if (ev[i].arg != from || ev[i].node != to)
            ev[kept++] = ev[i];
        else if (ev[i].kind != SIM_EV_MESSAGE)
            sim_beats_recv(c, &ev[i]);
        else if (c->nodes[to].up) /* it has crossed the link already */
            sim_node_message(c, to, ev[i].data);
        else
            sim_msg_unref(ev[i].data);
    }
    c->parked.len = kept * sizeof *ev;
}

static void start_node(struct sim_cluster *c, uint32_t node) {
    struct sim_node *n = &c->nodes[node];
    n->trace.line = c->trace ? node_line : NULL;
    if (!n->up && n->rid != 0 && c->event_count > c->swarm.members)
        sim_note(c, "    %u starts", n->rid);
    sim_node_start(c, node);
}

/* How often the administrator looks. */
static void admin(struct sim_cluster *c) {
    sim_admin(c);
    uint64_t lease = c->swarm.paxos.lease_ns;
    sim_schedule(c, SIM_EV_ADMIN, 0, tc_prng_between(&c->prng, lease / 16, lease / 2), 0, NULL);
}

/* Every draw is a statement of its own: the order of evaluation of arguments is not fixed. */
static void upkeep(struct sim_cluster *c, uint32_t node) {
    uint64_t lag = tc_prng_below(&c->prng, 20);
    uint64_t keep = tc_prng_below(&c->prng, 30);
    sim_node_upkeep(c, node, lag, keep);
    sim_schedule(c, SIM_EV_UPKEEP, node, tc_prng_between(&c->prng, 50 * SIM_MS, 600 * SIM_MS), 0,
                 NULL);
}

static void handle(struct sim_cluster *c, struct sim_event *ev) {
    switch ((enum sim_kind)ev->kind) {
    case SIM_EV_TICK:
        tick(c, ev);
        break;
    case SIM_EV_MESSAGE:
        deliver(c, ev);
        break;
    case SIM_EV_SYNCED:
        sim_node_synced(c, ev->node, ev->arg);
        break;
    case SIM_EV_THINK:
        sim_client_think(c, ev->node, ev->arg);
        break;
    case SIM_EV_REQUEST:
        sim_client_request(c, ev->node, (uint32_t)(ev->arg >> 56), ev->arg << 8 >> 8);
        break;
    case SIM_EV_REPLY:
        sim_client_reply(c, ev->data);
        break;
    case SIM_EV_FAULT:
        sim_fault(c, ev->arg);
        break;
    case SIM_EV_CRASH:
        if (!c->calm)
            sim_node_crash(c, ev->node);
        break;
    case SIM_EV_HEAL:
        if (!c->calm)
            sim_note(c, "    the network heals");
        sim_net_heal(&c->net);
        break;
    case SIM_EV_START:
        start_node(c, ev->node);
        break;
    case SIM_EV_SNAPSHOT:
        sim_ship_arrives(c, ev->node, ev->data);
        break;
    case SIM_EV_RESTORE:
        sim_ship_restore(c, ev->node, ev->data);
        break;
    case SIM_EV_ADMIN:
        admin(c);
        break;
    case SIM_EV_UPKEEP:
        upkeep(c, ev->node);
        break;
    case SIM_EV_BEATS:
        sim_beats_due(c, ev->node, ev->arg);
        break;
    case SIM_EV_BEAT:
    case SIM_EV_ACK:
        sim_beats_recv(c, ev);
        break;
    }
}

/* A stopped process handles nothing; what arrives meanwhile waits in its queues, in order. */
static bool put_off(struct sim_cluster *c, const struct sim_event *ev) {
    bool own = ev->kind == SIM_EV_TICK || ev->kind == SIM_EV_MESSAGE || ev->kind == SIM_EV_SYNCED ||
               ev->kind == SIM_EV_REQUEST || ev->kind == SIM_EV_SNAPSHOT ||
               ev->kind == SIM_EV_UPKEEP || ev->kind == SIM_EV_RESTORE ||
               ev->kind == SIM_EV_BEATS || ev->kind == SIM_EV_BEAT || ev->kind == SIM_EV_ACK;
    if (!own || !c->nodes[ev->node].up || c->nodes[ev->node].paused_until_ns <= c->now_ns)
        return false;
    struct sim_event later = *ev;
    later.at_ns = c->nodes[ev->node].paused_until_ns;
    sim_heap_push(&c->heap, later);
    return true;
}

bool sim_cluster_next(struct sim_cluster *c, uint64_t until_ns) {
    struct sim_event ev;
    if (c->failed || !sim_heap_pop(&c->heap, &ev))
        return false;
    if (ev.at_ns > until_ns) {
        sim_heap_push(&c->heap, ev);
        sim_siblings_run(c, until_ns);
        c->now_ns = until_ns;
        return false;
    }
    sim_siblings_run(c, ev.at_ns);
    c->now_ns = ev.at_ns;
    if (put_off(c, &ev))
        return true;
    c->event_count++;
    c->hash = (c->hash ^ ev.at_ns ^ (uint64_t)ev.kind << 56 ^ (uint64_t)ev.node << 48) *
              0x9e3779b97f4a7c15u;
    handle(c, &ev);
    return !c->failed;
}
