/* Formats of what follows from items: schemas, keys and values of auxiliary rows, rows of indexes,
 * entries whose answer says more, the stamp of a B-tree that holds such rows. */
#include "golden.h"

#include "core/entry/entry.h"
#include "core/index/index_aux.h"
#include "core/index/index_derive.h"
#include "core/index/index_range.h"
#include "core/key/key.h"
#include "engine/store/replica.h"

#include <string.h>

#define S(text) TC_SLICE_LIT(text)

/* A table with a local index of each projection but one, a global one with two hash attributes. */
static struct index_schema schema(void) {
    struct index_schema s = {.version = 300,
                             .kind = INDEX_TABLE,
                             .hash = {S("pk"), ITEM_B},
                             .range = {S("sk"), ITEM_N},
                             .has_range = true,
                             .ttl = S("expires"),
                             .ttl_tag = 7,
                             .def_count = 2,
                             .attributes = {S("x"), S("y")},
                             .attribute_count = 2};
    s.defs[0] = (struct index_def){.id = 1,
                                   .name = S("local"),
                                   .hash = {{S("pk"), ITEM_B}},
                                   .hash_count = 1,
                                   .range = {{S("l"), ITEM_N}},
                                   .range_count = 1,
                                   .projection = INDEX_KEYS_ONLY};
    s.defs[1] = (struct index_def){.id = 200,
                                   .global = true,
                                   .table_id = 5000,
                                   .name = S("global"),
                                   .hash = {{S("g"), ITEM_S}, {S("h"), ITEM_N}},
                                   .hash_count = 2,
                                   .range = {{S("r"), ITEM_B}},
                                   .range_count = 1,
                                   .projection = INDEX_INCLUDE,
                                   .attribute_count = 2};
    return s;
}

static void test_schema(void **state) {
    (void)state;
    struct index_schema s = schema(), again;
    struct tc_buf bytes = {0}, file = {0};
    OK(index_schema_encode(&s, &bytes));
    golden_same("index-schema-v1", tc_buf_slice(&bytes));
    golden_read("index-schema-v1", &file);
    OK(index_schema_decode(tc_buf_slice(&file), &again));
    assert_int_equal(again.version, 300);
    assert_int_equal(again.ttl_tag, 7);
    assert_int_equal(again.defs[1].table_id, 5000);
    assert_int_equal(again.defs[1].attribute_count, 2);
    tc_buf_deinit(&bytes);
    tc_buf_deinit(&file);
}

static void add(struct item_builder *b, struct tc_buf *value, struct tc_slice name) {
    item_builder_add(b, name, tc_buf_slice(value));
}

static void make_item(struct tc_buf *out) {
    struct tc_buf v[8] = {0};
    struct item_builder b = {0};
    item_put_binary(&v[0], S("p\0q"));
    add(&b, &v[0], S("pk"));
    OK(item_put_number(&v[1], S("-42")));
    add(&b, &v[1], S("sk"));
    OK(item_put_number(&v[2], S("5")));
    add(&b, &v[2], S("l"));
    item_put_string(&v[3], S("gee"));
    add(&b, &v[3], S("g"));
    OK(item_put_number(&v[4], S("1.5")));
    add(&b, &v[4], S("h"));
    item_put_binary(&v[5], S("\0\1"));
    add(&b, &v[5], S("r"));
    item_put_bool(&v[6], /* value= */ true);
    add(&b, &v[6], S("x"));
    OK(item_put_number(&v[7], S("2000000000")));
    add(&b, &v[7], S("expires"));
    OK(item_builder_finish(&b, out));
    item_builder_deinit(&b);
    for (size_t i = 0; i < 8; i++)
        tc_buf_deinit(&v[i]);
}

/* Everything that one item derives, as it stands in its entry. */
static void test_rows(void **state) {
    (void)state;
    struct index_schema s = schema();
    struct tc_buf item = {0}, key = {0}, body = {0}, answer = {0}, file = {0};
    struct tc_arena scratch = {0};
    struct index_derived d;
    struct entry_mutation m[1 + INDEX_MUTATIONS_MAX];
    make_item(&item);
    assert_true(index_base_key(&s, tc_buf_slice(&item), &key));
    struct index_write w = {.key = tc_buf_slice(&key),
                            .new_item = tc_buf_slice(&item),
                            .hlc_ns = 9,
                            .collection_bytes_max = INDEX_COLLECTION_BYTES_MAX};
    OK(index_derive(&s, &w, &scratch, &d));
    assert_int_equal(d.count, 4); /* local row, collection, outbox, expiry time */
    m[0] = (struct entry_mutation){ENTRY_PUT, tc_buf_slice(&key), tc_buf_slice(&item)};
    memcpy(&m[1], d.mutations, d.count * sizeof m[0]);
    index_answer_encode(&d, &answer);
    struct entry_write e = {.hlc_ns = 9, .answer = tc_buf_slice(&answer)};
    memcpy(e.request_id, "sixteen bytes id", sizeof e.request_id);
    entry_write_encode(&e, m, 1 + d.count, &body);
    golden_same("entry-write-v2-outbox-v2", tc_buf_slice(&body));
    golden_read("entry-write-v2", &file); /* with an outbox row of layout 1 */
    struct entry_write again;
    struct index_answer said;
    OK(entry_write_decode(tc_buf_slice(&file), &again));
    assert_int_equal(again.mutation_count, 5);
    OK(index_answer_decode(again.answer, &said));
    assert_int_equal(said.unit_count, 2);
    assert_int_equal(said.units[1].id, 200);
    tc_arena_deinit(&scratch);
    tc_buf_deinit(&item);
    tc_buf_deinit(&key);
    tc_buf_deinit(&body);
    tc_buf_deinit(&answer);
    tc_buf_deinit(&file);
}

