#include "engine/archive/s3.h"

#include "base/assert.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ERROR_BYTES_MAX = 64 * 1024,
    LIST_BYTES_MAX = 4 * 1024 * 1024,
};

static struct objstore_s3 *self(struct objstore *o) {
    return TC_CONTAINER(o, struct objstore_s3, store);
}

static tc_err get(struct objstore *o, const char *key, struct tc_buf *out);

/* The first attempt may have stored the object and its answer been lost: then it is ours. */
static tc_err resolve(struct objstore *o, const char *key, struct tc_slice bytes) {
    struct tc_buf there = {0};
    tc_err err = get(o, key, &there);
    if (err == TC_OK && !tc_slice_eq(tc_buf_slice(&there), bytes))
        err = TC_EEXISTS;
    tc_buf_deinit(&there);
    return err;
}

static tc_err put(struct objstore *o, const char *key, struct tc_slice bytes) {
    struct objstore_s3 *s = self(o);
    if (!objstore_key_ok(key))
        return TC_EINVAL;
    if (bytes.len > OBJSTORE_OBJECT_BYTES_MAX)
        return TC_ELIMIT;
    struct s3_request req = {.method = "PUT",
                             .key = key,
                             .query = "",
                             .body = bytes,
                             .if_absent = true,
                             .answer_bytes_max = ERROR_BYTES_MAX};
    struct s3_answer answer = {0};
    uint32_t attempts = 0;
    tc_err err = s3__request(s, &req, &answer, &attempts);
    tc_buf_deinit(&answer.body);
    if (err == TC_EEXISTS && attempts > 1)
        return resolve(o, key, bytes);
    return err;
}

static tc_err fetch(struct objstore_s3 *s, const struct s3_request *req, struct s3_answer *answer) {
    if (!objstore_key_ok(req->key))
        return TC_EINVAL;
    uint32_t attempts = 0;
    return s3__request(s, req, answer, &attempts);
}

static tc_err get(struct objstore *o, const char *key, struct tc_buf *out) {
    struct s3_request req = {
        .method = "GET", .key = key, .query = "", .answer_bytes_max = OBJSTORE_OBJECT_BYTES_MAX};
    struct s3_answer answer = {0};
    tc_err err = fetch(self(o), &req, &answer);
    char crc[9];
    s3__crc32c(tc_buf_slice(&answer.body), crc);
    if (err == TC_OK && answer.crc32c[0] && strcmp(answer.crc32c, crc) != 0)
        err = TC_ECORRUPT;
    if (err == TC_OK)
        tc_buf_append_slice(out, tc_buf_slice(&answer.body));
    tc_buf_deinit(&answer.body);
    return err;
}

static tc_err get_range(struct objstore *o, const char *key, uint64_t offset, size_t len,
                        struct tc_buf *out) {
    if (len == 0)
        return TC_OK;
    if (offset > OBJSTORE_OBJECT_BYTES_MAX || len > OBJSTORE_OBJECT_BYTES_MAX - offset)
        return TC_EEND;
    struct s3_request req = {.method = "GET",
                             .key = key,
                             .query = "",
                             .has_range = true,
                             .range_first = offset,
                             .range_last = offset + len - 1,
                             .answer_bytes_max = OBJSTORE_OBJECT_BYTES_MAX};
    struct s3_answer answer = {0};
    tc_err err = fetch(self(o), &req, &answer);
    if (err == TC_OK && (answer.status != 206 || answer.body.len != len))
        err = answer.status == 206 ? TC_EEND : TC_EINTERNAL;
    if (err == TC_OK)
        tc_buf_append_slice(out, tc_buf_slice(&answer.body));
    tc_buf_deinit(&answer.body);
    return err;
}

static tc_err head(struct objstore *o, const char *key, uint64_t *ret_size_bytes) {
    struct s3_request req = {
        .method = "HEAD", .key = key, .query = "", .answer_bytes_max = ERROR_BYTES_MAX};
    struct s3_answer answer = {0};
    tc_err err = fetch(self(o), &req, &answer);
    if (err == TC_OK)
        *ret_size_bytes = answer.content_length;
    tc_buf_deinit(&answer.body);
    if (err != TC_ENOTFOUND)
        return err;
    struct tc_buf first = {0};
    err = get_range(o, key, 0, 1, &first);
    tc_buf_deinit(&first);
    return err == TC_OK || err == TC_EEND ? TC_ENOTFOUND : err; /* it came just now */
}

