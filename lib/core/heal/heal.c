/* The next step of a group's change. */
#include "core/heal/heal.h"

static struct heal_action act(enum heal_action_type type, uint32_t rid, const char *why) {
    return (struct heal_action){.type = type, .rid = rid, .store = HEAL_NOWHERE, .why = why};
}

static const struct heal_peer *peer_of(const struct heal_input *in, uint32_t rid) {
    for (uint32_t i = 0; i < in->peer_count; i++)
        if (in->peers[i].rid == rid)
            return &in->peers[i];
    return NULL;
}

static bool is_dead(const struct heal_input *in, const struct heal_peer *p) {
    return p->silent_ns > in->dead_ns;
}

static bool is_voter(const struct heal_input *in, const struct heal_peer *p) {
    return !p->learner && quorum_may_vote(in->config, p->rid);
}

/* ---- a change goes on */

static struct heal_action go_on(const struct heal_input *in) {
    const struct heal_change *c = &in->change;
    const struct heal_peer *victim = c->remove_rid ? peer_of(in, c->remove_rid) : NULL;
    const struct heal_peer *newcomer = peer_of(in, c->rid);
    if (quorum_find(in->config, c->rid))
        return act(HEAL_NOTHING, c->rid, "it is a member already");
    if (!c->wished && victim && !is_dead(in, victim))
        return act(HEAL_UNLEARN, c->rid, "who was silent answers again");
    if (c->remove_rid && !quorum_find(in->config, c->remove_rid))
        return act(HEAL_UNLEARN, c->rid, "who was to leave has left");
    if (!c->created)
        return act(HEAL_NOTHING, c->rid, "its store is asked to make it");
    if (newcomer == NULL || newcomer->silent_ns > in->patience_ns)
        return act(HEAL_UNLEARN, c->rid, "the learner is silent");
    if (newcomer->below_base || newcomer->match < in->commit)
        return act(HEAL_NOTHING, c->rid, "the learner copies the log");
    return act(HEAL_JOINT, c->rid, "the learner holds the log");
}

/* ---- none does */

static const struct heal_peer *longest_dead(const struct heal_input *in) {
    const struct heal_peer *found = NULL;
    for (uint32_t i = 0; i < in->peer_count; i++) {
        const struct heal_peer *p = &in->peers[i];
        if (is_voter(in, p) && is_dead(in, p) && (!found || p->silent_ns > found->silent_ns))
            found = p;
    }
    return found;
}

/* Another voter that answers. */
static const struct heal_peer *witness(const struct heal_input *in, uint32_t rid) {
    const struct heal_peer *best = NULL;
    for (uint32_t i = 0; i < in->peer_count; i++) {
        const struct heal_peer *p = &in->peers[i];
        if (p->rid != rid && is_voter(in, p) && !is_dead(in, p) &&
            (!best || p->silent_ns < best->silent_ns))
            best = p;
    }
    return best;
}

/* Somebody else has to agree that it is lost, where there is somebody else. */
static struct heal_action ask(const struct heal_peer *dead, const struct heal_peer *other) {
    if (dead->opinion == HEAL_ASKED)
        return act(HEAL_NOTHING, dead->rid, "another voter is asked about a silent one");
    if (dead->opinion == HEAL_REACHED)
        return act(HEAL_NOTHING, dead->rid, "another voter reaches a silent one");
    struct heal_action a = act(HEAL_CONFIRM, dead->rid, "a voter is silent");
    a.via = other->rid;
    return a;
}

static struct heal_action replace(const struct heal_input *in, const struct heal_peer *dead) {
    bool vacant = dead->opinion == HEAL_ABSENT;
    const struct heal_peer *other = witness(in, dead->rid);
    if (other && !vacant && dead->opinion != HEAL_LOST)
        return ask(dead, other);
    uint32_t store = heal_place(in->config, dead->rid, vacant, in->stores, in->store_count);
    if (store == HEAL_NOWHERE)
        return act(HEAL_NOTHING, dead->rid, "no store can take the place of a silent voter");
    struct heal_action a =
        act(HEAL_LEARN, dead->rid,
            vacant ? "a voter was never made, or is no more" : "a voter is silent for good");
    a.store = store;
    return a;
}

/* A log replica becomes a storage replica where it stands. */
static struct heal_action upgrade(const struct heal_input *in) {
    struct heal_action wait = act(HEAL_NOTHING, 0, "whole");
    for (uint32_t i = 0; i < in->config->sets[0].count; i++) {
        const struct quorum_member *m = &in->config->sets[0].members[i];
        const struct heal_peer *p = m->role == QUORUM_LOG ? peer_of(in, m->rid) : NULL;
        if (p == NULL)
            continue;
        if (p->has_tree && p->match + HEAL_PROMOTE_LAG >= in->commit)
            return act(HEAL_PROMOTE, m->rid, "a log replica holds a copy");
        if (p->has_tree || p->copying || is_dead(in, p))
            wait = act(HEAL_NOTHING, m->rid, "a log replica takes a copy");
        else if (p->copies >= in->copies_max)
            wait = act(HEAL_NOTHING, m->rid, "its store takes enough copies already");
        else
            return act(HEAL_SHIP, m->rid, "a log replica has no copy");
    }
    return wait;
}

struct heal_action heal_next(const struct heal_input *in) {
    if (!in->settled)
        return act(HEAL_NOTHING, 0, "the configuration is not settled");
    if (in->change.rid != 0)
        return go_on(in);
    const struct heal_peer *dead = longest_dead(in);
    struct heal_action a = act(HEAL_NOTHING, 0, "whole");
    if (dead)
        a = replace(in, dead);
    if (a.type != HEAL_NOTHING)
        return a;
    struct heal_action other = upgrade(in);
    return other.type != HEAL_NOTHING || a.rid == 0 ? other : a;
}

uint32_t heal_live_logs(const struct heal_input *in) {
    uint32_t live = quorum_may_vote(in->config, in->self);
    for (uint32_t i = 0; i < in->peer_count; i++)
        live += is_voter(in, &in->peers[i]) && !is_dead(in, &in->peers[i]);
    return live;
}
