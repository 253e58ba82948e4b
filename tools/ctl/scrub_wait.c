#include "scrub_wait.h"

#include "rpc/unary.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum {
    RUN_DEADLINE_MS = 3600000,
    ASK_DEADLINE_MS = 2000,
    POLL_MS = 250,
};

struct running {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
    tc_err err;
    struct tc_buf answer;
};

static void answered(void *user, const struct rpc_reply *reply) {
    struct running *r = user;
    pthread_mutex_lock(&r->lock);
    r->done = true;
    r->err = reply->err;
    tc_buf_append_slice(&r->answer, reply->payload);
    pthread_cond_signal(&r->cond);
    pthread_mutex_unlock(&r->lock);
}

static tc_err start(const struct cluster *c, uint64_t gid, struct running *r) {
    Tercet__Pb__ScrubRunRequest request = TERCET__PB__SCRUB_RUN_REQUEST__INIT;
    uint8_t packed[16];
    request.gid = gid;
    size_t len = tercet__pb__scrub_run_request__pack(&request, packed);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->cond, NULL);
    return rpc_unary(c->rpc, c->scrubber, "/tercet.Scrubber/Run", tc_slice(packed, len),
                     RUN_DEADLINE_MS, answered, r);
}

/* False: the scrub is over. */
static bool wait_a_moment(struct running *r) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += POLL_MS * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    int rc = 0;
    pthread_mutex_lock(&r->lock);
    while (!r->done && rc == 0)
        rc = pthread_cond_timedwait(&r->cond, &r->lock, &end);
    bool done = r->done;
    pthread_mutex_unlock(&r->lock);
    return !done;
}

/* False: this scrubber cannot say. */
static bool tell(const struct cluster *c, struct scrub_teller *t, uint64_t now_ms) {
    struct tc_buf packed = {0}, line = {0};
    tc_err err = rpc_unary_wait(c->rpc, c->scrubber, "/tercet.Scrubber/Progress", TC_SLICE_EMPTY,
                                ASK_DEADLINE_MS, &packed);
    Tercet__Pb__ScrubProgressReply *p =
        err == TC_OK ? tercet__pb__scrub_progress_reply__unpack(NULL, packed.len, packed.data)
                     : NULL;
    if (p) {
        scrub_tell(t, p, now_ms, &line);
        fprintf(stderr, "%.*s", TC_SLICE_ARGS(tc_buf_slice(&line)));
        tercet__pb__scrub_progress_reply__free_unpacked(p, NULL);
    }
    tc_buf_deinit(&packed);
    tc_buf_deinit(&line);
    return err != TC_EUNSUPPORTED;
}

tc_err scrub_wait(const struct cluster *c, uint64_t gid, struct tc_buf *ret_answer) {
    struct running r = {.done = false};
    struct scrub_teller teller = {0};
    bool tells = true;
    tc_err err = start(c, gid, &r);
    for (uint64_t now_ms = POLL_MS; err == TC_OK && wait_a_moment(&r); now_ms += POLL_MS)
        tells = tells && tell(c, &teller, now_ms);
    if (err == TC_OK) {
        err = r.err;
        tc_buf_append_slice(ret_answer, tc_buf_slice(&r.answer));
    }
    tc_buf_deinit(&r.answer);
    pthread_cond_destroy(&r.cond);
    pthread_mutex_destroy(&r.lock);
    return err;
}

void scrub_advise(const Tercet__Pb__ScrubRunReply *r) {
    struct tc_buf out = {0};
    scrub_advice(r, &out);
    fprintf(stderr, "%.*s", TC_SLICE_ARGS(tc_buf_slice(&out)));
    tc_buf_deinit(&out);
}
