/* Answers in detail: ranges against a model, images, refusals, freshness, capacity, a dying disk.
 */
#include "cluster.h"

#include "base/reader.h"
#include "core/expr/expr.h"
#include "core/item/item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUT    TERCET__PB__ITEM_OP__ITEM_PUT
#define GET    TERCET__PB__ITEM_OP__ITEM_GET
#define DEL    TERCET__PB__ITEM_OP__ITEM_DELETE
#define UPDATE TERCET__PB__ITEM_OP__ITEM_UPDATE

enum {
    MODEL_COUNT = 60,
};

struct model_item {
    struct tc_buf key;
    struct tc_buf item;
    bool matches; /* attribute a begins with "y" */
};

static struct model_item model[MODEL_COUNT];

static int by_key(const void *a, const void *b) {
    return tc_slice_cmp(tc_buf_slice(&((const struct model_item *)a)->key),
                        tc_buf_slice(&((const struct model_item *)b)->key));
}

static void start(struct cluster *c, uint64_t seed, uint64_t read_units, uint64_t write_units) {
    struct store_options o = store_options_default();
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 64u << 20;
    o.archive_required = false;
    o.read_units = read_units;
    o.write_units = write_units;
    cluster_init(c, seed, &o);
    cluster_create_group(c);
    cluster_wait_leader(c);
}

static void fill(struct cluster *c) {
    for (int i = 0; i < MODEL_COUNT; i++) {
        struct model_item *m = &model[i];
        const char *value = i % 3 ? "no" : "yes";
        *m = (struct model_item){.matches = i % 3 == 0};
        cluster_make_key(&m->key, i);
        cluster_make_item(&m->item, i, value);
        cluster_put(c, i, value);
    }
    qsort(model, MODEL_COUNT, sizeof model[0], by_key);
}

static void empty_model(void) {
    for (int i = 0; i < MODEL_COUNT; i++) {
        tc_buf_deinit(&model[i].key);
        tc_buf_deinit(&model[i].item);
    }
}

static ProtobufCBinaryData view(const struct tc_buf *b) {
    return (ProtobufCBinaryData){.len = b->len, .data = b->data};
}

static void make_filter(struct tc_buf *out) {
    struct tc_buf value = {0}, diag = {0};
    struct tc_arena scratch = {0};
    item_put_string(&value, TC_SLICE_LIT("y"));
    struct expr_binding binding = {.token = TC_SLICE_LIT(":v"), .target = tc_buf_slice(&value)};
    struct expr_bindings values = {.at = &binding, .count = 1};
    struct expr_ctx ctx = {.values = &values, .scratch = &scratch};
    assert_int_equal(expr_bindings_prepare(&values, ':', &diag), TC_OK);
    assert_int_equal(
        expr_compile(EXPR_FILTER, TC_SLICE_LIT("begins_with(a, :v)"), &ctx, out, &diag), TC_OK);
    tc_buf_deinit(&value);
    tc_buf_deinit(&diag);
    tc_arena_deinit(&scratch);
}

/* What the store must answer, worked out from the model one item at a time. */
struct expected {
    struct tc_buf items;
    uint32_t count, scanned;
    bool more;
    int last;
};

static bool within(const Tercet__Pb__RangeRequest *q, int i) {
    struct tc_slice key = tc_buf_slice(&model[i].key);
    struct tc_slice after = tc_slice(q->after.data, q->after.len);
    if (tc_slice_cmp(key, tc_slice(q->start.data, q->start.len)) < 0)
        return false;
    if (q->end.len && tc_slice_cmp(key, tc_slice(q->end.data, q->end.len)) >= 0)
        return false;
    if (after.len == 0)
        return true;
    return q->reverse ? tc_slice_cmp(key, after) < 0 : tc_slice_cmp(key, after) > 0;
}

static void expect(const Tercet__Pb__RangeRequest *q, struct expected *e) {
    *e = (struct expected){.last = -1};
    uint64_t bytes = 0;
    for (int n = 0; n < MODEL_COUNT; n++) {
        int i = q->reverse ? MODEL_COUNT - 1 - n : n;
        if (!within(q, i))
            continue;
        e->scanned++;
        e->last = i;
        bytes += item_size_bytes(tc_buf_slice(&model[i].item));
        bool counts = q->filter.len == 0 || model[i].matches;
        e->count += counts;
        if (counts && !q->count_only) {
            tc_buf_append_varint(&e->items, model[i].item.len);
            tc_buf_append_slice(&e->items, tc_buf_slice(&model[i].item));
        }
        /* At the very end, too: as the API does. */
        e->more = (q->limit && e->scanned == q->limit) || (q->max_bytes && bytes >= q->max_bytes);
        if (e->more)
            return;
    }
}

