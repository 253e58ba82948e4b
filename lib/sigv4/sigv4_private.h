/* Parts of the sigv4 library that its files share. */
#ifndef TC_SIGV4_PRIVATE_H
#define TC_SIGV4_PRIVATE_H

#include "sigv4/sigv4.h"

#include <openssl/evp.h>

enum {
    SIGV4__HASH_BYTES = 32,
    SIGV4__DATE_CHARS = 8,       /* yyyymmdd */
    SIGV4__TIMESTAMP_CHARS = 16, /* yyyymmddThhmmssZ */
};

/* The claims of a signature, each a view into the request. */
struct sigv4_auth {
    struct tc_slice key_id;
    struct tc_slice date;
    struct tc_slice region;
    struct tc_slice service;
    struct tc_slice signed_headers; /* as sent: a;b;c */
    struct tc_slice signature;      /* 64 hex digits */
    struct tc_slice timestamp;      /* x-amz-date */
    uint64_t expires_s;             /* query form only */
    bool in_query;
};

/* Why the last verification failed, where the verdict has several reasons. */
enum sigv4__fault {
    SIGV4__NO_FAULT,
    SIGV4__BOTH_FORMS, /* signed in the header and in the query */
    SIGV4__DATE_FORM,
    SIGV4__SIGNED_HEADERS,
    SIGV4__SCOPE_DATE,
    SIGV4__SCOPE_SERVICE,
    SIGV4__HOST_UNSIGNED,
    SIGV4__HEADER_UNSIGNED,
    SIGV4__BODY_HASH,
};

/* Views into the request and into scratch. */
struct sigv4__last {
    struct sigv4_auth auth;
    enum sigv4__fault fault;
};

struct sigv4__entry {
    EVP_MAC_CTX *mac; /* NULL: the slot is free */
    uint16_t key_id_len, scope_len, secret_len;
    char key_id[SIGV4_KEY_ID_BYTES_MAX];
    char scope[SIGV4__DATE_CHARS + 2 * SIGV4_SCOPE_PART_BYTES_MAX + 2]; /* date/region/service */
    char secret[SIGV4_SECRET_BYTES_MAX];
};

struct sigv4 {
    EVP_MD *sha256;
    EVP_MD_CTX *md;
    EVP_MAC *hmac;
    EVP_MAC_CTX *derive; /* re-keyed for each step of a key derivation */
    struct tc_buf canonical;
    struct tc_buf scratch;
    struct sigv4__last last;
    struct sigv4__entry cache[SIGV4_CACHE_COUNT];
};

/* The scope of a signing key. */
struct sigv4__scope {
    struct tc_slice key_id, secret, date, region, service;
};

/* sigv4_parse.c: pure. TC_EINVAL on anything that is not exactly the documented form. */
TC_MUST_USE tc_err sigv4__parse_header(struct tc_slice authorization, struct sigv4_auth *ret_auth);
/* TC_ENOTFOUND when the query carries no signature. Values are decoded into scratch. */
TC_MUST_USE tc_err sigv4__parse_query(struct tc_slice query, struct tc_buf *scratch,
                                      struct sigv4_auth *ret_auth);
/* yyyymmddThhmmssZ to Unix seconds and back. */
TC_MUST_USE tc_err sigv4__time_parse(struct tc_slice text, uint64_t *ret_s);
void sigv4__time_format(uint64_t unix_s, char ret_text[SIGV4__TIMESTAMP_CHARS + 1]);
bool sigv4__has_header(const struct sigv4_request *r, struct tc_slice name);
/* The only header of that name; false when absent or repeated. */
bool sigv4__one_header(const struct sigv4_request *r, struct tc_slice name,
                       struct tc_slice *ret_value);
bool sigv4__name_eq(struct tc_slice a, struct tc_slice b); /* ASCII case is ignored */

/* sigv4_canonical.c: pure. Appends the canonical request; signed_headers is the list as sent.
 *   Errors  TC_EINVAL  a signed header is absent, the list is unsorted, or the query malformed
 *           TC_ELIMIT  too many headers or parameters */
TC_MUST_USE tc_err sigv4__canonical(const struct sigv4_request *r, struct tc_slice signed_headers,
                                    struct tc_slice payload_hash, struct tc_buf *out);
/* Percent-decode; a malformed escape is TC_EINVAL. */
TC_MUST_USE tc_err sigv4__percent_decode(struct tc_slice text, struct tc_buf *out);

/* sigv4_crypto.c */
void sigv4__sha256(struct sigv4 *s, struct tc_slice bytes, uint8_t ret_hash[SIGV4__HASH_BYTES]);
void sigv4__hex(const uint8_t *bytes, size_t len, char *ret_hex); /* no terminating zero */
/* Hex signature over the string to sign that names timestamp, scope and canonical request. */
TC_MUST_USE tc_err sigv4__signature(struct sigv4 *s, const struct sigv4__scope *scope,
                                    struct tc_slice timestamp, struct tc_slice canonical,
                                    char ret_hex[2 * SIGV4__HASH_BYTES]);

#endif
