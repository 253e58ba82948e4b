/* Entries that are new: an object, then the manifest that names it. */
#include "engine/archive/intake_private.h"

#include "base/crc32c.h"

#include <inttypes.h>
#include <stdio.h>

static tc_err put_segment(struct intake *in, struct intake_group *g,
                          const struct archive_segment *s, struct archive_segment_ref *ref) {
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    struct tc_buf object = {0};
    tc_err err = archive_segment_encode(s, in->compress, &object);
    if (err == TC_OK) {
        ref->bytes = object.len;
        ref->crc = tc_crc32c(0, object.data, object.len);
        archive_segment_key(g->gid, s->first, s->last, s->chain_after, key);
        err = objstore_put(in->store, key, tc_buf_slice(&object));
    }
    if (err == TC_OK)
        in->counters.segment_bytes += object.len;
    tc_buf_deinit(&object);
    return err == TC_EEXISTS ? intake__compare_existing(in, g, s, ref) : err;
}

static struct archive_segment_ref ref_of(const struct archive_segment *s) {
    struct archive_segment_ref ref = {
        .first = s->first,
        .last = s->last,
        .chain_before = s->chain_before,
        .chain_after = s->chain_after,
        .first_ms = s->first_ms,
        .last_ms = s->last_ms,
    };
    struct tc_slice rest = s->entries;
    struct archive_entry e;
    while (archive_entry_next(&rest, &e)) {
        if (ref.first_ballot == 0)
            ref.first_ballot = e.ballot;
        ref.last_ballot = e.ballot;
    }
    return ref;
}

static void describe(struct archive_manifest *m, const struct archive_segment *s) {
    if (m->version == 0) {
        m->gid = s->gid;
        m->base_index = s->first - 1;
        m->base_chain = s->chain_before;
    }
    m->table_id = s->table_id;
    tc_buf_clear(&m->table);
    tc_buf_clear(&m->start);
    tc_buf_clear(&m->end);
    tc_buf_append_slice(&m->table, s->table);
    tc_buf_append_slice(&m->start, s->start);
    tc_buf_append_slice(&m->end, s->end);
}

static void note_parents(struct archive_manifest *m, const struct intake_offer *o) {
    m->parent_gid = o->parent_gid;
    if (o->right_gid == 0)
        return;
    m->parent_index = o->parent_index;
    m->right_gid = o->right_gid;
    m->right_index = o->right_index;
}

bool intake__joins_parent(struct intake_group *g, const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    if (g->manifest.version != 0 || o->parent_gid == 0)
        return true;
    bool joins = s->first == o->base_index + 1 && s->chain_before == o->base_chain;
    if (!joins)
        intake__say(g, o, "does not begin where its parents end", s->first, s->last);
    return joins;
}

tc_err intake__archive(struct intake *in, struct intake_group *g, const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    struct tc_buf diag = {0};
    if (archive_entries_check(s, &diag) != TC_OK) {
        in->counters.entries_refused++;
        snprintf(g->problem, sizeof g->problem, "%.*s rid %" PRIu32 ": %.*s",
                 TC_SLICE_ARGS(o->node), o->rid, TC_SLICE_ARGS(tc_buf_slice(&diag)));
        tc_buf_deinit(&diag);
        return TC_OK;
    }
    struct archive_segment_ref ref = ref_of(s);
    TC_TRY(put_segment(in, g, s, &ref));
    if (g->manifest.version == 0)
        note_parents(&g->manifest, o);
    describe(&g->manifest, s);
    tc_err err = archive_manifest_add_segment(&g->manifest, &ref);
    if (err == TC_OK)
        err = archive_manifest_store(in->store, &g->manifest);
    if (err != TC_OK) {
        intake__drop(g);
        in->counters.races_lost += err == TC_EEXISTS;
        return err == TC_EEXISTS ? TC_ESTALE : err;
    }
    in->counters.segments++;
    in->counters.entries += s->last - s->first + 1;
    g->problem[0] = 0;
    return TC_OK;
}
