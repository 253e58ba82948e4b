/* Rules that span several parameters of one operation, with the API's texts. What depends on the
 * table's schema is checked by the executor. */
#include "router/api/api_check_private.h"
#include "router/api/api_decode_private.h"

#include <inttypes.h>

/* Placeholders need an expression that could use them. */
static bool check_expressed(struct api_decoder *d, const struct api_bindings *names,
                            bool names_wanted, const struct api_bindings *values,
                            bool values_wanted, const char *absent) {
    if (names->set && !names_wanted)
        return api_invalid(d,
                           "ExpressionAttributeNames can only be specified when using expressions");
    if (values && values->set && !values_wanted)
        return api_invalid(
            d, "ExpressionAttributeValues can only be specified when using expressions: %s",
            absent);
    return true;
}

/* In order for look-ups, and their tokens checked. Compiling takes them from here. */
static bool prepare(struct api_decoder *d, const struct api_bindings *given, char sigil) {
    struct expr_bindings *list = (struct expr_bindings *)(uintptr_t)&given->list;
    struct tc_buf text = {0};
    if (!given->set)
        return true;
    if (list->count == 0)
        return api_invalid(d, "ExpressionAttribute%s must not be empty",
                           sigil == '#' ? "Names" : "Values");
    bool fine = expr_bindings_prepare(list, sigil, &text) == TC_OK ||
                api_invalid(d, "%.*s", TC_SLICE_ARGS(tc_buf_slice(&text)));
    tc_buf_deinit(&text);
    return fine;
}

static bool check_placeholders(struct api_decoder *d, const struct api_bindings *names,
                               const struct api_bindings *values) {
    return prepare(d, names, '#') && (values == NULL || prepare(d, values, ':')) &&
           api__check_placeholder_fault(d);
}

static bool check_item_size(struct api_decoder *d, struct tc_slice item) {
    if (item.data != NULL && item_size_bytes(item) > ITEM_BYTES_MAX)
        return api_invalid(d, "Item size has exceeded the maximum allowed size");
    return true;
}

#define GIVENS(array)                                                                              \
    (struct api_givens) {                                                                          \
        array, sizeof(array) / sizeof(array)[0]                                                    \
    }

bool api_mix_update_item(struct api_decoder *d, const void *input) {
    const struct api_write_item *in = input;
    const struct api_given parameters[] = {{"AttributeUpdates", in->attribute_updates.set},
                                           {"Expected", in->expected.set},
                                           {"ConditionalOperator", in->conditional_operator != 0}};
    const struct api_given expressions[] = {
        {"UpdateExpression", in->update_expression.data != NULL},
        {"ConditionExpression", in->condition_expression.data != NULL}};
    bool any = expressions[0].given || expressions[1].given;
    return api__check_mix(d, GIVENS(parameters), GIVENS(expressions)) &&
           check_expressed(d, &in->names, any, &in->values, any,
                           "UpdateExpression and ConditionExpression are null");
}

/* PutItem and DeleteItem. */
bool api_mix_write_item(struct api_decoder *d, const void *input) {
    const struct api_write_item *in = input;
    const struct api_given parameters[] = {{"Expected", in->expected.set},
                                           {"ConditionalOperator", in->conditional_operator != 0}};
    const struct api_given expressions[] = {
        {"ConditionExpression", in->condition_expression.data != NULL}};
    return api__check_mix(d, GIVENS(parameters), GIVENS(expressions)) &&
           check_expressed(d, &in->names, expressions[0].given, &in->values, expressions[0].given,
                           "ConditionExpression is null");
}

bool api_check_update_item(struct api_decoder *d, const void *input) {
    const struct api_write_item *in = input;
    return api__check_updates(d, &in->attribute_updates) && api__check_expected(d, &in->expected) &&
           api__check_operator(d, in->conditional_operator, &in->expected) &&
           check_placeholders(d, &in->names, &in->values);
}

bool api_check_write_item(struct api_decoder *d, const void *input) {
    const struct api_write_item *in = input;
    if (in->return_values > API_RETURN_ALL_OLD)
        return api_invalid(d, "ReturnValues can only be ALL_OLD or NONE");
    return check_item_size(d, in->item) && api_check_update_item(d, input);
}

