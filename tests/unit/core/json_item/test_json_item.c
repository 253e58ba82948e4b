/* DynamoDB JSON <-> items. */
#include "base/prng.h"
#include "core/json/json_item.h"
#include "core/number/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct tc_arena arena;
    struct json_item j;
    struct json_diag diag;
    struct tc_buf out;
};

static tc_err read_item(struct fixture *f, struct tc_slice json) {
    tc_arena_reset(&f->arena);
    struct json_reader r = json_reader(json, &f->arena, JSON_ITEM_DEPTH);
    const tc_err err = json_item_read(&f->j, &r, &f->out, &f->diag);
    return err == TC_OK ? json_end(&r) : err;
}

static void fixture_deinit(struct fixture *f) {
    tc_arena_deinit(&f->arena);
    json_item_deinit(&f->j);
    tc_buf_deinit(&f->out);
}

static void reads_every_type_in_canonical_order(void **state) {
    (void)state;
    struct fixture f = {0};
    const struct tc_slice json =
        TC_SLICE_LIT("{\"nul\":{\"NULL\":true}, \"a\":{\"S\":\"x\\u00e9\"},\"n\":{\"N\":\"1.50\"},"
                     "\"b\":{\"B\":\"AP8=\"},\"bo\":{\"BOOL\":false},\"ss\":{\"SS\":[\"b\",\"a\"]},"
                     "\"ns\":{\"NS\":[\"10\",\"9\",\"-1\"]},\"bs\":{\"BS\":[\"Yg==\",\"YQ==\"]},"
                     "\"m\":{\"M\":{\"z\":{\"S\":\"\"},\"y\":{\"L\":[{\"N\":\"-0\"},{\"M\":{}}]}}},"
                     "\"l\":{\"L\":[]},\"q\":{\"S\":null,\"N\":\"7\",\"X\":[1]}}");
    const char *want =
        "{\"a\":{\"S\":\"x\xc3\xa9\"},\"b\":{\"B\":\"AP8=\"},\"bo\":{\"BOOL\":false},"
        "\"bs\":{\"BS\":[\"YQ==\",\"Yg==\"]},\"l\":{\"L\":[]},"
        "\"m\":{\"M\":{\"y\":{\"L\":[{\"N\":\"0\"},{\"M\":{}}]},\"z\":{\"S\":\"\"}}},"
        "\"n\":{\"N\":\"1.5\"},\"ns\":{\"NS\":[\"-1\",\"9\",\"10\"]},\"nul\":{\"NULL\":true},"
        "\"q\":{\"N\":\"7\"},\"ss\":{\"SS\":[\"a\",\"b\"]}}";
    assert_int_equal(read_item(&f, json), TC_OK);
    assert_int_equal(item_check(tc_buf_slice(&f.out)), TC_OK);
    struct tc_buf text = {0};
    json_item_write(&text, tc_buf_slice(&f.out));
    tc_buf_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, want);
    tc_buf_deinit(&text);
    fixture_deinit(&f);
}

#define INVALID "One or more parameter values were invalid: "
#define EMPTY                                                                                      \
    "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
#define MANY                                                                                       \
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "    \
    "supported datatypes"