static tc_err remove_object(struct objstore *o, const char *key) {
    struct s3_request req = {
        .method = "DELETE", .key = key, .query = "", .answer_bytes_max = ERROR_BYTES_MAX};
    struct s3_answer answer = {0};
    tc_err err = fetch(self(o), &req, &answer);
    tc_buf_deinit(&answer.body);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

/* ---- list ------------------------------------------------------------------------------------ */

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

static bool text_ok(const char *text) {
    for (const char *c = text; *c; c++)
        if (!strchr("._-/", *c) &&
            !((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
            return false;
    return strlen(text) <= OBJSTORE_KEY_BYTES_MAX;
}

static tc_err list(struct objstore *o, const char *prefix, const char *after, objstore_visit *visit,
                   void *user, bool *ret_more) {
    struct objstore_s3 *s = self(o);
    if (!text_ok(prefix) || (after && !text_ok(after)))
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

/* ---- life ------------------------------------------------------------------------------------ */

static void free_store(struct objstore *o) {
    struct objstore_s3 *s = self(o);
    curl_easy_cleanup(s->curl);
    sigv4_free(s->sigv4);
    explicit_bzero(s->secret, sizeof s->secret);
    free(s);
}

static const struct objstore_ops S3_OPS = {
    .put = put,
    .get = get,
    .get_range = get_range,
    .head = head,
    .list = list,
    .remove = remove_object,
    .free = free_store,
};

static bool copy(char *to, size_t cap, const char *from) {
    const char *text = from ? from : "";
    if (strlen(text) >= cap)
        return false;
    memcpy(to, text, strlen(text) + 1);
    return true;
}

/* Split the endpoint and, for virtual hosts, put the bucket before the host. */
static bool set_host(struct objstore_s3 *s, const struct objstore_s3_config *c) {
    bool tls = strncmp(c->endpoint, "https://", 8) == 0;
    if (!tls && strncmp(c->endpoint, "http://", 7) != 0)
        return false;
    const char *host = c->endpoint + (tls ? 8 : 7);
    size_t len = strcspn(host, "/");
    if (len == 0 || len >= S3_NAME_BYTES_MAX || (host[len] == '/' && host[len + 1]))
        return false;
    snprintf(s->host, sizeof s->host, "%s%s%.*s", c->virtual_host ? s->bucket : "",
             c->virtual_host ? "." : "", (int)len, host);
    snprintf(s->scheme_host, sizeof s->scheme_host, "%s%.*s", tls ? "https://" : "http://",
             (int)(sizeof s->scheme_host - 16), s->host);
    /* HTTP clients leave a default port out of Host; so must what is signed. */
    size_t end = strlen(s->host);
    const char *port = tls ? ":443" : ":80";
    size_t n = strlen(port);
    if (end > n && strcmp(s->host + end - n, port) == 0)
        s->host[end - n] = 0;
    return true;
}

static bool set_all(struct objstore_s3 *s, const struct objstore_s3_config *c) {
    bool fits = copy(s->bucket, 64, c->bucket) && copy(s->prefix, sizeof s->prefix, c->prefix) &&
                copy(s->region, sizeof s->region, c->region) &&
                copy(s->key_id, sizeof s->key_id, c->key_id) &&
                copy(s->secret, sizeof s->secret, c->secret) &&
                copy(s->ca_file, sizeof s->ca_file, c->ca_file);
    if (!fits || !text_ok(s->prefix) || !objstore_key_ok(s->bucket) || strchr(s->bucket, '/') ||
        !*s->region || !*s->key_id)
        return false;
    s->virtual_host = c->virtual_host;
    s->deadline_ms = c->deadline_ms ? c->deadline_ms : 30000;
    s->attempts_max = c->attempts_max ? c->attempts_max : 6;
    s->prng = tc_prng(c->seed);
    s->clock = c->clock;
    return set_host(s, c);
}

tc_err objstore_s3_new(const struct objstore_s3_config *config, struct objstore **ret_store) {
    struct objstore_s3 *s = calloc(1, sizeof *s);
    if (s == NULL)
        return TC_ENOMEM;
    s->store.ops = &S3_OPS;
    if (!set_all(s, config)) {
        free(s);
        return TC_EINVAL;
    }
    s->sigv4 = sigv4_new();
    s->curl = curl_easy_init();
    if (s->curl == NULL) {
        free_store(&s->store);
        return TC_ENOMEM;
    }
    *ret_store = &s->store;
    return TC_OK;
}
