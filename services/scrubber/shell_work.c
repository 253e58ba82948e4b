#include "scrubber/shell_work.h"

#include "base/assert.h"
#include "daemon/worker.h"
#include "engine/archive/url.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    INDEX_TRIES_MAX = 3,
    ARCHIVE_AGAIN_MS = 2000,
};

/* ---- what a pass sees of the outside */

static tc_err ask(void *user, const char *addr, const char *method, struct tc_slice request,
                  uint32_t deadline_ms, struct tc_buf *ret_reply) {
    struct work *w = user;
    return bell_call(w->bell, w->config.rpc, addr, method, request, deadline_ms, ret_reply);
}

static bool pause_ms(void *user, uint32_t ms) {
    struct work *w = user;
    return bell_pause(w->bell, ms);
}

static uint64_t wall_ms(void *user) {
    struct work *w = user;
    return tc_wall_ms(tc_clock_wall(&w->clock.clock));
}

static void waits(void *user, const char *what, uint32_t max_ms) {
    struct work *w = user;
    progress_waits(&w->progress, what, max_ms, daemon_now_ns());
}

/* ---- passes */

static bool stopping(struct work *w) {
    return !bell_pause(w->bell, 0);
}

static void log_group(const struct work *w, const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_findings; i++)
        DAEMON_ERROR(w->config.log,
                     "damage found: gid=%" PRIu64 " check=%s copy=\"%s\" what=\"%s\"", g->gid,
                     g->findings[i]->check, g->findings[i]->copy, g->findings[i]->what);
    for (size_t i = 0; i < g->n_checks; i++)
        if (g->checks[i]->state == TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN)
            DAEMON_WARN(w->config.log, "check not run: gid=%" PRIu64 " check=%s why=\"%s\"", g->gid,
                        g->checks[i]->name, g->checks[i]->why);
}

/* Nothing was written to the group since its last result: comparing again would wake it for
 * nothing. What rots on disks meanwhile is looked for when idle_interval_ms have passed. */
static bool stands(struct work *w, const struct pass_nodes *nodes, uint64_t gid,
                   enum pass_depth depth) {
    return board_keep(w->config.board, gid, depth, pass_nodes_idle_index(nodes, gid), wall_ms(w),
                      w->config.options->idle_interval_ms);
}

static bool is_undecided(const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_checks; i++)
        if (g->checks[i]->state == TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN)
            return true;
    return false;
}

/* Leaderships move while the groups before it are read: who leads is asked for each index, and
 * again when the answer was of no use. */
static Tercet__Pb__ScrubGroup *pass_one_index(struct work *w, const struct pass_index *which) {
    const struct daemon_addrs *addrs = &w->config.options->storage;
    for (int tries = 1;; tries++) {
        struct pass_nodes nodes;
        pass_nodes_ask(&w->env, addrs->items, addrs->count, &nodes);
        Tercet__Pb__ScrubGroup *g = pass_index(&w->env, &nodes, which);
        pass_nodes_deinit(&nodes);
        if (!is_undecided(g) || tries == INDEX_TRIES_MAX || stopping(w))
            return g;
        tercet__pb__scrub_group__free_unpacked(g, NULL);
    }
}

/* Every table against each of its global indexes: it reads all items, so no quick pass does it. */
static void pass_all_indexes(struct work *w, const struct pass_nodes *nodes, enum pass_depth depth,
                             bool demanded) {
    struct pass_index *indexes = calloc(PASS_INDEXES_MAX, sizeof *indexes);
    TC_ASSERT(indexes != NULL);
    size_t count = pass_indexes(nodes, indexes, PASS_INDEXES_MAX);
    progress_more(&w->progress, count);
    for (size_t i = 0; i < count && !stopping(w); i++) {
        uint64_t gid = indexes[i].index_table_id;
        progress_next(&w->progress, gid);
        if (depth == PASS_QUICK) {
            board_stand(w->config.board, gid);
            continue;
        }
        if (!demanded &&
            board_keep(w->config.board, gid, PASS_DEEP, pass_index_idle(nodes, &indexes[i]),
                       wall_ms(w), w->config.options->idle_interval_ms))
            continue;
        Tercet__Pb__ScrubGroup *g = pass_one_index(w, &indexes[i]);
        log_group(w, g);
        board_post_take(w->config.board, g, PASS_DEEP);
    }
    free(indexes);
}

/* One archive serves all groups: where it did not get on for one, the next ones wait a moment only,
 * until one of them was answered. */
static void note_archive(struct work *w, const Tercet__Pb__ScrubGroup *g) {
    uint32_t whole_ms = (uint32_t)w->config.options->archive_wait_ms;
    bool lags = w->store && g->index > g->archive_index;
    w->env.archive_wait_ms = lags && whole_ms > ARCHIVE_AGAIN_MS ? ARCHIVE_AGAIN_MS : whole_ms;
}

