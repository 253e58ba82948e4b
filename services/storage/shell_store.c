/* The store thread: drains its mailbox, steps the store, performs effects. */
#include "base/assert.h"
#include "env/clock.h"
#include "shell.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    METRICS_EVERY_MS = 500,
    LATE_TICK_MS = 20,
    BACKLOG_COUNT =
        64, /* posts; with more the nodes' beats go first, else in the order they came */
    DIE_S = 10,
};

struct shell_post *shell_post_new(enum shell_post_kind kind) {
    struct shell_post *post = calloc(1, sizeof *post);
    TC_ASSERT(post != NULL);
    post->kind = kind;
    return post;
}

void shell_post_free(struct shell_post *post) {
    for (size_t i = 0; i < post->work_count; i++)
        if (post->work[i].message)
            protobuf_c_message_free_unpacked(post->work[i].message, NULL);
    free(post->work);
    if (post->conn)
        rpc_conn_unref(post->conn);
    if (post->call)
        rpc_call_reply(post->call, TC_ECLOSED, TC_SLICE_EMPTY);
    if (post->request)
        protobuf_c_message_free_unpacked(post->request, NULL);
    tc_buf_deinit(&post->answer);
    shell_shipment_free(post->shipment);
    if (post->reply)
        tercet__pb__segment_reply__free_unpacked(post->reply, NULL);
    free(post);
}

/* What cannot be proved durable must not be acknowledged, and a failed sync is never tried again:
 * the process ends here, and the next start verifies the whole log (REPLICATION.md B11). */
static void die(struct shell *s, const char *what, tc_err err) {
    DAEMON_ERROR(s->daemon->log,
                 "the log cannot be trusted any more, this process ends: "
                 "what=\"%s\" err=%s data=%s",
                 what, tc_err_name(err), s->daemon->common.data);
    _exit(70);
}

/* Before the start and after the rest only what touches neither rpc nor other threads. */
static bool untimely(const struct shell *s, enum shell_post_kind kind) {
    bool idle = !s->started || s->rested;
    return idle && kind != SHELL_START && kind != SHELL_STATUS && kind != SHELL_STOP;
}

