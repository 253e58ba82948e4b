/* Secondary indexes in CreateTable and UpdateTable: the exact texts of what is refused, and each
 * limit from inside. */
#include "test_api.h"

#include "router/api/api_decode.h"
#include "router/api/api_write.h"

#include <stdio.h>
#include <string.h>

#define INVALID "One or more parameter values were invalid: "

struct expected {
    const char *op, *body;
    const char *text; /* NULL: it is accepted */
    enum api_error error;
};

static void check(const struct expected *e) {
    struct api_decoder d = {0};
    struct tc_arena arena = {0};
    char target[64];
    (void)snprintf(target, sizeof target, "DynamoDB_20120810.%s", e->op);
    const void *in =
        api_decode(&d, api_op_find(tc_slice_str(target)), tc_slice_str(e->body), &arena);
    struct tc_slice said = in ? TC_SLICE_LIT("accepted") : tc_buf_slice(&d.text);
    if (!tc_slice_eq(said, tc_slice_str(e->text ? e->text : "accepted")))
        fail_msg("%s %s\n  says   %.*s", e->op, e->body, TC_SLICE_ARGS(said));
    if (e->error)
        assert_int_equal(d.error, e->error);
    api_decoder_deinit(&d);
    tc_arena_deinit(&arena);
}

#define DEF(n)               "{\"AttributeName\":\"" n "\",\"AttributeType\":\"S\"}"
#define HASH(n)              "{\"AttributeName\":\"" n "\",\"KeyType\":\"HASH\"}"
#define RANGE(n)             "{\"AttributeName\":\"" n "\",\"KeyType\":\"RANGE\"}"
#define INDEX(n, keys, rest) "{\"IndexName\":\"" n "\",\"KeySchema\":[" keys "]" rest "}"
#define ALL                  ",\"Projection\":{\"ProjectionType\":\"ALL\"}"
#define ONE                  "{\"ReadCapacityUnits\":1,\"WriteCapacityUnits\":1}"
#define UNITS                ",\"ProvisionedThroughput\":" ONE
#define TABLE(defs, keys, rest)                                                                    \
    "{\"TableName\":\"tab\",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[" defs   \
    "],\"KeySchema\":[" keys "]," rest "}"
#define BOTH         HASH("h") "," RANGE("r")
#define THREE        DEF("h") "," DEF("r") "," DEF("x")
#define LOCAL(list)  "\"LocalSecondaryIndexes\":[" list "]"
#define GLOBAL(list) "\"GlobalSecondaryIndexes\":[" list "]"
#define UPDATE(rest) "{\"TableName\":\"tab\"," rest "}"
#define MOST         "1000000000000"
#define BEYOND       "1000000000001"
#define THROUGHPUT(r, w)                                                                           \
    ",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":" r ",\"WriteCapacityUnits\":" w "}"
#define UPDATES(list) "\"GlobalSecondaryIndexUpdates\":[" list "]"

