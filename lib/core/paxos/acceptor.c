/* What a replica answers to candidates and leaders (B5, B7.2). */
#include "core/paxos/paxos_private.h"

#include "core/support/support.h"

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

bool paxos__entries_valid(const struct paxos *p, const struct paxos_msg *m, uint64_t ballot_max) {
    uint64_t chain = m->mark.chain;
    uint64_t ballot = m->mark.ballot;
    for (size_t i = 0; i < m->entry_count; i++) {
        const struct paxos_entry *e = &m->entries[i];
        chain = paxos_chain(p->gid, chain, e);
        if (e->index != m->mark.index + 1 + i || e->ballot < ballot || e->ballot > ballot_max)
            return false;
        if (e->chain != chain || e->type == 0 || e->type > PAXOS_ENTRY_TYPE_MAX)
            return false;
        if (e->body == NULL && e->body_len > 0 && !(e->flags & PAXOS_FAULTY))
            return false;
        if (e->body && (e->body->len != e->body_len || e->body_len > PAXOS_BODY_BYTES_MAX))
            return false;
        ballot = e->ballot;
    }
    return true;
}

/* Entries equal to what is held: repair the FAULTY ones. Returns how many are done with, which is
 * all of them up to the first that is new or different. */
static size_t skip_held(struct paxos *p, const struct paxos_entry *e, size_t count) {
    size_t i = 0;
    for (; i < count; i++) {
        if (e[i].index <= p->log.base.index)
            continue;
        const struct paxos_entry *own = paxos__log_at(&p->log, e[i].index);
        if (own == NULL || own->chain != e[i].chain)
            return i;
        bool unread = own->body == NULL && (own->flags & PAXOS_FAULTY);
        if (unread && !(e[i].flags & PAXOS_FAULTY) && paxos__repair_write(p, &e[i]))
            TC_PROBE("paxos: a faulty entry was repaired in place");
    }
    return i;
}

static bool joins_base(const struct paxos *p, const struct paxos_entry *e, size_t count) {
    uint64_t base = p->log.base.index;
    if (count == 0 || e[0].index > base || e[count - 1].index < base)
        return true;
    return e[base - e[0].index].chain == p->log.base.chain;
}

tc_err paxos__store_entries(struct paxos *p, const struct paxos_entry *e, size_t count) {
    if (!joins_base(p, e, count))
        return TC_ECORRUPT;
    size_t at = skip_held(p, e, count);
    if (at == count)
        return TC_OK;
    if (e[at].index <= p->commit) {
        TRACE(p, "entry " AT_FMT " contradicts a committed one -> refuse", AT_ARGS(e[at]));
        return TC_ECORRUPT;
    }
    if (e[at].index <= paxos__log_last(&p->log)) {
        TC_PROBE("paxos: a conflicting suffix was cut");
        TRACE(p, "entry " AT_FMT " differs -> cut from there", AT_ARGS(e[at]));
        paxos__cut(p, e[at].index);
    }
    for (; at < count; at++) {
        if (p->log.count >= PAXOS_LOG_COUNT_MAX || (e[at].flags & PAXOS_FAULTY))
            return TC_OK;
        TC_TRY(paxos__write(p, &e[at]));
    }
    return TC_OK;
}

/* The leader that was granted a lease has ended it in writing. */
static bool resigned(const struct paxos *p, const struct paxos_msg *m) {
    return (m->flags & PAXOS_F_RESIGNED) && m->seen_ballot == p->grant_ballot;
}

/* This log holds what the candidate's lacks. */
static bool log_is_better(const struct paxos *p, const struct paxos_msg *m) {
    struct paxos_mark last = paxos__last(p);
    return last.ballot > m->mark.ballot ||
           (last.ballot == m->mark.ballot && last.index > m->mark.index);
}

/* Why a PREPARE must be refused; NULL if it may be promised (B7.2). */
static const char *refusal(const struct paxos *p, const struct paxos_msg *m) {
    bool proof = resigned(p, m);
    bool granted =
        paxos__granted_until(p) > p->now_ns && paxos_ballot_rid(p->grant_ballot) != m->from;
    if (m->ballot < p->promised)
        return "refuse, stale";
    if (m->ballot == p->promised)
        return NULL;
    if (paxos__quarantined(p))
        return "refuse, just started";
    if (granted && !proof && !PAXOS_MUTANT(9))
        return "refuse, a lease runs";
    if (p->role == PAXOS_LEADER && paxos__lease_valid(p) && !PAXOS_MUTANT(9))
        return "refuse, leads with a lease";
    if (PAXOS_MUTANT(31) && log_is_better(p, m))
        return "refuse, the own log is better";
    return NULL;
}

