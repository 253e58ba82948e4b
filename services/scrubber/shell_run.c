#include "scrubber/shell_run.h"

#include "base/assert.h"
#include "daemon/worker.h"
#include "rpc/message.h"
#include "scrubber/shell_work.h"

#include <stdlib.h>
#include <time.h>

#define MS_NS UINT64_C(1000000)

struct demand {
    struct rpc_call *call;
    uint64_t gid; /* 0: every group */
};

struct run {
    struct work work;
    pthread_t thread;
    struct demand demands[RUN_REQUESTS_MAX]; /* under the bell's lock */
    size_t demand_count;
};

static bool stopping(struct run *r) {
    return !bell_pause(r->work.bell, 0);
}

static bool pass(struct run *r, uint64_t gid, enum pass_depth depth, bool demanded) {
    const struct work_what what = {.gid = gid, .depth = depth, .demanded = demanded};
    return work_pass(&r->work, &what);
}

static void answer(struct run *r, const struct demand *d, tc_err err) {
    struct tc_buf reply = {0};
    if (err == TC_OK)
        board_pack(r->work.config.board, d->gid, &reply);
    rpc_call_reply(d->call, err, tc_buf_slice(&reply));
    tc_buf_deinit(&reply);
}

static bool take_demand(struct run *r, struct demand *ret_demand) {
    pthread_mutex_lock(&r->work.bell->lock);
    bool any = r->demand_count > 0;
    if (any) {
        *ret_demand = r->demands[0];
        r->demand_count--;
        memmove(&r->demands[0], &r->demands[1], r->demand_count * sizeof r->demands[0]);
    }
    pthread_mutex_unlock(&r->work.bell->lock);
    return any;
}

/* Sleep until the time, a demand or the stop. */
static void rest(struct run *r, uint64_t until_ns) {
    struct timespec end = {.tv_sec = (time_t)(until_ns / 1000000000),
                           .tv_nsec = (long)(until_ns % 1000000000)};
    int rc = 0;
    pthread_mutex_lock(&r->work.bell->lock);
    while (!r->work.bell->stopping && r->demand_count == 0 && rc == 0)
        rc = pthread_cond_timedwait(&r->work.bell->cond, &r->work.bell->lock, &end);
    pthread_mutex_unlock(&r->work.bell->lock);
}

static void *work(void *user) {
    struct run *r = user;
    const struct scrubber_options *o = r->work.config.options;
    uint64_t quick_ns = daemon_now_ns(), deep_ns = quick_ns + o->quick_interval_ms * MS_NS;
    while (!stopping(r)) {
        struct demand d;
        uint64_t now_ns = daemon_now_ns();
        if (take_demand(r, &d)) {
            bool whole = pass(r, d.gid, PASS_DEEP, /* demanded= */ true);
            answer(r, &d, whole ? TC_OK : TC_ECLOSED);
        } else if (now_ns >= deep_ns) {
            (void)pass(r, 0, PASS_DEEP, /* demanded= */ false);
            deep_ns = daemon_now_ns() + o->deep_interval_ms * MS_NS;
        } else if (now_ns >= quick_ns) {
            (void)pass(r, 0, PASS_QUICK, /* demanded= */ false);
            quick_ns = daemon_now_ns() + o->quick_interval_ms * MS_NS;
        } else {
            rest(r, quick_ns < deep_ns ? quick_ns : deep_ns);
        }
    }
    return NULL;
}

/* ---- methods */

void run_method_run(void *user, struct rpc_call *call, struct tc_slice payload) {
    struct run *r = user;
    Tercet__Pb__ScrubRunRequest *request =
        tercet__pb__scrub_run_request__unpack(NULL, payload.len, payload.data);
    if (request == NULL) {
        rpc_call_reply(call, TC_EINVAL, TC_SLICE_EMPTY);
        return;
    }
    pthread_mutex_lock(&r->work.bell->lock);
    tc_err err = r->work.bell->stopping                ? TC_EUNAVAILABLE
                 : r->demand_count >= RUN_REQUESTS_MAX ? TC_EBUSY
                                                       : TC_OK;
    if (err == TC_OK)
        r->demands[r->demand_count++] = (struct demand){.call = call, .gid = request->gid};
    pthread_cond_broadcast(&r->work.bell->cond);
    pthread_mutex_unlock(&r->work.bell->lock);
    if (err != TC_OK)
        rpc_call_reply(call, err, TC_SLICE_EMPTY);
    tercet__pb__scrub_run_request__free_unpacked(request, NULL);
}

void run_method_last(void *user, struct rpc_call *call, struct tc_slice payload) {
    struct run *r = user;
    Tercet__Pb__ScrubRunRequest *request =
        tercet__pb__scrub_run_request__unpack(NULL, payload.len, payload.data);
    struct demand d = {.call = call, .gid = request ? request->gid : 0};
    answer(r, &d, request ? TC_OK : TC_EINVAL);
    if (request)
        tercet__pb__scrub_run_request__free_unpacked(request, NULL);
}

void run_method_progress(void *user, struct rpc_call *call, struct tc_slice payload) {
    struct run *r = user;
    struct tc_buf reply = {0};
    (void)payload; /* it asks nothing */
    progress_pack(&r->work.progress, daemon_now_ns(), &reply);
    rpc_call_reply(call, TC_OK, tc_buf_slice(&reply));
    tc_buf_deinit(&reply);
}

/* ---- life */

static void run_free(struct run *r) {
    work_deinit(&r->work);
    free(r);
}

tc_err run_start(const struct run_config *config, struct run **ret_run) {
    struct run *r = calloc(1, sizeof *r);
    TC_ASSERT(r != NULL);
    tc_err err = work_init(&r->work, config);
    if (err != TC_OK) {
        free(r);
        return err;
    }
    if (pthread_create(&r->thread, NULL, work, r) != 0) {
        run_free(r);
        return TC_EUNAVAILABLE;
    }
    *ret_run = r;
    return TC_OK;
}

void run_stop(struct run *r) {
    struct demand d;
    if (!r)
        return;
    bell_stop(r->work.bell);
    pthread_join(r->thread, NULL);
    while (take_demand(r, &d))
        answer(r, &d, TC_ECLOSED);
    run_free(r);
}
