#include "engine/archive/s3.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <curl/curl.h>
#include <stdio.h>
#include <strings.h>

void s3__crc32c(struct tc_slice bytes, char ret_text[9]) {
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t crc = tc_crc32c(0, bytes.data, bytes.len);
    uint64_t bits = (uint64_t)crc << 16; /* 32 bits in 8 digits of 6: the last two are padding */
    for (int i = 0; i < 8; i++)
        ret_text[i] = DIGITS[bits >> (42 - 6 * i) & 63];
    ret_text[6] = ret_text[7] = '=';
    ret_text[8] = 0;
}

static size_t take_body(char *data, size_t size, size_t count, void *user) {
    struct s3_answer *a = user;
    size_t len = size * count;
    if (len > a->body_bytes_max - a->body.len) {
        a->too_long = true;
        return 0;
    }
    tc_buf_append(&a->body, data, len);
    return len;
}

static bool header_is(const char *data, size_t len, const char *name, struct tc_slice *ret_value) {
    size_t n = strlen(name);
    if (len <= n || strncasecmp(data, name, n) != 0 || data[n] != ':')
        return false;
    size_t from = n + 1;
    while (from < len && data[from] == ' ')
        from++;
    while (len > from && (data[len - 1] == '\r' || data[len - 1] == '\n'))
        len--;
    *ret_value = tc_slice(data + from, len - from);
    return true;
}

static size_t take_header(char *data, size_t size, size_t count, void *user) {
    struct s3_answer *a = user;
    size_t len = size * count;
    struct tc_slice v;
    if (header_is(data, len, "x-amz-checksum-crc32c", &v) && v.len < sizeof a->crc32c) {
        memcpy(a->crc32c, v.data, v.len);
        a->crc32c[v.len] = 0;
    }
    if (header_is(data, len, "content-length", &v)) {
        uint64_t n = 0;
        for (size_t i = 0; i < v.len && v.data[i] >= '0' && v.data[i] <= '9' && n < UINT64_MAX / 20;
             i++)
            n = n * 10 + (uint64_t)(v.data[i] - '0');
        a->content_length = n;
    }
    return len;
}

struct headers {
    struct sigv4_header list[S3_HEADERS_MAX];
    size_t count;
    char range[64];
    char crc[9];
};

static void add(struct headers *h, const char *name, const char *value) {
    TC_ASSERT(h->count < S3_HEADERS_MAX);
    h->list[h->count++] =
        (struct sigv4_header){.name = tc_slice_str(name), .value = tc_slice_str(value)};
}

static void signed_headers(const struct objstore_s3 *s, const struct s3_request *req,
                           struct headers *h) {
    add(h, "host", s->host);
    if (strcmp(req->method, "PUT") == 0) {
        s3__crc32c(req->body, h->crc);
        add(h, "x-amz-checksum-crc32c", h->crc);
    }
    if (strcmp(req->method, "GET") == 0 && *req->key)
        add(h, "x-amz-checksum-mode", "ENABLED");
    if (req->if_absent)
        add(h, "if-none-match", "*");
    if (req->has_range) {
        snprintf(h->range, sizeof h->range, "bytes=%llu-%llu", (unsigned long long)req->range_first,
                 (unsigned long long)req->range_last);
        add(h, "range", h->range);
    }
}

static bool append(struct curl_slist **list, const char *name, struct tc_slice value) {
    char line[1400];
    snprintf(line, sizeof line, "%s: %.*s", name, TC_SLICE_ARGS(value));
    struct curl_slist *more = curl_slist_append(*list, line);
    if (more == NULL)
        return false;
    *list = more;
    return true;
}