static void check(struct cluster *c, int leader, const Tercet__Pb__RangeRequest *q) {
    struct expected e;
    tc_err err = TC_OK;
    expect(q, &e);
    Tercet__Pb__RangeReply *r = cluster_range(c, leader, q, &err);
    assert_int_equal(err, TC_OK);
    assert_int_equal(r->count, e.count);
    assert_int_equal(r->scanned, e.scanned);
    assert_int_equal(r->more, e.more);
    assert_int_equal(r->items.len, e.items.len);
    if (e.items.len)
        assert_memory_equal(r->items.data, e.items.data, e.items.len);
    if (e.more) {
        const struct model_item *last = &model[e.last];
        assert_true(
            tc_slice_eq(tc_slice(r->last_key.data, r->last_key.len), tc_buf_slice(&last->key)));
        assert_true(
            tc_slice_eq(tc_slice(r->last_item.data, r->last_item.len), tc_buf_slice(&last->item)));
    }
    tercet__pb__range_reply__free_unpacked(r, NULL);
    tc_buf_deinit(&e.items);
}

static ProtobufCBinaryData any_key(struct tc_prng *p) {
    if (tc_prng_chance(p, 1, 4))
        return (ProtobufCBinaryData){0};
    return view(&model[tc_prng_below(p, MODEL_COUNT)].key);
}

static void ranges_answer_as_a_model_does(void **state) {
    (void)state;
    static struct cluster c;
    struct tc_prng p = tc_prng(31);
    struct tc_buf filter = {0};
    start(&c, 31, 0, 0);
    fill(&c);
    make_filter(&filter);
    int leader = cluster_leader(&c);
    for (int n = 0; n < 3000; n++) {
        Tercet__Pb__RangeRequest q = TERCET__PB__RANGE_REQUEST__INIT;
        q.gid = GID;
        q.epoch = 1;
        q.consistent = true;
        q.start = any_key(&p);
        q.end = any_key(&p);
        q.after = any_key(&p);
        q.reverse = tc_prng_chance(&p, 1, 2);
        q.count_only = tc_prng_chance(&p, 1, 4);
        q.limit = tc_prng_chance(&p, 1, 2) ? (uint32_t)tc_prng_between(&p, 1, 30) : 0;
        q.max_bytes = tc_prng_chance(&p, 1, 3) ? (uint32_t)tc_prng_between(&p, 1, 400) : 0;
        if (tc_prng_chance(&p, 1, 3))
            q.filter = view(&filter);
        check(&c, leader, &q);
    }
    tc_buf_deinit(&filter);
    empty_model();
    cluster_deinit(&c);
}

static void a_request_for_another_epoch_or_range_is_sent_on(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 32, 0, 0);
    int leader = cluster_leader(&c);
    Tercet__Pb__RangeRequest q = TERCET__PB__RANGE_REQUEST__INIT;
    tc_err err = TC_OK;
    q.gid = GID;
    q.epoch = 2; /* newer than this replica knows */
    Tercet__Pb__RangeReply *r = cluster_range(&c, leader, &q, &err);
    assert_int_equal(err, TC_ENOTLEADER);
    assert_non_null(r->moved);
    assert_int_equal(r->moved->epoch, 1);
    assert_int_equal(r->moved->leader_rid, leader + 1);
    assert_true(r->moved->leader_round > 0);
    tercet__pb__range_reply__free_unpacked(r, NULL);
    q.gid = GID + 1;
    r = cluster_range(&c, leader, &q, &err);
    assert_int_equal(err, TC_EMOVED);
    assert_null(r->moved);
    tercet__pb__range_reply__free_unpacked(r, NULL);
    cluster_deinit(&c);
}

static struct item_value attribute_a(ProtobufCBinaryData item) {
    struct item_value v;
    assert_true(item_get(tc_slice(item.data, item.len), TC_SLICE_LIT("a"), &v));
    return v;
}

static void images_come_with_the_answer_and_with_its_repeat(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 33, 0, 0);
    int leader = cluster_leader(&c);
    cluster_put(&c, 1, "before");
    struct op put = {.op = PUT, .key = 1, .value = "after!", .want = 3, .id = 777};
    for (int n = 0; n < 2; n++) {
        const struct reply *raw = cluster_wait(&c, cluster_send(&c, leader, &put));
        assert_int_equal(raw->err, TC_OK);
        Tercet__Pb__ItemReply *r = cluster_item_reply(raw);
        assert_true(r->found);
        assert_true(tc_slice_eq(attribute_a(r->old_item).body, TC_SLICE_LIT("before")));
        assert_true(tc_slice_eq(attribute_a(r->new_item).body, TC_SLICE_LIT("after!")));
        assert_int_equal(r->old_bytes, r->new_bytes);
        tercet__pb__item_reply__free_unpacked(r, NULL);
    }
    struct op refused = {.op = DEL, .key = 1, .if_absent = true, .want = 4};
    const struct reply *raw = cluster_wait(&c, cluster_send(&c, leader, &refused));
    assert_int_equal(raw->err, TC_ECONDITION);
    Tercet__Pb__ItemReply *r = cluster_item_reply(raw);
    assert_true(tc_slice_eq(attribute_a(r->old_item).body, TC_SLICE_LIT("after!")));
    tercet__pb__item_reply__free_unpacked(r, NULL);
    cluster_deinit(&c);
}

