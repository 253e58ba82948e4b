#include "base/assert.h"
#include "sigv4/sigv4_private.h"

#include <openssl/crypto.h>

#define UNSIGNED_PAYLOAD TC_SLICE_LIT("UNSIGNED-PAYLOAD")

static enum sigv4_verdict refuse(struct sigv4 *s, enum sigv4__fault fault,
                                 enum sigv4_verdict verdict) {
    s->last.fault = fault;
    return verdict;
}

static bool query_is_signed(struct tc_slice query) {
    while (query.len) {
        struct tc_slice value = tc_slice_cut(&query, '&');
        if (tc_slice_eq(tc_slice_cut(&value, '='), TC_SLICE_LIT("X-Amz-Algorithm")))
            return true;
    }
    return false;
}

/* Find the signature's claims in the header or, failing that, in the query. */
static enum sigv4_verdict find_auth(struct sigv4 *s, const struct sigv4_request *r,
                                    struct sigv4_auth *auth) {
    struct tc_slice value;
    if (sigv4__one_header(r, TC_SLICE_LIT("authorization"), &value)) {
        if (query_is_signed(r->query))
            return refuse(s, SIGV4__BOTH_FORMS, SIGV4_MISMATCH);
        if (!tc_slice_has_prefix(value, TC_SLICE_LIT("AWS4-")))
            return SIGV4_MISSING;
        if (sigv4__parse_header(value, auth) != TC_OK)
            return SIGV4_INCOMPLETE;
        return sigv4__one_header(r, TC_SLICE_LIT("x-amz-date"), &auth->timestamp) ||
                       sigv4__one_header(r, TC_SLICE_LIT("date"), &auth->timestamp)
                   ? SIGV4_OK
                   : SIGV4_INCOMPLETE;
    }
    if (sigv4__has_header(r, TC_SLICE_LIT("authorization")))
        return SIGV4_INCOMPLETE;
    tc_err err = sigv4__parse_query(r->query, &s->scratch, auth);
    if (err == TC_ENOTFOUND)
        return SIGV4_MISSING;
    return err == TC_OK ? SIGV4_OK : SIGV4_INCOMPLETE;
}

static enum sigv4_verdict check_time(struct sigv4 *s, const struct sigv4_auth *auth,
                                     uint64_t now_s) {
    uint64_t signed_s;
    if (sigv4__time_parse(auth->timestamp, &signed_s) != TC_OK)
        return refuse(s, SIGV4__DATE_FORM, SIGV4_INCOMPLETE);
    if (!tc_slice_has_prefix(auth->timestamp, auth->date))
        return refuse(s, SIGV4__SCOPE_DATE, SIGV4_MISMATCH);
    if (signed_s > now_s + SIGV4_SKEW_S_MAX)
        return SIGV4_NOT_YET;
    uint64_t life_s = auth->in_query ? auth->expires_s : SIGV4_SKEW_S_MAX;
    return signed_s + life_s < now_s ? SIGV4_EXPIRED : SIGV4_OK;
}

static bool list_has(struct tc_slice list, struct tc_slice name) {
    size_t at = 0;
    while (at < list.len) {
        size_t end = at;
        while (end < list.len && list.data[end] != ';')
            end++;
        if (sigv4__name_eq(tc_slice(list.data + at, end - at), name))
            return true;
        at = end + 1;
    }
    return false;
}

/* Host and every x-amz- header present must be signed: what is not could be swapped on the way,
 * the operation's name before all. */
static enum sigv4_verdict signs_enough(struct sigv4 *s, const struct sigv4_request *r,
                                       struct tc_slice list) {
    const struct tc_slice prefix = TC_SLICE_LIT("x-amz-");
    if (!list_has(list, TC_SLICE_LIT("host")))
        return refuse(s, SIGV4__HOST_UNSIGNED, SIGV4_MISMATCH);
    for (size_t i = 0; i < r->header_count; i++) {
        struct tc_slice name = r->headers[i].name;
        if (name.len > prefix.len && sigv4__name_eq(tc_slice(name.data, prefix.len), prefix) &&
            !list_has(list, name))
            return refuse(s, SIGV4__HEADER_UNSIGNED, SIGV4_MISMATCH);
    }
    return SIGV4_OK;
}

