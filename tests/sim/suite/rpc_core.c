/* struct rpc: a fiber that runs callbacks in the order in which they fell due. */
#include "sim/suite/wire.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct post {
    struct tc_list link;
    wire_fn fn;
    void *arg;
};

bool wire_alive(const struct rpc *rpc) {
    return rpc->proc->alive && rpc->proc->life == rpc->life;
}

void wire_post(struct rpc *rpc, wire_fn fn, void *arg) {
    if (!wire_alive(rpc))
        return;
    struct post *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->fn = fn;
    p->arg = arg;
    tc_list_push_back(&rpc->posts, &p->link);
    suite_wake(rpc->proc, rpc, /* all= */ true);
}

static void *callbacks(void *arg) {
    struct rpc *rpc = arg;
    for (;;) {
        struct tc_list *l = tc_list_pop_front(&rpc->posts);
        if (l) {
            struct post *p = TC_CONTAINER(l, struct post, link);
            p->fn(p->arg);
            free(p);
        } else if (rpc->stopping) {
            return NULL;
        } else {
            (void)suite_park(rpc, UINT64_MAX);
        }
    }
}

static const char *keep(char *to, const char *from) {
    snprintf(to, RPC_NAME_BYTES_MAX, "%s", from ? from : "");
    return to;
}

tc_err rpc_start(const struct rpc_config *config, struct rpc **ret_rpc) {
    struct rpc *r = calloc(1, sizeof *r);
    TC_ASSERT(r != NULL);
    r->proc = suite_proc_self();
    r->life = r->proc->life;
    r->self = (struct rpc_identity){
        keep(r->cluster, config->self.cluster), keep(r->daemon, config->self.daemon),
        keep(r->node, config->self.node), keep(r->zone, config->self.zone)};
    tc_list_init(&r->posts);
    tc_list_init(&r->peers);
    tc_list_init(&r->servers);
    tc_list_init(&r->calls);
    tc_list_push_back(&r->proc->rpcs, &r->link);
    r->fiber = suite_fiber_new(r->proc, "rpc", callbacks, r);
    *ret_rpc = r;
    return TC_OK;
}

void rpc_stop(struct rpc *rpc) {
    if (rpc == NULL)
        return;
    while (!tc_list_empty(&rpc->servers))
        rpc_server_stop(TC_CONTAINER(rpc->servers.next, struct rpc_server, link));
    while (!tc_list_empty(&rpc->peers))
        rpc_peer_close(TC_CONTAINER(rpc->peers.next, struct rpc_peer, link));
    wire_calls_finish(rpc);
    rpc->stopping = true;
    suite_wake(rpc->proc, rpc, /* all= */ true);
    (void)suite_fiber_join(rpc->fiber);
    tc_list_remove(&rpc->link);
    free(rpc);
}

/* What is queued at one moment leaves as one message anyway. */
void rpc_hold(struct rpc *rpc) {
    (void)rpc;
}

void rpc_release(struct rpc *rpc) {
    (void)rpc;
}

void rpc_stats(const struct rpc *rpc, struct rpc_stats *ret_stats) {
    *ret_stats = rpc->stats;
}

uint32_t wire_proc_of(const char *target) {
    const char *colon = strrchr(target, ':');
    TC_ASSERT(colon != NULL);
    return (uint32_t)strtoul(colon + 1, NULL, 10) - WIRE_PORT_BASE;
}

struct rpc_server *wire_listener(struct suite *s, const char *target) {
    uint32_t id = wire_proc_of(target);
    if (id >= s->proc_count || !s->procs[id].alive)
        return NULL;
    struct suite_proc *p = &s->procs[id];
    for (struct tc_list *l = p->rpcs.next; l != &p->rpcs; l = l->next) {
        struct rpc *rpc = TC_CONTAINER(l, struct rpc, link);
        if (!tc_list_empty(&rpc->servers))
            return TC_CONTAINER(rpc->servers.next, struct rpc_server, link);
    }
    return NULL;
}
