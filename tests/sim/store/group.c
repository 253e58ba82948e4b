/* Groups: who is a member of what, and which keys they hold. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "core/item/item.h"
#include "core/key/key.h"
#include "proto/bytes.h"

#include <stdio.h>

static void make_key(struct world_group *g, uint32_t at, uint32_t number, bool ranged) {
    struct tc_buf v = {0};
    snprintf(g->names[at], sizeof g->names[at], "k%u", number);
    item_put_string(&v, tc_slice_str(g->names[at]));
    key_append_hash(&g->keys[at], item_value_at(tc_buf_slice(&v)));
    if (ranged)
        world_follow_append_range(&g->keys[at]);
    tc_buf_deinit(&v);
}

static void swap_keys(struct world_group *g, uint32_t a, uint32_t b) {
    struct tc_buf key = g->keys[a];
    char name[sizeof g->names[a]];
    memcpy(name, g->names[a], sizeof name);
    g->keys[a] = g->keys[b];
    g->keys[b] = key;
    memcpy(g->names[a], g->names[b], sizeof name);
    memcpy(g->names[b], name, sizeof name);
}

static void make_keys(const struct world *w, struct world_group *g) {
    for (uint32_t i = 0; i < w->swarm.keys; i++) {
        make_key(g, i, i, world_follow_is(w, g->root));
        for (uint32_t at = i; at > 0; at--)
            if (tc_slice_cmp(tc_buf_slice(&g->keys[at - 1]), tc_buf_slice(&g->keys[at])) > 0)
                swap_keys(g, at - 1, at);
    }
}

/* Three of the nodes, or all of them. */
static void draw_members(struct world *w, struct world_group *g) {
    uint32_t first = (uint32_t)world_below(w, w->swarm.nodes);
    g->count = tc_prng_chance(&w->prng, 1, 2) ? w->swarm.nodes : 3;
    g->epoch = 1;
    if (w->swarm.reshape)
        g->count = 3;
    for (uint32_t i = 0; i < g->count; i++)
        g->nodes[i] = (first + i) % w->swarm.nodes;
}

char world_zone(const struct world *w, uint32_t node) {
    return (char)('a' + (w->swarm.reshape ? node % 3 : node));
}

static void create(struct world *w, struct world_group *g) {
    Tercet__Pb__Member members[WORLD_NODES_MAX], *pointers[WORLD_NODES_MAX];
    char addr[WORLD_NODES_MAX][16], zone[WORLD_NODES_MAX][2], table[] = "things";
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    p.gid = g->gid;
    p.table_id = g == &w->groups[w->index.root] && w->swarm.indexed ? WORLD_INDEX_TABLE : 5;
    struct tc_slice schema = world_index_schema(w, (uint32_t)(g - w->groups));
    if (w->swarm.follows)
        schema = world_follow_schema(w, (uint32_t)(g - w->groups));
    p.schema = (ProtobufCBinaryData){.len = schema.len, .data = (uint8_t *)(uintptr_t)schema.data};
    p.epoch = 1;
    p.members = pointers;
    p.n_members = g->count;
    for (uint32_t i = 0; i < g->count; i++) {
        struct world_node *n = &w->nodes[g->nodes[i]];
        tercet__pb__member__init(&members[i]);
        snprintf(addr[i], sizeof addr[i], "node:%u", n->id);
        zone[i][0] = world_zone(w, n->id);
        zone[i][1] = 0;
        members[i].rid = i + 1;
        members[i].addr = members[i].node = addr[i];
        members[i].zone = zone[i];
        members[i].store_uuid = (ProtobufCBinaryData){.len = STORE_UUID_BYTES, .data = n->uuid};
        pointers[i] = &members[i];
    }
    for (uint32_t i = 0; i < g->count; i++) {
        Tercet__Pb__CreateReplicaRequest req = TERCET__PB__CREATE_REPLICA_REQUEST__INIT;
        req.partition = &p;
        req.rid = i + 1;
        req.table_name = table;
        if (world_unmade_is(w, (uint32_t)(g - w->groups), i)) {
            proto_append(&w->unmade.request, &req.base);
            continue;
        }
        tc_err err = store_create_replica(w->nodes[g->nodes[i]].store, &req);
        if (err != TC_OK)
            world_fail(w, "group %lu: replica %u: %s", (unsigned long)g->gid, i + 1,
                       tc_err_name(err));
        world_node_pump(&w->nodes[g->nodes[i]]);
    }
}

