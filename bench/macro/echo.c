/* The floor for any HTTP service: one epoll thread that answers every POST with a fixed 1 KiB body
 * as soon as the request is whole. Usage: bench_echo PORT */
#include "base/buf.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BODY_BYTES = 1024
};

static char answer[BODY_BYTES + 256];
static size_t answer_len;

static void make_answer(void) {
    int head = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                        BODY_BYTES);
    memset(answer + head, 'x', BODY_BYTES);
    answer_len = (size_t)head + BODY_BYTES;
}

/* True once a whole request was taken from the buffer. */
static bool take(struct tc_buf *in) {
    const char *text = (const char *)in->data;
    const char *end = memmem(text, in->len, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    const char *length = strcasestr(text, "\r\ncontent-length:");
    size_t need = (size_t)(end - text) + 4 + (length ? strtoul(length + 17, NULL, 10) : 0);
    if (in->len < need)
        return false;
    memmove(in->data, in->data + need, in->len - need);
    in->len -= need;
    return true;
}

struct client {
    int fd;
    struct tc_buf in;
};

static void serve(struct client *c) {
    ssize_t n = recv(c->fd, tc_buf_reserve(&c->in, 16384), 16383, 0);
    if (n <= 0) {
        close(c->fd);
        tc_buf_deinit(&c->in);
        free(c);
        return;
    }
    c->in.len += (size_t)n;
    c->in.data[c->in.len] = '\0';
    while (c->in.len > 0 && take(&c->in))
        (void)!send(c->fd, answer, answer_len, MSG_NOSIGNAL);
}

int main(int argc, char **argv) {
    make_answer();
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((uint16_t)strtoul(argc > 1 ? argv[1] : "0", NULL, 10))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 1024) != 0) {
        perror("bench_echo");
        return 1;
    }
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) {
                serve(events[i].data.ptr);
                continue;
            }
            struct client *c = calloc(1, sizeof *c);
            if (c == NULL)
                return 1;
            c->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            struct epoll_event in = {.events = EPOLLIN, .data.ptr = c};
            epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &in);
        }
    }
}
