/* Random conditions: the compiled program against a tree evaluator that knows none of the
 * encodings. Values of the model are small integers, short strings, and sets and lists of them. */
#include "notation.h"

#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    ATTRIBUTES = 5,
    LITERALS = 6,
    ELEMENTS_MAX = 3,
    ROUNDS = 4000
};

enum shape {
    ABSENT,
    INTEGER,
    TEXT,
    INTEGERS,
    LIST
};

struct model_value {
    enum shape shape;
    int number;
    char text[4];
    int elements[ELEMENTS_MAX]; /* ascending and distinct in INTEGERS */
    int count;
};

struct model {
    struct model_value attributes[ATTRIBUTES]; /* named a, b, c ... */
    struct model_value literals[LITERALS];     /* :0, :1, :2 ... */
};

static struct model_value random_value(struct tc_prng *p) {
    struct model_value v = {.shape = (enum shape)tc_prng_below(p, 5)};
    v.number = (int)tc_prng_below(p, 5) - 2;
    uint64_t len = tc_prng_below(p, 3);
    for (uint64_t i = 0; i < len; i++)
        v.text[i] = (char)('p' + tc_prng_below(p, 2));
    int next = -2;
    v.count = (int)tc_prng_between(p, 1, ELEMENTS_MAX);
    for (int i = 0; i < v.count; i++) {
        v.elements[i] = next + (int)tc_prng_below(p, 2);
        next = v.elements[i] + 1;
    }
    return v;
}

static void write_value(char *out, size_t size, const struct model_value *v) {
    if (v->shape == INTEGER) {
        snprintf(out, size, "%d", v->number);
    } else if (v->shape == TEXT) {
        snprintf(out, size, "'%s'", v->text);
    } else {
        size_t at = (size_t)snprintf(out, size, "%c", v->shape == LIST ? '[' : '<');
        for (int i = 0; i < v->count; i++)
            at += (size_t)snprintf(out + at, size - at, "%s%d", i ? "," : "", v->elements[i]);
        snprintf(out + at, size - at, "%c", v->shape == LIST ? ']' : '>');
    }
}

/* ---- one evaluation: text and answer grow together ------------------------------------------- */

struct generator {
    struct tc_prng *p;
    const struct model *m;
    struct tc_buf text;
};

static struct model_value random_operand(struct generator *g) {
    struct model_value v;
    uint64_t kind = tc_prng_below(g->p, 5);
    uint64_t index = tc_prng_below(g->p, kind < 3 ? ATTRIBUTES : LITERALS);
    if (kind == 2) {
        tc_buf_printf(&g->text, "size(%c)", (char)('a' + index));
        v = g->m->attributes[index];
        v.number = v.shape == TEXT ? (int)strlen(v.text) : v.count;
        v.shape = v.shape == ABSENT || v.shape == INTEGER ? ABSENT : INTEGER;
        return v;
    }
    if (kind < 2)
        tc_buf_printf(&g->text, "%c", (char)('a' + index));
    else
        tc_buf_printf(&g->text, ":%u", (unsigned)index);
    return kind < 2 ? g->m->attributes[index] : g->m->literals[index];
}

static bool same(const struct model_value *a, const struct model_value *b) {
    if (a->shape == ABSENT || a->shape != b->shape)
        return false;
    if (a->shape == INTEGER)
        return a->number == b->number;
    if (a->shape == TEXT)
        return strcmp(a->text, b->text) == 0;
    return a->count == b->count &&
           memcmp(a->elements, b->elements, (size_t)a->count * sizeof(int)) == 0;
}

/* -2: they have no order. */
static int order(const struct model_value *a, const struct model_value *b) {
    if (a->shape != b->shape || (a->shape != INTEGER && a->shape != TEXT))
        return -2;
    int o = a->shape == INTEGER ? a->number - b->number : strcmp(a->text, b->text);
    return (o > 0) - (o < 0);
}

static bool compares(int op, const struct model_value *a, const struct model_value *b) {
    int o = order(a, b);
    switch (op) {
    case 0:
        return same(a, b);
    case 1:
        return !same(a, b);
    case 2:
        return o == -1;
    case 3:
        return o == -1 || o == 0;
    case 4:
        return o == 1;
    default:
        return o == 1 || o == 0;
    }
}

static bool model_contains(const struct model_value *a, const struct model_value *b) {
    if (a->shape == TEXT)
        return b->shape == TEXT && strstr(a->text, b->text) != NULL;
    if ((a->shape != INTEGERS && a->shape != LIST) || b->shape != INTEGER)
        return false;
    for (int i = 0; i < a->count; i++)
        if (a->elements[i] == b->number)
            return true;
    return false;
}

static bool random_function(struct generator *g) {
    uint64_t which = tc_prng_below(g->p, 3);
    if (which == 0) {
        uint64_t index = tc_prng_below(g->p, ATTRIBUTES);
        bool no = tc_prng_below(g->p, 2);
        tc_buf_printf(&g->text, "attribute_%sexists(%c)", no ? "not_" : "", (char)('a' + index));
        return (g->m->attributes[index].shape == ABSENT) == no;
    }
    tc_buf_append_str(&g->text, which == 1 ? "begins_with(" : "contains(");
    struct model_value a = random_operand(g);
    tc_buf_append_str(&g->text, ", ");
    struct model_value b = random_operand(g);
    tc_buf_append_str(&g->text, ")");
    if (which == 2)
        return model_contains(&a, &b);
    return a.shape == TEXT && b.shape == TEXT && strncmp(a.text, b.text, strlen(b.text)) == 0;
}

