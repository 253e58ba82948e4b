/* What the canary asks of libcurl: one request at a time, over the simulated network, to the front
 * door of a router (front.c). The linker sends its calls here (--wrap). An answer that a cut link
 * lost, or a router that died, is a timeout; a router that does not listen cannot be reached. */
#define CURL_DISABLE_TYPECHECK

#include "sim/suite/suite.h"
#include "sim/suite/wire.h"

#include "base/assert.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

CURLcode __wrap_curl_global_init(long flags);
void __wrap_curl_global_cleanup(void);
CURL *__wrap_curl_easy_init(void);
CURLcode __wrap_curl_easy_setopt(CURL *curl, CURLoption option, ...);
CURLcode __wrap_curl_easy_perform(CURL *curl);
CURLcode __wrap_curl_easy_getinfo(CURL *curl, CURLINFO info, ...);
void __wrap_curl_easy_cleanup(CURL *curl);

struct easy {
    uint32_t router; /* process */
    uint64_t timeout_ns;
    curl_write_callback write;
    void *user;
    const struct curl_slist *headers;
    struct tc_slice body;
    long status;
};

/* A request on its way. Whoever sent it may die or give up before the answer comes. */
struct trip {
    struct suite_proc *from, *to;
    uint64_t life;
    bool left;
    bool refused;
    bool answered;
    struct tc_buf head, body, answer;
    long status;
};

CURLcode __wrap_curl_global_init(long flags) {
    (void)flags;
    return CURLE_OK;
}

void __wrap_curl_global_cleanup(void) {}

CURL *__wrap_curl_easy_init(void) {
    struct easy *e = calloc(1, sizeof *e);
    TC_ASSERT(e != NULL);
    return e;
}

void __wrap_curl_easy_cleanup(CURL *curl) {
    free(curl);
}

/* http://127.0.0.1:PORT/ */
static uint32_t router_of(const char *url) {
    const char *colon = strrchr(url, ':');
    TC_ASSERT(colon != NULL);
    return (uint32_t)strtoul(colon + 1, NULL, 10) - HTTP_PORT_BASE;
}

static void set(struct easy *e, CURLoption option, va_list args) {
    switch ((int)option) {
    case CURLOPT_URL:
        e->router = router_of(va_arg(args, const char *));
        break;
    case CURLOPT_TIMEOUT_MS:
        e->timeout_ns = (uint64_t)va_arg(args, long) * SUITE_MS;
        break;
    case CURLOPT_WRITEFUNCTION:
        e->write = va_arg(args, curl_write_callback);
        break;
    case CURLOPT_WRITEDATA:
        e->user = va_arg(args, void *);
        break;
    case CURLOPT_HTTPHEADER:
        e->headers = va_arg(args, const struct curl_slist *);
        break;
    case CURLOPT_POSTFIELDS:
        e->body.data = va_arg(args, const uint8_t *);
        break;
    case CURLOPT_POSTFIELDSIZE:
        e->body.len = (size_t)va_arg(args, long);
        break;
    case CURLOPT_PROXY: /* nothing of the kind is here */
    case CURLOPT_NOSIGNAL:
    case CURLOPT_POST:
        break;
    default:
        TC_ASSERT(!"an option of libcurl that nobody simulates");
    }
}

CURLcode __wrap_curl_easy_setopt(CURL *curl, CURLoption option, ...) {
    va_list args;
    va_start(args, option);
    set(curl, option, args);
    va_end(args);
    return CURLE_OK;
}

CURLcode __wrap_curl_easy_getinfo(CURL *curl, CURLINFO info, ...) {
    const struct easy *e = curl;
    va_list args;
    TC_ASSERT(info == CURLINFO_RESPONSE_CODE);
    va_start(args, info);
    *va_arg(args, long *) = e->status;
    va_end(args);
    return CURLE_OK;
}

/* ---- one request */

static void trip_free(struct trip *t) {
    tc_buf_deinit(&t->head);
    tc_buf_deinit(&t->body);
    tc_buf_deinit(&t->answer);
    free(t);
}

/* Back at the process that sent it, if it still is and waits. */
static void come_back(struct trip *t) {
    if (t->left || !t->from->alive || t->from->life != t->life)
        trip_free(t);
    else
        suite_wake(t->from, t, /* all= */ true);
}

static void answered(void *user, const struct suite_answer *a) {
    struct trip *t = user;
    if (!suite_net_open(t->from->suite, t->to->id, t->from->id))
        return; /* it waits in vain */
    t->answered = true;
    t->status = (long)a->status;
    tc_buf_append_slice(&t->answer, a->body);
    come_back(t);
}

static void arrive(struct suite *s, void *arg) {
    struct trip *t = arg;
    if (!suite_net_open(s, t->from->id, t->to->id))
        return;
    t->refused =
        !suite_front_request(t->to, tc_buf_slice(&t->head), tc_buf_slice(&t->body), answered, t);
    if (t->refused)
        come_back(t);
}

static struct trip *trip_new(const struct easy *e) {
    struct trip *t = calloc(1, sizeof *t);
    TC_ASSERT(t != NULL);
    t->from = suite_proc_self();
    t->life = t->from->life;
    TC_ASSERT(e->router < t->from->suite->proc_count);
    t->to = &t->from->suite->procs[e->router];
    tc_buf_append_str(&t->head, "POST / HTTP/1.1\r\n");
    for (const struct curl_slist *h = e->headers; h; h = h->next)
        if (h->data[strlen(h->data) - 1] != ':') /* one without a value is left out */
            tc_buf_printf(&t->head, "%s\r\n", h->data);
    tc_buf_printf(&t->head, "Content-Length: %zu\r\n\r\n", e->body.len);
    tc_buf_append_slice(&t->body, e->body);
    return t;
}

CURLcode __wrap_curl_easy_perform(CURL *curl) {
    struct easy *e = curl;
    struct trip *t = trip_new(e);
    struct suite *s = t->from->suite;
    uint64_t until_ns = s->now_ns + e->timeout_ns;
    e->status = 0;
    suite_after(s, suite_net_delay_ns(s), arrive, t);
    while (!t->answered && !t->refused && suite_park(t, until_ns)) {
    }
    if (!t->answered && !t->refused) {
        t->left = true;
        return CURLE_OPERATION_TIMEDOUT;
    }
    CURLcode code = t->refused ? CURLE_COULDNT_CONNECT : CURLE_OK;
    e->status = t->status;
    if (t->answered)
        e->write((char *)t->answer.data, 1, t->answer.len, e->user);
    s->probe_count += t->answered && t->status == 200;
    trip_free(t);
    return code;
}
