/* Requests of the API as structs, one per operation, in the model's own words.
 *
 * Memory: everything a request points to lives in its arena or in the HTTP body, both of which
 * live until the answer was handed over. Items and values are in the item encoding, checked.
 * An absent member is: a slice with data NULL, a pointer NULL, set false, an enum of 0, API_UNSET.
 */
#ifndef TC_ROUTER_API_TYPES_H
#define TC_ROUTER_API_TYPES_H

#include "core/expr/expr.h"
#include "core/item/item.h"

enum {
    API_BATCH_GET_KEYS_MAX = 100,
    API_BATCH_WRITE_MAX = 25,
    API_TRANSACT_MAX = 100,
    API_TRANSACT_BYTES_MAX = 4 << 20,
    API_LIST_TABLES_MAX = 100,
    API_SEGMENTS_MAX = 1000000,
    API_NAME_BYTES_MIN = 3,  /* of what is created or begins a list */
    API_TABLE_BYTES_MIN = 1, /* of a table that is only named */
    API_NAME_BYTES_MAX = 255,
    API_RESPONSE_PAGE_BYTES_MAX = 1024 * 1024,
    API_TAGS_MAX = 50,
    API_TAG_KEY_CHARS_MAX = 128,
    API_TAG_VALUE_CHARS_MAX = 256,
    API_ON_DEMAND_READ_UNITS = 12000, /* what an on-demand table takes from the start */
    API_ON_DEMAND_WRITE_UNITS = 4000,
};

enum api_bool {
    API_UNSET,
    API_FALSE,
    API_TRUE,
};

struct api_integer {
    bool set;
    int64_t value;
};

/* Strings, encoded values or encoded items. */
struct api_slices {
    bool set;
    struct tc_slice *items;
    size_t count;
};

/* Structs of the element type the field's row names. */
struct api_list {
    bool set;
    void *items;
    size_t count;
};

/* ExpressionAttributeNames or -Values, ready for expr_bindings_prepare. */
struct api_bindings {
    bool set;
    struct expr_bindings list;
};

enum api_return_values {
    API_RETURN_NONE = 1,
    API_RETURN_ALL_OLD,
    API_RETURN_UPDATED_OLD,
    API_RETURN_ALL_NEW,
    API_RETURN_UPDATED_NEW,
};
enum api_return_capacity {
    API_CAPACITY_INDEXES = 1,
    API_CAPACITY_TOTAL,
    API_CAPACITY_NONE,
};
enum api_collection_metrics {
    API_METRICS_SIZE = 1,
    API_METRICS_NONE,
};
enum api_select {
    API_SELECT_ALL_ATTRIBUTES = 1,
    API_SELECT_ALL_PROJECTED,
    API_SELECT_SPECIFIC,
    API_SELECT_COUNT,
};
enum api_billing {
    API_BILLING_PROVISIONED = 1,
    API_BILLING_ON_DEMAND,
};
enum api_key_type {
    API_KEY_HASH = 1,
    API_KEY_RANGE,
};
enum api_attribute_type {
    API_ATTRIBUTE_S = 1,
    API_ATTRIBUTE_N,
    API_ATTRIBUTE_B,
};

/* In the order of their names in the API's texts. */
enum api_comparison {
    API_COMPARISON_IN = 1,
    API_COMPARISON_NULL,
    API_COMPARISON_BETWEEN,
    API_COMPARISON_LT,
    API_COMPARISON_NOT_CONTAINS,
    API_COMPARISON_EQ,
    API_COMPARISON_GT,
    API_COMPARISON_NOT_NULL,
    API_COMPARISON_NE,
    API_COMPARISON_LE,
    API_COMPARISON_BEGINS_WITH,
    API_COMPARISON_GE,
    API_COMPARISON_CONTAINS,
};
enum api_conditional_operator {
    API_CONDITIONAL_OR = 1,
    API_CONDITIONAL_AND,
};
enum api_attribute_action {
    API_ACTION_ADD = 1,
    API_ACTION_DELETE,
    API_ACTION_PUT,
};

/* A member of KeyConditions, QueryFilter, ScanFilter or Expected (legacy parameters). */
struct api_condition {
    struct tc_slice name;
    unsigned comparison; /* enum api_comparison; Expected may have none */
    struct api_slices values;
    struct tc_slice value; /* Expected */
    unsigned exists;       /* Expected */
};
/* A member of AttributeUpdates (legacy). */
struct api_attribute_update {
    struct tc_slice name;
    struct tc_slice value;
    unsigned action; /* enum api_attribute_action; none: PUT */
};

struct api_throughput {
    struct api_integer read_units, write_units;
};
struct api_attribute_definition {
    struct tc_slice name;
    unsigned type; /* enum api_attribute_type */
};
struct api_key_element {
    struct tc_slice name;
    unsigned type; /* enum api_key_type */
};
struct api_stream_specification {
    unsigned enabled;
    unsigned view;
};
struct api_sse_specification {
    unsigned enabled;
    unsigned type;
};

struct api_on_demand {
    struct api_integer max_read_units, max_write_units;
};
struct api_warm {
    struct api_integer read_units, write_units;
};
struct api_tag {
    struct tc_slice key, value;
};