static const struct {
    const char *value;
    enum json_diag_kind kind;
    const char *text;
} refusals[] = {
    {"{\"S\":1}", JSON_DIAG_SERIALIZATION, "NUMBER_VALUE cannot be converted to String"},
    {"{\"N\":1}", JSON_DIAG_SERIALIZATION, "NUMBER_VALUE cannot be converted to String"},
    {"{\"S\":true}", JSON_DIAG_SERIALIZATION, "TRUE_VALUE cannot be converted to String"},
    {"{\"S\":[]}", JSON_DIAG_SERIALIZATION, "Unrecognized collection type class java.lang.String"},
    {"{\"S\":{}}", JSON_DIAG_SERIALIZATION, "Start of structure or map found where not expected"},
    {"{\"B\":1}", JSON_DIAG_SERIALIZATION, "only base-64-encoded strings are convertible to bytes"},
    {"{\"B\":\"abc\"}", JSON_DIAG_SERIALIZATION,
     "Base64 encoded length is expected a multiple of 4 bytes but found: 3"},
    {"{\"B\":\"a*cd\"}", JSON_DIAG_SERIALIZATION, "Invalid Base64 character: '*'"},
    {"{\"BOOL\":\"true\"}", JSON_DIAG_SERIALIZATION, "Unexpected token received from parser"},
    {"{\"L\":{}}", JSON_DIAG_SERIALIZATION, "Start of structure or map found where not expected"},
    {"{\"SS\":\"a\"}", JSON_DIAG_SERIALIZATION, "Unexpected field type"},
    {"{\"M\":[]}", JSON_DIAG_SERIALIZATION,
     "Unrecognized collection type java.util.Map<java.lang.String, "
     "com.amazonaws.dynamodb.v20120810.AttributeValue>"},
    {"\"x\"", JSON_DIAG_SERIALIZATION, "Unexpected value type in payload"},
    {"{\"S\":", JSON_DIAG_SERIALIZATION, ""},
    {"{}", JSON_DIAG_VALIDATION, EMPTY},
    {"{\"X\":1}", JSON_DIAG_VALIDATION, EMPTY},
    {"{\"S\":null}", JSON_DIAG_VALIDATION, EMPTY},
    {"null", JSON_DIAG_VALIDATION, EMPTY},
    {"{\"L\":[null]}", JSON_DIAG_VALIDATION, EMPTY},
    {"{\"S\":\"a\",\"N\":\"1\"}", JSON_DIAG_VALIDATION, MANY},
    {"{\"S\":\"a\",\"S\":\"b\"}", JSON_DIAG_VALIDATION, MANY},
    /* What is wrong with a second datatype is told before there being two. */
    {"{\"S\":\"a\",\"N\":\"b\"}", JSON_DIAG_VALIDATION,
     "The parameter cannot be converted to a numeric value: b"},
    {"{\"S\":\"\",\"N\":\"\"}", JSON_DIAG_VALIDATION,
     "The parameter cannot be converted to a numeric value"},
    {"{\"S\":\"a\",\"SS\":[]}", JSON_DIAG_VALIDATION, INVALID "An string set  may not be empty"},
    {"{\"M\":{\"a\":{\"L\":[]}},\"L\":[{\"NS\":[\"2\",\"1\"]},{}]}", JSON_DIAG_VALIDATION, EMPTY},
    {"{\"SS\":[\"b\",\"a\"],\"M\":{\"b\":{\"S\":\"\"},\"a\":{\"L\":[]}}}", JSON_DIAG_VALIDATION,
     MANY},
    {"{\"S\":\"a\",\"N\":1}", JSON_DIAG_SERIALIZATION,
     "NUMBER_VALUE cannot be converted to String"},
    {"{\"SS\":[]}", JSON_DIAG_VALIDATION, INVALID "An string set  may not be empty"},
    {"{\"NS\":[]}", JSON_DIAG_VALIDATION, INVALID "An number set  may not be empty"},
    {"{\"BS\":[]}", JSON_DIAG_VALIDATION, INVALID "Binary sets should not be empty"},
    {"{\"SS\":[\"b\",\"a\",\"b\"]}", JSON_DIAG_VALIDATION,
     INVALID "Input collection [b, a, b] contains duplicates."},
    {"{\"NS\":[\"1\",\"1.0\"]}", JSON_DIAG_VALIDATION, "Input collection contains duplicates"},
    {"{\"BS\":[\"Yg==\",\"Yg==\"]}", JSON_DIAG_VALIDATION,
     INVALID "Input collection [Yg==, Yg==]of type BS contains duplicates."},
    {"{\"NULL\":false}", JSON_DIAG_VALIDATION,
     INVALID "Null attribute value types must have the value of true"},
    {"{\"N\":\"\"}", JSON_DIAG_VALIDATION, "The parameter cannot be converted to a numeric value"},
    {"{\"N\":\"abc\"}", JSON_DIAG_VALIDATION,
     "The parameter cannot be converted to a numeric value: abc"},
    {"{\"NS\":[\"1\",\"b\"]}", JSON_DIAG_VALIDATION,
     "The parameter cannot be converted to a numeric value: b"},
    {"{\"N\":\"1e126\"}", JSON_DIAG_VALIDATION,
     "Number overflow. Attempting to store a number with magnitude larger than supported "
     "range"},
    {"{\"N\":\"1e-131\"}", JSON_DIAG_VALIDATION,
     "Number underflow. Attempting to store a number with magnitude smaller than supported "
     "range"},
    {"{\"N\":\"123456789012345678901234567890123456789\"}", JSON_DIAG_VALIDATION,
     "Attempting to store more than 38 significant digits in a Number"},
    /* A type error anywhere wins over an earlier invalid value. */
    {"{\"L\":[{\"N\":\"abc\"},{\"S\":1}]}", JSON_DIAG_SERIALIZATION,
     "NUMBER_VALUE cannot be converted to String"},
    {"{\"L\":[{\"N\":\"abc\"},{\"SS\":[]}]}", JSON_DIAG_VALIDATION,
     "The parameter cannot be converted to a numeric value: abc"},
    {"{\"M\":{\"k\":{\"S\":\"\"},\"k\":{\"S\":\"\"}}}", JSON_DIAG_SERIALIZATION,
     "Duplicate attribute name in a map"},
};

