/* Response bodies, byte for byte. */
#include "test_api.h"

#include "base/assert.h"
#include "router/api/api_error.h"
#include "router/api/api_write.h"

#include <string.h>

static void expect(struct tc_buf *out, const char *text) {
    if (!tc_slice_eq(tc_buf_slice(out), tc_slice_str(text)))
        fail_msg("%.*s\nwanted %s", TC_SLICE_ARGS(tc_buf_slice(out)), text);
    tc_buf_clear(out);
}

/* {"k":{"S":text}} encoded */
static struct tc_slice item_of(struct tc_buf *item, const char *text) {
    struct item_builder b = {0};
    struct tc_buf value = {0};
    item_put_string(&value, tc_slice_str(text));
    item_builder_add(&b, TC_SLICE_LIT("k"), tc_buf_slice(&value));
    tc_buf_clear(item);
    assert_int_equal(item_builder_finish(&b, item), TC_OK);
    item_builder_deinit(&b);
    tc_buf_deinit(&value);
    return tc_buf_slice(item);
}

static void single_items(void **state) {
    (void)state;
    struct tc_buf out = {0}, item = {0};
    struct api_consumed none = {0};
    struct api_consumed total = {
        .detail = API_CAPACITY_TOTAL, .table_name = TC_SLICE_LIT("tab"), .units_mu = 500};
    struct api_consumed indexes = {
        .detail = API_CAPACITY_INDEXES, .table_name = TC_SLICE_LIT("tab"), .units_mu = 2000};
    api_write_get_item(&out, TC_SLICE_EMPTY, none);
    expect(&out, "{}");
    api_write_get_item(&out, item_of(&item, "x\"y"), total);
    expect(&out, "{\"Item\":{\"k\":{\"S\":\"x\\\"y\"}},\"ConsumedCapacity\":{\"TableName\":"
                 "\"tab\",\"CapacityUnits\":0.5}}");
    api_write_write_item(&out, TC_SLICE_EMPTY, indexes, (struct api_collection){0});
    expect(&out, "{\"ConsumedCapacity\":{\"TableName\":\"tab\",\"CapacityUnits\":2,\"Table\":{"
                 "\"CapacityUnits\":2}}}");
    api_write_write_item(&out, item_of(&item, ""), none, (struct api_collection){0});
    expect(&out, "{\"Attributes\":{\"k\":{\"S\":\"\"}}}");
    const struct api_index_consumed parts[] = {{TC_SLICE_LIT("g"), true, 3000},
                                               {TC_SLICE_LIT("l"), false, 1000},
                                               {TC_SLICE_LIT("h"), true, 500}};
    indexes.units_mu = 6500;
    indexes.indexes = parts;
    indexes.index_count = 3;
    struct api_collection collection = {item_of(&item, "p"), UINT64_C(3) << 30};
    api_write_write_item(&out, TC_SLICE_EMPTY, indexes, collection);
    expect(&out,
           "{\"ConsumedCapacity\":{\"TableName\":\"tab\",\"CapacityUnits\":6.5,\"Table\":{"
           "\"CapacityUnits\":2},\"LocalSecondaryIndexes\":{\"l\":{\"CapacityUnits\":1}},"
           "\"GlobalSecondaryIndexes\":{\"g\":{\"CapacityUnits\":3},\"h\":{"
           "\"CapacityUnits\":0.5}}},\"ItemCollectionMetrics\":{\"ItemCollectionKey\":{\"k\":{"
           "\"S\":\"p\"}},\"SizeEstimateRangeGB\":[3.0,4.0]}}");
    tc_buf_deinit(&out);
    tc_buf_deinit(&item);
}

