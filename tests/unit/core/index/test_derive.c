/* What a write derives. */
#include "core/index/index_derive.h"

#include "core/index/index_aux.h"
#include "fixture.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define KEYS "\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"}"

/* One write and what came of it. */
struct trial {
    struct index_schema s;
    struct text_item before, after;
    struct tc_buf key;
    struct tc_arena scratch;
    struct index_write w;
    struct index_derived d;
};

static tc_err derive(struct trial *t, const char *before, const char *after) {
    if (t->s.version == 0)
        t->s = music();
    t->w.old_item = before ? item_of(&t->before, before) : TC_SLICE_EMPTY;
    t->w.new_item = after ? item_of(&t->after, after) : TC_SLICE_EMPTY;
    base_key_of(&t->s, before ? t->w.old_item : t->w.new_item, &t->key);
    t->w.key = tc_buf_slice(&t->key);
    t->w.hlc_ns = 1000;
    if (t->w.collection_bytes_max == 0)
        t->w.collection_bytes_max = INDEX_COLLECTION_BYTES_MAX;
    return index_derive(&t->s, &t->w, &t->scratch, &t->d);
}

static void end(struct trial *t) {
    tc_buf_deinit(&t->before.bytes);
    tc_buf_deinit(&t->after.bytes);
    tc_buf_deinit(&t->key);
    tc_arena_deinit(&t->scratch);
}

static size_t count_of(const struct trial *t, enum index_kind kind, enum entry_op op) {
    size_t count = 0;
    for (size_t i = 0; i < t->d.count; i++)
        count += index_key_kind(t->d.mutations[i].key) == kind && t->d.mutations[i].op == op;
    return count;
}

static uint32_t units_of(const struct trial *t, uint8_t id) {
    for (size_t i = 0; i < t->d.unit_count; i++)
        if (t->d.units[i].id == id)
            return t->d.units[i].units;
    return 0;
}

static void an_item_without_index_attributes_only_grows_its_collection(void **state) {
    (void)state;
    struct trial t = {0};
    assert_int_equal(derive(&t, NULL, "{" KEYS ",\"z\":{\"S\":\"1234\"}}"), TC_OK);
    assert_int_equal(t.d.count, 1);
    assert_int_equal(count_of(&t, INDEX_KIND_COLLECTION, ENTRY_PUT), 1);
    assert_int_equal(t.d.unit_count, 0);
    assert_int_equal(t.d.collection_bytes, item_size_bytes(t.w.new_item));
    end(&t);
}

static void every_index_gets_its_row(void **state) {
    (void)state;
    struct trial t = {0};
    assert_int_equal(derive(&t, NULL,
                            "{" KEYS ",\"l\":{\"N\":\"5\"},\"g\":{\"S\":\"q\"},"
                            "\"h\":{\"N\":\"1\"},\"t\":{\"N\":\"99\"}}"),
                     TC_OK);
    assert_int_equal(t.d.count, 4);
    assert_int_equal(count_of(&t, INDEX_KIND_LOCAL, ENTRY_PUT), 1);
    assert_int_equal(count_of(&t, INDEX_KIND_OUTBOX, ENTRY_PUT), 1);
    assert_int_equal(count_of(&t, INDEX_KIND_EXPIRY, ENTRY_PUT), 1);
    assert_int_equal(units_of(&t, 1), 1);
    assert_int_equal(units_of(&t, 9), 1);
    end(&t);
}

static void what_stays_equal_costs_nothing(void **state) {
    (void)state;
    struct trial t = {0};
    t.w.collection_bytes = 1000;
    assert_int_equal(derive(&t,
                            "{" KEYS ",\"l\":{\"N\":\"5\"},\"g\":{\"S\":\"q\"},\"h\":{\"N\":\"1\"},"
                            "\"t\":{\"N\":\"99\"},\"z\":{\"S\":\"a\"}}",
                            "{" KEYS ",\"l\":{\"N\":\"5\"},\"g\":{\"S\":\"q\"},\"h\":{\"N\":\"1\"},"
                            "\"t\":{\"N\":\"99\"},\"z\":{\"S\":\"b\"}}"),
                     TC_OK);
    assert_int_equal(t.d.count, 0);
    assert_int_equal(t.d.unit_count, 0);
    assert_int_equal(t.d.collection_bytes, 1000);
    end(&t);
}

