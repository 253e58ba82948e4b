/* The groups that are archived, and one offer of a replica. */
#include "engine/archive/intake_private.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct intake *intake_new(struct objstore *store, bool compress) {
    struct intake *in = calloc(1, sizeof *in);
    TC_ASSERT(in != NULL);
    in->store = store;
    in->compress = compress;
    return in;
}

void intake_free(struct intake *in) {
    if (in == NULL)
        return;
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&in->groups, &at, &key, &value)) {
        struct intake_group *g = value;
        archive_manifest_deinit(&g->manifest);
        free(g);
    }
    tc_map_deinit(&in->groups);
    free(in);
}

const struct intake_counters *intake_counters(const struct intake *in) {
    return &in->counters;
}

void intake__drop(struct intake_group *g) {
    archive_manifest_deinit(&g->manifest);
    g->loaded = false;
}

static tc_err load(struct intake *in, struct intake_group *g) {
    if (g->loaded)
        return TC_OK;
    tc_err err = archive_manifest_load(in->store, g->gid, &g->manifest);
    if (err == TC_ECORRUPT)
        in->counters.archive_damaged++;
    if (err != TC_OK && err != TC_ENOTFOUND)
        return err;
    g->loaded = true;
    return TC_OK;
}

tc_err intake__group(struct intake *in, uint64_t gid, struct intake_group **ret_group) {
    struct intake_group *g = tc_map_get(&in->groups, tc_map_u64_key(&gid));
    if (g == NULL) {
        if (in->groups.count >= INTAKE_GROUPS_MAX)
            return TC_ELIMIT;
        g = calloc(1, sizeof *g);
        TC_ASSERT(g != NULL);
        g->gid = gid;
        tc_map_put(&in->groups, tc_map_u64_key(&gid), g);
    }
    TC_TRY(load(in, g));
    *ret_group = g;
    return TC_OK;
}

static struct intake_replica *find_replica(struct intake_group *g, uint32_t rid) {
    struct intake_replica *oldest = &g->replicas[0];
    for (size_t i = 0; i < INTAKE_REPLICAS_MAX; i++) {
        struct intake_replica *r = &g->replicas[i];
        if (r->rid == rid) {
            r->seen_turn = ++g->turn;
            return r;
        }
        if (r->seen_turn < oldest->seen_turn)
            oldest = r;
    }
    /* New here: it is compared from the newest segment on; older ones it may have trimmed. */
    size_t count = g->manifest.segment_count;
    uint64_t from = count ? g->manifest.segments[count - 1].first - 1 : g->manifest.base_index;
    *oldest = (struct intake_replica){.rid = rid, .asked = from, .seen_turn = ++g->turn};
    return oldest;
}

void intake__say(struct intake_group *g, const struct intake_offer *o, const char *what,
                 uint64_t first, uint64_t last) {
    snprintf(g->problem, sizeof g->problem,
             "%.*s rid %" PRIu32 ": %s at [%" PRIu64 ", %" PRIu64 "]", TC_SLICE_ARGS(o->node),
             o->rid, what, first, last);
}

static tc_err take_entries(struct intake *in, struct intake_group *g,
                           const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    if (!intake__joins_parent(g, o)) {
        in->counters.holes_refused++;
        return TC_OK;
    }
    if (g->manifest.version == 0)
        return intake__archive(in, g, o);
    uint64_t chain = 0;
    uint64_t last = archive_manifest_last(&g->manifest, &chain);
    if (s->first != last + 1) {
        /* The answer tells where to go on. */
        in->counters.holes_refused++;
        return s->last <= last ? intake__compare(in, g, o) : TC_OK;
    }
    if (s->chain_before != chain) {
        in->counters.replicas_differ++;
        intake__say(g, o, "chain differs", last, last);
        return TC_OK;
    }
    return intake__archive(in, g, o);
}

