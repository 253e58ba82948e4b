/* Key conditions against a schema: the range they mean, or the text that refuses them. */
#include "notation.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *wanted; /* NULL: compiles */
    enum expr_sort_op op;
} keys[] = {
    {"pk = :s", NULL, EXPR_SORT_ALL},
    {":s = pk", NULL, EXPR_SORT_ALL},
    {"pk = :s AND sk = :n", NULL, EXPR_SORT_EQ},
    {"sk < :n AND pk = :s", NULL, EXPR_SORT_LT},
    {"pk = :s AND sk <= :n", NULL, EXPR_SORT_LE},
    {"(pk = :s) AND (sk > :n)", NULL, EXPR_SORT_GT},
    {"(pk = :s AND (:n <= sk))", NULL, EXPR_SORT_GE},
    {"pk = :s AND sk BETWEEN :n AND :n2", NULL, EXPR_SORT_BETWEEN},
    {"pk = :s AND :n > sk", NULL, EXPR_SORT_LT},
    {"pk = :s AND :n >= sk", NULL, EXPR_SORT_LE},
    {"pk = :s AND :n < sk", NULL, EXPR_SORT_GT},
    {"", "Invalid KeyConditionExpression: The expression can not be empty;", 0},
    {"sk = :n", "Query condition missed key schema element: pk", 0},
    {"elsewhere = :s", "Query condition missed key schema element: pk", 0},
    {"pk = :s AND elsewhere = :s", "Query condition missed key schema element: sk", 0},
    {"pk > :s", "Query key condition not supported", 0},
    {"pk = :n",
     "One or more parameter values were invalid: Condition parameter type does not match schema "
     "type",
     0},
    {"pk = :s AND begins_with(sk, :s)",
     "One or more parameter values were invalid: Condition parameter type does not match schema "
     "type",
     0},
    {"pk = :e",
     "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
     "contain an empty string value. Key: pk",
     0},
    {"a > b and size(b) > c or a > c", "Invalid operator used in KeyConditionExpression: OR", 0},
    {"a in (b, size(c), d)", "Invalid operator used in KeyConditionExpression: IN", 0},
    {"attribute_exists(a)", "Invalid operator used in KeyConditionExpression: attribute_exists", 0},
    {"not a > b", "Invalid operator used in KeyConditionExpression: NOT", 0},
    {"a <> b", "Invalid operator used in KeyConditionExpression: <>", 0},
    {":s between size(b) and size(a) and b > :n",
     "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute "
     "as its first operand",
     0},
    {"begins_with(:s, b) and a > :s",
     "Invalid condition in KeyConditionExpression: begins_with operator must have the key "
     "attribute as its first operand",
     0},
    {"size(b) > a AND a.b > b", "KeyConditionExpressions cannot contain nested operations", 0},
    {"b > a.b",
     "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
     0},
    {"a.d > c",
     "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested "
     "attributes",
     0},
    {":n > :n2 AND a < :n",
     "Invalid condition in KeyConditionExpression: No key attribute specified", 0},
    {"b > :n AND b < :n and c = :n",
     "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per "
     "key",
     0},
    {":s = a and b = :s and :s = c", "Conditions can be of length 1 or 2 only", 0},
};

static void key_conditions(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "", ":s='s' :n=1 :n2=2 :e=''");
    struct expr_key_schema schema = {.hash = {{TC_SLICE_LIT("pk"), ITEM_S}},
                                     .hash_count = 1,
                                     .sort = {{TC_SLICE_LIT("sk"), ITEM_N}},
                                     .sort_count = 1};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct expr_key_range range = {0};
        tc_buf_clear(&r.diag);
        tc_err err = expr_compile_key_condition(tc_slice_str(keys[i].text), &schema, &r.ctx, &range,
                                                &r.diag);
        if (strcmp(request_diag(&r), keys[i].wanted ? keys[i].wanted : "") != 0)
            fail_msg("%s\n  says   %s\n  wanted %s", keys[i].text, request_diag(&r),
                     keys[i].wanted);
        assert_int_equal(err, keys[i].wanted ? TC_EINVAL : TC_OK);
        assert_int_equal(range.op, keys[i].op);
        if (err == TC_OK)
            assert_memory_equal(range.hash[0].data, "\x01\x01s", 3);
        assert_int_equal(range.high.len > 0, range.op == EXPR_SORT_BETWEEN);
        assert_int_equal(range.low.len > 0, range.op != EXPR_SORT_ALL);
    }
    struct expr_key_schema hash_only = {.hash = {{TC_SLICE_LIT("pk"), ITEM_S}}, .hash_count = 1};
    struct expr_key_range range;
    tc_buf_clear(&r.diag);
    assert_int_equal(expr_compile_key_condition(TC_SLICE_LIT("pk = :s AND sk = :n"), &hash_only,
                                                &r.ctx, &range, &r.diag),
                     TC_EINVAL);
    assert_string_equal(request_diag(&r), "Query key condition not supported");
    schema.sort[0].type = ITEM_S;
    assert_int_equal(expr_compile_key_condition(TC_SLICE_LIT("begins_with(sk, :s) AND pk = :s"),
                                                &schema, &r.ctx, &range, &r.diag),
                     TC_OK);
    assert_int_equal(range.op, EXPR_SORT_BEGINS_WITH);
    request_deinit(&r);
}

