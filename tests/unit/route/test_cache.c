/* The router's cache of tables and partitions against a model that colours a row of key cells. */
#include "base/prng.h"
#include "proto/bytes.h"
#include "route/route_private.h"
#include "test_route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    TABLES = 3,
    CELLS = 12, /* cell c holds the keys from byte c on, below byte c + 1; the first from "" */
};

struct cell {
    uint64_t gid; /* 0: unknown */
    uint64_t epoch, round;
};

struct model {
    struct cell cells[TABLES][CELLS];
};

static Tercet__Pb__Partition partition(uint64_t gid, uint64_t table, uint8_t *bounds) {
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    p.gid = gid;
    p.table_id = table;
    p.start = (ProtobufCBinaryData){bounds[0] ? 1 : 0, &bounds[0]};
    p.end = (ProtobufCBinaryData){bounds[1] < CELLS ? 1 : 0, &bounds[1]};
    return p;
}

static bool is_newer(const Tercet__Pb__Partition *p, const struct cell *c) {
    return p->epoch > c->epoch || (p->epoch == c->epoch && p->leader_round > c->round);
}

static void forget(struct cell *row, uint64_t gid) {
    for (size_t c = 0; c < CELLS; c++)
        if (row[c].gid == gid)
            row[c] = (struct cell){0};
}

static void model_put(struct model *m, const Tercet__Pb__Partition *p, const uint8_t *bounds) {
    struct cell *row = m->cells[p->table_id];
    for (size_t c = bounds[0]; c < bounds[1]; c++)
        if (row[c].gid && !is_newer(p, &row[c]))
            return;
    for (size_t c = bounds[0]; c < bounds[1]; c++) {
        if (row[c].gid)
            forget(row, row[c].gid);
        row[c] = (struct cell){p->gid, p->epoch, p->leader_round};
    }
}

static uint64_t cached(struct route *r, uint64_t table, struct tc_slice key, bool before) {
    struct route_partition *p = route__partition_get(r, table, key, before);
    uint64_t gid = p ? p->pb->gid : 0;
    route__partition_unref(p);
    return gid;
}

static void compare(struct route *r, const struct model *m) {
    for (size_t t = 0; t < TABLES; t++) {
        const struct cell *row = m->cells[t];
        assert_int_equal(cached(r, t, TC_SLICE_EMPTY, false), row[0].gid);
        assert_int_equal(cached(r, t, TC_SLICE_EMPTY, true), row[CELLS - 1].gid);
        for (uint8_t c = 0; c < CELLS; c++) {
            const uint8_t inside[2] = {c, 7};
            assert_int_equal(cached(r, t, tc_slice(inside, 2), false), row[c].gid);
            assert_int_equal(cached(r, t, tc_slice(inside, 2), true), row[c].gid);
            if (c == 0)
                continue;
            assert_int_equal(cached(r, t, tc_slice(&c, 1), false), row[c].gid);
            assert_int_equal(cached(r, t, tc_slice(&c, 1), true), row[c - 1].gid);
        }
    }
}

static void partitions_follow_the_model(void **state) {
    (void)state;
    struct tc_prng prng = tc_prng(11);
    for (int round = 0; round < 60; round++) {
        struct route r = {0};
        struct model m = {0};
        for (uint64_t gid = 1; gid < 40; gid++) {
            uint8_t bounds[2];
            bounds[0] = (uint8_t)tc_prng_below(&prng, CELLS);
            bounds[1] = (uint8_t)tc_prng_between(&prng, bounds[0] + 1u, CELLS);
            Tercet__Pb__Partition p = partition(gid, tc_prng_below(&prng, TABLES), bounds);
            p.epoch = tc_prng_between(&prng, 1, 4 + gid / 4);
            p.leader_round = tc_prng_below(&prng, 3);
            route__partition_put(&r, route__partition_dup(&p));
            model_put(&m, &p, bounds);
            compare(&r, &m);
        }
        route__cache_clear(&r);
    }
}

