/* GetItem, PutItem, UpdateItem, DeleteItem: one storage call each. */
#include "exec_index.h"

#include "base/mutant.h"

static void send(struct exec_op *op, bool write,
                 void (*done)(struct route_call *c, tc_err err, const ProtobufCMessage *reply,
                              const Tercet__Pb__Partition *partition)) {
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    if (!admit_open(op->exec->admit, d, write)) {
        exec__over_limit(op);
        return;
    }
    if (write && d->n_indexes && !exec__indexes_open(op->exec, d)) {
        exec__throttled_index(op);
        return;
    }
    op->call.kind = ROUTE_ITEM;
    op->call.table_id = d->table_id;
    op->call.key = tc_buf_slice(&op->key);
    op->call.request.item.key = exec__pb(&op->key);
    op->call.deadline_ns = op->deadline_ns;
    op->call.done = done;
    op->call.user = op;
    route_call(op->exec->route, &op->call);
}

static void get_done(struct route_call *c, tc_err err, const ProtobufCMessage *message,
                     const Tercet__Pb__Partition *partition) {
    struct exec_op *op = c->user;
    const struct api_get_item *in = op->req->input;
    const Tercet__Pb__ItemReply *reply = (const Tercet__Pb__ItemReply *)message;
    (void)partition;
    if (err != TC_OK) {
        exec__storage_error(op, err, reply ? reply->message : NULL);
        return;
    }
    struct tc_slice item = proto_slice(reply->new_item);
    if (reply->found && item_check(item) != TC_OK) {
        exec__fail(op, API_INTERNAL_SERVER_ERROR, "The stored item is damaged");
        return;
    }
    uint64_t mu =
        exec__read_mu(reply->old_bytes > reply->new_bytes ? reply->old_bytes : reply->new_bytes,
                      in->consistent_read == API_TRUE);
    admit_charge(op->exec->admit, op->table->descriptor, /* write= */ false, mu);
    api_write_get_item(op->req->out, reply->found ? item : TC_SLICE_EMPTY,
                       exec__consumed(op, in->return_capacity, mu));
    exec__complete(op);
}

static void get_found(struct exec_op *op) {
    const struct api_get_item *in = op->req->input;
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    if (exec__key_of_key(d, in->key, &op->key, &op->diag) != TC_OK ||
        !exec__check_scalar_keys(d, tc_buf_slice(&op->programs.projection), &op->diag)) {
        exec__invalid(op);
        return;
    }
    tercet__pb__item_request__init(&op->call.request.item);
    op->call.request.item.op = TERCET__PB__ITEM_OP__ITEM_GET;
    op->call.request.item.projection = exec__pb(&op->programs.projection);
    bool consistent = in->consistent_read == API_TRUE && !TC_MUTANT(103);
    op->call.request.item.consistent = consistent;
    op->call.any_replica = !consistent;
    send(op, /* write= */ false, get_done);
}

void exec__get_item(struct exec_op *op) {
    struct api_get_item *in = (struct api_get_item *)(uintptr_t)op->req->input;
    struct exec_expressions x = {.projection = in->projection_expression,
                                 .attributes_to_get = &in->attributes_to_get,
                                 .names = in->names.set ? &in->names.list : NULL};
    if (exec__compile(op, &x))
        exec__find(op, in->table_name, get_found);
    else
        exec__invalid(op);
}

static unsigned wanted(const struct api_write_item *in) {
    unsigned want = 0;
    if (in->return_values == API_RETURN_ALL_OLD || in->return_values == API_RETURN_UPDATED_OLD)
        want |= EXEC__WANT_OLD;
    if (in->return_values == API_RETURN_ALL_NEW || in->return_values == API_RETURN_UPDATED_NEW)
        want |= EXEC__WANT_NEW;
    if (in->return_on_condition_fail == API_RETURN_ALL_OLD)
        want |= EXEC__WANT_ON_FAILURE;
    return want;
}

static void condition_failed(struct exec_op *op, const Tercet__Pb__ItemReply *reply) {
    const struct api_write_item *in = op->req->input;
    struct tc_slice old = reply ? proto_slice(reply->old_item) : TC_SLICE_EMPTY;
    struct tc_buf more = {0};
    admit_charge(op->exec->admit, op->table->descriptor, /* write= */ true,
                 exec__write_mu(reply ? reply->old_bytes : 0, 0));
    if (in->return_on_condition_fail == API_RETURN_ALL_OLD && old.len && item_check(old) == TC_OK)
        api_write_condition_item(&more, old);
    exec__op_deinit(op);
    api_fail_with(op->req, API_CONDITIONAL_CHECK_FAILED,
                  TC_SLICE_LIT("The conditional request failed"), tc_buf_slice(&more));
    tc_buf_deinit(&more);
}

/* The Attributes of the answer, appended to out; nothing for NONE or when there are none. */
static bool append_attributes(struct exec_op *op, const Tercet__Pb__ItemReply *reply,
                              struct tc_buf *out) {
    const struct api_write_item *in = op->req->input;
    bool old =
        in->return_values == API_RETURN_ALL_OLD || in->return_values == API_RETURN_UPDATED_OLD;
    struct tc_slice item = proto_slice(old ? reply->old_item : reply->new_item);
    if (in->return_values <= API_RETURN_NONE || item.len == 0)
        return true;
    if (item_check(item) != TC_OK)
        return false;
    if (in->return_values == API_RETURN_UPDATED_OLD || in->return_values == API_RETURN_UPDATED_NEW)
        expr_update_project(tc_buf_slice(&op->programs.update), item, out);
    else
        tc_buf_append_slice(out, item);
    if (item_iter(tc_buf_slice(out)).left == 0)
        tc_buf_clear(out);
    return true;
}

