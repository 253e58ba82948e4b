#include "base/assert.h"
#include "router/http/http_private.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    TLS_RECORD_BYTES = 16 * 1024,
};

static enum http__io tls_result(struct http_conn *c, int got) {
    switch (SSL_get_error(c->ssl, got)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return HTTP__IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return HTTP__IO_END;
    default:
        ERR_clear_error();
        return HTTP__IO_ERROR;
    }
}

enum http__io http__io_read(struct http_conn *c, uint8_t *at, size_t cap, size_t *ret_len) {
    TC_ASSERT(cap > 0);
    if (c->ssl != NULL) {
        int got = SSL_read(c->ssl, at, (int)cap);
        if (got <= 0)
            return tls_result(c, got);
        *ret_len = (size_t)got;
        return HTTP__IO_OK;
    }
    ssize_t got;
    do
        got = recv(c->fd, at, cap, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN ? HTTP__IO_AGAIN : HTTP__IO_ERROR;
    *ret_len = (size_t)got;
    return got == 0 ? HTTP__IO_END : HTTP__IO_OK;
}

/* One record: small answers are joined, so that they do not cost a record each. */
static enum http__io tls_write(struct http_conn *c, const struct iovec *iov, int count,
                               size_t *ret_len) {
    uint8_t record[TLS_RECORD_BYTES];
    size_t len = 0;
    for (int i = 0; i < count && len < sizeof record; i++) {
        size_t take = iov[i].iov_len < sizeof record - len ? iov[i].iov_len : sizeof record - len;
        memcpy(record + len, iov[i].iov_base, take);
        len += take;
    }
    int put = SSL_write(c->ssl, record, (int)len);
    if (put <= 0)
        return tls_result(c, put);
    *ret_len = (size_t)put;
    return HTTP__IO_OK;
}

enum http__io http__io_write(struct http_conn *c, const struct iovec *iov, int count,
                             size_t *ret_len) {
    TC_ASSERT(count > 0);
    if (c->ssl != NULL)
        return tls_write(c, iov, count, ret_len);
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov,
                             .msg_iovlen = (size_t)count};
    ssize_t put;
    do
        put = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put < 0)
        return errno == EAGAIN ? HTTP__IO_AGAIN : HTTP__IO_ERROR;
    *ret_len = (size_t)put;
    return HTTP__IO_OK;
}

tc_err http__tls_new(const char *cert_file, const char *key_file, SSL_CTX **ret_tls) {
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    TC_ASSERT(tls != NULL);
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (SSL_CTX_use_certificate_chain_file(tls, cert_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls) != 1) {
        SSL_CTX_free(tls);
        ERR_clear_error();
        return TC_EINVAL;
    }
    *ret_tls = tls;
    return TC_OK;
}
