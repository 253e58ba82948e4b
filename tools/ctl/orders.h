/* orders: orders to split and merge groups, as they are given and shown. */
#ifndef TC_TOOLS_CTL_ORDERS_H
#define TC_TOOLS_CTL_ORDERS_H

#include "catalog/catalog.h"
#include "proto/system.pb-c.h"

/* Write the order; with wait tell each step until the new groups serve and are on record. Returns
 * the exit status; what went wrong was told. */
int orders_give(struct catalog *c, const Tercet__Pb__ReshapeOrder *order, bool wait);

#endif
