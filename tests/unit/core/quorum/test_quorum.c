#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "core/quorum/quorum.h"

static void fill(struct quorum_set *s, struct tc_prng *rnd, uint32_t rid_max) {
    s->count = (uint32_t)tc_prng_between(rnd, 1, rid_max < 7 ? rid_max : QUORUM_MEMBERS_MAX);
    uint32_t rid = (uint32_t)tc_prng_between(rnd, 1, 3);
    for (uint32_t i = 0; i < s->count; i++, rid += (uint32_t)tc_prng_between(rnd, 1, 2)) {
        s->members[i] = (struct quorum_member){.rid = rid, .zone = "a"};
        s->members[i].role = i > 0 && tc_prng_chance(rnd, 1, 4) ? QUORUM_LOG : QUORUM_STORAGE;
        s->members[i].store[0] = (uint8_t)rid;
    }
}

static struct quorum_config some_config(struct tc_prng *rnd) {
    struct quorum_config c = {.version = tc_prng_between(rnd, 1, 1000)};
    fill(&c.sets[0], rnd, 7);
    if (tc_prng_chance(rnd, 1, 2))
        fill(&c.sets[1], rnd, 5);
    return c;
}

static void test_majorities(void **state) {
    (void)state;
    struct quorum_config c = {.version = 1, .sets[0].count = 3};
    for (uint32_t i = 0; i < 3; i++)
        c.sets[0].members[i] = (struct quorum_member){.rid = i + 1, .role = QUORUM_STORAGE};
    assert_false(quorum_has(&c, (uint32_t[]){2}, 1));
    assert_false(quorum_has(&c, (uint32_t[]){2, 2, 9}, 3));
    assert_true(quorum_has(&c, (uint32_t[]){3, 1}, 2));
    struct quorum_value v[] = {{1, 10}, {2, 7}, {3, 3}};
    assert_int_equal(quorum_reached(&c, v, 3), 7);
    assert_int_equal(quorum_reached(&c, v, 1), 0);
    c.sets[1] = c.sets[0];
    c.sets[1].members[0].rid = 4;
    assert_true(quorum_is_joint(&c));
    assert_false(quorum_has(&c, (uint32_t[]){1, 2}, 2));
    assert_true(quorum_has(&c, (uint32_t[]){2, 3}, 2));
    assert_int_equal(quorum_reached(&c, v, 3), 3);
    assert_int_equal(quorum_voters(&c).count, 4);
}

/* reached = the largest value whose holders are a quorum, by trying every value. */
static void test_reached_agrees_with_has(void **state) {
    (void)state;
    struct tc_prng rnd = tc_prng(1);
    for (int round = 0; round < 5000; round++) {
        struct quorum_config c = some_config(&rnd);
        struct quorum_rids voters = quorum_voters(&c);
        struct quorum_value v[QUORUM_VOTERS_MAX];
        uint64_t best = 0;
        for (uint32_t i = 0; i < voters.count; i++)
            v[i] = (struct quorum_value){voters.rids[i], tc_prng_below(&rnd, 6)};
        for (uint64_t at = 1; at < 6; at++) {
            uint32_t rids[QUORUM_VOTERS_MAX];
            size_t count = 0;
            for (uint32_t i = 0; i < voters.count; i++)
                if (v[i].value >= at)
                    rids[count++] = v[i].rid;
            best = quorum_has(&c, rids, count) ? at : best;
        }
        assert_int_equal(quorum_reached(&c, v, voters.count), best);
    }
}

/* Any two quorums of one configuration meet. */
static void test_quorums_intersect(void **state) {
    (void)state;
    struct tc_prng rnd = tc_prng(2);
    for (int round = 0; round < 5000; round++) {
        struct quorum_config c = some_config(&rnd);
        struct quorum_rids voters = quorum_voters(&c);
        uint32_t in[QUORUM_VOTERS_MAX];
        uint32_t out[QUORUM_VOTERS_MAX];
        size_t in_count = 0;
        size_t out_count = 0;
        for (uint32_t i = 0; i < voters.count; i++)
            if (tc_prng_chance(&rnd, 1, 2))
                in[in_count++] = voters.rids[i];
            else
                out[out_count++] = voters.rids[i];
        assert_false(quorum_has(&c, in, in_count) && quorum_has(&c, out, out_count));
    }
}

static void test_roles(void **state) {
    (void)state;
    struct quorum_config c = {.version = 3, .sets[0].count = 2};
    c.sets[0].members[0] = (struct quorum_member){.rid = 1, .role = QUORUM_STORAGE};
    c.sets[0].members[1] = (struct quorum_member){.rid = 2, .role = QUORUM_LOG};
    assert_true(quorum_valid(&c));
    assert_true(quorum_may_lead(&c, 1) && quorum_may_vote(&c, 2));
    assert_false(quorum_may_lead(&c, 2) || quorum_may_serve(&c, 2) || quorum_may_lead(&c, 3));
    c.sets[0].members[0].role = QUORUM_LOG;
    assert_false(quorum_valid(&c));
    c.sets[0].members[0] = (struct quorum_member){.rid = 2, .role = QUORUM_STORAGE};
    assert_false(quorum_valid(&c));
}

static void test_codec(void **state) {
    (void)state;
    struct tc_prng rnd = tc_prng(3);
    for (int round = 0; round < 500; round++) {
        struct quorum_config c = some_config(&rnd);
        struct quorum_config back;
        struct tc_buf out = {0};
        quorum_encode(&c, &out);
        assert_int_equal(quorum_decode(tc_buf_slice(&out), &back), TC_OK);
        assert_memory_equal(&c, &back, sizeof c);
        for (size_t len = 0; len < out.len; len++)
            assert_int_equal(quorum_decode(tc_slice(out.data, len), &back), TC_ECORRUPT);
        tc_buf_append_u8(&out, 0);
        assert_int_equal(quorum_decode(tc_buf_slice(&out), &back), TC_ECORRUPT);
        tc_buf_deinit(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_majorities),
        cmocka_unit_test(test_reached_agrees_with_has),
        cmocka_unit_test(test_quorums_intersect),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_codec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
