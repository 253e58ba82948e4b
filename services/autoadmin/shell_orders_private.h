/* shell_orders, private: what an order looks at, and its actions. */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_ORDERS_PRIVATE_H
#define TC_SERVICES_AUTOADMIN_SHELL_ORDERS_PRIVATE_H

#include "shell_orders.h"

struct reshape_view shell_order_look(const struct shell_order *o, const struct shell_view *v);
/* Write the record as the message has it. */
TC_MUST_USE tc_err shell_order_write(struct shell_order *o, struct catalog *c);
/* Two groups that are to stand on the same nodes. */
void shell_order_look_aligned(const struct shell_order *o, const struct shell_view *v,
                              struct reshape_view *seen);
/* Order the move of one replica of parent index to a node of the other, zones kept apart.
 *   Errors   TC_EUNAVAILABLE (a leader is missing), TC_ELIMIT (no such move keeps them apart) */
TC_MUST_USE tc_err shell_order_move(const struct shell_order *o, struct catalog *c,
                                    const struct shell_view *v, uint32_t index);
TC_MUST_USE tc_err shell_order_transfer(const struct shell_order *o, struct catalog *c,
                                        const struct shell_view *v);
/* Perform one action.
 *   Errors   those of the storage node or of the records; all are tried again by a later round */
TC_MUST_USE tc_err shell_order_act(struct shell_order *o, struct catalog *c,
                                   const struct shell_view *v, const struct reshape_action *a);

#endif
