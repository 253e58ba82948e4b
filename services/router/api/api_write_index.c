/* The indexes of a table's description. */
#include "router/api/api_write_private.h"

static void put_keys(struct tc_buf *out, const struct api_index_description *x) {
    api__member(out, "KeySchema");
    tc_buf_append_u8(out, '[');
    for (size_t i = 0; i < x->key_count; i++) {
        api__comma(out);
        tc_buf_append_u8(out, '{');
        api__member_string(out, "AttributeName", x->keys[i]);
        api__member_string(out, "KeyType",
                           i < x->hash_count ? TC_SLICE_LIT("HASH") : TC_SLICE_LIT("RANGE"));
        tc_buf_append_u8(out, '}');
    }
    tc_buf_append_u8(out, ']');
}

static void put_projection(struct tc_buf *out, const struct api_index_description *x) {
    static const char *const names[] = {
        [API_PROJECTION_ALL] = "ALL",
        [API_PROJECTION_KEYS_ONLY] = "KEYS_ONLY",
        [API_PROJECTION_INCLUDE] = "INCLUDE",
    };
    api__member(out, "Projection");
    tc_buf_append_u8(out, '{');
    api__member_string(out, "ProjectionType", tc_slice_str(names[x->projection]));
    if (x->attribute_count) {
        api__member(out, "NonKeyAttributes");
        tc_buf_append_u8(out, '[');
        for (size_t i = 0; i < x->attribute_count; i++) {
            api__comma(out);
            json_put_string(out, x->attributes[i]);
        }
        tc_buf_append_u8(out, ']');
    }
    tc_buf_append_u8(out, '}');
}

static void put_throughput(struct tc_buf *out, const struct api_index_description *x) {
    api__member(out, "ProvisionedThroughput");
    tc_buf_append_u8(out, '{');
    if (x->last_increase_ms)
        api__member_time(out, "LastIncreaseDateTime", x->last_increase_ms);
    if (x->last_decrease_ms)
        api__member_time(out, "LastDecreaseDateTime", x->last_decrease_ms);
    api__member_u64(out, "NumberOfDecreasesToday", x->decreases_today);
    api__member_u64(out, "ReadCapacityUnits", x->on_demand ? 0 : x->read_units);
    api__member_u64(out, "WriteCapacityUnits", x->on_demand ? 0 : x->write_units);
    tc_buf_append_u8(out, '}');
}

static void put_maxima(struct tc_buf *out, const struct api_index_description *x) {
    if (!x->max_read_units && !x->max_write_units)
        return;
    api__member(out, "OnDemandThroughput");
    tc_buf_append_u8(out, '{');
    if (x->max_read_units)
        api__member_u64(out, "MaxReadRequestUnits", x->max_read_units);
    if (x->max_write_units)
        api__member_u64(out, "MaxWriteRequestUnits", x->max_write_units);
    tc_buf_append_u8(out, '}');
}

static void put_warm(struct tc_buf *out, const struct api_index_description *x) {
    bool settled = x->status == API_TABLE_ACTIVE;
    api__member(out, "WarmThroughput");
    tc_buf_append_u8(out, '{');
    api__member_u64(out, "ReadUnitsPerSecond", x->warm_read_units);
    api__member_u64(out, "WriteUnitsPerSecond", x->warm_write_units);
    api__member_string(out, "Status", settled ? TC_SLICE_LIT("ACTIVE") : TC_SLICE_LIT("UPDATING"));
    tc_buf_append_u8(out, '}');
}

static void put_arn(struct tc_buf *out, const struct api_table_description *t,
                    const struct api_index_description *x) {
    api__member(out, "IndexArn");
    tc_buf_append_u8(out, '"');
    api_write_table_arn(out, t->region, t->name);
    tc_buf_append_str(out, "/index/");
    tc_buf_append_slice(out, x->name); /* of letters, digits and _ . - only */
    tc_buf_append_u8(out, '"');
}

static void put_global(struct tc_buf *out, const struct api_index_description *x) {
    api__member_string(out, "IndexStatus", api__table_status(x->status));
    if (x->shows_backfilling) {
        api__member(out, "Backfilling");
        json_put_bool(out, x->backfilling);
    }
    put_throughput(out, x);
    put_maxima(out, x);
    put_warm(out, x);
}

static void put_index(struct tc_buf *out, const struct api_table_description *t,
                      const struct api_index_description *x) {
    api__comma(out);
    tc_buf_append_u8(out, '{');
    api__member_string(out, "IndexName", x->name);
    put_keys(out, x);
    put_projection(out, x);
    if (x->global)
        put_global(out, x);
    api__member_u64(out, "IndexSizeBytes", x->size_bytes);
    api__member_u64(out, "ItemCount", x->item_count);
    put_arn(out, t, x);
    tc_buf_append_u8(out, '}');
}

void api__member_indexes(struct tc_buf *out, const char *member,
                         const struct api_table_description *t, bool global) {
    bool any = false;
    for (size_t i = 0; i < t->index_count; i++) {
        if (t->indexes[i].global != global)
            continue;
        if (!any) {
            api__member(out, member);
            tc_buf_append_u8(out, '[');
        }
        any = true;
        put_index(out, t, &t->indexes[i]);
    }
    if (any)
        tc_buf_append_u8(out, ']');
}
