/* The control plane, as far as groups are reshaped: it tells nodes of each other, has replicas
 * moved and leaderships transferred. And the loss of whole disks, which the groups must survive:
 * one at a time, and the next one only when every group is whole again. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "base/probe.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SILENT_MS_MAX = 600, /* of a member in a whole group */
    LAG_MAX = 200,       /* entries */
};

static uint64_t below(struct world *w, uint64_t bound) {
    return tc_prng_below(&w->reshape_prng, bound);
}

/* ---- what nodes tell */

Tercet__Pb__ReplicaInfo *world_group_leader(struct world *w, uint64_t gid,
                                            Tercet__Pb__NodeInfoReply **ret_info,
                                            struct world_node **ret_node) {
    Tercet__Pb__ReplicaInfo *best = NULL;
    *ret_info = NULL;
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        Tercet__Pb__NodeInfoReply *info = world_node_info(&w->nodes[i]);
        Tercet__Pb__ReplicaInfo *found = NULL;
        for (size_t k = 0; info && k < info->n_replicas; k++)
            if (info->replicas[k]->partition->gid == gid && info->replicas[k]->role == 2 &&
                info->replicas[k]->change)
                found = info->replicas[k];
        bool newer =
            found && (!best || found->partition->leader_round > best->partition->leader_round);
        Tercet__Pb__NodeInfoReply *drop = newer ? *ret_info : info;
        if (newer) {
            best = found;
            *ret_info = info;
            *ret_node = &w->nodes[i];
        }
        if (drop)
            tercet__pb__node_info_reply__free_unpacked(drop, NULL);
    }
    return best;
}

static uint32_t node_of(const Tercet__Pb__Member *m) {
    return (uint32_t)strtoul(m->addr + 5, NULL, 10);
}

void world_group_learn(struct world *w, struct world_group *g, const Tercet__Pb__Partition *p) {
    if (!(w->swarm.reshape || w->swarm.follows) || p->epoch < g->epoch ||
        p->n_members > WORLD_NODES_MAX)
        return;
    g->epoch = p->epoch;
    g->count = 0;
    for (size_t i = 0; i < p->n_members; i++)
        if (p->members[i]->addr[0] != 0)
            g->nodes[g->count++] = node_of(p->members[i]);
}

/* Its node runs, on the disk that the group knows. */
static bool is_there(const struct world *w, const Tercet__Pb__Member *m) {
    const struct world_node *n = &w->nodes[node_of(m)];
    return n->store && memcmp(n->uuid, m->store_uuid.data, sizeof n->uuid) == 0;
}

/* Three storage replicas that hear their leader and keep up, and no change. */
static bool is_whole(const struct world *w, const Tercet__Pb__ReplicaInfo *r) {
    if (r == NULL || r->change->state != TERCET__PB__CHANGE_STATE__CHANGE_NONE ||
        r->partition->n_members != 3 || r->n_peers != 2)
        return false;
    for (size_t i = 0; i < r->n_peers; i++) {
        const Tercet__Pb__PeerInfo *p = r->peers[i];
        if (p->learner || !p->has_tree || p->silent_ms > SILENT_MS_MAX ||
            p->match + LAG_MAX < r->last)
            return false;
    }
    for (size_t i = 0; i < r->partition->n_members; i++)
        if (r->partition->members[i]->role != 0 || !is_there(w, r->partition->members[i]))
            return false;
    return true;
}

bool world_group_whole(struct world *w, struct world_group *g) {
    Tercet__Pb__NodeInfoReply *info = NULL;
    struct world_node *n = NULL;
    const Tercet__Pb__ReplicaInfo *r = world_group_leader(w, g->gid, &info, &n);
    bool whole = is_whole(w, r);
    if (r)
        world_group_learn(w, g, r->partition);
    if (info)
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return whole;
}

/* ---- the directory */

static void tell_one(struct world_node *n, const Tercet__Pb__Directory *d) {
    if (n->store == NULL || n->paused_until_ns > n->w->now_ns)
        return;
    world_node_set_clock(n);
    tc_err err = store_set_directory(n->store, d);
    bool full = err == TC_EFULL && n->disk.filled;
    if (err != TC_OK && err != TC_ESTALE && !full && !n->failing)
        world_fail(n->w, "node %u refuses the directory: %s", n->id, tc_err_name(err));
    world_node_pump(n);
}

