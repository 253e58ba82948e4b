#include "engine/store/store.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "base/reader.h"
#include "core/index/index_derive.h"
#include "engine/store/answer.h"
#include "engine/store/beat.h"
#include "engine/store/call.h"
#include "engine/store/directory.h"
#include "engine/store/disk.h"
#include "engine/store/due.h"
#include "engine/store/file.h"
#include "engine/store/group.h"
#include "engine/store/log.h"
#include "engine/store/members.h"
#include "engine/store/outbox.h"
#include "engine/store/replica.h"
#include "engine/store/store_private.h"
#include "engine/store/upkeep.h"
#include "env/fs.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STORE_FILE_VERSION = 1,
    SEGMENT_BYTES_MIN = 4 << 20, /* two of the largest entries */
    SEGMENTS_MIN = 8,
};

#define STORE_FILE "store"

struct store_batch {
    struct wal_batch *wal;
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

static tc_err save_identity(struct store *s) {
    struct tc_buf b = {0};
    tc_buf_append_u8(&b, STORE_FILE_VERSION);
    tc_buf_append(&b, s->uuid, sizeof s->uuid);
    tc_buf_append_u64(&b, s->boot);
    tc_err err = store__file_save(s->env.fs, s->dir, STORE_FILE, tc_buf_slice(&b));
    tc_buf_deinit(&b);
    return err;
}

static tc_err decode_identity(struct store *s, struct tc_slice content) {
    struct tc_reader r = tc_reader(content);
    uint8_t version = tc_reader_u8(&r);
    struct tc_slice uuid = tc_reader_bytes(&r, STORE_UUID_BYTES);
    s->boot = tc_reader_u64(&r);
    if (!tc_reader_at_end(&r) || version != STORE_FILE_VERSION)
        return TC_ECORRUPT;
    memcpy(s->uuid, uuid.data, sizeof s->uuid);
    return TC_OK;
}

static void count_name(void *user, const char *name) {
    (void)name;
    (*(size_t *)user)++;
}

/* A new uuid is made for a directory without a log only: a log whose store file is gone belongs to
 * a store that nobody can vouch for any more. */
static tc_err format(struct store *s, const char *wal_dir) {
    tc_err err = tc_fs_mkdir(s->env.fs, wal_dir);
    if (err == TC_EEXISTS) {
        size_t names = 0;
        TC_TRY(tc_fs_list(s->env.fs, wal_dir, count_name, &names));
        err = names > 0 ? TC_ECORRUPT : TC_OK;
    }
    TC_TRY(err);
    for (size_t i = 0; i < sizeof s->uuid; i += 8) {
        uint64_t bits = s->env.random(s->env.user);
        memcpy(s->uuid + i, &bits, sizeof bits);
    }
    return tc_fs_sync_dir(s->env.fs, s->dir);
}

static tc_err load_identity(struct store *s, const char *wal_dir) {
    struct tc_buf content = {0};
    tc_err err = store__file_load(s->env.fs, s->dir, STORE_FILE, &content);
    if (err == TC_OK)
        err = decode_identity(s, tc_buf_slice(&content));
    else if (err == TC_ENOTFOUND)
        err = format(s, wal_dir);
    tc_buf_deinit(&content);
    TC_TRY(err);
    s->boot++;
    s->opened_ns = store__now_ns(s);
    return save_identity(s);
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
    TC_TRY(load_identity(s, wal_dir));
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

/* ---- time and messages */

void store__fail(struct store *s, const char *why) {
    TC_TRACE(&s->env.trace, "%s -> this store stops", why);
    s->failed = true;
}

uint64_t store__log_bytes_coming(const struct store *s) {
    return wal_space(s->wal).queued_bytes + s->proposed_bytes;
}

void store__check_clocks(struct store *s) {
    uint64_t mono_ns = store__now_ns(s), wall_ns = store__wall_ns(s);
    uint64_t mono_moved_ns = mono_ns - s->clock_mono_ns, wall_moved_ns = wall_ns - s->clock_wall_ns;
    uint64_t apart_ns = wall_moved_ns > mono_moved_ns ? wall_moved_ns - mono_moved_ns
                                                      : mono_moved_ns - wall_moved_ns;
    bool first = s->clock_mono_ns == 0;
    s->clock_mono_ns = mono_ns;
    s->clock_wall_ns = wall_ns;
    if (first || apart_ns < s->options.lease_ms * STORE_MS_NS / 4)
        return;
    TC_PROBE("store: the clocks moved apart");
    support_void(s->support, mono_ns);
    for (size_t i = 0; i < s->replica_count; i++) {
        struct paxos_event ev = {.type = PAXOS_EV_CLOCK_JUMP};
        if (s->replicas[i]->paxos)
            (void)store__group_step(s->replicas[i], &ev);
    }
}

void store_tick(struct store *s) {
    store__check_clocks(s);
    uint64_t now_ns = store__now_ns(s);
    store__flush(s);
    store__beat_listen(s, now_ns);
    store__due_tick(s, now_ns);
    store__outbox_tick(s, now_ns);
    store__beat_speak(s, now_ns);
    store__upkeep(s, now_ns);
}

void store_deliver(struct store *s) {
    if (s->outbox_ns != UINT64_MAX)
        store__outbox_tick(s, store__now_ns(s));
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint64_t store_deadline_ns(const struct store *s) {
    uint64_t at = earlier(s->upkeep_ns, store__beat_deadline_ns(s));
    at = earlier(at, s->outbox_ns);
    return earlier(at, store__due_deadline_ns(s));
}

bool store_behind(const struct store *s) {
    for (const struct tc_list *at = s->due.active.next; at != &s->due.active; at = at->next) {
        const struct replica *r = TC_CONTAINER(at, struct replica, active_link);
        if (r->applied.index < r->committed)
            return true;
    }
    return false;
}

static bool addressed(const struct store *s, const struct replica *r,
                      const Tercet__Pb__PaxosMessage *m) {
    const Tercet__Pb__Member *from = store__members_find(r, m->from);
    return from && m->to == r->rid &&
           tc_slice_eq(proto_slice(m->to_store), tc_slice(s->uuid, STORE_UUID_BYTES)) &&
           tc_slice_eq(proto_slice(m->from_store), proto_slice(from->store_uuid));
}

/* A member that this replica's configuration does not name yet introduces itself. */
static void meet(const struct store *s, struct replica *r, const Tercet__Pb__PaxosMessage *m) {
    if (m->sender == NULL || m->sender->rid != m->from || store__members_find(r, m->from) ||
        !tc_slice_eq(proto_slice(m->to_store), tc_slice(s->uuid, STORE_UUID_BYTES)) ||
        !tc_slice_eq(proto_slice(m->from_store), proto_slice(m->sender->store_uuid)) ||
        store__wire_crc(m) != m->crc)
        return;
    TC_PROBE("store: a member introduced itself");
    store__members_learn(r, m->sender, /* logged= */ false);
}

bool store__log_has_room(const struct store *s) {
    struct wal_space space = wal_space(s->wal);
    return store__log_bytes_coming(s) < 2 * s->queue_max_bytes && !space.no_room &&
           space.used_bytes + s->options.segment_bytes <= space.max_bytes;
}

/* What finds no room is sent again. */
static bool has_room(const struct store *s, const Tercet__Pb__PaxosMessage *m) {
    return m->n_entries == 0 || store__log_has_room(s);
}

static void receive(struct replica *r, const struct paxos_msg *msg) {
    struct paxos_event ev = {.type = PAXOS_EV_RECEIVE, .msg = msg};
    tc_err err = store__group_step(r, &ev);
    if (err != TC_OK || msg->type != PAXOS_ACCEPT || msg->ballot != r->status.ballot)
        return;
    r->fed_ns = store__now_ns(r->store);
    store__group_heard(r, msg->commit);
}

void store_receive(struct store *s, const Tercet__Pb__PaxosMessage *msg) {
    struct replica *r = store__find(s, msg->gid);
    if (r && r->paxos)
        meet(s, r, msg);
    bool sound = r && r->paxos && addressed(s, r, msg) && has_room(s, msg) &&
                 store__wire_in_init(s->wire_in, msg) == TC_OK;
    if (!sound) {
        s->counters.messages_dropped++;
        return;
    }
    s->counters.messages_in++;
    receive(r, &s->wire_in->msg);
    store__wire_in_deinit(s->wire_in);
}

/* ---- the log's batches */

void store__flush(struct store *s) {
    while (!tc_list_empty(&s->flush_waiting))
        store__group_flush(TC_CONTAINER(s->flush_waiting.next, struct replica, flush_link));
}

static void became_durable(struct store *s, uint64_t lsn) {
    s->durable_lsn = lsn;
    store__effects_release(s);
    for (struct tc_list *at = s->due.active.next; at != &s->due.active; at = at->next) {
        struct replica *r = TC_CONTAINER(at, struct replica, active_link);
        if (r->unit_count > 0)
            store__group_durable(r);
    }
}

struct store_batch *store_batch_take(struct store *s) {
    store__flush(s);
    if (s->batch->wal || s->failed)
        return NULL;
    s->batch->wal = wal_batch_take(s->wal);
    if (TC_MUTANT(1)) /* the batch counts as synced before it is */
        became_durable(s, wal_last_lsn(s->wal));
    if (s->batch->wal == NULL)
        return NULL;
    disk_write_began(&s->disk, store__now_ns(s));
    return s->batch;
}

tc_err store_batch_write(struct store_batch *b) {
    return wal_batch_write(b->wal);
}

tc_err store_batch_done(struct store *s, struct store_batch *b, tc_err err) {
    TC_ASSERT(b == s->batch && b->wal != NULL);
    struct wal_batch *batch = b->wal;
    b->wal = NULL;
    uint64_t lsn = s->durable_lsn;
    disk_write_ended(&s->disk, store__now_ns(s));
    if (wal_batch_done(s->wal, batch, err, &lsn) != TC_OK) {
        store__disk_failed(s, "a write of the log failed");
        store__fail(s, "a write of the log failed");
        return TC_EIO;
    }
    if (TC_MUTANT(1) && lsn < s->durable_lsn)
        lsn = s->durable_lsn;
    TC_ASSERT(lsn >= s->durable_lsn);
    s->counters.batches++;
    became_durable(s, lsn);
    return s->failed ? TC_EIO : TC_OK;
}

bool store_failed(const struct store *s) {
    return s->failed;
}

const struct store_counters *store_counters(const struct store *s) {
    return &s->counters;
}
