/* A group of which one storage replica is left, and that one far behind: the second died and was
 * replaced by a log replica, the third is heard but gets no entries (a link that passes small
 * messages only), the leader goes on, the log replica trims what is archived, and then the leader's
 * disk is lost. Nothing is lost with it: the log replica has the end of the log, the archive what
 * lies below, the one that is left the B-tree.
 *
 * Chance would hardly ever do all this in this order, for a log replica gets its B-tree at once: so
 * B-trees do not cross meanwhile, and the random faults wait. */
#include "sim/store/strand.h"

#include "base/assert.h"
#include "base/probe.h"
#include "sim/store/world.h"

enum {
    STAGE_WHOLE,    /* waits for all groups to be whole, then the second dies */
    STAGE_REPLACED, /* ... for a log replica in its place, then the third gets no more */
    STAGE_TRIMMED, /* ... for the log replica to trim above the third's end, then the leader dies */
    STAGE_OVER,
    STAGE_MS_MAX = 60000, /* request ids keep entries in the log for 30 s */
    AGAIN_MS = 100,
};

static uint64_t below(struct world *w, uint64_t bound) {
    return tc_prng_below(&w->reshape_prng, bound);
}

/* This node's replica of the group; *ret_info is to be freed if it is found. */
static const Tercet__Pb__ReplicaInfo *replica_on(struct world *w, uint32_t node,
                                                 Tercet__Pb__NodeInfoReply **ret_info) {
    Tercet__Pb__NodeInfoReply *info = world_node_info(&w->nodes[node]);
    *ret_info = info;
    for (size_t i = 0; info && i < info->n_replicas; i++)
        if (info->replicas[i]->partition->gid == w->groups[w->strand.group].gid)
            return info->replicas[i];
    if (info)
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    *ret_info = NULL;
    return NULL;
}

static void drop(Tercet__Pb__NodeInfoReply *info) {
    if (info)
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
}

struct scene {
    int leader; /* nodes; -1: none */
    int log;
    uint64_t log_base;
    uint64_t last; /* of the one that is behind */
    bool member;   /* it is one still, with a B-tree, as the leader knows */
};

static bool names(const struct world *w, const Tercet__Pb__Partition *p, uint32_t node) {
    for (size_t i = 0; i < p->n_members; i++) {
        const Tercet__Pb__Member *m = p->members[i];
        if (m->role == 0 && m->store_uuid.len == STORE_UUID_BYTES &&
            memcmp(m->store_uuid.data, w->nodes[node].uuid, STORE_UUID_BYTES) == 0)
            return true;
    }
    return false;
}

static struct scene look(struct world *w) {
    struct scene s = {.leader = -1, .log = -1};
    uint64_t round = 0;
    for (uint32_t n = 0; n < w->swarm.nodes; n++) {
        Tercet__Pb__NodeInfoReply *info = NULL;
        const Tercet__Pb__ReplicaInfo *r = replica_on(w, n, &info);
        bool is_log = r && strcmp(r->state, "log") == 0;
        if (r && r->role == 2 && r->partition->leader_round >= round) {
            round = r->partition->leader_round;
            s.leader = (int)n;
            s.member = names(w, r->partition, w->strand.behind);
        }
        for (size_t i = 0; is_log && i < r->partition->n_members; i++)
            if (r->partition->members[i]->rid == r->rid) {
                s.log = (int)n;
                s.log_base = r->base_index;
            }
        if (r && n == w->strand.behind)
            s.last = r->last;
        drop(info);
    }
    return s;
}

static void enter(struct world *w, uint32_t stage) {
    w->strand.stage = stage;
    w->strand.until_ns = w->now_ns + (uint64_t)STAGE_MS_MAX * WORLD_MS_NS;
}

static bool all_whole(struct world *w) {
    for (uint32_t g = 0; g < w->swarm.groups; g++)
        if (!world_group_whole(w, &w->groups[g]))
            return false;
    return true;
}

