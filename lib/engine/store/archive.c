/* What this node offers to the archiver, group by group (DESIGN.md 5).
 *
 * A leader offers its committed entries above the archive's end when they are old or many enough;
 * the others offer chain hashes of ranges that the archiver wants compared. Everybody asks first
 * where the archive ends, because the manifest and not the replica knows.
 */
#include "engine/store/archive.h"
#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "engine/store/due.h"
#include "engine/store/group.h"
#include "engine/store/log.h"
#include "engine/store/restore.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OFFER_ENTRIES_MAX = 8192,
    OFFER_PAUSE_MS = 200, /* between two looks at one group */
    ASK_AGAIN_MS = 1000,
    ASK_PAUSE_MS = 5000,  /* between two questions of a follower */
    ASK_SPREAD = 64,      /* seconds over which many groups' rare questions are spread */
    ASK_IDLE_MS = 600000, /* ... when the last answer had nothing to compare */
};

/* The chain hash at index, if this log still knows it. */
static bool chain_at(const struct replica *r, uint64_t index, uint64_t *ret_chain) {
    const struct paxos_entry *e = paxos_entry_at(r->paxos, index);
    if (e == NULL && index != r->status.base.index)
        return false;
    *ret_chain = e ? e->chain : r->status.base.chain;
    return true;
}

static void fill_common(const struct replica *r, Tercet__Pb__SegmentOffer *o) {
    tercet__pb__segment_offer__init(o);
    o->gid = r->gid;
    o->table_id = r->desc->partition->table_id;
    o->table = r->desc->table_name;
    o->node = r->store->node;
    o->rid = r->rid;
    o->start = r->desc->partition->start;
    o->end = r->desc->partition->end;
    o->parent_gid = r->desc->parent_gid;
    if (o->parent_gid) {
        o->base_index = r->desc->base_index;
        o->base_chain = r->desc->base_chain;
        o->parent_chain = r->desc->parent_chain;
        o->parent_index = r->desc->parent_index;
        o->right_gid = r->desc->right_gid;
        o->right_index = r->desc->right_index;
        o->right_chain = r->desc->right_chain;
    }
}

/* ---- a leader's entries */

struct segment {
    Tercet__Pb__LogEntry *entries;
    Tercet__Pb__LogEntry **pointers;
    struct tc_blob **bodies;
    size_t count;
    uint64_t bytes;
    uint64_t first_ns;
    uint64_t last_ns;
};

static void segment_free(struct segment *g) {
    for (size_t i = 0; i < g->count; i++)
        tc_blob_unref(g->bodies[i]);
    free(g->entries);
    free((void *)g->pointers);
    free((void *)g->bodies);
}

static void note_time(struct segment *g, const struct paxos_entry *e, const struct tc_blob *body) {
    struct entry_write w;
    if (e->type != PAXOS_WRITE || entry_write_decode(tc_blob_slice(body), &w) != TC_OK)
        return;
    if (g->first_ns == 0)
        g->first_ns = w.hlc_ns;
    g->last_ns = w.hlc_ns;
}

static void segment_add(struct segment *g, const struct paxos_entry *e, struct tc_blob *body) {
    Tercet__Pb__LogEntry *to = &g->entries[g->count];
    tercet__pb__log_entry__init(to);
    to->index = e->index;
    to->ballot = e->ballot;
    to->chain = e->chain;
    to->type = e->type;
    to->body_crc = e->body_crc;
    to->body_len = e->body_len;
    to->body = proto_bytes(tc_blob_slice(body));
    g->pointers[g->count] = to;
    g->bodies[g->count] = body;
    g->count++;
    g->bytes += WAL_HEADER_BYTES + body->len;
    note_time(g, e, body);
}

static void segment_read(struct replica *r, struct segment *g) {
    g->entries = calloc(OFFER_ENTRIES_MAX, sizeof *g->entries);
    g->pointers = calloc(OFFER_ENTRIES_MAX, sizeof(Tercet__Pb__LogEntry *));
    g->bodies = calloc(OFFER_ENTRIES_MAX, sizeof(struct tc_blob *));
    TC_ASSERT(g->entries && g->pointers && g->bodies);
    uint64_t limit_bytes = r->store->options.segment_offer_bytes;
    for (uint64_t at = r->archive.archived + 1; at <= r->committed; at++) {
        const struct paxos_entry *e = paxos_entry_at(r->paxos, at);
        struct tc_blob *body = NULL;
        if (e == NULL || g->count == OFFER_ENTRIES_MAX || g->bytes >= limit_bytes ||
            store__log_body(r, e, &body) != TC_OK)
            return;
        segment_add(g, e, body);
    }
}

