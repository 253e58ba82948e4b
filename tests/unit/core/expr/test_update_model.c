/* Random updates against a model that keeps an item as plain arrays: integers a..d, a map m of
 * integers x..z, a list l of integers, and a set t of small integers. */
#include "notation.h"

#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    TOPS = 4,
    KEYS = 3,
    LIST_MAX = 4,
    INDEXES = 6,
    LITERALS = 4,
    SET_BITS = 5,
    ROUNDS = 4000
};

struct cell {
    bool there;
    int value;
};

struct item_model {
    struct cell top[TOPS];
    struct cell map[KEYS];
    struct cell list[LIST_MAX + INDEXES]; /* as long as there */
    unsigned set;                         /* bit i: i + 1 is in it; 0: no set */
};

enum section {
    SET,
    REMOVE,
    ADD,
    DELETE,
    SECTIONS
};

struct round {
    struct tc_prng *p;
    struct item_model old;
    struct item_model new;
    int literals[LITERALS];
    struct tc_buf text[SECTIONS];
    bool refers_to_nothing;
};

static struct cell random_cell(struct tc_prng *p) {
    return (struct cell){tc_prng_chance(p, 2, 3), (int)tc_prng_below(p, 9) - 4};
}

static struct item_model random_item(struct tc_prng *p) {
    struct item_model m = {.set = (unsigned)tc_prng_below(p, 1u << SET_BITS)};
    for (int i = 0; i < TOPS; i++)
        m.top[i] = random_cell(p);
    for (int i = 0; i < KEYS; i++)
        m.map[i] = random_cell(p);
    uint64_t len = tc_prng_below(p, LIST_MAX + 1);
    for (uint64_t i = 0; i < len; i++)
        m.list[i] = (struct cell){true, (int)tc_prng_below(p, 9)};
    return m;
}

/* ---- the item as notation -------------------------------------------------------------------- */

static void write_set(struct tc_buf *out, unsigned set) {
    const char *separator = "<";
    for (int i = 0; i < SET_BITS; i++) {
        if ((set >> i & 1) == 0)
            continue;
        tc_buf_printf(out, "%s%d", separator, i + 1);
        separator = ",";
    }
    tc_buf_append_str(out, ">");
}

static void encode(const struct item_model *m, struct tc_buf *ret_item) {
    struct tc_buf text = {0};
    const char *separator = "";
    tc_buf_append_str(&text, "{l:[");
    for (int i = 0; i < LIST_MAX + INDEXES; i++)
        if (m->list[i].there)
            tc_buf_printf(&text, "%s%d", i ? "," : "", m->list[i].value);
    tc_buf_append_str(&text, "],m:{");
    for (int i = 0; i < KEYS; i++) {
        if (!m->map[i].there)
            continue;
        tc_buf_printf(&text, "%s%c:%d", separator, 'x' + i, m->map[i].value);
        separator = ",";
    }
    tc_buf_append_str(&text, "}");
    for (int i = 0; i < TOPS; i++)
        if (m->top[i].there)
            tc_buf_printf(&text, ",%c:%d", 'a' + i, m->top[i].value);
    if (m->set) {
        tc_buf_append_str(&text, ",t:");
        write_set(&text, m->set);
    }
    tc_buf_append_str(&text, "}");
    tc_buf_append_u8(&text, 0);
    put_item(ret_item, (const char *)text.data);
    tc_buf_deinit(&text);
}

/* ---- right-hand sides ------------------------------------------------------------------------ */

static struct cell random_path(struct round *r, struct tc_buf *out) {
    uint64_t kind = tc_prng_below(r->p, 3);
    if (kind == 0) {
        uint64_t i = tc_prng_below(r->p, TOPS);
        tc_buf_printf(out, "%c", (char)('a' + i));
        return r->old.top[i];
    }
    uint64_t i = tc_prng_below(r->p, kind == 1 ? KEYS : LIST_MAX);
    if (kind == 1)
        tc_buf_printf(out, "m.%c", (char)('x' + i));
    else
        tc_buf_printf(out, "l[%u]", (unsigned)i);
    return kind == 1 ? r->old.map[i] : r->old.list[i];
}

static int random_literal(struct round *r, struct tc_buf *out) {
    uint64_t i = tc_prng_below(r->p, LITERALS);
    tc_buf_printf(out, ":%u", (unsigned)i);
    return r->literals[i];
}

static int random_term(struct round *r, struct tc_buf *out) {
    uint64_t kind = tc_prng_below(r->p, 8);
    if (kind < 4)
        return random_literal(r, out);
    if (kind == 4) {
        struct cell c = random_path(r, out);
        r->refers_to_nothing = r->refers_to_nothing || !c.there;
        return c.value;
    }
    tc_buf_append_str(out, "if_not_exists(");
    struct cell c = random_path(r, out);
    tc_buf_append_str(out, ", ");
    int fallback = random_literal(r, out);
    tc_buf_append_str(out, ")");
    return c.there ? c.value : fallback;
}

static int random_right_side(struct round *r, struct tc_buf *out) {
    int left = random_term(r, out);
    uint64_t kind = tc_prng_below(r->p, 3);
    if (kind == 0)
        return left;
    tc_buf_append_str(out, kind == 1 ? " + " : " - ");
    int right = random_term(r, out);
    return kind == 1 ? left + right : left - right;
}

