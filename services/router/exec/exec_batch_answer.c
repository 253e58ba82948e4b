/* The answers of the batch operations. */
#include "exec_batch.h"

enum {
    RESPONSE_BYTES_MAX = 16 * 1024 * 1024, /* of items, as they are measured */
    JSON_BYTES_MAX = 2 * RESPONSE_BYTES_MAX,
};

const struct api_batch_get_table *exec__batch_get_table(const struct batch *b, size_t i) {
    const struct api_batch_get *in = b->op->req->input;
    return (const struct api_batch_get_table *)in->tables.items + i;
}

const struct api_batch_write_table *exec__batch_write_table(const struct batch *b, size_t i) {
    const struct api_batch_write *in = b->op->req->input;
    return (const struct api_batch_write_table *)in->tables.items + i;
}

const struct api_write_request *exec__batch_write_of(const struct part *p) {
    const struct api_batch_write_table *t = exec__batch_write_table(p->batch, p->table_index);
    return (const struct api_write_request *)t->writes.items + p->item_index;
}

static struct api_consumed consumed_with_indexes(const struct batch *b, size_t table,
                                                 unsigned detail, uint64_t table_mu) {
    uint64_t sums[INDEX_DEFS_MAX] = {0};
    for (size_t i = 0; i < b->part_count; i++)
        for (size_t k = 0;
             b->parts[i].table_index == table && b->parts[i].index_mu && k < INDEX_DEFS_MAX; k++)
            sums[k] += b->parts[i].index_mu[k];
    return exec__indexes_consumed(b->op, b->tables[table].table->descriptor, detail, table_mu,
                                  sums);
}

static struct api_consumed consumed_by(const struct batch *b, size_t table, unsigned detail) {
    uint64_t total = 0;
    for (size_t i = 0; i < b->part_count; i++)
        if (b->parts[i].table_index == table && b->parts[i].state == PART_DONE)
            total += b->parts[i].cost_mu;
    const Tercet__Pb__TableDescriptor *d = b->tables[table].table->descriptor;
    if (b->write && d->n_indexes)
        return consumed_with_indexes(b, table, detail, total);
    return (struct api_consumed){
        .detail = detail, .table_name = b->tables[table].name, .units_mu = total};
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

void exec__batch_answer_get(struct batch *b) {
    const struct api_batch_get *in = b->op->req->input;
    struct tc_buf *out = b->op->req->out;
    uint64_t bytes = 0;
    api_write_batch_get_begin(out);
    for (size_t t = 0; t < b->table_count; t++) {
        api_write_batch_table_begin(out, b->tables[t].name);
        for (size_t i = 0; i < b->part_count; i++) {
            struct part *p = &b->parts[i];
            if (p->table_index != t || p->state != PART_DONE || !p->found)
                continue;
            bytes += p->item_bytes;
            if (bytes > RESPONSE_BYTES_MAX || out->len > JSON_BYTES_MAX)
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
            api_write_batch_get_unprocessed(out, exec__batch_get_table(b, t), done);
    }
    write_end(b, in->return_capacity);
    api_write_end(out);
}

/* Of the collection that the part's item is in, unless a part before it is in the same one. */
static void write_collection(struct batch *b, size_t at, bool *any) {
    const struct part *p = &b->parts[at];
    const struct batch_table *t = &b->tables[p->table_index];
    const struct api_write_request *w = exec__batch_write_of(p);
    struct api_collection c = exec__collection(
        b->op, t->table->descriptor, w->put ? w->put->item : w->del->key, p->collection_bytes);
    for (size_t i = 0; i < at; i++) {
        const struct part *q = &b->parts[i];
        if (q->table_index != p->table_index || q->state != PART_DONE)
            continue;
        const struct api_write_request *o = exec__batch_write_of(q);
        if (tc_slice_eq(c.key, exec__collection(b->op, t->table->descriptor,
                                                o->put ? o->put->item : o->del->key, 0)
                                   .key))
            return;
    }
    if (!*any)
        api_write_batch_table_begin(b->op->req->out, t->name);
    *any = true;
    api_write_batch_collection(b->op->req->out, c);
}

static void write_metrics(struct batch *b) {
    struct tc_buf *out = b->op->req->out;
    api_write_batch_metrics_begin(out);
    for (size_t t = 0; t < b->table_count; t++) {
        bool any = false;
        for (size_t i = 0; exec__has_local(b->tables[t].table->descriptor) && i < b->part_count;
             i++)
            if (b->parts[i].table_index == t && b->parts[i].state == PART_DONE)
                write_collection(b, i, &any);
        if (any)
            api_write_batch_table_end(out);
    }
    api_write_batch_metrics_end(out);
}

static bool some_local(const struct batch *b) {
    for (size_t t = 0; t < b->table_count; t++)
        if (exec__has_local(b->tables[t].table->descriptor))
            return true;
    return false;
}

void exec__batch_answer_write(struct batch *b) {
    const struct api_batch_write *in = b->op->req->input;
    api_write_batch_write_begin(b->op->req->out);
    for (size_t t = 0; t < b->table_count; t++) {
        const bool *done = left_over(b, t);
        if (done)
            api_write_batch_write_unprocessed(b->op->req->out, exec__batch_write_table(b, t), done);
    }
    write_end(b, in->return_capacity);
    if (in->return_collection_metrics == API_METRICS_SIZE && some_local(b))
        write_metrics(b);
    api_write_end(b->op->req->out);
}
