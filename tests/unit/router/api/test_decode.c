/* Bodies into structs: what arrives where, and the exact error of what is refused. */
#include "test_api.h"

#include "base/assert.h"
#include "router/api/api_decode.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct api_decoder decoder;
    struct tc_arena arena;
};

static int setup(void **state) {
    static struct fixture f;
    memset(&f, 0, sizeof f);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    api_decoder_deinit(&f->decoder);
    tc_arena_deinit(&f->arena);
    return 0;
}

static const struct api_op_info *op_of(const char *name) {
    char target[128];
    int len = snprintf(target, sizeof target, "DynamoDB_20120810.%s", name);
    const struct api_op_info *op = api_op_find(tc_slice(target, (size_t)len));
    TC_ASSERT(op != NULL);
    return op;
}

static const void *decode(struct fixture *f, const char *op, const char *body) {
    tc_arena_reset(&f->arena);
    const void *in = api_decode(&f->decoder, op_of(op), tc_slice_str(body), &f->arena);
    if (in == NULL)
        fail_msg("%s %s: %.*s", op, body, TC_SLICE_ARGS(tc_buf_slice(&f->decoder.text)));
    return in;
}

static void put_item_arrives(void **state) {
    const struct api_write_item *in = decode(
        *state, "PutItem",
        "{\"TableName\":\"tab\",\"Item\":{\"b\":{\"N\":\"1\"},\"a\":{\"S\":\"x\"}},"
        "\"ConditionExpression\":\"#n = :v\",\"ExpressionAttributeNames\":{\"#n\":\"a\"},"
        "\"ExpressionAttributeValues\":{\":v\":{\"BOOL\":true}},\"ReturnValues\":\"ALL_OLD\","
        "\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\",\"ReturnConsumedCapacity\":\"TOTAL\","
        "\"ReturnItemCollectionMetrics\":null,\"Unknown\":{\"a\":[1]}}");
    struct item_value v;
    assert_true(tc_slice_eq(in->table_name, TC_SLICE_LIT("tab")));
    assert_true(item_get(in->item, TC_SLICE_LIT("a"), &v));
    assert_true(tc_slice_eq(v.body, TC_SLICE_LIT("x")));
    assert_true(tc_slice_eq(in->condition_expression, TC_SLICE_LIT("#n = :v")));
    assert_int_equal(in->names.list.count, 1);
    assert_true(tc_slice_eq(in->names.list.at[0].token, TC_SLICE_LIT("#n")));
    assert_true(tc_slice_eq(in->names.list.at[0].target, TC_SLICE_LIT("a")));
    assert_int_equal(item_value_at(in->values.list.at[0].target).type, ITEM_BOOL);
    assert_int_equal(in->return_values, API_RETURN_ALL_OLD);
    assert_int_equal(in->return_on_condition_fail, API_RETURN_ALL_OLD);
    assert_int_equal(in->return_capacity, API_CAPACITY_TOTAL);
    assert_int_equal(in->return_collection_metrics, 0);
    assert_null(in->update_expression.data);
}

static void get_item_by_arn(void **state) {
    const struct api_get_item *in =
        decode(*state, "GetItem",
               "{\"TableName\":\"arn:aws:dynamodb:us-east-1:000000000000:table/tab\","
               "\"Key\":{\"k\":{\"S\":\"\"}},\"ConsistentRead\":true,"
               "\"AttributesToGet\":[\"a\",\"b\"]}");
    assert_true(tc_slice_eq(in->table_name, TC_SLICE_LIT("tab")));
    assert_int_equal(in->consistent_read, API_TRUE);
    assert_int_equal(in->attributes_to_get.count, 2);
    assert_true(tc_slice_eq(in->attributes_to_get.items[1], TC_SLICE_LIT("b")));
}

static void query_and_scan_arrive(void **state) {
    const struct api_read_page *in =
        decode(*state, "Query",
               "{\"TableName\":\"tab\",\"KeyConditionExpression\":\"k = :k\",\"Limit\":7,"
               "\"ScanIndexForward\":false,\"Select\":\"COUNT\","
               "\"ExclusiveStartKey\":{\"k\":{\"S\":\"z\"}},"
               "\"ExpressionAttributeValues\":{\":k\":{\"S\":\"z\"}}}");
    assert_int_equal(in->limit.value, 7);
    assert_int_equal(in->forward, API_FALSE);
    assert_int_equal(in->select, API_SELECT_COUNT);
    assert_non_null(in->exclusive_start_key.data);
    in = decode(*state, "Scan", "{\"TableName\":\"tab\",\"Segment\":0,\"TotalSegments\":4}");
    assert_true(in->segment.set && in->segment.value == 0 && in->total_segments.value == 4);
    assert_false(in->limit.set);
    assert_null(in->exclusive_start_key.data);
}

