/* Shared by shell_*.c. */
#ifndef TC_SERVICES_MEMDS_SHELL_PRIVATE_H
#define TC_SERVICES_MEMDS_SHELL_PRIVATE_H

#include "daemon/worker.h"
#include "env/posix/posix.h"
#include "memds/map/map.h"
#include "memds/shell.h"
#include "rpc/message.h"

#include <pthread.h>

enum {
    SHELL_MAILBOX_COUNT_MAX = 4096, /* batches; then requests are refused with TC_EBUSY */
    SHELL_SYNC_DEADLINE_MS = 2000,
    SHELL_PURGE_INTERVAL_MS = 5000,
};

/* Rounds run only between these two, while every pointer that answers need is in place. */
enum shell_order {
    SHELL_NO_ORDER,
    SHELL_ROUNDS_ON,
    SHELL_ROUNDS_OFF,
};

/* An entry of the mailbox: exactly one of frames (from a server's connection), ask and order. */
struct shell_event {
    struct rpc_frames *frames;
    struct shell_ask *ask;
    enum shell_order order;
};

/* One question to a peer; posted back as its event when the answer is there. */
struct shell_ask {
    struct shell_event event;
    struct shell_peer *peer;
    struct rpc_frames *frames; /* keeps payload; NULL without an answer */
    struct tc_slice payload;
    tc_err err;
    size_t prefix_len;
    uint8_t prefix[];
};

/* A peer and the round with it. */
struct shell_peer {
    struct shell *shell;
    const char *target;
    struct rpc_peer *rpc; /* not to be touched by the worker while rounds are off */
    struct perkle_sync round;
    uint64_t next_ns; /* when the next round begins */
    bool running;
    bool broken;   /* ask nothing more in this round */
    bool all_warm; /* every answer of this round said so */
    struct map_time began;
    uint64_t told_ms_ago; /* the most that an answer said */
    struct daemon_metric *rounds;
    struct daemon_metric *failures;
    struct daemon_metric *records;
};

struct shell {
    struct shell_config config;
    struct daemon_worker *worker;
    struct rpc_server *server;
    struct map map; /* the worker's, as all below */
    struct tc_buf out;
    struct tc_buf prefix;
    uint64_t purge_ns;
    bool told_warm;
    bool rounds_on;
    size_t peer_count;
    struct shell_peer peers[DAEMON_ADDRS_MAX];
    struct daemon_metric *taken;
    struct daemon_metric *stale;
    struct daemon_metric *refused;
    pthread_mutex_t lock; /* view, rounds_off */
    pthread_cond_t quiet;
    struct shell_view view;
    bool rounds_off;
};

/* shell_serve.c: answer every frame of the batch, drop the reference. */
void shell__serve(struct shell *s, struct rpc_frames *frames, struct map_time now);

/* shell_peer.c */
TC_MUST_USE tc_err shell__peers_open(struct shell *s);
void shell__peers_close(struct shell *s);
/* On the worker: leave every round as it is. */
void shell__peers_quiet(struct shell *s);
/* The map was dropped: what is under way makes no round. */
void shell__peers_break(struct shell *s);
/* Merge an answer; frees the ask. */
void shell__peer_answer(struct shell *s, struct shell_ask *ask);
/* Begin and continue rounds; the monotonic time of the next one. */
uint64_t shell__peers_step(struct shell *s, struct map_time now);

#endif
