/* Global indexes in a table's record, as UpdateTable changes them. */
#include "core/index/index.h"
#include "exec_table_index.h"

#include <inttypes.h>

static Tercet__Pb__IndexDescriptor *find(const Tercet__Pb__TableDescriptor *d,
                                         struct tc_slice name) {
    for (size_t i = 0; i < d->n_indexes; i++)
        if (tc_slice_eq(tc_slice_str(d->indexes[i]->name), name))
            return d->indexes[i];
    return NULL;
}

static enum api_error check_room(const struct exec_settings *c, const struct api_index *asked,
                                 const Tercet__Pb__TableDescriptor *d) {
    size_t globals = 0, projected = asked->projection->attributes.count;
    for (size_t i = 0; i < d->n_indexes; i++) {
        globals += d->indexes[i]->global ? 1 : 0;
        projected += d->indexes[i]->n_attributes;
    }
    if (globals >= INDEX_GLOBAL_MAX)
        return exec__refuse(c->diag, API_LIMIT_EXCEEDED,
                            "GlobalSecondaryIndex count exceeds the per-table limit of 20");
    if (projected > INDEX_ATTRIBUTES_MAX)
        return exec__refuse(c->diag, API_VALIDATION,
                            EXEC_INVALID_VALUES
                            "The number of projected attributes over all indexes "
                            "exceeds the per-table limit of 100");
    return API_OK;
}

static enum api_error check_mode(const struct exec_settings *c, const struct api_index *asked,
                                 bool on_demand) {
    if (on_demand && asked->throughput)
        return exec__refuse(c->diag, API_VALIDATION,
                            EXEC_INVALID_VALUES
                            "ProvisionedThroughput should not be specified for index: %.*s when "
                            "BillingMode is PAY_PER_REQUEST",
                            TC_SLICE_ARGS(asked->name));
    if (!on_demand && asked->throughput == NULL)
        return exec__refuse(c->diag, API_VALIDATION,
                            EXEC_INVALID_VALUES
                            "ProvisionedThroughput must be specified for index: %.*s",
                            TC_SLICE_ARGS(asked->name));
    return API_OK;
}

static enum api_error create(const struct exec_settings *c, const struct api_update_table *in,
                             const struct api_index *asked, Tercet__Pb__TableDescriptor *d) {
    if (find(d, asked->name))
        return exec__refuse(c->diag, API_VALIDATION,
                            "Attempting to create an index which already exists");
    enum api_error refused = check_mode(c, asked, exec__is_on_demand(d));
    if (refused == API_OK)
        refused = check_room(c, asked, d);
    return refused ? refused
                   : exec__index_add(c, asked, /* global= */ true, &in->attribute_definitions, d);
}

static enum api_error refuse_absent(const struct exec_settings *c) {
    return exec__refuse(c->diag, API_RESOURCE_NOT_FOUND, "Requested resource not found");
}

/* autoadmin gives the groups of the table a schema without it, then lets its own groups go. */
static enum api_error drop(const struct exec_settings *c, struct tc_slice name,
                           Tercet__Pb__TableDescriptor *d) {
    Tercet__Pb__IndexDescriptor *x = find(d, name);
    if (x == NULL || !x->global)
        return refuse_absent(c);
    if (x->status != TERCET__PB__TABLE_STATUS__TABLE_DELETING) {
        d->schema_version += schema_has_index(d, x);
        x->status = TERCET__PB__TABLE_STATUS__TABLE_DELETING;
        x->backfilling = false;
    }
    return API_OK;
}

static enum api_error refuse_same(const struct exec_settings *c,
                                  const Tercet__Pb__IndexDescriptor *x) {
    return exec__refuse(c->diag, API_VALIDATION,
                        "The provisioned throughput for the index %s will not change. The "
                        "requested value equals the current value. Current ReadCapacityUnits "
                        "provisioned for the index: %" PRIu64
                        ". Requested ReadCapacityUnits: %" PRIu64
                        ". Current WriteCapacityUnits provisioned for the index: %" PRIu64
                        ". Requested WriteCapacityUnits: %" PRIu64 ". " EXEC_MORE_LIMITS,
                        x->name, x->rcu, x->rcu, x->wcu, x->wcu);
}

