#include "rpc/unary.h"
#include "rpc/rpc_private.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WATCH_MS = 100, /* connectivity is looked at again at least so often, for a stop to be seen */
};

/* A target's connection; calls hold references, so a broken one is replaced while they end. */
struct shared_channel {
    int refs; /* atomic */
    grpc_channel *channel;
    uint32_t tls_version; /* that it was made with, or an older one */
};

struct rpc__unary_target {
    struct rpc__unary_target *next;
    char name[RPC_NAME_BYTES_MAX];
    struct shared_channel *shared;
};

/* One call: wait for the connection (watched), then one batch (done). */
struct unary {
    struct tc_list link; /* rpc->unary_calls */
    struct rpc *rpc;
    struct shared_channel *shared;
    char method[RPC_NAME_BYTES_MAX];
    struct rpc__tag watched, done;
    gpr_timespec deadline;
    grpc_call *call;
    grpc_byte_buffer *request, *response;
    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice details;
    rpc_reply_fn fn;
    void *user;
};

static void shared_unref(struct shared_channel *s) {
    if (__atomic_fetch_sub(&s->refs, 1, __ATOMIC_ACQ_REL) > 1)
        return;
    grpc_channel_destroy(s->channel);
    free(s);
}

static struct shared_channel *shared_new(struct rpc *rpc, const char *target) {
    struct shared_channel *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->refs = 1;
    s->channel = rpc__channel_new(rpc, target);
    s->tls_version = rpc__tls_version(rpc);
    return s;
}

/* rpc->lock held. NULL: too many targets. */
static struct rpc__unary_target *find_target(struct rpc *rpc, const char *name) {
    for (struct rpc__unary_target *t = rpc->unary_targets; t; t = t->next)
        if (strcmp(t->name, name) == 0)
            return t;
    if (rpc->unary_target_count == RPC_UNARY_TARGETS_MAX)
        return NULL;
    struct rpc__unary_target *t = calloc(1, sizeof *t);
    TC_ASSERT(t != NULL);
    snprintf(t->name, sizeof t->name, "%s", name);
    t->shared = shared_new(rpc, name);
    t->next = rpc->unary_targets;
    rpc->unary_targets = t;
    rpc->unary_target_count++;
    return t;
}

/* A channel that failed before keeps saying so until its own back-off ends: take a fresh one, so
 * that this call learns the state of now. rpc->lock held. */
static struct shared_channel *take_channel(struct rpc *rpc, const char *target) {
    struct rpc__unary_target *t = find_target(rpc, target);
    if (t == NULL)
        return NULL;
    grpc_connectivity_state state = grpc_channel_check_connectivity_state(t->shared->channel, 0);
    bool failed = state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN;
    if (failed || t->shared->tls_version != rpc__tls_version(rpc)) {
        shared_unref(t->shared);
        t->shared = shared_new(rpc, target);
    }
    __atomic_fetch_add(&t->shared->refs, 1, __ATOMIC_RELAXED);
    return t->shared;
}

static void finish(struct unary *u, const struct rpc_reply *reply) {
    struct rpc *rpc = u->rpc;
    u->fn(u->user, reply);
    pthread_mutex_lock(&rpc->lock); /* a stop must not find the call any more */
    tc_list_remove(&u->link);
    pthread_mutex_unlock(&rpc->lock);
    if (u->call)
        grpc_call_unref(u->call);
    grpc_byte_buffer_destroy(u->request);
    grpc_metadata_array_destroy(&u->initial);
    grpc_metadata_array_destroy(&u->trailing);
    grpc_slice_unref(u->details);
    shared_unref(u->shared);
    free(u);
    pthread_mutex_lock(&rpc->lock);
    rpc->unary_call_count--;
    pthread_cond_broadcast(&rpc->changed);
    pthread_mutex_unlock(&rpc->lock);
}

static void fail(struct unary *u, tc_err err) {
    struct rpc_reply reply = {.err = err};
    finish(u, &reply);
}

