/* The parameters of the operations on tables, row by row, as in the public service model. */
#include "router/api/api_shapes_private.h"

static const struct api_field throughput_rows[] = {
    {"ReadCapacityUnits", API_KIND_LONG, API_REQUIRED, AT(api_throughput, read_units), NULL, NULL,
     1, INT64_MAX},
    {"WriteCapacityUnits", API_KIND_LONG, API_REQUIRED, AT(api_throughput, write_units), NULL, NULL,
     1, INT64_MAX},
};
LOCAL_SHAPE(throughput_shape, throughput_rows, api_throughput, "ProvisionedThroughput");

static const struct api_field definition_rows[] = {
    {"AttributeName", API_KIND_STRING, API_REQUIRED, AT(api_attribute_definition, name), NULL, NULL,
     1, 255},
    {"AttributeType", API_KIND_ENUM, API_REQUIRED, AT(api_attribute_definition, type), NULL,
     "S, N, B", 0, 0},
};
LOCAL_SHAPE(definition_shape, definition_rows, api_attribute_definition, "AttributeDefinition");

static const struct api_field key_element_rows[] = {
    {"AttributeName", API_KIND_STRING, API_REQUIRED, AT(api_key_element, name), NULL, NULL, 1, 255},
    {"KeyType", API_KIND_ENUM, API_REQUIRED, AT(api_key_element, type), NULL, "HASH, RANGE", 0, 0},
};
LOCAL_SHAPE(key_element_shape, key_element_rows, api_key_element, "KeySchemaElement");

static const struct api_field stream_rows[] = {
    {"StreamEnabled", API_KIND_BOOL, API_REQUIRED, AT(api_stream_specification, enabled), NULL,
     NULL, 0, 0},
    ENUM_ROW("StreamViewType", api_stream_specification, view,
             "NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY"),
};
LOCAL_SHAPE(stream_shape, stream_rows, api_stream_specification, "StreamSpecification");

static const struct api_field sse_rows[] = {
    BOOL_ROW("Enabled", api_sse_specification, enabled),
    ENUM_ROW("SSEType", api_sse_specification, type, "AES256, KMS"),
    REFUSED_ROW("KMSMasterKeyId"),
};
LOCAL_SHAPE(sse_shape, sse_rows, api_sse_specification, "SSESpecification");

static const struct api_field on_demand_rows[] = {
    {"MaxReadRequestUnits", API_KIND_LONG, 0, AT(api_on_demand, max_read_units), NULL, NULL, 0, 0},
    {"MaxWriteRequestUnits", API_KIND_LONG, 0, AT(api_on_demand, max_write_units), NULL, NULL, 0,
     0},
};
LOCAL_SHAPE(on_demand_shape, on_demand_rows, api_on_demand, "OnDemandThroughput");

static const struct api_field warm_rows[] = {
    {"ReadUnitsPerSecond", API_KIND_LONG, 0, AT(api_warm, read_units), NULL, NULL, 0, 0},
    {"WriteUnitsPerSecond", API_KIND_LONG, 0, AT(api_warm, write_units), NULL, NULL, 0, 0},
};
LOCAL_SHAPE(warm_shape, warm_rows, api_warm, "WarmThroughput");

static const struct api_field projection_rows[] = {
    ENUM_ROW("ProjectionType", api_projection, type, "ALL, KEYS_ONLY, INCLUDE"),
    {"NonKeyAttributes", API_KIND_STRING_LIST, 0, AT(api_projection, attributes), NULL, NULL, 1,
     20},
};
LOCAL_SHAPE(projection_shape, projection_rows, api_projection, "Projection");

#define INDEX_NAME_ROW(type)                                                                       \
    {                                                                                              \
        "IndexName", API_KIND_STRING, API_REQUIRED | API_NAME_PATTERN, AT(type, name), NULL, NULL, \
            API_NAME_BYTES_MIN, API_NAME_BYTES_MAX                                                 \
    }
