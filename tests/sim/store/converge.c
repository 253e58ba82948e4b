/* After the faults: all copies come to agree, and a copy built from the archive alone agrees too.
 */
#include "sim/store/world.h"

#include "base/assert.h"
#include "core/paxos/paxos.h"
#include "engine/reference/reference.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STEP_MS = 250,
    PATIENCE_STEPS = 480, /* 2 minutes of virtual time */
};

struct converging {
    uint64_t token; /* of the mark asked for; 0: none */
    uint64_t index; /* of the mark; 0: not known yet */
    bool done;
    struct tc_buf vector;
    char why[160];
};

static Tercet__Pb__ReplicaInfo *find_replica(Tercet__Pb__NodeInfoReply *info, uint64_t gid) {
    for (size_t i = 0; info && i < info->n_replicas; i++)
        if (info->replicas[i]->partition->gid == gid)
            return info->replicas[i];
    return NULL;
}

/* The replica's log is damaged where nobody can vouch for it, or it was never made because that is
 * so of a group that it comes from. Parents have lower numbers, so this ends. */
static bool is_damaged(const struct world *w, Tercet__Pb__NodeInfoReply *info, uint32_t group) {
    const struct world_group *g = &w->groups[group];
    const Tercet__Pb__ReplicaInfo *r = find_replica(info, g->gid);
    if (r)
        return strstr(r->state, "its part of the log is damaged") != NULL;
    return g->parent != group &&
           (is_damaged(w, info, g->parent) || (g->right != 0 && is_damaged(w, info, g->right)));
}

/* A replica that may never agree again: its disk rotted. */
bool world_excused(struct world_node *n, uint64_t gid) {
    if (n->lost)
        return true;
    Tercet__Pb__NodeInfoReply *info = n->rotten ? world_node_info(n) : NULL;
    bool lost = info && is_damaged(n->w, info, world_group_of(n->w, gid));
    if (info)
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return lost;
}

static void ask_mark(struct world *w, const struct world_group *g, struct converging *c) {
    for (uint32_t i = 0; i < g->count; i++) {
        struct world_node *n = &w->nodes[g->nodes[i]];
        Tercet__Pb__NodeInfoReply *info = world_node_info(n);
        const Tercet__Pb__ReplicaInfo *r = find_replica(info, g->gid);
        bool leads = r && r->role == 2;
        if (info)
            tercet__pb__node_info_reply__free_unpacked(info, NULL);
        if (!leads)
            continue;
        c->token = ((uint64_t)1 << 63) | w->now_ns << 5 | (uint64_t)(g - w->groups);
        world_node_set_clock(n);
        store_scrub_mark(n->store, c->token, g->gid);
        world_node_pump(n);
        return;
    }
    snprintf(c->why, sizeof c->why, "nobody leads");
}

static void explain(struct world_node *n, uint64_t gid, tc_err err, struct converging *c) {
    Tercet__Pb__NodeInfoReply *info = world_node_info(n);
    const Tercet__Pb__ReplicaInfo *r = find_replica(info, gid);
    snprintf(c->why, sizeof c->why, "node %u: %s; %s, applied %lu, last %lu, base %lu", n->id,
             tc_err_name(err), r ? r->state : "down", r ? (unsigned long)r->applied : 0,
             r ? (unsigned long)r->last : 0, r ? (unsigned long)r->base_index : 0);
    if (info)
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
}

/* True if this replica has the mark and agrees with those before it. */
static bool check_vector(struct world *w, struct world_node *n, const struct world_group *g,
                         struct converging *c) {
    struct tc_buf v = {0};
    tc_err err = TC_EUNAVAILABLE;
    if (n->store)
        err = store_scrub_vector(n->store, g->gid, c->index, &v);
    if (err != TC_OK)
        explain(n, g->gid, err, c);
    if (err == TC_ENOTFOUND)
        c->token = 0; /* it came here by a snapshot: mark once more */
    if (err == TC_OK && c->vector.len == 0)
        tc_buf_append_slice(&c->vector, tc_buf_slice(&v));
    else if (err == TC_OK && !tc_slice_eq(tc_buf_slice(&v), tc_buf_slice(&c->vector)))
        world_fail(w, "I8: node %u has other content of group %lu at index %lu", n->id,
                   (unsigned long)g->gid, (unsigned long)c->index);
    tc_buf_deinit(&v);
    return err == TC_OK;
}

