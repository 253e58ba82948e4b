/* The parameters of every built operation, row by row, as in the public service model. */
#include "router/api/api_shapes_private.h"

const struct api_shape api_shape_nothing = {NULL, 0, sizeof(struct api_nothing), NULL};

#define COMPARISONS                                                                                \
    "IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS"
#define VALUE_LIST_ROW                                                                             \
    { "AttributeValueList", API_KIND_VALUE_LIST, 0, AT(api_condition, values), NULL, NULL, 0, 0 }
/* A legacy parameter: a map from attribute names to structs. */
#define LEGACY_ROW(name, type, member, shape)                                                      \
    { name, API_KIND_STRUCT_MAP, API_ATTRIBUTE_KEYS, AT(type, member), &shape, NULL, 0, 0 }
#define OPERATOR_ROW(type) ENUM_ROW("ConditionalOperator", type, conditional_operator, "OR, AND")

static const struct api_field condition_rows[] = {
    {"ComparisonOperator", API_KIND_ENUM, API_REQUIRED, AT(api_condition, comparison), NULL,
     COMPARISONS, 0, 0},
    VALUE_LIST_ROW,
};
LOCAL_SHAPE(condition_shape, condition_rows, api_condition, "Condition");

static const struct api_field expected_rows[] = {
    ENUM_ROW("ComparisonOperator", api_condition, comparison, COMPARISONS),
    VALUE_LIST_ROW,
    {"Value", API_KIND_VALUE, 0, AT(api_condition, value), NULL, NULL, 0, 0},
    BOOL_ROW("Exists", api_condition, exists),
};
LOCAL_SHAPE(expected_shape, expected_rows, api_condition, "ExpectedAttributeValue");

static const struct api_field attribute_update_rows[] = {
    {"Value", API_KIND_VALUE, 0, AT(api_attribute_update, value), NULL, NULL, 0, 0},
    ENUM_ROW("Action", api_attribute_update, action, "ADD, DELETE, PUT"),
};
LOCAL_SHAPE(attribute_update_shape, attribute_update_rows, api_attribute_update,
            "AttributeValueUpdate");

/* Everything that the three single-item writes share. */
#define WRITE_ROWS                                                                                 \
    TABLE_ROW(api_write_item, API_REQUIRED),                                                       \
        STRING_ROW("ConditionExpression", api_write_item, condition_expression),                   \
        NAMES_ROW(api_write_item), VALUES_ROW(api_write_item),                                     \
        ENUM_ROW("ReturnValues", api_write_item, return_values,                                    \
                 "NONE, ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW"),                              \
        ENUM_ROW("ReturnValuesOnConditionCheckFailure", api_write_item, return_on_condition_fail,  \
                 "NONE, ALL_OLD"),                                                                 \
        CAPACITY_ROW(api_write_item), METRICS_ROW(api_write_item),                                 \
        LEGACY_ROW("Expected", api_write_item, expected, expected_shape),                          \
        OPERATOR_ROW(api_write_item)

static const struct api_field put_item_rows[] = {
    WRITE_ROWS,
    {"Item", API_KIND_ITEM, API_REQUIRED, AT(api_write_item, item), NULL, NULL, 0, 0},
};
SHAPE(api_shape_put_item, put_item_rows, api_write_item);

static const struct api_field delete_item_rows[] = {WRITE_ROWS, KEY_ROW(api_write_item)};
SHAPE(api_shape_delete_item, delete_item_rows, api_write_item);

static const struct api_field update_item_rows[] = {
    WRITE_ROWS,
    KEY_ROW(api_write_item),
    STRING_ROW("UpdateExpression", api_write_item, update_expression),
    LEGACY_ROW("AttributeUpdates", api_write_item, attribute_updates, attribute_update_shape),
};
SHAPE(api_shape_update_item, update_item_rows, api_write_item);

static const struct api_field get_item_rows[] = {
    TABLE_ROW(api_get_item, API_REQUIRED),
    KEY_ROW(api_get_item),
    BOOL_ROW("ConsistentRead", api_get_item, consistent_read),
    STRING_ROW("ProjectionExpression", api_get_item, projection_expression),
    TO_GET_ROW(api_get_item),
    NAMES_ROW(api_get_item),
    CAPACITY_ROW(api_get_item),
};
SHAPE(api_shape_get_item, get_item_rows, api_get_item);