static void refuse_prepare(struct paxos *p, const struct paxos_msg *m) {
    TC_PROBE("paxos: a prepare was refused");
    struct paxos_msg r = {.type = PAXOS_PROMISE,
                          .to = m->from,
                          .flags = PAXOS_F_REFUSED,
                          .ballot = m->ballot,
                          .seen_ballot = p->promised};
    paxos__send(p, &r, AFTER_NOTHING);
}

/* The promise carries what the candidate lacks: nothing if the own log is not better, else the
 * entries after the candidate's last one, if held, or after its commit. */
static void send_promise(struct paxos *p, const struct paxos_msg *m) {
    struct paxos_mark last = paxos__last(p);
    uint64_t from = max_u64(m->commit, p->log.base.index);
    bool better = log_is_better(p, m) || PAXOS_MUTANT(12);
    if (paxos__log_holds(&p->log, &m->mark))
        from = m->mark.index;
    from = min_u64(from, last.index);
    struct paxos_msg r = {.type = PAXOS_PROMISE,
                          .to = m->from,
                          .ballot = m->ballot,
                          .seen_ballot = p->promised,
                          .mark = paxos__log_mark(&p->log, from),
                          .last = last,
                          .commit = p->commit,
                          .config = paxos__config(p)};
    if (better) {
        r.entry_count = paxos__fit(p, from + 1, PAXOS_MSG_ENTRIES_MAX, p->opt.batch_bytes_max);
        r.entries = paxos__copy_entries(p, from + 1, r.entry_count);
    }
    paxos__send(p, &r, AFTER_ALL);
}

/* This replica's configuration may be older than the sender's, and not name it yet: a follower
 * that lags behind replacements, or a learner. Who was removed has been told so by now. */
static bool may_prepare(const struct paxos *p, const struct paxos_msg *m) {
    const struct quorum_config *committed = paxos__log_config(&p->log, p->commit);
    if (quorum_may_vote(paxos__config(p), m->from) || quorum_may_vote(committed, m->from))
        return true;
    if (m->config == NULL || !quorum_valid(m->config) || !quorum_may_vote(m->config, m->from))
        return false;
    TC_PROBE("paxos: a candidate that the own configuration does not name");
    return m->config->version > committed->version || PAXOS_MUTANT(36);
}

tc_err paxos__recv_prepare(struct paxos *p, const struct paxos_msg *m) {
    if (paxos_ballot_rid(m->ballot) != m->from || !may_prepare(p, m))
        return TC_EINVAL;
    const char *no = refusal(p, m);
    TRACE(p, "recv prepare " B_FMT " from %" PRIu32 ", promised " B_FMT " -> %s", B_ARGS(m->ballot),
          m->from, B_ARGS(p->promised), no ? no : "promise");
    if (no) {
        refuse_prepare(p, m);
        return TC_OK;
    }
    if (m->ballot > p->promised) {
        if (!resigned(p, m) && paxos_ballot_rid(p->grant_ballot) != m->from)
            paxos__renounce(p);
        paxos__promise(p, m->ballot);
        paxos__follow(p, 0, "promised");
        p->grant_until_ns = 0;
    } else if (p->ballot == m->ballot) {
        return TC_OK; /* late: that candidate leads already */
    }
    send_promise(p, m);
    return TC_OK;
}

/* The place below which the leader's log and this one may still agree: the end of the own log, or
 * the entry before the run of ballots that differs. */
static struct paxos_mark hint(const struct paxos *p, const struct paxos_mark *rejected) {
    uint64_t last = paxos__log_last(&p->log);
    uint64_t floor = max_u64(p->commit, p->log.base.index);
    if (rejected->index > last)
        return paxos__log_mark(&p->log, last);
    uint64_t at = rejected->index;
    uint64_t ballot = paxos__log_mark(&p->log, at).ballot;
    while (at > floor && paxos__log_mark(&p->log, at).ballot == ballot)
        at--;
    return paxos__log_mark(&p->log, at);
}

static uint32_t own_flags(const struct paxos *p) {
    return (p->log_only ? 0 : PAXOS_F_BTREE) | (paxos__quarantined(p) ? PAXOS_F_QUARANTINE : 0);
}

/* This replica is quiet from now on. */
static void confirm_quiet(const struct paxos *p, const struct paxos_msg *m, struct paxos_msg *r) {
    r->flags |= PAXOS_F_QUIET;
    r->last = (struct paxos_mark){
        .index = m->last.index, .ballot = support_own_boot(p->support), .chain = p->fort_epoch};
}

