/* Operations on tables: the exact texts of what is refused, and each limit from inside. */
#include "test_api.h"

#include "router/api/api_arn.h"
#include "router/api/api_decode.h"

#include <stdio.h>
#include <string.h>

#define INVALID "One or more parameter values were invalid: "
#define KEYS    "\"KeySchema\":[{\"AttributeName\":\"h\",\"KeyType\":\"HASH\"}]"
#define DEFS    "\"AttributeDefinitions\":[{\"AttributeName\":\"h\",\"AttributeType\":\"S\"}]"
#define TABLE   "{\"TableName\":\"tab\"," DEFS "," KEYS ","
#define DEMAND  TABLE "\"BillingMode\":\"PAY_PER_REQUEST\","
#define UNITS   "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6}"
#define UPDATE  "{\"TableName\":\"tab\","
#define ARN     "\"ResourceArn\":\"arn:aws:dynamodb:us-east-1:000000000000:table/tab\""
#define WARM    "\"WarmThroughput\":"
#define MAXIMA  "\"OnDemandThroughput\":"

struct expected {
    const char *op, *body;
    const char *text; /* NULL: it is accepted */
};

static const struct expected create[] = {
    {"CreateTable", TABLE UNITS "}", NULL},
    {"CreateTable", DEMAND "\"TableClass\":\"STANDARD\"}", NULL},
    {"CreateTable", "{\"TableName\":\"tab\"," DEFS "," KEYS "}",
     INVALID "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
             "PROVISIONED"},
    {"CreateTable", DEMAND UNITS "}",
     INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode "
             "is PAY_PER_REQUEST"},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"AttributeDefinitions\":[{\"AttributeName\":\"H\",\"AttributeType\":"
     "\"S\"},{\"AttributeName\":\"x\",\"AttributeType\":\"S\"}]," KEYS "," UNITS "}",
     INVALID "Some index key attributes are not defined in AttributeDefinitions. Keys: [h], "
             "AttributeDefinitions: [H, x]"},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"AttributeDefinitions\":[{\"AttributeName\":\"h\",\"AttributeType\":"
     "\"S\"},{\"AttributeName\":\"h\",\"AttributeType\":\"N\"}]," KEYS "," UNITS "}",
     "Attribute Name is duplicated: h"},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"AttributeDefinitions\":[{\"AttributeName\":\"h\",\"AttributeType\":"
     "\"S\"},{\"AttributeName\":\"x\",\"AttributeType\":\"S\"}]," KEYS "," UNITS "}",
     INVALID "Number of attributes in KeySchema does not exactly match number of attributes "
             "defined in AttributeDefinitions"},
    {"CreateTable",
     "{\"TableName\":\"tab\"," DEFS ",\"KeySchema\":[{\"AttributeName\":\"h\",\"KeyType\":"
     "\"RANGE\"}]," UNITS "}",
     "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"},
    {"CreateTable",
     "{\"TableName\":\"tab\"," DEFS ",\"KeySchema\":[{\"AttributeName\":\"h\",\"KeyType\":"
     "\"HASH\"},{\"AttributeName\":\"r\",\"KeyType\":\"HASH\"}]," UNITS "}",
     "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"},
    {"CreateTable",
     "{\"TableName\":\"tab\"," DEFS ",\"KeySchema\":[{\"AttributeName\":\"h\",\"KeyType\":"
     "\"HASH\"},{\"AttributeName\":\"h\",\"KeyType\":\"RANGE\"}]," UNITS "}",
     "Invalid KeySchema: Some index key attribute have no definition"},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"AttributeDefinitions\":[{\"AttributeName\":\"h\",\"AttributeType\":"
     "\"S\"},{\"AttributeName\":\"r\",\"AttributeType\":\"S\"}],\"KeySchema\":[{\"AttributeName\":"
     "\"h\",\"KeyType\":\"HASH\"},{\"AttributeName\":"
     "\"h\",\"KeyType\":\"RANGE\"}]," UNITS "}",
     "Both the Hash Key and the Range Key element in the KeySchema have the same name"},
    {"CreateTable", DEMAND "\"StreamSpecification\":{\"StreamEnabled\":false}}", NULL},
    {"CreateTable",
     DEMAND "\"StreamSpecification\":{\"StreamEnabled\":false,\"StreamViewType\":\"NEW_IMAGE\"}}",
     INVALID "Table is being created with a stream disabled, UpdateViewType should not be "
             "specified"},
    {"CreateTable", TABLE UNITS "," MAXIMA "{\"MaxReadRequestUnits\":1}}",
     INVALID "MaxReadRequestUnits for OnDemandThroughput cannot be specified when table "
             "BillingMode is PROVISIONED."},
    {"CreateTable", DEMAND MAXIMA "{\"MaxReadRequestUnits\":1,\"MaxWriteRequestUnits\":1}}", NULL},
    {"CreateTable", DEMAND MAXIMA "{}}", NULL},
    {"CreateTable", DEMAND MAXIMA "{\"MaxReadRequestUnits\":0}}",
     INVALID "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid "
             "range"},
    {"CreateTable", DEMAND MAXIMA "{\"MaxWriteRequestUnits\":-1}}",
     INVALID "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid "
             "range"},
    {"CreateTable", DEMAND WARM "{\"ReadUnitsPerSecond\":12000,\"WriteUnitsPerSecond\":4000}}",
     NULL},
    {"CreateTable", DEMAND WARM "{\"ReadUnitsPerSecond\":11999}}",
     INVALID "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than initial "
             "throughput for OnDemand."},
    {"CreateTable", DEMAND WARM "{\"WriteUnitsPerSecond\":3999}}",
     INVALID "Requested WriteUnitsPerSecond for WarmThroughput for table is lower than initial "
             "throughput for OnDemand."},
    {"CreateTable", TABLE UNITS "," WARM "{\"ReadUnitsPerSecond\":5,\"WriteUnitsPerSecond\":6}}",
     NULL},
    {"CreateTable", TABLE UNITS "," WARM "{\"ReadUnitsPerSecond\":4}}",
     INVALID "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than "
             "ReadCapacityUnits of ProvisionedThroughput"},
    {"CreateTable", TABLE UNITS "," WARM "{\"WriteUnitsPerSecond\":5}}",
     INVALID "Requested WriteUnitsPerSecond for WarmThroughput for table is lower than "
             "WriteCapacityUnits of ProvisionedThroughput"},
    {"CreateTable", DEMAND "\"SSESpecification\":{\"Enabled\":true}}",
     INVALID "SSESpecification is not supported by this version of Tercet"},
    {"CreateTable", DEMAND "\"SSESpecification\":{\"Enabled\":false,\"SSEType\":\"KMS\"}}",
     INVALID "SSEType can not be specified if Enabled is false"},
    {"CreateTable", DEMAND "\"Tags\":[{\"Key\":\"aws:x\",\"Value\":\"\"}]}",
     "Tag Key cannot be prefixed with aws:, Key: aws:x"},
};

