#include "base/assert.h"
#include "router/api/api_arn.h"
#include "router/api/api_write_private.h"

#include <inttypes.h>

void api_write_table_arn(struct tc_buf *out, struct tc_slice region, struct tc_slice table_name) {
    tc_buf_append_str(out, "arn:aws:dynamodb:");
    tc_buf_append_slice(out, region);
    tc_buf_append_str(out, ":" API_ACCOUNT_ID ":table/");
    tc_buf_append_slice(out, table_name);
}

struct tc_slice api__table_status(enum api_table_status status) {
    switch (status) {
    case API_TABLE_CREATING:
        return TC_SLICE_LIT("CREATING");
    case API_TABLE_ACTIVE:
        return TC_SLICE_LIT("ACTIVE");
    case API_TABLE_UPDATING:
        return TC_SLICE_LIT("UPDATING");
    case API_TABLE_DELETING:
        return TC_SLICE_LIT("DELETING");
    }
    TC_ASSERT(!"status");
    return TC_SLICE_EMPTY;
}

static void write_definitions(struct tc_buf *out, const struct api_table_description *t) {
    bool own = t->definition_count == 0;
    const struct api_table_key *list = own ? t->keys : t->definitions;
    size_t count = own ? t->key_count : t->definition_count;
    api__member(out, "AttributeDefinitions");
    tc_buf_append_u8(out, '[');
    for (size_t i = 0; i < count; i++) {
        api__comma(out);
        tc_buf_append_u8(out, '{');
        api__member_string(out, "AttributeName", list[i].name);
        api__member_string(out, "AttributeType", list[i].type);
        tc_buf_append_u8(out, '}');
    }
    tc_buf_append_u8(out, ']');
}

static void write_keys(struct tc_buf *out, const struct api_table_description *t) {
    api__member(out, "KeySchema");
    tc_buf_append_u8(out, '[');
    for (size_t i = 0; i < t->key_count; i++) {
        api__comma(out);
        tc_buf_append_u8(out, '{');
        api__member_string(out, "AttributeName", t->keys[i].name);
        api__member_string(out, "KeyType", i == 0 ? TC_SLICE_LIT("HASH") : TC_SLICE_LIT("RANGE"));
        tc_buf_append_u8(out, '}');
    }
    tc_buf_append_u8(out, ']');
}

static void write_throughput(struct tc_buf *out, const struct api_table_description *t) {
    api__member(out, "ProvisionedThroughput");
    tc_buf_append_u8(out, '{');
    if (t->last_increase_ms)
        api__member_time(out, "LastIncreaseDateTime", t->last_increase_ms);
    if (t->last_decrease_ms)
        api__member_time(out, "LastDecreaseDateTime", t->last_decrease_ms);
    api__member_u64(out, "NumberOfDecreasesToday", t->decreases_today);
    api__member_u64(out, "ReadCapacityUnits", t->on_demand ? 0 : t->read_units);
    api__member_u64(out, "WriteCapacityUnits", t->on_demand ? 0 : t->write_units);
    tc_buf_append_u8(out, '}');
}

static void write_billing(struct tc_buf *out, const struct api_table_description *t) {
    if (!t->on_demand && t->on_demand_switch_ms == 0)
        return;
    api__member(out, "BillingModeSummary");
    tc_buf_append_u8(out, '{');
    api__member_string(out, "BillingMode",
                       t->on_demand ? TC_SLICE_LIT("PAY_PER_REQUEST")
                                    : TC_SLICE_LIT("PROVISIONED"));
    if (t->on_demand_switch_ms && !t->creating)
        api__member_time(out, "LastUpdateToPayPerRequestDateTime", t->on_demand_switch_ms);
    tc_buf_append_u8(out, '}');
}

static void member_i64(struct tc_buf *out, const char *name, int64_t value) {
    api__member(out, name);
    tc_buf_printf(out, "%" PRId64, value);
}

static void write_maxima(struct tc_buf *out, const struct api_table_description *t) {
    if (t->max_read_units == 0 && t->max_write_units == 0)
        return;
    api__member(out, "OnDemandThroughput");
    tc_buf_append_u8(out, '{');
    if (t->max_read_units)
        member_i64(out, "MaxReadRequestUnits", t->max_read_units);
    if (t->max_write_units)
        member_i64(out, "MaxWriteRequestUnits", t->max_write_units);
    tc_buf_append_u8(out, '}');
}

