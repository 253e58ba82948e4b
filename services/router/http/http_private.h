/* Connections and loops of the HTTP server, shared by its files. */
#ifndef TC_ROUTER_HTTP_PRIVATE_H
#define TC_ROUTER_HTTP_PRIVATE_H

#include "router/http/http_server.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    HTTP__SCRATCH_BYTES = 64 * 1024,
    HTTP__READ_BUDGET_BYTES = 256 * 1024,    /* of one connection before others get their turn */
    HTTP__INLINE_BODY_BYTES_MAX = 64 * 1024, /* bodies kept behind their head */
    HTTP__POOL_COUNT_MAX = 256,              /* idle request structs kept per loop */
    HTTP__KEEP_BYTES_MAX = 64 * 1024,        /* larger buffers are not kept in the pool */
    HTTP__IOV_COUNT_MAX = 2 * HTTP_PIPELINE_COUNT_MAX,
    HTTP__LINGER_MS = 1000, /* reading on after a refusal, so that the client can read it */
    HTTP__TICK_MS = 250,
    HTTP__ACCEPT_BATCH = 64,
    HTTP__ACCEPT_PAUSE_MS = 100, /* after running out of file descriptors */
};

enum http__timer {
    HTTP__TIMER_NONE,
    HTTP__TIMER_IDLE,
    HTTP__TIMER_HEAD,
    HTTP__TIMER_BODY,
    HTTP__TIMER_WRITE,
    HTTP__TIMER_LINGER,
    HTTP__TIMER_COUNT,
};

enum http__state {
    HTTP__HEAD,    /* collecting a head in in */
    HTTP__BODY,    /* current->bytes grows to its known end */
    HTTP__CHUNKED, /* current->decoded grows */
    HTTP__CLOSING, /* no further requests; answers still leave */
    HTTP__LINGER,  /* all sent and shut down; reading and dropping */
    HTTP__DEAD,    /* socket closed; waits for answers of dispatched requests */
};

struct http_conn {
    struct http_loop *loop;
    struct tc_list link;  /* all connections of the loop */
    struct tc_list dirty; /* to be pumped in this round */
    struct tc_list timer; /* in loop->timers[timer_kind] */
    uint64_t deadline_ms;
    enum http__timer timer_kind;
    enum http__state state;
    int fd;
    SSL *ssl;         /* NULL: plain */
    struct tc_buf in; /* an incomplete head, or bytes held back while the pipeline is full */
    bool held;        /* in holds unparsed requests rather than one incomplete head */
    bool readable;    /* the socket may have more */
    bool peer_closed; /* end of file was read */
    bool blocked;     /* the socket takes no more bytes now */
    struct http_request *current; /* whose body is being read; also in queue */
    struct http_chunked chunked;
    size_t body_left_bytes;
    struct tc_buf *body;  /* of current: bytes for small bodies, decoded for large ones, which then
                             take memory only as they arrive */
    struct tc_list queue; /* requests in order */
    unsigned queue_count;
    size_t sent_bytes; /* of the first response in queue */
};

struct http_loop {
    struct http_server *server;
    unsigned index;
    pthread_t thread;
    pthread_t self; /* written by the loop itself, before its first request */
    int epoll_fd;
    int event_fd;
    uint64_t now_ms;
    uint64_t accept_again_ms; /* 0: accepting */
    int64_t date_s;
    char date[64];
    struct tc_list conns;
    struct tc_list dirty;
    struct tc_list timers[HTTP__TIMER_COUNT]; /* each in order of deadline: durations are fixed */
    struct tc_list pool;
    unsigned pool_count;
    uint8_t *scratch;
    pthread_mutex_t lock; /* mailbox only */
    struct tc_list mailbox;
    bool accepting;
    _Atomic uint64_t accepted_count, refused_count, request_count, fault_count, timeout_count;
    _Atomic uint64_t open_count, in_flight_count;
};

struct http_server {
    struct http_options options;
    SSL_CTX *tls;
    int listen_fd;
    uint16_t port;
    _Atomic uint64_t open_count; /* over all loops, held against the maximum */
    _Atomic size_t large_bytes;  /* held against options.large_bytes_max */
    _Atomic bool draining;
    _Atomic bool stopping;
    unsigned started_count;
    struct http_loop loops[HTTP_LOOP_COUNT_MAX];
};

/* http_conn.c */
void http__conn_open(struct http_loop *l, int fd);
/* Read, parse, dispatch and write as far as possible now; may free the connection. */
void http__conn_pump(struct http_conn *c);
void http__conn_expire(struct http_conn *c);
/* Close the socket; the struct goes when its last dispatched request was answered. */
void http__conn_kill(struct http_conn *c);
void http__conn_mark(struct http_conn *c);
/* The connection's request r was answered. */
void http__conn_answered(struct http_conn *c);

/* http_feed.c: bytes into requests. */
void http__feed(struct http_conn *c, struct tc_slice bytes);
/* Queue a refusal and stop reading requests. */
void http__refuse(struct http_conn *c, unsigned status);
struct http_request *http__request_new(struct http_conn *c);
void http__request_recycle(struct http_request *r);
void http__request_free(struct http_request *r);

/* http_send.c: responses into the socket. False: the connection must be killed. */
bool http__send(struct http_conn *c);

/* http_io.c: the socket, plain or TLS. */
enum http__io {
    HTTP__IO_OK,
    HTTP__IO_AGAIN,
    HTTP__IO_END,
    HTTP__IO_ERROR,
};
enum http__io http__io_read(struct http_conn *c, uint8_t *at, size_t cap, size_t *ret_len);
struct iovec;
enum http__io http__io_write(struct http_conn *c, const struct iovec *iov, int count,
                             size_t *ret_len);
TC_MUST_USE tc_err http__tls_new(const char *cert_file, const char *key_file, SSL_CTX **ret_tls);

/* http_loop.c */
void *http__loop_main(void *arg);
TC_MUST_USE tc_err http__loop_init(struct http_loop *l, struct http_server *s, unsigned index);
void http__loop_deinit(struct http_loop *l);
void http__loop_wake(struct http_loop *l);

#endif
