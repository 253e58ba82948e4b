#include "notation.h"

#include "core/number/number.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *parse(struct tc_buf *out, const char *at);

static const char *parse_quoted(struct tc_slice *ret_text, const char *at) {
    assert_int_equal(*at, '\'');
    const char *end = strchr(at + 1, '\'');
    assert_non_null(end);
    *ret_text = tc_slice(at + 1, (size_t)(end - at - 1));
    return end + 1;
}

static const char *parse_hex(struct tc_buf *bytes, const char *at) {
    struct tc_slice hex;
    at = parse_quoted(&hex, at + 1);
    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        char pair[3] = {(char)hex.data[i], (char)hex.data[i + 1], 0};
        tc_buf_append_u8(bytes, (uint8_t)strtoul(pair, NULL, 16));
    }
    return at;
}

static const char *parse_list(struct tc_buf *out, const char *at) {
    struct tc_buf elements = {0};
    uint64_t count = 0;
    for (at++; *at != ']'; count++) {
        at = parse(&elements, at);
        at += *at == ',';
    }
    item_put_container(out, ITEM_L, count, tc_buf_slice(&elements));
    tc_buf_deinit(&elements);
    return at + 1;
}

/* Elements must be written in canonical order. */
static const char *parse_set(struct tc_buf *out, const char *at) {
    struct tc_buf elements = {0};
    enum item_type type = ITEM_SS;
    uint64_t count = 0;
    for (at++; *at != '>'; count++) {
        struct tc_buf one = {0};
        at = parse(&one, at);
        struct item_value v = item_value_at(tc_buf_slice(&one));
        type = v.type == ITEM_S ? ITEM_SS : v.type == ITEM_N ? ITEM_NS : ITEM_BS;
        item_put_element(&elements, type, v.body);
        tc_buf_deinit(&one);
        at += *at == ',';
    }
    item_put_container(out, type, count, tc_buf_slice(&elements));
    tc_buf_deinit(&elements);
    return at + 1;
}

static const char *parse_map(struct tc_buf *out, const char *at, bool item) {
    struct item_builder builder = {0};
    struct tc_buf values[64] = {0};
    size_t count = 0;
    for (at++; *at != '}'; count++) {
        const char *colon = strchr(at, ':');
        assert_non_null(colon);
        const char *end = parse(&values[count], colon + 1);
        item_builder_add(&builder, tc_slice(at, (size_t)(colon - at)),
                         tc_buf_slice(&values[count]));
        at = end + (*end == ',');
    }
    assert_int_equal(
        item ? item_builder_finish(&builder, out) : item_builder_finish_map(&builder, out), TC_OK);
    item_builder_deinit(&builder);
    for (size_t i = 0; i < count; i++)
        tc_buf_deinit(&values[i]);
    return at + 1;
}

static const char *parse_word(struct tc_buf *out, const char *at) {
    const char *end = at;
    while (isalnum((unsigned char)*end) || *end == '-' || *end == '.' || *end == '+')
        end++;
    struct tc_slice word = tc_slice(at, (size_t)(end - at));
    if (tc_slice_eq(word, TC_SLICE_LIT("null")))
        item_put_null(out);
    else if (tc_slice_eq(word, TC_SLICE_LIT("true")) || tc_slice_eq(word, TC_SLICE_LIT("false")))
        item_put_bool(out, word.len == 4);
    else
        assert_int_equal(item_put_number(out, word), TC_OK);
    return end;
}

static const char *parse(struct tc_buf *out, const char *at) {
    struct tc_slice text;
    struct tc_buf bytes = {0};
    switch (*at) {
    case '[':
        return parse_list(out, at);
    case '<':
        return parse_set(out, at);
    case '{':
        return parse_map(out, at, /* item= */ false);
    case '\'':
        at = parse_quoted(&text, at);
        item_put_string(out, text);
        return at;
    case 'x':
        at = parse_hex(&bytes, at);
        item_put_binary(out, tc_buf_slice(&bytes));
        tc_buf_deinit(&bytes);
        return at;
    default:
        return parse_word(out, at);
    }
}

void put_value(struct tc_buf *out, const char *text) {
    assert_int_equal(*parse(out, text), 0);
}