static const struct expected update[] = {
    {"UpdateTable", UPDATE "\"AttributeDefinitions\":[]}", "At least one of ProvisionedThroughput"},
    {"UpdateTable", UPDATE WARM "{}," MAXIMA "{}}", "At least one of ProvisionedThroughput"},
    {"UpdateTable", UPDATE WARM "{},\"DeletionProtectionEnabled\":true}", NULL},
    {"UpdateTable", UPDATE "\"BillingMode\":\"PROVISIONED\"}",
     INVALID "ProvisionedThroughput must be specified when BillingMode is PROVISIONED"},
    {"UpdateTable", UPDATE "\"BillingMode\":\"PAY_PER_REQUEST\"," UNITS "}",
     INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode "
             "is PAY_PER_REQUEST"},
    {"UpdateTable",
     UPDATE "\"DeletionProtectionEnabled\":true,\"SSESpecification\":{\"Enabled\":false}}",
     INVALID "Server-Side Encryption modification must be the only operation in the request"},
    {"UpdateTable", UPDATE "\"DeletionProtectionEnabled\":true,\"TableClass\":\"STANDARD\"}",
     INVALID "TableClass modification must be the only operation in the request"},
    {"UpdateTable", UPDATE "\"DeletionProtectionEnabled\":true," UNITS "}",
     INVALID "DeletionProtection modification must be the only operation in the request"},
    {"UpdateTable", UPDATE WARM "{\"ReadUnitsPerSecond\":1}," UNITS "}",
     INVALID "WarmThroughput must be the only operation in the request"},
    {"UpdateTable", UPDATE MAXIMA "{\"MaxReadRequestUnits\":1}," UNITS "}",
     INVALID "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"},
    {"UpdateTable",
     UPDATE MAXIMA "{\"MaxReadRequestUnits\":1},\"BillingMode\":\"PAY_PER_REQUEST\"}", NULL},
    {"UpdateTable", UPDATE "\"SSESpecification\":{}}",
     INVALID "Table is already encrypted by default"},
    {"UpdateTable", UPDATE "\"SSESpecification\":{\"SSEType\":\"KMS\"}}",
     INVALID "SSESpecification is not supported by this version of Tercet"},
    {"UpdateTable", UPDATE "\"StreamSpecification\":{\"StreamEnabled\":false}}",
     "Table has no stream to disable: TableName: tab"},
    {"UpdateTable", UPDATE "\"StreamSpecification\":{\"StreamEnabled\":false}," UNITS "}",
     INVALID "You cannot modify stream status while updating table IOPS"},
};

