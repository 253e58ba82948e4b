/* Query and Scan: one page, gathered from as many partitions as it takes, in key order. */
#include "exec_page.h"

#include "base/reader.h"

static void free_page(void *state) {
    struct exec_page *p = state;
    tc_buf_deinit(&p->start);
    tc_buf_deinit(&p->end);
    tc_buf_deinit(&p->after);
    tc_buf_deinit(&p->at);
    tc_buf_deinit(&p->last);
}

struct exec_page *exec__page_new(struct exec_op *op) {
    struct exec_page *p = tc_arena_calloc(op->req->arena, 1, sizeof *p);
    TC_ASSERT(p != NULL);
    op->state = p;
    op->free_state = free_page;
    return p;
}

static void set(struct tc_buf *b, struct tc_slice s) {
    tc_buf_clear(b);
    tc_buf_append_slice(b, s);
}

static const struct api_read_page *input(const struct exec_op *op) {
    return op->req->input;
}

static void finish(struct exec_op *op) {
    const struct api_read_page *in = input(op);
    struct exec_page *p = op->state;
    uint64_t mu = exec__read_mu(p->bytes, in->consistent_read == API_TRUE);
    struct api_page_end end = {
        .select = p->select,
        .count = p->count,
        .scanned_count = p->scanned,
        .last_evaluated_key = p->last.len ? tc_buf_slice(&p->last) : TC_SLICE_EMPTY,
    };
    if (p->index) {
        end.consumed = exec__index_consumed(op, p->index, in, mu, p->fetch_units);
    } else {
        admit_charge(op->exec->admit, op->table->descriptor, /* write= */ false, mu);
        end.consumed = exec__consumed(op, in->return_capacity, mu);
    }
    api_write_page_end(op->req->out, &end);
    exec__complete(op);
}

static tc_err take_items(struct exec_op *op, struct tc_slice items) {
    struct exec_page *p = op->state;
    struct tc_reader r = tc_reader(items);
    while (!tc_reader_at_end(&r)) {
        struct tc_slice item = tc_reader_lenbytes(&r);
        if (!tc_reader_ok(&r) || item_check(item) != TC_OK)
            return TC_ECORRUPT;
        if (p->select != API_SELECT_COUNT)
            api_write_page_item(op->req->out, item);
    }
    return TC_OK;
}

/* Is the partition the last one of the range? Else p->at is where the next one lies. */
static bool exhausted(struct exec_page *p, const Tercet__Pb__Partition *partition) {
    struct tc_slice start = proto_slice(partition->start), end = proto_slice(partition->end);
    if (p->reverse) {
        if (start.len == 0 || tc_slice_cmp(start, tc_buf_slice(&p->start)) <= 0)
            return true;
        set(&p->at, start);
        tc_buf_clear(&p->after);
        return false;
    }
    if (end.len == 0 || (p->end.len && tc_slice_cmp(end, tc_buf_slice(&p->end)) >= 0))
        return true;
    set(&p->at, end);
    tc_buf_clear(&p->after);
    return false;
}

static bool full(const struct exec_page *p) {
    return p->bytes >= API_RESPONSE_PAGE_BYTES_MAX || (p->limited && p->limit_left == 0);
}

static void next(struct exec_op *op);

static void part_done(struct route_call *c, tc_err err, const ProtobufCMessage *message,
                      const Tercet__Pb__Partition *partition) {
    struct exec_op *op = c->user;
    struct exec_page *p = op->state;
    const Tercet__Pb__RangeReply *reply = (const Tercet__Pb__RangeReply *)message;
    if (err == TC_OK)
        err = take_items(op, proto_slice(reply->items));
    if (err != TC_OK) {
        tc_buf_clear(op->req->out);
        exec__storage_error(op, err, NULL);
        return;
    }
    p->count += reply->count;
    p->scanned += reply->scanned;
    p->bytes += reply->bytes;
    p->fetch_units += reply->fetch_units;
    p->limit_left -= reply->scanned < p->limit_left ? reply->scanned : p->limit_left;
    struct tc_slice last = proto_slice(reply->last_item);
    if (last.len && item_check(last) == TC_OK) {
        tc_buf_clear(&p->last);
        if (p->index)
            exec__index_project_key(p->index, last, &p->last);
        else
            exec__project_key(op->table->descriptor, last, &p->last);
    }
    if (reply->more || full(p)) {
        finish(op);
    } else if (exhausted(p, partition)) {
        tc_buf_clear(&p->last);
        finish(op);
    } else {
        next(op);
    }
}

