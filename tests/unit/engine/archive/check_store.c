#include "check_store.h"

#include <stdio.h>

static void join(void *user, const char *key, uint64_t size_bytes) {
    tc_buf_printf(user, "%s=%llu,", key, (unsigned long long)size_bytes);
}

static void expect_list(struct objstore *o, const char *prefix, const char *after,
                        const char *want) {
    struct tc_buf got = {0};
    bool more = true;
    OK(objstore_list(o, prefix, after, join, &got, &more));
    assert_false(more);
    tc_buf_append_u8(&got, 0);
    assert_string_equal((const char *)got.data, want);
    tc_buf_deinit(&got);
}

static void expect_content(struct objstore *o, const char *key, struct tc_slice want) {
    struct tc_buf got = {0};
    tc_buf_append_str(&got, "before");
    OK(objstore_get(o, key, &got));
    assert_true(tc_slice_eq(tc_slice_from(tc_buf_slice(&got), 6), want));
    tc_buf_deinit(&got);
    uint64_t size = 0;
    OK(objstore_head(o, key, &size));
    assert_int_equal(size, want.len);
}

static void check_keys(struct objstore *o) {
    static const char *const BAD[] = {"", "/a", "a/", "a//b", "../a", "a/../b", ".", "a b", "\xc3"};
    struct tc_buf out = {0};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        assert_false(objstore_key_ok(BAD[i]));
        assert_int_equal(objstore_put(o, BAD[i], TC_SLICE_LIT("x")), TC_EINVAL);
        assert_int_equal(objstore_get(o, BAD[i], &out), TC_EINVAL);
        assert_int_equal(objstore_remove(o, BAD[i]), TC_EINVAL);
    }
    char longest[OBJSTORE_KEY_BYTES_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = 0;
    assert_false(objstore_key_ok(longest));
    assert_true(objstore_key_ok("a/..b/C-9_."));
    assert_int_equal(out.len, 0);
}

static void check_absent(struct objstore *o) {
    struct tc_buf out = {0};
    uint64_t size = 0;
    assert_int_equal(objstore_get(o, "g/none", &out), TC_ENOTFOUND);
    assert_int_equal(objstore_get_range(o, "g/none", 0, 1, &out), TC_ENOTFOUND);
    assert_int_equal(objstore_head(o, "g/none", &size), TC_ENOTFOUND);
    OK(objstore_remove(o, "g/none"));
    assert_int_equal(out.len, 0);
    expect_list(o, "", NULL, "");
    expect_list(o, "g/", NULL, "");
}

static void check_range(struct objstore *o) {
    struct tc_buf out = {0};
    OK(objstore_get_range(o, "g/1/b", 2, 3, &out));
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "nan", 3);
    assert_int_equal(objstore_get_range(o, "g/1/b", 4, 3, &out), TC_EEND);
    assert_int_equal(objstore_get_range(o, "g/1/b", 7, 1, &out), TC_EEND);
    assert_int_equal(out.len, 3);
    tc_buf_deinit(&out);
}

static void check_large(struct objstore *o) {
    struct tc_buf big = {0};
    for (uint32_t i = 0; i < 1u << 18; i++)
        tc_buf_append_u32(&big, i * 2654435761u);
    OK(objstore_put(o, "big", tc_buf_slice(&big)));
    expect_content(o, "big", tc_buf_slice(&big));
    struct tc_buf part = {0};
    OK(objstore_get_range(o, "big", 500000, 100000, &part));
    assert_memory_equal(part.data, big.data + 500000, 100000);
    tc_buf_deinit(&part);
    tc_buf_deinit(&big);
    OK(objstore_remove(o, "big"));
}

void check_store(struct objstore *o) {
    check_keys(o);
    check_absent(o);
    OK(objstore_put(o, "g/1/b", TC_SLICE_LIT("banana")));
    assert_int_equal(objstore_put(o, "g/1/b", TC_SLICE_LIT("berry")), TC_EEXISTS);
    assert_int_equal(objstore_put(o, "g/1/b", TC_SLICE_LIT("banana")), TC_EEXISTS);
    expect_content(o, "g/1/b", TC_SLICE_LIT("banana"));
    OK(objstore_put(o, "g/1/a", TC_SLICE_EMPTY));
    expect_content(o, "g/1/a", TC_SLICE_EMPTY);
    OK(objstore_put(o, "g/1-x", TC_SLICE_LIT("12")));
    OK(objstore_put(o, "g/10/a", TC_SLICE_LIT("1")));
    OK(objstore_put(o, "h", TC_SLICE_LIT("1234")));
    check_range(o);
    expect_list(o, "", NULL, "g/1-x=2,g/1/a=0,g/1/b=6,g/10/a=1,h=4,");
    expect_list(o, "g/1/", NULL, "g/1/a=0,g/1/b=6,");
    expect_list(o, "g/1", "g/1/a", "g/1/b=6,g/10/a=1,");
    expect_list(o, "x", NULL, "");
    check_large(o);
    static const char *const ALL[] = {"g/1-x", "g/1/a", "g/1/b", "g/10/a", "h"};
    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++)
        OK(objstore_remove(o, ALL[i]));
    check_absent(o);
}

static void count(void *user, const char *key, uint64_t size_bytes) {
    (void)size_bytes;
    struct tc_buf *last = user;
    assert_true(last->len == 0 || strcmp((const char *)last->data, key) < 0);
    tc_buf_clear(last);
    tc_buf_append(last, key, strlen(key) + 1);
}

void check_long_list(struct objstore *o) {
    char key[32];
    for (int i = 0; i < OBJSTORE_LIST_COUNT_MAX + 3; i++) {
        snprintf(key, sizeof key, "many/%05d", i);
        OK(objstore_put(o, key, TC_SLICE_LIT("x")));
    }
    struct tc_buf last = {0};
    bool more = false;
    OK(objstore_list(o, "many/", NULL, count, &last, &more));
    assert_true(more);
    assert_string_equal((const char *)last.data, "many/00999");
    OK(objstore_list(o, "many/", "many/00999", count, &last, &more));
    assert_false(more);
    assert_string_equal((const char *)last.data, "many/01002");
    tc_buf_deinit(&last);
    for (int i = 0; i < OBJSTORE_LIST_COUNT_MAX + 3; i++) {
        snprintf(key, sizeof key, "many/%05d", i);
        OK(objstore_remove(o, key));
    }
}