/* AttributesToGet beside a ProjectionExpression. Duplicates are told when they are compiled. */
static bool check_names_mix(struct api_decoder *d, const struct api_slices *names,
                            struct tc_slice projection) {
    const struct api_given parameters[] = {{"AttributesToGet", names->set}};
    const struct api_given expressions[] = {{"ProjectionExpression", projection.data != NULL}};
    return api__check_mix(d, GIVENS(parameters), GIVENS(expressions));
}

bool api_mix_get_item(struct api_decoder *d, const void *input) {
    const struct api_get_item *in = input;
    return check_names_mix(d, &in->attributes_to_get, in->projection_expression) &&
           check_expressed(d, &in->names, in->projection_expression.data != NULL, NULL, false, "");
}

bool api_check_get_item(struct api_decoder *d, const void *input) {
    const struct api_get_item *in = input;
    return check_placeholders(d, &in->names, NULL);
}

/* The service tells a query's faults as a violated constraint, a scan's plainly. */
static bool select_invalid(struct api_decoder *d, bool query, const char *before, const char *given,
                           const char *after) {
    return api_invalid(d, "%s%s%s%s", query ? "1 validation error detected: " : "", before, given,
                       after);
}

static bool check_select(struct api_decoder *d, const struct api_read_page *in, bool query) {
    static const char *const excluded[] = {
        [API_SELECT_COUNT] = " when choosing to get only the Count",
        [API_SELECT_ALL_ATTRIBUTES] = " when choosing to get ALL_ATTRIBUTES",
        [API_SELECT_ALL_PROJECTED] = " when choosing to get ALL_PROJECTED_ATTRIBUTES",
        [API_SELECT_SPECIFIC] = NULL,
    };
    const char *given = NULL;
    if (in->projection_expression.data != NULL)
        given = "ProjectionExpression";
    else if (in->attributes_to_get.set)
        given = "AttributesToGet";
    if (in->select == API_SELECT_SPECIFIC && given == NULL)
        return select_invalid(d, query,
                              "Must specify the AttributesToGet or ProjectionExpression when "
                              "choosing to get SPECIFIC_ATTRIBUTES",
                              "", "");
    if (given != NULL && excluded[in->select] != NULL)
        return select_invalid(d, query, "Cannot specify the ", given, excluded[in->select]);
    if (in->select == API_SELECT_ALL_PROJECTED && in->index_name.data == NULL)
        return select_invalid(d, query,
                              "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an "
                              "IndexName",
                              "", "");
    return true;
}

/* Key conditions go with expressions: only a KeyConditionExpression stands for the same. */
static bool check_page_mix(struct api_decoder *d, const struct api_read_page *in, bool query) {
    bool key_expression = in->key_condition_expression.data != NULL;
    const struct api_given parameters[] = {
        {"AttributesToGet", in->attributes_to_get.set},
        {query ? "QueryFilter" : "ScanFilter", in->filter_conditions.set},
        {"ConditionalOperator", in->conditional_operator != 0},
        {"KeyConditions", in->key_conditions.set && key_expression}};
    const struct api_given expressions[] = {
        {"ProjectionExpression", in->projection_expression.data != NULL},
        {"FilterExpression", in->filter_expression.data != NULL},
        {"KeyConditionExpression", key_expression}};
    return api__check_mix(d, GIVENS(parameters), GIVENS(expressions));
}

static bool check_filter(struct api_decoder *d, const struct api_read_page *in) {
    return api__check_conditions(d, &in->filter_conditions) &&
           api__check_operator(d, in->conditional_operator, &in->filter_conditions);
}

static bool check_keyed(struct api_decoder *d, const struct api_read_page *in, bool query) {
    return !query || in->key_condition_expression.data != NULL || in->key_conditions.set ||
           api_invalid(d, "Either the KeyConditions or KeyConditionExpression parameter must be "
                          "specified in the request.");
}

static bool check_page(struct api_decoder *d, const struct api_read_page *in, bool query) {
    bool valued = in->filter_expression.data != NULL || in->key_condition_expression.data != NULL;
    bool expression = valued || in->projection_expression.data != NULL;
    return check_page_mix(d, in, query) &&
           check_expressed(d, &in->names, expression, &in->values, valued,
                           query ? "FilterExpression and KeyConditionExpression are null"
                                 : "FilterExpression is null") &&
           check_filter(d, in) && check_keyed(d, in, query) &&
           check_placeholders(d, &in->names, &in->values) &&
           api__check_key_conditions(d, &in->key_conditions) && check_select(d, in, query);
}

