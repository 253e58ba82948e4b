/* Clients with a router's habits: one request at a time, repeated under the same id until it is
 * answered for good or its time is over, at the leader that the last answer named. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "base/reader.h"

#include <stdlib.h>

bool world_op_is_write(enum world_kind kind) {
    return kind >= OP_PUT && kind <= OP_DELETE;
}

const char *world_op_name(enum world_kind kind) {
    static const char *const names[OP_KINDS] = {"get",    "get-eventual", "put",
                                                "put-if", "put-absent",   "add",
                                                "delete", "range",        "range-eventual"};
    return kind < OP_KINDS ? names[kind] : "?";
}

static bool is_strong(enum world_kind kind) {
    return kind != OP_GET_EVENTUAL && kind != OP_RANGE_EVENTUAL;
}

/* ---- beginning */

static enum world_kind draw_kind(struct world *w, uint32_t key) {
    static const enum world_kind mix[] = {
        OP_GET, OP_GET, OP_GET,    OP_GET_EVENTUAL, OP_PUT,
        OP_PUT, OP_PUT, OP_PUT_IF, OP_PUT_IF,       OP_PUT_ABSENT,
        OP_ADD, OP_ADD, OP_DELETE, OP_RANGE,        OP_RANGE_EVENTUAL};
    enum world_kind kind = mix[world_below(w, sizeof mix / sizeof mix[0])];
    return key == 0 && world_op_is_write(kind) ? OP_ADD : kind;
}

static struct world_op *op_new(struct world *w, uint32_t client) {
    struct world_op *op = calloc(1, sizeof *op);
    TC_ASSERT(op != NULL);
    if (w->op_count == w->op_cap) {
        w->op_cap = w->op_cap ? 2 * w->op_cap : 1024;
        w->ops = realloc((void *)w->ops, w->op_cap * sizeof(struct world_op *));
        TC_ASSERT(w->ops != NULL);
    }
    w->ops[w->op_count++] = op;
    op->id = w->op_count;
    op->client = client;
    op->group = (uint32_t)world_below(w, w->swarm.groups);
    op->key = (uint32_t)world_below(w, w->swarm.keys);
    op->kind = draw_kind(w, op->key);
    op->limit = (uint32_t)tc_prng_between(&w->prng, 1, WORLD_RANGE_ITEMS_MAX);
    op->reverse = tc_prng_chance(&w->prng, 1, 2);
    op->invoked_ns = w->now_ns;
    op->floor = world_split_told(w, op->group, op->key);
    op->part =
        tc_prng_chance(&w->split_prng, 1, 5) ? op->group : world_split_leaf(w, op->group, op->key);
    return op;
}

static void sleep_for(struct world *w, struct world_client *c, uint64_t delay_ns) {
    world_push(w, delay_ns, EVENT_CLIENT, (uint32_t)(c - w->clients), ++c->wake, NULL);
}

static void begin(struct world *w, struct world_client *c) {
    struct world_op *op = op_new(w, (uint32_t)(c - w->clients));
    op->expected = c->last_stamp[op->group][op->key];
    if (op->kind == OP_PUT_IF && op->expected == 0)
        op->kind = OP_PUT_ABSENT;
    c->op = op;
    c->node = c->hints[op->part];
    world_request_build(w, op);
    world_trace(w, "client %u  op %lu %s g%u k%u floor %lu", op->client, (unsigned long)op->id,
                world_op_name(op->kind), op->group, op->key, (unsigned long)op->floor);
}

/* ---- ending */

static void finish(struct world *w, struct world_client *c, tc_err err) {
    struct world_op *op = c->op;
    op->done = true;
    op->err = err;
    op->maybe = op->open_attempts != 0;
    tc_buf_deinit(&op->request);
    c->op = NULL;
    c->done_count += err != TC_EUNKNOWN;
    w->acked_count += err == TC_OK;
    w->unknown_count += err == TC_EUNKNOWN;
    w->refused_count += err != TC_OK && err != TC_EUNKNOWN;
    world_trace(w, "client %u  op %lu done: %s index %lu", op->client, (unsigned long)op->id,
                tc_err_name(err), (unsigned long)op->index);
    bool busy = w->now_ns < w->index.busy_until_ns;
    sleep_for(w, c, tc_prng_between(&w->prng, 1000, busy ? WORLD_MS_NS : w->swarm.think_ns));
}

/* ---- attempts */

static bool is_member(const struct world_group *g, uint32_t node) {
    for (uint32_t i = 0; i < g->count; i++)
        if (g->nodes[i] == node)
            return true;
    return false;
}

static void pick_node(struct world *w, struct world_client *c) {
    const struct world_group *g = &w->groups[c->op->part];
    if (!is_member(g, c->node) || !is_strong(c->op->kind))
        c->node = g->nodes[world_below(w, g->count)];
}

