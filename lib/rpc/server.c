#include "rpc/server_private.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <stdlib.h>
#include <time.h>

enum {
    ACCEPTS = 16, /* posted at a time: bounds what waits unseen in the core */
};

struct accept {
    struct rpc__tag tag;
    struct rpc_server *server;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
};

static void post(struct accept *a) {
    struct rpc_server *s = a->server;
    grpc_call_details_init(&a->details);
    grpc_metadata_array_init(&a->metadata);
    grpc_completion_queue *cq = s->rpc->cq;
    grpc_call_error e = grpc_server_request_call(s->server, &a->call, &a->details, &a->metadata, cq,
                                                 cq, rpc__tag_give(&a->tag));
    TC_ASSERT(e == GRPC_CALL_OK);
}

static const struct rpc_method *find(const struct rpc_server *s, const char *name) {
    for (size_t i = 0; i < s->config.method_count; i++)
        if (strcmp(s->methods[i].name, name) == 0)
            return &s->methods[i];
    return NULL;
}

/* Count the call in if there is room. */
static bool admit(struct rpc_server *s, uint32_t *count, uint32_t max) {
    pthread_mutex_lock(&s->lock);
    bool ok = !s->stopping && *count < max;
    *count += ok;
    pthread_mutex_unlock(&s->lock);
    return ok;
}

static void admit_always(struct rpc_server *s) {
    pthread_mutex_lock(&s->lock);
    s->call_count++;
    pthread_mutex_unlock(&s->lock);
}

static void refuse(struct rpc_server *s, grpc_call *call, grpc_status_code status, tc_err err,
                   const char *why) {
    admit_always(s);
    rpc__call_refuse(s, call, status, err, why);
}

static void dispatch(struct rpc_server *s, grpc_call *call, const char *name,
                     gpr_timespec deadline) {
    bool stream = strcmp(name, RPC__STREAM_METHOD) == 0 && s->config.on_frames != NULL;
    const struct rpc_method *method = find(s, name);
    if (!stream && method == NULL)
        refuse(s, call, GRPC_STATUS_UNIMPLEMENTED, TC_OK, "no such method");
    else if (stream && admit(s, &s->conn_count, s->config.conns_max))
        rpc__conn_accept(s, call);
    else if (!stream && admit(s, &s->call_count, s->config.calls_max))
        rpc__call_accept(s, call, method, deadline);
    else if (stream)
        refuse(s, call, GRPC_STATUS_UNAVAILABLE, TC_OK, "no room for another stream");
    else
        refuse(s, call, GRPC_STATUS_OK, TC_EBUSY, "");
}

