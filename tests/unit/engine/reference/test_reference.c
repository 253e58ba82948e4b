/* A reference fed by hand: equal to a replica that applied the same log, and stopped by every kind
 * of damage to the log it reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "base/prng.h"
#include "core/entry/entry.h"
#include "engine/reference/reference.h"
#include "env/sim/sim.h"

enum {
    GID = 9,
    ENTRIES = 300,
};

struct log {
    struct paxos_entry entries[ENTRIES + 1]; /* [1 ..] */
    struct tc_buf bodies[ENTRIES + 1];
};

struct world {
    struct sim_fs *fs;
    struct btree *replica;
    struct log log;
};

static void make_body(struct tc_prng *rng, struct tc_buf *body) {
    uint32_t keys[2] = {(uint32_t)tc_prng_below(rng, 90), 100 + (uint32_t)tc_prng_below(rng, 90)};
    uint8_t item[200] = {(uint8_t)tc_prng_u64(rng)};
    struct entry_write w = {.hlc_ns = 5};
    struct entry_mutation m[2];
    for (int k = 0; k < 2; k++) {
        bool put = tc_prng_chance(rng, 2, 3);
        m[k] = (struct entry_mutation){.op = put ? ENTRY_PUT : ENTRY_DELETE,
                                       .key = tc_slice(&keys[k], 4),
                                       .item = put ? tc_slice(item, 1 + tc_prng_below(rng, 199))
                                                   : TC_SLICE_EMPTY};
    }
    entry_write_encode(&w, m, 2, body);
}

static void seal(struct log *l, uint64_t index, uint16_t type) {
    struct paxos_entry *e = &l->entries[index];
    struct tc_slice body = tc_buf_slice(&l->bodies[index]);
    *e = (struct paxos_entry){.index = index,
                              .ballot = paxos_ballot(1, 1),
                              .type = type,
                              .body_len = (uint32_t)body.len,
                              .body_crc = tc_crc32c(0, body.data, body.len)};
    e->chain = paxos_chain(GID, l->entries[index - 1].chain, e);
}

/* What a replica does with an entry, without any code of the reference. */
static void replica_apply(struct btree *t, const struct paxos_entry *e, struct tc_slice body) {
    struct entry_write w;
    struct entry_mutation m;
    if (e->type != PAXOS_WRITE)
        return;
    assert_int_equal(entry_write_decode(body, &w), TC_OK);
    for (struct entry_iter it = entry_iter(&w); entry_next(&it, &m);) {
        tc_err err = m.op == ENTRY_PUT ? btree_put(t, m.key, m.item) : btree_delete(t, m.key);
        assert_true(err == TC_OK || (m.op == ENTRY_DELETE && err == TC_ENOTFOUND));
    }
}

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    struct tc_prng rng = tc_prng(3);
    w->fs = sim_fs_new(1);
    assert_int_equal(tc_fs_mkdir(sim_fs_fs(w->fs), "d"), TC_OK);
    struct btree_opts o = {.gid = GID, .create = true};
    assert_int_equal(btree_open(sim_fs_fs(w->fs), "d/replica", &o, &w->replica), TC_OK);
    for (uint64_t i = 1; i <= ENTRIES; i++) {
        uint16_t type = i == 1 ? PAXOS_LEAD : i % 50 == 0 ? PAXOS_ARCHIVED : PAXOS_WRITE;
        if (type == PAXOS_WRITE)
            make_body(&rng, &w->log.bodies[i]);
        seal(&w->log, i, type);
        replica_apply(w->replica, &w->log.entries[i], tc_buf_slice(&w->log.bodies[i]));
    }
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    for (uint64_t i = 1; i <= ENTRIES; i++)
        tc_buf_deinit(&w->log.bodies[i]);
    btree_close(w->replica);
    sim_fs_free(w->fs);
    free(w);
    return 0;
}

