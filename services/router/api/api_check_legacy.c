/* Rules of the legacy parameters: Expected, AttributeUpdates, filters and key conditions that are
 * maps of conditions. */
#include "base/assert.h"
#include "router/api/api_check_private.h"

#include <stdio.h>

#define INVALID "One or more parameter values were invalid: "

static void append_given(struct tc_buf *out, struct api_givens parameters) {
    const char *separator = "";
    for (size_t i = 0; i < parameters.count; i++) {
        if (!parameters.at[i].given)
            continue;
        tc_buf_printf(out, "%s%s", separator, parameters.at[i].name);
        separator = ", ";
    }
}

static bool any_given(struct api_givens parameters) {
    for (size_t i = 0; i < parameters.count; i++)
        if (parameters.at[i].given)
            return true;
    return false;
}

bool api__check_mix(struct api_decoder *d, struct api_givens legacy,
                    struct api_givens expressions) {
    if (!any_given(legacy) || !any_given(expressions))
        return true;
    struct tc_buf names = {0};
    append_given(&names, legacy);
    tc_buf_append_str(&names, "} Expression parameters: {");
    append_given(&names, expressions);
    bool ok = api_invalid(d,
                          "Can not use both expression and non-expression parameters in the same "
                          "request: Non-expression parameters: {%.*s}",
                          TC_SLICE_ARGS(tc_buf_slice(&names)));
    tc_buf_deinit(&names);
    return ok;
}

/* ---- operators ------------------------------------------------------------------------------- */

enum {
    ANY_COUNT = 255,
    SCALARS = 1 << ITEM_S | 1 << ITEM_N | 1 << ITEM_B,
    SIMPLE = SCALARS | 1 << ITEM_BOOL | 1 << ITEM_NULL,
    ALL = 0x7ff,
};

/* By enum api_comparison: how many values an operator takes, and of which types. */
static const struct {
    const char *name;
    unsigned count;
    unsigned types; /* bits 1 << enum item_type */
    bool indexable; /* may stand in KeyConditions */
} operators[] = {
    [API_COMPARISON_IN] = {"IN", ANY_COUNT, SIMPLE, false},
    [API_COMPARISON_NULL] = {"NULL", 0, ALL, false},
    [API_COMPARISON_BETWEEN] = {"BETWEEN", 2, SCALARS, true},
    [API_COMPARISON_LT] = {"LT", 1, SCALARS, true},
    [API_COMPARISON_NOT_CONTAINS] = {"NOT_CONTAINS", 1, SIMPLE, false},
    [API_COMPARISON_EQ] = {"EQ", 1, ALL, true},
    [API_COMPARISON_GT] = {"GT", 1, SCALARS, true},
    [API_COMPARISON_NOT_NULL] = {"NOT_NULL", 0, ALL, false},
    [API_COMPARISON_NE] = {"NE", 1, ALL, false},
    [API_COMPARISON_LE] = {"LE", 1, SCALARS, true},
    [API_COMPARISON_BEGINS_WITH] = {"BEGINS_WITH", 1, 1 << ITEM_S | 1 << ITEM_B, true},
    [API_COMPARISON_GE] = {"GE", 1, SCALARS, true},
    [API_COMPARISON_CONTAINS] = {"CONTAINS", 1, SIMPLE, false},
};

static enum item_type type_of(struct tc_slice encoded) {
    TC_ASSERT(encoded.len > 0);
    return (enum item_type)encoded.data[0];
}

static bool check_types(struct api_decoder *d, unsigned comparison, const struct api_slices *v) {
    for (size_t i = 1; i < v->count; i++)
        if (type_of(v->items[i]) != type_of(v->items[0]))
            return api_invalid(d, INVALID "AttributeValues inside AttributeValueList must be of "
                                          "same type");
    for (size_t i = 0; i < v->count; i++) {
        enum item_type type = type_of(v->items[i]);
        if (!(operators[comparison].types & 1u << type))
            return api_invalid(d,
                               INVALID "ComparisonOperator %s is not valid for %s AttributeValue "
                                       "type",
                               operators[comparison].name, item_type_name(type));
    }
    return true;
}

static bool check_values(struct api_decoder *d, unsigned comparison, const struct api_slices *v) {
    TC_ASSERT(comparison > 0 && comparison < sizeof operators / sizeof *operators);
    unsigned wanted = operators[comparison].count;
    if (wanted == ANY_COUNT ? v->count == 0 : v->count != wanted)
        return api_invalid(d, INVALID "Invalid number of argument(s) for the %s ComparisonOperator",
                           operators[comparison].name);
    if (!check_types(d, comparison, v))
        return false;
    if (comparison == API_COMPARISON_BETWEEN && v->count == 2 &&
        tc_slice_cmp(item_value_at(v->items[0]).body, item_value_at(v->items[1]).body) > 0)
        return api_invalid(d, "The BETWEEN condition was provided a range where the lower bound is "
                              "greater than the upper bound");
    return true;
}

