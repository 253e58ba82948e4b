/* TLS files, read again when they change.
 *
 * The core has a provider that watches files, but calls it experimental and subject to change, in
 * the version that Debian 12 has (1.51) as in later ones. What it promises is enough: a server asks
 * for its certificates at each handshake (the fetcher below), and each stream has a channel of its
 * own, whose credentials are made when it is opened. So files are looked at when a connection is
 * made, and no thread watches them.
 */
#include "rpc/rpc_private.h"

#include <grpc/grpc_security.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    PEM_BYTES_MAX = 1 << 20,
    CERT = 0, /* places in rpc__tls */
    KEY = 1,
    CA = 2,
};

/* Threads of the core may still be in a handshake, or come to their own end, while the process
 * exits: a library that cleans up before them crashes them, or loses what it keeps for each of
 * them. It must be told before its first use, which need not be this folder's. */
__attribute__((constructor)) static void keep_openssl_to_the_end(void) {
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

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
static bool usable(char *const paths[RPC__TLS_FILES]) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    bool ok = ctx != NULL && SSL_CTX_use_certificate_chain_file(ctx, paths[CERT]) == 1 &&
              SSL_CTX_use_PrivateKey_file(ctx, paths[KEY], SSL_FILETYPE_PEM) == 1 &&
              SSL_CTX_check_private_key(ctx) == 1 &&
              SSL_CTX_load_verify_locations(ctx, paths[CA], NULL) == 1;
    SSL_CTX_free(ctx);
    return ok;
}

static void look(const struct rpc__tls *t, struct rpc__stamp stamps[RPC__TLS_FILES]) {
    for (size_t i = 0; i < RPC__TLS_FILES; i++) {
        struct stat st;
        stamps[i] = (struct rpc__stamp){.inode = 0}; /* none there */
        if (stat(t->paths[i], &st) == 0)
            stamps[i] = (struct rpc__stamp){st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                                            (uint64_t)st.st_ino, (uint64_t)st.st_size};
    }
}

static bool same(const struct rpc__stamp *a, const struct rpc__stamp *b) {
    return a->s == b->s && a->ns == b->ns && a->inode == b->inode && a->bytes == b->bytes;
}

static bool all_same(const struct rpc__stamp *a, const struct rpc__stamp *b) {
    bool equal = true;
    for (size_t i = 0; i < RPC__TLS_FILES; i++)
        equal = equal && same(&a[i], &b[i]);
    return equal;
}

/* Into ret_texts; what is wrong is told. The files must be the same before and after, or what was
 * tried is not what was read. */
static tc_err read_files(struct rpc *rpc, struct tc_buf ret_texts[RPC__TLS_FILES]) {
    struct rpc__tls *t = &rpc->tls;
    struct rpc__stamp after[RPC__TLS_FILES];
    for (size_t i = 0; i < RPC__TLS_FILES; i++)
        if (read_file(t->paths[i], &ret_texts[i]) != TC_OK) {
            rpc__log(rpc, TC_EINVAL, "cannot read PEM file: path=%s", t->paths[i]);
            return TC_EINVAL;
        }
    bool fit = usable(t->paths);
    look(t, after);
    if (!fit || !all_same(t->stamps, after)) {
        rpc__log(rpc, TC_EINVAL, "TLS files do not fit together: cert=%s key=%s ca=%s",
                 t->paths[CERT], t->paths[KEY], t->paths[CA]);
        return TC_EINVAL;
    }
    return TC_OK;
}

/* lock held. */
static tc_err reload(struct rpc *rpc) {
    struct rpc__tls *t = &rpc->tls;
    struct tc_buf texts[RPC__TLS_FILES] = {{0}};
    tc_err err = read_files(rpc, texts);
    for (size_t i = 0; i < RPC__TLS_FILES; i++) {
        struct tc_buf old = t->texts[i];
        if (err == TC_OK)
            t->texts[i] = texts[i];
        tc_buf_deinit(err == TC_OK ? &old : &texts[i]);
    }
    if (err == TC_OK)
        __atomic_add_fetch(&t->version, 1, __ATOMIC_RELEASE);
    return err;
}

