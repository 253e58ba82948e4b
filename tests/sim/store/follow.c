/* What follows from items in the groups of the item itself: rows of a local index, sizes of item
 * collections, expiry times. Schemas come and go under load, also while groups split, merge and
 * change their members; items are put that are due within seconds. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "core/index/index.h"
#include "core/number/number.h"
#include "engine/store/store_private.h"
#include "proto/bytes.h"
#include "sim/kit/index_rows.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    LOCAL_ID = 3,
    EVERY_MS_MAX = 3000,
    AGAIN_MS = 200,
};

#define WALL_S 1700000000u /* where the nodes' clocks begin */

static uint64_t below(struct world *w, uint64_t bound) {
    return tc_prng_below(&w->follow.prng, bound);
}

bool world_follow_is(const struct world *w, uint32_t root) {
    return w->swarm.follows && root != 0; /* the first is the system's */
}

/* ---- schemas */

static void make_schema(struct world *w) {
    struct world_follow *f = &w->follow;
    struct index_schema s = {.version = f->version,
                             .kind = INDEX_TABLE,
                             .hash = {TC_SLICE_LIT("pk"), ITEM_S},
                             .range = {TC_SLICE_LIT("sk"), ITEM_S},
                             .has_range = true,
                             .ttl = f->ttl ? TC_SLICE_LIT("t") : TC_SLICE_EMPTY,
                             .ttl_tag = f->tag,
                             .def_count = 1};
    s.defs[0] = (struct index_def){.id = LOCAL_ID,
                                   .name = TC_SLICE_LIT("by-l"),
                                   .hash = {{TC_SLICE_LIT("pk"), ITEM_S}},
                                   .hash_count = 1,
                                   .range = {{TC_SLICE_LIT("l"), ITEM_N}},
                                   .range_count = 1,
                                   .projection = INDEX_KEYS_ONLY};
    tc_buf_clear(&f->schema);
    tc_err err = index_schema_encode(&s, &f->schema);
    TC_ASSERT(err == TC_OK);
}

void world_follow_init(struct world *w) {
    w->follow.prng = tc_prng(w->seed * 7 + 0xf0110);
    w->follow.version = w->follow.tag = 1;
    w->follow.ttl = below(w, 2) == 0;
    make_schema(w);
}

void world_follow_deinit(struct world *w) {
    tc_buf_deinit(&w->follow.schema);
}

struct tc_slice world_follow_schema(const struct world *w, uint32_t group) {
    return world_follow_is(w, w->groups[group].root) ? tc_buf_slice(&w->follow.schema)
                                                     : TC_SLICE_EMPTY;
}

static void set_ttl(struct world *w, bool ttl) {
    w->follow.tag += ttl && !w->follow.ttl;
    w->follow.ttl = ttl;
    w->follow.version++;
    make_schema(w);
}

static bool is_leaf(const struct world *w, uint32_t group) {
    return world_follow_is(w, w->groups[group].root) && world_group_is_leaf(w, group);
}

void world_follow_next(struct world *w) {
    if (!w->calm && below(w, 3) == 0)
        set_ttl(w, below(w, 2) == 0);
    for (uint32_t g = 0; g < w->group_count && !w->failed; g++)
        if (is_leaf(w, g))
            world_group_set_schema(w, g, tc_buf_slice(&w->follow.schema), &w->follow.prng);
    uint64_t pause_ms = w->calm ? AGAIN_MS : 1 + below(w, EVERY_MS_MAX);
    world_push(w, pause_ms * WORLD_MS_NS, EVENT_FOLLOW, 0, 0, NULL);
}

/* ---- items */

void world_follow_append_range(struct tc_buf *key) {
    tc_buf_append_str(key, "s");
}

static void put_number(struct tc_buf *out, uint64_t v) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, v);
    tc_err err = item_put_number(out, tc_slice_str(text));
    TC_ASSERT(err == TC_OK);
}

/* Due within seconds, never, a text, or far ahead. */
static void put_time(const struct world_op *op, struct tc_buf *out) {
    switch (op->id % 4) {
    case 0:
        put_number(out, WALL_S + op->invoked_ns / 1000000000u + 1 + op->id % 3);
        break;
    case 1:
        break;
    case 2:
        item_put_string(out, TC_SLICE_LIT("1700000001"));
        break;
    default:
        put_number(out, 9000000000u + op->id % 5);
        break;
    }
}

static void add(struct item_builder *b, struct tc_slice name, const struct tc_buf *value) {
    if (value->len > 0)
        item_builder_add(b, name, tc_buf_slice(value));
}

void world_follow_add(const struct world *w, const struct world_op *op, bool whole,
                      struct item_builder *b, struct world_follow_attrs *attrs) {
    *attrs = (struct world_follow_attrs){0};
    if (!world_follow_is(w, op->group))
        return;
    item_put_string(&attrs->sk, TC_SLICE_LIT("s"));
    if (whole && op->id % 7 != 0)
        put_number(&attrs->l, op->id % 5);
    if (whole)
        put_time(op, &attrs->t);
    add(b, TC_SLICE_LIT("sk"), &attrs->sk);
    add(b, TC_SLICE_LIT("l"), &attrs->l);
    add(b, TC_SLICE_LIT("t"), &attrs->t);
}

