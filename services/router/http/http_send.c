#include "base/assert.h"
#include "router/http/http_private.h"

#include <sys/uio.h>
#include <time.h>

static const char *reason(unsigned status) {
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 417:
        return "Expectation Failed";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Status";
    }
}

/* Clients correct their clocks by this header; it is rendered once per second and loop. */
static const char *date(struct http_loop *l) {
    struct timespec ts;
    struct tm tm;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    if (ts.tv_sec != l->date_s) {
        l->date_s = ts.tv_sec;
        (void)gmtime_r(&ts.tv_sec, &tm);
        (void)strftime(l->date, sizeof l->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    }
    return l->date;
}

static void render_head(struct http_request *r) {
    TC_ASSERT(r->status >= 200 && r->status <= 599);
    const char *connection = "";
    if (r->close_after)
        connection = "Connection: close\r\n";
    else if (r->parsed.minor_zero)
        connection = "Connection: keep-alive\r\n";
    tc_buf_printf(&r->out, "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Length: %zu\r\n%s", r->status,
                  reason(r->status), date(r->loop), r->answer.len, connection);
    tc_buf_append_slice(&r->out, tc_buf_slice(&r->headers));
    tc_buf_append_str(&r->out, "\r\n");
    if (tc_slice_eq(r->parsed.method, TC_SLICE_LIT("HEAD")))
        tc_buf_clear(&r->answer);
}

static int add(struct iovec *iov, int count, struct tc_buf *b, size_t *skip) {
    size_t past = *skip < b->len ? *skip : b->len;
    *skip -= past;
    if (past == b->len)
        return count;
    iov[count] = (struct iovec){b->data + past, b->len - past};
    return count + 1;
}

/* Everything that may leave now, in order; an awaited 100 Continue ends it. */
static int gather(struct http_conn *c, struct iovec iov[HTTP__IOV_COUNT_MAX]) {
    size_t skip = c->sent_bytes;
    int count = 0;
    for (struct tc_list *n = c->queue.next; n != &c->queue; n = n->next) {
        struct http_request *r = TC_CONTAINER(n, struct http_request, link);
        if (!r->done || count + 2 > HTTP__IOV_COUNT_MAX)
            break;
        if (r->out.len == 0)
            render_head(r);
        count = add(iov, count, &r->out, &skip);
        count = add(iov, count, &r->answer, &skip);
        if (r->close_after)
            break;
    }
    return count;
}

/* Recycle what has left completely. */
static void advance(struct http_conn *c, size_t len) {
    c->sent_bytes += len;
    while (!tc_list_empty(&c->queue)) {
        struct http_request *r = TC_CONTAINER(c->queue.next, struct http_request, link);
        size_t total = r->out.len + r->answer.len;
        if (!r->done || r->out.len == 0 || c->sent_bytes < total)
            return;
        c->sent_bytes -= total;
        if (r->close_after)
            c->state = HTTP__LINGER;
        http__request_recycle(r);
    }
}

/* A few bytes into an idle socket: anything but a complete write means that it is not usable. */
static bool send_continue(struct http_conn *c) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (tc_list_empty(&c->queue))
        return true;
    struct http_request *r = TC_CONTAINER(c->queue.next, struct http_request, link);
    if (!r->continue_due || r != c->current)
        return true;
    struct iovec iov = {(char *)(uintptr_t)text, sizeof text - 1};
    size_t len = 0;
    r->continue_due = false;
    return http__io_write(c, &iov, 1, &len) == HTTP__IO_OK && len == iov.iov_len;
}

bool http__send(struct http_conn *c) {
    while (!c->blocked) {
        struct iovec iov[HTTP__IOV_COUNT_MAX];
        int count = gather(c, iov);
        if (count == 0)
            return send_continue(c);
        size_t len = 0;
        enum http__io io = http__io_write(c, iov, count, &len);
        if (io == HTTP__IO_AGAIN) {
            c->blocked = true;
            return true;
        }
        if (io != HTTP__IO_OK)
            return false;
        /* Progress earns the reader a new write deadline. */
        if (c->timer_kind == HTTP__TIMER_WRITE)
            c->timer_kind = HTTP__TIMER_NONE;
        advance(c, len);
        if (c->state == HTTP__LINGER)
            return true;
    }
    return true;
}
