#include "shell.h"

enum {
    CENSUS_NS_PER_REPLICA = 500000, /* ten thousand: every five seconds */
};

/* Walks over all replicas: rarer where there are many. */
static void census(struct shell *s, uint64_t now_ns) {
    struct storage_metrics *m = s->metrics;
    size_t led = 0, all = 0, quiet = 0, active = 0;
    store_replica_counts(s->store, &led, &all);
    store_quiet_counts(s->store, &quiet, &active);
    struct store_heal_counts heals;
    store_heal_counts(s->store, &heals);
    struct store_outbox_counts owed;
    store_outbox_counts(s->store, &owed);
    daemon_metric_set(m->outbox_rows, (int64_t)owed.rows);
    daemon_metric_set(m->outbox_age_ms, (int64_t)owed.age_ms);
    daemon_metric_set(m->groups_short, (int64_t)heals.short_groups);
    daemon_metric_set(m->heals_running, (int64_t)heals.running);
    daemon_metric_set(m->log_replicas, (int64_t)heals.log_replicas);
    daemon_metric_set(m->replicas, (int64_t)all);
    daemon_metric_set(m->replicas_led, (int64_t)led);
    daemon_metric_set(m->replicas_quiet, (int64_t)quiet);
    daemon_metric_set(m->replicas_active, (int64_t)active);
    s->census_ns = now_ns + (uint64_t)all * CENSUS_NS_PER_REPLICA;
}

/* The store counts plainly; what came since the last export is added here. */
void shell_metrics(struct shell *s, uint64_t now_ns) {
    const struct store_counters *now = store_counters(s->store);
    struct storage_metrics *m = s->metrics;
#define EXPORT(name, text)                                                                         \
    daemon_metric_add(m->name##_total, now->name - s->last.name);                                  \
    s->last.name = now->name;
    STORE_COUNTERS(EXPORT)
#undef EXPORT
    if (now_ns >= s->census_ns)
        census(s, now_ns);
    struct store_disk disk = store_disk(s->store);
    daemon_metric_set(m->disk_used_permille, (int64_t)disk.used_permille);
    daemon_metric_set(m->disk_fill, (int64_t)disk.fill);
    daemon_metric_set(m->disk_slow, disk.slow);
    daemon_metric_set(m->disk_write_outstanding_ms, (int64_t)(disk.outstanding_ns / 1000000));
    daemon_metric_set(m->disk_errors_day, (int64_t)disk.errors);
    daemon_metric_set(m->disk_draining, disk.drain != NULL);
    daemon_metric_set(m->mailbox_count,
                      (int64_t)daemon_mailbox_count(daemon_worker_mailbox(s->worker)));
}