/* The rules of keys say how many there may be (api_check_keys.c). */
#define INDEX_ROWS                                                                                 \
    INDEX_NAME_ROW(api_index),                                                                     \
        {"KeySchema",                                                                              \
         API_KIND_STRUCT_LIST,                                                                     \
         API_REQUIRED,                                                                             \
         AT(api_index, key_schema),                                                                \
         &key_element_shape,                                                                       \
         NULL,                                                                                     \
         1,                                                                                        \
         0},                                                                                       \
    {                                                                                              \
        "Projection", API_KIND_STRUCT, API_REQUIRED, AT(api_index, projection), &projection_shape, \
            NULL, 0, 0                                                                             \
    }
#define INDEX_THROUGHPUT_ROWS(type)                                                                \
    STRUCT_ROW("ProvisionedThroughput", type, throughput, &throughput_shape),                      \
        STRUCT_ROW("OnDemandThroughput", type, on_demand, &on_demand_shape),                       \
        STRUCT_ROW("WarmThroughput", type, warm, &warm_shape)

static const struct api_field local_index_rows[] = {INDEX_ROWS};
LOCAL_SHAPE(local_index_shape, local_index_rows, api_index, "LocalSecondaryIndex");

static const struct api_field global_index_rows[] = {INDEX_ROWS, INDEX_THROUGHPUT_ROWS(api_index)};
LOCAL_SHAPE(global_index_shape, global_index_rows, api_index, "GlobalSecondaryIndex");
LOCAL_SHAPE(index_create_shape, global_index_rows, api_index, "CreateGlobalSecondaryIndexAction");

static const struct api_field index_change_rows[] = {INDEX_NAME_ROW(api_index_change),
                                                     INDEX_THROUGHPUT_ROWS(api_index_change)};
LOCAL_SHAPE(index_change_shape, index_change_rows, api_index_change,
            "UpdateGlobalSecondaryIndexAction");

static const struct api_field index_delete_rows[] = {INDEX_NAME_ROW(api_index_delete)};
LOCAL_SHAPE(index_delete_shape, index_delete_rows, api_index_delete,
            "DeleteGlobalSecondaryIndexAction");

static const struct api_field index_update_rows[] = {
    STRUCT_ROW("Create", api_index_update, create, &index_create_shape),
    STRUCT_ROW("Update", api_index_update, update, &index_change_shape),
    STRUCT_ROW("Delete", api_index_update, del, &index_delete_shape),
};
LOCAL_SHAPE(index_update_shape, index_update_rows, api_index_update, "GlobalSecondaryIndexUpdate");

/* Their rules have texts of their own (api_check_tags.c). */
static const struct api_field tag_rows[] = {
    STRING_ROW("Key", api_tag, key),
    STRING_ROW("Value", api_tag, value),
};
LOCAL_SHAPE(tag_shape, tag_rows, api_tag, "Tag");

#define TABLE_SETTING_ROWS(type)                                                                   \
    ENUM_ROW("BillingMode", type, billing_mode, "PROVISIONED, PAY_PER_REQUEST"),                   \
        STRUCT_ROW("ProvisionedThroughput", type, throughput, &throughput_shape),                  \
        STRUCT_ROW("StreamSpecification", type, stream, &stream_shape),                            \
        STRUCT_ROW("SSESpecification", type, sse, &sse_shape),                                     \
        ENUM_ROW("TableClass", type, table_class, "STANDARD, STANDARD_INFREQUENT_ACCESS"),         \
        BOOL_ROW("DeletionProtectionEnabled", type, deletion_protection),                          \
        STRUCT_ROW("OnDemandThroughput", type, on_demand, &on_demand_shape),                       \
        STRUCT_ROW("WarmThroughput", type, warm, &warm_shape)

static const struct api_field create_table_rows[] = {
    {"TableName", API_KIND_TABLE, API_REQUIRED | API_MISSING_PLAINLY | API_NAME_PATTERN,
     AT(api_create_table, table_name), NULL, NULL, API_NAME_BYTES_MIN, API_NAME_BYTES_MAX},
    {"AttributeDefinitions", API_KIND_STRUCT_LIST, API_REQUIRED,
     AT(api_create_table, attribute_definitions), &definition_shape, NULL, 0, 1000},
    {"KeySchema", API_KIND_STRUCT_LIST, API_REQUIRED, AT(api_create_table, key_schema),
     &key_element_shape, NULL, 1, 2},
    TABLE_SETTING_ROWS(api_create_table),
    LIST_ROW("GlobalSecondaryIndexes", api_create_table, global_indexes, &global_index_shape),
    LIST_ROW("LocalSecondaryIndexes", api_create_table, local_indexes, &local_index_shape),
    LIST_ROW("Tags", api_create_table, tags, &tag_shape),
    REFUSED_ROW("ResourcePolicy"),
    REFUSED_ROW("GlobalTableSourceArn"),
    REFUSED_ROW("VectorIndexes"),
    REFUSED_ROW("GlobalTableSettingsReplicationMode"),
};
SHAPE(api_shape_create_table, create_table_rows, api_create_table);

