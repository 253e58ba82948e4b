#include "schema/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static Tercet__Pb__KeyAttribute keys[3];
static Tercet__Pb__KeyAttribute *table_keys[2] = {&keys[0], &keys[1]};
static Tercet__Pb__KeyAttribute *index_hash[1] = {&keys[2]}, *base_hash[1] = {&keys[0]};
static Tercet__Pb__IndexDescriptor indexes[2];
static Tercet__Pb__IndexDescriptor *list[2] = {&indexes[0], &indexes[1]};
static char *extra[1] = {(char *)(uintptr_t) "x"};

static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

/* Key id (S), at (N); local index by name (B), global index by name with x. */
static Tercet__Pb__TableDescriptor table(void) {
    static const char *const names[3][2] = {{"id", "S"}, {"at", "N"}, {"name", "B"}};
    Tercet__Pb__TableDescriptor d = TERCET__PB__TABLE_DESCRIPTOR__INIT;
    for (int i = 0; i < 3; i++) {
        tercet__pb__key_attribute__init(&keys[i]);
        keys[i].name = text(names[i][0]);
        keys[i].type = text(names[i][1]);
    }
    for (uint32_t i = 0; i < 2; i++) {
        tercet__pb__index_descriptor__init(&indexes[i]);
        indexes[i].name = text(i ? "glo" : "loc");
        indexes[i].id = i + 1;
        indexes[i].status = TERCET__PB__TABLE_STATUS__TABLE_ACTIVE;
    }
    indexes[0].hash_keys = base_hash;
    indexes[0].range_keys = index_hash;
    indexes[0].n_hash_keys = indexes[0].n_range_keys = 1;
    indexes[1].global = true;
    indexes[1].table_id = 200;
    indexes[1].hash_keys = index_hash;
    indexes[1].n_hash_keys = 1;
    indexes[1].projection = TERCET__PB__PROJECTION__PROJECTION_INCLUDE;
    indexes[1].attributes = extra;
    indexes[1].n_attributes = 1;
    d.status = TERCET__PB__TABLE_STATUS__TABLE_ACTIVE;
    d.keys = table_keys;
    d.n_keys = 2;
    d.indexes = list;
    d.n_indexes = 2;
    d.schema_version = 7;
    return d;
}

static void a_record_becomes_a_schema(void **state) {
    (void)state;
    Tercet__Pb__TableDescriptor d = table();
    struct tc_buf bytes = {0};
    struct index_schema s;
    d.ttl_attribute = text("gone_at");
    d.ttl_changed_ms = 99;
    assert_int_equal(schema_append_table(&d, &bytes), TC_OK);
    assert_int_equal(index_schema_decode(tc_buf_slice(&bytes), &s), TC_OK);
    assert_int_equal(s.version, 7);
    assert_int_equal(s.kind, INDEX_TABLE);
    assert_int_equal(s.def_count, 2);
    assert_true(s.has_range && tc_slice_eq(s.range.name, TC_SLICE_LIT("at")));
    assert_int_equal(s.range.type, ITEM_N);
    assert_false(s.defs[0].global);
    assert_true(tc_slice_eq(s.defs[0].hash[0].name, TC_SLICE_LIT("id")));
    assert_int_equal(s.defs[0].range[0].type, ITEM_B);
    assert_int_equal(s.defs[1].table_id, 200);
    assert_int_equal(s.defs[1].projection, INDEX_INCLUDE);
    assert_true(tc_slice_eq(s.attributes[s.defs[1].attribute_at], TC_SLICE_LIT("x")));
    assert_int_equal(s.ttl.len, 0); /* it is not enabled */
    d.ttl_enabled = true;
    assert_int_equal(schema_of_table(&d, &s), TC_OK);
    assert_true(tc_slice_eq(s.ttl, TC_SLICE_LIT("gone_at")));
    assert_int_equal(s.ttl_tag, 99);
    tc_buf_clear(&bytes);
    assert_int_equal(schema_append_index(&d, &bytes), TC_OK);
    assert_int_equal(index_schema_decode(tc_buf_slice(&bytes), &s), TC_OK);
    assert_int_equal(s.kind, INDEX_GLOBAL);
    assert_int_equal(s.def_count, 0);
    tc_buf_deinit(&bytes);
}

static void groups_know_an_index_from_its_backfill_until_it_goes(void **state) {
    (void)state;
    Tercet__Pb__TableDescriptor d = table();
    assert_true(schema_has_index(&d, &indexes[1]));
    indexes[1].status = TERCET__PB__TABLE_STATUS__TABLE_CREATING;
    assert_false(schema_has_index(&d, &indexes[1]));
    indexes[1].backfilling = true;
    assert_true(schema_has_index(&d, &indexes[1]));
    indexes[1].backfilling = false;
    d.status = TERCET__PB__TABLE_STATUS__TABLE_CREATING; /* it is made with its table */
    assert_true(schema_has_index(&d, &indexes[1]));
    indexes[1].table_id = 0;
    assert_false(schema_has_index(&d, &indexes[1]));
    indexes[1].table_id = 200;
    indexes[1].status = TERCET__PB__TABLE_STATUS__TABLE_DELETING;
    assert_false(schema_has_index(&d, &indexes[1]));
}

static void a_table_that_keeps_items_only_has_no_schema(void **state) {
    (void)state;
    Tercet__Pb__TableDescriptor d = table();
    struct tc_buf bytes = {0};
    d.n_indexes = 0;
    d.schema_version = 0;
    assert_int_equal(schema_append_table(&d, &bytes), TC_OK);
    assert_int_equal(bytes.len, 0);
    d.schema_version = 3; /* it had some: its groups must hear of the change */
    assert_int_equal(schema_append_table(&d, &bytes), TC_OK);
    assert_int_equal(index_schema_version(tc_buf_slice(&bytes)), 3);
    tc_buf_deinit(&bytes);
}

static void records_beyond_the_limits_are_refused(void **state) {
    (void)state;
    Tercet__Pb__TableDescriptor d = table();
    struct tc_buf bytes = {0};
    indexes[0].id = 256;
    assert_int_equal(schema_append_table(&d, &bytes), TC_EINVAL);
    indexes[0].id = 2; /* as the other one */
    assert_int_equal(schema_append_table(&d, &bytes), TC_EINVAL);
    indexes[0].id = 1;
    keys[2].type = text("");
    tc_buf_clear(&bytes);
    assert_int_equal(schema_append_table(&d, &bytes), TC_EINVAL);
    assert_int_equal(bytes.len, 0);
    tc_buf_deinit(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_becomes_a_schema),
        cmocka_unit_test(groups_know_an_index_from_its_backfill_until_it_goes),
        cmocka_unit_test(a_table_that_keeps_items_only_has_no_schema),
        cmocka_unit_test(records_beyond_the_limits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
