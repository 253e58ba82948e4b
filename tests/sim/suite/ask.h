/* ask: what a tool asks a daemon over rpc, from a fiber of some process. */
#ifndef TC_SIM_SUITE_ASK_H
#define TC_SIM_SUITE_ASK_H

#include "sim/suite/suite.h"

/* Let virtual time pass until the condition holds; false: it did not within the time. */
bool suite_within(struct suite *s, uint64_t ns, bool (*holds)(struct suite *s));

struct suite_question {
    const char *asker; /* a process that lives; any can ask */
    uint32_t deadline_ms;
    struct tc_buf request; /* a packed message */
    struct tc_buf reply;   /* likewise, until suite_question_deinit */
    tc_err err;
    /* ask.c */
    char target[32];
    const char *method;
    bool done;
};

/* Ask a process, and let time pass until it has answered. */
bool suite_ask(struct suite *s, struct suite_question *q, const char *process, const char *method);
void suite_question_deinit(struct suite_question *q);

#endif
