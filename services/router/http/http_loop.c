#include "base/assert.h"
#include "env/posix/posix.h"
#include "router/http/http_private.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 256,
};

static uint64_t clock_ms(void) {
    return posix_mono_ns() / 1000000;
}

tc_err http__loop_init(struct http_loop *l, struct http_server *s, unsigned index) {
    l->server = s;
    l->index = index;
    l->now_ms = clock_ms();
    l->date_s = -1;
    tc_list_init(&l->conns);
    tc_list_init(&l->dirty);
    tc_list_init(&l->pool);
    tc_list_init(&l->mailbox);
    for (size_t i = 0; i < HTTP__TIMER_COUNT; i++)
        tc_list_init(&l->timers[i]);
    (void)pthread_mutex_init(&l->lock, NULL);
    l->scratch = malloc(HTTP__SCRATCH_BYTES);
    TC_ASSERT(l->scratch != NULL);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->epoll_fd < 0 || l->event_fd < 0)
        return TC_EIO;
    struct epoll_event wake = {.events = EPOLLIN, .data.ptr = l};
    struct epoll_event listen = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = s};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->event_fd, &wake) != 0 ||
        epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->listen_fd, &listen) != 0)
        return TC_EIO;
    l->accepting = true;
    return TC_OK;
}

void http__loop_deinit(struct http_loop *l) {
    if (l->server == NULL)
        return;
    TC_ASSERT(tc_list_empty(&l->conns));
    for (struct tc_list *n = tc_list_pop_front(&l->pool); n != NULL;
         n = tc_list_pop_front(&l->pool)) {
        http__request_free(TC_CONTAINER(n, struct http_request, link));
    }
    free(l->scratch);
    if (l->epoll_fd >= 0)
        (void)close(l->epoll_fd);
    if (l->event_fd >= 0)
        (void)close(l->event_fd);
    (void)pthread_mutex_destroy(&l->lock);
}

void http__loop_wake(struct http_loop *l) {
    uint64_t one = 1;
    ssize_t put = write(l->event_fd, &one, sizeof one);
    (void)put; /* EAGAIN: the counter is full, so the loop wakes anyway */
}

void http_respond(struct http_request *r) {
    struct http_loop *l = r->loop;
    TC_ASSERT(r->dispatched && !r->done);
    if (pthread_equal(l->self, pthread_self())) {
        r->done = true;
        http__conn_answered(r->conn);
        return;
    }
    (void)pthread_mutex_lock(&l->lock);
    bool first = tc_list_empty(&l->mailbox);
    tc_list_push_back(&l->mailbox, &r->mail);
    (void)pthread_mutex_unlock(&l->lock);
    if (first)
        http__loop_wake(l);
}

static void drain_mailbox(struct http_loop *l) {
    struct tc_list batch;
    uint64_t count;
    ssize_t got = read(l->event_fd, &count, sizeof count);
    (void)got; /* EAGAIN: woken by another event before */
    tc_list_init(&batch);
    (void)pthread_mutex_lock(&l->lock);
    if (!tc_list_empty(&l->mailbox)) {
        batch.next = l->mailbox.next;
        batch.prev = l->mailbox.prev;
        batch.next->prev = batch.prev->next = &batch;
        tc_list_init(&l->mailbox);
    }
    (void)pthread_mutex_unlock(&l->lock);
    for (struct tc_list *n = tc_list_pop_front(&batch); n != NULL; n = tc_list_pop_front(&batch)) {
        struct http_request *r = TC_CONTAINER(n, struct http_request, mail);
        r->done = true;
        http__conn_answered(r->conn);
    }
}

static void accept_enable(struct http_loop *l, bool on) {
    struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = l->server};
    if (on == l->accepting)
        return;
    (void)epoll_ctl(l->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, l->server->listen_fd, &ev);
    l->accepting = on;
}

