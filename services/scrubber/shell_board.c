#include "scrubber/shell_board_private.h"

#include "base/assert.h"
#include "base/map.h"
#include "daemon/daemon.h"
#include "proto/bytes.h"

#include <stdlib.h>

enum {
    EXPORTS_PER_PASS = 100,
};

const char *const board_depth_names[BOARD_DEPTHS] = {"quick", "deep"};

struct board *board_new(struct scrubber_metrics *metrics) {
    struct board *b = calloc(1, sizeof *b);
    TC_ASSERT(b != NULL);
    pthread_mutex_init(&b->lock, NULL);
    b->metrics = metrics;
    return b;
}

static void drop(Tercet__Pb__ScrubGroup *g) {
    if (g)
        tercet__pb__scrub_group__free_unpacked(g, NULL);
}

void board_free(struct board *b) {
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++)
        for (int d = 0; d < BOARD_DEPTHS; d++)
            drop(b->rows[i].last[d]);
    for (size_t i = 0; i < BOARD_RECENT_COUNT_MAX; i++)
        if (b->recent[i].finding)
            tercet__pb__scrub_finding__free_unpacked(b->recent[i].finding, NULL);
    free(b->rows);
    tc_buf_deinit(&b->problem);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static size_t lower_bound(const struct board *b, uint64_t gid) {
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->rows[middle].gid < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct board_row *find_or_add(struct board *b, uint64_t gid) {
    size_t i = lower_bound(b, gid);
    if (i < b->count && b->rows[i].gid == gid)
        return &b->rows[i];
    if (b->count == b->max) {
        b->max = b->max * 2 + 64;
        b->rows = realloc(b->rows, b->max * sizeof *b->rows);
        TC_ASSERT(b->rows != NULL);
    }
    memmove(&b->rows[i + 1], &b->rows[i], (b->count - i) * sizeof *b->rows);
    b->rows[i] = (struct board_row){.gid = gid};
    b->count++;
    return &b->rows[i];
}

/* A group is as bad as the worse of its two results. */
static Tercet__Pb__ScrubState row_state(const struct board_row *r) {
    Tercet__Pb__ScrubState worst = TERCET__PB__SCRUB_STATE__SCRUB_CLEAN;
    for (int d = 0; d < BOARD_DEPTHS; d++) {
        Tercet__Pb__ScrubState one = r->last[d] ? pass_group_state(r->last[d]) : worst;
        if (one == TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED)
            return one;
        if (one != TERCET__PB__SCRUB_STATE__SCRUB_CLEAN)
            worst = one;
    }
    return worst;
}

static void export(struct board *b) {
    int64_t count[3] = {0}, findings = 0;
    for (size_t i = 0; i < b->count; i++) {
        count[row_state(&b->rows[i])]++;
        for (int d = 0; d < BOARD_DEPTHS; d++)
            findings += b->rows[i].last[d] ? (int64_t)b->rows[i].last[d]->n_findings : 0;
    }
    daemon_metric_set(b->metrics->groups_clean, count[TERCET__PB__SCRUB_STATE__SCRUB_CLEAN]);
    daemon_metric_set(b->metrics->groups_damaged, count[TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED]);
    daemon_metric_set(b->metrics->groups_not_run, count[TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN]);
    daemon_metric_set(b->metrics->findings, findings);
}

/* Not after every result of very many. */
static void export_now_and_then(struct board *b) {
    if (++b->posts * EXPORTS_PER_PASS < b->count)
        return;
    b->posts = 0;
    export(b);
}

static void count_checks(struct board *b, const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_checks; i++) {
        const Tercet__Pb__ScrubCheck *c = g->checks[i];
        struct daemon_metric *family = c->state == TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED
                                           ? b->metrics->damaged_total
                                           : b->metrics->not_run_total;
        if (c->state != TERCET__PB__SCRUB_STATE__SCRUB_CLEAN)
            daemon_metric_add(daemon_metric_with(family, c->name, ""), 1);
    }
    daemon_metric_add(b->metrics->pages_total, g->pages);
    daemon_metric_add(b->metrics->archive_entries_total, g->archive_entries);
}

static void remember(struct board *b, const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_findings; i++) {
        struct board_recent *r = &b->recent[b->recent_count++ % BOARD_RECENT_COUNT_MAX];
        if (r->finding)
            tercet__pb__scrub_finding__free_unpacked(r->finding, NULL);
        *r = (struct board_recent){
            .gid = g->gid,
            .ms = g->ended_ms,
            .finding = (Tercet__Pb__ScrubFinding *)proto_dup(&g->findings[i]->base)};
    }
}

