/* The first line names an operation, the rest is its body. What decodes must be sound: items check,
 * bounds hold; what does not must say why. A body that is gzip is decoded as what it holds. */
#include "base/assert.h"
#include "router/api/api_arn.h"
#include "router/api/api_decode.h"
#include "router/api/api_unbuilt.h"
#include "router/http/http_gzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
    PLAIN_BYTES_MAX = 65536,
};

/* What the executor takes for granted of conditions: names, and values that are there. */
static void check_conditions(const struct api_list *list) {
    const struct api_condition *c = list->items;
    for (size_t i = 0; i < list->count; i++) {
        TC_ASSERT(c[i].name.len > 0 && c[i].name.len <= ITEM_NAME_BYTES_MAX);
        TC_ASSERT(c[i].value.data == NULL || item_value_check(c[i].value) == TC_OK);
        for (size_t j = 0; j < c[i].values.count; j++)
            TC_ASSERT(item_value_check(c[i].values.items[j]) == TC_OK);
    }
}

static void check_updates(const struct api_list *list) {
    const struct api_attribute_update *u = list->items;
    for (size_t i = 0; i < list->count; i++) {
        TC_ASSERT(u[i].name.len > 0 && u[i].action <= API_ACTION_PUT);
        TC_ASSERT(u[i].value.data ? item_value_check(u[i].value) == TC_OK
                                  : u[i].action == API_ACTION_DELETE);
    }
}

/* What the executor takes for granted of tables: keys that are defined, tags, and their ARNs. */
static void check_tags(const struct api_list *list) {
    const struct api_tag *t = list->items;
    TC_ASSERT(list->count <= API_TAGS_MAX);
    for (size_t i = 0; i < list->count; i++)
        TC_ASSERT(t[i].key.len > 0 && t[i].value.data != NULL);
}

static void check_tables(const struct api_op_info *op, const void *input) {
    struct tc_slice name;
    if (op->op == API_OP_CREATE_TABLE) {
        const struct api_create_table *in = input;
        const struct api_key_element *k = in->key_schema.items;
        TC_ASSERT(in->key_schema.count >= 1 && in->key_schema.count <= 2);
        TC_ASSERT(k[0].type == API_KEY_HASH);
        TC_ASSERT(in->billing_mode == API_BILLING_ON_DEMAND || in->throughput != NULL);
        check_tags(&in->tags);
    } else if (op->op == API_OP_TAG_RESOURCE) {
        const struct api_tag_resource *in = input;
        TC_ASSERT(api_arn_table(in->arn, &name) && in->tags.count > 0);
        check_tags(&in->tags);
    } else if (op->op == API_OP_UNTAG_RESOURCE) {
        const struct api_untag_resource *in = input;
        TC_ASSERT(api_arn_table(in->arn, &name) && in->keys.count <= API_TAGS_MAX);
    } else if (op->op == API_OP_UPDATE_TTL) {
        const struct api_update_ttl *in = input;
        TC_ASSERT(in->ttl != NULL && in->ttl->enabled != API_UNSET && in->ttl->attribute.len > 0);
    }
}

static void check(const struct api_op_info *op, const void *input) {
    check_tables(op, input);
    if (op->op == API_OP_PUT_ITEM) {
        const struct api_write_item *in = input;
        TC_ASSERT(item_check(in->item) == TC_OK);
        TC_ASSERT(in->table_name.len >= API_TABLE_BYTES_MIN);
        for (size_t i = 0; i < in->values.list.count; i++)
            TC_ASSERT(item_value_check(in->values.list.at[i].target) == TC_OK);
        check_conditions(&in->expected);
    } else if (op->op == API_OP_UPDATE_ITEM) {
        const struct api_write_item *in = input;
        check_conditions(&in->expected);
        check_updates(&in->attribute_updates);
    } else if (op->op == API_OP_QUERY || op->op == API_OP_SCAN) {
        const struct api_read_page *in = input;
        check_conditions(&in->key_conditions);
        check_conditions(&in->filter_conditions);
    } else if (op->op == API_OP_BATCH_GET_ITEM) {
        const struct api_batch_get *in = input;
        const struct api_batch_get_table *t = in->tables.items;
        TC_ASSERT(in->tables.count >= 1);
        for (size_t i = 0; i < in->tables.count; i++)
            for (size_t j = 0; j < t[i].keys.count; j++)
                TC_ASSERT(item_check(t[i].keys.items[j]) == TC_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static struct api_decoder decoder;
    struct tc_arena arena;
    const uint8_t *end = len ? memchr(data, '\n', len) : NULL;
    if (end == NULL)
        return 0;
    struct tc_slice name = tc_slice(data, (size_t)(end - data));
    struct tc_slice body = tc_slice_from(tc_slice(data, len), name.len + 1);
    const struct api_op_info *op = api_op_find(name);
    if (op == NULL)
        return 0;
    tc_arena_init(&arena, 1 << 24);
    struct api_op_info known = *op;
    if (op->op == API_OP_UNBUILT) {
        TC_ASSERT(api_unbuilt_find(op->name) != NULL);
        known.shape = api_unbuilt_find(op->name)->shape;
    }
    struct tc_buf plain = {0};
    if (http_gzip_unpack(body, PLAIN_BYTES_MAX, &plain) == TC_OK)
        body = tc_buf_slice(&plain);
    const void *input = api_decode(&decoder, &known, body, &arena);
    TC_ASSERT((input == NULL) == (decoder.error != API_OK));
    if (input != NULL)
        check(op, input);
    tc_arena_deinit(&arena);
    tc_buf_deinit(&plain);
    return 0;
}
