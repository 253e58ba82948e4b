/* Legacy parameters as programs and key ranges. */
#include "notation.h"

#include "core/expr/expr_legacy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char item_text[] = "{k:'key',s:'hello',n:12,b:x'010203',t:true,z:null,m:{x:1},"
                                "l:[1,'two'],ss:<'a','b'>,ns:<1,2>,a.b:7,SET:8}";

static const struct {
    const char *name;
    enum expr_compare op;
    const char *values; /* separated by single spaces */
    bool wanted;
} conditions[] = {
    {"s", EXPR_COMPARE_EQ, "'hello'", true},
    {"s", EXPR_COMPARE_EQ, "'hell'", false},
    {"gone", EXPR_COMPARE_EQ, "'hello'", false},
    {"ss", EXPR_COMPARE_EQ, "<'a','b'>", true},
    {"l", EXPR_COMPARE_EQ, "[1,'two']", true},
    {"m", EXPR_COMPARE_EQ, "{x:1}", true},
    {"n", EXPR_COMPARE_EQ, "12.00", true},
    {"a.b", EXPR_COMPARE_EQ, "7", true}, /* a dot is part of a name */
    {"SET", EXPR_COMPARE_EQ, "8", true}, /* no word is reserved */
    {"s", EXPR_COMPARE_NE, "'hello'", false},
    {"s", EXPR_COMPARE_NE, "1", true},
    {"gone", EXPR_COMPARE_NE, "1", true},
    {"n", EXPR_COMPARE_LT, "13", true},
    {"n", EXPR_COMPARE_LT, "12", false},
    {"n", EXPR_COMPARE_LE, "12", true},
    {"n", EXPR_COMPARE_GT, "-1", true},
    {"n", EXPR_COMPARE_GE, "12", true},
    {"n", EXPR_COMPARE_GE, "'1'", false},
    {"gone", EXPR_COMPARE_LT, "13", false},
    {"n", EXPR_COMPARE_BETWEEN, "12 13", true},
    {"n", EXPR_COMPARE_BETWEEN, "13 14", false},
    {"n", EXPR_COMPARE_IN, "1 12", true},
    {"n", EXPR_COMPARE_IN, "1", false},
    {"gone", EXPR_COMPARE_IN, "1", false},
    {"z", EXPR_COMPARE_NOT_NULL, "", true}, /* the attribute is there, whatever it holds */
    {"gone", EXPR_COMPARE_NOT_NULL, "", false},
    {"gone", EXPR_COMPARE_NULL, "", true},
    {"z", EXPR_COMPARE_NULL, "", false},
    {"s", EXPR_COMPARE_BEGINS_WITH, "'he'", true},
    {"b", EXPR_COMPARE_BEGINS_WITH, "x'0102'", true},
    {"s", EXPR_COMPARE_BEGINS_WITH, "'x'", false},
    {"s", EXPR_COMPARE_CONTAINS, "'ell'", true},
    {"ss", EXPR_COMPARE_CONTAINS, "'a'", true},
    {"ns", EXPR_COMPARE_CONTAINS, "'a'", false},
    {"l", EXPR_COMPARE_CONTAINS, "'two'", true},
    {"s", EXPR_COMPARE_NOT_CONTAINS, "'ell'", false},
    {"s", EXPR_COMPARE_NOT_CONTAINS, "'xyz'", true},
    {"n", EXPR_COMPARE_NOT_CONTAINS, "1", true},
    {"gone", EXPR_COMPARE_NOT_CONTAINS, "'x'", false},
};

enum {
    VALUES_MAX = 8
};

/* Values of one condition and the bytes they live in. */
struct values {
    struct tc_buf bytes;
    struct tc_slice at[VALUES_MAX];
    size_t count;
};

static void put_values(struct values *v, const char *text) {
    size_t ends[VALUES_MAX];
    char one[64];
    for (const char *from = text; *from; v->count++) {
        size_t len = strcspn(from, " ");
        (void)snprintf(one, sizeof one, "%.*s", (int)len, from);
        put_value(&v->bytes, one);
        ends[v->count] = v->bytes.len;
        from += len + (from[len] == ' ');
    }
    for (size_t i = 0, at = 0; i < v->count; at = ends[i++])
        v->at[i] = tc_slice(v->bytes.data + at, ends[i] - at);
}

