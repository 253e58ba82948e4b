/* BatchGetItem and BatchWriteItem: every part is a storage call of its own, all at once; the last
 * one to finish writes the answer. Parts refused for capacity come back as unprocessed. */
#include "exec_private.h"

#include <stdlib.h>

enum {
    RESPONSE_BYTES_MAX = 16 * 1024 * 1024
};

enum part_state {
    PART_LEFT,
    PART_DONE
};

struct part {
    struct batch *batch;
    size_t table_index;
    size_t item_index;
    struct tc_buf key;
    struct tc_buf item; /* a read's answer */
    bool found;
    enum part_state state;
    tc_err err;
    uint64_t cost_mu;
    struct route_call call;
};

struct batch_table {
    struct tc_slice name;
    struct route_table *table;
    struct tc_buf projection;
    bool consistent;
    size_t item_count;
};

struct batch {
    struct exec_op *op;
    bool write;
    struct batch_table *tables;
    size_t table_count;
    size_t table_at; /* being looked up */
    struct part *parts;
    size_t part_count;
    size_t pending; /* atomic */
};

static void free_batch(void *state) {
    struct batch *b = state;
    for (size_t i = 0; i < b->part_count; i++) {
        tc_buf_deinit(&b->parts[i].key);
        tc_buf_deinit(&b->parts[i].item);
    }
    for (size_t i = 0; i < b->table_count; i++) {
        tc_buf_deinit(&b->tables[i].projection);
        route_table_unref(b->tables[i].table);
    }
}

static const struct api_batch_get_table *get_table(const struct batch *b, size_t i) {
    const struct api_batch_get *in = b->op->req->input;
    return (const struct api_batch_get_table *)in->tables.items + i;
}

static const struct api_batch_write_table *write_table(const struct batch *b, size_t i) {
    const struct api_batch_write *in = b->op->req->input;
    return (const struct api_batch_write_table *)in->tables.items + i;
}

static const struct api_write_request *write_of(const struct part *p) {
    const struct api_batch_write_table *t = write_table(p->batch, p->table_index);
    return (const struct api_write_request *)t->writes.items + p->item_index;
}

static struct api_consumed consumed_by(const struct batch *b, size_t table, unsigned detail) {
    uint64_t total = 0;
    for (size_t i = 0; i < b->part_count; i++)
        if (b->parts[i].table_index == table)
            total += b->parts[i].cost_mu;
    return (struct api_consumed){detail, b->tables[table].name, total};
}

/* done[i] of the parts of one table, in order; NULL when nothing is left over. */
static bool *left_over(struct batch *b, size_t table) {
    size_t left = 0;
    bool *done = tc_arena_calloc(b->op->req->arena, b->tables[table].item_count + 1, sizeof *done);
    TC_ASSERT(done != NULL);
    for (size_t i = 0; i < b->part_count; i++) {
        if (b->parts[i].table_index != table)
            continue;
        done[b->parts[i].item_index] = b->parts[i].state == PART_DONE;
        left += b->parts[i].state != PART_DONE;
    }
    return left ? done : NULL;
}

static void write_end(struct batch *b, unsigned detail) {
    struct api_consumed *consumed =
        tc_arena_calloc(b->op->req->arena, b->table_count, sizeof *consumed);
    TC_ASSERT(consumed != NULL);
    for (size_t i = 0; i < b->table_count; i++)
        consumed[i] = consumed_by(b, i, detail);
    api_write_batch_end(b->op->req->out, consumed, b->table_count);
}

static void answer_get(struct batch *b) {
    const struct api_batch_get *in = b->op->req->input;
    struct tc_buf *out = b->op->req->out;
    api_write_batch_get_begin(out);
    for (size_t t = 0; t < b->table_count; t++) {
        api_write_batch_table_begin(out, b->tables[t].name);
        for (size_t i = 0; i < b->part_count; i++) {
            struct part *p = &b->parts[i];
            if (p->table_index != t || p->state != PART_DONE || !p->found)
                continue;
            if (out->len > RESPONSE_BYTES_MAX)
                p->state = PART_LEFT;
            else
                api_write_page_item(out, tc_buf_slice(&p->item));
        }
        api_write_batch_table_end(out);
    }
    api_write_batch_get_unprocessed_begin(out);
    for (size_t t = 0; t < b->table_count; t++) {
        const bool *done = left_over(b, t);
        if (done)
            api_write_batch_get_unprocessed(out, get_table(b, t), done);
    }
    write_end(b, in->return_capacity);
}

static void answer_write(struct batch *b) {
    const struct api_batch_write *in = b->op->req->input;
    api_write_batch_write_begin(b->op->req->out);
    for (size_t t = 0; t < b->table_count; t++) {
        const bool *done = left_over(b, t);
        if (done)
            api_write_batch_write_unprocessed(b->op->req->out, write_table(b, t), done);
    }
    write_end(b, in->return_capacity);
}

