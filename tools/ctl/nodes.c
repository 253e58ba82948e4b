/* `tercet nodes` and `tercet partitions`: what the storage nodes hold, as they say themselves. */
#include "ctl.h"
#include "groups.h"
#include "json.h"
#include "records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *role_name(uint32_t role) {
    return role == 2 ? "leader" : role == 1 ? "candidate" : "follower";
}

/* What stands on a node, by kind, and what it leads. */
struct tally {
    size_t kinds[GROUP_LEARNER + 1];
    size_t leads;
};

static struct tally tally_of(const Tercet__Pb__NodeInfoReply *r) {
    struct tally t = {0};
    for (size_t k = 0; r && k < r->n_replicas; k++) {
        t.leads += r->replicas[k]->role == 2;
        if (r->replicas[k]->partition)
            t.kinds[group_kind_of(r->replicas[k])]++;
    }
    return t;
}

/* A node as the table shows it; a silent one as the directory's record has it. */
struct node_row {
    const char *addr;
    const char *node;
    const char *zone;
    const char *state;
    const Tercet__Pb__NodeInfoReply *report;
    struct tally tally;
};

static struct node_row row_of(const struct cluster *c, const struct records *r, size_t i) {
    const Tercet__Pb__NodeInfoReply *report = c->reports[i];
    const Tercet__Pb__DirectoryNode *known = records_at_addr(r, c->storage[i]);
    struct node_row row = {.addr = c->storage[i], .report = report, .tally = tally_of(report)};
    row.node = report ? report->node : known ? known->node : "";
    row.zone = report ? report->zone : known ? known->zone : "";
    bool full = known && known->state == TERCET__PB__DIRECTORY_STATE__DIRECTORY_FULL;
    row.state = group_node_state(report, records_draining(r, row.node), full);
    return row;
}

static void print_node_json(const struct node_row *n, bool first) {
    const Tercet__Pb__NodeInfoReply *r = n->report;
    printf("%s\n {\"address\":\"%s\",\"answers\":%s,\"node\":", first ? "" : ",", n->addr,
           r ? "true" : "false");
    json_text(n->node);
    printf(",\"zone\":");
    json_text(n->zone);
    printf(",\"state\":\"%s\",\"disk_drain\":", n->state);
    json_text(r ? r->disk_drain : "");
    printf(",\"replicas\":%zu,\"storage\":%zu,\"log\":%zu,\"learners\":%zu,"
           "\"leads\":%zu,\"wal_bytes\":%" PRIu64 ",\"disk_free_bytes\":%" PRIu64 "}",
           r ? r->n_replicas : 0, n->tally.kinds[GROUP_STORAGE], n->tally.kinds[GROUP_LOG],
           n->tally.kinds[GROUP_LEARNER], n->tally.leads, r ? r->wal_bytes : 0,
           r ? r->disk_free_bytes : 0);
}

static void print_node(const struct node_row *n) {
    const Tercet__Pb__NodeInfoReply *r = n->report;
    if (r)
        printf("%-14s %-5s %-22s %-9s %8zu %5zu %8zu %6zu %9.1f %9.1f\n", n->node, n->zone, n->addr,
               n->state, n->tally.kinds[GROUP_STORAGE], n->tally.kinds[GROUP_LOG],
               n->tally.kinds[GROUP_LEARNER], n->tally.leads, (double)r->wal_bytes / 1e6,
               (double)r->disk_free_bytes / 1e9);
    else
        printf("%-14s %-5s %-22s silent     does not answer\n", n->node[0] ? n->node : "?",
               n->zone[0] ? n->zone : "?", n->addr);
}

/* False: *ret_code is the exit status. */
static bool begin(struct cluster *c, int argc, char **argv, const char *usage, int *ret_code) {
    bool help = ctl_help_asked(argc, argv);
    bool open = !help && cluster_open(c, &argc, argv);
    if (open && argc == 0)
        return true;
    *ret_code = help ? 0 : open ? 2 : 1;
    if (help || open)
        fprintf(help ? stdout : stderr, "%s%s", usage, cluster_help);
    if (open)
        cluster_close(c);
    return false;
}

