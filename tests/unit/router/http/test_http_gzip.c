#include "test_http.h"

#include "base/prng.h"
#include "router/http/http_gzip.h"

#include <string.h>
#include <zlib.h>

static const struct {
    const char *value;
    bool wanted;
} accepts[] = {
    {"gzip", true},
    {"GZIP", true},
    {"deflate, gzip;q=1.0, *;q=0.5", true},
    {" identity , gzip ", true},
    {"gzip;q=0.001", true},
    {"gzip;q=0", false},
    {"gzip; q=0.000", false},
    {"identity", false},
    {"gzipped", false},
    {"*", false},
    {"", false},
};

static void gzip_is_packed_only_when_asked_for(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof accepts / sizeof accepts[0]; i++) {
        struct http_head head = {.header_count = 1};
        head.headers[0] =
            (struct http_header){TC_SLICE_LIT("Accept-Encoding"), tc_slice_str(accepts[i].value)};
        if (http_gzip_wanted(&head) != accepts[i].wanted)
            fail_msg("Accept-Encoding: %s", accepts[i].value);
    }
    assert_false(http_gzip_wanted(&(struct http_head){0}));
}

/* Text that packs, of any length around the step in which it is unpacked. */
static void what_is_packed_unpacks_the_same(void **state) {
    (void)state;
    static const size_t lengths[] = {200, 4096, 65535, 65536, 65537, 131072, 1000000};
    struct tc_prng r = tc_prng(7);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct tc_buf text = {0}, packed = {0}, plain = {0};
        while (text.len < lengths[i])
            tc_buf_append_u8(&text, (uint8_t)('a' + tc_prng_below(&r, 8)));
        assert_true(http_gzip_pack(tc_buf_slice(&text), &packed));
        assert_true(packed.len < text.len);
        assert_int_equal(http_gzip_unpack(tc_buf_slice(&packed), lengths[i], &plain), TC_OK);
        assert_true(tc_slice_eq(tc_buf_slice(&plain), tc_buf_slice(&text)));
        tc_buf_clear(&plain);
        assert_int_equal(http_gzip_unpack(tc_buf_slice(&packed), lengths[i] - 1, &plain),
                         TC_ELIMIT);
        tc_buf_deinit(&text);
        tc_buf_deinit(&packed);
        tc_buf_deinit(&plain);
    }
}

static void noise_is_left_as_it_is(void **state) {
    (void)state;
    struct tc_buf noise = {0}, packed = {0};
    struct tc_prng r = tc_prng(8);
    while (noise.len < 10000)
        tc_buf_append_u64(&noise, tc_prng_u64(&r));
    assert_false(http_gzip_pack(tc_buf_slice(&noise), &packed));
    assert_int_equal(packed.len, 0);
    tc_buf_deinit(&noise);
    tc_buf_deinit(&packed);
}

/* 16 KiB that would become 16 MiB stop at the bound; damage and leftovers are told. */
static void bombs_and_damage_are_refused(void **state) {
    (void)state;
    struct tc_buf zeros = {0}, packed = {0}, plain = {0};
    memset(tc_buf_extend(&zeros, 16 * 1024 * 1024), 0, 16 * 1024 * 1024);
    assert_true(http_gzip_pack(tc_buf_slice(&zeros), &packed));
    assert_true(packed.len < 128 * 1024);
    assert_int_equal(http_gzip_unpack(tc_buf_slice(&packed), 1000000, &plain), TC_ELIMIT);
    assert_int_equal(plain.len, 1000000);
    for (size_t cut = 0; cut < 40; cut++) {
        tc_buf_clear(&plain);
        assert_int_equal(http_gzip_unpack(tc_slice(packed.data, cut), 1000000, &plain),
                         TC_ECORRUPT);
    }
    tc_buf_clear(&packed);
    tc_buf_clear(&plain);
    assert_true(http_gzip_pack(tc_slice(zeros.data, 100), &packed));
    tc_buf_append_u8(&packed, 0);
    assert_int_equal(http_gzip_unpack(tc_buf_slice(&packed), 1000, &plain), TC_ECORRUPT);
    packed.data[packed.len - 6] ^= 1;
    assert_int_equal(http_gzip_unpack(tc_slice(packed.data, packed.len - 1), 1000, &plain),
                     TC_ECORRUPT);
    tc_buf_deinit(&zeros);
    tc_buf_deinit(&packed);
    tc_buf_deinit(&plain);
}

const struct CMUnitTest http_gzip_tests[HTTP_GZIP_TESTS] = {
    cmocka_unit_test(gzip_is_packed_only_when_asked_for),
    cmocka_unit_test(what_is_packed_unpacks_the_same),
    cmocka_unit_test(noise_is_left_as_it_is),
    cmocka_unit_test(bombs_and_damage_are_refused),
};
