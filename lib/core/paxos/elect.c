/* Suspicion, asking and everything that makes a replica a follower (B7.1). */
#include "core/paxos/paxos_private.h"

bool paxos__quarantined(const struct paxos *p) {
    return p->now_ns < p->quarantine_until_ns && !PAXOS_MUTANT(8);
}

void paxos__follow(struct paxos *p, uint64_t ballot, const char *why) {
    if (p->role != PAXOS_FOLLOWER || p->ballot != ballot) {
        TRACE(p, "%s -> follower of %" PRIu32, why, ballot ? paxos_ballot_rid(ballot) : 0);
        p->out->role_changed = true;
    }
    if (p->role == PAXOS_LEADER)
        paxos__wake_all(p);
    if (p->ballot != ballot) {
        paxos__unfortify(p);
        p->seen_number = 0;
    }
    p->role = PAXOS_FOLLOWER;
    p->phase = PHASE_IDLE;
    p->ballot = ballot;
    p->leader = ballot ? paxos_ballot_rid(ballot) : 0;
    p->asking = p->resigning = false;
    p->want = (struct paxos_mark){0};
    p->suspect_at_ns = p->now_ns + p->opt.suspect_ns + paxos__jitter(p, p->opt.beat_ns);
}

static bool hears_leader(const struct paxos *p) {
    if (p->role == PAXOS_LEADER)
        return paxos__lease_valid(p);
    return p->leader != 0 && (p->heard_ns + p->opt.suspect_ns > p->now_ns || paxos__supported(p));
}

/* The set of everyone who hears nobody, self included, is a quorum of the newest configuration that
 * is known: the one in force, or one that a peer showed. */
static bool silence_is_quorum(const struct paxos *p) {
    uint32_t rids[PAXOS_PEERS_MAX + 1] = {p->rid};
    size_t count = 1;
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].silent)
            rids[count++] = p->peers[i].rid;
    const struct quorum_config *shown = paxos__shown(p);
    bool newer = shown && shown->version > paxos__config(p)->version;
    return newer ? quorum_has(shown, rids, count) : paxos__has(p, rids, count);
}

static void send_ask(struct paxos *p, struct peer *to) {
    struct paxos_msg m = {.type = PAXOS_ASK,
                          .to = to->rid,
                          .seen_ballot = p->promised,
                          .mark = paxos__last(p),
                          .echo_ns = p->ask_ns,
                          .config = paxos__config(p)};
    to->silent = to->pump = false;
    paxos__send(p, &m, AFTER_NOTHING);
}

void paxos__forget_shown(struct paxos *p) {
    tc_buf_deinit(&p->shown);
}

const struct quorum_config *paxos__shown(const struct paxos *p) {
    return p->shown.len ? (const struct quorum_config *)(const void *)p->shown.data : NULL;
}

/* A peer's configuration is newer: who votes in it is asked too. */
static void note_shown(struct paxos *p, const struct quorum_config *c) {
    const struct quorum_config *shown = paxos__shown(p);
    if (c == NULL || c->version <= paxos__config(p)->version ||
        (shown && c->version <= shown->version))
        return;
    TC_PROBE("paxos: a peer showed a newer configuration");
    tc_buf_clear(&p->shown);
    tc_buf_append(&p->shown, c, sizeof *c);
    paxos__sync_peers(p);
    for (size_t i = 0; i < p->peer_count && p->phase == PHASE_ASK; i++)
        if (p->peers[i].pump)
            send_ask(p, &p->peers[i]);
}

/* A log replica cannot lead: it wakes those who can. Once per round. */
static void nudge(struct paxos *p) {
    TC_PROBE("paxos: a log replica nudged");
    TRACE(p, "a quorum hears no leader -> nudge those who can lead");
    p->phase = PHASE_IDLE;
    const struct quorum_config *shown = paxos__shown(p);
    for (size_t i = 0; i < p->peer_count; i++) {
        if (!quorum_may_lead(paxos__config(p), p->peers[i].rid) &&
            !(shown && quorum_may_lead(shown, p->peers[i].rid)))
            continue;
        struct paxos_msg m = {.type = PAXOS_NUDGE,
                              .to = p->peers[i].rid,
                              .mark = paxos__last(p),
                              .config = paxos__config(p)};
        paxos__send(p, &m, AFTER_NOTHING);
    }
}

