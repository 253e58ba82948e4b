/* Indexes that come and go on one table, by plans that are carried out in part: half of all actions
 * are lost, leaders vanish and come back, groups are split, clients change their minds. The rules
 * hold after every step, and when the faults end everything comes to rest. One seed is one history.
 */
#include "base/prng.h"
#include "core/plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    SEEDS = 200,
    STEPS = 300,
    GROUPS = 12, /* of the table, those that were split included */
    INDEXES = 4,
    SCHEMA_BYTES = 8,
};

/* What a group keeps: which indexes, as bits of their numbers. */
struct schema {
    uint64_t version;
    uint8_t bytes[SCHEMA_BYTES]; /* version, then the bits */
};

struct group {
    uint64_t gid;
    bool retired;
    bool led;
    struct schema schema;
    uint32_t done[INDEXES];
    uint32_t done_count;
};

struct world {
    struct tc_prng rng;
    bool faults;
    /* the record */
    struct plan_index indexes[INDEXES];
    uint64_t index_gids[INDEXES];
    uint32_t index_count;
    uint32_t next_index;
    enum plan_status status;
    uint64_t schema_version;
    bool ttl;
    uint64_t gids[GROUPS];
    uint32_t gid_count;
    uint64_t next_id;
    /* what is */
    struct group groups[GROUPS];
    uint32_t group_count;
    bool made[1000]; /* groups of indexes, by gid */
    struct plan_out out;
};

static bool chance(struct world *w, uint32_t percent) {
    return tc_prng_below(&w->rng, 100) < percent;
}

static bool is_known(const struct plan_index *x) {
    return x->table_id && x->status != PLAN_DELETING &&
           (x->status != PLAN_CREATING || x->backfilling);
}

static struct schema wanted(const struct world *w) {
    struct schema s = {.version = w->schema_version};
    s.bytes[0] = (uint8_t)w->schema_version;
    s.bytes[1] = w->ttl;
    for (uint32_t i = 0; i < w->index_count; i++)
        if (is_known(&w->indexes[i]))
            s.bytes[2 + w->indexes[i].id / 8] |= (uint8_t)(1u << (w->indexes[i].id % 8));
    return s;
}

static bool knows(const struct group *g, uint32_t id) {
    return g->schema.bytes[2 + id / 8] & (1u << (id % 8));
}

static bool has_done(const struct group *g, uint32_t id) {
    for (uint32_t i = 0; i < g->done_count; i++)
        if (g->done[i] == id)
            return true;
    return false;
}

/* ---- what a plan sees */

struct view {
    struct plan_node nodes[3];
    struct plan_table table;
    struct plan_group groups[GROUPS];
    struct plan_replica replicas[INDEXES];
    struct plan_partition partitions[INDEXES];
    struct schema schema;
    struct plan_snapshot s;
};

static void look(const struct world *w, struct view *v) {
    static const char *const names[] = {"a", "b", "c"};
    *v = (struct view){.schema = wanted(w)};
    for (int i = 0; i < 3; i++)
        v->nodes[i] = (struct plan_node){
            .name = tc_slice_str(names[i]), .zone = tc_slice_str(names[i]), .alive = true};
    v->table = (struct plan_table){.table_id = 100,
                                   .status = w->status,
                                   .wcu = 1,
                                   .gids = w->gids,
                                   .gid_count = w->gid_count,
                                   .indexes = w->indexes,
                                   .index_count = w->index_count,
                                   .schema = tc_slice(v->schema.bytes, SCHEMA_BYTES),
                                   .schema_version = w->schema_version};
    v->s = (struct plan_snapshot){.nodes = v->nodes,
                                  .node_count = 3,
                                  .tables_read = true,
                                  .tables = &v->table,
                                  .table_count = 1,
                                  .next_id = w->next_id,
                                  .groups = v->groups,
                                  .replicas = v->replicas,
                                  .partitions = v->partitions,
                                  .pace = {8, 8}};
    for (uint32_t i = 0; i < w->group_count; i++) {
        const struct group *g = &w->groups[i];
        if (g->led)
            v->groups[v->s.group_count++] =
                (struct plan_group){.gid = g->gid,
                                    .table_id = 100,
                                    .retired = g->retired,
                                    .change_node = PLAN_NODE_NONE,
                                    .schema = tc_slice(g->schema.bytes, SCHEMA_BYTES),
                                    .schema_version = g->schema.version,
                                    .backfilled = g->done,
                                    .backfilled_count = g->done_count};
    }
    for (uint32_t i = 0; i < w->index_count; i++) {
        uint64_t gid = w->indexes[i].table_id + 1;
        if (w->indexes[i].table_id == 0)
            continue;
        v->partitions[v->s.partition_count++] =
            (struct plan_partition){.gid = gid,
                                    .table_id = w->indexes[i].table_id,
                                    .nodes = {TC_SLICE_LIT("a")},
                                    .rids = {1}};
        if (w->made[gid])
            v->replicas[v->s.replica_count++] = (struct plan_replica){
                .gid = gid, .table_id = w->indexes[i].table_id, .leader = true};
    }
}

