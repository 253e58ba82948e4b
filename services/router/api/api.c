#include "router/api/api.h"

#include "base/assert.h"
#include "base/prng.h"
#include "base/utf8.h"
#include "router/api/api_decode.h"
#include "router/api/api_unbuilt.h"
#include "sigv4/sigv4.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <zlib.h>

struct loop_state {
    struct sigv4 *sigv4;
    struct api_decoder decoder;
    struct tc_prng ids;
};

struct api {
    struct api_config config;
    struct loop_state loops[HTTP_LOOP_COUNT_MAX];
};

struct api *api_new(const struct api_config *config) {
    TC_ASSERT(config->executor.execute != NULL && config->region != NULL);
    TC_ASSERT(config->loop_count >= 1 && config->loop_count <= HTTP_LOOP_COUNT_MAX);
    struct api *a = calloc(1, sizeof *a);
    TC_ASSERT(a != NULL);
    a->config = *config;
    for (unsigned i = 0; i < config->loop_count; i++) {
        uint64_t seed = i;
        ssize_t got = getrandom(&seed, sizeof seed, 0);
        (void)got; /* request ids need not be secret */
        a->loops[i].ids = tc_prng(seed);
        a->loops[i].sigv4 = sigv4_new();
    }
    return a;
}

void api_free(struct api *a) {
    if (a == NULL)
        return;
    for (unsigned i = 0; i < a->config.loop_count; i++) {
        sigv4_free(a->loops[i].sigv4);
        api_decoder_deinit(&a->loops[i].decoder);
    }
    free(a);
}

static uint64_t now_s(const struct api *a) {
    struct timespec ts;
    if (a->config.now_s != NULL)
        return a->config.now_s(a->config.now_user);
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    return (uint64_t)ts.tv_sec;
}

static uint64_t monotonic_ns(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Base32 digits, twelve from each draw. */
static void make_request_id(struct tc_prng *ids, char ret_id[API_REQUEST_ID_CHARS + 1]) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint64_t bits = 0;
    for (int i = 0; i < API_REQUEST_ID_CHARS; i++) {
        if (i % 12 == 0)
            bits = tc_prng_u64(ids);
        ret_id[i] = digits[bits & 31];
        bits >>= 5;
    }
    ret_id[API_REQUEST_ID_CHARS] = 0;
}

static void respond(struct http_request *r, unsigned status, const char *request_id) {
    uint32_t crc = (uint32_t)crc32_z(0, r->answer.data, r->answer.len);
    r->status = status;
    tc_buf_printf(&r->headers,
                  "Content-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: %s\r\n"
                  "x-amz-crc32: %u\r\n",
                  request_id, crc);
    http_respond(r);
}

static void observe(const struct api_request *req, enum api_error error) {
    const struct api_observer *o = &req->api->config.observer;
    if (o->done != NULL)
        o->done(o->user, req, error);
}

void api_complete(struct api_request *req) {
    TC_ASSERT(req->out == &req->http->answer && req->out->len >= 2);
    observe(req, API_OK);
    respond(req->http, 200, req->request_id);
}

void api_fail_with(struct api_request *req, enum api_error error, struct tc_slice text,
                   struct tc_slice more_members) {
    TC_ASSERT(error != API_OK);
    tc_buf_clear(req->out);
    api_error_write(req->out, error, text, more_members);
    observe(req, error);
    respond(req->http, api_error_status(error), req->request_id);
}

void api_fail(struct api_request *req, enum api_error error, const char *fmt, ...) {
    char text[2048];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    api_fail_with(req, error, api_error_clip(tc_slice_str(text)), TC_SLICE_EMPTY);
}

static bool find_secret(void *user, struct tc_slice key_id, size_t index,
                        struct tc_slice *ret_secret) {
    const struct api_config *c = user;
    for (size_t i = 0; i < c->credential_count; i++)
        if (tc_slice_eq(c->credentials[i].key_id, key_id)) {
            *ret_secret = c->credentials[i].secret;
            return index == 0;
        }
    if (!c->accept_unknown_keys)
        return false;
    if (index == 0 && c->credential_count > 0)
        *ret_secret = c->credentials[0].secret;
    else
        *ret_secret = key_id;
    return index < (c->credential_count > 0 ? 2u : 1u);
}

