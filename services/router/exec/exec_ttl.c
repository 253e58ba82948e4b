/* UpdateTimeToLive, DescribeTimeToLive: what the record says. Groups learn of a change by their
 * schema (docs/protocols/index.md), and delete what is due. */
#include "exec_settings.h"
#include "exec_table.h"

static enum api_error change(struct exec_op *op, Tercet__Pb__TableDescriptor *d) {
    const struct api_update_ttl *in = op->req->input;
    struct exec_settings c = exec__settings(op);
    if (d->status == TERCET__PB__TABLE_STATUS__TABLE_CREATING ||
        d->status == TERCET__PB__TABLE_STATUS__TABLE_DELETING)
        return exec__refuse(
            &op->diag, API_RESOURCE_IN_USE,
            "Attempt to change a resource which is still in use: Table %s is being %s", d->name,
            d->status == TERCET__PB__TABLE_STATUS__TABLE_CREATING ? "created" : "deleted");
    return exec__set_ttl(&c, in->ttl, d);
}

static void answer(struct exec_op *op, const Tercet__Pb__TableDescriptor *d) {
    const struct api_update_ttl *in = op->req->input;
    (void)d;
    api_write_ttl(op->req->out, in->ttl->enabled == API_TRUE, in->ttl->attribute);
}

void exec__update_ttl(struct exec_op *op) {
    const struct api_update_ttl *in = op->req->input;
    exec__table_change(
        op, &(struct exec_change){.table_name = in->table_name, .apply = change, .answer = answer});
}

/* A change is under way until every group of the table was seen with it. */
static enum api_ttl_status status_of(const Tercet__Pb__TableDescriptor *d,
                                     const Tercet__Pb__TableCount *count) {
    bool known = count != NULL && count->schema_version >= d->schema_version;
    if (d->ttl_enabled)
        return known ? API_TTL_ENABLED : API_TTL_ENABLING;
    return known || d->ttl_changed_ms == 0 ? API_TTL_DISABLED : API_TTL_DISABLING;
}

static void described(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                      const Tercet__Pb__TableCount *count) {
    const char *state = d->status == TERCET__PB__TABLE_STATUS__TABLE_CREATING   ? "CREATING"
                        : d->status == TERCET__PB__TABLE_STATUS__TABLE_DELETING ? "DELETING"
                                                                                : NULL;
    if (state) {
        exec__fail(op, API_VALIDATION,
                   "Cannot describe time to live while table is in %s state: Current table state "
                   "is %s",
                   state, state);
        return;
    }
    api_write_ttl_description(op->req->out, status_of(d, count), tc_slice_str(d->ttl_attribute));
    exec__complete(op);
}

void exec__describe_ttl(struct exec_op *op) {
    const struct api_table_only *in = op->req->input;
    exec__table_describe(op, in->table_name, described);
}
