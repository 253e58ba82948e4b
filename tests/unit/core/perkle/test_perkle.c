/* The tree against a sorted array. */
#include "base/prng.h"
#include "core/perkle/perkle.h"
#include "core/perkle/perkle_sync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    KEY_MAX = 6,
    MODEL_MAX = 2048,
    NOW_MS = 1000
};

struct row {
    uint8_t key[KEY_MAX];
    size_t key_len;
    uint8_t value;
    uint64_t major, minor, dead;
};

struct model {
    struct row rows[MODEL_MAX];
    size_t count;
};

static struct tc_slice key_of(const struct row *r) {
    return tc_slice(r->key, r->key_len);
}

static struct perkle_record record_of(const struct row *r) {
    return (struct perkle_record){
        .key = key_of(r),
        .value = tc_slice(&r->value, r->dead ? 0 : 1),
        .version = {r->major, r->minor},
        .dead_until_ms = r->dead,
    };
}

/* Dense keys over three bytes, so that prefixes, forks and splices are common. */
static struct row random_row(struct tc_prng *p) {
    struct row r = {0};
    r.key_len = (size_t)tc_prng_between(p, 1, KEY_MAX);
    for (size_t i = 0; i < r.key_len; i++)
        r.key[i] = (uint8_t)(tc_prng_below(p, 3) * 127);
    r.value = (uint8_t)tc_prng_below(p, 4);
    r.major = tc_prng_below(p, 4);
    r.minor = tc_prng_below(p, 3);
    if (tc_prng_chance(p, 1, 4))
        r.dead = NOW_MS + tc_prng_below(p, 200);
    return r;
}

static size_t model_at(const struct model *m, struct tc_slice key) {
    size_t at = 0;
    while (at < m->count && tc_slice_cmp(key_of(&m->rows[at]), key) < 0)
        at++;
    return at;
}

static bool model_has(const struct model *m, size_t at, struct tc_slice key) {
    return at < m->count && tc_slice_eq(key_of(&m->rows[at]), key);
}

static void model_remove(struct model *m, size_t at) {
    memmove(m->rows + at, m->rows + at + 1, (m->count - at - 1) * sizeof *m->rows);
    m->count--;
}

static bool row_newer(const struct row *b, const struct row *a) {
    if (b->major != a->major)
        return b->major > a->major;
    if (b->minor != a->minor)
        return b->minor > a->minor;
    if (b->dead != a->dead)
        return b->dead > a->dead;
    return !b->dead && b->value > a->value;
}

static bool model_put(struct model *m, const struct row *r, uint64_t now_ms) {
    const size_t at = model_at(m, key_of(r));
    const bool expired = r->dead != 0 && r->dead <= now_ms;
    if (model_has(m, at, key_of(r))) {
        if (!row_newer(r, &m->rows[at]))
            return false;
        if (expired)
            model_remove(m, at);
        else
            m->rows[at] = *r;
        return true;
    }
    if (expired)
        return false;
    assert_true(m->count < MODEL_MAX);
    memmove(m->rows + at + 1, m->rows + at, (m->count - at) * sizeof *m->rows);
    m->rows[at] = *r;
    m->count++;
    return true;
}

static bool kind_matches(const struct row *r, enum perkle_kind kind) {
    return kind == PERKLE_ANY || (kind == PERKLE_DEAD) == (r->dead != 0);
}

static void expect_row(bool found, const struct perkle_record *got, const struct row *want) {
    assert_int_equal(found, want != NULL);
    if (want == NULL)
        return;
    assert_true(tc_slice_eq(got->key, key_of(want)));
    assert_true(tc_slice_eq(got->value, record_of(want).value));
    assert_true(got->version.major == want->major && got->version.minor == want->minor);
    assert_true(got->dead_until_ms == want->dead);
}

static void compare_searches(const struct perkle *t, const struct model *m, struct tc_slice key,
                             bool strict, enum perkle_kind kind) {
    const struct row *floor = NULL;
    const struct row *ceiling = NULL;
    for (size_t i = 0; i < m->count; i++) {
        const int order = tc_slice_cmp(key_of(&m->rows[i]), key);
        if (!kind_matches(&m->rows[i], kind) || (strict && order == 0))
            continue;
        if (order <= 0)
            floor = &m->rows[i];
        if (order >= 0 && ceiling == NULL)
            ceiling = &m->rows[i];
    }
    struct perkle_record got = {0};
    expect_row(perkle_floor(t, key, strict, kind, &got), &got, floor);
    expect_row(perkle_ceiling(t, key, strict, kind, &got), &got, ceiling);
}

