/* The server over loopback: framing, order, limits and clients that misbehave. The handler echoes
 * the body; a path that starts with /later is answered from another thread, in reverse order. */
#include "test_http.h"

#include "base/assert.h"
#include "router/http/http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LATER_COUNT_MAX = 64,
    READ_MS_MAX = 10 * 1000,
};

struct fixture {
    struct http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_request *later[LATER_COUNT_MAX];
    size_t later_count;
};

static void answer(struct http_request *r) {
    r->status = r->fault_status ? r->fault_status : 200;
    tc_buf_append_slice(&r->headers, TC_SLICE_LIT("X-Echo: 1\r\n"));
    tc_buf_append_slice(&r->answer, r->body);
    http_respond(r);
}

static void handle(void *user, struct http_request *r) {
    struct fixture *f = user;
    if (!tc_slice_has_prefix(r->head->path, TC_SLICE_LIT("/later"))) {
        answer(r);
        return;
    }
    pthread_mutex_lock(&f->lock);
    TC_ASSERT(f->later_count < LATER_COUNT_MAX);
    f->later[f->later_count++] = r;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void wait_later(struct fixture *f, size_t count) {
    pthread_mutex_lock(&f->lock);
    while (f->later_count < count)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
}

/* Answer all that wait, last first, from this (foreign) thread. */
static void answer_later(struct fixture *f) {
    pthread_mutex_lock(&f->lock);
    while (f->later_count > 0)
        answer(f->later[--f->later_count]);
    pthread_mutex_unlock(&f->lock);
}

static struct fixture *setup(struct http_options o) {
    struct fixture *f = calloc(1, sizeof *f);
    TC_ASSERT(f != NULL);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    o.handler = handle;
    o.user = f;
    assert_int_equal(http_server_start(&o, &f->server), TC_OK);
    return f;
}

static void teardown(struct fixture *f) {
    answer_later(f);
    http_server_free(f->server);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->changed);
    free(f);
}

