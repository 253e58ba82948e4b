/* Splits for a table or an index that was promised more partitions than it has: the widest of its
 * groups are split in the middle of their hashes, a few at a time, until there are as many. */
#include "core/plan/plan_private.h"

static const struct plan_partition *find_partition(const struct plan_snapshot *s, uint64_t gid) {
    uint32_t low = 0, high = s->partition_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->partitions[middle].gid < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->partition_count && s->partitions[low].gid == gid ? &s->partitions[low] : NULL;
}

static bool is_among(const uint64_t *gids, uint32_t count, uint64_t gid) {
    for (uint32_t i = 0; i < count; i++)
        if (gids[i] == gid)
            return true;
    return false;
}

static uint64_t width(const struct plan_partition *p) {
    return p->last_hash - p->first_hash;
}

/* Is it behind `before` in the order of width, then of place in the table's list? */
static bool is_behind(const struct plan_partition *p, uint32_t at,
                      const struct plan_partition *before, uint32_t before_at) {
    if (before == NULL)
        return true;
    return width(p) < width(before) || (width(p) == width(before) && at > before_at);
}

/* The widest group behind the one before. A group that is being split keeps its place until its
 * children stand there, so that it is counted only once; one that refused has none. */
static const struct plan_partition *next_widest(const struct plan_snapshot *s,
                                                const struct plan_growth *g,
                                                const struct plan_partition *before, uint32_t *at) {
    const struct plan_partition *widest = NULL;
    uint32_t best = 0;
    for (uint32_t i = 0; i < g->gid_count; i++) {
        const struct plan_partition *p = find_partition(s, g->gids[i]);
        if (p == NULL || width(p) == 0 || is_among(s->refused, s->refused_count, p->gid) ||
            !is_behind(p, i, before, *at) || (widest && width(widest) >= width(p)))
            continue;
        widest = p;
        best = i;
    }
    *at = best;
    return widest;
}

void plan__grow(const struct plan_snapshot *s, const struct plan_growth *g, struct plan_out *out) {
    uint32_t missing = g->wanted > g->gid_count ? g->wanted - g->gid_count : 0;
    const struct plan_partition *p = NULL;
    uint32_t at = 0;
    if (g->gid_count >= PLAN_PARTITIONS_PER_TABLE_MAX)
        return;
    for (uint32_t i = 0; i < missing && i < PLAN_SPLITS_AT_ONCE; i++) {
        p = next_widest(s, g, p, &at);
        if (p == NULL)
            return;
        bool ordered = is_among(s->reshaped, s->reshaped_count, p->gid);
        struct plan_action *a = ordered ? NULL : plan__add(out, PLAN_SPLIT);
        if (a == NULL)
            continue;
        a->table_index = g->table_index;
        a->gid = p->gid;
        a->table_id = g->table_id;
        a->hash = p->first_hash + width(p) / 2 + 1;
    }
}
