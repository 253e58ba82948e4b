/* What this node tells about itself when it is asked: NodeInfo. */
#include "base/assert.h"
#include "core/index/index.h"
#include "engine/store/digest.h"
#include "engine/store/group.h"
#include "engine/store/heal.h"
#include "engine/store/outbox.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"
#include "env/fs.h"

#include <stdlib.h>

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
    Tercet__Pb__LocalCount locals[STORE_AUX_LOCALS_MAX];
    Tercet__Pb__LocalCount *local_pointers[STORE_AUX_LOCALS_MAX];
};

static void fill_locals(const struct replica *r, Tercet__Pb__ReplicaInfo *info,
                        struct info_parts *parts) {
    for (size_t i = 0; i < r->aux.local_count; i++) {
        Tercet__Pb__LocalCount *l = parts->local_pointers[i] = &parts->locals[i];
        tercet__pb__local_count__init(l);
        l->id = r->aux.locals[i].id;
        l->items = r->aux.locals[i].count;
        l->bytes = r->aux.locals[i].bytes;
    }
    info->locals = parts->local_pointers;
    info->n_locals = r->aux.local_count;
}

static void fill_state(const struct replica *r, Tercet__Pb__ReplicaInfo *info,
                       struct tc_buf *state) {
    bool bad = r->state == REPLICA_DAMAGED || r->state == REPLICA_LOST;
    tc_buf_printf(state, "%s%s", bad ? "damaged: " : "", store__replica_state_text(r));
    tc_buf_append_u8(state, 0);
    info->state = (char *)state->data;
    info->role = r->status.role == PAXOS_LEADER ? 2 : r->status.role == PAXOS_CANDIDATE ? 1 : 0;
    info->last = r->status.last.index;
    info->commit = r->status.commit;
    info->applied = r->applied.index;
    info->archived = r->status.archived;
    info->base_index = r->status.base.index;
    info->checkpoint = r->checkpoint.durable;
}

/* What a split or merge made of it, and what it was made of. */
static void fill_reshape(struct replica *r, Tercet__Pb__ReplicaInfo *info,
                         struct info_parts *parts) {
    info->parent_gid = r->desc->parent_gid;
    info->right_gid = r->desc->right_gid;
    if (r->paxos && store__split_fill(r, &parts->split, parts->children))
        info->split = &parts->split;
    if (r->paxos && store__merge_fill_seal(r, &parts->seal))
        info->seal = &parts->seal;
    if (r->paxos && store__merge_fill(r, &parts->merge))
        info->merge = &parts->merge;
}

static void fill_items(const struct replica *r, Tercet__Pb__ReplicaInfo *info,
                       struct info_parts *parts) {
    info->schema_version = index_schema_version(proto_slice(r->desc->partition->schema));
    info->outbox_count = r->aux.outbox_count;
    fill_locals(r, info, parts);
    if (r->tree) {
        struct btree_stats stats = btree_stats(r->tree);
        info->item_count = stats.item_count - r->aux.count;
        info->item_bytes = stats.item_bytes - r->aux.bytes;
    }
}

static void fill_replica(struct replica *r, Tercet__Pb__ReplicaInfo *info,
                         struct info_parts *parts) {
    tercet__pb__replica_info__init(info);
    info->partition = store__group_partition(r);
    info->rid = r->rid;
    fill_state(r, info, &parts->state);
    fill_reshape(r, info, parts);
    fill_items(r, info, parts);
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
