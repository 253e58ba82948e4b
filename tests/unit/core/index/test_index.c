/* Schemas and rows. */
#include "fixture.h"

#include "core/index/index_aux.h"
#include "core/json/json_item.h"
#include "core/key/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- notation */

struct tc_slice item_of(struct text_item *t, const char *json) {
    struct json_item j = {0};
    struct json_diag diag;
    struct tc_arena arena = {0};
    struct json_reader r = json_reader(tc_slice_str(json), &arena, JSON_ITEM_DEPTH);
    tc_buf_clear(&t->bytes);
    assert_int_equal(json_item_read(&j, &r, &t->bytes, &diag), TC_OK);
    json_item_deinit(&j);
    tc_arena_deinit(&arena);
    return tc_buf_slice(&t->bytes);
}

struct index_schema music(void) {
    struct index_schema s = {.version = 7,
                             .kind = INDEX_TABLE,
                             .hash = {NAME("pk"), ITEM_S},
                             .range = {NAME("sk"), ITEM_N},
                             .has_range = true,
                             .ttl = NAME("t"),
                             .ttl_tag = 3,
                             .def_count = 2,
                             .attributes = {NAME("x")},
                             .attribute_count = 1};
    s.defs[0] = (struct index_def){.id = 1,
                                   .name = NAME("by-l"),
                                   .hash = {{NAME("pk"), ITEM_S}},
                                   .hash_count = 1,
                                   .range = {{NAME("l"), ITEM_N}},
                                   .range_count = 1,
                                   .projection = INDEX_KEYS_ONLY};
    s.defs[1] = (struct index_def){.id = 9,
                                   .name = NAME("by-g"),
                                   .global = true,
                                   .table_id = 55,
                                   .hash = {{NAME("g"), ITEM_S}},
                                   .hash_count = 1,
                                   .range = {{NAME("h"), ITEM_N}},
                                   .range_count = 1,
                                   .projection = INDEX_INCLUDE,
                                   .attribute_count = 1};
    return s;
}

static void json_equal(struct tc_slice item, const char *json) {
    struct text_item want = {0};
    const struct tc_slice w = item_of(&want, json);
    struct tc_buf got = {0};
    json_item_write(&got, item);
    tc_buf_append_u8(&got, 0);
    if (!tc_slice_eq(item, w))
        assert_string_equal((const char *)got.data, json);
    tc_buf_deinit(&got);
    tc_buf_deinit(&want.bytes);
}

/* ---- schema */

static void a_schema_comes_back_as_it_was(void **state) {
    (void)state;
    struct index_schema s = music(), got;
    struct tc_buf out = {0}, again = {0};
    assert_int_equal(index_schema_encode(&s, &out), TC_OK);
    assert_int_equal(index_schema_decode(tc_buf_slice(&out), &got), TC_OK);
    assert_int_equal(index_schema_version(tc_buf_slice(&out)), 7);
    assert_int_equal(got.def_count, 2);
    assert_int_equal(got.defs[1].table_id, 55);
    assert_true(tc_slice_eq(got.attributes[0], NAME("x")));
    assert_true(tc_slice_eq(got.defs[1].name, NAME("by-g")));
    assert_int_equal(got.ttl_tag, 3);
    assert_true(index_schema_has_local(&got) && index_schema_has_global(&got));
    assert_ptr_equal(index_schema_find(&got, 9), &got.defs[1]);
    assert_null(index_schema_find(&got, 2));
    assert_int_equal(index_schema_encode(&got, &again), TC_OK);
    assert_true(tc_slice_eq(tc_buf_slice(&out), tc_buf_slice(&again)));
    tc_buf_deinit(&out);
    tc_buf_deinit(&again);
}

static void cut_or_longer_schemas_are_refused(void **state) {
    (void)state;
    struct index_schema s = music(), got;
    struct tc_buf out = {0};
    assert_int_equal(index_schema_encode(&s, &out), TC_OK);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(index_schema_decode(tc_slice(out.data, len), &got), TC_ECORRUPT);
    tc_buf_append_u8(&out, 0);
    assert_int_equal(index_schema_decode(tc_buf_slice(&out), &got), TC_ECORRUPT);
    tc_buf_deinit(&out);
}

static void schema_is(const struct index_schema *s, tc_err want) {
    struct tc_buf out = {0};
    assert_int_equal(index_schema_encode(s, &out), want);
    tc_buf_deinit(&out);
}