/* A newer leader of the same group is learnt, an older one is not. */
static void leaders_of_one_group(void **state) {
    (void)state;
    struct route r = {0};
    uint8_t bounds[2] = {0, CELLS};
    Tercet__Pb__Partition p = partition(5, SYSTEM_TABLE_ID, bounds);
    static const uint64_t rounds[] = {3, 2, 4, 4}, expected[] = {3, 3, 4, 4};
    for (size_t i = 0; i < 4; i++) {
        p.epoch = 1;
        p.leader_round = rounds[i];
        route__partition_put(&r, route__partition_dup(&p));
        struct route_partition *got =
            route__partition_get(&r, SYSTEM_TABLE_ID, TC_SLICE_LIT("k"), false);
        assert_non_null(got);
        assert_int_equal(got->pb->leader_round, expected[i]);
        route__partition_unref(got);
    }
    assert_true(r.ready); /* the system group is known */
    route__cache_clear(&r);
}

static uint64_t put_table(struct route *r, const char *name, uint64_t version) {
    Tercet__Pb__TableDescriptor *d = malloc(sizeof *d);
    assert_non_null(d);
    tercet__pb__table_descriptor__init(d);
    d->name = strdup(name);
    d->version = version;
    struct route_table *t = route__table_put(r, d);
    assert_non_null(t);
    assert_string_equal(t->descriptor->name, name);
    uint64_t got = t->descriptor->version;
    route_table_unref(t);
    return got;
}

static void newer_table_wins(void **state) {
    (void)state;
    struct route r = {0};
    assert_null(route__table_get(&r, TC_SLICE_LIT("t")));
    assert_int_equal(put_table(&r, "t", 2), 2);
    struct route_table *held = route__table_get(&r, TC_SLICE_LIT("t"));
    assert_int_equal(put_table(&r, "t", 1), 2);
    assert_int_equal(put_table(&r, "t", 3), 3);
    assert_int_equal(put_table(&r, "u", 1), 1);
    assert_int_equal(held->descriptor->version, 2); /* whoever holds it keeps what it found */
    route_table_unref(held);
    route__cache_clear(&r);
}

static struct route_table *learn(struct route *r, Tercet__Pb__KeyAttribute **keys, size_t count) {
    Tercet__Pb__TableDescriptor d = TERCET__PB__TABLE_DESCRIPTOR__INIT;
    Tercet__Pb__TableRecord record = TERCET__PB__TABLE_RECORD__INIT;
    struct tc_buf bytes = {0}, packed = {0};
    char name[] = "t";
    d.name = record.name = name;
    d.version = record.version = 1;
    d.keys = keys;
    d.n_keys = count;
    proto_append(&bytes, &d.base);
    record.descriptor = proto_bytes(tc_buf_slice(&bytes));
    proto_append(&packed, &record.base);
    struct route_table *t = route__table_learn(r, TC_SLICE_LIT("t"), tc_buf_slice(&packed));
    tc_buf_deinit(&bytes);
    tc_buf_deinit(&packed);
    return t;
}

/* Every reader of a descriptor relies on one key attribute or two. */
static void a_record_without_its_keys_is_damaged(void **state) {
    (void)state;
    struct route r = {0};
    Tercet__Pb__KeyAttribute key = TERCET__PB__KEY_ATTRIBUTE__INIT, *keys[] = {&key, &key, &key};
    char name[] = "pk", type[] = "S", unknown[] = "M";
    key.name = name;
    key.type = unknown;
    assert_null(learn(&r, keys, 1));
    key.type = type;
    assert_null(learn(&r, keys, 0));
    assert_null(learn(&r, keys, 3));
    struct route_table *t = learn(&r, keys, 2);
    assert_non_null(t);
    route_table_unref(t);
    route__cache_clear(&r);
}

/* Beyond the bound a table is still answered, only not kept. */
static void full_cache_still_answers(void **state) {
    (void)state;
    struct route r = {0};
    char name[16];
    for (int i = 0; i < ROUTE_TABLES_MAX + 2; i++) {
        snprintf(name, sizeof name, "t%d", i);
        assert_int_equal(put_table(&r, name, 1), 1);
    }
    assert_int_equal(r.tables.count, ROUTE_TABLES_MAX);
    assert_null(route__table_get(&r, tc_slice_str(name)));
    assert_int_equal(put_table(&r, "t0", 2), 2); /* what is known is still kept up to date */
    route__cache_clear(&r);
}

/* ---- what leaves the cache */

enum {
    BOUND = 100,
};

static void put_partition(struct route *r, uint64_t table_id, uint64_t epoch) {
    uint8_t bounds[2] = {0, CELLS};
    Tercet__Pb__Partition p = partition(table_id + 1, table_id, bounds);
    p.epoch = epoch;
    route__partition_put(r, route__partition_dup(&p));
}

