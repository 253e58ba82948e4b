#include "base/assert.h"
#include "router/http/http_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void http__conn_mark(struct http_conn *c) {
    if (tc_list_empty(&c->dirty))
        tc_list_push_back(&c->loop->dirty, &c->dirty);
}

static struct http_conn *conn_new(struct http_loop *l, int fd) {
    struct http_conn *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    c->loop = l;
    c->fd = fd;
    c->readable = true;
    tc_list_init(&c->dirty);
    tc_list_init(&c->timer);
    tc_list_init(&c->queue);
    tc_list_push_back(&l->conns, &c->link);
    atomic_fetch_add_explicit(&l->accepted_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->open_count, 1, memory_order_relaxed);
    return c;
}

void http__conn_open(struct http_loop *l, int fd) {
    struct http_conn *c = conn_new(l, fd);
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (l->server->tls != NULL) {
        c->ssl = SSL_new(l->server->tls);
        TC_ASSERT(c->ssl != NULL);
        int ok = SSL_set_fd(c->ssl, fd);
        TC_ASSERT(ok == 1);
        SSL_set_accept_state(c->ssl);
    }
    /* Edge triggered: flags remember what the socket can do, and nothing is re-registered. */
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
        http__conn_kill(c);
        return;
    }
    http__conn_mark(c);
}

static void conn_free(struct http_conn *c) {
    TC_ASSERT(c->state == HTTP__DEAD && c->queue_count == 0);
    tc_list_remove(&c->dirty);
    tc_list_remove(&c->link);
    free(c);
}

/* Requests that nobody will answer any more, and answers that nobody will read. */
static void drop_requests(struct http_conn *c) {
    struct tc_list *n = c->queue.next;
    while (n != &c->queue) {
        struct http_request *r = TC_CONTAINER(n, struct http_request, link);
        n = n->next;
        if (r->done || !r->dispatched)
            http__request_recycle(r);
    }
}

void http__conn_kill(struct http_conn *c) {
    if (c->state != HTTP__DEAD) {
        c->state = HTTP__DEAD;
        tc_list_remove(&c->timer);
        SSL_free(c->ssl);
        c->ssl = NULL;
        (void)close(c->fd);
        c->fd = -1;
        tc_buf_deinit(&c->in);
        c->current = NULL;
        atomic_fetch_sub_explicit(&c->loop->open_count, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&c->loop->server->open_count, 1, memory_order_relaxed);
    }
    drop_requests(c);
    if (c->queue_count == 0)
        conn_free(c);
}

void http__conn_answered(struct http_conn *c) {
    atomic_fetch_sub_explicit(&c->loop->in_flight_count, 1, memory_order_relaxed);
    http__conn_mark(c);
}

static unsigned timer_ms(const struct http_conn *c, enum http__timer kind) {
    const struct http_options *o = &c->loop->server->options;
    switch (kind) {
    case HTTP__TIMER_IDLE:
        return o->idle_ms_max;
    case HTTP__TIMER_HEAD:
        return o->head_ms_max;
    case HTTP__TIMER_BODY:
        return o->body_ms_max;
    case HTTP__TIMER_WRITE:
        return o->write_ms_max;
    case HTTP__TIMER_LINGER:
        return HTTP__LINGER_MS;
    case HTTP__TIMER_NONE:
    case HTTP__TIMER_COUNT:
        break;
    }
    return 0;
}

static bool is_shaking_hands(const struct http_conn *c) {
    return c->ssl != NULL && !SSL_is_init_finished(c->ssl);
}

static enum http__timer timer_wanted(const struct http_conn *c) {
    if (c->state == HTTP__LINGER)
        return HTTP__TIMER_LINGER;
    if (is_shaking_hands(c))
        return HTTP__TIMER_HEAD;
    if (c->blocked)
        return HTTP__TIMER_WRITE;
    if (c->state == HTTP__BODY || c->state == HTTP__CHUNKED)
        return HTTP__TIMER_BODY;
    if (c->state == HTTP__HEAD && c->in.len > 0 && !c->held)
        return HTTP__TIMER_HEAD;
    return c->queue_count > 0 ? HTTP__TIMER_NONE : HTTP__TIMER_IDLE;
}