static void batches_arrive(void **state) {
    const struct api_batch_get *get =
        decode(*state, "BatchGetItem",
               "{\"RequestItems\":{\"one\":{\"Keys\":[{\"k\":{\"S\":\"a\"}},{\"k\":{\"S\":\"b\"}}],"
               "\"ConsistentRead\":true},\"two\":{\"Keys\":[{\"k\":{\"N\":\"1\"}}]}}}");
    const struct api_batch_get_table *t = get->tables.items;
    assert_int_equal(get->tables.count, 2);
    assert_true(tc_slice_eq(t[0].table_name, TC_SLICE_LIT("one")));
    assert_int_equal(t[0].keys.count, 2);
    assert_int_equal(t[0].consistent_read, API_TRUE);
    assert_true(tc_slice_eq(t[1].table_name, TC_SLICE_LIT("two")));
    const struct api_batch_write *put =
        decode(*state, "BatchWriteItem",
               "{\"RequestItems\":{\"one\":[{\"PutRequest\":{\"Item\":{\"k\":{\"S\":\"a\"}}}},"
               "{\"DeleteRequest\":{\"Key\":{\"k\":{\"S\":\"b\"}}}}]}}");
    const struct api_batch_write_table *w = put->tables.items;
    const struct api_write_request *r = w->writes.items;
    assert_int_equal(w->writes.count, 2);
    assert_true(r[0].put != NULL && r[0].del == NULL);
    assert_true(r[1].put == NULL && r[1].del != NULL);
}

static void create_table_arrives(void **state) {
    const struct api_create_table *in = decode(
        *state, "CreateTable",
        "{\"TableName\":\"tab\",\"AttributeDefinitions\":[{\"AttributeName\":\"h\","
        "\"AttributeType\":\"S\"},{\"AttributeName\":\"r\",\"AttributeType\":\"N\"}],"
        "\"KeySchema\":[{\"AttributeName\":\"h\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"r\","
        "\"KeyType\":\"RANGE\"}],\"ProvisionedThroughput\":{\"ReadCapacityUnits\":5,"
        "\"WriteCapacityUnits\":6},\"StreamSpecification\":{\"StreamEnabled\":false},"
        "\"SSESpecification\":{\"Enabled\":false},\"Tags\":[],"
        "\"DeletionProtectionEnabled\":true}");
    const struct api_attribute_definition *d = in->attribute_definitions.items;
    const struct api_key_element *k = in->key_schema.items;
    assert_int_equal(d[1].type, API_ATTRIBUTE_N);
    assert_int_equal(k[1].type, API_KEY_RANGE);
    assert_int_equal(in->throughput->write_units.value, 6);
    assert_int_equal(in->deletion_protection, API_TRUE);
    assert_int_equal(in->stream->enabled, API_FALSE);
}

struct refusal {
    const char *op, *body;
    enum api_error error;
    const char *text; /* must begin so */
};

#define KEY   "\"Key\":{\"k\":{\"S\":\"x\"}}"
#define ONE   "1 validation error detected: "
#define MIN_3 "failed to satisfy constraint: Member must have length greater than or equal to 3"

#define CLASS "Unrecognized collection type class com.amazonaws.dynamodb.v20120810."
#define MAP   "Unrecognized collection type java.util.Map<java.lang.String, "

