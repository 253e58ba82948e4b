#include "scrubber/shell_run.h"

#include "base/assert.h"
#include "daemon/worker.h"
#include "engine/archive/url.h"
#include "env/posix/posix.h"
#include "rpc/message.h"
#include "scrubber/shell_call.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define MS_NS UINT64_C(1000000)

enum {
    INDEX_TRIES_MAX = 3,
};

struct demand {
    struct rpc_call *call;
    uint64_t gid; /* 0: every group */
};

struct run {
    struct run_config config;
    struct bell *bell;
    pthread_t thread;
    struct demand demands[RUN_REQUESTS_MAX]; /* under the bell's lock */
    size_t demand_count;
    struct posix_fs fs;
    struct posix_clock clock;
    struct objstore *store;
    struct pass_env env;
};

/* ---- what a pass sees of the outside */

static tc_err ask(void *user, const char *addr, const char *method, struct tc_slice request,
                  uint32_t deadline_ms, struct tc_buf *ret_reply) {
    struct run *r = user;
    return bell_call(r->bell, r->config.rpc, addr, method, request, deadline_ms, ret_reply);
}

static bool pause_ms(void *user, uint32_t ms) {
    struct run *r = user;
    return bell_pause(r->bell, ms);
}

static uint64_t wall_ms(void *user) {
    struct run *r = user;
    return tc_wall_ms(tc_clock_wall(&r->clock.clock));
}

/* ---- passes */

static bool stopping(struct run *r) {
    return !bell_pause(r->bell, 0);
}

static void log_group(const struct run *r, const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_findings; i++)
        DAEMON_ERROR(r->config.log,
                     "damage found: gid=%" PRIu64 " check=%s copy=\"%s\" what=\"%s\"", g->gid,
                     g->findings[i]->check, g->findings[i]->copy, g->findings[i]->what);
    for (size_t i = 0; i < g->n_checks; i++)
        if (g->checks[i]->state == TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN)
            DAEMON_WARN(r->config.log, "check not run: gid=%" PRIu64 " check=%s why=\"%s\"", g->gid,
                        g->checks[i]->name, g->checks[i]->why);
}

/* Nothing was written to the group since its last result: comparing again would wake it for
 * nothing. What rots on disks meanwhile is looked for when idle_interval_ms have passed. */
static bool stands(struct run *r, const struct pass_nodes *nodes, uint64_t gid,
                   enum pass_depth depth) {
    return board_keep(r->config.board, gid, depth, pass_nodes_idle_index(nodes, gid), wall_ms(r),
                      r->config.options->idle_interval_ms);
}

static bool is_undecided(const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_checks; i++)
        if (g->checks[i]->state == TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN)
            return true;
    return false;
}

/* Leaderships move while the groups before it are read: who leads is asked for each index, and
 * again when the answer was of no use. */
static Tercet__Pb__ScrubGroup *pass_one_index(struct run *r, const struct pass_index *which) {
    const struct daemon_addrs *addrs = &r->config.options->storage;
    for (int tries = 1;; tries++) {
        struct pass_nodes nodes;
        pass_nodes_ask(&r->env, addrs->items, addrs->count, &nodes);
        Tercet__Pb__ScrubGroup *g = pass_index(&r->env, &nodes, which);
        pass_nodes_deinit(&nodes);
        if (!is_undecided(g) || tries == INDEX_TRIES_MAX || stopping(r))
            return g;
        tercet__pb__scrub_group__free_unpacked(g, NULL);
    }
}

/* Every table against each of its global indexes: it reads all items, so no quick pass does it. */
static void pass_all_indexes(struct run *r, const struct pass_nodes *nodes, enum pass_depth depth,
                             bool demanded) {
    struct pass_index *indexes = calloc(PASS_INDEXES_MAX, sizeof *indexes);
    TC_ASSERT(indexes != NULL);
    size_t count = pass_indexes(nodes, indexes, PASS_INDEXES_MAX);
    for (size_t i = 0; i < count && !stopping(r); i++) {
        uint64_t gid = indexes[i].index_table_id;
        if (depth == PASS_QUICK) {
            board_stand(r->config.board, gid);
            continue;
        }
        if (!demanded &&
            board_keep(r->config.board, gid, PASS_DEEP, pass_index_idle(nodes, &indexes[i]),
                       wall_ms(r), r->config.options->idle_interval_ms))
            continue;
        Tercet__Pb__ScrubGroup *g = pass_one_index(r, &indexes[i]);
        log_group(r, g);
        board_post_take(r->config.board, g, PASS_DEEP);
    }
    free(indexes);
}