/* An index with two hash and three sort attributes. */
static const struct {
    const char *text;
    const char *wanted; /* NULL: accepted */
    size_t equal_count;
    enum expr_sort_op op;
} composed[] = {
    {"h1 = :s AND h2 = :n", NULL, 0, EXPR_SORT_ALL},
    {"h2 = :n AND h1 = :s AND s1 < :n", NULL, 0, EXPR_SORT_LT},
    {"s1 = :n AND h2 = :n AND h1 = :s", NULL, 0, EXPR_SORT_EQ},
    {"h1 = :s AND h2 = :n AND begins_with(s2, :s) AND s1 = :n", NULL, 1, EXPR_SORT_BEGINS_WITH},
    {"h1 = :s AND h2 = :n AND s1 = :n AND s2 = :s AND s3 BETWEEN :n AND :n2", NULL, 2,
     EXPR_SORT_BETWEEN},
    {"h1 = :s", "Query condition missed key schema element: h2", 0, 0},
    {"h1 = :s AND h2 = :n AND s2 = :s", "Query condition missed key schema element: s1", 0, 0},
    {"h1 = :s AND h2 = :n AND s1 > :n AND s2 = :s", "Query key condition not supported", 0, 0},
    {"h1 = :s AND h2 > :n", "Query key condition not supported", 0, 0},
    {"h1 = :s AND h2 = :n AND s1 = :n AND s2 = :s AND s3 = :n AND x = :n",
     "Query key condition not supported", 0, 0},
    {"h1 = :s AND h2 = :s",
     "One or more parameter values were invalid: Condition parameter type does not match schema "
     "type",
     0, 0},
};

static void composed_keys(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "", ":s='s' :n=1 :n2=2");
    const struct expr_key_schema schema = {
        .hash = {{TC_SLICE_LIT("h1"), ITEM_S}, {TC_SLICE_LIT("h2"), ITEM_N}},
        .hash_count = 2,
        .sort = {{TC_SLICE_LIT("s1"), ITEM_N},
                 {TC_SLICE_LIT("s2"), ITEM_S},
                 {TC_SLICE_LIT("s3"), ITEM_N}},
        .sort_count = 3};
    for (size_t i = 0; i < sizeof composed / sizeof *composed; i++) {
        struct expr_key_range range = {0};
        tc_buf_clear(&r.diag);
        tc_err err = expr_compile_key_condition(tc_slice_str(composed[i].text), &schema, &r.ctx,
                                                &range, &r.diag);
        if (strcmp(request_diag(&r), composed[i].wanted ? composed[i].wanted : "") != 0)
            fail_msg("%s\n  says   %s", composed[i].text, request_diag(&r));
        assert_int_equal(err, composed[i].wanted ? TC_EINVAL : TC_OK);
        assert_int_equal(range.op, composed[i].op);
        assert_int_equal(range.equal_count, composed[i].equal_count);
        assert_int_equal(range.hash[1].len > 0, err == TC_OK);
        assert_int_equal(range.low.len > 0, range.op != EXPR_SORT_ALL);
    }
    request_deinit(&r);
}

/* A key value as long as a key may be, and one byte longer: the ranges made of them rely on it. */
static void key_values_have_the_length_of_keys(void **state) {
    (void)state;
    static const struct {
        bool sort;
        size_t len;
        const char *wanted;
    } cases[] = {
        {false, 2048, ""},
        {false, 2049,
         "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size "
         "limit of2048 bytes"},
        {true, 1024, ""},
        {true, 1025,
         "One or more parameter values were invalid: Aggregated size of all range keys has "
         "exceeded the size limit of 1024 bytes"},
    };
    static char text[2100];
    struct expr_key_schema schema = {.hash = {{TC_SLICE_LIT("pk"), ITEM_S}},
                                     .hash_count = 1,
                                     .sort = {{TC_SLICE_LIT("sk"), ITEM_S}},
                                     .sort_count = 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request r;
        struct tc_buf value = {0};
        struct expr_key_range range;
        request_init(&r, "", ":p='p' :s='s'");
        memset(text, 'x', cases[i].len);
        item_put_string(&value, tc_slice(text, cases[i].len));
        r.values[cases[i].sort ? 1 : 0].target = tc_buf_slice(&value);
        tc_err err = expr_compile_key_condition(TC_SLICE_LIT("pk = :p AND begins_with(sk, :s)"),
                                                &schema, &r.ctx, &range, &r.diag);
        assert_int_equal(err, *cases[i].wanted ? TC_EINVAL : TC_OK);
        assert_string_equal(request_diag(&r), cases[i].wanted);
        tc_buf_deinit(&value);
        request_deinit(&r);
    }
}

int key_tests(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(key_conditions),
                                       cmocka_unit_test(composed_keys),
                                       cmocka_unit_test(key_values_have_the_length_of_keys)};
    return cmocka_run_group_tests_name("expr key conditions", tests, NULL, NULL);
}