static void begin(struct world *w) {
    struct world_strand *st = &w->strand;
    st->group = (uint32_t)below(w, w->swarm.groups);
    struct scene s = look(w);
    const struct world_group *g = &w->groups[st->group];
    uint32_t others[2], count = 0;
    if (s.leader < 0 || !all_whole(w) || g->count != 3)
        return;
    for (uint32_t i = 0; i < g->count && count < 2; i++)
        if (g->nodes[i] != (uint32_t)s.leader)
            others[count++] = g->nodes[i];
    if (count != 2)
        return;
    uint32_t first = (uint32_t)below(w, 2);
    st->dead = others[first];
    st->behind = others[1 - first];
    st->no_copies = true;
    world_trace(w, "strand: group %lu is to lose %u, then %u lags, then %d is lost",
                (unsigned long)g->gid, st->dead, st->behind, s.leader);
    sim_net_heal(&w->net);
    world_node_stop(&w->nodes[st->dead], /* power= */ true,
                    3 * (uint64_t)STAGE_MS_MAX * WORLD_MS_NS);
    enter(w, STAGE_REPLACED);
}

static void starve(struct world *w) {
    struct scene s = look(w);
    if (s.leader < 0 || s.log < 0 || (uint32_t)s.leader == w->strand.behind)
        return;
    world_trace(w, "strand: %d is a log replica, %u gets no more", s.log, w->strand.behind);
    enter(w, STAGE_TRIMMED);
}

static void lose_leader(struct world *w) {
    struct scene s = look(w);
    if (s.leader < 0 || s.log < 0 || s.log_base <= s.last || s.last == 0 || !s.member ||
        (uint32_t)s.leader == w->strand.behind)
        return; /* perhaps it was replaced too: then this is given up in the end */
    struct world_node *n = &w->nodes[s.leader];
    TC_PROBE("sim: the last storage replica of a group is behind its log replica's base");
    world_trace(w, "strand: %d begins at %lu, %u ends at %lu, the disk of %d is lost", s.log,
                (unsigned long)s.log_base, w->strand.behind, (unsigned long)s.last, s.leader);
    world_node_stop(n, /* power= */ true, (1000 + below(w, 5000)) * WORLD_MS_NS);
    sim_fs_wipe(n->fs);
    tc_err err = tc_fs_mkdir(n->env.fs, "d");
    TC_ASSERT(err == TC_OK);
    w->wiped_count++;
    world_strand_end(w);
}

void world_strand_end(struct world *w) {
    struct world_node *dead = &w->nodes[w->strand.dead];
    if (w->strand.no_copies && dead->store == NULL) /* it comes back sooner than was said */
        world_push(w, (5000 + below(w, 9000)) * WORLD_MS_NS, EVENT_START, dead->id, dead->life,
                   NULL);
    w->strand.no_copies = false;
    w->strand.stage = STAGE_OVER;
}

/* A B-tree that travels. */
static bool is_tree(const struct store_effect *e) {
    Tercet__Pb__SnapshotChunk *c =
        tercet__pb__snapshot_chunk__unpack(NULL, e->payload.len, e->payload.data);
    TC_ASSERT(c != NULL);
    bool tree = !c->ack && !c->log_only;
    tercet__pb__snapshot_chunk__free_unpacked(c, NULL);
    return tree;
}

static bool feeds(const struct world *w, const struct store_effect *e) {
    Tercet__Pb__PaxosMessage *m =
        tercet__pb__paxos_message__unpack(NULL, e->payload.len, e->payload.data);
    TC_ASSERT(m != NULL);
    bool fed = m->gid == w->groups[w->strand.group].gid && m->n_entries > 0;
    tercet__pb__paxos_message__free_unpacked(m, NULL);
    return fed;
}

bool world_strand_stops(const struct world *w, const struct store_effect *e, uint32_t to) {
    if (!w->strand.no_copies)
        return false;
    if (e->type == STORE_SEND_CHUNK)
        return is_tree(e);
    return e->type == STORE_SEND && w->strand.stage == STAGE_TRIMMED && to == w->strand.behind &&
           feeds(w, e);
}

void world_strand_next(struct world *w) {
    struct world_strand *st = &w->strand;
    if (st->stage == STAGE_OVER || w->calm)
        return;
    if (st->stage != STAGE_WHOLE && w->now_ns > st->until_ns)
        world_strand_end(w);
    else if (st->stage == STAGE_WHOLE)
        begin(w);
    else if (st->stage == STAGE_REPLACED)
        starve(w);
    else
        lose_leader(w);
    world_push(w, (uint64_t)AGAIN_MS * WORLD_MS_NS, EVENT_STRAND, 0, 0, NULL);
}