static const struct expected others[] = {
    {"TagResource", "{\"Tags\":[]}", "Invalid TableArn"},
    {"TagResource", "{" ARN ",\"Tags\":[]}", "Atleast one Tag needs to be provided as Input."},
    {"TagResource", "{" ARN ",\"Tags\":[{\"Key\":\"k\",\"Value\":\"\"}]}", NULL},
    {"TagResource", "{" ARN ",\"Tags\":[{\"Key\":\"k\"}]}",
     "The Tag Value provided is invalid, Value: null"},
    {"TagResource", "{" ARN ",\"Tags\":[{\"Value\":\"k\"}]}",
     "The Tag Key provided is invalid, Key: null"},
    {"TagResource", "{" ARN ",\"Tags\":[{\"Key\":\"\",\"Value\":\"\"}]}",
     "The Tag Key provided is invalid, Key: "},
    {"TagResource", "{" ARN ",\"Tags\":[{\"Key\":\"myaws:x\",\"Value\":\"\"}]}", NULL},
    {"TagResource", "{" ARN ",\"Tags\":[{\"Key\":\"AWS:x\",\"Value\":\"\"}]}",
     "Tag Key cannot be prefixed with aws:, Key: AWS:x"},
    {"TagResource",
     "{" ARN ",\"Tags\":[{\"Key\":\"k\",\"Value\":\"\"},{\"Key\":\"k\",\"Value\":\"2\"}]}",
     "Duplicate Tag Keys provided as input: Duplicate Tag Key found k"},
    {"TagResource", "{" ARN ",\"Tags\":[{\"Key\":\"a+b-c=d.e_f:g/h@i 1\",\"Value\":\"\"}]}", NULL},
    {"TagResource",
     "{" ARN ",\"Tags\":[{\"Key\":\"\xd0\xba\xe8\xa1\xa8\xc3\xa9\xc2\xa0\","
     "\"Value\":\"\xe3\x80\x80\"}]}",
     NULL},
    {"TagResource", "{" ARN ",\"Tags\":[{\"Key\":\"100%\",\"Value\":\"\"}]}",
     "The Tag Key provided is invalid, Key: 100%"},
    {"TagResource", "{" ARN ",\"Tags\":[{\"Key\":\"k\",\"Value\":\"\xf0\x9f\x94\x91\"}]}",
     "The Tag Value provided is invalid, Value: \xf0\x9f\x94\x91"},
    {"UntagResource", "{" ARN ",\"TagKeys\":[]}",
     "Atleast one Tag Key needs to be provided as Input."},
    {"UntagResource", "{" ARN ",\"TagKeys\":[\"aws:x\"]}",
     "Tag Key cannot be prefixed with aws:, Key: aws:x"},
    {"UntagResource", "{" ARN ",\"TagKeys\":[\"never\"]}", NULL},
    {"ListTagsOfResource", "{" ARN "}", NULL},
    {"ListTagsOfResource", "{" ARN ",\"NextToken\":\"x\"}", "Invalid NextToken"},
    {"ListTagsOfResource",
     "{\"ResourceArn\":\"arn:aws:dynamodb:us-east-1:000000000000:table/tab/index/i\"}",
     "Invalid TableArn: Invalid ResourceArn provided as input "
     "arn:aws:dynamodb:us-east-1:000000000000:table/tab/index/i"},
    {"ListTagsOfResource", "{\"ResourceArn\":\"tab\"}",
     "Invalid TableArn: Invalid ResourceArn provided as input tab"},
    {"ListTagsOfResource",
     "{\"ResourceArn\":\"arn:aws:dynamodb:us-east-1:000000000000:global-table/tab\"}",
     "Invalid TableArn: Invalid ResourceArn provided as input "},
    {"ListTagsOfResource",
     "{\"ResourceArn\":\"arn:aws:dynamodb:eu-west-1:000000000000:table/tab\"}", NULL},
    {"UpdateTimeToLive",
     UPDATE "\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"t\"}}", NULL},
    {"UpdateTimeToLive",
     UPDATE "\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"\"}}",
     "1 validation error detected: Value '' at 'timeToLiveSpecification.attributeName' failed to "
     "satisfy constraint: Member must have length greater than or equal to 1"},
    {"UpdateTimeToLive", UPDATE "\"TimeToLiveSpecification\":{\"AttributeName\":\"t\"}}",
     "1 validation error detected: Value null at 'timeToLiveSpecification.enabled' failed to "
     "satisfy constraint: Member must not be null"},
};

