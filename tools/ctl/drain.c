/* `tercet drain`: mark a storage node so that autoadmin empties it. */
#include "ctl.h"
#include "groups.h"
#include "json.h"
#include "process.h"
#include "records.h"

#include <stdio.h>

static const char usage[] =
    "usage: tercet drain NODE [--watch] [options]   give all replicas of a storage node away\n"
    "       tercet drain NODE --cancel [options]    take the mark back; what has moved stays "
    "there\n"
    "       tercet drain [options]                  which nodes are marked, and what they still "
    "hold\n"
    "\n"
    "autoadmin hands over leadership first, then moves one replica after another to other nodes "
    "of\n"
    "the zone; clients notice nothing. The mark is a record: it outlives autoadmin and this "
    "command.\n"
    "A node that holds 0 replicas may be stopped for good: take its address off autoadmin's and "
    "the\n"
    "scrubber's --storage then.\n"
    "\n"
    "  --watch           wait until the node holds nothing\n"
    "  --cancel          stop emptying it\n";

struct drain {
    struct cluster cluster;
    struct groups groups;
    struct records records;
};

static bool look(struct drain *d) {
    cluster_ask(&d->cluster);
    groups_of(&d->cluster, &d->groups);
    tc_err err = records_open(&d->records, &d->cluster, &d->groups);
    if (err != TC_OK)
        fprintf(
            stderr,
            "tercet: the system tables do not answer (%s); marks are kept there. Start the nodes "
            "that `tercet nodes` shows as silent\n",
            tc_err_text(err));
    return err == TC_OK;
}

static void look_away(struct drain *d) {
    records_close(&d->records);
    groups_free(&d->groups);
}

struct held {
    size_t replicas;
    size_t leads;
    bool answers;
};

static struct held held_by(const struct drain *d, const char *node) {
    struct held h = {0};
    size_t at = groups_node(&d->cluster, node);
    const Tercet__Pb__NodeInfoReply *r = at == SIZE_MAX ? NULL : d->cluster.reports[at];
    h.answers = r != NULL;
    for (size_t k = 0; r && k < r->n_replicas; k++) {
        h.replicas++;
        h.leads += r->replicas[k]->role == 2;
    }
    return h;
}

static int list(struct drain *d) {
    printf(d->cluster.json ? "[" : "%-14s %-9s %9s %6s\n", "NODE", "ANSWERS", "REPLICAS", "LEADS");
    for (size_t i = 0; i < d->records.marks.count; i++) {
        struct tc_slice name = d->records.marks.at[i].name;
        char node[SYSTEM_NAME_BYTES_MAX + 1];
        snprintf(node, sizeof node, "%.*s", (int)name.len, (const char *)name.data);
        struct held h = held_by(d, node);
        if (d->cluster.json) {
            printf("%s\n {\"node\":", i ? "," : "");
            json_text(node);
            printf(",\"answers\":%s,\"replicas\":%zu,\"leads\":%zu}", h.answers ? "true" : "false",
                   h.replicas, h.leads);
        } else
            printf("%-14s %-9s %9zu %6zu\n", node, h.answers ? "yes" : "no", h.replicas, h.leads);
    }
    printf(d->cluster.json ? "\n]\n" : "");
    return 0;
}

/* Another node of its zone that could take its replicas. */
static bool has_neighbour(const struct drain *d, const char *node) {
    size_t at = groups_node(&d->cluster, node);
    if (at == SIZE_MAX)
        return true;
    for (size_t i = 0; i < d->cluster.storage_count; i++)
        if (i != at && d->cluster.reports[i] &&
            strcmp(d->cluster.reports[i]->zone, d->cluster.reports[at]->zone) == 0 &&
            !records_draining(&d->records, d->cluster.reports[i]->node))
            return true;
    return false;
}

static bool known(const struct drain *d, const char *node) {
    if (groups_node(&d->cluster, node) != SIZE_MAX || records_named(&d->records, node))
        return true;
    fprintf(stderr, "tercet drain: there is no storage node '%s'; `tercet nodes` lists them\n",
            node);
    return false;
}

static int mark(struct drain *d, const char *node, bool draining) {
    tc_err err = records_mark(&d->records, node, draining);
    if (err != TC_OK) {
        fprintf(stderr, "tercet drain: the mark of %s could not be written: %s; try again\n", node,
                tc_err_text(err));
        return 1;
    }
    struct held h = held_by(d, node);
    if (!draining)
        printf("%s is no longer drained; it holds %zu replicas\n", node, h.replicas);
    else
        printf("%s is drained: %zu replicas to move, %zu of them lead\n", node, h.replicas,
               h.leads);
    if (draining && !has_neighbour(d, node))
        fprintf(stderr,
                "tercet drain: no other storage node of its zone answers, so nothing can move "
                "while three zones live: add a node there\n");
    return 0;
}

static int watch(struct drain *d, const char *node) {
    size_t before = SIZE_MAX;
    for (;;) {
        cluster_ask(&d->cluster);
        struct held h = held_by(d, node);
        if (!h.answers) {
            fprintf(stderr,
                    "tercet drain: %s does not answer; its replicas are replaced elsewhere: "
                    "`tercet heal` shows how far\n",
                    node);
            return 1;
        }
        if (h.replicas != before) {
            printf("%s holds %zu replicas, %zu of them lead\n", node, h.replicas, h.leads);
            fflush(stdout);
        }
        if (h.replicas == 0)
            return 0;
        before = h.replicas;
        process_sleep_ms(500);
    }
}

int ctl_drain(int argc, char **argv) {
    struct drain d = {0};
    if (ctl_help_asked(argc, argv)) {
        printf("%s%s", usage, cluster_help);
        return 0;
    }
    bool cancel = ctl_flag(&argc, argv, "--cancel"), wait = ctl_flag(&argc, argv, "--watch");
    if (!cluster_open(&d.cluster, &argc, argv))
        return 1;
    int code = 1;
    if (argc > 1 || (argc == 1 && argv[0][0] == '-') || (argc == 0 && (cancel || wait))) {
        fprintf(stderr, "%s%s", usage, cluster_help);
        code = 2;
    } else if (look(&d)) {
        code = argc == 0 ? list(&d) : cancel || known(&d, argv[0]) ? mark(&d, argv[0], !cancel) : 2;
    }
    look_away(&d);
    if (code == 0 && wait && !cancel && argc == 1)
        code = watch(&d, argv[0]);
    cluster_close(&d.cluster);
    return code;
}
