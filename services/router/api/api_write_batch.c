#include "router/api/api_write_private.h"

void api_write_batch_get_begin(struct tc_buf *out) {
    tc_buf_append_u8(out, '{');
    api__member(out, "Responses");
    tc_buf_append_u8(out, '{');
}

void api_write_batch_table_begin(struct tc_buf *out, struct tc_slice table_name) {
    api__key(out, table_name);
    tc_buf_append_u8(out, '[');
}

void api_write_batch_table_end(struct tc_buf *out) {
    tc_buf_append_u8(out, ']');
}

void api_write_batch_get_unprocessed_begin(struct tc_buf *out) {
    tc_buf_append_u8(out, '}');
    api__member(out, "UnprocessedKeys");
    tc_buf_append_u8(out, '{');
}

static void write_names(struct tc_buf *out, const struct api_bindings *names) {
    if (!names->set)
        return;
    api__member(out, "ExpressionAttributeNames");
    tc_buf_append_u8(out, '{');
    for (size_t i = 0; i < names->list.count; i++) {
        api__key(out, names->list.at[i].token);
        json_put_string(out, names->list.at[i].target);
    }
    tc_buf_append_u8(out, '}');
}

static void write_attributes_to_get(struct tc_buf *out, const struct api_slices *names) {
    if (!names->set)
        return;
    api__member(out, "AttributesToGet");
    tc_buf_append_u8(out, '[');
    for (size_t i = 0; i < names->count; i++) {
        api__comma(out);
        json_put_string(out, names->items[i]);
    }
    tc_buf_append_u8(out, ']');
}

void api_write_batch_get_unprocessed(struct tc_buf *out, const struct api_batch_get_table *table,
                                     const bool *done) {
    api__key(out, table->table_name);
    tc_buf_append_u8(out, '{');
    api__member(out, "Keys");
    tc_buf_append_u8(out, '[');
    for (size_t i = 0; i < table->keys.count; i++)
        if (!done[i])
            api_write_page_item(out, table->keys.items[i]);
    tc_buf_append_u8(out, ']');
    write_attributes_to_get(out, &table->attributes_to_get);
    if (table->consistent_read != API_UNSET) {
        api__member(out, "ConsistentRead");
        json_put_bool(out, table->consistent_read == API_TRUE);
    }
    if (table->projection_expression.data != NULL)
        api__member_string(out, "ProjectionExpression", table->projection_expression);
    write_names(out, &table->names);
    tc_buf_append_u8(out, '}');
}

void api_write_batch_write_begin(struct tc_buf *out) {
    tc_buf_append_u8(out, '{');
    api__member(out, "UnprocessedItems");
    tc_buf_append_u8(out, '{');
}

static void write_request(struct tc_buf *out, const struct api_write_request *w) {
    api__comma(out);
    tc_buf_append_u8(out, '{');
    api__member(out, w->put != NULL ? "PutRequest" : "DeleteRequest");
    tc_buf_append_u8(out, '{');
    if (w->put != NULL)
        api__member_item(out, "Item", w->put->item);
    else
        api__member_item(out, "Key", w->del->key);
    tc_buf_append_str(out, "}}");
}

void api_write_batch_write_unprocessed(struct tc_buf *out,
                                       const struct api_batch_write_table *table,
                                       const bool *done) {
    const struct api_write_request *w = table->writes.items;
    api_write_batch_table_begin(out, table->table_name);
    for (size_t i = 0; i < table->writes.count; i++)
        if (!done[i])
            write_request(out, &w[i]);
    api_write_batch_table_end(out);
}

void api_write_batch_end(struct tc_buf *out, const struct api_consumed *consumed, size_t count) {
    tc_buf_append_u8(out, '}');
    if (count > 0 && consumed[0].detail != 0 && consumed[0].detail != API_CAPACITY_NONE) {
        api__member(out, "ConsumedCapacity");
        tc_buf_append_u8(out, '[');
        for (size_t i = 0; i < count; i++) {
            api__comma(out);
            api__consumed(out, consumed[i]);
        }
        tc_buf_append_u8(out, ']');
    }
}

void api_write_batch_metrics_begin(struct tc_buf *out) {
    api__member(out, "ItemCollectionMetrics");
    tc_buf_append_u8(out, '{');
}

void api_write_batch_collection(struct tc_buf *out, struct api_collection collection) {
    api__comma(out);
    api__collection(out, collection);
}

void api_write_batch_metrics_end(struct tc_buf *out) {
    tc_buf_append_u8(out, '}');
}

void api_write_end(struct tc_buf *out) {
    tc_buf_append_u8(out, '}');
}
