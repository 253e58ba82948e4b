/* Echo of 1 KiB over one peer's stream between two processes: frames a second and the CPU time of
 * both sides per frame, at rising numbers of outstanding requests, beside unary calls. */
#include "base/assert.h"
#include "rpc/peer.h"
#include "rpc/server.h"
#include "rpc/unary.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PAYLOAD_BYTES = 1024,
    RUN_NS = 1500000000,
    KIND = 10,
};

struct bench {
    struct rpc *client;
    struct rpc_peer *peer;
    clockid_t server_clock; /* CPU time of the other process */
    char target[64];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t done, outstanding, end_ns;
    bool unary;
};

static uint8_t payload[PAYLOAD_BYTES];

static uint64_t now_ns(clockid_t clock) {
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void on_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames) {
    (void)user;
    for (size_t i = 0; i < frames->count; i++)
        rpc_conn_reply(conn, frames->frames[i].id, KIND, TC_OK, frames->frames[i].payload);
    rpc_frames_unref(frames);
}

static void method_echo(void *user, struct rpc_call *call, struct tc_slice bytes) {
    (void)user;
    rpc_call_reply(call, TC_OK, bytes);
}

static void on_reply(void *user, const struct rpc_reply *reply);

static void ask(struct bench *b) {
    struct tc_slice p = tc_slice(payload, PAYLOAD_BYTES);
    tc_err err = b->unary ? rpc_unary(b->client, b->target, "/bench/Echo", p, 10000, on_reply, b)
                          : rpc_peer_request(b->peer, KIND, p, 10000, on_reply, b);
    TC_ASSERT(err == TC_OK);
}

static void on_reply(void *user, const struct rpc_reply *reply) {
    struct bench *b = user;
    TC_ASSERT(reply->err == TC_OK && reply->payload.len == PAYLOAD_BYTES);
    bool more = now_ns(CLOCK_MONOTONIC) < b->end_ns;
    pthread_mutex_lock(&b->lock);
    b->done++;
    if (!more && --b->outstanding == 0)
        pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
    if (more)
        ask(b);
}

static uint64_t cpu_now_ns(const struct bench *b) {
    return now_ns(CLOCK_PROCESS_CPUTIME_ID) + now_ns(b->server_clock);
}

static void run(struct bench *b, bool unary, uint64_t outstanding) {
    b->unary = unary;
    b->done = 0;
    b->outstanding = outstanding;
    struct rpc_stats before, after;
    rpc_stats(b->client, &before);
    uint64_t start_ns = now_ns(CLOCK_MONOTONIC), cpu_ns = cpu_now_ns(b);
    b->end_ns = start_ns + RUN_NS;
    for (uint64_t i = 0; i < outstanding; i++)
        ask(b);
    pthread_mutex_lock(&b->lock);
    while (b->outstanding > 0)
        pthread_cond_wait(&b->changed, &b->lock);
    pthread_mutex_unlock(&b->lock);
    cpu_ns = cpu_now_ns(b) - cpu_ns;
    uint64_t took_ns = now_ns(CLOCK_MONOTONIC) - start_ns;
    rpc_stats(b->client, &after);
    uint64_t messages = after.messages_sent - before.messages_sent;
    printf("%-6s %4llu outstanding: %8.0f frames/s, %6.2f us CPU per frame (both sides), %5.1f "
           "frames per message\n",
           unary ? "unary" : "stream", (unsigned long long)outstanding,
           (double)b->done * 1e9 / (double)took_ns, (double)cpu_ns / 1e3 / (double)b->done,
           messages ? (double)b->done / (double)messages : 1.0);
    fflush(stdout);
}

static const struct rpc_config config = {.self = {"bench", "bench", "bench", ""}};

/* The other process: tell the port, then serve until killed. */
static _Noreturn void serve(int port_fd) {
    struct rpc *rpc = NULL;
    struct rpc_server *server = NULL;
    struct rpc_method echo = {"/bench/Echo", method_echo, NULL};
    struct rpc_server_config listen = {.listen = "127.0.0.1:0",
                                       .on_frames = on_frames,
                                       .methods = &echo,
                                       .method_count = 1,
                                       .calls_max = 512};
    TC_ASSERT(rpc_start(&config, &rpc) == TC_OK);
    TC_ASSERT(rpc_server_start(rpc, &listen, &server) == TC_OK);
    uint16_t port = rpc_server_port(server);
    TC_ASSERT(write(port_fd, &port, sizeof port) == sizeof port);
    for (;;)
        pause();
}

int main(void) {
    struct bench b = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    int fds[2];
    uint16_t port = 0;
    TC_ASSERT(pipe(fds) == 0);
    pid_t child = fork(); /* before gRPC starts: it does not survive a fork */
    if (child == 0)
        serve(fds[1]);
    TC_ASSERT(child > 0 && read(fds[0], &port, sizeof port) == sizeof port);
    TC_ASSERT(clock_getcpuclockid(child, &b.server_clock) == 0);
    snprintf(b.target, sizeof b.target, "127.0.0.1:%u", port);
    struct rpc_peer_config peer = {.target = b.target};
    TC_ASSERT(rpc_start(&config, &b.client) == TC_OK);
    TC_ASSERT(rpc_peer_open(b.client, &peer, &b.peer) == TC_OK);
    static const uint64_t points[] = {1, 16, 64, 256};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        run(&b, /* unary= */ false, points[i]);
    run(&b, /* unary= */ true, 1);
    run(&b, /* unary= */ true, 64);
    rpc_stop(b.client);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
