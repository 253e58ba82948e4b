/* FAULTY entries: asking for intact copies, and giving them (B7.4, B11). */
#include "core/paxos/paxos_private.h"

static void fetch_from(struct paxos *p, uint32_t rid, const struct paxos_mark *want) {
    struct paxos_msg m = {.type = PAXOS_FETCH, .to = rid, .mark = *want};
    paxos__send(p, &m, AFTER_NOTHING);
}

/* Members that a configuration in force, but not yet committed, leaves out may have the only copy.
 */
void paxos__send_fetch(struct paxos *p, const struct paxos_mark *want) {
    struct quorum_rids before = quorum_voters(paxos__log_config(&p->log, p->commit));
    for (size_t i = 0; i < p->peer_count; i++)
        fetch_from(p, p->peers[i].rid, want);
    for (uint32_t i = 0; i < before.count; i++)
        if (before.rids[i] != p->rid && paxos__peer(p, before.rids[i]) == NULL)
            fetch_from(p, before.rids[i], want);
}

void paxos__send_fetches(struct paxos *p) {
    size_t asked = 0;
    p->fetch_at_ns = p->now_ns + p->opt.beat_ns;
    for (uint64_t i = p->log.faulty_first; i != 0 && asked < PAXOS_FETCHES_MAX; i++) {
        const struct paxos_entry *e = paxos__log_at(&p->log, i);
        if (e == NULL)
            break;
        if (!(e->flags & PAXOS_FAULTY) || e->body != NULL)
            continue;
        struct paxos_mark want = paxos__log_mark(&p->log, i);
        TRACE(p, "entry " AT_FMT " is unreadable -> fetch", AT_ARGS(want));
        paxos__send_fetch(p, &want);
        asked++;
    }
}

tc_err paxos__recv_fetch(struct paxos *p, const struct paxos_msg *m) {
    struct paxos_msg r = {.type = PAXOS_FETCHED, .to = m->from, .mark = m->mark};
    const struct paxos_entry *e = paxos__log_at(&p->log, m->mark.index);
    bool same = e != NULL && e->chain == m->mark.chain && e->ballot == m->mark.ballot;
    if (same && (e->flags & PAXOS_FAULTY))
        return TC_OK;
    if (m->mark.index <= p->log.base.index) {
        /* Trimmed here, so it was chosen and is in the state: only a snapshot can give it back. */
        if (p->role == PAXOS_LEADER && paxos__peer(p, m->from))
            paxos__need_snapshot(p, paxos__peer(p, m->from));
        return TC_OK;
    }
    TRACE(p, "recv fetch " AT_FMT " from %" PRIu32 " -> %s", AT_ARGS(m->mark), m->from,
          same ? "send it" : "never had it");
    if (same) {
        r.entry_count = 1;
        r.entries = paxos__copy_entries(p, m->mark.index, 1);
    } else {
        r.flags = PAXOS_F_ABSENT;
        r.seen_ballot = p->promised;
    }
    paxos__send(p, &r, AFTER_ALL);
    return TC_OK;
}

static bool is_copy_of(const struct paxos_msg *m, const struct paxos_mark *want) {
    const struct paxos_entry *e = m->entries;
    return m->entry_count == 1 && e->index == want->index && e->ballot == want->ballot &&
           e->chain == want->chain && !(e->flags & PAXOS_FAULTY) &&
           (e->body_len == 0 || (e->body && e->body->len == e->body_len));
}

/* The body is that of the entry if the chain over its header and checksum is. */
static bool chain_fits(const struct paxos *p, const struct paxos_entry *e) {
    if (e->index > paxos__log_last(&p->log) + 1 || e->index <= p->log.base.index)
        return false;
    uint64_t before = paxos__log_mark(&p->log, e->index - 1).chain;
    return paxos_chain(p->gid, before, e) == e->chain;
}

static void fetched_wanted(struct paxos *p, struct peer *from, const struct paxos_msg *m) {
    if (m->flags & PAXOS_F_ABSENT) {
        if (from && m->seen_ballot >= p->ballot)
            from->absent = true;
        return;
    }
    if (!is_copy_of(m, &p->want) || !chain_fits(p, m->entries))
        return;
    if (paxos__store_entries(p, m->entries, 1) == TC_OK) {
        TC_PROBE("paxos: a candidate found an intact copy elsewhere");
        p->want = (struct paxos_mark){0};
        p->pulled_last = 0;
    }
}

/* These entries continue this log, in the very place, and lead to nowhere but where the better log
 * begins. */
static bool lead_to_restore(const struct paxos *p, const struct paxos_entry *e, size_t count) {
    const struct paxos_entry *end = &e[count - 1];
    if (e->index > paxos__log_last(&p->log) + 1 || end->index > p->restore.index)
        return false;
    struct paxos_msg m = {
        .mark = paxos__log_mark(&p->log, e->index - 1), .entries = e, .entry_count = count};
    return paxos__entries_valid(p, &m, p->restore.ballot) &&
           (end->index < p->restore.index || end->chain == p->restore.chain);
}

/* The archive's word alone commits nothing: what it gave has to end in the very entry at which the
 * other replica's log begins, which was committed there. */
static void check_restored(struct paxos *p) {
    if (!paxos__log_holds(&p->log, &p->restore))
        return; /* more is to come */
    TC_PROBE("paxos: committed entries came from the archive");
    TRACE(p, "restored up to %" PRIu64 " from the archive", p->restore.index);
    if (p->restore.index > p->commit)
        p->commit = p->restore.index;
    if (p->restore.index > p->verified)
        p->verified = p->restore.index;
    p->restore = (struct paxos_mark){0};
}

tc_err paxos__restored(struct paxos *p, const struct paxos_event *ev) {
    const struct paxos_entry *e = ev->restored.entries;
    size_t count = ev->restored.count;
    while (count > 0 && e->index <= p->log.base.index)
        e++, count--;
    if (count == 0 || p->restore.index == 0 || p->role == PAXOS_LEADER || p->role == PAXOS_OUTCAST)
        return TC_OK;
    if (!lead_to_restore(p, e, count))
        return TC_ECORRUPT;
    TC_TRY(paxos__store_entries(p, e, count));
    check_restored(p);
    return TC_OK;
}

tc_err paxos__recv_fetched(struct paxos *p, const struct paxos_msg *m) {
    struct peer *from = paxos__peer(p, m->from); /* NULL: it was a member before */
    if (p->role == PAXOS_CANDIDATE && p->want.index != 0 && p->want.index == m->mark.index &&
        p->want.chain == m->mark.chain) {
        fetched_wanted(p, from, m);
        return TC_OK;
    }
    struct paxos_entry *own = paxos__log_at(&p->log, m->mark.index);
    if (own == NULL || !(own->flags & PAXOS_FAULTY) || own->body != NULL)
        return TC_OK;
    struct paxos_mark want = paxos__log_mark(&p->log, m->mark.index);
    if (!is_copy_of(m, &want) || !chain_fits(p, m->entries))
        return m->entry_count ? TC_ECORRUPT : TC_OK;
    TRACE(p, "recv intact " AT_FMT " from %" PRIu32 " -> repair in place", AT_ARGS(want), m->from);
    TC_IGNORE(paxos__store_entries(p, m->entries, 1)); /* held already: it can only be repaired */
    return TC_OK;
}
