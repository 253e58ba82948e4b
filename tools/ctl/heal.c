/* `tercet heal`: every group that has not three storage replicas, and what is being done about it.
 */
#include "ctl.h"
#include "groups.h"
#include "json.h"
#include "process.h"
#include "records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ROUND_MS = 1000,
    SAMPLES_MAX = 1024, /* groups whose pace is remembered */
};

static const char usage[] =
    "usage: tercet heal [--watch] [options]   groups that have not three storage replicas\n"
    "\n"
    "A group's leader replaces a silent member by itself: a log replica joins within seconds (the\n"
    "group has three durable logs again), then a copy of the data makes it a storage replica.\n"
    "\n"
    "  STATE     learning  the tail of the log is copied to a new replica\n"
    "            joining   it becomes a member\n"
    "            log       a member with a log; its copy of the data has not begun\n"
    "            copying   items are copied: DONE of TOTAL\n"
    "            silent    a member does not answer; replaced after some seconds if a node can "
    "take it\n"
    "            leaderless  fewer than two members answer: start their nodes\n"
    "\n"
    "  --watch           again every second until all groups are whole\n";

/* How far a copy was when we looked last. */
struct sample {
    uint64_t gid;
    uint64_t done;
    uint64_t at_ms;
};

struct watch {
    struct sample samples[SAMPLES_MAX];
    size_t count;
};

struct line {
    const struct group *group;
    const char *state;
    uint32_t rid; /* of the replica that comes, or that is missed; 0: none */
    const char *node;
    uint64_t done;
    uint64_t total;
    uint64_t eta_s; /* UINT64_MAX: not known */
};

static const char *change_name(Tercet__Pb__ChangeState s) {
    switch (s) {
    case TERCET__PB__CHANGE_STATE__CHANGE_LEARNING:
        return "learning";
    case TERCET__PB__CHANGE_STATE__CHANGE_JOINT:
        return "joining";
    case TERCET__PB__CHANGE_STATE__CHANGE_LOG:
        return "log";
    case TERCET__PB__CHANGE_STATE__CHANGE_COPYING:
        return "copying";
    case TERCET__PB__CHANGE_STATE__CHANGE_NONE:
    case TERCET__PB__CHANGE_STATE__CHANGE_DONE:
    case _TERCET__PB__CHANGE_STATE_IS_INT_SIZE:
        break;
    }
    return NULL;
}

/* The node that holds the replica, whether it is a member yet or not. */
static const char *holder(const struct cluster *c, const struct group *g, uint32_t rid) {
    const Tercet__Pb__Member *m = group_member(g, rid);
    for (size_t i = 0; m == NULL && i < c->storage_count; i++)
        for (size_t k = 0; c->reports[i] && k < c->reports[i]->n_replicas; k++) {
            const Tercet__Pb__ReplicaInfo *r = c->reports[i]->replicas[k];
            if (r->partition && r->partition->gid == g->gid && r->rid == rid)
                return c->reports[i]->node;
        }
    return m ? m->node : "?";
}

/* Remembers this sample; UINT64_MAX: it is the first, or nothing has moved. */
static uint64_t eta_of(struct watch *w, uint64_t gid, uint64_t done, uint64_t total) {
    uint64_t now_ms = process_now_ms(), eta_s = UINT64_MAX;
    struct sample *s = NULL;
    for (size_t i = 0; i < w->count && s == NULL; i++)
        if (w->samples[i].gid == gid)
            s = &w->samples[i];
    if (s == NULL && w->count < SAMPLES_MAX)
        s = &w->samples[w->count++];
    if (s == NULL)
        return eta_s;
    if (s->gid == gid && done > s->done && total >= done)
        eta_s = ((total - done) * (now_ms - s->at_ms) / (done - s->done) + 999) / 1000;
    *s = (struct sample){gid, done, now_ms};
    return eta_s;
}

static void describe_change(const struct cluster *c, struct watch *w, struct line *l) {
    const Tercet__Pb__ChangeReplicaReply *change = l->group->leader->change;
    l->state = change_name(change->state);
    l->rid = change->rid;
    l->node = holder(c, l->group, change->rid);
    l->done = change->done;
    l->total = change->total;
    l->eta_s = eta_of(w, l->group->gid, change->done, change->total);
}

/* No change goes on: name the member that is missed. */
static void describe_members(struct line *l) {
    for (size_t i = 0; i < l->group->members->n_members; i++) {
        const Tercet__Pb__Member *m = l->group->members->members[i];
        bool silent = group_silent_ms(l->group, m->rid) >= GROUPS_SILENT_MS;
        if (l->rid != 0 || (!silent && m->role == 0))
            continue;
        l->state = silent ? "silent" : "log";
        l->rid = m->rid;
        l->node = m->node;
    }
}

static struct line describe(const struct cluster *c, struct watch *w, const struct group *g) {
    struct line l = {.group = g, .state = "leaderless", .node = "", .eta_s = UINT64_MAX};
    if (g->leader == NULL)
        return l;
    l.state = "too few members";
    if (g->leader->change && change_name(g->leader->change->state))
        describe_change(c, w, &l);
    else
        describe_members(&l);
    return l;
}

