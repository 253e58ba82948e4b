/* ListTables: a range of the system table. */
#include "exec_private.h"

#include "base/reader.h"
#include "engine/system/system.h"

struct listing {
    struct tc_buf start, end, after;
    struct tc_buf last; /* name of the last table shown */
};

static void free_listing(void *state) {
    struct listing *l = state;
    tc_buf_deinit(&l->start);
    tc_buf_deinit(&l->end);
    tc_buf_deinit(&l->after);
    tc_buf_deinit(&l->last);
}

static tc_err write_names(struct exec_op *op, struct tc_slice items) {
    struct listing *l = op->state;
    struct tc_reader r = tc_reader(items);
    while (!tc_reader_at_end(&r)) {
        struct tc_slice item = tc_reader_lenbytes(&r);
        struct system_record record;
        if (!tc_reader_ok(&r) || item_check(item) != TC_OK || system_decode(item, &record) != TC_OK)
            return TC_ECORRUPT;
        api_write_list_tables_name(op->req->out, record.name);
        tc_buf_clear(&l->last);
        tc_buf_append_slice(&l->last, record.name);
    }
    return TC_OK;
}

static void list_done(struct route_call *call, tc_err err, const ProtobufCMessage *message,
                      const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    struct listing *l = op->state;
    const Tercet__Pb__RangeReply *reply = (const Tercet__Pb__RangeReply *)message;
    (void)partition;
    if (err == TC_OK)
        err = write_names(op, proto_slice(reply->items));
    if (err != TC_OK) {
        tc_buf_clear(op->req->out);
        exec__storage_error(op, err, NULL);
        return;
    }
    api_write_list_tables_end(op->req->out,
                              reply->more && l->last.len ? tc_buf_slice(&l->last) : TC_SLICE_EMPTY);
    exec__complete(op);
}

void exec__list_tables(struct exec_op *op) {
    const struct api_list_tables *in = op->req->input;
    struct listing *l = tc_arena_calloc(op->req->arena, 1, sizeof *l);
    TC_ASSERT(l != NULL);
    op->state = l;
    op->free_state = free_listing;
    system_kind_range(SYSTEM_KIND_TABLE, &l->start, &l->end);
    if (in->start_table_name.len)
        system_key(&l->after, SYSTEM_KIND_TABLE, in->start_table_name);
    Tercet__Pb__RangeRequest *r = &op->call.request.range;
    tercet__pb__range_request__init(r);
    r->start = exec__pb(&l->start);
    r->end = exec__pb(&l->end);
    r->after = exec__pb(&l->after);
    r->consistent = true;
    r->limit = in->limit.set ? (uint32_t)in->limit.value : API_LIST_TABLES_MAX;
    r->max_bytes = API_RESPONSE_PAGE_BYTES_MAX;
    op->call.kind = ROUTE_RANGE;
    op->call.table_id = SYSTEM_TABLE_ID;
    op->call.key = tc_buf_slice(&l->start);
    op->call.deadline_ns = op->deadline_ns;
    op->call.done = list_done;
    op->call.user = op;
    api_write_list_tables_begin(op->req->out);
    route_call(op->exec->route, &op->call);
}
