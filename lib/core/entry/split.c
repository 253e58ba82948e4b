#include "core/entry/entry.h"

void entry_split_encode(const struct entry_split *s, struct tc_buf *out) {
    tc_buf_append_u8(out, ENTRY_VERSION);
    tc_buf_append_u64(out, s->hlc_ns);
    tc_buf_append_u64(out, s->gids[0]);
    tc_buf_append_u64(out, s->gids[1]);
    tc_buf_append_varint(out, s->key.len);
    tc_buf_append_slice(out, s->key);
}

tc_err entry_split_decode(struct tc_slice body, struct entry_split *ret_split) {
    struct tc_reader r = tc_reader(body);
    uint8_t version = tc_reader_u8(&r);
    struct entry_split s = {.hlc_ns = tc_reader_u64(&r)};
    s.gids[0] = tc_reader_u64(&r);
    s.gids[1] = tc_reader_u64(&r);
    s.key = tc_reader_lenbytes(&r);
    bool sound = version == ENTRY_VERSION && s.gids[0] != 0 && s.gids[1] != 0 &&
                 s.gids[0] != s.gids[1] && s.key.len > 0;
    if (!tc_reader_at_end(&r) || !sound)
        return TC_ECORRUPT;
    *ret_split = s;
    return TC_OK;
}
