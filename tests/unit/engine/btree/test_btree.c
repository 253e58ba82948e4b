#include "model.h"

#include <string.h>

static const struct model_mix small_mix = {
    .key_space = 600, .key_bytes_max = 40, .value_bytes_max = 3000};
static const struct model_mix wide_mix = {
    .key_space = 300, .key_bytes_max = BTREE_KEY_BYTES_MAX, .value_bytes_max = 60000};

/* Long separators: three or four children per inner page, so a few hundred keys make a deep tree.
 */
static const struct model_mix deep_mix = {
    .key_space = 500, .key_bytes_max = 40, .value_bytes_max = 6000, .prefix_bytes = 4000};

static void put_get_delete(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(1);
    struct btree *t = harness_open(s, 0);
    struct tc_slice key = TC_SLICE_LIT("k"), value = TC_SLICE_EMPTY;
    assert_int_equal(btree_get(t, key, &value), TC_ENOTFOUND);
    assert_int_equal(btree_delete(t, key), TC_ENOTFOUND);
    assert_int_equal(btree_put(t, TC_SLICE_EMPTY, value), TC_EINVAL);
    assert_int_equal(btree_put(t, key, TC_SLICE_LIT("one")), TC_OK);
    assert_int_equal(btree_put(t, key, TC_SLICE_EMPTY), TC_OK);
    assert_int_equal(btree_get(t, key, &value), TC_OK);
    assert_int_equal(value.len, 0);
    assert_int_equal(btree_stats(t).item_bytes, 1);
    assert_int_equal(btree_delete(t, key), TC_OK);
    assert_int_equal(btree_stats(t).item_count, 0);
    assert_int_equal(btree_stats(t).depth, 0);
    btree_close(t);
    sim_fs_free(s);
}

static void limits_refuse(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(1);
    struct btree *t = harness_open(s, 0);
    struct tc_buf big = {0};
    tc_buf_extend(&big, BTREE_VALUE_BYTES_MAX + 1);
    memset(big.data, 'x', big.len);
    struct tc_slice all = tc_buf_slice(&big), out;
    struct tc_slice key = tc_slice(all.data, BTREE_KEY_BYTES_MAX);
    struct tc_slice value = tc_slice(all.data, BTREE_VALUE_BYTES_MAX);
    assert_int_equal(btree_put(t, tc_slice(all.data, key.len + 1), value), TC_ELIMIT);
    assert_int_equal(btree_put(t, key, all), TC_ELIMIT);
    assert_int_equal(btree_put(t, key, value), TC_OK);
    assert_int_equal(btree_get(t, key, &out), TC_OK);
    assert_true(tc_slice_eq(out, value));
    struct btree_stamp stamp = {.blob = tc_slice(all.data, BTREE_BLOB_BYTES_MAX + 1)};
    assert_int_equal(btree_checkpoint(t, &stamp), TC_ELIMIT);
    btree_close(t);
    tc_buf_deinit(&big);
    sim_fs_free(s);
}

static void bounds_of_memory_and_file(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(1);
    struct btree_opts o = harness_opts(0);
    o.dirty_bytes_max = 8 * BTREE_PAGE_BYTES;
    o.file_bytes_max = 64 * BTREE_PAGE_BYTES;
    struct btree *t = NULL;
    assert_int_equal(btree_open(sim_fs_fs(s), TREE_PATH, &o, &t), TC_OK);
    uint8_t value[4000] = {0};
    tc_err err = TC_OK;
    uint64_t n = 0, index = 0;
    while (err != TC_EFULL) {
        uint64_t key = __builtin_bswap64(n);
        err = btree_put(t, tc_slice(&key, 8), tc_slice(value, sizeof value));
        n += err == TC_OK;
        if (err == TC_EBUSY)
            harness_checkpoint(t, ++index);
    }
    assert_true(n > 40 && index > 2);
    assert_true(btree_stats(t).file_bytes <= o.file_bytes_max);
    harness_checkpoint(t, ++index); /* the map's page is held back for it */
    for (uint64_t k = 0; k < n; k++) {
        uint64_t key = __builtin_bswap64(k);
        assert_int_equal(btree_delete(t, tc_slice(&key, 8)), TC_OK);
    }
    harness_checkpoint(t, ++index);
    harness_checkpoint(t, ++index); /* the map leaves the end of the file */
    assert_true(btree_stats(t).file_bytes < 16 * BTREE_PAGE_BYTES);
    btree_close(t);
    sim_fs_free(s);
}

