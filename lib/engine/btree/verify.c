#include "engine/btree/btree_private.h"

#include <stdlib.h>

struct btree_verify {
    struct btree_snapshot *snap;
    struct btree_verify_result result;
    struct btree_sums sums;
    uint64_t item_count;
    bool super_bad[BTREE_SUPER_COUNT]; /* found at begin, reported by the first step */
    bool header_done;
    bool root_done;
    uint32_t pages_left; /* of the current step */
    void (*visit)(void *user, const struct btree_damage *bad);
    void *user;
};

/* Both copies of the durable superblock. Read by the owner: nobody writes this slot meanwhile. */
static tc_err check_supers(struct btree *t, struct btree_verify *v) {
    const struct btree_super *durable = &t->durable->super;
    struct btree_super *s = malloc(sizeof *s);
    TC_ASSERT(s != NULL);
    tc_err err = TC_OK;
    for (uint32_t i = durable->slot; i < BTREE_SUPER_COUNT && err == TC_OK; i += 2) {
        err = tc_file_read_at(t->file, (uint64_t)i * BTREE_PAGE_BYTES, s, sizeof *s);
        v->super_bad[i] =
            err == TC_EEND || btree__super_check(s, t->gid) != NULL || s->gen != durable->gen;
        if (err == TC_EEND)
            err = TC_OK;
    }
    free(s);
    return err;
}

tc_err btree_verify_begin(struct btree *t, struct btree_verify **ret_verify) {
    struct btree_verify *v = calloc(1, sizeof *v);
    TC_ASSERT(v != NULL);
    tc_err err = check_supers(t, v);
    if (err == TC_OK)
        err = btree_snapshot_pin(t, &v->snap);
    if (err != TC_OK) {
        free(v);
        return err;
    }
    *ret_verify = v;
    return TC_OK;
}

void btree_verify_end(struct btree *t, struct btree_verify *v) {
    if (!v)
        return;
    btree_snapshot_unpin(t, v->snap);
    free(v);
}

static void count_pages(struct btree_verify *v, uint32_t pages) {
    v->result.page_count += pages;
    v->pages_left = v->pages_left > pages ? v->pages_left - pages : 0;
}

static void report(struct btree_verify *v, const struct btree_damage *bad) {
    v->result.bad_count++;
    if (v->visit)
        v->visit(v->user, bad);
}

static tc_err read_map(struct btree_verify *v) {
    const struct btree_super *s = &v->snap->version->super;
    if (s->map_page == 0)
        return TC_OK;
    uint32_t len = btree__map_bytes(s->page_count);
    struct btree_run_ref ref = btree__map_ref(s);
    const char *what = NULL;
    tc_err err = btree__snapshot_run(v->snap, &ref, len, &what);
    if (err == TC_ECORRUPT) {
        struct btree_damage bad = {.page = ref.page, .what = what};
        report(v, &bad);
        err = TC_OK;
    }
    if (err == TC_OK)
        count_pages(v, btree__run_pages(len));
    return err;
}

static tc_err verify_header(struct btree_verify *v) {
    TC_TRY(read_map(v));
    for (uint32_t i = 0; i < BTREE_SUPER_COUNT; i++) {
        if (!v->super_bad[i])
            continue;
        struct btree_damage bad = {.page = i, .what = "superblock copy is damaged"};
        report(v, &bad);
    }
    count_pages(v, 2);
    v->header_done = true;
    return TC_OK;
}

/* Read the page the position leads to; a bad one is reported and passed over. */
static tc_err enter(struct btree_verify *v) {
    struct btree_snapshot *s = v->snap;
    tc_err err = btree__snapshot_push(s);
    if (err == TC_ECORRUPT) {
        report(v, &s->damage);
        if (s->depth > 0)
            s->level[s->depth - 1].at++;
        err = TC_OK;
    }
    if (err == TC_OK)
        count_pages(v, 1);
    return err;
}

static tc_err verify_item(struct btree_verify *v) {
    struct btree_snapshot *s = v->snap;
    struct btree_snapshot_level *leaf = &s->level[s->depth - 1];
    const struct btree_page *p = btree_page_of(leaf->data);
    struct tc_slice value;
    tc_err err = btree__snapshot_value(s, &value);
    if (err != TC_OK && err != TC_ECORRUPT)
        return err;
    if (err == TC_ECORRUPT) {
        report(v, &s->damage);
    } else {
        struct btree_item_hash h = btree_item_hash(btree_page_key(p, leaf->at), value);
        btree_sums_add(&v->sums, &h);
        v->item_count++;
    }
    if (btree_page_value_in_run(p, leaf->at))
        count_pages(v, btree__run_pages(btree_page_value_len(p, leaf->at)));
    leaf->at++;
    return TC_OK;
}

/* One move of a walk in key order over all pages: enter, look, leave. */
static tc_err walk(struct btree_verify *v) {
    struct btree_snapshot *s = v->snap;
    if (s->depth == 0) {
        if (v->root_done || s->version->super.root == 0)
            return TC_EEND;
        TC_TRY(enter(v));
        v->root_done = true;
        return TC_OK;
    }
    const struct btree_page *p = btree__snapshot_page(s, s->depth - 1);
    if (s->level[s->depth - 1].at < p->count)
        return p->type == BTREE_INNER ? enter(v) : verify_item(v);
    s->depth--;
    if (s->depth > 0)
        s->level[s->depth - 1].at++;
    return TC_OK;
}

tc_err btree_verify_step(struct btree_verify *v, uint32_t pages_max,
                         void (*visit)(void *user, const struct btree_damage *bad), void *user) {
    v->visit = visit;
    v->user = user;
    v->pages_left = pages_max;
    tc_err err = v->header_done ? TC_OK : verify_header(v);
    while (err == TC_OK && v->pages_left > 0)
        err = walk(v);
    if (err == TC_EEND) {
        const struct btree_super *s = &v->snap->version->super;
        v->result.sums_equal =
            memcmp(&v->sums, s->sums, sizeof v->sums) == 0 && v->item_count == s->item_count;
    }
    return err;
}

struct btree_verify_result btree_verify_result(const struct btree_verify *v) {
    return v->result;
}
