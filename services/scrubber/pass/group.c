#include "scrubber/pass/pass_private.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

/* The group's newest description among all that nodes gave. */
static const Tercet__Pb__Partition *newest(const struct pass_nodes *n, uint64_t gid) {
    const Tercet__Pb__Partition *best = NULL;
    for (size_t i = 0; i < n->count; i++) {
        const Tercet__Pb__ReplicaInfo *r = pass__find(n->node[i].info, gid);
        if (r && (!best || r->partition->epoch > best->epoch))
            best = r->partition;
    }
    return best;
}

static void locate(const struct pass_nodes *n, uint64_t gid, const Tercet__Pb__Member *m,
                   struct pass_replica *r) {
    (void)snprintf(r->name, sizeof r->name, "%s rid %u", m->node, m->rid);
    for (size_t i = 0; i < n->count; i++) {
        const Tercet__Pb__NodeInfoReply *info = n->node[i].info;
        if (info == NULL || strcmp(info->node, m->node) != 0)
            continue;
        r->addr = n->node[i].addr;
        r->info = pass__find(info, gid);
    }
}

/* Storage members only: log replicas hold no items. The leader first, it takes the mark. */
static void gather(struct pass *p, const struct pass_nodes *n, const Tercet__Pb__Partition *d) {
    for (size_t i = 0; i < d->n_members && p->replica_count < PASS_REPLICAS_MAX; i++) {
        if (d->members[i]->role != 0)
            continue;
        struct pass_replica r = {.addr = NULL};
        locate(n, p->gid, d->members[i], &r);
        size_t at = p->replica_count++;
        if (r.info && r.info->role == 2) {
            p->replica[at] = p->replica[0];
            at = 0;
        }
        p->replica[at] = r;
    }
}

Tercet__Pb__ScrubGroup *pass_group(const struct pass_env *env, const struct pass_nodes *nodes,
                                   uint64_t gid, enum pass_depth depth) {
    struct pass *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->env = env;
    p->gid = gid;
    p->out = calloc(1, sizeof *p->out);
    TC_ASSERT(p->out != NULL);
    tercet__pb__scrub_group__init(p->out);
    p->out->gid = gid;
    const Tercet__Pb__Partition *d = newest(nodes, gid);
    if (d) {
        p->out->table_id = d->table_id;
        gather(p, nodes, d);
        pass__vectors_take(p);
        if (depth == PASS_DEEP)
            pass__archive(p);
        pass__vectors_judge(p);
        if (depth == PASS_DEEP)
            pass__pages(p);
    } else {
        pass__check(p, "vectors", TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN,
                    "no storage node that answers holds the group");
    }
    p->out->ended_ms = env->wall_ms(env->user);
    Tercet__Pb__ScrubGroup *out = p->out;
    reference_free(p->reference);
    tc_buf_deinit(&p->object);
    tc_buf_deinit(&p->scratch);
    free(p);
    return out;
}

Tercet__Pb__ScrubGroup *pass_group_now(const struct pass_env *env, struct pass_nodes *nodes,
                                       uint64_t gid, enum pass_depth depth) {
    Tercet__Pb__ScrubGroup *g = pass_group(env, nodes, gid, depth);
    if (g->index != 0)
        return g;
    tercet__pb__scrub_group__free_unpacked(g, NULL);
    pass__nodes_again(env, nodes);
    return pass__has_ended(nodes, gid) ? NULL : pass_group(env, nodes, gid, depth);
}