static void refusals_in_the_words_of_the_api(void **state) {
    (void)state;
    struct fixture f = {0};
    tc_buf_append_str(&f.out, "before");
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct tc_buf json = {0};
        tc_buf_printf(&json, "{\"a\":%s}", refusals[i].value);
        const tc_err err = read_item(&f, tc_buf_slice(&json));
        if (err != TC_EINVAL || strcmp(f.diag.text, refusals[i].text) != 0)
            fail_msg("%s: %s: %s", refusals[i].value, tc_err_name(err), f.diag.text);
        assert_int_equal(f.diag.kind, refusals[i].kind);
        assert_int_equal(f.out.len, 6);
        tc_buf_deinit(&json);
    }
    fixture_deinit(&f);
}

static void nest(struct tc_buf *json, int levels) {
    tc_buf_clear(json);
    tc_buf_append_str(json, "{\"a\":");
    for (int i = 1; i < levels; i++)
        tc_buf_append_str(json, i % 2 ? "{\"L\":[" : "{\"M\":{\"k\":");
    tc_buf_append_str(json, "{\"S\":\"leaf\"}");
    for (int i = levels - 1; i > 0; i--)
        tc_buf_append_str(json, i % 2 ? "]}" : "}}");
    tc_buf_append_str(json, "}");
}

static void nesting_is_bounded(void **state) {
    (void)state;
    struct fixture f = {0};
    struct tc_buf json = {0};
    nest(&json, ITEM_DEPTH_MAX);
    assert_int_equal(read_item(&f, tc_buf_slice(&json)), TC_OK);
    assert_int_equal(item_check(tc_buf_slice(&f.out)), TC_OK);
    static const int deep[] = {ITEM_DEPTH_MAX + 1, ITEM_DEPTH_MAX + 2, 100, 5000};
    for (size_t i = 0; i < 4; i++) {
        nest(&json, deep[i]);
        assert_int_not_equal(read_item(&f, tc_buf_slice(&json)), TC_OK);
        assert_int_equal(f.diag.kind, JSON_DIAG_VALIDATION);
        assert_non_null(strstr(f.diag.text, "Nesting Levels have exceeded supported limits"));
    }
    tc_buf_deinit(&json);
    fixture_deinit(&f);
}

static void size_and_names_are_bounded(void **state) {
    (void)state;
    struct fixture f = {0};
    struct tc_buf json = {0};
    tc_buf_append_str(&json, "{\"a\":{\"S\":\"");
    memset(tc_buf_extend(&json, ITEM_ENCODED_BYTES_MAX), 'x', ITEM_ENCODED_BYTES_MAX);
    tc_buf_append_str(&json, "\"}}");
    assert_int_equal(read_item(&f, tc_buf_slice(&json)), TC_ELIMIT);
    assert_string_equal(f.diag.text, "Item size has exceeded the maximum allowed size");
    assert_int_equal(read_item(&f, TC_SLICE_LIT("{\"\":{\"S\":\"\"}}")), TC_EINVAL);
    assert_int_equal(f.diag.kind, JSON_DIAG_VALIDATION);
    tc_buf_clear(&json);
    tc_buf_append_str(&json, "{\"");
    memset(tc_buf_extend(&json, ITEM_NAME_BYTES_MAX + 1), 'x', ITEM_NAME_BYTES_MAX + 1);
    tc_buf_append_str(&json, "\":{\"S\":\"\"}}");
    assert_int_equal(read_item(&f, tc_buf_slice(&json)), TC_EINVAL);
    assert_string_equal(f.diag.text, "Attribute name is too large, must be less than 65536 bytes");
    tc_buf_deinit(&json);
    fixture_deinit(&f);
}

/* Random items, built in the client's order as JSON. */
struct maker {
    struct tc_prng p;
    struct tc_buf json;
    unsigned budget;
};

static void make_string(struct maker *m) {
    uint8_t text[24];
    const size_t len = (size_t)tc_prng_below(&m->p, sizeof text);
    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)tc_prng_below(&m->p, 128);
    json_put_string(&m->json, tc_slice(text, len));
}

