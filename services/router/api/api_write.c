#include "router/api/api_write.h"

#include "base/assert.h"
#include "router/api/api_write_private.h"

void api__comma(struct tc_buf *out) {
    TC_ASSERT(out->len > 0);
    uint8_t last = out->data[out->len - 1];
    if (last != '{' && last != '[' && last != ':' && last != ',')
        tc_buf_append_u8(out, ',');
}

void api__member(struct tc_buf *out, const char *name) {
    api__comma(out);
    json_put_key(out, name);
}

void api__key(struct tc_buf *out, struct tc_slice name) {
    api__comma(out);
    json_put_string(out, name);
    tc_buf_append_u8(out, ':');
}

void api__member_string(struct tc_buf *out, const char *name, struct tc_slice value) {
    api__member(out, name);
    json_put_string(out, value);
}

void api__member_u64(struct tc_buf *out, const char *name, uint64_t value) {
    api__member(out, name);
    json_put_u64(out, value);
}

void api__member_item(struct tc_buf *out, const char *name, struct tc_slice item) {
    api__member(out, name);
    json_item_write(out, item);
}

void api__member_time(struct tc_buf *out, const char *name, uint64_t unix_ms) {
    api__member(out, name);
    json_put_milli(out, unix_ms);
}

static void put_units(struct tc_buf *out, uint64_t units_mu) {
    tc_buf_append_u8(out, '{');
    api__member(out, "CapacityUnits");
    json_put_milli(out, units_mu);
    tc_buf_append_u8(out, '}');
}

/* The indexes of one sort; the member is left out when there is none. */
static void put_indexes(struct tc_buf *out, const char *member, const struct api_consumed *c,
                        bool global) {
    bool any = false;
    for (size_t i = 0; i < c->index_count; i++) {
        if (c->indexes[i].global != global)
            continue;
        if (!any) {
            api__member(out, member);
            tc_buf_append_u8(out, '{');
        }
        any = true;
        api__key(out, c->indexes[i].name);
        put_units(out, c->indexes[i].units_mu);
    }
    if (any)
        tc_buf_append_u8(out, '}');
}

void api__consumed(struct tc_buf *out, struct api_consumed c) {
    uint64_t table_mu = c.units_mu;
    for (size_t i = 0; i < c.index_count; i++)
        table_mu -= c.indexes[i].units_mu;
    tc_buf_append_u8(out, '{');
    api__member_string(out, "TableName", c.table_name);
    api__member(out, "CapacityUnits");
    json_put_milli(out, c.units_mu);
    if (c.detail == API_CAPACITY_INDEXES) {
        api__member(out, "Table");
        put_units(out, table_mu);
        put_indexes(out, "LocalSecondaryIndexes", &c, /* global= */ false);
        put_indexes(out, "GlobalSecondaryIndexes", &c, /* global= */ true);
    }
    tc_buf_append_u8(out, '}');
}

void api__member_consumed(struct tc_buf *out, struct api_consumed c) {
    if (c.detail == 0 || c.detail == API_CAPACITY_NONE)
        return;
    api__member(out, "ConsumedCapacity");
    api__consumed(out, c);
}

/* The service estimates in whole gigabytes, and so does this. */
void api__collection(struct tc_buf *out, struct api_collection c) {
    uint64_t gb = c.bytes >> 30;
    tc_buf_append_u8(out, '{');
    api__member_item(out, "ItemCollectionKey", c.key);
    api__member(out, "SizeEstimateRangeGB");
    tc_buf_printf(out, "[%llu.0,%llu.0]}", (unsigned long long)gb, (unsigned long long)gb + 1);
}

static void write_single(struct tc_buf *out, const char *member, struct tc_slice item,
                         struct api_consumed consumed, struct api_collection collection) {
    tc_buf_append_u8(out, '{');
    if (item.data != NULL)
        api__member_item(out, member, item);
    api__member_consumed(out, consumed);
    if (collection.key.data != NULL) {
        api__member(out, "ItemCollectionMetrics");
        api__collection(out, collection);
    }
    tc_buf_append_u8(out, '}');
}

void api_write_get_item(struct tc_buf *out, struct tc_slice item, struct api_consumed consumed) {
    write_single(out, "Item", item, consumed, (struct api_collection){0});
}

void api_write_write_item(struct tc_buf *out, struct tc_slice attributes,
                          struct api_consumed consumed, struct api_collection collection) {
    write_single(out, "Attributes", attributes, consumed, collection);
}

void api_write_condition_item(struct tc_buf *out, struct tc_slice item) {
    tc_buf_append_u8(out, ',');
    api__member_item(out, "Item", item);
}

void api_write_page_begin(struct tc_buf *out, unsigned select) {
    tc_buf_append_u8(out, '{');
    if (select == API_SELECT_COUNT)
        return;
    api__member(out, "Items");
    tc_buf_append_u8(out, '[');
}

void api_write_page_item(struct tc_buf *out, struct tc_slice item) {
    api__comma(out);
    json_item_write(out, item);
}

void api_write_page_end(struct tc_buf *out, const struct api_page_end *end) {
    if (end->select != API_SELECT_COUNT)
        tc_buf_append_u8(out, ']');
    api__member_u64(out, "Count", end->count);
    api__member_u64(out, "ScannedCount", end->scanned_count);
    if (end->last_evaluated_key.data != NULL)
        api__member_item(out, "LastEvaluatedKey", end->last_evaluated_key);
    api__member_consumed(out, end->consumed);
    tc_buf_append_u8(out, '}');
}