/* Before a connection is made. Files that were tried are not tried again until they change. */
static void refresh(struct rpc *rpc) {
    struct rpc__tls *t = &rpc->tls;
    struct rpc__stamp now[RPC__TLS_FILES];
    look(t, now);
    if (all_same(now, t->stamps))
        return;
    memcpy(t->stamps, now, sizeof now);
    if (reload(rpc) == TC_OK)
        rpc__log(rpc, TC_OK, "TLS files changed and are in force for new connections: cert=%s",
                 t->paths[CERT]);
}

static bool keep_paths(struct rpc__tls *t, const struct rpc_tls *tls) {
    const char *const paths[] = {tls->cert_path, tls->key_path, tls->ca_path};
    for (size_t i = 0; i < RPC__TLS_FILES; i++) {
        if (!given(paths[i]))
            return false;
        t->paths[i] = strdup(paths[i]);
        TC_ASSERT(t->paths[i] != NULL);
    }
    return true;
}

tc_err rpc__tls_load(struct rpc *rpc, const struct rpc_tls *tls) {
    struct rpc__tls *t = &rpc->tls;
    if (!given(tls->cert_path) && !given(tls->key_path) && !given(tls->ca_path))
        return TC_OK;
    if (!keep_paths(t, tls)) {
        rpc__log(rpc, TC_EINVAL,
                 "TLS needs certificate, key and authority, or none: cert=%d "
                 "key=%d ca=%d",
                 given(tls->cert_path), given(tls->key_path), given(tls->ca_path));
        return TC_EINVAL;
    }
    look(t, t->stamps);
    TC_TRY(reload(rpc));
    if (given(tls->server_name))
        snprintf(rpc->server_name, sizeof rpc->server_name, "%s", tls->server_name);
    return TC_OK;
}

void rpc__tls_deinit(struct rpc__tls *t) {
    for (size_t i = 0; i < RPC__TLS_FILES; i++) {
        free(t->paths[i]);
        tc_buf_deinit(&t->texts[i]);
    }
    pthread_mutex_destroy(&t->lock);
}

uint32_t rpc__tls_version(const struct rpc *rpc) {
    return __atomic_load_n(&rpc->tls.version, __ATOMIC_ACQUIRE);
}

/* ---- credentials */

static grpc_ssl_pem_key_cert_pair pair_of(const struct rpc__tls *t) {
    return (grpc_ssl_pem_key_cert_pair){(const char *)t->texts[KEY].data,
                                        (const char *)t->texts[CERT].data};
}

grpc_channel_credentials *rpc__client_creds(struct rpc *rpc) {
    struct rpc__tls *t = &rpc->tls;
    if (t->paths[CERT] == NULL)
        return grpc_insecure_credentials_create();
    pthread_mutex_lock(&t->lock);
    refresh(rpc);
    grpc_ssl_pem_key_cert_pair pair = pair_of(t);
    grpc_channel_credentials *creds =
        grpc_ssl_credentials_create_ex((const char *)t->texts[CA].data, &pair, NULL, NULL);
    pthread_mutex_unlock(&t->lock);
    return creds;
}

/* At the server's start and before each of its handshakes, on a thread of the core. */
static grpc_ssl_certificate_config_reload_status
fetch(void *user, grpc_ssl_server_certificate_config **ret_config) {
    struct rpc__tls_served *served = user;
    struct rpc__tls *t = &served->rpc->tls;
    pthread_mutex_lock(&t->lock);
    refresh(served->rpc);
    bool news = served->version != t->version;
    served->version = t->version;
    grpc_ssl_pem_key_cert_pair pair = pair_of(t);
    if (news)
        *ret_config =
            grpc_ssl_server_certificate_config_create((const char *)t->texts[CA].data, &pair, 1);
    pthread_mutex_unlock(&t->lock);
    return news ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW
                : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
}

grpc_server_credentials *rpc__server_creds(struct rpc__tls_served *served) {
    if (served->rpc->tls.paths[CERT] == NULL)
        return grpc_insecure_server_credentials_create();
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, fetch, served));
}
