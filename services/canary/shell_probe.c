#include "shell_probe.h"

#include "base/assert.h"
#include "shell_request.h"
#include "sigv4/sigv4.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    TABLE_GRACE_MS = 30000,
    SETTLE_MS = 15000, /* a router carries a request on for 10 s */
    ARENA_BYTES_MAX = 1 << 20,
};

/* Count one request and say whether it went well. */
static bool record(struct probe *p, const struct request_result *r) {
    bool ok = r->outcome[0] == '\0';
    const struct probe_config *c = &p->config;
    daemon_metric_add(
        daemon_metric_with(c->metrics->requests_total, c->router, ok ? "ok" : r->outcome), 1);
    if (ok)
        daemon_metric_observe(
            daemon_metric_with(c->metrics->request_seconds, c->router, r->operation), r->took_ns);
    else
        DAEMON_WARN(c->log, "request failed: router=%s op=%s outcome=%s http=%ld text=\"%s\"",
                    c->router, r->operation, r->outcome, r->http_status, r->text);
    pthread_mutex_lock(&p->lock);
    p->state.window_count++;
    p->state.window_ok_count += ok;
    p->state.ok_count += ok;
    p->state.failed_count += !ok;
    if (ok)
        p->state.last_ok_ns = daemon_now_ns();
    else
        snprintf(p->state.last_error, sizeof p->state.last_error, "%s %s: %.120s", r->operation,
                 r->outcome, r->text);
    pthread_mutex_unlock(&p->lock);
    return ok;
}

static void contradict(struct probe *p, const char *what, uint64_t value) {
    const struct probe_config *c = &p->config;
    p->known = false; /* begin again from what is there */
    daemon_metric_add(daemon_metric_with(c->metrics->inconsistent_total, c->router, NULL), 1);
    DAEMON_ERROR(c->log,
                 "answer contradicts an acknowledged write: router=%s what=\"%s\" value=%" PRIu64
                 " acked=%" PRIu64 " tried=%" PRIu64,
                 c->router, what, value, p->acked, p->tried);
    pthread_mutex_lock(&p->lock);
    p->state.inconsistent_count++;
    snprintf(p->state.last_error, sizeof p->state.last_error, "%s: %" PRIu64, what, value);
    pthread_mutex_unlock(&p->lock);
}

/* The counter is higher than this process ever tried: nobody may have written that, but for the
 * process before this one, whose last write may still arrive for a while. */
static void exceed(struct probe *p, const char *what, uint64_t value) {
    if (daemon_now_ns() < p->settled_ns)
        p->known = false;
    else
        contradict(p, what, value);
}

/* The first request of a zone's life finds no table: make it, and expect failures for a while. */
static void create_table(struct probe *p) {
    tc_buf_clear(&p->body);
    tc_buf_printf(&p->body,
                  "{\"TableName\":\"%s\",\"BillingMode\":\"PAY_PER_REQUEST\","
                  "\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"}],"
                  "\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}]}",
                  p->table);
    struct request_result r = request_send(p, "CreateTable");
    DAEMON_INFO(p->config.log, "table created: router=%s table=%s outcome=%s", p->config.router,
                p->table, r.outcome[0] ? r.outcome : "ok");
    p->table_grace_ns = daemon_now_ns() + TABLE_GRACE_MS * UINT64_C(1000000);
}

/* True: the failure is the table's youth, not the router's. A table that was there and is gone is
 * made again, but its loss counts. */
static bool excuse(struct probe *p, const struct request_result *r) {
    if (strcmp(r->outcome, "ResourceNotFoundException") != 0)
        return false;
    p->known = false;
    if (daemon_now_ns() < p->table_grace_ns)
        return true;
    bool first = p->table_grace_ns == 0;
    create_table(p);
    return first;
}

/* Consistent read; false if there is no answer. An absent item reads as 0. */
static bool read_counter(struct probe *p, uint64_t *ret_value) {
    tc_buf_clear(&p->body);
    tc_buf_printf(&p->body,
                  "{\"TableName\":\"%s\",\"Key\":{\"pk\":{\"S\":\"%s\"}},\"ConsistentRead\":true}",
                  p->table, p->key);
    struct request_result r = request_send(p, "GetItem");
    if (excuse(p, &r))
        return false;
    if (r.outcome[0] == '\0' && request_counter(p, ret_value) != TC_OK)
        snprintf(r.outcome, sizeof r.outcome, "malformed");
    return record(p, &r);
}

