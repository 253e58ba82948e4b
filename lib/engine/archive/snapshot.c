#include "engine/archive/snapshot.h"

#include "base/assert.h"
#include "engine/archive/pack.h"

#include <stdio.h>

#define PART_MAGIC   0x31504e5343524554u
#define INDEX_MAGIC  0x31584e5343524554u
#define PART_FOOTER  0x43534e50u
#define INDEX_FOOTER 0x43534e58u

enum {
    VERSION = 1,
};

void archive_item_encode(struct tc_slice key, struct tc_slice item, struct tc_buf *items) {
    archive__append_lenbytes(items, key);
    archive__append_lenbytes(items, item);
}

bool archive_item_next(struct tc_slice *items, struct tc_slice *ret_key,
                       struct tc_slice *ret_item) {
    struct tc_reader r = tc_reader(*items);
    struct tc_slice key = tc_reader_lenbytes(&r);
    struct tc_slice item = tc_reader_lenbytes(&r);
    if (!tc_reader_ok(&r))
        return false;
    *items = r.rest;
    *ret_key = key;
    *ret_item = item;
    return true;
}

static bool items_ok(struct tc_slice items, uint64_t count) {
    struct tc_slice last = TC_SLICE_EMPTY;
    struct tc_slice key;
    struct tc_slice item;
    for (uint64_t i = 0; i < count; i++) {
        if (!archive_item_next(&items, &key, &item) || key.len == 0 ||
            key.len > ARCHIVE_KEY_BYTES_MAX)
            return false;
        if (i > 0 && tc_slice_cmp(last, key) >= 0)
            return false;
        last = key;
    }
    return items.len == 0;
}

tc_err archive_part_encode(const struct archive_part *p, bool compress, struct tc_buf *out) {
    if (p->items.len > ARCHIVE_PART_BYTES_MAX || p->part >= ARCHIVE_PARTS_MAX)
        return TC_ELIMIT;
    if (!items_ok(p->items, p->item_count))
        return TC_EINVAL;
    struct tc_buf packed = {0};
    uint32_t codec = compress ? archive__pack(p->items, &packed) : ARCHIVE__PLAIN;
    struct tc_slice stored = codec == ARCHIVE__PLAIN ? p->items : tc_buf_slice(&packed);
    size_t from = out->len;
    tc_buf_append_u64(out, PART_MAGIC);
    tc_buf_append_u32(out, VERSION);
    tc_buf_append_u32(out, p->part);
    tc_buf_append_u64(out, p->gid);
    tc_buf_append_u64(out, p->index);
    tc_buf_append_u64(out, p->item_count);
    tc_buf_append_u32(out, codec);
    tc_buf_append_u32(out, 0);
    tc_buf_append_u64(out, p->items.len);
    tc_buf_append_u64(out, stored.len);
    tc_buf_append_slice(out, stored);
    archive__append_footer(out, from, PART_FOOTER);
    tc_buf_deinit(&packed);
    return TC_OK;
}

tc_err archive_part_decode(struct tc_slice object, struct tc_buf *scratch,
                           struct archive_part *ret_part) {
    struct tc_slice content;
    TC_TRY(archive__check_footer(object, PART_FOOTER, &content));
    struct tc_reader r = tc_reader(content);
    struct archive_part p = {0};
    bool known = tc_reader_u64(&r) == PART_MAGIC && tc_reader_u32(&r) == VERSION;
    p.part = tc_reader_u32(&r);
    p.gid = tc_reader_u64(&r);
    p.index = tc_reader_u64(&r);
    p.item_count = tc_reader_u64(&r);
    uint32_t codec = tc_reader_u32(&r);
    known = tc_reader_u32(&r) == 0 && known;
    uint64_t plain_bytes = tc_reader_u64(&r);
    struct tc_slice stored = tc_reader_bytes(&r, tc_reader_u64(&r));
    if (!known || !tc_reader_at_end(&r) || p.part >= ARCHIVE_PARTS_MAX)
        return TC_ECORRUPT;
    if (plain_bytes > ARCHIVE_PART_BYTES_MAX)
        return TC_ELIMIT;
    TC_TRY(archive__unpack(codec, stored, plain_bytes, scratch, &p.items));
    if (!items_ok(p.items, p.item_count))
        return TC_ECORRUPT;
    *ret_part = p;
    return TC_OK;
}

void archive_part_ref_encode(const struct archive_part_ref *p, struct tc_buf *parts) {
    archive__append_lenbytes(parts, p->first_key);
    tc_buf_append_u64(parts, p->item_count);
    tc_buf_append_u64(parts, p->bytes);
    tc_buf_append_u32(parts, p->crc);
}