/* ---- actions --------------------------------------------------------------------------------- */

static struct tc_buf *section(struct round *r, enum section s) {
    static const char *const words[SECTIONS] = {" SET ", " REMOVE ", " ADD ", " DELETE "};
    tc_buf_append_str(&r->text[s], r->text[s].len ? ", " : words[s]);
    return &r->text[s];
}

/* Perhaps one action on one integer place; answers what stands there afterwards. */
static struct cell random_action(struct round *r, const char *path, struct cell old) {
    uint64_t kind = tc_prng_below(r->p, 8);
    if (kind > SET + ADD)
        return old;
    struct tc_buf *out = section(r, (enum section)kind);
    tc_buf_append_str(out, path);
    if (kind == REMOVE)
        return (struct cell){0};
    tc_buf_append_str(out, kind == SET ? " = " : " ");
    if (kind == SET)
        return (struct cell){true, random_right_side(r, out)};
    int step = random_literal(r, out);
    return (struct cell){true, old.there ? old.value + step : step};
}

static void random_list_actions(struct round *r) {
    int count = 0;
    struct cell after[LIST_MAX + INDEXES] = {0};
    for (int i = 0; i < INDEXES; i++) {
        char path[16];
        snprintf(path, sizeof path, "l[%d]", i);
        struct cell c = random_action(r, path, r->old.list[i]);
        if (c.there)
            after[count++] = c;
    }
    memcpy(r->new.list, after, sizeof after);
}

static void random_set_action(struct round *r) {
    uint64_t kind = tc_prng_below(r->p, 3);
    if (kind == 0)
        return;
    struct tc_buf *out = section(r, kind == 1 ? ADD : DELETE);
    tc_buf_append_str(out, "t :t");
    unsigned literal = 5; /* <1,3> */
    r->new.set = kind == 1 ? r->old.set | literal : r->old.set & ~literal;
}

static void random_update(struct round *r) {
    r->new = r->old;
    for (int i = 0; i < TOPS; i++)
        r->new.top[i] = random_action(r, (char[2]){(char)('a' + i), 0}, r->old.top[i]);
    for (int i = 0; i < KEYS; i++)
        r->new.map[i] = random_action(r, (char[4]){'m', '.', (char)('x' + i), 0}, r->old.map[i]);
    random_list_actions(r);
    random_set_action(r);
}

static void join_sections(struct round *r, struct tc_buf *out) {
    uint64_t first = tc_prng_below(r->p, SECTIONS);
    for (uint64_t i = 0; i < SECTIONS; i++)
        tc_buf_append_slice(out, tc_buf_slice(&r->text[(first + i) % SECTIONS]));
    tc_buf_append_u8(out, 0);
}

/* ---- the property ---------------------------------------------------------------------------- */

static void check_round(struct round *r, struct request *q, const char *text) {
    struct tc_buf old = {0};
    struct tc_buf wanted = {0};
    encode(&r->old, &old);
    encode(&r->new, &wanted);
    if (request_compile(q, EXPR_UPDATE, text) != TC_OK)
        fail_msg("%s: %s", text, request_diag(q));
    tc_err err = expr_update(tc_buf_slice(&q->program), tc_buf_slice(&old), TC_SLICE_EMPTY,
                             &q->scratch, &q->out, &q->diag);
    if (err != (r->refers_to_nothing ? TC_EINVAL : TC_OK))
        fail_msg("%s: %s", text, request_diag(q));
    if (err == TC_OK && !tc_slice_eq(tc_buf_slice(&q->out), tc_buf_slice(&wanted))) {
        struct tc_buf shown = {0};
        show_item(&shown, tc_buf_slice(&old));
        tc_buf_append_str(&shown, "\n  gives  ");
        show_item(&shown, tc_buf_slice(&q->out));
        tc_buf_append_str(&shown, "\n  wanted ");
        show_item(&shown, tc_buf_slice(&wanted));
        fail_msg("%s on %.*s", text, (int)shown.len, (const char *)shown.data);
    }
    tc_buf_deinit(&old);
    tc_buf_deinit(&wanted);
}

static void one_round(struct tc_prng *p) {
    struct round r = {.p = p, .old = random_item(p)};
    struct request q;
    struct tc_buf values = {0};
    struct tc_buf text = {0};
    for (int i = 0; i < LITERALS; i++) {
        r.literals[i] = (int)tc_prng_below(p, 7) - 3;
        tc_buf_printf(&values, ":%d=%d ", i, r.literals[i]);
    }
    tc_buf_append_str(&values, ":t=<1,3>");
    tc_buf_append_u8(&values, 0);
    random_update(&r);
    join_sections(&r, &text);
    request_init(&q, "", (const char *)values.data);
    if (text.len > 1)
        check_round(&r, &q, (const char *)text.data);
    for (int i = 0; i < SECTIONS; i++)
        tc_buf_deinit(&r.text[i]);
    tc_buf_deinit(&values);
    tc_buf_deinit(&text);
    request_deinit(&q);
}

static void updates_agree_with_the_model(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(77);
    for (int i = 0; i < ROUNDS; i++)
        one_round(&p);
}

int update_model_tests(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(updates_agree_with_the_model)};
    return cmocka_run_group_tests_name("expr update model", tests, NULL, NULL);
}
