/* The rows of a child's B-tree, read from its parents' durable checkpoints, a slice at a time so
 * that other work of the store gets its turn. First come the rows with hash zero, by their home
 * (core/index); of two parents they are merged in order. All others lie where they belong, and all
 * keys of the left one of two parents are below those of the right one. */
#include "base/mutant.h"
#include "core/index/index_aux.h"
#include "core/key/key.h"
#include "engine/store/aux.h"
#include "engine/store/replica.h"
#include "engine/store/split_build.h"

enum {
    SLICE_BYTES = 8 << 20, /* copied by one job */
};

static void finish(struct split_build *b) {
    struct tc_buf blob = {0};
    struct paxos_mark none = {0};
    store__replica_blob(&blob, &none, &b->config, &b->aux);
    struct btree_stamp stamp = {
        .index = b->base.index, .chain = b->base.chain, .blob = tc_buf_slice(&blob)};
    b->err = btree_load_finish(b->load, &stamp);
    b->load = NULL; /* freed either way */
    b->ended = true;
    tc_buf_deinit(&blob);
}

static tc_err advance(struct build_source *from) {
    tc_err err = btree_snapshot_next(from->snap, &from->key, &from->value);
    if (err == TC_EEND)
        from->key = TC_SLICE_EMPTY;
    return err == TC_EEND ? TC_OK : err;
}

static tc_err load(struct split_build *b, struct tc_slice key, struct tc_slice value) {
    store__aux_add(&b->aux, b->global, key, value);
    return btree_load_add(b->load, key, value);
}

/* ---- rows with hash zero */

static bool is_homeless(const struct build_source *from) {
    return from->key.len > 0 && tc_slice_cmp(from->key, index_key_after_homeless()) < 0;
}

/* The source whose next row is the lowest; NULL: all such rows are through. */
static struct build_source *lowest(struct split_build *b) {
    struct build_source *found = NULL;
    for (size_t i = 0; i < b->source_count; i++) {
        struct build_source *from = &b->sources[i];
        if (is_homeless(from) && (found == NULL || tc_slice_cmp(from->key, found->key) < 0))
            found = from;
    }
    return found;
}

/* How far a backfill is: both halves of a split are as far as the whole was. Of two parents, it is
 * as far as both are. */
static tc_err load_backfill(struct split_build *b, struct build_source *from) {
    struct build_source *right = &b->sources[1];
    bool both =
        b->source_count == 2 && from == &b->sources[0] && tc_slice_eq(from->key, right->key);
    tc_err err = TC_OK;
    if (b->source_count == 1)
        return load(b, from->key, from->value);
    if (!both)
        return TC_OK; /* one of them has not begun */
    tc_buf_clear(&b->united);
    index_backfill_unite(from->value, right->value, &b->united);
    if (b->united.len > 0)
        err = load(b, from->key, tc_buf_slice(&b->united));
    return err == TC_OK ? advance(right) : err;
}

static tc_err load_homeless(struct split_build *b, struct build_source *from) {
    struct tc_slice home = index_key_home(from->key);
    tc_err err = TC_OK;
    if (home.len == 0)
        err = load_backfill(b, from);
    else if (key_in_range(home, tc_buf_slice(&b->start), tc_buf_slice(&b->end)) || TC_MUTANT(80))
        err = load(b, from->key, from->value);
    return err == TC_OK ? advance(from) : err;
}

/* ---- all others */

/* Go to where the child's range begins in this source. */
static tc_err seek(struct split_build *b, struct build_source *from) {
    struct tc_slice start = tc_buf_slice(&b->start);
    if (tc_slice_cmp(start, index_key_after_homeless()) < 0)
        start = index_key_after_homeless();
    TC_TRY(btree_snapshot_seek(from->snap, start));
    return advance(from);
}

/* This source holds no more of the child's range. */
static void next_source(struct split_build *b) {
    if (++b->source_at == b->source_count || TC_MUTANT(64))
        finish(b);
    else
        b->err = seek(b, &b->sources[b->source_at]);
}

/* Load one row, or get past what has none; returns its bytes. */
static size_t step(struct split_build *b) {
    struct build_source *from = b->homeless ? lowest(b) : &b->sources[b->source_at];
    if (from == NULL) {
        b->homeless = false;
        b->err = seek(b, &b->sources[0]);
        return 0;
    }
    size_t bytes = from->key.len + from->value.len;
    if (b->homeless) {
        b->err = load_homeless(b, from);
    } else if (from->key.len > 0 &&
               key_in_range(from->key, tc_buf_slice(&b->start), tc_buf_slice(&b->end))) {
        b->err = load(b, from->key, from->value);
        if (b->err == TC_OK)
            b->err = advance(from);
    } else {
        next_source(b);
    }
    if (b->err != TC_OK && b->homeless)
        b->source_at = (size_t)(from - b->sources); /* whose fault it is */
    return bytes;
}

/* ---- a slice of them */

static tc_err begin(struct split_build *b) {
    TC_TRY(btree_load_begin(b->fs, b->path, &b->opts, &b->load));
    b->homeless = true;
    for (size_t i = 0; i < b->source_count; i++) {
        TC_TRY(btree_snapshot_seek(b->sources[i].snap, TC_SLICE_EMPTY));
        TC_TRY(advance(&b->sources[i]));
    }
    return TC_OK;
}

void store__split_rows(struct split_build *b) {
    if (b->load == NULL)
        b->err = begin(b);
    for (size_t copied = 0; b->err == TC_OK && !b->ended && copied < SLICE_BYTES;)
        copied += step(b);
}