/* What stands where something else is wanted, in the words of the service; told whole. */
static const struct refusal wrong_types[] = {
    {"ListTables", "nonsense", API_SERIALIZATION, ""},
    {"ListTables", "[]", API_SERIALIZATION, "Start of list found where not expected"},
    {"ListTables", "7", API_SERIALIZATION, "Unexpected value type in payload"},
    {"ListTables", "{\"ExclusiveStartTableName\":1}", API_SERIALIZATION,
     "NUMBER_VALUE cannot be converted to String"},
    {"ListTables", "{\"ExclusiveStartTableName\": 1.5}", API_SERIALIZATION,
     "DECIMAL_VALUE cannot be converted to String"},
    {"ListTables", "{\"ExclusiveStartTableName\":1e3}", API_SERIALIZATION,
     "DECIMAL_VALUE cannot be converted to String"},
    {"ListTables", "{\"ExclusiveStartTableName\":[]}", API_SERIALIZATION,
     "Unrecognized collection type class java.lang.String"},
    {"CreateTable", "{\"DeletionProtectionEnabled\":-1.5}", API_SERIALIZATION,
     "DECIMAL_VALUE cannot be converted to Boolean"},
    {"CreateTable", "{\"ProvisionedThroughput\":[]}", API_SERIALIZATION,
     CLASS "ProvisionedThroughput"},
    {"CreateTable", "{\"ProvisionedThroughput\":true}", API_SERIALIZATION, "Unexpected field type"},
    {"CreateTable", "{\"KeySchema\":{}}", API_SERIALIZATION,
     "Start of structure or map found where not expected"},
    {"CreateTable", "{\"KeySchema\":7}", API_SERIALIZATION, "Unexpected field type"},
    {"CreateTable", "{\"KeySchema\":[7]}", API_SERIALIZATION, "Unexpected value type in payload"},
    {"CreateTable", "{\"KeySchema\":[[]]}", API_SERIALIZATION, CLASS "KeySchemaElement"},
    {"CreateTable", "{\"LocalSecondaryIndexes\":[{\"Projection\":[]}]}", API_SERIALIZATION,
     CLASS "Projection"},
    {"UpdateTable", "{\"GlobalSecondaryIndexUpdates\":[{\"Create\":[]}]}", API_SERIALIZATION,
     CLASS "CreateGlobalSecondaryIndexAction"},
    {"UpdateTable", "{\"GlobalSecondaryIndexUpdates\":[{\"Update\":[]}]}", API_SERIALIZATION,
     CLASS "UpdateGlobalSecondaryIndexAction"},
    {"UpdateTimeToLive", "{\"TimeToLiveSpecification\":\"t\"}", API_SERIALIZATION,
     "Unexpected field type"},
    {"GetItem", "{\"Key\":[]}", API_SERIALIZATION,
     MAP "com.amazonaws.dynamodb.v20120810.AttributeValue>"},
    {"GetItem", "{\"Key\":\"k\"}", API_SERIALIZATION, "Unexpected field type"},
    {"GetItem", "{\"Key\":{\"k\":[]}}", API_SERIALIZATION, CLASS "AttributeValue"},
    {"GetItem", "{\"Key\":{\"k\":7}}", API_SERIALIZATION, "Unexpected value type in payload"},
    {"GetItem", "{\"Key\":{\"k\":{\"S\":1.5}}}", API_SERIALIZATION,
     "DECIMAL_VALUE cannot be converted to String"},
    {"GetItem", "{\"ExpressionAttributeNames\":[]}", API_SERIALIZATION, MAP "java.lang.String>"},
    {"GetItem", "{\"ExpressionAttributeNames\":{\"#a\":[]}}", API_SERIALIZATION,
     "Unrecognized collection type class java.lang.String"},
    {"PutItem", "{\"Expected\":[]}", API_SERIALIZATION,
     MAP "com.amazonaws.dynamodb.v20120810.ExpectedAttributeValue>"},
    {"PutItem", "{\"Expected\":{\"a\":[]}}", API_SERIALIZATION, CLASS "ExpectedAttributeValue"},
    {"BatchGetItem", "{\"RequestItems\":[]}", API_SERIALIZATION,
     MAP "com.amazonaws.dynamodb.v20120810.KeysAndAttributes>"},
    {"BatchGetItem", "{\"RequestItems\":{\"tab\":7}}", API_SERIALIZATION,
     "Unexpected value type in payload"},
    {"BatchWriteItem", "{\"RequestItems\":[]}", API_SERIALIZATION,
     MAP "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>"},
    {"BatchWriteItem", "{\"RequestItems\":{\"tab\":[[]]}}", API_SERIALIZATION,
     CLASS "WriteRequest"},
    {"BatchWriteItem", "{\"RequestItems\":{\"tab\":[{\"PutRequest\":[]}]}}", API_SERIALIZATION,
     CLASS "PutRequest"},
};