static void compare_all(struct perkle *t, const struct model *m, struct tc_prng *p) {
    assert_true(perkle_check(t));
    assert_true(perkle_count(t) == m->count);
    for (int i = 0; i < 6; i++) {
        const struct row probe = random_row(p);
        const struct tc_slice key =
            tc_slice(probe.key, (size_t)tc_prng_below(p, probe.key_len + 1));
        const enum perkle_kind kind = (enum perkle_kind)tc_prng_below(p, 3);
        compare_searches(t, m, key, tc_prng_chance(p, 1, 2), kind);
        const size_t at = model_at(m, key);
        struct perkle_record got = {0};
        expect_row(perkle_get(t, key, &got), &got, model_has(m, at, key) ? &m->rows[at] : NULL);
        uint64_t count = 0;
        for (size_t k = 0; k < m->count; k++)
            count += tc_slice_has_prefix(key_of(&m->rows[k]), key);
        struct perkle_part part;
        perkle_part(t, key, &part);
        assert_true(part.count == count);
        assert_true((part.hash.lo | part.hash.hi) != 0 || count == 0);
    }
}

static void behaves_as_a_sorted_array(void **state) {
    (void)state;
    static struct model m;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct tc_prng p = tc_prng(seed);
        struct perkle t;
        m.count = 0;
        perkle_init(&t, MODEL_MAX);
        for (int i = 0; i < 800; i++) {
            const struct row r = random_row(&p);
            const struct perkle_record record = record_of(&r);
            if (tc_prng_chance(&p, 2, 5)) {
                const size_t at = model_at(&m, key_of(&r));
                const bool has = model_has(&m, at, key_of(&r));
                if (has)
                    model_remove(&m, at);
                assert_int_equal(perkle_erase(&t, key_of(&r)), has);
            } else {
                bool changed = false;
                const uint64_t now_ms = NOW_MS + tc_prng_below(&p, 100);
                assert_int_equal(perkle_put(&t, &record, now_ms, &changed), TC_OK);
                assert_int_equal(changed, model_put(&m, &r, now_ms));
            }
            compare_all(&t, &m, &p);
        }
        perkle_deinit(&t);
    }
}

static void hash_is_a_function_of_the_records(void **state) {
    (void)state;
    static struct model m;
    struct tc_prng p = tc_prng(77);
    struct perkle t;
    perkle_init(&t, MODEL_MAX);
    m.count = 0;
    for (int i = 0; i < 800; i++) {
        const struct row r = random_row(&p);
        const struct perkle_record record = record_of(&r);
        assert_int_equal(perkle_put(&t, &record, 0, NULL), TC_OK);
        (void)model_put(&m, &r, 0);
        if (i % 3 == 0 && m.count > 0) {
            const size_t at = (size_t)tc_prng_below(&p, m.count);
            assert_true(perkle_erase(&t, key_of(&m.rows[at])));
            model_remove(&m, at);
        }
    }
    struct perkle again;
    perkle_init(&again, MODEL_MAX);
    for (size_t i = m.count; i > 0; i--) {
        const struct perkle_record record = record_of(&m.rows[i - 1]);
        assert_int_equal(perkle_put(&again, &record, 0, NULL), TC_OK);
    }
    struct perkle_part a;
    struct perkle_part b;
    perkle_part(&t, TC_SLICE_EMPTY, &a);
    perkle_part(&again, TC_SLICE_EMPTY, &b);
    assert_true(a.count == b.count && a.hash.lo == b.hash.lo && a.hash.hi == b.hash.hi);
    struct row r = m.rows[m.count / 2];
    r.major += 10;
    const struct perkle_record record = record_of(&r);
    assert_int_equal(perkle_put(&again, &record, 0, NULL), TC_OK);
    perkle_part(&again, TC_SLICE_EMPTY, &b);
    assert_true(a.hash.lo != b.hash.lo && a.hash.hi != b.hash.hi);
    perkle_deinit(&t);
    perkle_deinit(&again);
}

