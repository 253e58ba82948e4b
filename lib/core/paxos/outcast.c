/* A replica that a committed configuration left out learns so, and is silent from then on (B10).
 *
 * Nobody feeds it any more, so it would suspect its leader and campaign for ever; and its rounds
 * would disturb those that stayed. */
#include "core/paxos/paxos_private.h"

bool paxos__excluded(const struct paxos *p) {
    return !quorum_may_vote(paxos__config(p), p->rid) && paxos__config_index(p) <= p->commit &&
           paxos__log_named(&p->log, p->rid);
}

/* A sender that the configuration committed here does not name must stop campaigning (rule 7). */
bool paxos__tell_removed(struct paxos *p, const struct paxos_msg *m) {
    const struct quorum_config *committed = paxos__log_config(&p->log, p->commit);
    if ((m->type != PAXOS_ASK && m->type != PAXOS_PREPARE) || PAXOS_MUTANT(36))
        return false;
    if (quorum_may_vote(committed, m->from) || quorum_may_vote(paxos__config(p), m->from))
        return false;
    if (m->config == NULL || m->config->version > committed->version)
        return false;
    TC_PROBE("paxos: a removed replica was told");
    TRACE(p, "recv %s from %" PRIu32 ", not in configuration %" PRIu64 " -> removed",
          paxos_msg_name(m->type), m->from, committed->version);
    struct paxos_msg r = {.type = PAXOS_REMOVED, .to = m->from, .config = committed};
    paxos__send(p, &r, AFTER_NOTHING);
    return true;
}

tc_err paxos__recv_removed(struct paxos *p, const struct paxos_msg *m) {
    if (m->config == NULL || !quorum_valid(m->config))
        return TC_ECORRUPT;
    if (m->config->version < paxos__config(p)->version || quorum_may_vote(m->config, p->rid) ||
        !paxos__log_named(&p->log, p->rid) || PAXOS_MUTANT(36))
        return TC_OK;
    TRACE(p, "recv removed from %" PRIu32 ", configuration %" PRIu64 " -> outcast", m->from,
          m->config->version);
    paxos__become_outcast(p);
    return TC_OK;
}

void paxos__become_outcast(struct paxos *p) {
    TC_PROBE("paxos: a removed replica knows it");
    if (p->role == PAXOS_LEADER)
        paxos__wake_all(p);
    p->role = PAXOS_OUTCAST;
    p->phase = PHASE_IDLE;
    p->leader = 0;
    p->asking = p->resigning = false;
    p->out->role_changed = true;
}