static void pages(void **state) {
    (void)state;
    struct tc_buf out = {0}, item = {0};
    struct api_page_end end = {.count = 2, .scanned_count = 3};
    api_write_page_begin(&out, 0);
    api_write_page_item(&out, item_of(&item, "a"));
    api_write_page_item(&out, item_of(&item, "b"));
    end.last_evaluated_key = item_of(&item, "b");
    api_write_page_end(&out, &end);
    expect(&out, "{\"Items\":[{\"k\":{\"S\":\"a\"}},{\"k\":{\"S\":\"b\"}}],\"Count\":2,"
                 "\"ScannedCount\":3,\"LastEvaluatedKey\":{\"k\":{\"S\":\"b\"}}}");
    end = (struct api_page_end){.select = API_SELECT_COUNT, .count = 1, .scanned_count = 1};
    api_write_page_begin(&out, API_SELECT_COUNT);
    api_write_page_end(&out, &end);
    expect(&out, "{\"Count\":1,\"ScannedCount\":1}");
    api_write_page_begin(&out, 0);
    api_write_page_end(&out, &(struct api_page_end){0});
    expect(&out, "{\"Items\":[],\"Count\":0,\"ScannedCount\":0}");
    tc_buf_deinit(&out);
    tc_buf_deinit(&item);
}

static void batches(void **state) {
    (void)state;
    struct tc_buf out = {0}, item = {0};
    struct tc_slice key = item_of(&item, "a");
    struct expr_binding name = {TC_SLICE_LIT("#n"), TC_SLICE_LIT("k"), false};
    struct api_batch_get_table get = {
        .table_name = TC_SLICE_LIT("tab"),
        .keys = {.set = true, .items = (struct tc_slice[]){key, key}, .count = 2},
        .consistent_read = API_TRUE,
        .projection_expression = TC_SLICE_LIT("#n"),
        .names = {.set = true, .list = {&name, 1}},
    };
    struct api_consumed consumed = {
        .detail = API_CAPACITY_TOTAL, .table_name = TC_SLICE_LIT("tab"), .units_mu = 1000};
    api_write_batch_get_begin(&out);
    api_write_batch_table_begin(&out, get.table_name);
    api_write_page_item(&out, key);
    api_write_batch_table_end(&out);
    api_write_batch_get_unprocessed_begin(&out);
    api_write_batch_get_unprocessed(&out, &get, (bool[]){true, false});
    api_write_batch_end(&out, &consumed, 1);
    api_write_end(&out);
    expect(&out, "{\"Responses\":{\"tab\":[{\"k\":{\"S\":\"a\"}}]},\"UnprocessedKeys\":{\"tab\":{"
                 "\"Keys\":[{\"k\":{\"S\":\"a\"}}],\"ConsistentRead\":true,"
                 "\"ProjectionExpression\":\"#n\",\"ExpressionAttributeNames\":{\"#n\":\"k\"}}},"
                 "\"ConsumedCapacity\":[{\"TableName\":\"tab\",\"CapacityUnits\":1}]}");
    struct api_put_request put = {key};
    struct api_delete_request del = {key};
    struct api_write_request writes[] = {{.put = &put}, {.del = &del}, {.put = &put}};
    struct api_batch_write_table table = {.table_name = TC_SLICE_LIT("tab"),
                                          .writes = {true, writes, 3}};
    api_write_batch_write_begin(&out);
    api_write_batch_write_unprocessed(&out, &table, (bool[]){false, false, true});
    api_write_batch_end(&out, NULL, 0);
    api_write_end(&out);
    expect(&out, "{\"UnprocessedItems\":{\"tab\":[{\"PutRequest\":{\"Item\":{\"k\":{\"S\":\"a\"}}}"
                 "},{\"DeleteRequest\":{\"Key\":{\"k\":{\"S\":\"a\"}}}}]}}");
    api_write_batch_write_begin(&out);
    api_write_batch_end(&out, NULL, 0);
    api_write_batch_metrics_begin(&out);
    api_write_batch_table_begin(&out, TC_SLICE_LIT("tab"));
    api_write_batch_collection(&out, (struct api_collection){key, 0});
    api_write_batch_table_end(&out);
    api_write_batch_metrics_end(&out);
    api_write_end(&out);
    expect(&out,
           "{\"UnprocessedItems\":{},\"ItemCollectionMetrics\":{\"tab\":[{"
           "\"ItemCollectionKey\":{\"k\":{\"S\":\"a\"}},\"SizeEstimateRangeGB\":[0.0,1.0]}]}}");
    tc_buf_deinit(&out);
    tc_buf_deinit(&item);
}

