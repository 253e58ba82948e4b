/* Keys and values of auxiliary rows. */
#include "core/index/index_aux.h"

#include "base/assert.h"
#include "base/reader.h"
#include "core/index/index_private.h"
#include "core/key/key.h"

enum {
    LAYOUT = 1,
    OUTBOX_LAYOUT_ALL = 1,
    OUTBOX_LAYOUT = 2,
    FIRST_KIND = 0x10,
    HEAD_BYTES = INDEX__HASH_BYTES + 1, /* hash and kind */
    SECONDS_BYTES = 8,
};

static const uint8_t hash_zero[INDEX__HASH_BYTES];

/* ---- keys */

enum index_kind index_key_kind(struct tc_slice key) {
    if (!index_key_is_auxiliary(key))
        return INDEX_KIND_ITEM;
    const uint8_t kind = key.data[INDEX__HASH_BYTES];
    return kind <= INDEX_KIND_EXPIRY ? (enum index_kind)kind : INDEX_KIND_OTHER;
}

static bool at_zero(struct tc_slice key) {
    return key.len >= INDEX__HASH_BYTES && memcmp(key.data, hash_zero, INDEX__HASH_BYTES) == 0;
}

struct tc_slice index_key_home(struct tc_slice key) {
    const enum index_kind kind = index_key_kind(key);
    if (!at_zero(key) || kind < INDEX_KIND_OUTBOX)
        return key;
    if (kind == INDEX_KIND_OUTBOX)
        return tc_slice_from(key, HEAD_BYTES);
    if (kind == INDEX_KIND_EXPIRY && key.len >= HEAD_BYTES + SECONDS_BYTES)
        return tc_slice_from(key, HEAD_BYTES + SECONDS_BYTES);
    return TC_SLICE_EMPTY;
}

struct tc_slice index_key_after_homeless(void) {
    static const uint8_t one[INDEX__HASH_BYTES] = {[INDEX__HASH_BYTES - 1] = 1};
    return tc_slice(one, sizeof one);
}

static void append_head(enum index_kind kind, struct tc_buf *out) {
    tc_buf_append(out, hash_zero, sizeof hash_zero);
    tc_buf_append_u8(out, (uint8_t)kind);
}

void index_collection_key(struct tc_slice base_key, struct tc_buf *out) {
    const bool done = index__append_home(out, base_key, INDEX_KIND_COLLECTION);
    TC_ASSERT(done);
}

void index_outbox_key(struct tc_slice base_key, struct tc_buf *out) {
    append_head(INDEX_KIND_OUTBOX, out);
    tc_buf_append_slice(out, base_key);
}

void index_backfill_key(uint8_t id, struct tc_buf *out) {
    append_head(INDEX_KIND_BACKFILL, out);
    tc_buf_append_u8(out, id);
}

void index_expiry_key(uint64_t seconds, struct tc_slice base_key, struct tc_buf *out) {
    append_head(INDEX_KIND_EXPIRY, out);
    tc_buf_append_u64be(out, seconds);
    tc_buf_append_slice(out, base_key);
}

void index_kind_range(enum index_kind kind, struct tc_buf *start, struct tc_buf *end) {
    TC_ASSERT(kind >= INDEX_KIND_OUTBOX && kind <= INDEX_KIND_EXPIRY);
    append_head(kind, start);
    append_head(kind, end);
    end->data[end->len - 1]++;
}

static bool has_head(struct tc_slice key, enum index_kind kind) {
    return at_zero(key) && key.len > HEAD_BYTES && index_key_kind(key) == kind;
}

tc_err index_outbox_key_decode(struct tc_slice key, struct tc_slice *ret_base_key) {
    if (!has_head(key, INDEX_KIND_OUTBOX))
        return TC_ECORRUPT;
    const struct tc_slice base = tc_slice_from(key, HEAD_BYTES);
    TC_TRY(key_check(base, NULL));
    *ret_base_key = base;
    return TC_OK;
}

