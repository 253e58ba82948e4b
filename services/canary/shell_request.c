#include "shell_request.h"

#include "base/assert.h"
#include "core/json/json.h"
#include "sigv4/sigv4.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CONTENT_TYPE "application/x-amz-json-1.0"

enum {
    JSON_DEPTH = 16,
    TARGET_BYTES_MAX = 64,
};

static size_t on_answer(char *data, size_t size, size_t count, void *user) {
    struct probe *p = user;
    if (p->answer.len + size * count > REQUEST_ANSWER_BYTES_MAX)
        return 0;
    tc_buf_append(&p->answer, data, size * count);
    return size * count;
}

tc_err request_open(struct probe *p) {
    const struct canary_options *o = p->config.options;
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return TC_ENOMEM;
    char url[PROBE_TEXT_BYTES_MAX];
    snprintf(url, sizeof url, "%s://%s/", o->https ? "https" : "http", p->config.router);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, p);
    if (o->https_ca[0] != '\0')
        curl_easy_setopt(curl, CURLOPT_CAINFO, o->https_ca);
    p->curl = curl;
    return TC_OK;
}

void request_close(struct probe *p) {
    if (p->curl)
        curl_easy_cleanup(p->curl);
    p->curl = NULL;
}

static tc_err sign(struct probe *p, const char *target, struct sigv4_signature *ret_signature) {
    const struct canary_options *o = p->config.options;
    const struct sigv4_header headers[] = {
        {TC_SLICE_LIT("host"), tc_slice_str(p->config.router)},
        {TC_SLICE_LIT("content-type"), TC_SLICE_LIT(CONTENT_TYPE)},
        {TC_SLICE_LIT("x-amz-target"), tc_slice_str(target)},
    };
    const struct sigv4_request request = {.method = TC_SLICE_LIT("POST"),
                                          .path = TC_SLICE_LIT("/"),
                                          .headers = headers,
                                          .header_count = 3,
                                          .body = tc_buf_slice(&p->body)};
    const struct sigv4_sign_params params = {
        .request = &request,
        .credentials = {tc_slice_str(o->access_key), tc_slice_str(o->secret_key)},
        .region = tc_slice_str(o->region),
        .service = TC_SLICE_LIT("dynamodb"),
        .now_s = (uint64_t)time(NULL)};
    return sigv4_sign(p->signer, &params, ret_signature);
}

__attribute__((format(printf, 2, 3))) static struct curl_slist *add(struct curl_slist *list,
                                                                    const char *fmt, ...) {
    char line[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    return curl_slist_append(list, line);
}

static struct curl_slist *make_headers(const struct probe *p, const char *target,
                                       const struct sigv4_signature *s) {
    struct curl_slist *list = add(NULL, "Host: %s", p->config.router);
    list = add(list, "Content-Type: " CONTENT_TYPE);
    list = add(list, "X-Amz-Target: %s", target);
    list = add(list, "X-Amz-Date: %s", s->amz_date);
    list = add(list, "Authorization: %s", s->authorization);
    return add(list, "Expect:");
}

/* Copy for a log line and for JSON: printable ASCII without quotes and backslashes. */
static void set_text(struct request_result *r, struct tc_slice text) {
    size_t len = text.len < sizeof r->text - 1 ? text.len : sizeof r->text - 1;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = text.data[i];
        bool plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';
        r->text[i] = plain ? (char)c : '\'';
    }
    r->text[len] = '\0';
}

/* "com.amazonaws...#Name" -> Name; it becomes a label, so letters only. */
static void set_outcome(struct request_result *r, struct tc_slice type) {
    const uint8_t *hash = type.len ? memchr(type.data, '#', type.len) : NULL;
    struct tc_slice name = hash ? tc_slice_from(type, (size_t)(hash - type.data) + 1) : type;
    for (size_t i = 0; i < name.len; i++)
        if (!isalpha(name.data[i]))
            return;
    snprintf(r->outcome, sizeof r->outcome, "%.*s", TC_SLICE_ARGS(name));
}

static tc_err read_error(struct probe *p, struct request_result *r) {
    struct json_reader j = json_reader(tc_buf_slice(&p->answer), &p->arena, JSON_DEPTH);
    bool more = false;
    struct tc_slice key, value;
    TC_TRY(json_object_begin(&j));
    for (;;) {
        TC_TRY(json_object_next(&j, &more, &key));
        if (!more)
            return TC_OK;
        bool type = tc_slice_eq(key, TC_SLICE_LIT("__type"));
        bool text =
            tc_slice_eq(key, TC_SLICE_LIT("message")) || tc_slice_eq(key, TC_SLICE_LIT("Message"));
        if (!type && !text) {
            TC_TRY(json_skip(&j));
            continue;
        }
        TC_TRY(json_string(&j, &value));
        if (type)
            set_outcome(r, value);
        else
            set_text(r, value);
    }
}

static void judge(struct probe *p, CURLcode code, struct request_result *r) {
    curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &r->http_status);
    if (code == CURLE_OPERATION_TIMEDOUT)
        snprintf(r->outcome, sizeof r->outcome, "timeout");
    else if (code != CURLE_OK)
        snprintf(r->outcome, sizeof r->outcome, "unreachable");
    else if (r->http_status != 200 && (read_error(p, r) != TC_OK || r->outcome[0] == '\0'))
        snprintf(r->outcome, sizeof r->outcome, "http");
    if (code != CURLE_OK)
        set_text(r, tc_slice_str(curl_easy_strerror(code)));
}

struct request_result request_send(struct probe *p, const char *operation) {
    struct request_result r = {.operation = operation};
    struct sigv4_signature signature;
    char target[TARGET_BYTES_MAX];
    snprintf(target, sizeof target, "DynamoDB_20120810.%s", operation);
    tc_buf_clear(&p->answer);
    if (sign(p, target, &signature) != TC_OK) {
        snprintf(r.outcome, sizeof r.outcome, "unsigned");
        return r;
    }
    struct curl_slist *headers = make_headers(p, target, &signature);
    curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, (char *)p->body.data);
    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDSIZE, (long)p->body.len);
    uint64_t start_ns = daemon_now_ns();
    CURLcode code = curl_easy_perform(p->curl);
    r.took_ns = daemon_now_ns() - start_ns;
    judge(p, code, &r);
    curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return r;
}

/* Step into the member `name` of the object that comes next; TC_ENOTFOUND if it has none. */
static tc_err enter(struct json_reader *j, const char *name) {
    bool more = false;
    struct tc_slice key;
    TC_TRY(json_object_begin(j));
    for (;;) {
        TC_TRY(json_object_next(j, &more, &key));
        if (!more)
            return TC_ENOTFOUND;
        if (tc_slice_eq(key, tc_slice_str(name)))
            return TC_OK;
        TC_TRY(json_skip(j));
    }
}

tc_err request_counter(struct probe *p, uint64_t *ret_value) {
    struct json_reader j = json_reader(tc_buf_slice(&p->answer), &p->arena, JSON_DEPTH);
    tc_err err = enter(&j, "Item");
    if (err == TC_ENOTFOUND) {
        *ret_value = 0;
        return TC_OK;
    }
    struct tc_slice digits = TC_SLICE_EMPTY;
    if (err != TC_OK || enter(&j, "n") != TC_OK || enter(&j, "N") != TC_OK ||
        json_string(&j, &digits) != TC_OK || digits.len == 0 || digits.len > 18)
        return TC_EINVAL;
    uint64_t v = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return TC_EINVAL;
        v = v * 10 + (uint64_t)(digits.data[i] - '0');
    }
    *ret_value = v;
    return TC_OK;
}