static struct reference *start(struct world *w) {
    struct reference *r = NULL;
    struct reference_opts o = {.gid = GID, .dirty_bytes_max = 4 * BTREE_PAGE_BYTES};
    assert_int_equal(reference_new(sim_fs_fs(w->fs), "d/reference", &o, &r), TC_OK);
    return r;
}

static tc_err feed(struct reference *r, const struct world *w, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i <= to; i++)
        TC_TRY(reference_apply(r, &w->log.entries[i], tc_buf_slice(&w->log.bodies[i])));
    return TC_OK;
}

static void assert_same(struct reference *r, struct btree *t) {
    struct btree_sums a, b;
    reference_sums(r, &a);
    btree_sums(t, &b);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(reference_item_count(r), btree_stats(t).item_count);
}

static void whole_log_gives_the_replica(void **state) {
    struct world *w = *state;
    struct reference *r = start(w);
    assert_int_equal(feed(r, w, 1, ENTRIES), TC_OK);
    assert_int_equal(reference_mark(r).index, ENTRIES);
    assert_int_equal(reference_mark(r).chain, w->log.entries[ENTRIES].chain);
    assert_same(r, w->replica);
    reference_free(r);
    struct tc_file *f = NULL;
    assert_int_equal(tc_fs_open(sim_fs_fs(w->fs), "d/reference", 0, &f), TC_ENOTFOUND);
}

/* A snapshot of the first half, then the second half of the log. */
static void snapshot_and_tail_give_the_replica(void **state) {
    struct world *w = *state;
    struct reference *half = start(w);
    struct btree_opts o = {.gid = GID, .create = true};
    struct btree *t = NULL;
    assert_int_equal(btree_open(sim_fs_fs(w->fs), "d/half", &o, &t), TC_OK);
    for (uint64_t i = 1; i <= ENTRIES / 2; i++)
        replica_apply(t, &w->log.entries[i], tc_buf_slice(&w->log.bodies[i]));
    struct btree_cursor c;
    btree_cursor_init(&c, t);
    struct tc_slice value;
    for (tc_err err = btree_cursor_seek(&c, BTREE_GE, TC_SLICE_EMPTY); err == TC_OK;
         err = btree_cursor_next(&c)) {
        assert_int_equal(btree_cursor_value(&c, &value), TC_OK);
        assert_int_equal(reference_snapshot_item(half, tc_buf_slice(&c.key), value), TC_OK);
    }
    btree_cursor_deinit(&c);
    struct btree_sums sums;
    btree_sums(t, &sums);
    const struct paxos_entry *e = &w->log.entries[ENTRIES / 2];
    struct paxos_mark at = {e->index, e->ballot, e->chain};
    sums.sum[0]++;
    assert_int_equal(reference_snapshot_end(half, &at, &sums), TC_ECORRUPT);
    sums.sum[0]--;
    assert_int_equal(reference_snapshot_end(half, &at, &sums), TC_OK);
    assert_int_equal(feed(half, w, ENTRIES / 2 + 1, ENTRIES), TC_OK);
    assert_same(half, w->replica);
    reference_free(half);
    btree_close(t);
}

static void snapshot_out_of_order_is_refused(void **state) {
    struct world *w = *state;
    struct reference *r = start(w);
    assert_int_equal(reference_snapshot_item(r, TC_SLICE_LIT("b"), TC_SLICE_EMPTY), TC_OK);
    assert_int_equal(reference_snapshot_item(r, TC_SLICE_LIT("a"), TC_SLICE_EMPTY), TC_ECORRUPT);
    reference_free(r);
}

