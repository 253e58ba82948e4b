/* When this node offers something to the archiver, group by group, and what answers change. */
#include "engine/store/archive.h"

#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/archive_offer.h"
#include "engine/store/due.h"
#include "engine/store/group.h"
#include "engine/store/restore.h"

#include <stdio.h>

enum {
    OFFER_PAUSE_MS = 200, /* between two looks at one group */
    ASK_AGAIN_MS = 1000,
    ASK_PAUSE_MS = 5000,  /* between two questions of a follower */
    ASK_SPREAD = 64,      /* seconds over which many groups' rare questions are spread */
    ASK_IDLE_MS = 600000, /* ... when the last answer had nothing to compare */
};

/* ---- what is due */

/* Old enough, many enough, or awaited by a scrub. */
static bool segment_due(struct replica *r, uint64_t now_ns) {
    const struct store_options *o = &r->store->options;
    if (r->committed <= r->archive.archived) {
        r->archive.since_ns = 0;
        return false;
    }
    if (r->archive.since_ns == 0)
        r->archive.since_ns = now_ns;
    if (now_ns >= r->archive.since_ns + o->segment_age_ms * STORE_MS_NS ||
        (r->archive.archived < r->archive.wanted && r->archive.wanted <= r->committed))
        return true;
    uint64_t bytes = 0;
    for (uint64_t at = r->archive.archived + 1; at <= r->committed; at++) {
        const struct paxos_entry *e = paxos_entry_at(r->paxos, at);
        bytes += WAL_HEADER_BYTES + (e ? e->body_len : 0);
        if (bytes >= o->segment_offer_bytes)
            return true;
    }
    return false;
}

/* A follower asks what it is to compare: soon after the archive grew, rarely otherwise. */
static bool ask_due(struct replica *r, uint64_t now_ns) {
    uint64_t soon_ns = now_ns + (uint64_t)ASK_PAUSE_MS * STORE_MS_NS;
    if (r->status.archived > r->archive.archived && r->archive.ask_ns > soon_ns)
        r->archive.ask_ns = soon_ns;
    return !r->archive.asked || now_ns >= r->archive.ask_ns;
}

static bool offer(struct replica *r, uint64_t now_ns, struct tc_buf *out) {
    if (r->paxos == NULL || r->archive.offered || now_ns < r->archive.next_ns)
        return false;
    r->archive.next_ns = now_ns + (uint64_t)OFFER_PAUSE_MS * STORE_MS_NS;
    bool leads = r->status.role == PAXOS_LEADER;
    if (store__archive_pack_read(r, now_ns, out))
        return true;
    if (r->archive.asked && r->archive.verify_first && store__archive_pack_verify(r, out))
        return true;
    if (r->archive.asked && leads)
        return segment_due(r, now_ns) && store__archive_pack_entries(r, out);
    if (!ask_due(r, now_ns))
        return false;
    r->archive.ask_ns = now_ns + (uint64_t)ASK_PAUSE_MS * STORE_MS_NS;
    return store__archive_pack_question(r, out);
}

void store__archive_look(struct replica *r, uint64_t now_ns) {
    if (!r->archive.offered && now_ns >= r->archive.next_ns && tc_list_empty(&r->archive.link))
        tc_list_push_back(&r->store->offers, &r->archive.link);
}

tc_err store_segment_next(struct store *s, struct tc_buf *out, uint64_t *ret_gid) {
    uint64_t now_ns = store__now_ns(s);
    while (!tc_list_empty(&s->offers)) {
        struct replica *r = TC_CONTAINER(s->offers.next, struct replica, archive.link);
        tc_list_remove(&r->archive.link);
        if (!offer(r, now_ns, out))
            continue;
        r->archive.offered = true;
        *ret_gid = r->gid;
        return TC_OK;
    }
    return TC_EEND;
}

/* ---- answers */

/* The archive must continue this very log before anything may be trimmed because of it. */
static bool same_log(const struct replica *r, const Tercet__Pb__SegmentReply *reply) {
    uint64_t chain = 0;
    if (reply->archived == 0 && r->desc->parent_gid == 0)
        return true;
    return reply->archived <= r->committed && store__archive_chain_at(r, reply->archived, &chain) &&
           chain == reply->archived_chain;
}

static void note_problem(struct replica *r, const Tercet__Pb__SegmentReply *reply, bool same) {
    const char *text = reply->problem;
    if (!same && reply->archived < r->status.base.index)
        text = "the archive ends below the log's base";
    else if (!same && text[0] == 0 && reply->archived <= r->committed)
        text = "the archive's chain hash differs from this log's";
    (void)snprintf(r->archive.problem, sizeof r->archive.problem, "%s", text);
}

/* How far the archive has this log by now. */
static void take_end(struct replica *r, uint64_t archived, uint64_t now_ns) {
    if (archived > r->archive.archived) {
        r->archive.since_ns = now_ns;
        r->archive.next_ns = 0; /* there may be more: the next offer need not pause */
        store__due_touch(r, now_ns);
    }
    r->archive.archived = archived;
}

/* What it wants compared; without anything, the next question has time. */
static void take_wish(struct replica *r, const Tercet__Pb__SegmentReply *reply, uint64_t now_ns) {
    if (reply->n_verify > 0) {
        r->archive.verify_first = reply->verify[0]->first;
        r->archive.verify_last = reply->verify[0]->last;
        store__due_touch(r, now_ns);
    } else if (r->status.archived <= reply->archived) {
        r->archive.ask_ns = now_ns + (ASK_IDLE_MS + r->gid % ASK_SPREAD * 1000) * STORE_MS_NS;
    }
}

static void take_answer(struct replica *r, const Tercet__Pb__SegmentReply *reply) {
    uint64_t now_ns = store__now_ns(r->store);
    bool same = same_log(r, reply);
    r->archive.asked = same;
    note_problem(r, reply, same);
    if (!same) {
        /* Often only ahead of what this replica knows to be committed: ask again. */
        TC_PROBE("store: the archive's end is not in this log");
        r->archive.next_ns = now_ns + (uint64_t)ASK_AGAIN_MS * STORE_MS_NS;
        return;
    }
    take_end(r, reply->archived, now_ns);
    take_wish(r, reply, now_ns);
    if (reply->archived > r->status.archived) {
        struct paxos_event ev = {.type = PAXOS_EV_ARCHIVED, .index = reply->archived};
        (void)store__group_step(r, &ev);
    }
}

void store_archived(struct store *s, uint64_t gid, const Tercet__Pb__SegmentReply *reply) {
    struct replica *r = store__find(s, gid);
    if (r == NULL || r->paxos == NULL)
        return;
    r->archive.offered = false;
    if (r->archive.reading)
        store__restore_answered(r, reply);
    else
        take_answer(r, reply);
}

void store_archive_lost(struct store *s, uint64_t gid) {
    struct replica *r = store__find(s, gid);
    if (r == NULL)
        return;
    r->archive.offered = false;
    r->archive.asked = false;
    if (r->archive.reading)
        store__restore_answered(r, /* reply= */ NULL);
    r->archive.next_ns = store__now_ns(s) + (uint64_t)OFFER_PAUSE_MS * STORE_MS_NS;
}
