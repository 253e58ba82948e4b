#include "sim/suite/scenario.h"

#include "base/probe.h"
#include "proto/storage.pb-c.h"
#include "sim/suite/ask.h"

#include <string.h>

#define SETTLE_NS     (20 * SUITE_S) /* autoadmin has spread the leaders by then */
#define STAND_MAX_MS  UINT64_C(500)  /* half a lease: less than any election lost costs */
#define NOTED_MS      UINT64_C(150)
#define LOST_PROBE    "paxos: a campaign because no leader was heard"
#define CHOICE_PROBE  "paxos: a campaign on a resignation"
#define PARTITION_MAX 2

/* What was served when, since the scenario began. */
static uint64_t served_ns[PARTITION_MAX];
static bool counting;

static const struct {
    const char *name;
    uint64_t stand_max_ms;
} scenarios[] = {
    [SCENARIO_NONE] = {"random", UINT64_MAX},
    [SCENARIO_ONE_WAY] = {"one-way", STAND_MAX_MS},
    [SCENARIO_ROLLING] = {"rolling", STAND_MAX_MS},
};

bool suite_scenario_find(const char *name, enum suite_scenario *ret) {
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (strcmp(name, scenarios[i].name) == 0) {
            *ret = (enum suite_scenario)i;
            return true;
        }
    return false;
}

const char *suite_scenario_name(enum suite_scenario scenario) {
    return scenarios[scenario].name;
}

void suite_scenario_swarm(struct suite *s) {
    if (s->scenario == SCENARIO_NONE)
        return;
    s->swarm.clients = SUITE_CLIENTS_MAX;
    s->swarm.keys = SUITE_KEYS_MAX;
    s->swarm.think_ns = 150 * SUITE_MS;
    s->swarm.safety_ns = 90 * SUITE_S;
    s->swarm.faults = 0;
    s->swarm.indexed = false;
    s->net.stall_ppm = 0;
    /* Half of the runs: TCP, which sends no more than a window into a direction whose
     * acknowledgements do not come back. */
    s->net.window_ns = s->seed % 2 ? 250 * SUITE_MS : 0;
}

static uint64_t below(struct suite *s, uint64_t bound) {
    return tc_prng_below(&s->fault_prng, bound);
}

static bool is_kind(const struct suite_proc *p, const char *kind) {
    return strcmp(p->kind, kind) == 0;
}

static void pass(struct suite *s, uint64_t ns) {
    uint64_t until_ns = s->now_ns + ns;
    while (!s->failed && suite_step(s, until_ns)) {
    }
}

/* ---- figures */

static void note_stand(struct suite *s, uint32_t partition) {
    uint64_t stood_ms = (s->now_ns - served_ns[partition]) / SUITE_MS;
    if (stood_ms >= NOTED_MS)
        suite_trace(s, "---- partition p%u stood for %lu ms", partition, (unsigned long)stood_ms);
    if (stood_ms > s->stood_ms)
        s->stood_ms = stood_ms;
}

void suite_scenario_served(struct suite *s, uint32_t partition) {
    if (counting)
        note_stand(s, partition);
    served_ns[partition] = s->now_ns;
}

/* ---- one-way */

static struct suite_proc *any(struct suite *s, const char *kind) {
    for (;;) {
        struct suite_proc *p = &s->procs[below(s, s->proc_count)];
        if (is_kind(p, kind))
            return p;
    }
}

/* Somebody wants a leadership of a's to go to `to`, if it leads a group of both. */
static void transfer(struct suite *s, const struct suite_proc *a, const struct suite_proc *to,
                     const Tercet__Pb__NodeInfoReply *info) {
    Tercet__Pb__TransferRequest wish = TERCET__PB__TRANSFER_REQUEST__INIT;
    for (size_t i = 0; info && i < info->n_replicas; i++) {
        const Tercet__Pb__Partition *p = info->replicas[i]->partition;
        for (size_t k = 0; info->replicas[i]->role == 2 && p && k < p->n_members; k++)
            if (strcmp(p->members[k]->node, to->name) == 0) {
                wish.gid = p->gid;
                wish.rid = p->members[k]->rid;
            }
    }
    if (wish.gid == 0)
        return;
    struct suite_question q = {.asker = "router-a", .deadline_ms = 2000};
    (void)tercet__pb__transfer_request__pack(
        &wish, tc_buf_extend(&q.request, tercet__pb__transfer_request__get_packed_size(&wish)));
    (void)suite_ask(s, &q, a->name, "/tercet.Storage/Transfer");
    suite_trace(s, "---- transfer of group %lu from %s to %s: %s", (unsigned long)wish.gid, a->name,
                to->name, tc_err_name(q.err));
    suite_question_deinit(&q);
}