static tc_err sign(struct objstore_s3 *s, const struct s3_request *req, const char *path,
                   struct curl_slist **list) {
    struct headers h = {0};
    signed_headers(s, req, &h);
    struct sigv4_request r = {
        .method = tc_slice_str(req->method),
        .path = tc_slice_str(path),
        .query = tc_slice_str(req->query),
        .headers = h.list,
        .header_count = h.count,
        .body = req->body,
        .path_style = SIGV4_PATH_AS_SENT,
    };
    struct sigv4_sign_params p = {
        .request = &r,
        .credentials = {.key_id = tc_slice_str(s->key_id), .secret = tc_slice_str(s->secret)},
        .region = tc_slice_str(s->region),
        .service = TC_SLICE_LIT("s3"),
        .now_s = tc_clock_wall(s->clock).unix_ns / 1000000000u,
        .sign_payload_header = true,
    };
    struct sigv4_signature sig;
    TC_TRY(sigv4_sign(s->sigv4, &p, &sig));
    bool ok = append(list, "x-amz-date", tc_slice_str(sig.amz_date)) &&
              append(list, "x-amz-content-sha256", tc_slice_str(sig.payload_hash)) &&
              append(list, "Authorization", tc_slice_str(sig.authorization)) &&
              append(list, "Expect", TC_SLICE_EMPTY);
    for (size_t i = 0; ok && i < h.count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", TC_SLICE_ARGS(h.list[i].name));
        ok = append(list, name, h.list[i].value);
    }
    return ok ? TC_OK : TC_ENOMEM;
}

static tc_err curl_error(CURLcode code) {
    switch ((int)code) {
    case CURLE_OK:
        return TC_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
        return TC_EUNAVAILABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return TC_EAUTH;
    case CURLE_OPERATION_TIMEDOUT:
        return TC_ETIMEOUT;
    default:
        return TC_ECLOSED;
    }
}

static void set_method(CURL *c, const struct s3_request *req) {
    if (strcmp(req->method, "PUT") == 0) {
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "PUT");
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body.len ? (const char *)req->body.data : "");
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.len);
    } else if (strcmp(req->method, "HEAD") == 0) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (strcmp(req->method, "DELETE") == 0) {
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "DELETE");
    }
}

static void prepare(struct objstore_s3 *s, const struct s3_request *req, uint64_t timeout_ms,
                    struct s3_answer *answer, const char *url) {
    CURL *c = s->curl;
    curl_easy_reset(c); /* keeps connections */
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout_ms < 3000 ? timeout_ms : 3000));
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, answer);
    if (s->ca_file[0])
        curl_easy_setopt(c, CURLOPT_CAINFO, s->ca_file);
    set_method(c, req);
}

static void reset(struct s3_answer *a, size_t body_bytes_max) {
    tc_buf_clear(&a->body);
    a->status = 0;
    a->content_length = 0;
    a->crc32c[0] = 0;
    a->body_bytes_max = body_bytes_max;
    a->too_long = false;
}

tc_err s3__exchange(struct objstore_s3 *s, const struct s3_request *req, uint64_t timeout_ms,
                    struct s3_answer *answer) {
    char path[S3_PATH_BYTES_MAX];
    char url[S3_PATH_BYTES_MAX + S3_QUERY_BYTES_MAX + S3_NAME_BYTES_MAX * 2];
    const char *bucket_part = s->virtual_host ? "" : s->bucket;
    const char *slash = s->virtual_host || !*req->key ? "" : "/";
    snprintf(path, sizeof path, "/%s%s%s%s", bucket_part, slash, *req->key ? s->prefix : "",
             req->key);
    snprintf(url, sizeof url, "%s%s%s%s", s->scheme_host, path, *req->query ? "?" : "", req->query);
    reset(answer, req->answer_bytes_max);
    prepare(s, req, timeout_ms, answer, url);
    struct curl_slist *headers = NULL;
    tc_err err = sign(s, req, path, &headers);
    if (err == TC_OK) {
        curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
        CURLcode code = curl_easy_perform(s->curl);
        err = answer->too_long ? TC_ELIMIT : curl_error(code);
        curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    }
    curl_slist_free_all(headers);
    return err;
}