static const struct refusal refusals[] = {
    {"GetItem", "", API_SERIALIZATION, ""},
    {"GetItem", "{", API_SERIALIZATION, ""},
    {"GetItem", "[]", API_SERIALIZATION, ""},
    {"GetItem", "{} x", API_SERIALIZATION, ""},
    {"GetItem", "{\"TableName\":5," KEY "}", API_SERIALIZATION, ""},
    {"GetItem", "{\"TableName\":\"tab\",\"Key\":[]}", API_SERIALIZATION, ""},
    {"GetItem", "{\"TableName\":\"tab\"," KEY ",\"ConsistentRead\":\"true\"}", API_SERIALIZATION,
     ""},
    {"Scan", "{\"TableName\":\"tab\",\"Limit\":\"1\"}", API_SERIALIZATION, ""},
    {"Scan", "{\"TableName\":\"tab\",\"Limit\":99999999999}", API_SERIALIZATION, ""},
    {"ListTables", "{\"Limit\":1.5}", API_SERIALIZATION, "NUMBER_VALUE cannot be converted"},
    /* A wrong type later wins over a violated constraint before it. */
    {"GetItem", "{\"TableName\":\"a\",\"Key\":7}", API_SERIALIZATION, ""},
    {"GetItem", "{}", API_VALIDATION,
     "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member "
     "must not be null; Value null at 'key' failed to satisfy constraint: Member must not be null"},
    {"CreateTable",
     "{\"TableName\":\"ab\",\"AttributeDefinitions\":[],\"KeySchema\":[{\"AttributeName\":\"h\","
     "\"KeyType\":\"HASH\"}]}",
     API_VALIDATION, ONE "Value 'ab' at 'tableName' " MIN_3},
    {"CreateTable",
     "{\"AttributeDefinitions\":[],\"KeySchema\":[{\"AttributeName\":\"h\",\"KeyType\":\"HASH\"}]}",
     API_VALIDATION, "The parameter 'TableName' is required but was not present in the request"},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"AttributeDefinitions\":[],\"KeySchema\":[{\"AttributeName\":\"h\","
     "\"KeyType\":\"HASH\"},{\"KeyType\":\"RANGE\",\"AttributeName\":\"r\"},{\"AttributeName\":"
     "\"s\","
     "\"KeyType\":\"RANGE\"}]}",
     API_VALIDATION,
     ONE
     "Value '[KeySchemaElement(attributeName=h, keyType=HASH), KeySchemaElement(attributeName=r, "
     "keyType=RANGE), KeySchemaElement(attributeName=s, keyType=RANGE)]' at 'keySchema' failed "
     "to satisfy constraint: Member must have length less than or equal to 2"},
    {"GetItem", "{\"TableName\":\"\"," KEY "}", API_VALIDATION,
     ONE
     "Value '' at 'tableName' failed to satisfy constraint: Member must have length greater than "
     "or equal to 1"},
    {"GetItem", "{\"TableName\":\"a;\"," KEY "}", API_VALIDATION,
     ONE "Value 'a;' at 'tableName' failed to satisfy constraint: Member must satisfy regular "
         "expression pattern: [a-zA-Z0-9_.-]+"},
    {"Query", "{\"TableName\":\"tab\",\"Limit\":0,\"Select\":\"SOME\"}", API_VALIDATION,
     "2 validation errors detected: Value at 'Limit' failed to satisfy constraint: Member must "
     "have "
     "value greater than or equal to 1; Value 'SOME' at 'select' failed to satisfy constraint: "
     "Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, "
     "ALL_PROJECTED_ATTRIBUTES]"},
    {"BatchWriteItem", "{\"RequestItems\":{\"a b\":[{}],\"tab\":[]}}", API_VALIDATION,
     "2 validation errors detected: Value '{a b=...}' at 'requestItems' failed to satisfy "
     "constraint: Map keys must satisfy constraint: [Member must have length less than or equal to "
     "255, Member must have length greater than or equal to 1, Member must satisfy regular "
     "expression pattern: [a-zA-Z0-9_.-]+]; Value '{tab=[]}' at 'requestItems' failed to satisfy "
     "constraint: Map value must satisfy constraint: [Member must have length less than or equal "
     "to "
     "25, Member must have length greater than or equal to 1]"},
    {"GetItem", "{\"TableName\":\"tab\"," KEY ",\"ReturnConsumedCapacity\":\"all\"}",
     API_VALIDATION,
     ONE "Value 'all' at 'returnConsumedCapacity' failed to satisfy constraint: Member must "
         "satisfy enum value set: [INDEXES, TOTAL, NONE]"},
    {"Scan", "{\"TableName\":\"tab\",\"Limit\":0}", API_VALIDATION,
     ONE "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than "
         "or equal to 1"},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"AttributeDefinitions\":[{\"AttributeName\":\"h\",\"AttributeType\":"
     "\"X\"}],\"KeySchema\":[]}",
     API_VALIDATION,
     "2 validation errors detected: Value 'X' at 'attributeDefinitions.1.member.attributeType' "
     "failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]; Value '[]' at "
     "'keySchema' failed to satisfy constraint: Member must have length greater than or equal to "
     "1"},
    {"BatchWriteItem", "{\"RequestItems\":{\"tab\":[{\"PutRequest\":{}}]}}", API_VALIDATION,
     ONE "Value null at 'requestItems.tab.member.1.member.putRequest.item' failed to satisfy "
         "constraint: Member must not be null"},
    {"PutItem", "{\"TableName\":\"tab\",\"Item\":{\"k\":{\"S\":\"x\",\"N\":\"1\"}}}",
     API_VALIDATION, "Supplied AttributeValue has more than one datatypes set"},
    {"PutItem", "{\"TableName\":\"tab\",\"Item\":{\"k\":{}}}", API_VALIDATION,
     "Supplied AttributeValue is empty"},
    {"PutItem",
     "{\"TableName\":\"tab\",\"Item\":{},\"ConditionExpression\":\"a = :v\","
     "\"ExpressionAttributeValues\":{\":v\":{\"N\":\"x\"},\":w\":{}}}",
     API_VALIDATION,
     "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a "
     "numeric value: x for key :v"},
    {"Scan", "{\"TableName\":\"tab\",\"ExclusiveStartKey\":{\"k\":{}}}", API_VALIDATION,
     "The provided starting key is invalid: Supplied AttributeValue is empty"},
    {"Scan", "{\"TableName\":\"tab\",\"ExclusiveStartKey\":{\"k\":{\"N\":\"x\"}}}", API_VALIDATION,
     "The parameter cannot be converted to a numeric value: x"},
    /* A fault of a value, then a wrong type. */
    {"PutItem", "{\"Item\":{\"k\":{}},\"TableName\":7}", API_SERIALIZATION, ""},
    {"PutItem", "{\"TableName\":\"tab\",\"Item\":{},\"ReturnValues\":\"ALL_NEW\"}", API_VALIDATION,
     "ReturnValues can only be ALL_OLD or NONE"},
    {"PutItem",
     "{\"TableName\":\"tab\",\"Item\":{},\"ExpressionAttributeValues\":{\":v\":{\"S\":\"a\"}}}",
     API_VALIDATION,
     "ExpressionAttributeValues can only be specified when using expressions: "
     "ConditionExpression is null"},
    {"GetItem",
     "{\"TableName\":\"tab\"," KEY ",\"AttributesToGet\":[\"a\"],\"ProjectionExpression\":\"a\"}",
     API_VALIDATION, "Can not use both expression and non-expression parameters"},
    {"Query", "{\"TableName\":\"tab\"}", API_VALIDATION, "Either the KeyConditions or"},
    {"Scan", "{\"TableName\":\"tab\",\"Segment\":4,\"TotalSegments\":4}", API_VALIDATION,
     "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: "
     "4 is not less than TotalSegments: 4"},
    {"Scan", "{\"TableName\":\"tab\",\"Segment\":4}", API_VALIDATION,
     "The TotalSegments parameter is required"},
    {"Scan", "{\"TableName\":\"tab\",\"Select\":\"SPECIFIC_ATTRIBUTES\"}", API_VALIDATION,
     "Must specify the AttributesToGet or ProjectionExpression"},
    {"Query",
     "{\"TableName\":\"tab\",\"KeyConditionExpression\":\"a\",\"Select\":\"SPECIFIC_ATTRIBUTES\"}",
     API_VALIDATION,
     "1 validation error detected: Must specify the AttributesToGet or ProjectionExpression"},
    {"BatchGetItem",
     "{\"RequestItems\":{\"tab\":{\"Keys\":[{\"k\":{\"S\":\"a\"}}],\"AttributesToGet\":[\"a\"]},"
     "\"tac\":{\"Keys\":[{\"k\":{\"S\":\"a\"}}],\"ProjectionExpression\":\"a\"}}}",
     API_VALIDATION, "Can not use both expression and non-expression parameters"},
    {"BatchGetItem", "{\"RequestItems\":{}}", API_VALIDATION,
     "The requestItems parameter is required for BatchGetItem"},
    {"BatchGetItem",
     "{\"RequestItems\":{\"tab\":{\"Keys\":[{\"k\":{\"S\":\"a\"}},{\"k\":{\"S\":\"a\"}}]}}}",
     API_VALIDATION, "Provided list of item keys contains duplicates"},
    {"BatchWriteItem", "{\"RequestItems\":{\"tab\":[{}]}}", API_VALIDATION,
     "Supplied AttributeValue has more than one datatypes set"},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"AttributeDefinitions\":[{\"AttributeName\":\"h\",\"AttributeType\":"
     "\"S\"}],\"KeySchema\":[{\"AttributeName\":\"h\",\"KeyType\":\"HASH\"}]}",
     API_VALIDATION,
     "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must "
     "both be specified when BillingMode is PROVISIONED"},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[],"
     "\"KeySchema\":[{\"AttributeName\":\"h\",\"KeyType\":\"HASH\"}]}",
     API_VALIDATION, "Invalid KeySchema: Some index key attribute have no definition"},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[{"
     "\"AttributeName\":\"h\",\"AttributeType\":\"S\"}],\"KeySchema\":[{\"AttributeName\":\"h\","
     "\"KeyType\":\"HASH\"}],\"GlobalSecondaryIndexes\":[{\"IndexName\":\"i\"}]}",
     API_VALIDATION,
     "3 validation errors detected: Value 'i' at 'globalSecondaryIndexes.1.member.indexName' "
     "failed "
     "to satisfy constraint: Member must have length greater than or equal to 3"},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[{"
     "\"AttributeName\":\"h\",\"AttributeType\":\"S\"}],\"KeySchema\":[{\"AttributeName\":\"h\","
     "\"KeyType\":\"HASH\"}],\"StreamSpecification\":{\"StreamEnabled\":true}}",
     API_VALIDATION,
     "One or more parameter values were invalid: StreamSpecification is not supported"},
    {"UpdateTable", "{\"TableName\":\"tab\"}", API_VALIDATION, "At least one of"},
};

static void refusals_have_the_texts_of_the_api(void **state) {
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        tc_arena_reset(&f->arena);
        void *in = api_decode(&f->decoder, op_of(r->op), tc_slice_str(r->body), &f->arena);
        struct tc_slice text = tc_buf_slice(&f->decoder.text);
        if (in != NULL || f->decoder.error != r->error ||
            !tc_slice_has_prefix(text, tc_slice_str(r->text)))
            fail_msg("%s %s: error %d, %.*s", r->op, r->body, (int)f->decoder.error,
                     TC_SLICE_ARGS(text));
    }
}

