/* How a candidate takes over the best log that was promised, page by page (B7.3).
 *
 * Whichever log ends at the highest ballot may hold what was chosen. The candidate makes it its own
 * before it leads; an entry of it that is unreadable there is looked for elsewhere (wanted.c). */
#include "core/paxos/paxos_private.h"

bool paxos__log_better(const struct paxos_mark *a, const struct paxos_mark *b) {
    if (PAXOS_MUTANT(12))
        return a->index > b->index;
    return a->ballot != b->ballot ? a->ballot > b->ballot : a->index > b->index;
}

struct peer *paxos__best_promiser(struct paxos *p) {
    struct paxos_mark best = paxos__last(p);
    struct peer *found = NULL;
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].promised && paxos__log_better(&p->peers[i].last, &best)) {
            best = p->peers[i].last;
            found = &p->peers[i];
        }
    return found;
}

/* Its log holds a configuration that decides instead of the own one: adopt it before counting. That
 * is safe without a quorum: a log whose last ballot is higher, or which only continues the own one,
 * lacks nothing that was chosen. */
bool paxos__knows_newer_config(const struct paxos *p, const struct peer *f) {
    return f->config_version > paxos__config(p)->version;
}

/* The next page follows what the last one was seen to share with this log, not this log's end: a
 * whole page may be held already, and below it and above it lie entries that the better log has
 * not.
 */
void paxos__pull(struct paxos *p, struct peer *best) {
    struct paxos_mark after = paxos__last(p);
    if (p->joined_rid == best->rid && p->joined.index < after.index &&
        paxos__log_holds(&p->log, &p->joined))
        after = p->joined;
    if (p->pulled_last == after.index + 1)
        return;
    p->pulled_last = after.index + 1;
    TRACE(p, "log of %" PRIu32 " is better, ends at " AT_FMT " -> adopt it", best->rid,
          AT_ARGS(best->last));
    paxos__send_prepare(p, best, after);
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
    const struct peer *best = paxos__best_promiser(p);
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
tc_err paxos__adopt(struct paxos *p, const struct paxos_msg *m) {
    size_t count = 0;
    if (!paxos__log_holds(&p->log, &m->mark) && !PAXOS_MUTANT(33)) {
        TC_PROBE("paxos: the suffix of a promise does not join the own log");
        p->restore = m->mark.index > p->commit ? m->mark : (struct paxos_mark){0};
        p->out->restore_index = p->restore.index;
        paxos__stand_back(p, "the better log begins above or beside the own one");
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
    paxos__look_for(p, want, m->from);
    return TC_OK;
}
