/* Where the log begins: a snapshot installed moves its base up, and so does trimming (B11).
 *
 * Both throw entries away for good. What must still be there, for whom, is decided here alone. */
#include "core/paxos/paxos_private.h"

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Of a log that holds the new base the tail is kept; any other one begins again, empty. */
static void move_up(struct paxos *p, struct paxos_mark base, const struct quorum_config *config,
                    bool held) {
    if (held) {
        p->commit = p->commit > base.index ? p->commit : base.index;
        paxos__log_trim(&p->log, base.index);
        paxos__log_base_config(&p->log, config);
    } else {
        paxos__log_reset(&p->log, base, config);
        p->commit = p->verified = p->durable = base.index;
        for (size_t i = 0; i < p->pending_count; i++)
            paxos__pending(p, i)->last = base.index;
    }
    paxos__sync_peers(p);
}

tc_err paxos__installed(struct paxos *p, const struct paxos_event *ev) {
    const struct paxos_mark *base = &ev->installed.base;
    uint64_t checkpoint = ev->installed.checkpoint_index;
    bool older = base->index <= p->log.base.index;
    bool held = !older && paxos__log_holds(&p->log, base);
    bool log_only = ev->installed.log_only;
    if (checkpoint < base->index || checkpoint < p->log.base.index ||
        (!older && !held && base->index <= p->commit))
        return TC_EINVAL;
    if (log_only && (!p->log_only || checkpoint != base->index))
        return TC_EINVAL;
    if (p->role != PAXOS_FOLLOWER && p->role != PAXOS_OUTCAST)
        paxos__follow(p, 0, "snapshot installed");
    if (!older)
        move_up(p, *base, ev->installed.config, held);
    if (p->log_only && !log_only)
        TC_PROBE("paxos: a log replica got its B-tree");
    p->log_only = log_only;
    p->applied = p->checkpoint = checkpoint;
    if (ev->installed.archived > p->archived)
        p->archived = ev->installed.archived;
    p->restless = p->fortified;
    p->restore = (struct paxos_mark){0};
    p->out->base_changed = true;
    TRACE(p, "%s at %" PRIu64 " installed -> log from %" PRIu64 "%s",
          log_only ? "log begin" : "snapshot", checkpoint, p->log.base.index,
          held    ? ", tail kept"
          : older ? ", log kept"
                  : ", log emptied");
    return TC_OK;
}

uint64_t paxos_trim_max(const struct paxos *p) {
    uint64_t max = min_u64(PAXOS_MUTANT(17) ? UINT64_MAX : p->archived, p->commit);
    max = min_u64(max, p->log_only ? p->applied : p->checkpoint);
    max = min_u64(max, p->durable);
    uint64_t unreadable = paxos__log_faulty_conf(&p->log, max);
    if (unreadable)
        max = unreadable - 1;
    uint64_t change = paxos__config_index(p);
    if (quorum_is_joint(paxos__config(p)) && change > p->log.base.index)
        max = min_u64(max, change - 1);
    if (p->log.seal_index)
        max = min_u64(max, p->log.seal_index - 1);
    if (p->role != PAXOS_LEADER || p->log.count > PAXOS_LOG_COUNT_MAX / 2)
        return max > p->log.base.index ? max : p->log.base.index;
    for (size_t i = 0; i < p->peer_count; i++) {
        const struct peer *f = &p->peers[i];
        bool live = paxos__heard(p, f) + 2 * p->opt.lease_ns > p->now_ns;
        if (live && f->mode != PEER_SNAPSHOT && f->match < max)
            max = f->match;
    }
    return max > p->log.base.index ? max : p->log.base.index;
}

tc_err paxos__trim(struct paxos *p, uint64_t index) {
    if (index <= p->log.base.index)
        return TC_OK;
    if (index > paxos_trim_max(p))
        return TC_EINVAL;
    paxos__log_trim(&p->log, index);
    p->out->base_changed = true;
    return TC_OK;
}