/* ---- what an action does */

static struct group *find(struct world *w, uint64_t gid) {
    for (uint32_t i = 0; i < w->group_count; i++)
        if (w->groups[i].gid == gid)
            return &w->groups[i];
    return NULL;
}

static void settle(struct world *w) {
    bool all = true;
    for (uint32_t i = 0; i < w->index_count; i++)
        all = all && w->indexes[i].status == PLAN_ACTIVE;
    if (all)
        w->status = PLAN_ACTIVE;
}

static void set_schema(struct world *w, uint64_t gid) {
    struct group *g = find(w, gid);
    struct schema fresh = wanted(w);
    if (g == NULL || g->retired || fresh.version <= g->schema.version)
        return;
    g->schema = fresh;
    uint32_t kept = 0; /* what an index of the same number had carried over says nothing */
    for (uint32_t i = 0; i < g->done_count; i++)
        if (knows(g, g->done[i]))
            g->done[kept++] = g->done[i];
    g->done_count = kept;
}

static void activate(struct world *w, struct plan_index *x) {
    for (uint32_t i = 0; x->status == PLAN_CREATING && i < w->group_count; i++) {
        const struct group *g = &w->groups[i];
        if (!g->retired)
            assert_true(knows(g, x->id) && has_done(g, x->id));
    }
    x->status = PLAN_ACTIVE;
    x->backfilling = false;
    settle(w);
}

static void drop(struct world *w, uint32_t index) {
    for (uint32_t i = index + 1; i < w->index_count; i++)
        w->indexes[i - 1] = w->indexes[i];
    w->index_count--;
    for (uint32_t i = 0; i < w->index_count; i++) {
        w->index_gids[i] = w->indexes[i].table_id + 1;
        w->indexes[i].gids = &w->index_gids[i];
    }
    settle(w);
}

static void delete_replica(struct world *w, uint64_t gid) {
    for (uint32_t i = 0; i < w->index_count; i++)
        if (w->indexes[i].table_id + 1 == gid)
            for (uint32_t k = 0; k < w->group_count; k++)
                assert_true(w->groups[k].retired || !knows(&w->groups[k], w->indexes[i].id));
    w->made[gid] = false;
}

static void place(struct world *w, const struct plan_action *a) {
    struct plan_index *x = &w->indexes[a->index_index];
    x->table_id = a->table_id;
    w->index_gids[a->index_index] = a->table_id + 1;
    x->gids = &w->index_gids[a->index_index];
    x->gid_count = 1;
    w->next_id = a->table_id + 2;
}

static void act(struct world *w, const struct plan_action *a) {
    switch ((int)a->type) {
    case PLAN_PLACE_INDEX:
        place(w, a);
        break;
    case PLAN_CREATE_REPLICA:
        w->made[a->gid] = true;
        break;
    case PLAN_BACKFILL:
        assert_true(w->made[w->indexes[a->index_index].table_id + 1]);
        w->indexes[a->index_index].backfilling = true;
        w->schema_version++;
        break;
    case PLAN_SET_SCHEMA:
        set_schema(w, a->gid);
        break;
    case PLAN_RAISE_SCHEMA:
        w->schema_version++;
        break;
    case PLAN_INDEX_ACTIVE:
        activate(w, &w->indexes[a->index_index]);
        break;
    case PLAN_DELETE_REPLICA:
        delete_replica(w, a->gid);
        break;
    case PLAN_DROP_INDEX:
        assert_false(w->made[w->indexes[a->index_index].table_id + 1]);
        drop(w, a->index_index);
        break;
    case PLAN_SET_ACTIVE:
        settle(w);
        break;
    default:
        fail_msg("action %d", (int)a->type);
    }
}

