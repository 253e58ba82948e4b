/* Rules of the operations on tables, over several parameters; what depends on the table is checked
 * by the executor. */
#include "router/api/api_decode.h"

static const struct api_attribute_definition *definition(const struct api_list *definitions,
                                                         struct tc_slice name) {
    const struct api_attribute_definition *d = definitions->items;
    for (size_t i = 0; i < definitions->count; i++)
        if (tc_slice_eq(d[i].name, name))
            return &d[i];
    return NULL;
}

static bool check_key_schema(struct api_decoder *d, const struct api_create_table *in) {
    const struct api_key_element *key = in->key_schema.items;
    size_t count = in->key_schema.count;
    if (key[0].type != API_KEY_HASH)
        return api_invalid(d,
                           "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    if (count == 2 && tc_slice_eq(key[0].name, key[1].name))
        return api_invalid(d, "Both the Hash Key and the Range Key element in the KeySchema have "
                              "the same name");
    if (count == 2 && key[1].type != API_KEY_RANGE)
        return api_invalid(
            d, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    for (size_t i = 0; i < count; i++)
        if (definition(&in->attribute_definitions, key[i].name) == NULL)
            return api_invalid(d,
                               "One or more parameter values were invalid: Some index key "
                               "attributes are not defined in AttributeDefinitions. Keys: "
                               "[%.*s]",
                               TC_SLICE_ARGS(key[i].name));
    if (in->attribute_definitions.count != count)
        return api_invalid(d, "One or more parameter values were invalid: Number of attributes in "
                              "KeySchema does not exactly match number of attributes defined in "
                              "AttributeDefinitions");
    return true;
}

static bool check_billing(struct api_decoder *d, unsigned mode,
                          const struct api_throughput *throughput, bool creating) {
    if (mode == API_BILLING_ON_DEMAND && throughput != NULL)
        return api_invalid(d, "One or more parameter values were invalid: Neither "
                              "ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                              "BillingMode is PAY_PER_REQUEST");
    bool wanted = mode == API_BILLING_PROVISIONED || (creating && mode != API_BILLING_ON_DEMAND);
    if (wanted && throughput == NULL)
        return api_invalid(d, "One or more parameter values were invalid: ReadCapacityUnits and "
                              "WriteCapacityUnits must both be specified when BillingMode is "
                              "PROVISIONED");
    return true;
}

static bool check_features(struct api_decoder *d, const struct api_stream_specification *stream,
                           const struct api_sse_specification *sse) {
    const char *name = NULL;
    if (stream != NULL && stream->enabled == API_TRUE)
        name = "StreamSpecification";
    if (sse != NULL && sse->enabled == API_TRUE)
        name = "SSESpecification";
    if (name != NULL)
        return api_invalid(d,
                           "One or more parameter values were invalid: %s is not supported by "
                           "this version of Tercet",
                           name);
    return true;
}

bool api_check_create_table(struct api_decoder *d, const void *input) {
    const struct api_create_table *in = input;
    return check_billing(d, in->billing_mode, in->throughput, /* creating= */ true) &&
           check_key_schema(d, in) && check_features(d, in->stream, in->sse);
}

bool api_check_update_table(struct api_decoder *d, const void *input) {
    const struct api_update_table *in = input;
    if (in->billing_mode == 0 && in->throughput == NULL && in->stream == NULL && in->sse == NULL &&
        in->table_class == 0 && in->deletion_protection == API_UNSET)
        return api_invalid(d, "At least one of ProvisionedThroughput, BillingMode, "
                              "UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
                              "SSESpecification or ReplicaUpdates is required");
    return check_billing(d, in->billing_mode, in->throughput, /* creating= */ false) &&
           check_features(d, in->stream, in->sse);
}
