/* Fault sweeps: the n-th read, write, sync or allocation fails, for n = 0, 1, 2 ... until a run
 * meets no fault any more. After each: what was acknowledged is there, nothing leaks, the object
 * opens. */
#include "base/crc32c.h"
#include "engine/btree/btree.h"
#include "engine/store/file.h"
#include "engine/wal/wal.h"
#include "env/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), TC_OK)

enum {
    RECORDS = 24,
    SEGMENT = 64 * 1024,
    SWEEP_MAX = 2000, /* a run that never ends without a fault is a bug of the sweep */
};

static const enum sim_fault_kind kinds[] = {SIM_READ_ERROR, SIM_WRITE_ERROR, SIM_SYNC_ERROR,
                                            SIM_FULL};

/* One object under test: run it under the fault, then look at what is left. */
struct sweep {
    void (*run)(struct sweep *w);
    void (*check)(struct sweep *w);
    struct sim_fs *disk;
    struct tc_fs *fs;
    uint64_t acked; /* set by run */
};

static bool sweep_once(struct sweep *w, enum sim_fault_kind kind, uint64_t skip, bool power_loss) {
    w->disk = sim_fs_new(1000 * (uint64_t)kind + skip);
    w->fs = sim_fs_fs(w->disk);
    w->acked = 0;
    OK(tc_fs_mkdir(w->fs, "d"));
    struct sim_fault fault = {.kind = kind, .skip_count = skip, .hit_count = 1};
    OK(sim_fs_fault(w->disk, &fault));
    w->run(w);
    bool hit = sim_fs_counters(w->disk)->faults_hit > 0;
    sim_fs_heal(w->disk);
    if (power_loss)
        sim_fs_crash(w->disk);
    else
        sim_fs_restart(w->disk);
    w->check(w);
    sim_fs_free(w->disk);
    return hit;
}

static uint64_t sweep_all(struct sweep *w) {
    uint64_t hits = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (int power = 0; power <= 1; power++) {
            uint64_t n = 0;
            while (sweep_once(w, kinds[k], n, power == 1))
                assert_true(++n < SWEEP_MAX);
            hits += n;
        }
    return hits;
}

/* ---- the log */

static struct wal_options wal_opts(void) {
    struct wal_options o = wal_options_default();
    o.segment_bytes = SEGMENT;
    o.max_bytes = 8 * SEGMENT;
    o.queue_max_bytes = SEGMENT / 2;
    o.cache_max_bytes = 8 * 1024; /* so that most reads go to the disk */
    return o;
}

static struct tc_blob *body_of(uint64_t i) {
    struct tc_blob *body = tc_blob_new(9000);
    memset(body->data, (int)('a' + i % 26), body->len);
    return body;
}

static tc_err append(struct wal *w, uint64_t i) {
    struct tc_blob *body = body_of(i);
    struct wal_record rec = {.gid = 1 + i % 2,
                             .idx = 1 + i / 2,
                             .chain = i,
                             .type = 2,
                             .body_crc = tc_crc32c(0, body->data, body->len)};
    uint64_t lsn = 0;
    tc_err err = wal_append(w, &rec, body, /* urgent= */ false, &lsn);
    tc_blob_unref(body);
    return err;
}

static void prepare(struct wal *w) {
    struct wal_prepare *p = wal_prepare_take(w);
    if (p == NULL)
        return;
    wal_prepare_run(p);
    TC_IGNORE(wal_prepare_done(w, p));
}

/* Everything up to the first failure; acknowledged is what was flushed. */
static void run_wal(struct sweep *s) {
    struct wal_options o = wal_opts();
    struct wal *w = NULL;
    uint64_t i = 0;
    if (wal_open(s->fs, "d", &o, &w) != TC_OK)
        return;
    while (i < RECORDS && append(w, i) == TC_OK && wal_flush(w) == TC_OK) {
        struct tc_blob *body = NULL;
        s->acked = ++i;
        prepare(w);
        TC_IGNORE(wal_read(w, 1, 1, &body)); /* under the fault it may fail, and say so */
        tc_blob_unref(body);
    }
    wal_close(w);
    w = NULL;
    if (wal_open(s->fs, "d", &o, &w) == TC_OK)
        wal_close(w);
}

static void check_wal(struct sweep *s) {
    struct wal_options o = wal_opts();
    struct wal *w = NULL;
    OK(wal_open(s->fs, "d", &o, &w));
    assert_false(wal_report(w)->identity_lost);
    assert_int_equal(wal_report(w)->faulty_count, 0);
    for (uint64_t i = 0; i < s->acked; i++) {
        struct tc_blob *body = NULL, *wanted = body_of(i);
        OK(wal_read(w, 1 + i % 2, 1 + i / 2, &body));
        assert_true(tc_slice_eq(tc_blob_slice(body), tc_blob_slice(wanted)));
        tc_blob_unref(body);
        tc_blob_unref(wanted);
    }
    OK(append(w, wal_report(w)->records_count)); /* and it goes on */
    OK(wal_flush(w));
    wal_close(w);
}

static void test_wal(void **state) {
    (void)state;
    struct sweep s = {.run = run_wal, .check = check_wal};
    assert_true(sweep_all(&s) > 100);
}

/* ---- small files */

static void save(struct sweep *s, uint64_t version) {
    char text[32];
    int len = snprintf(text, sizeof text, "version %d", (int)version);
    if (store__file_save(s->fs, "d", "file", tc_slice(text, (size_t)len)) == TC_OK)
        s->acked = version;
}

