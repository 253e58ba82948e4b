/* `tercet orders`, and how `tercet split` and `tercet merge` give one and watch it. */
#include "orders.h"

#include "catalog/order.h"
#include "core/reshape/reshape.h"
#include "ctl.h"
#include "env/posix/posix.h"
#include "groups.h"
#include "json.h"
#include "process.h"
#include "records.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum {
    WAIT_MS = 60000,
    AGAIN_MS = 50,
    SLOW_MS = 60000, /* a step that takes longer wants a person's eye */
};

static const char usage[] =
    "usage: tercet orders [--all] [options]   orders to split and merge groups that are under way\n"
    "\n"
    "Each is a record that autoadmin carries out; any autoadmin goes on where another one "
    "stopped.\n"
    "  asked      waits for its group's leader       making     the leader makes the new groups\n"
    "  aligning   a merge: replicas move until both groups stand on the same nodes\n"
    "  sealing    a merge: the right group stands still until the new one serves\n"
    "  recording  the table's record is brought up to date\n"
    "  retiring   done for clients; the old group's replicas go after 30 s\n"
    "  refused    it can never be carried out; the text says why\n"
    "With --all also those that ended within the last minutes.\n";

static const char *kind_of(const Tercet__Pb__ReshapeOrder *o) {
    return o->kind == TERCET__PB__RESHAPE_KIND__RESHAPE_MERGE ? "merge" : "split";
}

static const char *step_of(const Tercet__Pb__ReshapeOrder *o) {
    return reshape_step_name((enum reshape_step)o->step);
}

static void append_gids(char *out, size_t len, const uint64_t *gids, size_t count) {
    size_t at = 0;
    out[0] = 0;
    for (size_t i = 0; i < count && at < len; i++) {
        int n = snprintf(out + at, len - at, "%s%" PRIu64, i ? "," : "", gids[i]);
        at += n > 0 ? (size_t)n : 0;
    }
}

/* ---- giving one */

static int told(const Tercet__Pb__ReshapeOrder *order, tc_err err) {
    if (err == TC_OK)
        return 0;
    fprintf(stderr, "tercet %s: group %" PRIu64 ": %s\n", kind_of(order), order->parents[0],
            err == TC_EBUSY ? "an order that concerns it is under way; `tercet orders` shows it"
                            : tc_err_text(err));
    return 1;
}

/* True: its clients need not wait any more, or never shall. */
static bool is_settled(const Tercet__Pb__ReshapeOrder *o, int *ret_code) {
    char parents[64], children[64];
    enum reshape_step step = (enum reshape_step)o->step;
    append_gids(parents, sizeof parents, o->parents, o->n_parents);
    append_gids(children, sizeof children, o->children, o->n_children);
    if (step == RESHAPE_REFUSED) {
        fprintf(stderr, "tercet %s: group %s: %s\n", kind_of(o), parents, o->waits);
        *ret_code = 1;
        return true;
    }
    if (reshape_is_urgent(step))
        return false;
    printf("%s of %s: %s serve and are on record\n", kind_of(o), parents, children);
    *ret_code = 0;
    return true;
}

static void tell_step(const Tercet__Pb__ReshapeOrder *o, int *said) {
    if (*said == (int)o->step)
        return;
    *said = (int)o->step;
    printf("%s of %" PRIu64 ": %s\n", kind_of(o), o->parents[0], step_of(o));
    fflush(stdout);
}

static int watch(struct catalog *c, const Tercet__Pb__ReshapeOrder *order) {
    uint64_t until_ms = process_now_ms() + WAIT_MS;
    int said = -1, code = 1;
    while (process_now_ms() < until_ms) {
        Tercet__Pb__ReshapeOrder *o = NULL;
        tc_err err = catalog_order_read(c, order->parents[0], &o);
        bool settled = err == TC_OK && o && is_settled(o, &code);
        if (o && !settled)
            tell_step(o, &said);
        if (o)
            tercet__pb__reshape_order__free_unpacked(o, NULL);
        if (settled)
            return code;
        process_sleep_ms(AGAIN_MS);
    }
    fprintf(stderr,
            "tercet %s: group %" PRIu64 " is not done after %d s; the order stays, `tercet orders` "
            "shows what it waits for\n",
            kind_of(order), order->parents[0], WAIT_MS / 1000);
    return 1;
}

