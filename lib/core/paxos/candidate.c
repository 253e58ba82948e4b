/* Phase 1 at the candidate: promises, adoption of the best log, victory (B7.2 to B7.5). */
#include "core/paxos/paxos_private.h"

static void send_prepare_after(struct paxos *p, struct peer *to, struct paxos_mark mark) {
    struct paxos_msg m = {.type = PAXOS_PREPARE,
                          .to = to->rid,
                          .flags = p->resigned_ballot ? PAXOS_F_RESIGNED : 0,
                          .ballot = p->ballot,
                          .seen_ballot = p->resigned_ballot,
                          .mark = mark,
                          .commit = p->commit,
                          .config = paxos__config(p)};
    paxos__send(p, &m, AFTER_ALL);
}

void paxos__send_prepare(struct paxos *p, struct peer *to) {
    send_prepare_after(p, to, paxos__last(p));
}

void paxos__campaign(struct paxos *p, uint64_t resigned_ballot) {
    uint64_t ballot = paxos_ballot(PAXOS_MUTANT(30) ? 1 : p->round_seen + 1, p->rid);
    TC_ASSERT(p->round_seen < (1ull << PAXOS_ROUND_BITS) - 1 && ballot > p->promised);
    if (resigned_ballot == 0) {
        TC_PROBE("paxos: a campaign because no leader was heard");
        paxos__renounce(p);
    } else {
        TC_PROBE("paxos: a campaign on a resignation");
    }
    paxos__unfortify(p);
    p->seen_number = 0;
    p->role = PAXOS_CANDIDATE;
    p->phase = PHASE_PREPARE;
    p->ballot = ballot;
    p->leader = 0;
    p->grant_until_ns = 0;
    p->resigned_ballot = resigned_ballot;
    p->want = (struct paxos_mark){0};
    p->pulled_last = 0;
    p->retry_at_ns = p->now_ns + p->opt.beat_ns;
    p->give_up_at_ns = p->now_ns + p->opt.lease_ns + paxos__jitter(p, p->opt.beat_ns);
    p->out->role_changed = true;
    paxos__promise(p, ballot);
    TRACE(p, "campaign " B_FMT ", own log ends at " AT_FMT, B_ARGS(ballot),
          AT_ARGS(paxos__last(p)));
    for (size_t i = 0; i < p->peer_count; i++) {
        p->peers[i].promised = p->peers[i].absent = p->peers[i].pump = false;
        paxos__send_prepare(p, &p->peers[i]);
    }
}

/* An adopted configuration names voters that were not known: prepare them too. */
static void prepare_new_voters(struct paxos *p) {
    for (size_t i = 0; i < p->peer_count; i++) {
        if (!p->peers[i].pump)
            continue;
        TC_PROBE("paxos: a candidate prepared voters of an adopted configuration");
        p->peers[i].pump = false;
        paxos__send_prepare(p, &p->peers[i]);
    }
}

static bool log_better(const struct paxos_mark *a, const struct paxos_mark *b) {
    if (PAXOS_MUTANT(12))
        return a->index > b->index;
    return a->ballot != b->ballot ? a->ballot > b->ballot : a->index > b->index;
}

static struct peer *best_promiser(struct paxos *p) {
    struct paxos_mark best = paxos__last(p);
    struct peer *found = NULL;
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].promised && log_better(&p->peers[i].last, &best)) {
            best = p->peers[i].last;
            found = &p->peers[i];
        }
    return found;
}

/* Promises of a quorum, the own one counted only once it is durable. */
static bool promised_is_quorum(const struct paxos *p) {
    uint32_t rids[PAXOS_PEERS_MAX + 1];
    size_t count = 0;
    if (p->hard_seq <= p->durable_seq)
        rids[count++] = p->rid;
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].promised)
            rids[count++] = p->peers[i].rid;
    return paxos__has(p, rids, count);
}

