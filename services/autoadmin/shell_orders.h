/* shell_orders: carries out the orders to split and merge groups, as core/reshape says, over what
 * the round has seen. Blocks; one thread. */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_ORDERS_H
#define TC_SERVICES_AUTOADMIN_SHELL_ORDERS_H

#include "core/reshape/reshape.h"
#include "daemon/log.h"
#include "shell_observe.h"

/* One order and the version of its record. The message is a copy whose pointers may be set to
 * memory that outlives the order; the record's own is freed with the list. */
struct shell_order {
    Tercet__Pb__ReshapeOrder message;
    Tercet__Pb__ReshapeOrder *unpacked;
    uint64_t children[RESHAPE_CHILDREN_MAX];
    struct tc_slice name;
    uint64_t version;
};

struct shell_orders {
    struct tc_arena arena;
    struct shell_order *at;
    size_t count;
    size_t open_count;
    bool urgent; /* one of them can go on within milliseconds */
};

/* Read them; none if they cannot be read now. */
void shell_orders_read(struct shell_orders *o, struct catalog *c);
void shell_orders_free(struct shell_orders *o);
/* Note in the view's snapshot which groups have an order that is under way or was refused; borrows
 * from the view. */
void shell_orders_note(const struct shell_orders *o, struct shell_view *v);
/* Let every order take the steps that it can. The view is whole, and its tables were read.
 * ret_done, ret_failed: actions carried out, and such that are tried again. */
void shell_orders_step(struct shell_orders *o, struct catalog *c, const struct shell_view *v,
                       struct daemon_log *log, uint32_t *ret_done, uint32_t *ret_failed);

#endif
