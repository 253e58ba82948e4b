/* The same server behind TLS, with a certificate made here. */
#include "test_http.h"

#include "base/assert.h"
#include "router/http/http_server.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void make_certificate(const char *cert_file, const char *key_file) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    TC_ASSERT(key != NULL && cert != NULL);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"tercet", -1, -1,
                               0);
    X509_set_issuer_name(cert, name);
    TC_ASSERT(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *f = fopen(cert_file, "wb");
    TC_ASSERT(f != NULL && PEM_write_X509(f, cert) == 1);
    fclose(f);
    f = fopen(key_file, "wb");
    TC_ASSERT(f != NULL && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void echo(void *user, struct http_request *r) {
    (void)user;
    r->status = r->fault_status ? r->fault_status : 200;
    tc_buf_append_slice(&r->answer, r->body);
    http_respond(r);
}

static SSL *dial(struct http_server *s, SSL_CTX *ctx) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(http_server_port(s)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    SSL *ssl = SSL_new(ctx);
    TC_ASSERT(ssl != NULL && SSL_set_fd(ssl, fd) == 1);
    assert_int_equal(SSL_connect(ssl), 1);
    return ssl;
}

/* Requests of several sizes, up to many records, on one connection; then a refusal. */
static void tls_echoes_every_size(void **state) {
    (void)state;
    make_certificate("http_tls_cert.pem", "http_tls_key.pem");
    struct http_options o = http_options_default();
    struct http_server *s;
    o.handler = echo;
    o.cert_file = "http_tls_cert.pem";
    o.key_file = "http_tls_key.pem";
    assert_int_equal(http_server_start(&o, &s), TC_OK);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = dial(s, ctx);
    static const size_t sizes[] = {0, 1, 16384, 100000, 1500000};
    struct tc_buf out = {0}, in = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        tc_buf_clear(&out);
        tc_buf_clear(&in);
        tc_buf_printf(&out, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", sizes[i]);
        size_t head = out.len;
        for (size_t j = 0; j < sizes[i]; j++)
            tc_buf_append_u8(&out, (uint8_t)(j * 31 >> 3));
        assert_int_equal(SSL_write(ssl, out.data, (int)out.len), (int)out.len);
        const uint8_t *end = NULL;
        while (end == NULL || (size_t)(in.data + in.len - end) < sizes[i] + 4) {
            int got = SSL_read(ssl, tc_buf_reserve(&in, 65536), 65536);
            assert_true(got > 0);
            in.len += (size_t)got;
            end = memmem(in.data, in.len, "\r\n\r\n", 4);
        }
        if (sizes[i] > 0)
            assert_memory_equal(end + 4, out.data + head, sizes[i]);
    }
    int fd = SSL_get_fd(ssl);
    SSL_free(ssl);
    close(fd);
    SSL_CTX_free(ctx);
    http_server_free(s);
    tc_buf_deinit(&out);
    tc_buf_deinit(&in);
    unlink("http_tls_cert.pem");
    unlink("http_tls_key.pem");
}

static void tls_needs_both_files(void **state) {
    (void)state;
    struct http_options o = http_options_default();
    struct http_server *s;
    o.handler = echo;
    o.cert_file = "no-such-file.pem";
    assert_int_equal(http_server_start(&o, &s), TC_EINVAL);
    o.key_file = "no-such-file.pem";
    assert_int_equal(http_server_start(&o, &s), TC_EINVAL);
}

const struct CMUnitTest http_tls_tests[HTTP_TLS_TESTS] = {
    cmocka_unit_test(tls_echoes_every_size),
    cmocka_unit_test(tls_needs_both_files),
};