static void answer(struct paxos *p, const struct paxos_msg *m, bool matched) {
    struct paxos_msg r = {.type = PAXOS_ACCEPTED,
                          .to = m->from,
                          .flags = own_flags(p),
                          .ballot = m->ballot,
                          .seen_ballot = p->promised,
                          .last = paxos__last(p),
                          .commit = p->commit,
                          .echo_ns = m->echo_ns};
    if (matched) {
        r.mark = paxos__log_mark(&p->log, max_u64(paxos__sound(p, p->verified), p->log.base.index));
    } else {
        r.flags |= PAXOS_F_MISMATCH;
        r.mark = hint(p, &m->mark);
        r.last.index = m->mark.index;
        TRACE(p,
              "recv accept after " AT_FMT " from %" PRIu32 ", log ends at " AT_FMT
              " -> mismatch, hint " AT_FMT,
              AT_ARGS(m->mark), m->from, AT_ARGS(paxos__last(p)), AT_ARGS(r.mark));
    }
    if (paxos__follow_quiet(p, m, matched))
        confirm_quiet(p, m, &r);
    paxos__send(p, &r, PAXOS_MUTANT(1) ? AFTER_NOTHING : AFTER_INDEX);
}

/* The sender leads at a ballot that may be followed: promise it, follow it, grant it a lease. */
static void heed(struct paxos *p, const struct paxos_msg *m) {
    if (m->ballot > p->promised)
        paxos__promise(p, m->ballot);
    if (p->role != PAXOS_FOLLOWER || p->ballot != m->ballot)
        paxos__follow(p, m->ballot, "recv accept of a new leader");
    if (p->verified_ballot != m->ballot) {
        p->verified_ballot = m->ballot;
        p->verified = p->commit;
    }
    p->phase = PHASE_IDLE;
    paxos__forget_shown(p);
    p->restore = (struct paxos_mark){0};
    p->heard_ns = p->now_ns;
    p->missed_ns = 0;
    p->suspect_at_ns = p->now_ns + p->opt.suspect_ns + paxos__jitter(p, p->opt.beat_ns);
    p->grant_until_ns = p->now_ns + p->opt.lease_ns;
    p->grant_ballot = m->ballot;
}

static tc_err take(struct paxos *p, const struct paxos_msg *m) {
    if (m->entry_count > 0)
        TRACE(p, "recv accept (%" PRIu64 ", %" PRIu64 "] " B_FMT " from %" PRIu32 " -> store",
              m->mark.index, m->mark.index + m->entry_count, B_ARGS(m->ballot), m->from);
    TC_TRY(paxos__store_entries(p, m->entries, m->entry_count));
    uint64_t end = min_u64(m->mark.index + m->entry_count, paxos__log_last(&p->log));
    p->verified = max_u64(max_u64(p->verified, end), p->commit);
    uint64_t limit = PAXOS_MUTANT(21) ? paxos__log_last(&p->log) : p->verified;
    p->commit = max_u64(p->commit, min_u64(m->commit, limit));
    p->archived = max_u64(p->archived, min_u64(m->archived, p->commit));
    return TC_OK;
}

tc_err paxos__recv_accept(struct paxos *p, const struct paxos_msg *m) {
    /* Who leads at a ballot has won it, whether the own configuration names it yet or not. */
    if (paxos_ballot_rid(m->ballot) != m->from)
        return TC_EINVAL;
    if (m->ballot < p->promised && !PAXOS_MUTANT(4)) {
        TC_PROBE("paxos: an accept of a stale ballot was refused");
        TRACE(p, "recv accept " B_FMT " from %" PRIu32 ", promised " B_FMT " -> refuse, stale",
              B_ARGS(m->ballot), m->from, B_ARGS(p->promised));
        struct paxos_msg r = {.type = PAXOS_ACCEPTED,
                              .to = m->from,
                              .flags = PAXOS_F_REFUSED,
                              .ballot = m->ballot,
                              .seen_ballot = p->promised,
                              .echo_ns = m->echo_ns};
        paxos__send(p, &r, AFTER_NOTHING);
        return TC_OK;
    }
    if (!paxos__entries_valid(p, m, m->ballot))
        return TC_ECORRUPT;
    heed(p, m);
    bool matched = m->mark.index <= p->commit || paxos__log_holds(&p->log, &m->mark);
    if (matched)
        TC_TRY(take(p, m));
    answer(p, m, matched);
    return TC_OK;
}
