#include "daemon/worker.h"

#include "base/assert.h"
#include "env/posix/posix.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct daemon_worker {
    struct daemon_worker_config config;
    char name[16];
    struct daemon_mailbox *box;
    pthread_t thread;
};

uint64_t daemon_now_ns(void) {
    return posix_mono_ns();
}

static void *worker_main(void *arg) {
    struct daemon_worker *w = arg;
    void **entries = NULL;
    pthread_setname_np(pthread_self(), w->name);
    uint64_t due_ns = w->config.run(w->config.user, NULL, 0, daemon_now_ns());
    for (;;) {
        /* Before the drain: an entry posted before the close is then certainly drained. */
        bool closed = daemon_mailbox_closed(w->box);
        size_t count = daemon_mailbox_wait(w->box, due_ns, &entries);
        uint64_t now_ns = daemon_now_ns();
        if (count > 0 || now_ns >= due_ns)
            due_ns = w->config.run(w->config.user, entries, count, now_ns);
        if (closed && count == 0)
            return NULL;
    }
}

tc_err daemon_worker_start(const struct daemon_worker_config *config,
                           struct daemon_worker **ret_worker) {
    struct daemon_worker *w = calloc(1, sizeof *w);
    TC_ASSERT(w != NULL);
    w->config = *config;
    snprintf(w->name, sizeof w->name, "%s", config->name);
    w->config.name = w->name;
    struct daemon_mailbox_config box = {.count_max = config->count_max,
                                        .reserve_count = config->reserve_count};
    tc_err err = daemon_mailbox_new(&box, &w->box);
    if (err != TC_OK) {
        free(w);
        return err;
    }
    *ret_worker = w; /* run may post to itself */
    if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
        daemon_mailbox_free(w->box);
        free(w);
        return TC_ENOMEM;
    }
    return TC_OK;
}

struct daemon_mailbox *daemon_worker_mailbox(struct daemon_worker *w) {
    return w->box;
}

tc_err daemon_worker_post(struct daemon_worker *w, void *entry) {
    return daemon_mailbox_post(w->box, entry);
}

tc_err daemon_worker_post_reserved(struct daemon_worker *w, void *entry) {
    return daemon_mailbox_post_reserved(w->box, entry);
}

void daemon_worker_stop(struct daemon_worker *w) {
    if (w == NULL)
        return;
    daemon_mailbox_close(w->box);
    pthread_join(w->thread, NULL);
    daemon_mailbox_free(w->box);
    free(w);
}
