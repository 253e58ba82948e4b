/* A replica in memory, and what becomes of it when its B-tree is damaged. */
#include "engine/store/replica.h"

#include "base/assert.h"
#include "engine/store/admit.h"
#include "engine/store/due.h"
#include "engine/store/heal.h"
#include "engine/store/members.h"
#include "engine/store/outbox.h"
#include "engine/store/schema.h"
#include "engine/store/snapshot.h"
#include "engine/store/split.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NOTICE_KEY_BYTES_MAX = 64,
};

struct replica *store__replica_new(struct store *s, Tercet__Pb__CreateReplicaRequest *desc_take) {
    struct replica *r = calloc(1, sizeof *r);
    TC_ASSERT(r != NULL);
    r->store = s;
    r->gid = desc_take->partition->gid;
    r->rid = desc_take->rid;
    r->desc = desc_take;
    r->checkpoint.last_ns = r->made_ns = store__now_ns(s);
    r->deadline_ns = UINT64_MAX;
    tc_list_init(&r->flush_link);
    tc_list_init(&r->active_link);
    tc_list_init(&r->archive.link);
    store_waits_init(&r->waits);
    store__admit_init(r);
    store__members_init(r);
    store__schema_load(r);
    r->fed_ns = store__now_ns(s);
    return r;
}

void store__replica_free(struct replica *r) {
    if (r == NULL)
        return;
    TC_ASSERT(r->jobs_out == 0 && r->waits.count == 0);
    tc_list_remove(&r->flush_link);
    tc_list_remove(&r->archive.link);
    for (size_t i = 0; r->proposals && i < r->proposals->count; i++)
        tc_blob_unref(r->proposals->items[i].body);
    store__snapshot_forget(r);
    store__heal_free(r);
    store__outbox_free(r);
    store__members_deinit(r);
    store__schema_free(r);
    store__seal_free(r);
    paxos_free(r->paxos);
    store__due_drop(r);
    btree_close(r->tree);
    store_overlay_deinit(&r->overlay);
    store_dedup_deinit(&r->dedup);
    store_waits_deinit(&r->waits);
    tercet__pb__create_replica_request__free_unpacked(r->desc, NULL);
    free(r->proposals);
    free(r->units);
    free(r->marks);
    free(r);
}

void store__replica_insert(struct store *s, struct replica *r) {
    s->replicas = realloc(s->replicas, (s->replica_count + 1) * sizeof(struct replica *));
    TC_ASSERT(s->replicas != NULL);
    size_t at = s->replica_count++;
    for (; at > 0 && s->replicas[at - 1]->gid > r->gid; at--)
        s->replicas[at] = s->replicas[at - 1];
    s->replicas[at] = r;
    (void)tc_map_put(&s->by_gid, tc_map_u64_key(&r->gid), r);
}

const char *store__replica_state_text(const struct replica *r) {
    switch (r->state) {
    case REPLICA_OK:
        return r->stalled ? "stalled: waits for a checkpoint" : "ok";
    case REPLICA_INSTALLING:
        return "installing";
    case REPLICA_LOG:
        return "log";
    case REPLICA_BUILDING:
        return "building";
    case REPLICA_DAMAGED:
    case REPLICA_LOST:
        break;
    }
    return r->damage;
}

static void append_key(struct tc_buf *out, const struct tc_buf *key) {
    for (size_t i = 0; i < key->len && i < NOTICE_KEY_BYTES_MAX; i++)
        tc_buf_printf(out, "%02x", key->data[i]);
}

void store__replica_notice(const struct replica *r, const char *why,
                           const struct btree_damage *bad) {
    const struct store_env *env = &r->store->env;
    struct tc_buf text = {0};
    tc_buf_printf(&text, "gid=%" PRIu64 " rid=%" PRIu32 " why=\"%s\"", r->gid, r->rid, why);
    if (bad) {
        tc_buf_printf(&text, " page=%" PRIu64 " what=\"%s\" from=", bad->page, bad->what);
        append_key(&text, &bad->start);
        tc_buf_append_str(&text, " to=");
        append_key(&text, &bad->end);
    }
    tc_buf_append_u8(&text, 0);
    if (env->notice)
        env->notice(env->user, (const char *)text.data);
    tc_buf_deinit(&text);
}

static void want_copy(struct replica *r, const char *why, const struct btree_damage *bad) {
    (void)snprintf(r->damage, sizeof r->damage, "%s%s%s", why, bad ? ": " : "",
                   bad ? bad->what : "");
    r->state = REPLICA_DAMAGED;
    store__due_touch(r, store__now_ns(r->store));
    TC_TRACE(&r->store->env.trace, "g%" PRIu64 " %s -> stops serving, wants a snapshot", r->gid,
             r->damage);
}

void store__replica_wants_copy(struct replica *r, const char *why) {
    want_copy(r, why, /* bad= */ NULL);
}

void store__replica_damaged(struct replica *r, const char *why) {
    if (r->state != REPLICA_OK)
        return;
    const struct btree_damage *bad = r->tree ? btree_last_damage(r->tree) : NULL;
    want_copy(r, why, bad);
    r->store->counters.damage_found++;
    store__replica_notice(r, why, bad);
}
