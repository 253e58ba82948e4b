/* shell_directory: which storage nodes there are, told to every one of them, so that a group's
 * leader finds a lost member's successor at once and without a control plane.
 *
 * The newest directory is a system record whose version is that of the directory: the wall clock in
 * ms, or one more than the version before should the clock have gone back. It is published only
 * after the record was written, conditional on the version before: of two autoadmins one wins, and
 * one that wakes up late publishes nothing. An empty directory is never made, and a node that falls
 * silent stays in it as DOWN until the operator takes its address off --storage.
 */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_DIRECTORY_H
#define TC_SERVICES_AUTOADMIN_SHELL_DIRECTORY_H

#include "shell_observe.h"

enum {
    SHELL_DIRECTORY_PUSH_MS = 3000,     /* again, for nodes that missed it */
    SHELL_DIRECTORY_COUNTERS_MS = 5000, /* between versions that differ in counters only */
    SHELL_DIRECTORY_DEADLINE_MS = 800,
};

struct shell_directory {
    uint64_t pushed_version;
    uint64_t pushed_ns;
    uint64_t recorded_ns;
    uint32_t refused_count; /* nodes that answered the last push with an error */
};

/* Record and push what the whole view shows, if it is time. TC_ESTALE: another autoadmin was
 * faster; anything else: the record could not be written; the next round tries again. */
TC_MUST_USE tc_err shell_directory_publish(struct shell_directory *d, struct catalog *c,
                                           const struct shell_view *v,
                                           const struct shell_limits *limits, uint64_t now_ns);

#endif