static void schemas_keep_their_limits(void **state) {
    (void)state;
    struct index_schema s = music();
    s.defs[1].id = 1; /* twice */
    schema_is(&s, TC_EINVAL);
    s.defs[1].id = 0;
    schema_is(&s, TC_EINVAL);
    s.defs[1].id = 255;
    schema_is(&s, TC_OK);
    s.defs[1].table_id = 0;
    schema_is(&s, TC_EINVAL);
    s = music();
    s.has_range = false; /* a local index needs a sort key */
    schema_is(&s, TC_EINVAL);
    s = music();
    s.defs[0].hash[0].name = NAME("other");
    schema_is(&s, TC_EINVAL);
    s = music();
    s.version = 0;
    schema_is(&s, TC_EINVAL);
    s = music();
    s.defs[1].range[0].type = ITEM_M;
    schema_is(&s, TC_EINVAL);
    s = music();
    s.attribute_count = 0; /* INCLUDE of nothing */
    schema_is(&s, TC_EINVAL);
}

static void five_local_and_twenty_global_indexes_are_the_most(void **state) {
    (void)state;
    struct index_schema s = music();
    s.attribute_count = 0;
    s.def_count = 0;
    const struct index_schema from = music();
    for (size_t i = 0; i < INDEX_DEFS_MAX; i++) {
        s.defs[i] = from.defs[i < 5 ? 0 : 1];
        s.defs[i].id = (uint8_t)(i + 1);
        s.defs[i].projection = INDEX_ALL;
        s.defs[i].attribute_count = 0;
    }
    s.def_count = 25;
    schema_is(&s, TC_OK);
    s.defs[5] = s.defs[4]; /* six local ones */
    s.defs[5].id = 6;
    schema_is(&s, TC_EINVAL);
}

/* ---- rows */

void base_key_of(const struct index_schema *s, struct tc_slice item, struct tc_buf *out) {
    tc_buf_clear(out);
    assert_true(index_base_key(s, item, out));
    assert_int_equal(key_check(tc_buf_slice(out), NULL), TC_OK);
}

static void a_row_needs_every_key_attribute_with_its_type(void **state) {
    (void)state;
    const struct index_schema s = music();
    static const char *without[] = {
        "{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"}}",
        "{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"},\"g\":{\"S\":\"q\"}}",
        "{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"},\"g\":{\"N\":\"3\"},\"h\":{\"N\":\"1\"}}",
        "{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"},\"g\":{\"S\":\"\"},\"h\":{\"N\":\"1\"}}",
    };
    struct text_item t = {0};
    struct tc_buf base = {0}, key = {0};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        const struct tc_slice item = item_of(&t, without[i]);
        base_key_of(&s, item, &base);
        assert_false(index_row_key(&s.defs[1], item, tc_buf_slice(&base), &key));
        assert_int_equal(key.len, 0);
    }
    const struct tc_slice item =
        item_of(&t, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"},\"g\":{\"S\":\"q\"},"
                    "\"h\":{\"N\":\"1\"},\"x\":{\"S\":\"yes\"},\"y\":{\"S\":\"no\"}}");
    base_key_of(&s, item, &base);
    assert_true(index_row_key(&s.defs[1], item, tc_buf_slice(&base), &key));
    assert_int_equal(index_key_kind(tc_buf_slice(&key)), INDEX_KIND_ITEM);
    struct tc_buf row = {0};
    index_row_item(&s, &s.defs[1], item, &row);
    json_equal(tc_buf_slice(&row), "{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"},\"g\":{\"S\":\"q\"},"
                                   "\"h\":{\"N\":\"1\"},\"x\":{\"S\":\"yes\"}}");
    tc_buf_deinit(&row);
    tc_buf_deinit(&key);
    tc_buf_deinit(&base);
    tc_buf_deinit(&t.bytes);
}

static void a_local_row_lies_with_its_item_collection(void **state) {
    (void)state;
    const struct index_schema s = music();
    struct text_item t = {0};
    struct tc_buf base = {0}, key = {0}, collection = {0};
    const struct tc_slice item =
        item_of(&t, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"},\"l\":{\"N\":\"5\"}}");
    base_key_of(&s, item, &base);
    assert_true(index_row_key(&s.defs[0], item, tc_buf_slice(&base), &key));
    assert_memory_equal(key.data, base.data, 8);
    assert_int_equal(index_key_kind(tc_buf_slice(&key)), INDEX_KIND_LOCAL);
    assert_true(tc_slice_eq(index_key_home(tc_buf_slice(&key)), tc_buf_slice(&key)));
    index_collection_key(tc_buf_slice(&base), &collection);
    assert_int_equal(index_key_kind(tc_buf_slice(&collection)), INDEX_KIND_COLLECTION);
    assert_true(tc_slice_cmp(tc_buf_slice(&base), tc_buf_slice(&collection)) < 0);
    size_t head_bytes = 0;
    uint8_t id = 0;
    assert_int_equal(index_local_key_decode(tc_buf_slice(&key), &head_bytes, &id), TC_OK);
    assert_int_equal(id, 1);
    assert_int_equal(head_bytes, collection.len);
    assert_int_equal(index_local_key_decode(tc_buf_slice(&base), &head_bytes, &id), TC_ECORRUPT);
    assert_true(tc_slice_cmp(tc_buf_slice(&collection), tc_buf_slice(&key)) < 0);
    tc_buf_deinit(&collection);
    tc_buf_deinit(&key);
    tc_buf_deinit(&base);
    tc_buf_deinit(&t.bytes);
}