/* The server's own error, exactly; a server that does not send one is no Tercet server. */
static tc_err trailing_err(const grpc_metadata_array *trailing) {
    for (size_t i = 0; i < trailing->count; i++) {
        if (grpc_slice_str_cmp(trailing->metadata[i].key, RPC__ERR_KEY) != 0)
            continue;
        char text[16];
        rpc__slice_text(trailing->metadata[i].value, text, sizeof text);
        return tc_err_from_wire((int)strtol(text, NULL, 10));
    }
    return TC_EINTERNAL;
}

static tc_err status_err(grpc_status_code status) {
    if (status == GRPC_STATUS_UNIMPLEMENTED)
        return TC_EUNSUPPORTED;
    if (status == GRPC_STATUS_DEADLINE_EXCEEDED)
        return TC_ETIMEOUT;
    return TC_ECLOSED;
}

static void on_done(struct rpc__tag *tag, bool ok) {
    struct unary *u = TC_CONTAINER(tag, struct unary, done);
    (void)ok;
    if (u->status != GRPC_STATUS_OK || u->response == NULL) {
        tc_err err = status_err(u->status);
        if (u->response)
            grpc_byte_buffer_destroy(u->response);
        fail(u, err);
        return;
    }
    grpc_slice bytes;
    tc_err err = rpc__flatten(u->response, &bytes);
    grpc_byte_buffer_destroy(u->response);
    if (err != TC_OK) {
        fail(u, TC_EUNKNOWN);
        return;
    }
    struct rpc_reply reply = {.err = trailing_err(&u->trailing),
                              .from_peer = true,
                              .payload =
                                  tc_slice(GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes))};
    finish(u, &reply);
    grpc_slice_unref(bytes);
}

static void start_call(struct unary *u) {
    grpc_slice method = grpc_slice_from_copied_string(u->method); /* the call takes its own */
    grpc_call *call = grpc_channel_create_call(u->shared->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                               u->rpc->cq, method, NULL, u->deadline, NULL);
    grpc_slice_unref(method);
    pthread_mutex_lock(&u->rpc->lock);
    u->call = call; /* from here a stop may cancel it */
    bool stopping = u->rpc->stopping;
    pthread_mutex_unlock(&u->rpc->lock);
    if (stopping)
        grpc_call_cancel(call, NULL);
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},  {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_MESSAGE},           {.op = GRPC_OP_RECV_STATUS_ON_CLIENT}};
    ops[1].data.send_message.send_message = u->request;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &u->initial;
    ops[4].data.recv_message.recv_message = &u->response;
    ops[5].data.recv_status_on_client.trailing_metadata = &u->trailing;
    ops[5].data.recv_status_on_client.status = &u->status;
    ops[5].data.recv_status_on_client.status_details = &u->details;
    grpc_call_error e = grpc_call_start_batch(call, ops, 6, rpc__tag_give(&u->done), NULL);
    TC_ASSERT(e == GRPC_CALL_OK);
}

/* u belongs to the queue's thread as soon as the tag is given. */
static void watch(struct unary *u, grpc_connectivity_state state, gpr_timespec until) {
    grpc_channel *channel = u->shared->channel;
    grpc_completion_queue *cq = u->rpc->cq;
    void *tag = rpc__tag_give(&u->watched);
    grpc_channel_watch_connectivity_state(channel, state, until, cq, tag);
}

/* Send over a ready connection only. */
static void advance(struct unary *u) {
    grpc_channel *channel = u->shared->channel;
    grpc_connectivity_state state = grpc_channel_check_connectivity_state(channel, 1);
    gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
    pthread_mutex_lock(&u->rpc->lock);
    bool stopping = u->rpc->stopping;
    pthread_mutex_unlock(&u->rpc->lock);
    if (state == GRPC_CHANNEL_READY) {
        start_call(u);
        return;
    }
    if (stopping || state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN ||
        gpr_time_cmp(now, u->deadline) >= 0) {
        fail(u, TC_EUNAVAILABLE);
        return;
    }
    gpr_timespec look = gpr_time_add(now, gpr_time_from_millis(WATCH_MS, GPR_TIMESPAN));
    if (gpr_time_cmp(look, u->deadline) > 0)
        look = u->deadline;
    watch(u, state, look);
}

static void on_watched(struct rpc__tag *tag, bool ok) {
    (void)ok; /* false: the look-again time passed */
    advance(TC_CONTAINER(tag, struct unary, watched));
}

