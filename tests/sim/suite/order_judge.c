/* At the end every order is closed, the table's record names groups that cover its keys once, as
 * many as it was promised, each of them is led, and nothing is left of those that were split. */
#include "sim/suite/ask.h"
#include "sim/suite/errand.h"

#include "base/assert.h"
#include "catalog/order.h"
#include "proto/bytes.h"
#include "proto/table.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUPS_MAX = 64,
    TABLES_MAX = 16, /* with indexes */
};

#define CLOSE_NS (240 * SUITE_S)

static void find_open(struct suite_errand *e, const struct catalog_records *orders) {
    for (size_t i = 0; i < orders->count && e->text[0] == 0; i++) {
        struct tc_slice data = orders->at[i].data;
        Tercet__Pb__ReshapeOrder *o = tercet__pb__reshape_order__unpack(NULL, data.len, data.data);
        if (o == NULL)
            snprintf(e->text, sizeof e->text, "an order cannot be read");
        else if (!catalog_order_closed(o))
            snprintf(e->text, sizeof e->text, "the order for group %lu is at step %d: %s",
                     (unsigned long)o->parents[0], (int)o->step, o->waits);
        if (o)
            tercet__pb__reshape_order__free_unpacked(o, NULL);
    }
}

/* A table, or one of its global indexes: groups that cover all keys once. */
struct whole {
    const char *name;
    uint64_t table_id;
    const uint64_t *gids;
    size_t gid_count;
    Tercet__Pb__Partition *parts[GROUPS_MAX];
    size_t count;
};

/* Table ids on record. */
struct known {
    uint64_t ids[TABLES_MAX];
    size_t count;
};

static bool is_listed(const struct whole *t, uint64_t gid) {
    for (size_t i = 0; i < t->gid_count; i++)
        if (t->gids[i] == gid)
            return true;
    return false;
}

static int by_start(const void *a, const void *b) {
    const Tercet__Pb__Partition *x = *(Tercet__Pb__Partition *const *)a;
    const Tercet__Pb__Partition *y = *(Tercet__Pb__Partition *const *)b;
    return tc_slice_cmp(tc_slice(x->start.data, x->start.len),
                        tc_slice(y->start.data, y->start.len));
}

/* Records and table name the same groups, and these tile all keys in the order of the table. */
static void check_cover(struct suite_errand *e, const struct whole *t) {
    Tercet__Pb__Partition *parts[GROUPS_MAX];
    memcpy(parts, t->parts, sizeof parts);
    qsort(parts, t->count, sizeof *parts, by_start);
    bool sound = t->count == t->gid_count && t->count > 0 && parts[0]->start.len == 0 &&
                 parts[t->count - 1]->end.len == 0;
    for (size_t i = 0; sound && i < t->count; i++)
        sound = is_listed(t, parts[i]->gid);
    for (size_t i = 0; sound && i + 1 < t->count; i++)
        sound = parts[i]->end.len > 0 &&
                tc_slice_eq(tc_slice(parts[i]->end.data, parts[i]->end.len),
                            tc_slice(parts[i + 1]->start.data, parts[i + 1]->start.len));
    if (!sound)
        snprintf(e->text, sizeof e->text,
                 "%s names %zu groups, %zu are on record, and they do not cover its keys once",
                 t->name, t->gid_count, t->count);
}

/* Whatever lives is named, and whatever is named is led. */
static void check_replicas(struct suite_errand *e, const struct whole *t) {
    size_t led = 0;
    for (uint32_t i = 0; i < e->storage_count; i++)
        for (size_t k = 0; e->infos[i] && k < e->infos[i]->n_replicas; k++) {
            const Tercet__Pb__ReplicaInfo *r = e->infos[i]->replicas[k];
            if (r->partition == NULL || r->partition->table_id != t->table_id)
                continue;
            led += r->role == 2;
            if (!is_listed(t, r->partition->gid))
                snprintf(e->text, sizeof e->text, "a replica of group %lu is left",
                         (unsigned long)r->partition->gid);
        }
    if (e->text[0] == 0 && led != t->gid_count)
        snprintf(e->text, sizeof e->text, "%zu of %zu groups of %s are led", led, t->gid_count,
                 t->name);
}

