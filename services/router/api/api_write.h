/* Response bodies, written straight into the answer's buffer.
 *
 * Pure. Members are separated automatically; a writer called between begin and end appends one
 * member or element. Items and keys are checked item encodings. Amounts are milli capacity units.
 */
#ifndef TC_ROUTER_API_WRITE_H
#define TC_ROUTER_API_WRITE_H

#include "base/buf.h"
#include "router/api/api_types.h"

/* What one table's part of a request consumed. Nothing is written for API_CAPACITY_NONE or 0. */
struct api_index_consumed {
    struct tc_slice name;
    bool global;
    uint64_t units_mu;
};
struct api_consumed {
    unsigned detail; /* enum api_return_capacity */
    struct tc_slice table_name;
    uint64_t units_mu;                        /* of the table and all its indexes */
    const struct api_index_consumed *indexes; /* those that consumed something */
    size_t index_count;
};

/* An item collection of a table with local indexes, for ReturnItemCollectionMetrics. */
struct api_collection {
    struct tc_slice key; /* item of the partition key alone; data NULL: not asked for */
    uint64_t bytes;
};

/* {"Item":...}, {"Attributes":...}: item.data NULL leaves the member out. */
void api_write_get_item(struct tc_buf *out, struct tc_slice item, struct api_consumed consumed);
void api_write_write_item(struct tc_buf *out, struct tc_slice attributes,
                          struct api_consumed consumed, struct api_collection collection);

/* Query and Scan: begin, each item, end. select API_SELECT_COUNT writes no items. */
void api_write_page_begin(struct tc_buf *out, unsigned select);
void api_write_page_item(struct tc_buf *out, struct tc_slice item);
struct api_page_end {
    unsigned select;
    uint64_t count;
    uint64_t scanned_count;
    struct tc_slice last_evaluated_key; /* data NULL: the end was reached */
    struct api_consumed consumed;
};
void api_write_page_end(struct tc_buf *out, const struct api_page_end *end);

/* BatchGetItem: begin; for each table begin, its items, end; unprocessed_begin, for each table its
 * parts; end with one api_consumed per table, write_end. */
void api_write_batch_get_begin(struct tc_buf *out);
void api_write_batch_table_begin(struct tc_buf *out, struct tc_slice table_name);
void api_write_batch_table_end(struct tc_buf *out);
void api_write_batch_get_unprocessed_begin(struct tc_buf *out);
/* The table's own parameters with only those keys whose bit in done is 0. */
void api_write_batch_get_unprocessed(struct tc_buf *out, const struct api_batch_get_table *table,
                                     const bool *done);
/* BatchWriteItem: begin, each table with writes left over, end, collections, write_end. */
void api_write_batch_write_begin(struct tc_buf *out);
void api_write_batch_write_unprocessed(struct tc_buf *out,
                                       const struct api_batch_write_table *table, const bool *done);
void api_write_batch_end(struct tc_buf *out, const struct api_consumed *consumed, size_t count);
/* BatchWriteItem's ItemCollectionMetrics, after the consumed capacity: begin; for each table with
 * any begin, its collections, end; end. */
void api_write_batch_metrics_begin(struct tc_buf *out);
void api_write_batch_collection(struct tc_buf *out, struct api_collection collection);
void api_write_batch_metrics_end(struct tc_buf *out);
void api_write_end(struct tc_buf *out);

/* Tables. */
enum api_table_status {
    API_TABLE_CREATING,
    API_TABLE_ACTIVE,
    API_TABLE_UPDATING,
    API_TABLE_DELETING,
};
struct api_table_key {
    struct tc_slice name;
    struct tc_slice type; /* "S", "N", "B" */
};
struct api_index_description {
    struct tc_slice name;
    bool global;
    enum api_table_status status;
    bool backfilling, shows_backfilling;
    const struct tc_slice *keys; /* hash_count of them HASH, then RANGE */
    size_t hash_count, key_count;
    unsigned projection; /* enum api_projection_type */
    const struct tc_slice *attributes;
    size_t attribute_count;
    bool on_demand;
    uint64_t read_units, write_units;
    uint64_t last_increase_ms, last_decrease_ms, decreases_today;
    uint64_t max_read_units, max_write_units;
    uint64_t warm_read_units, warm_write_units;
    uint64_t item_count, size_bytes;
};
struct api_table_description {
    struct tc_slice name;
    struct tc_slice region;
    struct tc_slice uuid;
    enum api_table_status status;
    struct api_table_key keys[2]; /* HASH, then RANGE if any */
    size_t key_count;
    const struct api_table_key *definitions; /* keys of table and indexes, each once */
    size_t definition_count;                 /* 0: those of the table */
    const struct api_index_description *indexes;
    size_t index_count;
    bool on_demand;
    uint64_t on_demand_switch_ms; /* wall clock; 0: never */
    uint64_t created_ms;
    uint64_t read_units, write_units;
    uint64_t last_increase_ms, last_decrease_ms, decreases_today;
    int64_t max_read_units, max_write_units; /* 0: none, -1: taken away by this request */
    uint64_t warm_read_units, warm_write_units;
    bool warm_growing; /* partitions are being made for more than that */
    uint64_t item_count, size_bytes;
    bool deletion_protection;
    struct tc_slice table_class; /* empty: STANDARD, not shown */
    uint64_t class_changed_ms;   /* 0: never */
    bool creating;               /* CreateTable's answer: what is settled later is left out */
    bool warm_asked;             /* creating: with warm throughput */
};
/* {"Table":{...}} of DescribeTable, {"TableDescription":{...}} of the others. */
void api_write_table(struct tc_buf *out, const char *member, const struct api_table_description *t);
/* arn:aws:dynamodb:REGION:000000000000:table/NAME, as text without quotes. */
void api_write_table_arn(struct tc_buf *out, struct tc_slice region, struct tc_slice table_name);

void api_write_list_tables_begin(struct tc_buf *out);
void api_write_list_tables_name(struct tc_buf *out, struct tc_slice name);
/* last: data NULL when there are no more. */
void api_write_list_tables_end(struct tc_buf *out, struct tc_slice last);

/* ListTagsOfResource: begin, each tag, end. */
void api_write_tags_begin(struct tc_buf *out);
void api_write_tag(struct tc_buf *out, struct tc_slice key, struct tc_slice value);
void api_write_tags_end(struct tc_buf *out);

/* UpdateTimeToLive repeats what was asked; DescribeTimeToLive: attribute empty: none. */
enum api_ttl_status {
    API_TTL_DISABLED,
    API_TTL_ENABLING,
    API_TTL_ENABLED,
    API_TTL_DISABLING,
};
void api_write_ttl(struct tc_buf *out, bool enabled, struct tc_slice attribute);
void api_write_ttl_description(struct tc_buf *out, enum api_ttl_status status,
                               struct tc_slice attribute);

struct api_limits {
    uint64_t account_read_units, account_write_units, table_read_units, table_write_units;
};
void api_write_limits(struct tc_buf *out, const struct api_limits *limits);
void api_write_endpoints(struct tc_buf *out, struct tc_slice address, uint64_t cache_minutes);

/* The Item member that ReturnValuesOnConditionCheckFailure=ALL_OLD adds to the error's body: JSON
 * text that begins with a comma, for api_fail_with. */
void api_write_condition_item(struct tc_buf *out, struct tc_slice item);

#endif