static void run_file(struct sweep *s) {
    struct tc_buf got = {0};
    for (uint64_t version = 1; version <= 3; version++)
        save(s, version);
    TC_IGNORE(store__file_load(s->fs, "d", "file", &got));
    tc_buf_deinit(&got);
}

/* The newest that was acknowledged, or one that was being written: never a mixture. */
static void check_file(struct sweep *s) {
    struct tc_buf got = {0};
    tc_err err = store__file_load(s->fs, "d", "file", &got);
    if (s->acked == 0 && err == TC_ENOTFOUND)
        return;
    OK(err);
    tc_buf_append_u8(&got, 0);
    int version = 0;
    assert_int_equal(sscanf((const char *)got.data, "version %d", &version), 1);
    assert_true((uint64_t)version >= s->acked && version <= 3);
    tc_buf_deinit(&got);
}

static void test_file(void **state) {
    (void)state;
    struct sweep s = {.run = run_file, .check = check_file};
    assert_true(sweep_all(&s) > 20);
}

/* ---- the B-tree */

static struct btree_opts tree_opts(void) {
    return (struct btree_opts){
        .gid = 7, .cache_bytes = 64 << 10, .dirty_bytes_max = 8 << 20, .create = true};
}

/* Round r gives every key the value r; a checkpoint with index r follows. */
static tc_err round_of(struct btree *t, uint64_t r) {
    for (uint64_t i = 0; i < 40; i++) {
        char key[16], value[700];
        int len = snprintf(key, sizeof key, "key-%02d", (int)i);
        memset(value, (int)('0' + r), sizeof value);
        TC_TRY(btree_put(t, tc_slice(key, (size_t)len), tc_slice(value, sizeof value)));
    }
    struct btree_stamp stamp = {.index = r, .ballot = 1, .chain = r};
    return btree_checkpoint(t, &stamp);
}

static void run_tree(struct sweep *s) {
    struct btree_opts o = tree_opts();
    struct btree *t = NULL;
    if (btree_open(s->fs, "d/tree", &o, &t) != TC_OK)
        return;
    for (uint64_t r = 1; r <= 4 && round_of(t, r) == TC_OK; r++)
        s->acked = r;
    btree_close(t);
    t = NULL;
    struct tc_slice value;
    if (btree_open(s->fs, "d/tree", &o, &t) != TC_OK)
        return;
    TC_IGNORE(btree_get(t, tc_slice_str("key-07"), &value));
    btree_close(t);
}

/* The acknowledged checkpoint or the one after it, whole. */
static void check_tree(struct sweep *s) {
    struct btree_opts o = tree_opts();
    struct btree *t = NULL;
    OK(btree_open(s->fs, "d/tree", &o, &t));
    uint64_t index = btree_durable_stamp(t).index;
    assert_true(index >= s->acked && index <= s->acked + 1);
    for (uint64_t i = 0; index > 0 && i < 40; i++) {
        char key[16];
        struct tc_slice value;
        int len = snprintf(key, sizeof key, "key-%02d", (int)i);
        OK(btree_get(t, tc_slice(key, (size_t)len), &value));
        assert_true(value.len == 700 && value.data[0] == '0' + index);
    }
    OK(round_of(t, index + 1));
    btree_close(t);
}

static void test_tree(void **state) {
    (void)state;
    struct sweep s = {.run = run_tree, .check = check_tree};
    assert_true(sweep_all(&s) > 50);
}

/* ---- a disk that lies: writes that land elsewhere, syncs that do nothing */

/* Nothing that was acknowledged is served wrong or is missing without a word. */
static void check_lied_wal(struct sweep *s) {
    struct wal_options o = wal_opts();
    struct wal *w = NULL;
    if (wal_open(s->fs, "d", &o, &w) != TC_OK)
        return;
    for (uint64_t i = 0; i < s->acked && !wal_report(w)->identity_lost; i++) {
        struct tc_blob *body = NULL, *wanted = body_of(i);
        tc_err err = wal_read(w, 1 + i % 2, 1 + i / 2, &body);
        assert_true(err == TC_OK || err == TC_ECORRUPT);
        if (err == TC_OK)
            assert_true(tc_slice_eq(tc_blob_slice(body), tc_blob_slice(wanted)));
        tc_blob_unref(body);
        tc_blob_unref(wanted);
    }
    wal_close(w);
}

static void check_lied_tree(struct sweep *s) {
    struct btree_opts o = tree_opts();
    struct btree *t = NULL;
    if (btree_open(s->fs, "d/tree", &o, &t) != TC_OK)
        return;
    uint64_t index = btree_durable_stamp(t).index;
    for (uint64_t i = 0; index > 0 && i < 40; i++) {
        char key[16];
        struct tc_slice value;
        int len = snprintf(key, sizeof key, "key-%02d", (int)i);
        tc_err err = btree_get(t, tc_slice(key, (size_t)len), &value);
        assert_true(err == TC_ECORRUPT ||
                    (err == TC_OK && value.len == 700 && value.data[0] == '0' + index));
    }
    btree_close(t);
}

static void test_misdirected_writes(void **state) {
    (void)state;
    struct sweep log = {.run = run_wal, .check = check_lied_wal};
    struct sweep tree = {.run = run_tree, .check = check_lied_tree};
    uint64_t n = 0, m = 0;
    while (sweep_once(&log, SIM_MISDIRECT, n, /* power_loss= */ false))
        assert_true(++n < SWEEP_MAX);
    while (sweep_once(&tree, SIM_MISDIRECT, m, /* power_loss= */ false))
        assert_true(++m < SWEEP_MAX);
    assert_in_range(n, 10, SWEEP_MAX);
    assert_in_range(m, 10, SWEEP_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wal),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_misdirected_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
