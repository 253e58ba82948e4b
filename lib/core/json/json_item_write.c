/* Item encoding -> DynamoDB JSON. Bytes were checked, so the recursion is at most ITEM_DEPTH_MAX.
 */
#include "base/assert.h"
#include "core/json/json_item.h"
#include "core/number/number.h"

/* What stands before a value of each type. */
#define OPEN(type) [ITEM_##type] = TEXT("{\"" #type "\":")
#define TEXT(text)                                                                                 \
    { (const uint8_t *)(text), sizeof(text) - 1 }
static const struct tc_slice OPENINGS[] = {
    OPEN(S), OPEN(N), OPEN(B),  OPEN(BOOL), OPEN(NULL),
    OPEN(M), OPEN(L), OPEN(SS), OPEN(NS),   OPEN(BS),
};

static void put_number(struct tc_buf *out, struct tc_slice number) {
    tc_buf_append_u8(out, '"');
    number_append_text(out, number);
    tc_buf_append_u8(out, '"');
}

static void put_scalar(struct tc_buf *out, struct item_value v) {
    if (v.type == ITEM_S)
        json_put_string(out, v.body);
    else if (v.type == ITEM_N)
        put_number(out, v.body);
    else
        json_put_base64(out, v.body);
}

static void put_attributes(struct tc_buf *out, struct item_iter it) {
    struct tc_slice name;
    struct item_value v;
    uint8_t before = '{';
    if (it.left == 0)
        tc_buf_append_u8(out, before);
    for (; item_next(&it, &name, &v); before = ',') {
        tc_buf_append_u8(out, before);
        json_put_string(out, name);
        tc_buf_append_u8(out, ':');
        json_item_write_value(out, v);
    }
    tc_buf_append_u8(out, '}');
}

static void put_elements(struct tc_buf *out, struct item_value list) {
    struct item_iter it = item_value_iter(list);
    struct item_value v;
    uint8_t before = '[';
    if (it.left == 0)
        tc_buf_append_u8(out, before);
    for (; item_next(&it, NULL, &v); before = ',') {
        tc_buf_append_u8(out, before);
        if (list.type == ITEM_L)
            json_item_write_value(out, v);
        else
            put_scalar(out, v);
    }
    tc_buf_append_u8(out, ']');
}

void json_item_write_value(struct tc_buf *out, struct item_value v) {
    TC_ASSERT(v.type >= ITEM_S && v.type <= ITEM_BS);
    tc_buf_append_slice(out, OPENINGS[v.type]);
    switch (v.type) {
    case ITEM_S:
    case ITEM_N:
    case ITEM_B:
        put_scalar(out, v);
        break;
    case ITEM_BOOL:
        json_put_bool(out, v.body.data[0] != 0);
        break;
    case ITEM_NULL:
        json_put_bool(out, true);
        break;
    case ITEM_M:
        put_attributes(out, item_value_iter(v));
        break;
    case ITEM_L:
    case ITEM_SS:
    case ITEM_NS:
    case ITEM_BS:
        put_elements(out, v);
        break;
    }
    tc_buf_append_u8(out, '}');
}

void json_item_write(struct tc_buf *out, struct tc_slice item) {
    put_attributes(out, item_iter(item));
}
