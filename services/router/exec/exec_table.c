/* Records of tables: conditional reads and writes of the system table. */
#include "exec_table.h"

#include "engine/system/system.h"
#include "env/posix/posix.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void call_system(struct exec_op *op, Tercet__Pb__ItemOp what, const char *kind,
                        struct tc_slice name, exec_call_done done) {
    tc_buf_clear(&op->key);
    system_key(&op->key, kind, name);
    op->call.kind = ROUTE_ITEM;
    op->call.request.item.op = what;
    op->call.request.item.key = exec__pb(&op->key);
    op->call.request.item.consistent = true;
    op->call.table_id = SYSTEM_TABLE_ID;
    op->call.key = tc_buf_slice(&op->key);
    op->call.deadline_ns = op->deadline_ns;
    op->call.done = done;
    op->call.user = op;
    route_call(op->exec->route, &op->call);
}

static void read_record(struct exec_op *op, const char *kind, struct tc_slice name,
                        exec_call_done done) {
    op->call = (struct route_call){0};
    tercet__pb__item_request__init(&op->call.request.item);
    call_system(op, TERCET__PB__ITEM_OP__ITEM_GET, kind, name, done);
}

void exec__table_read(struct exec_op *op, struct tc_slice name, exec_call_done done) {
    read_record(op, SYSTEM_KIND_TABLE, name, done);
}

/* op->item and op->programs hold the bytes of the write. */
void exec__table_write(struct exec_op *op, const Tercet__Pb__TableDescriptor *d, uint64_t expected,
                       exec_call_done done) {
    struct tc_buf data = {0};
    proto_append(&data, &d->base);
    struct system_record r = {TC_SLICE_LIT(SYSTEM_KIND_TABLE), tc_slice_str(d->name), d->version,
                              tc_buf_slice(&data)};
    tc_buf_clear(&op->item);
    tc_buf_clear(&op->programs.condition);
    system_item(&op->item, &r);
    system_condition(&op->programs.condition, expected);
    tc_buf_deinit(&data);
    op->call = (struct route_call){0};
    tercet__pb__item_request__init(&op->call.request.item);
    op->call.request.item.item = exec__pb(&op->item);
    op->call.request.item.condition = exec__pb(&op->programs.condition);
    call_system(op, TERCET__PB__ITEM_OP__ITEM_PUT, SYSTEM_KIND_TABLE, tc_slice_str(d->name), done);
}

/* The record that an answer holds, and whether there is one.
 *   Errors   TC_ECORRUPT  it is no record; those of the call */
static tc_err take_record(tc_err err, const ProtobufCMessage *message,
                          struct system_record *ret_record, bool *ret_found) {
    const Tercet__Pb__ItemReply *reply = (const Tercet__Pb__ItemReply *)message;
    *ret_found = false;
    if (err != TC_OK || !reply->found)
        return err;
    struct tc_slice item = proto_slice(reply->new_item);
    if (item_check(item) != TC_OK || system_decode(item, ret_record) != TC_OK)
        return TC_ECORRUPT;
    *ret_found = true;
    return TC_OK;
}

Tercet__Pb__TableDescriptor *exec__table_take(struct exec_op *op, const char *kind,
                                              struct tc_slice name, tc_err err,
                                              const ProtobufCMessage *message) {
    struct system_record r;
    bool found;
    err = take_record(err, message, &r, &found);
    if (err == TC_OK && !found) {
        exec__fail(op, API_RESOURCE_NOT_FOUND, "Requested resource not found: %s: %.*s not found",
                   kind, TC_SLICE_ARGS(name));
        return NULL;
    }
    Tercet__Pb__TableDescriptor *d = err == TC_OK ? route_table_unpack(r.data) : NULL;
    if (d == NULL)
        exec__storage_error(op, err == TC_OK ? TC_ECORRUPT : err, NULL);
    return d;
}

/* ---- what was counted of a table */

void exec__count_read(struct exec_op *op, uint64_t table_id, exec_call_done done) {
    char *name = tc_arena_alloc(op->req->arena, 24);
    TC_ASSERT(name != NULL);
    (void)snprintf(name, 24, "%020" PRIu64, table_id);
    read_record(op, SYSTEM_KIND_COUNT, tc_slice_str(name), done);
}

tc_err exec__count_take(tc_err err, const ProtobufCMessage *message,
                        Tercet__Pb__TableCount **ret_count) {
    struct system_record r;
    bool found;
    *ret_count = NULL;
    TC_TRY(take_record(err, message, &r, &found));
    if (!found)
        return TC_OK;
    *ret_count = tercet__pb__table_count__unpack(NULL, r.data.len, r.data.data);
    return *ret_count ? TC_OK : TC_ECORRUPT;
}

void exec__count_free(Tercet__Pb__TableCount *count) {
    if (count)
        tercet__pb__table_count__free_unpacked(count, NULL);
}

/* ---- a description: the record, then the count */

struct describing {
    struct tc_slice table_name;
    exec_described described;
    Tercet__Pb__TableDescriptor *descriptor;
};

static void drop_described(void *state) {
    struct describing *s = state;
    if (s->descriptor)
        tercet__pb__table_descriptor__free_unpacked(s->descriptor, NULL);
    s->descriptor = NULL;
}

static void count_read(struct route_call *call, tc_err err, const ProtobufCMessage *message,
                       const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    struct describing *s = op->state;
    Tercet__Pb__TableCount *count;
    (void)partition;
    err = exec__count_take(err, message, &count);
    if (err == TC_OK)
        s->described(op, s->descriptor, count); /* the op is gone; count is ours */
    else
        exec__storage_error(op, err, NULL);
    exec__count_free(count);
}

static void table_read(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                       const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    struct describing *s = op->state;
    (void)partition;
    s->descriptor = exec__table_take(op, "Table", s->table_name, err, reply);
    if (s->descriptor == NULL)
        return;
    route_learn_table(op->exec->route, s->descriptor);
    exec__count_read(op, s->descriptor->table_id, count_read);
}

void exec__table_describe(struct exec_op *op, struct tc_slice name, exec_described described) {
    struct describing *s = tc_arena_calloc(op->req->arena, 1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->table_name = name;
    s->described = described;
    op->state = s;
    op->free_state = drop_described;
    exec__table_read(op, name, table_read);
}

/* ---- for changes of a record ---- */

enum api_error exec__refuse(struct tc_buf *diag, enum api_error error, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    tc_buf_clear(diag);
    tc_buf_append_str(diag, text);
    return error;
}

enum api_error exec__refuse_in_use(struct exec_op *op, const Tercet__Pb__TableDescriptor *d) {
    static const char *const words[] = {"created", "", "updated", "deleted"};
    if (d->status == TERCET__PB__TABLE_STATUS__TABLE_ACTIVE)
        return API_OK;
    return exec__refuse(&op->diag, API_RESOURCE_IN_USE,
                        "Attempt to change a resource which is still in use: Table is being %s: %s",
                        words[d->status & 3], d->name);
}

struct exec_settings exec__settings(struct exec_op *op) {
    return (struct exec_settings){.diag = &op->diag,
                                  .now_ms = posix_wall_ms(),
                                  .region = op->req->region,
                                  .limits = &op->exec->limits};
}

void exec__set_text(char **field, struct tc_slice text) {
    char *copy = malloc(text.len + 1);
    TC_ASSERT(copy != NULL);
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (*field != protobuf_c_empty_string)
        free(*field);
    *field = copy;
}
