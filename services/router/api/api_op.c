#include "router/api/api_op.h"

#include "base/assert.h"

#include <stdlib.h>

/* In order of name within each service, for the binary search. */
#define BUILT(op_name, op, shape, check)                                                           \
    { op_name, op, false, &shape, NULL, check }
#define MIXED(op_name, op, shape, mix, check)                                                      \
    { op_name, op, false, &shape, mix, check }
#define UNBUILT(op_name)                                                                           \
    { op_name, API_OP_UNBUILT, false, &api_shape_nothing, NULL, NULL }
#define STREAMS(op_name)                                                                           \
    { op_name, API_OP_UNBUILT, true, &api_shape_nothing, NULL, NULL }

static const struct api_op_info ops[] = {
    UNBUILT("BatchExecuteStatement"),
    BUILT("BatchGetItem", API_OP_BATCH_GET_ITEM, api_shape_batch_get, api_check_batch_get),
    BUILT("BatchWriteItem", API_OP_BATCH_WRITE_ITEM, api_shape_batch_write, api_check_batch_write),
    UNBUILT("CancelBulkOperation"),
    UNBUILT("CreateBackup"),
    UNBUILT("CreateGlobalTable"),
    BUILT("CreateTable", API_OP_CREATE_TABLE, api_shape_create_table, api_check_create_table),
    UNBUILT("DeleteBackup"),
    MIXED("DeleteItem", API_OP_DELETE_ITEM, api_shape_delete_item, api_mix_write_item,
          api_check_write_item),
    UNBUILT("DeleteResourcePolicy"),
    BUILT("DeleteTable", API_OP_DELETE_TABLE, api_shape_table_only, NULL),
    UNBUILT("DescribeBackup"),
    UNBUILT("DescribeBulkOperation"),
    UNBUILT("DescribeContinuousBackups"),
    UNBUILT("DescribeContributorInsights"),
    BUILT("DescribeEndpoints", API_OP_DESCRIBE_ENDPOINTS, api_shape_nothing, NULL),
    UNBUILT("DescribeExport"),
    UNBUILT("DescribeGlobalTable"),
    UNBUILT("DescribeGlobalTableSettings"),
    UNBUILT("DescribeImport"),
    UNBUILT("DescribeKinesisStreamingDestination"),
    BUILT("DescribeLimits", API_OP_DESCRIBE_LIMITS, api_shape_nothing, NULL),
    BUILT("DescribeTable", API_OP_DESCRIBE_TABLE, api_shape_table_only, NULL),
    UNBUILT("DescribeTableReplicaAutoScaling"),
    BUILT("DescribeTimeToLive", API_OP_DESCRIBE_TTL, api_shape_table_only, NULL),
    UNBUILT("DisableKinesisStreamingDestination"),
    UNBUILT("EnableKinesisStreamingDestination"),
    UNBUILT("ExecuteStatement"),
    UNBUILT("ExecuteTransaction"),
    UNBUILT("ExportTableToPointInTime"),
    MIXED("GetItem", API_OP_GET_ITEM, api_shape_get_item, api_mix_get_item, api_check_get_item),
    UNBUILT("GetResourcePolicy"),
    UNBUILT("ImportTable"),
    UNBUILT("ListBackups"),
    UNBUILT("ListBulkOperations"),
    UNBUILT("ListContributorInsights"),
    UNBUILT("ListExports"),
    UNBUILT("ListGlobalTables"),
    UNBUILT("ListImports"),
    BUILT("ListTables", API_OP_LIST_TABLES, api_shape_list_tables, NULL),
    BUILT("ListTagsOfResource", API_OP_LIST_TAGS, api_shape_list_tags, api_check_list_tags),
    MIXED("PutItem", API_OP_PUT_ITEM, api_shape_put_item, api_mix_write_item, api_check_write_item),
    UNBUILT("PutResourcePolicy"),
    BUILT("Query", API_OP_QUERY, api_shape_query, api_check_query),
    UNBUILT("RestoreTableFromBackup"),
    UNBUILT("RestoreTableToPointInTime"),
    BUILT("Scan", API_OP_SCAN, api_shape_scan, api_check_scan),
    UNBUILT("SearchVectors"),
    UNBUILT("StartBulkPutItems"),
    BUILT("TagResource", API_OP_TAG_RESOURCE, api_shape_tag_resource, api_check_tag_resource),
    BUILT("TransactGetItems", API_OP_TRANSACT, api_shape_transact_get, api_check_transact),
    BUILT("TransactWriteItems", API_OP_TRANSACT, api_shape_transact_write, api_check_transact),
    BUILT("UntagResource", API_OP_UNTAG_RESOURCE, api_shape_untag_resource,
          api_check_untag_resource),
    UNBUILT("UpdateContinuousBackups"),
    UNBUILT("UpdateContributorInsights"),
    UNBUILT("UpdateGlobalTable"),
    UNBUILT("UpdateGlobalTableSettings"),
    MIXED("UpdateItem", API_OP_UPDATE_ITEM, api_shape_update_item, api_mix_update_item,
          api_check_update_item),
    UNBUILT("UpdateKinesisStreamingDestination"),
    BUILT("UpdateTable", API_OP_UPDATE_TABLE, api_shape_update_table, api_check_update_table),
    UNBUILT("UpdateTableReplicaAutoScaling"),
    BUILT("UpdateTimeToLive", API_OP_UPDATE_TTL, api_shape_update_ttl, NULL),
    STREAMS("DescribeStream"),
    STREAMS("GetRecords"),
    STREAMS("GetShardIterator"),
    STREAMS("ListStreams"),
};

enum {
    OP_COUNT = sizeof ops / sizeof ops[0],
    STREAMS_COUNT = 4,
};
_Static_assert(OP_COUNT == 62 + STREAMS_COUNT, "every operation of the model has its row");

static int name_order(const void *key, const void *row) {
    const struct tc_slice *name = key;
    const struct api_op_info *op = row;
    return tc_slice_cmp(*name, tc_slice_str(op->name));
}

const struct api_op_info *api_op_find(struct tc_slice target) {
    const struct tc_slice tables = TC_SLICE_LIT("DynamoDB_20120810.");
    const struct tc_slice streams = TC_SLICE_LIT("DynamoDBStreams_20120810.");
    bool is_streams = tc_slice_has_prefix(target, streams);
    if (!is_streams && !tc_slice_has_prefix(target, tables))
        return NULL;
    struct tc_slice name = tc_slice_from(target, is_streams ? streams.len : tables.len);
    const struct api_op_info *first = is_streams ? ops + OP_COUNT - STREAMS_COUNT : ops;
    size_t count = is_streams ? STREAMS_COUNT : OP_COUNT - STREAMS_COUNT;
    const struct api_op_info *op = bsearch(&name, first, count, sizeof *first, name_order);
    TC_ASSERT(op == NULL || op->streams == is_streams);
    return op;
}

const struct api_op_info *api_op_all(size_t *ret_count) {
    *ret_count = OP_COUNT;
    return ops;
}
