#include "engine/system/system.h"

#include "base/assert.h"
#include "core/expr/expr.h"
#include "core/item/item.h"
#include "core/key/key.h"
#include "core/number/number.h"

static struct item_value string_value(struct tc_buf *scratch, struct tc_slice text) {
    tc_buf_clear(scratch);
    item_put_string(scratch, text);
    return item_value_at(tc_buf_slice(scratch));
}

static void append_kind(struct tc_buf *out, const char *kind) {
    struct tc_buf scratch = {0};
    key_append_hash(out, string_value(&scratch, tc_slice_str(kind)));
    tc_buf_deinit(&scratch);
}

void system_key(struct tc_buf *out, const char *kind, struct tc_slice name) {
    TC_ASSERT(name.len > 0 && name.len <= SYSTEM_NAME_BYTES_MAX);
    struct tc_buf scratch = {0};
    append_kind(out, kind);
    key_append_range(out, string_value(&scratch, name));
    tc_buf_deinit(&scratch);
}

void system_kind_range(const char *kind, struct tc_buf *start, struct tc_buf *end) {
    struct tc_buf prefix = {0};
    append_kind(&prefix, kind);
    tc_buf_append_slice(start, tc_buf_slice(&prefix));
    key_append_prefix_end(end, tc_buf_slice(&prefix));
    tc_buf_deinit(&prefix);
}

static void put_u64(struct tc_buf *out, uint64_t v) {
    struct tc_buf text = {0};
    tc_buf_printf(&text, "%llu", (unsigned long long)v);
    tc_err err = item_put_number(out, tc_buf_slice(&text));
    TC_ASSERT(err == TC_OK);
    tc_buf_deinit(&text);
}

void system_item(struct tc_buf *out, const struct system_record *r) {
    struct tc_buf k = {0}, n = {0}, v = {0}, d = {0};
    struct item_builder b = {0};
    item_put_string(&k, r->kind);
    item_put_string(&n, r->name);
    put_u64(&v, r->version);
    item_put_binary(&d, r->data);
    item_builder_add(&b, TC_SLICE_LIT("k"), tc_buf_slice(&k));
    item_builder_add(&b, TC_SLICE_LIT("n"), tc_buf_slice(&n));
    item_builder_add(&b, TC_SLICE_LIT("v"), tc_buf_slice(&v));
    item_builder_add(&b, TC_SLICE_LIT("d"), tc_buf_slice(&d));
    tc_err err = item_builder_finish(&b, out);
    TC_ASSERT(err == TC_OK);
    item_builder_deinit(&b);
    tc_buf_deinit(&k);
    tc_buf_deinit(&n);
    tc_buf_deinit(&v);
    tc_buf_deinit(&d);
}

static bool get(struct tc_slice item, const char *name, enum item_type type,
                struct tc_slice *ret_body) {
    struct item_value v;
    if (!item_get(item, tc_slice_str(name), &v) || v.type != type)
        return false;
    *ret_body = v.body;
    return true;
}

tc_err system_decode(struct tc_slice item, struct system_record *ret_record) {
    struct system_record r = {0};
    struct tc_slice version;
    if (!get(item, "k", ITEM_S, &r.kind) || !get(item, "n", ITEM_S, &r.name) ||
        !get(item, "v", ITEM_N, &version) || !get(item, "d", ITEM_B, &r.data))
        return TC_ECORRUPT;
    if (number_to_u64(version, &r.version) != TC_OK || r.name.len > SYSTEM_NAME_BYTES_MAX)
        return TC_ECORRUPT;
    *ret_record = r;
    return TC_OK;
}

void system_condition(struct tc_buf *out, uint64_t version) {
    struct tc_arena scratch = {0};
    struct tc_buf value = {0}, diag = {0};
    struct expr_binding binding = {.token = TC_SLICE_LIT(":v")};
    struct expr_bindings values = {.at = &binding, .count = 1};
    put_u64(&value, version);
    binding.target = tc_buf_slice(&value);
    tc_err err = expr_bindings_prepare(&values, ':', &diag);
    TC_ASSERT(err == TC_OK);
    struct expr_ctx ctx = {.values = &values, .scratch = &scratch};
    struct tc_slice text =
        version == 0 ? TC_SLICE_LIT("attribute_not_exists(v)") : TC_SLICE_LIT("v = :v");
    err = expr_compile(EXPR_CONDITION, text, &ctx, out, &diag);
    TC_ASSERT(err == TC_OK);
    tc_buf_deinit(&value);
    tc_buf_deinit(&diag);
    tc_arena_deinit(&scratch);
}

tc_err system_page_next(struct tc_buf *after, struct tc_slice last_key) {
    if (tc_slice_cmp(last_key, tc_buf_slice(after)) <= 0)
        return TC_ECORRUPT;
    tc_buf_clear(after);
    tc_buf_append_slice(after, last_key);
    return TC_OK;
}