static void attempt(struct world *w, struct world_client *c) {
    struct world_op *op = c->op;
    uint64_t bit = (uint64_t)1 << op->attempts;
    uint64_t token = op->id * 64 + op->attempts++;
    bool range = op->kind == OP_RANGE || op->kind == OP_RANGE_EVENTUAL;
    pick_node(w, c);
    if (w->swarm.reshape || w->swarm.follows) { /* with the epoch known by now */
        tc_buf_clear(&op->request);
        world_request_build(w, op);
    }
    op->open_attempts |= bit;
    op->parts[token % 64] = (uint8_t)op->part;
    if (!tc_prng_chance(&w->prng, w->swarm.net.drop_ppm, 1000000)) {
        struct world_parcel *p = world_parcel_new(range ? PARCEL_RANGE : PARCEL_ITEM, 0);
        p->token = token;
        tc_buf_append_slice(&p->bytes, tc_buf_slice(&op->request));
        bool late = tc_prng_chance(&w->prng, w->net.opt.late_ppm, 1000000);
        uint64_t delay = tc_prng_between(&w->prng, w->net.opt.delay_min_ns,
                                         late ? w->net.opt.late_max_ns : w->net.opt.delay_max_ns);
        world_push(w, delay, EVENT_PARCEL, c->node, 0, p);
    } else {
        op->open_attempts &= ~bit;
    }
    sleep_for(w, c, tc_prng_between(&w->prng, 150, 1200) * WORLD_MS_NS);
}

void world_client_wake(struct world *w, uint32_t client, uint64_t wake) {
    struct world_client *c = &w->clients[client];
    if (wake != c->wake)
        return;
    if (c->op == NULL) {
        if (c->idle) {
            sleep_for(w, c, 100 * (uint64_t)WORLD_MS_NS);
            return;
        }
        begin(w, c);
    } else if (w->now_ns > c->op->invoked_ns + WORLD_GIVE_UP_NS ||
               c->op->attempts >= WORLD_ATTEMPTS_MAX) {
        finish(w, c, TC_EUNKNOWN);
        return;
    } else if (tc_prng_chance(&w->prng, 1, 2)) {
        c->node = (uint32_t)world_below(w, w->swarm.nodes);
    }
    attempt(w, c);
}

/* ---- answers */

static uint32_t leader_of(const Tercet__Pb__Partition *p) {
    for (size_t i = 0; i < p->n_members; i++)
        if (p->leader_rid != 0 && p->members[i]->rid == p->leader_rid)
            return (uint32_t)strtoul(p->members[i]->addr + 5, NULL, 10);
    return UINT32_MAX;
}

/* The line goes on in another group: ask that one from now on. */
static void ask_part(struct world *w, struct world_client *c, uint32_t part) {
    if (part == c->op->part)
        return;
    c->op->part = part;
    world_request_build(w, c->op);
}

static void follow_hint(struct world *w, struct world_client *c, tc_err err,
                        const Tercet__Pb__Partition *moved) {
    struct world_op *op = c->op;
    if (err == TC_EMOVED) {
        uint32_t part = moved ? world_split_seen(w, op->group, moved->gid) : WORLD_GROUPS_MAX;
        bool holds = part < WORLD_GROUPS_MAX && op->key >= w->groups[part].from &&
                     op->key < w->groups[part].to;
        ask_part(w, c, holds ? part : world_split_leaf(w, op->group, op->key));
    }
    const struct world_group *g = &w->groups[op->part];
    bool fits = moved && moved->gid == g->gid;
    uint32_t node = fits ? leader_of(moved) : UINT32_MAX;
    if (fits)
        world_group_learn(w, &w->groups[op->part], moved);
    if (node < w->swarm.nodes)
        c->hints[op->part] = c->node = node;
    else
        c->node = g->nodes[world_below(w, g->count)];
}

static void remember(struct world_client *c, uint32_t group, const struct world_seen *seen) {
    c->last_stamp[group][seen->key] = seen->stamp;
}

static void read_item(struct world *w, struct world_client *c, const struct world_parcel *p,
                      const Tercet__Pb__ItemReply *m) {
    struct world_op *op = c->op;
    const struct world_group *g = &w->groups[op->group];
    bool refused = p->err == TC_ECONDITION;
    if (world_op_is_write(op->kind) && !refused) {
        remember(c, op->group, &(struct world_seen){.key = op->key, .stamp = op->id});
        return;
    }
    ProtobufCBinaryData item = refused ? m->old_item : m->new_item;
    op->seen[0] = world_item_read(g, op->key, tc_slice(item.data, item.len));
    op->seen_count = 1;
    if (m->found != (op->seen[0].stamp != 0))
        world_fail(w, "op %lu: found %d does not fit the item", (unsigned long)op->id, m->found);
    remember(c, op->group, &op->seen[0]);
}

