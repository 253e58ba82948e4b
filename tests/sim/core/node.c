/* The driver of one replica: performs what a step put out, and reports back. */
#include "base/assert.h"
#include "base/hash.h"
#include "sim/core/cluster.h"

#include <stdlib.h>

uint64_t sim_node_now(const struct sim_cluster *c, uint32_t node) {
    return sim_clock_local(&c->nodes[node].clock, c->now_ns);
}

struct paxos_status sim_node_status(const struct sim_cluster *c, uint32_t node) {
    return paxos_status(c->nodes[node].paxos);
}

int sim_leader(const struct sim_cluster *c) {
    int found = -1;
    uint64_t ballot = 0;
    for (uint32_t n = 0; n < c->swarm.nodes; n++) {
        if (!c->nodes[n].up)
            continue;
        struct paxos_status s = sim_node_status(c, n);
        if (s.role == PAXOS_LEADER && s.ballot > ballot) {
            ballot = s.ballot;
            found = (int)n;
        }
    }
    return found;
}

/* Bodies that the core no longer holds come from the disk, by index, now: later the entry may be
 * another one. */
static void fill_bodies(struct sim_cluster *c, const struct sim_node *n, struct sim_msg *m) {
    const struct paxos_msg *msg = sim_msg_get(m);
    for (size_t i = 0; i < msg->entry_count; i++) {
        struct paxos_entry *e = (struct paxos_entry *)&msg->entries[i];
        if (e->body || e->body_len == 0 || (e->flags & PAXOS_FAULTY))
            continue;
        const struct paxos_entry *own = sim_disk_entry(&n->disk, e->index);
        if (own == NULL || own->chain != e->chain || own->body == NULL) {
            sim_fail(c, "%u sends %lu, whose body is nowhere", n->rid, (unsigned long)e->index);
            return;
        }
        e->body = tc_blob_ref(own->body);
    }
}

static void launch(struct sim_cluster *c, uint32_t node, struct sim_msg *m) {
    uint64_t delays[SIM_NET_COPIES_MAX];
    const struct paxos_msg *msg = sim_msg_get(m);
    int to = sim_store_of(c, msg->to);
    struct sim_node *n = &c->nodes[node];
    c->sent_count +=
        quorum_may_vote(&c->chosen_config, n->rid); /* a stray replica may go on asking */
    if ((msg->type == PAXOS_PROMISE || msg->type == PAXOS_ACCEPTED) &&
        !(msg->flags & PAXOS_F_REFUSED) && msg->ballot > n->said_promise)
        n->said_promise = msg->ballot;
    if (c->observer)
        c->observer->launch(c->observer->user, node, msg);
    uint32_t copies = to < 0 ? 0 : sim_net_route(&c->net, node, (uint32_t)to, delays);
    for (uint32_t i = 0; i < copies; i++)
        sim_schedule(c, SIM_EV_MESSAGE, (uint32_t)to, delays[i], node, sim_msg_ref(m));
    c->in_flight += copies;
    if (c->in_flight > SIM_IN_FLIGHT_MAX)
        sim_fail(c, "a storm: %lu messages are on their way", (unsigned long)c->in_flight);
    sim_msg_unref(m);
}

static void send_all(struct sim_cluster *c, uint32_t node, const struct paxos_out *out) {
    struct sim_node *n = &c->nodes[node];
    for (size_t i = 0; i < out->send_count; i++) {
        struct sim_msg *m = sim_msg_copy(&out->sends[i].msg);
        fill_bodies(c, n, m);
        struct sim_held held = {.after_seq = out->sends[i].after_seq, .msg = m};
        if (held.after_seq <= n->durable_seq)
            launch(c, node, m);
        else
            tc_buf_append(&n->held, &held, sizeof held);
    }
}

static void release_held(struct sim_cluster *c, uint32_t node) {
    struct sim_node *n = &c->nodes[node];
    struct sim_held *held = (struct sim_held *)(void *)n->held.data;
    size_t count = n->held.len / sizeof *held;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (held[i].after_seq <= n->durable_seq)
            launch(c, node, held[i].msg);
        else
            held[kept++] = held[i];
    }
    n->held.len = kept * sizeof *held;
}

static void start_sync(struct sim_cluster *c, uint32_t node) {
    struct sim_node *n = &c->nodes[node];
    struct sim_disk *d = &n->disk;
    if (d->syncing_seq != 0 || d->unit_count == 0)
        return;
    n->sync_since_ns = c->now_ns;
    d->syncing_seq = d->units[(d->unit_head + d->unit_count - 1) % SIM_UNITS_MAX].seq;
    uint64_t delay = tc_prng_between(&c->prng, c->swarm.sync_min_ns, c->swarm.sync_max_ns);
    if (c->swarm.slow_disk && !c->calm && tc_prng_chance(&c->prng, 1, 200))
        delay += tc_prng_below(&c->prng, 2 * c->swarm.paxos.lease_ns);
    sim_schedule(c, SIM_EV_SYNCED, node, delay, n->boot, NULL);
}

