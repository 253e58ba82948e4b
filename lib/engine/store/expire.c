#include "engine/store/expire.h"

#include "core/index/index_aux.h"
#include "engine/store/admit.h"
#include "engine/store/apply.h"
#include "engine/store/derive.h"
#include "engine/store/due.h"
#include "engine/store/group.h"
#include "engine/store/newest.h"
#include "engine/store/own.h"
#include "engine/store/rows.h"

#define SECOND_NS 1000000000u

/* ---- one row */

static tc_err propose(struct replica *r, const struct entry_mutation *m, size_t count,
                      uint64_t hlc_ns) {
    uint64_t index = 0;
    return store__own_write(r, m, count, hlc_ns, /* if_room= */ false, &index);
}

/* The item, and all rows that follow from it: this one too. */
static tc_err delete_item(struct replica *r, struct store_derivation *d, struct tc_slice key,
                          struct tc_slice item) {
    struct entry_mutation m[1 + INDEX_MUTATIONS_MAX];
    struct tc_buf message = {0};
    uint64_t hlc_ns = store__apply_hlc_ns(r);
    tc_err err = store__derive(r, d, /* updated= */ false, item, TC_SLICE_EMPTY, hlc_ns, &message);
    tc_buf_deinit(&message);
    TC_TRY(err);
    m[0] = (struct entry_mutation){.op = ENTRY_DELETE, .key = key};
    memcpy(&m[1], d->derived.mutations, d->derived.count * sizeof m[0]);
    TC_TRY(propose(r, m, 1 + d->derived.count, hlc_ns));
    r->store->counters.expired++;
    return TC_OK;
}

/* A row that is gone since long. If it changed since, another row 0x14 is about it. */
static tc_err drop_gone(struct replica *r, struct tc_slice row_key, struct tc_slice key) {
    struct tc_slice row = TC_SLICE_EMPTY, value = TC_SLICE_EMPTY;
    uint64_t gone = 0, version = 0, pending = 0;
    TC_TRY(store__newest(r, row_key, &value, &pending));
    bool known = store__rows_gone_decode(value, &gone) == TC_OK;
    TC_TRY(store__newest(r, key, &row, &pending));
    bool same = known && row.len > 0 && index_version_is_gone(row) &&
                index_version_take(row, &version) && version == gone;
    struct entry_mutation m[2] = {{.op = ENTRY_DELETE, .key = row_key},
                                  {.op = ENTRY_DELETE, .key = key}};
    return propose(r, m, same ? 2 : 1, store__apply_hlc_ns(r));
}

static tc_err expire(struct replica *r, struct tc_slice row_key, struct tc_slice key,
                     uint64_t seconds) {
    struct store_derivation *d = NULL;
    struct tc_slice item = TC_SLICE_EMPTY;
    uint64_t at_s = 0, pending = 0;
    tc_arena_reset(&r->store->scratch);
    TC_TRY(store__derive_read(r, key, &d));
    TC_TRY(store__newest(r, key, &item, &pending));
    bool due = index_expiry_of(r->schema, item, &at_s) && at_s == seconds;
    if (d && due)
        return delete_item(r, d, key, item);
    struct entry_mutation m = {.op = ENTRY_DELETE, .key = row_key};
    return propose(r, &m, 1, store__apply_hlc_ns(r));
}

/* More is left, or it was refused: not before a moment has passed. */
static void pause(struct replica *r, uint64_t now_ns, tc_err err) {
    uint64_t pause_ms = err == TC_OK ? STORE_EXPIRE_PAUSE_MS : STORE_EXPIRE_REFUSED_MS;
    r->expire.retry_ns = now_ns + pause_ms * STORE_MS_NS;
    store__due_touch(r, now_ns);
}

/* ---- a batch */

struct batch {
    struct replica *r;
    uint64_t now_s;
    uint64_t next_s; /* the first row that is not due; UINT64_MAX: none */
    size_t looked;
    bool more; /* rows are left, or on their way out */
    bool gone; /* rows of a global index that are gone */
};

/* The row under the cursor; TC_EEND: no more for now. */
static tc_err look(struct batch *b, const struct btree_cursor *c) {
    struct tc_slice row_key = tc_buf_slice(&c->key), key;
    uint64_t seconds = 0;
    if (index_key_kind(row_key) != INDEX_KIND_EXPIRY)
        return TC_EEND;
    if (index_expiry_key_decode(row_key, &seconds, &key) != TC_OK)
        return TC_OK; /* none that this code writes: it stays */
    if (seconds > b->now_s) {
        b->next_s = seconds;
        return TC_EEND;
    }
    b->more = true;
    if (b->looked++ == STORE_EXPIRE_BATCH)
        return TC_EEND;
    if (store_overlay_deletes(&b->r->overlay, row_key))
        return TC_OK; /* it is going already */
    return b->gone ? drop_gone(b->r, row_key, key) : expire(b->r, row_key, key, seconds);
}

static tc_err run(struct batch *b) {
    struct btree_cursor c;
    struct tc_buf from = {0};
    uint64_t from_s = b->now_s > STORE_EXPIRE_PAST_S ? b->now_s - STORE_EXPIRE_PAST_S : 0;
    index_expiry_key(from_s, TC_SLICE_EMPTY, &from);
    btree_cursor_init(&c, b->r->tree);
    tc_err err = btree_cursor_seek(&c, BTREE_GE, tc_buf_slice(&from));
    while (err == TC_OK) {
        err = look(b, &c);
        if (err == TC_OK)
            err = btree_cursor_next(&c);
    }
    btree_cursor_deinit(&c);
    tc_buf_deinit(&from);
    return err == TC_EEND ? TC_OK : err;
}

