/* What must hold: every key's history is linearizable; after the calm requests succeed again, and a
 * scrub finds all copies and the archive equal. */
#include "sim/suite/ask.h"
#include "sim/suite/index.h"

#include "proto/scrubber.pb-c.h"
#include "proto/storage.pb-c.h"

#include <string.h>

#define HEAL_NS       (90 * SUITE_S)
#define LIN_STEPS_MAX UINT64_C(3000000)

static void judge_histories(struct suite *s) {
    for (uint32_t k = 0; k < s->swarm.keys && !s->failed; k++) {
        const struct suite_history *h = &s->clients->keys[k];
        enum suite_lin_verdict v = suite_lin_check(h->ops, h->count, LIN_STEPS_MAX);
        if (v == LIN_VIOLATED)
            suite_fail(s, "key %u: no order explains its %zu operations", k, h->count);
        s->undecided += v == LIN_GAVE_UP;
    }
}

static bool clients_done(struct suite *s) {
    return s->clients->out == 0;
}

/* ---- a read of every key, which nobody may refuse */

struct last_reads {
    uint32_t out, failed;
};

static struct last_reads last;

static void read_done(void *user, enum suite_class class, struct tc_slice body) {
    (void)user, (void)body;
    last.out--;
    last.failed += class != CLASS_OK;
}

static bool reads_done(struct suite *s) {
    (void)s;
    return last.out == 0;
}

static void judge_service(struct suite *s) {
    last = (struct last_reads){0};
    for (uint32_t k = 0; k < s->swarm.keys; k++) {
        struct tc_buf body = {0};
        tc_buf_printf(&body,
                      "{\"TableName\":\"suite\",\"ConsistentRead\":true,\"Key\":{\"pk\":{\"S\":"
                      "\"p%u\"},\"sk\":{\"S\":\"k%u\"}}}",
                      k % 2, k);
        last.out++;
        suite_call(s, "GetItem", tc_buf_slice(&body), read_done, NULL);
        tc_buf_deinit(&body);
    }
    if (!suite_within(s, 20 * SUITE_S, reads_done) || last.failed)
        suite_fail(s, "%u of %u reads fail although all is well again", last.failed + last.out,
                   s->swarm.keys);
}

/* ---- the canary is well, too; what it complains of is in its log, which is judged as it comes */

static uint64_t probes_wanted;

static bool canary_served(struct suite *s) {
    return s->probe_count >= probes_wanted;
}

static void judge_canary(struct suite *s) {
    probes_wanted = s->probe_count + 6;
    if (s->swarm.canary && !suite_within(s, 10 * SUITE_S, canary_served))
        suite_fail(s, "the canary is not served although all is well again");
}

/* ---- healing: every group has three storage replicas again */

/* Three members, all with a B-tree, the other two heard of lately. */
static bool is_whole(const Tercet__Pb__ReplicaInfo *r) {
    uint32_t heard = 0;
    for (size_t i = 0; i < r->n_peers; i++)
        heard += !r->peers[i]->learner && r->peers[i]->has_tree && r->peers[i]->silent_ms < 2000;
    bool whole = r->partition->n_members == 3 && heard == 2;
    for (size_t k = 0; k < r->partition->n_members; k++)
        whole = whole && r->partition->members[k]->role == 0;
    return whole;
}

/* Groups led by this node that are not whole. */
static uint32_t broken_groups(const Tercet__Pb__NodeInfoReply *info) {
    uint32_t broken = 0;
    for (size_t i = 0; i < info->n_replicas; i++) {
        const Tercet__Pb__ReplicaInfo *r = info->replicas[i];
        broken += r->role == 2 && (r->partition == NULL || !is_whole(r));
    }
    return broken;
}

static uint32_t count_broken(struct suite *s) {
    uint32_t broken = 0;
    for (uint32_t i = 0; i < s->proc_count && !s->failed; i++) {
        if (strcmp(s->procs[i].kind, "storage") != 0)
            continue;
        struct suite_question q = {.asker = "autoadmin-a", .deadline_ms = 120000};
        Tercet__Pb__NodeInfoReply *info = NULL;
        if (suite_ask(s, &q, s->procs[i].name, "/tercet.Storage/NodeInfo"))
            info = tercet__pb__node_info_reply__unpack(NULL, q.reply.len, q.reply.data);
        broken += info ? broken_groups(info) : 1;
        if (info)
            tercet__pb__node_info_reply__free_unpacked(info, NULL);
        suite_question_deinit(&q);
    }
    return broken;
}

static bool never(struct suite *s) {
    (void)s;
    return false;
}

static void judge_healing(struct suite *s) {
    uint64_t until_ns = s->now_ns + HEAL_NS;
    uint32_t broken;
    while ((broken = count_broken(s)) > 0 && !s->failed && s->now_ns < until_ns)
        (void)suite_within(s, SUITE_S, never);
    if (broken)
        suite_fail(s, "%u groups have not three storage replicas again", broken);
}

/* ---- scrub */

static void judge_group(struct suite *s, const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_checks; i++)
        if (g->checks[i]->state != TERCET__PB__SCRUB_STATE__SCRUB_CLEAN)
            suite_fail(s, "scrub of group %lu: %s: %s", (unsigned long)g->gid, g->checks[i]->name,
                       g->checks[i]->why);
    for (size_t i = 0; i < g->n_findings; i++)
        suite_fail(s, "scrub of group %lu: %s: %s", (unsigned long)g->gid, g->findings[i]->copy,
                   g->findings[i]->what);
}

static void judge_scrub(struct suite *s) {
    Tercet__Pb__ScrubRunRequest all = TERCET__PB__SCRUB_RUN_REQUEST__INIT;
    struct suite_question q = {.asker = "autoadmin-a", .deadline_ms = 120000};
    (void)tercet__pb__scrub_run_request__pack(
        &all, tc_buf_extend(&q.request, tercet__pb__scrub_run_request__get_packed_size(&all)));
    if (!suite_ask(s, &q, "scrubber-a", "/tercet.Scrubber/Run"))
        suite_fail(s, "the scrub does not end: %s", tc_err_name(q.err));
    Tercet__Pb__ScrubRunReply *r =
        tercet__pb__scrub_run_reply__unpack(NULL, q.reply.len, q.reply.data);
    if (r == NULL || r->n_groups == 0 || r->problem[0])
        suite_fail(s, "the scrub is incomplete: %s", r ? r->problem : "no reply");
    for (size_t i = 0; r && i < r->n_groups; i++)
        judge_group(s, r->groups[i]);
    if (r)
        tercet__pb__scrub_run_reply__free_unpacked(r, NULL);
    suite_question_deinit(&q);
}

void suite_judge(struct suite *s) {
    (void)suite_clients_rest(s);
    if (!suite_within(s, SUITE_PATIENCE_NS + SUITE_S, clients_done))
        suite_fail(s, "requests are neither answered nor given up");
    if (!s->failed)
        judge_service(s);
    if (!s->failed)
        judge_canary(s);
    if (!s->failed)
        judge_histories(s);
    if (!s->failed)
        suite_orders_judge(s);
    if (!s->failed)
        judge_healing(s);
    if (!s->failed)
        suite_index_judge(s);
    if (!s->failed)
        judge_scrub(s);
}
