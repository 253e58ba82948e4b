/* How the members of a group change (B10): the leader takes one step at a time, and each must leave
 * a quorum of the old members and of the new ones that holds the log and can lead.
 *
 * Whom a configuration names, and who is counted under it, is member.c's. */
#include "base/crc32c.h"
#include "core/paxos/paxos_private.h"

static bool same_member(const struct quorum_member *a, const struct quorum_member *b) {
    return a->rid == b->rid && memcmp(a->store, b->store, sizeof a->store) == 0 &&
           memcmp(a->zone, b->zone, sizeof a->zone) == 0;
}

static bool same_set(const struct quorum_set *a, const struct quorum_set *b) {
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!same_member(&a->members[i], &b->members[i]) ||
            a->members[i].role != b->members[i].role)
            return false;
    return true;
}

/* The new set differs from the old one, and who stays keeps everything. */
static bool is_replacement(const struct quorum_config *now, const struct quorum_config *next) {
    if (!quorum_is_joint(next) || !same_set(&now->sets[0], &next->sets[0]) ||
        same_set(&next->sets[0], &next->sets[1]))
        return false;
    for (uint32_t i = 0; i < next->sets[1].count; i++) {
        const struct quorum_member *m = &next->sets[1].members[i];
        const struct quorum_member *old = quorum_find(now, m->rid);
        if (old && (!same_member(m, old) || m->role != old->role))
            return false;
    }
    return true;
}

/* The rid of the one member that changes from LOG to STORAGE; 0: it is another kind of step. */
static uint32_t upgraded(const struct quorum_config *now, const struct quorum_config *next) {
    uint32_t rid = 0;
    if (quorum_is_joint(next) || now->sets[0].count != next->sets[0].count)
        return 0;
    for (uint32_t i = 0; i < next->sets[0].count; i++) {
        const struct quorum_member *a = &now->sets[0].members[i];
        const struct quorum_member *b = &next->sets[0].members[i];
        if (!same_member(a, b) || (a->role != b->role && (b->role != QUORUM_STORAGE || rid != 0)))
            return 0;
        if (a->role != b->role)
            rid = b->rid;
    }
    return rid;
}

/* Every newcomer holds the log up to commit, and a B-tree if it is to lead. */
static bool newcomers_ready(struct paxos *p, const struct quorum_config *next) {
    for (uint32_t i = 0; i < next->sets[1].count; i++) {
        const struct quorum_member *m = &next->sets[1].members[i];
        const struct peer *f = paxos__peer(p, m->rid);
        if (quorum_may_vote(paxos__config(p), m->rid))
            continue;
        if (f == NULL || f->mode != PEER_REPLICATE || f->match < p->commit)
            return false;
        if (m->role == QUORUM_STORAGE && !f->has_tree)
            return false;
    }
    return true;
}

/* Somebody that is left can lead: this replica, or one with a B-tree that answered lately. Who is
 * silent may be so for good, and a group without a B-tree waits for ever. */
static bool leaves_a_leader(struct paxos *p, const struct quorum_config *next) {
    for (uint32_t i = 0; i < next->sets[1].count; i++) {
        const struct quorum_member *m = &next->sets[1].members[i];
        const struct peer *f = m->rid == p->rid ? NULL : paxos__peer(p, m->rid);
        if (m->role != QUORUM_STORAGE)
            continue;
        if (m->rid == p->rid ||
            (f && f->has_tree && paxos__heard(p, f) + 2 * p->opt.lease_ns > p->now_ns))
            return true;
    }
    TC_PROBE("paxos: a change that leaves nobody who can lead was refused");
    return false;
}

static tc_err append_conf(struct paxos *p, const struct quorum_config *c, struct tc_slice driver) {
    struct tc_buf body = {0};
    paxos_conf_encode(c, driver, &body);
    struct paxos_proposal item = {.type = PAXOS_CONF, .body = tc_blob_dup(tc_buf_slice(&body))};
    item.body_crc = tc_crc32c(0, body.data, body.len);
    TRACE(p, "propose configuration %" PRIu64 "%s", c->version,
          quorum_is_joint(c) ? ", joint" : "");
    tc_err err = paxos__append_own(p, &item);
    tc_blob_unref(item.body);
    tc_buf_deinit(&body);
    paxos__pump_pipelines(p);
    return err;
}

