/* s3: one HTTP exchange with an S3 server, and what its answer means. Shared by s3.c,
 * s3_list.c, http.c and s3_retry.c. */
#ifndef TC_ENGINE_ARCHIVE_S3_H
#define TC_ENGINE_ARCHIVE_S3_H

#include "base/assert.h"
#include "base/prng.h"
#include "engine/archive/objstore.h"
#include "sigv4/sigv4.h"

enum {
    S3_NAME_BYTES_MAX = 256,
    S3_HEADERS_MAX = 8,
    S3_QUERY_BYTES_MAX = 2048,
    S3_PATH_BYTES_MAX = 1024,
};

struct s3_request {
    const char *method;
    const char *key;   /* "": the bucket itself */
    const char *query; /* encoded and sorted; "": none */
    struct tc_slice body;
    bool if_absent;
    bool has_range;
    uint64_t range_first;
    uint64_t range_last; /* inclusive */
    size_t answer_bytes_max;
};

struct s3_answer {
    long status;
    uint64_t content_length;
    char crc32c[16]; /* base64 as the server gave it; "": none */
    struct tc_buf body;
    size_t body_bytes_max;
    bool too_long;
};

struct objstore_s3 {
    struct objstore store;
    struct sigv4 *sigv4;
    void *curl;
    struct tc_clock *clock;
    struct tc_prng prng;
    bool virtual_host;
    uint32_t deadline_ms;
    uint32_t attempts_max;
    char scheme_host[S3_NAME_BYTES_MAX * 2]; /* http://host:port of every request */
    char host[S3_NAME_BYTES_MAX * 2];        /* the Host header */
    char bucket[S3_NAME_BYTES_MAX];
    char prefix[S3_NAME_BYTES_MAX];
    char region[64];
    char key_id[SIGV4_KEY_ID_BYTES_MAX + 1];
    char secret[SIGV4_SECRET_BYTES_MAX + 1];
    char ca_file[TC_FS_PATH_MAX];
};

static inline struct objstore_s3 *s3__self(struct objstore *o) {
    return TC_CONTAINER(o, struct objstore_s3, store);
}

/* ---- s3.c */

/* A prefix of keys: empty, or of their alphabet and not longer. */
bool s3__text_ok(const char *text);

/* ---- s3_list.c: objstore_ops.list */

TC_MUST_USE tc_err s3__list(struct objstore *o, const char *prefix, const char *after,
                            objstore_visit *visit, void *user, bool *ret_more);

/* ---- http.c */

/* One attempt, at most timeout_ms. answer->body is cleared first.
 *   Errors  TC_EUNAVAILABLE  nothing was done: no connection
 *           TC_ECLOSED, TC_ETIMEOUT  unknown */
TC_MUST_USE tc_err s3__exchange(struct objstore_s3 *s, const struct s3_request *req,
                                uint64_t timeout_ms, struct s3_answer *answer);
/* CRC32C of bytes as S3 writes it: base64 of four big-endian bytes. */
void s3__crc32c(struct tc_slice bytes, char ret_text[9]);

/* ---- s3_retry.c */

/* With retries, up to the deadline. ret_attempts tells how many there were. The status is mapped:
 *   Errors  TC_ENOTFOUND 404, TC_EEXISTS 412, TC_EEND 416, TC_EAUTH 401 403, TC_EINVAL 400,
 *           TC_EUNAVAILABLE, TC_ETIMEOUT, TC_EINTERNAL other, TC_ELIMIT answer too long */
TC_MUST_USE tc_err s3__request(struct objstore_s3 *s, const struct s3_request *req,
                               struct s3_answer *answer, uint32_t *ret_attempts);

#endif
