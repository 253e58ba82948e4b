#include "router/api/api_unbuilt.h"

#include "base/assert.h"
#include "router/api/api.h"

#define MODEL_SHAPE(rows, name)                                                                    \
    { rows, sizeof(rows) / sizeof(rows)[0], sizeof(struct api_unbuilt_input), name }
#include "router/api/api_model.inc"

#define UNSUPPORTED NULL
#define NO_STREAM   "Requested resource not found: Stream: $ not found"
#define NO_GLOBAL   "Global table not found: Global table with name: '$' does not exist."
#define NO_PITR     "Point in time recovery is not enabled for table '$'"
#define NO_BACKUPS                                                                                 \
    "{\"ContinuousBackupsDescription\":{\"ContinuousBackupsStatus\":\"DISABLED\","                 \
    "\"PointInTimeRecoveryDescription\":{\"PointInTimeRecoveryStatus\":\"DISABLED\"}}}"
#define NO_INSIGHTS "{\"TableName\":\"$\",#\"ContributorInsightsStatus\":\"DISABLED\"}"
#define NO_KINESIS(what, word)                                                                     \
    "Table is not in a valid state to " what " Kinesis Streaming Destination: "                    \
    "KinesisStreamingDestination must be ACTIVE to perform " word " operation."

static const struct api_unbuilt rows[] = {
    {"BatchExecuteStatement", API_OK, API_UNKNOWN_OPERATION, UNSUPPORTED,
     &model_BatchExecuteStatementInput},
    {"CancelBulkOperation", API_OK, API_RESOURCE_NOT_FOUND,
     "Requested resource not found: Bulk operation: $ not found", &model_CancelBulkOperationInput},
    {"CreateBackup", API_TABLE_NOT_FOUND, API_CONTINUOUS_BACKUPS_UNAVAILABLE,
     "Backups are not available for table '$'", &model_CreateBackupInput},
    {"CreateGlobalTable", API_TABLE_NOT_FOUND, API_UNKNOWN_OPERATION, UNSUPPORTED,
     &model_CreateGlobalTableInput},
    {"DeleteBackup", API_OK, API_BACKUP_NOT_FOUND, "Backup not found: $", &model_DeleteBackupInput},
    {"DeleteResourcePolicy", API_RESOURCE_NOT_FOUND, API_POLICY_NOT_FOUND,
     "Resource-based policy not found for the provided ResourceArn: @",
     &model_DeleteResourcePolicyInput},
    {"DescribeBackup", API_OK, API_BACKUP_NOT_FOUND, "Backup not found: $",
     &model_DescribeBackupInput},
    {"DescribeBulkOperation", API_OK, API_RESOURCE_NOT_FOUND,
     "Requested resource not found: Bulk operation: $ not found",
     &model_DescribeBulkOperationInput},
    {"DescribeContinuousBackups", API_TABLE_NOT_FOUND, API_OK, NO_BACKUPS,
     &model_DescribeContinuousBackupsInput},
    {"DescribeContributorInsights", API_RESOURCE_NOT_FOUND, API_OK, NO_INSIGHTS,
     &model_DescribeContributorInsightsInput},
    {"DescribeExport", API_OK, API_EXPORT_NOT_FOUND, "Export not found: $",
     &model_DescribeExportInput},
    {"DescribeGlobalTable", API_OK, API_GLOBAL_TABLE_NOT_FOUND, NO_GLOBAL,
     &model_DescribeGlobalTableInput},
    {"DescribeGlobalTableSettings", API_OK, API_GLOBAL_TABLE_NOT_FOUND, NO_GLOBAL,
     &model_DescribeGlobalTableSettingsInput},
    {"DescribeImport", API_OK, API_IMPORT_NOT_FOUND, "Import not found: $",
     &model_DescribeImportInput},
    {"DescribeKinesisStreamingDestination", API_RESOURCE_NOT_FOUND, API_OK,
     "{\"TableName\":\"$\",\"KinesisDataStreamDestinations\":[]}",
     &model_DescribeKinesisStreamingDestinationInput},
    {"DescribeTableReplicaAutoScaling", API_RESOURCE_NOT_FOUND, API_UNKNOWN_OPERATION, UNSUPPORTED,
     &model_DescribeTableReplicaAutoScalingInput},
    {"DisableKinesisStreamingDestination", API_RESOURCE_NOT_FOUND, API_VALIDATION,
     NO_KINESIS("disable", "DISABLE"), &model_KinesisStreamingDestinationInput},
    {"EnableKinesisStreamingDestination", API_RESOURCE_NOT_FOUND, API_UNKNOWN_OPERATION,
     UNSUPPORTED, &model_KinesisStreamingDestinationInput},
    {"ExecuteStatement", API_OK, API_UNKNOWN_OPERATION, UNSUPPORTED, &model_ExecuteStatementInput},
    {"ExecuteTransaction", API_OK, API_UNKNOWN_OPERATION, UNSUPPORTED,
     &model_ExecuteTransactionInput},
    {"ExportTableToPointInTime", API_TABLE_NOT_FOUND, API_POINT_IN_TIME_UNAVAILABLE, NO_PITR,
     &model_ExportTableToPointInTimeInput},
    {"GetResourcePolicy", API_RESOURCE_NOT_FOUND, API_POLICY_NOT_FOUND,
     "Resource-based policy not found for the provided ResourceArn: @",
     &model_GetResourcePolicyInput},
    {"ImportTable", API_OK, API_UNKNOWN_OPERATION, UNSUPPORTED, &model_ImportTableInput},
    {"ListBackups", API_OK, API_OK, "{\"BackupSummaries\":[]}", &model_ListBackupsInput},
    {"ListBulkOperations", API_OK, API_OK, "{\"BulkOperationsSummaryList\":[]}",
     &model_ListBulkOperationsInput},
    {"ListContributorInsights", API_RESOURCE_NOT_FOUND, API_OK,
     "{\"ContributorInsightsSummaries\":[]}", &model_ListContributorInsightsInput},
    {"ListExports", API_OK, API_OK, "{\"ExportSummaries\":[]}", &model_ListExportsInput},
    {"ListGlobalTables", API_OK, API_OK, "{\"GlobalTables\":[]}", &model_ListGlobalTablesInput},
    {"ListImports", API_OK, API_OK, "{\"ImportSummaryList\":[]}", &model_ListImportsInput},
    {"PutResourcePolicy", API_RESOURCE_NOT_FOUND, API_UNKNOWN_OPERATION, UNSUPPORTED,
     &model_PutResourcePolicyInput},
    {"RestoreTableFromBackup", API_OK, API_BACKUP_NOT_FOUND, "Backup not found: $",
     &model_RestoreTableFromBackupInput},
    {"RestoreTableToPointInTime", API_TABLE_NOT_FOUND, API_POINT_IN_TIME_UNAVAILABLE, NO_PITR,
     &model_RestoreTableToPointInTimeInput},
    {"SearchVectors", API_RESOURCE_NOT_FOUND, API_VALIDATION,
     "The table does not have the specified index", &model_SearchVectorsInput},
    {"StartBulkPutItems", API_RESOURCE_NOT_FOUND, API_UNKNOWN_OPERATION, UNSUPPORTED,
     &model_StartBulkPutItemsInput},
    {"TransactGetItems", API_OK, API_UNKNOWN_OPERATION, UNSUPPORTED, &api_shape_transact_get},
    {"TransactWriteItems", API_OK, API_UNKNOWN_OPERATION, UNSUPPORTED, &api_shape_transact_write},
    /* Not "unavailable": tools take that for a matter of minutes and try again. */
    {"UpdateContinuousBackups", API_TABLE_NOT_FOUND, API_UNKNOWN_OPERATION, UNSUPPORTED,
     &model_UpdateContinuousBackupsInput},
    {"UpdateContributorInsights", API_RESOURCE_NOT_FOUND, API_UNKNOWN_OPERATION, UNSUPPORTED,
     &model_UpdateContributorInsightsInput},
    {"UpdateGlobalTable", API_OK, API_GLOBAL_TABLE_NOT_FOUND, NO_GLOBAL,
     &model_UpdateGlobalTableInput},
    {"UpdateGlobalTableSettings", API_OK, API_GLOBAL_TABLE_NOT_FOUND, NO_GLOBAL,
     &model_UpdateGlobalTableSettingsInput},
    {"UpdateKinesisStreamingDestination", API_RESOURCE_NOT_FOUND, API_VALIDATION,
     NO_KINESIS("update", "UPDATE"), &model_UpdateKinesisStreamingDestinationInput},
    {"UpdateTableReplicaAutoScaling", API_RESOURCE_NOT_FOUND, API_UNKNOWN_OPERATION, UNSUPPORTED,
     &model_UpdateTableReplicaAutoScalingInput},
    {"DescribeStream", API_OK, API_RESOURCE_NOT_FOUND, NO_STREAM,
     &model_Streams_DescribeStreamInput},
    /* No iterator was ever given out. */
    {"GetRecords", API_OK, API_VALIDATION, "Invalid ShardIterator", &model_Streams_GetRecordsInput},
    {"GetShardIterator", API_OK, API_RESOURCE_NOT_FOUND, NO_STREAM,
     &model_Streams_GetShardIteratorInput},
    {"ListStreams", API_RESOURCE_NOT_FOUND, API_OK, "{\"Streams\":[]}",
     &model_Streams_ListStreamsInput},
};

