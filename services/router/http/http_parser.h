/* HTTP/1.1 request parsing: one whole head, and the decoder of chunked bodies.
 *
 * Pure: bytes in, views or an error status out; no allocation but in the caller's buffer. Strict by
 * intent, because what two parsers read differently is how requests are smuggled: CRLF only, no
 * folded lines, no space before a colon, one Host, one Content-Length of plain digits, never
 * Content-Length and Transfer-Encoding together, chunks without extensions or trailers.
 *
 * Source: RFC 9110, RFC 9112.
 */
#ifndef TC_ROUTER_HTTP_PARSER_H
#define TC_ROUTER_HTTP_PARSER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    HTTP_HEAD_BYTES_MAX = 16 * 1024,
    HTTP_HEADER_COUNT_MAX = 100,
};

struct http_header {
    struct tc_slice name;  /* as sent */
    struct tc_slice value; /* without outer blanks */
};

/* Views into the parsed bytes. */
struct http_head {
    struct tc_slice method;
    struct tc_slice path;  /* begins with '/' */
    struct tc_slice query; /* after '?', empty if none */
    struct http_header headers[HTTP_HEADER_COUNT_MAX];
    size_t header_count;
    uint64_t content_length_bytes;
    bool has_content_length;
    bool chunked;
    bool keep_alive;      /* the client wants the connection kept */
    bool minor_zero;      /* HTTP/1.0 */
    bool expect_continue; /* waits for 100 before it sends the body */
};

/* Length of the head that starts bytes, its blank line included; 0 while incomplete. Bytes before
 * from are known to hold no end. */
size_t http_head_end(struct tc_slice bytes, size_t from);

/* Parse a whole head, as http_head_end delimits it. Returns 0, or the status that refuses it: 400
 * malformed, 417 unknown expectation, 431 too many headers, 501 unknown transfer coding, 505
 * version. ret_head is valid with 0 only. */
TC_MUST_USE unsigned http_head_parse(struct tc_slice head, struct http_head *ret_head);

/* The first header of that name, ASCII case ignored. */
bool http_head_get(const struct http_head *head, struct tc_slice name, struct tc_slice *ret_value);
bool http_name_eq(struct tc_slice a, struct tc_slice b);

/* Decoder of a chunked body, fed in pieces of any size. A zeroed struct starts a body. */
enum http_chunk_state {
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_SIZE_LF,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_DATA_CR,
    HTTP_CHUNK_DATA_LF,
    HTTP_CHUNK_LAST_CR,
    HTTP_CHUNK_LAST_LF,
    HTTP_CHUNK_DONE,
};

struct http_chunked {
    enum http_chunk_state state;
    unsigned digit_count;
    uint64_t left_bytes; /* of the chunk being read */
};

/* Decode as much of bytes as belongs to the body, appending to out, at most body_bytes_max there in
 * all. ret_used counts the bytes consumed; the body is whole when state is HTTP_CHUNK_DONE.
 * Returns 0, 400 or 413. */
TC_MUST_USE unsigned http_chunked_feed(struct http_chunked *c, struct tc_slice bytes,
                                       size_t body_bytes_max, struct tc_buf *out, size_t *ret_used);

#endif
