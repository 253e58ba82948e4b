#include "scrubber/pass/pass_private.h"

#include "base/assert.h"
#include "proto/bytes.h"

#include <stdlib.h>

static uint64_t gid_of(const Tercet__Pb__ReplicaInfo *r) {
    return r->partition ? r->partition->gid : 0;
}

static int by_gid(const void *a, const void *b) {
    const Tercet__Pb__ReplicaInfo *const *x = a, *const *y = b;
    return (gid_of(*x) > gid_of(*y)) - (gid_of(*x) < gid_of(*y));
}

/* The first replica with this gid or a higher one. */
static size_t lower_bound(const Tercet__Pb__NodeInfoReply *info, uint64_t gid) {
    size_t low = 0, high = info->n_replicas;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (gid_of(info->replicas[middle]) < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const Tercet__Pb__ReplicaInfo *pass__find(const Tercet__Pb__NodeInfoReply *info, uint64_t gid) {
    size_t at = info ? lower_bound(info, gid) : 0;
    bool found = info && at < info->n_replicas && gid_of(info->replicas[at]) == gid;
    return found ? info->replicas[at] : NULL;
}

void pass_nodes_ask(const struct pass_env *env, const char *const *addrs, size_t count,
                    struct pass_nodes *ret_nodes) {
    *ret_nodes = (struct pass_nodes){.count = count < PASS_NODES_MAX ? count : PASS_NODES_MAX};
    for (size_t i = 0; i < ret_nodes->count; i++) {
        struct tc_buf reply = {0};
        ret_nodes->node[i].addr = addrs[i];
        if (env->ask(env->user, addrs[i], "/tercet.Storage/NodeInfo", TC_SLICE_EMPTY,
                     PASS_DEADLINE_MS, &reply) == TC_OK)
            ret_nodes->node[i].info =
                tercet__pb__node_info_reply__unpack(NULL, reply.len, reply.data);
        tc_buf_deinit(&reply);
        Tercet__Pb__NodeInfoReply *info = ret_nodes->node[i].info;
        if (info && info->n_replicas > 0)
            qsort((void *)info->replicas, info->n_replicas, sizeof(void *), by_gid);
    }
}

void pass_nodes_deinit(struct pass_nodes *n) {
    for (size_t i = 0; i < n->count; i++)
        if (n->node[i].info)
            tercet__pb__node_info_reply__free_unpacked(n->node[i].info, NULL);
    n->count = 0;
}

/* A group that was split or merged has no content of its own any more: what it became is scrubbed.
 * One that is sealed logs no mark. */
static bool has_ended(const Tercet__Pb__ReplicaInfo *r) {
    return (r->split && r->split->n_children > 0) ||
           (r->merge && r->merge->state >= TERCET__PB__MERGE_STATE__MERGE_MADE) ||
           (r->seal && r->seal->state == TERCET__PB__SEAL_STATE__SEAL_DONE);
}

bool pass__has_ended(const struct pass_nodes *n, uint64_t gid) {
    return pass_nodes_silent(n, /* ret_text= */ NULL) == 0 &&
           pass_nodes_next_gid(n, gid - 1) != gid;
}

void pass__nodes_again(const struct pass_env *env, struct pass_nodes *n) {
    const char *addrs[PASS_NODES_MAX] = {NULL};
    size_t count = n->count;
    for (size_t i = 0; i < count; i++)
        addrs[i] = n->node[i].addr;
    pass_nodes_deinit(n);
    pass_nodes_ask(env, addrs, count, n);
}

uint64_t pass_nodes_next_gid(const struct pass_nodes *n, uint64_t gid) {
    uint64_t next = 0;
    for (size_t i = 0; i < n->count; i++) {
        const Tercet__Pb__NodeInfoReply *info = n->node[i].info;
        size_t k = info ? lower_bound(info, gid + 1) : 0;
        while (info && k < info->n_replicas && has_ended(info->replicas[k]))
            k++;
        if (info && k < info->n_replicas && (next == 0 || gid_of(info->replicas[k]) < next))
            next = gid_of(info->replicas[k]);
    }
    return next;
}

static bool is_well_at(const Tercet__Pb__ReplicaInfo *r, uint64_t index) {
    return r->last == index && r->applied == index && strcmp(r->state, "ok") == 0;
}

uint64_t pass_nodes_idle_index(const struct pass_nodes *n, uint64_t gid) {
    const Tercet__Pb__Partition *newest = NULL;
    uint64_t index = 0;
    size_t well = 0;
    for (size_t i = 0; i < n->count; i++) {
        const Tercet__Pb__ReplicaInfo *r = pass__find(n->node[i].info, gid);
        if (r == NULL)
            continue;
        if (newest == NULL || r->partition->epoch > newest->epoch)
            newest = r->partition;
        index = index ? index : r->last;
        if (!is_well_at(r, index))
            return 0;
        well++;
    }
    return newest && well == newest->n_members ? index : 0;
}

size_t pass_nodes_silent(const struct pass_nodes *n, struct tc_buf *ret_text) {
    size_t count = 0;
    for (size_t i = 0; i < n->count; i++) {
        if (n->node[i].info)
            continue;
        if (ret_text)
            tc_buf_printf(ret_text, "%s%s", count ? ", " : "no answer from storage ",
                          n->node[i].addr);
        count++;
    }
    return count;
}

tc_err pass__ask(const struct pass *p, const struct pass_replica *r, const char *method,
                 const ProtobufCMessage *request, uint32_t deadline_ms, struct tc_buf *ret_reply) {
    if (r->addr == NULL)
        return TC_EUNAVAILABLE;
    struct tc_buf packed = {0};
    proto_append(&packed, request);
    tc_buf_clear(ret_reply);
    tc_err err =
        p->env->ask(p->env->user, r->addr, method, tc_buf_slice(&packed), deadline_ms, ret_reply);
    tc_buf_deinit(&packed);
    return err;
}
