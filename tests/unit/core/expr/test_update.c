/* What updates and projections make of one item. */
#include "notation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char values_text[] =
    ":1=1 :2=2 :s='s' :l=[7,8] :m={q:1} :ns=<1,2> :ss=<'a','c'> :sa=<'a'> :big=9e125 :z=null "
    ":max=99999999999999999999999999999999999999 :t=true";
static const char names_text[] = "#c=count #d=d";

#define INVALID_PATH "The document path provided in the update expression is invalid for update"
#define WRONG_TYPE   "An operand in the update expression has an incorrect data type"
#define MISSING                                                                                    \
    "The provided expression refers to an attribute that does not exist in the "                   \
    "item"
#define OVERFLOW                                                                                   \
    "Number overflow. Attempting to store a number with magnitude larger than supported "          \
    "range"

static const struct {
    const char *text;
    const char *old;    /* "": none */
    const char *wanted; /* an item, "none", or a message */
} updates[] = {
    {"SET a = :1", "", "{a:1,k:'k'}"},
    {"SET a = :1", "{k:'k',a:'old',b:2}", "{a:1,b:2,k:'k'}"},
    {"SET z = :s, a = b", "{b:[1],k:'k'}", "{a:[1],b:[1],k:'k',z:'s'}"},
    {"SET a = b, b = a", "{a:1,b:2,k:'k'}", "{a:2,b:1,k:'k'}"},
    {"SET a = a + :1", "{a:41,k:'k'}", "{a:42,k:'k'}"},
    {"SET a = :2 - a", "{a:0.5,k:'k'}", "{a:1.5,k:'k'}"},
    {"SET a = (a - b)", "{a:1,b:1,k:'k'}", "{a:0,b:1,k:'k'}"},
    {"SET a = (a) + (b)", "{a:1,b:2,k:'k'}", "{a:3,b:2,k:'k'}"},
    {"SET a = a + :1", "{a:'x',k:'k'}", WRONG_TYPE},
    {"SET a = a + :1", "{k:'k'}", MISSING},
    {"SET a = b", "{k:'k'}", MISSING},
    {"SET a = k", "", MISSING},
    {"SET a = b.c[3]", "{b:{c:[1]},k:'k'}", MISSING},
    {"SET a = :big + :big", "{k:'k'}", OVERFLOW},
    {"SET #c = if_not_exists(#c, :1) + :2", "{k:'k'}", "{count:3,k:'k'}"},
    {"SET #c = if_not_exists(#c, :1) + :2", "{count:5,k:'k'}", "{count:7,k:'k'}"},
    {"SET a = if_not_exists(b, if_not_exists(c, :s))", "{k:'k'}", "{a:'s',k:'k'}"},
    {"SET a = if_not_exists(b, gone)", "{b:1,k:'k'}", "{a:1,b:1,k:'k'}"},
    {"SET a = if_not_exists(b, gone)", "{k:'k'}", MISSING},
    {"SET a = if_not_exists(b, list_append(gone, :l))", "{b:1,k:'k'}", "{a:1,b:1,k:'k'}"},
    {"SET a = list_append(a, :l)", "{a:[1],k:'k'}", "{a:[1,7,8],k:'k'}"},
    {"SET a = list_append(:l, a)", "{a:[],k:'k'}", "{a:[7,8],k:'k'}"},
    {"SET a = list_append(if_not_exists(a, :l), :l)", "{k:'k'}", "{a:[7,8,7,8],k:'k'}"},
    {"SET a = list_append(a, :l)", "{a:1,k:'k'}", WRONG_TYPE},
    {"SET m.x.y = :1", "{k:'k',m:{x:{z:2}}}", "{k:'k',m:{x:{y:1,z:2}}}"},
    {"SET m.x = :m", "{k:'k',m:{}}", "{k:'k',m:{x:{q:1}}}"},
    {"SET m.x = :1", "{k:'k'}", INVALID_PATH},
    {"SET m.x = :1", "{k:'k',m:[1]}", INVALID_PATH},
    {"SET m[0] = :1", "{k:'k',m:{x:1}}", INVALID_PATH},
    {"SET m.x.y = :1", "{k:'k',m:{x:1}}", INVALID_PATH},
    {"SET l[1] = :s", "{k:'k',l:[1,2,3]}", "{k:'k',l:[1,'s',3]}"},
    {"SET l[9] = :s, l[7] = :1", "{k:'k',l:[1]}", "{k:'k',l:[1,1,'s']}"},
    {"SET l[0].x = :s", "{k:'k',l:[{y:1}]}", "{k:'k',l:[{x:'s',y:1}]}"},
    {"SET l[3].x = :s", "{k:'k',l:[{y:1}]}", INVALID_PATH},
    {"SET l[0] = l[1], l[1] = l[0]", "{k:'k',l:[1,2]}", "{k:'k',l:[2,1]}"},
    {"REMOVE a, b", "{a:1,b:2,k:'k'}", "{k:'k'}"},
    {"REMOVE a", "{k:'k'}", "{k:'k'}"},
    {"REMOVE a", "", "none"},
    {"DELETE a :sa", "", "none"},
    {"REMOVE a SET b = :1", "", "{b:1,k:'k'}"},
    {"REMOVE m.x", "{k:'k',m:{x:1,y:2}}", "{k:'k',m:{y:2}}"},
    {"REMOVE m.x.y", "{k:'k',m:{y:2}}", INVALID_PATH},
    {"REMOVE m.x", "{k:'k'}", INVALID_PATH},
    {"REMOVE m.z", "{k:'k',m:{y:2}}", "{k:'k',m:{y:2}}"},
    {"REMOVE l[1]", "{k:'k',l:['a','b','c','d']}", "{k:'k',l:['a','c','d']}"},
    {"REMOVE l[0], l[2], l[9]", "{k:'k',l:['a','b','c','d']}", "{k:'k',l:['b','d']}"},
    {"REMOVE l[0] SET l[1] = :s, l[5] = :1", "{k:'k',l:['a','b','c']}", "{k:'k',l:['s','c',1]}"},
    {"REMOVE l[0]", "{k:'k',l:['a']}", "{k:'k',l:[]}"},
    {"ADD a :1", "", "{a:1,k:'k'}"},
    {"ADD a :1", "{k:'k'}", "{a:1,k:'k'}"},
    {"ADD a :2", "{a:-1,k:'k'}", "{a:1,k:'k'}"},
    {"ADD a :1", "{a:'x',k:'k'}", WRONG_TYPE},
    {"ADD a :big, b :1", "{a:9e125,k:'k'}", OVERFLOW},
    {"ADD a :ss", "{a:<'b','c'>,k:'k'}", "{a:<'a','b','c'>,k:'k'}"},
    {"ADD a :ss", "{k:'k'}", "{a:<'a','c'>,k:'k'}"},
    {"ADD a :ss", "{a:<1>,k:'k'}", WRONG_TYPE},
    {"ADD a :ns", "{a:<-3,2>,k:'k'}", "{a:<-3,1,2>,k:'k'}"},
    {"ADD m.n :1, l[0] :2", "{k:'k',l:[5],m:{n:3}}", "{k:'k',l:[7],m:{n:4}}"},
    {"ADD m.n :1", "{k:'k'}", INVALID_PATH},
    {"DELETE a :ss", "{a:<'a','b','c'>,k:'k'}", "{a:<'b'>,k:'k'}"},
    {"DELETE a :ss", "{a:<'a'>,k:'k'}", "{k:'k'}"},
    {"DELETE a :ss", "{k:'k'}", "{k:'k'}"},
    {"DELETE a :ss", "{a:<1>,k:'k'}", WRONG_TYPE},
    {"DELETE a :ns", "{a:<3>,k:'k'}", "{a:<3>,k:'k'}"},
    {"SET a = :1 REMOVE b ADD c :1 DELETE e :sa", "{b:1,c:1,e:<'a','z'>,k:'k'}",
     "{a:1,c:2,e:<'z'>,k:'k'}"},
    {"delete e :sa add c :1 remove b set a = c", "{b:1,c:1,e:<'a','z'>,k:'k'}",
     "{a:1,c:2,e:<'z'>,k:'k'}"},
};