/* Unprocessed parts are for retryable refusals; anything else fails the whole request, and so does
 * a request of which nothing at all was processed. */
static void finish(struct batch *b) {
    struct exec_op *op = b->op;
    tc_err worst = TC_OK;
    size_t done = 0, last = 0;
    for (size_t i = 0; i < b->part_count; i++) {
        const struct part *p = &b->parts[i];
        done += p->state == PART_DONE;
        if (p->err == TC_OK)
            continue;
        if (worst == TC_OK || !exec__is_retryable(p->err)) {
            worst = p->err;
            last = p->table_index;
        }
    }
    if (worst != TC_OK && (done == 0 || !exec__is_retryable(worst))) {
        op->table = b->tables[last].table; /* whose limits the text is about */
        b->tables[last].table = NULL;
        exec__storage_error(op, worst, NULL);
        return;
    }
    if (b->write)
        answer_write(b);
    else
        answer_get(b);
    exec__complete(op);
}

static void settle(struct part *p, const Tercet__Pb__ItemReply *reply) {
    struct batch *b = p->batch;
    const struct batch_table *t = &b->tables[p->table_index];
    uint64_t larger = reply->old_bytes > reply->new_bytes ? reply->old_bytes : reply->new_bytes;
    p->cost_mu = b->write ? exec__write_mu(reply->old_bytes, reply->new_bytes)
                          : exec__read_mu(larger, t->consistent);
    admit_charge(b->op->exec->admit, t->table->descriptor, b->write, p->cost_mu);
    p->found = reply->found && !b->write;
    if (p->found && item_check(proto_slice(reply->new_item)) != TC_OK)
        p->err = TC_ECORRUPT;
    else if (p->found)
        tc_buf_append_slice(&p->item, proto_slice(reply->new_item));
    p->state = p->err == TC_OK ? PART_DONE : PART_LEFT;
}

static void part_finished(struct batch *b) {
    if (__atomic_sub_fetch(&b->pending, 1, __ATOMIC_ACQ_REL) == 0)
        finish(b);
}

static void part_done(struct route_call *c, tc_err err, const ProtobufCMessage *message,
                      const Tercet__Pb__Partition *partition) {
    struct part *p = c->user;
    (void)partition;
    p->err = err;
    if (err == TC_OK)
        settle(p, (const Tercet__Pb__ItemReply *)message);
    part_finished(p->batch);
}

static void send(struct part *p) {
    struct batch *b = p->batch;
    struct batch_table *t = &b->tables[p->table_index];
    Tercet__Pb__ItemRequest *r = &p->call.request.item;
    tercet__pb__item_request__init(r);
    r->key = exec__pb(&p->key);
    r->op = TERCET__PB__ITEM_OP__ITEM_GET;
    r->consistent = t->consistent;
    r->projection = exec__pb(&t->projection);
    if (b->write) {
        const struct api_write_request *w = write_of(p);
        r->op = w->put ? TERCET__PB__ITEM_OP__ITEM_PUT : TERCET__PB__ITEM_OP__ITEM_DELETE;
        if (w->put)
            r->item = proto_bytes(w->put->item);
    }
    p->call.kind = ROUTE_ITEM;
    p->call.table_id = t->table->descriptor->table_id;
    p->call.key = tc_buf_slice(&p->key);
    p->call.any_replica = !b->write && !t->consistent;
    p->call.deadline_ns = b->op->deadline_ns;
    p->call.done = part_done;
    p->call.user = p;
    route_call(b->op->exec->route, &p->call);
}

/* One count more than parts, so that the batch outlives this loop. */
static void send_all(struct batch *b) {
    b->pending = b->part_count + 1;
    for (size_t i = 0; i < b->part_count; i++) {
        struct part *p = &b->parts[i];
        const struct route_table *t = b->tables[p->table_index].table;
        TC_ASSERT(t != NULL); /* every table was found before */
        if (admit_open(b->op->exec->admit, t->descriptor, b->write)) {
            send(p);
            continue;
        }
        p->err = TC_ETHROTTLED;
        part_finished(b);
    }
    part_finished(b);
}

static bool compile_projection(struct batch *b, size_t i) {
    struct exec_op *op = b->op;
    struct api_batch_get_table *in = (struct api_batch_get_table *)(uintptr_t)get_table(b, i);
    struct exec_expressions x = {.projection = in->projection_expression,
                                 .attributes_to_get = &in->attributes_to_get,
                                 .names = in->names.set ? &in->names.list : NULL,
                                 .check_used = true};
    if (!exec__compile(op, &x))
        return false;
    b->tables[i].projection = op->programs.projection;
    op->programs.projection = (struct tc_buf){0};
    return true;
}

