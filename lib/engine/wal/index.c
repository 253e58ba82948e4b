#include "engine/wal/index.h"

#include "base/assert.h"

#include <stdlib.h>

struct wal_group_index *wal__index_group(const struct wal_index *x, uint64_t gid) {
    return tc_map_get(&x->groups, tc_map_u64_key(&gid));
}

static struct wal_group_index *group_make(struct wal_index *x, uint64_t gid) {
    struct wal_group_index *g = wal__index_group(x, gid);
    if (g)
        return g;
    g = calloc(1, sizeof *g);
    TC_ASSERT(g != NULL);
    g->gid = gid;
    tc_map_put(&x->groups, tc_map_u64_key(&gid), g);
    return g;
}

static void release(struct wal_index *x, struct wal_place place) {
    if (place.slot != WAL_NOWHERE)
        x->released(x->user, place);
}

static void occupy(struct wal_index *x, struct wal_place place) {
    if (place.slot != WAL_NOWHERE)
        x->occupied(x->user, place);
}

void wal__index_uncache(struct wal_index *x, struct wal_item *item) {
    if (item->body == NULL)
        return;
    x->cached_bytes -= wal__body_cost(item->entry.body_len);
    tc_blob_unref(item->body);
    item->body = NULL;
}

static void drop_item(struct wal_index *x, struct wal_item *item) {
    wal__index_uncache(x, item);
    release(x, item->place);
}

