#include "core/quorum/quorum.h"

#include "base/assert.h"
#include "base/reader.h"

enum {
    CODEC_VERSION = 1,
};

static void encode_member(const struct quorum_member *m, struct tc_buf *out) {
    size_t zone_len = strlen(m->zone);
    tc_buf_append_u32(out, m->rid);
    tc_buf_append_u8(out, (uint8_t)m->role);
    tc_buf_append(out, m->store, sizeof m->store);
    tc_buf_append_u8(out, (uint8_t)zone_len);
    tc_buf_append(out, m->zone, zone_len);
}

void quorum_encode(const struct quorum_config *c, struct tc_buf *out) {
    TC_ASSERT(quorum_valid(c));
    size_t before = out->len;
    tc_buf_append_u8(out, CODEC_VERSION);
    tc_buf_append_u64(out, c->version);
    for (int s = 0; s < 2; s++) {
        tc_buf_append_u8(out, (uint8_t)c->sets[s].count);
        for (uint32_t i = 0; i < c->sets[s].count; i++)
            encode_member(&c->sets[s].members[i], out);
    }
    TC_ASSERT(out->len - before <= QUORUM_ENCODED_BYTES_MAX);
}

static bool decode_member(struct tc_reader *r, struct quorum_member *m) {
    m->rid = tc_reader_u32(r);
    uint8_t role = tc_reader_u8(r);
    m->role = role == QUORUM_LOG ? QUORUM_LOG : QUORUM_STORAGE;
    struct tc_slice store = tc_reader_bytes(r, sizeof m->store);
    uint8_t zone_len = tc_reader_u8(r);
    struct tc_slice zone = tc_reader_bytes(r, zone_len);
    if (!tc_reader_ok(r) || zone_len > QUORUM_ZONE_BYTES_MAX)
        return false;
    if (role != QUORUM_STORAGE && role != QUORUM_LOG)
        return false;
    memcpy(m->store, store.data, sizeof m->store);
    if (zone.len)
        memcpy(m->zone, zone.data, zone.len);
    return zone.len == 0 || memchr(zone.data, 0, zone.len) == NULL;
}

tc_err quorum_decode(struct tc_slice bytes, struct quorum_config *ret_config) {
    struct tc_reader r = tc_reader(bytes);
    struct quorum_config c = {0};
    if (tc_reader_u8(&r) != CODEC_VERSION)
        return TC_ECORRUPT;
    c.version = tc_reader_u64(&r);
    for (int s = 0; s < 2; s++) {
        c.sets[s].count = tc_reader_u8(&r);
        if (!tc_reader_ok(&r) || c.sets[s].count > QUORUM_MEMBERS_MAX)
            return TC_ECORRUPT;
        for (uint32_t i = 0; i < c.sets[s].count; i++)
            if (!decode_member(&r, &c.sets[s].members[i]))
                return TC_ECORRUPT;
    }
    if (!tc_reader_at_end(&r) || !quorum_valid(&c))
        return TC_ECORRUPT;
    *ret_config = c;
    return TC_OK;
}