static tc_err key_of(struct part *p) {
    struct batch *b = p->batch;
    const Tercet__Pb__TableDescriptor *d = b->tables[p->table_index].table->descriptor;
    struct tc_buf *diag = &b->op->diag;
    if (!b->write)
        return exec__key_of_key(d, get_table(b, p->table_index)->keys.items[p->item_index], &p->key,
                                diag);
    const struct api_write_request *w = write_of(p);
    if (w->del)
        return exec__key_of_key(d, w->del->key, &p->key, diag);
    TC_TRY(exec__key_of_item(d, w->put->item, &p->key, diag));
    if (item_size_bytes(w->put->item) <= ITEM_BYTES_MAX)
        return TC_OK;
    tc_buf_append_str(diag, "Item size has exceeded the maximum allowed size");
    return TC_EINVAL;
}

static int by_key(const void *a, const void *b) {
    const struct part *x = *(struct part *const *)a, *y = *(struct part *const *)b;
    if (x->table_index != y->table_index)
        return x->table_index < y->table_index ? -1 : 1;
    return tc_slice_cmp(tc_buf_slice(&x->key), tc_buf_slice(&y->key));
}

static bool has_duplicates(struct batch *b) {
    struct part **sorted = tc_arena_calloc(b->op->req->arena, b->part_count + 1, sizeof(void *));
    TC_ASSERT(sorted != NULL);
    for (size_t i = 0; i < b->part_count; i++)
        sorted[i] = &b->parts[i];
    qsort(sorted, b->part_count, sizeof(void *), by_key);
    for (size_t i = 1; i < b->part_count; i++)
        if (by_key(&sorted[i - 1], &sorted[i]) == 0)
            return true;
    return false;
}

static void all_found(struct batch *b) {
    for (size_t i = 0; i < b->part_count; i++)
        if (key_of(&b->parts[i]) != TC_OK) {
            exec__invalid(b->op);
            return;
        }
    if (has_duplicates(b)) {
        tc_buf_append_str(&b->op->diag, "Provided list of item keys contains duplicates");
        exec__invalid(b->op);
        return;
    }
    send_all(b);
}

static void one_found(struct exec_op *op) {
    struct batch *b = op->state;
    b->tables[b->table_at++].table = op->table;
    op->table = NULL;
    if (b->table_at < b->table_count)
        exec__find(op, b->tables[b->table_at].name, one_found);
    else
        all_found(b);
}

static struct batch *batch_new(struct exec_op *op, bool write, size_t tables, size_t parts) {
    struct batch *b = tc_arena_calloc(op->req->arena, 1, sizeof *b);
    TC_ASSERT(b != NULL);
    *b = (struct batch){.op = op, .write = write, .table_count = tables, .part_count = parts};
    b->tables = tc_arena_calloc(op->req->arena, tables + 1, sizeof *b->tables);
    b->parts = tc_arena_calloc(op->req->arena, parts + 1, sizeof *b->parts);
    TC_ASSERT(b->tables != NULL && b->parts != NULL);
    op->state = b;
    op->free_state = free_batch;
    return b;
}

static void add_parts(struct batch *b, size_t table, size_t count, size_t *at) {
    b->tables[table].item_count = count;
    for (size_t k = 0; k < count; k++) {
        TC_ASSERT(*at < b->part_count);
        b->parts[(*at)++] = (struct part){.batch = b, .table_index = table, .item_index = k};
    }
}

void exec__batch_get(struct exec_op *op) {
    const struct api_batch_get *in = op->req->input;
    const struct api_batch_get_table *tables = in->tables.items;
    size_t parts = 0, at = 0;
    for (size_t i = 0; i < in->tables.count; i++)
        parts += tables[i].keys.count;
    struct batch *b = batch_new(op, /* write= */ false, in->tables.count, parts);
    for (size_t i = 0; i < in->tables.count; i++) {
        b->tables[i].name = tables[i].table_name;
        b->tables[i].consistent = tables[i].consistent_read == API_TRUE;
        add_parts(b, i, tables[i].keys.count, &at);
        if (!compile_projection(b, i)) {
            exec__invalid(op);
            return;
        }
    }
    exec__find(op, b->tables[0].name, one_found);
}

void exec__batch_write(struct exec_op *op) {
    const struct api_batch_write *in = op->req->input;
    const struct api_batch_write_table *tables = in->tables.items;
    size_t parts = 0, at = 0;
    for (size_t i = 0; i < in->tables.count; i++)
        parts += tables[i].writes.count;
    struct batch *b = batch_new(op, /* write= */ true, in->tables.count, parts);
    for (size_t i = 0; i < in->tables.count; i++) {
        b->tables[i].name = tables[i].table_name;
        add_parts(b, i, tables[i].writes.count, &at);
    }
    exec__find(op, b->tables[0].name, one_found);
}