static const struct expected rules[] = {
    {"CreateTable",
     TABLE(THREE, BOTH,
           LOCAL(INDEX("loc", HASH("h") "," RANGE("x"), ALL)) "," GLOBAL(
               INDEX("glo", HASH("x"), ALL))),
     NULL, 0},
    {"CreateTable", TABLE(THREE, BOTH, LOCAL("")), INVALID "List of LocalSecondaryIndexes is empty",
     0},
    {"CreateTable", TABLE(THREE, BOTH, GLOBAL("")),
     INVALID "List of GlobalSecondaryIndexes is empty", 0},
    {"CreateTable",
     TABLE(DEF("h") "," DEF("x"), HASH("h"), LOCAL(INDEX("loc", HASH("h") "," RANGE("x"), ALL))),
     INVALID "Table KeySchema does not have a range key, which is required when specifying a "
             "LocalSecondaryIndex",
     0},
    {"CreateTable", TABLE(THREE, BOTH, LOCAL(INDEX("loc", HASH("x") "," RANGE("h"), ALL))),
     INVALID "Index KeySchema does not have the same leading hash key as table KeySchema for "
             "index: loc. index hash key: x, table hash key: h",
     0},
    {"CreateTable", TABLE(THREE, BOTH, LOCAL(INDEX("loc", HASH("h"), ALL))),
     INVALID "Index KeySchema does not have a range key for index: loc", 0},
    {"CreateTable", TABLE(THREE, BOTH, GLOBAL(INDEX("glo", RANGE("x"), ALL))),
     "Invalid KeySchema: The first KeySchemaElement is not a HASH key type", 0},
    {"CreateTable", TABLE(THREE, BOTH, GLOBAL(INDEX("glo", HASH("x") "," RANGE("x"), ALL))),
     "Both the Hash Key and the Range Key element in the KeySchema have the same name", 0},
    {"CreateTable", TABLE(THREE, BOTH, LOCAL(INDEX("loc", HASH("h") "," HASH("x"), ALL))),
     "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type", 0},
    {"CreateTable",
     TABLE(THREE, BOTH, GLOBAL(INDEX("glo", HASH("x") "," RANGE("h") "," HASH("r"), ALL))),
     "Invalid KeySchema: HASH key attributes must stand before RANGE key attributes", 0},
    {"CreateTable", TABLE(THREE, BOTH, GLOBAL(INDEX("glo", HASH("y"), ALL))),
     INVALID "Some index key attributes are not defined in AttributeDefinitions. Keys: [y], "
             "AttributeDefinitions: [h, r, x]",
     0},
    {"CreateTable", TABLE(THREE, BOTH, GLOBAL(INDEX("glo", HASH("r"), ALL))),
     INVALID "Some AttributeDefinitions are not used. AttributeDefinitions: [h, r, x], keys used: "
             "[h, r]",
     0},
    {"CreateTable",
     TABLE(THREE, BOTH, GLOBAL(INDEX("one", HASH("x"), ALL) "," INDEX("one", HASH("r"), ALL))),
     INVALID "Duplicate index name: one", 0},
    {"CreateTable", TABLE(THREE, BOTH, GLOBAL(INDEX("glo", HASH("x"), ",\"Projection\":{}"))),
     INVALID "Unknown ProjectionType: null", 0},
    {"CreateTable",
     TABLE(THREE, BOTH,
           GLOBAL(INDEX("glo", HASH("x"),
                        ",\"Projection\":{\"ProjectionType\":\"KEYS_ONLY\","
                        "\"NonKeyAttributes\":[\"a\"]}"))),
     INVALID "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified", 0},
    {"CreateTable",
     TABLE(THREE, BOTH,
           GLOBAL(INDEX("glo", HASH("x"), ",\"Projection\":{\"ProjectionType\":\"INCLUDE\"}"))),
     INVALID "ProjectionType is INCLUDE, but NonKeyAttributes is not specified", 0},
    {"CreateTable",
     TABLE(THREE, BOTH,
           GLOBAL(INDEX("glo", HASH("x"),
                        ",\"Projection\":{\"ProjectionType\":\"INCLUDE\","
                        "\"NonKeyAttributes\":[\"a\",\"a\"]}"))),
     INVALID "Duplicate NonKeyAttribute: a", 0},
    {"CreateTable", TABLE(THREE, BOTH, GLOBAL(INDEX("glo", HASH("x"), ALL UNITS))),
     INVALID "ProvisionedThroughput should not be specified for index: glo when BillingMode is "
             "PAY_PER_REQUEST",
     0},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"AttributeDefinitions\":[" THREE "],\"KeySchema\":[" BOTH "]" UNITS
     "," GLOBAL(INDEX("glo", HASH("x"), ALL)) "}",
     INVALID "ProvisionedThroughput must be specified for index: glo", 0},
    {"CreateTable", TABLE(THREE, BOTH, GLOBAL(INDEX("gl", HASH("x"), ALL))),
     "1 validation error detected: Value 'gl' at 'globalSecondaryIndexes.1.member.indexName' "
     "failed "
     "to satisfy constraint: Member must have length greater than or equal to 3",
     0},
    {"UpdateTable", UPDATE(UPDATES("{\"Delete\":{\"IndexName\":\"glo\"}}")), NULL, 0},
    {"UpdateTable", UPDATE(UPDATES("{}")),
     INVALID "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
             "GlobalSecondaryIndexUpdate.Delete must not be null",
     0},
    {"UpdateTable",
     UPDATE(UPDATES("{\"Delete\":{\"IndexName\":\"one\"},\"Update\":{\"IndexName\":\"one\"}}")),
     INVALID "Only one of GlobalSecondaryIndexUpdate's Create, Update and Delete can be specified",
     0},
    {"UpdateTable",
     UPDATE(UPDATES("{\"Delete\":{\"IndexName\":\"one\"}},{\"Update\":{\"IndexName\":\"one\"}}")),
     INVALID "Only one global secondary index update per index is allowed simultaneously. Index: "
             "one",
     0},
    {"UpdateTable",
     UPDATE(UPDATES("{\"Update\":{\"IndexName\":\"one\"" THROUGHPUT(MOST, "1") "}}")), NULL, 0},
    {"UpdateTable",
     UPDATE(UPDATES("{\"Update\":{\"IndexName\":\"one\"" THROUGHPUT("1", BEYOND) "}}")),
     "Given value " BEYOND " for WriteCapacityUnits is out of bounds for index one", 0},
    {"UpdateTable",
     UPDATE(UPDATES("{\"Create\":" INDEX(
         "one", HASH("x"), ALL THROUGHPUT(BEYOND, "1")) "}") ","
                                                             "\"AttributeDefinitions\":[" DEF(
                                                                 "x") "]"),
     "Given value " BEYOND " for ReadCapacityUnits is out of bounds for index one", 0},
    {"UpdateTable", "{\"TableName\":\"tab\"" THROUGHPUT(BEYOND, BEYOND) "}",
     "Given value " BEYOND " for ReadCapacityUnits is out of bounds", 0},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"AttributeDefinitions\":[],\"KeySchema\":[" BOTH
     "]" THROUGHPUT("1", BEYOND) "}",
     "Given value " BEYOND " for WriteCapacityUnits is out of bounds", 0},
    {"CreateTable",
     "{\"TableName\":\"tab\",\"AttributeDefinitions\":[" DEF("h") "],\"KeySchema\":[" BOTH
                                                                  "]" THROUGHPUT(MOST, MOST) "}",
     "Invalid KeySchema: Some index key attribute have no definition", 0},
    {"UpdateTable",
     UPDATE(UPDATES("{\"Delete\":{\"IndexName\":\"one\"}},{\"Delete\":{\"IndexName\":\"two\"}}")),
     "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per "
     "table",
     API_LIMIT_EXCEEDED},
    {"UpdateTable",
     UPDATE(UPDATES("{\"Create\":" INDEX("glo", HASH("x"),
                                         ALL) "}") ",\"AttributeDefinitions\":[" DEF("x") "]"),
     NULL, 0},
    {"UpdateTable", UPDATE(UPDATES("{\"Create\":" INDEX("glo", HASH("x"), ALL) "}")),
     INVALID "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], "
             "AttributeDefinitions: []",
     0},
};

