#include "router/http/http_parser.h"

#include "base/assert.h"

/* RFC 9110 5.6.2, tchar. */
static bool is_token_char(uint8_t c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != 0 && memchr("!#$%&'*+-.^_`|~", c, 15) != NULL;
}

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool http_name_eq(struct tc_slice a, struct tc_slice b) {
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool http_head_get(const struct http_head *head, struct tc_slice name, struct tc_slice *ret_value) {
    for (size_t i = 0; i < head->header_count; i++)
        if (http_name_eq(head->headers[i].name, name)) {
            *ret_value = head->headers[i].value;
            return true;
        }
    return false;
}

size_t http_head_end(struct tc_slice bytes, size_t from) {
    size_t at = from > 3 ? from - 3 : 0;
    while (at < bytes.len) {
        const uint8_t *cr = memchr(bytes.data + at, '\r', bytes.len - at);
        if (cr == NULL)
            return 0;
        at = (size_t)(cr - bytes.data);
        if (bytes.len - at < 4)
            return 0;
        if (memcmp(cr, "\r\n\r\n", 4) == 0)
            return at + 4;
        at++;
    }
    return 0;
}

/* The next line without its CRLF; a stray CR or LF inside makes it invalid. */
static bool take_line(struct tc_slice *rest, struct tc_slice *ret_line) {
    const uint8_t *cr = rest->len ? memchr(rest->data, '\r', rest->len) : NULL;
    if (cr == NULL)
        return false;
    size_t len = (size_t)(cr - rest->data);
    if (rest->len < len + 2 || cr[1] != '\n' || (len && memchr(rest->data, '\n', len) != NULL))
        return false;
    *ret_line = tc_slice(rest->data, len);
    *rest = tc_slice_from(*rest, len + 2);
    return true;
}

static bool is_token(struct tc_slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_char(s.data[i]))
            return false;
    return s.len > 0;
}

static bool is_target(struct tc_slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] >= 0x7f)
            return false;
    return s.len > 0 && s.data[0] == '/';
}

static unsigned parse_request_line(struct tc_slice line, struct http_head *head) {
    struct tc_slice version = line;
    head->method = tc_slice_cut(&version, ' ');
    struct tc_slice target = tc_slice_cut(&version, ' ');
    if (!is_token(head->method) || !is_target(target))
        return 400;
    if (!tc_slice_has_prefix(version, TC_SLICE_LIT("HTTP/")))
        return 400;
    head->minor_zero = tc_slice_eq(version, TC_SLICE_LIT("HTTP/1.0"));
    if (!head->minor_zero && !tc_slice_eq(version, TC_SLICE_LIT("HTTP/1.1")))
        return 505;
    head->keep_alive = !head->minor_zero;
    head->query = target;
    head->path = tc_slice_cut(&head->query, '?');
    return 0;
}

static struct tc_slice trim(struct tc_slice s) {
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = tc_slice_from(s, 1);
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool is_field_value(struct tc_slice s) {
    for (size_t i = 0; i < s.len; i++)
        if ((s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7f)
            return false;
    return true;
}

static unsigned set_content_length(struct http_head *head, struct tc_slice value) {
    uint64_t length = 0;
    if (head->has_content_length || value.len == 0 || value.len > 15)
        return 400;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return 400;
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    head->has_content_length = true;
    head->content_length_bytes = length;
    return 0;
}

/* The one token of interest in the Connection list. */
static void set_connection(struct http_head *head, struct tc_slice value) {
    while (value.len) {
        struct tc_slice token = trim(tc_slice_cut(&value, ','));
        if (http_name_eq(token, TC_SLICE_LIT("close")))
            head->keep_alive = false;
        else if (head->minor_zero && http_name_eq(token, TC_SLICE_LIT("keep-alive")))
            head->keep_alive = true;
    }
}

static unsigned set_transfer_encoding(struct http_head *head, struct tc_slice value) {
    if (head->chunked || head->minor_zero)
        return 400;
    head->chunked = http_name_eq(value, TC_SLICE_LIT("chunked"));
    return head->chunked ? 0 : 501;
}

/* Headers that decide the framing of the message. */
static unsigned interpret(struct http_head *head, const struct http_header *h,
                          unsigned *host_count) {
    switch (h->name.len) {
    case 4:
        if (http_name_eq(h->name, TC_SLICE_LIT("host")))
            ++*host_count;
        return 0;
    case 6:
        if (!http_name_eq(h->name, TC_SLICE_LIT("expect")))
            return 0;
        head->expect_continue = http_name_eq(h->value, TC_SLICE_LIT("100-continue"));
        return head->expect_continue ? 0 : 417;
    case 10:
        if (http_name_eq(h->name, TC_SLICE_LIT("connection")))
            set_connection(head, h->value);
        return 0;
    case 14:
        return http_name_eq(h->name, TC_SLICE_LIT("content-length"))
                   ? set_content_length(head, h->value)
                   : 0;
    case 17:
        return http_name_eq(h->name, TC_SLICE_LIT("transfer-encoding"))
                   ? set_transfer_encoding(head, h->value)
                   : 0;
    default:
        return 0;
    }
}

static unsigned parse_header(struct http_head *head, struct tc_slice line, unsigned *host_count) {
    if (head->header_count == HTTP_HEADER_COUNT_MAX)
        return 431;
    struct http_header *h = &head->headers[head->header_count];
    size_t colon = 0;
    while (colon < line.len && is_token_char(line.data[colon]))
        colon++;
    if (colon == 0 || colon == line.len || line.data[colon] != ':')
        return 400;
    h->name = tc_slice(line.data, colon);
    h->value = trim(tc_slice_from(line, colon + 1));
    if (!is_field_value(h->value))
        return 400;
    head->header_count++;
    return interpret(head, h, host_count);
}

unsigned http_head_parse(struct tc_slice bytes, struct http_head *ret_head) {
    struct http_head *head = ret_head;
    struct tc_slice rest = bytes, line;
    unsigned host_count = 0;
    memset(head, 0, offsetof(struct http_head, headers));
    memset(&head->header_count, 0, sizeof *head - offsetof(struct http_head, header_count));
    if (!take_line(&rest, &line))
        return 400;
    unsigned status = parse_request_line(line, head);
    while (status == 0) {
        if (!take_line(&rest, &line))
            return 400;
        if (line.len == 0)
            break;
        status = parse_header(head, line, &host_count);
    }
    if (status != 0)
        return status;
    if (rest.len != 0 || host_count > 1 || (host_count == 0 && !head->minor_zero))
        return 400;
    /* RFC 9112 6.3: both together is what smuggling is made of. */
    if (head->chunked && head->has_content_length)
        return 400;
    TC_ASSERT(head->header_count <= HTTP_HEADER_COUNT_MAX);
    return 0;
}
