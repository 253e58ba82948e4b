/* What server.c, conn.c and call.c share: the server and its lists of connections and calls. */
#ifndef TC_RPC_SERVER_PRIVATE_H
#define TC_RPC_SERVER_PRIVATE_H

#include "rpc/rpc_private.h"

struct rpc_server {
    struct tc_list link; /* rpc->servers */
    struct rpc *rpc;
    grpc_server *server;
    struct rpc_server_config config; /* listen is not kept */
    struct rpc_method *methods;
    struct rpc__tls_served served;
    int port;
    struct rpc__tag shut;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t changed;
    struct tc_list conns, calls;
    uint32_t conn_count, call_count, accept_count;
    bool stopping, shut_done;
};

/* Take a new stream; the server has counted it in conn_count. */
void rpc__conn_accept(struct rpc_server *server, grpc_call *call);
/* Nothing waits to leave. */
bool rpc__conn_idle(struct tc_list *link);
/* Cut the connection of this list entry; the server's lock is held, so it cannot go meanwhile. */
void rpc__conn_cut(struct tc_list *link);
/* Take a unary call; counted in call_count. */
void rpc__call_accept(struct rpc_server *server, grpc_call *call, const struct rpc_method *method,
                      gpr_timespec deadline);
/* Answer a call that no handler sees: a bare status, or OK with err; counted in call_count. */
void rpc__call_refuse(struct rpc_server *server, grpc_call *call, grpc_status_code status,
                      tc_err err, const char *why);

#endif