/* One life of a tree: changes, checkpoints, reopening, pinned snapshots, all against the model. */
static void random_life(uint64_t seed, const struct model_mix *mix, uint32_t steps,
                        size_t cache_bytes) {
    struct sim_fs *s = harness_fs(seed);
    struct tc_prng rng = tc_prng(seed);
    struct btree *t = harness_open(s, cache_bytes);
    struct model now = {0}, durable = {0}, pinned = {0};
    struct btree_snapshot *snap = NULL;
    for (uint32_t n = 0; n < steps; n++) {
        uint32_t delete_of = n % 1000 < 600 ? 8 : 2; /* grows, then shrinks */
        model_step(&now, t, &rng, mix, delete_of);
        if (tc_prng_chance(&rng, 1, 40)) {
            harness_checkpoint(t, n);
            model_copy(&durable, &now);
        }
        if (!snap && tc_prng_chance(&rng, 1, 50)) {
            assert_int_equal(btree_snapshot_pin(t, &snap), TC_OK);
            model_copy(&pinned, &durable);
        } else if (snap && tc_prng_chance(&rng, 1, 50)) {
            model_assert_snapshot(&pinned, snap);
            btree_snapshot_unpin(t, snap);
            snap = NULL;
        }
        if (!snap && tc_prng_chance(&rng, 1, 150)) {
            btree_close(t);
            t = harness_open(s, cache_bytes);
            model_copy(&now, &durable);
        }
        if (tc_prng_chance(&rng, 1, 200)) {
            model_assert_equal(&now, t);
            model_assert_verified(t);
        }
    }
    btree_snapshot_unpin(t, snap);
    model_assert_equal(&now, t);
    btree_close(t);
    model_deinit(&now);
    model_deinit(&durable);
    model_deinit(&pinned);
    sim_fs_free(s);
}

static void random_lives(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        random_life(seed, &small_mix, 1500, 8 * BTREE_PAGE_BYTES);
        random_life(seed, &wide_mix, 600, 4 * BTREE_PAGE_BYTES);
        random_life(seed, &deep_mix, 800, 12 * BTREE_PAGE_BYTES);
    }
}

static void seeks_equal_model(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(3);
    struct btree *t = harness_open(s, 0);
    struct tc_prng rng = tc_prng(3);
    struct model m = {0};
    for (int n = 0; n < 400; n++)
        model_step(&m, t, &rng, &wide_mix, 4);
    struct btree_cursor c;
    btree_cursor_init(&c, t);
    struct tc_buf key = {0};
    for (uint32_t n = 0; n < 2 * wide_mix.key_space; n++) {
        model_key(n, &wide_mix, &key);
        if (n % 3 == 0)
            key.len /= 2;
        size_t at = model_find(&m, tc_buf_slice(&key));
        bool exact = model_get(&m, tc_buf_slice(&key)) != NULL;
        const size_t expect[4] = {at, at + exact, at + exact - 1, at - 1};
        for (int how = BTREE_GE; how <= BTREE_LT; how++) {
            tc_err err = btree_cursor_seek(&c, (enum btree_seek)how, tc_buf_slice(&key));
            assert_int_equal(err, expect[how] < m.count ? TC_OK : TC_EEND);
            if (err == TC_OK)
                assert_true(
                    tc_slice_eq(tc_buf_slice(&c.key), tc_buf_slice(&m.items[expect[how]].key)));
        }
    }
    btree_cursor_deinit(&c);
    tc_buf_deinit(&key);
    btree_close(t);
    model_deinit(&m);
    sim_fs_free(s);
}

/* A cursor that deletes what it stands on, and one that sees items put in front of it. */
static void cursor_survives_writes(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(4);
    struct btree *t = harness_open(s, 0);
    char value[500] = {0};
    for (uint32_t n = 0; n < 200; n += 2) {
        uint32_t key = __builtin_bswap32(n);
        assert_int_equal(btree_put(t, tc_slice(&key, 4), tc_slice(value, sizeof value)), TC_OK);
    }
    struct btree_cursor c;
    btree_cursor_init(&c, t);
    assert_int_equal(btree_cursor_seek(&c, BTREE_GE, TC_SLICE_EMPTY), TC_OK);
    uint32_t visited = 0;
    for (tc_err err = TC_OK; err == TC_OK; visited++) {
        uint32_t key = btree_stats(t).item_count > 0 ? *(uint32_t *)(void *)c.key.data : 0;
        uint32_t odd = __builtin_bswap32(__builtin_bswap32(key) + 1);
        assert_int_equal(btree_delete(t, tc_buf_slice(&c.key)), TC_OK);
        if (visited % 2 == 0)
            assert_int_equal(btree_put(t, tc_slice(&odd, 4), TC_SLICE_EMPTY), TC_OK);
        err = btree_cursor_next(&c);
    }
    assert_int_equal(btree_stats(t).item_count, 0);
    assert_true(visited > 100);
    btree_cursor_deinit(&c);
    btree_close(t);
    sim_fs_free(s);
}

