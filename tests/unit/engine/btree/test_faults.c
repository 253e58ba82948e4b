#include "model.h"

#include <string.h>

/* Disks that crash, fail, fill up and rot under the tree. */

static const struct model_mix mix = {
    .key_space = 120, .key_bytes_max = 300, .value_bytes_max = 50000};

enum {
    ROUNDS = 5,
    CHANGES = 25,
};

/* The same changes and checkpoints every time; ends at the first failing checkpoint. ret_states[n]
 * is the content at checkpoint n, and the return value the number of checkpoints that said OK. */
static uint32_t run_script(struct btree *t, struct model states[ROUNDS + 1]) {
    struct tc_prng rng = tc_prng(99);
    struct model now = {0};
    uint32_t done = 0;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        for (int k = 0; k < CHANGES; k++)
            model_step(&now, t, &rng, &mix, 5);
        model_copy(&states[round], &now);
        if (btree_checkpoint(t, &(struct btree_stamp){.index = round}) != TC_OK)
            break;
        done = round;
    }
    model_deinit(&now);
    return done;
}

static void free_states(struct model states[ROUNDS + 1]) {
    for (int n = 0; n <= ROUNDS; n++)
        model_deinit(&states[n]);
}

/* Whatever call the power fails in, the file holds the last checkpoint that was confirmed or the
 * one that was being written. */
static bool crash_at(uint64_t call, bool power) {
    struct sim_fs *s = harness_fs(call);
    struct btree *t = harness_open(s, 6 * BTREE_PAGE_BYTES);
    struct model states[ROUNDS + 1] = {0};
    sim_fs_crash_after(s, call);
    uint32_t done = run_script(t, states);
    bool crashed = sim_fs_is_down(s);
    btree_close(t);
    if (power)
        sim_fs_crash(s);
    else
        sim_fs_restart(s);
    t = harness_open(s, 0);
    uint64_t index = btree_durable_stamp(t).index;
    assert_true(index == done || (crashed && index == done + 1));
    model_assert_equal(&states[index], t);
    model_assert_verified(t);
    assert_int_equal(btree_put(t, TC_SLICE_LIT("after"), TC_SLICE_LIT("life goes on")), TC_OK);
    harness_checkpoint(t, 100);
    model_assert_verified(t);
    btree_close(t);
    free_states(states);
    sim_fs_free(s);
    return crashed;
}

static void crash_anywhere(void **state) {
    (void)state;
    uint64_t call = 0;
    while (crash_at(call, /* power= */ true))
        call++;
    assert_true(call > 30);
    for (uint64_t k = 0; k < call; k += 3)
        crash_at(k, /* power= */ false);
}

static void crash_while_creating(void **state) {
    (void)state;
    bool crashed = true;
    for (uint64_t call = 0; crashed; call++) {
        struct sim_fs *s = harness_fs(call);
        struct btree *t = NULL;
        struct btree_opts o = harness_opts(0);
        sim_fs_crash_after(s, call);
        tc_err err = btree_open(sim_fs_fs(s), TREE_PATH, &o, &t);
        crashed = sim_fs_is_down(s);
        assert_true(crashed || err == TC_OK);
        btree_close(t);
        sim_fs_crash(s);
        t = harness_open(s, 0);
        assert_int_equal(btree_stats(t).item_count, 0);
        btree_close(t);
        sim_fs_free(s);
    }
}

/* An error at the n-th call: the tree goes on reading, writes no more checkpoints, and the file
 * holds a checkpoint of before or of now. */
