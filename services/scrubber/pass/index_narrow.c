/* From sums that differ to the rows that do. */
#include "scrubber/pass/index_private.h"

#include "base/assert.h"
#include "base/map.h"
#include "proto/bytes.h"

#include <stdlib.h>

enum {
    BUCKETS_MAX = 4, /* looked into; the others are counted */
    PAGES_MAX = 1000000,
};

static void add_keys(struct tc_map *rows, const Tercet__Pb__ScrubIndexReply *m) {
    for (size_t i = 0; i < m->n_keys; i++) {
        uint64_t *hash = malloc(sizeof *hash);
        TC_ASSERT(hash != NULL);
        *hash = m->hashes[i];
        free(tc_map_put(rows, proto_slice(m->keys[i]), hash));
    }
}

static void collect(struct pass_index_run *x, const struct pass_side *s, uint32_t bucket,
                    struct tc_map *rows) {
    for (size_t g = 0; g < s->count; g++) {
        struct tc_buf after = {0};
        for (int page = 0; page < PAGES_MAX; page++) {
            Tercet__Pb__ScrubIndexReply *m =
                pass__index_ask(x, s, g, tc_buf_slice(&after), bucket + 1);
            if (m == NULL)
                break;
            add_keys(rows, m);
            tc_buf_clear(&after);
            tc_buf_append(&after, m->next.data, m->next.len);
            tercet__pb__scrub_index_reply__free_unpacked(m, NULL);
            if (after.len == 0 || !x->env->pause(x->env->user, x->env->pace_ms))
                break;
        }
        tc_buf_deinit(&after);
    }
}

static void find(struct pass *p, const char *name, struct tc_slice key, const char *what,
                 uint32_t bucket) {
    Tercet__Pb__ScrubFinding *f =
        pass__finding(p, PASS_INDEX_CHECK, name, "differs in bucket %u: %s", bucket, what);
    if (f)
        f->key = pass__bytes(key);
}

/* Rows of from that to has not, or has otherwise. */
static void compare(struct pass *p, const char *name, const struct tc_map *from,
                    const struct tc_map *to, bool table, uint32_t bucket) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(from, &at, &key, &value)) {
        const uint64_t *other = tc_map_get(to, key);
        if (other == NULL)
            find(p, name, key,
                 table ? "a row is missing in the index" : "a row follows from no item", bucket);
        else if (table && *other != *(uint64_t *)value)
            find(p, name, key, "the row shows another state than the item", bucket);
    }
}

static void deinit(struct tc_map *rows) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(rows, &at, &key, &value))
        free(value);
    tc_map_deinit(rows);
}

void pass__index_narrow(struct pass_index_run *x, struct pass *p) {
    uint32_t differ = 0, first = 0;
    for (uint32_t b = BTREE_BUCKET_COUNT; b-- > 0;) {
        if (x->table.sums[b] == x->index.sums[b])
            continue;
        differ++;
        first = b;
    }
    for (uint32_t b = first, looked = 0; b < BTREE_BUCKET_COUNT && looked < BUCKETS_MAX; b++) {
        struct tc_map table = {0}, index = {0};
        if (x->table.sums[b] == x->index.sums[b])
            continue;
        looked++;
        collect(x, &x->table, b, &table);
        collect(x, &x->index, b, &index);
        compare(p, x->which->name, &table, &index, /* table= */ true, b);
        compare(p, x->which->name, &index, &table, /* table= */ false, b);
        deinit(&table);
        deinit(&index);
    }
    pass__check(p, PASS_INDEX_CHECK, TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED,
                "index %s differs in %u of %u buckets, from bucket %u on", x->which->name, differ,
                BTREE_BUCKET_COUNT, first);
}