static void a_row_that_moves_is_a_delete_and_a_put(void **state) {
    (void)state;
    struct trial t = {0};
    struct index_outbox o;
    t.w.collection_bytes = 1000;
    assert_int_equal(
        derive(&t, "{" KEYS ",\"l\":{\"N\":\"5\"},\"g\":{\"S\":\"q\"},\"h\":{\"N\":\"1\"}}",
               "{" KEYS ",\"l\":{\"N\":\"6\"},\"g\":{\"S\":\"r\"},\"h\":{\"N\":\"1\"}}"),
        TC_OK);
    assert_int_equal(count_of(&t, INDEX_KIND_LOCAL, ENTRY_PUT), 1);
    assert_int_equal(count_of(&t, INDEX_KIND_LOCAL, ENTRY_DELETE), 1);
    assert_int_equal(units_of(&t, 1), 2);
    assert_int_equal(units_of(&t, 9), 2);
    for (size_t i = 0; i < t.d.count; i++)
        if (index_key_kind(t.d.mutations[i].key) == INDEX_KIND_OUTBOX) {
            assert_int_equal(index_outbox_decode(t.d.mutations[i].item, &o), TC_OK);
            assert_int_equal(o.count, 1);
            assert_int_equal(o.refs[0].id, 9);
            assert_int_equal(o.hlc_ns, 1000);
        }
    assert_int_equal(count_of(&t, INDEX_KIND_OUTBOX, ENTRY_PUT), 1);
    end(&t);
}

/* The outbox row that a write with two global indexes derives; false: none. */
static bool outbox_of(struct trial *t, const char *before, const char *after,
                      struct index_outbox *ret) {
    assert_int_equal(derive(t, before, after), TC_OK);
    for (size_t i = 0; i < t->d.count; i++)
        if (index_key_kind(t->d.mutations[i].key) == INDEX_KIND_OUTBOX)
            return index_outbox_decode(t->d.mutations[i].item, ret) == TC_OK;
    return false;
}

static void an_outbox_row_says_which_indexes_changed(void **state) {
    (void)state;
    struct trial t = {.s = music()};
    struct index_outbox o;
    struct tc_buf row = {0};
    t.s.defs[t.s.def_count] = t.s.defs[1];
    t.s.defs[t.s.def_count].id = 200;
    t.s.defs[t.s.def_count].table_id = 56;
    t.s.defs[t.s.def_count].attribute_count = 0;
    t.s.defs[t.s.def_count++].projection = INDEX_KEYS_ONLY;
    const char *one = "{" KEYS ",\"g\":{\"S\":\"q\"},\"h\":{\"N\":\"1\"},\"x\":{\"S\":\"a\"}}";
    const char *other = "{" KEYS ",\"g\":{\"S\":\"q\"},\"h\":{\"N\":\"1\"},\"x\":{\"S\":\"b\"}}";
    const char *moved = "{" KEYS ",\"g\":{\"S\":\"r\"},\"h\":{\"N\":\"1\"},\"x\":{\"S\":\"a\"}}";
    assert_true(outbox_of(&t, one, moved, &o));
    assert_true(index_outbox_concerns(&o, 9) && index_outbox_concerns(&o, 200));
    assert_true(outbox_of(&t, one, other, &o)); /* x stands in the rows of 9 alone */
    assert_true(index_outbox_concerns(&o, 9) && !index_outbox_concerns(&o, 200));
    struct index_outbox waits = {.hlc_ns = 1};
    index_outbox_mark(&waits, 200);
    index_outbox_encode(&waits, &row);
    t.w.outbox = tc_buf_slice(&row);
    assert_true(outbox_of(&t, one, other, &o)); /* what is owed already stays owed */
    assert_true(index_outbox_concerns(&o, 9) && index_outbox_concerns(&o, 200));
    assert_false(o.all || index_outbox_concerns(&o, 1));
    waits.all = true; /* an older version's */
    tc_buf_clear(&row);
    index_outbox_encode(&waits, &row);
    t.w.outbox = tc_buf_slice(&row);
    assert_true(outbox_of(&t, one, other, &o) && o.all);
    tc_buf_deinit(&row);
    end(&t);
}

static void a_deleted_item_leaves_no_row(void **state) {
    (void)state;
    struct trial t = {0};
    const char *item = "{" KEYS ",\"l\":{\"N\":\"5\"},\"t\":{\"N\":\"99\"}}";
    assert_int_equal(derive(&t, NULL, item), TC_OK);
    t.w.collection_bytes = t.d.collection_bytes;
    assert_int_equal(derive(&t, item, NULL), TC_OK);
    assert_int_equal(t.d.count, 3);
    assert_int_equal(count_of(&t, INDEX_KIND_LOCAL, ENTRY_DELETE), 1);
    assert_int_equal(count_of(&t, INDEX_KIND_COLLECTION, ENTRY_DELETE), 1);
    assert_int_equal(count_of(&t, INDEX_KIND_EXPIRY, ENTRY_DELETE), 1);
    assert_int_equal(t.d.collection_bytes, 0);
    end(&t);
}