static void stand_back(struct paxos *p, const char *why) {
    paxos__follow(p, 0, why);
    p->suspect_at_ns = p->now_ns + p->opt.lease_ns + paxos__jitter(p, p->opt.suspect_ns);
}

/* The wanted entry stands in the own log, unreadable, and not at a promiser. */
static bool wants_own(const struct paxos *p) {
    return p->want.index != 0 && paxos__log_holds(&p->log, &p->want);
}

/* Without the voters that provably never had the wanted entry, this configuration has no quorum. In
 * a joint one the new members alone may have chosen it, by the final one above it. */
static bool absent_block(struct paxos *p, const struct quorum_config *c) {
    struct quorum_config decisive = {.version = c->version,
                                     .sets[0] = c->sets[quorum_is_joint(c) ? 1 : 0]};
    struct quorum_rids voters = quorum_voters(c);
    uint32_t rids[QUORUM_VOTERS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < voters.count; i++) {
        const struct peer *f = paxos__peer(p, voters.rids[i]);
        bool absent = voters.rids[i] == p->rid ? !wants_own(p) : f && f->absent;
        if (!absent)
            rids[count++] = voters.rids[i];
    }
    return !quorum_has(&decisive, rids, count);
}

/* The replicas that provably never had the wanted entry block every quorum, under the configuration
 * in force there and the one in force here: it was never chosen, and what its promiser, or this
 * log, holds from there on is void. (An unreadable CONF is judged by the one before it: a joint one
 * needs those members too, and a final one is judged by its joint one's new members.) */
static bool drop_wanted(struct paxos *p) {
    const struct quorum_config *there = paxos__log_config(&p->log, p->want.index - 1);
    bool blocked = absent_block(p, there) && absent_block(p, paxos__config(p));
    if (!blocked && !PAXOS_MUTANT(34))
        return false;
    TC_PROBE("paxos: an unreadable entry was dropped, a blocking set never had it");
    TRACE(p, "a blocking set never had " AT_FMT " -> drop it", AT_ARGS(p->want));
    if (wants_own(p)) {
        TC_ASSERT(p->want.index > p->commit);
        TC_PROBE("paxos: a candidate dropped an unreadable entry of its own");
        paxos__cut(p, p->want.index);
    }
    for (size_t i = 0; i < p->peer_count; i++) /* one that never had it has another log */
        if (p->peers[i].promised && !p->peers[i].absent && !log_better(&p->want, &p->peers[i].last))
            p->peers[i].last = paxos__last(p);
    p->want = (struct paxos_mark){0};
    return true;
}

/* The next page follows what the last one was seen to share with this log, not this log's end: a
 * whole page may be held already, and below it and above it lie entries that the better log has
 * not.
 */
static void pull_from(struct paxos *p, struct peer *best) {
    struct paxos_mark after = paxos__last(p);
    if (p->joined_rid == best->rid && p->joined.index < after.index &&
        paxos__log_holds(&p->log, &p->joined))
        after = p->joined;
    if (p->pulled_last == after.index + 1)
        return;
    p->pulled_last = after.index + 1;
    TRACE(p, "log of %" PRIu32 " is better, ends at " AT_FMT " -> adopt it", best->rid,
          AT_ARGS(best->last));
    send_prepare_after(p, best, after);
}

/* Its log holds a configuration that decides instead of the own one: adopt it before counting. That
 * is safe without a quorum: a log whose last ballot is higher, or which only continues the own one,
 * lacks nothing that was chosen. */
static bool knows_newer_config(const struct paxos *p, const struct peer *f) {
    return f->config_version > paxos__config(p)->version;
}

static void look_for(struct paxos *p, struct paxos_mark want, uint32_t rid) {
    p->want = want;
    p->want_rid = rid;
    for (size_t i = 0; i < p->peer_count; i++)
        p->peers[i].absent = false;
    paxos__send_fetch(p, &p->want);
}