static void long_keys_are_made_unique_by_a_hash(void **state) {
    (void)state;
    struct index_schema s = music();
    s.hash.type = s.defs[0].hash[0].type = ITEM_B;
    s.defs[1].hash[0].type = ITEM_B;
    s.defs[1].range_count = 0;
    static const uint8_t zeros[KEY_HASH_BYTES_MAX];
    struct tc_buf pk = {0}, sk = {0}, item = {0}, base = {0}, key = {0};
    item_put_binary(&pk, tc_slice(zeros, sizeof zeros));
    assert_int_equal(item_put_number(&sk, NAME("1")), TC_OK);
    struct item_builder b = {0};
    item_builder_add(&b, NAME("pk"), tc_buf_slice(&pk));
    item_builder_add(&b, NAME("sk"), tc_buf_slice(&sk));
    item_builder_add(&b, NAME("g"), tc_buf_slice(&pk));
    assert_int_equal(item_builder_finish(&b, &item), TC_OK);
    item_builder_deinit(&b);
    base_key_of(&s, tc_buf_slice(&item), &base);
    assert_true(index_row_key(&s.defs[1], tc_buf_slice(&item), tc_buf_slice(&base), &key));
    assert_int_equal(key.len, 8 + 1 + 2 * KEY_HASH_BYTES_MAX + 2 + 1 + 16);
    struct index_fault fault;
    assert_true(
        index_item_check(&s, tc_buf_slice(&item), TC_SLICE_EMPTY, tc_buf_slice(&base), &fault));
    tc_buf_deinit(&pk);
    tc_buf_deinit(&sk);
    tc_buf_deinit(&item);
    tc_buf_deinit(&base);
    tc_buf_deinit(&key);
}

static void versions_stand_beside_what_clients_see(void **state) {
    (void)state;
    struct text_item t = {0};
    const struct tc_slice item = item_of(&t, "{\"a\":{\"S\":\"x\"}}");
    struct tc_buf row = {0}, back = {0}, gone = {0};
    uint64_t version = 0;
    assert_false(index_version_take(item, &version));
    index_version_put(item, 0x0102030405060708, &row);
    assert_true(index_version_take(tc_buf_slice(&row), &version));
    assert_int_equal(version, 0x0102030405060708);
    assert_false(index_version_is_gone(tc_buf_slice(&row)));
    assert_int_equal(item_size_bytes(tc_buf_slice(&row)),
                     item_size_bytes(item) + INDEX_VERSION_SIZE_BYTES);
    index_version_strip(tc_buf_slice(&row), &back);
    assert_true(tc_slice_eq(tc_buf_slice(&back), item));
    index_version_put(TC_SLICE_EMPTY, 9, &gone);
    assert_true(index_version_is_gone(tc_buf_slice(&gone)));
    assert_true(index_version_take(tc_buf_slice(&gone), &version));
    assert_int_equal(version, 9);
    assert_int_equal(item_check(tc_buf_slice(&row)), TC_OK);
    tc_buf_deinit(&row);
    tc_buf_deinit(&back);
    tc_buf_deinit(&gone);
    tc_buf_deinit(&t.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_comes_back_as_it_was),
        cmocka_unit_test(cut_or_longer_schemas_are_refused),
        cmocka_unit_test(schemas_keep_their_limits),
        cmocka_unit_test(five_local_and_twenty_global_indexes_are_the_most),
        cmocka_unit_test(a_row_needs_every_key_attribute_with_its_type),
        cmocka_unit_test(a_local_row_lies_with_its_item_collection),
        cmocka_unit_test(long_keys_are_made_unique_by_a_hash),
        cmocka_unit_test(versions_stand_beside_what_clients_see),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed += range_tests();
    failed += aux_tests();
    failed += derive_tests();
    return failed;
}