/* Who asks for one group by its number is told that it is not there; in a pass over all groups one
 * that ended meanwhile is passed over. */
static void pass_one_group(struct work *w, struct pass_nodes *nodes, uint64_t gid,
                           const struct work_what *what) {
    Tercet__Pb__ScrubGroup *g = what->gid ? pass_group(&w->env, nodes, gid, what->depth)
                                          : pass_group_now(&w->env, nodes, gid, what->depth);
    if (g == NULL)
        return;
    log_group(w, g);
    if (what->depth == PASS_DEEP)
        note_archive(w, g);
    board_post_take(w->config.board, g, what->depth);
}

static uint64_t count_groups(const struct pass_nodes *nodes) {
    uint64_t count = 0;
    for (uint64_t gid = pass_nodes_next_gid(nodes, 0); gid != 0;
         gid = pass_nodes_next_gid(nodes, gid))
        count++;
    return count;
}

/* Ask all nodes; how many are silent is told. */
static size_t ask_nodes(struct work *w, struct pass_nodes *ret_nodes) {
    const struct daemon_addrs *addrs = &w->config.options->storage;
    struct tc_buf problem = {0};
    pass_nodes_ask(&w->env, addrs->items, addrs->count, ret_nodes);
    size_t silent = pass_nodes_silent(ret_nodes, &problem);
    daemon_metric_set(w->config.metrics->nodes_silent, (int64_t)silent);
    if (silent > 0)
        DAEMON_WARN(w->config.log, "pass incomplete: why=\"%.*s\"",
                    TC_SLICE_ARGS(tc_buf_slice(&problem)));
    board_problem(w->config.board, tc_buf_slice(&problem));
    tc_buf_deinit(&problem);
    return silent;
}

static void pass_all(struct work *w, struct pass_nodes *nodes, const struct work_what *what) {
    uint64_t gid = what->gid ? what->gid : pass_nodes_next_gid(nodes, 0);
    while (gid != 0 && !stopping(w)) {
        progress_next(&w->progress, gid);
        if (what->demanded || !stands(w, nodes, gid, what->depth))
            pass_one_group(w, nodes, gid, what);
        gid = what->gid ? 0 : pass_nodes_next_gid(nodes, gid);
    }
    if (what->gid == 0)
        pass_all_indexes(w, nodes, what->depth, what->demanded);
}

bool work_pass(struct work *w, const struct work_what *what) {
    uint64_t mark = board_pass_begins(w->config.board), began_ns = daemon_now_ns();
    struct pass_nodes nodes;
    w->env.archive_wait_ms = (uint32_t)w->config.options->archive_wait_ms;
    progress_begin(&w->progress, what->demanded, 0);
    size_t silent = ask_nodes(w, &nodes);
    progress_more(&w->progress, what->gid ? 1 : count_groups(&nodes));
    pass_all(w, &nodes, what);
    pass_nodes_deinit(&nodes);
    progress_end(&w->progress);
    if (stopping(w))
        return false;
    if (what->gid == 0)
        board_pass_ended(w->config.board, what->depth, silent == 0 ? mark : 0);
    daemon_metric_observe(daemon_metric_with(w->config.metrics->pass_seconds,
                                             what->depth == PASS_DEEP ? "deep" : "quick", ""),
                          daemon_now_ns() - began_ns);
    return true;
}

/* ---- life */

static tc_err open_archive(struct work *w, const char *url) {
    const struct archive_url_env env = {.fs = &w->fs.fs,
                                        .clock = &w->clock.clock,
                                        .key_id = getenv("TERCET_S3_KEY_ID"),
                                        .secret = getenv("TERCET_S3_SECRET"),
                                        .seed = daemon_now_ns()};
    if (url[0] == 0)
        return TC_OK; /* no archive: its checks say so */
    return archive_url_open(url, &env, &w->store);
}

tc_err work_init(struct work *w, const struct run_config *config) {
    const struct scrubber_options *o = config->options;
    *w = (struct work){.config = *config};
    posix_fs_init(&w->fs);
    posix_clock_init(&w->clock);
    TC_TRY(open_archive(w, o->archive));
    w->bell = bell_new();
    progress_init(&w->progress);
    w->env = (struct pass_env){.ask = ask,
                               .pause = pause_ms,
                               .wall_ms = wall_ms,
                               .waits = waits,
                               .user = w,
                               .fs = &w->fs.fs,
                               .dir = config->dir,
                               .store = w->store,
                               .apply_wait_ms = (uint32_t)o->apply_wait_ms,
                               .archive_wait_ms = (uint32_t)o->archive_wait_ms,
                               .pages_deadline_ms = (uint32_t)o->pages_deadline_ms,
                               .pace_ms = (uint32_t)o->pace_ms};
    return TC_OK;
}

void work_deinit(struct work *w) {
    objstore_free(w->store);
    bell_unref(w->bell);
    progress_deinit(&w->progress);
}
