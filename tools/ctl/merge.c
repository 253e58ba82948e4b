/* `tercet merge`: two neighbours of one table become one group. */
#include "ctl.h"
#include "groups.h"
#include "orders.h"
#include "records.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: tercet merge LEFT RIGHT [--no-wait] [options]   make one group of two neighbours of "
    "one\n"
    "                                                       table\n"
    "\n"
    "RIGHT begins where LEFT ends; `tercet partitions` lists them in order. RIGHT's replicas move "
    "to\n"
    "LEFT's nodes first, while both serve; then RIGHT's requests wait until the merged group "
    "serves,\n"
    "which takes longer the larger both are. The order is a record that autoadmin carries out; "
    "this\n"
    "command shows how far it is, `tercet orders` shows whatever is under way.\n"
    "Example: tercet merge 104 105\n";

struct job {
    struct cluster cluster;
    struct groups groups;
    struct records records;
    uint64_t gids[2]; /* left, right */
};

static const struct group *led(const struct job *j, uint64_t gid) {
    const struct group *g = groups_find(&j->groups, gid);
    if (g == NULL || g->leader == NULL) {
        fprintf(stderr,
                "tercet merge: group %" PRIu64
                " has no leader now; `tercet partitions` lists them\n",
                gid);
        return NULL;
    }
    return g;
}

static bool are_neighbours(const Tercet__Pb__Partition *left, const Tercet__Pb__Partition *right) {
    return left->table_id == right->table_id && left->end.len > 0 &&
           left->end.len == right->start.len &&
           memcmp(left->end.data, right->start.data, left->end.len) == 0;
}

static int run(struct job *j, bool wait) {
    cluster_ask(&j->cluster);
    groups_of(&j->cluster, &j->groups);
    if (records_open(&j->records, &j->cluster, &j->groups) != TC_OK) {
        fprintf(stderr, "tercet merge: the system tables have no leader now; try again\n");
        return 1;
    }
    const struct group *left = led(j, j->gids[0]), *right = led(j, j->gids[1]);
    if (left == NULL || right == NULL)
        return 1;
    if (!are_neighbours(left->leader->partition, right->leader->partition)) {
        fprintf(stderr,
                "tercet merge: group %" PRIu64 " does not begin where group %" PRIu64
                " ends; `tercet partitions` shows their ranges\n",
                j->gids[1], j->gids[0]);
        return 2;
    }
    Tercet__Pb__ReshapeOrder order = TERCET__PB__RESHAPE_ORDER__INIT;
    order.kind = TERCET__PB__RESHAPE_KIND__RESHAPE_MERGE;
    order.parents = j->gids;
    order.n_parents = 2;
    order.table_id = left->table_id;
    return orders_give(&j->records.catalog, &order, wait);
}

int ctl_merge(int argc, char **argv) {
    struct job j = {0};
    if (ctl_help_asked(argc, argv)) {
        printf("%s%s", usage, cluster_help);
        return 0;
    }
    bool wait = !ctl_flag(&argc, argv, "--no-wait");
    if (!cluster_open(&j.cluster, &argc, argv))
        return 1;
    for (int i = 0; argc == 2 && i < 2; i++)
        j.gids[i] = ctl_gid(argv[i]);
    int code = 2;
    if (j.gids[0] == 0 || j.gids[1] == 0)
        fprintf(stderr, "%s%s", usage, cluster_help);
    else
        code = run(&j, wait);
    records_close(&j.records);
    groups_free(&j.groups);
    cluster_close(&j.cluster);
    return code;
}
