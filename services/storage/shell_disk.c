/* The two threads that wait for the disk, so that the store thread never does. */
#include "base/assert.h"
#include "shell.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct sched_attr of sched_setattr(2), version 0; glibc 2.36 has no wrapper. */
struct sched_attr_v0 {
    uint32_t size;
    uint32_t sched_policy;
    uint64_t sched_flags;
    int32_t sched_nice;
    uint32_t sched_priority;
    uint64_t sched_runtime;
    uint64_t sched_deadline;
    uint64_t sched_period;
};

/* Ask for a short slice: beside CPU-bound processes the thread is otherwise woken at the next tick
 * only, 4 ms after its disk write is done (MEASURED.md 0). A kernel that knows no slices refuses,
 * and that is all right. */
static void hint_short_slice(struct shell *s) {
    struct sched_attr_v0 attr = {.size = sizeof attr, .sched_runtime = 100000};
    if (syscall(SYS_sched_setattr, 0, &attr, 0) != 0)
        DAEMON_DEBUG(s->daemon->log, "no short slice for the log thread: kernel=old");
}

static void post_back(struct shell *s, struct shell_post *post) {
    if (daemon_worker_post_reserved(s->worker, post) == TC_OK)
        return;
    /* The reserve covers everything that can be at these threads at once. */
    DAEMON_ERROR(s->daemon->log, "a completion found no room: posts_max=%d", SHELL_RESERVE);
    abort();
}

uint64_t shell_wal_run(void *user, void **entries, size_t count, uint64_t now_ns) {
    struct shell *s = user;
    (void)now_ns;
    if (count == 0)
        hint_short_slice(s);
    for (size_t i = 0; i < count; i++) {
        struct shell_post *post = shell_post_new(SHELL_BATCH);
        uint64_t from_ns = daemon_now_ns();
        post->batch = entries[i];
        post->err = store_batch_write(post->batch);
        daemon_metric_observe(s->metrics->log_write_seconds, daemon_now_ns() - from_ns);
        post_back(s, post);
    }
    return UINT64_MAX;
}

uint64_t shell_disk_run(void *user, void **entries, size_t count, uint64_t now_ns) {
    struct shell *s = user;
    (void)now_ns;
    for (size_t i = 0; i < count; i++) {
        struct shell_post *post = shell_post_new(SHELL_JOB);
        post->job = entries[i];
        store_job_run(post->job);
        post_back(s, post);
    }
    return UINT64_MAX;
}