static void show_result(struct request *r, tc_err err, struct tc_buf *shown) {
    tc_buf_clear(shown);
    if (err == TC_OK)
        show_item(shown, tc_buf_slice(&r->out));
    else
        tc_buf_append_slice(shown, tc_buf_slice(&r->diag));
    tc_buf_append_u8(shown, 0);
}

static tc_err run(struct request *r, const char *text, struct tc_slice old, struct tc_slice key) {
    if (request_compile(r, EXPR_UPDATE, text) != TC_OK)
        fail_msg("%s: %s", text, request_diag(r));
    tc_buf_clear(&r->out);
    tc_err err = expr_update(tc_buf_slice(&r->program), old, key, &r->scratch, &r->out, &r->diag);
    if (err == TC_OK && r->out.len > 0)
        assert_int_equal(item_check(tc_buf_slice(&r->out)), TC_OK);
    else
        assert_int_equal(r->out.len, 0);
    return err;
}

static void each_action(void **state) {
    (void)state;
    struct request r;
    request_init(&r, names_text, values_text);
    struct tc_buf key = {0};
    struct tc_buf old = {0};
    struct tc_buf shown = {0};
    struct tc_buf wanted = {0};
    put_item(&key, "{k:'k'}");
    for (size_t i = 0; i < sizeof updates / sizeof *updates; i++) {
        tc_buf_clear(&old);
        if (updates[i].old[0])
            put_item(&old, updates[i].old);
        tc_err err = run(&r, updates[i].text, tc_buf_slice(&old), tc_buf_slice(&key));
        show_result(&r, err, &shown);
        if (strcmp((const char *)shown.data, updates[i].wanted) != 0)
            fail_msg("%s of %s\n  gives  %s\n  wanted %s", updates[i].text, updates[i].old,
                     (const char *)shown.data, updates[i].wanted);
        if (updates[i].wanted[0] == '{') {
            tc_buf_clear(&wanted);
            put_item(&wanted, updates[i].wanted);
            assert_true(tc_slice_eq(tc_buf_slice(&wanted), tc_buf_slice(&r.out)));
        }
        tc_arena_reset(&r.scratch);
    }
    tc_buf_deinit(&key);
    tc_buf_deinit(&old);
    tc_buf_deinit(&shown);
    tc_buf_deinit(&wanted);
    request_deinit(&r);
}

