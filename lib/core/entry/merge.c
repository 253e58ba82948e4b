#include "core/entry/entry.h"

void entry_seal_encode(const struct entry_seal *s, struct tc_buf *out) {
    tc_buf_append_u8(out, ENTRY_VERSION);
    tc_buf_append_u64(out, s->hlc_ns);
    tc_buf_append_u64(out, s->left_gid);
    tc_buf_append_u64(out, s->merged_gid);
}

tc_err entry_seal_decode(struct tc_slice body, struct entry_seal *ret_seal) {
    struct tc_reader r = tc_reader(body);
    uint8_t version = tc_reader_u8(&r);
    struct entry_seal s = {.hlc_ns = tc_reader_u64(&r)};
    s.left_gid = tc_reader_u64(&r);
    s.merged_gid = tc_reader_u64(&r);
    bool sound = version == ENTRY_VERSION && s.left_gid != 0 && s.merged_gid != 0 &&
                 s.left_gid != s.merged_gid;
    if (!tc_reader_at_end(&r) || !sound)
        return TC_ECORRUPT;
    *ret_seal = s;
    return TC_OK;
}

void entry_merge_encode(const struct entry_merge *m, struct tc_buf *out) {
    tc_buf_append_u8(out, ENTRY_VERSION);
    tc_buf_append_u64(out, m->hlc_ns);
    tc_buf_append_u64(out, m->merged_gid);
    tc_buf_append_u64(out, m->epoch);
    tc_buf_append_u64(out, m->right_gid);
    tc_buf_append_u64(out, m->right_index);
    tc_buf_append_u64(out, m->right_chain);
    tc_buf_append_varint(out, m->end.len);
    tc_buf_append_slice(out, m->end);
}

tc_err entry_merge_decode(struct tc_slice body, struct entry_merge *ret_merge) {
    struct tc_reader r = tc_reader(body);
    uint8_t version = tc_reader_u8(&r);
    struct entry_merge m = {.hlc_ns = tc_reader_u64(&r)};
    m.merged_gid = tc_reader_u64(&r);
    m.epoch = tc_reader_u64(&r);
    m.right_gid = tc_reader_u64(&r);
    m.right_index = tc_reader_u64(&r);
    m.right_chain = tc_reader_u64(&r);
    m.end = tc_reader_lenbytes(&r);
    bool sound = version == ENTRY_VERSION && m.merged_gid != 0 && m.right_gid != 0 &&
                 m.merged_gid != m.right_gid && m.right_index != 0;
    if (!tc_reader_at_end(&r) || !sound)
        return TC_ECORRUPT;
    *ret_merge = m;
    return TC_OK;
}
