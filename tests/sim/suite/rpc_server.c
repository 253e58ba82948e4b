/* The server's end of streams. */
#include "sim/suite/wire.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tc_err rpc_server_start(struct rpc *rpc, const struct rpc_server_config *config,
                        struct rpc_server **ret_server) {
    struct rpc_server *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL && config->method_count <= WIRE_METHODS_MAX);
    TC_ASSERT(wire_proc_of(config->listen) == rpc->proc->id && tc_list_empty(&rpc->servers));
    s->rpc = rpc;
    s->config = *config;
    if (config->method_count)
        memcpy(s->methods, config->methods, config->method_count * sizeof s->methods[0]);
    s->config.methods = s->methods;
    tc_list_init(&s->conns);
    tc_list_push_back(&rpc->servers, &s->link);
    *ret_server = s;
    return TC_OK;
}

uint16_t rpc_server_port(const struct rpc_server *server) {
    return (uint16_t)(WIRE_PORT_BASE + server->rpc->proc->id);
}

static void opened(void *arg) {
    struct rpc_conn *c = arg;
    if (c->session && c->server->config.on_open)
        c->server->config.on_open(c->server->config.user, c);
    rpc_conn_unref(c);
}

struct rpc_conn *wire_conn_new(struct rpc_server *server, const struct rpc *client,
                               struct wire_session *w) {
    struct rpc_conn *c = calloc(1, sizeof *c);
    const struct rpc_identity *id = &client->self;
    const char *from[4] = {id->cluster, id->daemon, id->node, id->zone};
    TC_ASSERT(c != NULL);
    for (int i = 0; i < 4; i++)
        snprintf(c->names[i], sizeof c->names[i], "%s", from[i]);
    c->identity = (struct rpc_identity){c->names[0], c->names[1], c->names[2], c->names[3]};
    c->server = server;
    c->session = w;
    c->refs = 2; /* the server's, and that of the opening */
    tc_list_push_back(&server->conns, &c->link);
    wire_post(server->rpc, opened, c);
    return c;
}

void wire_conn_lost(struct rpc_conn *c) {
    if (c->session == NULL)
        return;
    c->session = NULL;
    tc_list_remove(&c->link);
    if (c->server->config.on_close)
        c->server->config.on_close(c->server->config.user, c);
    rpc_conn_unref(c);
}

static void close_all(void *arg) {
    struct rpc_server *s = arg;
    while (!tc_list_empty(&s->conns)) {
        struct rpc_conn *c = TC_CONTAINER(s->conns.next, struct rpc_conn, link);
        wire_session_leave(c->session, WIRE_DOWN);
        wire_conn_lost(c);
    }
    s->finished = true;
    suite_wake(s->rpc->proc, s, /* all= */ true);
}

void rpc_server_stop(struct rpc_server *server) {
    if (server == NULL)
        return;
    tc_list_remove(&server->link); /* nobody finds it any more */
    suite_sleep(SUITE_MS);         /* queued answers leave */
    wire_post(server->rpc, close_all, server);
    while (!server->finished)
        (void)suite_park(server, UINT64_MAX);
    free(server);
}

struct rpc_conn *rpc_conn_ref(struct rpc_conn *conn) {
    conn->refs++;
    return conn;
}

void rpc_conn_unref(struct rpc_conn *conn) {
    TC_ASSERT(conn->refs > 0);
    if (--conn->refs == 0)
        free(conn);
}

const struct rpc_identity *rpc_conn_identity(const struct rpc_conn *conn) {
    return &conn->identity;
}

void rpc_conn_set_user(struct rpc_conn *conn, void *user) {
    conn->user = user;
}

void *rpc_conn_user(const struct rpc_conn *conn) {
    return conn->user;
}

static void push(struct rpc_conn *c, struct wire_frame *f) {
    wire_session_push(c->session, WIRE_DOWN, f);
}

void rpc_conn_reply(struct rpc_conn *conn, uint64_t id, uint32_t kind, tc_err err,
                    struct tc_slice payload) {
    struct rpc_frame head = {.id = id, .kind = kind, .err = err, .reply = true};
    if (conn->session)
        push(conn, wire_frame_new(head, payload));
}

void rpc_conn_reply_message(struct rpc_conn *conn, uint64_t id, uint32_t kind, tc_err err,
                            const ProtobufCMessage *message) {
    struct rpc_frame head = {.id = id, .kind = kind, .err = err, .reply = true};
    if (conn->session)
        push(conn, wire_frame_new_message(head, message));
}

tc_err rpc_conn_send(struct rpc_conn *conn, uint32_t kind, struct tc_slice payload) {
    if (conn->session == NULL)
        return TC_ECLOSED;
    push(conn, wire_frame_new((struct rpc_frame){.kind = kind}, payload));
    return TC_OK;
}

tc_err rpc_conn_send_message(struct rpc_conn *conn, uint32_t kind,
                             const ProtobufCMessage *message) {
    if (conn->session == NULL)
        return TC_ECLOSED;
    push(conn, wire_frame_new_message((struct rpc_frame){.kind = kind}, message));
    return TC_OK;
}

static void cut(void *arg) {
    struct rpc_conn *c = arg;
    if (c->session) {
        wire_session_leave(c->session, WIRE_DOWN);
        wire_conn_lost(c);
    }
    rpc_conn_unref(c);
}

void rpc_conn_close(struct rpc_conn *conn) {
    wire_post(conn->server->rpc, cut, rpc_conn_ref(conn));
}