enum {
    INSIGHTS_DISABLE = 2, /* of "ENABLE, DISABLE" */
};

/* Settings that ask for what is so already, and the answer to that; a revision that is expected is
 * more than there is. */
static const struct {
    const char *name;
    unsigned setting;
    const char *text;
} already[] = {
    {"DeleteResourcePolicy", 0, "{}"},
    {"UpdateContinuousBackups", API_FALSE, NO_BACKUPS},
    {"UpdateContributorInsights", INSIGHTS_DISABLE, NO_INSIGHTS},
};

const struct api_unbuilt *api_unbuilt_find(const char *op_name) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, op_name) == 0)
            return &rows[i];
    return NULL;
}

const char *api_unbuilt_summary(const struct api_unbuilt *u) {
    if (u->error == API_OK)
        return "empty";
    return api_error_name(u->error);
}

/* NAME out of arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/..., or the name itself. */
static struct tc_slice table_of(struct tc_slice resource) {
    static const char mark[] = ":table/";
    if (!tc_slice_has_prefix(resource, TC_SLICE_LIT("arn:")))
        return resource;
    const uint8_t *at = memmem(resource.data, resource.len, mark, sizeof mark - 1);
    if (at == NULL)
        return resource;
    struct tc_slice rest = tc_slice_from(resource, (size_t)(at - resource.data) + sizeof mark - 1);
    return tc_slice_cut(&rest, '/');
}

