/* Records of tables: conditional reads and writes of the system table. */
#include "exec_table.h"

#include "engine/system/system.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    CHANGE_ATTEMPTS_MAX = 4
};

uint64_t exec__wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

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

static bool take_data(const Tercet__Pb__ItemReply *reply, struct system_record *ret_record) {
    struct tc_slice item = proto_slice(reply->new_item);
    return item_check(item) == TC_OK && system_decode(item, ret_record) == TC_OK;
}

Tercet__Pb__TableDescriptor *exec__table_take(struct exec_op *op, const char *kind,
                                              struct tc_slice name, tc_err err,
                                              const ProtobufCMessage *message) {
    const Tercet__Pb__ItemReply *reply = (const Tercet__Pb__ItemReply *)message;
    if (err == TC_OK && !reply->found) {
        exec__fail(op, API_RESOURCE_NOT_FOUND, "Requested resource not found: %s: %.*s not found",
                   kind, TC_SLICE_ARGS(name));
        return NULL;
    }
    struct system_record r;
    Tercet__Pb__TableDescriptor *d = NULL;
    if (err == TC_OK && take_data(reply, &r))
        d = tercet__pb__table_descriptor__unpack(NULL, r.data.len, r.data.data);
    if (d == NULL)
        exec__storage_error(op, err == TC_OK ? TC_ECORRUPT : err, NULL);
    return d;
}

/* ---- a description: the record, then the count */

struct describing {
    struct tc_slice table_name;
    exec_described described;
    Tercet__Pb__TableDescriptor *descriptor;
    char count_name[24];
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
    const Tercet__Pb__ItemReply *reply = (const Tercet__Pb__ItemReply *)message;
    struct system_record r;
    Tercet__Pb__TableCount *count = NULL;
    (void)partition;
    if (err == TC_OK && reply->found && take_data(reply, &r))
        count = tercet__pb__table_count__unpack(NULL, r.data.len, r.data.data);
    if (err == TC_OK && reply->found && count == NULL)
        err = TC_ECORRUPT;
    if (err == TC_OK)
        s->described(op, s->descriptor, count); /* the op is gone; count is ours */
    else
        exec__storage_error(op, err, NULL);
    if (count)
        tercet__pb__table_count__free_unpacked(count, NULL);
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
    (void)snprintf(s->count_name, sizeof s->count_name, "%020" PRIu64, s->descriptor->table_id);
    read_record(op, SYSTEM_KIND_COUNT, tc_slice_str(s->count_name), count_read);
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

/* ---- a change: the op's state while it is under way ---- */

struct changing {
    struct exec_change change;
    Tercet__Pb__TableDescriptor *descriptor; /* as written */
    uint64_t expected;                       /* the version that it replaces */
    unsigned attempts;
};

static void drop_descriptor(void *state) {
    struct changing *c = state;
    if (c->descriptor)
        tercet__pb__table_descriptor__free_unpacked(c->descriptor, NULL);
    c->descriptor = NULL;
}

static void read_for_change(struct exec_op *op);

static void written(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                    const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    struct changing *c = op->state;
    (void)reply;
    (void)partition;
    if (err == TC_ECONDITION && c->attempts < CHANGE_ATTEMPTS_MAX) {
        drop_descriptor(c);
        read_for_change(op);
        return;
    }
    if (err == TC_ECONDITION) {
        exec__fail(op, API_RESOURCE_IN_USE,
                   "Attempt to change a resource which is still in use: Table is being changed: %s",
                   c->descriptor->name);
        return;
    }
    if (err != TC_OK) {
        exec__storage_error(op, err, NULL);
        return;
    }
    route_learn_table(op->exec->route, c->descriptor);
    if (c->change.answer)
        c->change.answer(op, c->descriptor);
    exec__complete(op);
}

static void write_change(struct exec_op *op) {
    struct changing *c = op->state;
    exec__table_write(op, c->descriptor, c->expected, written);
}

static void read_done(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                      const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    struct changing *c = op->state;
    (void)partition;
    bool by_arn = c->change.arn.data != NULL;
    c->descriptor = exec__table_take(op, by_arn ? "ResourceArn" : "Table",
                                     by_arn ? c->change.arn : c->change.table_name, err, reply);
    if (c->descriptor == NULL)
        return;
    c->expected = c->descriptor->version;
    enum api_error refused = c->change.apply(op, c->descriptor);
    if (refused) {
        exec__fail(op, refused, "%.*s", TC_SLICE_ARGS(tc_buf_slice(&op->diag)));
        return;
    }
    c->descriptor->version = c->expected + 1;
    if (c->change.counts && c->change.counts(op))
        exec__check_quota(op, c->descriptor, /* creating= */ false, write_change);
    else
        write_change(op);
}

static void read_for_change(struct exec_op *op) {
    struct changing *c = op->state;
    c->attempts++;
    exec__table_read(op, c->change.table_name, read_done);
}

void exec__table_change(struct exec_op *op, const struct exec_change *change) {
    struct changing *c = tc_arena_calloc(op->req->arena, 1, sizeof *c);
    TC_ASSERT(c != NULL);
    c->change = *change;
    op->state = c;
    op->free_state = drop_descriptor;
    read_for_change(op);
}

/* ---- for apply ---- */

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
                                  .now_ms = exec__wall_ms(),
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
