#include "base/assert.h"
#include "sigv4/sigv4_private.h"

#include <stdlib.h>

static bool is_unreserved(uint8_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

static void append_encoded(struct tc_buf *out, struct tc_slice text, bool keep_slash) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (is_unreserved(c) || (keep_slash && c == '/')) {
            tc_buf_append_u8(out, c);
            continue;
        }
        uint8_t escape[3] = {'%', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15]};
        tc_buf_append(out, escape, sizeof escape);
    }
}

tc_err sigv4__percent_decode(struct tc_slice text, struct tc_buf *out) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%') {
            tc_buf_append_u8(out, text.data[i]);
            continue;
        }
        int high = i + 2 < text.len ? tc_hex_digit(text.data[i + 1]) : -1;
        int low = i + 2 < text.len ? tc_hex_digit(text.data[i + 2]) : -1;
        if (high < 0 || low < 0)
            return TC_EINVAL;
        tc_buf_append_u8(out, (uint8_t)(high * 16 + low));
        i += 2;
    }
    return TC_OK;
}

/* RFC 3986 normal form: no empty, "." or ".." segments; a trailing slash stays. */
static void append_normal_path(struct tc_slice path, struct tc_buf *out) {
    size_t start = out->len;
    bool trailing = true;
    size_t at = 0;
    while (at < path.len) {
        size_t end = at;
        while (end < path.len && path.data[end] != '/')
            end++;
        struct tc_slice segment = tc_slice(path.data + at, end - at);
        trailing = segment.len == 0;
        if (tc_slice_eq(segment, TC_SLICE_LIT("..")) || tc_slice_eq(segment, TC_SLICE_LIT("."))) {
            trailing = true;
            while (segment.len == 2 && out->len > start)
                if (out->data[--out->len] == '/')
                    break;
        } else if (segment.len) {
            tc_buf_append_u8(out, '/');
            append_encoded(out, segment, /* keep_slash= */ false);
        }
        trailing = trailing || end < path.len;
        at = end + 1;
    }
    if (trailing || out->len == start)
        tc_buf_append_u8(out, '/');
}

struct param {
    struct tc_slice name, value;
};

static int param_order(const void *a, const void *b) {
    const struct param *x = a, *y = b;
    int order = tc_slice_cmp(x->name, y->name);
    return order ? order : tc_slice_cmp(x->value, y->value);
}

/* Decode, then encode in the one canonical way, into normal; the view is returned. The caller
 * reserved enough room that normal does not move. */
static tc_err normalize(struct tc_slice text, struct tc_buf *plain, struct tc_buf *normal,
                        struct tc_slice *ret_text) {
    size_t start = normal->len;
    tc_buf_clear(plain);
    TC_TRY(sigv4__percent_decode(text, plain));
    append_encoded(normal, tc_buf_slice(plain), /* keep_slash= */ false);
    *ret_text = tc_slice(normal->data + start, normal->len - start);
    return TC_OK;
}

static tc_err collect_params(struct tc_slice query, struct tc_buf *normal, struct param *params,
                             size_t *ret_count) {
    struct tc_buf plain = {0};
    size_t count = 0, at = 0;
    tc_err err = TC_OK;
    (void)tc_buf_reserve(normal, 3 * query.len + 1);
    while (err == TC_OK && at < query.len) {
        size_t end = at, eq;
        while (end < query.len && query.data[end] != '&')
            end++;
        for (eq = at; eq < end && query.data[eq] != '=';)
            eq++;
        struct tc_slice name = tc_slice(query.data + at, eq - at);
        struct tc_slice value = tc_slice(query.data + eq + (eq < end), end - eq - (eq < end));
        at = end + 1;
        if (name.len == 0 && value.len == 0)
            continue;
        if (tc_slice_eq(name, TC_SLICE_LIT("X-Amz-Signature")))
            continue;
        if (count == SIGV4_QUERY_PARAM_COUNT_MAX)
            err = TC_ELIMIT;
        if (err == TC_OK)
            err = normalize(name, &plain, normal, &params[count].name);
        if (err == TC_OK)
            err = normalize(value, &plain, normal, &params[count].value);
        count++;
    }
    tc_buf_deinit(&plain);
    if (err == TC_OK)
        *ret_count = count;
    return err;
}