static void wrong_types_are_told_whole(void **state) {
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof wrong_types / sizeof wrong_types[0]; i++) {
        const struct refusal *r = &wrong_types[i];
        tc_arena_reset(&f->arena);
        void *in = api_decode(&f->decoder, op_of(r->op), tc_slice_str(r->body), &f->arena);
        struct tc_slice text = tc_buf_slice(&f->decoder.text);
        if (in != NULL || f->decoder.error != r->error || !tc_slice_eq(text, tc_slice_str(r->text)))
            fail_msg("%s %s: error %d, %.*s", r->op, r->body, (int)f->decoder.error,
                     TC_SLICE_ARGS(text));
    }
}

/* 101 keys over two tables pass each table's own bound and fail the sum's. */
static void batch_bounds_hold_over_all_tables(void **state) {
    struct fixture *f = *state;
    struct tc_buf body = {0};
    tc_buf_append_str(&body, "{\"RequestItems\":{");
    for (int t = 0; t < 2; t++) {
        tc_buf_printf(&body, "%s\"tab%d\":{\"Keys\":[", t ? "," : "", t);
        for (int i = 0; i < 50 + t; i++)
            tc_buf_printf(&body, "%s{\"k\":{\"N\":\"%d\"}}", i ? "," : "", i);
        tc_buf_append_str(&body, "]}");
    }
    tc_buf_append_str(&body, "}}");
    assert_null(api_decode(&f->decoder, op_of("BatchGetItem"), tc_buf_slice(&body), &f->arena));
    assert_true(tc_slice_eq(tc_buf_slice(&f->decoder.text),
                            TC_SLICE_LIT("Too many items requested for the BatchGetItem call")));
    tc_buf_deinit(&body);
}