static void make_binary(struct maker *m) {
    uint8_t bytes[24];
    const size_t len = (size_t)tc_prng_below(&m->p, sizeof bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)tc_prng_u64(&m->p);
    json_put_base64(&m->json, tc_slice(bytes, len));
}

static void make_number(struct maker *m, uint64_t distinct) {
    tc_buf_printf(&m->json, "\"%s%llu.%llue%d\"", tc_prng_chance(&m->p, 1, 2) ? "-" : "",
                  (unsigned long long)distinct, (unsigned long long)tc_prng_below(&m->p, 1000),
                  (int)tc_prng_below(&m->p, 3));
}

static void make_set(struct maker *m, int kind) {
    tc_buf_append_u8(&m->json, '[');
    const uint64_t count = tc_prng_between(&m->p, 1, 40);
    const uint64_t start = tc_prng_below(&m->p, 1000);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t distinct = 1 + (start + i * 7919) % 100003 * 1000;
        uint8_t bytes[8];
        memcpy(bytes, &distinct, 8);
        if (i > 0)
            tc_buf_append_u8(&m->json, ',');
        if (kind == 0)
            tc_buf_printf(&m->json, "\"s%llu\"", (unsigned long long)distinct);
        else if (kind == 1)
            tc_buf_printf(&m->json, "\"%llu\"", (unsigned long long)distinct);
        else
            json_put_base64(&m->json, tc_slice(bytes, 8));
    }
    tc_buf_append_u8(&m->json, ']');
}

static void make_value(struct maker *m, unsigned level);

static void make_map(struct maker *m, unsigned level) {
    tc_buf_append_u8(&m->json, '{');
    const uint64_t count = tc_prng_below(&m->p, level == 1 ? 30 : 6);
    const uint64_t start = tc_prng_below(&m->p, 100);
    for (uint64_t i = 0; i < count && m->budget > 0; i++) {
        tc_buf_printf(&m->json, "%s\"%llu\":", i > 0 ? "," : "",
                      (unsigned long long)((start + i * 37) % 101 + 1));
        make_value(m, level);
    }
    tc_buf_append_u8(&m->json, '}');
}

static void make_list(struct maker *m, unsigned level) {
    tc_buf_append_u8(&m->json, '[');
    const uint64_t count = tc_prng_below(&m->p, 5);
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0)
            tc_buf_append_u8(&m->json, ',');
        make_value(m, level);
    }
    tc_buf_append_u8(&m->json, ']');
}

static void make_value(struct maker *m, unsigned level) {
    m->budget -= m->budget > 0;
    const bool may_nest = level < ITEM_DEPTH_MAX && m->budget > 0;
    const int type = 1 + (int)tc_prng_below(&m->p, may_nest ? 10 : 5);
    static const enum item_type types[] = {0,       ITEM_S,  ITEM_N,  ITEM_B, ITEM_BOOL, ITEM_NULL,
                                           ITEM_SS, ITEM_NS, ITEM_BS, ITEM_M, ITEM_L};
    tc_buf_printf(&m->json, "{\"%s\":", item_type_name(types[type]));
    switch (type) {
    case 1:
        make_string(m);
        break;
    case 2:
        make_number(m, tc_prng_below(&m->p, 1000000));
        break;
    case 3:
        make_binary(m);
        break;
    case 4:
    case 5:
        tc_buf_append_str(&m->json, type == 5 || tc_prng_chance(&m->p, 1, 2) ? "true" : "false");
        break;
    case 9:
        make_map(m, level + 1);
        break;
    case 10:
        make_list(m, level + 1);
        break;
    default:
        make_set(m, type - 6);
    }
    tc_buf_append_u8(&m->json, '}');
}

/* JSON -> item -> JSON -> item: the items are equal, canonical, and the second JSON is stable. */
static void items_round_trip(void **state) {
    (void)state;
    struct fixture f = {0};
    struct maker m = {.p = tc_prng(21)};
    for (int i = 0; i < 600; i++) {
        tc_buf_clear(&m.json);
        m.budget = 60;
        make_map(&m, 1);
        tc_buf_clear(&f.out);
        if (read_item(&f, tc_buf_slice(&m.json)) != TC_OK)
            fail_msg("%.*s: %s", (int)m.json.len, (const char *)m.json.data, f.diag.text);
        assert_int_equal(item_check(tc_buf_slice(&f.out)), TC_OK);
        struct tc_buf first = {0};
        struct tc_buf text = {0};
        struct tc_buf again = {0};
        tc_buf_append(&first, f.out.data, f.out.len);
        json_item_write(&text, tc_buf_slice(&first));
        tc_buf_clear(&f.out);
        assert_int_equal(read_item(&f, tc_buf_slice(&text)), TC_OK);
        assert_true(tc_slice_eq(tc_buf_slice(&first), tc_buf_slice(&f.out)));
        json_item_write(&again, tc_buf_slice(&f.out));
        assert_true(tc_slice_eq(tc_buf_slice(&text), tc_buf_slice(&again)));
        tc_buf_deinit(&first);
        tc_buf_deinit(&text);
        tc_buf_deinit(&again);
    }
    tc_buf_deinit(&m.json);
    fixture_deinit(&f);
}

