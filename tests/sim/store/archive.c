/* The archiver and its object store, as far as storage nodes can tell: it keeps every group's log
 * without a hole and compares whatever it is shown with what it has. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/probe.h"

#include <stdlib.h>

static uint64_t delay_ns(struct world *w) {
    return tc_prng_between(&w->prng, 200000, 30 * (uint64_t)WORLD_MS_NS);
}

static bool reachable(struct world *w) {
    return w->now_ns >= w->archive_out_until_ns &&
           !tc_prng_chance(&w->prng, w->swarm.net.drop_ppm, 1000000);
}

static void lose(struct world *w, uint32_t node, uint64_t life, uint64_t gid) {
    struct world_parcel *p = world_parcel_new(PARCEL_ARCHIVE_LOST, node);
    p->life = life;
    p->gid = gid;
    world_push(w, 500 * (uint64_t)WORLD_MS_NS, EVENT_ARCHIVE, node, 0, p);
}

void world_archive_offers(struct world_node *n) {
    struct world *w = n->w;
    struct tc_buf out = {0};
    uint64_t gid = 0;
    while (store_segment_next(n->store, &out, &gid) == TC_OK) {
        if (reachable(w)) {
            struct world_parcel *p = world_parcel_new(PARCEL_ARCHIVE, n->id);
            p->life = n->life;
            p->gid = gid;
            p->bytes = out;
            out = (struct tc_buf){0};
            world_push(w, delay_ns(w), EVENT_OFFER, n->id, 0, p);
        } else {
            lose(w, n->id, n->life, gid);
        }
        tc_buf_clear(&out);
    }
    tc_buf_deinit(&out);
}

/* ---- what it keeps */

static uint64_t chain_at(const struct world_archive *a, uint64_t index) {
    return index == a->base ? a->base_chain : a->entries[index - 1 - a->base].chain;
}

static void keep(struct world_archive *a, const Tercet__Pb__LogEntry *e) {
    if (a->count - a->base == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 256;
        a->entries = realloc(a->entries, a->cap * sizeof *a->entries);
        TC_ASSERT(a->entries != NULL);
    }
    struct world_entry *to = &a->entries[a->count++ - a->base];
    *to = (struct world_entry){
        .ballot = e->ballot, .chain = e->chain, .body_crc = e->body_crc, .type = (uint16_t)e->type};
    tc_buf_append(&to->body, e->body.data, e->body.len);
}

static void take_entry(struct world *w, const Tercet__Pb__SegmentOffer *o, struct world_archive *a,
                       const Tercet__Pb__LogEntry *e) {
    if (tc_crc32c(0, e->body.data, e->body.len) != e->body_crc)
        world_fail(w, "archive: %s offers a damaged entry %lu of group %lu", o->node,
                   (unsigned long)e->index, (unsigned long)o->gid);
    else if (e->index == a->count + 1)
        keep(a, e);
    else if (e->index > a->base && e->index <= a->count && chain_at(a, e->index) != e->chain)
        world_fail(w, "I1: %s committed another entry at %lu of group %lu than the archive has",
                   o->node, (unsigned long)e->index, (unsigned long)o->gid);
}

/* Chain hashes at both ends, for what the archive has of it. */
static void compare(struct world *w, const Tercet__Pb__SegmentOffer *o,
                    const struct world_archive *a) {
    bool differs = o->first <= a->base ||
                   (o->first - 1 <= a->count && chain_at(a, o->first - 1) != o->chain_before) ||
                   (o->last <= a->count && chain_at(a, o->last) != o->chain_after);
    if (differs)
        world_fail(w, "I9: %s has another log of group %lu in [%lu, %lu] than the archive", o->node,
                   (unsigned long)o->gid, (unsigned long)o->first, (unsigned long)o->last);
}

static void post(struct world *w, uint32_t node, const struct world_parcel *offer,
                 const Tercet__Pb__SegmentReply *reply) {
    struct world_parcel *p = world_parcel_new(PARCEL_ARCHIVE, node);
    p->life = offer->life;
    p->gid = offer->gid;
    size_t size = tercet__pb__segment_reply__get_packed_size(reply);
    (void)tercet__pb__segment_reply__pack(reply, tc_buf_extend(&p->bytes, size));
    world_push(w, delay_ns(w), EVENT_ARCHIVE, node, 0, p);
}

static void answer(struct world *w, uint32_t node, const struct world_parcel *offer,
                   const struct world_archive *a) {
    Tercet__Pb__SegmentReply reply = TERCET__PB__SEGMENT_REPLY__INIT;
    Tercet__Pb__SegmentRange range = TERCET__PB__SEGMENT_RANGE__INIT, *ranges[1] = {&range};
    reply.archived = a->count;
    reply.archived_chain = chain_at(a, a->count);
    if (a->count > a->base && tc_prng_chance(&w->prng, 1, 3)) {
        uint64_t first = a->count - a->base > 50 ? a->count - 50 : a->base + 1;
        range.first = tc_prng_between(&w->prng, first, a->count);
        range.last = tc_prng_between(&w->prng, range.first, a->count);
        reply.verify = ranges;
        reply.n_verify = 1;
    }
    post(w, node, offer, &reply);
}

/* ---- entries that a replica asks for */

