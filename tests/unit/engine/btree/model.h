/* The simplest thing a B-tree must equal: a sorted array of items, and the harness around both. */
#ifndef TC_TESTS_BTREE_MODEL_H
#define TC_TESTS_BTREE_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/prng.h"
#include "engine/btree/btree.h"
#include "env/sim/sim.h"

#define TREE_PATH "d/tree"

struct model_item {
    struct tc_buf key;
    struct tc_buf value;
};

struct model {
    struct model_item *items;
    size_t count;
    size_t max;
};

/* What keys and values a run draws. */
struct model_mix {
    uint32_t key_space; /* distinct keys */
    uint32_t key_bytes_max;
    uint32_t value_bytes_max; /* most are far smaller */
    uint32_t prefix_bytes;    /* every key begins with so many equal bytes */
};

void model_deinit(struct model *m);
void model_copy(struct model *to, const struct model *from);
void model_put(struct model *m, struct tc_slice key, struct tc_slice value);
bool model_delete(struct model *m, struct tc_slice key);
/* Index of the first key >= key. */
size_t model_find(const struct model *m, struct tc_slice key);
const struct model_item *model_get(const struct model *m, struct tc_slice key);

/* Key number n of a mix: always the same bytes; some share long prefixes, some are long. */
void model_key(uint32_t n, const struct model_mix *mix, struct tc_buf *ret_key);
void model_value(struct tc_prng *rng, const struct model_mix *mix, struct tc_buf *ret_value);
/* One random put (or, one in delete_of, delete) on both; the tree's answer must be OK. */
void model_step(struct model *m, struct btree *t, struct tc_prng *rng, const struct model_mix *mix,
                uint32_t delete_of);

/* Everything readable of the tree equals the model: scans both ways, gets, sums, counts. */
void model_assert_equal(const struct model *m, struct btree *t);
bool model_equals(const struct model *m, struct btree *t);
void model_assert_snapshot(const struct model *m, struct btree_snapshot *s);
void model_sums(const struct model *m, struct btree_sums *ret_sums);
/* Full verification of the last checkpoint: no bad page. */
void model_assert_verified(struct btree *t);

struct sim_fs *harness_fs(uint64_t seed);
struct btree *harness_open(struct sim_fs *s, size_t cache_bytes);
struct btree_opts harness_opts(size_t cache_bytes);
void harness_checkpoint(struct btree *t, uint64_t index);

#endif