static void each_operator_on_one_item(void **state) {
    (void)state;
    struct request r;
    struct tc_buf item = {0};
    request_init(&r, "", "");
    put_item(&item, item_text);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        struct values v = {0};
        put_values(&v, conditions[i].values);
        struct expr_legacy_condition one = {tc_slice_str(conditions[i].name), conditions[i].op,
                                            v.at, v.count};
        struct expr_legacy_conditions all = {.at = &one, .count = 1};
        tc_buf_clear(&r.program);
        assert_int_equal(expr_legacy_compile(EXPR_CONDITION, &all, &r.scratch, &r.program, &r.diag),
                         TC_OK);
        assert_int_equal(expr_check(tc_buf_slice(&r.program), EXPR_CONDITION), TC_OK);
        if (expr_match(tc_buf_slice(&r.program), tc_buf_slice(&item)) != conditions[i].wanted)
            fail_msg("%s, operator %d, %s", conditions[i].name, (int)conditions[i].op,
                     conditions[i].values);
        tc_buf_deinit(&v.bytes);
    }
    tc_buf_deinit(&item);
    request_deinit(&r);
}

static void all_or_any(void **state) {
    (void)state;
    struct request r;
    struct tc_buf item = {0};
    request_init(&r, "", "");
    put_item(&item, item_text);
    const struct expr_legacy_condition at[] = {
        {TC_SLICE_LIT("n"), EXPR_COMPARE_NOT_NULL, NULL, 0},
        {TC_SLICE_LIT("gone"), EXPR_COMPARE_NOT_NULL, NULL, 0}};
    for (int any = 0; any < 2; any++) {
        struct expr_legacy_conditions c = {at, 2, any};
        tc_buf_clear(&r.program);
        assert_int_equal(expr_legacy_compile(EXPR_FILTER, &c, &r.scratch, &r.program, &r.diag),
                         TC_OK);
        assert_int_equal(expr_check(tc_buf_slice(&r.program), EXPR_FILTER), TC_OK);
        assert_int_equal(expr_match(tc_buf_slice(&r.program), tc_buf_slice(&item)), any);
        assert_true(expr_touches(tc_buf_slice(&r.program), TC_SLICE_LIT("gone")));
    }
    tc_buf_deinit(&item);
    request_deinit(&r);
}

/* Only bytes bound them: more conditions and values than an expression may have. */
static void many_conditions_and_values(void **state) {
    (void)state;
    enum {
        MANY = 1000
    };
    static struct tc_slice values[MANY];
    static struct expr_legacy_condition at[MANY];
    struct request r;
    struct tc_buf value = {0}, item = {0};
    request_init(&r, "", "");
    put_item(&item, "{n:12}");
    put_value(&value, "12");
    for (size_t i = 0; i < MANY; i++) {
        values[i] = tc_buf_slice(&value);
        at[i] = (struct expr_legacy_condition){TC_SLICE_LIT("n"), EXPR_COMPARE_NOT_NULL, NULL, 0};
    }
    at[0] = (struct expr_legacy_condition){TC_SLICE_LIT("n"), EXPR_COMPARE_IN, values, MANY};
    struct expr_legacy_conditions c = {at, MANY, false};
    assert_int_equal(expr_legacy_compile(EXPR_CONDITION, &c, &r.scratch, &r.program, &r.diag),
                     TC_OK);
    assert_int_equal(expr_check(tc_buf_slice(&r.program), EXPR_CONDITION), TC_OK);
    assert_true(expr_match(tc_buf_slice(&r.program), tc_buf_slice(&item)));
    tc_buf_deinit(&value);
    tc_buf_deinit(&item);
    request_deinit(&r);
}

/* A program of 8 MiB passes, a longer one is refused and taken back. */
static void programs_are_bounded(void **state) {
    (void)state;
    enum {
        VALUE_BYTES = 1 << 20
    };
    struct request r;
    struct tc_buf value = {0};
    request_init(&r, "", "");
    tc_buf_append_u8(&value, ITEM_B);
    tc_buf_append_varint(&value, VALUE_BYTES - 4);
    memset(tc_buf_extend(&value, VALUE_BYTES - 4), 'x', VALUE_BYTES - 4);
    assert_int_equal(value.len, VALUE_BYTES);
    struct tc_slice values[8];
    for (size_t i = 0; i < 8; i++)
        values[i] = tc_buf_slice(&value);
    struct expr_legacy_condition one = {TC_SLICE_LIT("n"), EXPR_COMPARE_IN, values, 7};
    struct expr_legacy_conditions c = {&one, 1, false};
    assert_int_equal(expr_legacy_compile(EXPR_CONDITION, &c, &r.scratch, &r.program, &r.diag),
                     TC_OK);
    tc_buf_clear(&r.program);
    one.count = 8;
    assert_int_equal(expr_legacy_compile(EXPR_CONDITION, &c, &r.scratch, &r.program, &r.diag),
                     TC_EINVAL);
    assert_int_equal(r.program.len, 0);
    assert_string_equal(request_diag(&r), "One or more parameter values were invalid: Conditions "
                                          "have exceeded the maximum allowed size");
    tc_buf_deinit(&value);
    request_deinit(&r);
}

/* ---- updates --------------------------------------------------------------------------------- */

