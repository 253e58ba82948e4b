/* The store thread: drains its mailbox, steps the store, performs effects. */
#include "base/assert.h"
#include "env/clock.h"
#include "env/fs.h"
#include "shell.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    METRICS_EVERY_MS = 500,
    LATE_TICK_MS = 20,
    BACKLOG_COUNT =
        64, /* posts; with more the nodes' beats go first, else in the order they came */
    DIE_S = 10,
    ROOM_PAUSE_S = 5,
};

#define MS_NS UINT64_C(1000000)

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

/* ---- status, for the admin thread */

struct shell_status {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    struct tc_buf *out;
};

static void take_status(struct shell *s, struct shell_status *status) {
    pthread_mutex_lock(&status->lock);
    store_status_json(s->store, status->out);
    status->done = true;
    pthread_cond_signal(&status->changed);
    pthread_mutex_unlock(&status->lock);
}

void shell_status(void *user, struct tc_buf *ret_json) {
    struct shell *s = user;
    struct shell_status status = {.out = ret_json};
    struct shell_post *post = shell_post_new(SHELL_STATUS);
    pthread_mutex_init(&status.lock, NULL);
    pthread_cond_init(&status.changed, NULL);
    post->status = &status;
    pthread_mutex_lock(&s->rest_lock);
    bool posted = !s->closed && daemon_worker_post(s->worker, post) == TC_OK;
    pthread_mutex_unlock(&s->rest_lock);
    if (posted) {
        pthread_mutex_lock(&status.lock);
        while (!status.done)
            pthread_cond_wait(&status.changed, &status.lock);
        pthread_mutex_unlock(&status.lock);
    } else {
        shell_post_free(post);
        tc_buf_append_str(ret_json, "{}");
    }
    pthread_cond_destroy(&status.changed);
    pthread_mutex_destroy(&status.lock);
}

/* ---- the loop */

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
        take_status(s, post->status);
        break;
    case SHELL_STOP:
        s->stopping = true;
        s->stop_ns = daemon_now_ns() + s->options->drain_ms * MS_NS;
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
    uint64_t soonest_ns = s->ticked_ns + SHELL_TICK_MS * MS_NS;
    uint64_t store_ns = tc_clock_mono_ns(&s->clock.clock), wanted_ns = store_deadline_ns(s->store);
    uint64_t wait_ns = wanted_ns > store_ns ? wanted_ns - store_ns : 0;
    uint64_t at = now_ns + (wait_ns < SHELL_WAIT_MS * MS_NS ? wait_ns : SHELL_WAIT_MS * MS_NS);
    return busy || at < soonest_ns ? soonest_ns : at;
}