static void rearm(struct http_conn *c) {
    enum http__timer kind = timer_wanted(c);
    if (kind == c->timer_kind && kind != HTTP__TIMER_NONE && !tc_list_empty(&c->timer))
        return;
    tc_list_remove(&c->timer);
    c->timer_kind = kind;
    if (kind == HTTP__TIMER_NONE)
        return;
    c->deadline_ms = c->loop->now_ms + timer_ms(c, kind);
    tc_list_push_back(&c->loop->timers[kind], &c->timer);
}

void http__conn_expire(struct http_conn *c) {
    enum http__timer kind = c->timer_kind;
    tc_list_remove(&c->timer);
    c->timer_kind = HTTP__TIMER_NONE;
    if (kind == HTTP__TIMER_HEAD || kind == HTTP__TIMER_BODY || kind == HTTP__TIMER_WRITE)
        atomic_fetch_add_explicit(&c->loop->timeout_count, 1, memory_order_relaxed);
    if ((kind == HTTP__TIMER_HEAD || kind == HTTP__TIMER_BODY) && !is_shaking_hands(c)) {
        http__refuse(c, 408);
        http__conn_mark(c);
        return;
    }
    http__conn_kill(c);
}

/* Parse what was held back while the pipeline was full. */
static void feed_held(struct http_conn *c) {
    if (!c->held || c->queue_count >= HTTP_PIPELINE_COUNT_MAX)
        return;
    struct tc_buf held = c->in;
    c->in = (struct tc_buf){0};
    c->held = false;
    http__feed(c, tc_buf_slice(&held));
    tc_buf_deinit(&held);
}

/* Read until the socket is dry, the pipeline full or the turn over. False: kill. */
static bool pump_read(struct http_conn *c) {
    size_t budget_bytes = HTTP__READ_BUDGET_BYTES;
    while (c->readable && !c->held && budget_bytes > 0) {
        size_t len = 0;
        enum http__io io = http__io_read(c, c->loop->scratch, HTTP__SCRATCH_BYTES, &len);
        if (io == HTTP__IO_ERROR)
            return false;
        if (io != HTTP__IO_OK) {
            c->readable = false;
            c->peer_closed = io == HTTP__IO_END;
            return true;
        }
        /* A short read emptied the socket; more bytes make a new edge. */
        if (c->ssl == NULL && len < HTTP__SCRATCH_BYTES)
            c->readable = false;
        budget_bytes -= len < budget_bytes ? len : budget_bytes;
        http__feed(c, tc_slice(c->loop->scratch, len));
    }
    return true;
}

static bool is_over(const struct http_conn *c) {
    if (c->state == HTTP__LINGER)
        return c->peer_closed;
    bool draining = atomic_load_explicit(&c->loop->server->draining, memory_order_relaxed);
    bool between = c->state == HTTP__HEAD && c->in.len == 0;
    if (c->peer_closed || (draining && between))
        /* A request cut short will never complete; whole ones still get their answers. */
        return c->queue_count == 0 || (c->current != NULL && c->queue_count == 1);
    return c->state == HTTP__CLOSING && c->queue_count == 0;
}

void http__conn_pump(struct http_conn *c) {
    if (c->state == HTTP__DEAD) {
        http__conn_kill(c);
        return;
    }
    enum http__state before = c->state;
    bool ok = true;
    /* Room in the pipeline lets held requests in, whose answers may leave at once, and so on; each
     * round takes requests out of a bounded buffer. */
    do {
        feed_held(c);
        ok = pump_read(c) && http__send(c);
    } while (ok && c->held && c->queue_count < HTTP_PIPELINE_COUNT_MAX && c->state < HTTP__CLOSING);
    if (!ok || is_over(c)) {
        http__conn_kill(c);
        return;
    }
    if (c->state == HTTP__LINGER && before != HTTP__LINGER && c->ssl == NULL)
        (void)shutdown(c->fd, SHUT_WR);
    /* Answers given on this very thread marked the connection again; they have left already. */
    tc_list_remove(&c->dirty);
    if (c->readable && !c->held)
        http__conn_mark(c);
    rearm(c);
}
