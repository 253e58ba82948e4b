#include "engine/archive/snapshot.h"

#include "scrubber/pass/archive_private.h"

#include <stdio.h>

struct reading {
    struct pass *p;
    bool feed; /* into the reference */
    struct tc_buf object;
    struct tc_buf scratch;
};

static tc_err bad(struct reading *r, const char *key, const char *what) {
    pass__finding(r->p, "archive", key, "%s", what);
    return TC_ECORRUPT;
}

static tc_err feed_items(struct reading *r, const char *key, struct tc_slice items) {
    struct tc_slice k, v;
    while (r->feed && archive_item_next(&items, &k, &v)) {
        tc_err err = reference_snapshot_item(r->p->reference, k, v);
        if (err == TC_ECORRUPT)
            return bad(r, key, reference_problem(r->p->reference));
        TC_TRY(err);
    }
    return TC_OK;
}

static tc_err read_part(struct reading *r, const struct archive_snapshot *s, uint32_t number,
                        const struct archive_part_ref *ref) {
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    struct archive_part part;
    archive_part_key(s->gid, s->index, number, key);
    TC_TRY(pass__archive_read(r->p, key, ref->crc, &r->object));
    if (archive_part_decode(tc_buf_slice(&r->object), &r->scratch, &part) != TC_OK)
        return bad(r, key, "the part's content fails its checks");
    if (part.gid != s->gid || part.index != s->index || part.part != number ||
        part.item_count != ref->item_count)
        return bad(r, key, "the part is not what the snapshot's index says of it");
    return feed_items(r, key, part.items);
}

static tc_err read_parts(struct reading *r, const struct archive_snapshot *s) {
    struct tc_slice rest = s->parts;
    struct archive_part_ref ref;
    for (uint32_t number = 0; archive_part_ref_next(&rest, &ref); number++) {
        TC_TRY(read_part(r, s, number, &ref));
        if (r->p->env->pace_ms && !r->p->env->pause(r->p->env->user, r->p->env->pace_ms))
            return TC_ECLOSED;
    }
    return TC_OK;
}

static tc_err finish(struct reading *r, const char *key, const struct archive_snapshot *s) {
    struct paxos_mark at = {.index = s->index, .ballot = s->ballot, .chain = s->chain};
    struct btree_sums sums;
    if (!r->feed)
        return TC_OK;
    if (s->sums.len != sizeof sums.sum)
        return bad(r, key, "the snapshot does not state its content sums");
    memcpy(sums.sum, s->sums.data, sizeof sums.sum);
    tc_err err = reference_snapshot_end(r->p->reference, &at, &sums);
    return err == TC_ECORRUPT ? bad(r, key, reference_problem(r->p->reference)) : err;
}

static tc_err read_snapshot(struct reading *r, const struct archive_snapshot_ref *ref) {
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    struct tc_buf index = {0}; /* the views of s point into it while parts are read */
    struct archive_snapshot s;
    archive_snapshot_key(r->p->gid, ref->index, key);
    tc_err err = pass__archive_read(r->p, key, ref->crc, &index);
    if (err == TC_OK && (archive_snapshot_decode(tc_buf_slice(&index), &s) != TC_OK ||
                         s.gid != r->p->gid || s.index != ref->index || s.chain != ref->chain))
        err = bad(r, key, "the snapshot's index is not what the manifest says of it");
    if (err == TC_OK)
        err = read_parts(r, &s);
    if (err == TC_OK)
        err = finish(r, key, &s);
    tc_buf_deinit(&index);
    return err;
}

/* One snapshot; a reference that took half of a bad one starts over. */
static tc_err one(struct reading *r, const struct archive_manifest *m,
                  const struct archive_snapshot_ref *ref) {
    struct pass *p = r->p;
    r->feed = p->reference && reference_mark(p->reference).index == 0 && ref->index <= p->index;
    tc_err err = read_snapshot(r, ref);
    if (err != TC_OK && r->feed) {
        reference_free(p->reference);
        p->reference = NULL;
        pass__archive_begin(p, m);
    }
    return err;
}

tc_err pass__archive_snapshots(struct pass *p, const struct archive_manifest *m) {
    struct reading r = {.p = p};
    tc_err result = TC_OK;
    for (size_t i = m->snapshot_count; i-- > 0 && result != TC_ECLOSED;) {
        tc_err err = one(&r, m, &m->snapshots[i]);
        if (err != TC_OK && err != TC_ECORRUPT)
            result = err;
    }
    tc_buf_deinit(&r.object);
    tc_buf_deinit(&r.scratch);
    if (p->reference && m->parent_gid != 0 && reference_mark(p->reference).index < m->base_index)
        pass__archive_line(p, m);
    if (p->reference && reference_mark(p->reference).index < m->base_index)
        pass__archive_give_up(p, "the log's beginning is not archived and no snapshot is sound");
    return result;
}
