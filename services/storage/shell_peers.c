/* Streams to other nodes: storage peers (made when first needed), memds, archivers. */
#include "base/assert.h"
#include "route/route.h"
#include "shell.h"

#include <stdlib.h>

enum {
    OFFER_DEADLINE_MS = 30000,
    PUSH_DEADLINE_MS = 2000,
    BULK_BYTES_MAX = 64 << 20,
};

/* Replication and whole copies travel apart, so that a copy never delays an ACCEPT. */
struct shell_peer {
    struct rpc_peer *data;
    struct rpc_peer *bulk;
};

static struct rpc_peer *open_peer(struct shell *s, const char *target, uint64_t bytes_max) {
    struct rpc_peer_config config = {.target = target, .bytes_max = bytes_max};
    struct rpc_peer *peer = NULL;
    tc_err err = rpc_peer_open(s->rpc, &config, &peer);
    if (err != TC_OK)
        DAEMON_WARN(s->daemon->log, "a peer's address cannot be used: target=%s err=%s", target,
                    tc_err_name(err));
    return peer;
}

static struct shell_peer *peer_of(struct shell *s, const char *addr) {
    struct shell_peer *p = tc_map_get(&s->peers, tc_slice_str(addr));
    if (p)
        return p;
    p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->data = open_peer(s, addr, BULK_BYTES_MAX);
    (void)tc_map_put(&s->peers, tc_slice_str(addr), p);
    return p;
}

static uint32_t kind_of(enum store_effect_type type) {
    if (type == STORE_SEND_CHUNK)
        return TERCET__PB__FRAME_KIND__FRAME_SNAPSHOT;
    if (type == STORE_SEND_BEAT)
        return TERCET__PB__FRAME_KIND__FRAME_BEAT;
    if (type == STORE_SEND_BEAT_ACK)
        return TERCET__PB__FRAME_KIND__FRAME_BEAT_ACK;
    return TERCET__PB__FRAME_KIND__FRAME_PAXOS;
}

/* Losing a message is what the protocol expects; it sends again. */
void shell_peer_send(struct shell *s, const struct store_effect *e) {
    struct shell_peer *p = peer_of(s, e->addr);
    bool bulk = e->type == STORE_SEND_CHUNK;
    if (bulk && p->bulk == NULL)
        p->bulk = open_peer(s, e->addr, BULK_BYTES_MAX);
    struct rpc_peer *to = bulk ? p->bulk : p->data;
    if (to && rpc_peer_send(to, kind_of(e->type), tc_buf_slice(&e->payload)) != TC_OK)
        DAEMON_DEBUG(s->daemon->log, "message not sent: target=%s", e->addr);
}

/* ---- memds */

static void pushed(void *user, const struct rpc_reply *reply) {
    (void)user;
    (void)reply; /* the next full push repeats it */
}

void shell_memds_send(struct shell *s, const struct store_effect *e) {
    for (size_t i = 0; i < s->options->memds.count; i++)
        if (s->memds[i] &&
            rpc_peer_request(s->memds[i], TERCET__PB__FRAME_KIND__FRAME_PUSH,
                             tc_buf_slice(&e->payload), PUSH_DEADLINE_MS, pushed, NULL) != TC_OK)
            DAEMON_DEBUG(s->daemon->log, "push not sent: target=%s", s->options->memds.items[i]);
}

static void memds_changed(void *user, struct rpc_peer *peer, enum rpc_peer_state state) {
    struct shell *s = user;
    (void)peer;
    if (state != RPC_PEER_UP)
        return;
    struct shell_post *post = shell_post_new(SHELL_MEMDS);
    if (daemon_worker_post(s->worker, post) != TC_OK)
        shell_post_free(post); /* the periodic push comes anyway */
}

/* ---- archiver */

struct offer {
    struct shell *shell;
    uint64_t gid;
};

static void answered(void *user, const struct rpc_reply *reply) {
    struct offer *offer = user;
    struct shell_post *post = shell_post_new(SHELL_ARCHIVE);
    post->gid = offer->gid;
    if (reply->err == TC_OK)
        post->reply =
            tercet__pb__segment_reply__unpack(NULL, reply->payload.len, reply->payload.data);
    if (daemon_worker_post_reserved(offer->shell->worker, post) != TC_OK)
        shell_post_free(post);
    free(offer);
}