enum api_projection_type {
    API_PROJECTION_ALL = 1,
    API_PROJECTION_KEYS_ONLY,
    API_PROJECTION_INCLUDE,
};
struct api_projection {
    unsigned type;                /* enum api_projection_type */
    struct api_slices attributes; /* INCLUDE */
};
/* Of a local index: name, keys and projection only. */
struct api_index {
    struct tc_slice name;
    struct api_list key_schema; /* api_key_element */
    struct api_projection *projection;
    struct api_throughput *throughput;
    struct api_on_demand *on_demand;
    struct api_warm *warm;
};
struct api_index_change {
    struct tc_slice name;
    struct api_throughput *throughput;
    struct api_on_demand *on_demand;
    struct api_warm *warm;
};
struct api_index_delete {
    struct tc_slice name;
};
/* Exactly one of the three. */
struct api_index_update {
    struct api_index *create;
    struct api_index_change *update;
    struct api_index_delete *del;
};

struct api_create_table {
    struct tc_slice table_name;
    struct api_list attribute_definitions; /* api_attribute_definition */
    struct api_list key_schema;            /* api_key_element */
    unsigned billing_mode;                 /* enum api_billing */
    struct api_throughput *throughput;
    struct api_stream_specification *stream;
    struct api_sse_specification *sse;
    unsigned table_class; /* 1 standard, 2 infrequent access */
    unsigned deletion_protection;
    struct api_on_demand *on_demand;
    struct api_warm *warm;
    struct api_list tags;                          /* api_tag */
    struct api_list local_indexes, global_indexes; /* api_index */
};

struct api_update_table {
    struct tc_slice table_name;
    struct api_list attribute_definitions;
    unsigned billing_mode;
    struct api_throughput *throughput;
    struct api_stream_specification *stream;
    struct api_sse_specification *sse;
    unsigned table_class;
    unsigned deletion_protection;
    struct api_on_demand *on_demand;
    struct api_warm *warm;
    struct api_list index_updates; /* api_index_update */
};

struct api_ttl_specification {
    unsigned enabled;
    struct tc_slice attribute;
};
struct api_update_ttl {
    struct tc_slice table_name;
    struct api_ttl_specification *ttl;
};

struct api_tag_resource {
    struct tc_slice arn; /* of a table, as the rules have made sure */
    struct api_list tags;
};
struct api_untag_resource {
    struct tc_slice arn;
    struct api_slices keys;
};
struct api_list_tags {
    struct tc_slice arn;
    struct tc_slice next_token;
};

/* DeleteTable, DescribeTable, DescribeTimeToLive */
struct api_table_only {
    struct tc_slice table_name;
};

struct api_list_tables {
    struct tc_slice start_table_name;
    struct api_integer limit;
};

struct api_nothing {
    unsigned unused;
};

/* PutItem, DeleteItem, UpdateItem: item or key, and what goes with every write. */
struct api_write_item {
    struct tc_slice table_name;
    struct tc_slice item; /* PutItem */
    struct tc_slice key;  /* the others */
    struct tc_slice condition_expression;
    struct tc_slice update_expression; /* UpdateItem */
    struct api_bindings names, values;
    unsigned return_values;            /* enum api_return_values */
    unsigned return_on_condition_fail; /* API_RETURN_NONE or _ALL_OLD */
    unsigned return_capacity;          /* enum api_return_capacity */
    unsigned return_collection_metrics;
    struct api_list expected;          /* api_condition; legacy, never with expressions */
    struct api_list attribute_updates; /* api_attribute_update; UpdateItem; the same */
    unsigned conditional_operator;     /* enum api_conditional_operator, over expected */
};

struct api_get_item {
    struct tc_slice table_name;
    struct tc_slice key;
    unsigned consistent_read;
    struct tc_slice projection_expression;
    struct api_slices attributes_to_get; /* legacy; never with a projection */
    struct api_bindings names;
    unsigned return_capacity;
};

/* Query and Scan. */
struct api_read_page {
    struct tc_slice table_name;
    struct tc_slice index_name;
    unsigned select; /* enum api_select */
    struct api_slices attributes_to_get;
    struct api_integer limit;
    unsigned consistent_read;
    unsigned forward; /* Query: API_FALSE walks backwards */
    struct tc_slice exclusive_start_key;
    unsigned return_capacity;
    struct tc_slice projection_expression;
    struct tc_slice filter_expression;
    struct tc_slice key_condition_expression; /* Query */
    struct api_bindings names, values;
    struct api_integer total_segments, segment; /* Scan */
    struct api_list key_conditions;             /* api_condition; legacy, Query */
    struct api_list filter_conditions;          /* api_condition; QueryFilter or ScanFilter */
    unsigned conditional_operator; /* enum api_conditional_operator, over filter_conditions */
};

struct api_batch_get_table {
    struct tc_slice table_name;
    struct api_slices keys;
    struct api_slices attributes_to_get;
    unsigned consistent_read;
    struct tc_slice projection_expression;
    struct api_bindings names;
};
struct api_batch_get {
    struct api_list tables; /* api_batch_get_table */
    unsigned return_capacity;
};

/* Exactly one of the five. */
struct api_transact_action {
    struct api_write_item *put, *update, *del, *check;
    struct api_get_item *get;
};
struct api_transact {
    struct api_list actions; /* api_transact_action */
    unsigned return_capacity;
    unsigned return_collection_metrics;
    struct tc_slice token;
};

struct api_put_request {
    struct tc_slice item;
};
struct api_delete_request {
    struct tc_slice key;
};
struct api_write_request {
    struct api_put_request *put; /* exactly one of the two */
    struct api_delete_request *del;
};
struct api_batch_write_table {
    struct tc_slice table_name;
    struct api_list writes; /* api_write_request */
};
struct api_batch_write {
    struct api_list tables; /* api_batch_write_table */
    unsigned return_capacity;
    unsigned return_collection_metrics;
};

#endif
