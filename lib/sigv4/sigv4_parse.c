#include "sigv4/sigv4_private.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool sigv4__name_eq(struct tc_slice a, struct tc_slice b) {
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool sigv4__has_header(const struct sigv4_request *r, struct tc_slice name) {
    for (size_t i = 0; i < r->header_count; i++)
        if (sigv4__name_eq(r->headers[i].name, name))
            return true;
    return false;
}

bool sigv4__one_header(const struct sigv4_request *r, struct tc_slice name,
                       struct tc_slice *ret_value) {
    size_t found = 0;
    struct tc_slice value = TC_SLICE_EMPTY;
    for (size_t i = 0; i < r->header_count; i++)
        if (sigv4__name_eq(r->headers[i].name, name)) {
            value = r->headers[i].value;
            found++;
        }
    if (found != 1)
        return false;
    *ret_value = value;
    return true;
}

static void skip_blanks(struct tc_slice *s) {
    while (s->len && (s->data[0] == ' ' || s->data[0] == '\t'))
        *s = tc_slice_from(*s, 1);
}

static struct tc_slice trim_end(struct tc_slice s) {
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool all_digits(struct tc_slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return s.len > 0;
}

static bool is_hex_hash(struct tc_slice s) {
    if (s.len != 2 * SIGV4__HASH_BYTES)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

/* KEY/yyyymmdd/region/service/aws4_request. A key id may itself hold slashes, so the scope is cut
 * from the end. */
static tc_err parse_credential(struct tc_slice text, struct sigv4_auth *auth) {
    struct tc_slice parts[4]; /* terminator, service, region, date */
    for (size_t i = 0; i < 4; i++) {
        size_t at = text.len;
        while (at > 0 && text.data[at - 1] != '/')
            at--;
        if (at == 0)
            return TC_EINVAL;
        parts[i] = tc_slice_from(text, at);
        text.len = at - 1;
    }
    if (!tc_slice_eq(parts[0], TC_SLICE_LIT("aws4_request")) || parts[1].len == 0 ||
        parts[1].len > SIGV4_SCOPE_PART_BYTES_MAX || parts[2].len == 0 ||
        parts[2].len > SIGV4_SCOPE_PART_BYTES_MAX || parts[3].len != SIGV4__DATE_CHARS ||
        !all_digits(parts[3]) || text.len == 0 || text.len > SIGV4_KEY_ID_BYTES_MAX)
        return TC_EINVAL;
    auth->key_id = text;
    auth->date = parts[3];
    auth->region = parts[2];
    auth->service = parts[1];
    return TC_OK;
}

/* One "Name=value" of the header; each may stand once. */
static tc_err parse_part(struct tc_slice part, struct sigv4_auth *auth) {
    struct tc_slice value = part;
    struct tc_slice name = tc_slice_cut(&value, '=');
    if (value.len == 0)
        return TC_EINVAL;
    if (tc_slice_eq(name, TC_SLICE_LIT("Credential")) && auth->key_id.len == 0)
        return parse_credential(value, auth);
    if (tc_slice_eq(name, TC_SLICE_LIT("SignedHeaders")) && auth->signed_headers.len == 0) {
        auth->signed_headers = value;
        return TC_OK;
    }
    if (tc_slice_eq(name, TC_SLICE_LIT("Signature")) && auth->signature.len == 0) {
        auth->signature = value;
        return is_hex_hash(value) ? TC_OK : TC_EINVAL;
    }
    return TC_EINVAL;
}

static bool is_complete(const struct sigv4_auth *auth) {
    return auth->key_id.len && auth->signed_headers.len && auth->signature.len;
}

tc_err sigv4__parse_header(struct tc_slice authorization, struct sigv4_auth *ret_auth) {
    struct sigv4_auth auth = {0};
    struct tc_slice rest = authorization;
    if (!tc_slice_has_prefix(rest, TC_SLICE_LIT(ALGORITHM)))
        return TC_EINVAL;
    rest = tc_slice_from(rest, sizeof ALGORITHM - 1);
    if (rest.len == 0 || (rest.data[0] != ' ' && rest.data[0] != '\t'))
        return TC_EINVAL;
    for (size_t i = 0; i < 3; i++) {
        skip_blanks(&rest);
        TC_TRY(parse_part(trim_end(tc_slice_cut(&rest, ',')), &auth));
    }
    if (rest.len != 0 || !is_complete(&auth))
        return TC_EINVAL;
    *ret_auth = auth;
    return TC_OK;
}

static tc_err parse_expires(struct tc_slice text, uint64_t *ret_s) {
    uint64_t value = 0;
    if (!all_digits(text) || text.len > 6)
        return TC_EINVAL;
    for (size_t i = 0; i < text.len; i++)
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    if (value == 0 || value > SIGV4_PRESIGN_S_MAX)
        return TC_EINVAL;
    *ret_s = value;
    return TC_OK;
}

/* One query parameter that belongs to the signature; foreign ones are passed over. */
static tc_err take_param(struct tc_slice name, struct tc_slice value, struct sigv4_auth *auth,
                         bool *found) {
    if (tc_slice_eq(name, TC_SLICE_LIT("X-Amz-Algorithm"))) {
        *found = true;
        return tc_slice_eq(value, TC_SLICE_LIT(ALGORITHM)) ? TC_OK : TC_EINVAL;
    }
    if (tc_slice_eq(name, TC_SLICE_LIT("X-Amz-Credential")))
        return auth->key_id.len ? TC_EINVAL : parse_credential(value, auth);
    if (tc_slice_eq(name, TC_SLICE_LIT("X-Amz-Expires")))
        return auth->expires_s ? TC_EINVAL : parse_expires(value, &auth->expires_s);
    struct tc_slice *field = NULL;
    if (tc_slice_eq(name, TC_SLICE_LIT("X-Amz-SignedHeaders")))
        field = &auth->signed_headers;
    else if (tc_slice_eq(name, TC_SLICE_LIT("X-Amz-Signature")))
        field = &auth->signature;
    else if (tc_slice_eq(name, TC_SLICE_LIT("X-Amz-Date")))
        field = &auth->timestamp;
    if (field == NULL)
        return TC_OK;
    if (field->len || value.len == 0)
        return TC_EINVAL;
    *field = value;
    return TC_OK;
}

tc_err sigv4__parse_query(struct tc_slice query, struct tc_buf *scratch,
                          struct sigv4_auth *ret_auth) {
    struct sigv4_auth auth = {.in_query = true};
    bool found = false;
    /* Decoding never lengthens, so one reservation keeps every view into scratch valid. */
    tc_buf_clear(scratch);
    (void)tc_buf_reserve(scratch, query.len + 1);
    while (query.len) {
        struct tc_slice value = tc_slice_cut(&query, '&');
        struct tc_slice name = tc_slice_cut(&value, '=');
        size_t start = scratch->len;
        TC_TRY(sigv4__percent_decode(value, scratch));
        TC_TRY(
            take_param(name, tc_slice(scratch->data + start, scratch->len - start), &auth, &found));
    }
    if (!found)
        return TC_ENOTFOUND;
    if (!is_complete(&auth) || !is_hex_hash(auth.signature) || !auth.timestamp.len ||
        !auth.expires_s)
        return TC_EINVAL;
    *ret_auth = auth;
    return TC_OK;
}