enum {
    PAGE_MAX = 40,
};

/* Until all is calm some pages are wrong, each in its own way: nobody may take them. */
static void spoil(struct world *w, Tercet__Pb__LogEntry *e, uint64_t count) {
    Tercet__Pb__LogEntry *bad = &e[tc_prng_below(&w->prng, count)];
    switch (tc_prng_below(&w->prng, 4)) {
    case 0:
        bad->chain ^= 1; /* of another history */
        break;
    case 1:
        bad->body_crc++;
        break;
    case 2:
        bad->index++;
        break;
    default:
        bad->ballot += 1000;
    }
}

static void give_back(struct world *w, uint32_t node, const struct world_parcel *offer,
                      const Tercet__Pb__SegmentOffer *o, const struct world_archive *a) {
    Tercet__Pb__SegmentReply reply = TERCET__PB__SEGMENT_REPLY__INIT;
    Tercet__Pb__LogEntry page[PAGE_MAX], *pointers[PAGE_MAX];
    uint64_t most = tc_prng_between(&w->prng, 1, PAGE_MAX);
    char none[] = "nothing is archived there";
    for (uint64_t i = o->read_first;
         reply.n_entries < most && i > a->base && i <= a->count && i <= o->read_last; i++) {
        const struct world_entry *e = &a->entries[i - 1 - a->base];
        Tercet__Pb__LogEntry *to = &page[reply.n_entries];
        tercet__pb__log_entry__init(to);
        to->index = i;
        to->ballot = e->ballot;
        to->chain = e->chain;
        to->type = e->type;
        to->body_crc = e->body_crc;
        to->body_len = (uint32_t)e->body.len;
        to->body = (ProtobufCBinaryData){.len = e->body.len, .data = e->body.data};
        pointers[reply.n_entries++] = to;
    }
    reply.entries = pointers;
    if (reply.n_entries == 0)
        reply.problem = none;
    else if (!w->calm && tc_prng_chance(&w->prng, 1, 8))
        spoil(w, page, reply.n_entries);
    world_trace(w, "archive  group %lu gives %lu entries back from %lu on to %u",
                (unsigned long)o->gid, (unsigned long)reply.n_entries, (unsigned long)o->read_first,
                node);
    post(w, node, offer, &reply);
}

/* The parent's log has this place, as far as the archive has it. */
static bool continues(const struct world_archive *parent, uint64_t index, uint64_t chain) {
    return index < parent->base || index > parent->count || chain_at(parent, index) == chain;
}

/* A child begins where its parents were sealed, in the very logs that the archive has of them. */
static void begin_child(struct world *w, uint32_t group, const Tercet__Pb__SegmentOffer *o) {
    struct world_archive *a = &w->archives[group];
    const struct world_group *g = &w->groups[group];
    bool merged = g->right != 0;
    if (g->parent == group || o->parent_gid != w->groups[g->parent].gid ||
        o->right_gid != (merged ? w->groups[g->right].gid : 0))
        world_fail(w, "archive: group %lu names groups %lu and %lu as its parents",
                   (unsigned long)o->gid, (unsigned long)o->parent_gid,
                   (unsigned long)o->right_gid);
    else if (a->base != 0 && (a->base != o->base_index || a->base_chain != o->base_chain))
        world_fail(w, "archive: group %lu begins elsewhere than before", (unsigned long)o->gid);
    else if (!continues(&w->archives[g->parent], merged ? o->parent_index : o->base_index,
                        o->parent_chain) ||
             (merged && !continues(&w->archives[g->right], o->right_index, o->right_chain)))
        world_fail(w, "I9: group %lu does not continue its parents' logs", (unsigned long)o->gid);
    if (a->base != 0 || w->failed)
        return;
    a->base = a->count = o->base_index;
    a->base_chain = o->base_chain;
}

void world_archive_take(struct world *w, uint32_t node, struct world_parcel *offer) {
    struct world_archive *a = &w->archives[world_group_of(w, offer->gid)];
    Tercet__Pb__SegmentOffer *o =
        tercet__pb__segment_offer__unpack(NULL, offer->bytes.len, offer->bytes.data);
    TC_ASSERT(o != NULL && o->gid == offer->gid);
    if (o->parent_gid)
        begin_child(w, world_group_of(w, offer->gid), o);
    uint64_t before = a->count;
    for (size_t i = 0; i < o->n_entries; i++)
        take_entry(w, o, a, o->entries[i]);
    if (o->first > 0)
        compare(w, o, a);
    if (a->count > before)
        world_trace(w, "archive  group %lu [%lu, %lu] from %u", (unsigned long)o->gid,
                    (unsigned long)before + 1, (unsigned long)a->count, node);
    if (reachable(w) && o->read_first != 0)
        give_back(w, node, offer, o, a);
    else if (reachable(w))
        answer(w, node, offer, a);
    else
        lose(w, node, offer->life, offer->gid); /* stored, and the answer never arrives */
    tercet__pb__segment_offer__free_unpacked(o, NULL);
    world_parcel_free(offer);
}

void world_archive_deinit(struct world_archive *a) {
    for (uint64_t i = 0; i < a->count - a->base; i++)
        tc_buf_deinit(&a->entries[i].body);
    free(a->entries);
    *a = (struct world_archive){0};
}
