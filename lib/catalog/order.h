/* catalog_order: how an order to split or merge groups is given; autoadmin carries it out
 * (lib/core/reshape). Blocking, as the rest of catalog. */
#ifndef TC_CATALOG_ORDER_H
#define TC_CATALOG_ORDER_H

#include "catalog/catalog.h"
#include "proto/system.pb-c.h"

/* Write the order, at step ASKED; its time is set to now.
 *   Errors   TC_EBUSY  an open order concerns one of its groups, or one was given this moment
 *            and those of catalog_read and catalog_write */
TC_MUST_USE tc_err catalog_order_reshape(struct catalog *c, const Tercet__Pb__ReshapeOrder *order);
/* The order of that group, to be freed; NULL with TC_OK: there is none (any more). */
TC_MUST_USE tc_err catalog_order_read(struct catalog *c, uint64_t gid,
                                      Tercet__Pb__ReshapeOrder **ret_order);
/* Nothing more will be done for it. */
bool catalog_order_closed(const Tercet__Pb__ReshapeOrder *order);
/* A record's name: the gid in 20 digits. */
void catalog_order_name(uint64_t gid, char ret_name[24]);

#endif