static void a_projected_change_costs_by_the_larger_row(void **state) {
    (void)state;
    struct trial t = {0};
    char before[3200], after[1600];
    char x[2501], y[1001];
    memset(x, 'x', sizeof x - 1);
    memset(y, 'y', sizeof y - 1);
    x[sizeof x - 1] = y[sizeof y - 1] = 0;
    const char *form = "{" KEYS ",\"g\":{\"S\":\"q\"},\"h\":{\"N\":\"1\"},\"x\":{\"S\":\"%s\"}}";
    snprintf(before, sizeof before, form, x);
    snprintf(after, sizeof after, form, y);
    t.w.collection_bytes = 5000;
    assert_int_equal(derive(&t, before, after), TC_OK);
    assert_int_equal(units_of(&t, 9), 3);
    assert_int_equal(units_of(&t, 1), 0);
    end(&t);
}

static void a_collection_stops_growing_at_ten_gigabytes(void **state) {
    (void)state;
    struct trial t = {0};
    const char *item = "{" KEYS ",\"z\":{\"S\":\"1234\"}}";
    assert_int_equal(derive(&t, NULL, item), TC_OK);
    const uint64_t size = t.d.collection_bytes;
    t.w.collection_bytes = INDEX_COLLECTION_BYTES_MAX - size;
    assert_int_equal(derive(&t, NULL, item), TC_OK);
    t.w.collection_bytes++;
    assert_int_equal(derive(&t, NULL, item), TC_ELIMIT);
    t.w.collection_bytes = INDEX_COLLECTION_BYTES_MAX + 2 * size;
    assert_int_equal(derive(&t, item, NULL), TC_OK); /* what shrinks may */
    end(&t);
}

static void a_full_outbox_throttles_what_changes_an_index(void **state) {
    (void)state;
    struct trial t = {0};
    const char *plain = "{" KEYS ",\"z\":{\"S\":\"1\"}}";
    const char *shown = "{" KEYS ",\"g\":{\"S\":\"q\"},\"h\":{\"N\":\"1\"}}";
    t.w.outbox_full = true;
    assert_int_equal(derive(&t, NULL, plain), TC_OK);
    assert_int_equal(derive(&t, NULL, shown), TC_ETHROTTLED);
    struct index_outbox o = {.hlc_ns = 1};
    struct tc_buf row = {0};
    index_outbox_encode(&o, &row);
    t.w.outbox = tc_buf_slice(&row);
    assert_int_equal(derive(&t, NULL, shown), TC_OK); /* this item waits already */
    tc_buf_deinit(&row);
    end(&t);
}

static void fault_is(struct trial *t, const char *want) {
    struct tc_buf out = {0};
    index_fault_text(&t->d.fault, t->w.updated, &out);
    tc_buf_append_u8(&out, 0);
    assert_string_equal((const char *)out.data, want);
    tc_buf_deinit(&out);
}

static void key_attributes_of_indexes_are_checked(void **state) {
    (void)state;
    struct trial t = {0};
    assert_int_equal(derive(&t, NULL, "{" KEYS ",\"g\":{\"N\":\"1\"}}"), TC_EINVAL);
    fault_is(&t, "One or more parameter values were invalid: Type mismatch for Index Key g "
                 "Expected: S Actual: N IndexName: by-g");
    assert_int_equal(derive(&t, NULL, "{" KEYS ",\"g\":{\"S\":\"\"}}"), TC_EINVAL);
    fault_is(&t, "One or more parameter values are not valid. A value specified for a secondary "
                 "index key is not supported. The AttributeValue for a key attribute cannot "
                 "contain an empty string value. IndexName: by-g, IndexKey: g");
    t.w.updated = true;
    assert_int_equal(derive(&t, NULL, "{" KEYS ",\"l\":{\"S\":\"1\"}}"), TC_EINVAL);
    fault_is(&t, "The update expression attempted to update the secondary index key to "
                 "unsupported type");
    /* What an update leaves alone was there before the index. */
    t.w.collection_bytes = 1000;
    assert_int_equal(derive(&t, "{" KEYS ",\"l\":{\"S\":\"1\"}}",
                            "{" KEYS ",\"l\":{\"S\":\"1\"},\"z\":{\"S\":\"1\"}}"),
                     TC_OK);
    end(&t);
}