void world_follow_attrs_deinit(struct world_follow_attrs *attrs) {
    tc_buf_deinit(&attrs->sk);
    tc_buf_deinit(&attrs->l);
    tc_buf_deinit(&attrs->t);
}

uint64_t world_follow_time(struct tc_slice item) {
    struct item_value v;
    uint64_t seconds = 0;
    if (item.len == 0 || !item_get(item, TC_SLICE_LIT("t"), &v) || v.type != ITEM_N ||
        number_to_u64(v.body, &seconds) != TC_OK)
        return 0;
    return seconds;
}

/* ---- the end */

static struct replica *replica_of(struct world *w, uint32_t group, uint32_t member) {
    const struct world_group *g = &w->groups[group];
    struct world_node *n = &w->nodes[g->nodes[member]];
    struct replica *r = n->store ? store__find(n->store, g->gid) : NULL;
    return r && r->state == REPLICA_OK && r->tree && !world_excused(n, g->gid) ? r : NULL;
}

/* What the newest leader says. */
static bool is_filled(struct world *w, uint32_t group) {
    uint64_t round = 0;
    bool filled = false;
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        Tercet__Pb__NodeInfoReply *info = world_node_info(&w->nodes[i]);
        for (size_t k = 0; info && k < info->n_replicas; k++) {
            const Tercet__Pb__ReplicaInfo *r = info->replicas[k];
            if (r->partition->gid != w->groups[group].gid || r->role != 2 ||
                r->partition->leader_round < round)
                continue;
            round = r->partition->leader_round;
            filled = r->schema_version == w->follow.version && r->n_backfills == 1 &&
                     r->backfills[0]->done;
        }
        if (info)
            tercet__pb__node_info_reply__free_unpacked(info, NULL);
    }
    return filled;
}

/* Of what may be due no row is left. */
static bool is_expired(struct world *w, uint32_t group) {
    for (uint32_t i = 0; i < w->groups[group].count; i++) {
        const struct replica *r = replica_of(w, group, i);
        if (r && r->status.serving && r->expire.next_s > 2 * (uint64_t)WALL_S)
            return true;
    }
    return false;
}

static bool is_settled(struct world *w, uint32_t *ret_group) {
    for (uint32_t g = 0; g < w->group_count; g++) {
        *ret_group = g;
        if (is_leaf(w, g) && (!is_filled(w, g) || !is_expired(w, g)))
            return false;
    }
    return true;
}

void world_follow_settle(struct world *w) {
    uint32_t group = 0;
    set_ttl(w, true);
    if (!world_settles(w, is_settled, &group))
        world_fail(w,
                   "liveness: group %u: its expiry times are not all there (%d), or not all gone",
                   group, is_filled(w, group));
}

static void check(struct world *w, uint32_t group, struct replica *r) {
    struct btree_cursor c;
    struct tc_slice value;
    struct index_rows rows = {.local_id = LOCAL_ID,
                              .hash = "pk",
                              .range = "sk",
                              .local = "l",
                              .ttl = "t",
                              .ttl_items = true,
                              .start = proto_slice(r->desc->partition->start),
                              .end = proto_slice(r->desc->partition->end)};
    struct store_aux_local locals =
        r->aux.local_count ? r->aux.locals[0] : (struct store_aux_local){0};
    btree_cursor_init(&c, r->tree);
    tc_err err = btree_cursor_seek(&c, BTREE_GE, TC_SLICE_EMPTY);
    for (; err == TC_OK; err = btree_cursor_next(&c)) {
        err = btree_cursor_value(&c, &value);
        TC_ASSERT(err == TC_OK);
        index_rows_add(&rows, tc_buf_slice(&c.key), value);
    }
    btree_cursor_deinit(&c);
    if (!index_rows_check(&rows))
        world_fail(w, "group %u: %s", group, rows.problem);
    else if (rows.auxiliary != r->aux.count)
        world_fail(w, "group %u has %lu auxiliary rows and counts %lu", group,
                   (unsigned long)rows.auxiliary, (unsigned long)r->aux.count);
    else if (rows.locals != locals.count || rows.local_bytes != locals.bytes)
        world_fail(w, "group %u has %lu rows of its local index and counts %lu", group,
                   (unsigned long)rows.locals, (unsigned long)locals.count);
    index_rows_deinit(&rows);
}

void world_follow_check(struct world *w) {
    for (uint32_t g = 0; g < w->group_count; g++) {
        if (!is_leaf(w, g))
            continue;
        for (uint32_t i = 0; i < w->groups[g].count && !w->failed; i++) {
            struct replica *r = replica_of(w, g, i);
            if (r)
                check(w, g, r);
        }
    }
}
