#include "engine/store/delivery.h"

#include "base/assert.h"
#include "engine/store/backfill.h"
#include "engine/store/outbox.h"
#include "proto/bytes.h"

#include <stdlib.h>

enum {
    CALL_BITS = 8, /* of a token; the rest is the delivery's number */
};

_Static_assert(STORE_DELIVERY_CALLS_MAX <= 1 << CALL_BITS, "a call's number fits in a token");

struct delivery *store__delivery_new(const struct replica *r, enum delivery_kind kind) {
    struct delivery *d = calloc(1, sizeof *d);
    TC_ASSERT(d != NULL);
    tc_list_init(&d->link);
    d->gid = r->gid;
    d->term = r->term_ballot;
    d->kind = kind;
    return d;
}

void store__delivery_free(struct delivery *d) {
    if (d == NULL)
        return;
    tc_buf_deinit(&d->bytes);
    free(d->rows);
    free(d->owners);
    free(d);
}

/* Append a zeroed element to an array that grows. */
static void *grow(void *at, size_t size, size_t *count, size_t *cap) {
    if (*count == *cap) {
        *cap = *cap ? 2 * *cap : 16;
        at = realloc(at, *cap * size);
        TC_ASSERT(at != NULL);
    }
    memset((char *)at + *count * size, 0, size);
    (*count)++;
    return at;
}

static size_t keep(struct delivery *d, struct tc_slice bytes) {
    size_t at = d->bytes.len;
    tc_buf_append_slice(&d->bytes, bytes);
    return at;
}

void store__delivery_own(struct delivery *d, struct tc_slice key, uint64_t hlc_ns) {
    d->owners = grow(d->owners, sizeof *d->owners, &d->owner_count, &d->owner_cap);
    struct delivery_owner *o = &d->owners[d->owner_count - 1];
    o->key_at = keep(d, key);
    o->key_len = key.len;
    o->hlc_ns = hlc_ns;
}

void store__delivery_add(struct delivery *d, uint64_t table_id, struct tc_slice key,
                         struct tc_slice item, uint64_t version) {
    TC_ASSERT(d->owner_count > 0);
    d->rows = grow(d->rows, sizeof *d->rows, &d->row_count, &d->row_cap);
    struct delivery_row *row = &d->rows[d->row_count - 1];
    row->table_id = table_id;
    row->key_at = keep(d, key);
    row->key.len = key.len;
    row->item_at = keep(d, item);
    row->item.len = item.len;
    row->version = version;
    row->owner = (uint32_t)(d->owner_count - 1);
}

bool store__delivery_full(const struct delivery *d) {
    return d->row_count >= STORE_DELIVERY_ROWS_MAX || d->bytes.len >= STORE_DELIVERY_BYTES_MAX;
}

struct tc_slice store__delivery_owner_key(const struct delivery *d, size_t owner) {
    return tc_slice(d->bytes.data + d->owners[owner].key_at, d->owners[owner].key_len);
}

/* ---- leaving */

bool store__delivery_may_start(const struct store *s) {
    return s->delivery_count < STORE_DELIVERIES_MAX && s->delivery_bytes < STORE_DELIVERY_BYTES_OUT;
}

static int compare(const void *a, const void *b) {
    const struct delivery_row *x = a, *y = b;
    if (x->table_id != y->table_id)
        return x->table_id < y->table_id ? -1 : 1;
    return tc_slice_cmp(x->key, y->key);
}

static void order(struct delivery *d) {
    for (size_t i = 0; i < d->row_count; i++) {
        d->rows[i].key.data = d->bytes.data + d->rows[i].key_at;
        d->rows[i].item.data = d->bytes.data + d->rows[i].item_at;
    }
    qsort(d->rows, d->row_count, sizeof *d->rows, compare);
}

/* Rows from first on that fit in one request. */
static uint32_t run_length(const struct delivery *d, size_t first) {
    uint32_t count = 0;
    uint64_t bytes = 0;
    for (size_t i = first; i < d->row_count && count < STORE_INDEX_ROWS_MAX; i++, count++) {
        const struct delivery_row *row = &d->rows[i];
        bytes += row->key.len + row->item.len;
        bool fits = count == 0 || bytes <= STORE_INDEX_BYTES_MAX;
        if (row->table_id != d->rows[first].table_id || !fits)
            break;
    }
    return count;
}

