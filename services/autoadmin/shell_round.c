/* One round: hold the lease, look, plan, act, and tell what was seen. */
#include "shell_round.h"

#include "shell_create.h"
#include "shell_execute.h"

static bool holds_lease(struct autoadmin *a) {
    struct tc_arena arena = {0};
    struct catalog_records leases = {0};
    bool held = false;
    if (catalog_read(&a->system, SYSTEM_KIND_LEASE, &arena, &leases) == TC_OK) {
        const struct system_record *r = leases.count ? leases.at : NULL;
        struct tc_slice me = tc_slice_str(a->daemon.node);
        uint64_t version = r ? r->version : 0;
        enum plan_lease_action next =
            plan_lease_step(&a->lease, version, r && tc_slice_eq(r->data, me), daemon_now_ns());
        struct system_record fresh = {TC_SLICE_LIT(SYSTEM_KIND_LEASE), TC_SLICE_LIT("autoadmin"),
                                      version + 1, me};
        held = next == PLAN_LEASE_ACT;
        if (next == PLAN_LEASE_TAKE || next == PLAN_LEASE_RENEW)
            held = catalog_write(&a->system, &fresh, version) == TC_OK;
    }
    tc_arena_deinit(&arena);
    return held;
}

static void tell_result(struct autoadmin *a, const struct plan_action *action, tc_err err) {
    const char *name = shell_action_name(action->type);
    daemon_metric_add(
        daemon_metric_with(err == TC_OK ? a->metrics.actions_total : a->metrics.failures_total,
                           name, NULL),
        1);
    if (err == TC_OK)
        DAEMON_INFO(a->daemon.log, "action done: action=%s gid=%llu table_id=%llu", name,
                    (unsigned long long)action->gid, (unsigned long long)action->table_id);
    else if (err == TC_EBUSY) /* the group is about something else, or about this */
        DAEMON_DEBUG(a->daemon.log, "action comes again: action=%s gid=%llu", name,
                     (unsigned long long)action->gid);
    else
        DAEMON_WARN(a->daemon.log, "action failed, planned again: action=%s err=%s", name,
                    tc_err_name(err));
}

/* One after the other, but for creations that follow each other: those go together. */
static void execute(struct autoadmin *a, const struct shell_view *v) {
    const struct plan_action *actions = a->plan.actions;
    for (uint32_t i = 0, end = 0; i < a->plan.count; i = end) {
        tc_err errs[PLAN_ACTIONS_MAX];
        end = i + 1;
        while (actions[i].type == PLAN_CREATE_REPLICA && end < a->plan.count &&
               actions[end].type == PLAN_CREATE_REPLICA)
            end++;
        if (actions[i].type == PLAN_CREATE_REPLICA)
            shell_create_replicas(&a->system, v, &actions[i], end - i, errs);
        else
            errs[0] = shell_execute(&a->system, v, &actions[i]);
        for (uint32_t k = i; k < end; k++)
            tell_result(a, &actions[k], errs[k - i]);
    }
}

static void set_heal_metrics(struct autoadmin *a) {
    const struct plan_out *p = &a->plan;
    daemon_metric_set(a->metrics.groups_unhealthy, p->unhealthy_count);
    daemon_metric_set(a->metrics.groups_changing, p->changing_count);
    daemon_metric_set(a->metrics.groups_waiting, p->waiting_count);
    daemon_metric_set(a->metrics.groups_blocked, p->blocked != NULL);
    daemon_metric_set(a->metrics.heal_halted, p->heal_halted != NULL);
    daemon_metric_set(a->metrics.directory_refused, a->directory.refused_count);
}

static void publish(struct autoadmin *a, const struct shell_view *v, bool asked) {
    int64_t silent = 0;
    for (uint32_t i = 0; asked && i < v->snapshot.node_count; i++)
        silent += !v->snapshot.nodes[i].alive;
    if (asked) {
        daemon_metric_set(a->metrics.nodes_silent, silent);
        set_heal_metrics(a);
    }
    daemon_metric_set(a->metrics.halted, a->plan.halted != NULL);
    daemon_metric_set(a->metrics.holder, a->holder);
    daemon_metric_set(a->metrics.tables, v->snapshot.table_count);
    daemon_metric_set(a->metrics.orders_open, (int64_t)a->orders.open_count);
    pthread_mutex_lock(&a->lock);
    if (asked)
        a->seen.plan = a->plan;
    a->seen.directory_version = a->directory.pushed_version;
    a->seen.tables = v->snapshot.table_count;
    a->seen.orders = (uint32_t)a->orders.open_count;
    a->seen.holder = a->holder;
    pthread_mutex_unlock(&a->lock);
}

/* Nodes are asked at every round only when the records show something to do with them: an idle
 * round costs two small reads of group 1. */
static bool needs_nodes(const struct autoadmin *a, const struct shell_view *v) {
    if (shell_seen_tables(v) != a->tables_seen)
        return true; /* an expiry time was set, say: its groups are to know */
    for (uint32_t i = 0; i < v->snapshot.table_count; i++)
        if (v->snapshot.tables[i].status != PLAN_ACTIVE)
            return true;
    return !v->snapshot.tables_read;
}

