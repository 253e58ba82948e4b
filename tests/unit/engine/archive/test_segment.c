#include "test_archive.h"

#include "base/crc32c.h"
#include "base/prng.h"
#include "core/paxos/paxos.h"
#include "engine/archive/segment.h"

enum {
    GID = 77,
    FIRST = 101,
};

/* Entries FIRST.. with a right chain from chain_before on; returns the chain after them. */
static uint64_t build(uint64_t chain, int count, struct tc_buf *entries) {
    struct tc_prng p = tc_prng(5);
    for (int i = 0; i < count; i++) {
        uint8_t body[64];
        size_t len = (size_t)tc_prng_below(&p, sizeof body);
        memset(body, 'a' + i % 20, sizeof body);
        struct archive_entry e = {.index = FIRST + (uint64_t)i,
                                  .ballot = 9,
                                  .body_crc = tc_crc32c(0, body, len),
                                  .type = 2,
                                  .flags = 1,
                                  .body = tc_slice(body, len)};
        struct paxos_entry pe = {.index = e.index,
                                 .ballot = e.ballot,
                                 .type = e.type,
                                 .body_crc = e.body_crc,
                                 .body_len = (uint32_t)len};
        chain = e.chain = paxos_chain(GID, chain, &pe);
        archive_entry_encode(&e, entries);
    }
    return chain;
}

static struct archive_segment segment(struct tc_buf *entries, int count) {
    struct archive_segment s = {
        .gid = GID,
        .table_id = 3,
        .table = TC_SLICE_LIT("orders"),
        .start = TC_SLICE_LIT("\x10\x00"),
        .end = TC_SLICE_LIT("\x20"),
        .first = FIRST,
        .last = FIRST + (uint64_t)count - 1,
        .chain_before = 42,
        .first_ms = 1000,
        .last_ms = 2000,
    };
    s.chain_after = build(s.chain_before, count, entries);
    s.entries = tc_buf_slice(entries);
    return s;
}

void test_segment_round_trip(void **state) {
    (void)state;
    for (int compress = 0; compress < 2; compress++) {
        for (int count = 1; count < 200; count = count * 3 + 1) {
            struct tc_buf entries = {0};
            struct tc_buf object = {0};
            struct tc_buf scratch = {0};
            struct archive_segment s = segment(&entries, count);
            OK(archive_segment_encode(&s, compress, &object));
            struct archive_segment d = {0};
            OK(archive_segment_decode(tc_buf_slice(&object), &scratch, &d));
            assert_int_equal(d.last, s.last);
            assert_int_equal(d.chain_after, s.chain_after);
            assert_int_equal(d.last_ms, 2000);
            assert_true(tc_slice_eq(d.table, s.table) && tc_slice_eq(d.start, s.start));
            assert_true(tc_slice_eq(d.end, s.end) && tc_slice_eq(d.entries, s.entries));
            assert_true(!compress || count < 40 || object.len < entries.len);
            tc_buf_deinit(&entries);
            tc_buf_deinit(&object);
            tc_buf_deinit(&scratch);
        }
    }
}

/* Every bit counts, and so does every byte's presence. */
void test_segment_damage(void **state) {
    (void)state;
    for (int compress = 0; compress < 2; compress++) {
        struct tc_buf entries = {0};
        struct tc_buf object = {0};
        struct tc_buf scratch = {0};
        struct archive_segment d = {0};
        struct archive_segment s = segment(&entries, 5);
        OK(archive_segment_encode(&s, compress, &object));
        for (size_t i = 0; i < object.len; i++) {
            object.data[i] ^= (uint8_t)(1u << i % 8);
            assert_int_equal(archive_segment_decode(tc_buf_slice(&object), &scratch, &d),
                             TC_ECORRUPT);
            object.data[i] ^= (uint8_t)(1u << i % 8);
            assert_int_equal(archive_segment_decode(tc_slice(object.data, i), &scratch, &d),
                             TC_ECORRUPT);
        }
        OK(archive_segment_decode(tc_buf_slice(&object), &scratch, &d));
        tc_buf_deinit(&entries);
        tc_buf_deinit(&object);
        tc_buf_deinit(&scratch);
    }
}

static void expect_wrong(struct archive_segment s, const char *why) {
    struct tc_buf diag = {0};
    struct tc_buf out = {0};
    assert_int_equal(archive_entries_check(&s, &diag), TC_ECORRUPT);
    tc_buf_append_u8(&diag, 0);
    assert_string_equal((const char *)diag.data, why);
    assert_int_equal(archive_segment_encode(&s, false, &out), TC_ECORRUPT);
    assert_int_equal(out.len, 0);
    tc_buf_deinit(&diag);
}

void test_segment_refuses_wrong(void **state) {
    (void)state;
    struct tc_buf entries = {0};
    struct archive_segment s = segment(&entries, 5);
    OK(archive_entries_check(&s, NULL));
    struct archive_segment w = s;
    w.first++;
    expect_wrong(w, "entry 102: missing or out of order");
    w = s;
    w.last++;
    expect_wrong(w, "entry 106: unreadable or missing");
    w = s;
    w.last--;
    expect_wrong(w, "entry 104: bytes follow");
    w = s;
    w.chain_before++;
    expect_wrong(w, "entry 101: chain does not continue");
    w = s;
    w.chain_after++;
    expect_wrong(w, "entry 105: last chain hash is not the one claimed");
    w = s;
    w.gid++;
    expect_wrong(w, "entry 101: chain does not continue");
    w = s;
    w.last = w.first - 1;
    expect_wrong(w, "entry 101: no range");
    entries.data[ARCHIVE_ENTRY_HEADER_BYTES] ^= 1;
    expect_wrong(s, "entry 101: body does not match its checksum");
    tc_buf_deinit(&entries);
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    archive_segment_key(UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, key);
    archive_segment_key(77, 101, 105, 0xabc, key);
    assert_string_equal(key, "groups/000000000000004d/log/"
                             "00000000000000000101-00000000000000000105-0000000000000abc");
}
