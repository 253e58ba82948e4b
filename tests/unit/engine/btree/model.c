#include "model.h"

#include <string.h>

void model_deinit(struct model *m) {
    for (size_t i = 0; i < m->count; i++) {
        tc_buf_deinit(&m->items[i].key);
        tc_buf_deinit(&m->items[i].value);
    }
    free(m->items);
    *m = (struct model){0};
}

static struct tc_slice key_at(const struct model *m, size_t i) {
    return tc_buf_slice(&m->items[i].key);
}

size_t model_find(const struct model *m, struct tc_slice key) {
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (tc_slice_cmp(key_at(m, mid), key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct model_item *model_get(const struct model *m, struct tc_slice key) {
    size_t i = model_find(m, key);
    return i < m->count && tc_slice_eq(key_at(m, i), key) ? &m->items[i] : NULL;
}

void model_put(struct model *m, struct tc_slice key, struct tc_slice value) {
    size_t i = model_find(m, key);
    if (i == m->count || !tc_slice_eq(key_at(m, i), key)) {
        if (m->count == m->max) {
            m->max = m->max * 2 + 64;
            m->items = realloc(m->items, m->max * sizeof *m->items);
            assert_non_null(m->items);
        }
        memmove(&m->items[i + 1], &m->items[i], (m->count - i) * sizeof *m->items);
        m->items[i] = (struct model_item){0};
        tc_buf_append_slice(&m->items[i].key, key);
        m->count++;
    }
    tc_buf_clear(&m->items[i].value);
    tc_buf_append_slice(&m->items[i].value, value);
}

bool model_delete(struct model *m, struct tc_slice key) {
    size_t i = model_find(m, key);
    if (i == m->count || !tc_slice_eq(key_at(m, i), key))
        return false;
    tc_buf_deinit(&m->items[i].key);
    tc_buf_deinit(&m->items[i].value);
    memmove(&m->items[i], &m->items[i + 1], (m->count - i - 1) * sizeof *m->items);
    m->count--;
    return true;
}

void model_copy(struct model *to, const struct model *from) {
    model_deinit(to);
    for (size_t i = 0; i < from->count; i++)
        model_put(to, key_at(from, i), tc_buf_slice(&from->items[i].value));
}

void model_key(uint32_t n, const struct model_mix *mix, struct tc_buf *ret_key) {
    struct tc_prng rng = tc_prng(n * 2654435761u + 1);
    tc_buf_clear(ret_key);
    memset(tc_buf_extend(ret_key, mix->prefix_bytes), 'p', mix->prefix_bytes);
    uint64_t kind = tc_prng_below(&rng, 8);
    if (kind < 5)
        tc_buf_append_u64be(ret_key, tc_prng_u64(&rng));
    if (kind == 5)
        tc_buf_append_str(ret_key, "one partition with a prefix that many share/");
    if (kind == 6)
        tc_buf_append_u8(ret_key, 0);
    tc_buf_append_u8(ret_key, (uint8_t)n);
    tc_buf_append_u64be(ret_key, n);
    uint64_t longer = tc_prng_below(&rng, 16) == 0 ? tc_prng_below(&rng, mix->key_bytes_max) : 0;
    while (ret_key->len < longer)
        tc_buf_append_u8(ret_key, (uint8_t)(tc_prng_below(&rng, 3) == 0 ? 0xff : 0));
}

void model_value(struct tc_prng *rng, const struct model_mix *mix, struct tc_buf *ret_value) {
    uint64_t kind = tc_prng_below(rng, 32), len = tc_prng_below(rng, 200);
    if (kind > 20)
        len = tc_prng_below(rng, mix->value_bytes_max / 16 + 1);
    if (kind == 31)
        len = tc_prng_below(rng, mix->value_bytes_max + 1);
    tc_buf_clear(ret_value);
    tc_buf_extend(ret_value, len);
    if (len > 0)
        memset(ret_value->data, (int)tc_prng_below(rng, 256), len);
    for (uint64_t k = 0; k < len; k += 37)
        ret_value->data[k] = (uint8_t)tc_prng_below(rng, 256);
}

void model_step(struct model *m, struct btree *t, struct tc_prng *rng, const struct model_mix *mix,
                uint32_t delete_of) {
    struct tc_buf key = {0}, value = {0};
    model_key((uint32_t)tc_prng_below(rng, mix->key_space), mix, &key);
    if (delete_of > 0 && tc_prng_below(rng, delete_of) == 0) {
        bool was = model_delete(m, tc_buf_slice(&key));
        assert_int_equal(btree_delete(t, tc_buf_slice(&key)), was ? TC_OK : TC_ENOTFOUND);
    } else {
        model_value(rng, mix, &value);
        model_put(m, tc_buf_slice(&key), tc_buf_slice(&value));
        assert_int_equal(btree_put(t, tc_buf_slice(&key), tc_buf_slice(&value)), TC_OK);
    }
    tc_buf_deinit(&key);
    tc_buf_deinit(&value);
}

void model_sums(const struct model *m, struct btree_sums *ret_sums) {
    memset(ret_sums, 0, sizeof *ret_sums);
    for (size_t i = 0; i < m->count; i++) {
        struct btree_item_hash h = btree_item_hash(key_at(m, i), tc_buf_slice(&m->items[i].value));
        btree_sums_add(ret_sums, &h);
    }
}

static bool scan_equals(const struct model *m, struct btree *t, bool forward) {
    struct btree_cursor c;
    btree_cursor_init(&c, t);
    tc_err err = forward ? btree_cursor_seek(&c, BTREE_GE, TC_SLICE_EMPTY) : btree_cursor_last(&c);
    size_t n = 0;
    bool same = true;
    for (; err == TC_OK && n < m->count && same; n++) {
        size_t i = forward ? n : m->count - 1 - n;
        struct tc_slice value;
        same = tc_slice_eq(tc_buf_slice(&c.key), key_at(m, i)) &&
               btree_cursor_value(&c, &value) == TC_OK &&
               tc_slice_eq(value, tc_buf_slice(&m->items[i].value));
        err = forward ? btree_cursor_next(&c) : btree_cursor_prev(&c);
    }
    btree_cursor_deinit(&c);
    return same && err == TC_EEND && n == m->count;
}

bool model_equals(const struct model *m, struct btree *t) {
    struct btree_sums a, b;
    model_sums(m, &a);
    btree_sums(t, &b);
    return btree_stats(t).item_count == m->count && memcmp(&a, &b, sizeof a) == 0 &&
           scan_equals(m, t, true) && scan_equals(m, t, false);
}

void model_assert_equal(const struct model *m, struct btree *t) {
    struct btree_sums a, b;
    model_sums(m, &a);
    btree_sums(t, &b);
    assert_int_equal(btree_stats(t).item_count, m->count);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(scan_equals(m, t, true));
    assert_true(scan_equals(m, t, false));
    for (size_t i = 0; i < m->count; i++) {
        struct tc_slice value;
        assert_int_equal(btree_get(t, key_at(m, i), &value), TC_OK);
        assert_true(tc_slice_eq(value, tc_buf_slice(&m->items[i].value)));
    }
}

void model_assert_snapshot(const struct model *m, struct btree_snapshot *s) {
    assert_int_equal(btree_snapshot_seek(s, TC_SLICE_EMPTY), TC_OK);
    assert_int_equal(btree_snapshot_item_count(s), m->count);
    for (size_t i = 0; i < m->count; i++) {
        struct tc_slice key, value;
        assert_int_equal(btree_snapshot_next(s, &key, &value), TC_OK);
        assert_true(tc_slice_eq(key, key_at(m, i)));
        assert_true(tc_slice_eq(value, tc_buf_slice(&m->items[i].value)));
    }
    struct tc_slice key, value;
    assert_int_equal(btree_snapshot_next(s, &key, &value), TC_EEND);
}

void model_assert_verified(struct btree *t) {
    struct btree_verify *v = NULL;
    assert_int_equal(btree_verify_begin(t, &v), TC_OK);
    tc_err err = TC_OK;
    while (err == TC_OK)
        err = btree_verify_step(v, 3, NULL, NULL);
    assert_int_equal(err, TC_EEND);
    assert_int_equal(btree_verify_result(v).bad_count, 0);
    assert_true(btree_verify_result(v).sums_equal);
    btree_verify_end(t, v);
}

struct sim_fs *harness_fs(uint64_t seed) {
    struct sim_fs *s = sim_fs_new(seed);
    assert_non_null(s);
    assert_int_equal(tc_fs_mkdir(sim_fs_fs(s), "d"), TC_OK);
    TC_IGNORE(tc_fs_sync_dir(sim_fs_fs(s), ".")); /* the root's own name needs no vouching */
    return s;
}

struct btree_opts harness_opts(size_t cache_bytes) {
    return (struct btree_opts){.gid = 7, .cache_bytes = cache_bytes, .create = true};
}

struct btree *harness_open(struct sim_fs *s, size_t cache_bytes) {
    struct btree *t = NULL;
    struct btree_opts o = harness_opts(cache_bytes);
    assert_int_equal(btree_open(sim_fs_fs(s), TREE_PATH, &o, &t), TC_OK);
    return t;
}

void harness_checkpoint(struct btree *t, uint64_t index) {
    struct btree_stamp stamp = {
        .index = index, .ballot = index + 1, .chain = ~index, .blob = TC_SLICE_LIT("blob")};
    assert_int_equal(btree_checkpoint(t, &stamp), TC_OK);
    struct btree_stamp back = btree_durable_stamp(t);
    assert_true(back.index == index && back.ballot == index + 1 && back.chain == ~index);
    assert_true(tc_slice_eq(back.blob, TC_SLICE_LIT("blob")));
}
