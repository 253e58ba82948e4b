#include "router/api/api_private.h"

#include <time.h>

static uint64_t now_s(const struct api *a) {
    struct timespec ts;
    if (a->config.now_s != NULL)
        return a->config.now_s(a->config.now_user);
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    return (uint64_t)ts.tv_sec;
}

struct lookup {
    const struct api_config *config;
    bool stranger; /* secrets were asked for, of a key id that is not listed */
};

static bool find_secret(void *user, struct tc_slice key_id, size_t index,
                        struct tc_slice *ret_secret) {
    struct lookup *lookup = user;
    const struct api_config *c = lookup->config;
    for (size_t i = 0; i < c->credential_count; i++)
        if (tc_slice_eq(c->credentials[i].key_id, key_id)) {
            *ret_secret = c->credentials[i].secret;
            return index == 0;
        }
    lookup->stranger = true;
    if (!c->accept_unknown_keys)
        return false;
    if (index == 0 && c->credential_count > 0)
        *ret_secret = c->credentials[0].secret;
    else
        *ret_secret = key_id;
    return index < (c->credential_count > 0 ? 2u : 1u);
}

static enum api_error error_of(enum sigv4_verdict verdict) {
    switch (verdict) {
    case SIGV4_OK:
        return API_OK;
    case SIGV4_MISSING:
        return API_MISSING_AUTHENTICATION_TOKEN;
    case SIGV4_INCOMPLETE:
        return API_INCOMPLETE_SIGNATURE;
    case SIGV4_UNKNOWN_KEY:
        return API_UNRECOGNIZED_CLIENT;
    case SIGV4_EXPIRED:
    case SIGV4_NOT_YET:
    case SIGV4_UNSIGNED:
    case SIGV4_MISMATCH:
        break;
    }
    return API_INVALID_SIGNATURE;
}

_Static_assert(sizeof(struct http_header) == sizeof(struct sigv4_header) &&
                   offsetof(struct http_header, value) == offsetof(struct sigv4_header, value) &&
                   (int)SIGV4_HEADER_COUNT_MAX >= (int)HTTP_HEADER_COUNT_MAX,
               "headers are handed over in place");

enum api_error api__authenticate(struct api_request *req) {
    struct api *a = req->api;
    struct api__loop *loop = &a->loops[req->loop_index];
    const struct http_head *head = req->http->head;
    struct lookup lookup = {.config = &a->config};
    struct sigv4_identity who;
    struct sigv4_request request = {
        .method = head->method,
        .path = head->path,
        .query = head->query,
        .headers = (const struct sigv4_header *)(const void *)head->headers,
        .header_count = head->header_count,
        .body = req->http->body,
    };
    struct sigv4_verify_params params = {
        .request = &request,
        .now_s = now_s(a),
        .service = TC_SLICE_LIT("dynamodb"),
        .secret = find_secret,
        .user = &lookup,
    };
    enum sigv4_verdict verdict = sigv4_verify(loop->sigv4, &params, &who);
    if (verdict == SIGV4_MISMATCH && lookup.stranger)
        verdict = SIGV4_UNKNOWN_KEY; /* it signed with none of the secrets that strangers may use */
    req->key_id = who.key_id;
    req->region = who.region;
    if (verdict != SIGV4_OK) {
        tc_buf_clear(&loop->decoder.text);
        sigv4_explain(loop->sigv4, &params, verdict, &loop->decoder.text);
    }
    return error_of(verdict);
}
