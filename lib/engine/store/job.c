/* Work for the shell's worker thread. */
#include "base/assert.h"
#include "engine/store/store_private.h"

void store__job_add(struct store *s, struct replica *r, struct store_job *j) {
    TC_ASSERT(j->run != NULL && j->done != NULL);
    j->r = r;
    if (r)
        r->jobs_out++;
    tc_list_init(&j->link);
    tc_list_push_back(&s->jobs, &j->link);
    s->job_count++;
}

struct store_job *store_job_take(struct store *s) {
    struct tc_list *node = tc_list_pop_front(&s->jobs);
    if (node == NULL)
        return NULL;
    s->job_count--;
    return TC_CONTAINER(node, struct store_job, link);
}

void store_job_run(struct store_job *j) {
    j->run(j);
}

void store_job_done(struct store *s, struct store_job *j) {
    if (j->r) {
        TC_ASSERT(j->r->jobs_out > 0);
        j->r->jobs_out--;
    }
    j->done(s, j);
}

void store__jobs_cancel(struct store *s) {
    for (struct store_job *j = store_job_take(s); j; j = store_job_take(s)) {
        j->cancelled = true;
        store_job_done(s, j);
    }
}
