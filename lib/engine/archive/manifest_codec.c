#include "engine/archive/manifest.h"

#include "base/assert.h"
#include "engine/archive/pack.h"

#define MANIFEST_MAGIC 0x314e414d43524554u
#define FOOTER_MAGIC   0x434d414eu

enum {
    VERSION = 1,
    VERSION_MERGED = 2, /* with three words more; written for merged groups alone */
    SEGMENT_BYTES = 76,
    SNAPSHOT_BYTES = 56,
};

static void encode_segment(const struct archive_segment_ref *s, struct tc_buf *out) {
    const uint64_t words[] = {s->first,       s->last,         s->chain_before,
                              s->chain_after, s->first_ballot, s->last_ballot,
                              s->first_ms,    s->last_ms,      s->bytes};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        tc_buf_append_u64(out, words[i]);
    tc_buf_append_u32(out, s->crc);
}

static void encode_snapshot(const struct archive_snapshot_ref *s, struct tc_buf *out) {
    const uint64_t words[] = {s->index, s->ballot, s->chain, s->wall_ms, s->key_count, s->bytes};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        tc_buf_append_u64(out, words[i]);
    tc_buf_append_u32(out, s->part_count);
    tc_buf_append_u32(out, s->crc);
}

void archive_manifest_encode(const struct archive_manifest *m, struct tc_buf *out) {
    TC_ASSERT(m->segment_count <= ARCHIVE_SEGMENTS_MAX);
    size_t from = out->len;
    tc_buf_append_u64(out, MANIFEST_MAGIC);
    tc_buf_append_u32(out, m->right_gid ? VERSION_MERGED : VERSION);
    tc_buf_append_u32(out, 0);
    const uint64_t words[] = {m->version,    m->gid,        m->table_id,
                              m->parent_gid, m->base_index, m->base_chain};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        tc_buf_append_u64(out, words[i]);
    if (m->right_gid) {
        tc_buf_append_u64(out, m->parent_index);
        tc_buf_append_u64(out, m->right_gid);
        tc_buf_append_u64(out, m->right_index);
    }
    tc_buf_append_u32(out, (uint32_t)m->segment_count);
    tc_buf_append_u32(out, (uint32_t)m->snapshot_count);
    archive__append_lenbytes(out, tc_buf_slice(&m->table));
    archive__append_lenbytes(out, tc_buf_slice(&m->start));
    archive__append_lenbytes(out, tc_buf_slice(&m->end));
    for (size_t i = 0; i < m->segment_count; i++)
        encode_segment(&m->segments[i], out);
    for (size_t i = 0; i < m->snapshot_count; i++)
        encode_snapshot(&m->snapshots[i], out);
    archive__append_footer(out, from, FOOTER_MAGIC);
}

static struct archive_segment_ref decode_segment(struct tc_reader *r) {
    struct archive_segment_ref s = {0};
    s.first = tc_reader_u64(r);
    s.last = tc_reader_u64(r);
    s.chain_before = tc_reader_u64(r);
    s.chain_after = tc_reader_u64(r);
    s.first_ballot = tc_reader_u64(r);
    s.last_ballot = tc_reader_u64(r);
    s.first_ms = tc_reader_u64(r);
    s.last_ms = tc_reader_u64(r);
    s.bytes = tc_reader_u64(r);
    s.crc = tc_reader_u32(r);
    return s;
}

static struct archive_snapshot_ref decode_snapshot(struct tc_reader *r) {
    struct archive_snapshot_ref s = {0};
    s.index = tc_reader_u64(r);
    s.ballot = tc_reader_u64(r);
    s.chain = tc_reader_u64(r);
    s.wall_ms = tc_reader_u64(r);
    s.key_count = tc_reader_u64(r);
    s.bytes = tc_reader_u64(r);
    s.part_count = tc_reader_u32(r);
    s.crc = tc_reader_u32(r);
    return s;
}

static tc_err decode_name(struct tc_reader *r, size_t max, struct tc_buf *to) {
    struct tc_slice s = tc_reader_lenbytes(r);
    if (s.len > max)
        return TC_ELIMIT;
    tc_buf_append_slice(to, s);
    return TC_OK;
}

static tc_err decode_lists(struct tc_reader *r, uint32_t segments, uint32_t snapshots,
                           struct archive_manifest *m) {
    uint64_t bytes = (uint64_t)segments * SEGMENT_BYTES + (uint64_t)snapshots * SNAPSHOT_BYTES;
    if (!tc_reader_ok(r) || r->rest.len != bytes)
        return TC_ECORRUPT;
    /* Adding checks order, chain and limits. */
    for (uint32_t i = 0; i < segments; i++) {
        struct archive_segment_ref s = decode_segment(r);
        tc_err err = archive_manifest_add_segment(m, &s);
        if (err != TC_OK)
            return err == TC_ESTALE ? TC_ECORRUPT : err;
    }
    for (uint32_t i = 0; i < snapshots; i++) {
        struct archive_snapshot_ref s = decode_snapshot(r);
        tc_err err = archive_manifest_add_snapshot(m, &s);
        if (err != TC_OK)
            return err == TC_ESTALE ? TC_ECORRUPT : err;
    }
    return TC_OK;
}

/* False: impossible. */
static bool decode_merged(struct tc_reader *r, struct archive_manifest *m) {
    m->parent_index = tc_reader_u64(r);
    m->right_gid = tc_reader_u64(r);
    m->right_index = tc_reader_u64(r);
    uint64_t higher = m->parent_index > m->right_index ? m->parent_index : m->right_index;
    return m->right_gid != 0 && m->parent_gid != 0 && m->right_gid != m->parent_gid &&
           m->parent_index != 0 && m->right_index != 0 && m->base_index == higher;
}

static tc_err decode(struct tc_slice content, struct archive_manifest *m) {
    struct tc_reader r = tc_reader(content);
    bool known = tc_reader_u64(&r) == MANIFEST_MAGIC;
    uint32_t format = tc_reader_u32(&r);
    known = known && (format == VERSION || format == VERSION_MERGED) && tc_reader_u32(&r) == 0;
    m->version = tc_reader_u64(&r);
    m->gid = tc_reader_u64(&r);
    m->table_id = tc_reader_u64(&r);
    m->parent_gid = tc_reader_u64(&r);
    m->base_index = tc_reader_u64(&r);
    m->base_chain = tc_reader_u64(&r);
    if (format == VERSION_MERGED)
        known = decode_merged(&r, m) && known;
    uint32_t segments = tc_reader_u32(&r);
    uint32_t snapshots = tc_reader_u32(&r);
    if (!tc_reader_ok(&r) || !known || m->version == 0 || m->base_index == UINT64_MAX)
        return TC_ECORRUPT;
    TC_TRY(decode_name(&r, ARCHIVE_NAME_BYTES_MAX, &m->table));
    TC_TRY(decode_name(&r, ARCHIVE_KEY_BYTES_MAX, &m->start));
    TC_TRY(decode_name(&r, ARCHIVE_KEY_BYTES_MAX, &m->end));
    TC_TRY(decode_lists(&r, segments, snapshots, m));
    return archive_manifest_check(m, NULL);
}

tc_err archive_manifest_decode(struct tc_slice object, struct archive_manifest *ret_manifest) {
    struct tc_slice content;
    struct archive_manifest m = {0};
    TC_TRY(archive__check_footer(object, FOOTER_MAGIC, &content));
    tc_err err = decode(content, &m);
    if (err != TC_OK) {
        archive_manifest_deinit(&m);
        return err;
    }
    *ret_manifest = m;
    return TC_OK;
}