/* Position of the first item with index >= idx. */
static size_t lower_bound(const struct wal_group_index *g, uint64_t idx) {
    if (g->count == 0)
        return 0;
    const struct wal_item *items = g->items + g->head;
    if (idx <= items[0].entry.idx)
        return 0;
    uint64_t ahead = idx - items[0].entry.idx;
    if (ahead < g->count && items[ahead].entry.idx == idx)
        return (size_t)ahead;
    size_t lo = 0;
    size_t hi = g->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (items[mid].entry.idx < idx)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct wal_item *wal__index_find(struct wal_group_index *g, uint64_t idx) {
    size_t at = lower_bound(g, idx);
    if (at == g->count || g->items[g->head + at].entry.idx != idx)
        return NULL;
    return &g->items[g->head + at];
}

static void drop_range(struct wal_index *x, struct wal_group_index *g, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        drop_item(x, &g->items[g->head + i]);
}

static void cut_from(struct wal_index *x, struct wal_group_index *g, size_t at) {
    drop_range(x, g, at, g->count);
    g->count = at;
}

static void cut_before(struct wal_index *x, struct wal_group_index *g, size_t at) {
    drop_range(x, g, 0, at);
    g->head += at;
    g->count -= at;
    if (g->count == 0)
        g->head = 0;
}

static void make_room(struct wal_group_index *g) {
    if (g->head + g->count < g->cap)
        return;
    if (g->head > g->cap / 2) {
        memmove(g->items, g->items + g->head, g->count * sizeof *g->items);
        g->head = 0;
        return;
    }
    g->cap = g->cap ? g->cap * 2 : 8;
    g->items = realloc(g->items, g->cap * sizeof *g->items);
    TC_ASSERT(g->items != NULL);
}

static void insert_at(struct wal_group_index *g, size_t at, const struct wal_item *item) {
    make_room(g);
    struct wal_item *to = g->items + g->head + at;
    memmove(to + 1, to, (g->count - at) * sizeof *to);
    *to = *item;
    g->count++;
}

static struct wal_item item_of(const struct wal_new *n, struct tc_blob *body) {
    uint16_t flags = (uint16_t)(n->rec.flags & WAL_CALLER_FLAGS);
    return (struct wal_item){
        .entry = {.idx = n->rec.idx,
                  .ballot = n->rec.ballot,
                  .chain = n->rec.chain,
                  .lsn = n->lsn,
                  .body_crc = n->rec.body_crc,
                  .body_len = n->body_len,
                  .type = n->rec.type,
                  .flags = flags,
                  .faulty = n->faulty},
        .place = n->place,
        .body = body ? tc_blob_ref(body) : NULL,
    };
}

static void count_in(struct wal_index *x, const struct wal_item *item) {
    occupy(x, item->place);
    if (item->body)
        x->cached_bytes += wal__body_cost(item->entry.body_len);
}

static tc_err add_in_place(struct wal_index *x, struct wal_group_index *g, const struct wal_new *n,
                           struct tc_blob *body) {
    struct wal_item *old = wal__index_find(g, n->rec.idx);
    bool same = old && old->entry.ballot == n->rec.ballot && old->entry.chain == n->rec.chain;
    if (!same && !n->recovering)
        return TC_ENOTFOUND;
    if (old && !same)
        return TC_OK; /* replaced since; only a log with lost records can show this */
    if (old && n->faulty && !old->entry.faulty)
        return TC_OK; /* the copy rotted, what it copied is intact */
    struct wal_item item = item_of(n, body);
    count_in(x, &item);
    if (old) {
        drop_item(x, old);
        *old = item;
    } else {
        insert_at(g, lower_bound(g, n->rec.idx), &item);
    }
    return TC_OK;
}

static void add_entry(struct wal_index *x, struct wal_group_index *g, const struct wal_new *n,
                      struct tc_blob *body) {
    uint64_t last = g->count ? g->items[g->head + g->count - 1].entry.idx : 0;
    /* While recovering, a gap may only wait for copies that come later in the log; what stays below
     * the last gap is dropped by wal__index_settle. */
    if (!n->recovering && g->count && n->rec.idx > last && n->rec.idx - last > 1)
        cut_from(x, g, 0);
    else
        cut_from(x, g, lower_bound(g, n->rec.idx));
    struct wal_item item = item_of(n, body);
    count_in(x, &item);
    insert_at(g, g->count, &item);
}

static void add_state(struct wal_index *x, struct wal_group_index *g, const struct wal_new *n,
                      struct tc_blob *body) {
    struct wal_state_item *s = &g->states[n->rec.type - WAL_HARDSTATE];
    occupy(x, n->place);
    if (s->lsn)
        release(x, s->place);
    tc_blob_unref(s->body);
    *s = (struct wal_state_item){
        .lsn = n->lsn,
        .place = n->place,
        .rec = n->rec,
        .body = body ? tc_blob_ref(body) : NULL,
        .lost = n->faulty,
    };
}

tc_err wal__index_add(struct wal_index *x, const struct wal_new *n, struct tc_blob *body) {
    if (n->rec.type == WAL_FORGET) {
        wal__index_forget(x, n->rec.gid);
        return TC_OK;
    }
    bool in_place = (n->rec.flags & WAL_IN_PLACE) != 0;
    struct wal_group_index *g = wal__index_group(x, n->rec.gid);
    if (in_place && g == NULL && !n->recovering)
        return TC_ENOTFOUND;
    if (g == NULL)
        g = group_make(x, n->rec.gid);
    if (wal__is_state(n->rec.type))
        add_state(x, g, n, body);
    else if (in_place)
        return add_in_place(x, g, n, body);
    else
        add_entry(x, g, n, body);
    return TC_OK;
}

void wal__index_place(struct wal_index *x, const struct wal_record *rec, uint64_t lsn,
                      struct wal_place place) {
    struct wal_group_index *g = wal__index_group(x, rec->gid);
    if (g == NULL || rec->type == WAL_FORGET)
        return;
    struct wal_place *to = NULL;
    if (wal__is_state(rec->type)) {
        struct wal_state_item *s = &g->states[rec->type - WAL_HARDSTATE];
        to = s->lsn == lsn ? &s->place : NULL;
    } else {
        struct wal_item *item = wal__index_find(g, rec->idx);
        to = item && item->entry.lsn == lsn ? &item->place : NULL;
    }
    if (to == NULL)
        return; /* superseded while it waited in the queue */
    TC_ASSERT(to->slot == WAL_NOWHERE);
    *to = place;
    occupy(x, place);
}

static void group_free(struct wal_index *x, struct wal_group_index *g) {
    cut_from(x, g, 0);
    for (size_t i = 0; i < WAL_STATE_TYPES; i++) {
        if (g->states[i].lsn)
            release(x, g->states[i].place);
        tc_blob_unref(g->states[i].body);
    }
    free(g->items);
    free(g);
}

void wal__index_forget(struct wal_index *x, uint64_t gid) {
    struct wal_group_index *g = tc_map_del(&x->groups, tc_map_u64_key(&gid));
    if (g)
        group_free(x, g);
}

void wal__index_trim(struct wal_index *x, uint64_t gid, uint64_t idx) {
    struct wal_group_index *g = wal__index_group(x, gid);
    if (g && idx < UINT64_MAX)
        cut_before(x, g, lower_bound(g, idx + 1));
}

void wal__index_settle(struct wal_index *x) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&x->groups, &at, &key, &value)) {
        struct wal_group_index *g = value;
        size_t keep = g->count;
        while (keep > 1 &&
               g->items[g->head + keep - 1].entry.idx == g->items[g->head + keep - 2].entry.idx + 1)
            keep--;
        if (keep > 1)
            cut_before(x, g, keep - 1);
    }
}

void wal__index_deinit(struct wal_index *x) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&x->groups, &at, &key, &value))
        group_free(x, value);
    tc_map_deinit(&x->groups);
}

static int ascending(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

uint64_t *wal__index_gids(const struct wal_index *x, size_t *ret_count) {
    uint64_t *gids = calloc(x->groups.count + 1, sizeof *gids);
    TC_ASSERT(gids != NULL);
    size_t count = 0;
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&x->groups, &at, &key, &value))
        gids[count++] = ((struct wal_group_index *)value)->gid;
    qsort(gids, count, sizeof *gids, ascending);
    *ret_count = count;
    return gids;
}