tc_err index_backfill_key_decode(struct tc_slice key, uint8_t *ret_id) {
    if (!has_head(key, INDEX_KIND_BACKFILL) || key.len != HEAD_BYTES + 1)
        return TC_ECORRUPT;
    *ret_id = key.data[HEAD_BYTES];
    return TC_OK;
}

/* In a group of a global index the key behind the time is a row's, which no storage key bounds. */
tc_err index_expiry_key_decode(struct tc_slice key, uint64_t *ret_seconds,
                               struct tc_slice *ret_base_key) {
    if (!has_head(key, INDEX_KIND_EXPIRY) || key.len <= HEAD_BYTES + SECONDS_BYTES ||
        key.len - HEAD_BYTES - SECONDS_BYTES > INDEX_KEY_BYTES_MAX)
        return TC_ECORRUPT;
    struct tc_reader r = tc_reader(tc_slice_from(key, HEAD_BYTES));
    *ret_seconds = tc_reader_u64be(&r);
    *ret_base_key = r.rest;
    return TC_OK;
}

tc_err index_local_key_decode(struct tc_slice key, size_t *ret_head_bytes, uint8_t *ret_id) {
    size_t at = HEAD_BYTES + 1; /* behind the type byte */
    if (index_key_kind(key) != INDEX_KIND_LOCAL)
        return TC_ECORRUPT;
    for (;;) {
        const uint8_t *zero = at < key.len ? memchr(key.data + at, 0, key.len - at) : NULL;
        if (zero == NULL || zero + 2 >= key.data + key.len)
            return TC_ECORRUPT;
        at = (size_t)(zero - key.data) + 2;
        if (zero[1] == 0)
            break;
    }
    *ret_head_bytes = at;
    *ret_id = key.data[at];
    return TC_OK;
}

/* ---- values */

void index_collection_value(uint64_t bytes, struct tc_buf *out) {
    tc_buf_append_u64be(out, bytes);
}

tc_err index_collection_decode(struct tc_slice value, uint64_t *ret_bytes) {
    struct tc_reader r = tc_reader(value);
    const uint64_t bytes = tc_reader_u64be(&r);
    if (!tc_reader_at_end(&r))
        return TC_ECORRUPT;
    *ret_bytes = bytes;
    return TC_OK;
}

void index_expiry_value(struct tc_buf *out) {
    tc_buf_append_u8(out, LAYOUT);
}

void index_outbox_mark(struct index_outbox *o, uint8_t id) {
    TC_ASSERT(id != 0);
    o->changed[id / 64] |= UINT64_C(1) << id % 64;
}

bool index_outbox_concerns(const struct index_outbox *o, uint8_t id) {
    return o->all || (o->changed[id / 64] >> id % 64 & 1) != 0;
}

static void append_changed(const struct index_outbox *o, struct tc_buf *out) {
    const size_t at = out->len;
    tc_buf_append_u8(out, 0);
    for (unsigned word = 0; word < sizeof o->changed / sizeof *o->changed; word++)
        for (uint64_t left = o->changed[word]; left != 0; left &= left - 1) {
            tc_buf_append_u8(out, (uint8_t)(word * 64 + (unsigned)__builtin_ctzll(left)));
            out->data[at]++;
        }
}

static bool read_changed(struct tc_reader *r, struct index_outbox *o) {
    const uint8_t count = tc_reader_u8(r);
    unsigned before = 0;
    for (unsigned i = 0; i < count; i++) {
        const uint8_t id = tc_reader_u8(r);
        if (id <= before)
            return false;
        index_outbox_mark(o, id);
        before = id;
    }
    return true;
}

