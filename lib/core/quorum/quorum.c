#include "core/quorum/quorum.h"

#include "base/assert.h"

static bool role_valid(enum quorum_role role) {
    return role == QUORUM_STORAGE || role == QUORUM_LOG;
}

static bool set_valid(const struct quorum_set *s) {
    bool storage = false;
    if (s->count > QUORUM_MEMBERS_MAX)
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct quorum_member *m = &s->members[i];
        if (m->rid == 0 || m->rid >= QUORUM_RID_MAX || !role_valid(m->role))
            return false;
        if (memchr(m->zone, 0, sizeof m->zone) == NULL)
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (s->members[j].rid == m->rid)
                return false;
        storage = storage || m->role == QUORUM_STORAGE;
    }
    return s->count == 0 || storage;
}

bool quorum_valid(const struct quorum_config *c) {
    return c->version > 0 && c->sets[0].count > 0 && set_valid(&c->sets[0]) &&
           set_valid(&c->sets[1]);
}

static void rids_insert(struct quorum_rids *r, uint32_t rid) {
    uint32_t at = 0;
    while (at < r->count && r->rids[at] < rid)
        at++;
    if (at < r->count && r->rids[at] == rid)
        return;
    TC_ASSERT(r->count < QUORUM_VOTERS_MAX);
    memmove(&r->rids[at + 1], &r->rids[at], (r->count - at) * sizeof r->rids[0]);
    r->rids[at] = rid;
    r->count++;
}

struct quorum_rids quorum_voters(const struct quorum_config *c) {
    struct quorum_rids r = {0};
    for (int s = 0; s < 2; s++)
        for (uint32_t i = 0; i < c->sets[s].count; i++)
            rids_insert(&r, c->sets[s].members[i].rid);
    return r;
}

static const struct quorum_member *set_find(const struct quorum_set *s, uint32_t rid) {
    for (uint32_t i = 0; i < s->count; i++)
        if (s->members[i].rid == rid)
            return &s->members[i];
    return NULL;
}

const struct quorum_member *quorum_find(const struct quorum_config *c, uint32_t rid) {
    const struct quorum_member *newer = set_find(&c->sets[1], rid);
    return newer ? newer : set_find(&c->sets[0], rid);
}

bool quorum_may_vote(const struct quorum_config *c, uint32_t rid) {
    return quorum_find(c, rid) != NULL;
}

bool quorum_may_lead(const struct quorum_config *c, uint32_t rid) {
    for (int s = 0; s < 2; s++) {
        const struct quorum_member *m = set_find(&c->sets[s], rid);
        if (m && m->role != QUORUM_STORAGE)
            return false;
    }
    return quorum_find(c, rid) != NULL;
}

bool quorum_may_serve(const struct quorum_config *c, uint32_t rid) {
    return quorum_may_lead(c, rid);
}

static uint64_t value_of(const struct quorum_value *values, size_t count, uint32_t rid) {
    for (size_t i = 0; i < count; i++)
        if (values[i].rid == rid)
            return values[i].value;
    return 0;
}

/* The value that a majority of one set has reached: with the set's values in falling order, the
 * one in the middle. */
static uint64_t set_reached(const struct quorum_set *s, const struct quorum_value *values,
                            size_t count) {
    uint64_t sorted[QUORUM_MEMBERS_MAX];
    TC_ASSERT(s->count > 0 && s->count <= QUORUM_MEMBERS_MAX);
    for (uint32_t i = 0; i < s->count; i++) {
        uint64_t v = value_of(values, count, s->members[i].rid);
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] < v; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = v;
    }
    return sorted[s->count / 2];
}

uint64_t quorum_reached(const struct quorum_config *c, const struct quorum_value *values,
                        size_t count) {
    uint64_t reached = set_reached(&c->sets[0], values, count);
    if (quorum_is_joint(c)) {
        uint64_t other = set_reached(&c->sets[1], values, count);
        if (other < reached)
            reached = other;
    }
    return reached;
}

static bool set_has(const struct quorum_set *s, const uint32_t *rids, size_t count) {
    uint32_t have = 0;
    for (uint32_t i = 0; i < s->count; i++)
        for (size_t j = 0; j < count; j++)
            if (rids[j] == s->members[i].rid) {
                have++;
                break;
            }
    return have >= s->count / 2 + 1;
}

bool quorum_has(const struct quorum_config *c, const uint32_t *rids, size_t count) {
    TC_ASSERT(c->sets[0].count > 0);
    return set_has(&c->sets[0], rids, count) &&
           (!quorum_is_joint(c) || set_has(&c->sets[1], rids, count));
}
