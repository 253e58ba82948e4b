#include "base/assert.h"
#include "sigv4/sigv4_private.h"

#include <stdio.h>
#include <stdlib.h>

static int header_order(const void *a, const void *b) {
    const struct sigv4_header *x = a, *y = b;
    return tc_slice_cmp(x->name, y->name);
}

/* The request's headers with lower-case names (kept in names), plus those a signature adds. */
static tc_err gather(const struct sigv4_sign_params *p, const struct sigv4_signature *sig,
                     struct tc_buf *names, struct sigv4_header *headers, size_t *ret_count) {
    const struct sigv4_request *r = p->request;
    size_t total = 0, count = 0;
    if (r->header_count + 2 > SIGV4_SIGNED_HEADER_COUNT_MAX)
        return TC_ELIMIT;
    if (sigv4__has_header(r, TC_SLICE_LIT("x-amz-date")) ||
        sigv4__has_header(r, TC_SLICE_LIT("x-amz-content-sha256")) ||
        sigv4__has_header(r, TC_SLICE_LIT("authorization")))
        return TC_EINVAL;
    for (size_t i = 0; i < r->header_count; i++)
        total += r->headers[i].name.len;
    tc_buf_clear(names);
    (void)tc_buf_reserve(names, total + 1);
    for (; count < r->header_count; count++) {
        struct tc_slice name = r->headers[count].name;
        size_t start = names->len;
        for (size_t i = 0; i < name.len; i++) {
            uint8_t c = name.data[i];
            tc_buf_append_u8(names, c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c);
        }
        headers[count] =
            (struct sigv4_header){tc_slice(names->data + start, name.len), r->headers[count].value};
    }
    headers[count++] =
        (struct sigv4_header){TC_SLICE_LIT("x-amz-date"), tc_slice_str(sig->amz_date)};
    if (p->sign_payload_header)
        headers[count++] = (struct sigv4_header){TC_SLICE_LIT("x-amz-content-sha256"),
                                                 tc_slice_str(sig->payload_hash)};
    *ret_count = count;
    return TC_OK;
}

static void name_list(const struct sigv4_header *headers, size_t count, struct tc_buf *out) {
    tc_buf_clear(out);
    for (size_t i = 0; i < count; i++) {
        if (i && tc_slice_eq(headers[i].name, headers[i - 1].name))
            continue;
        if (i)
            tc_buf_append_u8(out, ';');
        tc_buf_append_slice(out, headers[i].name);
    }
}

static tc_err finish(struct sigv4 *s, const struct sigv4_sign_params *p,
                     struct sigv4_request *request, struct tc_slice list,
                     struct sigv4_signature *sig) {
    struct tc_slice timestamp = tc_slice_str(sig->amz_date);
    struct sigv4__scope scope = {
        .key_id = p->credentials.key_id,
        .secret = p->credentials.secret,
        .date = tc_slice(timestamp.data, SIGV4__DATE_CHARS),
        .region = p->region,
        .service = p->service,
    };
    char hex[2 * SIGV4__HASH_BYTES];
    tc_buf_clear(&s->canonical);
    TC_TRY(sigv4__canonical(request, list, tc_slice_str(sig->payload_hash), &s->canonical));
    TC_TRY(sigv4__signature(s, &scope, timestamp, tc_buf_slice(&s->canonical), hex));
    int len = snprintf(sig->authorization, sizeof sig->authorization,
                       "AWS4-HMAC-SHA256 Credential=%.*s/%.8s/%.*s/%.*s/aws4_request, "
                       "SignedHeaders=%.*s, Signature=%.64s",
                       TC_SLICE_ARGS(scope.key_id), sig->amz_date, TC_SLICE_ARGS(scope.region),
                       TC_SLICE_ARGS(scope.service), TC_SLICE_ARGS(list), hex);
    TC_ASSERT(len > 0);
    return (size_t)len < sizeof sig->authorization ? TC_OK : TC_ELIMIT;
}

tc_err sigv4_sign(struct sigv4 *s, const struct sigv4_sign_params *params,
                  struct sigv4_signature *ret_signature) {
    struct sigv4_header headers[SIGV4_SIGNED_HEADER_COUNT_MAX];
    struct sigv4_signature sig = {0};
    struct sigv4_request request = *params->request;
    struct tc_buf names = {0};
    TC_ASSERT(request.header_count == 0 || request.headers != NULL);
    sigv4__time_format(params->now_s, sig.amz_date);
    if (params->unsigned_payload)
        memcpy(sig.payload_hash, "UNSIGNED-PAYLOAD", sizeof "UNSIGNED-PAYLOAD");
    else
        sigv4_sha256_hex(s, request.body, sig.payload_hash);
    tc_err err = gather(params, &sig, &names, headers, &request.header_count);
    if (err == TC_OK) {
        qsort(headers, request.header_count, sizeof headers[0], header_order);
        request.headers = headers;
        name_list(headers, request.header_count, &s->scratch);
        err = finish(s, params, &request, tc_buf_slice(&s->scratch), &sig);
    }
    tc_buf_deinit(&names);
    if (err == TC_OK)
        *ret_signature = sig;
    return err;
}