/* Only what was not read yet: the partition that is found there may have been merged with the one
 * that was read before. */
static void clip(struct exec_page *p, Tercet__Pb__RangeRequest *r) {
    struct tc_slice at = tc_buf_slice(&p->at), end = tc_buf_slice(&p->end);
    if (!p->reverse && tc_slice_cmp(at, tc_buf_slice(&p->start)) > 0)
        r->start = exec__pb(&p->at);
    if (p->reverse && at.len > 0 && (end.len == 0 || tc_slice_cmp(at, end) < 0))
        r->end = exec__pb(&p->at);
}

/* Rows of a global index follow the table's items. A client that reads them right after it wrote
 * finds them sooner at their leader. */
static bool follows_own_write(const struct exec_op *op) {
    const struct exec_page *p = op->state;
    return p->index && p->index->def->global &&
           route_wrote_lately(op->exec->route, op->table->descriptor->table_id);
}

static void next(struct exec_op *op) {
    const struct api_read_page *in = input(op);
    struct exec_page *p = op->state;
    Tercet__Pb__RangeRequest *r = &op->call.request.range;
    op->call = (struct route_call){.kind = ROUTE_RANGE};
    tercet__pb__range_request__init(r);
    r->start = exec__pb(&p->start);
    r->end = exec__pb(&p->end);
    clip(p, r);
    r->after = exec__pb(&p->after);
    r->reverse = p->reverse;
    r->consistent = in->consistent_read == API_TRUE;
    r->count_only = p->select == API_SELECT_COUNT;
    r->limit = p->limited ? (uint32_t)p->limit_left : 0;
    r->max_bytes = (uint32_t)(API_RESPONSE_PAGE_BYTES_MAX - p->bytes);
    r->filter = exec__pb(&op->programs.filter);
    r->projection = exec__pb(&op->programs.projection);
    op->call.table_id = op->table->descriptor->table_id;
    if (p->index)
        exec__index_ask(p->index, &op->call);
    op->call.key = tc_buf_slice(&p->at);
    op->call.before = p->reverse;
    op->call.any_replica = !r->consistent && !follows_own_write(op);
    op->call.deadline_ns = op->deadline_ns;
    op->call.done = part_done;
    op->call.user = op;
    route_call(op->exec->route, &op->call);
}

static void start_page(struct exec_op *op) {
    const struct api_read_page *in = input(op);
    struct exec_page *p = op->state;
    if (!exec__page_admitted(op, p->index)) {
        exec__over_limit(op);
        return;
    }
    p->select = in->select;
    p->limited = in->limit.set;
    p->limit_left = in->limit.set ? (uint64_t)in->limit.value : 0;
    if (p->after.len)
        set(&p->at, tc_buf_slice(&p->after));
    else
        set(&p->at, tc_buf_slice(p->reverse ? &p->end : &p->start));
    api_write_page_begin(op->req->out, p->select);
    next(op);
}

static bool is_empty(const struct exec_page *p) {
    return p->end.len && tc_slice_cmp(tc_buf_slice(&p->start), tc_buf_slice(&p->end)) >= 0;
}

void exec__page_run(struct exec_op *op) {
    struct exec_page *p = op->state;
    if (!is_empty(p)) {
        start_page(op);
        return;
    }
    p->select = input(op)->select;
    api_write_page_begin(op->req->out, p->select);
    finish(op);
}
