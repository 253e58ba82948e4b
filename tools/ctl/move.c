/* `tercet move` and `tercet transfer`: one replica elsewhere, one leadership elsewhere. */
#include "ctl.h"
#include "groups.h"
#include "json.h"
#include "process.h"
#include "proto/bytes.h"
#include "records.h"
#include "rpc/unary.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    TRANSFER_WAIT_MS = 5000,
};

static const char move_usage[] =
    "usage: tercet move GROUP FROM TO [options]   put FROM's replica of the group on the node TO\n"
    "       tercet move GROUP --cancel [options]  take the order back, if it has not begun\n"
    "       tercet move [options]                 the orders that wait\n"
    "\n"
    "The order is a record that autoadmin carries out: the new replica joins as a log replica, "
    "takes a\n"
    "copy of the data, and FROM's goes. `tercet heal --watch` shows how far it is.\n"
    "Example: tercet move 104 storage-b storage-b2\n";

static const char transfer_usage[] =
    "usage: tercet transfer GROUP [NODE] [options]   hand the group's leadership over\n"
    "\n"
    "To the replica on NODE, or to the one that is furthest; clients notice at most some ms. "
    "autoadmin\n"
    "spreads leaders evenly again when nothing else is to be done.\n"
    "Example: tercet transfer 104 storage-c\n";

struct view {
    struct cluster cluster;
    struct groups groups;
    struct records records;
};

static const struct group *find_led(const struct view *v, uint64_t gid) {
    const struct group *g = groups_find(&v->groups, gid);
    if (g && g->leader)
        return g;
    fprintf(stderr,
            g ? "tercet: group %" PRIu64 " has no leader now: start the nodes that `tercet nodes` "
                "shows as silent\n"
              : "tercet: no group %" PRIu64 "; `tercet partitions` lists them\n",
            gid);
    return NULL;
}

static const Tercet__Pb__Member *find_member(const struct group *g, const char *node) {
    const Tercet__Pb__Member *m = group_member_on(g, node);
    if (m == NULL) {
        fprintf(stderr, "tercet: %s has no replica of group %" PRIu64 "; these have:", node,
                g->gid);
        for (size_t i = 0; i < g->members->n_members; i++)
            fprintf(stderr, " %s", g->members->members[i]->node);
        fprintf(stderr, "\n");
    }
    return m;
}

/* Why the replica cannot stand there; NULL: it can. */
static const char *refusal(const struct view *v, const struct group *g,
                           const Tercet__Pb__Member *from, const char *to) {
    size_t at = groups_node(&v->cluster, to);
    if (at == SIZE_MAX)
        return "no storage node of that name answers; `tercet nodes` lists them";
    if (group_member_on(g, to))
        return "it has a replica of this group already";
    if (records_draining(&v->records, to))
        return "it is being drained; `tercet drain NODE --cancel` takes that back";
    for (size_t i = 0; i < g->members->n_members; i++)
        if (g->members->members[i] != from &&
            strcmp(g->members->members[i]->zone, v->cluster.reports[at]->zone) == 0)
            return "another replica of this group stands in its zone, and no two may share one";
    return NULL;
}

static int order(struct view *v, uint64_t gid, const char *from, const char *to) {
    const struct group *g = find_led(v, gid);
    const Tercet__Pb__Member *m = g ? find_member(g, from) : NULL;
    if (m == NULL)
        return 2;
    const char *why = refusal(v, g, m, to);
    if (why) {
        fprintf(stderr, "tercet move: not to %s: %s\n", to, why);
        return 2;
    }
    tc_err err = records_order(&v->records, gid, from, to);
    if (err != TC_OK) {
        fprintf(stderr, "tercet move: the order could not be written: %s; try again\n",
                tc_err_text(err));
        return 1;
    }
    printf("ordered: group %" PRIu64
           " (%s) from %s to %s; `tercet heal --watch` shows how far it is\n",
           gid, records_table_name(&v->records, g->table_id), from, to);
    return 0;
}

static int cancel(struct view *v, uint64_t gid) {
    tc_err err = records_order(&v->records, gid, NULL, NULL);
    if (err == TC_OK)
        printf("the order for group %" PRIu64 " is taken back\n", gid);
    else
        fprintf(stderr, "tercet move: group %" PRIu64 ": %s\n", gid,
                err == TC_ENOTFOUND ? "no order waits; it is done, or was never given"
                                    : tc_err_text(err));
    return err == TC_OK ? 0 : 1;
}

static int list(const struct view *v) {
    printf(v->cluster.json ? "[" : "%6s %-14s %-14s\n", "GROUP", "FROM", "TO");
    bool first = true;
    for (size_t i = 0; i < v->records.orders.count; i++) {
        struct tc_slice data = v->records.orders.at[i].data;
        Tercet__Pb__MoveOrder *o = tercet__pb__move_order__unpack(NULL, data.len, data.data);
        if (o == NULL)
            continue;
        if (v->cluster.json) {
            printf("%s\n {\"gid\":%" PRIu64 ",\"from\":", first ? "" : ",", o->gid);
            json_text(o->from);
            printf(",\"to\":");
            json_text(o->to);
            printf("}");
        } else
            printf("%6" PRIu64 " %-14s %-14s\n", o->gid, o->from, o->to);
        first = false;
        tercet__pb__move_order__free_unpacked(o, NULL);
    }
    printf(v->cluster.json ? "\n]\n" : "");
    return 0;
}