bool archive_part_ref_next(struct tc_slice *parts, struct archive_part_ref *ret_ref) {
    struct tc_reader r = tc_reader(*parts);
    struct archive_part_ref p = {0};
    p.first_key = tc_reader_lenbytes(&r);
    p.item_count = tc_reader_u64(&r);
    p.bytes = tc_reader_u64(&r);
    p.crc = tc_reader_u32(&r);
    if (!tc_reader_ok(&r))
        return false;
    *parts = r.rest;
    *ret_ref = p;
    return true;
}

static bool parts_ok(const struct archive_snapshot *s) {
    struct tc_slice rest = s->parts;
    struct archive_part_ref last = {0};
    struct archive_part_ref p;
    uint64_t items = 0;
    for (uint32_t i = 0; i < s->part_count; i++) {
        if (!archive_part_ref_next(&rest, &p) || p.item_count > s->item_count - items)
            return false;
        if (i > 0 && tc_slice_cmp(last.first_key, p.first_key) >= 0)
            return false;
        items += p.item_count;
        last = p;
    }
    return rest.len == 0 && items == s->item_count;
}

static bool sizes_ok(const struct archive_snapshot *s) {
    return s->part_count <= ARCHIVE_PARTS_MAX && s->config.len <= ARCHIVE_CONFIG_BYTES_MAX &&
           s->sums.len <= ARCHIVE_SUMS_BYTES_MAX;
}

tc_err archive_snapshot_encode(const struct archive_snapshot *s, struct tc_buf *out) {
    if (!sizes_ok(s))
        return TC_ELIMIT;
    if (!parts_ok(s))
        return TC_EINVAL;
    size_t from = out->len;
    tc_buf_append_u64(out, INDEX_MAGIC);
    tc_buf_append_u32(out, VERSION);
    tc_buf_append_u32(out, s->part_count);
    const uint64_t words[] = {s->gid,   s->table_id, s->index,     s->ballot,
                              s->chain, s->wall_ms,  s->item_count};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        tc_buf_append_u64(out, words[i]);
    archive__append_lenbytes(out, s->config);
    archive__append_lenbytes(out, s->sums);
    tc_buf_append_slice(out, s->parts);
    archive__append_footer(out, from, INDEX_FOOTER);
    return TC_OK;
}

tc_err archive_snapshot_decode(struct tc_slice object, struct archive_snapshot *ret_snapshot) {
    struct tc_slice content;
    TC_TRY(archive__check_footer(object, INDEX_FOOTER, &content));
    struct tc_reader r = tc_reader(content);
    struct archive_snapshot s = {0};
    bool known = tc_reader_u64(&r) == INDEX_MAGIC && tc_reader_u32(&r) == VERSION;
    s.part_count = tc_reader_u32(&r);
    s.gid = tc_reader_u64(&r);
    s.table_id = tc_reader_u64(&r);
    s.index = tc_reader_u64(&r);
    s.ballot = tc_reader_u64(&r);
    s.chain = tc_reader_u64(&r);
    s.wall_ms = tc_reader_u64(&r);
    s.item_count = tc_reader_u64(&r);
    s.config = tc_reader_lenbytes(&r);
    s.sums = tc_reader_lenbytes(&r);
    s.parts = r.rest;
    if (!tc_reader_ok(&r) || !known)
        return TC_ECORRUPT;
    if (!sizes_ok(&s))
        return TC_ELIMIT;
    if (!parts_ok(&s))
        return TC_ECORRUPT;
    *ret_snapshot = s;
    return TC_OK;
}

void archive_part_key(uint64_t gid, uint64_t index, uint32_t part,
                      char ret_key[ARCHIVE_OBJECT_KEY_BYTES]) {
    int n = snprintf(ret_key, ARCHIVE_OBJECT_KEY_BYTES, "groups/%016llx/snapshot/%020llu/%05u",
                     (unsigned long long)gid, (unsigned long long)index, part);
    TC_ASSERT(n > 0 && n < ARCHIVE_OBJECT_KEY_BYTES);
}

void archive_snapshot_key(uint64_t gid, uint64_t index, char ret_key[ARCHIVE_OBJECT_KEY_BYTES]) {
    int n = snprintf(ret_key, ARCHIVE_OBJECT_KEY_BYTES, "groups/%016llx/snapshot/%020llu/index",
                     (unsigned long long)gid, (unsigned long long)index);
    TC_ASSERT(n > 0 && n < ARCHIVE_OBJECT_KEY_BYTES);
}
