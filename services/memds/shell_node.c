/* Start, stop, and the worker's loop. */
#include "memds/shell_private.h"

#include "base/assert.h"

#include <stdlib.h>

/* On an rpc thread. */
static void on_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames) {
    (void)conn;
    struct shell *s = user;
    struct shell_event *event = malloc(sizeof *event);
    TC_ASSERT(event != NULL);
    *event = (struct shell_event){.frames = frames};
    if (daemon_worker_post(s->worker, event) != TC_OK) {
        free(event);
        rpc_frames_refuse(frames, TC_EBUSY);
    }
}

static void publish(struct shell *s, uint64_t now_ns) {
    const struct memds_metrics *m = s->config.metrics;
    struct perkle_part root;
    perkle_part(&s->map.tree, TC_SLICE_EMPTY, &root);
    const struct shell_view view = {
        .warm = map_warm(&s->map, now_ns),
        .records = perkle_live_count(&s->map.tree),
        .tombstones = root.count - perkle_live_count(&s->map.tree),
        .root_lo = root.hash.lo,
        .root_hi = root.hash.hi,
    };
    daemon_metric_set(m->records, (int64_t)view.records);
    daemon_metric_set(m->tombstones, (int64_t)view.tombstones);
    daemon_metric_set(m->warm, view.warm);
    daemon_metric_set(m->root_hash, (int64_t)(view.root_lo >> 16));
    (void)pthread_mutex_lock(&s->lock);
    s->view = view;
    (void)pthread_mutex_unlock(&s->lock);
    if (view.warm && !s->told_warm) {
        s->told_warm = true;
        DAEMON_INFO(s->config.log, "map is warm: records=%llu by=%s",
                    (unsigned long long)view.records, s->map.peer_heard ? "peer" : "storage");
    }
}

static void purge(struct shell *s, uint64_t now_ns) {
    if (now_ns < s->purge_ns)
        return;
    s->purge_ns = now_ns + SHELL_PURGE_INTERVAL_MS * UINT64_C(1000000);
    const uint64_t count = perkle_purge(&s->map.tree, posix_wall_ms(), MAP_PURGED_COUNT_MAX);
    daemon_metric_add(s->config.metrics->purged_total, count);
}

static void obey(struct shell *s, enum shell_order order) {
    s->rounds_on = order == SHELL_ROUNDS_ON;
    if (s->rounds_on)
        return;
    shell__peers_quiet(s);
    (void)pthread_mutex_lock(&s->lock);
    s->rounds_off = true;
    (void)pthread_cond_signal(&s->quiet);
    (void)pthread_mutex_unlock(&s->lock);
}

/* Before anything is served or asked. */
static void look_alone(struct shell *s, struct map_time now) {
    if (!map_begin_anew(&s->map, now))
        return;
    shell__peers_break(s);
    s->told_warm = false;
    daemon_metric_add(s->config.metrics->begun_anew_total, 1);
    DAEMON_WARN(s->config.log,
                "map dropped: storage was not heard for %d minutes, neither here nor through "
                "peers; it fills again when they are",
                MAP_ALONE_MS / 60000);
}

static void take(struct shell *s, struct shell_event *event, struct map_time now) {
    if (event->ask) {
        shell__peer_answer(s, event->ask); /* frees it, and the event in it */
        return;
    }
    if (event->frames)
        shell__serve(s, event->frames, now);
    else
        obey(s, event->order);
    free(event);
}

static uint64_t run(void *user, void **entries, size_t count, uint64_t now_ns) {
    struct shell *s = user;
    const struct map_time now = {.ns = now_ns, .ms = posix_wall_ms()};
    look_alone(s, now);
    rpc_hold(s->config.rpc); /* the answers of one round leave together */
    for (size_t i = 0; i < count; i++)
        take(s, entries[i], now);
    purge(s, now_ns);
    const uint64_t next_ns = shell__peers_step(s, now);
    rpc_release(s->config.rpc);
    publish(s, now_ns);
    const uint64_t tick_ns = now_ns + UINT64_C(1000000000); /* warmth and purges */
    return next_ns < tick_ns ? next_ns : tick_ns;
}

static void give_order(struct shell *s, enum shell_order order) {
    struct shell_event *event = calloc(1, sizeof *event);
    TC_ASSERT(event != NULL);
    event->order = order;
    const tc_err err = daemon_worker_post_reserved(s->worker, event);
    TC_ASSERT(err == TC_OK); /* there is room for both orders */
}

static tc_err start_worker(struct shell *s) {
    const struct daemon_worker_config config = {
        .name = "memds",
        .count_max = SHELL_MAILBOX_COUNT_MAX,
        .reserve_count = DAEMON_ADDRS_MAX * PERKLE_SYNC_IN_FLIGHT_MAX + 2,
        .run = run,
        .user = s,
    };
    return daemon_worker_start(&config, &s->worker);
}

static tc_err start_server(struct shell *s) {
    const struct rpc_server_config config = {
        .listen = s->config.listen,
        .on_frames = on_frames,
        .user = s,
    };
    return rpc_server_start(s->config.rpc, &config, &s->server);
}

tc_err shell_start(const struct shell_config *config, struct shell **ret_shell) {
    struct shell *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->config = *config;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->quiet, NULL);
    struct daemon_metric *records = config->metrics->push_records_total;
    s->taken = daemon_metric_with(records, "taken", NULL);
    s->stale = daemon_metric_with(records, "stale", NULL);
    s->refused = daemon_metric_with(records, "refused", NULL);
    map_init(&s->map, config->records_max,
             (struct map_time){.ns = daemon_now_ns(), .ms = posix_wall_ms()});
    tc_err err = shell__peers_open(s);
    if (err == TC_OK)
        err = start_worker(s);
    if (err == TC_OK)
        err = start_server(s);
    if (err != TC_OK) {
        shell_stop(s);
        return err;
    }
    give_order(s, SHELL_ROUNDS_ON);
    *ret_shell = s;
    return TC_OK;
}

void shell_view(struct shell *s, struct shell_view *ret_view) {
    (void)pthread_mutex_lock(&s->lock);
    *ret_view = s->view;
    (void)pthread_mutex_unlock(&s->lock);
}

uint16_t shell_port(const struct shell *s) {
    return rpc_server_port(s->server);
}

static void stop_rounds(struct shell *s) {
    give_order(s, SHELL_ROUNDS_OFF);
    (void)pthread_mutex_lock(&s->lock);
    while (!s->rounds_off)
        (void)pthread_cond_wait(&s->quiet, &s->lock);
    (void)pthread_mutex_unlock(&s->lock);
}

/* The server and the peers end before the worker: their last callbacks post to its mailbox. */
void shell_stop(struct shell *s) {
    if (s == NULL)
        return;
    rpc_server_stop(s->server);
    if (s->worker)
        stop_rounds(s);
    shell__peers_close(s);
    if (s->worker)
        daemon_worker_stop(s->worker);
    for (size_t i = 0; i < s->peer_count; i++)
        perkle_sync_deinit(&s->peers[i].round);
    map_deinit(&s->map);
    tc_buf_deinit(&s->out);
    tc_buf_deinit(&s->prefix);
    (void)pthread_cond_destroy(&s->quiet);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