static int dial(struct fixture *f) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(http_server_port(f->server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = READ_MS_MAX / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void put(int fd, const char *text) {
    size_t len = strlen(text);
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Read until the server closes. */
static void read_all(int fd, struct tc_buf *out) {
    ssize_t got;
    tc_buf_clear(out);
    do {
        got = recv(fd, tc_buf_reserve(out, 65536), 65536, 0);
        if (got > 0)
            out->len += (size_t)got;
    } while (got > 0);
    assert_int_equal(got, 0);
    tc_buf_append_u8(out, 0);
    out->len--;
}

/* Read until text occurs. */
static void read_until(int fd, struct tc_buf *out, const char *text) {
    tc_buf_clear(out);
    while (out->len == 0 || memmem(out->data, out->len, text, strlen(text)) == NULL) {
        ssize_t got = recv(fd, tc_buf_reserve(out, 65536), 65536, 0);
        if (got <= 0)
            fail_msg("closed before %s", text);
        out->len += (size_t)got;
    }
}

static size_t occurrences(const struct tc_buf *b, const char *text) {
    size_t count = 0;
    for (const char *at = (const char *)b->data; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void echoes_and_keeps_the_connection(void **state) {
    (void)state;
    struct fixture *f = setup(http_options_default());
    struct tc_buf in = {0};
    int fd = dial(f);
    for (int i = 0; i < 3; i++) {
        put(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        read_until(fd, &in, "\r\n\r\nhello");
        assert_true(tc_slice_has_prefix(tc_buf_slice(&in), TC_SLICE_LIT("HTTP/1.1 200 OK\r\n")));
    }
    put(fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    read_all(fd, &in);
    assert_non_null(strstr((char *)in.data, "Connection: close\r\n"));
    assert_non_null(strstr((char *)in.data, "\r\n\r\nabcde"));
    close(fd);
    tc_buf_deinit(&in);
    teardown(f);
}

/* Answers are given last first by another thread and must leave first first. More requests than
 * the pipeline holds, so reading must pause and go on. */
static void pipelined_answers_keep_their_order(void **state) {
    (void)state;
    struct fixture *f = setup(http_options_default());
    struct tc_buf in = {0}, out = {0};
    int fd = dial(f);
    enum {
        COUNT = 3 * HTTP_PIPELINE_COUNT_MAX + 5
    };
    for (int i = 0; i < COUNT; i++)
        tc_buf_printf(&out, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n%s\r\n%03d",
                      i + 1 < COUNT ? "" : "Connection: close\r\n", i);
    assert_int_equal(send(fd, out.data, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
    for (int left = COUNT; left > 0; left -= HTTP_PIPELINE_COUNT_MAX) {
        wait_later(f, left < HTTP_PIPELINE_COUNT_MAX ? (size_t)left : HTTP_PIPELINE_COUNT_MAX);
        answer_later(f);
    }
    read_all(fd, &in);
    const char *at = (const char *)in.data;
    for (int i = 0; i < COUNT; i++) {
        at = strstr(at, "\r\n\r\n");
        assert_non_null(at);
        at += 4;
        assert_int_equal(strtol((char[]){at[0], at[1], at[2], 0}, NULL, 10), i);
    }
    close(fd);
    tc_buf_deinit(&in);
    tc_buf_deinit(&out);
    teardown(f);
}

static void every_cut_of_a_request_reads_alike(void **state) {
    (void)state;
    struct fixture *f = setup(http_options_default());
    static const char text[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n0\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n"
                               "Connection: close\r\nContent-Length: 2\r\n\r\nxy";
    struct tc_buf in = {0};
    for (size_t cut = 1; cut < sizeof text - 1; cut += 3) {
        int fd = dial(f);
        assert_int_equal(send(fd, text, cut, MSG_NOSIGNAL), (ssize_t)cut);
        assert_int_equal(send(fd, text + cut, sizeof text - 1 - cut, MSG_NOSIGNAL),
                         (ssize_t)(sizeof text - 1 - cut));
        read_all(fd, &in);
        assert_int_equal(occurrences(&in, "200 OK"), 2);
        assert_non_null(strstr((char *)in.data, "\r\n\r\nabc"));
        assert_non_null(strstr((char *)in.data, "\r\n\r\nxy"));
        close(fd);
    }
    tc_buf_deinit(&in);
    teardown(f);
}

static void refuse_case(struct fixture *f, const char *text, const char *status) {
    struct tc_buf in = {0};
    int fd = dial(f);
    put(fd, text);
    read_all(fd, &in);
    if (!tc_slice_has_prefix(tc_buf_slice(&in), tc_slice_str(status)))
        fail_msg("%s answered %s", text, (char *)in.data);
    assert_non_null(strstr((char *)in.data, "Connection: close\r\n"));
    close(fd);
    tc_buf_deinit(&in);
}

static void refuses_and_closes(void **state) {
    (void)state;
    struct http_options o = http_options_default();
    o.body_bytes_max = 100;
    struct fixture *f = setup(o);
    refuse_case(f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", "HTTP/1.1 413 ");
    refuse_case(f, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n",
                "HTTP/1.1 413 ");
    refuse_case(f, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "HTTP/1.1 400 ");
    refuse_case(f,
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"
                "\r\n0\r\n\r\n",
                "HTTP/1.1 400 ");
    refuse_case(f, "GET / HTTP/3.0\r\n\r\n", "HTTP/1.1 505 ");
    struct tc_buf big = {0};
    tc_buf_append_str(&big, "POST / HTTP/1.1\r\nHost: a\r\nX: ");
    while (big.len <= HTTP_HEAD_BYTES_MAX)
        tc_buf_append_str(&big, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    tc_buf_append_u8(&big, 0);
    refuse_case(f, (char *)big.data, "HTTP/1.1 431 ");
    tc_buf_deinit(&big);
    struct http_stats stats = http_server_stats(f->server);
    assert_int_equal(stats.fault_count, 6);
    teardown(f);
}

static void continue_is_sent_when_asked_for(void **state) {
    (void)state;
    struct fixture *f = setup(http_options_default());
    struct tc_buf in = {0};
    int fd = dial(f);
    put(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    read_until(fd, &in, "100 Continue\r\n\r\n");
    put(fd, "body");
    read_until(fd, &in, "\r\n\r\nbody");
    close(fd);
    tc_buf_deinit(&in);
    teardown(f);
}

static void slow_heads_and_bodies_time_out(void **state) {
    (void)state;
    struct http_options o = http_options_default();
    o.head_ms_max = o.body_ms_max = 1;
    o.idle_ms_max = 1;
    struct fixture *f = setup(o);
    refuse_case(f, "POST / HTTP/1.1\r\nHo", "HTTP/1.1 408 ");
    refuse_case(f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab", "HTTP/1.1 408 ");
    struct tc_buf in = {0};
    int fd = dial(f);
    read_all(fd, &in); /* an idle connection is closed without a word */
    assert_int_equal(in.len, 0);
    close(fd);
    tc_buf_deinit(&in);
    assert_int_equal(http_server_stats(f->server).timeout_count, 2);
    teardown(f);
}

/* Large bodies both ways: more than a socket buffer, so writes are partial. */
static void large_bodies_pass_whole(void **state) {
    (void)state;
    struct fixture *f = setup(http_options_default());
    enum {
        LEN = 3 * 1024 * 1024
    };
    struct tc_buf out = {0}, in = {0};
    tc_buf_printf(&out,
                  "POST /later HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                  "Content-Length: %d\r\n\r\n",
                  LEN);
    size_t head = out.len;
    for (uint32_t i = 0; i < LEN / 4; i++)
        tc_buf_append_u32(&out, i * 2654435761u);
    int fd = dial(f);
    assert_int_equal(send(fd, out.data, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
    wait_later(f, 1);
    answer_later(f);
    read_all(fd, &in);
    assert_true(in.len > LEN);
    assert_memory_equal(in.data + in.len - LEN, out.data + head, LEN);
    close(fd);
    tc_buf_deinit(&out);
    tc_buf_deinit(&in);
    teardown(f);
}

/* Two bodies of 100 KiB do not fit into 150 KiB; once the first is answered the next one does. */
static void large_bodies_share_a_bound(void **state) {
    (void)state;
    struct http_options o = http_options_default();
    o.large_bytes_max = 150 * 1024;
    struct fixture *f = setup(o);
    enum {
        LEN = 100 * 1024
    };
    struct tc_buf out = {0}, in = {0};
    tc_buf_printf(&out,
                  "POST /later HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                  "Content-Length: %d\r\n\r\n",
                  LEN);
    memset(tc_buf_extend(&out, LEN), 'x', LEN);
    for (int round = 0; round < 2; round++) {
        int first = dial(f), second = dial(f);
        assert_int_equal(send(first, out.data, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
        wait_later(f, 1);
        assert_int_equal(send(second, out.data, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
        read_all(second, &in);
        assert_true(tc_slice_has_prefix(tc_buf_slice(&in), TC_SLICE_LIT("HTTP/1.1 503 ")));
        answer_later(f);
        read_all(first, &in);
        assert_true(tc_slice_has_prefix(tc_buf_slice(&in), TC_SLICE_LIT("HTTP/1.1 200 ")));
        close(first);
        close(second);
    }
    tc_buf_deinit(&out);
    tc_buf_deinit(&in);
    teardown(f);
}

static void a_client_may_vanish(void **state) {
    (void)state;
    struct fixture *f = setup(http_options_default());
    struct tc_buf in = {0};
    struct linger hard = {.l_onoff = 1};
    for (int i = 0; i < 8; i++) {
        int fd = dial(f);
        put(fd, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
                "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab");
        wait_later(f, (size_t)i + 1);
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(fd);
    }
    answer_later(f);
    int fd = dial(f); /* and the server goes on serving */
    put(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok");
    read_until(fd, &in, "\r\n\r\nok");
    close(fd);
    tc_buf_deinit(&in);
    teardown(f);
}

static void draining_answers_then_closes(void **state) {
    (void)state;
    struct http_options o = http_options_default();
    o.loop_count = 2;
    struct fixture *f = setup(o);
    struct tc_buf in = {0};
    int idle = dial(f), busy = dial(f);
    put(idle, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    read_until(idle, &in, "\r\n\r\nx");
    put(busy, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\ny");
    wait_later(f, 1);
    http_server_drain(f->server);
    read_all(idle, &in);
    answer_later(f);
    read_all(busy, &in);
    assert_non_null(strstr((char *)in.data, "\r\n\r\ny"));
    close(idle);
    close(busy);
    tc_buf_deinit(&in);
    teardown(f);
}

static void connections_are_bounded(void **state) {
    (void)state;
    struct http_options o = http_options_default();
    o.connection_count_max = 1;
    struct fixture *f = setup(o);
    struct tc_buf in = {0};
    int first = dial(f);
    put(first, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    read_until(first, &in, "\r\n\r\nx");
    int second = dial(f);
    read_all(second, &in);
    assert_int_equal(http_server_stats(f->server).refused_count, 1);
    close(first);
    close(second);
    tc_buf_deinit(&in);
    teardown(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_and_keeps_the_connection),
        cmocka_unit_test(pipelined_answers_keep_their_order),
        cmocka_unit_test(every_cut_of_a_request_reads_alike),
        cmocka_unit_test(refuses_and_closes),
        cmocka_unit_test(continue_is_sent_when_asked_for),
        cmocka_unit_test(slow_heads_and_bodies_time_out),
        cmocka_unit_test(large_bodies_pass_whole),
        cmocka_unit_test(large_bodies_share_a_bound),
        cmocka_unit_test(a_client_may_vanish),
        cmocka_unit_test(draining_answers_then_closes),
        cmocka_unit_test(connections_are_bounded),
    };
    int failed = cmocka_run_group_tests(http_parser_tests, NULL, NULL);
    failed += cmocka_run_group_tests(http_tls_tests, NULL, NULL);
    failed += cmocka_run_group_tests(http_gzip_tests, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