static void periodic(struct shell *s, uint64_t now_ns) {
    if (now_ns >= next_tick_ns(s, now_ns)) {
        s->ticked_ns = now_ns;
        store_tick(s->store);
        shell_archive(s);
    }
    if (now_ns >= s->push_ns) {
        s->push_ns = now_ns + s->options->push_interval_ms * MS_NS;
        store_push_some(s->store);
    }
    if (now_ns >= s->metrics_ns) {
        s->metrics_ns = now_ns + (uint64_t)METRICS_EVERY_MS * MS_NS;
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
    if (now_ns < s->ticked_ns + LATE_TICK_MS * MS_NS)
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

static uint64_t random_bits(void *user) {
    uint64_t bits = 0;
    (void)user;
    ssize_t got = getrandom(&bits, sizeof bits, 0);
    TC_ASSERT(got == (ssize_t)sizeof bits);
    return bits;
}

static void trace_line(void *user, const char *text) {
    const struct shell *s = user;
    DAEMON_DEBUG(s->daemon->log, "trace: text=\"%s\"", text);
}

static void notice(void *user, const char *text) {
    const struct shell *s = user;
    DAEMON_ERROR(s->daemon->log, "damage found: %s", text);
}

const char *shell_address(const struct storage_options *o, const struct daemon_common_options *c) {
    return o->rpc_advertise.count > 0 ? o->rpc_advertise.items[0] : c->rpc_listen.items[0];
}

static struct store_options store_options_of(const struct shell *s) {
    const struct storage_options *o = s->options;
    struct store_options to = store_options_default();
    to.node = s->daemon->node;
    to.zone = s->daemon->common.zone;
    to.addr = shell_address(o, &s->daemon->common);
    to.segment_bytes = o->wal_segment_bytes;
    to.wal_max_bytes = o->wal_max_bytes;
    to.wal_cache_bytes = o->wal_cache_bytes;
    to.cache_bytes = o->cache_bytes;
    to.checkpoint_bytes = o->checkpoint_bytes;
    to.checkpoint_ms = o->checkpoint_interval_ms;
    to.segment_age_ms = o->segment_age_ms;
    to.segment_offer_bytes = o->segment_bytes;
    to.archive_required = o->archiver.count > 0;
    to.lease_ms = o->lease_ms;
    to.dead_ms = o->heal_dead_ms;
    to.learner_orphan_ms = o->learner_orphan_ms;
    to.read_units = o->partition_read_units;
    to.write_units = o->partition_write_units;
    to.outbox_rows_max = o->outbox_rows_max;
    to.index_wait_ms = o->index_wait_ms;
    to.collection_bytes_max = o->collection_bytes_max;
    to.disk = (struct disk_options){
        .no_replicas_permille = (uint32_t)o->disk_no_replicas_permille,
        .no_leaders_permille = (uint32_t)o->disk_no_leaders_permille,
        .no_writes_permille = (uint32_t)o->disk_no_writes_permille,
        .ample_bytes = o->disk_ample_bytes,
        .slow_write_ns = o->disk_slow_write_ms * MS_NS,
        .slow_window_ns = o->disk_slow_window_ms * MS_NS,
        .slow_drain_ns = o->disk_slow_drain_ms * MS_NS,
    };
    to.suspect_dir = o->suspect_dir;
    to.replicas_max = shell_replicas_max(s);
    return to;
}

/* A disk without a byte to spare is no reason to end and to be started again for ever: wait for
 * room, or for the signal to stop, which is blocked for this process already. */
static bool wait_for_room(const struct shell *s) {
    sigset_t stop;
    struct timespec pause = {.tv_sec = ROOM_PAUSE_S};
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    DAEMON_ERROR(s->daemon->log, "no space to open the store, looking again: data=%s pause_s=%d",
                 s->daemon->common.data, ROOM_PAUSE_S);
    return sigtimedwait(&stop, NULL, &pause) < 0;
}

tc_err shell_open_store(struct shell *s) {
    struct tc_buf diag = {0};
    posix_fs_init(&s->fs);
    posix_clock_init(&s->clock);
    tc_list_init(&s->pendings);
    pthread_mutex_init(&s->rest_lock, NULL);
    pthread_cond_init(&s->rest_changed, NULL);
    struct store_env env = {.fs = &s->fs.fs,
                            .clock = &s->clock.clock,
                            .random = random_bits,
                            .user = s,
                            .trace = {.line = trace_line, .user = s},
                            .notice = notice};
    struct store_options options = store_options_of(s);
    const char *dir = s->daemon->common.data;
    tc_err err = tc_fs_mkdir(&s->fs.fs, dir);
    if (err == TC_OK || err == TC_EEXISTS)
        do {
            tc_buf_clear(&diag);
            err = store_open(&env, dir, &options, &diag, &s->store);
        } while (err == TC_EFULL && wait_for_room(s));
    else
        tc_buf_append_str(&diag, "the folder cannot be made");
    if (err != TC_OK)
        DAEMON_ERROR(s->daemon->log, "the store cannot be opened: data=%s err=%s why=\"%.*s\"", dir,
                     tc_err_name(err), (int)diag.len, (const char *)diag.data);
    tc_buf_deinit(&diag);
    return err;
}

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
