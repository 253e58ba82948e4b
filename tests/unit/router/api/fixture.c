#include "fixture.h"

#include "base/assert.h"
#include "base/map.h"
#include "router/api/api.h"
#include "router/api/api_unbuilt.h"
#include "router/http/http_gzip.h"
#include "sigv4/sigv4.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

static struct tc_slice key_of(struct tc_slice item) {
    struct item_value v;
    return item_get(item, TC_SLICE_LIT("k"), &v) ? v.encoded : TC_SLICE_EMPTY;
}

static void *put_item(void *arg) {
    struct api_request *req = arg;
    struct fake *fake = req->exec;
    const struct api_write_item *in = req->input;
    pthread_mutex_lock(&fake->lock);
    struct tc_buf *item = calloc(1, sizeof *item);
    TC_ASSERT(item != NULL);
    tc_buf_append_slice(item, in->item);
    struct tc_buf *old = tc_map_put(&fake->items, key_of(in->item), item);
    struct api_consumed consumed = {
        .detail = in->return_capacity, .table_name = in->table_name, .units_mu = 1000};
    api_write_write_item(req->out, TC_SLICE_EMPTY, consumed, (struct api_collection){0});
    pthread_mutex_unlock(&fake->lock);
    if (old != NULL)
        tc_buf_deinit(old);
    free(old);
    api_complete(req);
    return NULL;
}

static void get_item(struct fake *fake, struct api_request *req) {
    const struct api_get_item *in = req->input;
    pthread_mutex_lock(&fake->lock);
    struct tc_buf *item = tc_map_get(&fake->items, key_of(in->key));
    api_write_get_item(req->out, item != NULL ? tc_buf_slice(item) : TC_SLICE_EMPTY,
                       (struct api_consumed){0});
    pthread_mutex_unlock(&fake->lock);
    api_complete(req);
}

static void execute(void *user, struct api_request *req) {
    pthread_t thread;
    req->exec = user;
    switch ((int)req->op->op) {
    case API_OP_PUT_ITEM:
        TC_ASSERT(pthread_create(&thread, NULL, put_item, req) == 0);
        pthread_detach(thread);
        return;
    case API_OP_GET_ITEM:
        get_item(user, req);
        return;
    case API_OP_DESCRIBE_ENDPOINTS:
        api_write_endpoints(req->out, req->host, 1440);
        api_complete(req);
        return;
    case API_OP_TRANSACT:
        api_fail(req, API_UNKNOWN_OPERATION,
                 "The operation %s is not supported by this version of Tercet.", req->op->name);
        return;
    case API_OP_UNBUILT:
        api_unbuilt_answer(req, /* table_exists= */ true);
        return;
    default:
        api_fail(req, API_RESOURCE_NOT_FOUND, "Requested resource not found");
    }
}

static bool ready(void *user, struct tc_buf *ret_why) {
    struct fake *fake = user;
    if (!fake->ready)
        tc_buf_append_str(ret_why, "no storage");
    return fake->ready;
}

static uint64_t now_s(void *user) {
    (void)user;
    return NOW_S;
}

static int setup_with(void **state, bool accept_unknown_keys) {
    static struct api_credential credential;
    struct fixture *f = calloc(1, sizeof *f);
    TC_ASSERT(f != NULL);
    credential = (struct api_credential){TC_SLICE_LIT("tercet"), TC_SLICE_LIT("tercet-secret")};
    pthread_mutex_init(&f->fake.lock, NULL);
    f->fake.ready = true;
    struct api_config c = {
        .credentials = &credential,
        .credential_count = 1,
        .accept_unknown_keys = accept_unknown_keys,
        .region = "us-east-1",
        .loop_count = 1,
        .executor = {execute, ready, &f->fake},
        .now_s = now_s,
    };
    f->api = api_new(&c);
    f->signer = sigv4_new();
    struct http_options o = http_options_default();
    o.handler = api_handle;
    o.user = f->api;
    assert_int_equal(http_server_start(&o, &f->server), TC_OK);
    *state = f;
    return 0;
}

int fixture_setup(void **state) {
    return setup_with(state, /* accept_unknown_keys= */ false);
}

int fixture_setup_local(void **state) {
    return setup_with(state, /* accept_unknown_keys= */ true);
}

int fixture_teardown(void **state) {
    struct fixture *f = *state;
    size_t at = 0;
    void *value;
    struct tc_slice key;
    http_server_free(f->server);
    api_free(f->api);
    sigv4_free(f->signer);
    while (tc_map_next(&f->fake.items, &at, &key, &value)) {
        tc_buf_deinit(value);
        free(value);
    }
    tc_map_deinit(&f->fake.items);
    tc_buf_deinit(&f->in);
    pthread_mutex_destroy(&f->fake.lock);
    free(f);
    return 0;
}

void exchange(struct fixture *f, struct tc_slice bytes) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(http_server_port(f->server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(send(fd, bytes.data, bytes.len, MSG_NOSIGNAL), (ssize_t)bytes.len);
    tc_buf_clear(&f->in);
    for (;;) {
        ssize_t got = recv(fd, tc_buf_reserve(&f->in, 65536), 65536, 0);
        assert_true(got >= 0);
        if (got == 0)
            break;
        f->in.len += (size_t)got;
    }
    close(fd);
    tc_buf_append_u8(&f->in, 0);
    assert_true(f->in.len > 12);
    f->status = (int)strtol((char *)f->in.data + 9, NULL, 10);
    f->body = strstr((char *)f->in.data, "\r\n\r\n");
    assert_non_null(f->body);
    f->body += 4;
}

void call(struct fixture *f, struct call c) {
    const char *type = c.type ? c.type : "application/x-amz-json-1.0";
    struct tc_slice body = c.packed.len ? c.packed : tc_slice_str(c.body);
    struct sigv4_header headers[] = {
        {TC_SLICE_LIT("Host"), TC_SLICE_LIT("localhost:8000")},
        {TC_SLICE_LIT("X-Amz-Target"), tc_slice_str(c.target)},
        {TC_SLICE_LIT("Content-Type"), tc_slice_str(type)},
    };
    struct sigv4_request r = {.method = TC_SLICE_LIT("POST"),
                              .path = TC_SLICE_LIT("/"),
                              .headers = headers,
                              .header_count = 3,
                              .body = body};
    struct sigv4_sign_params p = {
        .request = &r,
        .credentials = {tc_slice_str(c.key_id ? c.key_id : "tercet"),
                        tc_slice_str(c.secret ? c.secret : "tercet-secret")},
        .region = TC_SLICE_LIT("mars-north-1"),
        .service = TC_SLICE_LIT("dynamodb"),
        .now_s = (uint64_t)((int64_t)NOW_S + c.skew_s),
    };
    struct sigv4_signature sig;
    struct tc_buf out = {0};
    assert_int_equal(sigv4_sign(f->signer, &p, &sig), TC_OK);
    tc_buf_printf(&out,
                  "POST / HTTP/1.1\r\nHost: localhost:8000\r\nX-Amz-Target: %s\r\n"
                  "Content-Type: %s\r\nX-Amz-Date: %s\r\n%s"
                  "Authorization: %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                  c.target, type, sig.amz_date, c.more_headers ? c.more_headers : "",
                  sig.authorization, body.len);
    tc_buf_append_slice(&out, body);
    exchange(f, tc_buf_slice(&out));
    tc_buf_deinit(&out);
}

void expect(struct fixture *f, int status, const char *part) {
    if (f->status != status || strstr(f->body, part) == NULL)
        fail_msg("%d %s\nwanted %d %s", f->status, f->body, status, part);
}
