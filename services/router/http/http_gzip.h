/* Content coding gzip (RFC 9110 8.4.1.3, RFC 1952), both ways, over zlib.
 *
 * Threads: any; state lives for one call. What is unpacked is bounded, so that a small body cannot
 * fill the memory.
 */
#ifndef TC_ROUTER_HTTP_GZIP_H
#define TC_ROUTER_HTTP_GZIP_H

#include "router/http/http_parser.h"

/* Whether the client takes gzip: named in Accept-Encoding, and not with a weight of zero. */
bool http_gzip_wanted(const struct http_head *head);

/* Append bytes, packed as one member, to out. False: it did not become smaller; out is as before.
 * Takes 64 KiB of memory during the call, 256 KiB from 64 KiB of bytes on. */
bool http_gzip_pack(struct tc_slice bytes, struct tc_buf *out);

/* Append what the one member packed in bytes holds, at most bytes_max, to out.
 *   Errors  TC_ECORRUPT  not one whole gzip member, or bytes follow it
 *           TC_ELIMIT    it holds more than bytes_max
 *   In both cases out has bytes of no use. */
TC_MUST_USE tc_err http_gzip_unpack(struct tc_slice bytes, size_t bytes_max, struct tc_buf *out);

#endif