void put_item(struct tc_buf *out, const char *text) {
    assert_int_equal(*parse_map(out, text, /* item= */ true), 0);
}

static void show(struct tc_buf *out, struct item_value v);

static void show_entries(struct tc_buf *out, struct item_iter it, const char *open,
                         const char *close) {
    struct tc_slice name;
    struct item_value v;
    const char *separator = "";
    tc_buf_append_str(out, open);
    while (item_next(&it, &name, &v)) {
        tc_buf_append_str(out, separator);
        if (it.of == ITEM_M)
            tc_buf_printf(out, "%.*s:", TC_SLICE_ARGS(name));
        show(out, v);
        separator = ",";
    }
    tc_buf_append_str(out, close);
}

static void show(struct tc_buf *out, struct item_value v) {
    if (v.type == ITEM_S)
        tc_buf_printf(out, "'%.*s'", TC_SLICE_ARGS(v.body));
    else if (v.type == ITEM_N)
        number_append_text(out, v.body);
    else if (v.type == ITEM_B)
        tc_buf_printf(out, "x(%zu bytes)", v.body.len);
    else if (v.type == ITEM_BOOL)
        tc_buf_append_str(out, v.body.data[0] ? "true" : "false");
    else if (v.type == ITEM_NULL)
        tc_buf_append_str(out, "null");
    else if (v.type == ITEM_M)
        show_entries(out, item_value_iter(v), "{", "}");
    else if (v.type == ITEM_L)
        show_entries(out, item_value_iter(v), "[", "]");
    else
        show_entries(out, item_value_iter(v), "<", ">");
}

void show_item(struct tc_buf *out, struct tc_slice item) {
    if (item.len == 0)
        tc_buf_append_str(out, "none");
    else
        show_entries(out, item_iter(item), "{", "}");
}

/* ---- requests -------------------------------------------------------------------------------- */

static size_t split(const char *text, struct expr_binding *ret_bindings) {
    size_t count = 0;
    while (*text) {
        size_t token = strcspn(text, "=");
        size_t target = strcspn(text + token + 1, " ");
        ret_bindings[count++] = (struct expr_binding){.token = tc_slice(text, token),
                                                      .target = tc_slice(text + token + 1, target)};
        text += token + 1 + target;
        text += *text == ' ';
    }
    return count;
}

void request_init(struct request *r, const char *names, const char *values) {
    *r = (struct request){0};
    r->name_table = (struct expr_bindings){.at = r->names, .count = split(names, r->names)};
    r->value_table = (struct expr_bindings){.at = r->values, .count = split(values, r->values)};
    for (size_t i = 0; i < r->value_table.count; i++) {
        char text[512];
        snprintf(text, sizeof text, "%.*s", TC_SLICE_ARGS(r->values[i].target));
        put_value(&r->bytes[i], text);
        r->values[i].target = tc_buf_slice(&r->bytes[i]);
    }
    assert_int_equal(expr_bindings_prepare(&r->name_table, '#', &r->diag), TC_OK);
    assert_int_equal(expr_bindings_prepare(&r->value_table, ':', &r->diag), TC_OK);
    tc_arena_init(&r->scratch, 1 << 20);
    r->ctx = (struct expr_ctx){&r->name_table, &r->value_table, &r->scratch};
}

void request_deinit(struct request *r) {
    for (size_t i = 0; i < 20; i++)
        tc_buf_deinit(&r->bytes[i]);
    tc_arena_deinit(&r->scratch);
    tc_buf_deinit(&r->program);
    tc_buf_deinit(&r->diag);
    tc_buf_deinit(&r->out);
}

tc_err request_compile(struct request *r, enum expr_kind kind, const char *text) {
    tc_buf_clear(&r->program);
    tc_buf_clear(&r->diag);
    tc_err err = expr_compile(kind, tc_slice_str(text), &r->ctx, &r->program, &r->diag);
    if (err == TC_OK) {
        assert_int_equal(r->diag.len, 0);
        assert_int_equal(expr_check(tc_buf_slice(&r->program), kind), TC_OK);
    } else {
        assert_int_equal(r->program.len, 0);
    }
    return err;
}

const char *request_diag(struct request *r) {
    tc_buf_append_u8(&r->diag, 0);
    r->diag.len--;
    return (const char *)r->diag.data;
}