static void plan_and_act(struct autoadmin *a, const struct shell_view *v,
                         const struct shell_limits *limits, uint64_t now_ns) {
    if (a->founded) {
        tc_err err = shell_directory_publish(&a->directory, &a->system, v, limits, now_ns);
        if (err != TC_OK)
            DAEMON_WARN(a->daemon.log, "directory not published, tried again: err=%s",
                        tc_err_name(err));
    }
    plan_step(&v->snapshot, &a->plan);
    execute(a, v);
}

/* What the tables hold, on record. */
static void count_tables(struct autoadmin *a, const struct shell_view *v, uint64_t now_ns) {
    if (!a->holder || !v->snapshot.tables_read)
        return;
    tc_err err = shell_counts_publish(&a->counts, &a->system, v, now_ns);
    if (err != TC_OK)
        DAEMON_WARN(a->daemon.log, "counts not published, tried again: err=%s", tc_err_name(err));
}

/* Orders to split and merge groups; over a view that shows everything. */
static void step_orders(struct autoadmin *a, const struct shell_view *v) {
    uint32_t done = 0, failed = 0;
    if (!a->holder || !v->snapshot.tables_read)
        return;
    shell_orders_step(&a->orders, &a->system, v, a->daemon.log, &done, &failed);
    daemon_metric_add(daemon_metric_with(a->metrics.actions_total, "reshape", NULL), done);
    daemon_metric_add(daemon_metric_with(a->metrics.failures_total, "reshape", NULL), failed);
}

/* Nothing was planned, nothing waits, nobody is missing. */
static bool is_idle(const struct autoadmin *a) {
    return a->founded && !a->busy && !a->healing && a->orders.open_count == 0 &&
           a->plan.count == 0 && !a->plan.halted && !a->plan.heal_halted && !a->plan.blocked;
}

/* A round looks at everything when there is something to do, and now and then. */
static bool is_whole(struct autoadmin *a, const struct shell_limits *limits, uint64_t now_ns) {
    if (!a->founded || a->busy || a->healing || a->orders.urgent)
        return true;
    if (now_ns - a->nodes_asked_ns <= a->options.node_interval_ms * 1000000u)
        return false;
    a->nodes_asked_ns = now_ns;
    return a->orders.open_count > 0 || !shell_seen_same(&a->idle, &a->system, limits, now_ns);
}

static void round_once(struct autoadmin *a, uint64_t now_ns) {
    const struct shell_limits limits = {
        .pace = {.changes_max = (uint32_t)a->options.changes_max,
                 .changes_per_node_max = (uint32_t)a->options.heals_per_node},
        .full_bytes = a->options.node_full_bytes};
    if (a->holder)
        shell_orders_read(&a->orders, &a->system);
    bool whole = is_whole(a, &limits, now_ns), held = a->holder;
    struct shell_view v;
    shell_view_init(&v, &a->system, &limits, whole);
    shell_orders_note(&a->orders, &v);
    if (whole) {
        a->nodes_asked_ns = now_ns;
        a->plan = (struct plan_out){0};
    }
    a->founded = v.snapshot.tables_read;
    a->holder = a->founded && holds_lease(a);
    if (whole && (!a->founded || a->holder)) {
        plan_and_act(a, &v, &limits, now_ns);
        step_orders(a, &v);
        count_tables(a, &v, now_ns);
        a->healing = a->plan.changing_count + a->plan.waiting_count + a->plan.unhealthy_count > 0;
    }
    if (whole && a->plan.count == 0)
        a->tables_seen = shell_seen_tables(&v);
    a->busy = needs_nodes(a, &v) || a->orders.urgent;
    if (whole && is_idle(a))
        shell_seen_note(&a->idle, &v, &a->system, &limits, now_ns);
    else if (whole || a->holder != held)
        a->idle.valid = false;
    publish(a, &v, whole);
    daemon_metric_add(a->metrics.rounds_total, 1);
    shell_view_deinit(&v);
    shell_orders_free(&a->orders);
}

uint64_t shell_round_run(void *user, void **entries, size_t count, uint64_t now_ns) {
    struct autoadmin *a = user;
    (void)entries;
    (void)count;
    round_once(a, now_ns);
    uint64_t pause_ms = a->busy ? a->options.busy_interval_ms : a->options.idle_interval_ms;
    return daemon_now_ns() + pause_ms * 1000000u;
}

void shell_round_status(void *user, struct tc_buf *ret_json) {
    struct autoadmin *a = user;
    pthread_mutex_lock(&a->lock);
    const struct autoadmin_seen *seen = &a->seen;
    const struct plan_out *p = &seen->plan;
    tc_buf_printf(ret_json,
                  "{\"node\":\"%s\",\"holder\":%s,\"tables\":%u,\"halted\":\"%s\","
                  "\"directory_version\":%llu,\"groups_unhealthy\":%u,\"groups_changing\":%u,"
                  "\"groups_waiting\":%u,\"heal_halted\":\"%s\",\"blocked\":\"%s\","
                  "\"blocked_gid\":%llu,\"orders_open\":%u}",
                  a->daemon.node, seen->holder ? "true" : "false", seen->tables,
                  p->halted ? p->halted : "", (unsigned long long)seen->directory_version,
                  p->unhealthy_count, p->changing_count, p->waiting_count,
                  p->heal_halted ? p->heal_halted : "", p->blocked ? p->blocked : "",
                  (unsigned long long)p->blocked_gid, seen->orders);
    pthread_mutex_unlock(&a->lock);
}