static const struct {
    enum expr_legacy_action action;
    const char *value; /* "": none */
    const char *old;   /* of attribute a; "": not there */
    const char *wanted;
} updates[] = {
    {EXPR_LEGACY_PUT, "1", "", "{a:1,k:'k'}"},
    {EXPR_LEGACY_PUT, "{x:1}", "'old'", "{a:{x:1},k:'k'}"},
    {EXPR_LEGACY_ADD, "2", "", "{a:2,k:'k'}"},
    {EXPR_LEGACY_ADD, "2", "40", "{a:42,k:'k'}"},
    {EXPR_LEGACY_ADD, "-2", "2", "{a:0,k:'k'}"},
    {EXPR_LEGACY_ADD, "<'a'>", "", "{a:<'a'>,k:'k'}"},
    {EXPR_LEGACY_ADD, "<'a','c'>", "<'a','b'>", "{a:<'a','b','c'>,k:'k'}"},
    {EXPR_LEGACY_ADD, "[3]", "", "{a:[3],k:'k'}"},
    {EXPR_LEGACY_ADD, "[3]", "[1,2]", "{a:[1,2,3],k:'k'}"},
    {EXPR_LEGACY_ADD, "2", "'x'", "type"},
    {EXPR_LEGACY_ADD, "<'a'>", "<1>", "type"},
    {EXPR_LEGACY_ADD, "[3]", "3", "type"},
    {EXPR_LEGACY_DELETE, "", "'x'", "{k:'k'}"},
    {EXPR_LEGACY_DELETE, "", "", "{k:'k'}"},
    {EXPR_LEGACY_DELETE, "<'a'>", "<'a','b'>", "{a:<'b'>,k:'k'}"},
    {EXPR_LEGACY_DELETE, "<'a'>", "<'a'>", "{k:'k'}"},
    {EXPR_LEGACY_DELETE, "<'a'>", "", "{k:'k'}"},
    {EXPR_LEGACY_DELETE, "<'a'>", "'a'", "type"},
};

static void check_update(struct request *r, size_t i) {
    struct tc_buf value = {0}, old = {0};
    char text[128];
    (void)snprintf(text, sizeof text, *updates[i].old ? "{a:%s,k:'k'}" : "{k:'k'%s}",
                   updates[i].old);
    put_item(&old, text);
    if (*updates[i].value)
        put_value(&value, updates[i].value);
    struct expr_legacy_update u = {TC_SLICE_LIT("a"), updates[i].action, tc_buf_slice(&value)};
    tc_buf_clear(&r->program);
    tc_buf_clear(&r->out);
    tc_buf_clear(&r->diag);
    assert_int_equal(expr_legacy_compile_updates(&u, 1, &r->scratch, &r->program, &r->diag), TC_OK);
    assert_int_equal(expr_check(tc_buf_slice(&r->program), EXPR_UPDATE), TC_OK);
    tc_err err = expr_update(tc_buf_slice(&r->program), tc_buf_slice(&old), TC_SLICE_EMPTY,
                             &r->scratch, &r->out, &r->diag);
    struct tc_buf shown = {0};
    if (err == TC_OK)
        show_item(&shown, tc_buf_slice(&r->out));
    else
        tc_buf_append_str(&shown, err == TC_ETYPE ? "type" : "error");
    if (!tc_slice_eq(tc_buf_slice(&shown), tc_slice_str(updates[i].wanted)))
        fail_msg("update %zu: %.*s, wanted %s", i, TC_SLICE_ARGS(tc_buf_slice(&shown)),
                 updates[i].wanted);
    tc_buf_deinit(&shown);
    tc_buf_deinit(&value);
    tc_buf_deinit(&old);
}

static void each_action(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "", "");
    for (size_t i = 0; i < sizeof updates / sizeof *updates; i++)
        check_update(&r, i);
    request_deinit(&r);
}

/* Any order, many at once; one name twice is refused. */
static void names_are_sorted_and_unique(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "", "");
    const struct tc_slice names[] = {TC_SLICE_LIT("s"), TC_SLICE_LIT("a.b"), TC_SLICE_LIT("SET"),
                                     TC_SLICE_LIT("gone"), TC_SLICE_LIT("s")};
    struct tc_buf item = {0};
    put_item(&item, item_text);
    assert_int_equal(expr_legacy_compile_names(names, 4, &r.scratch, &r.program, &r.diag), TC_OK);
    assert_int_equal(expr_check(tc_buf_slice(&r.program), EXPR_PROJECTION), TC_OK);
    struct tc_buf shown = {0};
    expr_project(tc_buf_slice(&r.program), tc_buf_slice(&item), &r.out);
    show_item(&shown, tc_buf_slice(&r.out));
    assert_true(tc_slice_eq(tc_buf_slice(&shown), TC_SLICE_LIT("{SET:8,a.b:7,s:'hello'}")));
    tc_buf_clear(&r.program);
    assert_int_equal(expr_legacy_compile_names(names, 5, &r.scratch, &r.program, &r.diag),
                     TC_EINVAL);
    assert_string_equal(request_diag(&r), "One or more parameter values were invalid: Duplicate "
                                          "value in attribute name: s");
    assert_int_equal(r.program.len, 0);
    tc_buf_deinit(&shown);
    tc_buf_deinit(&item);
    request_deinit(&r);
}