static void on_accept(struct rpc__tag *tag, bool ok) {
    struct accept *a = TC_CONTAINER(tag, struct accept, tag);
    struct rpc_server *s = a->server;
    char name[256];
    rpc__slice_text(a->details.method, name, sizeof name);
    grpc_call *call = a->call;
    gpr_timespec deadline = a->details.deadline;
    grpc_call_details_destroy(&a->details);
    grpc_metadata_array_destroy(&a->metadata);
    pthread_mutex_lock(&s->lock);
    bool again = ok && !s->stopping;
    pthread_mutex_unlock(&s->lock);
    if (ok)
        dispatch(s, call, name, deadline);
    if (again) { /* the core refuses it by itself once the server was shut down */
        post(a);
        return;
    }
    free(a);
    pthread_mutex_lock(&s->lock);
    s->accept_count--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void on_shut(struct rpc__tag *tag, bool ok) {
    struct rpc_server *s = TC_CONTAINER(tag, struct rpc_server, shut);
    (void)ok;
    pthread_mutex_lock(&s->lock);
    s->shut_done = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static bool valid(const struct rpc_server_config *c) {
    if (!rpc__target_ok(c->listen) || c->method_count > RPC_METHODS_MAX)
        return false;
    for (size_t i = 0; i < c->method_count; i++)
        if (c->methods[i].name == NULL || c->methods[i].name[0] != '/' || c->methods[i].fn == NULL)
            return false;
    return true;
}

static struct rpc_server *create(struct rpc *rpc, const struct rpc_server_config *c) {
    struct rpc_server *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->rpc = rpc;
    s->config = *c;
    s->config.conns_max = c->conns_max ? c->conns_max : 1024;
    s->config.calls_max = c->calls_max ? c->calls_max : 256;
    s->config.idle_ms = c->idle_ms ? c->idle_ms : 5000;
    s->config.grace_ms = c->grace_ms ? c->grace_ms : 1000;
    s->config.listen = NULL;
    s->config.methods = NULL;
    s->methods = calloc(c->method_count + 1, sizeof s->methods[0]);
    TC_ASSERT(s->methods != NULL);
    if (c->method_count)
        memcpy(s->methods, c->methods, c->method_count * sizeof s->methods[0]);
    s->shut.fn = on_shut;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    tc_list_init(&s->conns);
    tc_list_init(&s->calls);
    return s;
}

static void destroy(struct rpc_server *s) {
    grpc_server_destroy(s->server);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s->methods);
    free(s);
}

/* The core wants shutdown before destroy, started or not; wait for its tag. */
static void shut(struct rpc_server *s) {
    grpc_server_shutdown_and_notify(s->server, s->rpc->cq, rpc__tag_give(&s->shut));
}

static void wait_shut(struct rpc_server *s) {
    pthread_mutex_lock(&s->lock);
    while (!s->shut_done || s->accept_count || s->conn_count || s->call_count)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

tc_err rpc_server_start(struct rpc *rpc, const struct rpc_server_config *config,
                        struct rpc_server **ret_server) {
    if (!valid(config))
        return TC_EINVAL;
    struct rpc_server *s = create(rpc, config);
    s->server = rpc__server_new(s->config.calls_max + s->config.conns_max);
    grpc_server_register_completion_queue(s->server, rpc->cq, NULL);
    s->served.rpc = rpc;
    s->port = rpc__server_bind(&s->served, s->server, config->listen);
    grpc_server_start(s->server);
    if (s->port == 0) {
        rpc__log(rpc, TC_EUNAVAILABLE, "cannot listen: address=%s", config->listen);
        shut(s);
        wait_shut(s);
        destroy(s);
        return TC_EUNAVAILABLE;
    }
    pthread_mutex_lock(&rpc->lock);
    tc_list_push_back(&rpc->servers, &s->link);
    pthread_mutex_unlock(&rpc->lock);
    *ret_server = s;
    s->accept_count = ACCEPTS;
    for (size_t i = 0; i < ACCEPTS; i++) {
        struct accept *a = calloc(1, sizeof *a);
        TC_ASSERT(a != NULL);
        a->tag.fn = on_accept;
        a->server = s;
        post(a);
    }
    return TC_OK;
}

uint16_t rpc_server_port(const struct rpc_server *server) {
    return (uint16_t)server->port;
}

/* Nothing waits to leave and no call waits for its handler. */
static bool quiet(struct rpc_server *s) {
    pthread_mutex_lock(&s->lock);
    bool idle = s->call_count == 0;
    for (struct tc_list *l = s->conns.next; idle && l != &s->conns; l = l->next)
        idle = rpc__conn_idle(l);
    pthread_mutex_unlock(&s->lock);
    return idle;
}

static void wait_quiet(struct rpc_server *s) {
    uint64_t end_ns = rpc__now_ns() + (uint64_t)s->config.grace_ms * 1000000U;
    struct timespec step = {.tv_nsec = 2000000};
    while (!quiet(s) && rpc__now_ns() < end_ns)
        nanosleep(&step, NULL);
}

void rpc_server_stop(struct rpc_server *s) {
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->rpc->lock);
    tc_list_remove(&s->link);
    pthread_mutex_unlock(&s->rpc->lock);
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_mutex_unlock(&s->lock);
    shut(s);
    wait_quiet(s);
    pthread_mutex_lock(&s->lock);
    for (struct tc_list *l = s->conns.next; l != &s->conns; l = l->next)
        rpc__conn_cut(l);
    pthread_mutex_unlock(&s->lock);
    grpc_server_cancel_all_calls(s->server);
    wait_shut(s);
    destroy(s);
}
