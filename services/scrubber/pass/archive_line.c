/* The reference of a group that was split off another one or merged from two: it is rebuilt from
 * the first entries of all that it comes from, each group up to the entry that ended it. Lines of
 * descent part and meet again, so every group is read once, parents before children. */
#include "base/assert.h"
#include "base/probe.h"
#include "scrubber/pass/archive_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LINE_GROUPS_MAX = 1024,
};

struct line_group {
    struct archive_manifest m;
    uint64_t end;                /* where its descendants say that it ends */
    uint32_t uses;               /* descendants that have not taken what it holds */
    struct reference *reference; /* what it held at its end; NULL: not yet, or taken */
};

struct line {
    struct pass *p;
    struct line_group *groups; /* the last one is the group itself, once sorted */
    uint32_t count;
};

static struct line_group *find(const struct line *l, uint64_t gid) {
    for (uint32_t i = 0; i < l->count; i++)
        if (l->groups[i].m.gid == gid)
            return &l->groups[i];
    return NULL;
}

/* ---- who is in it */

static tc_err note_parent(struct line *l, uint64_t gid, uint64_t end) {
    struct line_group *g = find(l, gid);
    if (g == NULL) {
        if (l->count == LINE_GROUPS_MAX)
            return TC_ELIMIT;
        l->groups = realloc(l->groups, (l->count + 1) * sizeof *l->groups);
        TC_ASSERT(l->groups != NULL);
        g = &l->groups[l->count];
        *g = (struct line_group){.end = end};
        TC_TRY(archive_manifest_load(l->p->env->store, gid, &g->m));
        l->count++;
    }
    g->uses++;
    return g->end == end ? TC_OK : TC_ECORRUPT;
}

static tc_err note_parents(struct line *l, uint32_t at) {
    /* What it points to may move; the words are copied. */
    uint64_t parent = l->groups[at].m.parent_gid, right = l->groups[at].m.right_gid;
    uint64_t right_end = l->groups[at].m.right_index;
    uint64_t end = right ? l->groups[at].m.parent_index : l->groups[at].m.base_index;
    if (parent == 0)
        return TC_OK;
    TC_TRY(note_parent(l, parent, end));
    return right ? note_parent(l, right, right_end) : TC_OK;
}

static int by_base(const void *a, const void *b) {
    const struct line_group *x = a, *y = b;
    return x->m.base_index < y->m.base_index ? -1 : x->m.base_index > y->m.base_index;
}

/* All that gid comes from, and itself; along every line of descent the log's base rises. */
static tc_err gather(struct line *l, uint64_t gid) {
    TC_TRY(note_parent(l, gid, UINT64_MAX));
    for (uint32_t at = 0; at < l->count; at++)
        TC_TRY(note_parents(l, at));
    qsort(l->groups, l->count, sizeof *l->groups, by_base);
    return TC_OK;
}

/* ---- what they held */

static void path_of(const struct line *l, uint64_t gid, char path[TC_FS_PATH_MAX]) {
    (void)snprintf(path, TC_FS_PATH_MAX, "%s/reference-%" PRIu64 "-%" PRIu64, l->p->env->dir,
                   l->p->gid, gid);
}

/* Its parent's reference, or a copy if others want it too. */
static tc_err take(const struct line *l, struct line_group *parent, uint64_t gid,
                   struct reference **ret) {
    char path[TC_FS_PATH_MAX];
    if (parent == NULL || parent->reference == NULL || parent->uses == 0)
        return TC_ECORRUPT; /* the line runs in a circle */
    if (--parent->uses > 0) {
        path_of(l, gid, path);
        return reference_copy(parent->reference, path, ret);
    }
    *ret = parent->reference;
    parent->reference = NULL;
    return TC_OK;
}

static tc_err merge(const struct line *l, struct line_group *g) {
    struct reference *right = NULL;
    const struct line_group *r = find(l, g->m.right_gid);
    if (r == NULL || r->uses != 1)
        return TC_ECORRUPT; /* a group is merged once */
    TC_TRY(take(l, find(l, g->m.right_gid), g->m.right_gid, &right));
    tc_err err = reference_merge(g->reference, right, g->m.gid);
    reference_free(right);
    TC_PROBE("scrubber: a reference was rebuilt through a merge");
    return err;
}

static tc_err begin(const struct line *l, struct line_group *g) {
    char path[TC_FS_PATH_MAX];
    struct reference_opts opts = {.gid = g->m.gid};
    path_of(l, g->m.gid, path);
    if (g->m.parent_gid == 0)
        return reference_new(l->p->env->fs, path, &opts, &g->reference);
    TC_TRY(take(l, find(l, g->m.parent_gid), g->m.gid, &g->reference));
    return g->m.right_gid ? merge(l, g) : reference_child(g->reference, g->m.gid);
}

static tc_err feed(struct pass *p, const struct archive_manifest *m, uint64_t last) {
    for (size_t i = 0; i < m->segment_count && m->segments[i].first <= last; i++) {
        TC_TRY(pass__archive_segment(p, m->gid, &m->segments[i], last));
        if (p->reference == NULL)
            return TC_ECORRUPT; /* given up, and the check says why */
    }
    return reference_mark(p->reference).index == last ? TC_OK : TC_ENOTFOUND;
}

/* Everybody but the group itself, whose own entries the pass reads. */
static tc_err grow(const struct line *l) {
    struct pass *p = l->p;
    for (uint32_t i = 0; i < l->count; i++) {
        struct line_group *g = &l->groups[i];
        TC_TRY(begin(l, g));
        bool is_last = g->m.gid == p->gid;
        p->reference = g->reference;
        g->reference = NULL;
        if (is_last)
            return TC_OK;
        TC_TRY(feed(p, &g->m, g->end));
        g->reference = p->reference;
        p->reference = NULL;
    }
    return TC_ECORRUPT; /* it is below some of what it comes from: a circle */
}

static void deinit(struct line *l) {
    for (uint32_t i = 0; i < l->count; i++) {
        reference_free(l->groups[i].reference);
        archive_manifest_deinit(&l->groups[i].m);
    }
    free(l->groups);
}

void pass__archive_line(struct pass *p, const struct archive_manifest *m) {
    struct line l = {.p = p};
    reference_free(p->reference);
    p->reference = NULL;
    tc_err err = gather(&l, m->gid);
    if (err == TC_OK)
        err = grow(&l);
    if (err == TC_OK && reference_mark(p->reference).chain != m->base_chain) {
        pass__finding(p, "archive", "manifest", "the log does not begin where its parents end");
        err = TC_ECORRUPT;
    }
    deinit(&l);
    if (err != TC_OK)
        pass__archive_give_up(p, "what its parents' archive holds up to their end cannot be read");
    TC_PROBE("scrubber: a reference was rebuilt through a line of groups");
}