static bool fail_at(enum sim_fault_kind kind, uint64_t skip) {
    struct sim_fs *s = harness_fs(skip);
    struct btree *t = harness_open(s, (size_t)1 << 24);
    struct model states[ROUNDS + 1] = {0};
    struct sim_fault fault = {.kind = kind, .skip_count = skip, .hit_count = 1};
    assert_int_equal(sim_fs_fault(s, &fault), TC_OK);
    uint32_t done = run_script(t, states);
    bool hit = sim_fs_counters(s)->faults_hit > 0;
    sim_fs_heal(s);
    assert_true(hit || done == ROUNDS);
    if (done < ROUNDS) {
        model_assert_equal(&states[done + 1], t);
        assert_int_equal(btree_checkpoint(t, &(struct btree_stamp){.index = 9}), TC_EIO);
        assert_int_equal(btree_durable_stamp(t).index, done);
    }
    btree_close(t);
    sim_fs_crash(s);
    t = harness_open(s, 0);
    uint64_t index = btree_durable_stamp(t).index;
    assert_true(index == done || index == done + 1);
    model_assert_equal(&states[index], t);
    btree_close(t);
    free_states(states);
    sim_fs_free(s);
    return hit;
}

static void io_errors_end_checkpoints(void **state) {
    (void)state;
    for (uint64_t n = 0; fail_at(SIM_WRITE_ERROR, n);)
        n++;
    for (uint64_t n = 0; fail_at(SIM_SYNC_ERROR, n);)
        n++;
}

/* A full disk loses nothing, and the next checkpoint after space came back succeeds. */
static void full_disk_is_survived(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(1);
    struct btree *t = harness_open(s, 0);
    struct tc_prng rng = tc_prng(1);
    struct model m = {0}, before = {0};
    uint32_t refused = 0;
    for (uint64_t round = 1; round <= 12; round++) {
        for (int k = 0; k < CHANGES; k++)
            model_step(&m, t, &rng, &mix, 6);
        if (round % 2 == 0)
            sim_fs_set_capacity(s, btree_stats(t).file_bytes / 4 * 3);
        tc_err err = btree_checkpoint(t, &(struct btree_stamp){.index = round});
        assert_true(err == TC_OK || err == TC_EFULL);
        refused += err == TC_EFULL;
        if (err == TC_OK)
            model_copy(&before, &m);
        model_assert_equal(&m, t);
        model_assert_verified(t);
        struct btree_snapshot *snap = NULL;
        assert_int_equal(btree_snapshot_pin(t, &snap), TC_OK);
        model_assert_snapshot(&before, snap);
        btree_snapshot_unpin(t, snap);
        sim_fs_set_capacity(s, 0);
    }
    assert_true(refused >= 3);
    harness_checkpoint(t, 50);
    btree_close(t);
    t = harness_open(s, 0);
    model_assert_equal(&m, t);
    model_assert_verified(t);
    btree_close(t);
    model_deinit(&m);
    model_deinit(&before);
    sim_fs_free(s);
}

static void read_errors_pass(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(1);
    struct btree *t = harness_open(s, BTREE_PAGE_BYTES);
    struct tc_prng rng = tc_prng(1);
    struct model m = {0};
    for (int k = 0; k < 200; k++)
        model_step(&m, t, &rng, &mix, 0);
    harness_checkpoint(t, 1);
    btree_close(t);
    t = harness_open(s, BTREE_PAGE_BYTES);
    for (int k = 0; k < 100; k++) {
        struct sim_fault fault = {.kind = SIM_READ_ERROR, .hit_count = 1};
        assert_int_equal(sim_fs_fault(s, &fault), TC_OK);
        struct tc_buf key = {0};
        struct tc_slice value;
        model_key((uint32_t)tc_prng_below(&rng, mix.key_space), &mix, &key);
        tc_err err =
            k % 2 ? btree_delete(t, tc_buf_slice(&key)) : btree_get(t, tc_buf_slice(&key), &value);
        sim_fs_heal(s);
        assert_true(err == TC_OK || err == TC_EIO || err == TC_ENOTFOUND);
        if (k % 2 && err == TC_OK)
            assert_true(model_delete(&m, tc_buf_slice(&key)));
        tc_buf_deinit(&key);
    }
    model_assert_equal(&m, t);
    btree_close(t);
    model_deinit(&m);
    sim_fs_free(s);
}

