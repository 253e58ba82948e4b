/* What this node tells about itself: NodeInfo, the admin page, memds. */
#include "base/assert.h"
#include "core/index/index.h"
#include "engine/store/digest.h"
#include "engine/store/directory.h"
#include "engine/store/group.h"
#include "engine/store/heal.h"
#include "engine/store/outbox.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"
#include "engine/store/tables.h"
#include "env/fs.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    PUSH_PARTITIONS_MAX = 64,
};

static const char *state_text(const struct replica *r) {
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

/* What a leader adds: the change that goes on, and what it knows of the others. */
struct leader_info {
    Tercet__Pb__ChangeReplicaReply change;
    Tercet__Pb__PeerInfo peers[HEAL_PEERS_MAX];
    Tercet__Pb__PeerInfo *pointers[HEAL_PEERS_MAX];
    Tercet__Pb__BackfillInfo backfills[STORE_BACKFILL_TASKS_MAX];
    Tercet__Pb__BackfillInfo *backfill_pointers[STORE_BACKFILL_TASKS_MAX];
};

static void fill_outbox(const struct replica *r, Tercet__Pb__ReplicaInfo *info,
                        struct leader_info *l) {
    const struct store_outbox *o = r->outbox;
    uint64_t oldest_ns = store__outbox_oldest_ns(o), wall_ns = store__wall_ns(r->store);
    if (oldest_ns > 0 && oldest_ns < wall_ns)
        info->outbox_age_ms = (wall_ns - oldest_ns) / STORE_MS_NS;
    for (size_t i = 0; i < o->backfill.task_count; i++) {
        const struct backfill_task *t = &o->backfill.tasks[i];
        tercet__pb__backfill_info__init(&l->backfills[i]);
        l->backfills[i].id = t->id;
        l->backfills[i].done = t->done;
        l->backfills[i].items = t->items;
        l->backfill_pointers[i] = &l->backfills[i];
    }
    info->backfills = l->backfill_pointers;
    info->n_backfills = o->backfill.task_count;
}

static void fill_leader(const struct replica *r, Tercet__Pb__ReplicaInfo *info,
                        struct leader_info *l) {
    struct heal_peer peers[HEAL_PEERS_MAX];
    size_t count = store__heal_peers(r, store__now_ns(r->store), peers);
    tercet__pb__change_replica_reply__init(&l->change);
    store__heal_progress(r, &l->change);
    info->change = &l->change;
    for (size_t i = 0; i < count; i++) {
        Tercet__Pb__PeerInfo *p = &l->peers[i];
        tercet__pb__peer_info__init(p);
        p->rid = peers[i].rid;
        p->match = peers[i].match;
        p->silent_ms = peers[i].silent_ns / STORE_MS_NS;
        p->learner = peers[i].learner;
        p->has_tree = peers[i].has_tree;
        l->pointers[i] = p;
    }
    info->peers = l->pointers;
    info->n_peers = count;
    if (r->outbox)
        fill_outbox(r, info, l);
}

/* What a replica's info points to. */
struct info_parts {
    struct tc_buf state;
    Tercet__Pb__SplitReply split;
    Tercet__Pb__Partition *children[2];
    Tercet__Pb__SealReply seal;
    Tercet__Pb__MergeReply merge;
};

static void fill_replica(struct replica *r, Tercet__Pb__ReplicaInfo *info,
                         struct info_parts *parts) {
    struct tc_buf *state = &parts->state;
    tercet__pb__replica_info__init(info);
    bool bad = r->state == REPLICA_DAMAGED || r->state == REPLICA_LOST;
    tc_buf_printf(state, "%s%s", bad ? "damaged: " : "", state_text(r));
    tc_buf_append_u8(state, 0);
    info->partition = store__group_partition(r);
    info->rid = r->rid;
    info->role = r->status.role == PAXOS_LEADER ? 2 : r->status.role == PAXOS_CANDIDATE ? 1 : 0;
    info->last = r->status.last.index;
    info->commit = r->status.commit;
    info->applied = r->applied.index;
    info->archived = r->status.archived;
    info->base_index = r->status.base.index;
    info->checkpoint = r->checkpoint.durable;
    info->state = (char *)state->data;
    info->parent_gid = r->desc->parent_gid;
    info->schema_version = index_schema_version(proto_slice(r->desc->partition->schema));
    info->outbox_count = r->aux.outbox_count;
    if (r->paxos && store__split_fill(r, &parts->split, parts->children))
        info->split = &parts->split;
    info->right_gid = r->desc->right_gid;
    if (r->paxos && store__merge_fill_seal(r, &parts->seal))
        info->seal = &parts->seal;
    if (r->paxos && store__merge_fill(r, &parts->merge))
        info->merge = &parts->merge;
    if (r->tree) {
        struct btree_stats stats = btree_stats(r->tree);
        info->item_count = stats.item_count - r->aux.count;
        info->item_bytes = stats.item_bytes - r->aux.bytes;
    }
}

/* The replicas of a reply and what they point to. */
struct info_list {
    Tercet__Pb__ReplicaInfo *infos;
    Tercet__Pb__ReplicaInfo **pointers;
    struct info_parts *parts;
    struct leader_info **leaders;
    size_t count;
};

static void list_init(struct info_list *l, struct store *s) {
    size_t n = l->count = s->replica_count;
    l->infos = calloc(n + 1, sizeof *l->infos);
    l->pointers = calloc(n + 1, sizeof(Tercet__Pb__ReplicaInfo *));
    l->parts = calloc(n + 1, sizeof *l->parts);
    l->leaders = calloc(n + 1, sizeof(struct leader_info *));
    TC_ASSERT(l->infos && l->pointers && l->parts && l->leaders);
    for (size_t i = 0; i < n; i++) {
        fill_replica(s->replicas[i], &l->infos[i], &l->parts[i]);
        if (s->replicas[i]->paxos && store__group_leads(s->replicas[i])) {
            l->leaders[i] = calloc(1, sizeof *l->leaders[i]);
            TC_ASSERT(l->leaders[i] != NULL);
            fill_leader(s->replicas[i], &l->infos[i], l->leaders[i]);
        }
        l->pointers[i] = &l->infos[i];
    }
}

static void list_deinit(struct info_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        tc_buf_deinit(&l->parts[i].state);
        free(l->leaders[i]);
    }
    free((void *)l->leaders);
    free(l->parts);
    free((void *)l->pointers);
    free(l->infos);
}