/* A node that is down keeps its last store; some of the time nobody has noticed yet. */
static Tercet__Pb__DirectoryState state_of(struct world *w, const struct world_node *n) {
    if (n->store == NULL && w->reshape_notices)
        return TERCET__PB__DIRECTORY_STATE__DIRECTORY_DOWN;
    if ((w->swarm.fills || w->swarm.drags) && w->reshape_notices) {
        if (world_disk_drains(n))
            return TERCET__PB__DIRECTORY_STATE__DIRECTORY_DRAINING;
        if (!world_disk_takes_replicas(n))
            return TERCET__PB__DIRECTORY_STATE__DIRECTORY_FULL;
    }
    return TERCET__PB__DIRECTORY_STATE__DIRECTORY_UP;
}

static void tell_directory(struct world *w) {
    Tercet__Pb__DirectoryNode nodes[WORLD_NODES_MAX], *pointers[WORLD_NODES_MAX];
    char name[WORLD_NODES_MAX][24], addr[WORLD_NODES_MAX][24], zone[WORLD_NODES_MAX][2];
    Tercet__Pb__Directory d = TERCET__PB__DIRECTORY__INIT;
    d.version = ++w->directory_version;
    d.nodes = pointers;
    d.n_nodes = w->swarm.nodes;
    d.heals_per_node = w->swarm.heals_per_node;
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        struct world_node *n = &w->nodes[i];
        tercet__pb__directory_node__init(&nodes[i]);
        snprintf(name[i], sizeof name[i], "storage-%u", i);
        snprintf(addr[i], sizeof addr[i], "node:%u", i);
        zone[i][0] = world_zone(w, i);
        zone[i][1] = 0;
        nodes[i].node = name[i];
        nodes[i].addr = addr[i];
        nodes[i].zone = zone[i];
        nodes[i].state = state_of(w, n);
        nodes[i].store_uuid = (ProtobufCBinaryData){.len = STORE_UUID_BYTES, .data = n->uuid};
        pointers[i] = &nodes[i];
    }
    for (uint32_t i = 0; i < w->swarm.nodes; i++)
        tell_one(&w->nodes[i], &d);
}

/* ---- moves */

void world_ask_move(struct world *w, struct world_node *n, const Tercet__Pb__ReplicaInfo *r,
                    uint32_t at, uint32_t node) {
    const Tercet__Pb__Partition *p = r->partition;
    struct world_node *to = &w->nodes[node];
    Tercet__Pb__ChangeReplicaRequest req = TERCET__PB__CHANGE_REPLICA_REQUEST__INIT;
    Tercet__Pb__DirectoryNode add = TERCET__PB__DIRECTORY_NODE__INIT;
    char name[24], addr[24], zone[2] = {world_zone(w, to->id), 0};
    struct tc_buf out = {0};
    snprintf(name, sizeof name, "storage-%u", to->id);
    snprintf(addr, sizeof addr, "node:%u", to->id);
    add.node = name;
    add.addr = addr;
    add.zone = zone;
    add.store_uuid = (ProtobufCBinaryData){.len = STORE_UUID_BYTES, .data = to->uuid};
    req.gid = p->gid;
    req.remove_rid = p->members[at]->rid;
    req.add = &add;
    world_node_set_clock(n);
    tc_err err = store_change_replica(n->store, &req, &out);
    world_trace(w, "move of %u of group %lu to node %u: %s", req.remove_rid, (unsigned long)p->gid,
                to->id, tc_err_name(err));
    w->move_count += err == TC_OK;
    tc_buf_deinit(&out);
    world_node_pump(n);
}

void world_ask_transfer(struct world *w, struct world_node *n, const Tercet__Pb__ReplicaInfo *r,
                        uint32_t at) {
    const Tercet__Pb__Partition *p = r->partition;
    Tercet__Pb__TransferRequest req = TERCET__PB__TRANSFER_REQUEST__INIT;
    struct tc_buf out = {0};
    req.gid = p->gid;
    req.rid = p->members[at]->rid;
    world_node_set_clock(n);
    tc_err err = store_transfer(n->store, &req, &out);
    world_trace(w, "transfer of group %lu to %u: %s", (unsigned long)p->gid, req.rid,
                tc_err_name(err));
    tc_buf_deinit(&out);
    world_node_pump(n);
}