static void the_empty_update_makes_sure_of_the_item(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "", "");
    struct tc_buf key = {0};
    put_item(&key, "{k:1}");
    assert_int_equal(expr_update(TC_SLICE_EMPTY, TC_SLICE_EMPTY, tc_buf_slice(&key), &r.scratch,
                                 &r.out, &r.diag),
                     TC_OK);
    assert_true(tc_slice_eq(tc_buf_slice(&r.out), tc_buf_slice(&key)));
    tc_buf_clear(&r.out);
    expr_update_project(TC_SLICE_EMPTY, tc_buf_slice(&key), &r.out);
    assert_true(tc_slice_eq(tc_buf_slice(&r.out), tc_slice("", 1)));
    tc_buf_deinit(&key);
    request_deinit(&r);
}

/* A list of depth lists around 1. */
static void put_nested(struct tc_buf *out, int depth) {
    char text[256] = "";
    for (int i = 0; i < depth; i++)
        text[i] = '[';
    text[depth] = '1';
    for (int i = 0; i < depth; i++)
        text[depth + 1 + i] = ']';
    put_value(out, text);
}

static void results_stay_legal_items(void **state) {
    (void)state;
    struct tc_buf key = {0};
    struct tc_buf value = {0};
    put_item(&key, "{k:1,l:[[1]]}");
    for (int depth = 28; depth <= 31; depth++) {
        struct request r;
        request_init(&r, "", ":v=1");
        tc_buf_clear(&value);
        put_nested(&value, depth);
        r.values[0].target = tc_buf_slice(&value);
        tc_err err = run(&r, "SET l[0][0] = :v", tc_buf_slice(&key), TC_SLICE_EMPTY);
        assert_int_equal(err, depth + 3 <= 32 ? TC_OK : TC_EINVAL);
        if (err != TC_OK)
            assert_string_equal(request_diag(&r), "Nesting Levels have exceeded supported limits: "
                                                  "Attributes in the item have nested levels "
                                                  "beyond supported limit");
        request_deinit(&r);
    }
    struct request r;
    request_init(&r, "", ":v=1");
    tc_buf_clear(&value);
    struct tc_buf text = {0};
    (void)tc_buf_extend(&text, 300 * 1024);
    memset(text.data, 'x', text.len);
    item_put_string(&value, tc_buf_slice(&text));
    r.values[0].target = tc_buf_slice(&value);
    assert_int_equal(run(&r, "SET a = :v", tc_buf_slice(&key), TC_SLICE_EMPTY), TC_OK);
    assert_int_equal(run(&r, "SET a = :v, b = :v", tc_buf_slice(&key), TC_SLICE_EMPTY), TC_EINVAL);
    assert_string_equal(request_diag(&r),
                        "Item size to update has exceeded the maximum allowed size");
    request_deinit(&r);
    tc_buf_deinit(&text);
    tc_buf_deinit(&value);
    tc_buf_deinit(&key);
}

