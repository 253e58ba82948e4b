/* `tercet tables`: tables and their indexes, as the records and their groups' leaders say. */
#include "ctl.h"
#include "groups.h"
#include "json.h"
#include "records.h"

#include <inttypes.h>
#include <stdio.h>

static const char usage[] =
    "usage: tercet tables [options]   every table, and below it its indexes\n"
    "\n"
    "  ID        of the table, or of a global index: TABLE in `tercet partitions`\n"
    "  GROUPS    partitions; LED: those whose leader answers\n"
    "  SCHEMA    how many of the table's groups know the record's schema (indexes, expiry times)\n"
    "  DONE      of an index: groups of the table that have carried their items over to it\n"
    "  OUTBOX    items whose rows in global indexes are not up to date yet\n\n";

static const char *status_name(Tercet__Pb__TableStatus status) {
    static const char *const names[] = {"CREATING", "ACTIVE", "UPDATING", "DELETING"};
    return (unsigned)status < 4 ? names[status] : "?";
}

/* What the leaders of one table id report together. */
struct held {
    size_t groups;
    size_t led;
    size_t knowing; /* that have this schema version or a newer one */
    uint64_t items;
    uint64_t bytes;
    uint64_t outbox;
};

static struct held held_by(const struct groups *g, uint64_t table_id, uint64_t schema_version) {
    struct held h = {0};
    for (size_t i = 0; table_id && i < g->count; i++) {
        const Tercet__Pb__ReplicaInfo *leader = g->at[i].leader;
        if (g->at[i].table_id != table_id || (leader && leader->split && leader->split->state > 1))
            continue;
        h.groups++;
        if (leader == NULL)
            continue;
        h.led++;
        h.knowing += leader->schema_version >= schema_version;
        h.items += leader->item_count;
        h.bytes += leader->item_bytes;
        h.outbox += leader->outbox_count;
    }
    return h;
}

static size_t backfilled(const struct groups *g, uint64_t table_id, uint32_t id) {
    size_t done = 0;
    for (size_t i = 0; i < g->count; i++) {
        const Tercet__Pb__ReplicaInfo *leader = g->at[i].leader;
        for (size_t k = 0; g->at[i].table_id == table_id && leader && k < leader->n_backfills; k++)
            done += leader->backfills[k]->id == id && leader->backfills[k]->done;
    }
    return done;
}

static void print_index_json(const struct groups *g, const Tercet__Pb__TableDescriptor *d,
                             const Tercet__Pb__IndexDescriptor *x, bool first) {
    struct held h = held_by(g, x->table_id, 0);
    printf("%s\n  {\"id\":%" PRIu32 ",\"name\":", first ? "" : ",", x->id);
    json_text(x->name);
    printf(",\"kind\":\"%s\",\"status\":\"%s\",\"backfilling\":%s,\"table_id\":%" PRIu64
           ",\"groups\":%zu,\"led\":%zu,\"items\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"backfilled_groups\":%zu}",
           x->global ? "global" : "local", status_name(x->status),
           x->backfilling ? "true" : "false", x->table_id, h.groups, h.led, h.items, h.bytes,
           backfilled(g, d->table_id, x->id));
}

static void print_table_json(const struct groups *g, const Tercet__Pb__TableDescriptor *d,
                             bool first) {
    struct held h = held_by(g, d->table_id, d->schema_version);
    printf("%s\n {\"name\":", first ? "" : ",");
    json_text(d->name);
    printf(",\"table_id\":%" PRIu64
           ",\"status\":\"%s\",\"groups\":%zu,\"led\":%zu,\"items\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"schema_version\":%" PRIu64 ",\"schema_groups\":%zu,\"outbox\":%" PRIu64
           ",\"indexes\":[",
           d->table_id, status_name(d->status), h.groups, h.led, h.items, h.bytes,
           d->schema_version, h.knowing, h.outbox);
    for (size_t i = 0; i < d->n_indexes; i++)
        print_index_json(g, d, d->indexes[i], i == 0);
    printf("]}");
}

static void print_index(const struct groups *g, const Tercet__Pb__TableDescriptor *d,
                        const Tercet__Pb__IndexDescriptor *x) {
    struct held h = held_by(g, x->table_id, 0);
    char name[300], done[32] = "";
    (void)snprintf(name, sizeof name, "  %s (%s)", x->name, x->global ? "global" : "local");
    if (x->backfilling)
        (void)snprintf(done, sizeof done, "%zu", backfilled(g, d->table_id, x->id));
    if (x->global)
        printf("%-32s %8" PRIu64 " %-9s %6zu %6zu %9" PRIu64 " %12" PRIu64 " %6s %6s\n", name,
               x->table_id, status_name(x->status), h.groups, h.led, h.items, h.bytes, "", done);
    else
        printf("%-32s %8s %-9s\n", name, "", status_name(x->status));
}

static void print_table(const struct groups *g, const Tercet__Pb__TableDescriptor *d) {
    struct held h = held_by(g, d->table_id, d->schema_version);
    printf("%-32s %8" PRIu64 " %-9s %6zu %6zu %9" PRIu64 " %12" PRIu64 " %6zu %6s %8" PRIu64 "\n",
           d->name, d->table_id, status_name(d->status), h.groups, h.led, h.items, h.bytes,
           d->schema_version ? h.knowing : h.led, "", h.outbox);
    for (size_t i = 0; i < d->n_indexes; i++)
        print_index(g, d, d->indexes[i]);
}

static void print_all(struct cluster *c, const struct records *r, const struct groups *g) {
    bool first = true;
    if (c->json)
        printf("[");
    else
        printf("%-32s %8s %-9s %6s %6s %9s %12s %6s %6s %8s\n", "TABLE", "ID", "STATUS", "GROUPS",
               "LED", "ITEMS", "BYTES", "SCHEMA", "DONE", "OUTBOX");
    for (size_t i = 0; i < r->tables.count; i++) {
        struct tc_slice data = r->tables.at[i].data;
        Tercet__Pb__TableDescriptor *d =
            tercet__pb__table_descriptor__unpack(NULL, data.len, data.data);
        if (d == NULL)
            continue;
        if (c->json)
            print_table_json(g, d, first);
        else
            print_table(g, d);
        first = false;
        tercet__pb__table_descriptor__free_unpacked(d, NULL);
    }
    printf(c->json ? "\n]\n" : "");
}

int ctl_tables(int argc, char **argv) {
    struct cluster c;
    struct groups g;
    struct records r;
    if (ctl_help_asked(argc, argv)) {
        printf("%s%s", usage, cluster_help);
        return 0;
    }
    if (!cluster_open(&c, &argc, argv))
        return 1;
    if (argc > 0) {
        fprintf(stderr, "%s%s", usage, cluster_help);
        cluster_close(&c);
        return 2;
    }
    (void)cluster_ask(&c);
    groups_of(&c, &g);
    tc_err err = records_open(&r, &c, &g);
    if (err == TC_OK)
        print_all(&c, &r, &g);
    else
        fprintf(stderr,
                "tercet: the system tables do not answer (%s); start the nodes that `tercet nodes` "
                "shows as silent\n",
                tc_err_text(err));
    records_close(&r);
    groups_free(&g);
    cluster_close(&c);
    return err == TC_OK ? 0 : 1;
}