void shell_take_archive(struct shell *s, struct shell_post *post) {
    TC_ASSERT(s->offers_out > 0);
    s->offers_out--;
    if (post->reply)
        store_archived(s->store, post->gid, post->reply);
    else
        store_archive_lost(s->store, post->gid);
}

static struct rpc_peer *archiver_up(const struct shell *s) {
    for (size_t i = 0; i < s->options->archiver.count; i++)
        if (s->archivers[i] && rpc_peer_state(s->archivers[i]) == RPC_PEER_UP)
            return s->archivers[i];
    return NULL;
}

static void send_offer(struct shell *s, struct rpc_peer *to, uint64_t gid,
                       const struct tc_buf *payload) {
    struct offer *offer = calloc(1, sizeof *offer);
    TC_ASSERT(offer != NULL);
    *offer = (struct offer){.shell = s, .gid = gid};
    if (rpc_peer_request(to, TERCET__PB__FRAME_KIND__FRAME_SEGMENT, tc_buf_slice(payload),
                         OFFER_DEADLINE_MS, answered, offer) == TC_OK) {
        s->offers_out++;
        return;
    }
    free(offer);
    store_archive_lost(s->store, gid);
}

void shell_archive(struct shell *s) {
    struct rpc_peer *to = s->resting ? NULL : archiver_up(s);
    while (to && s->offers_out < SHELL_OFFERS_MAX) {
        struct tc_buf payload = {0};
        uint64_t gid = 0;
        tc_err err = store_segment_next(s->store, &payload, &gid);
        if (err == TC_OK)
            send_offer(s, to, gid, &payload);
        tc_buf_deinit(&payload);
        if (err != TC_OK)
            return;
    }
}

/* ---- calls to other storage nodes */

struct call {
    struct shell *shell;
    uint64_t token;
};

static void called(void *user, const struct rpc_reply *reply) {
    struct call *call = user;
    struct shell_post *post = shell_post_new(SHELL_CALLED);
    post->token = call->token;
    post->err = reply->err;
    tc_buf_append_slice(&post->answer, reply->payload);
    if (daemon_worker_post_reserved(call->shell->worker, post) != TC_OK)
        shell_post_free(post);
    free(call);
}

void shell_call(struct shell *s, const struct store_effect *e) {
    struct call *call = calloc(1, sizeof *call);
    TC_ASSERT(call != NULL);
    *call = (struct call){.shell = s, .token = e->token};
    tc_err err = s->resting ? TC_ECLOSED
                            : rpc_unary(s->rpc, e->addr, e->method, tc_buf_slice(&e->payload),
                                        e->deadline_ms, called, call);
    if (err == TC_OK) {
        s->calls_out++;
        return;
    }
    free(call);
    store_call_done(s->store, e->token, err, TC_SLICE_EMPTY);
}

void shell_take_called(struct shell *s, struct shell_post *post) {
    TC_ASSERT(s->calls_out > 0);
    s->calls_out--;
    store_call_done(s->store, post->token, post->err, tc_buf_slice(&post->answer));
}

/* ---- life */

tc_err shell_peers_open(struct shell *s) {
    for (size_t i = 0; i < s->options->memds.count; i++) {
        struct rpc_peer_config config = {
            .target = s->options->memds.items[i], .on_state = memds_changed, .user = s};
        TC_TRY(rpc_peer_open(s->rpc, &config, &s->memds[i]));
    }
    for (size_t i = 0; i < s->options->archiver.count; i++) {
        struct rpc_peer_config config = {.target = s->options->archiver.items[i],
                                         .bytes_max = BULK_BYTES_MAX};
        TC_TRY(rpc_peer_open(s->rpc, &config, &s->archivers[i]));
    }
    return TC_OK;
}

void shell_peers_close(struct shell *s) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    for (size_t i = 0; i < s->options->memds.count; i++)
        rpc_peer_close(s->memds[i]);
    for (size_t i = 0; i < s->options->archiver.count; i++)
        rpc_peer_close(s->archivers[i]);
    route_free(s->route);
    while (tc_map_next(&s->peers, &at, &key, &value)) {
        struct shell_peer *p = value;
        rpc_peer_close(p->data);
        rpc_peer_close(p->bulk);
        free(p);
    }
    tc_map_deinit(&s->peers);
}
