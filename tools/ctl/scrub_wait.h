/* scrub_wait: a scrub takes its time; people are told meanwhile what it does and what it waits for,
 * and at its end what to do about it. Both go to the standard error output. */
#ifndef TC_TOOLS_CTL_SCRUB_WAIT_H
#define TC_TOOLS_CTL_SCRUB_WAIT_H

#include "cluster.h"
#include "proto/scrubber.pb-c.h"

/* Have gid scrubbed (0: every group); the answer's bytes are appended. Errors: of the call. */
TC_MUST_USE tc_err scrub_wait(const struct cluster *c, uint64_t gid, struct tc_buf *ret_answer);
/* Damage, and checks that did not run: what to do next. */
void scrub_advise(const Tercet__Pb__ScrubRunReply *r);

/* What is told of a scrub that goes on: a line when it is news, or the last one is old. */
struct scrub_teller {
    uint64_t told_ms;     /* when, by the caller's clock; 0: nothing yet */
    uint64_t gid;         /* of the last line */
    uint64_t wait_max_ms; /* of the wait that it told of; 0: of none */
};
/* Appends a line, or nothing. */
void scrub_tell(struct scrub_teller *t, const Tercet__Pb__ScrubProgressReply *p, uint64_t now_ms,
                struct tc_buf *out);
/* Appends the lines of scrub_advise. */
void scrub_advice(const Tercet__Pb__ScrubRunReply *r, struct tc_buf *out);

#endif
