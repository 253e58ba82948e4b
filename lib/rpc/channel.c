#include "rpc/rpc_private.h"

#include <grpc/grpc_security.h>
#include <stdio.h>
#include <stdlib.h>

/* Channel and server arguments, each for a measured reason (docs: MEASURED, pitfalls of the core):
 * bound messages; two servers must not share a port in silence; a restarted peer is found within
 * half a second; no proxy from the environment; no retries behind our back; pings never count as
 * abuse. Dead peers are found by our own heartbeats (peer.c, conn.c).
 *
 * A call that is cancelled ends only when the write that is in progress does, and while nothing is
 * acknowledged (a link cut in one direction is enough) that write waits for TCP, which tries again
 * ever more seldom: a stream given up after 3 s ended 13 s later, long after the link was whole. So
 * the kernel ends a connection whose data stays unacknowledged for as long as a peer may be silent.
 * The core sets that socket option only together with a keepalive of its own, which is made rare.
 */

enum {
    ARGS_MAX = 16,
    CONNECT_TIMEOUT_MS = 1000, /* also the least: a TLS handshake over 100 ms links must fit */
    UNACKNOWLEDGED_MS = 3000,  /* the default silence_ms of a peer */
    KEEPALIVE_MS = 3600 * 1000,
};

struct args {
    grpc_arg items[ARGS_MAX];
    size_t count;
};

static void add_int(struct args *a, const char *key, int value) {
    TC_ASSERT(a->count < ARGS_MAX);
    a->items[a->count++] =
        (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static void add_text(struct args *a, const char *key, const char *value) {
    TC_ASSERT(a->count < ARGS_MAX);
    a->items[a->count++] = (grpc_arg){.type = GRPC_ARG_STRING,
                                      .key = (char *)(uintptr_t)key,
                                      .value.string = (char *)(uintptr_t)value};
}

static void add_common(struct args *a) {
    add_int(a, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, RPC_MESSAGE_BYTES_MAX);
    add_int(a, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, RPC_MESSAGE_BYTES_MAX);
    add_int(a, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

bool rpc__target_ok(const char *target) {
    const char *colon = target ? strrchr(target, ':') : NULL;
    if (colon == NULL || colon == target || strlen(target) >= RPC_NAME_BYTES_MAX)
        return false;
    char *end = NULL;
    unsigned long port = strtoul(colon + 1, &end, 10);
    return colon[1] >= '0' && colon[1] <= '9' && *end == '\0' && port <= 65535;
}

/* An explicit scheme, so that no resolver guesses. */
static void format_target(const char *target, char *to, size_t to_bytes) {
    bool numeric = target[strspn(target, "0123456789.")] == ':';
    snprintf(to, to_bytes, "%s%s", numeric ? "ipv4:" : "dns:///", target);
}

grpc_channel *rpc__channel_new(struct rpc *rpc, const char *target) {
    struct args a = {0};
    add_common(&a);
    add_int(&a, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
    add_int(&a, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_TIMEOUT_MS);
    add_int(&a, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
    add_int(&a, GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS);
    add_int(&a, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, UNACKNOWLEDGED_MS);
    add_int(&a, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    add_int(&a, GRPC_ARG_ENABLE_RETRIES, 0);
    add_int(&a, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    if (rpc->server_name[0] != '\0')
        add_text(&a, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, rpc->server_name);
    char full[RPC_NAME_BYTES_MAX + 16];
    format_target(target, full, sizeof full);
    grpc_channel_args args = {.num_args = a.count, .args = a.items};
    grpc_channel_credentials *creds = rpc__client_creds(rpc);
    grpc_channel *channel = grpc_channel_create(full, creds, &args);
    grpc_channel_credentials_release(creds);
    TC_ASSERT(channel != NULL);
    return channel;
}

grpc_server *rpc__server_new(uint32_t streams_max) {
    struct args a = {0};
    add_common(&a);
    add_int(&a, GRPC_ARG_ALLOW_REUSEPORT, 0);
    add_int(&a, GRPC_ARG_MAX_CONCURRENT_STREAMS, (int)streams_max);
    add_int(&a, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
    add_int(&a, GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    add_int(&a, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    grpc_channel_args args = {.num_args = a.count, .args = a.items};
    return grpc_server_create(&args, NULL);
}

int rpc__server_bind(struct rpc__tls_served *served, grpc_server *server, const char *listen) {
    grpc_server_credentials *creds = rpc__server_creds(served);
    if (creds == NULL)
        return 0;
    int port = grpc_server_add_http2_port(server, listen, creds);
    grpc_server_credentials_release(creds);
    return port;
}
