/* What each operator and function answers on one item. */
#include "notation.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char item_text[] = "{k:'key',s:'hello',n:12,neg:-5,b:x'010203',t:true,f:false,z:null,"
                                "m:{x:1,y:{d:'deep'},l:[1,{q:'in'}]},l:[1,'two',[3],{four:4}],"
                                "ss:<'a','b'>,ns:<1,2,30>,bs:<x'00',x'01'>,es:'',el:[],em:{}}";

static const char names_text[] = "#s=s #x=x";
static const char values_text[] =
    ":1=1 :12=12 :12a=12.0 :13=13 :s='hello' :he='he' :ll='ll' :lo='lo' :lx='lx' :e='' :b=x'0102' "
    ":t=true :null=null "
    ":l=[1,'two',[3],{four:4}] :m={four:4} :ss=<'a','b'> :S='S' :L='L'";

static const struct {
    const char *text;
    bool wanted;
} conditions[] = {
    {"s = :s", true},
    {"#s = :s", true},
    {"s = :he", false},
    {"n = :12a", true},
    {"n = :s", false},
    {"n <> :s", true},
    {"gone = :s", false},
    {"gone <> :s", true},
    {"NOT gone = :s", true},
    {"gone = absent", false},
    {"gone <> absent", true},
    {"l = :l", true},
    {"ss = :ss", true},
    {"t = :t", true},
    {"z = :null", true},
    {"f = :t", false},
    {"n < :13", true},
    {"n < :12", false},
    {"n <= :12", true},
    {"n > :1", true},
    {"n >= :13", false},
    {"neg < :1", true},
    {"neg > :1", false},
    {"s > :he", true},
    {"b > :b", true},
    {"s < :12", false},
    {"s >= :12", false},
    {"t < s", false},
    {"gone < :12", false},
    {":1 < n", true},
    {"n BETWEEN :1 AND :13", true},
    {"n BETWEEN :12 AND :12", true},
    {"n BETWEEN :13 AND :13", false},
    {"neg between :1 and :13", false},
    {"s BETWEEN :he AND :s", true},
    {"s BETWEEN :1 AND :13", false},
    {":12 BETWEEN neg AND n", true},
    {"n IN (:1, :12)", true},
    {"n in (:1)", false},
    {"gone IN (:1)", false},
    {"s IN (:1, s2, :s)", true},
    {"attribute_exists(s)", true},
    {"attribute_exists(gone)", false},
    {"attribute_exists(m.y.d)", true},
    {"attribute_exists(m.y.e)", false},
    {"attribute_exists(l[3].four)", true},
    {"attribute_exists(l[4])", false},
    {"attribute_exists(s.#x)", false},
    {"attribute_exists(m[0])", false},
    {"attribute_exists(l.x)", false},
    {"attribute_exists(z)", true},
    {"attribute_not_exists(gone)", true},
    {"attribute_not_exists(k)", false},
    {"attribute_type(s, :S)", true},
    {"attribute_type(n, :S)", false},
    {"attribute_type(l, :L)", true},
    {"attribute_type(gone, :S)", false},
    {"begins_with(s, :he)", true},
    {"begins_with(s, :e)", true},
    {"begins_with(s, :ll)", false},
    {"begins_with(b, :b)", true},
    {"begins_with(n, :he)", false},
    {"begins_with(s, :b)", false},
    {"contains(s, :ll)", true},
    {"contains(s, :e)", true},
    {"contains(s, :lo)", true},
    {"contains(s, :lx)", false},
    {"contains(s, :b)", false},
    {"contains(b, :b)", true},
    {"contains(ss, :he)", false},
    {"contains(ns, :1)", true},
    {"contains(ns, :12)", false},
    {"contains(l, :1)", true},
    {"contains(l, :m)", true},
    {"contains(l, :12)", false},
    {"contains(n, :1)", false},
    {"contains(m, :1)", false},
    {"contains(gone, :1)", false},
    {"contains(:s, k)", false},
    {"contains(l, m.#x)", true},
    {"size(b) < :12", true},
    {"size(s) = :1", false},
    {"size(ss) > :1", true},
    {"size(l) > :1", true},
    {"size(m) BETWEEN :1 AND :12", true},
    {"size(es) < :1", true},
    {"size(el) < :1", true},
    {"size(em) < :1", true},
    {"size(n) < :12", false},
    {"size(n) >= :12", false},
    {"size(t) = :1", false},
    {"size(gone) < :12", false},
    {"size(:s) < n", true},
    {"size(s) IN (:1, size(ns), size(:s))", true},
    {"s = :s AND n = :12", true},
    {"s = :s AND n = :1", false},
    {"s = :he OR n = :12", true},
    {"s = :he OR n = :1 OR t = :t", true},
    {"s = :he OR n = :12 AND t = :t", true},
    {"s = :s OR n = :12 AND t = :12", true},
    {"(s = :s OR n = :12) AND t = :12", false},
    {"NOT s = :s OR n = :12", true},
    {"NOT (s = :s OR n = :12)", false},
    {"NOT NOT s = :s", true},
    {"not attribute_exists(gone) and not (n = :1)", true},
    {"s = :he AND (n = :12 OR attribute_exists(k))", false},
    {"(m.#x) = :1", true},
    {"((m.y).d) = :he", false},
    {"(size(s)) >= :1", true},
    {"((size(s)) >= :1)", true},
    {"m.l[1].q > :e", true},
    {" \t\r\ns=:s ", true},
};