static void purge_drops_what_has_expired(void **state) {
    (void)state;
    struct perkle t;
    struct tc_prng p = tc_prng(8);
    static struct model m;
    m.count = 0;
    perkle_init(&t, MODEL_MAX);
    for (int i = 0; i < 600; i++) {
        const struct row r = random_row(&p);
        const struct perkle_record record = record_of(&r);
        assert_int_equal(perkle_put(&t, &record, 0, NULL), TC_OK);
        (void)model_put(&m, &r, 0);
    }
    uint64_t want = 0;
    for (size_t i = m.count; i > 0; i--) {
        if (m.rows[i - 1].dead != 0 && m.rows[i - 1].dead <= NOW_MS + 100) {
            model_remove(&m, i - 1);
            want++;
        }
    }
    assert_true(want > 10);
    assert_int_equal(perkle_purge(&t, NOW_MS + 100, 3), 3);
    assert_int_equal(perkle_purge(&t, NOW_MS + 100, UINT64_MAX), want - 3);
    compare_all(&t, &m, &p);
    assert_true(perkle_live_count(&t) < perkle_count(&t));
    perkle_deinit(&t);
}

static void limits(void **state) {
    (void)state;
    struct perkle t;
    perkle_init(&t, 1);
    static uint8_t bytes[PERKLE_KEY_BYTES_MAX + 1];
    struct perkle_record r = {.key = TC_SLICE_LIT("a"), .value = TC_SLICE_LIT("x")};
    assert_int_equal(perkle_put(&t, &r, 0, NULL), TC_OK);
    r.key = TC_SLICE_LIT("b");
    assert_int_equal(perkle_put(&t, &r, 0, NULL), TC_ENOMEM);
    r.dead_until_ms = 5;
    assert_int_equal(perkle_put(&t, &r, 0, NULL), TC_ELIMIT);
    r.dead_until_ms = 0;
    r.key = tc_slice(bytes, sizeof bytes);
    assert_int_equal(perkle_put(&t, &r, 0, NULL), TC_ELIMIT);
    r.key = TC_SLICE_EMPTY;
    assert_int_equal(perkle_put(&t, &r, 0, NULL), TC_ELIMIT);
    assert_true(perkle_count(&t) == 1);
    perkle_deinit(&t);
}

/* Deep chains must not recurse: every key is a prefix of the next. */
static void long_chains(void **state) {
    (void)state;
    struct perkle t;
    static uint8_t bytes[2000];
    perkle_init(&t, 4000);
    for (size_t len = 1; len <= sizeof bytes; len += 7) {
        const struct perkle_record r = {.key = tc_slice(bytes, len), .version = {len, 0}};
        assert_int_equal(perkle_put(&t, &r, 0, NULL), TC_OK);
    }
    assert_true(perkle_check(&t));
    struct perkle_record r;
    assert_true(perkle_floor(&t, tc_slice(bytes, 1999), false, PERKLE_ANY, &r));
    assert_int_equal(r.key.len, 1996);
    perkle_deinit(&t);
}

/* A whole round of a against b, with answers in random order. Returns prefixes asked. */
static size_t run_round(struct perkle *a, const struct perkle *b, struct tc_prng *p,
                        struct perkle_sync *s) {
    static struct perkle_answer answer;
    struct tc_buf asked[PERKLE_SYNC_IN_FLIGHT_MAX] = {{0}};
    size_t waiting = 0;
    size_t count = 0;
    perkle_sync_start(s, a);
    while (!perkle_sync_done(s)) {
        while (waiting < PERKLE_SYNC_IN_FLIGHT_MAX && perkle_sync_next(s, &asked[waiting])) {
            waiting++;
            count++;
        }
        assert_true(waiting > 0);
        const size_t pick = (size_t)tc_prng_below(p, waiting);
        perkle_answer(b, tc_buf_slice(&asked[pick]), &answer);
        assert_int_equal(perkle_sync_take(s, &answer, 0), TC_OK);
        const struct tc_buf last = asked[--waiting];
        asked[waiting] = asked[pick];
        asked[pick] = last;
    }
    for (size_t i = 0; i < PERKLE_SYNC_IN_FLIGHT_MAX; i++)
        tc_buf_deinit(&asked[i]);
    return count;
}

static bool equal(const struct perkle *a, const struct perkle *b) {
    struct perkle_part x;
    struct perkle_part y;
    perkle_part(a, TC_SLICE_EMPTY, &x);
    perkle_part(b, TC_SLICE_EMPTY, &y);
    return x.count == y.count && x.hash.lo == y.hash.lo && x.hash.hi == y.hash.hi;
}