static enum api_error change_units(const struct exec_settings *c,
                                   const struct api_throughput *asked,
                                   Tercet__Pb__IndexDescriptor *x) {
    uint64_t rcu = x->rcu, wcu = x->wcu;
    enum api_error refused = exec__index_set_units(c, asked, x);
    if (refused)
        return refused;
    if (x->rcu == rcu && x->wcu == wcu)
        return refuse_same(c, x);
    if (x->rcu > rcu || x->wcu > wcu)
        x->last_increase_ms = c->now_ms;
    if (x->rcu < rcu || x->wcu < wcu)
        refused = exec__count_decrease(c, &x->last_decrease_ms, &x->decreases_today);
    return refused;
}

static enum api_error change(const struct exec_settings *c, const struct api_index_change *asked,
                             Tercet__Pb__TableDescriptor *d) {
    Tercet__Pb__IndexDescriptor *x = find(d, asked->name);
    enum api_error refused = API_OK;
    if (x == NULL || !x->global || x->status == TERCET__PB__TABLE_STATUS__TABLE_DELETING)
        return refuse_absent(c);
    if (asked->throughput && exec__is_on_demand(d))
        return exec__refuse(c->diag, API_VALIDATION,
                            EXEC_INVALID_VALUES
                            "ProvisionedThroughput should not be specified for index: %s when "
                            "BillingMode is PAY_PER_REQUEST",
                            x->name);
    if (asked->throughput)
        refused = change_units(c, asked->throughput, x);
    if (refused == API_OK)
        refused = exec__index_set_limits(c, asked->on_demand, asked->warm, exec__is_on_demand(d),
                                         /* creating= */ false, x);
    if (refused == API_OK && x->status == TERCET__PB__TABLE_STATUS__TABLE_ACTIVE)
        x->status = TERCET__PB__TABLE_STATUS__TABLE_UPDATING;
    return refused;
}

/* With the table's billing mode the indexes change theirs, and may need more partitions. */
static enum api_error follow_billing(const struct exec_settings *c, bool switched,
                                     Tercet__Pb__TableDescriptor *d) {
    for (size_t i = 0; i < d->n_indexes; i++) {
        Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        if (!x->global)
            continue;
        if (switched && x->status == TERCET__PB__TABLE_STATUS__TABLE_ACTIVE)
            x->status = TERCET__PB__TABLE_STATUS__TABLE_UPDATING;
        if (exec__is_on_demand(d))
            x->rcu = x->wcu = 0;
        else if (x->rcu == 0)
            return exec__refuse(c->diag, API_VALIDATION,
                                EXEC_INVALID_VALUES
                                "ProvisionedThroughput must be specified for index: %s",
                                x->name);
        else
            x->max_read_units = x->max_write_units = 0;
    }
    return API_OK;
}

enum api_error exec__change_indexes(const struct exec_settings *c,
                                    const struct api_update_table *in,
                                    Tercet__Pb__TableDescriptor *d) {
    const struct api_index_update *u = in->index_updates.items;
    enum api_error refused = API_OK;
    for (size_t i = 0; refused == API_OK && i < in->index_updates.count; i++) {
        if (u[i].create)
            refused = create(c, in, u[i].create, d);
        else if (u[i].del)
            refused = drop(c, u[i].del->name, d);
        else
            refused = change(c, u[i].update, d);
    }
    return refused ? refused : follow_billing(c, in->billing_mode != 0, d);
}

bool exec__deletes_new_index(const struct api_update_table *in,
                             const Tercet__Pb__TableDescriptor *d) {
    const struct api_index_update *u = in->index_updates.items;
    if (in->index_updates.count != 1 || u->del == NULL)
        return false;
    const Tercet__Pb__IndexDescriptor *x = find(d, u->del->name);
    return x && x->backfilling;
}