struct tc_slice api_unbuilt_table(const struct api_request *req) {
    const struct api_unbuilt *u = api_unbuilt_find(req->op->name);
    const struct api_unbuilt_input *in = req->input;
    TC_ASSERT(u != NULL);
    return u->no_table == API_OK ? TC_SLICE_EMPTY : table_of(in->resource);
}

static void substitute(struct tc_buf *out, const char *text, const struct api_request *req) {
    const struct api_unbuilt_input *in = req->input;
    bool table = api_unbuilt_find(req->op->name)->no_table != API_OK;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '#' && in->index.data != NULL)
            tc_buf_printf(out, "\"IndexName\":\"%.*s\",", TC_SLICE_ARGS(in->index));
        else if (*at == '$' || *at == '@')
            tc_buf_append_slice(out, *at == '$' && table ? table_of(in->resource) : in->resource);
        else if (*at != '#')
            tc_buf_append_u8(out, (uint8_t)*at);
    }
}

static void fail(struct api_request *req, enum api_error error, const char *text) {
    struct tc_buf message = {0};
    substitute(&message, text, req);
    api_fail_with(req, error, tc_buf_slice(&message), TC_SLICE_EMPTY);
    tc_buf_deinit(&message);
}

static void complete(struct api_request *req, const char *text) {
    substitute(req->out, text, req);
    api_complete(req);
}

/* NULL: more is asked for than what is so already. */
static const char *text_already(const struct api_unbuilt *u, const struct api_unbuilt_input *in) {
    for (size_t i = 0; i < sizeof already / sizeof already[0]; i++)
        if (strcmp(already[i].name, u->name) == 0 && in->revision.data == NULL &&
            (in->settings ? in->settings : in)->setting == already[i].setting)
            return already[i].text;
    return NULL;
}

static void answer_of_table(struct api_request *req, const struct api_unbuilt *u) {
    const struct api_unbuilt_input *in = req->input;
    if (u->no_table == API_TABLE_NOT_FOUND && in->resource.len == 0)
        fail(req, API_VALIDATION, "One of SourceTableArn and SourceTableName must be given");
    else if (text_already(u, in) != NULL)
        complete(req, text_already(u, in));
    else if (u->text == NULL)
        api_fail(req, u->error, "The operation %s is not supported by this version of Tercet.",
                 u->name);
    else if (u->error != API_OK)
        fail(req, u->error, u->text);
    else
        complete(req, u->text);
}

struct tc_slice api_unbuilt_index(const struct api_request *req) {
    const struct api_unbuilt *u = api_unbuilt_find(req->op->name);
    const struct api_unbuilt_input *in = req->input;
    bool looked_for = u->no_table != API_OK && u->error != API_VALIDATION;
    return looked_for ? in->index : TC_SLICE_EMPTY;
}

void api_unbuilt_answer(struct api_request *req, bool table_exists) {
    const struct api_unbuilt *u = api_unbuilt_find(req->op->name);
    TC_ASSERT(u != NULL);
    if (u->no_table == API_TABLE_NOT_FOUND && !table_exists)
        fail(req, u->no_table, "Table not found: $");
    else if (u->no_table != API_OK && !table_exists)
        fail(req, u->no_table, "Requested resource not found: Table: $ not found");
    else
        answer_of_table(req, u);
}
