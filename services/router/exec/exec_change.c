/* A change of a table's record: read, apply, write if nobody wrote meanwhile. */
#include "exec_table.h"

enum {
    CHANGE_ATTEMPTS_MAX = 12
};

/* The op's state while it is under way. */
struct changing {
    struct exec_change change;
    Tercet__Pb__TableDescriptor *descriptor; /* as written */
    uint64_t expected;                       /* the version that it replaces */
    Tercet__Pb__TableCount *count;           /* for the answer; NULL: not known */
    unsigned attempts;
};

static void drop_changing(void *state) {
    struct changing *c = state;
    if (c->descriptor)
        tercet__pb__table_descriptor__free_unpacked(c->descriptor, NULL);
    c->descriptor = NULL;
    exec__count_free(c->count);
    c->count = NULL;
}

const Tercet__Pb__TableCount *exec__change_count(const struct exec_op *op) {
    const struct changing *c = op->state;
    return c->count;
}

static void read_for_change(struct exec_op *op);

static void answer_change(struct exec_op *op) {
    struct changing *c = op->state;
    if (c->change.answer)
        c->change.answer(op, c->descriptor);
    exec__complete(op);
}

/* The change is made: it is answered even if the count cannot be read now. */
static void counted(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                    const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    struct changing *c = op->state;
    (void)partition;
    TC_IGNORE(exec__count_take(err, reply, &c->count));
    answer_change(op);
}

static void written(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                    const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    struct changing *c = op->state;
    (void)reply;
    (void)partition;
    if (err == TC_ECONDITION && c->attempts < CHANGE_ATTEMPTS_MAX) {
        drop_changing(c);
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
    if (c->change.counted)
        exec__count_read(op, c->descriptor->table_id, counted);
    else
        answer_change(op);
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
    op->free_state = drop_changing;
    read_for_change(op);
}
