/* The texts clients see, word for word. */
#include "notation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char names_text[] = "#a=a #b=b #c=c #d=[3]";
static const char values_text[] =
    ":s='s' :n=1 :n2=2 :b=x'6869' :t=true :z=null :l=[1] :m={k:1} :ss=<'a'> "
    ":ns=<1> :bad='X' :S='S'";

struct failing {
    const char *text;
    const char *wanted; /* after "Invalid ...Expression: " */
};

static const struct failing conditions[] = {
    {"", "The expression can not be empty;"},
    {"  \n", "The expression can not be empty;"},
    {"things are not gonna be ok", "Syntax error; token: \"are\", near: \"things are not\""},
    {"a > 4", "Syntax error; token: \"4\", near: \"> 4\""},
    {"a >", "Syntax error; token: \"<EOF>\", near: \">\""},
    {"foo", "Syntax error; token: \"<EOF>\", near: \"foo\""},
    {"attribute_exists(Pictures-RearView)",
     "Syntax error; token: \"-\", near: \"Pictures-RearView\""},
    {"attribute_exists(\"P\")", "Syntax error; token: \"\"\", near: \"(\"P\""},
    {"attribute_exists(P..R)", "Syntax error; token: \".\", near: \"..R\""},
    {"a in b, c", "Syntax error; token: \"b\", near: \"in b,\""},
    {"a > between", "Syntax error; token: \"between\", near: \"> between\""},
    {"a in (b,c,)", "Syntax error; token: \")\", near: \",)\""},
    {"(a)between(b.(c.d))and(c)", "Syntax error; token: \"(\", near: \".(c\""},
    {"(a)between(b)and((c)", "Syntax error; token: \"<EOF>\", near: \")\""},
    {"#$.b > a", "Syntax error; token: \"#\", near: \"#$\""},
    {"a > :s.k", "Syntax error; token: \".\", near: \":s.k\""},
    {"b[:a] > a", "Syntax error; token: \":a\", near: \"[:a]\""},
    {"\xc3\xbc > a", "Syntax error; token: \"\xc3\xbc\", near: \"\xc3\xbc >\""},
    {"b.c[4.5] > a", "Syntax error; token: \".\", near: \"4.5\""},
    {"size(a).b > a", "Syntax error; token: \".\", near: \").b\""},
    {"(size(a))[0] > a", "Syntax error; token: \"[\", near: \")[0\""},
    {"_x = :n", "Syntax error; token: \"_\", near: \"_x\""},
    {"a = b = c", "Syntax error; token: \"=\", near: \"b = c\""},
    {"a AND b = c", "Syntax error; token: \"AND\", near: \"a AND b\""},
    {"(a = b) = c", "Syntax error; token: \"=\", near: \") = c\""},
    {"a = :n)", "Syntax error; token: \")\", near: \":n)\""},
    {"a=b and a > ((views))", "The expression has redundant parentheses;"},
    {"(a)between(((b.c)).d)and(c)", "The expression has redundant parentheses;"},
    {"a > whatever((:s), ((a)))", "The expression has redundant parentheses;"},
    {"a=b AND ((a=b AND a=c)) AND a=d", "The expression has redundant parentheses;"},
    {"((a = :n))", "The expression has redundant parentheses;"},
    {"a=b and whatever((:s)) > a", "Invalid function name; function: whatever"},
    {"attRIbute_exIsts((views), #a)", "Invalid function name; function: attRIbute_exIsts"},
    {"if_not_exists(a, :s) = a", "Invalid function name; function: if_not_exists"},
    {"attribute_exists(a) > b",
     "The function is not allowed to be used this way in an expression; function: "
     "attribute_exists"},
    {"size(contains(a, b)) > a",
     "The function is not allowed to be used this way in an expression; function: contains"},
    {"size(things)",
     "The function is not allowed to be used this way in an expression; function: size"},
    {"a in (b, attribute_exists(things))",
     "The function is not allowed to be used this way in an expression; function: "
     "attribute_exists"},
    {"attribute_exists(views, #a)",
     "Attribute name is a reserved keyword; reserved keyword: views"},
    {":s < abOrT", "Attribute name is a reserved keyword; reserved keyword: abOrT"},
    {"a.zone = :s", "Attribute name is a reserved keyword; reserved keyword: zone"},
    {"a[99999999999] = :s", "List index is not within the allowable range; index: [99999999999]"},
    {"begins_with(p.#nope)", "An expression attribute name used in the document path is not "
                             "defined; attribute name: #nope"},
    {"(#p between :lo and :hi) and (#q in (:x))",
     "An expression attribute name used in the document path is not defined; attribute name: #p"},
    {"begins_with(:hello, #a, #b)",
     "An expression attribute value used in expression is not defined; attribute value: :hello"},
    {"attribute_exists(a, b) and a=b", "Incorrect number of operands for operator or function; "
                                       "operator or function: attribute_exists, number of "
                                       "operands: 2"},
    {"attribute_type(a)", "Incorrect number of operands for operator or function; operator or "
                          "function: attribute_type, number of operands: 1"},
    {"begins_with(a, size(b), c)", "Incorrect number of operands for operator or function; "
                                   "operator or function: begins_with, number of operands: 3"},
    {"size(a, b) > c", "Incorrect number of operands for operator or function; operator or "
                       "function: size, number of operands: 2"},
    {"attribute_type(a, size(b))", "Incorrect operand type for operator or function; operator or "
                                   "function: attribute_type, operand type: N"},
    {"attribute_type(a, :m)", "Incorrect operand type for operator or function; operator or "
                              "function: attribute_type, operand type: M"},
    {"attribute_type(a, b)", "Incorrect operand type for operator or function; operator or "
                             "function: attribute_type, operand type: "
                             "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"},
    {"attribute_type(a, :bad)", "Invalid attribute type name found; type: X, valid types: "
                                "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
    {"begins_with(a, :n)", "Incorrect operand type for operator or function; operator or "
                           "function: begins_with, operand type: N"},
    {"begins_with(:ss, a)", "Incorrect operand type for operator or function; operator or "
                            "function: begins_with, operand type: SS"},
    {"size(size(a)) > b", "Incorrect operand type for operator or function; operator or function: "
                          "size, operand type: N"},
    {"size(:t) > a", "Incorrect operand type for operator or function; operator or function: "
                     "size, operand type: BOOL"},
    {"attribute_exists(:s)",
     "Operator or function requires a document path; operator or function: attribute_exists"},
    {"attribute_not_exists(size(:s))", "Operator or function requires a document path; operator "
                                       "or function: attribute_not_exists"},
    {"a = a AND #a = b", "The first operand must be distinct from the remaining operands for this "
                         "operator or function; operator: =, first operand: [a]"},
    {"contains(ab.bc[1].a, ab.bc[1].#a)",
     "The first operand must be distinct from the remaining operands for this operator or "
     "function; operator: contains, first operand: [ab, bc, [1], a]"},
    {"a < :t", "Incorrect operand type for operator or function; operator: <, operand type: BOOL"},
    {"a between :n and :s",
     "The BETWEEN operator requires same data type for lower and upper bounds; lower bound "
     "operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:s}"},
    {"a between :n2 and :n",
     "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower "
     "bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"},
    {"a between :b and :s",
     "The BETWEEN operator requires same data type for lower and upper bounds; lower bound "
     "operand: AttributeValue: {B:aGk=}, upper bound operand: AttributeValue: {S:s}"},
};

static const struct failing updates[] = {
    {"", "The expression can not be empty;"},
    {"INVALID SYNTAX HERE", "Syntax error; token: \"INVALID\", near: \"INVALID SYNTAX\""},
    {"set a", "Syntax error; token: \"<EOF>\", near: \"a\""},
    {"set a=set", "Syntax error; token: \"set\", near: \"=set\""},
    {"remove a = b", "Syntax error; token: \"=\", near: \"a = b\""},
    {"add a b", "Syntax error; token: \"b\", near: \"a b\""},
    {"set :s = b", "Syntax error; token: \":s\", near: \"set :s =\""},
    {"set a = b / c", "Syntax error; token: \"/\", near: \"b / c\""},
    {"set a = b + c + d", "Syntax error; token: \"+\", near: \"c + d\""},
    {"set a = (b + c) + d", "Syntax error; token: \"+\", near: \") + d\""},
    {"set a = b + (c + d)", "Syntax error; token: \"+\", near: \"c + d\""},
    {"set a = (b.c).d + e", "Syntax error; token: \".\", near: \").d\""},
    {"set (a = b)", "Syntax error; token: \"(\", near: \"set (a\""},
    {"set a[1] = \"e\"", "Syntax error; token: \"\"\", near: \"= \"e\""},
    {"SET if_not_exists(a, b) = c", "Syntax error; token: \"(\", near: \"if_not_exists(a\""},
    {"set #c = :s set abOrt = true",
     "Attribute name is a reserved keyword; reserved keyword: abOrt"},
    {"set #c = if_not_exist(:s) set c = d", "Invalid function name; function: if_not_exist"},
    {"set a = size(b)", "Invalid function name; function: size"},
    {"set a = #c set c = :s", "The \"SET\" section can only be used once in an update expression;"},
    {"remove #d set a = b remove e",
     "The \"REMOVE\" section can only be used once in an update expression;"},
    {"SET #q = if_not_exists(:zz)", "An expression attribute name used in the document path is "
                                    "not defined; attribute name: #q"},
    {"SET #a = :v",
     "An expression attribute value used in expression is not defined; attribute value: :v"},
    {"set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)",
     "Two document paths overlap with each other; must remove or rewrite one of these paths; path "
     "one: [c, [1], a], path two: [c]"},
    {"set #c[3].#d = a, #c[3] = a", "Two document paths overlap with each other; must remove or "
                                    "rewrite one of these paths; path one: [c, [3], [3]], path "
                                    "two: [c, [3]]"},
    {"set a = :s, #a = :n", "Two document paths overlap with each other; must remove or rewrite "
                            "one of these paths; path one: [a], path two: [a]"},
    {"set #c[3].#d = a, #c.#d[3] = if_not_exists(a)",
     "Two document paths conflict with each other; must remove or rewrite one of these paths; "
     "path one: [c, [3], [3]], path two: [c, [3], [3]]"},
    {"remove a.#c set a[1] = #d", "Two document paths conflict with each other; must remove or "
                                  "rewrite one of these paths; path one: [a, c], path two: [a, "
                                  "[1]]"},
    {"add a :s", "Incorrect operand type for operator or function; operator: ADD, operand type: "
                 "STRING"},
    {"delete a.b :n", "Incorrect operand type for operator or function; operator: DELETE, operand "
                      "type: NUMBER"},
    {"add a :m", "Incorrect operand type for operator or function; operator: ADD, operand type: "
                 "MAP"},
    {"delete a :t", "Incorrect operand type for operator or function; operator: DELETE, operand "
                    "type: BOOLEAN"},
    {"add a :b", "Incorrect operand type for operator or function; operator: ADD, operand type: "
                 "BINARY"},
    {"add a :z", "Incorrect operand type for operator or function; operator: ADD, operand type: "
                 "NULL"},
    {"add a :l", "Incorrect operand type for operator or function; operator: ADD, operand type: "
                 "LIST"},
    {"set a = ((b))", "The expression has redundant parentheses;"},
    {"set a = ((b + c))", "The expression has redundant parentheses;"},
    {"set a = if_not_exists(c)", "Incorrect number of operands for operator or function; operator "
                                 "or function: if_not_exists, number of operands: 1"},
    {"set a = if_not_exists(:s, c)",
     "Operator or function requires a document path; operator or function: if_not_exists"},
    {"set a = list_append(:s, a)", "Incorrect operand type for operator or function; operator or "
                                   "function: list_append, operand type: S"},
    {"set a = a + :ns", "Incorrect operand type for operator or function; operator or function: "
                        "+, operand type: NS"},
    {"set a = :b - a", "Incorrect operand type for operator or function; operator or function: -, "
                       "operand type: B"},
};

static const struct failing projections[] = {
    {"", "The expression can not be empty;"},
    {"a b", "Syntax error; token: \"b\", near: \"a b\""},
    {"a,", "Syntax error; token: \"<EOF>\", near: \",\""},
    {":s", "Syntax error; token: \":s\", near: \":s\""},
    {"a, zone", "Attribute name is a reserved keyword; reserved keyword: zone"},
    {"a, #zz", "An expression attribute name used in the document path is not defined; attribute "
               "name: #zz"},
    {"b, a, b.c", "Two document paths overlap with each other; must remove or rewrite one of "
                  "these paths; path one: [b], path two: [b, c]"},
    {"a[1], a.c", "Two document paths conflict with each other; must remove or rewrite one of "
                  "these paths; path one: [a, [1]], path two: [a, c]"},
};

static void check_all(enum expr_kind kind, const char *prefix, const struct failing *cases,
                      size_t count) {
    struct request r;
    request_init(&r, names_text, values_text);
    for (size_t i = 0; i < count; i++) {
        char wanted[1024];
        snprintf(wanted, sizeof wanted, "Invalid %s: %s", prefix, cases[i].wanted);
        if (request_compile(&r, kind, cases[i].text) != TC_EINVAL)
            fail_msg("%s compiles", cases[i].text);
        if (strcmp(request_diag(&r), wanted) != 0)
            fail_msg("%s\n  says   %s\n  wanted %s", cases[i].text, request_diag(&r), wanted);
        tc_arena_reset(&r.scratch);
    }
    request_deinit(&r);
}

static void texts_of_conditions(void **state) {
    (void)state;
    size_t count = sizeof conditions / sizeof *conditions;
    check_all(EXPR_CONDITION, "ConditionExpression", conditions, count);
    check_all(EXPR_FILTER, "FilterExpression", conditions, count);
}

static void texts_of_updates(void **state) {
    (void)state;
    check_all(EXPR_UPDATE, "UpdateExpression", updates, sizeof updates / sizeof *updates);
}

static void texts_of_projections(void **state) {
    (void)state;
    check_all(EXPR_PROJECTION, "ProjectionExpression", projections,
              sizeof projections / sizeof *projections);
}

/* ---- placeholders and limits ----------------------------------------------------------------- */

static void unused_placeholders(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "#b=b #a=a", ":x=1 :y=2 :w=3");
    assert_int_equal(request_compile(&r, EXPR_CONDITION, "#a = :y"), TC_OK);
    assert_int_equal(expr_bindings_check_used(&r.name_table, '#', &r.diag), TC_EINVAL);
    assert_string_equal(request_diag(&r), "Value provided in ExpressionAttributeNames unused in "
                                          "expressions: keys: {#b}");
    tc_buf_clear(&r.diag);
    assert_int_equal(expr_bindings_check_used(&r.value_table, ':', &r.diag), TC_EINVAL);
    assert_string_equal(request_diag(&r), "Value provided in ExpressionAttributeValues unused in "
                                          "expressions: keys: {:w, :x}");
    assert_int_equal(request_compile(&r, EXPR_UPDATE, "SET #b = :x, c = :w"), TC_OK);
    assert_int_equal(expr_bindings_check_used(&r.name_table, '#', &r.diag), TC_OK);
    assert_int_equal(expr_bindings_check_used(&r.value_table, ':', &r.diag), TC_OK);
    request_deinit(&r);
}

