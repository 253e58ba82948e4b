/* CPU of the router's front per request of about 1 KB, each step beside its floor in the same run:
 * signature check beside the bare hash of the body and beside a check with nothing cached; decoding
 * beside skipping the same JSON; head parsing.
 *
 * Usage: micro_front [ROUNDS]. Thread CPU time, so other load disturbs it little. */
#include "base/assert.h"
#include "router/api/api_decode.h"
#include "router/http/http_parser.h"
#include "sigv4/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOW_S 1700000000u

struct sample {
    struct tc_buf body, head;
    struct sigv4_header headers[7];
    struct sigv4_request request;
    struct sigv4_signature signature;
    struct sigv4_verify_params verify;
    struct sigv4 *sigv4;
    struct api_decoder decoder;
    struct tc_arena arena;
};

static uint64_t cpu_ns(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool secret(void *user, struct tc_slice key_id, size_t index, struct tc_slice *ret_secret) {
    (void)user;
    (void)key_id;
    *ret_secret = TC_SLICE_LIT("tercet-local-secret");
    return index == 0;
}

static void make_body(struct tc_buf *b) {
    tc_buf_append_str(b, "{\"TableName\":\"tab\",\"Item\":{\"k\":{\"S\":\"key-1\"}");
    for (int i = 0; i < 10; i++)
        tc_buf_printf(b, ",\"attribute%d\":{\"S\":\"%060d\"}", i, i);
    tc_buf_append_str(b, ",\"m\":{\"M\":{\"a\":{\"N\":\"12.5\"},\"b\":{\"L\":[{\"S\":\"x\"},"
                         "{\"BOOL\":true}]}}}}}");
}

static void make_sample(struct sample *s) {
    make_body(&s->body);
    s->sigv4 = sigv4_new();
    s->headers[0] = (struct sigv4_header){TC_SLICE_LIT("Host"), TC_SLICE_LIT("127.0.0.1:8000")};
    s->headers[1] = (struct sigv4_header){TC_SLICE_LIT("X-Amz-Target"),
                                          TC_SLICE_LIT("DynamoDB_20120810.PutItem")};
    s->headers[2] = (struct sigv4_header){TC_SLICE_LIT("Content-Type"),
                                          TC_SLICE_LIT("application/x-amz-json-1.0")};
    s->request = (struct sigv4_request){.method = TC_SLICE_LIT("POST"),
                                        .path = TC_SLICE_LIT("/"),
                                        .headers = s->headers,
                                        .header_count = 3,
                                        .body = tc_buf_slice(&s->body)};
    struct sigv4_sign_params p = {
        .request = &s->request,
        .credentials = {TC_SLICE_LIT("tercet"), TC_SLICE_LIT("tercet-local-secret")},
        .region = TC_SLICE_LIT("us-east-1"),
        .service = TC_SLICE_LIT("dynamodb"),
        .now_s = NOW_S,
    };
    tc_err err = sigv4_sign(s->sigv4, &p, &s->signature);
    TC_ASSERT(err == TC_OK);
    s->headers[3] =
        (struct sigv4_header){TC_SLICE_LIT("X-Amz-Date"), tc_slice_str(s->signature.amz_date)};
    s->headers[4] = (struct sigv4_header){TC_SLICE_LIT("Authorization"),
                                          tc_slice_str(s->signature.authorization)};
    s->headers[5] = (struct sigv4_header){TC_SLICE_LIT("User-Agent"), TC_SLICE_LIT("bench/1")};
    s->headers[6] = (struct sigv4_header){TC_SLICE_LIT("Accept"), TC_SLICE_LIT("identity")};
    s->request.header_count = 7;
    s->verify = (struct sigv4_verify_params){
        .request = &s->request, .now_s = NOW_S, .service = p.service, .secret = secret};
    tc_buf_append_str(&s->head, "POST / HTTP/1.1\r\n");
    for (size_t i = 0; i < 7; i++)
        tc_buf_printf(&s->head, "%.*s: %.*s\r\n", TC_SLICE_ARGS(s->headers[i].name),
                      TC_SLICE_ARGS(s->headers[i].value));
    tc_buf_append_str(&s->head, "Content-Length: 1024\r\n\r\n");
}

static void verify_cached(struct sample *s) {
    enum sigv4_verdict v = sigv4_verify(s->sigv4, &s->verify, NULL);
    TC_ASSERT(v == SIGV4_OK);
}

static void verify_cold(struct sample *s) {
    struct sigv4 *fresh = sigv4_new();
    enum sigv4_verdict v = sigv4_verify(fresh, &s->verify, NULL);
    TC_ASSERT(v == SIGV4_OK);
    sigv4_free(fresh);
}

static void hash_body(struct sample *s) {
    char hex[65];
    sigv4_sha256_hex(s->sigv4, tc_buf_slice(&s->body), hex);
}

static void decode(struct sample *s) {
    static const struct api_op_info *op;
    if (op == NULL)
        op = api_op_find(TC_SLICE_LIT("DynamoDB_20120810.PutItem"));
    tc_arena_reset(&s->arena);
    void *in = api_decode(&s->decoder, op, tc_buf_slice(&s->body), &s->arena);
    TC_ASSERT(in != NULL);
}

static void skip_json(struct sample *s) {
    struct json_reader r = json_reader(tc_buf_slice(&s->body), &s->arena, 64);
    tc_err err = json_skip(&r);
    TC_ASSERT(err == TC_OK);
}

static void parse_head(struct sample *s) {
    static struct http_head head;
    size_t end = http_head_end(tc_buf_slice(&s->head), 0);
    TC_ASSERT(end == s->head.len);
    unsigned status = http_head_parse(tc_buf_slice(&s->head), &head);
    TC_ASSERT(status == 0);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(struct sample *s);
        uint64_t share; /* rounds are divided by it */
    } rows[] = {
        {"signature, keys cached", verify_cached, 1},
        {"signature, nothing cached", verify_cold, 20},
        {"SHA-256 of the body", hash_body, 1},
        {"decode PutItem", decode, 1},
        {"skip the same JSON", skip_json, 1},
        {"HTTP head", parse_head, 1},
    };
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    struct sample s = {0};
    make_sample(&s);
    printf("body %zu B, head %zu B\n", s.body.len, s.head.len);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t count = rounds / rows[i].share + 1;
        uint64_t start = cpu_ns();
        for (uint64_t n = 0; n < count; n++)
            rows[i].run(&s);
        printf("%-28s %8.2f us\n", rows[i].name, (double)(cpu_ns() - start) / 1e3 / (double)count);
    }
    sigv4_free(s.sigv4);
    api_decoder_deinit(&s.decoder);
    tc_arena_deinit(&s.arena);
    tc_buf_deinit(&s.body);
    tc_buf_deinit(&s.head);
    return 0;
}