static void tables(void **state) {
    (void)state;
    struct tc_buf out = {0};
    struct api_table_description t = {
        .name = TC_SLICE_LIT("tab"),
        .region = TC_SLICE_LIT("eu-west-1"),
        .uuid = TC_SLICE_LIT("u-1"),
        .status = API_TABLE_ACTIVE,
        .keys = {{TC_SLICE_LIT("h"), TC_SLICE_LIT("S")}, {TC_SLICE_LIT("r"), TC_SLICE_LIT("N")}},
        .key_count = 2,
        .created_ms = 1700000000123,
        .read_units = 5,
        .write_units = 6,
        .warm_read_units = 5,
        .warm_write_units = 6,
        .item_count = 3,
        .size_bytes = 44,
    };
    api_write_table(&out, "Table", &t);
    expect(&out,
           "{\"Table\":{\"AttributeDefinitions\":[{\"AttributeName\":\"h\",\"AttributeType\":\"S\""
           "},{\"AttributeName\":\"r\",\"AttributeType\":\"N\"}],\"KeySchema\":[{\"AttributeName\":"
           "\"h\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"r\",\"KeyType\":\"RANGE\"}],"
           "\"TableName\":\"tab\",\"TableStatus\":\"ACTIVE\",\"CreationDateTime\":1700000000.123,"
           "\"ProvisionedThroughput\":{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":5,"
           "\"WriteCapacityUnits\":6},\"TableSizeBytes\":44,\"ItemCount\":3,\"TableArn\":"
           "\"arn:aws:dynamodb:eu-west-1:000000000000:table/tab\",\"TableId\":\"u-1\","
           "\"WarmThroughput\":{\"ReadUnitsPerSecond\":5,\"WriteUnitsPerSecond\":6,\"Status\":"
           "\"ACTIVE\"},\"DeletionProtectionEnabled\":false}}");
    t.on_demand = true;
    t.on_demand_switch_ms = 1000;
    t.key_count = 1;
    t.max_write_units = -1;
    t.warm_growing = true;
    t.table_class = TC_SLICE_LIT("STANDARD");
    t.class_changed_ms = 2000;
    api_write_table(&out, "TableDescription", &t);
    tc_buf_append_u8(&out, 0);
    assert_non_null(strstr((char *)out.data, "\"BillingModeSummary\":{\"BillingMode\":"
                                             "\"PAY_PER_REQUEST\","
                                             "\"LastUpdateToPayPerRequestDateTime\":1}"));
    assert_non_null(strstr((char *)out.data, "\"ReadCapacityUnits\":0"));
    assert_non_null(
        strstr((char *)out.data, "\"OnDemandThroughput\":{\"MaxWriteRequestUnits\":-1}"));
    assert_non_null(strstr((char *)out.data, "\"Status\":\"UPDATING\"}"));
    assert_non_null(strstr((char *)out.data, "\"TableClassSummary\":{\"TableClass\":"
                                             "\"STANDARD\",\"LastUpdateDateTime\":2}"));
    tc_buf_clear(&out);
    t.creating = true;
    api_write_table(&out, "TableDescription", &t);
    tc_buf_append_u8(&out, 0);
    assert_null(strstr((char *)out.data, "WarmThroughput"));
    assert_null(strstr((char *)out.data, "LastUpdateToPayPerRequestDateTime"));
    tc_buf_clear(&out);
    api_write_list_tables_begin(&out);
    api_write_list_tables_name(&out, TC_SLICE_LIT("a.b"));
    api_write_list_tables_name(&out, TC_SLICE_LIT("c_d"));
    api_write_list_tables_end(&out, TC_SLICE_LIT("c_d"));
    expect(&out, "{\"TableNames\":[\"a.b\",\"c_d\"],\"LastEvaluatedTableName\":\"c_d\"}");
    api_write_endpoints(&out, TC_SLICE_LIT("127.0.0.1:8000"), 1440);
    expect(&out,
           "{\"Endpoints\":[{\"Address\":\"127.0.0.1:8000\",\"CachePeriodInMinutes\":1440}]}");
    tc_buf_deinit(&out);
}

