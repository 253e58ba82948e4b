/* Range requests: a walk over the applied state between two storage keys, in either direction: over
 * items of a table, rows of one of its local indexes, or rows of a global index. */
#include "core/index/index.h"
#include "core/key/key.h"
#include "engine/store/admit.h"
#include "engine/store/answer.h"
#include "engine/store/aux.h"
#include "engine/store/group.h"
#include "engine/store/page.h"
#include "engine/store/replica.h"
#include "engine/store/span.h"
#include "engine/store/split.h"
#include "proto/bytes.h"

enum {
    READ_UNIT_BYTES = 4096,
};

/* The request's bounds, cut to the group's range. */
static struct store_span span_of(const struct replica *r, const Tercet__Pb__RangeRequest *req) {
    const Tercet__Pb__Partition *p = r->desc->partition;
    struct store_span span = {.start = proto_slice(req->start),
                              .end = proto_slice(req->end),
                              .after = proto_slice(req->after),
                              .reverse = req->reverse,
                              .index_id = req->auxiliary ? (uint8_t)req->index_id : 0};
    if (tc_slice_cmp(span.start, proto_slice(p->start)) < 0)
        span.start = proto_slice(p->start);
    bool cut = p->end.len && (span.end.len == 0 || tc_slice_cmp(span.end, proto_slice(p->end)) > 0);
    if (cut)
        span.end = proto_slice(p->end);
    return span;
}

/* What a walk needs besides the B-tree. */
struct walk {
    struct replica *r;
    struct store_page *page;
    struct tc_buf row;  /* of a global index, as clients see it */
    struct tc_buf base; /* key of the item that a row is of */
};

/* A row of a global index; one that is gone is none. */
static bool add_global(struct walk *w, struct tc_slice key, struct tc_slice value) {
    if (index_version_is_gone(value))
        return true;
    tc_buf_clear(&w->row);
    index_version_strip(value, &w->row);
    struct tc_slice row = tc_buf_slice(&w->row);
    return store__page_add(w->page, key, item_size_bytes(row), row);
}

/* A row of a local index, answered with the item that it is of. */
static bool add_fetched(struct walk *w, struct tc_slice key, struct tc_slice row, tc_err *ret_err) {
    struct tc_slice item;
    uint64_t size_bytes = item_size_bytes(row);
    tc_buf_clear(&w->base);
    *ret_err = TC_ECORRUPT; /* they stand in one entry: where there is a row, there is an item */
    if (!index_base_key(w->r->schema, row, &w->base))
        return false;
    *ret_err = btree_get(w->r->tree, tc_buf_slice(&w->base), &item);
    if (*ret_err == TC_ENOTFOUND)
        *ret_err = TC_ECORRUPT;
    if (*ret_err != TC_OK)
        return false;
    store__page_fetched(w->page, item);
    return store__page_add(w->page, key, size_bytes, item);
}

static bool add(struct walk *w, struct tc_slice key, struct tc_slice value, tc_err *ret_err) {
    if (store__aux_is_global(w->r))
        return add_global(w, key, value);
    if (w->page->req->auxiliary && w->page->req->fetch)
        return add_fetched(w, key, value, ret_err);
    return store__page_add(w->page, key, item_size_bytes(value), value);
}

static tc_err walk_rows(struct walk *w, struct store_span *span) {
    struct btree_cursor c;
    btree_cursor_init(&c, w->r->tree);
    tc_err err = store__span_first(span, &c);
    while (err == TC_OK) {
        struct tc_slice value;
        err = btree_cursor_value(&c, &value);
        if (err != TC_OK || !add(w, tc_buf_slice(&c.key), value, &err))
            break;
        err = store__span_next(span, &c);
    }
    btree_cursor_deinit(&c);
    return err == TC_EEND ? TC_OK : err;
}

static tc_err walk(struct replica *r, struct store_span *span, struct store_page *page) {
    struct walk w = {.r = r, .page = page};
    tc_err err = walk_rows(&w, span);
    tc_buf_deinit(&w.row);
    tc_buf_deinit(&w.base);
    return err;
}

/* Where the page ends, although this group may have no more. stripped: holds a row's item. */
static void fill_last(const struct replica *r, const struct store_page *page,
                      Tercet__Pb__RangeReply *reply, struct tc_buf *stripped) {
    struct tc_slice last_item;
    reply->last_key = proto_bytes(tc_buf_slice(&page->last_key));
    if (btree_get(r->tree, tc_buf_slice(&page->last_key), &last_item) != TC_OK)
        return;
    if (store__aux_is_global(r)) {
        index_version_strip(last_item, stripped);
        last_item = tc_buf_slice(stripped);
    }
    reply->last_item = proto_bytes(last_item);
}

static void answer(struct store *s, struct replica *r, uint64_t token,
                   const struct store_page *page) {
    Tercet__Pb__RangeReply reply = TERCET__PB__RANGE_REPLY__INIT;
    struct tc_buf stripped = {0};
    reply.items = proto_bytes(tc_buf_slice(&page->items));
    reply.count = page->count;
    reply.scanned = page->scanned;
    reply.bytes = page->bytes;
    reply.index = r->applied.index;
    reply.more = page->more;
    if (page->scanned > 0)
        fill_last(r, page, &reply, &stripped);
    reply.fetch_units = page->fetch_bytes / READ_UNIT_BYTES;
    s->counters.ranges++;
    store__admit_charge_read(r, page->bytes + page->fetch_bytes, page->req->consistent);
    store__reply(s, token, TC_OK, &reply.base);
    tc_buf_deinit(&stripped);
}

/* An index that is asked for is a local one of this table. */
static bool is_sound(const struct replica *r, const Tercet__Pb__RangeRequest *req) {
    if (!req->auxiliary)
        return true;
    const struct index_def *def = r->schema && req->index_id <= UINT8_MAX
                                      ? index_schema_find(r->schema, (uint8_t)req->index_id)
                                      : NULL;
    return def != NULL && !def->global;
}

static void serve(struct store *s, struct replica *r, uint64_t token,
                  const Tercet__Pb__RangeRequest *req) {
    struct store_page page;
    if (!is_sound(r, req) || store__page_init(&page, req) != TC_OK) {
        store__reply(s, token, TC_EINVAL, NULL);
        return;
    }
    struct store_span span = span_of(r, req);
    tc_err err = walk(r, &span, &page);
    store__span_deinit(&span);
    if (err == TC_OK) {
        answer(s, r, token, &page);
    } else {
        if (err == TC_ECORRUPT || err == TC_EIO)
            store__replica_damaged(r, err == TC_EIO ? "a B-tree page cannot be read"
                                                    : "a B-tree page failed its check");
        store__answer_moved(s, token, TC_EUNAVAILABLE, r, /* is_range= */ true);
    }
    store__page_deinit(&page);
}

/* Where the walk begins: at this key, or right before it (backwards; empty: at the end). */
static struct tc_slice first_key(const Tercet__Pb__RangeRequest *req) {
    if (req->after.len)
        return proto_slice(req->after);
    return proto_slice(req->reverse ? req->end : req->start);
}

void store_range_request(struct store *s, uint64_t token, const Tercet__Pb__RangeRequest *req) {
    struct replica *r = store__find(s, req->gid);
    tc_err err = store__admit_route(r, req->epoch, TC_SLICE_EMPTY);
    if (err == TC_OK)
        err = store__admit_read(r, req->consistent);
    if (err != TC_OK)
        store__answer_moved(s, token, err, store__seal_target(r, first_key(req), req->reverse),
                            /* is_range= */ true);
    else
        serve(s, r, token, req);
}
