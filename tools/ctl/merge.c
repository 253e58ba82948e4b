/* `tercet merge`: two neighbouring groups of a table become one. */
#include "base/slice.h"
#include "ctl.h"
#include "groups.h"
#include "orders.h"
#include "proto/bytes.h"
#include "records.h"

#include <inttypes.h>
#include <stdio.h>

static const char usage[] =
    "usage: tercet merge LEFT RIGHT [--no-wait] [options]   make one group of two neighbours\n"
    "\n"
    "RIGHT begins where LEFT ends; given another one, this tells which does. The order is a "
    "record\n"
    "that autoadmin carries out: RIGHT's replicas move to LEFT's nodes first, where they differ,\n"
    "while both serve; then RIGHT's requests wait until the merged group serves, which takes "
    "longer\n"
    "the larger both are. This command shows how far it is, `tercet orders` shows the rest.\n"
    "Example: tercet merge 130 131\n";

struct job {
    struct cluster cluster;
    struct groups groups;
    struct records records;
    uint64_t gids[2];
};

static const Tercet__Pb__Partition *range_of(const struct job *j, uint64_t gid) {
    const struct group *g = groups_find(&j->groups, gid);
    return g && g->leader ? g->leader->partition : NULL;
}

static bool are_neighbours(const Tercet__Pb__Partition *a, const Tercet__Pb__Partition *b) {
    return a->table_id == b->table_id && a->end.len > 0 &&
           tc_slice_eq(proto_slice(a->end), proto_slice(b->start));
}

/* Who begins where the left one ends, for the message. */
static uint64_t right_of(const struct job *j, const Tercet__Pb__Partition *left) {
    for (size_t i = 0; i < j->groups.count; i++) {
        const struct group *g = &j->groups.at[i];
        const Tercet__Pb__ReplicaInfo *r = g->leader;
        bool lives = r && r->split == NULL && r->merge == NULL && r->seal == NULL;
        if (lives && are_neighbours(left, g->leader->partition))
            return g->gid;
    }
    return 0;
}

static int run(struct job *j, bool wait) {
    cluster_ask(&j->cluster);
    groups_of(&j->cluster, &j->groups);
    tc_err err = records_open(&j->records, &j->cluster, &j->groups);
    const Tercet__Pb__Partition *left = range_of(j, j->gids[0]), *right = range_of(j, j->gids[1]);
    if (err != TC_OK || left == NULL || right == NULL) {
        fprintf(stderr,
                "tercet merge: a group has no leader now; `tercet partitions` lists them\n");
        return 1;
    }
    if (!are_neighbours(left, right)) {
        fprintf(stderr, "tercet merge: group %" PRIu64 " does not begin where %" PRIu64 " ends",
                j->gids[1], j->gids[0]);
        uint64_t other = right_of(j, left);
        fprintf(stderr, other ? "; group %" PRIu64 " does\n" : "; no group does\n", other);
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
    int code = 2;
    if (argc == 2) {
        j.gids[0] = ctl_gid(argv[0]);
        j.gids[1] = ctl_gid(argv[1]);
    }
    if (j.gids[0] == 0 || j.gids[1] == 0)
        fprintf(stderr, "%s%s", usage, cluster_help);
    else
        code = run(&j, wait);
    records_close(&j.records);
    groups_free(&j.groups);
    cluster_close(&j.cluster);
    return code;
}
