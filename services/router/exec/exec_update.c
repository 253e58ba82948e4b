/* UpdateTable. */
#include "exec_table_index.h"

static bool is_member(const struct api_integer *a, const struct api_integer *b) {
    return a->set || b->set;
}

static bool has_maxima(const struct api_update_table *in) {
    return in->on_demand &&
           is_member(&in->on_demand->max_read_units, &in->on_demand->max_write_units);
}

static bool has_warm(const struct api_update_table *in) {
    return in->warm && is_member(&in->warm->read_units, &in->warm->write_units);
}

static const char *index_updated(const Tercet__Pb__TableDescriptor *d) {
    for (size_t i = 0; i < d->n_indexes; i++)
        if (d->indexes[i]->status == TERCET__PB__TABLE_STATUS__TABLE_UPDATING)
            return d->indexes[i]->name;
    return NULL;
}

/* Changes of throughput wait for each other; protection and warm throughput wait for nobody. */
static enum api_error refuse_busy(struct exec_op *op, const struct api_update_table *in,
                                  const Tercet__Pb__TableDescriptor *d) {
    bool updating = d->status == TERCET__PB__TABLE_STATUS__TABLE_UPDATING;
    if (updating && (in->deletion_protection != API_UNSET || has_warm(in)))
        return API_OK;
    if (updating && exec__deletes_new_index(in, d))
        return API_OK;
    if (updating && (in->billing_mode || in->throughput))
        return exec__refuse(&op->diag, API_RESOURCE_IN_USE,
                            "Attempt to change a resource which is still in use: Table IOPS are "
                            "currently being updated. Table: %s",
                            d->name);
    const char *index = in->index_updates.count ? index_updated(d) : NULL;
    if (updating && index)
        return exec__refuse(&op->diag, API_RESOURCE_IN_USE,
                            "Attempt to change a resource which is still in use: Index is being "
                            "updated.  Table: %s Index: %s",
                            d->name, index);
    return exec__refuse_in_use(op, d);
}

static enum api_error apply(const struct exec_settings *c, const struct api_update_table *in,
                            Tercet__Pb__TableDescriptor *d) {
    enum api_error refused = exec__set_billing(c, in, d);
    if (refused == API_OK && has_maxima(in))
        refused = exec__set_maxima(c, in->on_demand, d);
    if (refused == API_OK && has_warm(in))
        refused = exec__set_warm(c, in->warm, d);
    if (refused == API_OK && in->table_class)
        refused = exec__set_class(c, in->table_class, d);
    if (refused == API_OK)
        refused = exec__change_indexes(c, in, d);
    if (in->deletion_protection != API_UNSET)
        d->deletion_protection = in->deletion_protection == API_TRUE;
    return refused;
}

static enum api_error change(struct exec_op *op, Tercet__Pb__TableDescriptor *d) {
    const struct api_update_table *in = op->req->input;
    struct exec_settings c = exec__settings(op);
    enum api_error refused = refuse_busy(op, in, d);
    if (refused == API_OK)
        refused = apply(&c, in, d);
    /* What autoadmin has to take up; the rest holds from the moment it is written. */
    if (refused == API_OK &&
        (in->billing_mode || in->throughput || in->table_class || in->index_updates.count))
        d->status = TERCET__PB__TABLE_STATUS__TABLE_UPDATING;
    return refused;
}

/* A maximum that was taken away is told as it was asked for. */
static void answer(struct exec_op *op, const Tercet__Pb__TableDescriptor *d) {
    const struct api_update_table *in = op->req->input;
    struct api_table_description t = exec__description(op, d, exec__change_count(op));
    if (in->on_demand && in->on_demand->max_read_units.set)
        t.max_read_units = in->on_demand->max_read_units.value;
    if (in->on_demand && in->on_demand->max_write_units.set)
        t.max_write_units = in->on_demand->max_write_units.value;
    api_write_table(op->req->out, "TableDescription", &t);
}

static bool counts(const struct exec_op *op) {
    const struct api_update_table *in = op->req->input;
    return in->throughput != NULL || in->index_updates.count > 0;
}

void exec__update_table(struct exec_op *op) {
    const struct api_update_table *in = op->req->input;
    exec__table_change(op, &(struct exec_change){.table_name = in->table_name,
                                                 .apply = change,
                                                 .counts = counts,
                                                 .counted = true,
                                                 .answer = answer});
}
