#include "base/assert.h"
#include "base/hash.h"
#include "sigv4/sigv4_private.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdlib.h>

struct sigv4 *sigv4_new(void) {
    struct sigv4 *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->md = EVP_MD_CTX_new();
    s->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    TC_ASSERT(s->sha256 != NULL && s->md != NULL && s->hmac != NULL);
    s->derive = EVP_MAC_CTX_new(s->hmac);
    TC_ASSERT(s->derive != NULL);
    return s;
}

static void entry_clear(struct sigv4__entry *e) {
    EVP_MAC_CTX_free(e->mac);
    OPENSSL_cleanse(e, sizeof *e);
    e->mac = NULL;
}

void sigv4_free(struct sigv4 *s) {
    if (s == NULL)
        return;
    for (size_t i = 0; i < SIGV4_CACHE_COUNT; i++)
        entry_clear(&s->cache[i]);
    EVP_MAC_CTX_free(s->derive);
    EVP_MAC_free(s->hmac);
    EVP_MD_CTX_free(s->md);
    EVP_MD_free(s->sha256);
    tc_buf_deinit(&s->canonical);
    tc_buf_deinit(&s->scratch);
    free(s);
}

void sigv4__sha256(struct sigv4 *s, struct tc_slice bytes, uint8_t ret_hash[SIGV4__HASH_BYTES]) {
    unsigned len = 0;
    int ok = EVP_DigestInit_ex2(s->md, s->sha256, NULL) &&
             EVP_DigestUpdate(s->md, bytes.data, bytes.len) &&
             EVP_DigestFinal_ex(s->md, ret_hash, &len);
    TC_ASSERT(ok && len == SIGV4__HASH_BYTES);
}

void sigv4__hex(const uint8_t *bytes, size_t len, char *ret_hex) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        ret_hex[2 * i] = digits[bytes[i] >> 4];
        ret_hex[2 * i + 1] = digits[bytes[i] & 15];
    }
}

void sigv4_sha256_hex(struct sigv4 *s, struct tc_slice bytes, char ret_hex[65]) {
    uint8_t hash[SIGV4__HASH_BYTES];
    sigv4__sha256(s, bytes, hash);
    sigv4__hex(hash, sizeof hash, ret_hex);
    ret_hex[64] = 0;
}

/* ret_mac may be key: the context copies the key before anything is written. */
static void hmac(struct sigv4 *s, struct tc_slice key, struct tc_slice message,
                 uint8_t ret_mac[SIGV4__HASH_BYTES]) {
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t len = 0;
    int ok = EVP_MAC_init(s->derive, key.data, key.len, params) &&
             EVP_MAC_update(s->derive, message.data, message.len) &&
             EVP_MAC_final(s->derive, ret_mac, &len, SIGV4__HASH_BYTES);
    TC_ASSERT(ok && len == SIGV4__HASH_BYTES);
}

static EVP_MAC_CTX *derive(struct sigv4 *s, const struct sigv4__scope *scope) {
    uint8_t key[4 + SIGV4_SECRET_BYTES_MAX] = "AWS4";
    memcpy(key + 4, scope->secret.data, scope->secret.len);
    hmac(s, tc_slice(key, 4 + scope->secret.len), scope->date, key);
    hmac(s, tc_slice(key, SIGV4__HASH_BYTES), scope->region, key);
    hmac(s, tc_slice(key, SIGV4__HASH_BYTES), scope->service, key);
    hmac(s, tc_slice(key, SIGV4__HASH_BYTES), TC_SLICE_LIT("aws4_request"), key);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(s->hmac);
    TC_ASSERT(mac != NULL);
    int ok = EVP_MAC_init(mac, key, SIGV4__HASH_BYTES, params);
    TC_ASSERT(ok);
    OPENSSL_cleanse(key, sizeof key);
    return mac;
}

