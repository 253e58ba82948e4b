/* The reference of a group that was split off another one: it is rebuilt from the first entry of
 * the line on, each parent up to its SPLIT, then goes on as the child. */
#include "base/probe.h"
#include "scrubber/pass/archive_private.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    LINE_GROUPS_MAX = 64,
};

static tc_err begin(struct pass *p, uint64_t root) {
    char path[TC_FS_PATH_MAX];
    struct reference_opts opts = {.gid = root};
    reference_free(p->reference);
    p->reference = NULL;
    (void)snprintf(path, sizeof path, "%s/reference-%" PRIu64, p->env->dir, p->gid);
    return reference_new(p->env->fs, path, &opts, &p->reference);
}

static tc_err feed(struct pass *p, const struct archive_manifest *m, uint64_t last) {
    for (size_t i = 0; i < m->segment_count && m->segments[i].first <= last; i++) {
        TC_TRY(pass__archive_segment(p, m->gid, &m->segments[i], last));
        if (p->reference == NULL)
            return TC_ECORRUPT; /* given up, and the check says why */
    }
    return reference_mark(p->reference).index == last ? TC_OK : TC_ENOTFOUND;
}

/* The reference holds what parent gid had at index last. */
static tc_err grow(struct pass *p, uint64_t gid, uint64_t last, uint32_t depth) {
    struct archive_manifest m = {0};
    if (depth == LINE_GROUPS_MAX)
        return TC_ELIMIT;
    TC_TRY(archive_manifest_load(p->env->store, gid, &m));
    tc_err err;
    if (m.parent_gid == 0) {
        err = begin(p, gid);
    } else {
        err = grow(p, m.parent_gid, m.base_index, depth + 1);
        if (err == TC_OK)
            err = reference_child(p->reference, gid);
    }
    if (err == TC_OK)
        err = feed(p, &m, last);
    archive_manifest_deinit(&m);
    return err;
}

void pass__archive_line(struct pass *p, const struct archive_manifest *m) {
    tc_err err = grow(p, m->parent_gid, m->base_index, 0);
    if (err == TC_OK)
        err = reference_child(p->reference, p->gid);
    if (err == TC_OK && reference_mark(p->reference).chain != m->base_chain) {
        pass__finding(p, "archive", "manifest", "the log does not begin at its parent's split");
        err = TC_ECORRUPT;
    }
    if (err != TC_OK && p->reference)
        pass__archive_give_up(p, "what its parent's archive holds up to the split cannot be read");
    TC_PROBE("scrubber: a reference was rebuilt through a split");
}
