/* The status page: its thread asks the store thread, which alone may look at the store, and waits.
 */
#include "shell.h"

struct shell_status {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    struct tc_buf *out;
};

void shell_take_status(struct shell *s, struct shell_status *status) {
    pthread_mutex_lock(&status->lock);
    store_status_json(s->store, status->out);
    status->done = true;
    pthread_cond_signal(&status->changed);
    pthread_mutex_unlock(&status->lock);
}

void shell_status(void *user, struct tc_buf *ret_json) {
    struct shell *s = user;
    struct shell_status status = {.out = ret_json};
    struct shell_post *post = shell_post_new(SHELL_STATUS);
    pthread_mutex_init(&status.lock, NULL);
    pthread_cond_init(&status.changed, NULL);
    post->status = &status;
    pthread_mutex_lock(&s->rest_lock);
    bool posted = !s->closed && daemon_worker_post(s->worker, post) == TC_OK;
    pthread_mutex_unlock(&s->rest_lock);
    if (posted) {
        pthread_mutex_lock(&status.lock);
        while (!status.done)
            pthread_cond_wait(&status.changed, &status.lock);
        pthread_mutex_unlock(&status.lock);
    } else {
        shell_post_free(post);
        tc_buf_append_str(ret_json, "{}");
    }
    pthread_cond_destroy(&status.changed);
    pthread_mutex_destroy(&status.lock);
}
