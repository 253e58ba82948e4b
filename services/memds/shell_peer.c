/* Rounds with peers: every interval each peer is asked for what differs. */
#include "memds/shell_private.h"

#include "base/assert.h"
#include "proto/common.pb-c.h"
#include "proto/memds.pb-c.h"

#include <stdlib.h>

static void ask_free(struct shell_ask *ask) {
    rpc_frames_unref(ask->frames);
    free(ask);
}

/* On an rpc thread. The mailbox has room in reserve for every question that may be open. */
static void on_answer(void *user, const struct rpc_reply *reply) {
    struct shell_ask *ask = user;
    ask->err = reply->err;
    if (reply->frames) {
        ask->frames = rpc_frames_ref(reply->frames);
        ask->payload = reply->payload;
    }
    if (daemon_worker_post_reserved(ask->peer->shell->worker, &ask->event) != TC_OK)
        ask_free(ask); /* the worker has stopped */
}

static struct shell_ask *ask_new(struct shell_peer *peer, struct tc_slice prefix) {
    struct shell_ask *ask = calloc(1, sizeof *ask + prefix.len);
    TC_ASSERT(ask != NULL);
    ask->event.ask = ask;
    ask->peer = peer;
    ask->prefix_len = prefix.len;
    if (prefix.len > 0)
        memcpy(ask->prefix, prefix.data, prefix.len);
    return ask;
}

static tc_err send_ask(struct shell_peer *peer, struct tc_slice prefix) {
    struct shell_ask *ask = ask_new(peer, prefix);
    Tercet__Pb__SyncRequest request = TERCET__PB__SYNC_REQUEST__INIT;
    request.prefix = (ProtobufCBinaryData){.len = ask->prefix_len, .data = ask->prefix};
    const tc_err err =
        rpc_peer_request_message(peer->rpc, TERCET__PB__FRAME_KIND__FRAME_SYNC, &request.base,
                                 SHELL_SYNC_DEADLINE_MS, on_answer, ask);
    if (err != TC_OK)
        ask_free(ask);
    return err;
}

static void end_round(struct shell *s, struct shell_peer *peer) {
    peer->running = false;
    daemon_metric_add(peer->records, peer->round.changed_count);
    if (peer->broken) {
        daemon_metric_add(peer->failures, 1);
        return;
    }
    daemon_metric_add(peer->rounds, 1);
    if (peer->all_warm && !peer->round.incomplete)
        map_peer_heard(&s->map, peer->began, peer->told_ms_ago);
}

/* Ask as much as the round allows; end it when nothing is left. */
static void continue_round(struct shell *s, struct shell_peer *peer) {
    while (!peer->broken && perkle_sync_next(&peer->round, &s->prefix)) {
        if (send_ask(peer, tc_buf_slice(&s->prefix)) != TC_OK) {
            perkle_sync_lost(&peer->round);
            peer->broken = true;
        }
    }
    const bool idle = peer->round.in_flight_count == 0;
    if (idle && (peer->broken || perkle_sync_done(&peer->round)))
        end_round(s, peer);
}

void shell__peer_answer(struct shell *s, struct shell_ask *ask) {
    struct shell_peer *peer = ask->peer;
    const struct tc_slice prefix = tc_slice(ask->prefix, ask->prefix_len);
    Tercet__Pb__SyncReply *reply = NULL;
    struct map_word word = {.warm = false};
    if (ask->err == TC_OK)
        reply = tercet__pb__sync_reply__unpack(NULL, ask->payload.len, ask->payload.data);
    if (reply == NULL) {
        perkle_sync_lost(&peer->round);
        peer->broken = true;
    } else {
        const tc_err err = map_take_sync(&peer->round, prefix, reply, posix_wall_ms(), &word);
        if (err != TC_OK)
            DAEMON_WARN(s->config.log, "peer's records refused: peer=%s err=%s", peer->target,
                        tc_err_name(err));
        tercet__pb__sync_reply__free_unpacked(reply, NULL);
    }
    peer->all_warm = peer->all_warm && word.warm;
    if (word.told_ms_ago > peer->told_ms_ago)
        peer->told_ms_ago = word.told_ms_ago;
    ask_free(ask);
    continue_round(s, peer);
}

static void begin_round(struct shell *s, struct shell_peer *peer, struct map_time now) {
    peer->next_ns = now.ns + s->config.sync_interval_ms * UINT64_C(1000000);
    if (rpc_peer_state(peer->rpc) != RPC_PEER_UP) {
        daemon_metric_add(peer->failures, 1);
        return;
    }
    perkle_sync_start(&peer->round, &s->map.tree);
    peer->running = true;
    peer->broken = false;
    peer->all_warm = true;
    peer->began = now;
    peer->told_ms_ago = 0;
    continue_round(s, peer);
}

uint64_t shell__peers_step(struct shell *s, struct map_time now) {
    uint64_t next_ns = UINT64_MAX;
    if (!s->rounds_on)
        return next_ns;
    for (size_t i = 0; i < s->peer_count; i++) {
        struct shell_peer *peer = &s->peers[i];
        if (!peer->running && now.ns >= peer->next_ns)
            begin_round(s, peer, now);
        if (!peer->running && peer->next_ns < next_ns)
            next_ns = peer->next_ns;
    }
    return next_ns;
}

void shell__peers_quiet(struct shell *s) {
    s->rounds_on = false;
    shell__peers_break(s);
}

void shell__peers_break(struct shell *s) {
    for (size_t i = 0; i < s->peer_count; i++)
        s->peers[i].broken = true;
}

static tc_err open_peer(struct shell *s, const char *target) {
    struct shell_peer *peer = &s->peers[s->peer_count];
    const struct memds_metrics *m = s->config.metrics;
    const struct rpc_peer_config config = {.target = target};
    *peer = (struct shell_peer){
        .shell = s,
        .target = target,
        .rounds = daemon_metric_with(m->sync_rounds_total, target, NULL),
        .failures = daemon_metric_with(m->sync_failures_total, target, NULL),
        .records = daemon_metric_with(m->sync_records_total, target, NULL),
    };
    TC_TRY(rpc_peer_open(s->config.rpc, &config, &peer->rpc));
    s->peer_count++;
    return TC_OK;
}

tc_err shell__peers_open(struct shell *s) {
    const struct daemon_addrs *peers = s->config.peers;
    for (size_t i = 0; i < peers->count; i++) {
        if (strcmp(peers->items[i], s->config.listen) != 0)
            TC_TRY(open_peer(s, peers->items[i]));
    }
    return TC_OK;
}

void shell__peers_close(struct shell *s) {
    for (size_t i = 0; i < s->peer_count; i++)
        rpc_peer_close(s->peers[i].rpc);
}