struct found {
    uint64_t page;
    uint32_t count;
};

static void note_bad(void *user, const struct btree_damage *bad) {
    struct found *f = user;
    assert_non_null(bad->what);
    f->page = bad->page;
    f->count++;
}

/* A large value is named by its first page. */
static bool covers(uint64_t named, uint64_t page) {
    return named <= page && page - named <= mix.value_bytes_max / BTREE_PAGE_BYTES;
}

/* A tree of one checkpoint, closed, and what it holds. Returns how many pages it has. */
static uint64_t make_tree(struct sim_fs *s, struct model *m, struct tc_prng *rng,
                          uint32_t delete_of) {
    struct btree *t = harness_open(s, 0);
    for (int k = 0; k < 150; k++)
        model_step(m, t, rng, &mix, delete_of);
    harness_checkpoint(t, 1);
    uint64_t pages = btree_stats(t).file_bytes / BTREE_PAGE_BYTES;
    btree_close(t);
    return pages;
}

static uint32_t reads_right_or_corrupt(const struct model *m, struct btree *t, uint64_t page) {
    uint32_t corrupt = 0;
    for (size_t i = 0; i < m->count; i++) {
        struct tc_slice value, key = tc_buf_slice(&m->items[i].key);
        tc_err err = btree_get(t, key, &value);
        if (err == TC_OK) {
            assert_true(tc_slice_eq(value, tc_buf_slice(&m->items[i].value)));
            continue;
        }
        assert_int_equal(err, TC_ECORRUPT);
        const struct btree_damage *d = btree_last_damage(t);
        assert_non_null(d);
        assert_true(covers(d->page, page));
        assert_true(tc_slice_cmp(tc_buf_slice(&d->start), key) <= 0);
        assert_true(d->end.len == 0 || tc_slice_cmp(key, tc_buf_slice(&d->end)) < 0);
        corrupt++;
    }
    return corrupt;
}

static struct found verify_all(struct btree *t) {
    struct found found = {0};
    struct btree_verify *v = NULL;
    assert_int_equal(btree_verify_begin(t, &v), TC_OK);
    tc_err err = TC_OK;
    while (err == TC_OK)
        err = btree_verify_step(v, 4, note_bad, &found);
    assert_int_equal(err, TC_EEND);
    assert_int_equal(btree_verify_result(v).bad_count, found.count);
    btree_verify_end(t, v);
    return found;
}

/* Flip a bit in every page in turn: nothing wrong is ever read, and verify names the page. */
static void rot_is_found_and_named(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(1);
    struct tc_prng rng = tc_prng(1);
    struct model m = {0};
    uint64_t pages = make_tree(s, &m, &rng, 7);
    struct btree *t = NULL;
    uint32_t hit = 0, named = 0;
    for (uint64_t n = 0; n < 3 * pages; n++) {
        uint64_t page = n / 3;
        uint64_t at = page * BTREE_PAGE_BYTES +
                      (n % 3 ? tc_prng_below(&rng, BTREE_PAGE_BYTES) : tc_prng_below(&rng, 48));
        unsigned bit = (unsigned)tc_prng_below(&rng, 8);
        if (sim_fs_flip(s, TREE_PATH, at, bit) != TC_OK)
            continue;
        t = harness_open(s, 0);
        uint32_t corrupt = reads_right_or_corrupt(&m, t, page);
        struct found found = verify_all(t);
        assert_true(found.count <= 1);
        assert_true(found.count == 0 || covers(found.page, page));
        assert_true(corrupt == 0 || found.count == 1);
        hit += corrupt > 0;
        named += found.count;
        btree_close(t);
        assert_int_equal(sim_fs_flip(s, TREE_PATH, at, bit), TC_OK);
    }
    assert_true(hit > pages && named > hit);
    model_deinit(&m);
    sim_fs_free(s);
}

