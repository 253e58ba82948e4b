/* The life of a store: from options and a directory to a running one, and its end. */
#include "base/assert.h"
#include "core/index/index_derive.h"
#include "engine/store/answer.h"
#include "engine/store/beat.h"
#include "engine/store/call.h"
#include "engine/store/delivery.h"
#include "engine/store/directory.h"
#include "engine/store/disk.h"
#include "engine/store/due.h"
#include "engine/store/identity.h"
#include "engine/store/replica.h"
#include "env/fs.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SEGMENT_BYTES_MIN = 4 << 20, /* two of the largest entries */
    SEGMENTS_MIN = 8,
};

struct store_options store_options_default(void) {
    return (struct store_options){
        .node = "",
        .zone = "",
        .addr = "",
        .segment_bytes = 64u << 20,
        .wal_max_bytes = (uint64_t)4 << 30,
        .wal_cache_bytes = 64u << 20,
        .cache_bytes = 64u << 20,
        .checkpoint_bytes = 64u << 20,
        .checkpoint_ms = 60000,
        .segment_age_ms = 5000,
        .segment_offer_bytes = 4u << 20,
        .archive_required = true,
        .lease_ms = 1000,
        .disk = disk_options_default(),
        .suspect_dir = "",
        .dead_ms = 2500,
        .learner_orphan_ms = 10000,
        .gone_ms = 15 * 60 * 1000,
        .outbox_rows_max = 100000,
        .index_wait_ms = 100,
        .collection_bytes_max = INDEX_COLLECTION_BYTES_MAX,
        .replicas_max = STORE_REPLICAS_MAX,
    };
}

/* ---- open */

static tc_err check_options(const struct store_options *o) {
    bool sound = o->segment_bytes >= SEGMENT_BYTES_MIN && o->segment_bytes % 4096 == 0 &&
                 o->wal_max_bytes / o->segment_bytes >= SEGMENTS_MIN && o->lease_ms >= 50 &&
                 strlen(o->node) < STORE_NAME_BYTES_MAX && strlen(o->zone) < STORE_NAME_BYTES_MAX &&
                 strlen(o->addr) < STORE_ADDR_BYTES_MAX && disk_options_sound(&o->disk) &&
                 strlen(o->suspect_dir) < TC_FS_PATH_MAX / 2 && o->replicas_max > 0 &&
                 o->replicas_max <= STORE_REPLICAS_MAX && o->collection_bytes_max > 0;
    return sound ? TC_OK : TC_EINVAL;
}

static tc_err open_log(struct store *s, const char *wal_dir, struct tc_buf *diag) {
    struct wal_options o = wal_options_default();
    memcpy(o.store_uuid, s->uuid, sizeof o.store_uuid);
    o.segment_bytes = s->options.segment_bytes;
    o.max_bytes = s->options.wal_max_bytes;
    o.cache_max_bytes = s->options.wal_cache_bytes;
    o.queue_max_bytes = o.segment_bytes / 2;
    s->queue_max_bytes = o.queue_max_bytes / 4;
    TC_TRY(wal_open(s->env.fs, wal_dir, &o, &s->wal));
    const struct wal_report *report = wal_report(s->wal);
    s->durable_lsn = report->durable_lsn;
    if (report->identity_lost && diag)
        tc_buf_append_str(diag, "the log is damaged where its records cannot be named");
    return report->identity_lost ? TC_ECORRUPT : TC_OK;
}

static void copy_options(struct store *s, const struct store_options *o, const char *dir) {
    s->options = *o;
    (void)snprintf(s->dir, sizeof s->dir, "%s", dir);
    (void)snprintf(s->node, sizeof s->node, "%s", o->node);
    (void)snprintf(s->zone, sizeof s->zone, "%s", o->zone);
    (void)snprintf(s->addr, sizeof s->addr, "%s", o->addr);
    s->options.node = s->node;
    s->options.zone = s->zone;
    s->options.addr = s->addr;
}

static struct store *store_new(const struct store_env *env, const struct store_options *o,
                               const char *dir) {
    struct store *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->env = *env;
    copy_options(s, o, dir);
    tc_list_init(&s->effects_ready);
    tc_list_init(&s->effects_held);
    tc_list_init(&s->jobs);
    tc_list_init(&s->flush_waiting);
    tc_list_init(&s->calls);
    tc_list_init(&s->offers);
    tc_list_init(&s->outboxes);
    tc_list_init(&s->deliveries);
    s->outbox_ns = UINT64_MAX;
    store__due_init(s);
    s->directory = calloc(1, sizeof *s->directory);
    tc_arena_init(&s->scratch, STORE_SCRATCH_BYTES_MAX);
    s->batch = calloc(1, sizeof *s->batch);
    s->wire_out = calloc(1, sizeof *s->wire_out);
    s->wire_in = calloc(1, sizeof *s->wire_in);
    s->wire_entries = calloc(PAXOS_MSG_ENTRIES_MAX, sizeof *s->wire_entries);
    TC_ASSERT(s->directory && s->batch && s->wire_out && s->wire_in && s->wire_entries);
    return s;
}

static tc_err recover(struct store *s, struct tc_buf *diag) {
    char wal_dir[TC_FS_PATH_MAX];
    int len = snprintf(wal_dir, sizeof wal_dir, "%s/wal", s->dir);
    if (len < 0 || (size_t)len >= sizeof wal_dir)
        return TC_EINVAL;
    TC_TRY(store__identity_load(s, wal_dir));
    TC_TRY(store__beat_open(s));
    store__disk_open(s);
    TC_TRY(store__directory_load(s));
    TC_TRY(open_log(s, wal_dir, diag));
    TC_TRY(store__replica_recover_all(s, diag));
    return s->failed ? TC_EIO : TC_OK;
}

tc_err store_open(const struct store_env *env, const char *dir, const struct store_options *options,
                  struct tc_buf *diag, struct store **ret_store) {
    if (check_options(options) != TC_OK || strlen(dir) >= 512) {
        if (diag)
            tc_buf_append_str(diag, "segment size, log size, lease or a name is out of range");
        return TC_EINVAL;
    }
    struct store *s = store_new(env, options, dir);
    tc_err err = recover(s, diag);
    if (err != TC_OK) {
        if (diag && diag->len == 0)
            tc_buf_append_str(diag, tc_err_text(err));
        store_close(s);
        return err;
    }
    *ret_store = s;
    return TC_OK;
}

void store_close(struct store *s) {
    if (s == NULL)
        return;
    TC_ASSERT(s->batch == NULL || s->batch->wal == NULL);
    store__jobs_cancel(s);
    for (size_t i = 0; i < s->replica_count; i++) {
        store__answer_term_ended(s->replicas[i]);
        store__replica_free(s->replicas[i]);
    }
    free((void *)s->replicas);
    store__due_deinit(s);
    tc_buf_deinit(&s->tables_at);
    store__beat_close(s);
    tc_map_deinit(&s->by_gid);
    store__effects_deinit(s);
    store__calls_deinit(s);
    store__deliveries_deinit(s);
    store__directory_free(s);
    tc_arena_deinit(&s->scratch);
    wal_close(s->wal);
    free(s->batch);
    free(s->wire_out);
    free(s->wire_in);
    free(s->wire_entries);
    free(s);
}