static void fill_node(struct store *s, Tercet__Pb__NodeInfoReply *reply) {
    reply->node = s->node;
    reply->zone = s->zone;
    reply->store_uuid = (ProtobufCBinaryData){.len = STORE_UUID_BYTES, .data = s->uuid};
    reply->boot = s->boot;
    reply->uptime_ms = 1 + (store__now_ns(s) - s->opened_ns) / STORE_MS_NS;
    reply->wal_bytes = wal_space(s->wal).used_bytes;
    struct tc_fs_space space = {0};
    if (tc_fs_space(s->env.fs, s->dir, &space) == TC_OK)
        reply->disk_free_bytes = space.free_bytes;
    struct store_disk disk = store_disk(s);
    reply->disk_fill = (uint32_t)disk.fill;
    reply->disk_slow = disk.slow;
    if (disk.drain)
        reply->disk_drain = (char *)(uintptr_t)disk.drain;
}

void store_node_info(struct store *s, uint64_t known_digest, struct tc_buf *out) {
    Tercet__Pb__NodeInfoReply reply = TERCET__PB__NODE_INFO_REPLY__INIT;
    struct info_list list = {0};
    fill_node(s, &reply);
    reply.digest = store__digest(s);
    reply.unchanged = reply.digest == known_digest;
    if (!reply.unchanged) {
        list_init(&list, s);
        reply.replicas = list.pointers;
        reply.n_replicas = list.count;
    }
    proto_append(out, &reply.base);
    list_deinit(&list);
}

static void append_json_text(struct tc_buf *out, const char *text) {
    tc_buf_append_u8(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            tc_buf_append_u8(out, '\\');
        tc_buf_append_u8(out, (uint8_t)*text < 0x20 ? ' ' : (uint8_t)*text);
    }
    tc_buf_append_u8(out, '"');
}

