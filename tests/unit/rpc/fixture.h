/* Loopback nodes for the tests of rpc: an echo server and a client that counts its answers. */
#ifndef TC_TESTS_RPC_FIXTURE_H
#define TC_TESTS_RPC_FIXTURE_H

#include "rpc/message.h"
#include "rpc/unary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

enum {
    FIXTURE_WAIT_MS = 20000, /* far beyond any expected time: only a hang meets it */
    KIND_ECHO = 10,          /* answered at once with the same payload */
    KIND_HOLD = 11,          /* never answered */
    KIND_FAIL = 12,          /* answered with TC_ECONDITION and the payload */
    KIND_FLOOD = 13,         /* answered with 1 MiB after notes until the outbox is full */
    KIND_NOTE = 20,          /* one-way; the server sends it back one-way */
};

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

struct node {
    struct rpc *rpc;
    struct rpc_server *server;
    struct rpc_conn *kept; /* of KIND_HOLD, a reference */
    struct rpc_call *held; /* of the method Hold */
    char target[64];
    int opened, closed, notes, held_count;
    char peer_node[RPC_NAME_BYTES_MAX];
    char log[512]; /* the last line */
    struct gate gate;
};

struct tally {
    struct gate gate;
    int done, ok, failed, notes;
    bool blocked; /* tally_frames waits */
    tc_err last_err;
    bool last_from_peer;
    uint64_t last_len;
    uint8_t last_byte;
    enum rpc_peer_state state;
    int state_changes;
};

struct node_options {
    const char *cluster;
    const char *node;
    struct rpc_tls tls;
    const char *listen; /* NULL: any free port */
    uint32_t threads;
    uint32_t idle_ms;
};

struct node *node_start(const struct node_options *o);
/* idle_ms 0: FIXTURE_WAIT_MS, so that a busy machine cuts no stream. */
void node_serve(struct node *n, const char *listen, uint32_t idle_ms);
void node_stop(struct node *n);

void tally_init(struct tally *t);
void tally_done(void *user, const struct rpc_reply *reply);
void tally_frames(void *user, struct rpc_peer *peer, struct rpc_frames *frames);
void tally_state(void *user, struct rpc_peer *peer, enum rpc_peer_state state);
/* Wait until *value >= least under the gate; fails the test after FIXTURE_WAIT_MS. */
void gate_wait(struct gate *g, const int *value, int least);
int gate_read(struct gate *g, const int *value);
void gate_wait_state(struct tally *t, enum rpc_peer_state state);

struct rpc_peer *peer_to(struct node *client, const struct node *server, struct tally *t,
                         uint32_t frames_max);

/* test_control.c: unary calls, addresses, TLS. */
void test_unary(void **state);
void test_bind(void **state);
void test_mutual_tls(void **state);
void test_tls_files_change(void **state);

#endif