/* A deep tree taken apart in key order and in reverse: inner pages merge, the root comes down. */
static void deep_tree_comes_down(void **state) {
    (void)state;
    for (int reverse = 0; reverse < 2; reverse++) {
        struct sim_fs *s = harness_fs(7);
        struct btree *t = harness_open(s, 0);
        struct tc_prng rng = tc_prng(7);
        struct model m = {0};
        for (int n = 0; n < 900; n++)
            model_step(&m, t, &rng, &deep_mix, 0);
        assert_true(btree_stats(t).depth >= 5);
        harness_checkpoint(t, 1);
        while (m.count > 0) {
            struct tc_slice key = tc_buf_slice(&m.items[reverse ? m.count - 1 : 0].key);
            assert_int_equal(btree_delete(t, key), TC_OK);
            model_delete(&m, key);
            if (m.count % 60 == 0)
                model_assert_equal(&m, t);
            if (m.count % 100 == 0)
                harness_checkpoint(t, 1000 - m.count);
        }
        assert_int_equal(btree_stats(t).depth, 0);
        btree_close(t);
        model_deinit(&m);
        sim_fs_free(s);
    }
}

/* The page table's directory grows while a checkpoint writer holds the old one. */
static void growth_during_a_checkpoint(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(9);
    struct btree *t = harness_open(s, 0);
    struct tc_buf value = {0};
    memset(tc_buf_extend(&value, 1 << 20), 'v', 1 << 20);
    struct btree_checkpoint *c = NULL, *other = NULL;
    assert_int_equal(btree_put(t, TC_SLICE_LIT("small"), TC_SLICE_LIT("small")), TC_OK);
    assert_int_equal(btree_checkpoint_begin(t, &(struct btree_stamp){.index = 1}, &c), TC_OK);
    assert_int_equal(btree_checkpoint_begin(t, &(struct btree_stamp){.index = 2}, &other),
                     TC_EBUSY);
    for (uint32_t n = 0; n < 45; n++)
        assert_int_equal(btree_put(t, tc_slice(&n, sizeof n), tc_buf_slice(&value)), TC_OK);
    assert_true(btree_stats(t).file_bytes > 40 << 20);
    assert_int_equal(btree_checkpoint_end(t, c, btree_checkpoint_write(c)), TC_OK);
    for (uint32_t n = 0; n < 45; n++) {
        struct tc_slice out;
        assert_int_equal(btree_get(t, tc_slice(&n, sizeof n), &out), TC_OK);
        assert_true(tc_slice_eq(out, tc_buf_slice(&value)));
        assert_int_equal(btree_delete(t, tc_slice(&n, sizeof n)), TC_OK);
    }
    harness_checkpoint(t, 2);
    assert_true(btree_stats(t).file_bytes < 1 << 20);
    tc_buf_deinit(&value);
    btree_close(t);
    t = harness_open(s, 0);
    assert_int_equal(btree_stats(t).item_count, 1);
    btree_close(t);
    sim_fs_free(s);
}

static void snapshots_are_bounded(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(10);
    struct btree *t = harness_open(s, 0);
    struct btree_snapshot *snaps[BTREE_SNAPSHOT_MAX], *more = NULL;
    struct btree_verify *v = NULL;
    for (uint64_t n = 0; n < BTREE_SNAPSHOT_MAX; n++) {
        assert_int_equal(btree_put(t, tc_slice(&n, sizeof n), TC_SLICE_LIT("v")), TC_OK);
        harness_checkpoint(t, n + 1);
        assert_int_equal(btree_snapshot_pin(t, &snaps[n]), TC_OK);
    }
    assert_int_equal(btree_snapshot_pin(t, &more), TC_EBUSY);
    assert_int_equal(btree_verify_begin(t, &v), TC_EBUSY);
    for (uint64_t n = 0; n < BTREE_SNAPSHOT_MAX; n++) {
        struct tc_slice key, value;
        uint64_t count = 0;
        assert_int_equal(btree_snapshot_stamp(snaps[n]).index, n + 1);
        while (btree_snapshot_next(snaps[n], &key, &value) == TC_OK)
            count++;
        assert_int_equal(count, n + 1);
        assert_null(btree_snapshot_damage(snaps[n]));
        btree_snapshot_unpin(t, snaps[n]);
    }
    assert_int_equal(btree_put(t, TC_SLICE_LIT("moves"), TC_SLICE_LIT("v")), TC_OK);
    harness_checkpoint(t, 100);
    harness_checkpoint(t, 101); /* and the map leaves the end */
    assert_true(btree_stats(t).file_bytes <= 10 * BTREE_PAGE_BYTES);
    btree_close(t);
    sim_fs_free(s);
}

