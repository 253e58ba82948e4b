/* Rules of the operations on tables, over several parameters; what depends on the table as it is
 * now is checked by the executor. */
#include "router/api/api_check_index.h"
#include "router/api/api_check_private.h"
#include "router/api/api_check_units.h"

static bool check_definitions(struct api_decoder *d, const struct api_list *definitions) {
    const struct api_attribute_definition *a = definitions->items;
    struct api_list before = *definitions;
    for (size_t i = 0; i < definitions->count; i++) {
        before.count = i;
        if (api__is_named(&before, sizeof *a, a[i].name))
            return api_invalid(d, "Attribute Name is duplicated: %.*s", TC_SLICE_ARGS(a[i].name));
    }
    return true;
}

static bool check_key_schema(struct api_decoder *d, const struct api_create_table *in) {
    const struct api_key_element *key = in->key_schema.items;
    static const unsigned wanted[] = {API_KEY_HASH, API_KEY_RANGE};
    size_t count = in->key_schema.count;
    if (key[0].type != API_KEY_HASH)
        return api_invalid(d,
                           "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    if (in->attribute_definitions.count < count && key[count - 1].type == wanted[count - 1])
        return api_invalid(d, "Invalid KeySchema: Some index key attribute have no definition");
    if (count == 2 && tc_slice_eq(key[0].name, key[1].name))
        return api_invalid(d, "Both the Hash Key and the Range Key element in the KeySchema have "
                              "the same name");
    if (count == 2 && key[1].type != API_KEY_RANGE)
        return api_invalid(
            d, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    if (!check_definitions(d, &in->attribute_definitions) ||
        !api__check_defined(d, &in->key_schema, &in->attribute_definitions))
        return false;
    if (in->local_indexes.set || in->global_indexes.set)
        return api_check_indexes(d, in);
    if (in->attribute_definitions.count != count)
        return api_invalid(d, INVALID_VALUES
                           "Number of attributes in KeySchema does not exactly match number of "
                           "attributes defined in AttributeDefinitions");
    return true;
}

static bool refuse(struct api_decoder *d, const char *name) {
    return api_invalid(d, INVALID_VALUES "%s is not supported by this version of Tercet", name);
}

/* Tercet does not encrypt what it stores: asking for that is refused, asking for none is granted.
 */
static bool check_encryption(struct api_decoder *d, const struct api_sse_specification *sse,
                             bool creating) {
    if (sse == NULL)
        return true;
    if (sse->enabled == API_FALSE && sse->type != 0)
        return api_invalid(d, INVALID_VALUES "SSEType can not be specified if Enabled is false");
    if (sse->enabled == API_TRUE || sse->type != 0)
        return refuse(d, "SSESpecification");
    if (!creating)
        return api_invalid(d, INVALID_VALUES "Table is already encrypted by default");
    return true;
}

static bool check_stream(struct api_decoder *d, const struct api_stream_specification *stream,
                         bool creating) {
    if (stream != NULL && stream->enabled == API_TRUE)
        return refuse(d, "StreamSpecification");
    if (stream != NULL && stream->view != 0 && creating)
        return api_invalid(d, INVALID_VALUES
                           "Table is being created with a stream disabled, UpdateViewType should "
                           "not be specified");
    return true;
}

/* ---- maxima of on-demand tables, warm throughput: at creation */

static bool check_maximum(struct api_decoder *d, const struct api_integer *value, const char *name,
                          bool on_demand) {
    if (!value->set)
        return true;
    if (!on_demand)
        return api_invalid(d,
                           INVALID_VALUES
                           "%s for OnDemandThroughput cannot be specified when table BillingMode "
                           "is PROVISIONED.",
                           name);
    if (value->value < 1)
        return api_invalid(d,
                           INVALID_VALUES
                           "Requested %s for OnDemandThroughput for table is outside of valid "
                           "range",
                           name);
    return true;
}

static bool check_warm_units(struct api_decoder *d, const struct api_integer *value, int64_t min,
                             const char *name, const char *below) {
    if (!value->set || value->value >= min)
        return true;
    return api_invalid(d,
                       INVALID_VALUES "Requested %s for WarmThroughput for table is lower than %s",
                       name, below);
}

static bool check_warm(struct api_decoder *d, const struct api_create_table *in) {
    static const char initial[] = "initial throughput for OnDemand.";
    const struct api_warm *w = in->warm;
    if (w == NULL)
        return true;
    if (in->billing_mode == API_BILLING_ON_DEMAND)
        return check_warm_units(d, &w->read_units, API_ON_DEMAND_READ_UNITS, "ReadUnitsPerSecond",
                                initial) &&
               check_warm_units(d, &w->write_units, API_ON_DEMAND_WRITE_UNITS,
                                "WriteUnitsPerSecond", initial);
    return check_warm_units(d, &w->read_units, in->throughput->read_units.value,
                            "ReadUnitsPerSecond", "ReadCapacityUnits of ProvisionedThroughput") &&
           check_warm_units(d, &w->write_units, in->throughput->write_units.value,
                            "WriteUnitsPerSecond", "WriteCapacityUnits of ProvisionedThroughput");
}

bool api_check_create_table(struct api_decoder *d, const void *input) {
    const struct api_create_table *in = input;
    bool on_demand = in->billing_mode == API_BILLING_ON_DEMAND;
    const struct api_on_demand none = {0}, *maxima = in->on_demand ? in->on_demand : &none;
    return api_check_billing(d, in->billing_mode, in->throughput, /* creating= */ true) &&
           check_key_schema(d, in) &&
           check_maximum(d, &maxima->max_read_units, "MaxReadRequestUnits", on_demand) &&
           check_maximum(d, &maxima->max_write_units, "MaxWriteRequestUnits", on_demand) &&
           check_warm(d, in) && check_stream(d, in->stream, /* creating= */ true) &&
           check_encryption(d, in->sse, /* creating= */ true) && api_check_tags(d, &in->tags);
}

/* ---- UpdateTable: one change at a time ---- */

enum {
    GIVEN_BILLING = 1,
    GIVEN_THROUGHPUT = 2,
    GIVEN_STREAM = 4,
    GIVEN_ENCRYPTION = 8,
    GIVEN_CLASS = 16,
    GIVEN_PROTECTION = 32,
    GIVEN_MAXIMA = 64,
    GIVEN_WARM = 128,
    GIVEN_INDEXES = 256,
};

/* Structures without members count as absent. */
static unsigned given(const struct api_update_table *in) {
    const struct api_on_demand *m = in->on_demand;
    const struct api_warm *w = in->warm;
    return (in->billing_mode ? GIVEN_BILLING : 0u) | (in->throughput ? GIVEN_THROUGHPUT : 0u) |
           (in->stream ? GIVEN_STREAM : 0u) | (in->sse ? GIVEN_ENCRYPTION : 0u) |
           (in->table_class ? GIVEN_CLASS : 0u) | (in->index_updates.count ? GIVEN_INDEXES : 0u) |
           (in->deletion_protection != API_UNSET ? GIVEN_PROTECTION : 0u) |
           (m && (m->max_read_units.set || m->max_write_units.set) ? GIVEN_MAXIMA : 0u) |
           (w && (w->read_units.set || w->write_units.set) ? GIVEN_WARM : 0u);
}

static bool check_alone(struct api_decoder *d, unsigned set) {
    static const struct {
        unsigned bit;
        const char *name;
    } alone[] = {
        {GIVEN_ENCRYPTION, "Server-Side Encryption modification"},
        {GIVEN_CLASS, "TableClass modification"},
        {GIVEN_PROTECTION, "DeletionProtection modification"},
        {GIVEN_WARM, "WarmThroughput"},
    };
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        if ((set & alone[i].bit) && set != alone[i].bit)
            return api_invalid(d, INVALID_VALUES "%s must be the only operation in the request",
                               alone[i].name);
    if ((set & GIVEN_MAXIMA) && (set & ~(unsigned)GIVEN_BILLING) != GIVEN_MAXIMA)
        return api_invalid(d, INVALID_VALUES
                           "OnDemandThroughput can only be combined with BillingMode in an "
                           "UpdateTable request");
    return true;
}

bool api_check_update_table(struct api_decoder *d, const void *input) {
    const struct api_update_table *in = input;
    unsigned set = given(in);
    if (set == 0)
        return api_invalid(d, "At least one of ProvisionedThroughput, BillingMode, "
                              "UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
                              "SSESpecification or ReplicaUpdates is required");
    if ((set & GIVEN_STREAM) &&
        ((set & GIVEN_THROUGHPUT) || in->billing_mode == API_BILLING_PROVISIONED))
        return api_invalid(d, INVALID_VALUES
                           "You cannot modify stream status while updating table IOPS");
    if (!check_alone(d, set) || !api_check_index_updates(d, in) ||
        !api_check_billing(d, in->billing_mode, in->throughput, /* creating= */ false) ||
        !check_stream(d, in->stream, /* creating= */ false) ||
        !check_encryption(d, in->sse, /* creating= */ false))
        return false;
    if (in->stream != NULL && set == GIVEN_STREAM)
        return api_invalid(d, "Table has no stream to disable: TableName: %.*s",
                           TC_SLICE_ARGS(in->table_name));
    return true;
}
