#include "engine/archive/segment.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "core/paxos/paxos.h"
#include "engine/archive/pack.h"

#include <stdio.h>

#define SEGMENT_MAGIC 0x3147455343524554u
#define FOOTER_MAGIC  0x43534547u

enum {
    VERSION = 1,
    HEADER_FIXED_BYTES = 104,
};

void archive_entry_encode(const struct archive_entry *e, struct tc_buf *entries) {
    TC_ASSERT(e->body.len <= UINT32_MAX);
    size_t from = entries->len;
    tc_buf_append_u64(entries, e->index);
    tc_buf_append_u64(entries, e->ballot);
    tc_buf_append_u64(entries, e->chain);
    tc_buf_append_u32(entries, e->body_crc);
    tc_buf_append_u16(entries, e->type);
    tc_buf_append_u16(entries, e->flags);
    tc_buf_append_u32(entries, (uint32_t)e->body.len);
    tc_buf_append_u32(entries, tc_crc32c(0, entries->data + from, entries->len - from));
    TC_ASSERT(entries->len - from == ARCHIVE_ENTRY_HEADER_BYTES);
    tc_buf_append_slice(entries, e->body);
}

bool archive_entry_next(struct tc_slice *entries, struct archive_entry *ret_entry) {
    struct tc_reader r = tc_reader(*entries);
    struct archive_entry e = {0};
    e.index = tc_reader_u64(&r);
    e.ballot = tc_reader_u64(&r);
    e.chain = tc_reader_u64(&r);
    e.body_crc = tc_reader_u32(&r);
    e.type = tc_reader_u16(&r);
    e.flags = tc_reader_u16(&r);
    uint32_t len = tc_reader_u32(&r);
    uint32_t crc = tc_reader_u32(&r);
    e.body = tc_reader_bytes(&r, len);
    if (!tc_reader_ok(&r) ||
        crc != tc_crc32c(0, entries->data, ARCHIVE_ENTRY_HEADER_BYTES - sizeof crc))
        return false;
    *entries = r.rest;
    *ret_entry = e;
    return true;
}

static tc_err complain(struct tc_buf *diag, uint64_t index, const char *what) {
    if (diag)
        tc_buf_printf(diag, "entry %llu: %s", (unsigned long long)index, what);
    return TC_ECORRUPT;
}

static tc_err check_entry(const struct archive_segment *s, const struct archive_entry *e,
                          uint64_t index, uint64_t chain, struct tc_buf *diag) {
    if (e->index != index)
        return complain(diag, index, "missing or out of order");
    if (tc_crc32c(0, e->body.data, e->body.len) != e->body_crc)
        return complain(diag, index, "body does not match its checksum");
    struct paxos_entry p = {.index = e->index,
                            .ballot = e->ballot,
                            .type = e->type,
                            .body_crc = e->body_crc,
                            .body_len = (uint32_t)e->body.len};
    if (paxos_chain(s->gid, chain, &p) != e->chain)
        return complain(diag, index, "chain does not continue");
    return TC_OK;
}

tc_err archive_entries_check(const struct archive_segment *s, struct tc_buf *diag) {
    if (s->first == 0 || s->last < s->first)
        return complain(diag, s->first, "no range");
    struct tc_slice rest = s->entries;
    uint64_t chain = s->chain_before;
    struct archive_entry e;
    for (uint64_t index = s->first; index <= s->last; index++) {
        if (!archive_entry_next(&rest, &e))
            return complain(diag, index, "unreadable or missing");
        TC_TRY(check_entry(s, &e, index, chain, diag));
        chain = e.chain;
    }
    if (rest.len != 0)
        return complain(diag, s->last, "bytes follow");
    if (chain != s->chain_after)
        return complain(diag, s->last, "last chain hash is not the one claimed");
    return TC_OK;
}