/* Whoever has an unreadable entry repairs first, for others may lead without that; but if no leader
 * comes for long, perhaps nobody else can, and only a candidate learns that an entry was never
 * chosen. */
static bool repairs_first(const struct paxos *p) {
    uint64_t since_ns = p->heard_ns > p->quarantine_until_ns ? p->heard_ns : p->quarantine_until_ns;
    return p->log.faulty_count > 0 &&
           (p->log.faulty_first <= p->commit || p->now_ns < since_ns + 2 * p->opt.lease_ns);
}

static void maybe_campaign(struct paxos *p) {
    if (p->phase != PHASE_ASK || p->ask_veto || !silence_is_quorum(p))
        return;
    if (!quorum_may_vote(paxos__config(p), p->rid))
        return; /* it only asks to be told that it was removed */
    if (!paxos__able(p)) {
        nudge(p);
        return;
    }
    if (paxos__granted_until(p) > p->now_ns && !PAXOS_MUTANT(9)) {
        TRACE(p, "a quorum hears no leader, own grant runs -> wait");
        return;
    }
    if (repairs_first(p)) {
        TC_PROBE("paxos: a replica with a faulty entry does not campaign");
        TRACE(p, "a quorum hears no leader, %" PRIu64 " entries unreadable -> repair first",
              p->log.faulty_count);
        p->out->stuck = true;
        return;
    }
    paxos__campaign(p, /* resigned_ballot= */ 0);
}

/* Whoever leads next counts the old leader's silence from here. A quiet leader was heard through
 * its node, until suspect_ns ago at the latest. */
static void note_missed(struct paxos *p) {
    if (p->leader == 0 || p->missed_ns != 0)
        return;
    uint64_t last_ns = p->now_ns - p->opt.suspect_ns;
    p->missed = p->leader;
    p->missed_ns = p->heard_ns > last_ns ? p->heard_ns : last_ns;
}

static void ask_round(struct paxos *p) {
    note_missed(p);
    p->phase = PHASE_ASK;
    p->ask_ns = p->now_ns;
    p->ask_veto = false;
    paxos__forget_shown(p);
    paxos__sync_peers(p);
    p->suspect_at_ns = p->now_ns + p->opt.beat_ns + paxos__jitter(p, p->opt.beat_ns / 2);
    uint64_t granted_ns = paxos__granted_until(p);
    if (granted_ns > p->now_ns && granted_ns < p->suspect_at_ns)
        p->suspect_at_ns = granted_ns + paxos__jitter(p, p->opt.beat_ns / 4);
    TRACE(p, "no beat -> ask who hears a leader");
    for (size_t i = 0; i < p->peer_count; i++)
        send_ask(p, &p->peers[i]);
    maybe_campaign(p); /* a group of one hears itself */
}

void paxos__tick_follower(struct paxos *p) {
    if (paxos__take_back(p))
        return;
    if (paxos__follower_rests(p)) {
        p->phase = PHASE_IDLE;
        return;
    }
    if (p->now_ns < p->suspect_at_ns)
        return;
    if (!quorum_may_vote(paxos__config(p), p->rid) && !paxos__log_named(&p->log, p->rid)) {
        p->suspect_at_ns = p->now_ns + p->opt.suspect_ns; /* a learner has nobody to ask */
        return;
    }
    if (paxos__quarantined(p)) {
        p->suspect_at_ns = p->quarantine_until_ns + paxos__jitter(p, p->opt.beat_ns / 2);
        return;
    }
    ask_round(p);
}

