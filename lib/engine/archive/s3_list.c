/* ListObjectsV2: one page of keys, of which only those in our alphabet are ours. */
#include "engine/archive/s3.h"

enum {
    LIST_BYTES_MAX = 4 * 1024 * 1024,
};

static void append_encoded(struct tc_buf *b, const char *text) {
    for (; *text; text++) {
        if (*text == '/')
            tc_buf_append_str(b, "%2F");
        else
            tc_buf_append_u8(b, (uint8_t)*text);
    }
}

/* The text between <tag> and </tag> at or after *at, which moves behind it. */
static bool next_tag(struct tc_slice xml, const char *open, const char *close, size_t *at,
                     struct tc_slice *ret_text) {
    struct tc_slice rest = tc_slice_from(xml, *at);
    if (rest.data == NULL)
        return false;
    const uint8_t *from = memmem(rest.data, rest.len, open, strlen(open));
    if (from == NULL)
        return false;
    from += strlen(open);
    const uint8_t *end = memmem(from, (size_t)(xml.data + xml.len - from), close, strlen(close));
    if (end == NULL)
        return false;
    *ret_text = tc_slice(from, (size_t)(end - from));
    *at = (size_t)(end - xml.data) + strlen(close);
    return true;
}

static uint64_t number(struct tc_slice text) {
    uint64_t n = 0;
    for (size_t i = 0; i < text.len && i < 19; i++)
        n = n * 10 +
            (uint64_t)(text.data[i] >= '0' && text.data[i] <= '9' ? text.data[i] - '0' : 0);
    return n;
}

/* Keys outside our alphabet are not ours and are passed over. */
static void visit_keys(const struct objstore_s3 *s, struct tc_slice xml, objstore_visit *visit,
                       void *user) {
    size_t at = 0;
    struct tc_slice item;
    while (next_tag(xml, "<Contents>", "</Contents>", &at, &item)) {
        struct tc_slice key;
        struct tc_slice size = TC_SLICE_EMPTY;
        size_t in = 0;
        size_t in_size = 0;
        if (!next_tag(item, "<Key>", "</Key>", &in, &key) || key.len > OBJSTORE_KEY_BYTES_MAX ||
            !tc_slice_has_prefix(key, tc_slice_str(s->prefix)))
            continue;
        if (!next_tag(item, "<Size>", "</Size>", &in_size, &size))
            continue;
        char text[OBJSTORE_KEY_BYTES_MAX + 1];
        struct tc_slice name = tc_slice_from(key, strlen(s->prefix));
        memcpy(text, name.data, name.len);
        text[name.len] = 0;
        if (strlen(text) == name.len && objstore_key_ok(text))
            visit(user, text, number(size));
    }
}

tc_err s3__list(struct objstore *o, const char *prefix, const char *after, objstore_visit *visit,
                void *user, bool *ret_more) {
    struct objstore_s3 *s = s3__self(o);
    if (!s3__text_ok(prefix) || (after && !s3__text_ok(after)))
        return TC_EINVAL;
    struct tc_buf query = {0};
    tc_buf_printf(&query, "list-type=2&max-keys=%d&prefix=", (int)OBJSTORE_LIST_COUNT_MAX);
    append_encoded(&query, s->prefix);
    append_encoded(&query, prefix);
    if (after) {
        tc_buf_append_str(&query, "&start-after=");
        append_encoded(&query, s->prefix);
        append_encoded(&query, after);
    }
    tc_buf_append_u8(&query, 0);
    TC_ASSERT(query.len < S3_QUERY_BYTES_MAX + 1000);
    struct s3_request req = {.method = "GET",
                             .key = "",
                             .query = (const char *)query.data,
                             .answer_bytes_max = LIST_BYTES_MAX};
    struct s3_answer answer = {0};
    uint32_t attempts = 0;
    tc_err err =
        query.len > S3_QUERY_BYTES_MAX ? TC_EINVAL : s3__request(s, &req, &answer, &attempts);
    if (err == TC_OK) {
        struct tc_slice xml = tc_buf_slice(&answer.body);
        struct tc_slice truncated = TC_SLICE_EMPTY;
        size_t at = 0;
        visit_keys(s, xml, visit, user);
        *ret_more = next_tag(xml, "<IsTruncated>", "</IsTruncated>", &at, &truncated) &&
                    tc_slice_eq(truncated, TC_SLICE_LIT("true"));
    }
    tc_buf_deinit(&answer.body);
    tc_buf_deinit(&query);
    return err;
}
