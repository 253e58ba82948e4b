#include "router/http/http_server.h"

#include "base/assert.h"
#include "router/http/http_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LISTEN_BACKLOG = 1024,
};

struct http_options http_options_default(void) {
    return (struct http_options){
        .host = "127.0.0.1",
        .loop_count = 1,
        .connection_count_max = 4096,
        .body_bytes_max = HTTP_BODY_BYTES_MAX,
        .large_bytes_max = 512u * 1024 * 1024,
        .head_ms_max = 10 * 1000,
        .body_ms_max = 30 * 1000,
        .idle_ms_max = 120 * 1000,
        .write_ms_max = 30 * 1000,
    };
}

static tc_err parse_address(const struct http_options *o, struct sockaddr_storage *ret_address,
                            socklen_t *ret_len) {
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    if (inet_pton(AF_INET, o->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(o->port);
        *ret_len = sizeof *v4;
    } else if (inet_pton(AF_INET6, o->host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(o->port);
        *ret_len = sizeof *v6;
    } else {
        return TC_EINVAL;
    }
    *ret_address = address;
    return TC_OK;
}

static tc_err open_listener(struct http_server *s) {
    struct sockaddr_storage address;
    socklen_t len;
    int on = 1;
    TC_TRY(parse_address(&s->options, &address, &len));
    s->listen_fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->listen_fd < 0)
        return TC_EIO;
    (void)setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s->listen_fd, (struct sockaddr *)&address, len) != 0 ||
        listen(s->listen_fd, LISTEN_BACKLOG) != 0 ||
        getsockname(s->listen_fd, (struct sockaddr *)&address, &len) != 0)
        return TC_EIO;
    in_port_t port = address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                   : ((struct sockaddr_in *)&address)->sin_port;
    s->port = ntohs(port);
    return TC_OK;
}

static tc_err start(struct http_server *s) {
    if (s->options.cert_file != NULL)
        TC_TRY(http__tls_new(s->options.cert_file, s->options.key_file, &s->tls));
    TC_TRY(open_listener(s));
    for (unsigned i = 0; i < s->options.loop_count; i++)
        TC_TRY(http__loop_init(&s->loops[i], s, i));
    for (; s->started_count < s->options.loop_count; s->started_count++) {
        struct http_loop *l = &s->loops[s->started_count];
        int rc = pthread_create(&l->thread, NULL, http__loop_main, l);
        if (rc != 0) {
            errno = rc;
            return TC_EIO;
        }
    }
    return TC_OK;
}

tc_err http_server_start(const struct http_options *options, struct http_server **ret_server) {
    TC_ASSERT(options->handler != NULL);
    if (options->loop_count == 0 || options->loop_count > HTTP_LOOP_COUNT_MAX ||
        (options->cert_file == NULL) != (options->key_file == NULL))
        return TC_EINVAL;
    struct http_server *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->options = *options;
    s->listen_fd = -1;
    tc_err err = start(s);
    if (err != TC_OK) {
        int cause = errno;
        http_server_free(s);
        errno = cause;
        return err;
    }
    *ret_server = s;
    return TC_OK;
}

uint16_t http_server_port(const struct http_server *s) {
    return s->port;
}

struct http_stats http_server_stats(struct http_server *s) {
    struct http_stats t = {0};
    for (unsigned i = 0; i < s->options.loop_count; i++) {
        struct http_loop *l = &s->loops[i];
        t.accepted_count += atomic_load_explicit(&l->accepted_count, memory_order_relaxed);
        t.refused_count += atomic_load_explicit(&l->refused_count, memory_order_relaxed);
        t.request_count += atomic_load_explicit(&l->request_count, memory_order_relaxed);
        t.fault_count += atomic_load_explicit(&l->fault_count, memory_order_relaxed);
        t.timeout_count += atomic_load_explicit(&l->timeout_count, memory_order_relaxed);
        t.open_count += atomic_load_explicit(&l->open_count, memory_order_relaxed);
        t.in_flight_count += atomic_load_explicit(&l->in_flight_count, memory_order_relaxed);
    }
    return t;
}

static void wake_all(struct http_server *s) {
    for (unsigned i = 0; i < s->started_count; i++)
        http__loop_wake(&s->loops[i]);
}

void http_server_drain(struct http_server *s) {
    atomic_store_explicit(&s->draining, true, memory_order_relaxed);
    wake_all(s);
}

void http_server_free(struct http_server *s) {
    if (s == NULL)
        return;
    atomic_store_explicit(&s->stopping, true, memory_order_release);
    wake_all(s);
    for (unsigned i = 0; i < s->started_count; i++)
        (void)pthread_join(s->loops[i].thread, NULL);
    for (unsigned i = 0; i < s->options.loop_count; i++)
        http__loop_deinit(&s->loops[i]);
    if (s->listen_fd >= 0)
        (void)close(s->listen_fd);
    SSL_CTX_free(s->tls);
    free(s);
}