static void send(struct store *s, const struct delivery *d, size_t call) {
    Tercet__Pb__IndexRow rows[STORE_INDEX_ROWS_MAX], *list[STORE_INDEX_ROWS_MAX];
    Tercet__Pb__IndexRequest req = TERCET__PB__INDEX_REQUEST__INIT;
    const struct delivery_call *c = &d->calls[call];
    for (uint32_t i = 0; i < c->count; i++) {
        const struct delivery_row *row = &d->rows[c->first + i];
        tercet__pb__index_row__init(&rows[i]);
        rows[i].key = proto_bytes(row->key);
        rows[i].item = proto_bytes(row->item);
        rows[i].version = row->version;
        list[i] = &rows[i];
    }
    req.rows = list;
    req.n_rows = c->count;
    store__index_send(s, d->id << CALL_BITS | call, d->rows[c->first].table_id, &req);
}

void store__delivery_start(struct store *s, struct delivery *d) {
    TC_ASSERT(d->row_count > 0);
    order(d);
    d->id = ++s->next_delivery;
    tc_list_push_back(&s->deliveries, &d->link);
    s->delivery_count++;
    s->delivery_bytes += d->bytes.len;
    for (size_t at = 0; at < d->row_count && d->call_count < STORE_DELIVERY_CALLS_MAX;) {
        uint32_t count = run_length(d, at);
        d->calls[d->call_count++] = (struct delivery_call){.first = (uint32_t)at, .count = count};
        at += count;
    }
    /* What found no place is not there for anybody who asks: it leaves with the next batch. */
    const struct delivery_call *last = &d->calls[d->call_count - 1];
    for (size_t i = last->first + last->count; i < d->row_count; i++)
        d->owners[d->rows[i].owner].failed = true;
    d->calls_out = d->call_count;
    for (size_t i = 0; i < d->call_count; i++)
        send(s, d, i);
}

/* ---- answers */

static struct delivery *find(const struct store *s, uint64_t id) {
    for (struct tc_list *at = s->deliveries.next; at != &s->deliveries; at = at->next) {
        struct delivery *d = TC_CONTAINER(at, struct delivery, link);
        if (d->id == id)
            return d;
    }
    return NULL;
}

static void note(struct delivery *d, const struct delivery_call *c, const tc_err *errs,
                 size_t count) {
    for (uint32_t i = 0; i < c->count; i++) {
        tc_err err = i < count ? errs[i] : TC_EUNKNOWN;
        if (err == TC_OK)
            continue;
        d->owners[d->rows[c->first + i].owner].failed = true;
        if (d->err == TC_OK || err == TC_ETHROTTLED)
            d->err = err;
    }
}

static void take_out(struct store *s, struct delivery *d) {
    tc_list_remove(&d->link);
    s->delivery_count--;
    s->delivery_bytes -= d->bytes.len;
}

static void conclude(struct store *s, struct delivery *d) {
    struct replica *r = store__find(s, d->gid);
    take_out(s, d);
    if (r && d->kind == DELIVERY_OUTBOX)
        store__outbox_delivered(r, d);
    else if (r)
        store__backfill_delivered(r, d);
    store__delivery_free(d);
}

void store_index_done(struct store *s, uint64_t token, const tc_err *errs, size_t count) {
    struct delivery *d = find(s, token >> CALL_BITS);
    size_t call = token & ((1 << CALL_BITS) - 1);
    if (d == NULL || call >= d->call_count || d->calls[call].answered)
        return;
    d->calls[call].answered = true;
    note(d, &d->calls[call], errs, count);
    TC_ASSERT(d->calls_out > 0);
    if (--d->calls_out > 0)
        return;
    conclude(s, d);
    store__outbox_tick(s, store__now_ns(s));
}

void store__deliveries_deinit(struct store *s) {
    for (struct tc_list *n = tc_list_pop_front(&s->deliveries); n;
         n = tc_list_pop_front(&s->deliveries))
        store__delivery_free(TC_CONTAINER(n, struct delivery, link));
}