static const char nodes_usage[] =
    "usage: tercet nodes [options]   the storage nodes, and what stands on each\n"
    "\n"
    "  STATE     up; draining (gives its replicas away: `tercet drain`, or its disk, which is told "
    "below);\n"
    "            slow (its disk: leads nothing, takes no new replica); full (takes no new "
    "replica);\n"
    "            silent (does not answer; leaders replace its replicas within seconds if another "
    "node\n"
    "            of its zone has room: `tercet heal`)\n"
    "  STORAGE   replicas with log and data; LOG: with a log only; LEARNERS: on their way in\n\n";

/* Nobody marked these: people are told why, and what to do. */
static void print_disks(const struct cluster *c) {
    for (size_t i = 0; i < c->storage_count && !c->json; i++) {
        const Tercet__Pb__NodeInfoReply *r = c->reports[i];
        if (r && r->disk_drain[0])
            printf("%s drains itself: %s; replace the disk when it holds nothing\n", r->node,
                   r->disk_drain);
    }
}

static void print_nodes(struct cluster *c) {
    struct groups g;
    struct records r;
    groups_of(c, &g);
    TC_IGNORE(
        records_open(&r, c, &g)); /* marks, and names of silent nodes; nothing depends on it */
    if (c->json)
        printf("[");
    else
        printf("%-14s %-5s %-22s %-9s %8s %5s %8s %6s %9s %9s\n", "NODE", "ZONE", "ADDRESS",
               "STATE", "STORAGE", "LOG", "LEARNERS", "LEADS", "WAL MB", "FREE GB");
    for (size_t i = 0; i < c->storage_count; i++) {
        struct node_row row = row_of(c, &r, i);
        if (c->json)
            print_node_json(&row, i == 0);
        else
            print_node(&row);
    }
    printf(c->json ? "\n]\n" : "");
    print_disks(c);
    records_close(&r);
    groups_free(&g);
}

int ctl_nodes(int argc, char **argv) {
    struct cluster c;
    int code = 0;
    if (!begin(&c, argc, argv, nodes_usage, &code))
        return code;
    size_t answered = cluster_ask(&c);
    print_nodes(&c);
    code = answered == c.storage_count ? 0 : 1;
    cluster_close(&c);
    return code;
}

struct row {
    const Tercet__Pb__NodeInfoReply *node;
    const Tercet__Pb__ReplicaInfo *replica;
};

static int by_group(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    uint64_t gx = x->replica->partition->gid, gy = y->replica->partition->gid;
    if (gx != gy)
        return gx < gy ? -1 : 1;
    return strcmp(x->node->node, y->node->node);
}

/* The leader's silence of this replica, for people. */
static void silence_text(const struct groups *g, const struct row *r, char text[24]) {
    const struct group *group = groups_find(g, r->replica->partition->gid);
    uint64_t ms = group ? group_silent_ms(group, r->replica->rid) : UINT64_MAX;
    if (group == NULL || group->leader == NULL)
        snprintf(text, 24, "?");
    else if (ms == UINT64_MAX)
        snprintf(text, 24, "never");
    else
        snprintf(text, 24, "%.1f", (double)ms / 1000);
}

/* Whose groups these are; empty when the records do not answer. */
static const char *name_of(const struct records *records, uint64_t table_id) {
    return records->open ? records_table_name(records, table_id) : "";
}

