/* `tercet nodes` and `tercet partitions`: what the storage nodes hold, as they say themselves. */
#include "cluster.h"
#include "ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *role_name(uint32_t role) {
    return role == 2 ? "leader" : role == 1 ? "candidate" : "follower";
}

static void print_node(const struct cluster *c, size_t i) {
    const Tercet__Pb__NodeInfoReply *r = c->reports[i];
    size_t leads = 0;
    for (size_t k = 0; r && k < r->n_replicas; k++)
        leads += r->replicas[k]->role == 2;
    if (c->json)
        printf(
            "%s\n "
            "{\"address\":\"%s\",\"answers\":%s,\"node\":\"%s\",\"zone\":\"%s\",\"replicas\":%zu,"
            "\"leads\":%zu,\"wal_bytes\":%" PRIu64 ",\"disk_free_bytes\":%" PRIu64 "}",
            i ? "," : "", c->storage[i], r ? "true" : "false", r ? r->node : "", r ? r->zone : "",
            r ? r->n_replicas : 0, leads, r ? r->wal_bytes : 0, r ? r->disk_free_bytes : 0);
    else if (r)
        printf("%-14s %-5s %-22s %9zu %6zu %9.1f %9.1f\n", r->node, r->zone, c->storage[i],
               r->n_replicas, leads, (double)r->wal_bytes / 1e6, (double)r->disk_free_bytes / 1e9);
    else
        printf("%-14s %-5s %-22s   does not answer\n", "?", "?", c->storage[i]);
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

int ctl_nodes(int argc, char **argv) {
    struct cluster c;
    int code = 0;
    if (!begin(&c, argc, argv, "usage: tercet nodes [options]   the storage nodes\n", &code))
        return code;
    size_t answered = cluster_ask(&c);
    printf(c.json ? "[" : "%-14s %-5s %-22s %9s %6s %9s %9s\n", "NODE", "ZONE", "ADDRESS",
           "REPLICAS", "LEADS", "WAL MB", "FREE GB");
    for (size_t i = 0; i < c.storage_count; i++)
        print_node(&c, i);
    printf(c.json ? "\n]\n" : "");
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

static void print_replica(const struct row *r, bool json, bool first) {
    const Tercet__Pb__ReplicaInfo *i = r->replica;
    const char *format =
        json ? "%s\n {\"gid\":%" PRIu64 ",\"table_id\":%" PRIu64 ",\"node\":\"%s\",\"role\":\"%s\","
               "\"epoch\":%" PRIu64 ",\"last\":%" PRIu64 ",\"commit\":%" PRIu64
               ",\"applied\":%" PRIu64 ",\"archived\":%" PRIu64 ",\"checkpoint\":%" PRIu64
               ",\"items\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"state\":\"%s\"}"
             : "%s%6" PRIu64 " %8" PRIu64 " %-14s %-9s %5" PRIu64 " %9" PRIu64 " %9" PRIu64
               " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %12" PRIu64 " %s\n";
    printf(format, json && !first ? "," : "", i->partition->gid, i->partition->table_id,
           r->node->node, role_name(i->role), i->partition->epoch, i->last, i->commit, i->applied,
           i->archived, i->checkpoint, i->item_count, i->item_bytes, i->state);
}

int ctl_partitions(int argc, char **argv) {
    struct cluster c;
    int code = 0;
    if (!begin(&c, argc, argv,
               "usage: tercet partitions [options]   every replica of every group\n", &code))
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
    printf(c.json ? "[" : "%6s %8s %-14s %-9s %5s %9s %9s %9s %9s %9s %9s %12s %s\n", "GROUP",
           "TABLE", "NODE", "ROLE", "EPOCH", "LAST", "COMMIT", "APPLIED", "ARCHIVED", "CHECKPT",
           "ITEMS", "BYTES", "STATE");
    for (size_t i = 0; i < at; i++)
        print_replica(&rows[i], c.json, i == 0);
    printf(c.json ? "\n]\n" : "");
    free(rows);
    code = answered == c.storage_count ? 0 : 1;
    cluster_close(&c);
    return code;
}
