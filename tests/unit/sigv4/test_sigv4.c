/* Published vectors of AWS (the sig-v4 test suite, the IAM and S3 documentation examples), then
 * round trips in which each part of a signed request is changed in turn. */
#include "base/assert.h"
#include "base/prng.h"
#include "sigv4/sigv4.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEY_ID "AKIDEXAMPLE"
static char secret_text[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
#define NOW_S 1440938160u /* 20150830T123600Z */

struct vector {
    const char *name, *method, *path, *query, *body;
    const char *headers[4][2];
    size_t header_count;
    const char *signature;
};

#define H(n, v)                                                                                    \
    { TC_SLICE_LIT(n), TC_SLICE_LIT(v) }

static const struct vector vectors[] = {
    {"get-vanilla",
     "GET",
     "/",
     "",
     "",
     {{"Host", "example.amazonaws.com"}},
     1,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     "Param2=value2&Param1=value1",
     "",
     {{"Host", "example.amazonaws.com"}},
     1,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-relative-relative",
     "GET",
     "/example1/example2/../..",
     "",
     "",
     {{"Host", "example.amazonaws.com"}},
     1,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slashes",
     "GET",
     "//example//",
     "",
     "",
     {{"Host", "example.amazonaws.com"}},
     1,
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-utf8",
     "GET",
     "/\xe1\x88\xb4",
     "",
     "",
     {{"Host", "example.amazonaws.com"}},
     1,
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-header-value-trim",
     "GET",
     "/",
     "",
     "",
     {{"Host", "example.amazonaws.com"},
      {"My-Header1", " value1"},
      {"My-Header2", " \"a   b   c\""}},
     3,
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-vanilla",
     "POST",
     "/",
     "",
     "",
     {{"Host", "example.amazonaws.com"}},
     1,
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     "",
     "Param1=value1",
     {{"Host", "example.amazonaws.com"}, {"Content-Type", "application/x-www-form-urlencoded"}},
     2,
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
};

static struct sigv4_sign_params params_of(const struct sigv4_request *r) {
    return (struct sigv4_sign_params){
        .request = r,
        .credentials = {TC_SLICE_LIT(KEY_ID), tc_slice_str(secret_text)},
        .region = TC_SLICE_LIT("us-east-1"),
        .service = TC_SLICE_LIT("service"),
        .now_s = NOW_S,
    };
}

static struct tc_slice tail64(const char *authorization) {
    struct tc_slice s = tc_slice_str(authorization);
    TC_ASSERT(s.len > 64);
    return tc_slice_from(s, s.len - 64);
}

static void signs_the_published_vectors(void **state) {
    (void)state;
    struct sigv4 *s = sigv4_new();
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        struct sigv4_header headers[4];
        for (size_t j = 0; j < v->header_count; j++)
            headers[j] = (struct sigv4_header){tc_slice_str(v->headers[j][0]),
                                               tc_slice_str(v->headers[j][1])};
        struct sigv4_request r = {
            .method = tc_slice_str(v->method),
            .path = tc_slice_str(v->path),
            .query = tc_slice_str(v->query),
            .headers = headers,
            .header_count = v->header_count,
            .body = tc_slice_str(v->body),
        };
        struct sigv4_sign_params p = params_of(&r);
        struct sigv4_signature sig;
        assert_int_equal(sigv4_sign(s, &p, &sig), TC_OK);
        assert_string_equal(sig.amz_date, "20150830T123600Z");
        if (!tc_slice_eq(tail64(sig.authorization), tc_slice_str(v->signature)))
            fail_msg("%s: %s", v->name, sig.authorization);
    }
    sigv4_free(s);
}

static void signs_the_iam_and_s3_examples(void **state) {
    (void)state;
    struct sigv4 *s = sigv4_new();
    struct sigv4_signature sig;
    struct sigv4_header iam[] = {
        H("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        H("host", "iam.amazonaws.com")};
    struct sigv4_request r = {.method = TC_SLICE_LIT("GET"),
                              .path = TC_SLICE_LIT("/"),
                              .query = TC_SLICE_LIT("Action=ListUsers&Version=2010-05-08"),
                              .headers = iam,
                              .header_count = 2};
    struct sigv4_sign_params p = params_of(&r);
    p.service = TC_SLICE_LIT("iam");
    assert_int_equal(sigv4_sign(s, &p, &sig), TC_OK);
    assert_string_equal(
        sig.authorization,
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");

    struct sigv4_header s3[] = {H("Host", "examplebucket.s3.amazonaws.com"),
                                H("Range", "bytes=0-9")};
    r = (struct sigv4_request){.method = TC_SLICE_LIT("GET"),
                               .path = TC_SLICE_LIT("/test.txt"),
                               .headers = s3,
                               .header_count = 2,
                               .path_style = SIGV4_PATH_AS_SENT};
    p = params_of(&r);
    p.credentials =
        (struct sigv4_credentials){TC_SLICE_LIT("AKIAIOSFODNN7EXAMPLE"),
                                   TC_SLICE_LIT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")};
    p.service = TC_SLICE_LIT("s3");
    p.now_s = 1369353600; /* 20130524T000000Z */
    p.sign_payload_header = true;
    assert_int_equal(sigv4_sign(s, &p, &sig), TC_OK);
    assert_true(tc_slice_eq(
        tail64(sig.authorization),
        TC_SLICE_LIT("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")));
    sigv4_free(s);
}

/* Two secrets are offered for the key id, the second being the right one. */
static bool secrets(void *user, struct tc_slice key_id, size_t index, struct tc_slice *ret_secret) {
    const char *right = user;
    if (!tc_slice_eq(key_id, TC_SLICE_LIT(KEY_ID)) || index > 1)
        return false;
    *ret_secret = index == 0 ? TC_SLICE_LIT("another") : tc_slice_str(right);
    return true;
}

struct signed_request {
    struct sigv4_header headers[6];
    struct sigv4_request request;
    struct sigv4_signature signature;
    struct sigv4_verify_params verify;
};

static void sign_again(struct sigv4 *s, struct signed_request *t,
                       const struct sigv4_sign_params *p) {
    t->request.header_count = 2;
    assert_int_equal(sigv4_sign(s, p, &t->signature), TC_OK);
    t->headers[2] =
        (struct sigv4_header){TC_SLICE_LIT("x-amz-date"), tc_slice_str(t->signature.amz_date)};
    t->headers[3] = (struct sigv4_header){TC_SLICE_LIT("authorization"),
                                          tc_slice_str(t->signature.authorization)};
    t->request.header_count = 4;
}

/* A signed PutItem; its headers stand at fixed places: host, target, date, authorization. */
static void make_signed(struct sigv4 *s, struct signed_request *t) {
    *t = (struct signed_request){
        .headers = {H("Host", "127.0.0.1:8000"), H("X-Amz-Target", "DynamoDB_20120810.PutItem")}};
    t->request = (struct sigv4_request){.method = TC_SLICE_LIT("POST"),
                                        .path = TC_SLICE_LIT("/"),
                                        .headers = t->headers,
                                        .header_count = 2,
                                        .body = TC_SLICE_LIT("{\"TableName\":\"t\"}")};
    struct sigv4_sign_params p = params_of(&t->request);
    p.service = TC_SLICE_LIT("dynamodb");
    sign_again(s, t, &p);
    t->verify = (struct sigv4_verify_params){.request = &t->request,
                                             .now_s = NOW_S,
                                             .service = TC_SLICE_LIT("dynamodb"),
                                             .secret = secrets,
                                             .user = secret_text};
}

static void accepts_what_it_signed(void **state) {
    (void)state;
    struct sigv4 *s = sigv4_new();
    struct signed_request t;
    struct sigv4_identity who;
    make_signed(s, &t);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sigv4_verify(s, &t.verify, &who), SIGV4_OK);
    assert_true(tc_slice_eq(who.key_id, TC_SLICE_LIT(KEY_ID)));
    assert_true(tc_slice_eq(who.region, TC_SLICE_LIT("us-east-1")));
    t.verify.now_s = NOW_S + SIGV4_SKEW_S_MAX;
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_OK);
    t.verify.now_s = NOW_S - SIGV4_SKEW_S_MAX;
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_OK);
    t.verify.now_s = NOW_S + SIGV4_SKEW_S_MAX + 1;
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_EXPIRED);
    t.verify.now_s = NOW_S - SIGV4_SKEW_S_MAX - 1;
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_NOT_YET);
    sigv4_free(s);
}

