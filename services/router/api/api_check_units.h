/* Rules of billing modes and provisioned throughput; each is false when an error was reported. */
#ifndef TC_ROUTER_API_CHECK_UNITS_H
#define TC_ROUTER_API_CHECK_UNITS_H

#include "router/api/api_decode.h"

/* What texts about values begin with. */
#define INVALID_VALUES "One or more parameter values were invalid: "

/* Units that no limit of an account reaches are told before anything else of a request is looked
 * at. throughput NULL: none was given; index NULL: they are a table's. */
bool api_check_units(struct api_decoder *d, const struct api_throughput *throughput,
                     const struct tc_slice *index);
bool api_check_billing(struct api_decoder *d, unsigned mode,
                       const struct api_throughput *throughput, bool creating);
bool api_check_index_billing(struct api_decoder *d, const struct api_index *x, unsigned mode);

#endif