static void write_counter(struct probe *p) {
    uint64_t next = ++p->tried;
    tc_buf_clear(&p->body);
    tc_buf_printf(&p->body,
                  "{\"TableName\":\"%s\",\"Item\":{\"pk\":{\"S\":\"%s\"},\"n\":{\"N\":\"%" PRIu64
                  "\"}},\"ConditionExpression\":\"attribute_not_exists(pk) OR n < :n\","
                  "\"ExpressionAttributeValues\":{\":n\":{\"N\":\"%" PRIu64 "\"}}}",
                  p->table, p->key, next, next);
    struct request_result r = request_send(p, "PutItem");
    if (strcmp(r.outcome, "ConditionalCheckFailedException") == 0) {
        exceed(p, "the counter is not below what was never written", next);
        return;
    }
    if (!excuse(p, &r) && record(p, &r))
        p->acked = next;
}

static void probe_once(struct probe *p) {
    uint64_t value = 0;
    if (!p->known) {
        if (!read_counter(p, &value))
            return;
        p->acked = value;
        p->tried = value > p->tried ? value : p->tried; /* what was tried may still arrive */
        p->known = true;
    }
    write_counter(p);
    if (!p->known || !read_counter(p, &value))
        return;
    if (value < p->acked)
        contradict(p, "the counter is out of bounds", value);
    else if (value > p->tried)
        exceed(p, "the counter is out of bounds", value);
    else
        p->acked = value; /* an unknown outcome is known now */
}

/* Publish the success ratio when a window ends. */
static void turn_window(struct probe *p, uint64_t now_ns) {
    pthread_mutex_lock(&p->lock);
    struct probe_state *s = &p->state;
    if (s->window_end_ns == 0)
        s->window_end_ns = now_ns + p->config.options->window_ms * 1000000U;
    bool ended = now_ns >= s->window_end_ns && s->window_count > 0;
    uint64_t ppm = ended ? s->window_ok_count * 1000000U / s->window_count : 0;
    if (ended) {
        s->window_count = s->window_ok_count = 0;
        s->window_end_ns = now_ns + p->config.options->window_ms * 1000000U;
    }
    pthread_mutex_unlock(&p->lock);
    if (ended)
        daemon_metric_set(
            daemon_metric_with(p->config.metrics->availability_ppm, p->config.router, NULL),
            (int64_t)ppm);
}

/* The worker's run: its mailbox stays empty, its timer is the interval. */
static uint64_t run(void *user, void **entries, size_t count, uint64_t now_ns) {
    struct probe *p = user;
    (void)entries;
    TC_ASSERT(count == 0);
    turn_window(p, now_ns);
    probe_once(p);
    tc_arena_reset(&p->arena);
    return now_ns + p->config.options->interval_ms * 1000000U;
}

tc_err probe_start(struct probe *p, const struct probe_config *config) {
    *p = (struct probe){.config = *config};
    snprintf(p->table, sizeof p->table, "tercet-canary-%s", config->zone);
    snprintf(p->key, sizeof p->key, "%s/%s", config->node, config->router);
    p->signer = sigv4_new();
    tc_arena_init(&p->arena, ARENA_BYTES_MAX);
    pthread_mutex_init(&p->lock, NULL);
    p->settled_ns = daemon_now_ns() + SETTLE_MS * UINT64_C(1000000);
    tc_err err = request_open(p);
    struct daemon_worker_config worker = {.name = "probe", .count_max = 1, .run = run, .user = p};
    if (err == TC_OK)
        err = daemon_worker_start(&worker, &p->worker);
    if (err != TC_OK)
        probe_stop(p);
    return err;
}

void probe_stop(struct probe *p) {
    if (p->signer == NULL)
        return;
    daemon_worker_stop(p->worker);
    request_close(p);
    sigv4_free(p->signer);
    tc_buf_deinit(&p->body);
    tc_buf_deinit(&p->answer);
    tc_arena_deinit(&p->arena);
    pthread_mutex_destroy(&p->lock);
    *p = (struct probe){0};
}

struct probe_state probe_state(struct probe *p) {
    pthread_mutex_lock(&p->lock);
    struct probe_state s = p->state;
    pthread_mutex_unlock(&p->lock);
    return s;
}