static void print_replica_json(const struct row *r, const struct records *records,
                               const char *silent, bool first) {
    const Tercet__Pb__ReplicaInfo *i = r->replica;
    char *end;
    (void)strtod(silent, &end); /* a number, or a word for people */
    printf("%s\n {\"table\":", first ? "" : ",");
    json_text(name_of(records, i->partition->table_id));
    printf(",\"gid\":%" PRIu64 ",\"table_id\":%" PRIu64 ",\"rid\":%" PRIu32
           ",\"node\":\"%s\",\"role\":\"%s\",\"kind\":\"%s\",\"epoch\":%" PRIu64
           ",\"last\":%" PRIu64 ",\"commit\":%" PRIu64 ",\"applied\":%" PRIu64
           ",\"archived\":%" PRIu64 ",\"checkpoint\":%" PRIu64 ",\"items\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"silent_s\":",
           i->partition->gid, i->partition->table_id, i->rid, r->node->node, role_name(i->role),
           group_kind_name(group_kind_of(i)), i->partition->epoch, i->last, i->commit, i->applied,
           i->archived, i->checkpoint, i->item_count, i->item_bytes);
    printf("%s,\"schema_version\":%" PRIu64 ",\"outbox\":%" PRIu64 ",\"state\":",
           *end || end == silent ? "null" : silent, i->schema_version, i->outbox_count);
    json_text(i->state);
    printf("}");
}

static void print_replica(const struct row *r, const struct records *records, const char *silent) {
    const Tercet__Pb__ReplicaInfo *i = r->replica;
    printf("%6" PRIu64 " %8" PRIu64 " %4" PRIu32 " %-14s %-9s %-8s %6s %5" PRIu64 " %9" PRIu64
           " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %12" PRIu64
           " %-8s %s\n",
           i->partition->gid, i->partition->table_id, i->rid, r->node->node, role_name(i->role),
           group_kind_name(group_kind_of(i)), silent, i->partition->epoch, i->last, i->commit,
           i->applied, i->archived, i->checkpoint, i->item_count, i->item_bytes, i->state,
           name_of(records, i->partition->table_id));
}

static void print_rows(struct cluster *c, const struct row *rows, size_t count) {
    struct groups g;
    struct records records;
    groups_of(c, &g);
    TC_IGNORE(records_open(&records, c, &g)); /* names only; nothing depends on them */
    if (c->json)
        printf("[");
    else
        printf("%6s %8s %4s %-14s %-9s %-8s %6s %5s %9s %9s %9s %9s %9s %9s %12s %-8s %s\n",
               "GROUP", "TABLE", "RID", "NODE", "ROLE", "KIND", "SILENT", "EPOCH", "LAST", "COMMIT",
               "APPLIED", "ARCHIVED", "CHECKPT", "ITEMS", "BYTES", "STATE", "NAME");
    for (size_t i = 0; i < count; i++) {
        char silent[24];
        silence_text(&g, &rows[i], silent);
        if (c->json)
            print_replica_json(&rows[i], &records, silent, i == 0);
        else
            print_replica(&rows[i], &records, silent);
    }
    printf(c->json ? "\n]\n" : "");
    records_close(&records);
    groups_free(&g);
}

static const char partitions_usage[] =
    "usage: tercet partitions [options]   every replica of every group\n"
    "\n"
    "  KIND      storage (log and data; leads and serves), log (log only; counts for durability),\n"
    "            learner (on its way in, counts for nothing yet)\n"
    "  SILENT    seconds since the group's leader heard it; ?: no leader answers\n"
    "  EPOCH     rises with every change of members or range\n"
    "  NAME      of the table, or TABLE/INDEX for the partitions of a global index\n\n";

int ctl_partitions(int argc, char **argv) {
    struct cluster c;
    int code = 0;
    if (!begin(&c, argc, argv, partitions_usage, &code))
        return code;
    size_t answered = cluster_ask(&c), count = 0, at = 0;
    for (size_t i = 0; i < c.storage_count; i++)
        count += c.reports[i] ? c.reports[i]->n_replicas : 0;
    struct row *rows = calloc(count + 1, sizeof *rows);
    for (size_t i = 0; rows && i < c.storage_count; i++)
        for (size_t k = 0; c.reports[i] && k < c.reports[i]->n_replicas; k++)
            if (c.reports[i]->replicas[k]->partition)
                rows[at++] = (struct row){c.reports[i], c.reports[i]->replicas[k]};
    if (at)
        qsort(rows, at, sizeof *rows, by_group);
    print_rows(&c, rows, at);
    free(rows);
    code = answered == c.storage_count ? 0 : 1;
    cluster_close(&c);
    return code;
}