#define PAGE_ROWS                                                                                  \
    TABLE_ROW(api_read_page, API_REQUIRED),                                                        \
        {"IndexName", API_KIND_STRING,    API_NAME_PATTERN,  AT(api_read_page, index_name), NULL,  \
         NULL,        API_NAME_BYTES_MIN, API_NAME_BYTES_MAX},                                     \
        ENUM_ROW("Select", api_read_page, select,                                                  \
                 "ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES, SPECIFIC_ATTRIBUTES, COUNT"),          \
        TO_GET_ROW(api_read_page), BOOL_ROW("ConsistentRead", api_read_page, consistent_read),     \
        {"ExclusiveStartKey",                                                                      \
         API_KIND_ITEM,                                                                            \
         0,                                                                                        \
         AT(api_read_page, exclusive_start_key),                                                   \
         NULL,                                                                                     \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        CAPACITY_ROW(api_read_page),                                                               \
        STRING_ROW("ProjectionExpression", api_read_page, projection_expression),                  \
        STRING_ROW("FilterExpression", api_read_page, filter_expression),                          \
        NAMES_ROW(api_read_page), VALUES_ROW(api_read_page), OPERATOR_ROW(api_read_page)

static const struct api_field query_rows[] = {
    PAGE_ROWS,
    {"Limit", API_KIND_INTEGER, API_TOLD_PLAINLY, AT(api_read_page, limit), NULL, NULL, 1,
     INT32_MAX},
    STRING_ROW("KeyConditionExpression", api_read_page, key_condition_expression),
    BOOL_ROW("ScanIndexForward", api_read_page, forward),
    LEGACY_ROW("KeyConditions", api_read_page, key_conditions, condition_shape),
    LEGACY_ROW("QueryFilter", api_read_page, filter_conditions, condition_shape),
};
SHAPE(api_shape_query, query_rows, api_read_page);

static const struct api_field scan_rows[] = {
    PAGE_ROWS,
    {"Limit", API_KIND_INTEGER, 0, AT(api_read_page, limit), NULL, NULL, 1, INT32_MAX},
    {"TotalSegments", API_KIND_INTEGER, 0, AT(api_read_page, total_segments), NULL, NULL, 1,
     API_SEGMENTS_MAX},
    {"Segment", API_KIND_INTEGER, 0, AT(api_read_page, segment), NULL, NULL, 0,
     API_SEGMENTS_MAX - 1},
    LEGACY_ROW("ScanFilter", api_read_page, filter_conditions, condition_shape),
};
SHAPE(api_shape_scan, scan_rows, api_read_page);

static const struct api_field batch_get_table_rows[] = {
    {"Keys", API_KIND_ITEM_LIST, API_REQUIRED | API_TOLD_PLAINLY, AT(api_batch_get_table, keys),
     NULL, NULL, 1, API_BATCH_GET_KEYS_MAX},
    TO_GET_ROW(api_batch_get_table),
    BOOL_ROW("ConsistentRead", api_batch_get_table, consistent_read),
    STRING_ROW("ProjectionExpression", api_batch_get_table, projection_expression),
    NAMES_ROW(api_batch_get_table),
};
LOCAL_SHAPE(batch_get_table_shape, batch_get_table_rows, api_batch_get_table, "KeysAndAttributes");

static const struct api_field batch_get_rows[] = {
    {"RequestItems", API_KIND_STRUCT_MAP, API_REQUIRED, AT(api_batch_get, tables),
     &batch_get_table_shape, NULL, 0, API_BATCH_GET_KEYS_MAX},
    CAPACITY_ROW(api_batch_get),
};
SHAPE(api_shape_batch_get, batch_get_rows, api_batch_get);

static const struct api_field put_request_rows[] = {
    {"Item", API_KIND_ITEM, API_REQUIRED, AT(api_put_request, item), NULL, NULL, 0, 0},
};
LOCAL_SHAPE(put_request_shape, put_request_rows, api_put_request, "PutRequest");

static const struct api_field delete_request_rows[] = {KEY_ROW(api_delete_request)};
LOCAL_SHAPE(delete_request_shape, delete_request_rows, api_delete_request, "DeleteRequest");

static const struct api_field write_request_rows[] = {
    STRUCT_ROW("PutRequest", api_write_request, put, &put_request_shape),
    STRUCT_ROW("DeleteRequest", api_write_request, del, &delete_request_shape),
};
LOCAL_SHAPE(write_request_shape, write_request_rows, api_write_request, "WriteRequest");

static const struct api_field batch_write_table_rows[] = {
    {"", API_KIND_STRUCT_LIST, 0, AT(api_batch_write_table, writes), &write_request_shape, NULL, 1,
     API_BATCH_WRITE_MAX},
};
/* A list, not a structure: without a name. */
LOCAL_SHAPE(batch_write_table_shape, batch_write_table_rows, api_batch_write_table, NULL);

static const struct api_field batch_write_rows[] = {
    {"RequestItems", API_KIND_STRUCT_LIST_MAP, API_REQUIRED, AT(api_batch_write, tables),
     &batch_write_table_shape, NULL, 0, API_BATCH_WRITE_MAX},
    CAPACITY_ROW(api_batch_write),
    METRICS_ROW(api_batch_write),
};
SHAPE(api_shape_batch_write, batch_write_rows, api_batch_write);