/* A mutated item is refused, or it is the canonical form of another item. */
static void mutants_are_refused_or_canonical(void **state) {
    (void)state;
    struct fixture f = {0};
    struct maker m = {.p = tc_prng(22)};
    unsigned accepted = 0;
    for (int i = 0; i < 4000; i++) {
        if (i % 40 == 0) {
            tc_buf_clear(&m.json);
            m.budget = 30;
            make_map(&m, 1);
        }
        tc_buf_clear(&f.out);
        assert_int_equal(read_item(&f, tc_buf_slice(&m.json)), TC_OK);
        struct tc_buf mutant = {0};
        tc_buf_append(&mutant, f.out.data, f.out.len);
        mutant.data[tc_prng_below(&m.p, mutant.len)] ^= (uint8_t)(1u << tc_prng_below(&m.p, 8));
        if (item_check(tc_buf_slice(&mutant)) == TC_OK) {
            struct tc_buf text = {0};
            json_item_write(&text, tc_buf_slice(&mutant));
            tc_buf_clear(&f.out);
            const tc_err err = read_item(&f, tc_buf_slice(&text));
            /* The API has no empty names, the encoding does. */
            if (err == TC_OK)
                assert_true(tc_slice_eq(tc_buf_slice(&mutant), tc_buf_slice(&f.out)));
            accepted++;
            tc_buf_deinit(&text);
        }
        tc_buf_deinit(&mutant);
    }
    assert_true(accepted > 100);
    tc_buf_deinit(&m.json);
    fixture_deinit(&f);
}

static void many_attributes_in_any_order(void **state) {
    (void)state;
    struct fixture f = {0};
    for (int order = 0; order < 3; order++) {
        struct tc_buf json = {0};
        for (int i = 0; i < 3000; i++) {
            const int n = order == 0 ? i : order == 1 ? 2999 - i : i * 1699 % 3000;
            tc_buf_printf(&json, "%c\"k%d\":{\"N\":\"%d\"}", i == 0 ? '{' : ',', n, n);
        }
        tc_buf_append_str(&json, "}");
        tc_buf_clear(&f.out);
        assert_int_equal(read_item(&f, tc_buf_slice(&json)), TC_OK);
        assert_int_equal(item_check(tc_buf_slice(&f.out)), TC_OK);
        struct item_value v;
        assert_true(item_get(tc_buf_slice(&f.out), TC_SLICE_LIT("k2718"), &v));
        struct tc_buf text = {0};
        number_append_text(&text, v.body);
        assert_true(tc_slice_eq(tc_buf_slice(&text), TC_SLICE_LIT("2718")));
        tc_buf_deinit(&text);
        tc_buf_deinit(&json);
    }
    fixture_deinit(&f);
}

static void single_values(void **state) {
    (void)state;
    struct fixture f = {0};
    struct json_reader r = json_reader(TC_SLICE_LIT("{\"N\":\"5\"} {}"), &f.arena, JSON_ITEM_DEPTH);
    assert_int_equal(json_item_read_value(&f.j, &r, &f.out, &f.diag), TC_OK);
    assert_int_equal(item_value_check(tc_buf_slice(&f.out)), TC_OK);
    const size_t len = f.out.len;
    assert_int_equal(json_item_read_value(&f.j, &r, &f.out, &f.diag), TC_EINVAL);
    assert_string_equal(f.diag.text, EMPTY);
    assert_int_equal(f.out.len, len);
    fixture_deinit(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type_in_canonical_order),
        cmocka_unit_test(refusals_in_the_words_of_the_api),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(size_and_names_are_bounded),
        cmocka_unit_test(items_round_trip),
        cmocka_unit_test(mutants_are_refused_or_canonical),
        cmocka_unit_test(many_attributes_in_any_order),
        cmocka_unit_test(single_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
