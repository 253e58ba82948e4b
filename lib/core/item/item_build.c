/* Encoding values and items. */
#include "core/item/item_private.h"
#include "core/number/number.h"

static void put_lenbytes(struct tc_buf *out, struct tc_slice bytes) {
    tc_buf_append_varint(out, bytes.len);
    tc_buf_append_slice(out, bytes);
}

static size_t varint_bytes(uint64_t v) {
    size_t count = 1;
    for (; v >= 0x80; v >>= 7)
        count++;
    return count;
}

void item_put_string(struct tc_buf *out, struct tc_slice text) {
    tc_buf_append_u8(out, ITEM_S);
    put_lenbytes(out, text);
}

void item_put_binary(struct tc_buf *out, struct tc_slice bytes) {
    tc_buf_append_u8(out, ITEM_B);
    put_lenbytes(out, bytes);
}

void item_put_bool(struct tc_buf *out, bool value) {
    tc_buf_append_u8(out, ITEM_BOOL);
    tc_buf_append_u8(out, value);
}

void item_put_null(struct tc_buf *out) {
    tc_buf_append_u8(out, ITEM_NULL);
}

tc_err item_put_number(struct tc_buf *out, struct tc_slice text) {
    struct number n;
    TC_TRY(number_parse(text, &n, NULL));
    item_put_number_bytes(out, number_slice(&n));
    return TC_OK;
}

void item_put_number_bytes(struct tc_buf *out, struct tc_slice number) {
    TC_ASSERT(number.len > 0 && number.len <= NUMBER_BYTES_MAX);
    tc_buf_append_u8(out, ITEM_N);
    put_lenbytes(out, number);
}

void item_put_value(struct tc_buf *out, struct item_value v) {
    TC_ASSERT(v.encoded.len > 0 && v.encoded.data[0] == v.type);
    tc_buf_append_slice(out, v.encoded);
}

void item_put_element(struct tc_buf *out, enum item_type of, struct tc_slice content) {
    TC_ASSERT(of >= ITEM_SS && of <= ITEM_BS);
    TC_ASSERT(TC_IMPLIES(of == ITEM_NS, content.len <= NUMBER_BYTES_MAX));
    put_lenbytes(out, content);
}

static void put_container_head(struct tc_buf *out, enum item_type type, uint64_t count,
                               size_t elements_bytes) {
    tc_buf_append_u8(out, (uint8_t)type);
    tc_buf_append_varint(out, varint_bytes(count) + elements_bytes);
    tc_buf_append_varint(out, count);
}

void item_put_container(struct tc_buf *out, enum item_type type, uint64_t count,
                        struct tc_slice elements) {
    TC_ASSERT(type >= ITEM_M && type <= ITEM_BS);
    TC_ASSERT(count <= elements.len || type == ITEM_L);
    put_container_head(out, type, count, elements.len);
    tc_buf_append_slice(out, elements);
    TC_DASSERT(count > 0 || elements.len == 0);
}

/* The attribute array as a tc_buf, which owns and grows it. */
static struct tc_buf attrs_memory(const struct item_builder *b) {
    return (struct tc_buf){.data = (uint8_t *)b->attrs,
                           .len = b->count * sizeof *b->attrs,
                           .cap = b->cap * sizeof *b->attrs};
}

void item_builder_deinit(struct item_builder *b) {
    struct tc_buf memory = attrs_memory(b);
    tc_buf_deinit(&memory);
    *b = (struct item_builder){0};
}

void item_builder_add(struct item_builder *b, struct tc_slice name, struct tc_slice encoded_value) {
    TC_ASSERT(encoded_value.len > 0 && b->count <= b->cap);
    if (b->count == b->cap) {
        struct tc_buf memory = attrs_memory(b);
        (void)tc_buf_reserve(&memory, (b->cap + 8) * sizeof *b->attrs);
        b->attrs = (struct item_attr *)(void *)memory.data;
        b->cap = memory.cap / sizeof *b->attrs;
    }
    b->attrs[b->count++] = (struct item_attr){.name = name, .value = encoded_value};
}

static tc_err put_in_order(struct item_builder *b) {
    item_sort_attrs(b->attrs, b->count);
    for (size_t i = 1; i < b->count; i++) {
        if (tc_slice_eq(b->attrs[i - 1].name, b->attrs[i].name))
            return TC_EEXISTS;
    }
    return TC_OK;
}

static void put_attributes(const struct item_builder *b, struct tc_buf *out) {
    for (size_t i = 0; i < b->count; i++) {
        put_lenbytes(out, b->attrs[i].name);
        tc_buf_append_slice(out, b->attrs[i].value);
    }
}

tc_err item_builder_finish(struct item_builder *b, struct tc_buf *out) {
    TC_TRY(put_in_order(b));
    tc_buf_append_varint(out, b->count);
    put_attributes(b, out);
    return TC_OK;
}

tc_err item_builder_finish_map(struct item_builder *b, struct tc_buf *out) {
    TC_TRY(put_in_order(b));
    size_t bytes = 0;
    for (size_t i = 0; i < b->count; i++)
        bytes += varint_bytes(b->attrs[i].name.len) + b->attrs[i].name.len + b->attrs[i].value.len;
    put_container_head(out, ITEM_M, b->count, bytes);
    put_attributes(b, out);
    return TC_OK;
}