static void check_whole(struct suite_errand *e, struct whole *t,
                        const struct catalog_records *partitions) {
    for (size_t i = 0; i < partitions->count && t->count < GROUPS_MAX; i++) {
        struct tc_slice data = partitions->at[i].data;
        Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, data.len, data.data);
        if (p && p->table_id == t->table_id)
            t->parts[t->count++] = p;
        else if (p)
            tercet__pb__partition__free_unpacked(p, NULL);
    }
    check_cover(e, t);
    if (e->text[0] == 0)
        check_replicas(e, t);
    for (size_t i = 0; i < t->count; i++)
        tercet__pb__partition__free_unpacked(t->parts[i], NULL);
}

static void know(struct known *known, uint64_t id) {
    TC_ASSERT(known->count < TABLES_MAX);
    known->ids[known->count++] = id;
}

static void check_table(struct suite_errand *e, const struct system_record *record,
                        const struct catalog_records *partitions, struct known *known) {
    Tercet__Pb__TableDescriptor *d =
        tercet__pb__table_descriptor__unpack(NULL, record->data.len, record->data.data);
    if (d == NULL) {
        snprintf(e->text, sizeof e->text, "a table's record cannot be read");
        return;
    }
    struct whole table = {
        .name = d->name, .table_id = d->table_id, .gids = d->gids, .gid_count = d->n_gids};
    know(known, d->table_id);
    check_whole(e, &table, partitions);
    for (size_t i = 0; i < d->n_indexes && e->text[0] == 0; i++) {
        const Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        struct whole index = {
            .name = x->name, .table_id = x->table_id, .gids = x->gids, .gid_count = x->n_gids};
        if (!x->global || x->table_id == 0)
            continue;
        know(known, x->table_id);
        check_whole(e, &index, partitions);
    }
    if (e->text[0] == 0 && d->n_gids < d->partitions_wanted)
        snprintf(e->text, sizeof e->text, "the table has %zu of the %u groups that it was promised",
                 d->n_gids, d->partitions_wanted);
    tercet__pb__table_descriptor__free_unpacked(d, NULL);
}

/* Whatever lives belongs to something on record: an index that was dropped has left nothing. */
static void check_strays(struct suite_errand *e, const struct known *known) {
    for (uint32_t i = 0; i < e->storage_count; i++)
        for (size_t k = 0; e->infos[i] && k < e->infos[i]->n_replicas; k++) {
            const Tercet__Pb__Partition *p = e->infos[i]->replicas[k]->partition;
            bool found = p == NULL || p->table_id < SUITE_FIRST_TABLE_ID;
            for (size_t n = 0; n < known->count && !found; n++)
                found = known->ids[n] == p->table_id;
            if (!found)
                snprintf(e->text, sizeof e->text, "a replica of group %lu is left of no table",
                         (unsigned long)p->gid);
        }
}

static void inspect(struct suite_errand *e, struct catalog *c) {
    struct tc_arena arena = {0};
    struct catalog_records orders = {0}, tables = {0}, partitions = {0};
    struct known known = {0};
    suite_errand_ask(e, c);
    if (catalog_read(c, SYSTEM_KIND_RESHAPE, &arena, &orders) != TC_OK ||
        catalog_read(c, SYSTEM_KIND_TABLE, &arena, &tables) != TC_OK ||
        catalog_read(c, SYSTEM_KIND_PARTITION, &arena, &partitions) != TC_OK)
        snprintf(e->text, sizeof e->text, "the records cannot be read");
    if (e->text[0] == 0)
        find_open(e, &orders);
    for (size_t i = 0; i < tables.count && e->text[0] == 0; i++)
        check_table(e, &tables.at[i], &partitions, &known);
    if (e->text[0] == 0)
        check_strays(e, &known);
    tc_arena_deinit(&arena);
}

static bool never(struct suite *s) {
    (void)s;
    return false;
}

static struct suite_errand *inspection;

static bool inspected(struct suite *s) {
    (void)s;
    return inspection->done;
}

void suite_orders_judge(struct suite *s) {
    uint64_t until_ns = s->now_ns + CLOSE_NS;
    char text[SUITE_FAILURE_BYTES] = "?";
    while (text[0] && !s->failed && s->now_ns < until_ns) {
        inspection = suite_errand_new(s, suite_proc_find(s, "autoadmin-a"), inspect);
        if (!suite_within(s, 60 * SUITE_S, inspected)) {
            suite_fail(s, "nobody answers what the records say");
            return;
        }
        memcpy(text, inspection->text, sizeof text);
        suite_errand_free(inspection);
        if (text[0])
            (void)suite_within(s, SUITE_S, never);
    }
    if (text[0])
        suite_fail(s, "the records are not right after all orders: %s", text);
}
