/* Unary calls: one message each way. */
#include "sim/suite/wire.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both sides of one call; lives to the end of the run. */
struct rpc_call {
    struct tc_list link;     /* in its client's list, while outstanding */
    struct tc_list all_link; /* in all outstanding calls */
    struct rpc *rpc;
    uint32_t client, server;
    uint64_t client_life;
    char target[128];
    char method[RPC_NAME_BYTES_MAX];
    struct tc_buf request;
    struct tc_buf response;
    tc_err err;
    uint32_t deadline_ms;
    rpc_reply_fn done;
    void *user;
    rpc_method_fn fn;
    void *fn_user;
    bool sent, answered, over;
};

static struct tc_list all = {&all, &all};

static bool client_there(const struct rpc_call *c) {
    const struct suite_proc *p = &suite_now->procs[c->client];
    return !c->over && p->alive && p->life == c->client_life;
}

/* ---- the end, on the client's fiber */

static void finish(void *arg) {
    struct rpc_call *c = arg;
    if (c->over)
        return;
    c->over = true;
    tc_list_remove(&c->link);
    tc_list_remove(&c->all_link);
    struct rpc_reply reply = {
        .err = c->err, .from_peer = c->answered, .payload = tc_buf_slice(&c->response)};
    c->done(c->user, &reply);
}

static void end(struct rpc_call *c, tc_err err, bool answered) {
    if (!client_there(c))
        return;
    c->err = err;
    c->answered = answered;
    wire_post(c->rpc, finish, c);
}

static void expires(struct suite *s, void *arg) {
    struct rpc_call *c = arg;
    (void)s;
    if (client_there(c) && !c->answered)
        end(c, c->sent ? TC_ETIMEOUT : TC_EUNAVAILABLE, false);
}

/* ---- at the server */

static void serve(void *arg) {
    struct rpc_call *c = arg;
    c->fn(c->fn_user, c, tc_buf_slice(&c->request));
}

static void arrives(struct suite *s, void *arg) {
    struct rpc_call *c = arg;
    if (!client_there(c) || !suite_net_open(s, c->client, c->server))
        return; /* the deadline tells */
    struct rpc_server *server = wire_listener(s, c->target);
    if (server == NULL) {
        end(c, TC_EUNAVAILABLE, false);
        return;
    }
    c->sent = true;
    for (size_t i = 0; i < server->config.method_count; i++)
        if (strcmp(server->methods[i].name, c->method) == 0) {
            c->fn = server->methods[i].fn;
            c->fn_user = server->methods[i].user;
        }
    if (c->fn == NULL)
        end(c, TC_EUNSUPPORTED, false);
    else
        wire_post(server->rpc, serve, c);
}

static void answer_arrives(struct suite *s, void *arg) {
    struct rpc_call *c = arg;
    if (suite_net_open(s, c->server, c->client))
        end(c, c->err, true);
}

void rpc_call_reply(struct rpc_call *call, tc_err err, struct tc_slice payload) {
    if (call->over || call->answered)
        return;
    tc_buf_append_slice(&call->response, payload);
    call->err = err;
    suite_after(suite_now, suite_net_delay_ns(suite_now), answer_arrives, call);
}

void rpc_call_reply_message(struct rpc_call *call, tc_err err, const ProtobufCMessage *message) {
    struct tc_buf b = {0};
    if (message)
        (void)protobuf_c_message_pack(
            message, tc_buf_extend(&b, protobuf_c_message_get_packed_size(message)));
    rpc_call_reply(call, err, tc_buf_slice(&b));
    tc_buf_deinit(&b);
}

uint32_t rpc_call_deadline_ms(const struct rpc_call *call) {
    return call->deadline_ms;
}

/* ---- at the client */

tc_err rpc_unary(struct rpc *rpc, const char *target, const char *method, struct tc_slice payload,
                 uint32_t deadline_ms, rpc_reply_fn done, void *user) {
    struct rpc_call *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL && deadline_ms > 0);
    *c = (struct rpc_call){.rpc = rpc,
                           .client = rpc->proc->id,
                           .client_life = rpc->life,
                           .server = wire_proc_of(target),
                           .deadline_ms = deadline_ms,
                           .done = done,
                           .user = user};
    snprintf(c->target, sizeof c->target, "%s", target);
    snprintf(c->method, sizeof c->method, "%s", method);
    tc_buf_append_slice(&c->request, payload);
    tc_list_push_back(&rpc->calls, &c->link);
    tc_list_push_back(&all, &c->all_link);
    suite_after(suite_now, suite_net_delay_ns(suite_now), arrives, c);
    suite_after(suite_now, deadline_ms * SUITE_MS, expires, c);
    return TC_OK;
}

struct waiting {
    bool done;
    tc_err err;
    struct tc_buf *payload;
    struct suite_proc *proc;
};

static void woken(void *user, const struct rpc_reply *reply) {
    struct waiting *w = user;
    w->done = true;
    w->err = reply->err;
    tc_buf_append_slice(w->payload, reply->payload);
    suite_wake(w->proc, w, /* all= */ true);
}

tc_err rpc_unary_wait(struct rpc *rpc, const char *target, const char *method,
                      struct tc_slice payload, uint32_t deadline_ms, struct tc_buf *ret_payload) {
    struct waiting w = {.payload = ret_payload, .proc = rpc->proc};
    TC_TRY(rpc_unary(rpc, target, method, payload, deadline_ms, woken, &w));
    while (!w.done)
        (void)suite_park(&w, UINT64_MAX);
    return w.err;
}

void wire_calls_finish(struct rpc *rpc) {
    for (struct tc_list *l = rpc->calls.next; l != &rpc->calls; l = l->next)
        end(TC_CONTAINER(l, struct rpc_call, link), TC_ECLOSED, false);
    while (!tc_list_empty(&rpc->calls))
        suite_sleep(SUITE_MS);
}

static void reset_arrives(struct suite *s, void *arg) {
    struct rpc_call *c = arg;
    if (client_there(c) && !c->answered && suite_net_open(s, c->server, c->client))
        end(c, TC_ECLOSED, false);
}

void wire_calls_killed(struct suite_proc *p) {
    for (struct tc_list *l = all.next; l != &all;) {
        struct rpc_call *c = TC_CONTAINER(l, struct rpc_call, all_link);
        l = l->next;
        if (c->client == p->id && c->client_life != p->life && !c->over) {
            c->over = true; /* nobody is left to hear of it; its memory is the dead process's */
            tc_list_remove(&c->all_link);
        } else if (c->server == p->id && c->sent) {
            suite_after(suite_now, suite_net_delay_ns(suite_now), reset_arrives, c);
        }
    }
}