static tc_err append_query(struct tc_slice query, struct tc_buf *out) {
    struct param params[SIGV4_QUERY_PARAM_COUNT_MAX];
    struct tc_buf normal = {0};
    size_t count = 0;
    tc_err err = collect_params(query, &normal, params, &count);
    if (err == TC_OK)
        qsort(params, count, sizeof params[0], param_order);
    for (size_t i = 0; err == TC_OK && i < count; i++) {
        if (i)
            tc_buf_append_u8(out, '&');
        tc_buf_append_slice(out, params[i].name);
        tc_buf_append_u8(out, '=');
        tc_buf_append_slice(out, params[i].value);
    }
    tc_buf_deinit(&normal);
    return err;
}

/* Outer blanks go, inner runs of blanks become one space. */
static void append_trimmed(struct tc_buf *out, struct tc_slice value) {
    bool pending = false, any = false;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (c == ' ' || c == '\t') {
            pending = any;
            continue;
        }
        if (pending)
            tc_buf_append_u8(out, ' ');
        pending = false;
        any = true;
        tc_buf_append_u8(out, c);
    }
}

static tc_err append_header(const struct sigv4_request *r, struct tc_slice name,
                            struct tc_buf *out) {
    bool found = false;
    tc_buf_append_slice(out, name);
    tc_buf_append_u8(out, ':');
    for (size_t i = 0; i < r->header_count; i++) {
        if (!sigv4__name_eq(r->headers[i].name, name))
            continue;
        if (found)
            tc_buf_append_u8(out, ',');
        append_trimmed(out, r->headers[i].value);
        found = true;
    }
    tc_buf_append_u8(out, '\n');
    return found ? TC_OK : TC_EINVAL;
}

static bool is_lower_name(struct tc_slice name) {
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] <= ' ' || name.data[i] > '~' ||
            (name.data[i] >= 'A' && name.data[i] <= 'Z'))
            return false;
    return name.len > 0;
}

static tc_err append_headers(const struct sigv4_request *r, struct tc_slice list,
                             struct tc_buf *out) {
    struct tc_slice last = TC_SLICE_EMPTY;
    size_t at = 0, count = 0;
    while (at <= list.len) {
        size_t end = at;
        while (end < list.len && list.data[end] != ';')
            end++;
        struct tc_slice name = tc_slice(list.data + at, end - at);
        if (!is_lower_name(name) || tc_slice_cmp(last, name) >= 0)
            return TC_EINVAL;
        if (count++ == SIGV4_SIGNED_HEADER_COUNT_MAX)
            return TC_ELIMIT;
        TC_TRY(append_header(r, name, out));
        last = name;
        at = end + 1;
    }
    return TC_OK;
}

tc_err sigv4__canonical(const struct sigv4_request *r, struct tc_slice signed_headers,
                        struct tc_slice payload_hash, struct tc_buf *out) {
    TC_ASSERT(r->header_count == 0 || r->headers != NULL);
    if (r->header_count > SIGV4_HEADER_COUNT_MAX)
        return TC_ELIMIT;
    tc_buf_append_slice(out, r->method);
    tc_buf_append_u8(out, '\n');
    if (r->path_style == SIGV4_PATH_AS_SENT)
        tc_buf_append_slice(out, r->path.len ? r->path : TC_SLICE_LIT("/"));
    else
        append_normal_path(r->path, out);
    tc_buf_append_u8(out, '\n');
    if (r->query.len)
        TC_TRY(append_query(r->query, out));
    tc_buf_append_u8(out, '\n');
    TC_TRY(append_headers(r, signed_headers, out));
    tc_buf_append_u8(out, '\n');
    tc_buf_append_slice(out, signed_headers);
    tc_buf_append_u8(out, '\n');
    tc_buf_append_slice(out, payload_hash);
    return TC_OK;
}
