/* Legacy parameters: what arrives, and the text of what is refused. */
#include "test_api.h"

#include "base/assert.h"
#include "router/api/api_decode.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct api_decoder decoder;
    struct tc_arena arena;
};

static void *decode(struct fixture *f, const char *op, const char *members) {
    char target[128];
    struct tc_buf body = {0};
    (void)snprintf(target, sizeof target, "DynamoDB_20120810.%s", op);
    tc_buf_printf(&body, "{\"TableName\":\"tab\",%s}", members);
    tc_arena_reset(&f->arena);
    struct tc_slice copy = tc_arena_dup(&f->arena, tc_buf_slice(&body));
    tc_buf_deinit(&body);
    return api_decode(&f->decoder, api_op_find(tc_slice_str(target)), copy, &f->arena);
}

static void deinit(struct fixture *f) {
    api_decoder_deinit(&f->decoder);
    tc_arena_deinit(&f->arena);
}

#define KEY "\"Key\":{\"k\":{\"S\":\"x\"}},"

static void legacy_parameters_arrive(void **state) {
    (void)state;
    struct fixture f = {0};
    const struct api_write_item *w = decode(
        &f, "UpdateItem",
        KEY "\"Expected\":{\"a.b\":{\"ComparisonOperator\":\"BETWEEN\","
            "\"AttributeValueList\":[{\"N\":\"1\"},{\"N\":\"2\"}]},\"c\":{\"Exists\":false}},"
            "\"ConditionalOperator\":\"OR\",\"AttributeUpdates\":{\"d\":{\"Action\":"
            "\"DELETE\"},\"e\":{\"Value\":{\"S\":\"x\"}}}");
    assert_non_null(w);
    const struct api_condition *c = w->expected.items;
    assert_int_equal(w->expected.count, 2);
    assert_true(tc_slice_eq(c[0].name, TC_SLICE_LIT("a.b")));
    assert_int_equal(c[0].comparison, API_COMPARISON_BETWEEN);
    assert_int_equal(c[0].values.count, 2);
    assert_int_equal(c[1].exists, API_FALSE);
    assert_int_equal(w->conditional_operator, API_CONDITIONAL_OR);
    const struct api_attribute_update *u = w->attribute_updates.items;
    assert_int_equal(u[0].action, API_ACTION_DELETE);
    assert_null(u[0].value.data);
    assert_int_equal(u[1].action, 0);
    assert_int_equal(item_value_at(u[1].value).type, ITEM_S);
    deinit(&f);
}

#define INVALID           "One or more parameter values were invalid: "
#define OP(name)          "\"ComparisonOperator\":\"" name "\""
#define LIST(values)      "\"AttributeValueList\":[" values "]"
#define N1                "{\"N\":\"1\"}"
#define N2                "{\"N\":\"2\"}"
#define S1                "{\"S\":\"1\"}"
#define EXPECTED(members) KEY "\"Expected\":{\"a\":{" members "}}"
#define FILTER(members)   "\"ScanFilter\":{\"a\":{" members "}}"
#define UPDATES(members)  KEY "\"AttributeUpdates\":{\"a\":{" members "}}"

