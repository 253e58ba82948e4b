/* shell_progress: what the scrub thread does now, for whoever waits for it.
 *
 * Threads: any; the scrub thread writes. Times are monotonic.
 */
#ifndef TC_SERVICES_SCRUBBER_SHELL_PROGRESS_H
#define TC_SERVICES_SCRUBBER_SHELL_PROGRESS_H

#include "base/buf.h"

#include <pthread.h>

struct progress {
    pthread_mutex_t lock;
    bool running;
    bool demanded;
    uint64_t done; /* groups and indexes before the one of gid */
    uint64_t total;
    uint64_t gid; /* 0: none yet */
    struct tc_buf waits_for;
    uint64_t wait_ns; /* since when */
    uint32_t wait_max_ms;
};

void progress_init(struct progress *p);
void progress_deinit(struct progress *p);
/* A pass over so many groups begins, or ends. */
void progress_begin(struct progress *p, bool demanded, uint64_t total);
void progress_end(struct progress *p);
/* So many more are to be looked at. */
void progress_more(struct progress *p, uint64_t count);
/* The next one's turn has come. */
void progress_next(struct progress *p, uint64_t gid);
/* "": for nothing any more. */
void progress_waits(struct progress *p, const char *what, uint32_t max_ms, uint64_t now_ns);
/* Append a packed ScrubProgressReply. */
void progress_pack(struct progress *p, uint64_t now_ns, struct tc_buf *ret_reply);

#endif
