/* DeleteTable: the record says DELETING; autoadmin drops the partitions, then the record. */
#include "exec_table.h"

static enum api_error change(struct exec_op *op, Tercet__Pb__TableDescriptor *d) {
    if (d->status == TERCET__PB__TABLE_STATUS__TABLE_UPDATING)
        return exec__refuse(&op->diag, API_RESOURCE_IN_USE,
                            "Attempt to change a resource which is still in use: Table: %s is in "
                            "the process of being updated.",
                            d->name);
    enum api_error refused = exec__refuse_in_use(op, d);
    if (refused)
        return refused;
    if (d->deletion_protection)
        return exec__refuse(
            &op->diag, API_VALIDATION,
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first.");
    d->status = TERCET__PB__TABLE_STATUS__TABLE_DELETING;
    return API_OK;
}

static void answer(struct exec_op *op, const Tercet__Pb__TableDescriptor *d) {
    struct api_table_description t = exec__description(op, d, NULL);
    api_write_table(op->req->out, "TableDescription", &t);
}

void exec__delete_table(struct exec_op *op) {
    const struct api_table_only *in = op->req->input;
    exec__table_change(
        op, &(struct exec_change){.table_name = in->table_name, .apply = change, .answer = answer});
}