/* ---- key conditions -------------------------------------------------------------------------- */

static const struct {
    enum expr_compare op;
    const char *values;
    enum expr_sort_op wanted;
    const char *text; /* NULL: compiles */
} keys[] = {
    {EXPR_COMPARE_EQ, "5", EXPR_SORT_EQ, NULL},
    {EXPR_COMPARE_LT, "5", EXPR_SORT_LT, NULL},
    {EXPR_COMPARE_LE, "5", EXPR_SORT_LE, NULL},
    {EXPR_COMPARE_GT, "5", EXPR_SORT_GT, NULL},
    {EXPR_COMPARE_GE, "5", EXPR_SORT_GE, NULL},
    {EXPR_COMPARE_BETWEEN, "5 6", EXPR_SORT_BETWEEN, NULL},
    {EXPR_COMPARE_NE, "5", 0, "Attempted conditional constraint is not an indexable operation"},
    {EXPR_COMPARE_IN, "5", 0, "Attempted conditional constraint is not an indexable operation"},
    {EXPR_COMPARE_NULL, "", 0, "Attempted conditional constraint is not an indexable operation"},
    {EXPR_COMPARE_CONTAINS, "5", 0,
     "Attempted conditional constraint is not an indexable operation"},
    {EXPR_COMPARE_EQ, "'x'", 0,
     "One or more parameter values were invalid: Condition parameter type does not match schema "
     "type"},
};

static tc_err compile_key(struct request *r, struct expr_legacy_condition *at, size_t count,
                          struct expr_key_range *range) {
    struct expr_key_schema schema = {.hash = {{TC_SLICE_LIT("pk"), ITEM_S}},
                                     .hash_count = 1,
                                     .sort = {{TC_SLICE_LIT("sk"), ITEM_N}},
                                     .sort_count = 1};
    struct expr_legacy_conditions c = {at, count, false};
    tc_buf_clear(&r->diag);
    return expr_legacy_compile_key(&c, &schema, &r->scratch, range, &r->diag);
}

static void key_conditions(void **state) {
    (void)state;
    struct request r;
    struct values hash = {0};
    request_init(&r, "", "");
    put_values(&hash, "'h'");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct values v = {0};
        struct expr_key_range range = {0};
        put_values(&v, keys[i].values);
        struct expr_legacy_condition at[] = {{TC_SLICE_LIT("sk"), keys[i].op, v.at, v.count},
                                             {TC_SLICE_LIT("pk"), EXPR_COMPARE_EQ, hash.at, 1}};
        tc_err err = compile_key(&r, at, 2, &range);
        assert_int_equal(err, keys[i].text ? TC_EINVAL : TC_OK);
        assert_string_equal(request_diag(&r), keys[i].text ? keys[i].text : "");
        assert_int_equal(range.op, keys[i].wanted);
        assert_int_equal(range.high.len > 0, range.op == EXPR_SORT_BETWEEN);
        tc_buf_deinit(&v.bytes);
    }
    struct expr_key_range range;
    struct expr_legacy_condition alone = {TC_SLICE_LIT("pk"), EXPR_COMPARE_EQ, hash.at, 1};
    assert_int_equal(compile_key(&r, &alone, 1, &range), TC_OK);
    assert_int_equal(range.op, EXPR_SORT_ALL);
    assert_true(tc_slice_eq(range.hash[0], hash.at[0]));
    alone.op = EXPR_COMPARE_GT;
    assert_int_equal(compile_key(&r, &alone, 1, &range), TC_EINVAL);
    assert_string_equal(request_diag(&r), "Query key condition not supported");
    alone.name = TC_SLICE_LIT("other");
    assert_int_equal(compile_key(&r, &alone, 1, &range), TC_EINVAL);
    assert_string_equal(request_diag(&r), "Query condition missed key schema element: pk");
    tc_buf_deinit(&hash.bytes);
    request_deinit(&r);
}

int legacy_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operator_on_one_item),
        cmocka_unit_test(all_or_any),
        cmocka_unit_test(many_conditions_and_values),
        cmocka_unit_test(programs_are_bounded),
        cmocka_unit_test(each_action),
        cmocka_unit_test(names_are_sorted_and_unique),
        cmocka_unit_test(key_conditions),
    };
    return cmocka_run_group_tests_name("expr legacy", tests, NULL, NULL);
}
