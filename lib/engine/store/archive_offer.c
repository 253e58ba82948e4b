/* What stands in an offer to the archiver: whose log it is, and which part of it. */
#include "engine/store/archive_offer.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "engine/store/group.h"
#include "engine/store/log.h"
#include "engine/store/restore.h"

#include <stdlib.h>

enum {
    OFFER_ENTRIES_MAX = 8192,
};

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

bool store__archive_pack_entries(struct replica *r, struct tc_buf *out) {
    struct segment g = {0};
    Tercet__Pb__SegmentOffer o;
    uint64_t before = 0;
    if (!store__archive_chain_at(r, r->archive.archived, &before))
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

/* ---- chain hashes, entries that are wanted back, and the question where the archive ends */

bool store__archive_chain_at(const struct replica *r, uint64_t index, uint64_t *ret_chain) {
    const struct paxos_entry *e = paxos_entry_at(r->paxos, index);
    if (e == NULL && index != r->status.base.index)
        return false;
    *ret_chain = e ? e->chain : r->status.base.chain;
    return true;
}

bool store__archive_pack_verify(struct replica *r, struct tc_buf *out) {
    Tercet__Pb__SegmentOffer o;
    fill_common(r, &o);
    o.first = r->archive.verify_first;
    o.last = r->archive.verify_last;
    r->archive.verify_first = 0;
    if (o.first == 0 || o.last > r->committed ||
        !store__archive_chain_at(r, o.first - 1, &o.chain_before) ||
        !store__archive_chain_at(r, o.last, &o.chain_after))
        return false;
    proto_append(out, &o.base);
    return true;
}

bool store__archive_pack_read(struct replica *r, uint64_t now_ns, struct tc_buf *out) {
    Tercet__Pb__SegmentOffer o;
    fill_common(r, &o);
    if (!store__restore_offer(r, now_ns, &o))
        return false;
    proto_append(out, &o.base);
    return true;
}

bool store__archive_pack_question(struct replica *r, struct tc_buf *out) {
    Tercet__Pb__SegmentOffer o;
    fill_common(r, &o);
    proto_append(out, &o.base);
    return true;
}