/* The own log is the best and has an unreadable entry. One that is committed is repaired, sooner or
 * later; one above may have been chosen or not, and it may be that nobody else is able to find out.
 */
static void look_for_own(struct paxos *p) {
    const struct paxos_entry *e = paxos__log_at(&p->log, p->log.faulty_first);
    TC_ASSERT(e != NULL);
    if (e->body != NULL || e->index <= p->commit)
        return; /* its repair is on the way to the disk, or it is asked for like any follower's */
    struct paxos_mark want = paxos__log_mark(&p->log, e->index);
    TRACE(p, "own entry " AT_FMT " is unreadable -> look for an intact copy", AT_ARGS(want));
    look_for(p, want, p->rid);
}

void paxos__candidate_advance(struct paxos *p) {
    if (p->phase != PHASE_PREPARE)
        return;
    prepare_new_voters(p);
    if (!promised_is_quorum(p)) {
        struct peer *ahead = best_promiser(p);
        if (ahead && knows_newer_config(p, ahead) && p->want.index == 0)
            pull_from(p, ahead);
        return;
    }
    struct peer *best = best_promiser(p);
    if (wants_own(p) && (best || p->want.index <= p->commit))
        p->want = (struct paxos_mark){0}; /* that log decides, or the archive has, what it is */
    if (p->want.index != 0 && best && p->want_rid != p->rid && p->want_rid != best->rid) {
        TC_PROBE("paxos: a better log than the one with the unreadable entry was promised");
        p->want = (struct paxos_mark){0};
    }
    if (p->want.index != 0 && !drop_wanted(p)) {
        p->out->stuck = true;
        return;
    }
    best = best_promiser(p);
    if (best && !PAXOS_MUTANT(11)) {
        pull_from(p, best);
        return;
    }
    if (p->log.faulty_count > 0) {
        look_for_own(p);
        return;
    }
    if (!promised_is_quorum(p))
        return; /* what was dropped was a configuration */
    if (!paxos__able(p)) {
        TC_PROBE("paxos: a candidate adopted a configuration that excludes it or its B-tree");
        stand_back(p, "adopted configuration gives it no B-tree");
        return;
    }
    paxos__lead(p);
}

void paxos__tick_candidate(struct paxos *p) {
    if (p->now_ns >= p->give_up_at_ns) {
        TC_PROBE("paxos: a campaign ran out of time");
        paxos__follow(p, 0, "campaign took too long");
        p->suspect_at_ns = p->now_ns + paxos__jitter(p, p->opt.beat_ns);
        return;
    }
    if (p->now_ns < p->retry_at_ns)
        return;
    p->retry_at_ns = p->now_ns + p->opt.beat_ns;
    p->pulled_last = 0;
    if (p->joined_doubt)
        p->joined_rid = 0;
    for (size_t i = 0; i < p->peer_count; i++)
        if (!p->peers[i].promised)
            paxos__send_prepare(p, &p->peers[i]);
    if (p->want.index != 0)
        paxos__send_fetch(p, &p->want);
}

static tc_err refused(struct paxos *p, const struct paxos_msg *m) {
    paxos__see_round(p, m->seen_ballot);
    TRACE(p, "recv refusal of " B_FMT " from %" PRIu32 ", promised " B_FMT " -> %s",
          B_ARGS(m->ballot), m->from, B_ARGS(m->seen_ballot),
          m->seen_ballot > p->ballot ? "stand back" : "keep asking");
    if (m->seen_ballot > p->ballot) {
        paxos__follow(p, 0, "outbid");
        p->suspect_at_ns = p->now_ns + p->opt.beat_ns + paxos__jitter(p, p->opt.beat_ns);
    }
    return TC_OK;
}