static void hash_values_hold_2048_bytes(void **state) {
    (void)state;
    struct trial t = {0};
    static char json[3000], g[2050];
    memset(g, 'g', 2049);
    for (size_t len = 2048; len <= 2049; len++) {
        snprintf(json, sizeof json, "{" KEYS ",\"g\":{\"S\":\"%.*s\"}}", (int)len, g);
        assert_int_equal(derive(&t, NULL, json), len == 2048 ? TC_OK : TC_EINVAL);
    }
    assert_int_equal(t.d.fault.kind, INDEX_FAULT_HASH_LONG);
    fault_is(&t, "One or more parameter values were invalid: Size limit exceeded for Index Key g "
                 "Actual Size: 2049 bytes Max Size: 2048 bytes IndexName: by-g");
    t.w.updated = true;
    fault_is(&t, "The update expression attempted to update the secondary index key beyond allowed "
                 "size limits");
    end(&t);
}

/* An item and its row in a local index may take 400 KiB together; without a row, the item alone. */
static void item_and_local_row_hold_400_kib(void **state) {
    (void)state;
    static char json[ITEM_BYTES_MAX + 200], z[ITEM_BYTES_MAX];
    struct trial t = {0};
    struct text_item item = {0};
    struct tc_buf row = {0};
    struct index_schema s = music();
    memset(z, 'z', sizeof z);
    item_of(&item, "{" KEYS ",\"l\":{\"N\":\"1\"},\"z\":{\"S\":\"\"}}");
    index_row_item(&s, &s.defs[0], tc_buf_slice(&item.bytes), &row);
    const uint64_t rest =
        item_size_bytes(tc_buf_slice(&item.bytes)) + item_size_bytes(tc_buf_slice(&row));
    for (int more = 0; more <= 1; more++) {
        const int len = (int)(ITEM_BYTES_MAX - rest) + more;
        (void)snprintf(json, sizeof json, "{" KEYS ",\"l\":{\"N\":\"1\"},\"z\":{\"S\":\"%.*s\"}}",
                       len, z);
        assert_int_equal(derive(&t, NULL, json), more ? TC_EINVAL : TC_OK);
        (void)snprintf(json, sizeof json, "{" KEYS ",\"z\":{\"S\":\"%.*s\"}}", len, z);
        assert_int_equal(derive(&t, NULL, json), TC_OK);
    }
    (void)snprintf(json, sizeof json, "{" KEYS ",\"l\":{\"N\":\"1\"},\"z\":{\"S\":\"%.*s\"}}",
                   (int)(ITEM_BYTES_MAX - rest) + 1, z);
    assert_int_equal(derive(&t, NULL, json), TC_EINVAL);
    fault_is(&t, "Item size has exceeded the maximum allowed size");
    tc_buf_deinit(&item.bytes);
    tc_buf_deinit(&row);
    end(&t);
}

static void answers_come_back_as_they_were(void **state) {
    (void)state;
    struct index_derived d = {.collection_bytes = 1ull << 33, .unit_count = 2};
    d.units[0] = (struct index_units){1, 1};
    d.units[1] = (struct index_units){255, 800};
    struct index_answer got;
    struct tc_buf out = {0};
    index_answer_encode(&d, &out);
    assert_int_equal(index_answer_decode(tc_buf_slice(&out), &got), TC_OK);
    assert_int_equal(got.collection_bytes, 1ull << 33);
    assert_int_equal(got.unit_count, 2);
    assert_int_equal(got.units[1].id, 255);
    assert_int_equal(got.units[1].units, 800);
    tc_buf_append_u8(&out, 0);
    assert_int_equal(index_answer_decode(tc_buf_slice(&out), &got), TC_ECORRUPT);
    tc_buf_deinit(&out);
}

int derive_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_without_index_attributes_only_grows_its_collection),
        cmocka_unit_test(every_index_gets_its_row),
        cmocka_unit_test(what_stays_equal_costs_nothing),
        cmocka_unit_test(a_row_that_moves_is_a_delete_and_a_put),
        cmocka_unit_test(an_outbox_row_says_which_indexes_changed),
        cmocka_unit_test(a_deleted_item_leaves_no_row),
        cmocka_unit_test(a_projected_change_costs_by_the_larger_row),
        cmocka_unit_test(a_collection_stops_growing_at_ten_gigabytes),
        cmocka_unit_test(a_full_outbox_throttles_what_changes_an_index),
        cmocka_unit_test(key_attributes_of_indexes_are_checked),
        cmocka_unit_test(hash_values_hold_2048_bytes),
        cmocka_unit_test(item_and_local_row_hold_400_kib),
        cmocka_unit_test(answers_come_back_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