/* The words that stand for the body in the canonical request, checked against the body. */
static enum sigv4_verdict payload(struct sigv4 *s, const struct sigv4_verify_params *p,
                                  bool in_query, char hex[65], struct tc_slice *ret_hash) {
    const struct tc_slice name = TC_SLICE_LIT("x-amz-content-sha256");
    struct tc_slice claim = TC_SLICE_EMPTY;
    bool has = sigv4__one_header(p->request, name, &claim);
    if (!has && sigv4__has_header(p->request, name))
        return SIGV4_INCOMPLETE;
    if (!has && in_query && p->allow_unsigned_payload) {
        has = true;
        claim = UNSIGNED_PAYLOAD;
    }
    if (has && tc_slice_eq(claim, UNSIGNED_PAYLOAD)) {
        *ret_hash = claim;
        return p->allow_unsigned_payload ? SIGV4_OK : SIGV4_UNSIGNED;
    }
    if (has && tc_slice_has_prefix(claim, TC_SLICE_LIT("STREAMING-")))
        return SIGV4_UNSIGNED;
    sigv4_sha256_hex(s, p->request->body, hex);
    *ret_hash = tc_slice(hex, 64);
    return has && !tc_slice_eq(claim, *ret_hash) ? refuse(s, SIGV4__BODY_HASH, SIGV4_MISMATCH)
                                                 : SIGV4_OK;
}

/* Try the secrets the callback offers for this key id. */
static enum sigv4_verdict match(struct sigv4 *s, const struct sigv4_verify_params *p,
                                const struct sigv4_auth *auth) {
    struct sigv4__scope scope = {
        .key_id = auth->key_id,
        .date = auth->date,
        .region = auth->region,
        .service = auth->service,
    };
    size_t index = 0;
    for (; index < SIGV4_CANDIDATE_COUNT_MAX; index++) {
        char hex[2 * SIGV4__HASH_BYTES];
        if (!p->secret(p->user, auth->key_id, index, &scope.secret))
            break;
        if (sigv4__signature(s, &scope, auth->timestamp, tc_buf_slice(&s->canonical), hex) != TC_OK)
            continue;
        if (CRYPTO_memcmp(hex, auth->signature.data, sizeof hex) == 0)
            return SIGV4_OK;
    }
    return index == 0 ? SIGV4_UNKNOWN_KEY : SIGV4_MISMATCH;
}

enum sigv4_verdict sigv4_verify(struct sigv4 *s, const struct sigv4_verify_params *params,
                                struct sigv4_identity *ret_identity) {
    TC_ASSERT(params->request != NULL && params->secret != NULL);
    struct sigv4_auth *auth = &s->last.auth;
    struct tc_slice hash;
    char hex[65];
    s->last = (struct sigv4__last){.fault = SIGV4__NO_FAULT};
    enum sigv4_verdict verdict = find_auth(s, params->request, auth);
    if (ret_identity != NULL)
        *ret_identity = (struct sigv4_identity){.key_id = auth->key_id, .region = auth->region};
    if (verdict == SIGV4_OK)
        verdict = check_time(s, auth, params->now_s);
    if (verdict == SIGV4_OK && !tc_slice_eq(auth->service, params->service))
        verdict = refuse(s, SIGV4__SCOPE_SERVICE, SIGV4_MISMATCH);
    if (verdict == SIGV4_OK)
        verdict = signs_enough(s, params->request, auth->signed_headers);
    if (verdict == SIGV4_OK)
        verdict = payload(s, params, auth->in_query, hex, &hash);
    if (verdict != SIGV4_OK)
        return verdict;
    tc_buf_clear(&s->canonical);
    if (sigv4__canonical(params->request, auth->signed_headers, hash, &s->canonical) != TC_OK)
        return refuse(s, SIGV4__SIGNED_HEADERS, SIGV4_INCOMPLETE);
    return match(s, params, auth);
}
