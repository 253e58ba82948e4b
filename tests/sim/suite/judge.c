/* What must hold: every key's history is linearizable; after the calm requests succeed again, and a
 * scrub finds all copies and the archive equal. */
#include "sim/suite/client.h"
#include "sim/suite/wire.h"

#include "proto/scrubber.pb-c.h"

#include <stdio.h>

#define LIN_STEPS_MAX UINT64_C(3000000)

static void judge_histories(struct suite *s) {
    for (uint32_t k = 0; k < s->swarm.keys && !s->failed; k++) {
        const struct suite_history *h = &s->clients->keys[k];
        enum suite_lin_verdict v = suite_lin_check(h->ops, h->count, LIN_STEPS_MAX);
        if (v == LIN_VIOLATED)
            suite_fail(s, "key %u: no order explains its %zu operations", k, h->count);
        s->undecided += v == LIN_GAVE_UP;
    }
}

/* Let virtual time pass until the condition holds; false: it did not within the time. */
static bool within(struct suite *s, uint64_t ns, bool (*holds)(struct suite *s)) {
    uint64_t until_ns = s->now_ns + ns;
    while (!holds(s) && suite_step(s, until_ns)) {
    }
    return !s->failed && holds(s);
}

static bool clients_done(struct suite *s) {
    return s->clients->out == 0;
}

/* ---- a read of every key, which nobody may refuse */

struct last_reads {
    uint32_t out, failed;
};

static struct last_reads last;

static void read_done(void *user, enum suite_class class, struct tc_slice body) {
    (void)user, (void)body;
    last.out--;
    last.failed += class != CLASS_OK;
}

static bool reads_done(struct suite *s) {
    (void)s;
    return last.out == 0;
}

static void judge_service(struct suite *s) {
    last = (struct last_reads){0};
    for (uint32_t k = 0; k < s->swarm.keys; k++) {
        struct tc_buf body = {0};
        tc_buf_printf(&body,
                      "{\"TableName\":\"suite\",\"ConsistentRead\":true,\"Key\":{\"pk\":{\"S\":"
                      "\"p%u\"},\"sk\":{\"S\":\"k%u\"}}}",
                      k % 2, k);
        last.out++;
        suite_call(s, "GetItem", tc_buf_slice(&body), read_done, NULL);
        tc_buf_deinit(&body);
    }
    if (!within(s, 20 * SUITE_S, reads_done) || last.failed)
        suite_fail(s, "%u of %u reads fail although all is well again", last.failed + last.out,
                   s->swarm.keys);
}

/* ---- scrub */

static struct {
    struct tc_buf reply;
    tc_err err;
    bool done;
} scrub;

static void *scrub_main(void *arg) {
    struct suite_proc *p = suite_proc_self();
    const struct rpc_config config = {.self = {"sim", "tool", "tool", ""}};
    struct rpc *rpc = NULL;
    char target[32];
    (void)arg;
    snprintf(target, sizeof target, "127.0.0.1:%u",
             WIRE_PORT_BASE + suite_proc_find(p->suite, "scrubber-a")->id);
    scrub.err = rpc_start(&config, &rpc);
    Tercet__Pb__ScrubRunRequest all = TERCET__PB__SCRUB_RUN_REQUEST__INIT;
    uint8_t bytes[16];
    size_t len = tercet__pb__scrub_run_request__pack(&all, bytes);
    if (scrub.err == TC_OK)
        scrub.err = rpc_unary_wait(rpc, target, "/tercet.Scrubber/Run", tc_slice(bytes, len),
                                   120000, &scrub.reply);
    rpc_stop(rpc);
    scrub.done = true;
    return NULL;
}

static bool scrub_done(struct suite *s) {
    (void)s;
    return scrub.done;
}

static void judge_group(struct suite *s, const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_checks; i++)
        if (g->checks[i]->state != TERCET__PB__SCRUB_STATE__SCRUB_CLEAN)
            suite_fail(s, "scrub of group %lu: %s: %s", (unsigned long)g->gid, g->checks[i]->name,
                       g->checks[i]->why);
    for (size_t i = 0; i < g->n_findings; i++)
        suite_fail(s, "scrub of group %lu: %s: %s", (unsigned long)g->gid, g->findings[i]->copy,
                   g->findings[i]->what);
}

static void judge_scrub(struct suite *s) {
    struct suite_proc *host = suite_proc_find(s, "autoadmin-a"); /* any process can ask */
    (void)suite_fiber_new(host, "scrub", scrub_main, NULL);
    if (!within(s, 130 * SUITE_S, scrub_done) || scrub.err != TC_OK) {
        suite_fail(s, "the scrub does not end: %s", tc_err_name(scrub.err));
        return;
    }
    Tercet__Pb__ScrubRunReply *r =
        tercet__pb__scrub_run_reply__unpack(NULL, scrub.reply.len, scrub.reply.data);
    if (r == NULL || r->n_groups == 0 || r->problem[0])
        suite_fail(s, "the scrub is incomplete: %s", r ? r->problem : "no reply");
    for (size_t i = 0; r && i < r->n_groups; i++)
        judge_group(s, r->groups[i]);
    if (r)
        tercet__pb__scrub_run_reply__free_unpacked(r, NULL);
}

void suite_judge(struct suite *s) {
    (void)suite_clients_rest(s);
    if (!within(s, SUITE_PATIENCE_NS + SUITE_S, clients_done))
        suite_fail(s, "requests are neither answered nor given up");
    if (!s->failed)
        judge_service(s);
    if (!s->failed)
        judge_histories(s);
    if (!s->failed)
        judge_scrub(s);
}