static void test_global_row(void **state) {
    (void)state;
    struct index_schema s = schema();
    struct tc_buf item = {0}, base = {0}, key = {0}, row = {0}, versioned = {0}, file = {0};
    make_item(&item);
    assert_true(index_base_key(&s, tc_buf_slice(&item), &base));
    assert_true(index_row_key(&s.defs[1], tc_buf_slice(&item), tc_buf_slice(&base), &key));
    golden_same("index-row-key-v1", tc_buf_slice(&key));
    index_row_item(&s, &s.defs[1], tc_buf_slice(&item), &row);
    index_version_put(tc_buf_slice(&row), 0x1122334455667788u, &versioned);
    golden_same("index-row-v1", tc_buf_slice(&versioned));
    golden_read("index-row-v1", &file);
    uint64_t version = 0;
    assert_true(index_version_take(tc_buf_slice(&file), &version));
    assert_true(version == 0x1122334455667788u);
    tc_buf_deinit(&item);
    tc_buf_deinit(&base);
    tc_buf_deinit(&key);
    tc_buf_deinit(&row);
    tc_buf_deinit(&versioned);
    tc_buf_deinit(&file);
}

static void test_outbox(void **state) {
    (void)state;
    struct index_outbox o = {.hlc_ns = 77, .all = true, .count = 2}, again;
    struct tc_buf bytes = {0}, file = {0};
    o.refs[0] = (struct index_outbox_ref){1, S("a key")};
    o.refs[1] = (struct index_outbox_ref){200, S("another key")};
    index_outbox_encode(&o, &bytes);
    golden_same("index-outbox-v1", tc_buf_slice(&bytes));
    golden_read("index-outbox-v1", &file);
    OK(index_outbox_decode(tc_buf_slice(&file), &again));
    assert_int_equal(again.count, 2);
    assert_true(again.all && index_outbox_concerns(&again, 7));
    assert_true(tc_slice_eq(again.refs[1].key, o.refs[1].key));
    o.all = false;
    index_outbox_mark(&o, 1);
    index_outbox_mark(&o, 9);
    index_outbox_mark(&o, 200);
    tc_buf_clear(&bytes);
    tc_buf_clear(&file);
    index_outbox_encode(&o, &bytes);
    golden_same("index-outbox-v2", tc_buf_slice(&bytes));
    golden_read("index-outbox-v2", &file);
    OK(index_outbox_decode(tc_buf_slice(&file), &again));
    assert_true(again.count == 2 && index_outbox_concerns(&again, 9));
    assert_false(index_outbox_concerns(&again, 7));
    tc_buf_deinit(&bytes);
    tc_buf_deinit(&file);
}

static void test_backfill(void **state) {
    (void)state;
    struct index_backfill b = {.tag = 5000, .items = 300, .after = S("12345678a key")}, again;
    struct tc_buf bytes = {0}, key = {0}, file = {0};
    index_backfill_key(200, &key);
    golden_same("index-backfill-key-v1", tc_buf_slice(&key));
    index_backfill_encode(&b, &bytes);
    golden_same("index-backfill-v1", tc_buf_slice(&bytes));
    golden_read("index-backfill-v1", &file);
    OK(index_backfill_decode(tc_buf_slice(&file), &again));
    assert_int_equal(again.items, 300);
    assert_true(tc_slice_eq(again.after, b.after));
    tc_buf_deinit(&bytes);
    tc_buf_deinit(&key);
    tc_buf_deinit(&file);
}

static void test_stamp(void **state) {
    (void)state;
    struct quorum_config config = {.version = 3, .sets[0] = {.count = 1}}, got;
    struct paxos_mark base = {.index = 9, .ballot = 8, .chain = 7}, mark;
    struct store_aux aux = {.count = 5, .bytes = 600, .outbox_count = 2}, counted;
    struct tc_buf bytes = {0}, file = {0};
    config.sets[0].members[0] =
        (struct quorum_member){.rid = 1, .role = QUORUM_STORAGE, .store = {1, 2, 3}, .zone = "a"};
    aux.locals[aux.local_count++] = (struct store_aux_local){.id = 3, .count = 2, .bytes = 50};
    store__replica_blob(&bytes, &base, &config, &aux);
    golden_same("tree-stamp-v3", tc_buf_slice(&bytes));
    golden_read("tree-stamp-v3", &file);
    OK(store__replica_blob_decode(tc_buf_slice(&file), &mark, &got, &counted));
    assert_true(counted.count == 5 && counted.outbox_count == 2 && !counted.uncounted);
    assert_true(counted.local_count == 1 && counted.locals[0].id == 3);
    assert_true(counted.locals[0].count == 2 && counted.locals[0].bytes == 50);
    tc_buf_clear(&file);
    golden_read("tree-stamp-v2", &file); /* local indexes are counted when it is opened */
    OK(store__replica_blob_decode(tc_buf_slice(&file), &mark, &got, &counted));
    assert_true(mark.index == 9 && got.version == 3);
    assert_true(counted.count == 5 && counted.bytes == 600 && counted.outbox_count == 2);
    assert_true(counted.uncounted && counted.local_count == 0);
    tc_buf_deinit(&bytes);
    tc_buf_deinit(&file);
}

int index_formats(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema),     cmocka_unit_test(test_rows),
        cmocka_unit_test(test_global_row), cmocka_unit_test(test_outbox),
        cmocka_unit_test(test_backfill),   cmocka_unit_test(test_stamp),
    };
    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