/* 100 keys of one table are taken, 101 refused without telling them. */
static void keys_of_one_table_are_bounded(void **state) {
    struct fixture *f = *state;
    for (int count = 100; count <= 101; count++) {
        struct tc_buf body = {0};
        tc_arena_reset(&f->arena);
        tc_buf_append_str(&body, "{\"RequestItems\":{\"tab\":{\"Keys\":[");
        for (int i = 0; i < count; i++)
            tc_buf_printf(&body, "%s{\"k\":{\"N\":\"%d\"}}", i ? "," : "", i);
        tc_buf_append_str(&body, "]}}}");
        const void *in =
            api_decode(&f->decoder, op_of("BatchGetItem"), tc_buf_slice(&body), &f->arena);
        assert_int_equal(in != NULL, count == 100);
        tc_buf_deinit(&body);
    }
    assert_true(tc_slice_eq(
        tc_buf_slice(&f->decoder.text),
        TC_SLICE_LIT(ONE "Value at 'RequestItems.tab.member.Keys' failed to satisfy constraint: "
                         "Member must have length less than or equal to 100")));
}

/* Item of just over 400 KB, and elements beyond a list's bound that are only counted. */
static void sizes_are_bounded(void **state) {
    struct fixture *f = *state;
    struct tc_buf body = {0};
    tc_buf_append_str(&body, "{\"TableName\":\"tab\",\"Item\":{\"k\":{\"S\":\"");
    for (int i = 0; i < ITEM_BYTES_MAX; i++)
        tc_buf_append_u8(&body, 'x');
    tc_buf_append_str(&body, "\"}}}");
    assert_null(api_decode(&f->decoder, op_of("PutItem"), tc_buf_slice(&body), &f->arena));
    assert_true(tc_slice_has_prefix(tc_buf_slice(&f->decoder.text),
                                    TC_SLICE_LIT("Item size has exceeded")));
    tc_buf_clear(&body);
    tc_buf_append_str(&body, "{\"RequestItems\":{\"tab\":[");
    for (int i = 0; i < 1000; i++)
        tc_buf_printf(&body, "%s{}", i ? "," : "");
    tc_buf_append_str(&body, "]}}");
    assert_null(api_decode(&f->decoder, op_of("BatchWriteItem"), tc_buf_slice(&body), &f->arena));
    assert_true(tc_slice_has_prefix(
        tc_buf_slice(&f->decoder.text),
        TC_SLICE_LIT(ONE "Value '{tab=[...]}' at 'requestItems' failed to satisfy constraint: Map "
                         "value must satisfy constraint: [Member must have length less than or "
                         "equal to 25, Member must have length greater than or equal to 1]")));
    tc_buf_deinit(&body);
}