/* A write of the record is conditional: the second one in a round would find another version. */
static bool writes(const struct plan_action *a) {
    return a->type != PLAN_CREATE_REPLICA && a->type != PLAN_DELETE_REPLICA &&
           a->type != PLAN_SET_SCHEMA;
}

static void plan(struct world *w) {
    static struct view v;
    uint32_t written = 0;
    look(w, &v);
    plan_step(&v.s, &w->out);
    for (uint32_t i = 0; i < w->out.count; i++) {
        written += writes(&w->out.actions[i]);
        if (!w->faults || chance(w, 50))
            act(w, &w->out.actions[i]);
    }
    assert_true(written <= 1);
}

/* ---- what happens besides */

static void backfill(struct world *w) {
    for (uint32_t i = 0; i < w->group_count; i++) {
        struct group *g = &w->groups[i];
        for (uint32_t k = 0; k < w->index_count; k++)
            if (knows(g, w->indexes[k].id) && !has_done(g, w->indexes[k].id) && chance(w, 30))
                g->done[g->done_count++] = w->indexes[k].id;
    }
}

/* The children take over schema and backfills; they are on record at once or a while later. */
static void split(struct world *w) {
    uint32_t at = (uint32_t)tc_prng_below(&w->rng, w->group_count);
    if (w->group_count + 2 > GROUPS || w->groups[at].retired)
        return;
    for (int i = 0; i < 2; i++) {
        struct group child = w->groups[at];
        child.gid = 500 + w->group_count;
        w->groups[w->group_count++] = child;
    }
    w->groups[at].retired = true;
}

static void record_splits(struct world *w) {
    w->gid_count = 0;
    for (uint32_t i = 0; i < w->group_count; i++)
        if (!w->groups[i].retired)
            w->gids[w->gid_count++] = w->groups[i].gid;
}

static void ask(struct world *w) {
    struct plan_index *x = w->index_count ? &w->indexes[w->index_count - 1] : NULL;
    if (x && x->backfilling && chance(w, 30)) {
        x->status = PLAN_DELETING;
        x->backfilling = false;
        w->schema_version++;
        return;
    }
    if (w->status != PLAN_ACTIVE)
        return;
    if (w->index_count < INDEXES && chance(w, 60)) {
        w->indexes[w->index_count++] = (struct plan_index){
            .id = 1 + w->next_index++ % 30, .global = true, .status = PLAN_CREATING, .wcu = 1};
    } else if (x) {
        x->status = chance(w, 70) ? PLAN_DELETING : PLAN_UPDATING;
        w->schema_version += x->status == PLAN_DELETING;
    } else {
        return;
    }
    w->status = PLAN_UPDATING;
}

static void disturb(struct world *w) {
    if (chance(w, 20))
        ask(w);
    if (chance(w, 3))
        w->ttl = !w->ttl;
    if (chance(w, 3))
        split(w);
    if (chance(w, 30))
        record_splits(w);
    for (uint32_t i = 0; i < w->group_count; i++)
        w->groups[i].led = !chance(w, 10);
}

static void begin(struct world *w, uint64_t seed) {
    *w = (struct world){.status = PLAN_ACTIVE, .next_id = 200, .faults = true};
    w->rng = tc_prng(seed);
    for (uint32_t i = 0; i < 3; i++)
        w->groups[w->group_count++] = (struct group){.gid = 101 + i, .led = true};
    record_splits(w);
}

static void indexes_come_and_go(void **state) {
    (void)state;
    static struct world w;
    uint32_t made = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(&w, seed);
        for (int i = 0; i < STEPS && w.next_id < 900; i++) {
            disturb(&w);
            backfill(&w);
            plan(&w);
        }
        w.faults = false;
        record_splits(&w);
        for (uint32_t i = 0; i < w.group_count; i++)
            w.groups[i].led = true;
        for (int i = 0; i < 200; i++) {
            backfill(&w);
            plan(&w);
        }
        if (w.out.count || w.status != PLAN_ACTIVE)
            fail_msg("seed %llu is not at rest", (unsigned long long)seed);
        made += w.next_index;
    }
    assert_true(made > SEEDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(indexes_come_and_go)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
