#include "model.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "env/posix/posix.h"

/* The thread rule on a real disk: a checkpoint is written and a snapshot read by other threads
 * while the owner reads and writes. The thread sanitizer is the judge of the rest. */

static void *write_checkpoint(void *user) {
    return (void *)(intptr_t)btree_checkpoint_write(user);
}

static void *read_snapshot(void *user) {
    struct btree_sums sums = {0};
    struct tc_slice key, value;
    tc_err err = btree_snapshot_seek(user, TC_SLICE_EMPTY);
    while (err == TC_OK && (err = btree_snapshot_next(user, &key, &value)) == TC_OK) {
        struct btree_item_hash h = btree_item_hash(key, value);
        btree_sums_add(&sums, &h);
    }
    bool same = memcmp(&sums, btree_snapshot_sums(user), sizeof sums) == 0;
    return (void *)(intptr_t)(err == TC_EEND && same);
}

static void *run_verify(void *user) {
    tc_err err = TC_OK;
    while (err == TC_OK)
        err = btree_verify_step(user, 8, NULL, NULL);
    struct btree_verify_result r = btree_verify_result(user);
    return (void *)(intptr_t)(err == TC_EEND && r.bad_count == 0 && r.sums_equal);
}

static void one_round(struct btree *t, struct model *m, struct tc_prng *rng, uint64_t index) {
    static const struct model_mix mix = {
        .key_space = 400, .key_bytes_max = 100, .value_bytes_max = 40000};
    struct btree_snapshot *snap = NULL;
    struct btree_verify *verify = NULL;
    struct btree_checkpoint *ckpt = NULL;
    pthread_t a, b, c;
    void *result = NULL;
    assert_int_equal(btree_snapshot_pin(t, &snap), TC_OK);
    assert_int_equal(btree_verify_begin(t, &verify), TC_OK);
    struct btree_stamp stamp = {.index = index};
    assert_int_equal(btree_checkpoint_begin(t, &stamp, &ckpt), TC_OK);
    pthread_create(&a, NULL, write_checkpoint, ckpt);
    pthread_create(&b, NULL, read_snapshot, snap);
    pthread_create(&c, NULL, run_verify, verify);
    for (int k = 0; k < 150; k++)
        model_step(m, t, rng, &mix, 4);
    pthread_join(a, &result);
    assert_int_equal(btree_checkpoint_end(t, ckpt, (tc_err)(intptr_t)result), TC_OK);
    pthread_join(b, &result);
    assert_int_equal((intptr_t)result, 1);
    pthread_join(c, &result);
    assert_int_equal((intptr_t)result, 1);
    btree_verify_end(t, verify);
    btree_snapshot_unpin(t, snap);
    model_assert_equal(m, t);
}

static void checkpoint_beside_the_owner(void **state) {
    (void)state;
    char dir[] = "/tmp/tercet-btree-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/tree", dir);
    struct posix_fs fs;
    posix_fs_init(&fs);
    struct btree_opts o = harness_opts(16 * BTREE_PAGE_BYTES);
    struct btree *t = NULL;
    assert_int_equal(btree_open(&fs.fs, path, &o, &t), TC_OK);
    struct model m = {0};
    struct tc_prng rng = tc_prng(11);
    for (uint64_t round = 1; round <= 8; round++)
        one_round(t, &m, &rng, round);
    harness_checkpoint(t, 100);
    btree_close(t);
    assert_int_equal(btree_open(&fs.fs, path, &o, &t), TC_OK);
    model_assert_equal(&m, t);
    btree_close(t);
    model_deinit(&m);
    unlink(path);
    rmdir(dir);
}

int threads_main(void);

int threads_main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoint_beside_the_owner),
    };
    return cmocka_run_group_tests_name("btree threads", tests, NULL, NULL);
}
