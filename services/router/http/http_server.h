/* The front door: a strict HTTP/1.1 server on epoll for many keep-alive connections.
 *
 * Threads: each loop thread owns its connections. The handler runs on a loop thread and must not
 * block; it answers by filling the response fields and calling http_respond, then or later, from
 * any thread. Answers leave in the order of the requests of their connection.
 * Memory: a request and its views (head, body) live from the handler's call to http_respond. When
 * the client went away meanwhile the answer is dropped, the request stays valid all the same.
 *
 * Limits: heads of 16 KiB (431), bodies of body_bytes_max (413) and of all connections together
 * (503), slow heads and bodies (408), 16 pipelined requests per connection (then reading waits),
 * connections (refused beyond).
 */
#ifndef TC_ROUTER_HTTP_SERVER_H
#define TC_ROUTER_HTTP_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "router/http/http_parser.h"

enum {
    HTTP_LOOP_COUNT_MAX = 64,
    HTTP_PIPELINE_COUNT_MAX = 16,
    HTTP_BODY_BYTES_MAX = 16 * 1024 * 1024,
};

struct http_server;
struct http_conn;
struct http_loop;

struct http_request {
    /* For the handler to read. */
    const struct http_head *head;
    struct tc_slice body;
    unsigned fault_status; /* not 0: not a request but a refusal by the server with this status, of
                              which head and body are empty; fill the texts and answer at once */
    unsigned loop_index;
    struct tc_arena arena; /* for the handler; reset after the answer left */
    void *user;            /* the handler's */
    struct tc_buf plain;   /* the handler's: a body it has unpacked, see http_request_charge */

    /* For the handler to fill. */
    unsigned status;
    struct tc_buf headers; /* whole lines "Name: value\r\n"; framing headers are added */
    struct tc_buf answer;

    /* The server's own. */
    struct tc_list link; /* in the connection's queue, in request order */
    struct tc_list mail; /* in the loop's mailbox */
    struct http_conn *conn;
    struct http_loop *loop;
    struct http_head parsed;
    struct tc_buf bytes;   /* head, then a body of known length; never moves once parsed */
    struct tc_buf decoded; /* a chunked body */
    struct tc_buf out;     /* the response head */
    bool continue_due;     /* 100 Continue must be sent */
    bool dispatched;
    bool done;
    bool close_after;
    size_t charged_bytes; /* of decoded and plain, held against large_bytes_max */
};

typedef void (*http_handler)(void *user, struct http_request *r);

struct http_options {
    const char *host; /* numeric IPv4 or IPv6 */
    uint16_t port;    /* 0: any */
    unsigned loop_count;
    unsigned connection_count_max;
    size_t body_bytes_max;
    size_t large_bytes_max; /* large and chunked bodies in memory, all connections together; 503 */
    unsigned head_ms_max;
    unsigned body_ms_max;
    unsigned idle_ms_max;
    unsigned write_ms_max;
    const char *cert_file; /* PEM; with key_file: TLS */
    const char *key_file;
    http_handler handler;
    void *user;
    /* Around all handler calls of one turn of a loop, on its thread; both or neither. */
    void (*turn_begin)(void *turn_user);
    void (*turn_end)(void *turn_user);
    void *turn_user;
};

struct http_stats {
    uint64_t accepted_count;
    uint64_t refused_count; /* connections beyond the maximum */
    uint64_t request_count;
    uint64_t fault_count;   /* requests refused by the server itself */
    uint64_t timeout_count; /* slow heads, bodies and readers */
    uint64_t open_count;    /* connections now */
    uint64_t in_flight_count;
};

/* 127.0.0.1, any port, 1 loop, 4096 connections; bodies of 16 MiB, 512 MiB in all; 10 s for a head,
 * 30 s for a body, 120 s idle, 30 s without progress of a writer. */
struct http_options http_options_default(void);

/* Bind, listen and start the loop threads.
 *   Errors  TC_EINVAL  the address or certificate is not usable
 *           TC_EIO     the system refused; errno says why */
TC_MUST_USE tc_err http_server_start(const struct http_options *options,
                                     struct http_server **ret_server);
uint16_t http_server_port(const struct http_server *s);
struct http_stats http_server_stats(struct http_server *s);
/* Stop accepting, close idle connections, answer what is in flight with Connection: close. */
void http_server_drain(struct http_server *s);
/* Close everything and join. Every request must have been answered. NULL is a no-op. */
void http_server_free(struct http_server *s);

/* Hold len bytes that the handler keeps for r against large_bytes_max, until r is answered. False:
 * all connections together hold too much. */
bool http_request_charge(struct http_request *r, size_t len);

/* Hand the filled response over; r must not be touched afterwards. */
void http_respond(struct http_request *r);

#endif