/* ---- rows that say nothing any more: expiry times were disabled */

struct sweep {
    struct tc_buf keys;
    size_t ends[STORE_EXPIRE_BATCH];
    size_t count;
    bool more; /* rows are left, or on their way out */
};

/* All rows 0x14 in order, as long as the batch has room. */
static tc_err collect(struct replica *r, struct sweep *w) {
    struct btree_cursor c;
    struct tc_buf from = {0};
    index_expiry_key(0, TC_SLICE_EMPTY, &from);
    btree_cursor_init(&c, r->tree);
    tc_err err = btree_cursor_seek(&c, BTREE_GE, tc_buf_slice(&from));
    while (err == TC_OK && index_key_kind(tc_buf_slice(&c.key)) == INDEX_KIND_EXPIRY) {
        w->more = true;
        if (w->count == STORE_EXPIRE_BATCH)
            break;
        if (!store_overlay_deletes(&r->overlay, tc_buf_slice(&c.key))) {
            tc_buf_append_slice(&w->keys, tc_buf_slice(&c.key));
            w->ends[w->count++] = w->keys.len;
        }
        err = btree_cursor_next(&c);
    }
    btree_cursor_deinit(&c);
    tc_buf_deinit(&from);
    return err == TC_EEND ? TC_OK : err;
}

static tc_err sweep(struct replica *r, bool *ret_more) {
    struct entry_mutation m[STORE_EXPIRE_BATCH];
    struct sweep w = {0};
    tc_err err = collect(r, &w);
    for (size_t i = 0, at = 0; i < w.count; at = w.ends[i++])
        m[i] = (struct entry_mutation){.op = ENTRY_DELETE,
                                       .key = tc_slice(w.keys.data + at, w.ends[i] - at)};
    if (err == TC_OK && w.count > 0)
        err = propose(r, m, w.count, store__apply_hlc_ns(r));
    tc_buf_deinit(&w.keys);
    *ret_more = w.more;
    return err;
}

static bool may_sweep(const struct replica *r, uint64_t now_ns) {
    return store__derives(r) && r->schema->ttl.len == 0 && now_ns >= r->expire.retry_ns &&
           r->expire.next_s != UINT64_MAX && store__group_leads(r);
}

/* A write that was decided before may leave one more row: applying it makes next_s finite again. */
static void tick_sweep(struct replica *r, uint64_t now_ns) {
    bool more = false;
    tc_err err = r->aux.count > 0 ? store__admit_write(r, /* deletes= */ true) : TC_OK;
    if (err == TC_OK && r->aux.count > 0)
        err = sweep(r, &more);
    if (err == TC_OK && !more) {
        r->expire.next_s = UINT64_MAX;
        return;
    }
    pause(r, now_ns, err);
}

/* ---- when */

static bool may_expire(struct replica *r, uint64_t now_ns) {
    return store__derives(r) && r->schema->ttl.len > 0 && now_ns >= r->expire.retry_ns &&
           r->expire.next_s <= store__wall_ns(r->store) / SECOND_NS && store__group_leads(r);
}

static void set_mark(struct replica *r, uint64_t now_ns) {
    r->expire.mark_ns = now_ns;
    r->expire.mark_s = r->hlc_ns / SECOND_NS;
}

/* What was gone in a second before the mark's is due now. */
static bool may_drop_gone(struct replica *r, uint64_t now_ns) {
    uint64_t gone_ns = r->store->options.gone_ms * STORE_MS_NS;
    if (r->schema == NULL || r->schema->kind != INDEX_GLOBAL || now_ns < r->expire.retry_ns ||
        !store__group_leads(r))
        return false;
    if (r->expire.mark_ns == 0)
        set_mark(r, now_ns);
    return now_ns >= r->expire.mark_ns + gone_ns;
}

static void tick_gone(struct replica *r, uint64_t now_ns) {
    struct batch b = {.r = r, .next_s = UINT64_MAX, .gone = true};
    /* A group that had no write when it was marked: nothing was gone before that. */
    bool any = r->aux.count > 0 && r->expire.mark_s > 0;
    if (any)
        b.now_s = r->expire.mark_s - 1;
    tc_err err = any ? store__admit_write(r, /* deletes= */ true) : TC_OK;
    if (err == TC_OK && any)
        err = run(&b);
    if (err == TC_OK && !b.more) {
        set_mark(r, now_ns);
        return;
    }
    pause(r, now_ns, err);
}

static void tick_items(struct replica *r, uint64_t now_ns) {
    struct batch b = {.r = r, .now_s = store__wall_ns(r->store) / SECOND_NS, .next_s = UINT64_MAX};
    tc_err err = store__admit_write(r, /* deletes= */ true);
    if (err == TC_OK)
        err = run(&b);
    if (err == TC_OK && !b.more)
        r->expire.next_s = b.next_s;
    else
        pause(r, now_ns, err);
}

void store__expire_tick(struct replica *r, uint64_t now_ns) {
    if (may_drop_gone(r, now_ns))
        tick_gone(r, now_ns);
    if (may_sweep(r, now_ns))
        tick_sweep(r, now_ns);
    if (may_expire(r, now_ns))
        tick_items(r, now_ns);
}
