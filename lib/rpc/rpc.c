#include "rpc/peer.h"
#include "rpc/server_private.h"

#include <grpc/slice.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void rpc__log(struct rpc *rpc, tc_err err, const char *fmt, ...) {
    if (rpc->log == NULL)
        return;
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    rpc->log(rpc->log_user, err, text);
}

grpc_slice rpc__slice_static(const char *text) {
    return grpc_slice_from_static_string(text);
}

void rpc__slice_text(grpc_slice s, char *to, size_t to_bytes) {
    size_t len = GRPC_SLICE_LENGTH(s) < to_bytes - 1 ? GRPC_SLICE_LENGTH(s) : to_bytes - 1;
    memcpy(to, GRPC_SLICE_START_PTR(s), len);
    to[len] = '\0';
}

enum {
    EVENTS_PER_FLUSH = 64, /* bounds how long an answer waits for the events behind it */
    BUSY_NS = 3000,        /* an event that took less to come was ready: more may be */
};

/* The next event. With sends held back it only looks whether one is ready (TIMEOUT: none).
 * *ret_idle: the thread slept for it. */
static grpc_event next_event(struct rpc *rpc, bool *ret_idle) {
    bool look = rpc__owed();
    gpr_timespec until =
        look ? gpr_inf_past(GPR_CLOCK_REALTIME) : gpr_inf_future(GPR_CLOCK_REALTIME);
    uint64_t before_ns = rpc__now_ns();
    grpc_event e = grpc_completion_queue_next(rpc->cq, until, NULL);
    *ret_idle = !look && rpc__now_ns() - before_ns > BUSY_NS;
    return e;
}

/* Under load, all events that are ready are handled before anything is sent; the answers leave
 * together. An event that the thread slept for is answered at once, since looking for another costs
 * as much as a send. */
static void *queue_main(void *arg) {
    struct rpc *rpc = arg;
    pthread_setname_np(pthread_self(), "rpc-queue");
    rpc_hold(rpc);
    for (uint32_t events = 1;; events++) {
        bool idle = false;
        grpc_event e = next_event(rpc, &idle);
        if (e.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (e.type == GRPC_OP_COMPLETE) {
            struct rpc__tag *tag = rpc__tag_take(e.tag);
            rpc__owed_idle(idle);
            tag->fn(tag, e.success != 0);
        }
        if (e.type == GRPC_QUEUE_TIMEOUT || idle || events % EVENTS_PER_FLUSH == 0)
            rpc__owed_flush();
    }
}

/* Read once by the core, so set before it starts; an operator's own values win. Its backup polls
 * are for programs that poll only while a call waits; here a queue thread always does. The core
 * would also write lines of its own form to stderr. */
static void set_environment(void) {
    setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "0", 0);
    setenv("GRPC_VERBOSITY", "NONE", 0);
}

static bool set_name(char *to, const char *from, bool needed) {
    size_t len = from ? strlen(from) : 0;
    if (len >= RPC_NAME_BYTES_MAX || (needed && len == 0))
        return false;
    memcpy(to, from ? from : "", len + 1);
    return true;
}

static tc_err set_identity(struct rpc *rpc, const struct rpc_identity *self) {
    if (!set_name(rpc->cluster, self->cluster, true) ||
        !set_name(rpc->daemon, self->daemon, false) || !set_name(rpc->node, self->node, false) ||
        !set_name(rpc->zone, self->zone, false))
        return TC_EINVAL;
    rpc->self = (struct rpc_identity){rpc->cluster, rpc->daemon, rpc->node, rpc->zone};
    rpc__hello_encode(&rpc->self, &rpc->hello);
    return TC_OK;
}

static void free_rpc(struct rpc *rpc) {
    rpc__tls_deinit(&rpc->tls);
    tc_buf_deinit(&rpc->hello);
    pthread_mutex_destroy(&rpc->lock);
    pthread_cond_destroy(&rpc->changed);
    free(rpc);
}

static void start_threads(struct rpc *rpc, uint32_t count) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_environment);
    grpc_init();
    rpc->cq = grpc_completion_queue_create_for_next(NULL);
    rpc->thread_count = count;
    for (uint32_t i = 0; i < count; i++) {
        int failed = pthread_create(&rpc->threads[i], NULL, queue_main, rpc);
        TC_ASSERT(!failed);
    }
    rpc__timers_start(&rpc->timers);
}

tc_err rpc_start(const struct rpc_config *config, struct rpc **ret_rpc) {
    if (config->thread_count > RPC_THREAD_COUNT_MAX)
        return TC_EINVAL;
    struct rpc *rpc = calloc(1, sizeof *rpc);
    TC_ASSERT(rpc != NULL);
    rpc->log = config->log;
    rpc->log_user = config->log_user;
    pthread_mutex_init(&rpc->lock, NULL);
    pthread_mutex_init(&rpc->tls.lock, NULL);
    pthread_cond_init(&rpc->changed, NULL);
    tc_list_init(&rpc->servers);
    tc_list_init(&rpc->peers);
    tc_list_init(&rpc->unary_calls);
    tc_err err = set_identity(rpc, &config->self);
    if (err == TC_OK)
        err = rpc__tls_load(rpc, &config->tls);
    if (err != TC_OK) {
        free_rpc(rpc);
        return err;
    }
    start_threads(rpc, config->thread_count ? config->thread_count : 1);
    *ret_rpc = rpc;
    return TC_OK;
}

static void stop_servers(struct rpc *rpc) {
    for (;;) {
        pthread_mutex_lock(&rpc->lock);
        bool none = tc_list_empty(&rpc->servers);
        struct rpc_server *s =
            none ? NULL : TC_CONTAINER(rpc->servers.next, struct rpc_server, link);
        pthread_mutex_unlock(&rpc->lock);
        if (none)
            return;
        rpc_server_stop(s);
    }
}

void rpc_stop(struct rpc *rpc) {
    if (rpc == NULL)
        return;
    pthread_mutex_lock(&rpc->lock);
    rpc->stopping = true;
    pthread_mutex_unlock(&rpc->lock);
    stop_servers(rpc);
    rpc__peers_stop(rpc);
    rpc__unary_stop(rpc);
    rpc__timers_stop(&rpc->timers);
    grpc_completion_queue_shutdown(rpc->cq);
    for (uint32_t i = 0; i < rpc->thread_count; i++)
        pthread_join(rpc->threads[i], NULL);
    grpc_completion_queue_destroy(rpc->cq);
    grpc_shutdown_blocking();
    free_rpc(rpc);
}

void rpc_stats(const struct rpc *rpc, struct rpc_stats *ret_stats) {
    const uint64_t *from = (const uint64_t *)&rpc->stats;
    uint64_t *to = (uint64_t *)ret_stats;
    _Static_assert(sizeof *ret_stats % sizeof *to == 0, "counters only");
    for (size_t i = 0; i < sizeof *ret_stats / sizeof *to; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
