/* What a refused client is told, in the words that AWS services use for Signature Version 4. */
#include "base/assert.h"
#include "sigv4/sigv4_private.h"

enum {
    SHOWN_BYTES_MAX = 1024,      /* of a header or a credential */
    CANONICAL_BYTES_MAX = 24000, /* heads are bounded, so this cuts hardly any */
};

static void show(struct tc_buf *out, struct tc_slice s, size_t bytes_max) {
    s.len = s.len < bytes_max ? s.len : bytes_max;
    tc_buf_append_slice(out, s);
}

/* "NAME=" at the start of a part of the header or the query. */
static bool has_part(struct tc_slice parts, uint8_t separator, const char *name) {
    size_t len = strlen(name);
    while (parts.len) {
        struct tc_slice part = tc_slice_cut(&parts, separator);
        while (part.len && (part.data[0] == ' ' || part.data[0] == '\t'))
            part = tc_slice_from(part, 1);
        if (part.len > len + 1 && memcmp(part.data, name, len) == 0 && part.data[len] == '=')
            return true;
    }
    return false;
}

static void explain_header(const struct sigv4_request *r, struct tc_buf *out) {
    static const char *const names[] = {"Credential", "Signature", "SignedHeaders"};
    const struct tc_slice algorithm = TC_SLICE_LIT("AWS4-HMAC-SHA256");
    struct tc_slice value = TC_SLICE_EMPTY, ignored;
    size_t before = out->len;
    (void)sigv4__one_header(r, TC_SLICE_LIT("authorization"), &value);
    struct tc_slice parts = tc_slice_has_prefix(value, algorithm)
                                ? tc_slice_from(value, algorithm.len)
                                : TC_SLICE_EMPTY;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!has_part(parts, ',', names[i]))
            tc_buf_printf(out, "Authorization header requires '%s' parameter. ", names[i]);
    if (!sigv4__one_header(r, TC_SLICE_LIT("x-amz-date"), &ignored) &&
        !sigv4__one_header(r, TC_SLICE_LIT("date"), &ignored))
        tc_buf_append_str(out, "Authorization header requires existence of either a 'X-Amz-Date' "
                               "or a 'Date' header. ");
    if (out->len == before)
        tc_buf_append_str(out, "Authorization header is malformed: its Credential must have "
                               "exactly 5 slash-delimited elements, e.g. "
                               "keyid/date/region/service/term, its Signature 64 hex digits. ");
    tc_buf_append_str(out, "Authorization=");
    show(out, value, SHOWN_BYTES_MAX);
}

static void explain_query(const struct sigv4_request *r, struct tc_buf *out) {
    static const char *const names[] = {"X-Amz-Algorithm", "X-Amz-Credential",
                                        "X-Amz-Signature", "X-Amz-SignedHeaders",
                                        "X-Amz-Date",      "X-Amz-Expires"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!has_part(r->query, '&', names[i]))
            tc_buf_printf(out, "AWS query-string parameters must include '%s'. ", names[i]);
    tc_buf_append_str(out, "Re-examine the query-string parameters.");
}

static void explain_time(const struct sigv4_auth *auth, uint64_t now_s, bool expired,
                         struct tc_buf *out) {
    char now[SIGV4__TIMESTAMP_CHARS + 1], bound[SIGV4__TIMESTAMP_CHARS + 1];
    uint64_t life_s = expired && auth->in_query ? auth->expires_s : SIGV4_SKEW_S_MAX;
    bool minutes = life_s % 60 == 0;
    if (life_s > now_s)
        life_s = now_s;
    sigv4__time_format(now_s, now);
    sigv4__time_format(expired ? now_s - life_s : now_s + life_s, bound);
    tc_buf_append_str(out, expired ? "Signature expired: " : "Signature not yet current: ");
    show(out, auth->timestamp, SIGV4__TIMESTAMP_CHARS);
    tc_buf_printf(out, " is %s %s (%s %c %llu %s.)",
                  expired ? "now earlier than" : "still later than", bound, now,
                  expired ? '-' : '+', (unsigned long long)(minutes ? life_s / 60 : life_s),
                  minutes ? "min" : "s");
}