bool api_check_query(struct api_decoder *d, const void *input) {
    return check_page(d, input, /* query= */ true);
}

bool api_check_scan(struct api_decoder *d, const void *input) {
    const struct api_read_page *in = input;
    if (in->total_segments.set && !in->segment.set)
        return api_invalid(d, "The Segment parameter is required but was not present in the "
                              "request when parameter TotalSegments is present");
    if (in->segment.set && !in->total_segments.set)
        return api_invalid(d, "The TotalSegments parameter is required but was not present in the "
                              "request when Segment parameter is present");
    if (in->segment.set && in->segment.value >= in->total_segments.value)
        return api_invalid(d,
                           "The Segment parameter is zero-based and must be less than parameter "
                           "TotalSegments: Segment: %" PRId64 " is not less than TotalSegments: "
                           "%" PRId64,
                           in->segment.value, in->total_segments.value);
    return check_page(d, in, /* query= */ false);
}

static bool has_duplicates(const struct api_slices *items) {
    for (size_t i = 0; i < items->count; i++)
        for (size_t j = 0; j < i; j++)
            if (tc_slice_eq(items->items[i], items->items[j]))
                return true;
    return false;
}

/* One request is of one kind, even over several tables. */
static bool check_batch_mix(struct api_decoder *d, const struct api_batch_get_table *table,
                            size_t count) {
    struct api_slices names = {0};
    struct tc_slice projection = TC_SLICE_EMPTY;
    for (size_t i = 0; i < count; i++) {
        names.set = names.set || table[i].attributes_to_get.set;
        if (table[i].projection_expression.data != NULL)
            projection = table[i].projection_expression;
    }
    return check_names_mix(d, &names, projection);
}

bool api_check_batch_get(struct api_decoder *d, const void *input) {
    const struct api_batch_get *in = input;
    const struct api_batch_get_table *table = in->tables.items;
    size_t total = 0;
    if (in->tables.count == 0)
        return api_invalid(d, "The requestItems parameter is required for BatchGetItem");
    for (size_t i = 0; i < in->tables.count; i++)
        total += table[i].keys.count;
    if (total > API_BATCH_GET_KEYS_MAX)
        return api_invalid(d, "Too many items requested for the BatchGetItem call");
    if (!check_batch_mix(d, table, in->tables.count))
        return false;
    for (size_t i = 0; i < in->tables.count; i++) {
        bool projection = table[i].projection_expression.data != NULL;
        if (!check_expressed(d, &table[i].names, projection, NULL, false, "") ||
            !check_placeholders(d, &table[i].names, NULL))
            return false;
        if (has_duplicates(&table[i].keys))
            return api_invalid(d, "Provided list of item keys contains duplicates");
    }
    return true;
}

static bool check_write_requests(struct api_decoder *d, const struct api_batch_write_table *t) {
    const struct api_write_request *w = t->writes.items;
    for (size_t i = 0; i < t->writes.count; i++) {
        if ((w[i].put == NULL) == (w[i].del == NULL))
            return api_invalid(d, "Supplied AttributeValue has more than one datatypes set, must "
                                  "contain exactly one of the supported datatypes");
        if (w[i].put != NULL && !check_item_size(d, w[i].put->item))
            return false;
        for (size_t j = 0; j < i; j++)
            if (w[i].del != NULL && w[j].del != NULL && tc_slice_eq(w[i].del->key, w[j].del->key))
                return api_invalid(d, "Provided list of item keys contains duplicates");
    }
    return true;
}

bool api_check_batch_write(struct api_decoder *d, const void *input) {
    const struct api_batch_write *in = input;
    const struct api_batch_write_table *table = in->tables.items;
    size_t total = 0;
    if (in->tables.count == 0)
        return api_invalid(d, "The requestItems parameter is required for BatchWriteItem");
    for (size_t i = 0; i < in->tables.count; i++)
        total += table[i].writes.count;
    if (total > API_BATCH_WRITE_MAX)
        return api_invalid(d, "Too many items requested for the BatchWriteItem call");
    for (size_t i = 0; i < in->tables.count; i++)
        if (!check_write_requests(d, &table[i]))
            return false;
    return true;
}