int orders_give(struct catalog *c, const Tercet__Pb__ReshapeOrder *order, bool wait) {
    int code = told(order, catalog_order_reshape(c, order));
    if (code == 0 && wait)
        return watch(c, order);
    if (code == 0)
        printf("ordered: %s of %" PRIu64 "; `tercet orders` shows how far it is\n", kind_of(order),
               order->parents[0]);
    return code;
}

/* ---- showing them */

static double seconds_since(uint64_t ms) {
    uint64_t now = posix_wall_ms();
    return now > ms ? (double)(now - ms) / 1000 : 0;
}

static const char *advice(const Tercet__Pb__ReshapeOrder *o) {
    if (o->waits[0])
        return o->waits;
    bool slow = seconds_since(o->step_ms) * 1000 > SLOW_MS;
    return slow && !catalog_order_closed(o) ? "is an autoadmin running? see its log" : "";
}

static void show_json(const Tercet__Pb__ReshapeOrder *o, const char *table, bool first) {
    char parents[64], children[64];
    append_gids(parents, sizeof parents, o->parents, o->n_parents);
    append_gids(children, sizeof children, o->children, o->n_children);
    printf("%s\n {\"kind\":\"%s\",\"parents\":[%s],\"children\":[%s],\"step\":\"%s\",\"table\":",
           first ? "" : ",", kind_of(o), parents, children, step_of(o));
    json_text(table);
    printf(",\"step_s\":%.1f,\"age_s\":%.1f,\"waits\":", seconds_since(o->step_ms),
           seconds_since(o->asked_ms));
    json_text(advice(o));
    printf("}");
}

static void show(const Tercet__Pb__ReshapeOrder *o, const char *table) {
    char parents[64], children[64];
    append_gids(parents, sizeof parents, o->parents, o->n_parents);
    append_gids(children, sizeof children, o->children, o->n_children);
    printf("%-6s %-12s %-12s %-18s %-10s %7.0fs  %s\n", kind_of(o), parents, children, table,
           step_of(o), seconds_since(o->step_ms), advice(o));
}

static tc_err list(struct records *r, bool all, bool json) {
    struct catalog_records orders = {0};
    TC_TRY(catalog_read(&r->catalog, SYSTEM_KIND_RESHAPE, &r->arena, &orders));
    if (json)
        printf("[");
    else
        printf("%-6s %-12s %-12s %-18s %-10s %8s  %s\n", "KIND", "GROUP", "INTO", "TABLE", "STEP",
               "SINCE", "WAITS FOR");
    bool first = true;
    for (size_t i = 0; i < orders.count; i++) {
        struct tc_slice data = orders.at[i].data;
        Tercet__Pb__ReshapeOrder *o = tercet__pb__reshape_order__unpack(NULL, data.len, data.data);
        if (o && (all || !catalog_order_closed(o))) {
            const char *table = records_table_name(r, o->table_id);
            if (json)
                show_json(o, table, first);
            else
                show(o, table);
            first = false;
        }
        if (o)
            tercet__pb__reshape_order__free_unpacked(o, NULL);
    }
    if (json)
        printf("\n]\n");
    return TC_OK;
}

int ctl_orders(int argc, char **argv) {
    struct cluster cluster;
    struct groups groups = {0};
    struct records records = {0};
    if (ctl_help_asked(argc, argv)) {
        printf("%s%s", usage, cluster_help);
        return 0;
    }
    bool all = ctl_flag(&argc, argv, "--all");
    if (!cluster_open(&cluster, &argc, argv))
        return 1;
    if (argc != 0) {
        fprintf(stderr, "%s%s", usage, cluster_help);
        cluster_close(&cluster);
        return 2;
    }
    cluster_ask(&cluster);
    groups_of(&cluster, &groups);
    tc_err err = records_open(&records, &cluster, &groups);
    if (err == TC_OK)
        err = list(&records, all, cluster.json);
    if (err != TC_OK)
        fprintf(stderr, "tercet orders: the system's group does not answer: %s\n",
                tc_err_text(err));
    records_close(&records);
    groups_free(&groups);
    cluster_close(&cluster);
    return err == TC_OK ? 0 : 1;
}
