#include "base/assert.h"
#include "router/http/http_private.h"

#include <stdlib.h>

struct http_request *http__request_new(struct http_conn *c) {
    struct http_loop *l = c->loop;
    struct tc_list *node = tc_list_pop_front(&l->pool);
    struct http_request *r;
    if (node != NULL) {
        r = TC_CONTAINER(node, struct http_request, link);
        l->pool_count--;
    } else {
        r = calloc(1, sizeof *r);
        TC_ASSERT(r != NULL);
        tc_list_init(&r->link);
        tc_list_init(&r->mail);
        r->loop = l;
        r->loop_index = l->index;
    }
    r->conn = c;
    tc_list_push_back(&c->queue, &r->link);
    c->queue_count++;
    return r;
}

static void trim_buf(struct tc_buf *b) {
    tc_buf_clear(b);
    if (b->cap > HTTP__KEEP_BYTES_MAX)
        tc_buf_deinit(b);
}

static void discharge(struct http_request *r) {
    if (r->charged_bytes > 0)
        atomic_fetch_sub_explicit(&r->loop->server->large_bytes, r->charged_bytes,
                                  memory_order_relaxed);
    r->charged_bytes = 0;
}

bool http_request_charge(struct http_request *r, size_t len) {
    struct http_server *s = r->loop->server;
    size_t before = atomic_fetch_add_explicit(&s->large_bytes, len, memory_order_relaxed);
    r->charged_bytes += len;
    return before + len <= s->options.large_bytes_max;
}

void http__request_free(struct http_request *r) {
    tc_buf_deinit(&r->headers);
    tc_buf_deinit(&r->answer);
    tc_buf_deinit(&r->bytes);
    tc_buf_deinit(&r->decoded);
    tc_buf_deinit(&r->plain);
    tc_buf_deinit(&r->out);
    tc_arena_deinit(&r->arena);
    free(r);
}

void http__request_recycle(struct http_request *r) {
    struct http_loop *l = r->loop;
    TC_ASSERT(r->conn->queue_count > 0);
    tc_list_remove(&r->link);
    r->conn->queue_count--;
    discharge(r);
    if (l->pool_count == HTTP__POOL_COUNT_MAX) {
        http__request_free(r);
        return;
    }
    trim_buf(&r->headers);
    trim_buf(&r->answer);
    trim_buf(&r->bytes);
    trim_buf(&r->decoded);
    trim_buf(&r->plain);
    trim_buf(&r->out);
    if (r->arena.used_bytes > HTTP__KEEP_BYTES_MAX)
        tc_arena_deinit(&r->arena);
    tc_arena_reset(&r->arena);
    r->conn = NULL;
    r->head = NULL;
    r->body = TC_SLICE_EMPTY;
    r->user = NULL;
    r->fault_status = r->status = 0;
    r->continue_due = r->dispatched = r->done = r->close_after = false;
    tc_list_push_front(&l->pool, &r->link);
    l->pool_count++;
}

static void dispatch(struct http_conn *c, struct http_request *r) {
    TC_ASSERT(!r->dispatched);
    r->dispatched = true;
    r->continue_due = false;
    c->current = NULL;
    c->timer_kind = HTTP__TIMER_NONE;
    tc_list_remove(&c->timer);
    atomic_fetch_add_explicit(&c->loop->request_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->loop->in_flight_count, 1, memory_order_relaxed);
    c->loop->server->options.handler(c->loop->server->options.user, r);
}

void http__refuse(struct http_conn *c, unsigned status) {
    struct http_request *r = c->current != NULL ? c->current : http__request_new(c);
    r->parsed.header_count = 0;
    r->parsed.method = r->parsed.path = r->parsed.query = TC_SLICE_EMPTY;
    r->head = &r->parsed;
    r->body = TC_SLICE_EMPTY;
    r->fault_status = status;
    r->close_after = true;
    c->state = HTTP__CLOSING;
    atomic_fetch_add_explicit(&c->loop->fault_count, 1, memory_order_relaxed);
    dispatch(c, r);
}

static void body_complete(struct http_conn *c) {
    struct http_request *r = c->current;
    if (c->body == &r->decoded) {
        r->body = tc_buf_slice(&r->decoded);
    } else {
        size_t len = (size_t)r->parsed.content_length_bytes;
        TC_ASSERT(r->bytes.len >= len);
        r->body = tc_slice(r->bytes.data + r->bytes.len - len, len);
    }
    c->state = r->close_after ? HTTP__CLOSING : HTTP__HEAD;
    dispatch(c, r);
}

