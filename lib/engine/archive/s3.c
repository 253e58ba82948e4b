#include "engine/archive/s3.h"

#include "base/assert.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ERROR_BYTES_MAX = 64 * 1024,
};

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
    struct objstore_s3 *s = s3__self(o);
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
    tc_err err = fetch(s3__self(o), &req, &answer);
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
    tc_err err = fetch(s3__self(o), &req, &answer);
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
    tc_err err = fetch(s3__self(o), &req, &answer);
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
    tc_err err = fetch(s3__self(o), &req, &answer);
    tc_buf_deinit(&answer.body);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

bool s3__text_ok(const char *text) {
    for (const char *c = text; *c; c++)
        if (!strchr("._-/", *c) &&
            !((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
            return false;
    return strlen(text) <= OBJSTORE_KEY_BYTES_MAX;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void free_store(struct objstore *o) {
    struct objstore_s3 *s = s3__self(o);
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
    .list = s3__list,
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
    if (!fits || !s3__text_ok(s->prefix) || !objstore_key_ok(s->bucket) || strchr(s->bucket, '/') ||
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