static bool field_eq(const char *field, uint16_t len, struct tc_slice s) {
    return len == s.len && (len == 0 || CRYPTO_memcmp(field, s.data, len) == 0);
}

static uint16_t field_set(char *field, size_t cap, struct tc_slice s) {
    TC_ASSERT(s.len <= cap);
    if (s.len)
        memcpy(field, s.data, s.len);
    return (uint16_t)s.len;
}

/* The keyed context of a scope, from the cache or derived into it. The secret is part of the
 * identity of an entry, so a rotated secret never meets its predecessor's key. */
static EVP_MAC_CTX *keyed(struct sigv4 *s, const struct sigv4__scope *scope) {
    char text[sizeof s->cache[0].scope];
    size_t len = 0;
    const struct tc_slice parts[] = {scope->date, scope->region, scope->service};
    for (size_t i = 0; i < 3; i++) {
        if (i)
            text[len++] = '/';
        len += field_set(text + len, sizeof text - len, parts[i]);
    }
    struct tc_slice joined = tc_slice(text, len);
    uint64_t hash = tc_hash64(scope->key_id, tc_hash64(joined, tc_hash64(scope->secret, 0)));
    struct sigv4__entry *e = &s->cache[hash % SIGV4_CACHE_COUNT];
    if (e->mac != NULL && field_eq(e->key_id, e->key_id_len, scope->key_id) &&
        field_eq(e->scope, e->scope_len, joined) &&
        field_eq(e->secret, e->secret_len, scope->secret))
        return e->mac;
    entry_clear(e);
    e->key_id_len = field_set(e->key_id, sizeof e->key_id, scope->key_id);
    e->scope_len = field_set(e->scope, sizeof e->scope, joined);
    e->secret_len = field_set(e->secret, sizeof e->secret, scope->secret);
    e->mac = derive(s, scope);
    return e->mac;
}

static bool in_limits(const struct sigv4__scope *scope, struct tc_slice timestamp) {
    return scope->key_id.len > 0 && scope->key_id.len <= SIGV4_KEY_ID_BYTES_MAX &&
           scope->secret.len <= SIGV4_SECRET_BYTES_MAX && scope->date.len == SIGV4__DATE_CHARS &&
           scope->region.len <= SIGV4_SCOPE_PART_BYTES_MAX &&
           scope->service.len <= SIGV4_SCOPE_PART_BYTES_MAX &&
           timestamp.len == SIGV4__TIMESTAMP_CHARS;
}

tc_err sigv4__signature(struct sigv4 *s, const struct sigv4__scope *scope,
                        struct tc_slice timestamp, struct tc_slice canonical,
                        char ret_hex[2 * SIGV4__HASH_BYTES]) {
    if (!in_limits(scope, timestamp))
        return TC_ELIMIT;
    uint8_t hash[SIGV4__HASH_BYTES];
    char hex[2 * SIGV4__HASH_BYTES];
    sigv4__sha256(s, canonical, hash);
    sigv4__hex(hash, sizeof hash, hex);
    struct tc_slice parts[] = {
        TC_SLICE_LIT("AWS4-HMAC-SHA256\n"),
        timestamp,
        TC_SLICE_LIT("\n"),
        scope->date,
        TC_SLICE_LIT("/"),
        scope->region,
        TC_SLICE_LIT("/"),
        scope->service,
        TC_SLICE_LIT("/aws4_request\n"),
        tc_slice(hex, sizeof hex),
    };
    EVP_MAC_CTX *mac = keyed(s, scope);
    size_t len = 0;
    int ok = EVP_MAC_init(mac, NULL, 0, NULL);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        ok = ok && EVP_MAC_update(mac, parts[i].data, parts[i].len);
    ok = ok && EVP_MAC_final(mac, hash, &len, sizeof hash);
    TC_ASSERT(ok && len == sizeof hash);
    sigv4__hex(hash, sizeof hash, ret_hex);
    return TC_OK;
}