/* Growth is stopped long before memory is: by doubling a list, and by one value under many names.
 */
static void amplification_is_refused(void **state) {
    (void)state;
    struct request r;
    struct tc_buf item = {0};
    struct tc_buf text = {0};
    struct tc_buf list = {0};
    (void)tc_buf_extend(&text, 390 * 1024);
    memset(text.data, 'x', text.len);
    struct item_builder builder = {0};
    item_put_string(&list, tc_buf_slice(&text));
    struct tc_buf value = {0};
    item_put_container(&value, ITEM_L, 1, tc_buf_slice(&list));
    item_builder_add(&builder, TC_SLICE_LIT("l"), tc_buf_slice(&value));
    assert_int_equal(item_builder_finish(&builder, &item), TC_OK);
    request_init(&r, "", "");
    tc_arena_deinit(&r.scratch);
    tc_arena_init(&r.scratch, 64 << 20);
    assert_int_equal(run(&r,
                         "SET l = list_append(list_append(list_append(l, l), l), "
                         "list_append(list_append(l, l), l))",
                         tc_buf_slice(&item), TC_SLICE_EMPTY),
                     TC_EINVAL);
    assert_string_equal(request_diag(&r),
                        "Item size to update has exceeded the maximum allowed size");
    assert_int_equal(run(&r, "SET a = l, b = l, c = l, d = l, e = l, f = l", tc_buf_slice(&item),
                         TC_SLICE_EMPTY),
                     TC_EINVAL);
    assert_string_equal(request_diag(&r),
                        "Item size to update has exceeded the maximum allowed size");
    item_builder_deinit(&builder);
    tc_buf_deinit(&value);
    tc_buf_deinit(&list);
    tc_buf_deinit(&text);
    tc_buf_deinit(&item);
    request_deinit(&r);
}

static void a_full_arena_leaves_nothing(void **state) {
    (void)state;
    struct request r;
    struct tc_buf item = {0};
    request_init(&r, "", ":1=1");
    put_item(&item, "{a:1,l:[1]}");
    assert_int_equal(
        request_compile(&r, EXPR_UPDATE, "SET b = :1, a = a + :1, l = list_append(l, l)"), TC_OK);
    tc_err err = TC_ENOMEM;
    for (size_t bytes = 16; err == TC_ENOMEM; bytes += 16) {
        tc_arena_deinit(&r.scratch);
        tc_arena_init(&r.scratch, bytes);
        assert_int_equal(r.out.len, 0);
        assert_int_equal(r.diag.len, 0);
        err = expr_update(tc_buf_slice(&r.program), tc_buf_slice(&item), TC_SLICE_EMPTY, &r.scratch,
                          &r.out, &r.diag);
    }
    assert_int_equal(err, TC_OK);
    tc_buf_deinit(&item);
    request_deinit(&r);
}

/* ---- projections ----------------------------------------------------------------------------- */

