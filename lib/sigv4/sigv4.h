/* AWS Signature Version 4: verifies and signs HTTP requests (header form; query form for verify).
 *
 * Threads: a struct sigv4 belongs to one thread; it owns OpenSSL objects that are fetched once and
 * a bounded cache of keyed HMAC contexts per (key id, date, region, service, secret), which is what
 * brings one verification to about 2 us. Use one instance per thread.
 * Memory: heap, freed by sigv4_free. Requests, headers and credentials are borrowed for the call.
 * Time is an argument (Unix seconds), so that tests and simulations decide it.
 *
 * Source: "AWS Signature Version 4 for API requests", AWS General Reference.
 */
#ifndef TC_SIGV4_H
#define TC_SIGV4_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    SIGV4_HEADER_COUNT_MAX = 100,
    SIGV4_SIGNED_HEADER_COUNT_MAX = 64,
    SIGV4_KEY_ID_BYTES_MAX = 128,
    SIGV4_SECRET_BYTES_MAX = 128,
    SIGV4_SCOPE_PART_BYTES_MAX = 64, /* region, service */
    SIGV4_SKEW_S_MAX = 300,
    SIGV4_QUERY_PARAM_COUNT_MAX = 64,
    SIGV4_CANDIDATE_COUNT_MAX = 4, /* secrets tried for one key id */
    SIGV4_PRESIGN_S_MAX = 604800,  /* longest life of a query-form signature */
    SIGV4_CACHE_COUNT = 256,       /* keyed contexts kept */
};

struct sigv4;

struct sigv4_header {
    struct tc_slice name; /* any case */
    struct tc_slice value;
};

/* How the path enters the canonical request: S3 takes the encoded path as it is sent, every other
 * service normalises it and encodes it once more. */
enum sigv4_path {
    SIGV4_PATH_NORMALIZED,
    SIGV4_PATH_AS_SENT,
};

struct sigv4_request {
    struct tc_slice method;
    struct tc_slice path;  /* as sent, before '?' */
    struct tc_slice query; /* as sent, after '?'; may be empty */
    const struct sigv4_header *headers;
    size_t header_count;
    struct tc_slice body;
    enum sigv4_path path_style;
};

enum sigv4_verdict {
    SIGV4_OK,
    SIGV4_MISSING,     /* no signature at all */
    SIGV4_INCOMPLETE,  /* malformed, or parts are absent */
    SIGV4_UNKNOWN_KEY, /* the callback knows no secret for the key id */
    SIGV4_MISMATCH,    /* wrong signature or scope, or the body is not what was signed */
    SIGV4_EXPIRED,     /* signed longer ago than the skew (or X-Amz-Expires) allows */
    SIGV4_NOT_YET,     /* signed in the future beyond the skew */
    SIGV4_UNSIGNED,    /* UNSIGNED-PAYLOAD or a streaming payload where it is refused */
};

/* The index-th secret that may have signed for key_id, or false when there is no such one. The
 * slice must stay valid during the call only. */
typedef bool (*sigv4_secret_fn)(void *user, struct tc_slice key_id, size_t index,
                                struct tc_slice *ret_secret);

struct sigv4_verify_params {
    const struct sigv4_request *request;
    uint64_t now_s;
    struct tc_slice service; /* the scope must name it */
    bool allow_unsigned_payload;
    sigv4_secret_fn secret;
    void *user;
};

/* Filled as far as parsing came; slices borrow the request. */
struct sigv4_identity {
    struct tc_slice key_id;
    struct tc_slice region;
};

struct sigv4_credentials {
    struct tc_slice key_id;
    struct tc_slice secret;
};

struct sigv4_sign_params {
    const struct sigv4_request *request; /* every header given is signed; give Host */
    struct sigv4_credentials credentials;
    struct tc_slice region;
    struct tc_slice service;
    uint64_t now_s;
    bool unsigned_payload;    /* sign the words UNSIGNED-PAYLOAD instead of the body's hash */
    bool sign_payload_header; /* add x-amz-content-sha256 to the signed headers, as S3 demands */
};

/* Header values for the caller to send: x-amz-date, x-amz-content-sha256, authorization. */
struct sigv4_signature {
    char amz_date[17];
    char payload_hash[65];
    char authorization[1024];
};

/* Aborts only when OpenSSL lacks SHA-256 or HMAC. */
struct sigv4 *sigv4_new(void);
/* NULL is a no-op. */
void sigv4_free(struct sigv4 *s);

/* Verify one request. ret_identity may be NULL. */
enum sigv4_verdict sigv4_verify(struct sigv4 *s, const struct sigv4_verify_params *params,
                                struct sigv4_identity *ret_identity);

/* Append why the last verification, of the same params, was refused: a text for the client. Only
 * before its request goes away. */
void sigv4_explain(struct sigv4 *s, const struct sigv4_verify_params *params,
                   enum sigv4_verdict verdict, struct tc_buf *out);

/* Sign one request.
 *   Errors  TC_ELIMIT  key id, secret, scope or header list beyond the limits above
 *           TC_EINVAL  a header the signature adds is already among the request's headers */
TC_MUST_USE tc_err sigv4_sign(struct sigv4 *s, const struct sigv4_sign_params *params,
                              struct sigv4_signature *ret_signature);

/* Lower-case hex SHA-256 with a terminating zero. */
void sigv4_sha256_hex(struct sigv4 *s, struct tc_slice bytes, char ret_hex[65]);

#endif