void index_outbox_encode(const struct index_outbox *o, struct tc_buf *out) {
    TC_ASSERT(o->count <= INDEX_OUTBOX_KEYS_MAX);
    tc_buf_append_u8(out, o->all ? OUTBOX_LAYOUT_ALL : OUTBOX_LAYOUT);
    tc_buf_append_u64(out, o->hlc_ns);
    if (!o->all)
        append_changed(o, out);
    tc_buf_append_u8(out, (uint8_t)o->count);
    for (size_t i = 0; i < o->count; i++) {
        tc_buf_append_u8(out, o->refs[i].id);
        tc_buf_append_varint(out, o->refs[i].key.len);
        tc_buf_append_slice(out, o->refs[i].key);
    }
}

tc_err index_outbox_decode(struct tc_slice value, struct index_outbox *ret_outbox) {
    struct tc_reader r = tc_reader(value);
    const uint8_t layout = tc_reader_u8(&r);
    ret_outbox->hlc_ns = tc_reader_u64(&r);
    ret_outbox->all = layout == OUTBOX_LAYOUT_ALL;
    memset(ret_outbox->changed, 0, sizeof ret_outbox->changed);
    if (layout == OUTBOX_LAYOUT && !read_changed(&r, ret_outbox))
        return TC_ECORRUPT;
    ret_outbox->count = tc_reader_u8(&r);
    if (!tc_reader_ok(&r) || layout == 0 || layout > OUTBOX_LAYOUT ||
        ret_outbox->count > INDEX_OUTBOX_KEYS_MAX)
        return TC_ECORRUPT;
    for (size_t i = 0; i < ret_outbox->count; i++) {
        struct index_outbox_ref *ref = &ret_outbox->refs[i];
        ref->id = tc_reader_u8(&r);
        ref->key = tc_reader_lenbytes(&r);
        if (ref->id == 0 || ref->key.len == 0 || ref->key.len > INDEX_KEY_BYTES_MAX)
            return TC_ECORRUPT;
        if (!index_outbox_concerns(ret_outbox, ref->id))
            return TC_ECORRUPT;
    }
    return tc_reader_at_end(&r) ? TC_OK : TC_ECORRUPT;
}

tc_err index_outbox_add(struct index_outbox *o, struct index_outbox_ref ref) {
    for (size_t i = 0; i < o->count; i++)
        if (o->refs[i].id == ref.id && tc_slice_eq(o->refs[i].key, ref.key))
            return TC_OK;
    if (o->count == INDEX_OUTBOX_KEYS_MAX)
        return TC_ETHROTTLED;
    o->refs[o->count++] = ref;
    return TC_OK;
}

void index_backfill_encode(const struct index_backfill *b, struct tc_buf *out) {
    TC_ASSERT(b->after.len <= KEY_BYTES_MAX);
    tc_buf_append_u8(out, LAYOUT);
    tc_buf_append_u8(out, b->done);
    tc_buf_append_u64(out, b->tag);
    tc_buf_append_varint(out, b->items);
    tc_buf_append_varint(out, b->after.len);
    tc_buf_append_slice(out, b->after);
}

tc_err index_backfill_decode(struct tc_slice value, struct index_backfill *ret) {
    struct tc_reader r = tc_reader(value);
    struct index_backfill b = {0};
    const uint8_t layout = tc_reader_u8(&r);
    const uint8_t done = tc_reader_u8(&r);
    b.done = done == 1;
    b.tag = tc_reader_u64(&r);
    b.items = tc_reader_varint(&r);
    b.after = tc_reader_lenbytes(&r);
    if (!tc_reader_at_end(&r) || layout != LAYOUT || done > 1 || b.after.len > KEY_BYTES_MAX)
        return TC_ECORRUPT;
    *ret = b;
    return TC_OK;
}

void index_backfill_unite(struct tc_slice left, struct tc_slice right, struct tc_buf *out) {
    struct index_backfill l, r;
    if (index_backfill_decode(left, &l) != TC_OK || index_backfill_decode(right, &r) != TC_OK ||
        l.tag != r.tag)
        return;
    /* The walk goes upwards: what the left one has not done begins the rest. */
    struct index_backfill both = l.done ? r : l;
    both.items = l.items + r.items;
    index_backfill_encode(&both, out);
}