tc_err archive_segment_encode(const struct archive_segment *s, bool compress, struct tc_buf *out) {
    if (s->entries.len > ARCHIVE_SEGMENT_BYTES_MAX || s->table.len > ARCHIVE_NAME_BYTES_MAX ||
        s->start.len > ARCHIVE_KEY_BYTES_MAX || s->end.len > ARCHIVE_KEY_BYTES_MAX)
        return TC_ELIMIT;
    TC_TRY(archive_entries_check(s, NULL));
    struct tc_buf packed = {0};
    uint32_t codec = compress ? archive__pack(s->entries, &packed) : ARCHIVE__PLAIN;
    struct tc_slice stored = codec == ARCHIVE__PLAIN ? s->entries : tc_buf_slice(&packed);
    size_t from = out->len;
    tc_buf_append_u64(out, SEGMENT_MAGIC);
    tc_buf_append_u32(out, VERSION);
    tc_buf_append_u32(out, 0);
    const uint64_t words[] = {s->gid,          s->table_id,    s->first,    s->last,
                              s->chain_before, s->chain_after, s->first_ms, s->last_ms};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        tc_buf_append_u64(out, words[i]);
    tc_buf_append_u32(out, codec);
    tc_buf_append_u32(out, 0);
    tc_buf_append_u64(out, s->entries.len);
    tc_buf_append_u64(out, stored.len);
    TC_ASSERT(out->len - from == HEADER_FIXED_BYTES);
    archive__append_lenbytes(out, s->table);
    archive__append_lenbytes(out, s->start);
    archive__append_lenbytes(out, s->end);
    archive__set_u32(out, from + 12, (uint32_t)(out->len - from + 4));
    tc_buf_append_u32(out, tc_crc32c(0, out->data + from, out->len - from));
    tc_buf_append_slice(out, stored);
    archive__append_footer(out, from, FOOTER_MAGIC);
    tc_buf_deinit(&packed);
    return TC_OK;
}

struct stored {
    uint32_t codec;
    uint64_t plain_bytes;
    struct tc_slice bytes;
};

static bool decode_header(struct tc_slice object, struct archive_segment *s, struct stored *st) {
    struct tc_reader r = tc_reader(object);
    bool known = tc_reader_u64(&r) == SEGMENT_MAGIC && tc_reader_u32(&r) == VERSION;
    uint32_t header_bytes = tc_reader_u32(&r);
    s->gid = tc_reader_u64(&r);
    s->table_id = tc_reader_u64(&r);
    s->first = tc_reader_u64(&r);
    s->last = tc_reader_u64(&r);
    s->chain_before = tc_reader_u64(&r);
    s->chain_after = tc_reader_u64(&r);
    s->first_ms = tc_reader_u64(&r);
    s->last_ms = tc_reader_u64(&r);
    st->codec = tc_reader_u32(&r);
    bool zero = tc_reader_u32(&r) == 0;
    st->plain_bytes = tc_reader_u64(&r);
    uint64_t stored_bytes = tc_reader_u64(&r);
    s->table = tc_reader_lenbytes(&r);
    s->start = tc_reader_lenbytes(&r);
    s->end = tc_reader_lenbytes(&r);
    uint32_t crc = tc_reader_u32(&r);
    if (!tc_reader_ok(&r) || !known || !zero || header_bytes != object.len - r.rest.len)
        return false;
    if (crc != tc_crc32c(0, object.data, header_bytes - sizeof crc))
        return false;
    if (s->table.len > ARCHIVE_NAME_BYTES_MAX || s->start.len > ARCHIVE_KEY_BYTES_MAX ||
        s->end.len > ARCHIVE_KEY_BYTES_MAX)
        return false;
    st->bytes = tc_reader_bytes(&r, stored_bytes);
    return tc_reader_at_end(&r);
}

tc_err archive_segment_decode(struct tc_slice object, struct tc_buf *scratch,
                              struct archive_segment *ret_segment) {
    struct tc_slice content;
    struct archive_segment s = {0};
    struct stored st = {0};
    TC_TRY(archive__check_footer(object, FOOTER_MAGIC, &content));
    if (!decode_header(content, &s, &st))
        return TC_ECORRUPT;
    if (st.plain_bytes > ARCHIVE_SEGMENT_BYTES_MAX)
        return TC_ELIMIT;
    TC_TRY(archive__unpack(st.codec, st.bytes, st.plain_bytes, scratch, &s.entries));
    TC_TRY(archive_entries_check(&s, NULL));
    *ret_segment = s;
    return TC_OK;
}

void archive_segment_key(uint64_t gid, uint64_t first, uint64_t last, uint64_t chain_after,
                         char ret_key[ARCHIVE_OBJECT_KEY_BYTES]) {
    int n =
        snprintf(ret_key, ARCHIVE_OBJECT_KEY_BYTES, "groups/%016llx/log/%020llu-%020llu-%016llx",
                 (unsigned long long)gid, (unsigned long long)first, (unsigned long long)last,
                 (unsigned long long)chain_after);
    TC_ASSERT(n > 0 && n < ARCHIVE_OBJECT_KEY_BYTES);
}
