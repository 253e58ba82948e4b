/* wire: lib/rpc's interface over the simulated network. Shared by rpc_*.c.
 *
 * A stream is a session between a peer and a connection: ordered, lossless while it lives, stalled
 * by a cut link and given up after silence, as TCP with heartbeats is. Everything queued at one
 * moment travels as one message. Callbacks run on one fiber per struct rpc.
 */
#ifndef TC_SIM_SUITE_WIRE_H
#define TC_SIM_SUITE_WIRE_H

#include "rpc/frames.h"
#include "rpc/message.h"
#include "rpc/peer.h"
#include "rpc/server.h"
#include "rpc/unary.h"
#include "sim/suite/suite.h"

enum {
    WIRE_PORT_BASE = 7000, /* process i listens on WIRE_PORT_BASE + i */
    HTTP_PORT_BASE = 8000, /* ... and a router for HTTP here */
    WIRE_METHODS_MAX = RPC_METHODS_MAX,
};

enum wire_way {
    WIRE_UP,   /* peer to connection */
    WIRE_DOWN, /* connection to peer */
};

/* A message under way or queued. */
struct wire_frame {
    struct tc_list link;
    struct rpc_frame head;
    struct tc_buf payload;
};

struct wire_parcel {
    struct tc_list link;
    uint64_t at_ns;
    struct rpc_frames *frames;
};

/* Both ends of a stream; lives to the end of the run. */
struct wire_session {
    struct tc_list link; /* in all sessions */
    uint32_t ends[2];    /* process of the peer, of the connection */
    uint64_t lives[2];
    struct rpc_peer *peer; /* NULL: that end is gone */
    struct rpc_conn *conn;
    struct tc_list outbox[2]; /* wire_frame, by way */
    bool flushing[2];
    struct tc_list under_way[2]; /* wire_parcel */
    uint64_t stalled_ns[2];      /* how long the last try waited for the link, by way */
    uint64_t heard_ns[2];        /* by the peer, by the connection */
};

typedef void (*wire_fn)(void *arg);

struct rpc {
    struct tc_list link; /* in its process */
    struct suite_proc *proc;
    uint64_t life;
    char cluster[RPC_NAME_BYTES_MAX];
    char daemon[RPC_NAME_BYTES_MAX];
    char node[RPC_NAME_BYTES_MAX];
    char zone[RPC_NAME_BYTES_MAX];
    struct rpc_identity self;
    struct tc_list posts; /* for its fiber */
    struct suite_fiber *fiber;
    bool stopping;
    struct tc_list peers;
    struct tc_list servers;
    struct tc_list calls; /* unary, outstanding */
    struct rpc_stats stats;
};

struct wire_slot {
    struct tc_list link;
    uint64_t id;
    bool sent;
    rpc_reply_fn done;
    void *user;
};

struct rpc_peer {
    struct tc_list link;
    struct rpc *rpc;
    struct rpc_peer_config config;
    char target[128];
    char expected[RPC_NAME_BYTES_MAX];
    enum rpc_peer_state state;
    uint64_t number; /* unique in the run, for events that may come too late */
    uint32_t failures;
    struct wire_session *session;
    struct tc_list early; /* wire_frame queued while connecting */
    struct tc_list slots;
    uint32_t slot_count;
    bool finished;
};

struct rpc_server {
    struct tc_list link;
    struct rpc *rpc;
    struct rpc_server_config config;
    struct rpc_method methods[WIRE_METHODS_MAX];
    struct tc_list conns;
    bool finished;
};

struct rpc_conn {
    struct tc_list link; /* in its server, while open */
    int refs;
    struct rpc_server *server;
    struct wire_session *session; /* NULL: closed */
    struct rpc_identity identity;
    char names[4][RPC_NAME_BYTES_MAX];
    void *user;
};

/* rpc_core.c */
/* Run fn on the rpc's fiber; nothing happens if its process has ended since. */
void wire_post(struct rpc *rpc, wire_fn fn, void *arg);
bool wire_alive(const struct rpc *rpc);
/* Who listens at HOST:PORT and lives; NULL: nobody. */
struct rpc_server *wire_listener(struct suite *s, const char *target);
uint32_t wire_proc_of(const char *target);

/* rpc_frames.c */
struct wire_frame *wire_frame_new(struct rpc_frame head, struct tc_slice payload);
struct wire_frame *wire_frame_new_message(struct rpc_frame head, const ProtobufCMessage *message);
/* Take the queued frames over as one batch. */
struct rpc_frames *wire_frames_take(struct tc_list *frames);
/* A batch of those that are replies (or are not), payloads shared; NULL: there are none. */
struct rpc_frames *wire_frames_some(struct rpc_frames *f, bool replies);
void wire_frames_drop(struct tc_list *frames);

/* rpc_session.c */
struct wire_session *wire_session_new(struct rpc_peer *peer, struct rpc_server *server);
void wire_session_push(struct wire_session *w, enum wire_way way, struct wire_frame *f);
/* One end leaves; the other hears of it if the network lets it. */
void wire_session_leave(struct wire_session *w, enum wire_way from_end);

/* rpc_peer.c */
/* Events name a peer by where it stands and its number: it may be gone when they come. */
struct wire_peer_ref {
    struct rpc_peer *peer;
    struct suite_proc *proc;
    uint64_t life;
    uint64_t number;
};
/* NULL: it is gone. */
struct rpc_peer *wire_peer_still(const struct wire_peer_ref *a);
void wire_peer_up(struct rpc_peer *p, struct wire_session *w);
void wire_peer_lost(struct rpc_peer *p, struct wire_session *w);
void wire_peer_finish(struct rpc_peer *p);

/* rpc_request.c */
/* Unique in the process. */
uint64_t wire_number(void);
/* Every request that is out fails. */
void wire_peer_fail(struct rpc_peer *p);
void wire_peer_take(struct rpc_peer *p, struct rpc_frames *frames);
void wire_peer_sent(struct rpc_peer *p, const struct rpc_frames *frames);

/* rpc_server.c */
struct rpc_conn *wire_conn_new(struct rpc_server *server, const struct rpc *client,
                               struct wire_session *w);
void wire_conn_lost(struct rpc_conn *c);

/* rpc_unary.c */
void wire_calls_killed(struct suite_proc *p);
void wire_calls_finish(struct rpc *rpc);

#endif