static const char whole[] = "{a:1,b:{x:1,y:{p:2,q:3}},k:'k',l:[0,1,{u:5,v:6},3],s:<'a'>}";

static const struct {
    const char *text;
    const char *wanted;
} projections[] = {
    {"a", "{a:1}"},
    {"k, a, gone", "{a:1,k:'k'}"},
    {"gone", "{}"},
    {"b.x", "{b:{x:1}}"},
    {"b.y.q, b.x", "{b:{x:1,y:{q:3}}}"},
    {"b.z", "{}"},
    {"b.y.z, a", "{a:1}"},
    {"a.x, b[0], l.x", "{}"},
    {"l[3], l[0]", "{l:[0,3]}"},
    {"l[2].v, l[9]", "{l:[{v:6}]}"},
    {"l[9]", "{}"},
    {"#s, zz, l", "{l:[0,1,{u:5,v:6},3],s:<'a'>}"},
};

static void each_projection(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "#s=s", "");
    struct tc_buf item = {0};
    struct tc_buf shown = {0};
    put_item(&item, whole);
    for (size_t i = 0; i < sizeof projections / sizeof *projections; i++) {
        if (request_compile(&r, EXPR_PROJECTION, projections[i].text) != TC_OK)
            fail_msg("%s: %s", projections[i].text, request_diag(&r));
        tc_buf_clear(&r.out);
        expr_project(tc_buf_slice(&r.program), tc_buf_slice(&item), &r.out);
        assert_int_equal(item_check(tc_buf_slice(&r.out)), TC_OK);
        show_result(&r, TC_OK, &shown);
        if (strcmp((const char *)shown.data, projections[i].wanted) != 0)
            fail_msg("%s\n  gives  %s\n  wanted %s", projections[i].text, (const char *)shown.data,
                     projections[i].wanted);
    }
    tc_buf_clear(&r.out);
    expr_project(TC_SLICE_EMPTY, tc_buf_slice(&item), &r.out);
    assert_true(tc_slice_eq(tc_buf_slice(&r.out), tc_buf_slice(&item)));
    tc_buf_deinit(&item);
    tc_buf_deinit(&shown);
    request_deinit(&r);
}

static void updated_old_and_new(void **state) {
    (void)state;
    struct request r;
    request_init(&r, "", ":1=1 :sa=<'a'>");
    struct tc_buf old = {0};
    struct tc_buf shown = {0};
    put_item(&old, whole);
    assert_int_equal(run(&r, "SET b.y.p = :1, n = :1 REMOVE a DELETE s :sa ADD l[1] :1",
                         tc_buf_slice(&old), TC_SLICE_EMPTY),
                     TC_OK);
    struct tc_buf new = r.out;
    r.out = (struct tc_buf){0};
    expr_update_project(tc_buf_slice(&r.program), tc_buf_slice(&old), &r.out);
    show_result(&r, TC_OK, &shown);
    assert_string_equal(shown.data, "{a:1,b:{y:{p:2}},l:[1],s:<'a'>}");
    tc_buf_clear(&r.out);
    expr_update_project(tc_buf_slice(&r.program), tc_buf_slice(&new), &r.out);
    show_result(&r, TC_OK, &shown);
    assert_string_equal(shown.data, "{b:{y:{p:1}},l:[2],n:1}");
    tc_buf_clear(&r.out);
    expr_update_project(tc_buf_slice(&r.program), TC_SLICE_EMPTY, &r.out);
    show_result(&r, TC_OK, &shown);
    assert_string_equal(shown.data, "{}");
    tc_buf_deinit(&new);
    tc_buf_deinit(&old);
    tc_buf_deinit(&shown);
    request_deinit(&r);
}

int update_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_action),
        cmocka_unit_test(the_empty_update_makes_sure_of_the_item),
        cmocka_unit_test(results_stay_legal_items),
        cmocka_unit_test(amplification_is_refused),
        cmocka_unit_test(a_full_arena_leaves_nothing),
        cmocka_unit_test(each_projection),
        cmocka_unit_test(updated_old_and_new),
    };
    return cmocka_run_group_tests_name("expr updates", tests, NULL, NULL);
}