static bool whole(const struct group *g) {
    return g->leader && g->storage_count >= GROUPS_REPLICAS;
}

static void print_text(const struct line *l, const struct records *r) {
    char eta[32] = "";
    if (l->eta_s != UINT64_MAX)
        snprintf(eta, sizeof eta, "%" PRIu64 " s", l->eta_s);
    printf("%6" PRIu64 " %-20s %-11s %4" PRIu32 " %-14s %10" PRIu64 " %10" PRIu64
           " %6s  %u of %d\n",
           l->group->gid, records_table_name(r, l->group->table_id), l->state, l->rid, l->node,
           l->done, l->total, eta, l->group->storage_count, GROUPS_REPLICAS);
}

static void print_json(const struct line *l, const struct records *r, bool first) {
    const struct group *g = l->group;
    printf("%s\n {\"gid\":%" PRIu64 ",\"table_id\":%" PRIu64 ",\"table\":", first ? "" : ",",
           g->gid, g->table_id);
    json_text(records_table_name(r, g->table_id));
    printf(",\"state\":\"%s\",\"rid\":%" PRIu32 ",\"node\":", l->state, l->rid);
    json_text(l->node);
    printf(",\"done\":%" PRIu64 ",\"total\":%" PRIu64 ",\"eta_s\":", l->done, l->total);
    if (l->eta_s == UINT64_MAX)
        printf("null");
    else
        printf("%" PRIu64, l->eta_s);
    printf(",\"storage_replicas\":%u,\"members\":[", g->storage_count);
    for (size_t i = 0; i < g->members->n_members; i++) {
        const Tercet__Pb__Member *m = g->members->members[i];
        uint64_t silent_ms = group_silent_ms(g, m->rid);
        printf("%s{\"rid\":%" PRIu32 ",\"node\":", i ? "," : "", m->rid);
        json_text(m->node);
        printf(",\"kind\":\"%s\",\"silent_ms\":", m->role == 1 ? "log" : "storage");
        if (silent_ms == UINT64_MAX)
            printf("null}");
        else
            printf("%" PRIu64 "}", silent_ms);
    }
    printf("]}");
}

static void print_lines(const struct cluster *c, struct watch *w, const struct groups *g,
                        const struct records *r, size_t broken) {
    printf(c->json ? "[" : "%zu of %zu groups have three storage replicas that answer\n",
           g->count - broken, g->count);
    if (!c->json && broken)
        printf("%6s %-20s %-11s %4s %-14s %10s %10s %6s  %s\n", "GROUP", "TABLE", "STATE", "RID",
               "NODE", "DONE", "TOTAL", "ETA", "STORAGE");
    bool first = true;
    for (size_t i = 0; i < g->count; i++) {
        if (whole(&g->at[i]))
            continue;
        struct line l = describe(c, w, &g->at[i]);
        if (c->json)
            print_json(&l, r, first);
        else
            print_text(&l, r);
        first = false;
    }
    printf(c->json ? "\n]\n" : "");
    fflush(stdout);
}

/* A copy goes on somewhere: a second look tells its pace. */
static bool remember_copies(struct watch *w, const struct groups *g) {
    bool any = false;
    for (size_t i = 0; i < g->count; i++) {
        const Tercet__Pb__ReplicaInfo *leader = g->at[i].leader;
        if (leader == NULL || leader->change == NULL || change_name(leader->change->state) == NULL)
            continue;
        (void)eta_of(w, g->at[i].gid, leader->change->done, leader->change->total);
        any = true;
    }
    return any;
}

/* One look; true: every group is whole. */
static bool look(struct cluster *c, struct watch *w, bool pace) {
    struct groups g;
    struct records r;
    cluster_ask(c);
    groups_of(c, &g);
    if (pace && remember_copies(w, &g)) {
        process_sleep_ms(ROUND_MS);
        groups_free(&g);
        cluster_ask(c);
        groups_of(c, &g);
    }
    size_t broken = 0;
    for (size_t i = 0; i < g.count; i++)
        broken += !whole(&g.at[i]);
    TC_IGNORE(records_open(&r, c, &g)); /* only names come from there */
    print_lines(c, w, &g, &r, broken);
    records_close(&r);
    bool all = broken == 0 && g.count > 0;
    if (g.count == 0)
        fprintf(stderr,
                "tercet: no storage node reports a group; `tercet nodes` shows who answers\n");
    groups_free(&g);
    return all;
}

int ctl_heal(int argc, char **argv) {
    struct cluster c;
    static struct watch w;
    if (ctl_help_asked(argc, argv)) {
        printf("%s%sExit status: 0 all groups are whole; 1 some are not.\n", usage, cluster_help);
        return 0;
    }
    bool watch = ctl_flag(&argc, argv, "--watch");
    if (!cluster_open(&c, &argc, argv))
        return 1;
    int code = 2;
    if (argc > 0)
        fprintf(stderr, "%s%s", usage, cluster_help);
    else {
        code = look(&c, &w, !watch) ? 0 : 1;
        while (watch && code != 0) {
            process_sleep_ms(ROUND_MS);
            code = look(&c, &w, /* pace= */ false) ? 0 : 1;
        }
    }
    cluster_close(&c);
    return code;
}