static void schedule_tick(struct sim_cluster *c, uint32_t node, uint64_t deadline_ns) {
    struct sim_node *n = &c->nodes[node];
    if (deadline_ns == UINT64_MAX)
        return;
    uint64_t at = sim_clock_global(&n->clock, deadline_ns);
    if (at < c->now_ns)
        at = c->now_ns;
    if (n->tick_at_ns > c->now_ns && n->tick_at_ns <= at)
        return;
    n->tick_at_ns = at;
    sim_schedule(c, SIM_EV_TICK, node, at - c->now_ns, n->boot, NULL);
}

static bool apply_to(struct sim_cluster *c, uint32_t node, uint64_t index) {
    struct sim_node *n = &c->nodes[node];
    bool any = false;
    if (index > n->owned)
        n->owned = index;
    if (n->disk.log_only)
        return false;
    while (n->state.applied < index && !c->failed) {
        const struct paxos_entry *e = paxos_entry_at(n->paxos, n->state.applied + 1);
        TC_ASSERT(e != NULL);
        struct paxos_entry full = *e;
        const struct paxos_entry *own = sim_disk_entry(&n->disk, e->index);
        if (full.body == NULL && own)
            full.body = own->body;
        uint32_t key;
        uint64_t before;
        sim_apply(&n->state, &full, &key, &before);
        if (paxos_mutant == 27)
            n->state.sum += n->rid;
        sim_check_applied(c, node, &full, key, before);
        sim_client_applied(c, node, &full, before);
        any = true;
    }
    return any;
}

static void perform(struct sim_cluster *c, uint32_t node, const struct paxos_out *out) {
    struct sim_node *n = &c->nodes[node];
    if (out->seq != 0) {
        TC_ASSERT(n->disk.unit_count < SIM_UNITS_MAX);
        sim_disk_write(&n->disk, out);
        start_sync(c, node);
    }
    send_all(c, node, out);
    sim_ship(c, node, out);
    struct paxos_mark base = sim_node_status(c, node).base;
    if (out->base_changed && n->disk.base.index < base.index)
        sim_disk_trim(&n->disk, base, paxos_config_at(n->paxos, base.index));
    if (out->role_changed && sim_node_status(c, node).role == PAXOS_LEADER) {
        c->election_count++;
        sim_new_leader(c, node);
    }
    schedule_tick(c, node, out->deadline_ns);
}

tc_err sim_node_step(struct sim_cluster *c, uint32_t node, struct paxos_event *ev,
                     struct paxos_out *out) {
    struct sim_node *n = &c->nodes[node];
    ev->now_ns = sim_node_now(c, node);
    tc_err err = paxos_step(n->paxos, ev, out);
    if (err == TC_ECORRUPT)
        sim_fail(c, "%u found a message or entry corrupt, none is", n->rid);
    if (c->observer) {
        struct paxos_status after = paxos_status(n->paxos);
        c->observer->step(c->observer->user, node, ev, out, &after);
    }
    sim_check_step(c, node, out);
    perform(c, node, out);
    c->hash = (c->hash ^ out->apply_index ^ out->send_count << 32) * 0x9e3779b97f4a7c15u;
    if (!c->failed && apply_to(c, node, out->apply_index)) {
        struct paxos_out more;
        struct paxos_event applied = {.type = PAXOS_EV_APPLIED, .index = n->state.applied};
        tc_err ignored = sim_node_step(c, node, &applied, &more);
        TC_ASSERT(ignored == TC_OK);
    }
    return err;
}

void sim_node_message(struct sim_cluster *c, uint32_t node, struct sim_msg *msg) {
    struct paxos_out out;
    if (sim_msg_get(msg)->to != c->nodes[node].rid) { /* another replica lives there now */
        sim_msg_unref(msg);
        return;
    }
    struct paxos_event ev = {.type = PAXOS_EV_RECEIVE, .msg = sim_msg_get(msg)};
    (void)sim_node_step(c, node, &ev, &out);
    sim_msg_unref(msg);
}

void sim_node_synced(struct sim_cluster *c, uint32_t node, uint64_t boot) {
    struct sim_node *n = &c->nodes[node];
    if (!n->up || n->boot != boot)
        return;
    if (n->stuck_disk) {
        sim_schedule(c, SIM_EV_SYNCED, node, SIM_MS, boot, NULL);
        return;
    }
    uint64_t seq = n->disk.syncing_seq;
    n->disk.syncing_seq = 0;
    sim_disk_sync(&n->disk, seq);
    if (c->observer)
        c->observer->durable(c->observer->user, node, seq);
    n->durable_seq = seq;
    start_sync(c, node);
    release_held(c, node);
    struct paxos_out out;
    struct paxos_event ev = {.type = PAXOS_EV_DURABLE, .seq = seq};
    (void)sim_node_step(c, node, &ev, &out);
}

/* Another member holds a copy, readable or not. */
static bool copied(const struct sim_cluster *c, uint32_t node, const struct paxos_entry *e,
                   uint16_t flags_max) {
    for (uint32_t other = 0; other < c->swarm.nodes; other++) {
        const struct paxos_entry *copy = sim_disk_entry(&c->nodes[other].disk, e->index);
        if (other != node && copy && copy->chain == e->chain && copy->flags <= flags_max &&
            quorum_may_vote(&c->chosen_config, c->nodes[other].rid))
            return true;
    }
    return false;
}

