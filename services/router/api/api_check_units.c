#include "router/api/api_check_units.h"

#include <inttypes.h>

#define UNITS_MAX INT64_C(1000000000000)

static bool check_bound(struct api_decoder *d, const struct api_integer *units, const char *name,
                        const struct tc_slice *index) {
    if (units->value <= UNITS_MAX)
        return true;
    if (index == NULL)
        return api_invalid(d, "Given value %" PRId64 " for %s is out of bounds", units->value,
                           name);
    return api_invalid(d, "Given value %" PRId64 " for %s is out of bounds for index %.*s",
                       units->value, name, TC_SLICE_ARGS(*index));
}

bool api_check_units(struct api_decoder *d, const struct api_throughput *throughput,
                     const struct tc_slice *index) {
    return throughput == NULL ||
           (check_bound(d, &throughput->read_units, "ReadCapacityUnits", index) &&
            check_bound(d, &throughput->write_units, "WriteCapacityUnits", index));
}

bool api_check_billing(struct api_decoder *d, unsigned mode,
                       const struct api_throughput *throughput, bool creating) {
    if (mode == API_BILLING_ON_DEMAND && throughput != NULL)
        return api_invalid(d, INVALID_VALUES
                           "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                           "BillingMode is PAY_PER_REQUEST");
    bool wanted = mode == API_BILLING_PROVISIONED || (creating && mode != API_BILLING_ON_DEMAND);
    if (wanted && throughput == NULL && creating)
        return api_invalid(d, INVALID_VALUES
                           "ReadCapacityUnits and WriteCapacityUnits must both be specified when "
                           "BillingMode is PROVISIONED");
    if (wanted && throughput == NULL)
        return api_invalid(d, INVALID_VALUES
                           "ProvisionedThroughput must be specified when BillingMode is "
                           "PROVISIONED");
    return api_check_units(d, throughput, /* index= */ NULL);
}

bool api_check_index_billing(struct api_decoder *d, const struct api_index *x, unsigned mode) {
    if (mode == API_BILLING_ON_DEMAND && x->throughput)
        return api_invalid(d,
                           INVALID_VALUES
                           "ProvisionedThroughput should not be specified for index: %.*s when "
                           "BillingMode is PAY_PER_REQUEST",
                           TC_SLICE_ARGS(x->name));
    if (mode != API_BILLING_ON_DEMAND && x->throughput == NULL)
        return api_invalid(d,
                           INVALID_VALUES "ProvisionedThroughput must be specified for index: %.*s",
                           TC_SLICE_ARGS(x->name));
    return api_check_units(d, x->throughput, &x->name);
}