static void accept_some(struct http_loop *l) {
    struct http_server *s = l->server;
    for (int i = 0; i < HTTP__ACCEPT_BATCH && l->accepting; i++) {
        int fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
                /* The listener would stay ready and spin: look again a little later. */
                accept_enable(l, false);
                l->accept_again_ms = l->now_ms + HTTP__ACCEPT_PAUSE_MS;
            }
            return;
        }
        uint64_t open = atomic_fetch_add_explicit(&s->open_count, 1, memory_order_relaxed);
        if (open >= s->options.connection_count_max) {
            atomic_fetch_sub_explicit(&s->open_count, 1, memory_order_relaxed);
            atomic_fetch_add_explicit(&l->refused_count, 1, memory_order_relaxed);
            (void)close(fd);
            continue;
        }
        http__conn_open(l, fd);
    }
}

static void note_event(struct http_conn *c, uint32_t events) {
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->readable = true;
    if (events & EPOLLOUT)
        c->blocked = false;
    if (c->ssl != NULL) {
        /* TLS may need to read in order to write, and the reverse. */
        c->readable = true;
        c->blocked = false;
    }
    http__conn_mark(c);
}

static void expire(struct http_loop *l) {
    for (size_t kind = 0; kind < HTTP__TIMER_COUNT; kind++)
        while (!tc_list_empty(&l->timers[kind])) {
            struct http_conn *c = TC_CONTAINER(l->timers[kind].next, struct http_conn, timer);
            if (c->deadline_ms > l->now_ms)
                break;
            http__conn_expire(c);
        }
    if (l->accept_again_ms != 0 && l->accept_again_ms <= l->now_ms) {
        l->accept_again_ms = 0;
        accept_enable(l, true);
    }
}

/* Every connection that is dirty now; one that asks for another turn gets it next round. */
static void pump(struct http_loop *l) {
    const struct http_options *o = &l->server->options;
    struct tc_list *last = l->dirty.prev;
    bool end = tc_list_empty(&l->dirty);
    if (o->turn_begin)
        o->turn_begin(o->turn_user);
    while (!end) {
        struct tc_list *n = tc_list_pop_front(&l->dirty);
        end = n == last || tc_list_empty(&l->dirty);
        http__conn_pump(TC_CONTAINER(n, struct http_conn, dirty));
    }
    if (o->turn_end)
        o->turn_end(o->turn_user);
}

/* Idle connections learn of a drain by being looked at once. */
static void note_drain(struct http_loop *l) {
    if (!atomic_load_explicit(&l->server->draining, memory_order_relaxed) ||
        (!l->accepting && l->accept_again_ms == 0))
        return;
    accept_enable(l, false);
    l->accept_again_ms = 0;
    for (struct tc_list *n = l->conns.next; n != &l->conns; n = n->next)
        http__conn_mark(TC_CONTAINER(n, struct http_conn, link));
}

static void close_all(struct http_loop *l) {
    drain_mailbox(l);
    pump(l);
    struct tc_list *n = l->conns.next;
    while (n != &l->conns) {
        struct http_conn *c = TC_CONTAINER(n, struct http_conn, link);
        n = n->next;
        http__conn_kill(c);
    }
}

void *http__loop_main(void *arg) {
    struct http_loop *l = arg;
    struct epoll_event events[EVENTS_MAX];
    l->self = pthread_self();
    /* OpenSSL writes without MSG_NOSIGNAL; a closed connection must be an error, not a signal. */
    sigset_t pipe_signal;
    (void)sigemptyset(&pipe_signal);
    (void)sigaddset(&pipe_signal, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    while (!atomic_load_explicit(&l->server->stopping, memory_order_acquire)) {
        int wait_ms = tc_list_empty(&l->dirty) ? HTTP__TICK_MS : 0;
        int count = epoll_wait(l->epoll_fd, events, EVENTS_MAX, wait_ms);
        bool accept_ready = false;
        l->now_ms = clock_ms();
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == l->server)
                accept_ready = true;
            else if (events[i].data.ptr != l)
                note_event(events[i].data.ptr, events[i].events);
        }
        drain_mailbox(l);
        if (accept_ready)
            accept_some(l);
        note_drain(l);
        pump(l);
        expire(l);
    }
    close_all(l);
    return NULL;
}