static void each_operator_and_function(void **state) {
    (void)state;
    struct request r;
    request_init(&r, names_text, values_text);
    struct tc_buf item = {0};
    put_item(&item, item_text);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        for (int kind = EXPR_CONDITION; kind <= EXPR_FILTER; kind++) {
            if (request_compile(&r, (enum expr_kind)kind, conditions[i].text) != TC_OK)
                fail_msg("%s: %s", conditions[i].text, request_diag(&r));
            if (expr_match(tc_buf_slice(&r.program), tc_buf_slice(&item)) != conditions[i].wanted)
                fail_msg("%s is not %d", conditions[i].text, conditions[i].wanted);
        }
        tc_arena_reset(&r.scratch);
    }
    tc_buf_deinit(&item);
    request_deinit(&r);
}

static void no_item_has_no_attributes(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "", ":1=1");
    assert_int_equal(request_compile(&r, EXPR_CONDITION, "attribute_not_exists(k)"), TC_OK);
    assert_true(expr_match(tc_buf_slice(&r.program), TC_SLICE_EMPTY));
    assert_int_equal(request_compile(&r, EXPR_CONDITION, "k = :1 OR size(k) > :1"), TC_OK);
    assert_false(expr_match(tc_buf_slice(&r.program), TC_SLICE_EMPTY));
    assert_true(expr_match(TC_SLICE_EMPTY, TC_SLICE_EMPTY));
    request_deinit(&r);
}

static bool note_name(void *user, struct tc_slice name) {
    tc_buf_append_slice(user, name);
    return false;
}

static void programs_know_what_they_reach_into(void **state) {
    (void)state;
    static const struct {
        enum expr_kind kind;
        const char *text, *wanted;
    } rows[] = {
        {EXPR_FILTER, "a = :1 OR (b.x[1] IN (c, size(d[0])) AND attribute_exists(e.f))", "bde"},
        {EXPR_PROJECTION, "a, b.c, d[3], e[0].f", "bde"},
        {EXPR_PROJECTION, "a, b", ""},
        {EXPR_UPDATE, "SET a.b = c.d, e = :1 REMOVE f[1]", "af"},
    };
    struct request r;
    struct tc_buf seen = {0};
    request_init(&r, "", ":1=1");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tc_buf_clear(&seen);
        assert_int_equal(request_compile(&r, rows[i].kind, rows[i].text), TC_OK);
        assert_false(expr_visit_nested(tc_buf_slice(&r.program), note_name, &seen));
        assert_true(tc_slice_eq(tc_buf_slice(&seen), tc_slice_str(rows[i].wanted)));
    }
    assert_false(expr_visit_nested(TC_SLICE_EMPTY, note_name, &seen));
    tc_buf_deinit(&seen);
    request_deinit(&r);
}

static void programs_know_what_they_touch(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "#n=name", ":1=1 :t='S' :s=<1>");
    static const char text[] = "attribute_type(a, :t) AND (b.x[1] IN (c, size(#n)) OR NOT d.k "
                               "BETWEEN :1 AND size(e)) AND attribute_exists(f.q)";
    assert_int_equal(request_compile(&r, EXPR_FILTER, text), TC_OK);
    for (const char *name = "abcdef"; *name; name++)
        assert_true(expr_touches(tc_buf_slice(&r.program), tc_slice(name, 1)));
    assert_true(expr_touches(tc_buf_slice(&r.program), TC_SLICE_LIT("name")));
    for (const char *name = "xkq1"; *name; name++)
        assert_false(expr_touches(tc_buf_slice(&r.program), tc_slice(name, 1)));
    assert_int_equal(expr_forbid_key(tc_buf_slice(&r.program), TC_SLICE_LIT("g"), &r.diag), TC_OK);
    assert_int_equal(expr_forbid_key(TC_SLICE_EMPTY, TC_SLICE_LIT("g"), &r.diag), TC_OK);
    assert_false(expr_touches(TC_SLICE_EMPTY, TC_SLICE_LIT("g")));
    assert_int_equal(expr_forbid_key(tc_buf_slice(&r.program), TC_SLICE_LIT("e"), &r.diag),
                     TC_EINVAL);
    assert_string_equal(request_diag(&r), "Filter Expression can only contain non-primary key "
                                          "attributes: Primary key attribute: e");
    assert_int_equal(
        request_compile(&r, EXPR_UPDATE, "SET a.b = c ADD d :1 REMOVE e[1] DELETE f :s"), TC_OK);
    for (const char *name = "adef"; *name; name++)
        assert_true(expr_touches(tc_buf_slice(&r.program), tc_slice(name, 1)));
    assert_int_equal(expr_forbid_key(tc_buf_slice(&r.program), TC_SLICE_LIT("c"), &r.diag), TC_OK);
    assert_int_equal(expr_forbid_key(tc_buf_slice(&r.program), TC_SLICE_LIT("a"), &r.diag),
                     TC_EINVAL);
    assert_string_equal(request_diag(&r),
                        "One or more parameter values were invalid: Cannot update attribute a. "
                        "This attribute is part of the key");
    request_deinit(&r);
}

int condition_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operator_and_function),
        cmocka_unit_test(no_item_has_no_attributes),
        cmocka_unit_test(programs_know_what_they_touch),
        cmocka_unit_test(programs_know_what_they_reach_into),
    };
    return cmocka_run_group_tests_name("expr conditions", tests, NULL, NULL);
}