/* A table with indexes: the write cost those too, and its item collection may be asked for. */
static struct api_consumed settle_indexes(struct exec_op *op, const Tercet__Pb__ItemReply *reply,
                                          uint64_t mu, struct api_collection *ret_collection) {
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    const struct api_write_item *in = op->req->input;
    uint64_t index_mu[INDEX_DEFS_MAX] = {0};
    exec__indexes_charge(op->exec, d, reply->index_units, reply->n_index_units, index_mu);
    if (in->return_collection_metrics == API_METRICS_SIZE && exec__has_local(d))
        *ret_collection =
            exec__collection(op, d, in->key.data ? in->key : in->item, reply->collection_bytes);
    return exec__indexes_consumed(op, d, in->return_capacity, mu, index_mu);
}

static void write_done(struct route_call *c, tc_err err, const ProtobufCMessage *message,
                       const Tercet__Pb__Partition *partition) {
    struct exec_op *op = c->user;
    const struct api_write_item *in = op->req->input;
    const Tercet__Pb__ItemReply *reply = (const Tercet__Pb__ItemReply *)message;
    struct tc_buf attributes = {0};
    (void)partition;
    if (err == TC_ECONDITION) {
        condition_failed(op, reply);
        return;
    }
    if (err == TC_ETYPE && in->attribute_updates.set) {
        exec__fail(op, API_VALIDATION, "Type mismatch for attribute to update");
        return;
    }
    if (err != TC_OK) {
        exec__storage_error(op, err, reply ? reply->message : NULL);
        return;
    }
    if (!append_attributes(op, reply, &attributes)) {
        exec__fail(op, API_INTERNAL_SERVER_ERROR, "The returned item is damaged");
        tc_buf_deinit(&attributes);
        return;
    }
    uint64_t mu = exec__write_mu(reply->old_bytes, reply->new_bytes);
    admit_charge(op->exec->admit, op->table->descriptor, /* write= */ true, mu);
    struct api_collection collection = {0};
    struct api_consumed consumed = exec__consumed(op, in->return_capacity, mu);
    if (op->table->descriptor->n_indexes)
        consumed = settle_indexes(op, reply, mu, &collection);
    api_write_write_item(op->req->out, attributes.len ? tc_buf_slice(&attributes) : TC_SLICE_EMPTY,
                         consumed, collection);
    tc_buf_deinit(&attributes);
    exec__complete(op);
}

static void begin_write(struct exec_op *op, Tercet__Pb__ItemOp kind) {
    Tercet__Pb__ItemRequest *r = &op->call.request.item;
    tercet__pb__item_request__init(r);
    r->op = kind;
    r->condition = exec__pb(&op->programs.condition);
    r->want = wanted(op->req->input);
}

static void put_found(struct exec_op *op) {
    const struct api_write_item *in = op->req->input;
    if (exec__key_of_item(op->table->descriptor, in->item, &op->key, &op->diag) != TC_OK) {
        exec__invalid(op);
        return;
    }
    if (item_size_bytes(in->item) > ITEM_BYTES_MAX) {
        exec__fail(op, API_VALIDATION, "Item size has exceeded the maximum allowed size");
        return;
    }
    begin_write(op, TERCET__PB__ITEM_OP__ITEM_PUT);
    op->call.request.item.item = proto_bytes(in->item);
    send(op, /* write= */ true, write_done);
}

static void delete_found(struct exec_op *op) {
    const struct api_write_item *in = op->req->input;
    if (exec__key_of_key(op->table->descriptor, in->key, &op->key, &op->diag) != TC_OK) {
        exec__invalid(op);
        return;
    }
    begin_write(op, TERCET__PB__ITEM_OP__ITEM_DELETE);
    send(op, /* write= */ true, write_done);
}

static bool touches_key(struct exec_op *op) {
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    for (size_t i = 0; i < d->n_keys; i++)
        if (expr_forbid_key(tc_buf_slice(&op->programs.update), tc_slice_str(d->keys[i]->name),
                            &op->diag) != TC_OK)
            return true;
    return !exec__check_scalar_keys(d, tc_buf_slice(&op->programs.update), &op->diag);
}

static void update_found(struct exec_op *op) {
    const struct api_write_item *in = op->req->input;
    if (exec__key_of_key(op->table->descriptor, in->key, &op->key, &op->diag) != TC_OK ||
        (op->programs.update.len && touches_key(op))) {
        exec__invalid(op);
        return;
    }
    begin_write(op, TERCET__PB__ITEM_OP__ITEM_UPDATE);
    op->call.request.item.item = proto_bytes(in->key);
    op->call.request.item.update = exec__pb(&op->programs.update);
    send(op, /* write= */ true, write_done);
}

static bool compile_legacy(struct exec_op *op, const struct api_write_item *in) {
    return exec__compile_conditions(op, EXPR_CONDITION, &in->expected, in->conditional_operator,
                                    &op->programs.condition) &&
           exec__compile_updates(op, &in->attribute_updates);
}

static void begin(struct exec_op *op, void (*found)(struct exec_op *op)) {
    struct api_write_item *in = (struct api_write_item *)(uintptr_t)op->req->input;
    struct exec_expressions x = {.condition = in->condition_expression,
                                 .update = in->update_expression,
                                 .names = in->names.set ? &in->names.list : NULL,
                                 .values = in->values.set ? &in->values.list : NULL};
    if (exec__compile(op, &x) && compile_legacy(op, in))
        exec__find(op, in->table_name, found);
    else
        exec__invalid(op);
}

void exec__put_item(struct exec_op *op) {
    begin(op, put_found);
}

void exec__update_item(struct exec_op *op) {
    begin(op, update_found);
}

void exec__delete_item(struct exec_op *op) {
    begin(op, delete_found);
}
