/* Operations that are not built: all that is asked of the system is whether their table exists. */
#include "exec_private.h"

#include "router/api/api_unbuilt.h"

static void table_known(struct route_find *f, tc_err err, struct route_table *table) {
    struct exec_op *op = f->user;
    op->table = table;
    if (err != TC_OK && err != TC_ENOTFOUND) {
        exec__fail(op, API_SERVICE_UNAVAILABLE, "The table's location cannot be found now");
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