/* A member whose store asks to be emptied goes to one that takes replicas; true: it was asked for.
 * All groups of that store at once. */
static bool move_off(struct world *w, struct world_node *n, const Tercet__Pb__ReplicaInfo *r) {
    for (uint32_t i = 0; i < r->partition->n_members; i++) {
        const Tercet__Pb__Member *m = r->partition->members[i];
        if (!is_there(w, m) || !world_disk_drains(&w->nodes[node_of(m)]))
            continue;
        uint32_t to = (uint32_t)below(w, w->swarm.nodes);
        if (!world_disk_takes_replicas(&w->nodes[to]))
            return false;
        TC_PROBE("sim: a replica moves away from a store that asks to be emptied");
        world_ask_move(w, n, r, i, to);
        return true;
    }
    return false;
}

/* True: its members are being changed. */
static bool reshape_group(struct world *w, struct world_group *g) {
    Tercet__Pb__NodeInfoReply *info = NULL;
    struct world_node *n = NULL;
    const Tercet__Pb__ReplicaInfo *r = world_group_leader(w, g->gid, &info, &n);
    if (r)
        world_group_learn(w, g, r->partition);
    bool changes = r && r->change->state != TERCET__PB__CHANGE_STATE__CHANGE_NONE;
    bool may = w->strand.stage == 0 || !w->strand.no_copies;
    if (r && n->store && n->paused_until_ns <= w->now_ns && !w->calm && may) {
        uint64_t what = below(w, 8);
        if (w->swarm.drags && !world_align_holds(g) && move_off(w, n, r))
            what = 8;
        if (what < 2 && !world_align_holds(g)) {
            uint32_t to = (uint32_t)below(w, w->swarm.nodes);
            world_ask_move(w, n, r, (uint32_t)below(w, r->partition->n_members), to);
        } else if (what == 2) {
            world_ask_transfer(w, n, r, (uint32_t)below(w, r->partition->n_members));
        }
    }
    if (info)
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return changes;
}

/* ---- a disk is lost */

/* Every group that serves has three replicas that keep up, and what has ended is in the archive:
 * nobody replaces the replicas of a group that was split or merged. */
static bool may_lose(struct world *w) {
    for (uint32_t g = 0; g < w->group_count; g++) {
        if (world_group_lives(w, g) && !world_group_whole(w, &w->groups[g]))
            return false;
        if (w->groups[g].made && !world_end_archived(w, g))
            return false;
    }
    return true;
}

bool world_lose_disk(struct world *w, struct world_node *n) {
    if (!may_lose(w))
        return false;
    uint64_t down_ms = 1000 + below(w, 12000);
    if (n->store == NULL || n->failing)
        return false;
    world_trace(w, "%u  its disk is lost for good", n->id);
    TC_PROBE("sim: a disk was lost for good");
    if (w->split_count + w->merge_count > 0)
        TC_PROBE("sim: a disk was lost where groups split or merge");
    world_node_stop(n, /* power= */ true, down_ms * WORLD_MS_NS);
    sim_fs_wipe(n->fs);
    tc_err err = tc_fs_mkdir(n->env.fs, "d");
    TC_ASSERT(err == TC_OK);
    w->wiped_count++;
    return true;
}

void world_reshape_next(struct world *w) {
    uint32_t changing = 0;
    w->reshape_notices = below(w, 2) == 0;
    if (below(w, 3) > 0 || w->calm)
        tell_directory(w);
    for (uint32_t g = 0; g < w->group_count && !w->failed; g++)
        if (world_group_lives(w, g))
            changing += reshape_group(w, &w->groups[g]);
    if (changing > 1)
        TC_PROBE("sim: the members of several groups change at once");
    if (!w->calm && !w->strand.no_copies && below(w, 4) == 0)
        (void)world_lose_disk(w, &w->nodes[below(w, w->swarm.nodes)]);
    world_push(w, (200 + below(w, 1500)) * WORLD_MS_NS, EVENT_RESHAPE, 0, 0, NULL);
}