static enum api_error auth_error(enum sigv4_verdict verdict, const char **ret_text) {
    switch (verdict) {
    case SIGV4_OK:
        return API_OK;
    case SIGV4_MISSING:
        *ret_text = "Request is missing Authentication Token";
        return API_MISSING_AUTHENTICATION_TOKEN;
    case SIGV4_INCOMPLETE:
        *ret_text = "The Authorization header or the date that belongs to it is malformed or "
                    "incomplete";
        return API_INCOMPLETE_SIGNATURE;
    case SIGV4_UNKNOWN_KEY:
        *ret_text = "The security token included in the request is invalid.";
        return API_UNRECOGNIZED_CLIENT;
    case SIGV4_EXPIRED:
        *ret_text = "Signature expired: the request was signed more than 5 minutes ago";
        return API_INVALID_SIGNATURE;
    case SIGV4_NOT_YET:
        *ret_text = "Signature not yet current: the request was signed in the future";
        return API_INVALID_SIGNATURE;
    case SIGV4_UNSIGNED:
        *ret_text = "The body of the request must be signed";
        return API_INVALID_SIGNATURE;
    case SIGV4_MISMATCH:
        break;
    }
    *ret_text = "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. Consult the service "
                "documentation for details.";
    return API_INVALID_SIGNATURE;
}

_Static_assert(sizeof(struct http_header) == sizeof(struct sigv4_header) &&
                   offsetof(struct http_header, value) == offsetof(struct sigv4_header, value) &&
                   (int)SIGV4_HEADER_COUNT_MAX >= (int)HTTP_HEADER_COUNT_MAX,
               "headers are handed over in place");

static enum sigv4_verdict verify(struct api_request *req) {
    struct api *a = req->api;
    const struct http_head *head = req->http->head;
    struct sigv4_identity who;
    struct sigv4_request request = {
        .method = head->method,
        .path = head->path,
        .query = head->query,
        .headers = (const struct sigv4_header *)(const void *)head->headers,
        .header_count = head->header_count,
        .body = req->http->body,
    };
    struct sigv4_verify_params params = {
        .request = &request,
        .now_s = now_s(a),
        .service = TC_SLICE_LIT("dynamodb"),
        .secret = find_secret,
        .user = &a->config,
    };
    enum sigv4_verdict verdict = sigv4_verify(a->loops[req->loop_index].sigv4, &params, &who);
    req->key_id = who.key_id;
    req->region = who.region;
    return verdict;
}

static void execute(struct api_request *req) {
    struct api_decoder *d = &req->api->loops[req->loop_index].decoder;
    const struct api_op_info *op = req->op;
    struct api_op_info unbuilt;
    if (op->op == API_OP_UNBUILT) {
        unbuilt = *op;
        unbuilt.shape = api_unbuilt_find(op->name)->shape;
        op = &unbuilt;
    }
    req->input = api_decode(d, op, req->http->body, req->arena);
    if (req->input == NULL) {
        api_fail_with(req, d->error, tc_buf_slice(&d->text), TC_SLICE_EMPTY);
        return;
    }
    req->api->config.executor.execute(req->api->config.executor.user, req);
}

static struct api_request *request_new(struct api *a, struct http_request *r) {
    r->arena.max_bytes = API_ARENA_BYTES_MAX;
    struct api_request *req = tc_arena_calloc(&r->arena, 1, sizeof *req);
    TC_ASSERT(req != NULL); /* the first allocation of an arena of megabytes */
    req->api = a;
    req->http = r;
    req->arena = &r->arena;
    req->out = &r->answer;
    req->loop_index = r->loop_index;
    req->started_ns = monotonic_ns();
    make_request_id(&a->loops[r->loop_index].ids, req->request_id);
    if (http_head_get(r->head, TC_SLICE_LIT("host"), &req->host) && !tc_utf8_valid(req->host))
        req->host = TC_SLICE_EMPTY;
    return req;
}

static void handle_call(struct api *a, struct http_request *r) {
    struct api_request *req = request_new(a, r);
    struct tc_slice target;
    const char *text = "";
    if (http_head_get(r->head, TC_SLICE_LIT("x-amz-target"), &target))
        req->op = api_op_find(target);
    if (req->op == NULL) {
        api_fail(req, API_UNKNOWN_OPERATION, "%s", "");
        return;
    }
    enum api_error error = auth_error(verify(req), &text);
    if (error != API_OK)
        api_fail(req, error, "%s", text);
    else
        execute(req);
}

static void plain(struct http_request *r, unsigned status, const char *type) {
    r->status = status;
    tc_buf_printf(&r->headers, "Content-Type: %s\r\n", type);
    http_respond(r);
}

