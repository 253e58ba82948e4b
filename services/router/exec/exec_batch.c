/* BatchGetItem and BatchWriteItem: every part is a storage call of its own, all at once; the last
 * one to finish writes the answer. Parts refused for capacity come back as unprocessed. */
#include "exec_batch.h"

#include "core/index/index_derive.h"

#include <stdlib.h>

static void free_batch(void *state) {
    struct batch *b = state;
    for (size_t i = 0; i < b->part_count; i++) {
        tc_buf_deinit(&b->parts[i].key);
        tc_buf_deinit(&b->parts[i].item);
        free(b->parts[i].index_mu);
    }
    for (size_t i = 0; i < b->table_count; i++) {
        tc_buf_deinit(&b->tables[i].projection);
        route_table_unref(b->tables[i].table);
    }
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
        /* Items were measured before: what is too large is an item collection. */
        exec__storage_error(op, worst, worst == TC_ELIMIT ? INDEX_COLLECTION_FULL_TEXT : NULL);
        return;
    }
    if (b->write)
        exec__batch_answer_write(b);
    else
        exec__batch_answer_get(b);
    exec__complete(op);
}

/* Parts end side by side, so that none of them may use the request's arena. */
static void settle_indexes(struct part *p, const Tercet__Pb__ItemReply *reply) {
    p->collection_bytes = reply->collection_bytes;
    if (reply->n_index_units == 0)
        return;
    p->index_mu = calloc(INDEX_DEFS_MAX, sizeof *p->index_mu);
    TC_ASSERT(p->index_mu != NULL);
    exec__indexes_charge(p->batch->op->exec, p->batch->tables[p->table_index].table->descriptor,
                         reply->index_units, reply->n_index_units, p->index_mu);
}

static void settle(struct part *p, const Tercet__Pb__ItemReply *reply) {
    struct batch *b = p->batch;
    const struct batch_table *t = &b->tables[p->table_index];
    uint64_t larger = reply->old_bytes > reply->new_bytes ? reply->old_bytes : reply->new_bytes;
    p->cost_mu = b->write ? exec__write_mu(reply->old_bytes, reply->new_bytes)
                          : exec__read_mu(larger, t->consistent);
    admit_charge(b->op->exec->admit, t->table->descriptor, b->write, p->cost_mu);
    if (b->write && t->table->descriptor->n_indexes)
        settle_indexes(p, reply);
    p->found = reply->found && !b->write;
    p->item_bytes = larger;
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
        const struct api_write_request *w = exec__batch_write_of(p);
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
        const Tercet__Pb__TableDescriptor *d = t->descriptor;
        if (admit_open(b->op->exec->admit, d, b->write) &&
            (!b->write || !d->n_indexes || exec__indexes_open(b->op->exec, d))) {
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
    struct api_batch_get_table *in =
        (struct api_batch_get_table *)(uintptr_t)exec__batch_get_table(b, i);
    struct exec_expressions x = {.projection = in->projection_expression,
                                 .attributes_to_get = &in->attributes_to_get,
                                 .names = in->names.set ? &in->names.list : NULL};
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
        return exec__key_of_key(
            d, exec__batch_get_table(b, p->table_index)->keys.items[p->item_index], &p->key, diag);
    const struct api_write_request *w = exec__batch_write_of(p);
    if (w->del)
        return exec__key_of_key(d, w->del->key, &p->key, diag);
    if (!exec__item_has_key(d, w->put->item)) {
        tc_buf_append_str(diag, "The provided key element does not match the schema");
        return TC_EINVAL;
    }
    TC_TRY(exec__key_of_item(d, w->put->item, &p->key, diag));
    if (item_size_bytes(w->put->item) <= ITEM_BYTES_MAX)
        return TC_OK;
    tc_buf_append_str(diag, "Item size has exceeded the maximum allowed size");
    return TC_EINVAL;
}

/* Nothing of a batch is written if one of its items cannot stand in an index. */
static bool fits_indexes(struct part *p) {
    const Tercet__Pb__TableDescriptor *d = p->batch->tables[p->table_index].table->descriptor;
    if (!p->batch->write || !d->n_indexes || !exec__batch_write_of(p)->put)
        return true;
    return exec__check_indexes(d, exec__batch_write_of(p)->put->item, tc_buf_slice(&p->key),
                               &p->batch->op->diag);
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

static bool projects_scalars(struct batch *b) {
    for (size_t i = 0; i < b->table_count; i++)
        if (!exec__check_scalar_keys(b->tables[i].table->descriptor,
                                     tc_buf_slice(&b->tables[i].projection), &b->op->diag))
            return false;
    return true;
}

static void all_found(struct batch *b) {
    for (size_t i = 0; i < b->part_count; i++)
        if (key_of(&b->parts[i]) != TC_OK || !fits_indexes(&b->parts[i])) {
            exec__invalid(b->op);
            return;
        }
    if (!projects_scalars(b)) {
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