/* An entry that was not chosen may rot even where it is the only copy: its leader is down, so
 * nobody counts what is acknowledged of it any more. But then no member may be lost for good, for
 * it takes all the others to say that they never had it. */
static bool dispensable(const struct sim_cluster *c, uint32_t node, const struct paxos_entry *e) {
    const struct sim_chosen *known = sim_chosen_at(c, e->index);
    struct quorum_rids voters = quorum_voters(&c->chosen_config);
    for (uint32_t i = 0; i < voters.count; i++)
        if (sim_store_of(c, voters.rids[i]) < 0)
            return false;
    return paxos_ballot_rid(e->ballot) == c->nodes[node].rid && known == NULL &&
           !copied(c, node, e, PAXOS_FAULTY);
}

/* Rot: an entry's body becomes unreadable. */
static void maybe_rot(struct sim_cluster *c, uint32_t node) {
    struct sim_disk *d = &c->nodes[node].disk;
    uint64_t count = sim_disk_last(d) - d->base.index;
    if (!c->swarm.rot || c->calm || count == 0 || tc_prng_chance(&c->prng, 1, 2))
        return;
    uint64_t back = tc_prng_chance(&c->prng, 1, 2) && count > 4 ? 4 : count;
    struct paxos_entry *e = sim_disk_entry(d, sim_disk_last(d) - tc_prng_below(&c->prng, back));
    if (!copied(c, node, e, 0) && !dispensable(c, node, e))
        return;
    if (paxos_mutant == 16) {
        sim_disk_cut(d, e->index);
        return;
    }
    sim_note(c, "    entry %lu of %u rots", (unsigned long)e->index, c->nodes[node].rid);
    tc_blob_unref(e->body);
    e->body = NULL;
    e->flags |= PAXOS_FAULTY;
}

void sim_node_start(struct sim_cluster *c, uint32_t node) {
    struct sim_node *n = &c->nodes[node];
    struct sim_disk *d = &n->disk;
    if (n->up || n->rid == 0 || (c->main != c && !c->main->nodes[node].up))
        return;
    maybe_rot(c, node);
    struct paxos_recovery r = {.promised = d->promised,
                               .base = d->base,
                               .config = &d->config,
                               .entries = (const struct paxos_entry *)(void *)d->log.data,
                               .entry_count = (size_t)(sim_disk_last(d) - d->base.index),
                               .checkpoint_index = d->checkpoint.applied,
                               .checkpoint_chain = d->checkpoint.chain,
                               .archived = d->base.index,
                               .log_only = d->log_only};
    sim_beats_start(c, node);
    struct paxos_params params = {.gid = 7 + c->group,
                                  .rid = n->rid,
                                  .seed = tc_prng_u64(&c->prng),
                                  .now_ns = sim_node_now(c, node),
                                  .options = c->swarm.paxos,
                                  .trace = &n->trace,
                                  .recovery = &r,
                                  .support = c->main->nodes[node].support};
    if (c->observer)
        c->observer->start(c->observer->user, node, &r);
    n->up = true;
    n->boot++;
    n->durable_seq = 0;
    n->tick_at_ns = 0;
    n->state = d->checkpoint;
    n->checked_commit = d->base.index;
    n->waiting_count = 0;
    sim_check_start(c, node);
    if (paxos_new(&params, &n->paxos) != TC_OK) {
        sim_fail(c, "%u does not start", n->rid);
        n->up = false;
        return;
    }
    sim_schedule(c, SIM_EV_TICK, node, 0, n->boot, NULL);
    sim_beats_started(c, node);
}

void sim_node_crash(struct sim_cluster *c, uint32_t node) {
    struct sim_node *n = &c->nodes[node];
    if (!n->up)
        return;
    sim_note(c, "    %u crashes", n->rid);
    sim_beats_crash(c, node);
    struct sim_held *held = (struct sim_held *)(void *)n->held.data;
    for (size_t i = 0; i < n->held.len / sizeof *held; i++)
        sim_msg_unref(held[i].msg);
    tc_buf_clear(&n->held);
    if (c->observer)
        c->observer->crash(c->observer->user, node);
    sim_disk_crash(&n->disk, &c->prng);
    paxos_free(n->paxos);
    n->paxos = NULL;
    sim_beats_crashed(c, node);
    n->up = false;
    n->paused_until_ns = 0;
}

void sim_node_pause(struct sim_cluster *c, uint32_t node, uint64_t for_ns) {
    struct sim_node *n = &c->nodes[node];
    if (!n->up)
        return;
    sim_note(c, "    %u stops for %lu ms", n->rid, (unsigned long)(for_ns / SIM_MS));
    if (paxos_mutant == 25) /* a virtual machine: its clock stops too */
        n->clock.origin_ns -= for_ns;
    n->paused_until_ns = c->now_ns + for_ns;
}