static void operations_are_found_by_target(void **state) {
    (void)state;
    size_t count;
    const struct api_op_info *all = api_op_all(&count);
    for (size_t i = 0; i < count; i++) {
        char target[128];
        int len = snprintf(target, sizeof target, "DynamoDB%s_20120810.%s",
                           all[i].streams ? "Streams" : "", all[i].name);
        assert_ptr_equal(api_op_find(tc_slice(target, (size_t)len)), &all[i]);
        assert_null(api_op_find(tc_slice(target, (size_t)len - 1)));
    }
    assert_null(api_op_find(TC_SLICE_LIT("DynamoDB_20120810.GetRecords")));
    assert_null(api_op_find(TC_SLICE_LIT("DynamoDBStreams_20120810.GetItem")));
    assert_null(api_op_find(TC_SLICE_LIT("GetItem")));
    assert_null(api_op_find(TC_SLICE_EMPTY));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
const struct CMUnitTest api_decode_tests[API_DECODE_TESTS] = {
    TEST(put_item_arrives),
    TEST(get_item_by_arn),
    TEST(query_and_scan_arrive),
    TEST(batches_arrive),
    TEST(create_table_arrives),
    TEST(refusals_have_the_texts_of_the_api),
    TEST(wrong_types_are_told_whole),
    TEST(batch_bounds_hold_over_all_tables),
    TEST(keys_of_one_table_are_bounded),
    TEST(sizes_are_bounded),
    TEST(operations_are_found_by_target),
};