/* Deliberate fault 55: what was sent counts as archived. */
static void count_unverified(struct replica *r, uint64_t last) {
    struct paxos_event ev = {.type = PAXOS_EV_ARCHIVED, .index = last};
    if (TC_MUTANT(55))
        (void)store__group_step(r, &ev);
}

static bool pack_entries(struct replica *r, struct tc_buf *out) {
    struct segment g = {0};
    Tercet__Pb__SegmentOffer o;
    uint64_t before = 0;
    if (!chain_at(r, r->archive.archived, &before))
        return false;
    segment_read(r, &g);
    bool any = g.count > 0;
    if (any) {
        fill_common(r, &o);
        o.first = g.entries[0].index;
        o.last = g.entries[g.count - 1].index;
        o.chain_before = before;
        o.chain_after = g.entries[g.count - 1].chain;
        o.entries = g.pointers;
        o.n_entries = g.count;
        o.first_ms = g.first_ns / STORE_MS_NS;
        o.last_ms = g.last_ns / STORE_MS_NS;
        proto_append(out, &o.base);
        count_unverified(r, o.last);
    }
    segment_free(&g);
    return any;
}

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

/* ---- the others' chain hashes, and the question where the archive ends */

static bool pack_verify(struct replica *r, struct tc_buf *out) {
    Tercet__Pb__SegmentOffer o;
    fill_common(r, &o);
    o.first = r->archive.verify_first;
    o.last = r->archive.verify_last;
    r->archive.verify_first = 0;
    if (o.first == 0 || o.last > r->committed || !chain_at(r, o.first - 1, &o.chain_before) ||
        !chain_at(r, o.last, &o.chain_after))
        return false;
    proto_append(out, &o.base);
    return true;
}

/* Entries that only the archive has. */
static bool pack_read(struct replica *r, uint64_t now_ns, struct tc_buf *out) {
    Tercet__Pb__SegmentOffer o;
    fill_common(r, &o);
    if (!store__restore_offer(r, now_ns, &o))
        return false;
    proto_append(out, &o.base);
    return true;
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
    if (pack_read(r, now_ns, out))
        return true;
    if (r->archive.asked && r->archive.verify_first && pack_verify(r, out))
        return true;
    if (r->archive.asked && leads)
        return segment_due(r, now_ns) && pack_entries(r, out);
    if (!ask_due(r, now_ns))
        return false;
    r->archive.ask_ns = now_ns + (uint64_t)ASK_PAUSE_MS * STORE_MS_NS;
    Tercet__Pb__SegmentOffer o;
    fill_common(r, &o);
    proto_append(out, &o.base);
    return true;
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

/* The archive must continue this very log before anything may be trimmed because of it. */
static bool same_log(const struct replica *r, const Tercet__Pb__SegmentReply *reply) {
    uint64_t chain = 0;
    if (reply->archived == 0 && r->desc->parent_gid == 0)
        return true;
    return reply->archived <= r->committed && chain_at(r, reply->archived, &chain) &&
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

void store_archived(struct store *s, uint64_t gid, const Tercet__Pb__SegmentReply *reply) {
    struct replica *r = store__find(s, gid);
    if (r == NULL || r->paxos == NULL)
        return;
    r->archive.offered = false;
    if (r->archive.reading) {
        store__restore_answered(r, reply);
        return;
    }
    bool same = same_log(r, reply);
    r->archive.asked = same;
    note_problem(r, reply, same);
    if (!same) {
        /* Often only ahead of what this replica knows to be committed: ask again. */
        TC_PROBE("store: the archive's end is not in this log");
        r->archive.next_ns = store__now_ns(s) + (uint64_t)ASK_AGAIN_MS * STORE_MS_NS;
        return;
    }
    if (reply->archived > r->archive.archived) {
        r->archive.since_ns = store__now_ns(s);
        r->archive.next_ns = 0; /* there may be more: the next offer need not pause */
        store__due_touch(r, r->archive.since_ns);
    }
    r->archive.archived = reply->archived;
    if (reply->n_verify > 0) {
        r->archive.verify_first = reply->verify[0]->first;
        r->archive.verify_last = reply->verify[0]->last;
        store__due_touch(r, store__now_ns(s));
    } else if (r->status.archived <= reply->archived) {
        r->archive.ask_ns =
            store__now_ns(s) + (ASK_IDLE_MS + gid % ASK_SPREAD * 1000) * STORE_MS_NS;
    }
    if (reply->archived > r->status.archived) {
        struct paxos_event ev = {.type = PAXOS_EV_ARCHIVED, .index = reply->archived};
        (void)store__group_step(r, &ev);
    }
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
