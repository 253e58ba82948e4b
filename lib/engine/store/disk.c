#include "engine/store/disk.h"

#include "base/mutant.h"
#include "base/probe.h"
#include "engine/store/file.h"
#include "engine/store/group.h"
#include "env/fs.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    DISK_EVERY_MS = 1000,
};

/* A leadership that comes back at once had no better place: it stays this long. */
#define DISK_GIVE_PAUSE_NS UINT64_C(60000000000)

#define MARK_BESIDE "suspect"

static void tell(const struct store *s, const char *text) {
    TC_TRACE(&s->env.trace, "%s", text);
    if (s->env.notice)
        s->env.notice(s->env.user, text);
}

/* ---- marks */

static void mark_name(const struct store *s, char *to, size_t cap) {
    int at = snprintf(to, cap, "suspect-");
    for (size_t i = 0; i < STORE_UUID_BYTES; i++)
        at += snprintf(to + at, cap - (size_t)at, "%02x", s->uuid[i]);
}

static void load_mark(struct store *s, const char *dir, const char *name) {
    struct tc_buf record = {0};
    tc_err err = store__file_load(s->env.fs, dir, name, &record);
    if (err == TC_OK)
        err = disk_record_decode(&s->disk, tc_buf_slice(&record));
    if (err == TC_ECORRUPT)
        disk_error(&s->disk, store__wall_ns(s));
    tc_buf_deinit(&record);
}

void store__disk_open(struct store *s) {
    char name[64];
    mark_name(s, name, sizeof name);
    disk_init(&s->disk, &s->options.disk);
    load_mark(s, s->dir, MARK_BESIDE);
    if (s->options.suspect_dir[0])
        load_mark(s, s->options.suspect_dir, name);
    size_t errors = disk_errors(&s->disk, store__wall_ns(s));
    if (errors == 0)
        return;
    TC_PROBE("store: opened on a suspect disk");
    char text[128];
    (void)snprintf(text, sizeof text,
                   "the disk failed %zu times within a day: the whole log is read and verified",
                   errors);
    tell(s, text);
}

void store__disk_failed(struct store *s, const char *what) {
    char name[64], text[192];
    uint8_t record[DISK_RECORD_BYTES_MAX];
    disk_error(&s->disk, store__wall_ns(s));
    struct tc_slice content = tc_slice(record, disk_record_encode(&s->disk, record));
    mark_name(s, name, sizeof name);
    tc_err off = TC_ENOTFOUND;
    if (s->options.suspect_dir[0])
        off = store__file_save(s->env.fs, s->options.suspect_dir, name, content);
    tc_err beside = store__file_save(s->env.fs, s->dir, MARK_BESIDE, content);
    (void)snprintf(text, sizeof text,
                   "the disk failed: what=\"%s\" mark_elsewhere=%s mark_beside=%s", what,
                   tc_err_name(off), tc_err_name(beside));
    tell(s, text);
}

/* ---- verdict */

static void look_at_space(struct store *s) {
    struct tc_fs_space space = {0};
    enum disk_fill before = s->disk.fill;
    if (tc_fs_space(s->env.fs, s->dir, &space) != TC_OK)
        return;
    if (TC_MUTANT(84) && before == DISK_NO_WRITES)
        return; /* a full disk is full for ever */
    disk_space(&s->disk, space.total_bytes, space.free_bytes);
    if (s->disk.fill == before)
        return;
    char text[128];
    (void)snprintf(text, sizeof text, "the disk is %" PRIu64 ".%" PRIu64 " %% full: now \"%s\"",
                   s->disk.used_permille / 10, s->disk.used_permille % 10,
                   disk_fill_name(s->disk.fill));
    tell(s, text);
}

static void give_leaders_away(struct store *s, uint64_t now_ns) {
    for (size_t i = 0; i < s->replica_count; i++) {
        struct replica *r = s->replicas[i];
        if (r->paxos == NULL || r->status.role != PAXOS_LEADER || now_ns < r->disk_stay_ns)
            continue;
        store__group_flush(r);
        if (!store__group_resign(r, /* leaves= */ false))
            continue;
        TC_PROBE("store: a leadership is given away because of the disk");
        r->disk_stay_ns = now_ns + DISK_GIVE_PAUSE_NS;
        s->counters.disk_leaders_given++;
    }
}

bool store__disk_hangs(const struct store *s, uint64_t now_ns) {
    return disk_outstanding_ns(&s->disk, now_ns) > store__group_timers(s).stall_ns;
}

void store__disk_tick(struct store *s, uint64_t now_ns) {
    if (now_ns < s->disk_tick_ns)
        return;
    s->disk_tick_ns = now_ns + (uint64_t)DISK_EVERY_MS * STORE_MS_NS;
    bool slow = s->disk.slow;
    look_at_space(s);
    disk_tick(&s->disk, now_ns);
    if (slow != s->disk.slow)
        tell(s, slow ? "the disk is quick again" : "the disk is slow: leaderships are given away");
    if (!disk_may_lead(&s->disk, now_ns, store__wall_ns(s)) || store__disk_hangs(s, now_ns))
        give_leaders_away(s, now_ns);
}

tc_err store__disk_admit_replica(struct store *s) {
    bool takes = disk_takes_replicas(&s->disk, store__now_ns(s), store__wall_ns(s));
    return takes || TC_MUTANT(85) ? TC_OK : TC_EFULL;
}

tc_err store__disk_admit_write(struct store *s, bool deletes) {
    if (deletes || disk_takes_writes(&s->disk) || TC_MUTANT(87))
        return TC_OK;
    TC_PROBE("store: a full disk refuses a write");
    s->counters.refused_disk++;
    return TC_EFULL;
}

struct store_disk store_disk(const struct store *s) {
    uint64_t now_ns = store__now_ns(s), wall_ns = store__wall_ns(s);
    return (struct store_disk){
        .fill = s->disk.fill,
        .used_permille = s->disk.used_permille,
        .slow = s->disk.slow,
        .outstanding_ns = disk_outstanding_ns(&s->disk, now_ns),
        .errors = disk_errors(&s->disk, wall_ns),
        .drain = disk_drain(&s->disk, now_ns, wall_ns),
    };
}