static Tercet__Pb__NodeInfoReply *info_of(struct suite *s, const struct suite_proc *p) {
    struct suite_question q = {.asker = "router-a", .deadline_ms = 2000};
    Tercet__Pb__NodeInfoReply *info = NULL;
    if (suite_ask(s, &q, p->name, "/tercet.Storage/NodeInfo"))
        info = tercet__pb__node_info_reply__unpack(NULL, q.reply.len, q.reply.data);
    suite_question_deinit(&q);
    return info;
}

static void one_way(struct suite *s) {
    static const char *const others[] = {"storage", "storage", "storage", "autoadmin", "memds"};
    struct suite_proc *a = any(s, "storage"), *b = a;
    const char *kind = others[below(s, sizeof others / sizeof others[0])];
    while (b == a)
        b = any(s, kind);
    bool from_a = below(s, 2) == 0;
    Tercet__Pb__NodeInfoReply *info = is_kind(b, "storage") ? info_of(s, a) : NULL;
    suite_trace(s, "---- %s hears nothing of %s", from_a ? b->name : a->name,
                from_a ? a->name : b->name);
    suite_net_cut(s, from_a ? a->id : b->id, from_a ? b->id : a->id);
    s->fault_count++;
    pass(s, below(s, 600) * SUITE_MS);
    transfer(s, a, below(s, 4) ? b : any(s, "storage"), info);
    if (info)
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    pass(s, (500 + below(s, below(s, 8) ? 9500 : 30000)) * SUITE_MS);
    suite_trace(s, "---- links are mended");
    suite_net_heal(s);
    pass(s, (100 + below(s, 4000)) * SUITE_MS);
}

/* ---- rolling */

static void roll(struct suite *s, struct suite_proc *p) {
    suite_trace(s, "---- %s is drained", p->name);
    s->fault_count++;
    suite_proc_stop(p);
    for (int i = 0; i < 400 && p->alive; i++)
        pass(s, 50 * SUITE_MS);
    if (p->alive) {
        suite_fail(s, "%s does not end although it was asked to", p->name);
        return;
    }
    suite_proc_start(p);
    pass(s, (500 + below(s, 3000)) * SUITE_MS);
}

static void rolling(struct suite *s) {
    for (uint32_t i = 0; i < s->proc_count && !s->failed; i++)
        if (is_kind(&s->procs[i], "storage"))
            roll(s, &s->procs[i]);
    pass(s, (1000 + below(s, 4000)) * SUITE_MS);
}

/* ---- the whole */

void suite_scenario_run(struct suite *s) {
    pass(s, SETTLE_NS);
    uint64_t lost = tc_probe_count(LOST_PROBE), choice = tc_probe_count(CHOICE_PROBE);
    uint64_t until_ns = s->now_ns + s->swarm.safety_ns;
    counting = true;
    while (!s->failed && s->now_ns < until_ns)
        s->scenario == SCENARIO_ONE_WAY ? one_way(s) : rolling(s);
    for (uint32_t i = 0; i < PARTITION_MAX; i++)
        note_stand(s, i);
    counting = false;
    s->lost_elections = tc_probe_count(LOST_PROBE) - lost;
    s->chosen_elections = tc_probe_count(CHOICE_PROBE) - choice;
    if (s->lost_elections)
        suite_fail(s, "%lu elections because no leader was heard, none was needed",
                   (unsigned long)s->lost_elections);
    else if (s->stood_ms > scenarios[s->scenario].stand_max_ms)
        suite_fail(s, "a partition stood for %lu ms", (unsigned long)s->stood_ms);
}