static void take_post(struct shell *s, struct shell_post *post) {
    tc_err err = TC_OK;
    if (untimely(s, post->kind)) {
        shell_post_free(post);
        return;
    }
    switch (post->kind) {
    case SHELL_FRAMES:
        shell_take_frames(s, post);
        break;
    case SHELL_CALL:
        shell_take_call(s, post);
        break;
    case SHELL_BATCH:
        s->batch_out = false;
        if (post->err != TC_OK)
            (void)alarm(DIE_S); /* the mark of the failure goes to a disk that may hang */
        err = store_batch_done(s->store, post->batch, post->err);
        if (err != TC_OK)
            die(s, "a durable write", post->err);
        break;
    case SHELL_JOB:
        s->jobs_out--;
        store_job_done(s->store, post->job);
        break;
    case SHELL_ARCHIVE:
        shell_take_archive(s, post);
        break;
    case SHELL_CALLED:
        shell_take_called(s, post);
        break;
    case SHELL_INDEX:
        shell_take_index(s, post);
        break;
    case SHELL_MEMDS:
        store_push_all(s->store);
        break;
    case SHELL_START:
        s->started = true;
        break;
    case SHELL_STATUS:
        shell_take_status(s, post->status);
        break;
    case SHELL_STOP:
        s->stopping = true;
        s->stop_ns = daemon_now_ns() + s->options->drain_ms * SHELL_MS_NS;
        break;
    }
    shell_post_free(post);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* As soon as the store wants it, but not more often than its deadlines are worth. Its clock and the
 * daemon's stand apart by the time that the machine slept. */
static uint64_t next_tick_ns(struct shell *s, uint64_t now_ns) {
    bool busy = s->batch_out || s->jobs_out > 0 || s->stopping || store_behind(s->store);
    uint64_t soonest_ns = s->ticked_ns + SHELL_TICK_MS * SHELL_MS_NS;
    uint64_t store_ns = tc_clock_mono_ns(&s->clock.clock), wanted_ns = store_deadline_ns(s->store);
    uint64_t wait_ns = wanted_ns > store_ns ? wanted_ns - store_ns : 0;
    uint64_t at =
        now_ns + (wait_ns < SHELL_WAIT_MS * SHELL_MS_NS ? wait_ns : SHELL_WAIT_MS * SHELL_MS_NS);
    return busy || at < soonest_ns ? soonest_ns : at;
}

static void periodic(struct shell *s, uint64_t now_ns) {
    if (now_ns >= next_tick_ns(s, now_ns)) {
        s->ticked_ns = now_ns;
        store_tick(s->store);
        shell_archive(s);
    }
    if (now_ns >= s->push_ns) {
        s->push_ns = now_ns + s->options->push_interval_ms * SHELL_MS_NS;
        store_push_some(s->store);
    }
    if (now_ns >= s->metrics_ns) {
        s->metrics_ns = now_ns + (uint64_t)METRICS_EVERY_MS * SHELL_MS_NS;
        shell_metrics(s, now_ns);
    }
}

/* On the way out: leaderships first, then let the other threads give back what they have. */
static void come_to_rest(struct shell *s, uint64_t now_ns) {
    if (!s->stopping)
        return;
    if (!s->resting && (store_drain(s->store) || now_ns >= s->stop_ns))
        s->resting = true;
    if (!s->resting || s->batch_out || s->jobs_out > 0 || s->calls_out > 0 || s->shipments_out > 0)
        return;
    pthread_mutex_lock(&s->rest_lock);
    s->rested = true;
    pthread_cond_signal(&s->rest_changed);
    pthread_mutex_unlock(&s->rest_lock);
}

/* A long backlog must not keep this node's beats back: its peers would take it for dead. */
static void tick_in_time(struct shell *s) {
    uint64_t now_ns = daemon_now_ns();
    if (now_ns < s->ticked_ns + LATE_TICK_MS * SHELL_MS_NS)
        return;
    periodic(s, now_ns);
    shell_effects(s);
    rpc_release(s->rpc);
    rpc_hold(s->rpc);
}

/* What one round wants sent leaves together, after the log thread got its batch. */
static void round_once(struct shell *s, void **entries, size_t count, uint64_t now_ns) {
    if (s->rpc)
        rpc_hold(s->rpc);
    bool works = s->started && !s->rested;
    store_press(s->store, count > BACKLOG_COUNT);
    for (size_t i = 0; works && count > BACKLOG_COUNT && i < count; i++)
        if (((struct shell_post *)entries[i])->kind == SHELL_FRAMES)
            shell_take_beats(s, entries[i]);
    for (size_t i = 0; i < count; i++) {
        take_post(s, entries[i]);
        if (works)
            tick_in_time(s);
    }
    if (s->started && !s->rested) {
        periodic(s, now_ns);
        store_deliver(s->store);
        shell_effects(s);
    }
    if (s->rpc)
        rpc_release(s->rpc);
}

static uint64_t run(void *user, void **entries, size_t count, uint64_t now_ns) {
    struct shell *s = user;
    round_once(s, entries, count, now_ns);
    if (!s->started || s->rested)
        return UINT64_MAX;
    come_to_rest(s, now_ns);
    if (store_failed(s->store))
        die(s, "the store", TC_EIO);
    return earlier(next_tick_ns(s, now_ns), earlier(s->push_ns, s->metrics_ns));
}

/* ---- life */

tc_err shell_start_threads(struct shell *s) {
    struct daemon_worker_config wal = {
        .name = "wal", .count_max = 1, .reserve_count = 8, .run = shell_wal_run, .user = s};
    struct daemon_worker_config disk = {.name = "disk",
                                        .count_max = 1,
                                        .reserve_count = SHELL_RESERVE,
                                        .run = shell_disk_run,
                                        .user = s};
    struct daemon_worker_config store = {.name = "store",
                                         .count_max = SHELL_POSTS_MAX,
                                         .reserve_count = SHELL_RESERVE,
                                         .run = run,
                                         .user = s};
    TC_TRY(daemon_worker_start(&wal, &s->wal));
    TC_TRY(daemon_worker_start(&disk, &s->disk));
    return daemon_worker_start(&store, &s->worker);
}

void shell_begin(struct shell *s) {
    tc_err err = daemon_worker_post_reserved(s->worker, shell_post_new(SHELL_START));
    TC_ASSERT(err == TC_OK);
}

void shell_rest(struct shell *s) {
    struct shell_post *post = shell_post_new(SHELL_STOP);
    if (daemon_worker_post_reserved(s->worker, post) != TC_OK) {
        shell_post_free(post);
        return;
    }
    pthread_mutex_lock(&s->rest_lock);
    while (!s->rested)
        pthread_cond_wait(&s->rest_changed, &s->rest_lock);
    pthread_mutex_unlock(&s->rest_lock);
}

void shell_stop_threads(struct shell *s) {
    pthread_mutex_lock(&s->rest_lock);
    s->closed = true;
    pthread_mutex_unlock(&s->rest_lock);
    if (s->worker)
        daemon_worker_stop(s->worker);
    if (s->disk)
        daemon_worker_stop(s->disk);
    if (s->wal)
        daemon_worker_stop(s->wal);
    shell_pendings_drop(s);
    store_close(s->store);
    free(s->bindings);
}
