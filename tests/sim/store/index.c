/* A global index of the second group's table: its schema and keys, the control plane that puts the
 * schema in force, and when the index has everything. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "core/index/index.h"
#include "core/index/index_range.h"

#include <stdlib.h>

enum {
    SCHEMA_AGAIN_MS = 150,
    BUSY_MS = 800,
    INDEX_ID = 1,
};

/* ---- schemas and keys */

static struct index_def definition(void) {
    return (struct index_def){.id = INDEX_ID,
                              .global = true,
                              .table_id = WORLD_INDEX_TABLE,
                              .name = TC_SLICE_LIT("by-g"),
                              .hash = {{TC_SLICE_LIT("g"), ITEM_S}},
                              .hash_count = 1,
                              .projection = INDEX_ALL};
}

static void schema_of(enum index_schema_kind kind, struct tc_buf *out) {
    struct index_schema s = {
        .version = 1, .kind = kind, .hash = {TC_SLICE_LIT("pk"), ITEM_S}, .def_count = 1};
    s.defs[0] = definition();
    tc_err err = index_schema_encode(&s, out);
    TC_ASSERT(err == TC_OK);
}

/* The key of the row that an item with this key and letter has. */
static void row_key(const struct world_group *base, uint32_t key, char letter, struct tc_buf *out) {
    struct tc_buf item = {0}, pk = {0}, g = {0};
    struct item_builder b = {0};
    struct index_def def = definition();
    item_put_string(&pk, tc_slice_str(base->names[key]));
    item_put_string(&g, tc_slice(&letter, 1));
    item_builder_add(&b, TC_SLICE_LIT("pk"), tc_buf_slice(&pk));
    item_builder_add(&b, TC_SLICE_LIT("g"), tc_buf_slice(&g));
    tc_err err = item_builder_finish(&b, &item);
    TC_ASSERT(err == TC_OK);
    bool has = index_row_key(&def, tc_buf_slice(&item), tc_buf_slice(&base->keys[key]), out);
    TC_ASSERT(has);
    item_builder_deinit(&b);
    tc_buf_deinit(&item);
    tc_buf_deinit(&pk);
    tc_buf_deinit(&g);
}

static int compare_keys(const void *a, const void *b) {
    return tc_slice_cmp(tc_buf_slice(a), tc_buf_slice(b));
}

void world_index_init(struct world *w) {
    struct world_index *x = &w->index;
    x->base = 1;
    x->root = w->swarm.groups;
    x->prng = tc_prng(w->seed * 5 + 0x1de);
    schema_of(INDEX_TABLE, &x->schema);
    schema_of(INDEX_GLOBAL, &x->own_schema);
    struct world_group *g = &w->groups[x->root];
    for (uint32_t k = 0; k < w->swarm.keys; k++) {
        tc_buf_clear(&g->keys[k]);
        row_key(&w->groups[x->base], k, (char)('a' + 1 + k % (WORLD_INDEX_VALUES - 1)),
                &g->keys[k]);
    }
    qsort(g->keys, w->swarm.keys, sizeof g->keys[0], compare_keys);
}

struct tc_slice world_index_schema(const struct world *w, uint32_t group) {
    if (!w->swarm.indexed)
        return TC_SLICE_EMPTY;
    if (group == w->index.base && w->swarm.index_at_ns == 0)
        return tc_buf_slice(&w->index.schema);
    return group == w->index.root ? tc_buf_slice(&w->index.own_schema) : TC_SLICE_EMPTY;
}

void world_index_deinit(struct world *w) {
    world_index_parts_deinit(w);
    tc_buf_deinit(&w->index.schema);
    tc_buf_deinit(&w->index.own_schema);
}

/* ---- the control plane */

/* What a group's leader says of itself, the newest by round. */
struct said {
    uint64_t round;
    uint64_t schema_version;
    uint64_t outbox_count;
    bool filled;
};

static void listen(const Tercet__Pb__NodeInfoReply *info, uint64_t gid, struct said *said) {
    for (size_t i = 0; info && i < info->n_replicas; i++) {
        const Tercet__Pb__ReplicaInfo *r = info->replicas[i];
        if (r->partition->gid != gid || r->role != 2 || r->partition->leader_round < said->round)
            continue;
        said->round = r->partition->leader_round;
        said->schema_version = r->schema_version;
        said->outbox_count = r->outbox_count;
        said->filled = r->n_backfills == 1 && r->backfills[0]->done;
    }
}

static struct said ask_leader(struct world *w, uint32_t group) {
    struct said said = {0};
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        Tercet__Pb__NodeInfoReply *info = world_node_info(&w->nodes[i]);
        listen(info, w->groups[group].gid, &said);
        if (info)
            tercet__pb__node_info_reply__free_unpacked(info, NULL);
    }
    return said;
}

static bool is_leaf_of_table(const struct world *w, uint32_t group) {
    return w->groups[group].root == w->index.base && world_group_is_leaf(w, group);
}

/* Writes that were decided without the schema are still under way when it is in force: clients
 * hurry and disks are slow. */
static void crowd(struct world *w) {
    if (w->index.busy_until_ns > 0)
        return;
    w->index.busy_until_ns = w->now_ns + BUSY_MS * (uint64_t)WORLD_MS_NS;
    for (uint32_t i = 0; i < w->swarm.nodes && !w->calm; i++)
        w->nodes[i].slow_until_ns = w->index.busy_until_ns;
}

/* Asked for ever: a group that is about to be split takes no schema, its children have none. */
void world_index_schema_next(struct world *w) {
    crowd(w);
    for (uint32_t g = 0; g < w->group_count && !w->failed; g++)
        if (is_leaf_of_table(w, g) && ask_leader(w, g).schema_version == 0)
            world_group_set_schema(w, g, tc_buf_slice(&w->index.schema), &w->index.prng);
    world_push(w, SCHEMA_AGAIN_MS * (uint64_t)WORLD_MS_NS, EVENT_SCHEMA, 0, 0, NULL);
}

/* ---- the end */

static bool is_settled(struct world *w, uint32_t *ret_group) {
    for (uint32_t g = 0; g < w->group_count; g++) {
        if (!is_leaf_of_table(w, g))
            continue;
        struct said said = ask_leader(w, g);
        *ret_group = g;
        if (said.round == 0 || said.schema_version == 0 || said.outbox_count > 0 || !said.filled)
            return false;
    }
    return true;
}

void world_index_settle(struct world *w) {
    uint32_t group = 0;
    if (world_settles(w, is_settled, &group))
        return;
    struct said said = ask_leader(w, group);
    world_fail(w, "liveness: group %u still owes its index %lu items (schema %lu, filled %d)",
               group, (unsigned long)said.outbox_count, (unsigned long)said.schema_version,
               said.filled);
}
