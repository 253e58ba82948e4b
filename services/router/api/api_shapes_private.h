/* Rows that many operations share, for the files that list their parameters. */
#ifndef TC_ROUTER_API_SHAPES_PRIVATE_H
#define TC_ROUTER_API_SHAPES_PRIVATE_H

#include "router/api/api_op.h"

#define COUNT(rows)      (sizeof(rows) / sizeof(rows)[0])
#define AT(type, member) offsetof(struct type, member)
#define SHAPE(shape, rows, type)                                                                   \
    const struct api_shape shape = {rows, COUNT(rows), sizeof(struct type), NULL}
/* Inside others; name: as the model has it. */
#define LOCAL_SHAPE(shape, rows, type, name)                                                       \
    static const struct api_shape shape = {rows, COUNT(rows), sizeof(struct type), name}

#define TABLE_ROW(type, flag)                                                                      \
    {                                                                                              \
        "TableName", API_KIND_TABLE, (flag) | API_NAME_PATTERN, AT(type, table_name), NULL, NULL,  \
            API_TABLE_BYTES_MIN, API_NAME_BYTES_MAX                                                \
    }
#define STRING_ROW(name, type, member)                                                             \
    { name, API_KIND_STRING, 0, AT(type, member), NULL, NULL, 0, 0 }
#define BOOL_ROW(name, type, member)                                                               \
    { name, API_KIND_BOOL, 0, AT(type, member), NULL, NULL, 0, 0 }
#define ENUM_ROW(name, type, member, names)                                                        \
    { name, API_KIND_ENUM, 0, AT(type, member), NULL, names, 0, 0 }
#define STRUCT_ROW(name, type, member, shape)                                                      \
    { name, API_KIND_STRUCT, 0, AT(type, member), shape, NULL, 0, 0 }
#define LIST_ROW(name, type, member, shape)                                                        \
    { name, API_KIND_STRUCT_LIST, 0, AT(type, member), shape, NULL, 0, 0 }
#define REFUSED_ROW(name)                                                                          \
    { name, API_KIND_REFUSED, 0, 0, NULL, NULL, 0, 0 }
#define CAPACITY_ROW(type)                                                                         \
    ENUM_ROW("ReturnConsumedCapacity", type, return_capacity, "INDEXES, TOTAL, NONE")
#define METRICS_ROW(type)                                                                          \
    ENUM_ROW("ReturnItemCollectionMetrics", type, return_collection_metrics, "SIZE, NONE")
#define NAMES_ROW(type)                                                                            \
    { "ExpressionAttributeNames", API_KIND_NAME_MAP, 0, AT(type, names), NULL, NULL, 0, 0 }
#define VALUES_ROW(type)                                                                           \
    { "ExpressionAttributeValues", API_KIND_VALUE_MAP, 0, AT(type, values), NULL, NULL, 0, 0 }
#define TO_GET_ROW(type)                                                                           \
    { "AttributesToGet", API_KIND_STRING_LIST, 0, AT(type, attributes_to_get), NULL, NULL, 1, 0 }
#define KEY_ROW(type)                                                                              \
    { "Key", API_KIND_ITEM, API_REQUIRED, AT(type, key), NULL, NULL, 0, 0 }

#endif