static const char *change_text(Tercet__Pb__ChangeState state) {
    static const char *const texts[] = {"none", "learning", "joint", "log", "copying", "done"};
    return (size_t)state < sizeof texts / sizeof texts[0] ? texts[state] : "unknown";
}

static void append_change_json(const struct replica *r, struct tc_buf *out) {
    Tercet__Pb__ChangeReplicaReply c = TERCET__PB__CHANGE_REPLICA_REPLY__INIT;
    store__heal_progress(r, &c);
    tc_buf_printf(out, ",\"live_logs\":%" PRIu32, r->live_logs);
    if (c.state != TERCET__PB__CHANGE_STATE__CHANGE_NONE)
        tc_buf_printf(out,
                      ",\"change\":{\"rid\":%" PRIu32 ",\"state\":\"%s\",\"done\":%" PRIu64
                      ",\"total\":%" PRIu64 "}",
                      c.rid, change_text(c.state), c.done, c.total);
}

static void append_replica_json(struct replica *r, struct tc_buf *out) {
    const char *role = r->paxos ? paxos_role_name(r->status.role) : "none";
    tc_buf_printf(out, "{\"gid\":%" PRIu64 ",\"table_id\":%" PRIu64 ",\"table\":", r->gid,
                  r->desc->partition->table_id);
    append_json_text(out, r->desc->table_name);
    tc_buf_printf(out, ",\"rid\":%" PRIu32 ",\"role\":\"%s\",\"serving\":%s,\"leader\":%" PRIu32,
                  r->rid, role, store__group_leads(r) ? "true" : "false", r->status.leader);
    tc_buf_printf(out, ",\"round\":%" PRIu64, paxos_ballot_round(r->status.promised));
    tc_buf_printf(out,
                  ",\"base\":%" PRIu64 ",\"last\":%" PRIu64 ",\"commit\":%" PRIu64
                  ",\"applied\":%" PRIu64 ",\"checkpoint\":%" PRIu64 ",\"archived\":%" PRIu64,
                  r->status.base.index, r->status.last.index, r->status.commit, r->applied.index,
                  r->checkpoint.durable, r->status.archived);
    if (r->desc->parent_gid)
        tc_buf_printf(out, ",\"parent\":%" PRIu64, r->desc->parent_gid);
    if (r->desc->right_gid)
        tc_buf_printf(out, ",\"right_parent\":%" PRIu64, r->desc->right_gid);
    if (r->tree) {
        struct btree_stats stats = btree_stats(r->tree);
        tc_buf_printf(out, ",\"items\":%" PRIu64 ",\"bytes\":%" PRIu64,
                      stats.item_count - r->aux.count, stats.item_bytes - r->aux.bytes);
        if (r->aux.count > 0)
            tc_buf_printf(out, ",\"auxiliary\":%" PRIu64 ",\"outbox\":%" PRIu64, r->aux.count,
                          r->aux.outbox_count);
    }
    tc_buf_append_str(out, ",\"state\":");
    append_json_text(out, state_text(r));
    if (r->paxos && store__group_leads(r))
        append_change_json(r, out);
    if (r->archive.problem[0]) {
        tc_buf_append_str(out, ",\"archive_problem\":");
        append_json_text(out, r->archive.problem);
    }
    tc_buf_append_u8(out, '}');
}

static void append_disk_json(const struct store *s, struct tc_buf *out) {
    struct store_disk disk = store_disk(s);
    tc_buf_printf(out,
                  "\"disk\":{\"used_permille\":%" PRIu64
                  ",\"fill\":\"%s\",\"slow\":%s,\"errors_day\":%zu,\"drain\":",
                  disk.used_permille, disk_fill_name(disk.fill), disk.slow ? "true" : "false",
                  disk.errors);
    append_json_text(out, disk.drain ? disk.drain : "");
    tc_buf_append_str(out, "},");
}

