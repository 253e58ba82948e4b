/* Operations that are not built: all that is asked of the system is whether their table exists, and
 * its index. */
#include "exec_private.h"

#include "router/api/api_unbuilt.h"

static bool has_index(const struct route_table *table, struct tc_slice name) {
    const Tercet__Pb__TableDescriptor *d = table->descriptor;
    for (size_t i = 0; i < d->n_indexes; i++)
        if (tc_slice_eq(tc_slice_str(d->indexes[i]->name), name))
            return true;
    return name.len == 0;
}

static void table_known(struct route_find *f, tc_err err, struct route_table *table) {
    struct exec_op *op = f->user;
    op->table = table;
    if (err != TC_OK && err != TC_ENOTFOUND) {
        exec__fail(op, API_SERVICE_UNAVAILABLE, "The table's location cannot be found now");
        return;
    }
    if (err == TC_OK && !has_index(table, api_unbuilt_index(op->req))) {
        exec__fail(op, API_RESOURCE_NOT_FOUND,
                   "Requested resource not found: Index: %.*s not found",
                   TC_SLICE_ARGS(api_unbuilt_index(op->req)));
        return;
    }
    exec__op_deinit(op);
    api_unbuilt_answer(op->req, err == TC_OK);
}

static bool is_table_name(struct tc_slice name) {
    return name.len >= API_NAME_BYTES_MIN && name.len <= API_NAME_BYTES_MAX;
}

void exec__unbuilt(struct exec_op *op) {
    struct tc_slice name = api_unbuilt_table(op->req);
    if (!is_table_name(name)) {
        exec__op_deinit(op);
        api_unbuilt_answer(op->req, /* table_exists= */ name.len == 0);
        return;
    }
    op->find = (struct route_find){
        .name = name, .deadline_ns = op->deadline_ns, .done = table_known, .user = op};
    route_find(op->exec->route, &op->find);
}