/* Readable at the promiser, or held here. */
static bool usable(const struct paxos *p, const struct paxos_entry *e) {
    struct paxos_mark m = {.index = e->index, .ballot = e->ballot, .chain = e->chain};
    return !(e->flags & PAXOS_FAULTY) || paxos__log_holds(&p->log, &m);
}

/* The page [begin, end] of the best log is in the own one now. What is known of that is kept from
 * campaign to campaign, or one that is too short for all pages would be followed by others like it.
 * Pages also come late and twice, so one that begins lower only raises a doubt: perhaps that log
 * has changed since, and has not any more what was seen. */
static void note_joined(struct paxos *p, uint32_t from, uint64_t begin, uint64_t end) {
    uint64_t last = paxos__log_last(&p->log);
    const struct peer *best = best_promiser(p);
    bool known = p->joined_rid == from && paxos__log_holds(&p->log, &p->joined);
    if (best == NULL || best->rid != from || end < p->log.base.index)
        return;
    if (known && end <= p->joined.index) {
        p->joined_doubt = begin < p->joined.index;
        return;
    }
    p->joined_rid = from;
    p->joined_doubt = false;
    p->joined = paxos__log_mark(&p->log, end < last ? end : last);
}

/* Take the page of the best log that came with a promise, up to the first unreadable entry. */
static tc_err adopt(struct paxos *p, const struct paxos_msg *m) {
    size_t count = 0;
    if (!paxos__log_holds(&p->log, &m->mark) && !PAXOS_MUTANT(33)) {
        TC_PROBE("paxos: the suffix of a promise does not join the own log");
        p->restore = m->mark.index > p->commit ? m->mark : (struct paxos_mark){0};
        p->out->restore_index = p->restore.index;
        stand_back(p, "the better log begins above or beside the own one");
        return TC_OK;
    }
    while (count < m->entry_count && usable(p, &m->entries[count]))
        count++;
    tc_err err = paxos__store_entries(p, m->entries, count);
    if (err != TC_OK)
        return err;
    note_joined(p, m->from, m->mark.index, m->mark.index + count);
    TRACE(p, "adopt %zu entries of %" PRIu32 " -> log ends at " AT_FMT, count, m->from,
          AT_ARGS(paxos__last(p)));
    TC_PROBE("paxos: a candidate adopted a foreign suffix");
    if (count == m->entry_count)
        return TC_OK;
    const struct paxos_entry *e = &m->entries[count];
    struct paxos_mark want = {.index = e->index, .ballot = e->ballot, .chain = e->chain};
    TRACE(p, "entry " AT_FMT " is unreadable at %" PRIu32 " -> look for an intact copy",
          AT_ARGS(want), m->from);
    look_for(p, want, m->from);
    return TC_OK;
}

tc_err paxos__recv_promise(struct paxos *p, const struct paxos_msg *m) {
    struct peer *from = paxos__peer(p, m->from);
    if (from == NULL || p->role != PAXOS_CANDIDATE || m->ballot != p->ballot) {
        paxos__see_round(p, m->seen_ballot);
        return TC_OK;
    }
    if (m->flags & PAXOS_F_REFUSED)
        return refused(p, m);
    if (!paxos__entries_valid(p, m, p->ballot - 1))
        return TC_ECORRUPT;
    if (!from->promised) { /* said once: dropping an entry shortens what counts of its log */
        TRACE(p, "recv promise " B_FMT " from %" PRIu32 ", its log ends at " AT_FMT,
              B_ARGS(m->ballot), m->from, AT_ARGS(m->last));
        from->promised = true;
        from->last = m->last;
        from->config_version = m->config ? m->config->version : 0;
    }
    struct paxos_mark own = paxos__last(p);
    bool joins = paxos__log_holds(&p->log, &m->mark);
    bool counts = promised_is_quorum(p) || knows_newer_config(p, from);
    if ((m->entry_count > 0 || !joins) && counts && log_better(&from->last, &own) &&
        p->want.index == 0)
        return adopt(p, m);
    return TC_OK;
}
