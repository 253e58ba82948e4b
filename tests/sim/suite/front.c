/* The edges of a daemon that are sockets and signals: the HTTP front door, the admin endpoint, the
 * wait for SIGTERM. Requests reach the API as parsed heads and bodies, on the router's own thread.
 */
#include "sim/suite/suite.h"

#include "base/assert.h"
#include "daemon/daemon.h"
#include "router/http/http_server.h"

#include <stdlib.h>

/* ---- HTTP */

struct http_server {
    struct suite_proc *proc;
    struct http_options options;
    struct suite_fiber *loop;
    struct tc_list queue; /* struct visit */
    uint64_t in_flight;
    uint64_t count;
    bool draining;
    bool stopping;
};

struct visit {
    struct http_request request; /* first: what the API holds */
    struct tc_list link;
    struct http_server *server;
    suite_answer_fn done;
    void *user;
};

struct http_options http_options_default(void) {
    return (struct http_options){.loop_count = 1};
}

static void serve(struct http_server *h) {
    struct tc_list *l;
    h->options.turn_begin(h->options.turn_user);
    while ((l = tc_list_pop_front(&h->queue)) != NULL)
        h->options.handler(h->options.user, &TC_CONTAINER(l, struct visit, link)->request);
    h->options.turn_end(h->options.turn_user);
}

static void *loop(void *arg) {
    struct http_server *h = arg;
    while (!h->stopping) {
        if (tc_list_empty(&h->queue))
            (void)suite_park(h, UINT64_MAX);
        else
            serve(h);
    }
    serve(h); /* what came while the process stood still */
    return NULL;
}

tc_err http_server_start(const struct http_options *options, struct http_server **ret_server) {
    struct suite_proc *p = suite_proc_self();
    struct http_server *h = calloc(1, sizeof *h);
    TC_ASSERT(h != NULL && p->http == NULL);
    h->proc = p;
    h->options = *options;
    tc_list_init(&h->queue);
    h->loop = suite_fiber_new(p, "http", loop, h);
    p->http = h;
    *ret_server = h;
    return TC_OK;
}

uint16_t http_server_port(const struct http_server *s) {
    return s->options.port;
}

struct http_stats http_server_stats(struct http_server *s) {
    return (struct http_stats){.request_count = s->count, .in_flight_count = s->in_flight};
}

void http_server_drain(struct http_server *s) {
    s->draining = true;
}

void http_server_free(struct http_server *s) {
    if (s == NULL)
        return;
    s->stopping = true;
    s->proc->http = NULL;
    suite_wake(s->proc, s, /* all= */ true);
    (void)suite_fiber_join(s->loop);
    TC_ASSERT(s->in_flight == 0);
    free(s);
}

static void leave(struct suite *s, void *arg) {
    struct visit *v = arg;
    (void)s;
    struct suite_answer a = {v->request.status, tc_buf_slice(&v->request.answer)};
    v->done(v->user, &a);
    tc_buf_deinit(&v->request.headers);
    tc_buf_deinit(&v->request.answer);
    tc_buf_deinit(&v->request.bytes);
    tc_arena_deinit(&v->request.arena);
    free(v);
}

void http_respond(struct http_request *r) {
    struct visit *v = TC_CONTAINER(r, struct visit, request);
    v->server->in_flight--;
    suite_after(suite_now, suite_net_delay_ns(suite_now), leave, v);
}

bool suite_front_request(struct suite_proc *router, struct tc_slice head, struct tc_slice body,
                         suite_answer_fn done, void *user) {
    struct http_server *h = router->alive ? router->http : NULL;
    if (h == NULL || h->draining)
        return false;
    struct visit *v = calloc(1, sizeof *v);
    TC_ASSERT(v != NULL);
    v->server = h;
    v->done = done;
    v->user = user;
    tc_buf_append_slice(&v->request.bytes, head);
    tc_buf_append_slice(&v->request.bytes, body);
    struct tc_slice all = tc_buf_slice(&v->request.bytes);
    unsigned fault = http_head_parse(tc_slice(all.data, head.len), &v->request.parsed);
    TC_ASSERT(fault == 0);
    v->request.head = &v->request.parsed;
    v->request.body = tc_slice(all.data + head.len, body.len);
    v->request.dispatched = true;
    h->in_flight++;
    h->count++;
    tc_list_push_back(&h->queue, &v->link);
    suite_wake(router, h, /* all= */ false);
    return true;
}

/* ---- admin endpoint: nobody asks */

struct daemon_admin {
    struct daemon_admin_config config;
};

tc_err daemon_admin_start(const struct daemon_admin_config *config,
                          struct daemon_admin **ret_admin) {
    struct daemon_admin *a = calloc(1, sizeof *a);
    TC_ASSERT(a != NULL);
    a->config = *config;
    *ret_admin = a;
    return TC_OK;
}

uint16_t daemon_admin_port(const struct daemon_admin *a) {
    (void)a;
    return 1;
}

void daemon_admin_stop(struct daemon_admin *a) {
    free(a);
}

/* ---- signals */

void __wrap_daemon_wait(struct daemon *d);

void __wrap_daemon_wait(struct daemon *d) {
    struct suite_proc *p = suite_proc_self();
    (void)d;
    while (!p->stop_asked)
        (void)suite_park(&p->stop_asked, UINT64_MAX);
}