/* Table 7 with global indexes under the ids given; 0: none. */
static void put_indexed(struct route *r, uint64_t table_id, uint64_t version, uint64_t first,
                        uint64_t second) {
    Tercet__Pb__TableDescriptor d = TERCET__PB__TABLE_DESCRIPTOR__INIT;
    Tercet__Pb__IndexDescriptor x[2] = {TERCET__PB__INDEX_DESCRIPTOR__INIT,
                                        TERCET__PB__INDEX_DESCRIPTOR__INIT},
                                *indexes[] = {&x[0], &x[1]};
    char name[] = "t";
    d.name = name;
    d.table_id = table_id;
    d.version = version;
    d.indexes = indexes;
    d.n_indexes = (size_t)(first != 0) + (second != 0);
    x[0].table_id = first;
    x[1].table_id = second;
    route_table_unref(route__table_put(r, (Tercet__Pb__TableDescriptor *)proto_dup(&d.base)));
}

static bool has(struct route *r, uint64_t table_id) {
    return cached(r, table_id, TC_SLICE_LIT("k"), false) != 0;
}

static void partitions_go_with_their_table(void **state) {
    (void)state;
    struct route r = {0};
    for (uint64_t id = 6; id <= 9; id++)
        put_partition(&r, id, 1);
    put_indexed(&r, 7, 1, 8, 9);
    assert_int_equal(r.partition_count, 4);
    put_indexed(&r, 7, 2, 9, 0); /* one index was dropped */
    assert_true(has(&r, 7) && !has(&r, 8) && has(&r, 9));
    struct route_partition *held = route__partition_get(&r, 7, TC_SLICE_LIT("k"), false);
    put_indexed(&r, 6, 3, 0, 0); /* another table of its name */
    assert_true(has(&r, 6) && !has(&r, 7) && !has(&r, 9));
    assert_int_equal(held->pb->gid, 8); /* a call under way keeps what it found */
    route__partition_unref(held);
    route__table_forget(&r, TC_SLICE_LIT("other"));
    assert_int_equal(r.partition_count, 1);
    route__table_forget(&r, TC_SLICE_LIT("t"));
    assert_int_equal(r.partition_count, 0);
    assert_int_equal(r.tables.count, 0);
    route__cache_clear(&r);
}

/* A map of its own counts what is there. */
static size_t count_partitions(const struct route *r) {
    size_t at = 0, count = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&r->partitions, &at, &key, &value))
        count += ((struct route__partitions *)value)->count;
    return count;
}

static void partitions_have_a_bound(void **state) {
    (void)state;
    struct route r = {.config = {.partitions_max = BOUND}};
    put_partition(&r, SYSTEM_TABLE_ID, 1);
    for (uint64_t id = 100; id < 100 + BOUND - 1; id++)
        put_partition(&r, id, 1);
    assert_int_equal(r.partition_count, BOUND);
    for (uint64_t id = 100; id < 100 + BOUND - 1; id++)
        assert_true(has(&r, id)); /* just inside: all are there */
    put_partition(&r, 150, 2);    /* news of one that is known makes none more */
    assert_int_equal(r.partition_count, BOUND);
    put_partition(&r, 1000, 1);
    assert_in_range(r.partition_count, BOUND / 2, BOUND - BOUND / 4);
    assert_true(has(&r, 1000) && has(&r, SYSTEM_TABLE_ID));
    for (uint64_t id = 2000; id < 2000 + 10 * BOUND; id++) {
        put_partition(&r, id, 1);
        assert_true(r.partition_count <= BOUND && has(&r, id) && has(&r, 1000));
    }
    assert_true(has(&r, SYSTEM_TABLE_ID));
    assert_int_equal(count_partitions(&r), r.partition_count);
    route__cache_clear(&r);
    assert_int_equal(r.partition_count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_follow_the_model),
        cmocka_unit_test(leaders_of_one_group),
        cmocka_unit_test(newer_table_wins),
        cmocka_unit_test(a_record_without_its_keys_is_damaged),
        cmocka_unit_test(full_cache_still_answers),
        cmocka_unit_test(partitions_go_with_their_table),
        cmocka_unit_test(partitions_have_a_bound),
        cmocka_unit_test(calls_while_route_stops),
        cmocka_unit_test(own_writes_are_remembered_for_a_moment),
        cmocka_unit_test(rows_astride_are_given_back),
        cmocka_unit_test(partition_end_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