static void explain_signature(struct sigv4 *s, struct tc_buf *out) {
    const struct sigv4_auth *auth = &s->last.auth;
    char hash[2 * SIGV4__HASH_BYTES + 1];
    sigv4_sha256_hex(s, tc_buf_slice(&s->canonical), hash);
    tc_buf_append_str(out, "The request signature we calculated does not match the signature you "
                           "provided. Check your AWS Secret Access Key and signing method. Consult "
                           "the service documentation for details.\n\nThe Canonical String for "
                           "this request should have been\n'");
    show(out, tc_buf_slice(&s->canonical), CANONICAL_BYTES_MAX);
    tc_buf_printf(out,
                  "'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n%.*s\n"
                  "%.*s/%.*s/%.*s/aws4_request\n%s'",
                  TC_SLICE_ARGS(auth->timestamp), TC_SLICE_ARGS(auth->date),
                  TC_SLICE_ARGS(auth->region), TC_SLICE_ARGS(auth->service), hash);
}

/* A verdict of SIGV4_MISMATCH has several reasons. */
static void explain_mismatch(struct sigv4 *s, const struct sigv4_verify_params *p,
                             struct tc_buf *out) {
    switch (s->last.fault) {
    case SIGV4__BOTH_FORMS:
        tc_buf_append_str(out, "Found both 'X-Amz-Algorithm' as a query-string param and "
                               "'Authorization' as HTTP header.");
        return;
    case SIGV4__SCOPE_DATE:
        tc_buf_printf(out,
                      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
                      "date from HTTP: '%.*s' != '%.*s', from '%.*s'.",
                      TC_SLICE_ARGS(s->last.auth.date), SIGV4__DATE_CHARS,
                      (const char *)s->last.auth.timestamp.data,
                      TC_SLICE_ARGS(s->last.auth.timestamp));
        return;
    case SIGV4__SCOPE_SERVICE:
        tc_buf_printf(out, "Credential should be scoped to correct service: '%.*s'. ",
                      TC_SLICE_ARGS(p->service));
        return;
    case SIGV4__HOST_UNSIGNED:
        tc_buf_append_str(out, "'Host' or ':authority' must be a 'SignedHeader' in the AWS "
                               "Authorization.");
        return;
    case SIGV4__HEADER_UNSIGNED:
        tc_buf_append_str(out, "Every header that begins with 'X-Amz-' must be a 'SignedHeader' in "
                               "the AWS Authorization.");
        return;
    case SIGV4__BODY_HASH:
        tc_buf_append_str(out, "The provided 'x-amz-content-sha256' header does not match what was "
                               "computed.");
        return;
    case SIGV4__NO_FAULT:
    case SIGV4__DATE_FORM:
    case SIGV4__SIGNED_HEADERS:
        break;
    }
    explain_signature(s, out);
}

static void explain_incomplete(struct sigv4 *s, const struct sigv4_verify_params *p,
                               struct tc_buf *out) {
    if (s->last.fault == SIGV4__DATE_FORM) {
        tc_buf_append_str(out, "Date must be in ISO-8601 'basic format'. Got '");
        show(out, s->last.auth.timestamp, SHOWN_BYTES_MAX);
        tc_buf_append_str(out, "'.");
    } else if (s->last.fault == SIGV4__SIGNED_HEADERS) {
        tc_buf_append_str(out, "SignedHeaders must name headers of the request, in lower case, "
                               "sorted and separated by ';'. Got '");
        show(out, s->last.auth.signed_headers, SHOWN_BYTES_MAX);
        tc_buf_append_str(out, "'.");
    } else if (sigv4__has_header(p->request, TC_SLICE_LIT("authorization"))) {
        explain_header(p->request, out);
    } else {
        explain_query(p->request, out);
    }
}

void sigv4_explain(struct sigv4 *s, const struct sigv4_verify_params *params,
                   enum sigv4_verdict verdict, struct tc_buf *out) {
    switch (verdict) {
    case SIGV4_OK:
        break;
    case SIGV4_MISSING:
        tc_buf_append_str(out, "Request is missing Authentication Token");
        return;
    case SIGV4_INCOMPLETE:
        explain_incomplete(s, params, out);
        return;
    case SIGV4_UNKNOWN_KEY:
        tc_buf_append_str(out, "The security token included in the request is invalid.");
        return;
    case SIGV4_EXPIRED:
    case SIGV4_NOT_YET:
        explain_time(&s->last.auth, params->now_s, verdict == SIGV4_EXPIRED, out);
        return;
    case SIGV4_UNSIGNED:
        tc_buf_append_str(out, "The body of the request must be signed: its hash, not the words "
                               "UNSIGNED-PAYLOAD.");
        return;
    case SIGV4_MISMATCH:
        explain_mismatch(s, params, out);
        return;
    }
    TC_ASSERT(!"only refusals are explained");
}