/* Without its page map a tree still reads and writes; it only reuses no page of the old file. */
static void damaged_map_costs_space_only(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(1);
    struct tc_prng rng = tc_prng(1);
    struct model m = {0};
    uint64_t pages = make_tree(s, &m, &rng, 3);
    struct btree *t = NULL;
    uint64_t map = 0;
    for (uint64_t page = 4; page < pages && map == 0; page++) {
        assert_int_equal(sim_fs_flip(s, TREE_PATH, page * BTREE_PAGE_BYTES + 50, 1), TC_OK);
        t = harness_open(s, 0);
        if (btree_last_damage(t))
            map = btree_last_damage(t)->page;
        if (map == 0) {
            btree_close(t);
            assert_int_equal(sim_fs_flip(s, TREE_PATH, page * BTREE_PAGE_BYTES + 50, 1), TC_OK);
        }
    }
    assert_true(map >= 4);
    assert_int_equal(btree_stats(t).free_bytes, 0);
    for (uint64_t round = 2; round < 6; round++) {
        for (int k = 0; k < 50; k++)
            model_step(&m, t, &rng, &mix, 3);
        harness_checkpoint(t, round);
        btree_close(t);
        t = harness_open(s, 0);
        assert_null(btree_last_damage(t));
        model_assert_equal(&m, t);
        model_assert_verified(t);
    }
    btree_close(t);
    model_deinit(&m);
    sim_fs_free(s);
}

/* One copy of the superblock rots: opening mends it from the other and says so. */
static void damaged_superblock_copy_is_mended(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(1);
    struct btree *t = harness_open(s, 0);
    assert_int_equal(btree_put(t, TC_SLICE_LIT("k"), TC_SLICE_LIT("v")), TC_OK);
    harness_checkpoint(t, 1); /* slot 1: pages 1 and 3 */
    btree_close(t);
    for (uint64_t page = 1; page <= 3; page += 2) {
        assert_int_equal(sim_fs_flip(s, TREE_PATH, page * BTREE_PAGE_BYTES + 70, 1), TC_OK);
        t = harness_open(s, 0);
        assert_non_null(btree_last_damage(t));
        assert_int_equal(btree_durable_stamp(t).index, 1);
        assert_int_equal(verify_all(t).count, 0);
        btree_close(t);
        t = harness_open(s, 0);
        assert_null(btree_last_damage(t));
        assert_int_equal(sim_fs_flip(s, TREE_PATH, page * BTREE_PAGE_BYTES + 70, 1), TC_OK);
        struct found found = verify_all(t); /* rot while open */
        assert_true(found.count == 1 && found.page == page);
        btree_close(t);
        assert_int_equal(sim_fs_flip(s, TREE_PATH, page * BTREE_PAGE_BYTES + 70, 1), TC_OK);
    }
    sim_fs_free(s);
}

typedef uint8_t page_bytes[BTREE_PAGE_BYTES];

static void read_page(struct sim_fs *s, uint64_t page, page_bytes ret_data) {
    struct tc_file *f = NULL;
    assert_int_equal(tc_fs_open(sim_fs_fs(s), TREE_PATH, 0, &f), TC_OK);
    assert_int_equal(tc_file_read_at(f, page * BTREE_PAGE_BYTES, ret_data, BTREE_PAGE_BYTES),
                     TC_OK);
    tc_file_close(f);
}

static void write_page(struct sim_fs *s, uint64_t page, const page_bytes data) {
    struct tc_file *f = NULL;
    assert_int_equal(tc_fs_open(sim_fs_fs(s), TREE_PATH, 0, &f), TC_OK);
    assert_int_equal(tc_file_write_at(f, page * BTREE_PAGE_BYTES, data, BTREE_PAGE_BYTES), TC_OK);
    assert_int_equal(tc_file_sync(f), TC_OK);
    tc_file_close(f);
}

/* A sound page in the wrong place, as a misdirected write leaves it, is not taken for the right
 * one. */