static void refuses_every_change(void **state) {
    (void)state;
    struct sigv4 *s = sigv4_new();
    struct signed_request t;
    make_signed(s, &t);
    t.request.body = TC_SLICE_LIT("{\"TableName\":\"u\"}");
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_MISMATCH);
    make_signed(s, &t);
    t.request.method = TC_SLICE_LIT("PUT");
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_MISMATCH);
    make_signed(s, &t);
    t.request.query = TC_SLICE_LIT("a=b");
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_MISMATCH);
    make_signed(s, &t);
    t.headers[1].value = TC_SLICE_LIT("DynamoDB_20120810.DeleteItem");
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_MISMATCH);
    make_signed(s, &t);
    t.verify.user = (char[]){"rotated"};
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_MISMATCH);
    make_signed(s, &t);
    t.verify.service = TC_SLICE_LIT("s3");
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_MISMATCH);
    make_signed(s, &t);
    t.headers[4] = (struct sigv4_header)H("x-amz-security-token", "injected");
    t.request.header_count = 5;
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_MISMATCH);
    make_signed(s, &t);
    t.headers[4] = t.headers[3];
    t.request.header_count = 5;
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_INCOMPLETE);
    make_signed(s, &t);
    t.request.header_count = 3;
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_MISSING);
    sigv4_free(s);
}