static void set_request(struct unary *u, struct tc_slice payload) {
    grpc_slice bytes = grpc_slice_from_copied_buffer((const char *)payload.data, payload.len);
    u->request = grpc_raw_byte_buffer_create(&bytes, 1);
    grpc_slice_unref(bytes);
}

static tc_err enlist(struct unary *u, const char *target) {
    struct rpc *rpc = u->rpc;
    pthread_mutex_lock(&rpc->lock);
    bool room = rpc->unary_call_count < RPC_UNARY_CALLS_MAX;
    tc_err err = rpc->stopping ? TC_ECLOSED : room ? TC_OK : TC_EBUSY;
    if (err == TC_OK && (u->shared = take_channel(rpc, target)) == NULL)
        err = TC_EBUSY;
    if (err == TC_OK) {
        rpc->unary_call_count++;
        tc_list_push_back(&rpc->unary_calls, &u->link);
    }
    pthread_mutex_unlock(&rpc->lock);
    return err;
}

/* The first look happens on a queue thread as well, so that done never runs inside this call. */
tc_err rpc_unary(struct rpc *rpc, const char *target, const char *method, struct tc_slice payload,
                 uint32_t deadline_ms, rpc_reply_fn done, void *user) {
    if (!rpc__target_ok(target) || deadline_ms == 0 || method == NULL || method[0] != '/' ||
        strlen(method) >= RPC_NAME_BYTES_MAX)
        return TC_EINVAL;
    if (payload.len > RPC_PAYLOAD_BYTES_MAX)
        return TC_ELIMIT;
    struct unary *u = calloc(1, sizeof *u);
    TC_ASSERT(u != NULL);
    u->rpc = rpc;
    u->fn = done;
    u->user = user;
    u->watched.fn = on_watched;
    u->done.fn = on_done;
    tc_err err = enlist(u, target);
    if (err != TC_OK) {
        free(u);
        return err;
    }
    snprintf(u->method, sizeof u->method, "%s", method);
    u->deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(deadline_ms, GPR_TIMESPAN));
    u->details = grpc_empty_slice();
    grpc_metadata_array_init(&u->initial);
    grpc_metadata_array_init(&u->trailing);
    set_request(u, payload);
    if (grpc_channel_check_connectivity_state(u->shared->channel, 1) == GRPC_CHANNEL_READY) {
        start_call(u);
        return TC_OK;
    }
    gpr_timespec soon = gpr_time_from_millis(1, GPR_TIMESPAN);
    watch(u, GRPC_CHANNEL_IDLE, gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), soon));
    return TC_OK;
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    tc_err err;
    struct tc_buf *payload;
};

static void wake(void *user, const struct rpc_reply *reply) {
    struct waiter *w = user;
    pthread_mutex_lock(&w->lock);
    w->err = reply->err;
    if (w->payload)
        tc_buf_append_slice(w->payload, reply->payload);
    w->done = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

tc_err rpc_unary_wait(struct rpc *rpc, const char *target, const char *method,
                      struct tc_slice payload, uint32_t deadline_ms, struct tc_buf *ret_payload) {
    struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER,
                       .changed = PTHREAD_COND_INITIALIZER,
                       .payload = ret_payload};
    TC_TRY(rpc_unary(rpc, target, method, payload, deadline_ms, wake, &w));
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.changed, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_mutex_destroy(&w.lock);
    pthread_cond_destroy(&w.changed);
    return w.err;
}

void rpc__unary_stop(struct rpc *rpc) {
    pthread_mutex_lock(&rpc->lock);
    for (struct tc_list *l = rpc->unary_calls.next; l != &rpc->unary_calls; l = l->next) {
        struct unary *u = TC_CONTAINER(l, struct unary, link);
        if (u->call)
            grpc_call_cancel(u->call, NULL);
    }
    while (rpc->unary_call_count > 0)
        pthread_cond_wait(&rpc->changed, &rpc->lock);
    while (rpc->unary_targets) {
        struct rpc__unary_target *t = rpc->unary_targets;
        rpc->unary_targets = t->next;
        shared_unref(t->shared);
        free(t);
    }
    pthread_mutex_unlock(&rpc->lock);
}
