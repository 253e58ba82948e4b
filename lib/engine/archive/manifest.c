#include "engine/archive/manifest.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <stdio.h>
#include <stdlib.h>

void archive_manifest_deinit(struct archive_manifest *m) {
    tc_buf_deinit(&m->table);
    tc_buf_deinit(&m->start);
    tc_buf_deinit(&m->end);
    free(m->segments);
    free(m->snapshots);
    *m = (struct archive_manifest){0};
}

uint64_t archive_manifest_last(const struct archive_manifest *m, uint64_t *ret_chain) {
    if (m->segment_count == 0) {
        *ret_chain = m->base_chain;
        return m->base_index;
    }
    const struct archive_segment_ref *s = &m->segments[m->segment_count - 1];
    *ret_chain = s->chain_after;
    return s->last;
}

const struct archive_segment_ref *archive_manifest_find(const struct archive_manifest *m,
                                                        uint64_t index) {
    size_t lo = 0;
    size_t hi = m->segment_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->segments[mid].last < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool found = lo < m->segment_count && m->segments[lo].first <= index;
    return found ? &m->segments[lo] : NULL;
}

tc_err archive_manifest_add_segment(struct archive_manifest *m,
                                    const struct archive_segment_ref *s) {
    uint64_t chain = 0;
    uint64_t last = archive_manifest_last(m, &chain);
    if (s->first != last + 1 || s->last < s->first || s->chain_before != chain)
        return TC_ESTALE;
    if (m->segment_count == ARCHIVE_SEGMENTS_MAX)
        return TC_ELIMIT;
    if (m->segment_count == m->segment_cap) {
        m->segment_cap = m->segment_cap ? m->segment_cap * 2 : 16;
        m->segments = realloc(m->segments, m->segment_cap * sizeof *m->segments);
        TC_ASSERT(m->segments != NULL);
    }
    m->segments[m->segment_count++] = *s;
    return TC_OK;
}

static bool snapshot_fits(const struct archive_manifest *m, const struct archive_snapshot_ref *s) {
    uint64_t chain = 0;
    uint64_t last = archive_manifest_last(m, &chain);
    if (s->index < m->base_index || s->index > last || s->part_count == 0)
        return false;
    const struct archive_segment_ref *at = archive_manifest_find(m, s->index);
    /* At a segment's end the chain is known here; elsewhere the restore checks it. */
    if (at && at->last == s->index && at->chain_after != s->chain)
        return false;
    return s->index != m->base_index || s->chain == m->base_chain;
}

tc_err archive_manifest_add_snapshot(struct archive_manifest *m,
                                     const struct archive_snapshot_ref *s) {
    bool above = m->snapshot_count == 0 || s->index > m->snapshots[m->snapshot_count - 1].index;
    if (!above || !snapshot_fits(m, s))
        return TC_ESTALE;
    if (m->snapshot_count == ARCHIVE_SNAPSHOTS_MAX)
        return TC_ELIMIT;
    if (m->snapshot_count == m->snapshot_cap) {
        m->snapshot_cap = m->snapshot_cap ? m->snapshot_cap * 2 : 16;
        m->snapshots = realloc(m->snapshots, m->snapshot_cap * sizeof *m->snapshots);
        TC_ASSERT(m->snapshots != NULL);
    }
    m->snapshots[m->snapshot_count++] = *s;
    return TC_OK;
}

static tc_err hole(struct tc_buf *diag, const char *what, uint64_t at) {
    if (diag)
        tc_buf_printf(diag, "%s at index %llu", what, (unsigned long long)at);
    return TC_ECORRUPT;
}

tc_err archive_manifest_check(const struct archive_manifest *m, struct tc_buf *diag) {
    uint64_t next = m->base_index + 1;
    uint64_t chain = m->base_chain;
    for (size_t i = 0; i < m->segment_count; i++) {
        const struct archive_segment_ref *s = &m->segments[i];
        if (s->first != next)
            return hole(diag, s->first > next ? "segment missing" : "segments overlap", next);
        if (s->last < s->first || s->last == UINT64_MAX)
            return hole(diag, "segment without a range", s->first);
        if (s->chain_before != chain)
            return hole(diag, "chain does not continue", s->first);
        next = s->last + 1;
        chain = s->chain_after;
    }
    for (size_t i = 0; i < m->snapshot_count; i++) {
        if (i > 0 && m->snapshots[i].index <= m->snapshots[i - 1].index)
            return hole(diag, "snapshots out of order", m->snapshots[i].index);
        if (!snapshot_fits(m, &m->snapshots[i]))
            return hole(diag, "snapshot outside the log", m->snapshots[i].index);
    }
    return TC_OK;
}

void archive_manifest_key(uint64_t gid, uint64_t version, char ret_key[ARCHIVE_OBJECT_KEY_BYTES]) {
    int n = snprintf(ret_key, ARCHIVE_OBJECT_KEY_BYTES, "groups/%016llx/manifest/%020llu",
                     (unsigned long long)gid, (unsigned long long)version);
    TC_ASSERT(n > 0 && n < ARCHIVE_OBJECT_KEY_BYTES);
}

struct newest {
    char key[OBJSTORE_KEY_BYTES_MAX + 1];
    uint64_t count;
};

static void remember(void *user, const char *key, uint64_t size_bytes) {
    (void)size_bytes;
    struct newest *n = user;
    memcpy(n->key, key, strlen(key) + 1);
    n->count++;
}

/* Keys list in byte order, which zero-padded versions make the order of versions. */
static tc_err newest_key(struct objstore *o, uint64_t gid, struct newest *n) {
    char prefix[ARCHIVE_OBJECT_KEY_BYTES];
    archive_manifest_key(gid, 0, prefix);
    *(strrchr(prefix, '/') + 1) = 0;
    bool more = true;
    while (more) {
        uint64_t before = n->count;
        TC_TRY(objstore_list(o, prefix, n->count ? n->key : NULL, remember, n, &more));
        if (n->count == before)
            break;
    }
    return n->count ? TC_OK : TC_ENOTFOUND;
}

tc_err archive_manifest_load(struct objstore *o, uint64_t gid,
                             struct archive_manifest *ret_manifest) {
    struct newest n = {0};
    TC_TRY(newest_key(o, gid, &n));
    struct tc_buf object = {0};
    struct archive_manifest m = {0};
    tc_err err = objstore_get(o, n.key, &object);
    if (err == TC_OK)
        err = archive_manifest_decode(tc_buf_slice(&object), &m);
    tc_buf_deinit(&object);
    TC_TRY(err);
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    archive_manifest_key(gid, m.version, key);
    if (m.gid != gid || strcmp(key, n.key) != 0) {
        archive_manifest_deinit(&m);
        return TC_ECORRUPT;
    }
    *ret_manifest = m;
    return TC_OK;
}

tc_err archive_manifest_store(struct objstore *o, struct archive_manifest *m) {
    TC_ASSERT(archive_manifest_check(m, NULL) == TC_OK);
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    struct tc_buf object = {0};
    m->version++;
    archive_manifest_encode(m, &object);
    archive_manifest_key(m->gid, m->version, key);
    tc_err err = objstore_put(o, key, tc_buf_slice(&object));
    tc_buf_deinit(&object);
    if (err != TC_OK) {
        m->version--;
        return err;
    }
    if (m->version > ARCHIVE_MANIFESTS_KEPT) {
        archive_manifest_key(m->gid, m->version - ARCHIVE_MANIFESTS_KEPT, key);
        /* An old version that stays does no harm. */
        TC_IGNORE(objstore_remove(o, key));
    }
    return TC_OK;
}