static void index_rules(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        check(&rules[i]);
}

static void append(struct tc_buf *out, const char *fmt, size_t i) {
    char text[512];
    char number[24];
    (void)snprintf(number, sizeof number, "%zu", i);
    size_t at = 0;
    for (const char *c = fmt; *c; c++)
        if (*c == '#')
            at += (size_t)snprintf(text + at, sizeof text - at, "%s", number);
        else
            text[at++] = *c;
    tc_buf_append(out, text, at);
}

static void check_count(const char *op, size_t count, const char *before, const char *each,
                        const char *after, const char *text) {
    struct tc_buf body = {0};
    tc_buf_append_str(&body, before);
    for (size_t i = 0; i < count; i++) {
        append(&body, i ? "," : "", i);
        append(&body, each, i);
    }
    tc_buf_append_str(&body, after);
    tc_buf_append_u8(&body, 0);
    check(&(struct expected){op, (const char *)body.data, text, 0});
    tc_buf_deinit(&body);
}

#define HEAD                                                                                       \
    "{\"TableName\":\"tab\",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[" THREE  \
    "],\"KeySchema\":[" BOTH "],"

static void index_limits(void **state) {
    (void)state;
    static const char locals[] = HEAD "\"LocalSecondaryIndexes\":[";
    static const char globals[] = HEAD "\"GlobalSecondaryIndexes\":[";
    static const char local[] = INDEX("loc#", HASH("h") "," RANGE("x"), ALL);
    static const char global[] = INDEX("glo#", HASH("x"), ALL);
    check_count("CreateTable", 5, locals, local, "]}", NULL);
    check_count("CreateTable", 6, locals, local, "]}",
                INVALID "Number of LocalSecondaryIndexes exceeds per-table limit of 5");
    check_count("CreateTable", 20, globals, global, "]}", NULL);
    check_count("CreateTable", 21, globals, global, "]}",
                INVALID "GlobalSecondaryIndex count exceeds the per-table limit of 20");
    /* 20 attributes in one index, 100 in all of them. */
    static const char include[] = "{\"IndexName\":\"glo#\",\"KeySchema\":[" HASH(
        "x") "],\"Projection\":{\"ProjectionType\":"
             "\"INCLUDE\",\"NonKeyAttributes\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"i\","
             "\"j\","
             "\"k\",\"l\",\"m\",\"n\",\"o\",\"p\",\"q\",\"s\",\"t\",\"u\",\"v\"]}}";
    check_count("CreateTable", 5, globals, include, "]}", NULL);
    check_count("CreateTable", 6, globals, include, "]}",
                INVALID "The number of projected attributes over all indexes exceeds the per-table "
                        "limit of 100");
    static const char one[] =
        HEAD "\"GlobalSecondaryIndexes\":[{\"IndexName\":\"glo\","
             "\"KeySchema\":[" HASH("x") "],\"Projection\":{"
                                         "\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":[";
    check_count("CreateTable", 20, one, "\"a#\"", "]}}]}", NULL);
    check_count(
        "CreateTable", 21, one, "\"a#\"", "]}}]}",
        "1 validation error detected: Value '[...]' at 'globalSecondaryIndexes.1.member."
        "projection.nonKeyAttributes' failed to satisfy constraint: Member must have length "
        "less than or equal to 20");
}

/* Four attributes each. */
static void index_keys(void **state) {
    (void)state;
    static const char defs[] = "{\"TableName\":\"tab\",\"GlobalSecondaryIndexUpdates\":[{"
                               "\"Create\":{\"IndexName\":\"glo\","
                               "\"Projection\":{\"ProjectionType\":\"ALL\"},\"KeySchema\":[";
    static const char after[] = "]}}],\"AttributeDefinitions\":[" DEF("x0") "," DEF("x1") "," DEF(
        "x2") "," DEF("x3") "," DEF("x4") "," DEF("y") "]}";
    static const char hash[] = "{\"AttributeName\":\"x#\",\"KeyType\":\"HASH\"}";
    static const char range[] = "{\"AttributeName\":\"x#\",\"KeyType\":\"RANGE\"}";
    static const char many[] =
        "Invalid KeySchema: An index can have at most 4 HASH and 4 RANGE key attributes";
    struct tc_buf before = {0};
    check_count("UpdateTable", 4, defs, hash, after, NULL);
    check_count("UpdateTable", 5, defs, hash, after, many);
    tc_buf_printf(&before, "%s" HASH("y") ",", defs);
    tc_buf_append_u8(&before, 0);
    check_count("UpdateTable", 4, (const char *)before.data, range, after, NULL);
    check_count("UpdateTable", 5, (const char *)before.data, range, after, many);
    tc_buf_deinit(&before);
}

static void index_description(void **state) {
    (void)state;
    struct tc_buf out = {0};
    struct tc_slice keys[] = {TC_SLICE_LIT("x"), TC_SLICE_LIT("y"), TC_SLICE_LIT("r")};
    struct tc_slice attributes[] = {TC_SLICE_LIT("a")};
    struct api_table_key definitions[] = {{TC_SLICE_LIT("h"), TC_SLICE_LIT("S")},
                                          {TC_SLICE_LIT("x"), TC_SLICE_LIT("N")}};
    struct api_index_description x = {.name = TC_SLICE_LIT("glo"),
                                      .global = true,
                                      .status = API_TABLE_CREATING,
                                      .shows_backfilling = true,
                                      .keys = keys,
                                      .hash_count = 2,
                                      .key_count = 3,
                                      .projection = API_PROJECTION_INCLUDE,
                                      .attributes = attributes,
                                      .attribute_count = 1,
                                      .read_units = 3,
                                      .write_units = 4,
                                      .warm_read_units = 3,
                                      .warm_write_units = 4,
                                      .item_count = 7,
                                      .size_bytes = 99};
    struct api_table_description t = {.name = TC_SLICE_LIT("tab"),
                                      .region = TC_SLICE_LIT("us-east-1"),
                                      .status = API_TABLE_UPDATING,
                                      .keys = {{TC_SLICE_LIT("h"), TC_SLICE_LIT("S")}},
                                      .key_count = 1,
                                      .definitions = definitions,
                                      .definition_count = 2,
                                      .indexes = &x,
                                      .index_count = 1};
    api_write_table(&out, "Table", &t);
    tc_buf_append_u8(&out, 0);
    assert_non_null(strstr(
        (const char *)out.data,
        "\"GlobalSecondaryIndexes\":[{\"IndexName\":\"glo\",\"KeySchema\":[{\"AttributeName\":"
        "\"x\","
        "\"KeyType\":\"HASH\"},{\"AttributeName\":\"y\",\"KeyType\":\"HASH\"},{\"AttributeName\":"
        "\"r\",\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"INCLUDE\","
        "\"NonKeyAttributes\":[\"a\"]},\"IndexStatus\":\"CREATING\",\"Backfilling\":false,"
        "\"ProvisionedThroughput\":{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":3,"
        "\"WriteCapacityUnits\":4},\"WarmThroughput\":{\"ReadUnitsPerSecond\":3,"
        "\"WriteUnitsPerSecond\":4,\"Status\":\"UPDATING\"},\"IndexSizeBytes\":99,\"ItemCount\":7,"
        "\"IndexArn\":\"arn:aws:dynamodb:us-east-1:000000000000:table/tab/index/glo\"}]"));
    assert_non_null(strstr((const char *)out.data,
                           "\"AttributeDefinitions\":[{\"AttributeName\":\"h\",\"AttributeType\":"
                           "\"S\"},{\"AttributeName\":\"x\",\"AttributeType\":\"N\"}]"));
    assert_null(strstr((const char *)out.data, "LocalSecondaryIndexes"));
    tc_buf_deinit(&out);
}

const struct CMUnitTest api_index_tests[API_INDEX_TESTS] = {
    cmocka_unit_test(index_rules),
    cmocka_unit_test(index_limits),
    cmocka_unit_test(index_keys),
    cmocka_unit_test(index_description),
};