/* Whatever single byte of the Authorization header changes, the request is refused. */
static void refuses_every_flipped_byte(void **state) {
    (void)state;
    struct sigv4 *s = sigv4_new();
    struct signed_request t;
    make_signed(s, &t);
    size_t len = strlen(t.signature.authorization);
    for (size_t i = 0; i < len; i++) {
        t.signature.authorization[i] ^= 1;
        assert_int_not_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_OK);
        t.signature.authorization[i] ^= 1;
    }
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_OK);
    sigv4_free(s);
}

static void unknown_key_and_unsigned_payload(void **state) {
    (void)state;
    struct sigv4 *s = sigv4_new();
    struct signed_request t;
    make_signed(s, &t);
    struct sigv4_sign_params p = params_of(&t.request);
    p.service = TC_SLICE_LIT("dynamodb");
    p.unsigned_payload = p.sign_payload_header = true;
    sign_again(s, &t, &p);
    t.request.header_count = 5;
    t.headers[4] = (struct sigv4_header)H("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_UNSIGNED);
    t.verify.allow_unsigned_payload = true;
    assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_OK);
    make_signed(s, &t);
    p = params_of(&t.request);
    p.service = TC_SLICE_LIT("dynamodb");
    p.credentials.key_id = TC_SLICE_LIT("SOMEBODY/with/slashes");
    sign_again(s, &t, &p);
    struct sigv4_identity who;
    assert_int_equal(sigv4_verify(s, &t.verify, &who), SIGV4_UNKNOWN_KEY);
    assert_true(tc_slice_eq(who.key_id, p.credentials.key_id));
    sigv4_free(s);
}

/* One change to a signed request, and what the client is told. */
struct refusal {
    const char *authorization; /* instead of the signed one; "": none */
    const char *date;          /* instead of the signed one; "": none */
    const char *query;
    const char *service;
    int64_t skew_s;
    const char *text;
};

#define CREDENTIAL "Credential=AKIDEXAMPLE/20150830/us-east-1/dynamodb/aws4_request"
#define HEADERS    "SignedHeaders=host;x-amz-date;x-amz-target"
#define SIGNATURE  "Signature=0000000000000000000000000000000000000000000000000000000000000000"

static const struct refusal refusals[] = {
    {.authorization = "", .text = "Request is missing Authentication Token"},
    {.authorization = "Basic dDp0", .text = "Request is missing Authentication Token"},
    {.authorization = "AWS4-HMAC-SHA256 Nothing=x",
     .text = "Authorization header requires 'Credential' parameter. Authorization header requires "
             "'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. "
             "Authorization=AWS4-HMAC-SHA256 Nothing=x"},
    {.authorization = "AWS4-HMAC-SHA256 " CREDENTIAL ", " HEADERS,
     .text = "Authorization header requires 'Signature' parameter. Authorization=AWS4"},
    {.authorization = "AWS4-HMAC-SHA256 Credential=A/b/c, " HEADERS ", " SIGNATURE,
     .text = "Authorization header is malformed: its Credential must have exactly 5"},
    {.date = "",
     .text = "Authorization header requires existence of either a 'X-Amz-Date' or a "
             "'Date' header. Authorization=AWS4-HMAC-SHA256 Cred"},
    {.date = "yesterday", .text = "Date must be in ISO-8601 'basic format'. Got 'yesterday'."},
    {.date = "20150831T000000Z",
     .text = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
             "HTTP: '20150830' != '20150831', from '20150831T000000Z'."},
    {.skew_s = 301,
     .text = "Signature expired: 20150830T123600Z is now earlier than "
             "20150830T123601Z (20150830T124101Z - 5 min.)"},
    {.skew_s = -301,
     .text = "Signature not yet current: 20150830T123600Z is still later than "
             "20150830T123559Z (20150830T123059Z + 5 min.)"},
    {.service = "s3", .text = "Credential should be scoped to correct service: 's3'. "},
    {.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256",
     .text = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP "
             "header."},
    {.authorization = "",
     .query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20150830T123600Z",
     .text = "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string "
             "parameters must include 'X-Amz-Signature'. AWS query-string parameters must include "
             "'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Expires'. "
             "Re-examine the query-string parameters."},
    {.authorization = "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=x-amz-date, " SIGNATURE,
     .text = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
    {.authorization = "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host, " SIGNATURE,
     .text = "Every header that begins with 'X-Amz-' must be a 'SignedHeader'"},
    {.authorization =
         "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=x-amz-date;host;x-amz-target, " SIGNATURE,
     .text = "SignedHeaders must name headers of the request, in lower case, sorted"},
    {.authorization = "AWS4-HMAC-SHA256 " CREDENTIAL ", " HEADERS ", " SIGNATURE,
     .text = "The request signature we calculated does not match the signature you provided. "
             "Check your AWS Secret Access Key and signing method. Consult the service "
             "documentation for details.\n\nThe Canonical String for this request should have "
             "been\n'POST\n/\n\nhost:127.0.0.1:8000\nx-amz-date:20150830T123600Z\n"},
};

static void tells_why_it_refuses(void **state) {
    (void)state;
    struct sigv4 *s = sigv4_new();
    struct tc_buf text = {0};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *c = &refusals[i];
        struct signed_request t;
        make_signed(s, &t);
        t.verify.now_s = (uint64_t)((int64_t)NOW_S + c->skew_s);
        if (c->service != NULL)
            t.verify.service = tc_slice_str(c->service);
        if (c->query != NULL)
            t.request.query = tc_slice_str(c->query);
        if (c->date != NULL)
            t.headers[2] = (struct sigv4_header){c->date[0] ? TC_SLICE_LIT("X-Amz-Date")
                                                            : TC_SLICE_LIT("X-Other"),
                                                 tc_slice_str(c->date)};
        if (c->authorization != NULL)
            t.headers[3].value = tc_slice_str(c->authorization);
        if (c->authorization != NULL && c->authorization[0] == 0)
            t.request.header_count = 3;
        enum sigv4_verdict verdict = sigv4_verify(s, &t.verify, NULL);
        assert_int_not_equal(verdict, SIGV4_OK);
        tc_buf_clear(&text);
        sigv4_explain(s, &t.verify, verdict, &text);
        if (!tc_slice_has_prefix(tc_buf_slice(&text), tc_slice_str(c->text)))
            fail_msg("%zu: %.*s\nwanted %s", i, (int)text.len, (const char *)text.data, c->text);
    }
    tc_buf_deinit(&text);
    sigv4_free(s);
}

