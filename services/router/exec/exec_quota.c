/* Quotas over all tables: how many there are, and what they have provisioned. Their records are
 * read, which only creations and raises do. Two of them at the same moment may pass a quota by one
 * of them, as nobody counts for both. */
#include "exec_settings.h"
#include "exec_table.h"

#include "base/reader.h"
#include "engine/system/system.h"

#include <inttypes.h>

struct quota {
    struct exec_op *op;
    const Tercet__Pb__TableDescriptor *wanted;
    bool creating;
    void (*then)(struct exec_op *op);
    uint64_t tables, read_units, write_units; /* of all others */
    struct tc_buf start, end, after;
};

static void drop(struct quota *q) {
    tc_buf_deinit(&q->start);
    tc_buf_deinit(&q->end);
    tc_buf_deinit(&q->after);
}

static void add_units(const Tercet__Pb__TableDescriptor *d, uint64_t *reads, uint64_t *writes) {
    if (d->billing != TERCET__PB__BILLING_MODE__BILLING_PROVISIONED)
        return;
    *reads += d->rcu;
    *writes += d->wcu;
    for (size_t i = 0; i < d->n_indexes; i++) {
        *reads += d->indexes[i]->rcu;
        *writes += d->indexes[i]->wcu;
    }
}

static tc_err add_record(struct quota *q, struct tc_slice item) {
    struct system_record r;
    if (item_check(item) != TC_OK || system_decode(item, &r) != TC_OK)
        return TC_ECORRUPT;
    if (tc_slice_eq(r.name, tc_slice_str(q->wanted->name)))
        return TC_OK;
    Tercet__Pb__TableDescriptor *d =
        tercet__pb__table_descriptor__unpack(NULL, r.data.len, r.data.data);
    if (d == NULL)
        return TC_ECORRUPT;
    q->tables++;
    add_units(d, &q->read_units, &q->write_units);
    tercet__pb__table_descriptor__free_unpacked(d, NULL);
    return TC_OK;
}

static tc_err add_page(struct quota *q, const Tercet__Pb__RangeReply *page) {
    struct tc_reader r = tc_reader(proto_slice(page->items));
    while (!tc_reader_at_end(&r)) {
        struct tc_slice item = tc_reader_lenbytes(&r);
        if (!tc_reader_ok(&r))
            return TC_ECORRUPT;
        TC_TRY(add_record(q, item));
    }
    return page->more ? system_page_next(&q->after, proto_slice(page->last_key)) : TC_OK;
}

static enum api_error check_units(struct quota *q, uint64_t others, uint64_t wanted,
                                  const char *name) {
    struct exec_op *op = q->op;
    uint64_t most = op->exec->limits.account_units_max;
    if (wanted == 0 || others + wanted <= most)
        return API_OK;
    return exec__refuse(&op->diag, API_LIMIT_EXCEEDED,
                        "This request would have caused the %s limit to be exceeded for the "
                        "account in %.*s. Current %s reserved by the account: %" PRIu64
                        ". Limit: %" PRIu64 ". Requested: %" PRIu64 ". " EXEC_MORE_LIMITS,
                        name, TC_SLICE_ARGS(op->req->region), name, others, most, wanted);
}

static enum api_error check(struct quota *q) {
    uint64_t most = q->op->exec->limits.tables_max, reads = 0, writes = 0;
    if (q->creating && q->tables >= most)
        return exec__refuse(&q->op->diag, API_LIMIT_EXCEEDED,
                            "Subscriber limit exceeded: There is a limit of %" PRIu64
                            " tables per subscriber",
                            most);
    add_units(q->wanted, &reads, &writes);
    enum api_error refused = check_units(q, q->read_units, reads, "ReadCapacityUnits");
    return refused ? refused : check_units(q, q->write_units, writes, "WriteCapacityUnits");
}

static void read_page(struct quota *q);

static void page_read(struct route_call *call, tc_err err, const ProtobufCMessage *message,
                      const Tercet__Pb__Partition *partition) {
    struct quota *q = call->user;
    struct exec_op *op = q->op;
    const Tercet__Pb__RangeReply *page = (const Tercet__Pb__RangeReply *)message;
    (void)partition;
    if (err == TC_OK)
        err = add_page(q, page);
    if (err == TC_OK && page->more) {
        read_page(q);
        return;
    }
    enum api_error refused = err == TC_OK ? check(q) : API_OK;
    drop(q);
    if (err != TC_OK)
        exec__storage_error(op, err, NULL);
    else if (refused)
        exec__fail(op, refused, "%.*s", TC_SLICE_ARGS(tc_buf_slice(&op->diag)));
    else
        q->then(op);
}

static void read_page(struct quota *q) {
    struct exec_op *op = q->op;
    op->call = (struct route_call){.kind = ROUTE_RANGE,
                                   .table_id = SYSTEM_TABLE_ID,
                                   .key = tc_buf_slice(&q->start),
                                   .deadline_ns = op->deadline_ns,
                                   .done = page_read,
                                   .user = q};
    Tercet__Pb__RangeRequest *r = &op->call.request.range;
    tercet__pb__range_request__init(r);
    r->start = exec__pb(&q->start);
    r->end = exec__pb(&q->end);
    r->after = exec__pb(&q->after);
    r->consistent = true;
    r->max_bytes = API_RESPONSE_PAGE_BYTES_MAX;
    route_call(op->exec->route, &op->call);
}

void exec__check_quota(struct exec_op *op, const Tercet__Pb__TableDescriptor *d, bool creating,
                       void (*then)(struct exec_op *op)) {
    struct quota *q = tc_arena_calloc(op->req->arena, 1, sizeof *q);
    TC_ASSERT(q != NULL);
    *q = (struct quota){.op = op, .wanted = d, .creating = creating, .then = then};
    system_kind_range(SYSTEM_KIND_TABLE, &q->start, &q->end);
    read_page(q);
}
