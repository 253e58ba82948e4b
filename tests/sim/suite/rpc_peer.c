/* The client's end of streams: how a peer is reached, lost and reached again. rpc_request.c sends.
 */
#include "sim/suite/wire.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- connecting */

struct rpc_peer *wire_peer_still(const struct wire_peer_ref *a) {
    if (!a->proc->alive || a->proc->life != a->life)
        return NULL;
    for (struct tc_list *r = a->proc->rpcs.next; r != &a->proc->rpcs; r = r->next) {
        struct rpc *rpc = TC_CONTAINER(r, struct rpc, link);
        for (struct tc_list *l = rpc->peers.next; l != &rpc->peers; l = l->next) {
            struct rpc_peer *p = TC_CONTAINER(l, struct rpc_peer, link);
            if (p == a->peer && p->number == a->number && p->state != RPC_PEER_CLOSED)
                return p;
        }
    }
    return NULL;
}

static void again_after(struct rpc_peer *p, uint64_t ns, suite_fn fn) {
    struct wire_peer_ref *a = calloc(1, sizeof *a);
    TC_ASSERT(a != NULL);
    *a = (struct wire_peer_ref){p, p->rpc->proc, p->rpc->life, p->number};
    suite_after(suite_now, ns, fn, a);
}

static void connect(struct suite *s, void *arg);

static uint64_t backoff_ns(const struct rpc_peer *p) {
    return (p->failures <= 1 ? 50 : p->failures == 2 ? 200 : 500) * SUITE_MS;
}

static void set_state(struct rpc_peer *p, enum rpc_peer_state state) {
    bool was_up = p->state == RPC_PEER_UP;
    p->state = state;
    if ((was_up || state == RPC_PEER_UP) && p->config.on_state)
        p->config.on_state(p->config.user, p, state);
}

static void fell_back(void *arg) {
    struct wire_peer_ref *a = arg;
    struct rpc_peer *p = wire_peer_still(a);
    free(a);
    if (p == NULL || p->state == RPC_PEER_UP)
        return;
    wire_frames_drop(&p->early);
    set_state(p, RPC_PEER_BACKOFF);
    wire_peer_fail(p);
}

static void try_later(struct suite *s, void *arg) {
    struct wire_peer_ref *a = arg;
    struct rpc_peer *p = wire_peer_still(a);
    (void)s;
    free(a);
    if (p == NULL)
        return;
    p->state = RPC_PEER_CONNECTING;
    again_after(p, suite_net_delay_ns(suite_now), connect);
}

static void refused(struct rpc_peer *p) {
    struct wire_peer_ref *a = calloc(1, sizeof *a);
    TC_ASSERT(a != NULL);
    *a = (struct wire_peer_ref){p, p->rpc->proc, p->rpc->life, p->number};
    p->failures++;
    wire_post(p->rpc, fell_back, a);
    again_after(p, backoff_ns(p), try_later);
}

static struct rpc_server *reach(struct suite *s, const struct rpc_peer *p) {
    struct rpc_server *server = wire_listener(s, p->target);
    uint32_t from = p->rpc->proc->id, to = wire_proc_of(p->target);
    if (server == NULL || !suite_net_open(s, from, to) || !suite_net_open(s, to, from))
        return NULL;
    const struct rpc_identity *id = &server->rpc->self;
    bool same = strcmp(id->cluster, p->rpc->self.cluster) == 0;
    return same && (p->expected[0] == 0 || strcmp(p->expected, id->node) == 0) ? server : NULL;
}

static void came_up(void *arg) {
    struct wire_session *w = arg;
    if (w->peer)
        wire_peer_up(w->peer, w);
}

static void connect(struct suite *s, void *arg) {
    struct wire_peer_ref *a = arg;
    struct rpc_peer *p = wire_peer_still(a);
    free(a);
    if (p == NULL)
        return;
    struct rpc_server *server = reach(s, p);
    if (server == NULL || server->config.on_frames == NULL) {
        refused(p);
        return;
    }
    p->failures = 0;
    p->session = wire_session_new(p, server);
    wire_post(p->rpc, came_up, p->session);
}

void wire_peer_up(struct rpc_peer *p, struct wire_session *w) {
    struct tc_list *l;
    p->rpc->stats.peers_up++;
    set_state(p, RPC_PEER_UP);
    while ((l = tc_list_pop_front(&p->early)) != NULL)
        wire_session_push(w, WIRE_UP, TC_CONTAINER(l, struct wire_frame, link));
}

void wire_peer_lost(struct rpc_peer *p, struct wire_session *w) {
    if (p->session != w || p->state == RPC_PEER_CLOSED)
        return;
    p->session = NULL;
    p->failures = 1;
    p->rpc->stats.reconnects++;
    wire_frames_drop(&w->outbox[WIRE_UP]);
    wire_frames_drop(&p->early);
    again_after(p, backoff_ns(p), try_later);
    set_state(p, RPC_PEER_BACKOFF);
    wire_peer_fail(p);
}

/* ---- life */

static void copy(char *to, size_t cap, const char *from) {
    snprintf(to, cap, "%s", from ? from : "");
}

tc_err rpc_peer_open(struct rpc *rpc, const struct rpc_peer_config *config,
                     struct rpc_peer **ret_peer) {
    struct rpc_peer *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->rpc = rpc;
    p->config = *config;
    p->number = wire_number();
    copy(p->target, sizeof p->target, config->target);
    copy(p->expected, sizeof p->expected, config->node);
    p->config.frames_max = config->frames_max ? config->frames_max : 4096;
    tc_list_init(&p->early);
    tc_list_init(&p->slots);
    tc_list_push_back(&rpc->peers, &p->link);
    again_after(p, suite_net_delay_ns(suite_now), connect);
    *ret_peer = p;
    return TC_OK;
}

static void finish(void *arg) {
    struct rpc_peer *p = arg;
    wire_peer_fail(p);
    p->finished = true;
    suite_wake(p->rpc->proc, p, /* all= */ true);
}

void rpc_peer_close(struct rpc_peer *peer) {
    if (peer == NULL)
        return;
    peer->state = RPC_PEER_CLOSED;
    if (peer->session)
        wire_session_leave(peer->session, WIRE_UP);
    peer->session = NULL;
    wire_frames_drop(&peer->early);
    wire_post(peer->rpc, finish, peer);
    while (!peer->finished)
        (void)suite_park(peer, UINT64_MAX);
    tc_list_remove(&peer->link);
    free(peer);
}

enum rpc_peer_state rpc_peer_state(const struct rpc_peer *peer) {
    return peer->state;
}

const char *rpc_peer_target(const struct rpc_peer *peer) {
    return peer->target;
}

void rpc_peer_stats(struct rpc_peer *peer, struct rpc_peer_stats *ret_stats) {
    *ret_stats =
        (struct rpc_peer_stats){.state = peer->state, .outstanding_count = peer->slot_count};
}
