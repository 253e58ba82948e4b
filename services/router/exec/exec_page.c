/* Query and Scan: one page, gathered from as many partitions as it takes, in key order. */
#include "exec_private.h"

#include "base/reader.h"
#include "core/key/key.h"

struct page {
    struct tc_buf start; /* of the whole range, storage keys */
    struct tc_buf end;   /* empty: unbounded */
    struct tc_buf after; /* exclusive start key; empty: none */
    struct tc_buf at;    /* where the next partition is looked for */
    struct tc_buf last;  /* LastEvaluatedKey as an item */
    bool reverse;
    uint64_t limit_left; /* items; 0: no limit was given */
    bool limited;
    uint64_t bytes; /* evaluated so far */
    uint64_t count;
    uint64_t scanned;
    unsigned select;
};

static void free_page(void *state) {
    struct page *p = state;
    tc_buf_deinit(&p->start);
    tc_buf_deinit(&p->end);
    tc_buf_deinit(&p->after);
    tc_buf_deinit(&p->at);
    tc_buf_deinit(&p->last);
}

static struct page *page_new(struct exec_op *op) {
    struct page *p = tc_arena_calloc(op->req->arena, 1, sizeof *p);
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
    struct page *p = op->state;
    uint64_t mu = exec__read_mu(p->bytes, in->consistent_read == API_TRUE);
    admit_charge(op->exec->admit, op->table->descriptor, /* write= */ false, mu);
    struct api_page_end end = {
        .select = p->select,
        .count = p->count,
        .scanned_count = p->scanned,
        .last_evaluated_key = p->last.len ? tc_buf_slice(&p->last) : TC_SLICE_EMPTY,
        .consumed = exec__consumed(op, in->return_capacity, mu),
    };
    api_write_page_end(op->req->out, &end);
    exec__complete(op);
}

