#include "base/assert.h"
#include "base/utf8.h"
#include "env/posix/posix.h"
#include "router/api/api_private.h"
#include "router/api/api_unbuilt.h"
#include "router/http/http_gzip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <zlib.h>

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

/* Base32 digits, twelve from each draw. */
void api__request_id(struct tc_prng *ids, char ret_id[API_REQUEST_ID_CHARS + 1]) {
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

static void pack(struct http_request *r) {
    struct tc_buf packed = {0};
    if (http_gzip_pack(tc_buf_slice(&r->answer), &packed)) {
        struct tc_buf plain = r->answer;
        r->answer = packed;
        packed = plain;
        tc_buf_append_str(&r->headers, "Content-Encoding: gzip\r\n");
    }
    tc_buf_deinit(&packed);
}

void api__respond(struct http_request *r, unsigned status, const char *type,
                  const char *request_id) {
    if (r->answer.len >= API__GZIP_BYTES_MIN && http_gzip_wanted(r->head))
        pack(r);
    uint32_t crc = (uint32_t)crc32_z(0, r->answer.data, r->answer.len);
    r->status = status;
    tc_buf_printf(&r->headers, "Content-Type: %s\r\nx-amzn-RequestId: %s\r\nx-amz-crc32: %u\r\n",
                  type, request_id, crc);
    http_respond(r);
}

static void observe(const struct api_request *req, enum api_error error) {
    const struct api_observer *o = &req->api->config.observer;
    if (o->done != NULL)
        o->done(o->user, req, error);
}

void api_complete(struct api_request *req) {
    TC_ASSERT(req->out == &req->http->answer && req->out->len != 1);
    observe(req, API_OK);
    api__respond(req->http, 200, req->content_type, req->request_id);
}

void api_fail_with(struct api_request *req, enum api_error error, struct tc_slice text,
                   struct tc_slice more_members) {
    TC_ASSERT(error != API_OK);
    tc_buf_clear(req->out);
    api_error_write(req->out, error, text, more_members);
    observe(req, error);
    api__respond(req->http, api_error_status(error), req->content_type, req->request_id);
}

void api_fail(struct api_request *req, enum api_error error, const char *fmt, ...) {
    char text[2048];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    api_fail_with(req, error, api_error_clip(tc_slice_str(text)), TC_SLICE_EMPTY);
}

/* The body, unpacked if the client packed it; what was signed is the packed one. False: the request
 * was answered. */
static bool take_body(struct api_request *req, struct tc_slice *ret_body) {
    struct http_request *r = req->http;
    struct tc_slice coding;
    *ret_body = r->body;
    if (!http_head_get(r->head, TC_SLICE_LIT("content-encoding"), &coding) ||
        http_name_eq(coding, TC_SLICE_LIT("identity")))
        return true;
    tc_err err = TC_EINVAL;
    if (http_name_eq(coding, TC_SLICE_LIT("gzip")))
        err = http_gzip_unpack(r->body, HTTP_BODY_BYTES_MAX, &r->plain);
    *ret_body = tc_buf_slice(&r->plain);
    if (err == TC_OK && !http_request_charge(r, r->plain.len))
        api_fail(req, API_SERVICE_UNAVAILABLE, "Too many large requests at once");
    else if (err == TC_ELIMIT)
        api_fail(req, API_REQUEST_ENTITY_TOO_LARGE, "Request body is larger than 16 MB");
    else if (err == TC_EINVAL)
        api_fail(req, API_SERIALIZATION, "Content-Encoding: gzip is the only one supported");
    else if (err != TC_OK)
        api_fail(req, API_SERIALIZATION, "The request body is not valid gzip");
    else
        return true;
    return false;
}

static void execute(struct api_request *req) {
    struct api_decoder *d = &req->api->loops[req->loop_index].decoder;
    struct api_op_info op = *req->op;
    struct tc_slice body;
    if (!take_body(req, &body))
        return;
    if (op.op == API_OP_UNBUILT)
        op.shape = api_unbuilt_find(op.name)->shape;
    req->input = api_decode(d, &op, body, req->arena);
    if (req->input == NULL) {
        api_fail_with(req, d->error, tc_buf_slice(&d->text), TC_SLICE_EMPTY);
        return;
    }
    req->api->config.executor.execute(req->api->config.executor.user, req);
}

static struct api_request *request_new(struct api *a, struct http_request *r, const char *type) {
    r->arena.max_bytes = API_ARENA_BYTES_MAX;
    struct api_request *req = tc_arena_calloc(&r->arena, 1, sizeof *req);
    TC_ASSERT(req != NULL); /* the first allocation of an arena of megabytes */
    req->api = a;
    req->http = r;
    req->arena = &r->arena;
    req->out = &r->answer;
    req->content_type = type;
    req->loop_index = r->loop_index;
    req->started_ns = posix_mono_ns();
    api__request_id(&a->loops[r->loop_index].ids, req->request_id);
    if (http_head_get(r->head, TC_SLICE_LIT("host"), &req->host) && !tc_utf8_valid(req->host))
        req->host = TC_SLICE_EMPTY;
    return req;
}

enum {
    STRANGER_BODY_BYTES_MAX = 64 * 1024,
};

/* Of a request that is refused before its body is read; a long or packed one is not looked at. */
static bool is_broken(const struct api_request *req) {
    const struct http_request *r = req->http;
    struct tc_slice coding;
    if (r->body.len > STRANGER_BODY_BYTES_MAX ||
        http_head_get(r->head, TC_SLICE_LIT("content-encoding"), &coding))
        return false;
    struct json_reader reader = json_reader(r->body, req->arena, API_JSON_DEPTH_MAX);
    return json_skip(&reader) != TC_OK || json_end(&reader) != TC_OK;
}

/* The service tells that a body is not JSON before it looks at operation and signature. */
static void refuse(struct api_request *req, enum api_error error, struct tc_slice text) {
    if (is_broken(req))
        api_fail_with(req, API_SERIALIZATION, TC_SLICE_EMPTY, TC_SLICE_EMPTY);
    else
        api_fail_with(req, error, text, TC_SLICE_EMPTY);
}

void api__call(struct api *a, struct http_request *r, const char *type) {
    struct api_request *req = request_new(a, r, type);
    struct tc_slice target;
    if (http_head_get(r->head, TC_SLICE_LIT("x-amz-target"), &target))
        req->op = api_op_find(target);
    if (req->op == NULL) {
        refuse(req, API_UNKNOWN_OPERATION, TC_SLICE_EMPTY);
        return;
    }
    enum api_error error = api__authenticate(req);
    if (error != API_OK)
        refuse(req, error, tc_buf_slice(&a->loops[req->loop_index].decoder.text));
    else
        execute(req);
}