tc_err paxos__recv_nudge(struct paxos *p, const struct paxos_msg *m) {
    if (m->config && !quorum_valid(m->config))
        return TC_ECORRUPT;
    bool asking = p->phase == PHASE_ASK && p->ask_ns + p->opt.beat_ns > p->now_ns;
    bool waits = p->restore.index != 0; /* for the archive; the own timer asks again */
    if (p->role != PAXOS_FOLLOWER || !paxos__able(p) || paxos__quarantined(p) || asking || waits ||
        hears_leader(p)) {
        TRACE(p, "recv nudge from %" PRIu32 " -> ignore, %s", m->from,
              hears_leader(p) ? "hears a leader"
              : asking        ? "asks already"
                              : "cannot lead now");
        return TC_OK;
    }
    TC_PROBE("paxos: a nudged replica asked at once");
    TRACE(p, "recv nudge from %" PRIu32 " -> suspect at once", m->from);
    ask_round(p);
    note_shown(p, m->config);
    return TC_OK;
}

/* Whoever asks is not at rest: a leader beats for it again. And a leader does not ask: one that
 * asks with this ballot promised has stepped down from it. */
static void attend(struct paxos *p, const struct paxos_msg *m) {
    struct peer *f = paxos__peer(p, m->from);
    if (p->role == PAXOS_LEADER && f && f->asked_quiet) {
        paxos__wake_peer(p, f);
        p->beat_at_ns = p->now_ns;
    }
    if (p->role == PAXOS_FOLLOWER && m->from == p->leader && m->seen_ballot >= p->ballot)
        paxos__unfortify(p);
}

tc_err paxos__recv_ask(struct paxos *p, const struct paxos_msg *m) {
    uint32_t flags = 0;
    attend(p, m);
    if (hears_leader(p))
        flags |= PAXOS_F_HEARS;
    if (paxos__quarantined(p))
        flags |= PAXOS_F_QUARANTINE;
    TRACE(p, "recv ask from %" PRIu32 " -> %s", m->from,
          flags & PAXOS_F_HEARS        ? "hears a leader"
          : flags & PAXOS_F_QUARANTINE ? "just started"
                                       : "hears nobody");
    struct paxos_msg r = {.type = PAXOS_ASK_REPLY,
                          .to = m->from,
                          .flags = flags,
                          .seen_ballot = p->promised,
                          .mark = paxos__last(p),
                          .echo_ns = m->echo_ns,
                          .config = paxos__config(p)};
    paxos__send(p, &r, AFTER_NOTHING);
    return TC_OK;
}

tc_err paxos__recv_ask_reply(struct paxos *p, const struct paxos_msg *m) {
    struct peer *from = paxos__peer(p, m->from);
    paxos__see_round(p, m->seen_ballot);
    if (m->config && !quorum_valid(m->config))
        return TC_ECORRUPT;
    if (from == NULL || p->phase != PHASE_ASK || m->echo_ns != p->ask_ns)
        return TC_OK;
    note_shown(p, m->config);
    from = paxos__peer(p, m->from); /* the peers may be others now */
    if (from == NULL)
        return TC_OK;
    if (m->flags & PAXOS_F_HEARS) {
        TC_PROBE("paxos: gray link, a peer hears the leader that this replica does not");
        TRACE(p, "recv ask reply from %" PRIu32 ", it hears a leader -> stay", m->from);
        p->ask_veto = true;
        return TC_OK;
    }
    if (m->flags & PAXOS_F_QUARANTINE)
        return TC_OK;
    from->silent = true;
    maybe_campaign(p);
    return TC_OK;
}

tc_err paxos__recv_resign(struct paxos *p, const struct paxos_msg *m) {
    if (paxos_ballot_rid(m->ballot) != m->from)
        return TC_EINVAL;
    bool able = paxos__able(p) && !paxos__quarantined(p) && p->log.faulty_count == 0;
    if (m->ballot != p->promised || p->role != PAXOS_FOLLOWER || !able) {
        TRACE(p, "recv resign " B_FMT " from %" PRIu32 ", promised " B_FMT " -> ignore",
              B_ARGS(m->ballot), m->from, B_ARGS(p->promised));
        return TC_OK;
    }
    TRACE(p, "recv resign " B_FMT " from %" PRIu32 " -> campaign with it as proof",
          B_ARGS(m->ballot), m->from);
    paxos__campaign(p, m->ballot);
    return TC_OK;
}