/* A whole head: copy it where the body will follow, so that no view ever moves. */
static void start_request(struct http_conn *c, struct tc_slice bytes) {
    struct http_request *r = http__request_new(c);
    struct http_head *head = &r->parsed;
    size_t body_bytes_max = c->loop->server->options.body_bytes_max;
    c->current = r;
    (void)tc_buf_reserve(&r->bytes, bytes.len);
    tc_buf_append_slice(&r->bytes, bytes);
    unsigned status = http_head_parse(tc_buf_slice(&r->bytes), head);
    uint64_t length = status == 0 ? head->content_length_bytes : 0;
    if (length > body_bytes_max)
        status = 413;
    c->body = head->chunked || length > HTTP__INLINE_BODY_BYTES_MAX ? &r->decoded : &r->bytes;
    if (status == 0 && c->body == &r->bytes && r->bytes.cap - r->bytes.len < length) {
        /* Growing moves the bytes: parse again, into the final place. */
        (void)tc_buf_reserve(&r->bytes, (size_t)length);
        status = http_head_parse(tc_buf_slice(&r->bytes), head);
    }
    if (status != 0) {
        http__refuse(c, status);
        return;
    }
    r->head = head;
    r->close_after =
        !head->keep_alive || atomic_load_explicit(&c->loop->server->draining, memory_order_relaxed);
    r->continue_due = head->expect_continue;
    c->chunked = (struct http_chunked){0};
    c->body_left_bytes = (size_t)length;
    c->state = head->chunked ? HTTP__CHUNKED : HTTP__BODY;
    if (c->state == HTTP__BODY && c->body_left_bytes == 0)
        body_complete(c);
}

/* Bytes of a head; returns how many were used. */
static size_t feed_head(struct http_conn *c, struct tc_slice bytes) {
    size_t old = c->in.len;
    if (old == 0) {
        size_t end = http_head_end(bytes, 0);
        if (end > 0 && end <= HTTP_HEAD_BYTES_MAX) {
            start_request(c, tc_slice(bytes.data, end));
            return end;
        }
    }
    size_t take = HTTP_HEAD_BYTES_MAX + 1 - old;
    take = take < bytes.len ? take : bytes.len;
    tc_buf_append(&c->in, bytes.data, take);
    size_t end = http_head_end(tc_buf_slice(&c->in), old);
    if (end > HTTP_HEAD_BYTES_MAX || (end == 0 && c->in.len > HTTP_HEAD_BYTES_MAX)) {
        http__refuse(c, 431);
        return bytes.len;
    }
    if (end == 0)
        return take;
    TC_ASSERT(end > old);
    start_request(c, tc_slice(c->in.data, end));
    tc_buf_clear(&c->in);
    return end - old;
}

static size_t feed_body(struct http_conn *c, struct tc_slice bytes) {
    size_t take = bytes.len < c->body_left_bytes ? bytes.len : c->body_left_bytes;
    TC_ASSERT(c->body == &c->current->decoded || c->body->cap - c->body->len >= take);
    if (c->body == &c->current->decoded && !http_request_charge(c->current, take)) {
        http__refuse(c, 503);
        return bytes.len;
    }
    tc_buf_append(c->body, bytes.data, take);
    c->body_left_bytes -= take;
    if (c->body_left_bytes == 0)
        body_complete(c);
    return take;
}

static size_t feed_chunked(struct http_conn *c, struct tc_slice bytes) {
    size_t used = 0;
    if (!http_request_charge(c->current, bytes.len)) {
        http__refuse(c, 503);
        return bytes.len;
    }
    unsigned status = http_chunked_feed(&c->chunked, bytes, c->loop->server->options.body_bytes_max,
                                        &c->current->decoded, &used);
    if (status != 0) {
        http__refuse(c, status);
        return bytes.len;
    }
    if (c->chunked.state == HTTP_CHUNK_DONE)
        body_complete(c);
    return used;
}

void http__feed(struct http_conn *c, struct tc_slice bytes) {
    TC_ASSERT(!c->held);
    while (bytes.len > 0 && c->state < HTTP__CLOSING) {
        size_t used;
        if (c->state == HTTP__HEAD && c->queue_count >= HTTP_PIPELINE_COUNT_MAX) {
            /* in is empty here: the head before these bytes was complete. */
            TC_ASSERT(c->in.len == 0);
            tc_buf_append_slice(&c->in, bytes);
            c->held = true;
            return;
        }
        if (c->state == HTTP__HEAD)
            used = feed_head(c, bytes);
        else if (c->state == HTTP__BODY)
            used = feed_body(c, bytes);
        else
            used = feed_chunked(c, bytes);
        TC_ASSERT(used > 0 && used <= bytes.len);
        bytes = tc_slice_from(bytes, used);
    }
}