struct bucket_sum {
    uint64_t lo, hi;
};

static void add_bucket(void *user, struct tc_slice key, const struct btree_item_hash *hash) {
    struct bucket_sum *sum = user;
    assert_true(key.len > 0);
    sum->lo += hash->lo;
    sum->hi += hash->hi;
}

static void bucket_scan_adds_up(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(6);
    struct btree *t = harness_open(s, 0);
    struct tc_prng rng = tc_prng(6);
    struct model m = {0};
    for (int n = 0; n < 300; n++)
        model_step(&m, t, &rng, &small_mix, 0);
    struct btree_sums sums;
    btree_sums(t, &sums);
    struct tc_buf next = {0};
    for (uint32_t b = 0; b < BTREE_BUCKET_COUNT; b += 17) {
        struct bucket_sum sum = {0};
        tc_buf_clear(&next);
        tc_err err = TC_OK;
        while (err == TC_OK)
            err = btree_bucket_scan(t, b, tc_buf_slice(&next), 50, add_bucket, &sum, &next);
        assert_int_equal(err, TC_EEND);
        assert_true(sum.lo == sums.sum[2 * b] && sum.hi == sums.sum[2 * b + 1]);
    }
    tc_buf_deinit(&next);
    btree_close(t);
    model_deinit(&m);
    sim_fs_free(s);
}

static void load_sorted_replaces_a_tree(void **state) {
    (void)state;
    struct sim_fs *s = harness_fs(8);
    struct btree *t = harness_open(s, 0);
    assert_int_equal(btree_put(t, TC_SLICE_LIT("old"), TC_SLICE_LIT("old")), TC_OK);
    harness_checkpoint(t, 1);
    btree_close(t);
    struct btree_opts o = harness_opts(0);
    o.dirty_bytes_max = 16 * BTREE_PAGE_BYTES; /* so that pages go out while loading */
    struct btree_load *l = NULL;
    assert_int_equal(btree_load_begin(sim_fs_fs(s), TREE_PATH, &o, &l), TC_OK);
    struct model m = {0};
    uint8_t value[900] = {1};
    uint64_t bytes = 0;
    for (uint64_t n = 1; n < 1000; n++) {
        uint64_t key = __builtin_bswap64(n);
        assert_int_equal(btree_load_add(l, tc_slice(&key, 8), tc_slice(value, sizeof value)),
                         TC_OK);
        assert_int_equal(btree_load_add(l, tc_slice(&key, 8), TC_SLICE_EMPTY), TC_EINVAL);
        model_put(&m, tc_slice(&key, 8), tc_slice(value, sizeof value));
        bytes += 8 + sizeof value;
    }
    struct btree_sums loaded, expected;
    btree_load_sums(l, &loaded);
    model_sums(&m, &expected);
    assert_memory_equal(&loaded, &expected, sizeof loaded);
    assert_int_equal(btree_load_finish(l, &(struct btree_stamp){.index = 44}), TC_OK);
    t = harness_open(s, 0);
    assert_int_equal(btree_durable_stamp(t).index, 44);
    model_assert_equal(&m, t);
    struct btree_stats stats = btree_stats(t);
    assert_true(stats.file_bytes - stats.free_bytes < bytes * 5 / 4);
    btree_close(t);
    assert_int_equal(btree_load_begin(sim_fs_fs(s), TREE_PATH, &o, &l), TC_OK);
    btree_load_abort(l);
    t = harness_open(s, 0);
    assert_int_equal(btree_stats(t).item_count, m.count);
    btree_close(t);
    model_deinit(&m);
    sim_fs_free(s);
}

int faults_main(void);
int threads_main(void);

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_get_delete),
        cmocka_unit_test(limits_refuse),
        cmocka_unit_test(bounds_of_memory_and_file),
        cmocka_unit_test(seeks_equal_model),
        cmocka_unit_test(cursor_survives_writes),
        cmocka_unit_test(deep_tree_comes_down),
        cmocka_unit_test(growth_during_a_checkpoint),
        cmocka_unit_test(snapshots_are_bounded),
        cmocka_unit_test(bucket_scan_adds_up),
        cmocka_unit_test(load_sorted_replaces_a_tree),
        cmocka_unit_test(random_lives),
    };
    int failed = cmocka_run_group_tests_name("btree", tests, NULL, NULL);
    failed += faults_main();
    return failed + threads_main();
}