static void rounds_make_trees_equal(void **state) {
    (void)state;
    struct perkle_sync s = {0};
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct tc_prng p = tc_prng(seed);
        struct perkle t[2];
        perkle_init(&t[0], 8000);
        perkle_init(&t[1], 8000);
        for (uint64_t i = 0; i < (seed % 2 ? 1500 : 40); i++) {
            struct row r = random_row(&p);
            const struct perkle_record record = record_of(&r);
            const uint64_t who = tc_prng_below(&p, seed % 3 ? 20 : 3);
            for (uint64_t k = 0; k < 2; k++) {
                if (who > 1 || who == k)
                    assert_int_equal(perkle_put(&t[k], &record, 0, NULL), TC_OK);
            }
        }
        (void)run_round(&t[0], &t[1], &p, &s);
        assert_false(s.incomplete);
        (void)run_round(&t[1], &t[0], &p, &s);
        assert_true(equal(&t[0], &t[1]));
        assert_true(perkle_check(&t[0]) && perkle_check(&t[1]));
        assert_int_equal(run_round(&t[0], &t[1], &p, &s), 1);
        assert_int_equal(s.changed_count, 0);
        perkle_deinit(&t[0]);
        perkle_deinit(&t[1]);
    }
    perkle_sync_deinit(&s);
}

/* A fresh node fills itself, and one difference among many costs few questions. */
static void one_difference_costs_little(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(1);
    struct perkle full;
    struct perkle fresh;
    struct perkle_sync s = {0};
    perkle_init(&full, 30000);
    perkle_init(&fresh, 30000);
    for (uint64_t i = 0; i < 20000; i++) {
        uint8_t key[10] = "p/";
        const uint64_t hash = tc_prng_u64(&p);
        memcpy(key + 2, &hash, 8);
        const struct perkle_record r = {.key = tc_slice(key, sizeof key),
                                        .value = TC_SLICE_LIT("partition"),
                                        .version = {1, i}};
        assert_int_equal(perkle_put(&full, &r, 0, NULL), TC_OK);
    }
    (void)run_round(&fresh, &full, &p, &s);
    assert_true(equal(&fresh, &full));
    assert_int_equal(s.changed_count, 20000);
    const struct perkle_record r = {.key = TC_SLICE_LIT("p/one"), .version = {9, 9}};
    assert_int_equal(perkle_put(&full, &r, 0, NULL), TC_OK);
    assert_true(run_round(&fresh, &full, &p, &s) <= 4);
    assert_true(equal(&fresh, &full));
    perkle_sync_deinit(&s);
    perkle_deinit(&full);
    perkle_deinit(&fresh);
}

static void hostile_answers_are_refused(void **state) {
    (void)state;
    static struct perkle_answer a;
    struct perkle t;
    struct perkle_sync s = {0};
    struct tc_buf prefix = {0};
    perkle_init(&t, 10);
    perkle_sync_start(&s, &t);
    assert_true(perkle_sync_next(&s, &prefix));
    a = (struct perkle_answer){.hash = {1, 1}, .child_count = 1};
    assert_int_equal(perkle_sync_take(&s, &a, 0), TC_ECORRUPT);
    assert_true(perkle_sync_done(&s) && s.incomplete);
    perkle_sync_start(&s, &t);
    assert_true(perkle_sync_next(&s, &prefix));
    assert_false(perkle_sync_next(&s, &prefix));
    a.children[0] = (struct perkle_part){.prefix = TC_SLICE_LIT("ab"), .hash = {2, 2}};
    assert_int_equal(perkle_sync_take(&s, &a, 0), TC_OK);
    assert_true(perkle_sync_next(&s, &prefix));
    a = (struct perkle_answer){.prefix = TC_SLICE_LIT("ab"), .hash = {2, 2}, .record_count = 1};
    a.records[0] = (struct perkle_record){.key = TC_SLICE_LIT("b")};
    assert_int_equal(perkle_sync_take(&s, &a, 0), TC_ECORRUPT);
    assert_true(perkle_count(&t) == 0);
    perkle_sync_start(&s, &t);
    assert_true(perkle_sync_next(&s, &prefix));
    perkle_sync_lost(&s);
    assert_true(perkle_sync_done(&s) && s.incomplete);
    perkle_sync_deinit(&s);
    tc_buf_deinit(&prefix);
    perkle_deinit(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_as_a_sorted_array),
        cmocka_unit_test(hash_is_a_function_of_the_records),
        cmocka_unit_test(purge_drops_what_has_expired),
        cmocka_unit_test(limits),
        cmocka_unit_test(long_chains),
        cmocka_unit_test(rounds_make_trees_equal),
        cmocka_unit_test(one_difference_costs_little),
        cmocka_unit_test(hostile_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
