/* rpc server: streams from other nodes and unary control methods on one listening address.
 *
 * A stream is seen after its Hello was checked (protocol version, cluster): on_open, then any
 * number of on_frames in order of arrival, then on_close, exactly once each for open and close, one
 * at a time per connection. The next message is read after on_frames returns, so a slow receiver
 * slows its sender and nothing piles up here.
 *
 * Limits: conns_max streams and calls_max unary calls, then refusal. While
 * RPC_CONN_OUTBOX_BYTES_MAX are queued for a connection that does not read, answers leave as
 * TC_EUNKNOWN without payload; at twice as much it is cut. One silent for idle_ms is
 * closed (peers send a heartbeat each second).
 */
#ifndef TC_RPC_SERVER_H
#define TC_RPC_SERVER_H

#include "rpc/frames.h"
#include "rpc/rpc.h"

enum {
    RPC_CONN_OUTBOX_BYTES_MAX = 64 << 20,
    RPC_METHODS_MAX = 64,
};

struct rpc_server;
struct rpc_conn;
struct rpc_call;

/* One unary call: payload is valid until the call is answered with rpc_call_reply, which must
 * happen exactly once, from any thread, also after the client has gone. */
typedef void (*rpc_method_fn)(void *user, struct rpc_call *call, struct tc_slice payload);

struct rpc_method {
    const char *name; /* "/tercet.Storage/CreateReplica" */
    rpc_method_fn fn;
    void *user;
};

struct rpc_server_config {
    const char *listen;                                 /* HOST:PORT; port 0: any free one */
    void (*on_open)(void *user, struct rpc_conn *conn); /* may be NULL */
    /* frames is one reference that now belongs to the receiver. NULL: streams are refused. */
    void (*on_frames)(void *user, struct rpc_conn *conn, struct rpc_frames *frames);
    void (*on_close)(void *user, struct rpc_conn *conn); /* may be NULL */
    void *user;
    const struct rpc_method *methods; /* copied */
    size_t method_count;
    uint32_t conns_max; /* 0: 1024 */
    uint32_t calls_max; /* 0: 256 */
    uint32_t idle_ms;   /* 0: 5000 */
    uint32_t grace_ms;  /* how long a stop lets queued answers leave; 0: 1000 */
};

/* Listen and serve. Errors: TC_EINVAL (address, method table), TC_EUNAVAILABLE (address in use). */
TC_MUST_USE tc_err rpc_server_start(struct rpc *rpc, const struct rpc_server_config *config,
                                    struct rpc_server **ret_server);
uint16_t rpc_server_port(const struct rpc_server *server);
/* Refuse new work, let queued answers leave for grace_ms, close every connection (on_close runs),
 * free. Calls not answered yet end as TC_ECLOSED at the client; rpc_call_reply stays allowed.
 * Blocks. NULL is a no-op; rpc_stop does it for servers still running. */
void rpc_server_stop(struct rpc_server *server);

/* Keep a connection beyond its callbacks; after on_close it only answers TC_ECLOSED. */
struct rpc_conn *rpc_conn_ref(struct rpc_conn *conn);
void rpc_conn_unref(struct rpc_conn *conn);
/* The other side's Hello; valid as long as the reference. */
const struct rpc_identity *rpc_conn_identity(const struct rpc_conn *conn);
/* A pointer for the server's own use, NULL at first; set it in on_open. */
void rpc_conn_set_user(struct rpc_conn *conn, void *user);
void *rpc_conn_user(const struct rpc_conn *conn);
/* Answer request id. A connection that is gone drops the answer (its client was told ECLOSED). */
void rpc_conn_reply(struct rpc_conn *conn, uint64_t id, uint32_t kind, tc_err err,
                    struct tc_slice payload);
/* One-way to the client. Errors: TC_ECLOSED, TC_ELIMIT, TC_EBUSY (outbox full; nothing queued) */
TC_MUST_USE tc_err rpc_conn_send(struct rpc_conn *conn, uint32_t kind, struct tc_slice payload);
/* Cut the connection; on_close follows. */
void rpc_conn_close(struct rpc_conn *conn);

/* Answer with an error and payload, both of which reach the client exactly; frees the call. */
void rpc_call_reply(struct rpc_call *call, tc_err err, struct tc_slice payload);
/* What was left of the caller's deadline at arrival; 0: none. */
uint32_t rpc_call_deadline_ms(const struct rpc_call *call);

#endif