bool api__check_conditions(struct api_decoder *d, const struct api_list *conditions) {
    const struct api_condition *c = conditions->items;
    for (size_t i = 0; i < conditions->count; i++)
        if (!check_values(d, c[i].comparison, &c[i].values))
            return false;
    return true;
}

bool api__check_key_conditions(struct api_decoder *d, const struct api_list *conditions) {
    const struct api_condition *c = conditions->items;
    if (conditions->set && conditions->count == 0)
        return api_invalid(d, "Conditions can be of length 1 or 2 only");
    if (!api__check_conditions(d, conditions))
        return false;
    for (size_t i = 0; i < conditions->count; i++)
        if (!operators[c[i].comparison].indexable)
            return api_invalid(d, "Attempted conditional constraint is not an indexable operation");
    return true;
}

bool api__check_operator(struct api_decoder *d, unsigned conditional_operator,
                         const struct api_list *conditions) {
    if (conditional_operator == 0)
        return true;
    if (conditions->count == 0)
        return api_invalid(d,
                           INVALID "ConditionalOperator cannot be used without Filter or Expected");
    if (conditions->count == 1)
        return api_invalid(d, INVALID "ConditionalOperator can only be used when Filter or "
                                      "Expected has two or more elements");
    return true;
}

/* ---- Expected -------------------------------------------------------------------------------- */

static bool expected_invalid(struct api_decoder *d, const char *text, struct tc_slice name) {
    return api_invalid(d, INVALID "%s for Attribute: %.*s", text, TC_SLICE_ARGS(name));
}

/* Value, or that there is none. */
static bool check_existence(struct api_decoder *d, const struct api_condition *c) {
    if (c->exists == API_FALSE && c->value.data != NULL)
        return expected_invalid(d, "Value cannot be used when Exists is false", c->name);
    if (c->exists != API_FALSE && c->value.data == NULL)
        return expected_invalid(d,
                                c->exists == API_TRUE
                                    ? "Value must be provided when Exists is true"
                                    : "Value must be provided when Exists is null",
                                c->name);
    return true;
}

static bool check_comparison(struct api_decoder *d, const struct api_condition *c) {
    char text[128];
    if (c->exists != API_UNSET)
        return expected_invalid(d, "Exists and ComparisonOperator cannot be used together",
                                c->name);
    bool valueless =
        c->comparison == API_COMPARISON_NULL || c->comparison == API_COMPARISON_NOT_NULL;
    if (!valueless && !c->values.set && c->value.data == NULL) {
        (void)snprintf(text, sizeof text,
                       "Value or AttributeValueList must be used with ComparisonOperator: %s",
                       operators[c->comparison].name);
        return expected_invalid(d, text, c->name);
    }
    struct tc_slice value = c->value;
    struct api_slices one = {.items = &value, .count = 1};
    return check_values(d, c->comparison, value.data != NULL ? &one : &c->values);
}

bool api__check_expected(struct api_decoder *d, const struct api_list *expected) {
    const struct api_condition *c = expected->items;
    for (size_t i = 0; i < expected->count; i++) {
        if (c[i].values.set && c[i].value.data != NULL)
            return expected_invalid(d, "Value and AttributeValueList cannot be used together",
                                    c[i].name);
        if (c[i].comparison != 0 && !check_comparison(d, &c[i]))
            return false;
        if (c[i].comparison == 0 && c[i].values.set)
            return expected_invalid(
                d, "AttributeValueList can only be used with a ComparisonOperator", c[i].name);
        if (c[i].comparison == 0 && !check_existence(d, &c[i]))
            return false;
    }
    return true;
}

/* ---- AttributeUpdates ------------------------------------------------------------------------ */

static bool check_update(struct api_decoder *d, const struct api_attribute_update *u) {
    if (u->value.data == NULL)
        return u->action == API_ACTION_DELETE ||
               api_invalid(d, INVALID "Only DELETE action is allowed when no attribute value is "
                                      "specified");
    enum item_type type = type_of(u->value);
    bool set = type == ITEM_SS || type == ITEM_NS || type == ITEM_BS;
    if (u->action == API_ACTION_DELETE && !set)
        return api_invalid(d, INVALID "DELETE action with value is not supported for the type %s",
                           item_type_name(type));
    if (u->action == API_ACTION_ADD && !set && type != ITEM_N && type != ITEM_L)
        return api_invalid(d, INVALID "ADD action is not supported for the type %s",
                           item_type_name(type));
    return true;
}

bool api__check_updates(struct api_decoder *d, const struct api_list *updates) {
    const struct api_attribute_update *u = updates->items;
    for (size_t i = 0; i < updates->count; i++)
        if (!check_update(d, &u[i]))
            return false;
    return true;
}
