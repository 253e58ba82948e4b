#include "sim/suite/ask.h"

#include "sim/suite/wire.h"

#include <stdio.h>

bool suite_within(struct suite *s, uint64_t ns, bool (*holds)(struct suite *s)) {
    uint64_t until_ns = s->now_ns + ns;
    while (!holds(s) && suite_step(s, until_ns)) {
    }
    return !s->failed && holds(s);
}

static void *ask_main(void *arg) {
    const struct rpc_config config = {.self = {"sim", "tool", "tool", ""}};
    struct suite_question *q = arg;
    struct rpc *rpc = NULL;
    q->err = rpc_start(&config, &rpc);
    if (q->err == TC_OK)
        q->err = rpc_unary_wait(rpc, q->target, q->method, tc_buf_slice(&q->request),
                                q->deadline_ms, &q->reply);
    rpc_stop(rpc);
    q->done = true;
    return NULL;
}

static struct suite_question *asked;

static bool answered(struct suite *s) {
    (void)s;
    return asked->done;
}

bool suite_ask(struct suite *s, struct suite_question *q, const char *process, const char *method) {
    q->method = method;
    q->done = false;
    snprintf(q->target, sizeof q->target, "127.0.0.1:%u",
             WIRE_PORT_BASE + suite_proc_find(s, process)->id);
    tc_buf_clear(&q->reply);
    asked = q;
    (void)suite_fiber_new(suite_proc_find(s, q->asker), "ask", ask_main, q);
    return suite_within(s, (q->deadline_ms + UINT64_C(10000)) * SUITE_MS, answered) &&
           q->err == TC_OK;
}

void suite_question_deinit(struct suite_question *q) {
    tc_buf_deinit(&q->request);
    tc_buf_deinit(&q->reply);
}
