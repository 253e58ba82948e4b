/* What the archiver tells of itself: metrics, the status page, whether it is ready.
 *
 * The worker alone may look at the intake, so it leaves the page under the lock for those who ask.
 */
#include "archiver/shell_offers_private.h"

#include <inttypes.h>

void offers__set_healthy(struct offers *o, bool healthy) {
    (void)pthread_mutex_lock(&o->lock);
    o->healthy = healthy;
    (void)pthread_mutex_unlock(&o->lock);
}

void offers__tell_metrics(struct offers *o) {
    const struct intake_counters *now = intake_counters(o->intake);
#define X(name, text) daemon_metric_add(o->metrics->name##_total, now->name - o->told.name);
    INTAKE_COUNTERS(X)
#undef X
    o->told = *now;
    daemon_metric_set(o->metrics->queued_bytes,
                      (int64_t)__atomic_load_n(&o->queued_bytes, __ATOMIC_RELAXED));
}

struct listing {
    struct tc_buf *json;
    size_t count;
};

static void list_group(void *user, const struct intake_group_status *g) {
    struct listing *l = user;
    if (l->count >= OFFERS_STATUS_GROUPS_MAX)
        return;
    /* problem is our own text: node names are checked identities without quotes or controls. */
    tc_buf_printf(l->json,
                  "%s{\"gid\":%" PRIu64 ",\"archived\":%" PRIu64 ",\"segments\":%" PRIu64
                  ",\"last_ms\":%" PRIu64 ",\"problem\":\"",
                  l->count++ ? "," : "", g->gid, g->archived, g->segment_count, g->last_ms);
    for (const char *c = g->problem; *c; c++)
        tc_buf_append_u8(l->json, *c < ' ' || *c == '"' || *c == '\\' ? (uint8_t)'?' : (uint8_t)*c);
    tc_buf_append_str(l->json, "\"}");
}

void offers__renew_status(struct offers *o, uint64_t now_ns) {
    if (o->status_ns != 0 && now_ns - o->status_ns < UINT64_C(1000000000))
        return;
    o->status_ns = now_ns;
    struct tc_buf json = {0};
    struct listing l = {.json = &json};
    tc_buf_append_str(&json, "{\"groups\":[");
    intake_each_group(o->intake, list_group, &l);
    tc_buf_append_str(&json, "]}");
    (void)pthread_mutex_lock(&o->lock);
    struct tc_buf old = o->status;
    o->status = json;
    (void)pthread_mutex_unlock(&o->lock);
    tc_buf_deinit(&old);
}

void offers_status(struct offers *o, struct tc_buf *ret_json) {
    (void)pthread_mutex_lock(&o->lock);
    if (o->status.len > 0)
        tc_buf_append_slice(ret_json, tc_buf_slice(&o->status));
    else
        tc_buf_append_str(ret_json, "{\"groups\":[]}");
    (void)pthread_mutex_unlock(&o->lock);
}

bool offers_ready(struct offers *o, struct tc_buf *ret_why) {
    (void)pthread_mutex_lock(&o->lock);
    bool healthy = o->healthy;
    (void)pthread_mutex_unlock(&o->lock);
    if (!healthy)
        tc_buf_append_str(ret_why, "the object store failed the last offer");
    return healthy;
}