static void read_items(struct world *w, struct world_op *op, const Tercet__Pb__RangeReply *m) {
    struct tc_reader r = tc_reader(tc_slice(m->items.data, m->items.len));
    const struct world_group *g = &w->groups[op->group];
    op->more = m->more;
    while (!tc_reader_at_end(&r) && op->seen_count < WORLD_RANGE_ITEMS_MAX) {
        struct tc_slice item = tc_reader_lenbytes(&r);
        uint32_t key = world_key_of_item(w, g, item);
        if (!tc_reader_ok(&r) || key == WORLD_KEYS_MAX) {
            world_fail(w, "op %lu: a range holds what nobody put", (unsigned long)op->id);
            return;
        }
        op->seen[op->seen_count++] = world_item_read(g, key, item);
    }
    if (op->seen_count != m->count)
        world_fail(w, "op %lu: count %u of %u items", (unsigned long)op->id, m->count,
                   op->seen_count);
}

/* A strong answer is never older than what anybody was told before it was asked for; any other by
 * more than a second and what clocks may be wrong. */
static void check_floor(struct world *w, const struct world_op *op, tc_err err) {
    bool is_write = world_op_is_write(op->kind);
    uint64_t lag_ns = w->swarm.stale_max_ns;
    if (err != TC_OK)
        return;
    if (!is_strong(op->kind)) {
        uint64_t told = op->invoked_ns > lag_ns
                            ? world_split_told_at(w, op->group, op->key, op->invoked_ns - lag_ns)
                            : 0;
        if (op->index < told)
            world_fail(w, "staleness: op %lu (%s) answered index %lu, %lu was known long before",
                       (unsigned long)op->id, world_op_name(op->kind), (unsigned long)op->index,
                       (unsigned long)told);
        return;
    }
    if (is_write ? op->index <= op->floor : op->index < op->floor)
        world_fail(w, "linearizability: op %lu (%s) answered index %lu, %lu was known before",
                   (unsigned long)op->id, world_op_name(op->kind), (unsigned long)op->index,
                   (unsigned long)op->floor);
}

/* False: to be tried again. */
static bool settles(struct world *w, struct world_client *c, const struct world_parcel *p) {
    struct world_op *op = c->op;
    bool range = op->kind == OP_RANGE || op->kind == OP_RANGE_EVENTUAL;
    bool final = p->err == TC_OK || tc_err_class(p->err) == TC_CLASS_NONE;
    if (final && p->err != TC_OK && p->err != TC_ECONDITION)
        world_fail(w, "op %lu (%s) was refused: %s", (unsigned long)op->id, world_op_name(op->kind),
                   tc_err_name(p->err));
    if (range) {
        Tercet__Pb__RangeReply *m =
            tercet__pb__range_reply__unpack(NULL, p->bytes.len, p->bytes.data);
        TC_ASSERT(m != NULL);
        if (final)
            read_items(w, op, m);
        else
            follow_hint(w, c, p->err, m->moved);
        op->index = m->index;
        tercet__pb__range_reply__free_unpacked(m, NULL);
    } else {
        Tercet__Pb__ItemReply *m =
            tercet__pb__item_reply__unpack(NULL, p->bytes.len, p->bytes.data);
        TC_ASSERT(m != NULL);
        if (final)
            read_item(w, c, p, m);
        else
            follow_hint(w, c, p->err, m->moved);
        op->index = m->index;
        tercet__pb__item_reply__free_unpacked(m, NULL);
    }
    return final;
}

void world_client_answer(struct world *w, const struct world_parcel *p) {
    uint64_t id = p->token / 64;
    TC_ASSERT(id >= 1 && id <= w->op_count);
    struct world_op *op = w->ops[id - 1];
    struct world_client *c = &w->clients[op->client];
    if (tc_err_class(p->err) != TC_CLASS_UNKNOWN)
        op->open_attempts &= ~((uint64_t)1 << (p->token % 64));
    if (op->done || c->op != op)
        return;
    world_trace(w, "client %u  op %lu answer of %u: %s", op->client, (unsigned long)op->id, p->from,
                tc_err_name(p->err));
    uint32_t part = op->parts[p->token % 64];
    if (settles(w, c, p)) {
        op->part = part;
        check_floor(w, op, p->err);
        if (p->err == TC_OK)
            c->hints[op->part] = p->from;
        finish(w, c, p->err);
    } else {
        sleep_for(w, c, tc_prng_between(&w->prng, 1, 60) * WORLD_MS_NS);
    }
}
