#include "rpc/rpc_private.h"

#include <grpc/grpc_security.h>
#include <openssl/ssl.h>
#include <stdio.h>

enum {
    PEM_BYTES_MAX = 1 << 20,
};

static tc_err read_file(const char *path, struct tc_buf *ret_text) {
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return TC_EINVAL;
    size_t len = fread(tc_buf_reserve(ret_text, PEM_BYTES_MAX), 1, PEM_BYTES_MAX, f);
    bool whole = !ferror(f) && len > 0 && len < PEM_BYTES_MAX;
    fclose(f);
    if (!whole)
        return TC_EINVAL;
    ret_text->len += len;
    tc_buf_append_u8(ret_text, 0);
    return TC_OK;
}

static bool given(const char *path) {
    return path != NULL && path[0] != '\0';
}

/* gRPC takes any text as PEM and fails each handshake later, with no more than a log line of its
 * own: try the files with OpenSSL first. */
static bool usable(const struct rpc_tls *tls) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    bool ok = ctx != NULL && SSL_CTX_use_certificate_chain_file(ctx, tls->cert_path) == 1 &&
              SSL_CTX_use_PrivateKey_file(ctx, tls->key_path, SSL_FILETYPE_PEM) == 1 &&
              SSL_CTX_check_private_key(ctx) == 1 &&
              SSL_CTX_load_verify_locations(ctx, tls->ca_path, NULL) == 1;
    SSL_CTX_free(ctx);
    return ok;
}

tc_err rpc__tls_load(struct rpc *rpc, const struct rpc_tls *tls) {
    if (!given(tls->cert_path) && !given(tls->key_path) && !given(tls->ca_path))
        return TC_OK;
    if (!given(tls->cert_path) || !given(tls->key_path) || !given(tls->ca_path)) {
        rpc__log(rpc, TC_EINVAL,
                 "TLS needs certificate, key and authority, or none: cert=%d "
                 "key=%d ca=%d",
                 given(tls->cert_path), given(tls->key_path), given(tls->ca_path));
        return TC_EINVAL;
    }
    const char *paths[] = {tls->cert_path, tls->key_path, tls->ca_path};
    struct tc_buf *texts[] = {&rpc->cert, &rpc->key, &rpc->ca};
    for (size_t i = 0; i < 3; i++)
        if (read_file(paths[i], texts[i]) != TC_OK) {
            rpc__log(rpc, TC_EINVAL, "cannot read PEM file: path=%s", paths[i]);
            return TC_EINVAL;
        }
    if (!usable(tls)) {
        rpc__log(rpc, TC_EINVAL, "TLS files do not fit together: cert=%s key=%s ca=%s",
                 tls->cert_path, tls->key_path, tls->ca_path);
        return TC_EINVAL;
    }
    if (given(tls->server_name))
        snprintf(rpc->server_name, sizeof rpc->server_name, "%s", tls->server_name);
    return TC_OK;
}

grpc_channel_credentials *rpc__client_creds(struct rpc *rpc) {
    if (rpc->cert.len == 0)
        return grpc_insecure_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {(const char *)rpc->key.data, (const char *)rpc->cert.data};
    return grpc_ssl_credentials_create_ex((const char *)rpc->ca.data, &pair, NULL, NULL);
}

grpc_server_credentials *rpc__server_creds(struct rpc *rpc) {
    if (rpc->cert.len == 0)
        return grpc_insecure_server_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {(const char *)rpc->key.data, (const char *)rpc->cert.data};
    return grpc_ssl_server_credentials_create_ex(
        (const char *)rpc->ca.data, &pair, 1,
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, NULL);
}
