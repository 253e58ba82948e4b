/* What replicas offer held against what the archive has. */
#include "engine/archive/intake_private.h"

#include "base/crc32c.h"

#include <inttypes.h>
#include <stdio.h>

tc_err intake__read_segment(struct intake *in, const struct intake_group *g,
                            const struct archive_segment_ref *ref, struct tc_buf *object,
                            struct tc_buf *scratch, struct archive_segment *ret_segment) {
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    archive_segment_key(g->gid, ref->first, ref->last, ref->chain_after, key);
    TC_TRY(objstore_get(in->store, key, object));
    struct archive_segment s;
    TC_TRY(archive_segment_decode(tc_buf_slice(object), scratch, &s));
    bool right = s.gid == g->gid && s.first == ref->first && s.last == ref->last &&
                 s.chain_before == ref->chain_before && s.chain_after == ref->chain_after;
    if (!right)
        return TC_ECORRUPT;
    *ret_segment = s;
    return TC_OK;
}

static tc_err chain_inside(struct intake *in, const struct intake_group *g,
                           const struct archive_segment_ref *ref, uint64_t index,
                           uint64_t *ret_chain) {
    struct tc_buf object = {0};
    struct tc_buf scratch = {0};
    struct archive_segment s;
    struct archive_entry e = {0};
    tc_err err = intake__read_segment(in, g, ref, &object, &scratch, &s);
    while (err == TC_OK && e.index < index)
        if (!archive_entry_next(&s.entries, &e))
            err = TC_ECORRUPT;
    if (err == TC_OK)
        *ret_chain = e.chain;
    tc_buf_deinit(&object);
    tc_buf_deinit(&scratch);
    return err;
}

/* The chain hash that the archive holds at index.
 *   Errors  TC_ENOTFOUND  outside; TC_ECORRUPT  the object is damaged or gone */
static tc_err chain_at(struct intake *in, const struct intake_group *g, uint64_t index,
                       uint64_t *ret_chain) {
    const struct archive_manifest *m = &g->manifest;
    if (index == m->base_index) {
        *ret_chain = m->base_chain;
        return TC_OK;
    }
    const struct archive_segment_ref *ref = archive_manifest_find(m, index);
    if (ref == NULL)
        return TC_ENOTFOUND;
    if (ref->last == index) {
        *ret_chain = ref->chain_after;
        return TC_OK;
    }
    tc_err err = chain_inside(in, g, ref, index, ret_chain);
    return err == TC_ENOTFOUND ? TC_ECORRUPT : err;
}

/* Two histories differ: is the archive's own copy whole? Then it is the replica that differs. */
static tc_err attribute(struct intake *in, struct intake_group *g, const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    const struct archive_segment_ref *ref = archive_manifest_find(&g->manifest, s->last);
    struct tc_buf object = {0};
    struct tc_buf scratch = {0};
    struct archive_segment there;
    tc_err err = ref ? intake__read_segment(in, g, ref, &object, &scratch, &there) : TC_OK;
    tc_buf_deinit(&object);
    tc_buf_deinit(&scratch);
    if (err != TC_OK && err != TC_ECORRUPT && err != TC_ENOTFOUND)
        return err;
    if (err == TC_OK) {
        in->counters.replicas_differ++;
        intake__say(g, o, "chain differs", s->first, s->last);
    } else {
        in->counters.archive_damaged++;
        snprintf(g->problem, sizeof g->problem,
                 "archive: segment [%" PRIu64 ", %" PRIu64 "] is damaged", ref->first, ref->last);
    }
    return TC_OK;
}

tc_err intake__compare(struct intake *in, struct intake_group *g, const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    if (s->first <= g->manifest.base_index)
        return TC_OK; /* older than the archive knows */
    uint64_t before = 0;
    uint64_t after = 0;
    tc_err err = chain_at(in, g, s->first - 1, &before);
    if (err == TC_OK)
        err = chain_at(in, g, s->last, &after);
    if (err == TC_ENOTFOUND)
        return TC_OK;
    if (err == TC_OK && before == s->chain_before && after == s->chain_after) {
        in->counters.ranges_verified++;
        return TC_OK;
    }
    return err == TC_OK || err == TC_ECORRUPT ? attribute(in, g, o) : err;
}

tc_err intake__compare_existing(struct intake *in, struct intake_group *g,
                                const struct archive_segment *s, struct archive_segment_ref *ref) {
    struct tc_buf object = {0};
    struct tc_buf scratch = {0};
    struct archive_segment there;
    tc_err err = intake__read_segment(in, g, ref, &object, &scratch, &there);
    if (err == TC_OK && !tc_slice_eq(there.entries, s->entries))
        err = TC_ECORRUPT;
    if (err == TC_OK) {
        ref->bytes = object.len;
        ref->crc = tc_crc32c(0, object.data, object.len);
    }
    tc_buf_deinit(&object);
    tc_buf_deinit(&scratch);
    if (err != TC_ECORRUPT)
        return err;
    in->counters.archive_damaged++;
    snprintf(g->problem, sizeof g->problem,
             "archive: object of [%" PRIu64 ", %" PRIu64 "] exists and differs", s->first, s->last);
    return TC_ECORRUPT;
}
