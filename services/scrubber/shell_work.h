/* shell_work: passes over all groups, as the scrub thread makes them: what a pass sees of the
 * outside, what is left alone, where results and progress go.
 *
 * Threads: the scrub thread's, but for progress, which anybody may read.
 */
#ifndef TC_SERVICES_SCRUBBER_SHELL_WORK_H
#define TC_SERVICES_SCRUBBER_SHELL_WORK_H

#include "env/posix/posix.h"
#include "scrubber/shell_call.h"
#include "scrubber/shell_progress.h"
#include "scrubber/shell_run.h"

struct work {
    struct run_config config;
    struct bell *bell; /* a reference */
    struct posix_fs fs;
    struct posix_clock clock;
    struct objstore *store; /* NULL: none configured */
    struct pass_env env;
    struct progress progress;
};

struct work_what {
    uint64_t gid; /* 0: every group */
    enum pass_depth depth;
    bool demanded; /* idle groups too */
};

/* Errors: TC_EINVAL (archive URL); nothing is held then. */
TC_MUST_USE tc_err work_init(struct work *w, const struct run_config *config);
void work_deinit(struct work *w);
/* False: the stop came first. */
bool work_pass(struct work *w, const struct work_what *what);

#endif
