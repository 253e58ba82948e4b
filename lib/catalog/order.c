#include "catalog/order.h"

#include "core/reshape/reshape.h"
#include "env/posix/posix.h"
#include "proto/bytes.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    ARENA_BYTES_MAX = 64 * 1024 * 1024,
};

void catalog_order_name(uint64_t gid, char ret_name[24]) {
    snprintf(ret_name, 24, "%020" PRIu64, gid);
}

bool catalog_order_closed(const Tercet__Pb__ReshapeOrder *order) {
    return reshape_is_closed((enum reshape_step)order->step);
}

static bool names(const uint64_t *gids, size_t count, uint64_t gid) {
    for (size_t i = 0; i < count; i++)
        if (gids[i] == gid)
            return true;
    return false;
}

/* A child is a group like any other once the records name it. */
static bool concerns(const Tercet__Pb__ReshapeOrder *open, uint64_t gid) {
    bool recorded = open->step == TERCET__PB__RESHAPE_STEP__RESHAPE_RETIRING;
    return names(open->parents, open->n_parents, gid) ||
           (!recorded && names(open->children, open->n_children, gid));
}

static bool in_the_way(const Tercet__Pb__ReshapeOrder *other,
                       const Tercet__Pb__ReshapeOrder *order) {
    bool any = false;
    for (size_t i = 0; i < order->n_parents && !catalog_order_closed(other); i++)
        any = any || concerns(other, order->parents[i]);
    return any;
}

/* The version that the new record replaces, unless an open order is in the way. */
static tc_err check_others(const struct catalog_records *all, const char *name,
                           const Tercet__Pb__ReshapeOrder *order, uint64_t *ret_version) {
    *ret_version = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct system_record *r = &all->at[i];
        Tercet__Pb__ReshapeOrder *other =
            tercet__pb__reshape_order__unpack(NULL, r->data.len, r->data.data);
        bool busy = other && in_the_way(other, order);
        if (other)
            tercet__pb__reshape_order__free_unpacked(other, NULL);
        if (busy)
            return TC_EBUSY;
        if (tc_slice_eq(r->name, tc_slice_str(name)))
            *ret_version = r->version;
    }
    return TC_OK;
}

static tc_err write_order(struct catalog *c, const char *name,
                          const Tercet__Pb__ReshapeOrder *order, uint64_t version) {
    struct tc_buf data = {0};
    Tercet__Pb__ReshapeOrder fresh = *order;
    fresh.step = TERCET__PB__RESHAPE_STEP__RESHAPE_ASKED;
    fresh.asked_ms = posix_wall_ms();
    fresh.step_ms = fresh.asked_ms;
    proto_append(&data, &fresh.base);
    struct system_record r = {TC_SLICE_LIT(SYSTEM_KIND_RESHAPE), tc_slice_str(name), version + 1,
                              tc_buf_slice(&data)};
    tc_err err = catalog_write(c, &r, version);
    tc_buf_deinit(&data);
    return err == TC_ESTALE ? TC_EBUSY : err;
}

tc_err catalog_order_reshape(struct catalog *c, const Tercet__Pb__ReshapeOrder *order) {
    struct tc_arena arena = {0};
    struct catalog_records all = {0};
    char name[24];
    uint64_t version = 0;
    if (order->n_parents == 0)
        return TC_EINVAL;
    tc_arena_init(&arena, ARENA_BYTES_MAX);
    catalog_order_name(order->parents[0], name);
    tc_err err = catalog_read(c, SYSTEM_KIND_RESHAPE, &arena, &all);
    if (err == TC_OK)
        err = check_others(&all, name, order, &version);
    if (err == TC_OK)
        err = write_order(c, name, order, version);
    tc_arena_deinit(&arena);
    return err;
}

tc_err catalog_order_read(struct catalog *c, uint64_t gid, Tercet__Pb__ReshapeOrder **ret_order) {
    struct tc_arena arena = {0};
    struct catalog_records all = {0};
    char name[24];
    *ret_order = NULL;
    tc_arena_init(&arena, ARENA_BYTES_MAX);
    catalog_order_name(gid, name);
    tc_err err = catalog_read(c, SYSTEM_KIND_RESHAPE, &arena, &all);
    for (size_t i = 0; err == TC_OK && i < all.count; i++)
        if (tc_slice_eq(all.at[i].name, tc_slice_str(name))) {
            struct tc_slice data = all.at[i].data;
            *ret_order = tercet__pb__reshape_order__unpack(NULL, data.len, data.data);
            err = *ret_order ? TC_OK : TC_ECORRUPT;
        }
    tc_arena_deinit(&arena);
    return err;
}