#define DENIED(op) "User is not authorized to perform: dynamodb:" op " on resource: "
#define STRANGE    "arn:aws:dynamodb:us-east-1:123456789012:table/tab"

/* ARNs of other services and accounts: API_ACCESS_DENIED. */
static const struct expected denied[] = {
    {"ListTagsOfResource", "{\"ResourceArn\":\"arn:aws:s3:::bucket\"}",
     DENIED("ListTagsOfResource") "arn:aws:s3:::bucket"},
    {"ListTagsOfResource", "{\"ResourceArn\":\"" STRANGE "\"}",
     DENIED("ListTagsOfResource") STRANGE},
    {"TagResource", "{\"ResourceArn\":\"" STRANGE "\",\"Tags\":[]}", DENIED("TagResource") STRANGE},
    {"UntagResource", "{\"ResourceArn\":\"" STRANGE "\",\"TagKeys\":[]}",
     DENIED("UntagResource") STRANGE},
};

struct fixture {
    struct api_decoder decoder;
    struct tc_arena arena;
};

static void check(struct fixture *f, const struct expected *e, enum api_error error) {
    char target[128];
    (void)snprintf(target, sizeof target, "DynamoDB_20120810.%s", e->op);
    tc_arena_reset(&f->arena);
    struct tc_slice body = tc_arena_dup(&f->arena, tc_slice_str(e->body));
    bool taken =
        api_decode(&f->decoder, api_op_find(tc_slice_str(target)), body, &f->arena) != NULL;
    struct tc_slice text = tc_buf_slice(&f->decoder.text);
    if (taken != (e->text == NULL) || (!taken && f->decoder.error != error) ||
        (!taken && !tc_slice_has_prefix(text, tc_slice_str(e->text))))
        fail_msg("%s %s: %s%.*s", e->op, e->body, taken ? "accepted" : "", TC_SLICE_ARGS(text));
}