/* Scrub gid, or every group when it is 0; demanded: idle groups too. False: the stop came first. */
static bool pass(struct run *r, uint64_t only, enum pass_depth depth, bool demanded) {
    const struct daemon_addrs *addrs = &r->config.options->storage;
    uint64_t mark = board_pass_begins(r->config.board), began_ns = daemon_now_ns();
    struct pass_nodes nodes;
    struct tc_buf problem = {0};
    pass_nodes_ask(&r->env, addrs->items, addrs->count, &nodes);
    size_t silent = pass_nodes_silent(&nodes, &problem);
    daemon_metric_set(r->config.metrics->nodes_silent, (int64_t)silent);
    if (silent > 0)
        DAEMON_WARN(r->config.log, "pass incomplete: why=\"%.*s\"",
                    TC_SLICE_ARGS(tc_buf_slice(&problem)));
    board_problem(r->config.board, tc_buf_slice(&problem));
    tc_buf_deinit(&problem);
    uint64_t gid = only ? only : pass_nodes_next_gid(&nodes, 0);
    while (gid != 0 && !stopping(r)) {
        if (demanded || !stands(r, &nodes, gid, depth)) {
            Tercet__Pb__ScrubGroup *g = pass_group_now(&r->env, &nodes, gid, depth);
            if (g)
                log_group(r, g);
            if (g)
                board_post_take(r->config.board, g, depth);
        }
        gid = only ? 0 : pass_nodes_next_gid(&nodes, gid);
    }
    if (only == 0)
        pass_all_indexes(r, &nodes, depth, demanded);
    pass_nodes_deinit(&nodes);
    if (stopping(r))
        return false;
    if (only == 0)
        board_pass_ended(r->config.board, depth, silent == 0 ? mark : 0);
    daemon_metric_observe(daemon_metric_with(r->config.metrics->pass_seconds,
                                             depth == PASS_DEEP ? "deep" : "quick", ""),
                          daemon_now_ns() - began_ns);
    return true;
}

static void answer(struct run *r, const struct demand *d, tc_err err) {
    struct tc_buf reply = {0};
    if (err == TC_OK)
        board_pack(r->config.board, d->gid, &reply);
    rpc_call_reply(d->call, err, tc_buf_slice(&reply));
    tc_buf_deinit(&reply);
}

static bool take_demand(struct run *r, struct demand *ret_demand) {
    pthread_mutex_lock(&r->bell->lock);
    bool any = r->demand_count > 0;
    if (any) {
        *ret_demand = r->demands[0];
        r->demand_count--;
        memmove(&r->demands[0], &r->demands[1], r->demand_count * sizeof r->demands[0]);
    }
    pthread_mutex_unlock(&r->bell->lock);
    return any;
}

/* Sleep until the time, a demand or the stop. */
static void rest(struct run *r, uint64_t until_ns) {
    struct timespec end = {.tv_sec = (time_t)(until_ns / 1000000000),
                           .tv_nsec = (long)(until_ns % 1000000000)};
    int rc = 0;
    pthread_mutex_lock(&r->bell->lock);
    while (!r->bell->stopping && r->demand_count == 0 && rc == 0)
        rc = pthread_cond_timedwait(&r->bell->cond, &r->bell->lock, &end);
    pthread_mutex_unlock(&r->bell->lock);
}

static void *work(void *user) {
    struct run *r = user;
    const struct scrubber_options *o = r->config.options;
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
    pthread_mutex_lock(&r->bell->lock);
    tc_err err = r->bell->stopping                     ? TC_EUNAVAILABLE
                 : r->demand_count >= RUN_REQUESTS_MAX ? TC_EBUSY
                                                       : TC_OK;
    if (err == TC_OK)
        r->demands[r->demand_count++] = (struct demand){.call = call, .gid = request->gid};
    pthread_cond_broadcast(&r->bell->cond);
    pthread_mutex_unlock(&r->bell->lock);
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

/* ---- life */

static void run_free(struct run *r) {
    objstore_free(r->store);
    bell_unref(r->bell);
    free(r);
}

static tc_err open_archive(struct run *r, const char *url) {
    const struct archive_url_env env = {.fs = &r->fs.fs,
                                        .clock = &r->clock.clock,
                                        .key_id = getenv("TERCET_S3_KEY_ID"),
                                        .secret = getenv("TERCET_S3_SECRET"),
                                        .seed = daemon_now_ns()};
    if (url[0] == 0)
        return TC_OK; /* no archive: its checks say so */
    return archive_url_open(url, &env, &r->store);
}

tc_err run_start(const struct run_config *config, struct run **ret_run) {
    struct run *r = calloc(1, sizeof *r);
    TC_ASSERT(r != NULL);
    const struct scrubber_options *o = config->options;
    r->config = *config;
    r->bell = bell_new();
    posix_fs_init(&r->fs);
    posix_clock_init(&r->clock);
    tc_err err = open_archive(r, o->archive);
    r->env = (struct pass_env){.ask = ask,
                               .pause = pause_ms,
                               .wall_ms = wall_ms,
                               .user = r,
                               .fs = &r->fs.fs,
                               .dir = config->dir,
                               .store = r->store,
                               .apply_wait_ms = (uint32_t)o->apply_wait_ms,
                               .archive_wait_ms = (uint32_t)o->archive_wait_ms,
                               .pages_deadline_ms = (uint32_t)o->pages_deadline_ms,
                               .pace_ms = (uint32_t)o->pace_ms};
    if (err == TC_OK && pthread_create(&r->thread, NULL, work, r) != 0)
        err = TC_EUNAVAILABLE;
    if (err != TC_OK) {
        run_free(r);
        return err;
    }
    *ret_run = r;
    return TC_OK;
}

void run_stop(struct run *r) {
    struct demand d;
    if (!r)
        return;
    bell_stop(r->bell);
    pthread_join(r->thread, NULL);
    while (take_demand(r, &d))
        answer(r, &d, TC_ECLOSED);
    run_free(r);
}