/* Where members change: the group is whole, and nobody else holds anything of it any more. */
static bool members_settled(struct world *w, struct world_group *g, struct converging *c) {
    if (!world_group_whole(w, g)) {
        snprintf(c->why, sizeof c->why, "its leader does not report three whole replicas");
        return false;
    }
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        bool member = false;
        for (uint32_t k = 0; k < g->count; k++)
            member = member || g->nodes[k] == i;
        Tercet__Pb__NodeInfoReply *info = world_node_info(&w->nodes[i]);
        bool stray = !member && find_replica(info, g->gid) != NULL;
        if (info)
            tercet__pb__node_info_reply__free_unpacked(info, NULL);
        if (!stray)
            continue;
        snprintf(c->why, sizeof c->why, "node %u still holds a replica and is no member", i);
        return false;
    }
    return true;
}

static void step(struct world *w, uint32_t group, struct converging *c) {
    const struct world_group *g = &w->groups[group];
    if (w->swarm.reshape && !members_settled(w, &w->groups[group], c))
        return;
    if (c->token == 0) {
        c->index = 0;
        ask_mark(w, g, c);
        return;
    }
    const uint64_t *index = tc_map_get(&w->marks, tc_map_u64_key(&c->token));
    if (index == NULL || *index == 0) {
        snprintf(c->why, sizeof c->why, "no mark can be logged");
        c->token = index ? 0 : c->token;
        return;
    }
    c->index = *index;
    tc_buf_clear(&c->vector);
    bool all = true;
    for (uint32_t i = 0; i < g->count && all; i++) {
        struct world_node *n = &w->nodes[g->nodes[i]];
        all = world_excused(n, g->gid) || check_vector(w, n, g, c);
    }
    if (all && w->archives[group].count < c->index)
        snprintf(c->why, sizeof c->why, "the archive ends at %lu, below the mark at %lu",
                 (unsigned long)w->archives[group].count, (unsigned long)c->index);
    else
        c->done = all;
}

/* ---- the archive's own copy */

/* An empty one, in a file of its own. */
static struct reference *reference_of(struct world *w, uint32_t group, struct tc_fs *fs) {
    struct reference_opts opts = {.gid = w->groups[w->groups[group].root].gid};
    struct reference *r = NULL;
    char path[32];
    snprintf(path, sizeof path, "d/reference-%u", group);
    tc_err err = reference_new(fs, path, &opts, &r);
    TC_ASSERT(err == TC_OK);
    return r;
}

/* The last entry of a log that was sealed: only LEADs follow it. */
static uint64_t seal_index(const struct world_archive *a) {
    for (uint64_t i = a->count; i > a->base; i--)
        if (a->entries[i - 1 - a->base].type != PAXOS_LEAD)
            return i;
    return a->count;
}

struct rebuilding {
    struct world *w;
    struct tc_fs *fs;
};

static tc_err rebuild(const struct rebuilding *b, uint32_t group, struct reference *r,
                      uint64_t last);

/* The entries of its parents first, up to what sealed them; then it goes on as their child. */
static tc_err rebuild_parents(const struct rebuilding *b, uint32_t group, struct reference *r) {
    struct world *w = b->w;
    const struct world_group *g = &w->groups[group];
    if (g->parent == group)
        return TC_OK;
    TC_TRY(rebuild(b, g->parent, r, seal_index(&w->archives[g->parent])));
    if (g->right == 0)
        return reference_child(r, g->gid);
    struct reference *right = reference_of(w, g->right, b->fs);
    tc_err err = rebuild(b, g->right, right, seal_index(&w->archives[g->right]));
    if (err == TC_OK)
        err = reference_merge(r, right, g->gid);
    reference_free(right);
    return err;
}

static tc_err rebuild(const struct rebuilding *b, uint32_t group, struct reference *r,
                      uint64_t last) {
    const struct world_archive *a = &b->w->archives[group];
    TC_TRY(rebuild_parents(b, group, r));
    for (uint64_t i = a->base + 1; i <= last; i++) {
        if (i > a->count)
            return TC_ENOTFOUND;
        const struct world_entry *e = &a->entries[i - 1 - a->base];
        struct paxos_entry p = {.index = i,
                                .ballot = e->ballot,
                                .chain = e->chain,
                                .body_crc = e->body_crc,
                                .body_len = (uint32_t)e->body.len,
                                .type = e->type};
        TC_TRY(reference_apply(r, &p, tc_buf_slice(&e->body)));
    }
    return TC_OK;
}

