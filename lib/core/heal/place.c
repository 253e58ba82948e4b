/* Where a newcomer goes, and what it is called. */
#include "core/heal/heal.h"

/* Lower is better. */
enum rank {
    RANK_SAME_ZONE, /* of the one that leaves */
    RANK_FREE_ZONE,
    RANK_USED_ZONE, /* another member is there */
    RANK_UNUSABLE,
};

static bool zone_is(const struct quorum_member *m, struct tc_slice zone) {
    return tc_slice_eq(tc_slice_str(m->zone), zone);
}

static enum rank rank_of(const struct quorum_config *c, uint32_t remove_rid, bool vacant,
                         const struct heal_store *s) {
    enum rank rank = RANK_FREE_ZONE;
    if (s->state != HEAL_UP || s->avoid)
        return RANK_UNUSABLE;
    for (uint32_t i = 0; i < c->sets[0].count; i++) {
        const struct quorum_member *m = &c->sets[0].members[i];
        bool holds = m->rid != remove_rid || !vacant;
        if (holds && memcmp(m->store, s->uuid, sizeof s->uuid) == 0)
            return RANK_UNUSABLE;
        if (!zone_is(m, s->zone))
            continue;
        if (m->rid != remove_rid)
            rank = RANK_USED_ZONE;
        else if (rank == RANK_FREE_ZONE)
            rank = RANK_SAME_ZONE;
    }
    return rank;
}

uint32_t heal_place(const struct quorum_config *config, uint32_t remove_rid, bool vacant,
                    const struct heal_store *stores, uint32_t store_count) {
    uint32_t best = HEAL_NOWHERE;
    enum rank best_rank = RANK_UNUSABLE;
    for (uint32_t i = 0; i < store_count; i++) {
        enum rank rank = rank_of(config, remove_rid, vacant, &stores[i]);
        bool better = rank < best_rank || (rank == best_rank && best != HEAL_NOWHERE &&
                                           stores[i].load < stores[best].load);
        if (rank == RANK_UNUSABLE || !better)
            continue;
        best = i;
        best_rank = rank;
    }
    return best;
}

bool heal_crowds(const struct quorum_config *config, uint32_t remove_rid,
                 const struct heal_store *stores, uint32_t store_count, uint32_t store) {
    uint32_t best = heal_place(config, remove_rid, /* vacant= */ false, stores, store_count);
    if (store >= store_count || best == HEAL_NOWHERE)
        return false;
    return rank_of(config, remove_rid, /* vacant= */ false, &stores[store]) == RANK_USED_ZONE &&
           rank_of(config, remove_rid, /* vacant= */ false, &stores[best]) < RANK_USED_ZONE;
}

tc_err heal_rid(const struct quorum_config *config, uint32_t highest, uint64_t random,
                uint32_t *ret_rid) {
    struct quorum_rids rids = quorum_voters(config);
    for (uint32_t i = 0; i < rids.count; i++)
        highest = rids.rids[i] > highest ? rids.rids[i] : highest;
    uint32_t rid = highest + 1 + (uint32_t)(random % HEAL_RID_SPREAD);
    if (rid >= QUORUM_RID_MAX)
        return TC_ELIMIT;
    *ret_rid = rid;
    return TC_OK;
}

tc_err heal_joint(const struct quorum_config *now, uint32_t remove_rid,
                  const struct quorum_member *newcomer, struct quorum_config *ret_next) {
    struct quorum_config next = {.version = now->version + 1, .sets[0] = now->sets[0]};
    struct quorum_set *to = &next.sets[1];
    if (quorum_is_joint(now) || quorum_find(now, newcomer->rid) ||
        (remove_rid != 0 && !quorum_find(now, remove_rid)))
        return TC_EINVAL;
    if (remove_rid == 0 && now->sets[0].count == QUORUM_MEMBERS_MAX)
        return TC_ELIMIT;
    for (uint32_t i = 0; i < now->sets[0].count; i++)
        if (now->sets[0].members[i].rid != remove_rid)
            to->members[to->count++] = now->sets[0].members[i];
    to->members[to->count++] = *newcomer;
    if (!quorum_valid(&next))
        return TC_EINVAL;
    *ret_next = next;
    return TC_OK;
}

tc_err heal_promoted(const struct quorum_config *now, uint32_t rid,
                     struct quorum_config *ret_next) {
    struct quorum_config next = *now;
    next.version++;
    if (quorum_is_joint(now))
        return TC_EINVAL;
    for (uint32_t i = 0; i < next.sets[0].count; i++) {
        struct quorum_member *m = &next.sets[0].members[i];
        if (m->rid != rid || m->role != QUORUM_LOG)
            continue;
        m->role = QUORUM_STORAGE;
        *ret_next = next;
        return TC_OK;
    }
    return TC_EINVAL;
}