/* Flip one bit anywhere in what an entry says, drop it or repeat it: the log stops there. */
static void damage_stops_at_the_entry(void **state) {
    struct world *w = *state;
    struct reference *r = start(w);
    assert_int_equal(feed(r, w, 1, 99), TC_OK);
    struct paxos_entry good = w->log.entries[101], e = good;
    struct tc_slice body = tc_buf_slice(&w->log.bodies[101]);
    assert_int_equal(reference_apply(r, &e, body), TC_ECORRUPT); /* a hole */
    assert_int_equal(feed(r, w, 99, 99), TC_ECORRUPT);           /* a repeat */
    assert_int_equal(feed(r, w, 100, 100), TC_OK);
    for (size_t bit = 0; bit < 8 * body.len; bit += 5) {
        w->log.bodies[101].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(reference_apply(r, &e, body), TC_ECORRUPT);
        w->log.bodies[101].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    e.ballot ^= 1;
    assert_int_equal(reference_apply(r, &e, body), TC_ECORRUPT);
    e = good;
    e.type = PAXOS_SCRUB;
    assert_int_equal(reference_apply(r, &e, body), TC_ECORRUPT);
    e = good;
    e.chain ^= 1ull << 40;
    assert_int_equal(reference_apply(r, &e, body), TC_ECORRUPT);
    assert_string_equal(reference_problem(r), "entry 101 does not continue the chain");
    assert_int_equal(reference_mark(r).index, 100);
    assert_int_equal(feed(r, w, 101, ENTRIES), TC_OK);
    assert_same(r, w->replica);
    reference_free(r);
}

static void unknown_kinds_are_refused(void **state) {
    struct world *w = *state;
    struct reference *r = start(w);
    struct paxos_entry e = {.index = 1, .type = PAXOS_TXN_PREPARE};
    e.chain = paxos_chain(GID, 0, &e);
    assert_int_equal(reference_apply(r, &e, TC_SLICE_EMPTY), TC_EUNSUPPORTED);
    e.type = PAXOS_WRITE;
    e.chain = paxos_chain(GID, 0, &e);
    assert_int_equal(reference_apply(r, &e, TC_SLICE_EMPTY), TC_ECORRUPT);
    assert_string_equal(reference_problem(r), "entry 1: not a write");
    reference_free(r);
}

struct sum {
    uint64_t lo, hi;
};

static void add(void *user, struct tc_slice key, const struct btree_item_hash *hash) {
    struct sum *s = user;
    assert_int_equal(key.len, 4);
    s->lo += hash->lo;
    s->hi += hash->hi;
}

static void buckets_narrow_to_keys(void **state) {
    struct world *w = *state;
    struct reference *r = start(w);
    assert_int_equal(feed(r, w, 1, ENTRIES), TC_OK);
    struct btree_sums sums;
    reference_sums(r, &sums);
    for (uint32_t b = 0; b < BTREE_BUCKET_COUNT; b++) {
        struct sum s = {0};
        assert_int_equal(reference_bucket(r, b, add, &s), TC_OK);
        assert_true(s.lo == sums.sum[2 * b] && s.hi == sums.sum[2 * b + 1]);
    }
    reference_free(r);
}

/* The next entry of group gid, made here. */
static tc_err apply_next(struct reference *r, uint64_t gid, uint16_t type, struct tc_slice body) {
    struct paxos_mark at = reference_mark(r);
    struct paxos_entry e = {.index = at.index + 1,
                            .ballot = paxos_ballot(1, 1),
                            .type = type,
                            .body_len = (uint32_t)body.len,
                            .body_crc = tc_crc32c(0, body.data, body.len)};
    e.chain = paxos_chain(gid, at.chain, &e);
    return reference_apply(r, &e, body);
}

static void apply_leads(struct reference *r, uint64_t gid, int count) {
    for (int i = 0; i < count; i++)
        assert_int_equal(apply_next(r, gid, PAXOS_LEAD, TC_SLICE_EMPTY), TC_OK);
}

static void apply_seal(struct reference *r, uint64_t gid, uint64_t merged_gid) {
    struct tc_buf body = {0};
    struct entry_seal s = {.hlc_ns = 6, .left_gid = 20, .merged_gid = merged_gid};
    entry_seal_encode(&s, &body);
    assert_int_equal(apply_next(r, gid, PAXOS_SEAL, tc_buf_slice(&body)), TC_OK);
    tc_buf_deinit(&body);
}

static void apply_merge(struct reference *r, uint64_t gid, uint64_t merged_gid,
                        const struct paxos_mark *right) {
    struct tc_buf body = {0};
    struct entry_merge m = {.hlc_ns = 7,
                            .merged_gid = merged_gid,
                            .epoch = 3,
                            .right_gid = 21,
                            .right_index = right->index,
                            .right_chain = right->chain};
    entry_merge_encode(&m, &body);
    assert_int_equal(apply_next(r, gid, PAXOS_MERGE, tc_buf_slice(&body)), TC_OK);
    tc_buf_deinit(&body);
}

static void apply_split(struct reference *r) {
    struct tc_buf body = {0};
    struct entry_split s = {.hlc_ns = 5, .gids = {20, 21}, .key = tc_slice("d", 1)};
    entry_split_encode(&s, &body);
    assert_int_equal(apply_next(r, GID, PAXOS_SPLIT, tc_buf_slice(&body)), TC_OK);
    tc_buf_deinit(&body);
}

/* Split in two and merged again it holds what it held; its log goes on above the longer half's. */
static void halves_merge_into_what_they_were(void **state) {
    struct world *w = *state;
    struct reference *left = start(w), *right = NULL;
    assert_int_equal(feed(left, w, 1, ENTRIES), TC_OK);
    apply_split(left);
    assert_int_equal(reference_copy(left, "d/right", &right), TC_OK);
    assert_int_equal(reference_child(left, 20), TC_OK);
    assert_int_equal(reference_child(right, 21), TC_OK);
    uint64_t items = btree_stats(w->replica).item_count;
    assert_true(reference_item_count(left) > 0 && reference_item_count(left) < items);
    assert_int_equal(reference_item_count(left) + reference_item_count(right), items);
    apply_leads(left, 20, 1);
    apply_leads(right, 21, 5);
    apply_seal(right, 21, 22);
    struct paxos_mark sealed = reference_mark(right);
    apply_merge(left, 20, 22, &sealed);
    assert_int_equal(reference_merge(left, right, 23), TC_EINVAL);
    assert_int_equal(reference_merge(right, left, 22), TC_EINVAL);
    struct paxos_mark merged = reference_mark(left);
    assert_int_equal(reference_merge(left, right, 22), TC_OK);
    reference_free(right);
    assert_same(left, w->replica);
    assert_int_equal(reference_mark(left).index, sealed.index);
    assert_int_equal(reference_mark(left).chain, paxos_merged_base(&merged, &sealed, 22).chain);
    apply_leads(left, 22, 1);
    reference_free(left);
}

/* It was sealed elsewhere in its log than the left one's MERGE says. */
static void another_seal_is_not_merged(void **state) {
    struct world *w = *state;
    struct reference *left = start(w), *right = NULL;
    apply_split(left);
    assert_int_equal(reference_copy(left, "d/right", &right), TC_OK);
    assert_int_equal(reference_child(left, 20), TC_OK);
    assert_int_equal(reference_child(right, 21), TC_OK);
    apply_seal(right, 21, 22);
    struct paxos_mark sealed = reference_mark(right);
    sealed.chain++;
    apply_merge(left, 20, 22, &sealed);
    assert_int_equal(reference_merge(left, right, 22), TC_EINVAL);
    struct tc_slice none = TC_SLICE_EMPTY;
    assert_int_equal(apply_next(right, 21, PAXOS_ARCHIVED, none), TC_ECORRUPT);
    reference_free(right);
    reference_free(left);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_log_gives_the_replica),
        cmocka_unit_test(snapshot_and_tail_give_the_replica),
        cmocka_unit_test(snapshot_out_of_order_is_refused),
        cmocka_unit_test(damage_stops_at_the_entry),
        cmocka_unit_test(unknown_kinds_are_refused),
        cmocka_unit_test(buckets_narrow_to_keys),
        cmocka_unit_test(halves_merge_into_what_they_were),
        cmocka_unit_test(another_seal_is_not_merged),
    };
    return cmocka_run_group_tests_name("reference", tests, setup, teardown);
}