static bool same_content(const struct reference *r, const struct tc_buf *vector) {
    struct btree_sums sums;
    reference_sums(r, &sums);
    Tercet__Pb__ScrubVectorReply *v =
        tercet__pb__scrub_vector_reply__unpack(NULL, vector->len, vector->data);
    TC_ASSERT(v != NULL);
    bool same = v->n_sums * sizeof v->sums[0] == sizeof sums &&
                memcmp(v->sums, &sums, sizeof sums) == 0 &&
                v->item_count == reference_item_count(r) && v->chain == reference_mark(r).chain;
    tercet__pb__scrub_vector_reply__free_unpacked(v, NULL);
    return same;
}

static void check_reference(struct world *w, uint32_t group, const struct converging *c) {
    struct sim_fs *fs = sim_fs_new(1);
    tc_err err = tc_fs_mkdir(sim_fs_fs(fs), "d");
    TC_ASSERT(err == TC_OK);
    struct rebuilding b = {.w = w, .fs = sim_fs_fs(fs)};
    struct reference *r = reference_of(w, group, b.fs);
    err = rebuild(&b, group, r, c->index);
    if (err != TC_OK)
        world_fail(w, "I9: group %u cannot be rebuilt from the archive: %s", group,
                   reference_problem(r));
    else if (!same_content(r, &c->vector))
        world_fail(w, "I9: group %u rebuilt from the archive is not what the replicas hold", group);
    reference_free(r);
    sim_fs_free(fs);
}

bool world_end_archived(const struct world *w, uint32_t group) {
    const struct world_archive *a = &w->archives[group];
    uint64_t at = seal_index(a);
    return at > a->base && paxos_entry_seals(a->entries[at - 1 - a->base].type);
}

/* A sealed group's content is judged by what it became. */
static void step_or_settle(struct world *w, uint32_t group, struct converging *c) {
    const struct world_group *g = &w->groups[group];
    if (!world_group_ends(g)) {
        step(w, group, c);
        return;
    }
    bool settled = world_end_settled(w, group);
    c->done = settled && world_end_archived(w, group);
    snprintf(c->why, sizeof c->why, "%s",
             settled ? "its end is not archived" : "its split or merge is not finished everywhere");
}

/* For whoever reads the trace: what every node says of the group. */
static void trace_replicas(struct world *w, uint32_t group) {
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        Tercet__Pb__NodeInfoReply *info = world_node_info(&w->nodes[i]);
        const Tercet__Pb__ReplicaInfo *r = find_replica(info, w->groups[group].gid);
        if (r)
            world_trace(w, "%u  has g%lu: rid %u, role %d, %s, change %d, applied %lu, last %lu", i,
                        (unsigned long)w->groups[group].gid, r->rid, (int)r->role, r->state,
                        r->change ? (int)r->change->state : -1, (unsigned long)r->applied,
                        (unsigned long)r->last);
        for (size_t k = 0; r && k < r->n_peers; k++)
            world_trace(w, "%u    peer %u: tree %d, learner %d, silent %lu ms, match %lu", i,
                        r->peers[k]->rid, r->peers[k]->has_tree, r->peers[k]->learner,
                        (unsigned long)r->peers[k]->silent_ms, (unsigned long)r->peers[k]->match);
        if (info)
            tercet__pb__node_info_reply__free_unpacked(info, NULL);
    }
}

/* A last request may be answered after its group has been found to agree: the judge, who reads the
 * archive, must find it there. */
static bool is_told_archived(const struct world *w, uint32_t group) {
    return w->archives[group].count >= w->groups[group].told;
}

void world_converge(struct world *w) {
    struct converging c[WORLD_GROUPS_MAX] = {0};
    bool all = false;
    for (int i = 0; i < PATIENCE_STEPS && !all && !w->failed; i++) {
        world_run_ms(w, STEP_MS);
        world_fault_end_dead(w);
        all = true;
        for (uint32_t g = 0; g < w->group_count && !w->failed; g++) {
            if (!c[g].done)
                step_or_settle(w, g, &c[g]);
            all = all && c[g].done && is_told_archived(w, g);
        }
    }
    for (uint32_t g = 0; g < w->group_count; g++) {
        if (!c[g].done && !w->failed)
            trace_replicas(w, g);
        if (!c[g].done)
            world_fail(w, "liveness: group %u does not converge: %s", g, c[g].why);
        else if (!w->failed && !world_group_ends(&w->groups[g]))
            check_reference(w, g, &c[g]);
        tc_buf_deinit(&c[g].vector);
    }
}