/* A merged group's log begins above both its parents'. */
static bool malformed_merge(const struct intake_offer *o) {
    uint64_t higher = o->parent_index > o->right_index ? o->parent_index : o->right_index;
    return o->right_gid != 0 &&
           (o->parent_gid == 0 || o->parent_gid == o->right_gid || o->parent_index == 0 ||
            o->right_index == 0 || o->base_index != higher);
}

static bool malformed(const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    bool asking = s->first == 0;
    return o->rid == 0 || s->gid == 0 || o->node.len > INTAKE_NODE_BYTES_MAX ||
           s->table.len > ARCHIVE_NAME_BYTES_MAX || s->start.len > ARCHIVE_KEY_BYTES_MAX ||
           s->end.len > ARCHIVE_KEY_BYTES_MAX ||
           (!asking && (s->last < s->first || s->last == UINT64_MAX)) || malformed_merge(o);
}

/* Ask each replica once for each segment; whoever archived a segment has shown it already. */
static void choose_range(struct intake_group *g, const struct intake_offer *o, uint64_t last,
                         struct intake_reply *reply) {
    struct intake_replica *r = find_replica(g, o->rid);
    bool uploaded = o->segment.entries.len > 0 && o->segment.last == last;
    if (uploaded)
        r->asked = last;
    const struct archive_segment_ref *next =
        r->asked < last ? archive_manifest_find(&g->manifest, r->asked + 1) : NULL;
    if (next == NULL)
        return;
    reply->verify_first = next->first;
    reply->verify_last = next->last;
    r->asked = next->last;
}

tc_err intake_take(struct intake *in, const struct intake_offer *o,
                   struct intake_reply *ret_reply) {
    if (malformed(o))
        return TC_EINVAL;
    struct intake_group *g = NULL;
    TC_TRY(intake__group(in, o->segment.gid, &g));
    in->counters.offers++;
    char before[INTAKE_PROBLEM_BYTES_MAX];
    memcpy(before, g->problem, sizeof before);
    if (o->segment.first != 0 && o->segment.entries.len > 0)
        TC_TRY(take_entries(in, g, o));
    else if (o->segment.first != 0 && g->manifest.version != 0)
        TC_TRY(intake__compare(in, g, o));
    struct intake_reply reply = {0};
    if (g->manifest.version != 0) {
        reply.archived = archive_manifest_last(&g->manifest, &reply.archived_chain);
        choose_range(g, o, reply.archived, &reply);
    } else if (o->parent_gid != 0) {
        reply.archived = o->base_index; /* what is below is its parent's */
        reply.archived_chain = o->base_chain;
    }
    /* Told to the replica whose offer showed it; the status keeps it for people. */
    if (strcmp(before, g->problem) != 0)
        memcpy(reply.problem, g->problem, sizeof reply.problem);
    *ret_reply = reply;
    return TC_OK;
}

static int ascending(const void *a, const void *b) {
    uint64_t left = (*(struct intake_group *const *)a)->gid;
    uint64_t right = (*(struct intake_group *const *)b)->gid;
    return (left > right) - (left < right);
}

void intake_each_group(struct intake *in,
                       void (*visit)(void *user, const struct intake_group_status *g), void *user) {
    struct intake_group **all = calloc(in->groups.count + 1, sizeof *all);
    TC_ASSERT(all != NULL);
    size_t count = 0;
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&in->groups, &at, &key, &value))
        all[count++] = value;
    qsort((void *)all, count, sizeof *all, ascending);
    for (size_t i = 0; i < count; i++) {
        const struct archive_manifest *m = &all[i]->manifest;
        uint64_t chain = 0;
        size_t segments = m->segment_count;
        struct intake_group_status st = {
            .gid = all[i]->gid,
            .archived = m->version ? archive_manifest_last(m, &chain) : 0,
            .segment_count = segments,
            .last_ms = segments ? m->segments[segments - 1].last_ms : 0,
            .problem = all[i]->problem,
        };
        visit(user, &st);
    }
    free((void *)all);
}