static void settings(void **state) {
    (void)state;
    struct tc_buf out = {0};
    api_write_tags_begin(&out);
    api_write_tags_end(&out);
    expect(&out, "{\"Tags\":[]}");
    api_write_tags_begin(&out);
    api_write_tag(&out, TC_SLICE_LIT("a"), TC_SLICE_LIT(""));
    api_write_tag(&out, TC_SLICE_LIT("b"), TC_SLICE_LIT("x y"));
    api_write_tags_end(&out);
    expect(&out, "{\"Tags\":[{\"Key\":\"a\",\"Value\":\"\"},{\"Key\":\"b\",\"Value\":\"x y\"}]}");
    api_write_ttl(&out, false, TC_SLICE_LIT("t"));
    expect(&out, "{\"TimeToLiveSpecification\":{\"Enabled\":false,\"AttributeName\":\"t\"}}");
    api_write_ttl_description(&out, API_TTL_DISABLED, TC_SLICE_EMPTY);
    expect(&out, "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"DISABLED\"}}");
    api_write_ttl_description(&out, API_TTL_ENABLING, TC_SLICE_LIT("t"));
    expect(&out, "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"ENABLING\","
                 "\"AttributeName\":\"t\"}}");
    tc_buf_deinit(&out);
}

static void errors(void **state) {
    (void)state;
    struct tc_buf out = {0}, more = {0}, item = {0};
    for (enum api_error e = API_OK + 1; e < API_ERROR_COUNT; e++)
        assert_in_range(api_error_status(e), 400, 503);
    api_error_write(&out, API_RESOURCE_NOT_FOUND, TC_SLICE_LIT("Requested \"x\""), TC_SLICE_EMPTY);
    expect(&out, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException\","
                 "\"message\":\"Requested \\\"x\\\"\"}");
    api_write_condition_item(&more, item_of(&item, "a"));
    api_error_write(&out, API_CONDITIONAL_CHECK_FAILED, TC_SLICE_LIT("no"), tc_buf_slice(&more));
    expect(&out, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\","
                 "\"message\":\"no\",\"Item\":{\"k\":{\"S\":\"a\"}}}");
    static const struct {
        const char *text;
        size_t len;
    } clips[] = {{"abc", 3},          {"", 0},          {"a\xc3\xa4", 3},
                 {"a\xc3", 1},        {"a\xe2\x98", 1}, {"a\xe2\x98\x83", 4},
                 {"a\xf0\x9f\x98", 1}};
    for (size_t i = 0; i < sizeof clips / sizeof clips[0]; i++)
        assert_int_equal(api_error_clip(tc_slice_str(clips[i].text)).len, clips[i].len);
    api_error_write(&out, API_SERIALIZATION, TC_SLICE_EMPTY, TC_SLICE_EMPTY);
    expect(&out, "{\"__type\":\"com.amazon.coral.service#SerializationException\"}");
    tc_buf_deinit(&out);
    tc_buf_deinit(&more);
    tc_buf_deinit(&item);
}

const struct CMUnitTest api_write_tests[API_WRITE_TESTS] = {
    cmocka_unit_test(single_items), cmocka_unit_test(pages),    cmocka_unit_test(batches),
    cmocka_unit_test(tables),       cmocka_unit_test(settings), cmocka_unit_test(errors),
};
