/* The store as this daemon's options and machine want it: opened before any thread runs. */
#include "base/assert.h"
#include "env/fs.h"
#include "shell.h"

#include <signal.h>
#include <sys/random.h>

enum {
    ROOM_PAUSE_S = 5,
};

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
        .slow_write_ns = o->disk_slow_write_ms * SHELL_MS_NS,
        .slow_window_ns = o->disk_slow_window_ms * SHELL_MS_NS,
        .slow_drain_ns = o->disk_slow_drain_ms * SHELL_MS_NS,
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