static tc_err may_change(const struct paxos *p, const struct quorum_config *next) {
    const struct quorum_config *now = paxos__config(p);
    if (p->role != PAXOS_LEADER || p->resigning)
        return TC_ENOTLEADER;
    if (next == NULL || !quorum_valid(next))
        return TC_EINVAL;
    bool settled = paxos__config_index(p) <= p->commit && p->commit >= p->lead_index;
    if (p->log.seal_index)
        return TC_EMOVED;
    if (quorum_is_joint(now) || (!settled && !PAXOS_MUTANT(13)))
        return TC_EBUSY;
    if (paxos__log_config_count(&p->log) >= PAXOS_CONFIGS_MAX ||
        p->log.count + 2 > PAXOS_LOG_COUNT_MAX)
        return TC_EBUSY;
    return next->version == now->version + 1 ? TC_OK : TC_EINVAL;
}

/* The same members in the same roles: the entry is there for the driver's bytes alone. */
static bool is_restatement(const struct quorum_config *now, const struct quorum_config *next) {
    return !quorum_is_joint(next) && same_set(&now->sets[0], &next->sets[0]);
}

static tc_err may_step(struct paxos *p, const struct quorum_config *next) {
    uint32_t up = upgraded(paxos__config(p), next);
    if (up == 0 && !is_replacement(paxos__config(p), next))
        return TC_EINVAL;
    const struct peer *f = up ? paxos__peer(p, up) : NULL;
    if (up ? f == NULL || !f->has_tree : !newcomers_ready(p, next) || !leaves_a_leader(p, next))
        return TC_EBUSY;
    return TC_OK;
}

tc_err paxos__configure(struct paxos *p, const struct paxos_event *ev) {
    const struct quorum_config *next = ev->configure.config;
    TC_TRY(may_change(p, next));
    if (ev->configure.driver.len > PAXOS_BODY_BYTES_MAX - 2 - QUORUM_ENCODED_BYTES_MAX)
        return TC_ELIMIT;
    if (!is_restatement(paxos__config(p), next))
        TC_TRY(may_step(p, next));
    p->out->first_index = paxos__log_last(&p->log) + 1;
    if (PAXOS_MUTANT(14) && quorum_is_joint(next)) {
        struct quorum_config at_once = {.version = next->version, .sets[0] = next->sets[1]};
        return append_conf(p, &at_once, ev->configure.driver);
    }
    return append_conf(p, next, ev->configure.driver);
}

void paxos__committed(struct paxos *p, uint64_t before) {
    const struct quorum_config *now = paxos__config(p);
    uint64_t index = paxos__config_index(p);
    if (index <= before || index > p->commit || quorum_is_joint(now))
        return;
    TRACE(p, "configuration %" PRIu64 " is committed", now->version);
    struct quorum_rids old = quorum_voters(paxos__log_config(&p->log, index - 1));
    for (uint32_t i = 0; i < old.count; i++) {
        if (old.rids[i] == p->rid || quorum_may_vote(now, old.rids[i]))
            continue;
        struct paxos_msg m = {.type = PAXOS_REMOVED, .to = old.rids[i], .config = now};
        paxos__send(p, &m, AFTER_NOTHING);
    }
}

static void propose_final(struct paxos *p, const struct quorum_config *joint, uint64_t index) {
    struct quorum_config next = {.version = joint->version + 1, .sets[0] = joint->sets[1]};
    struct quorum_config ignored;
    struct tc_slice driver = TC_SLICE_EMPTY;
    const struct paxos_entry *e = paxos__log_at(&p->log, index);
    if (e == NULL || e->body == NULL)
        TC_PROBE("paxos: a final configuration was proposed without the driver's bytes");
    else if (paxos_conf_decode(tc_blob_slice(e->body), &ignored, &driver) != TC_OK)
        TC_ASSERT(!"a CONF entry in the log is no configuration");
    if (p->lead_index > index)
        TC_PROBE("paxos: a later leader finished the change of another one");
    tc_err err = append_conf(p, &next, driver);
    TC_ASSERT(err == TC_OK);
}

void paxos__advance_config(struct paxos *p) {
    const struct quorum_config *now = paxos__config(p);
    uint64_t index = paxos__config_index(p);
    bool settled = index <= p->commit && p->commit >= p->lead_index;
    bool removed = settled && !quorum_is_joint(now) && !quorum_may_vote(now, p->rid);
    if (p->asking || p->resigning) { /* by choice, so far: now there is no way back */
        p->resign_leaves = p->resign_leaves || removed;
        return;
    }
    if (!settled && !(PAXOS_MUTANT(13) && quorum_is_joint(now)))
        return;
    if (quorum_is_joint(now)) {
        if (p->log.count < PAXOS_LOG_COUNT_MAX)
            propose_final(p, now, index);
    } else if (removed) {
        TC_PROBE("paxos: a leader led its own removal to the end");
        TRACE(p, "configuration %" PRIu64 " is without this replica -> hand over", now->version);
        TC_IGNORE(paxos__resign(p, /* target= */ 0, /* leaves= */ true));
    }
}