void store_status_json(struct store *s, struct tc_buf *out) {
    struct wal_space space = wal_space(s->wal);
    struct store_heal_counts counts;
    store_heal_counts(s, &counts);
    tc_buf_append_str(out, "{\"node\":");
    append_json_text(out, s->node);
    tc_buf_append_str(out, ",\"zone\":");
    append_json_text(out, s->zone);
    tc_buf_append_str(out, ",\"store\":\"");
    for (size_t i = 0; i < STORE_UUID_BYTES; i++)
        tc_buf_printf(out, "%02x", s->uuid[i]);
    tc_buf_printf(out,
                  "\",\"boot\":%" PRIu64 ",\"wal_bytes\":%" PRIu64 ",\"wal_max_bytes\":%" PRIu64
                  ",\"directory_version\":%" PRIu64 ",\"groups_short\":%zu,\"heals_running\":%zu"
                  ",",
                  s->boot, space.used_bytes, space.max_bytes,
                  s->directory->pb ? s->directory->pb->version : 0, counts.short_groups,
                  counts.running);
    append_disk_json(s, out);
    tc_buf_append_str(out, "\"replicas\":[");
    for (size_t i = 0; i < s->replica_count; i++) {
        if (i > 0)
            tc_buf_append_u8(out, ',');
        append_replica_json(s->replicas[i], out);
    }
    tc_buf_append_str(out, "]}");
}

void store_replica_counts(const struct store *s, size_t *ret_led, size_t *ret_all) {
    size_t led = 0;
    for (size_t i = 0; i < s->replica_count; i++)
        led += store__group_leads(s->replicas[i]);
    *ret_led = led;
    *ret_all = s->replica_count;
}

void store_quiet_counts(const struct store *s, size_t *ret_quiet, size_t *ret_active) {
    *ret_quiet = *ret_active = 0;
    for (size_t i = 0; i < s->replica_count; i++) {
        *ret_quiet += s->replicas[i]->status.quiet;
        *ret_active += !tc_list_empty(&s->replicas[i]->active_link);
    }
}

static void push(struct store *s, Tercet__Pb__Partition **partitions, size_t count) {
    Tercet__Pb__PushRequest request = TERCET__PB__PUSH_REQUEST__INIT;
    request.partitions = partitions;
    request.n_partitions = count;
    if (count > 0)
        store__push(s, &request);
}

/* The partitions that this node leads among the next replicas, many in one message. */
static void push_partitions(struct store *s, size_t replicas) {
    Tercet__Pb__Partition *led[PUSH_PARTITIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < replicas; i++) {
        struct replica *r = s->replicas[s->push_at++ % s->replica_count];
        if (!store__group_announces(r))
            continue;
        if (r->desc->parent_gid || r->desc->right_gid) {
            store__group_announce(r); /* what must be told together with it goes with it */
            continue;
        }
        led[count++] = store__group_partition(r);
        if (count == PUSH_PARTITIONS_MAX) {
            push(s, led, count);
            count = 0;
        }
    }
    push(s, led, count);
}

void store_push_all(struct store *s) {
    push_partitions(s, s->replica_count);
    tc_buf_clear(&s->tables_at);
    store__tables_push(store__find(s, STORE_SYSTEM_GID), SIZE_MAX);
}

void store_push_some(struct store *s) {
    size_t count = s->replica_count < STORE_PUSH_COUNT ? s->replica_count : STORE_PUSH_COUNT;
    push_partitions(s, count);
    store__tables_push(store__find(s, STORE_SYSTEM_GID), STORE_PUSH_TABLES);
}

/* It leads, or has handed over a moment ago and hears nobody yet who took over: the resignation may
 * still be on its way, and this replica's promise may be what the successor needs. */
static bool is_needed(const struct replica *r) {
    uint64_t lease_ns = r->store->options.lease_ms * STORE_MS_NS;
    if (r->status.role == PAXOS_LEADER)
        return true;
    return r->status.successor != 0 && store__now_ns(r->store) < r->term_ended_ns + lease_ns;
}

bool store_drain(struct store *s) {
    bool needed = false;
    for (size_t i = 0; i < s->replica_count; i++) {
        store__group_flush(s->replicas[i]);
        (void)store__group_resign(s->replicas[i], /* leaves= */ false);
        needed = needed || is_needed(s->replicas[i]);
    }
    return !needed;
}
