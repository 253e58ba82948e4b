/* shell_call: the scrubber's thread and how it waits: for answers, for time, for the stop.
 *
 * Threads: bell_ring from any thread; the waits belong to the scrub thread. A wait ends at once
 * when the bell is stopped, also in the middle of a call, whose answer is then dropped when it
 * comes.
 */
#ifndef TC_SERVICES_SCRUBBER_SHELL_CALL_H
#define TC_SERVICES_SCRUBBER_SHELL_CALL_H

#include "base/buf.h"
#include "rpc/rpc.h"

#include <pthread.h>

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool stopping;
    uint32_t refs; /* the owner and every call under way */
};

struct bell *bell_new(void);
void bell_unref(struct bell *b);
void bell_ring(struct bell *b);
void bell_stop(struct bell *b);
/* Wait ms or until the stop; false: stopping. */
bool bell_pause(struct bell *b, uint64_t ms);

/* A unary call; the reply is appended. TC_ECLOSED: stopping. Other errors as rpc/unary.h. */
tc_err bell_call(struct bell *b, struct rpc *rpc, const char *addr, const char *method,
                 struct tc_slice request, uint32_t deadline_ms, struct tc_buf *ret_reply);

#endif