static void check_all(const struct expected *rows, size_t count, enum api_error error) {
    struct fixture f = {0};
    for (size_t i = 0; i < count; i++)
        check(&f, &rows[i], error);
    api_decoder_deinit(&f.decoder);
    tc_arena_deinit(&f.arena);
}

static void create_table_is_checked(void **state) {
    (void)state;
    check_all(create, sizeof create / sizeof create[0], API_VALIDATION);
}

static void update_table_changes_one_thing(void **state) {
    (void)state;
    check_all(update, sizeof update / sizeof update[0], API_VALIDATION);
}

static void tags_and_expiry_are_checked(void **state) {
    (void)state;
    check_all(others, sizeof others / sizeof others[0], API_VALIDATION);
    check_all(denied, sizeof denied / sizeof denied[0], API_ACCESS_DENIED);
}

/* {"ResourceArn":...,"Tags":[{"Key":key,"Value":value}, count times]}; keys differ by a number. */
static void check_tags(size_t count, size_t key_chars, size_t value_chars, bool taken) {
    struct tc_buf body = {0};
    tc_buf_append_str(&body, "{" ARN ",\"Tags\":[");
    for (size_t i = 0; i < count; i++) {
        tc_buf_printf(&body, "%s{\"Key\":\"%03zu", i ? "," : "", i);
        for (size_t k = 3; k < key_chars; k++)
            tc_buf_append_str(&body, "\xc3\xa9"); /* characters are counted, not bytes */
        tc_buf_append_str(&body, "\",\"Value\":\"");
        for (size_t k = 0; k < value_chars; k++)
            tc_buf_append_u8(&body, 'v');
        tc_buf_append_str(&body, "\"}");
    }
    tc_buf_append_str(&body, "]}");
    tc_buf_append_u8(&body, 0);
    struct expected e = {"TagResource", (const char *)body.data, taken ? NULL : ""};
    check_all(&e, 1, API_VALIDATION);
    tc_buf_deinit(&body);
}

static void tags_have_limits(void **state) {
    (void)state;
    check_tags(50, 3, 1, true);
    check_tags(51, 3, 1, false);
    check_tags(1, 128, 1, true);
    check_tags(1, 129, 1, false);
    check_tags(1, 3, 256, true);
    check_tags(1, 3, 257, false);
}

static void arns_of_tables(void **state) {
    (void)state;
    struct tc_slice name;
    assert_true(
        api_arn_table(TC_SLICE_LIT("arn:aws-cn:dynamodb:eu-west-1:123456789012:table/a.b"), &name));
    assert_true(tc_slice_eq(name, TC_SLICE_LIT("a.b")));
    static const char *const none[] = {
        "",
        "arn",
        "arn:aws:s3:::bucket/table/abc",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/ab",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/abc/stream/1",
        "arn:aws:dynamodb:eu-west-1:123456789012:global-table/abc",
        "arn:aws:dynamodb:eu-west-1:table/abc",
        "arn::dynamodb:eu-west-1:1:table/abc",
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(api_arn_table(tc_slice_str(none[i]), &name));
}

const struct CMUnitTest api_table_tests[API_TABLE_TESTS] = {
    cmocka_unit_test(create_table_is_checked),
    cmocka_unit_test(update_table_changes_one_thing),
    cmocka_unit_test(tags_and_expiry_are_checked),
    cmocka_unit_test(tags_have_limits),
    cmocka_unit_test(arns_of_tables),
};
