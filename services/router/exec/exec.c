#include "exec_private.h"

#include "core/index/index_derive.h"
#include "daemon/worker.h"

#include <stdarg.h>
#include <stdio.h>

struct exec_op *exec__op_new(struct exec *e, struct api_request *req) {
    /* Decoding is over: what follows is bounded by the limits of requests (legacy parameters:
     * exec_legacy.c), and must not fail for a client that left little of what the arena admits. */
    req->arena->max_bytes = 0;
    struct exec_op *op = tc_arena_calloc(req->arena, 1, sizeof *op);
    TC_ASSERT(op != NULL);
    op->exec = e;
    op->req = req;
    op->deadline_ns = daemon_now_ns() + (uint64_t)EXEC_DEADLINE_MS * 1000000u;
    return op;
}

void exec__op_deinit(struct exec_op *op) {
    route_table_unref(op->table);
    op->table = NULL;
    tc_buf_deinit(&op->programs.condition);
    tc_buf_deinit(&op->programs.update);
    tc_buf_deinit(&op->programs.projection);
    tc_buf_deinit(&op->programs.filter);
    tc_buf_deinit(&op->key);
    tc_buf_deinit(&op->item);
    tc_buf_deinit(&op->diag);
    if (op->free_state)
        op->free_state(op->state);
    op->free_state = NULL;
}

void exec__fail(struct exec_op *op, enum api_error error, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    exec__op_deinit(op);
    api_fail(op->req, error, "%s", text);
}

void exec__invalid(struct exec_op *op) {
    struct tc_buf text = op->diag;
    op->diag = (struct tc_buf){0};
    exec__op_deinit(op);
    api_fail_with(op->req, API_VALIDATION, tc_buf_slice(&text), TC_SLICE_EMPTY);
    tc_buf_deinit(&text);
}

void exec__complete(struct exec_op *op) {
    exec__op_deinit(op);
    api_complete(op->req);
}

/* A table that is being created has no id yet, and none of its partitions may exist: requests would
 * look for them until their time is over. The API calls such a table not found. */
static bool has_data(const struct route_table *t) {
    Tercet__Pb__TableStatus status = t->descriptor->status;
    return status != TERCET__PB__TABLE_STATUS__TABLE_CREATING &&
           status != TERCET__PB__TABLE_STATUS__TABLE_DELETING;
}

static void table_found(struct route_find *f, tc_err err, struct route_table *table) {
    struct exec_op *op = f->user;
    op->table = table;
    if (err == TC_OK && has_data(table)) {
        op->found(op);
        return;
    }
    if (err == TC_OK || err == TC_ENOTFOUND)
        exec__fail(op, API_RESOURCE_NOT_FOUND, "Requested resource not found");
    else
        exec__fail(op, API_SERVICE_UNAVAILABLE, "The table's location cannot be found now");
}

void exec__find(struct exec_op *op, struct tc_slice table_name, void (*found)(struct exec_op *op)) {
    op->found = found;
    op->find = (struct route_find){
        .name = table_name, .deadline_ns = op->deadline_ns, .done = table_found, .user = op};
    route_find(op->exec->route, &op->find);
}

bool exec__is_throttle(tc_err err) {
    return err == TC_ETHROTTLED;
}

bool exec__is_retryable(tc_err err) {
    return err == TC_ETHROTTLED || err == TC_EUNAVAILABLE || err == TC_EBUSY || err == TC_EFULL ||
           err == TC_ENOTLEADER || err == TC_EMOVED;
}

void exec__throttled(struct exec_op *op) {
    if (op->table->descriptor->billing == TERCET__PB__BILLING_MODE__BILLING_PROVISIONED)
        exec__fail(op, API_PROVISIONED_THROUGHPUT_EXCEEDED,
                   "The level of configured provisioned throughput for the table was exceeded. "
                   "Consider increasing your provisioning level with the UpdateTable API.");
    else
        exec__fail(op, API_THROTTLING,
                   "Throughput exceeds the current capacity of your table or index. Tercet is "
                   "automatically scaling your table or index so please try again shortly.");
}

