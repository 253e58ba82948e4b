#include "core/entry/entry.h"

#include "base/assert.h"

static void append_lenbytes(struct tc_buf *out, struct tc_slice s) {
    tc_buf_append_varint(out, s.len);
    tc_buf_append_slice(out, s);
}

void entry_write_encode(const struct entry_write *w, const struct entry_mutation *mutations,
                        size_t count, struct tc_buf *out) {
    TC_ASSERT(count > 0 && count <= ENTRY_MUTATIONS_MAX);
    TC_ASSERT(TC_IMPLIES(w->has_old, w->old_bytes > 0));
    tc_buf_append_u8(out, w->answer.len ? ENTRY_VERSION_ANSWER : ENTRY_VERSION);
    tc_buf_append_u64(out, w->hlc_ns);
    tc_buf_append(out, w->request_id, sizeof w->request_id);
    tc_buf_append_varint(out, count);
    for (size_t i = 0; i < count; i++) {
        TC_ASSERT(TC_IMPLIES(mutations[i].op == ENTRY_DELETE, mutations[i].item.len == 0));
        tc_buf_append_u8(out, (uint8_t)mutations[i].op);
        append_lenbytes(out, mutations[i].key);
        append_lenbytes(out, mutations[i].item);
    }
    if (w->answer.len)
        append_lenbytes(out, w->answer);
    tc_buf_append_varint(out, w->old_bytes);
    if (w->has_old)
        append_lenbytes(out, w->old_item);
}

/* One mutation off r; false if the bytes are none. */
static bool take_mutation(struct tc_reader *r, struct entry_mutation *ret) {
    uint8_t op = tc_reader_u8(r);
    ret->key = tc_reader_lenbytes(r);
    ret->item = tc_reader_lenbytes(r);
    if (!tc_reader_ok(r) || (op != ENTRY_PUT && op != ENTRY_DELETE))
        return false;
    ret->op = (enum entry_op)op;
    return ret->key.len > 0 && (ret->item.len == 0) == (ret->op == ENTRY_DELETE);
}

tc_err entry_write_decode(struct tc_slice body, struct entry_write *ret_write) {
    struct tc_reader r = tc_reader(body);
    struct entry_write w = {0};
    const uint8_t version = tc_reader_u8(&r);
    if (version != ENTRY_VERSION && version != ENTRY_VERSION_ANSWER)
        return TC_ECORRUPT;
    w.hlc_ns = tc_reader_u64(&r);
    struct tc_slice id = tc_reader_bytes(&r, sizeof w.request_id);
    w.mutation_count = tc_reader_varint(&r);
    if (!tc_reader_ok(&r) || w.mutation_count == 0 || w.mutation_count > ENTRY_MUTATIONS_MAX)
        return TC_ECORRUPT;
    memcpy(w.request_id, id.data, sizeof w.request_id);
    struct tc_slice from = r.rest;
    for (uint64_t i = 0; i < w.mutation_count; i++) {
        struct entry_mutation m;
        if (!take_mutation(&r, &m))
            return TC_ECORRUPT;
    }
    w.mutations = tc_slice(from.data, from.len - r.rest.len);
    if (version == ENTRY_VERSION_ANSWER)
        w.answer = tc_reader_lenbytes(&r);
    if (version == ENTRY_VERSION_ANSWER && w.answer.len == 0)
        return TC_ECORRUPT;
    w.old_bytes = tc_reader_varint(&r);
    w.has_old = tc_reader_ok(&r) && r.rest.len > 0;
    if (w.has_old)
        w.old_item = tc_reader_lenbytes(&r);
    if (!tc_reader_at_end(&r) || (w.has_old && (w.old_bytes == 0 || w.old_item.len == 0)))
        return TC_ECORRUPT;
    *ret_write = w;
    return TC_OK;
}

struct entry_iter entry_iter(const struct entry_write *w) {
    return (struct entry_iter){.rest = tc_reader(w->mutations), .left_count = w->mutation_count};
}

bool entry_next(struct entry_iter *it, struct entry_mutation *ret_mutation) {
    if (it->left_count == 0)
        return false;
    it->left_count--;
    bool taken = take_mutation(&it->rest, ret_mutation);
    TC_ASSERT(taken);
    return true;
}

void entry_scrub_encode(uint64_t hlc_ns, struct tc_buf *out) {
    tc_buf_append_u8(out, ENTRY_VERSION);
    tc_buf_append_u64(out, hlc_ns);
}

tc_err entry_scrub_decode(struct tc_slice body, uint64_t *ret_hlc_ns) {
    struct tc_reader r = tc_reader(body);
    uint8_t version = tc_reader_u8(&r);
    uint64_t hlc_ns = tc_reader_u64(&r);
    if (!tc_reader_at_end(&r) || version != ENTRY_VERSION)
        return TC_ECORRUPT;
    *ret_hlc_ns = hlc_ns;
    return TC_OK;
}