/* A new group of parent's line, with its keys and members. */
static uint32_t add_descendant(struct world *w, uint32_t parent) {
    const struct world_group *g = &w->groups[parent];
    struct world_group *c = &w->groups[w->group_count];
    *c = *g;
    c->gid = 5000 + w->group_count;
    c->epoch = g->epoch + 1;
    c->parent = parent;
    c->children[0] = c->children[1] = c->right = c->merged = 0;
    c->made = false;
    c->hold_ns = 0;
    c->told = 0;
    c->history = (struct tc_buf){0};
    for (uint32_t k = 0; k < WORLD_KEYS_MAX; k++) {
        c->keys[k] = (struct tc_buf){0};
        tc_buf_append_slice(&c->keys[k], tc_buf_slice(&g->keys[k]));
    }
    return w->group_count++;
}

bool world_groups_reserve(struct world *w, uint32_t parent, uint32_t split_key) {
    struct world_group *g = &w->groups[parent];
    if (w->group_count + 2 > WORLD_GROUPS_MAX)
        return false;
    g->split_key = split_key;
    for (uint32_t side = 0; side < 2; side++) {
        uint32_t child = add_descendant(w, parent);
        if (side == 0)
            w->groups[child].to = split_key;
        else
            w->groups[child].from = split_key;
        g->children[side] = child;
    }
    return true;
}

uint32_t world_groups_reserve_merged(struct world *w, uint32_t left, uint32_t right) {
    struct world_group *l = &w->groups[left], *r = &w->groups[right];
    if (w->group_count + 1 > WORLD_GROUPS_MAX)
        return 0;
    uint32_t merged = add_descendant(w, left);
    struct world_group *m = &w->groups[merged];
    m->right = right;
    m->to = r->to;
    m->epoch = (l->epoch > r->epoch ? l->epoch : r->epoch) + 1;
    l->merged = r->merged = merged;
    return merged;
}

bool world_group_ends(const struct world_group *g) {
    return g->children[0] != 0 || g->merged != 0;
}

bool world_group_lives(const struct world *w, uint32_t group) {
    const struct world_group *g = &w->groups[group];
    return !g->made && (g->parent == group || w->groups[g->parent].made);
}

bool world_group_is_leaf(const struct world *w, uint32_t group) {
    return !world_group_ends(&w->groups[group]) && world_group_lives(w, group);
}

void world_group_set_schema(struct world *w, uint32_t group, struct tc_slice schema,
                            struct tc_prng *prng) {
    const struct world_group *g = &w->groups[group];
    struct world_node *n = &w->nodes[g->nodes[tc_prng_below(prng, g->count)]];
    Tercet__Pb__SetSchemaRequest req = TERCET__PB__SET_SCHEMA_REQUEST__INIT;
    struct tc_buf out = {0};
    if (n->store == NULL || n->paused_until_ns > w->now_ns)
        return;
    req.gid = g->gid;
    req.schema = proto_bytes(schema);
    world_node_set_clock(n);
    tc_err err = store_set_schema(n->store, &req, &out);
    if (err != TC_OK && err != TC_ENOTFOUND && tc_err_class(err) != TC_CLASS_RETRY)
        world_fail(w, "a schema is refused: %s", tc_err_name(err));
    world_node_pump(n);
    tc_buf_deinit(&out);
}

void world_groups_create(struct world *w) {
    w->root_count = w->swarm.groups + w->swarm.indexed;
    w->group_count = w->root_count;
    for (uint32_t i = 0; i < w->root_count; i++) {
        struct world_group *g = &w->groups[i];
        g->root = g->parent = i;
        g->epoch = 1;
        g->to = w->swarm.keys;
        g->gid = i + 1 + (i > 1 ? 1000 : 0);
        make_keys(w, g);
    }
    if (w->swarm.indexed)
        world_index_init(w);
    world_unmade_draw(w);
    for (uint32_t i = 0; i < w->root_count; i++) {
        draw_members(w, &w->groups[i]);
        create(w, &w->groups[i]);
    }
}

uint32_t world_group_of(const struct world *w, uint64_t gid) {
    for (uint32_t i = 0; i < w->group_count; i++)
        if (w->groups[i].gid == gid)
            return i;
    TC_ASSERT(!"a group that was never made");
    return 0;
}