static void refuse_bindings(struct expr_binding *at, size_t count, char sigil, const char *wanted) {
    struct tc_buf diag = {0};
    struct expr_bindings table = {.at = at, .count = count};
    assert_int_equal(expr_bindings_prepare(&table, sigil, &diag), TC_EINVAL);
    tc_buf_append_u8(&diag, 0);
    if (strncmp((const char *)diag.data, wanted, strlen(wanted)) != 0)
        fail_msg("says %s, wanted %s", (const char *)diag.data, wanted);
    tc_buf_deinit(&diag);
}

static void malformed_placeholders(void **state) {
    (void)state;
    struct tc_buf large = {0};
    (void)tc_buf_extend(&large, EXPR_BINDINGS_BYTES_MAX);
    memset(large.data, 'x', large.len);
    large.data[0] = '#';
    struct tc_slice x = TC_SLICE_LIT("x");
    struct expr_binding plain = {.token = TC_SLICE_LIT("a"), .target = x};
    struct expr_binding dashed = {.token = TC_SLICE_LIT(":a-b"), .target = x};
    struct expr_binding bare = {.token = TC_SLICE_LIT("#"), .target = x};
    struct expr_binding longer = {.token = tc_slice(large.data, 256), .target = x};
    struct expr_binding unnamed = {.token = TC_SLICE_LIT("#a"), .target = TC_SLICE_EMPTY};
    struct expr_binding wide = {.token = TC_SLICE_LIT("#a"), .target = tc_slice(large.data, 65536)};
    struct expr_binding huge = {.token = TC_SLICE_LIT(":a"), .target = tc_buf_slice(&large)};
    struct expr_binding twice[] = {{.token = TC_SLICE_LIT("#a"), .target = x},
                                   {.token = TC_SLICE_LIT("#a"), .target = x}};
    refuse_bindings(&plain, 1, '#',
                    "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"");
    refuse_bindings(&dashed, 1, ':',
                    "ExpressionAttributeValues contains invalid key: Syntax error; key: \":a-b\"");
    refuse_bindings(&bare, 1, '#',
                    "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#\"");
    refuse_bindings(&longer, 1, '#', "ExpressionAttributeNames contains invalid key: The key is ");
    refuse_bindings(&unnamed, 1, '#',
                    "ExpressionAttributeNames contains invalid value: Attribute name is empty");
    refuse_bindings(&wide, 1, '#',
                    "ExpressionAttributeNames contains invalid value: Attribute name is too long");
    refuse_bindings(&huge, 1, ':', "ExpressionAttributeValues exceeds max size");
    refuse_bindings(twice, 2, '#', "ExpressionAttributeNames contains invalid key: Duplicate");
    tc_buf_deinit(&large);
}

/* One legal value, mentioned so often that the program would not end. */
static void mentions_count_each_time(void **state) {
    (void)state;
    struct request r;
    struct tc_buf text = {0};
    struct tc_buf value = {0};
    (void)tc_buf_extend(&text, 1 << 20);
    memset(text.data, 'x', text.len);
    item_put_string(&value, tc_buf_slice(&text));
    request_init(&r, "", ":v=1");
    r.values[0].target = tc_buf_slice(&value);
    assert_int_equal(request_compile(&r, EXPR_FILTER, "a IN (:v, :v, :v, :v, :v, :v, :v)"), TC_OK);
    assert_int_equal(request_compile(&r, EXPR_FILTER, "a IN (:v, :v, :v, :v, :v, :v, :v, :v)"),
                     TC_EINVAL);
    assert_string_equal(request_diag(&r), "Invalid FilterExpression: Expression size has exceeded "
                                          "the maximum allowed size;");
    tc_buf_deinit(&text);
    tc_buf_deinit(&value);
    request_deinit(&r);
}

/* More bindings than are searched one by one, given in descending order. */
static void many_placeholders(void **state) {
    (void)state;
    enum {
        COUNT = 100
    };
    static char tokens[COUNT][8];
    static struct expr_binding at[COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(tokens[i], sizeof tokens[i], "#n%03d", COUNT - 1 - i);
        at[i] = (struct expr_binding){.token = tc_slice_str(tokens[i]),
                                      .target = tc_slice_str(tokens[i] + 1)};
    }
    struct request r;
    request_init(&r, "", "");
    r.name_table = (struct expr_bindings){.at = at, .count = COUNT};
    assert_int_equal(expr_bindings_prepare(&r.name_table, '#', &r.diag), TC_OK);
    for (int i = 0; i < COUNT; i++) {
        char text[64];
        snprintf(text, sizeof text, "attribute_exists(#n%03d)", i);
        assert_int_equal(request_compile(&r, EXPR_CONDITION, text), TC_OK);
        assert_true(expr_touches(tc_buf_slice(&r.program), tc_slice(text + 18, 4)));
        assert_true(at[i].used);
    }
    assert_int_equal(request_compile(&r, EXPR_CONDITION, "attribute_exists(#n1000)"), TC_EINVAL);
    r.ctx.names = NULL;
    assert_int_equal(request_compile(&r, EXPR_CONDITION, "attribute_exists(#n001)"), TC_EINVAL);
    request_deinit(&r);
}

static void repeat(struct tc_buf *out, const char *first, const char *next, size_t count) {
    tc_buf_clear(out);
    tc_buf_append_str(out, first);
    for (size_t i = 1; i < count; i++)
        tc_buf_append_str(out, next);
}

static void limits_hold(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "", ":1=1");
    struct tc_buf text = {0};
    struct {
        const char *first;
        const char *next;
        const char *last;
        size_t count;
        bool good;
    } cases[] = {
        {"a=:1", " OR a=:1", "", 150, true},
        {"a=:1", " OR a=:1", "", 151, false},
        {"NOT a=:1 OR ", "NOT ", "a=:1", 290, true},
        {"NOT ", "NOT ", "a=:1", 400, false},
        {"(", "(", "a=:1", 2000, false},
        {"size(", "size(", "a", 700, false},
        {"a IN (:1", ",:1", ")", 100, true},
        {"a IN (:1", ",:1", ")", 101, false},
        {"a", ".a", " = :1", 32, true},
        {"a", ".a", " = :1", 33, false},
        {"a=:1", " ", "", 4093, true},
        {"a=:1", " ", "", 4094, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        repeat(&text, cases[i].first, cases[i].next, cases[i].count);
        tc_buf_append_str(&text, cases[i].last);
        tc_buf_append_u8(&text, 0);
        tc_err err = request_compile(&r, EXPR_FILTER, (const char *)text.data);
        if (err != (cases[i].good ? TC_OK : TC_EINVAL))
            fail_msg("case %zu: %s", i, request_diag(&r));
        if (err == TC_OK)
            assert_false(expr_match(tc_buf_slice(&r.program), TC_SLICE_EMPTY) &&
                         cases[i].first[0] == 'a');
        tc_arena_reset(&r.scratch);
    }
    tc_buf_deinit(&text);
    request_deinit(&r);
}

static void a_full_arena_is_no_fault_of_the_text(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "#a=a", ":1=1");
    tc_err err = TC_ENOMEM;
    for (size_t bytes = 16; err == TC_ENOMEM; bytes += 16) {
        tc_arena_deinit(&r.scratch);
        tc_arena_init(&r.scratch, bytes);
        err = request_compile(&r, EXPR_UPDATE, "SET #a.b[1] = c + :1, d = list_append(e, f)");
        assert_int_equal(r.diag.len, 0);
        assert_true(bytes < 65536);
    }
    assert_int_equal(err, TC_OK);
    request_deinit(&r);
}

int error_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_conditions),
        cmocka_unit_test(texts_of_updates),
        cmocka_unit_test(texts_of_projections),
        cmocka_unit_test(unused_placeholders),
        cmocka_unit_test(malformed_placeholders),
        cmocka_unit_test(many_placeholders),
        cmocka_unit_test(mentions_count_each_time),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_full_arena_is_no_fault_of_the_text),
    };
    return cmocka_run_group_tests_name("expr errors", tests, NULL, NULL);
}