void board_post_take(struct board *b, Tercet__Pb__ScrubGroup *g, enum pass_depth depth) {
    pthread_mutex_lock(&b->lock);
    struct board_row *r = find_or_add(b, g->gid);
    r->posted = ++b->posted;
    drop(r->last[depth]);
    r->last[depth] = g;
    if (depth == PASS_DEEP) { /* it answers the quick question too */
        drop(r->last[PASS_QUICK]);
        r->last[PASS_QUICK] = NULL;
    }
    daemon_metric_add(daemon_metric_with(b->metrics->groups_total, board_depth_names[depth], ""),
                      1);
    count_checks(b, g);
    remember(b, g);
    export_now_and_then(b);
    pthread_mutex_unlock(&b->lock);
}

void board_problem(struct board *b, struct tc_slice text) {
    pthread_mutex_lock(&b->lock);
    tc_buf_clear(&b->problem);
    tc_buf_append_slice(&b->problem, text);
    pthread_mutex_unlock(&b->lock);
}

uint64_t board_pass_begins(struct board *b) {
    pthread_mutex_lock(&b->lock);
    uint64_t mark = b->posted + 1;
    pthread_mutex_unlock(&b->lock);
    return mark;
}

/* A deep result answers the quick question too; the newer of the two counts for that. */
static const Tercet__Pb__ScrubGroup *newest(const struct board_row *r, enum pass_depth depth) {
    const Tercet__Pb__ScrubGroup *deep = r->last[PASS_DEEP], *quick = r->last[PASS_QUICK];
    if (depth == PASS_DEEP || quick == NULL)
        return deep;
    return deep && deep->index > quick->index ? deep : quick;
}

bool board_keep(struct board *b, uint64_t gid, enum pass_depth depth, uint64_t index,
                uint64_t now_ms, uint64_t age_max_ms) {
    pthread_mutex_lock(&b->lock);
    size_t at = lower_bound(b, gid);
    struct board_row *r = at < b->count && b->rows[at].gid == gid ? &b->rows[at] : NULL;
    const Tercet__Pb__ScrubGroup *g = r ? newest(r, depth) : NULL;
    bool keep = g && index != 0 && g->index == index && now_ms < g->ended_ms + age_max_ms &&
                pass_group_state(g) == TERCET__PB__SCRUB_STATE__SCRUB_CLEAN;
    if (keep)
        r->posted = ++b->posted;
    pthread_mutex_unlock(&b->lock);
    return keep;
}

void board_stand(struct board *b, uint64_t gid) {
    pthread_mutex_lock(&b->lock);
    size_t at = lower_bound(b, gid);
    if (at < b->count && b->rows[at].gid == gid)
        b->rows[at].posted = ++b->posted;
    pthread_mutex_unlock(&b->lock);
}

void board_pass_ended(struct board *b, enum pass_depth depth, uint64_t mark) {
    pthread_mutex_lock(&b->lock);
    b->passes[depth]++;
    size_t kept = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->rows[i].posted < mark) {
            drop(b->rows[i].last[PASS_QUICK]);
            drop(b->rows[i].last[PASS_DEEP]);
        } else {
            b->rows[kept++] = b->rows[i];
        }
    }
    b->count = kept;
    export(b);
    pthread_mutex_unlock(&b->lock);
}

void board_pack(struct board *b, uint64_t gid, struct tc_buf *ret_reply) {
    Tercet__Pb__ScrubRunReply reply = TERCET__PB__SCRUB_RUN_REPLY__INIT;
    pthread_mutex_lock(&b->lock);
    reply.groups = calloc(BOARD_DEPTHS * b->count + 1, sizeof(Tercet__Pb__ScrubGroup *));
    TC_ASSERT(reply.groups != NULL);
    for (size_t i = 0; i < b->count; i++)
        for (int d = 0; d < BOARD_DEPTHS; d++)
            if (b->rows[i].last[d] && (gid == 0 || b->rows[i].gid == gid))
                reply.groups[reply.n_groups++] = b->rows[i].last[d];
    tc_buf_append_u8(&b->problem, 0);
    b->problem.len--;
    reply.problem = (char *)b->problem.data;
    proto_append(ret_reply, &reply.base);
    pthread_mutex_unlock(&b->lock);
    free((void *)reply.groups);
}