void exec__throttled_index(struct exec_op *op) {
    if (op->table->descriptor->billing != TERCET__PB__BILLING_MODE__BILLING_PROVISIONED) {
        exec__over_limit(op);
        return;
    }
    exec__fail(op, API_PROVISIONED_THROUGHPUT_EXCEEDED,
               "The level of configured provisioned throughput for one or more global secondary "
               "indexes of the table was exceeded. Consider increasing your provisioning level for "
               "the under-provisioned global secondary indexes with the UpdateTable API");
}

void exec__over_limit(struct exec_op *op) {
    if (op->table->descriptor->billing == TERCET__PB__BILLING_MODE__BILLING_PROVISIONED)
        exec__throttled(op);
    else
        exec__fail(op, API_THROTTLING,
                   "Throughput exceeds the maximum OnDemandThroughput configured on table or "
                   "index");
}

const char *exec__pb_text(const char *s) {
    return s && *s ? s : NULL;
}

void exec__storage_error(struct exec_op *op, tc_err err, const char *message) {
    if (exec__is_throttle(err)) {
        exec__throttled(op);
    } else if (err == TC_ECONDITION) {
        exec__fail(op, API_CONDITIONAL_CHECK_FAILED, "The conditional request failed");
    } else if (err == TC_ELIMIT && message && strcmp(message, INDEX_COLLECTION_FULL_TEXT) == 0) {
        exec__fail(op, API_ITEM_COLLECTION_SIZE_LIMIT, "%s", message);
    } else if (err == TC_EINVAL || err == TC_ETYPE || err == TC_ELIMIT) {
        exec__fail(op, API_VALIDATION, "%s", exec__pb_text(message) ? message : tc_err_text(err));
    } else if (exec__is_retryable(err)) {
        exec__fail(op, API_SERVICE_UNAVAILABLE,
                   "The partition cannot be reached now; the request was not applied");
    } else {
        exec__fail(op, API_INTERNAL_SERVER_ERROR, "The outcome of the request is unknown (%s)",
                   tc_err_name(err));
    }
}

void exec_execute(void *user, struct api_request *req) {
    static void (*const run[])(struct exec_op * op) = {
        [API_OP_BATCH_GET_ITEM] = exec__batch_get,
        [API_OP_BATCH_WRITE_ITEM] = exec__batch_write,
        [API_OP_CREATE_TABLE] = exec__create_table,
        [API_OP_DELETE_ITEM] = exec__delete_item,
        [API_OP_DELETE_TABLE] = exec__delete_table,
        [API_OP_DESCRIBE_ENDPOINTS] = exec__describe_endpoints,
        [API_OP_DESCRIBE_LIMITS] = exec__describe_limits,
        [API_OP_DESCRIBE_TABLE] = exec__describe_table,
        [API_OP_DESCRIBE_TTL] = exec__describe_ttl,
        [API_OP_GET_ITEM] = exec__get_item,
        [API_OP_LIST_TABLES] = exec__list_tables,
        [API_OP_LIST_TAGS] = exec__list_tags,
        [API_OP_PUT_ITEM] = exec__put_item,
        [API_OP_QUERY] = exec__query,
        [API_OP_SCAN] = exec__scan,
        [API_OP_TAG_RESOURCE] = exec__tag_resource,
        [API_OP_UNTAG_RESOURCE] = exec__untag_resource,
        [API_OP_UPDATE_ITEM] = exec__update_item,
        [API_OP_UPDATE_TABLE] = exec__update_table,
        [API_OP_UPDATE_TTL] = exec__update_ttl,
        [API_OP_TRANSACT] = exec__transact,
        [API_OP_UNBUILT] = exec__unbuilt,
    };
    TC_ASSERT(req->op->op < sizeof run / sizeof run[0] && run[req->op->op] != NULL);
    run[req->op->op](exec__op_new(user, req));
}
