/* ARNs of tables: arn:aws:dynamodb:REGION:ACCOUNT:table/NAME. Pure. */
#ifndef TC_ROUTER_API_ARN_H
#define TC_ROUTER_API_ARN_H

#include "base/slice.h"

/* Tercet has no accounts; its ARNs carry this one. */
#define API_ACCOUNT_ID "000000000000"

/* The name in a table's ARN, of any partition, region and account. False: it is not the ARN of a
 * table (of an index, a stream, a backup, or no ARN at all). */
bool api_arn_table(struct tc_slice arn, struct tc_slice *ret_name);
/* Is it the ARN of another service, or of another account? */
bool api_arn_foreign(struct tc_slice arn);

#endif