static bool s3_secret(void *user, struct tc_slice key_id, size_t index,
                      struct tc_slice *ret_secret) {
    (void)user;
    (void)key_id;
    *ret_secret = TC_SLICE_LIT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    return index == 0;
}

/* The presigned GET of the S3 documentation. */
static void verifies_the_query_form(void **state) {
    (void)state;
    struct sigv4 *s = sigv4_new();
    struct sigv4_header host = H("host", "examplebucket.s3.amazonaws.com");
    struct sigv4_request r = {
        .method = TC_SLICE_LIT("GET"),
        .path = TC_SLICE_LIT("/test.txt"),
        .query = TC_SLICE_LIT(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
            "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
            "&X-Amz-SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"),
        .headers = &host,
        .header_count = 1,
        .path_style = SIGV4_PATH_AS_SENT};
    struct sigv4_verify_params p = {.request = &r,
                                    .now_s = 1369353600 + 86400,
                                    .service = TC_SLICE_LIT("s3"),
                                    .allow_unsigned_payload = true,
                                    .secret = s3_secret};
    assert_int_equal(sigv4_verify(s, &p, NULL), SIGV4_OK);
    p.now_s++;
    assert_int_equal(sigv4_verify(s, &p, NULL), SIGV4_EXPIRED);
    sigv4_free(s);
}

/* More scopes than cache slots, each used twice in random order: collisions must not mix keys. */
static void cache_collisions_do_not_mix_keys(void **state) {
    (void)state;
    struct sigv4 *s = sigv4_new();
    struct tc_prng prng = tc_prng(11);
    for (int round = 0; round < 600; round++) {
        char region[16];
        uint64_t n = tc_prng_below(&prng, 2 * SIGV4_CACHE_COUNT);
        for (int i = 0; i < 4; i++, n /= 26)
            region[i] = (char)('a' + n % 26);
        region[4] = 0;
        struct signed_request t;
        make_signed(s, &t);
        struct sigv4_sign_params p = params_of(&t.request);
        p.service = TC_SLICE_LIT("dynamodb");
        p.region = tc_slice_str(region);
        sign_again(s, &t, &p);
        assert_int_equal(sigv4_verify(s, &t.verify, NULL), SIGV4_OK);
    }
    sigv4_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_the_published_vectors),
        cmocka_unit_test(signs_the_iam_and_s3_examples),
        cmocka_unit_test(accepts_what_it_signed),
        cmocka_unit_test(refuses_every_change),
        cmocka_unit_test(refuses_every_flipped_byte),
        cmocka_unit_test(unknown_key_and_unsigned_payload),
        cmocka_unit_test(tells_why_it_refuses),
        cmocka_unit_test(verifies_the_query_form),
        cmocka_unit_test(cache_collisions_do_not_mix_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