/* False: the problem was told. */
static bool look(struct view *v) {
    cluster_ask(&v->cluster);
    groups_of(&v->cluster, &v->groups);
    tc_err err = records_open(&v->records, &v->cluster, &v->groups);
    if (err != TC_OK)
        fprintf(stderr,
                "tercet: the system tables do not answer (%s); start the nodes that `tercet nodes` "
                "shows as silent\n",
                tc_err_text(err));
    return err == TC_OK;
}

static void close_view(struct view *v) {
    records_close(&v->records);
    groups_free(&v->groups);
    cluster_close(&v->cluster);
}

int ctl_move(int argc, char **argv) {
    struct view v = {0};
    if (ctl_help_asked(argc, argv)) {
        printf("%s%s", move_usage, cluster_help);
        return 0;
    }
    bool taken_back = ctl_flag(&argc, argv, "--cancel");
    if (!cluster_open(&v.cluster, &argc, argv))
        return 1;
    uint64_t gid = argc > 0 ? ctl_gid(argv[0]) : 0;
    int code = 1;
    if (argc > 0 && (gid == 0 || argc != (taken_back ? 1 : 3))) {
        fprintf(stderr, "%s%s", move_usage, cluster_help);
        code = 2;
    } else if (look(&v)) {
        code = argc == 0    ? list(&v)
               : taken_back ? cancel(&v, gid)
                            : order(&v, gid, argv[1], argv[2]);
    }
    close_view(&v);
    return code;
}

/* ---- transfer */

static tc_err ask_leader(const struct view *v, const struct group *g, uint32_t rid) {
    Tercet__Pb__TransferRequest request = TERCET__PB__TRANSFER_REQUEST__INIT;
    request.gid = g->gid;
    request.rid = rid;
    struct tc_buf payload = {0}, answer = {0};
    proto_append(&payload, &request.base);
    tc_err err = rpc_unary_wait(v->cluster.rpc, v->cluster.storage[g->leader_node],
                                "/tercet.Storage/Transfer", tc_buf_slice(&payload),
                                CLUSTER_DEADLINE_MS, &answer);
    tc_buf_deinit(&payload);
    tc_buf_deinit(&answer);
    return err;
}

/* Until somebody else says that it leads. */
static int wait_for_leader(struct view *v, uint64_t gid, uint32_t old_rid) {
    uint64_t until_ms = process_now_ms() + TRANSFER_WAIT_MS;
    while (process_now_ms() < until_ms) {
        groups_free(&v->groups);
        cluster_ask(&v->cluster);
        groups_of(&v->cluster, &v->groups);
        const struct group *g = groups_find(&v->groups, gid);
        if (g && g->leader && g->leader->rid != old_rid) {
            printf("%s leads group %" PRIu64 "\n", v->cluster.reports[g->leader_node]->node, gid);
            return 0;
        }
        process_sleep_ms(20);
    }
    fprintf(stderr,
            "tercet transfer: nobody else leads group %" PRIu64 " after %d s: the others may lag; "
            "`tercet partitions` shows them\n",
            gid, TRANSFER_WAIT_MS / 1000);
    return 1;
}

static int transfer(struct view *v, uint64_t gid, const char *node) {
    const struct group *g = find_led(v, gid);
    const Tercet__Pb__Member *to = g && node ? find_member(g, node) : NULL;
    if (g == NULL || (node && to == NULL))
        return 2;
    uint32_t old_rid = g->leader->rid;
    if (to && to->rid == old_rid) {
        printf("%s leads group %" PRIu64 " already\n", node, gid);
        return 0;
    }
    if (to && to->role == 1) {
        fprintf(stderr,
                "tercet transfer: %s has a log replica of group %" PRIu64 ", which never leads\n",
                node, gid);
        return 2;
    }
    tc_err err = ask_leader(v, g, to ? to->rid : 0);
    if (err != TC_OK) {
        fprintf(stderr, "tercet transfer: its leader says: %s\n", tc_err_text(err));
        return 1;
    }
    return wait_for_leader(v, gid, old_rid);
}

int ctl_transfer(int argc, char **argv) {
    struct view v = {0};
    if (ctl_help_asked(argc, argv)) {
        printf("%s%s", transfer_usage, cluster_help);
        return 0;
    }
    if (!cluster_open(&v.cluster, &argc, argv))
        return 1;
    uint64_t gid = argc > 0 ? ctl_gid(argv[0]) : 0;
    int code = 2;
    if (gid == 0 || argc > 2)
        fprintf(stderr, "%s%s", transfer_usage, cluster_help);
    else {
        cluster_ask(&v.cluster);
        groups_of(&v.cluster, &v.groups);
        code = transfer(&v, gid, argc == 2 ? argv[1] : NULL);
    }
    groups_free(&v.groups);
    cluster_close(&v.cluster);
    return code;
}
