/* One API request: signed, sent to a router that listens, classified by what came back. */
#include "sim/suite/client.h"

#include "base/assert.h"
#include "sigv4/sigv4.h"

#include <stdlib.h>
#include <string.h>

struct call {
    struct suite *suite;
    struct tc_buf head;
    struct tc_buf body;
    bool orders; /* UpdateTable: may come too late, or twice */
    suite_call_fn done;
    void *user;
    bool over;
};

static struct sigv4 *signer;

static void sign(struct call *c, const char *operation) {
    struct tc_buf target = {0};
    tc_buf_printf(&target, "DynamoDB_20120810.%s", operation);
    const struct sigv4_header headers[] = {
        {TC_SLICE_LIT("host"), TC_SLICE_LIT("router")},
        {TC_SLICE_LIT("content-type"), TC_SLICE_LIT("application/x-amz-json-1.0")},
        {TC_SLICE_LIT("x-amz-target"), tc_buf_slice(&target)},
    };
    const struct sigv4_request request = {.method = TC_SLICE_LIT("POST"),
                                          .path = TC_SLICE_LIT("/"),
                                          .headers = headers,
                                          .header_count = 3,
                                          .body = tc_buf_slice(&c->body)};
    const struct sigv4_sign_params params = {
        .request = &request,
        .credentials = {TC_SLICE_LIT("tercet"), TC_SLICE_LIT("tercet-local-secret")},
        .region = TC_SLICE_LIT("us-east-1"),
        .service = TC_SLICE_LIT("dynamodb"),
        .now_s = suite_proc_wall_ns(&c->suite->procs[0]) / SUITE_S};
    struct sigv4_signature signature;
    signer = signer ? signer : sigv4_new();
    tc_err err = sigv4_sign(signer, &params, &signature);
    TC_ASSERT(err == TC_OK);
    tc_buf_printf(&c->head,
                  "POST / HTTP/1.1\r\nHost: router\r\nContent-Type: application/x-amz-json-1.0\r\n"
                  "X-Amz-Target: %.*s\r\nX-Amz-Date: %s\r\nAuthorization: %s\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  (int)target.len, (const char *)target.data, signature.amz_date,
                  signature.authorization, c->body.len);
    tc_buf_deinit(&target);
}

static bool has(struct tc_slice body, const char *word) {
    return body.len > 0 && memmem(body.data, body.len, word, strlen(word)) != NULL;
}

static enum suite_class class_of(const struct call *c, const struct suite_answer *a) {
    struct suite *s = c->suite;
    static const char *const nothing[] = {
        "ThrottlingException", "ProvisionedThroughputExceeded",     "RequestLimitExceeded",
        "ResourceInUse",       "does not have the specified index", "Cannot read from backfilling"};
    if (a->status == 200)
        return CLASS_OK;
    if (a->status >= 500)
        return CLASS_UNKNOWN;
    if (has(a->body, "ConditionalCheckFailed"))
        return CLASS_CONDITION;
    if (c->orders)
        return CLASS_NOTHING;
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
        if (has(a->body, nothing[i]))
            return CLASS_NOTHING;
    suite_fail(s, "a client was refused: %u %.*s", a->status, (int)a->body.len,
               (const char *)a->body.data);
    return CLASS_NOTHING;
}

static void finish(struct call *c, enum suite_class class, struct tc_slice body) {
    if (c->over)
        return;
    c->over = true;
    c->done(c->user, class, body);
    tc_buf_deinit(&c->head);
    tc_buf_deinit(&c->body);
}

static void answered(void *user, const struct suite_answer *a) {
    struct call *c = user;
    if (!c->over)
        finish(c, class_of(c, a), a->body);
}

static void impatient(struct suite *s, void *arg) {
    (void)s;
    finish(arg, CLASS_UNKNOWN, TC_SLICE_EMPTY);
}

/* One router after the other; when none listens, again soon. */
static void send(struct suite *s, void *arg) {
    struct call *c = arg;
    uint64_t first = suite_below(s, s->proc_count);
    for (uint32_t i = 0; i < s->proc_count && !c->over; i++) {
        struct suite_proc *p = &s->procs[(first + i) % s->proc_count];
        if (strcmp(p->kind, "router") == 0 &&
            suite_front_request(p, tc_buf_slice(&c->head), tc_buf_slice(&c->body), answered, c))
            return;
    }
    if (!c->over)
        suite_after(s, 100 * SUITE_MS, send, c);
}

void suite_call(struct suite *s, const char *operation, struct tc_slice body, suite_call_fn done,
                void *user) {
    struct call *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    *c = (struct call){.suite = s, .done = done, .user = user};
    c->orders = strcmp(operation, "UpdateTable") == 0;
    tc_buf_append_slice(&c->body, body);
    sign(c, operation);
    suite_after(s, suite_net_delay_ns(s), send, c);
    suite_after(s, SUITE_PATIENCE_NS, impatient, c);
}