static void misdirected_pages_are_found(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(1);
    struct tc_prng rng = tc_prng(1);
    struct model m = {0};
    uint64_t pages = make_tree(s, &m, &rng, 7);
    struct btree *t = NULL;
    uint32_t hit = 0;
    for (uint64_t page = 4; page + 1 < pages; page++) {
        static page_bytes right, wrong;
        read_page(s, page, right);
        read_page(s, page + 1, wrong);
        write_page(s, page, wrong);
        t = harness_open(s, 0);
        hit += reads_right_or_corrupt(&m, t, page) > 0;
        btree_close(t);
        write_page(s, page, right);
    }
    assert_true(hit > 0);
    model_deinit(&m);
    sim_fs_free(s);
}

/* A write the disk confirmed and dropped: what stands there is sound, but of an older checkpoint.
 */
static void lost_write_is_found(void **state) {
    (void)state;
    enum {
        FIRST = 4,
        COUNT = 4
    };
    static page_bytes stale[COUNT], right;
    struct sim_fs *s = harness_fs(1);
    struct btree *t = harness_open(s, 0);
    uint8_t value[2000] = {0};
    struct tc_slice key = TC_SLICE_LIT("k"), out;
    uint32_t caught = 0;
    for (uint64_t n = 1; n <= 12; n++) { /* pages are used in turn, so some come round again */
        value[0] = (uint8_t)n;
        assert_int_equal(btree_put(t, key, tc_slice(value, sizeof value)), TC_OK);
        harness_checkpoint(t, n);
        for (uint64_t p = 0; p < COUNT && n == 4; p++)
            read_page(s, FIRST + p, stale[p]);
        if (n < 6)
            continue;
        btree_close(t);
        for (uint64_t p = 0; p < COUNT && n != 5; p++) {
            read_page(s, FIRST + p, right);
            write_page(s, FIRST + p, stale[p]);
            t = harness_open(s, 0);
            tc_err err = btree_get(t, key, &out);
            assert_true(err == TC_ECORRUPT || (err == TC_OK && out.data[0] == n));
            caught +=
                err == TC_ECORRUPT && strstr(btree_last_damage(t)->what, "a lost write") != NULL;
            btree_close(t);
            write_page(s, FIRST + p, right);
        }
        t = harness_open(s, 0);
    }
    assert_true(caught > 0);
    btree_close(t);
    sim_fs_free(s);
}

static void foreign_files_are_refused(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(1);
    struct btree *t = harness_open(s, 0);
    btree_close(t);
    struct btree_opts o = harness_opts(0);
    o.gid = 8;
    assert_int_equal(btree_open(sim_fs_fs(s), TREE_PATH, &o, &t), TC_ECORRUPT);
    o.create = false;
    assert_int_equal(btree_open(sim_fs_fs(s), "d/none", &o, &t), TC_ENOTFOUND);
    struct tc_file *f = NULL;
    assert_int_equal(tc_fs_open(sim_fs_fs(s), "d/junk", TC_FS_CREATE, &f), TC_OK);
    assert_int_equal(tc_file_write_at(f, 0, "junk", 4), TC_OK);
    tc_file_close(f);
    assert_int_equal(btree_open(sim_fs_fs(s), "d/junk", &o, &t), TC_ECORRUPT);
    sim_fs_free(s);
}

int faults_main(void);

int faults_main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_anywhere),
        cmocka_unit_test(crash_while_creating),
        cmocka_unit_test(io_errors_end_checkpoints),
        cmocka_unit_test(full_disk_is_survived),
        cmocka_unit_test(read_errors_pass),
        cmocka_unit_test(rot_is_found_and_named),
        cmocka_unit_test(damaged_map_costs_space_only),
        cmocka_unit_test(damaged_superblock_copy_is_mended),
        cmocka_unit_test(misdirected_pages_are_found),
        cmocka_unit_test(lost_write_is_found),
        cmocka_unit_test(foreign_files_are_refused),
    };
    return cmocka_run_group_tests_name("btree faults", tests, NULL, NULL);
}