static void taking_away_from_no_item_makes_none(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 37, 0, 0);
    int leader = cluster_leader(&c);
    struct op update = {.op = UPDATE, .key = 1, .update = "REMOVE a", .want = 3};
    struct op get = {.op = GET, .key = 1, .consistent = true};
    for (int there = 0; there < 2; there++) {
        Tercet__Pb__ItemReply *r =
            cluster_item_reply(cluster_wait(&c, cluster_send(&c, leader, &update)));
        assert_int_equal(r->found, there);
        assert_int_equal(r->new_item.len > 0, there);
        tercet__pb__item_reply__free_unpacked(r, NULL);
        r = cluster_item_reply(cluster_wait(&c, cluster_send(&c, leader, &get)));
        assert_int_equal(r->found, there);
        tercet__pb__item_reply__free_unpacked(r, NULL);
        cluster_put(&c, 1, "value");
    }
    cluster_deinit(&c);
}

static void eventual_reads_stop_when_the_replica_is_cut_off(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 34, 0, 0);
    int other = (cluster_leader(&c) + 1) % NODES;
    struct op read = {.op = GET, .key = 1};
    for (int i = 0; i < 300; i++) { /* and go on under a steady load */
        cluster_put(&c, 1, "value");
        if (i > 20)
            assert_int_equal(cluster_do(&c, other, &read), TC_OK);
    }
    c.nodes[other].cut = true;
    cluster_run(&c, 1500);
    assert_int_equal(cluster_do(&c, other, &read), TC_EUNAVAILABLE);
    c.nodes[other].cut = false;
    cluster_run(&c, 1500);
    assert_int_equal(cluster_do(&c, other, &read), TC_OK);
    cluster_deinit(&c);
}

static void a_partition_gives_its_capacity_and_no_more(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 35, 10, 5);
    int leader = cluster_leader(&c);
    struct op put = {.op = PUT, .key = 1, .value = "v"};
    int done = 0;
    tc_err err = TC_OK;
    while (err == TC_OK && done < 3000) {
        err = cluster_do(&c, leader, &put);
        done += err == TC_OK;
    }
    assert_int_equal(err, TC_ETHROTTLED);
    assert_in_range(done, 5 * 300, 5 * 300 + 100); /* burst, and what came meanwhile */
    cluster_run(&c, 1000);
    assert_int_equal(cluster_do(&c, leader, &put), TC_OK);
    assert_true(store_counters(c.nodes[leader].store)->throttled > 0);
    cluster_deinit(&c);
}

static void a_failed_sync_ends_the_store(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 36, 0, 0);
    int leader = cluster_leader(&c);
    struct node *n = &c.nodes[leader];
    struct sim_fault fault = {.kind = SIM_WRITE_ERROR, .path_part = "wal"};
    assert_int_equal(sim_fs_fault(n->fs, &fault), TC_OK);
    struct op put = {.op = PUT, .key = 1, .value = "v"};
    uint64_t token = cluster_send(&c, leader, &put);
    struct store_batch *b = store_batch_take(n->store);
    assert_non_null(b);
    tc_err err = store_batch_write(b);
    assert_int_not_equal(err, TC_OK);
    assert_int_equal(store_batch_done(n->store, b, err), TC_EIO);
    assert_true(store_failed(n->store));
    assert_null(store_batch_take(n->store));
    assert_null(cluster_peek(&c, token)); /* nothing is promised any more */
    cluster_stop(&c, leader, true);
    cluster_run(&c, 5000);
    cluster_put(&c, 1, "the others go on");
    cluster_deinit(&c);
}

int request_tests(void);

int request_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_answer_as_a_model_does),
        cmocka_unit_test(a_request_for_another_epoch_or_range_is_sent_on),
        cmocka_unit_test(images_come_with_the_answer_and_with_its_repeat),
        cmocka_unit_test(taking_away_from_no_item_makes_none),
        cmocka_unit_test(eventual_reads_stop_when_the_replica_is_cut_off),
        cmocka_unit_test(a_partition_gives_its_capacity_and_no_more),
        cmocka_unit_test(a_failed_sync_ends_the_store),
    };
    return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