static tc_err take_items(struct exec_op *op, struct tc_slice items) {
    struct page *p = op->state;
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
static bool exhausted(struct page *p, const Tercet__Pb__Partition *partition) {
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

static bool full(const struct page *p) {
    return p->bytes >= API_RESPONSE_PAGE_BYTES_MAX || (p->limited && p->limit_left == 0);
}

static void next(struct exec_op *op);

static void part_done(struct route_call *c, tc_err err, const ProtobufCMessage *message,
                      const Tercet__Pb__Partition *partition) {
    struct exec_op *op = c->user;
    struct page *p = op->state;
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
    p->limit_left -= reply->scanned < p->limit_left ? reply->scanned : p->limit_left;
    struct tc_slice last = proto_slice(reply->last_item);
    if (last.len && item_check(last) == TC_OK) {
        tc_buf_clear(&p->last);
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
static void clip(struct page *p, Tercet__Pb__RangeRequest *r) {
    struct tc_slice at = tc_buf_slice(&p->at), end = tc_buf_slice(&p->end);
    if (!p->reverse && tc_slice_cmp(at, tc_buf_slice(&p->start)) > 0)
        r->start = exec__pb(&p->at);
    if (p->reverse && at.len > 0 && (end.len == 0 || tc_slice_cmp(at, end) < 0))
        r->end = exec__pb(&p->at);
}

static void next(struct exec_op *op) {
    const struct api_read_page *in = input(op);
    struct page *p = op->state;
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
    op->call.key = tc_buf_slice(&p->at);
    op->call.before = p->reverse;
    op->call.any_replica = !r->consistent;
    op->call.deadline_ns = op->deadline_ns;
    op->call.done = part_done;
    op->call.user = op;
    route_call(op->exec->route, &op->call);
}

static void start_page(struct exec_op *op) {
    const struct api_read_page *in = input(op);
    struct page *p = op->state;
    if (!admit_open(op->exec->admit, op->table->descriptor, /* write= */ false)) {
        exec__throttled(op);
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

/* ExclusiveStartKey as a storage key; it must lie in the range that is read. */
static bool take_start_key(struct exec_op *op, struct page *p) {
    const struct api_read_page *in = input(op);
    if (in->exclusive_start_key.data == NULL)
        return true;
    if (exec__key_of_key(op->table->descriptor, in->exclusive_start_key, &p->after, &op->diag) !=
        TC_OK) {
        tc_buf_clear(&op->diag);
        tc_buf_append_str(&op->diag,
                          "The provided starting key is invalid: The provided key element "
                          "does not match the schema");
        return false;
    }
    return true;
}

static bool forbid_keys_in_filter(struct exec_op *op) {
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    for (size_t i = 0; i < d->n_keys && op->programs.filter.len; i++) {
        if (expr_forbid_key(tc_buf_slice(&op->programs.filter), tc_slice_str(d->keys[i]->name),
                            &op->diag) == TC_OK)
            continue;
        if (input(op)->filter_conditions.set) {
            tc_buf_clear(&op->diag);
            tc_buf_printf(&op->diag,
                          "QueryFilter can only contain non-primary key attributes: Primary key "
                          "attribute: %s",
                          d->keys[i]->name);
        }
        return false;
    }
    return true;
}

static bool compile_key(struct exec_op *op, struct expr_bindings *names,
                        struct expr_bindings *values, struct expr_key_range *ret_range) {
    const struct api_read_page *in = input(op);
    struct expr_key_schema schema = exec__key_schema(op->table->descriptor);
    struct expr_ctx ctx = {.names = names, .values = values, .scratch = op->req->arena};
    if (in->key_conditions.set)
        return exec__compile_key_conditions(op, &in->key_conditions, &schema, ret_range);
    return expr_compile_key_condition(in->key_condition_expression, &schema, &ctx, ret_range,
                                      &op->diag) == TC_OK;
}

static bool prepare_query(struct exec_op *op) {
    struct api_read_page *in = (struct api_read_page *)(uintptr_t)op->req->input;
    struct expr_bindings *names = in->names.set ? &in->names.list : NULL;
    struct expr_bindings *values = in->values.set ? &in->values.list : NULL;
    struct expr_key_range range;
    if (!compile_key(op, names, values, &range) || !exec__check_used(op, names, values) ||
        !forbid_keys_in_filter(op))
        return false;
    struct page *p = page_new(op);
    p->reverse = in->forward == API_FALSE;
    exec__range(&range, &p->start, &p->end);
    if (!take_start_key(op, p))
        return false;
    struct tc_buf prefix = {0};
    key_append_hash(&prefix, item_value_at(range.hash[0]));
    bool inside =
        p->after.len == 0 || tc_slice_has_prefix(tc_buf_slice(&p->after), tc_buf_slice(&prefix));
    tc_buf_deinit(&prefix);
    if (!inside)
        tc_buf_append_str(&op->diag,
                          "The provided starting key is outside query boundaries based on "
                          "provided conditions");
    return inside;
}

static bool is_empty(const struct page *p) {
    return p->end.len && tc_slice_cmp(tc_buf_slice(&p->start), tc_buf_slice(&p->end)) >= 0;
}

static void start_or_finish(struct exec_op *op) {
    struct page *p = op->state;
    if (!is_empty(p)) {
        start_page(op);
        return;
    }
    p->select = input(op)->select;
    api_write_page_begin(op->req->out, p->select);
    finish(op);
}

static void query_found(struct exec_op *op) {
    if (prepare_query(op))
        start_or_finish(op);
    else
        exec__invalid(op);
}

static void scan_found(struct exec_op *op) {
    const struct api_read_page *in = input(op);
    struct page *p = page_new(op);
    if (in->total_segments.set)
        key_append_segment((uint32_t)in->segment.value, (uint32_t)in->total_segments.value,
                           &p->start, &p->end);
    if (!take_start_key(op, p)) {
        exec__invalid(op);
        return;
    }
    if (p->after.len &&
        !key_in_range(tc_buf_slice(&p->after), tc_buf_slice(&p->start), tc_buf_slice(&p->end))) {
        exec__fail(op, API_VALIDATION,
                   "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
                   "ExclusiveStartKey with correct Segment. TotalSegments: %lld Segment: %lld",
                   (long long)in->total_segments.value, (long long)in->segment.value);
        return;
    }
    start_or_finish(op);
}

static void begin(struct exec_op *op, bool query, void (*found)(struct exec_op *op)) {
    struct api_read_page *in = (struct api_read_page *)(uintptr_t)op->req->input;
    struct exec_expressions x = {.filter = in->filter_expression,
                                 .projection = in->projection_expression,
                                 .attributes_to_get = &in->attributes_to_get,
                                 .names = in->names.set ? &in->names.list : NULL,
                                 .values = in->values.set ? &in->values.list : NULL,
                                 .check_used = !query};
    if (in->index_name.data != NULL)
        exec__fail(op, API_VALIDATION, "The table does not have the specified index: %.*s",
                   TC_SLICE_ARGS(in->index_name));
    else if (exec__compile(op, &x) &&
             exec__compile_conditions(op, EXPR_FILTER, &in->filter_conditions,
                                      in->conditional_operator, &op->programs.filter))
        exec__find(op, in->table_name, found);
    else
        exec__invalid(op);
}

void exec__query(struct exec_op *op) {
    begin(op, /* query= */ true, query_found);
}

void exec__scan(struct exec_op *op) {
    begin(op, /* query= */ false, scan_found);
}