static const struct {
    const char *op, *members;
    const char *text; /* "": accepted */
} cases[] = {
    /* Expected */
    {"DeleteItem", EXPECTED("\"Value\":" N1), ""},
    {"DeleteItem", EXPECTED("\"Value\":" N1 ",\"Exists\":true"), ""},
    {"DeleteItem", EXPECTED("\"Exists\":false"), ""},
    {"DeleteItem", EXPECTED(OP("EQ") ",\"Value\":" N1), ""},
    {"DeleteItem", EXPECTED(OP("NULL")), ""},
    {"DeleteItem", EXPECTED(OP("NOT_NULL") ",\"AttributeValueList\":[]"), ""},
    {"DeleteItem", KEY "\"Expected\":{}", ""},
    {"DeleteItem", EXPECTED(""),
     INVALID "Value must be provided when Exists is null for Attribute: a"},
    {"DeleteItem", EXPECTED("\"Exists\":true"),
     INVALID "Value must be provided when Exists is true for Attribute: a"},
    {"DeleteItem", EXPECTED("\"Exists\":false,\"Value\":" N1),
     INVALID "Value cannot be used when Exists is false for Attribute: a"},
    {"DeleteItem", EXPECTED("\"Exists\":false," OP("NULL")),
     INVALID "Exists and ComparisonOperator cannot be used together for Attribute: a"},
    {"DeleteItem", EXPECTED(LIST(N1)),
     INVALID "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"},
    {"DeleteItem", EXPECTED(OP("EQ") "," LIST(N1) ",\"Value\":" N1),
     INVALID "Value and AttributeValueList cannot be used together for Attribute: a"},
    {"DeleteItem", EXPECTED(OP("EQ")),
     INVALID
     "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a"},
    {"DeleteItem", EXPECTED(OP("EQ") "," LIST(N1 "," N2)),
     INVALID "Invalid number of argument(s) for the EQ ComparisonOperator"},
    {"DeleteItem", EXPECTED(OP("NULL") ",\"Value\":" N1),
     INVALID "Invalid number of argument(s) for the NULL ComparisonOperator"},
    {"DeleteItem", EXPECTED(OP("EQUAL")),
     "1 validation error detected: Value 'EQUAL' at 'expected.a.member.comparisonOperator' failed "
     "to satisfy constraint: Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, "
     "NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]"},
    {"DeleteItem", EXPECTED("\"Value\":{}"),
     "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
    /* ConditionalOperator */
    {"DeleteItem", KEY "\"ConditionalOperator\":\"AND\"",
     INVALID "ConditionalOperator cannot be used without Filter or Expected"},
    {"DeleteItem", EXPECTED("\"Exists\":false") ",\"ConditionalOperator\":\"AND\"",
     INVALID
     "ConditionalOperator can only be used when Filter or Expected has two or more elements"},
    {"Scan", "\"ConditionalOperator\":\"XOR\"",
     "1 validation error detected: Value 'XOR' at 'conditionalOperator' failed to satisfy "
     "constraint: Member must satisfy enum value set: [OR, AND]"},
    /* Number and types of values */
    {"Scan", FILTER(LIST(N1)),
     "1 validation error detected: Value null at 'scanFilter.a.member.comparisonOperator' failed "
     "to satisfy constraint: Member must not be null"},
    {"Scan", FILTER(OP("IN")),
     INVALID "Invalid number of argument(s) for the IN ComparisonOperator"},
    {"Scan", FILTER(OP("IN") "," LIST(N1)), ""},
    {"Scan", FILTER(OP("BETWEEN") "," LIST(N1)),
     INVALID "Invalid number of argument(s) for the BETWEEN ComparisonOperator"},
    {"Scan", FILTER(OP("BETWEEN") "," LIST(N1 "," N1)), ""},
    {"Scan", FILTER(OP("BETWEEN") "," LIST(N2 "," N1)),
     "The BETWEEN condition was provided a range where the lower bound is greater than the upper "
     "bound"},
    {"Scan", FILTER(OP("BETWEEN") "," LIST(N1 "," S1)),
     INVALID "AttributeValues inside AttributeValueList must be of same type"},
    {"Scan", FILTER(OP("BETWEEN") "," LIST("{\"BOOL\":true}," N1)),
     INVALID "AttributeValues inside AttributeValueList must be of same type"},
    {"Query",
     "\"KeyConditions\":{\"a\":{\"ComparisonOperator\":\"NULL\",\"AttributeValueList\":[{\"N\":"
     "\"1\"}]}}",
     INVALID "Invalid number of argument(s) for the NULL ComparisonOperator"},
    {"Query", "\"FilterExpression\":\"a\",\"ExpressionAttributeNames\":{}",
     "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
     "request."},
    {"Scan", FILTER(OP("LT") "," LIST("{\"BOOL\":true}")),
     INVALID "ComparisonOperator LT is not valid for BOOL AttributeValue type"},
    {"Scan", FILTER(OP("CONTAINS") "," LIST("{\"SS\":[\"a\"]}")),
     INVALID "ComparisonOperator CONTAINS is not valid for SS AttributeValue type"},
    {"Scan", FILTER(OP("BEGINS_WITH") "," LIST(N1)),
     INVALID "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"},
    {"Scan", FILTER(OP("EQ") "," LIST("{\"M\":{}}")), ""},
    {"Scan", "\"ScanFilter\":{\"a\":{" OP("NULL") "},\"a\":{" OP("NULL") "}}",
     "Duplicate attribute name in a map"},
    {"Scan", "\"ScanFilter\":{\"\":{" OP("NULL") "}}",
     "1 validation error detected: Value '' at 'scanFilter' failed to satisfy constraint: Member "
     "must have length greater than or equal to 1"},
    /* AttributeUpdates */
    {"UpdateItem", KEY "\"AttributeUpdates\":{}", ""},
    {"UpdateItem", UPDATES("\"Action\":\"DELETE\""), ""},
    {"UpdateItem", UPDATES("\"Action\":\"PUT\""),
     INVALID "Only DELETE action is allowed when no attribute value is specified"},
    {"UpdateItem", UPDATES(""),
     INVALID "Only DELETE action is allowed when no attribute value is specified"},
    {"UpdateItem", UPDATES("\"Action\":\"DELETE\",\"Value\":" N1),
     INVALID "DELETE action with value is not supported for the type N"},
    {"UpdateItem", UPDATES("\"Action\":\"ADD\",\"Value\":" S1),
     INVALID "ADD action is not supported for the type S"},
    {"UpdateItem", UPDATES("\"Action\":\"ADD\",\"Value\":{\"L\":[]}"), ""},
    {"UpdateItem", UPDATES("\"Action\":\"SET\""),
     "1 validation error detected: Value 'SET' at 'attributeUpdates.a.member.action' failed to "
     "satisfy constraint: Member must satisfy enum value set: [ADD, DELETE, PUT]"},
    /* KeyConditions */
    {"Query", "\"KeyConditions\":{}", "Conditions can be of length 1 or 2 only"},
    {"Query", "\"KeyConditions\":{\"a\":{" OP("EQ") "," LIST(N1) "}}", ""},
    {"Query",
     "\"KeyConditions\":{\"a\":{" OP("EQ") "," LIST(N1) "}},\"FilterExpression\":\"x = y\"", ""},
    {"Query", "\"KeyConditions\":{\"a\":{" OP("NE") "," LIST(N1) "}}",
     "Attempted conditional constraint is not an indexable operation"},
    {"Query", "\"KeyConditions\":{\"a\":{" OP("NOT_NULL") "}}",
     "Attempted conditional constraint is not an indexable operation"},
    {"Query", "\"KeyConditions\":{\"a\":{" OP("EQ") "}}",
     INVALID "Invalid number of argument(s) for the EQ ComparisonOperator"},
    {"Query", "\"QueryFilter\":{\"a\":{" OP("NULL") "}}",
     "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
     "request."},
    /* Mixed with expressions */
    {"DeleteItem", EXPECTED("\"Exists\":false") ",\"ConditionExpression\":\"a = b\"",
     "Can not use both expression and non-expression parameters in the same request: "
     "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}"},
    {"UpdateItem",
     UPDATES("\"Action\":\"DELETE\"") ",\"Expected\":{},\"UpdateExpression\":\"REMOVE a\","
                                      "\"ConditionExpression\":\"a = b\"",
     "Can not use both expression and non-expression parameters in the same request: "
     "Non-expression parameters: {AttributeUpdates, Expected} Expression parameters: "
     "{UpdateExpression, ConditionExpression}"},
    {"Scan", FILTER(OP("NULL")) ",\"AttributesToGet\":[\"a\"],\"ProjectionExpression\":\"a\"",
     "Can not use both expression and non-expression parameters in the same request: "
     "Non-expression parameters: {AttributesToGet, ScanFilter} Expression parameters: "
     "{ProjectionExpression}"},
    {"Query",
     "\"KeyConditions\":{\"a\":{" OP("EQ") "," LIST(N1) "}},\"KeyConditionExpression\":\"a = :a\"",
     "Can not use both expression and non-expression parameters in the same request: "
     "Non-expression parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}"},
    {"Query", "\"QueryFilter\":{},\"KeyConditionExpression\":\"a = :a\"",
     "Can not use both expression and non-expression parameters in the same request: "
     "Non-expression parameters: {QueryFilter} Expression parameters: {KeyConditionExpression}"},
    {"UpdateItem", UPDATES("\"Action\":\"DELETE\"") ",\"ExpressionAttributeNames\":{\"#a\":\"a\"}",
     "ExpressionAttributeNames can only be specified when using expressions"},
};

static void legacy_refusals(void **state) {
    (void)state;
    struct fixture f = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *in = decode(&f, cases[i].op, cases[i].members);
        struct tc_slice text = in ? TC_SLICE_LIT("") : tc_buf_slice(&f.decoder.text);
        if (!tc_slice_eq(text, tc_slice_str(cases[i].text)))
            fail_msg("%s %s:\n  says   %.*s\n  wanted %s", cases[i].op, cases[i].members,
                     TC_SLICE_ARGS(text), cases[i].text);
    }
    deinit(&f);
}

const struct CMUnitTest api_legacy_tests[API_LEGACY_TESTS] = {
    cmocka_unit_test(legacy_parameters_arrive),
    cmocka_unit_test(legacy_refusals),
};