static void write_warm(struct tc_buf *out, const struct api_table_description *t) {
    bool growing = t->warm_growing || t->status == API_TABLE_CREATING;
    if (t->creating && !t->warm_asked)
        return;
    api__member(out, "WarmThroughput");
    tc_buf_append_u8(out, '{');
    api__member_u64(out, "ReadUnitsPerSecond", t->warm_read_units);
    api__member_u64(out, "WriteUnitsPerSecond", t->warm_write_units);
    api__member_string(out, "Status", growing ? TC_SLICE_LIT("UPDATING") : TC_SLICE_LIT("ACTIVE"));
    tc_buf_append_u8(out, '}');
}

static void write_identity(struct tc_buf *out, const struct api_table_description *t) {
    api__member(out, "TableArn");
    tc_buf_append_u8(out, '"');
    api_write_table_arn(out, t->region, t->name);
    tc_buf_append_u8(out, '"');
    api__member_string(out, "TableId", t->uuid);
    if (t->table_class.len) {
        api__member(out, "TableClassSummary");
        tc_buf_append_u8(out, '{');
        api__member_string(out, "TableClass", t->table_class);
        if (t->class_changed_ms)
            api__member_time(out, "LastUpdateDateTime", t->class_changed_ms);
        tc_buf_append_u8(out, '}');
    }
}

void api_write_table(struct tc_buf *out, const char *member,
                     const struct api_table_description *t) {
    TC_ASSERT(t->key_count >= 1 && t->key_count <= 2);
    tc_buf_append_u8(out, '{');
    api__member(out, member);
    tc_buf_append_u8(out, '{');
    write_definitions(out, t);
    write_keys(out, t);
    api__member_string(out, "TableName", t->name);
    api__member_string(out, "TableStatus", api__table_status(t->status));
    api__member_time(out, "CreationDateTime", t->created_ms);
    write_throughput(out, t);
    api__member_u64(out, "TableSizeBytes", t->size_bytes);
    api__member_u64(out, "ItemCount", t->item_count);
    write_identity(out, t);
    write_billing(out, t);
    write_maxima(out, t);
    write_warm(out, t);
    api__member_indexes(out, "LocalSecondaryIndexes", t, /* global= */ false);
    api__member_indexes(out, "GlobalSecondaryIndexes", t, /* global= */ true);
    api__member(out, "DeletionProtectionEnabled");
    json_put_bool(out, t->deletion_protection);
    tc_buf_append_str(out, "}}");
}

void api_write_list_tables_begin(struct tc_buf *out) {
    tc_buf_append_u8(out, '{');
    api__member(out, "TableNames");
    tc_buf_append_u8(out, '[');
}

void api_write_list_tables_name(struct tc_buf *out, struct tc_slice name) {
    api__comma(out);
    json_put_string(out, name);
}

void api_write_list_tables_end(struct tc_buf *out, struct tc_slice last) {
    tc_buf_append_u8(out, ']');
    if (last.data != NULL)
        api__member_string(out, "LastEvaluatedTableName", last);
    tc_buf_append_u8(out, '}');
}

void api_write_limits(struct tc_buf *out, const struct api_limits *limits) {
    tc_buf_append_u8(out, '{');
    api__member_u64(out, "AccountMaxReadCapacityUnits", limits->account_read_units);
    api__member_u64(out, "AccountMaxWriteCapacityUnits", limits->account_write_units);
    api__member_u64(out, "TableMaxReadCapacityUnits", limits->table_read_units);
    api__member_u64(out, "TableMaxWriteCapacityUnits", limits->table_write_units);
    tc_buf_append_u8(out, '}');
}

void api_write_endpoints(struct tc_buf *out, struct tc_slice address, uint64_t cache_minutes) {
    tc_buf_append_u8(out, '{');
    api__member(out, "Endpoints");
    tc_buf_append_str(out, "[{");
    api__member_string(out, "Address", address);
    api__member_u64(out, "CachePeriodInMinutes", cache_minutes);
    tc_buf_append_str(out, "}]}");
}
