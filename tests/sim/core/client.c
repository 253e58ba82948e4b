/* Clients issue one operation at a time; the node's side of it is what the store's shell does. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "sim/core/cluster.h"

#include <stdlib.h>

enum outcome {
    DONE,    /* answered */
    REFUSED, /* nothing happened */
};

struct reply {
    uint32_t client;
    uint64_t op_id;
    enum outcome outcome;
    bool as_read; /* a read, or a condition that failed */
    uint64_t version;
    uint64_t value;
    uint64_t before;
};

static uint64_t link_delay(struct sim_cluster *c) {
    return tc_prng_between(&c->prng, c->swarm.net.delay_min_ns, c->swarm.net.delay_max_ns);
}

static void answer(struct sim_cluster *c, struct reply r) {
    struct reply *copy = malloc(sizeof *copy);
    TC_ASSERT(copy != NULL);
    *copy = r;
    sim_schedule(c, SIM_EV_REPLY, 0, link_delay(c), 0, copy);
}

static uint64_t timeout_ns(const struct sim_cluster *c) {
    return 2 * c->swarm.paxos.lease_ns;
}

static void choose_target(struct sim_cluster *c, struct sim_client *cl) {
    int leader = sim_leader(c);
    bool wander = tc_prng_chance(&c->prng, 1, 4);
    if (leader >= 0 && !wander)
        cl->target = (uint32_t)leader;
    else if (tc_prng_chance(&c->prng, 1, 2))
        cl->target = (uint32_t)tc_prng_below(&c->prng, c->swarm.nodes);
}

void sim_client_think(struct sim_cluster *c, uint32_t client, uint64_t op_id) {
    struct sim_client *cl = &c->clients[client];
    if (!cl->active || cl->op_id != op_id)
        return;
    choose_target(c, cl);
    cl->op_id = ++c->next_op_id;
    cl->op = (struct sim_op){.value = cl->op_id};
    cl->op.kind = (enum sim_op_kind)tc_prng_below(&c->prng, 3);
    cl->op.key = (uint32_t)tc_prng_below(&c->prng, SIM_KEYS);
    cl->op.expected = cl->known[cl->op.key];
    cl->invoked_ns = c->now_ns;
    sim_history_invoke(&c->history, &cl->op);
    sim_schedule(c, SIM_EV_REQUEST, cl->target, link_delay(c), (uint64_t)client << 56 | cl->op_id,
                 NULL);
    sim_schedule(c, SIM_EV_THINK, client, timeout_ns(c), cl->op_id, NULL);
}

/* A strong read of the applied state, if the machine allows it at this moment. */
static void serve_read(struct sim_cluster *c, uint32_t node, struct reply r, uint32_t key,
                       bool failed_condition) {
    const struct sim_node *n = &c->nodes[node];
    struct paxos_out out;
    struct paxos_event ev = {.type = PAXOS_EV_READ};
    uint64_t ballot = sim_node_status(c, node).ballot;
    (void)sim_node_step(c, node, &ev, &out);
    bool leads = sim_node_status(c, node).serving;
    bool mutant = paxos_mutant == 23 && failed_condition && leads;
    r.outcome = out.read_err == TC_OK || mutant ? DONE : REFUSED;
    r.as_read = true;
    r.version = n->state.version[key];
    r.value = n->state.value[key];
    if (r.outcome == DONE)
        sim_check_read(c, node, ballot);
    answer(c, r);
}

static void propose(struct sim_cluster *c, uint32_t node, struct reply r, const struct sim_op *op) {
    struct sim_node *n = &c->nodes[node];
    struct paxos_out out;
    if (n->waiting_count == SIM_WAITING_MAX) {
        answer(c, r);
        return;
    }
    struct tc_blob *body = sim_body(op->key, op->value, (size_t)tc_prng_below(&c->prng, 64));
    struct paxos_proposal item = {
        .type = PAXOS_WRITE, .body = body, .body_crc = tc_crc32c(0, body->data, body->len)};
    struct paxos_event ev = {.type = PAXOS_EV_PROPOSE, .propose = {.items = &item, .count = 1}};
    struct sim_waiting *w = &n->waiting[n->waiting_count++];
    *w = (struct sim_waiting){.index = sim_node_status(c, node).last.index + 1,
                              .ballot = sim_node_status(c, node).ballot,
                              .client = r.client,
                              .op_id = r.op_id};
    if (sim_node_step(c, node, &ev, &out) != TC_OK) {
        n->waiting_count--;
        answer(c, r);
    }
    tc_blob_unref(body);
}

static bool key_is_pending(const struct sim_node *n, uint32_t key) {
    struct paxos_status s = paxos_status(n->paxos);
    for (uint64_t i = n->state.applied + 1; i <= s.last.index; i++) {
        const struct paxos_entry *e = paxos_entry_at(n->paxos, i);
        if (e == NULL || (e->body == NULL && e->body_len > 0))
            return true;
        if (e->body && memcmp(e->body->data, &key, sizeof key) == 0)
            return true;
    }
    return false;
}

void sim_client_request(struct sim_cluster *c, uint32_t node, uint32_t client, uint64_t op_id) {
    struct sim_node *n = &c->nodes[node];
    struct sim_client *cl = &c->clients[client];
    struct reply r = {.client = client, .op_id = op_id, .outcome = REFUSED};
    if (!n->up || cl->op_id != op_id)
        return; /* the request of a client that has given up is as good as lost */
    struct sim_op op = cl->op;
    if (op.kind == SIM_CONDITIONAL && key_is_pending(n, op.key)) {
        answer(c, r);
        return;
    }
    bool failed = op.kind == SIM_CONDITIONAL && n->state.version[op.key] != op.expected;
    if (op.kind == SIM_READ || failed)
        serve_read(c, node, r, op.key, failed);
    else
        propose(c, node, r, &op);
}

void sim_client_applied(struct sim_cluster *c, uint32_t node, const struct paxos_entry *e,
                        uint64_t before) {
    struct sim_node *n = &c->nodes[node];
    for (size_t i = 0; i < n->waiting_count; i++) {
        struct sim_waiting w = n->waiting[i];
        if (w.index != e->index)
            continue;
        n->waiting[i] = n->waiting[--n->waiting_count];
        if (w.ballot != e->ballot)
            return;
        sim_check_acked(c, node, e->index);
        answer(c, (struct reply){.client = w.client,
                                 .op_id = w.op_id,
                                 .outcome = DONE,
                                 .version = e->index,
                                 .before = before});
        return;
    }
}

void sim_client_reply(struct sim_cluster *c, void *data) {
    struct reply r = *(struct reply *)data;
    struct sim_client *cl = &c->clients[r.client];
    free(data);
    if (cl->op_id != r.op_id)
        return;
    const char *wrong = NULL;
    cl->op_id = 0;
    if (r.outcome == DONE && r.as_read)
        wrong = sim_history_read(&c->history, &cl->op, r.version, r.value);
    else if (r.outcome == DONE)
        wrong = sim_history_write(&c->history, &cl->op, r.version, r.before);
    if (wrong)
        sim_fail(c, "%s: key %u version %lu", wrong, cl->op.key, (unsigned long)r.version);
    if (r.outcome == DONE) {
        cl->known[cl->op.key] = r.version;
        cl->done_count++;
        c->acked_count++;
    }
    sim_schedule(c, SIM_EV_THINK, r.client, tc_prng_below(&c->prng, c->swarm.think_max_ns + 1), 0,
                 NULL);
}
