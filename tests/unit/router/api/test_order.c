/* Requests on items with several faults: which one is told. */
#include "test_api.h"

#include "router/api/api_decode.h"

#include <stdio.h>
#include <string.h>

#define MIXED    "Can not use both expression and non-expression parameters"
#define NOTHING  "Supplied AttributeValue is empty"
#define OLD_ONLY "ReturnValues can only be ALL_OLD or NONE"
#define NAMES    "ExpressionAttributeNames "
#define VALUES   "ExpressionAttributeValues "
#define KEY      "'Key':{'k':{'S':'x'}},"

/* Members beside TableName, with ' for ". In order of precedence: violated constraints, what
 * excludes each other, values, rules of the operation, placeholders. */
static const struct {
    const char *op, *members, *text;
} cases[] = {
    {"PutItem", "'Item':{'k':{}},'ReturnValuesOnConditionCheckFailure':'ALL_NEW'",
     "1 validation error detected: Value 'ALL_NEW' at 'returnValuesOnConditionCheckFailure' failed "
     "to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]"},
    {"PutItem", "'Item':{'k':{}},'Expected':{'a':{}},'ConditionExpression':''", MIXED},
    {"GetItem", "'Key':{'k':{}},'AttributesToGet':['a','a'],'ProjectionExpression':''", MIXED},
    {"UpdateItem",
     "'Key':{'k':{}},'AttributeUpdates':{'a':{}},'ExpressionAttributeNames':{},"
     "'ExpressionAttributeValues':{}",
     NAMES "can only be specified when using expressions"},
    {"DeleteItem", "'Key':{'k':{}},'Expected':{'a':{}},'ExpressionAttributeValues':{}",
     VALUES "can only be specified when using expressions: ConditionExpression is null"},
    {"PutItem", "'Item':{'k':{}},'ReturnValues':'ALL_NEW','Expected':{'a':{}}", NOTHING},
    {"PutItem",
     "'ExpressionAttributeValues':{':v':{}},'ConditionExpression':'','Item':{'k':{'N':'x'}}",
     "The parameter cannot be converted to a numeric value: x"},
    {"DeleteItem", KEY "'ReturnValues':'ALL_NEW','Expected':{'a':{}}", OLD_ONLY},
    {"PutItem",
     "'ExpressionAttributeValues':{':v':{}},'Item':{},'ConditionExpression':'','ReturnValues':"
     "'ALL_NEW'",
     OLD_ONLY},
    {"UpdateItem",
     KEY "'UpdateExpression':'','ExpressionAttributeNames':{},'ExpressionAttributeValues':{'v':{}}",
     NAMES "must not be empty"},
    {"UpdateItem",
     KEY "'UpdateExpression':'','ExpressionAttributeNames':{'a':'a'},"
         "'ExpressionAttributeValues':{}",
     NAMES "contains invalid key: Syntax error; key: \"a\""},
    {"GetItem", KEY "'ProjectionExpression':'','ExpressionAttributeNames':{'#':'a'}",
     NAMES "contains invalid key: Syntax error; key: \"#\""},
    {"Scan",
     "'FilterExpression':'','ExpressionAttributeNames':{'#a':''},'ExpressionAttributeValues':"
     "{':b':{}}",
     NAMES "contains invalid value: Attribute name is empty"},
    {"UpdateItem", KEY "'UpdateExpression':'','ExpressionAttributeValues':{}",
     VALUES "must not be empty"},
    {"UpdateItem", KEY "'UpdateExpression':'','ExpressionAttributeValues':{':b':{},'b':{'S':'a'}}",
     VALUES "contains invalid key: Syntax error; key: \"b\""},
    {"UpdateItem",
     KEY "'UpdateExpression':'','ExpressionAttributeValues':{':a':{'S':''},':b':{'N':'x'},':c':{}}",
     VALUES "contains invalid value: The parameter cannot be converted to a numeric value: x for "
            "key :b"},
    {"TransactWriteItems",
     "'TransactItems':[{'Put':{'TableName':'tab','Item':{},'ConditionExpression':'a = :v',"
     "'ExpressionAttributeValues':{':v':{'SS':[]}}}}]",
     VALUES "contains invalid value: One or more parameter values were invalid: An string set  may "
            "not be empty for key :v"},
};

static struct tc_slice body_of(const char *members, struct tc_arena *arena) {
    struct tc_buf body = {0};
    tc_buf_printf(&body, "{'TableName':'tab',%s}", members);
    for (size_t i = 0; i < body.len; i++)
        if (body.data[i] == '\'')
            body.data[i] = '"';
    struct tc_slice copy = tc_arena_dup(arena, tc_buf_slice(&body));
    tc_buf_deinit(&body);
    return copy;
}

static void the_first_of_several_faults_is_told(void **state) {
    (void)state;
    struct api_decoder decoder = {0};
    struct tc_arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "DynamoDB_20120810.%s", cases[i].op);
        tc_arena_reset(&arena);
        void *in = api_decode(&decoder, api_op_find(tc_slice_str(target)),
                              body_of(cases[i].members, &arena), &arena);
        struct tc_slice text = tc_buf_slice(&decoder.text);
        if (in != NULL || decoder.error != API_VALIDATION ||
            !tc_slice_has_prefix(text, tc_slice_str(cases[i].text)))
            fail_msg("%s %s: %.*s", cases[i].op, cases[i].members, TC_SLICE_ARGS(text));
    }
    api_decoder_deinit(&decoder);
    tc_arena_deinit(&arena);
}

const struct CMUnitTest api_order_tests[API_ORDER_TESTS] = {
    cmocka_unit_test(the_first_of_several_faults_is_told),
};
