#include "base/assert.h"
#include "env/sim/private.h"

#include <stdlib.h>

tc_err sim_fs_fault(struct sim_fs *s, const struct sim_fault *fault) {
    if (s->fault_count == SIM_FAULTS_MAX)
        return TC_ELIMIT;
    struct sim_active_fault *a = &s->faults[s->fault_count++];
    *a = (struct sim_active_fault){.spec = *fault};
    if (fault->path_part) {
        TC_ASSERT(strlen(fault->path_part) < sizeof a->path_part);
        memcpy(a->path_part, fault->path_part, strlen(fault->path_part) + 1);
    }
    if (a->spec.hit_count == 0)
        a->spec.hit_count = UINT64_MAX;
    return TC_OK;
}

void sim_fs_heal(struct sim_fs *s) {
    s->fault_count = 0;
}

bool sim__fault(struct sim_fs *s, enum sim_fault_kind kind, const char *path) {
    for (size_t i = 0; i < s->fault_count; i++) {
        struct sim_active_fault *a = &s->faults[i];
        if (a->spec.kind != kind || strstr(path, a->path_part) == NULL)
            continue;
        if (a->spec.skip_count > 0) {
            a->spec.skip_count--;
            continue;
        }
        if (a->spec.hit_count == 0)
            continue;
        if (a->spec.hit_count != UINT64_MAX)
            a->spec.hit_count--;
        s->counters.faults_hit++;
        return true;
    }
    return false;
}

bool sim__dies(struct sim_fs *s) {
    if (!s->crash_armed)
        return false;
    if (s->crash_skip_count > 0) {
        s->crash_skip_count--;
        return false;
    }
    s->crash_armed = false;
    s->down = true;
    return true;
}

void sim_fs_crash_after(struct sim_fs *s, uint64_t skip_count) {
    s->crash_armed = true;
    s->crash_skip_count = skip_count;
}

bool sim_fs_is_down(const struct sim_fs *s) {
    return s->down;
}

static void revive(struct sim_fs *s) {
    s->epoch++;
    s->down = s->crash_armed = false;
    s->fault_count = 0;
}

static int by_path(const void *a, const void *b) {
    return tc_slice_cmp(*(const struct tc_slice *)a, *(const struct tc_slice *)b);
}

/* Files crash in path order: the order of a hash map depends on history that replays may not share
 * (two runs that differ only in a removed file). */
static void crash_files(struct sim_fs *s) {
    size_t count = s->names.count;
    struct tc_slice *paths = calloc(count + 1, sizeof *paths);
    TC_ASSERT(paths != NULL);
    size_t at = 0;
    size_t n = 0;
    void *node;
    while (n < count && tc_map_next(&s->names, &at, &paths[n], &node))
        n++;
    qsort(paths, n, sizeof *paths, by_path);
    for (size_t i = 0; i < n; i++)
        sim__node_crash(s, tc_map_get(&s->names, paths[i]));
    free(paths);
}

void sim_fs_crash(struct sim_fs *s) {
    revive(s);
    s->counters.crashes++;
    sim__names_crash(s, /* keep_all= */ false);
    crash_files(s);
}

void sim_fs_restart(struct sim_fs *s) {
    revive(s);
}

tc_err sim_fs_flip(struct sim_fs *s, const char *path, uint64_t offset, unsigned bit) {
    struct sim_node *n = sim__names_get(&s->names, path);
    if (n == NULL)
        return TC_ENOTFOUND;
    return sim__node_flip(n, offset, bit) ? TC_OK : TC_EEND;
}

void sim_fs_wipe(struct sim_fs *s) {
    revive(s);
    sim__names_clear(s);
}
