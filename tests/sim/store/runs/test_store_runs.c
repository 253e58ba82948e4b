/* The whole-node simulator's own test: sound nodes pass, and one seed is one run, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/store/world.h"

enum {
    CLEAN_SEEDS = 10,
};

static void test_clean(void **state) {
    (void)state;
    struct world_result sum = {0};
    for (uint64_t seed = 1; seed <= CLEAN_SEEDS; seed++) {
        struct world_result r = world_run(seed, NULL, NULL);
        if (!r.ok)
            fail_msg("seed %lu: %s", (unsigned long)seed, r.failure);
        assert_true(r.acked_count > 0);
        sum.restart_count += r.restart_count;
        sum.fault_count += r.fault_count;
    }
    assert_true(sum.restart_count > 0 && sum.fault_count > CLEAN_SEEDS);
}

static void count_line(void *user, const char *line) {
    uint64_t *hash = user;
    for (; *line; line++)
        *hash = (*hash ^ (uint8_t)*line) * 0x100000001b3u;
}

static void test_same_seed_same_run(void **state) {
    (void)state;
    uint64_t lines[2] = {1, 1};
    struct world_result plain = world_run(7, NULL, NULL);
    struct world_result first = world_run(7, count_line, &lines[0]);
    struct world_result again = world_run(7, count_line, &lines[1]);
    assert_true(plain.hash == first.hash && first.hash == again.hash);
    assert_true(plain.event_count == again.event_count);
    assert_true(lines[0] == lines[1] && lines[0] != 1);
    assert_true(world_run(8, NULL, NULL).hash != plain.hash);
}

/* The last storage replica of a group lags below what its log replica has trimmed: it leads again
 * with what the archive gives back, some of which is wrong at first. */
static void test_entries_come_back_from_the_archive(void **state) {
    (void)state;
    uint64_t restored = 0;
    for (uint64_t seed = 45; seed < 75 && restored == 0; seed++) { /* the first one, as it is now */
        struct world_result r = world_run(seed, NULL, NULL);
        if (!r.ok)
            fail_msg("seed %lu: %s", (unsigned long)seed, r.failure);
        restored = r.restored_count;
    }
    assert_true(restored > 0);
}

/* A member missed the replacement of all others, and the messages of a leader that it did not know
 * had entries, so they told nobody who sent them. */
static void test_kept_seeds(void **state) {
    (void)state;
    static const uint64_t seeds[] = {30243};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        struct world_result r = world_run(seeds[i], NULL, NULL);
        if (!r.ok)
            fail_msg("seed %lu: %s", (unsigned long)seeds[i], r.failure);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_same_seed_same_run),
        cmocka_unit_test(test_entries_come_back_from_the_archive),
        cmocka_unit_test(test_kept_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