static bool random_in(struct generator *g) {
    bool found = false;
    struct model_value a = random_operand(g);
    tc_buf_append_str(&g->text, " IN (");
    uint64_t count = tc_prng_between(g->p, 1, 4);
    for (uint64_t i = 0; i < count; i++) {
        tc_buf_append_str(&g->text, i ? ", " : "");
        struct model_value b = random_operand(g);
        found = found || same(&a, &b);
    }
    tc_buf_append_str(&g->text, ")");
    return found;
}

static bool random_leaf(struct generator *g) {
    static const char *const ops[] = {" = ", " <> ", " < ", "<=", " > ", ">="};
    uint64_t which = tc_prng_below(g->p, 4);
    if (which == 0)
        return random_function(g);
    if (which == 1)
        return random_in(g);
    struct model_value a = random_operand(g);
    if (which == 2) {
        tc_buf_append_str(&g->text, " BETWEEN ");
        struct model_value low = random_operand(g);
        tc_buf_append_str(&g->text, " AND ");
        struct model_value high = random_operand(g);
        return compares(5, &a, &low) && compares(3, &a, &high);
    }
    int op = (int)tc_prng_below(g->p, 6);
    tc_buf_append_str(&g->text, ops[op]);
    struct model_value b = random_operand(g);
    return compares(op, &a, &b);
}

/* Always bracketed where precedence could matter, except NOT of a leaf and chains of one kind. */
static bool random_condition(struct generator *g, int depth) {
    uint64_t which = depth == 0 ? 3 : tc_prng_below(g->p, 4);
    if (which == 3)
        return random_leaf(g);
    if (which == 2) {
        tc_buf_append_str(&g->text, "NOT (");
        bool inner = random_condition(g, depth - 1);
        tc_buf_append_str(&g->text, ")");
        return !inner;
    }
    bool all = which == 0;
    bool result = all;
    uint64_t count = tc_prng_between(g->p, 2, 4);
    for (uint64_t i = 0; i < count; i++) {
        tc_buf_append_str(&g->text, i == 0 ? "(" : all ? " AND (" : " or (");
        bool one = random_condition(g, depth - 1);
        tc_buf_append_str(&g->text, ")");
        result = all ? result && one : result || one;
    }
    return result;
}

/* ---- the property ---------------------------------------------------------------------------- */

static void encode_item(const struct model *m, struct tc_buf *out) {
    char text[512] = "{";
    size_t at = 1;
    for (int i = 0; i < ATTRIBUTES; i++) {
        char value[64];
        if (m->attributes[i].shape == ABSENT)
            continue;
        write_value(value, sizeof value, &m->attributes[i]);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%c:%s", at > 1 ? "," : "", 'a' + i,
                               value);
    }
    snprintf(text + at, sizeof text - at, "}");
    put_item(out, text);
}

static void write_literals(struct model *m, struct tc_prng *p, struct tc_buf *out) {
    for (int i = 0; i < LITERALS; i++) {
        char value[64];
        do
            m->literals[i] = random_value(p);
        while (m->literals[i].shape == ABSENT);
        write_value(value, sizeof value, &m->literals[i]);
        tc_buf_printf(out, "%s:%d=%s", i ? " " : "", i, value);
    }
    tc_buf_append_u8(out, 0);
}

/* True: the text was legal and the answers were compared. */
static bool one_round(struct tc_prng *p) {
    struct model m;
    struct tc_buf literals = {0};
    struct tc_buf item = {0};
    struct request r;
    for (int i = 0; i < ATTRIBUTES; i++)
        m.attributes[i] = random_value(p);
    write_literals(&m, p, &literals);
    encode_item(&m, &item);
    request_init(&r, "", (const char *)literals.data);
    struct generator g = {.p = p, .m = &m};
    bool wanted = random_condition(&g, (int)tc_prng_below(p, 4));
    tc_buf_append_u8(&g.text, 0);
    tc_err err = request_compile(&r, EXPR_FILTER, (const char *)g.text.data);
    if (err == TC_OK && expr_match(tc_buf_slice(&r.program), tc_buf_slice(&item)) != wanted) {
        struct tc_buf shown = {0};
        show_item(&shown, tc_buf_slice(&item));
        fail_msg("%s with %s on %.*s is not %d", (const char *)g.text.data,
                 (const char *)literals.data, (int)shown.len, (const char *)shown.data, wanted);
    }
    tc_buf_deinit(&g.text);
    tc_buf_deinit(&literals);
    tc_buf_deinit(&item);
    request_deinit(&r);
    return err == TC_OK;
}

static void programs_agree_with_the_model(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(20260);
    int compared = 0;
    for (int i = 0; i < ROUNDS; i++)
        compared += one_round(&p);
    assert_true(compared > ROUNDS / 4);
}

int model_tests(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_agree_with_the_model)};
    return cmocka_run_group_tests_name("expr model", tests, NULL, NULL);
}
