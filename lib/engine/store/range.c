/* Range requests: a walk over the applied state between two storage keys, in either direction. */
#include "core/key/key.h"
#include "engine/store/admit.h"
#include "engine/store/answer.h"
#include "engine/store/group.h"
#include "engine/store/page.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"
#include "proto/bytes.h"

/* The walk's bounds: the request's, cut to the group's range, then to what follows `after`. */
struct span {
    struct tc_slice start;
    struct tc_slice end;   /* empty: unbounded */
    struct tc_slice after; /* empty: none */
};

static struct span span_of(const struct replica *r, const Tercet__Pb__RangeRequest *req) {
    const Tercet__Pb__Partition *p = r->desc->partition;
    struct span span = {store__bytes(req->start), store__bytes(req->end), store__bytes(req->after)};
    if (tc_slice_cmp(span.start, store__bytes(p->start)) < 0)
        span.start = store__bytes(p->start);
    bool cut =
        p->end.len && (span.end.len == 0 || tc_slice_cmp(span.end, store__bytes(p->end)) > 0);
    if (cut)
        span.end = store__bytes(p->end);
    return span;
}

static tc_err seek_first(struct btree_cursor *c, const struct span *span, bool reverse) {
    if (!reverse) {
        bool later = span->after.len && tc_slice_cmp(span->after, span->start) >= 0;
        if (later)
            return btree_cursor_seek(c, BTREE_GT, span->after);
        return btree_cursor_seek(c, BTREE_GE, span->start);
    }
    bool earlier =
        span->after.len && (span->end.len == 0 || tc_slice_cmp(span->after, span->end) < 0);
    if (earlier)
        return btree_cursor_seek(c, BTREE_LT, span->after);
    if (span->end.len)
        return btree_cursor_seek(c, BTREE_LT, span->end);
    return btree_cursor_last(c);
}

static bool inside(const struct span *span, struct tc_slice key) {
    return key_in_range(key, span->start, span->end);
}

static tc_err walk(struct replica *r, const struct span *span, struct store_page *page) {
    struct btree_cursor c;
    btree_cursor_init(&c, r->tree);
    tc_err err = seek_first(&c, span, page->req->reverse);
    while (err == TC_OK && inside(span, tc_buf_slice(&c.key))) {
        struct tc_slice item;
        err = btree_cursor_value(&c, &item);
        if (err != TC_OK || !store__page_add(page, tc_buf_slice(&c.key), item))
            break;
        err = page->req->reverse ? btree_cursor_prev(&c) : btree_cursor_next(&c);
    }
    btree_cursor_deinit(&c);
    return err == TC_EEND ? TC_OK : err;
}

static void answer(struct store *s, struct replica *r, uint64_t token,
                   const struct store_page *page) {
    Tercet__Pb__RangeReply reply = TERCET__PB__RANGE_REPLY__INIT;
    struct tc_slice last_item = TC_SLICE_EMPTY;
    reply.items = proto_bytes(tc_buf_slice(&page->items));
    reply.count = page->count;
    reply.scanned = page->scanned;
    reply.bytes = page->bytes;
    reply.index = r->applied.index;
    reply.more = page->more;
    if (page->scanned > 0) { /* a page may end here although this group has no more */
        reply.last_key = proto_bytes(tc_buf_slice(&page->last_key));
        if (btree_get(r->tree, tc_buf_slice(&page->last_key), &last_item) == TC_OK)
            reply.last_item = proto_bytes(last_item);
    }
    s->counters.ranges++;
    store__admit_charge_read(r, page->bytes, page->req->consistent);
    store__reply(s, token, TC_OK, &reply.base);
}

static void serve(struct store *s, struct replica *r, uint64_t token,
                  const Tercet__Pb__RangeRequest *req) {
    struct store_page page;
    if (store__page_init(&page, req) != TC_OK) {
        store__reply(s, token, TC_EINVAL, NULL);
        return;
    }
    struct span span = span_of(r, req);
    tc_err err = walk(r, &span, &page);
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
        return store__bytes(req->after);
    return store__bytes(req->reverse ? req->end : req->start);
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