static const struct api_field update_table_rows[] = {
    TABLE_ROW(api_update_table, API_REQUIRED),
    {"AttributeDefinitions", API_KIND_STRUCT_LIST, 0, AT(api_update_table, attribute_definitions),
     &definition_shape, NULL, 0, 1000},
    TABLE_SETTING_ROWS(api_update_table),
    LIST_ROW("GlobalSecondaryIndexUpdates", api_update_table, index_updates, &index_update_shape),
    REFUSED_ROW("ReplicaUpdates"),
    REFUSED_ROW("MultiRegionConsistency"),
    REFUSED_ROW("GlobalTableWitnessUpdates"),
    REFUSED_ROW("VectorIndexUpdates"),
    REFUSED_ROW("DisassociationProtectionEnabled"),
    REFUSED_ROW("GlobalTableSettingsReplicationMode"),
};
SHAPE(api_shape_update_table, update_table_rows, api_update_table);

static const struct api_field table_only_rows[] = {TABLE_ROW(api_table_only, API_REQUIRED)};
SHAPE(api_shape_table_only, table_only_rows, api_table_only);

static const struct api_field list_tables_rows[] = {
    {"ExclusiveStartTableName", API_KIND_STRING, API_NAME_PATTERN,
     AT(api_list_tables, start_table_name), NULL, NULL, API_NAME_BYTES_MIN, API_NAME_BYTES_MAX},
    {"Limit", API_KIND_INTEGER, 0, AT(api_list_tables, limit), NULL, NULL, 1, API_LIST_TABLES_MAX},
};
SHAPE(api_shape_list_tables, list_tables_rows, api_list_tables);

static const struct api_field ttl_rows[] = {
    {"Enabled", API_KIND_BOOL, API_REQUIRED, AT(api_ttl_specification, enabled), NULL, NULL, 0, 0},
    {"AttributeName", API_KIND_STRING, API_REQUIRED, AT(api_ttl_specification, attribute), NULL,
     NULL, 1, 255},
};
LOCAL_SHAPE(ttl_shape, ttl_rows, api_ttl_specification, "TimeToLiveSpecification");

static const struct api_field update_ttl_rows[] = {
    TABLE_ROW(api_update_ttl, API_REQUIRED),
    {"TimeToLiveSpecification", API_KIND_STRUCT, API_REQUIRED, AT(api_update_ttl, ttl), &ttl_shape,
     NULL, 0, 0},
};
SHAPE(api_shape_update_ttl, update_ttl_rows, api_update_ttl);

#define ARN_ROW(type)                                                                              \
    { "ResourceArn", API_KIND_STRING, 0, AT(type, arn), NULL, NULL, 1, 1283 }

static const struct api_field tag_resource_rows[] = {
    ARN_ROW(api_tag_resource),
    {"Tags", API_KIND_STRUCT_LIST, API_REQUIRED, AT(api_tag_resource, tags), &tag_shape, NULL, 0,
     0},
};
SHAPE(api_shape_tag_resource, tag_resource_rows, api_tag_resource);

static const struct api_field untag_resource_rows[] = {
    ARN_ROW(api_untag_resource),
    {"TagKeys", API_KIND_STRING_LIST, API_REQUIRED, AT(api_untag_resource, keys), NULL, NULL, 0, 0},
};
SHAPE(api_shape_untag_resource, untag_resource_rows, api_untag_resource);

static const struct api_field list_tags_rows[] = {
    ARN_ROW(api_list_tags),
    STRING_ROW("NextToken", api_list_tags, next_token),
};
SHAPE(api_shape_list_tags, list_tags_rows, api_list_tags);
