#include "core/plan/index.h"

#include "core/plan/plan_private.h"

/* ---- what the table's groups know */

static bool knows(const struct plan_table *t, const struct plan_group *g) {
    return g->schema_version == t->schema_version && tc_slice_eq(g->schema, t->schema);
}

static const struct plan_group *find_group(const struct plan_snapshot *s, uint64_t gid) {
    for (uint32_t i = 0; i < s->group_count; i++)
        if (s->groups[i].gid == gid)
            return &s->groups[i];
    return NULL;
}

static bool has_backfilled(const struct plan_group *g, uint32_t id) {
    for (uint32_t i = 0; i < g->backfilled_count; i++)
        if (g->backfilled[i] == id)
            return true;
    return false;
}

/* Every recorded group is led, lives, and knows the schema; id 0, or the backfill of that index is
 * done there. A group that was split but is still on record counts as not: its children follow. */
static bool all_know(const struct plan_snapshot *s, const struct plan_table *t, uint32_t id) {
    for (uint32_t i = 0; i < t->gid_count; i++) {
        const struct plan_group *g = find_group(s, t->gids[i]);
        if (g == NULL || g->retired || !knows(t, g) || (id != 0 && !has_backfilled(g, id)))
            return false;
    }
    return true;
}

static void tell(const struct plan_group *g, uint32_t table, struct plan_out *out) {
    struct plan_action *a = plan__add(out, PLAN_SET_SCHEMA);
    if (a == NULL)
        return;
    a->table_index = table;
    a->gid = g->gid;
    a->leader_node = g->leader_node;
}

/* Tell every group that is behind, children of splits that are not on record yet included. True: a
 * group has the record's version with other contents, so the record needs a new version. */
static bool spread(const struct plan_snapshot *s, uint32_t table, struct plan_out *out) {
    const struct plan_table *t = &s->tables[table];
    bool outdated = false;
    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct plan_group *g = &s->groups[i];
        if (g->table_id != t->table_id || g->retired || knows(t, g))
            continue;
        if (g->schema_version >= t->schema_version)
            outdated = true;
        else if (!g->changing)
            tell(g, table, out);
    }
    return outdated;
}

/* ---- one index */

static struct plan_action *act(struct plan_out *out, enum plan_action_type type, uint32_t table,
                               uint32_t index) {
    struct plan_action *a = plan__add(out, type);
    if (a) {
        a->table_index = table;
        a->index_index = index;
    }
    return a;
}

static void place(const struct plan_snapshot *s, uint32_t table, uint32_t index, uint64_t *next_id,
                  struct plan_out *out) {
    const struct plan_table *t = &s->tables[table];
    struct plan_action *a = plan__place(s, out, PLAN_PLACE_INDEX);
    if (a == NULL)
        return;
    a->table_index = table;
    a->index_index = index;
    a->table_id = *next_id;
    a->partition_count = plan_index_partition_count(t, &t->indexes[index]);
    *next_id += a->partition_count + 1;
}

static void create(const struct plan_snapshot *s, uint32_t table, uint32_t index, uint64_t *next_id,
                   struct plan_out *out) {
    const struct plan_table *t = &s->tables[table];
    const struct plan_index *x = &t->indexes[index];
    if (x->table_id == 0)
        place(s, table, index, next_id, out);
    else if (!plan__index_made(s, x, out))
        return;
    else if (!x->backfilling)
        act(out, PLAN_BACKFILL, table, index);
    else if (all_know(s, t, x->id))
        act(out, PLAN_INDEX_ACTIVE, table, index);
}

/* Its throughput was changed: it is ACTIVE again with as many partitions as that takes. */
static void change(const struct plan_snapshot *s, uint32_t table, uint32_t index,
                   struct plan_out *out) {
    const struct plan_table *t = &s->tables[table];
    const struct plan_index *x = &t->indexes[index];
    struct plan_growth growth = {table, x->table_id, x->gids, x->gid_count, x->gid_count};
    if (x->global)
        growth.wanted = plan_index_partition_count(t, x);
    if (growth.wanted > growth.gid_count && growth.gid_count < PLAN_PARTITIONS_PER_TABLE_MAX)
        plan__grow(s, &growth, out);
    else
        act(out, PLAN_INDEX_ACTIVE, table, index);
}

static void drop(const struct plan_snapshot *s, uint32_t table, uint32_t index,
                 struct plan_out *out) {
    const struct plan_table *t = &s->tables[table];
    const struct plan_index *x = &t->indexes[index];
    if (!all_know(s, t, 0) || !plan__gone(s, x->table_id, out))
        return;
    struct plan_action *a = act(out, PLAN_DROP_INDEX, table, index);
    if (a)
        a->node_silent = x->table_id != 0 && !plan__all_answer(s);
}

/* The first index that is not ACTIVE; they go one after the other, since each writes the record. */
static const struct plan_index *find_open(const struct plan_table *t) {
    for (uint32_t i = 0; i < t->index_count; i++)
        if (t->indexes[i].status != PLAN_ACTIVE)
            return &t->indexes[i];
    return NULL;
}

static void step(const struct plan_snapshot *s, uint32_t table, const struct plan_index *x,
                 uint64_t *next_id, struct plan_out *out) {
    uint32_t index = (uint32_t)(x - s->tables[table].indexes);
    if (x->status == PLAN_CREATING && x->global)
        create(s, table, index, next_id, out);
    else if (x->status == PLAN_DELETING)
        drop(s, table, index, out);
    else
        change(s, table, index, out);
}

void plan_indexes(const struct plan_snapshot *s, uint32_t table, uint64_t *next_id,
                  struct plan_out *out) {
    const struct plan_table *t = &s->tables[table];
    bool has_schema = t->schema.len > 0 || t->schema_version > 0;
    if (has_schema && spread(s, table, out)) {
        act(out, PLAN_RAISE_SCHEMA, table, 0);
        return;
    }
    const struct plan_index *open = find_open(t);
    if (open)
        step(s, table, open, next_id, out);
    else if (t->status == PLAN_UPDATING)
        act(out, PLAN_SET_ACTIVE, table, 0);
}

static bool is_unsettled(enum plan_status status) {
    return status == PLAN_CREATING || status == PLAN_DELETING;
}

bool plan_has_unsettled(const struct plan_table *t) {
    bool any = is_unsettled(t->status);
    for (uint32_t k = 0; k < t->index_count; k++)
        any = any || t->indexes[k].status == PLAN_DELETING;
    return any;
}

bool plan_is_unsettled(const struct plan_snapshot *s, uint64_t table_id) {
    for (uint32_t i = 0; i < s->table_count; i++) {
        const struct plan_table *t = &s->tables[i];
        bool whole = is_unsettled(t->status);
        if (t->table_id == table_id)
            return whole;
        for (uint32_t k = 0; k < t->index_count; k++)
            if (t->indexes[k].table_id == table_id)
                return whole || t->indexes[k].status == PLAN_DELETING;
    }
    return false;
}