static void handle_get(struct api *a, struct http_request *r) {
    struct tc_slice path = r->head->path;
    unsigned status = 200;
    if (tc_slice_eq(path, TC_SLICE_LIT("/"))) {
        tc_buf_printf(&r->answer, "healthy: dynamodb.%s.amazonaws.com ", a->config.region);
    } else if (tc_slice_eq(path, TC_SLICE_LIT("/livez"))) {
        tc_buf_append_str(&r->answer, "ok\n");
    } else if (tc_slice_eq(path, TC_SLICE_LIT("/readyz"))) {
        const struct api_executor *e = &a->config.executor;
        bool ready = e->ready == NULL || e->ready(e->user, &r->answer);
        status = ready ? 200 : 503;
        tc_buf_append_str(&r->answer, ready ? "ready\n" : "\n");
    } else {
        status = 404;
        tc_buf_append_str(&r->answer, "<UnknownOperationException/>\n");
    }
    plain(r, status, status == 404 ? "application/xml" : "text/plain; charset=utf-8");
}

/* The server itself refused what came in. */
static void handle_fault(struct api *a, struct http_request *r) {
    char id[API_REQUEST_ID_CHARS + 1];
    make_request_id(&a->loops[r->loop_index].ids, id);
    if (r->fault_status == 413)
        api_error_write(&r->answer, API_REQUEST_ENTITY_TOO_LARGE,
                        TC_SLICE_LIT("Request body is larger than 16 MB"), TC_SLICE_EMPTY);
    else if (r->fault_status == 503)
        api_error_write(&r->answer, API_SERVICE_UNAVAILABLE,
                        TC_SLICE_LIT("Too many large requests at once"), TC_SLICE_EMPTY);
    else if (r->fault_status == 408)
        api_error_write(&r->answer, API_REQUEST_TIMEOUT,
                        TC_SLICE_LIT("The request did not arrive in time"), TC_SLICE_EMPTY);
    else
        api_error_write(&r->answer, API_SERIALIZATION,
                        TC_SLICE_LIT("The request is not valid HTTP/1.1"), TC_SLICE_EMPTY);
    respond(r, r->fault_status, id);
}

static bool is_json(const struct http_head *head) {
    struct tc_slice type;
    if (!http_head_get(head, TC_SLICE_LIT("content-type"), &type))
        return false;
    for (size_t i = 0; i < type.len; i++)
        if (type.data[i] == ';' || type.data[i] == ' ')
            type.len = i;
    return http_name_eq(type, TC_SLICE_LIT("application/x-amz-json-1.0")) ||
           http_name_eq(type, TC_SLICE_LIT("application/json"));
}

/* Pages of any origin may call: what protects a table is the signature, not the page's address. */
static void allow_origin(struct http_request *r) {
    struct tc_slice origin;
    if (!http_head_get(r->head, TC_SLICE_LIT("origin"), &origin))
        return;
    tc_buf_append_str(&r->headers, "Access-Control-Allow-Origin: *\r\n"
                                   "Access-Control-Expose-Headers: x-amzn-requestid, x-amz-crc32, "
                                   "date\r\n");
    if (!tc_slice_eq(r->head->method, TC_SLICE_LIT("OPTIONS")))
        return;
    tc_buf_append_str(&r->headers,
                      "Access-Control-Allow-Methods: GET, POST\r\n"
                      "Access-Control-Allow-Headers: authorization, content-type, x-amz-target, "
                      "x-amz-date, x-amz-content-sha256, x-amz-security-token, x-amz-user-agent, "
                      "amz-sdk-invocation-id, amz-sdk-request\r\n"
                      "Access-Control-Max-Age: 86400\r\n");
}

void api_handle(void *user, struct http_request *r) {
    struct api *a = user;
    TC_ASSERT(r->loop_index < a->config.loop_count);
    if (r->fault_status != 0) {
        handle_fault(a, r);
        return;
    }
    allow_origin(r);
    if (tc_slice_eq(r->head->method, TC_SLICE_LIT("OPTIONS"))) {
        plain(r, 200, "text/plain; charset=utf-8");
    } else if (tc_slice_eq(r->head->method, TC_SLICE_LIT("GET"))) {
        handle_get(a, r);
    } else if (tc_slice_eq(r->head->method, TC_SLICE_LIT("POST")) &&
               tc_slice_eq(r->head->path, TC_SLICE_LIT("/")) && is_json(r->head)) {
        handle_call(a, r);
    } else {
        tc_buf_append_str(&r->answer, "<UnknownOperationException/>\n");
        plain(r, 404, "application/xml");
    }
}
