/* How many files this process may hold open: one B-tree per replica, and a reserve for the rest. */
#include "shell.h"

#include <inttypes.h>
#include <sys/resource.h>

enum {
    FILES_RESERVE = 1000, /* log segments, connections, copies under way */
};

/* The soft limit is for programs that use select(); the hard one is what the operator grants. */
size_t shell_replicas_max(const struct shell *s) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return STORE_REPLICAS_MAX;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        (void)getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur == RLIM_INFINITY || files.rlim_cur >= STORE_REPLICAS_MAX + FILES_RESERVE)
        return STORE_REPLICAS_MAX;
    size_t max = files.rlim_cur > 2 * FILES_RESERVE ? (size_t)files.rlim_cur - FILES_RESERVE
                                                    : (size_t)files.rlim_cur / 2;
    DAEMON_WARN(s->daemon->log,
                "open files limit the replicas of this node: files=%" PRIu64 " replicas=%zu "
                "hint=\"raise LimitNOFILE of the service, or ulimit -n, above %d\"",
                (uint64_t)files.rlim_cur, max, STORE_REPLICAS_MAX + FILES_RESERVE);
    return max;
}
