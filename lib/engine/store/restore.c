#include "engine/store/restore.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "engine/store/due.h"
#include "engine/store/group.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- asking */

/* Why it does not go on, and not again at once. */
static void wait_for(struct replica *r, const char *why) {
    (void)snprintf(r->archive.problem, sizeof r->archive.problem,
                   "entries %" PRIu64 " to %" PRIu64 " must come from the archive: %s",
                   r->status.commit + 1, r->archive.restore_index, why);
    r->archive.restore_ns = store__now_ns(r->store) + (uint64_t)RESTORE_PAUSE_MS * STORE_MS_NS;
}

void store__restore_wanted(struct replica *r, uint64_t index) {
    if (r->archive.restore_index == index || TC_MUTANT(67))
        return; /* it goes on */
    TC_PROBE("store: archived entries are wanted");
    r->archive.restore_index = index;
    r->archive.restore_from = r->status.commit + 1;
    r->archive.refused_count = 0;
    r->archive.restore_ns = 0;
    r->archive.next_ns = 0;
    if (!r->store->options.archive_required)
        wait_for(r, "this node keeps none");
}

/* Somebody leads, or all of it came: the core takes no more. */
static bool is_over(struct replica *r) {
    bool over = r->status.leader != 0 || r->status.commit >= r->archive.restore_index;
    if (over && r->archive.restore_index != 0) {
        r->archive.restore_index = 0;
        r->archive.problem[0] = 0;
    }
    return over;
}

bool store__restore_offer(struct replica *r, uint64_t now_ns, Tercet__Pb__SegmentOffer *offer) {
    if (r->archive.restore_index == 0 || is_over(r) || now_ns < r->archive.restore_ns)
        return false;
    if (!store__log_has_room(r->store)) {
        wait_for(r, "the log has no room for them");
        return false;
    }
    offer->read_first = r->archive.restore_from;
    offer->read_last = r->archive.restore_index;
    r->archive.reading = true;
    return true;
}

/* ---- what comes */

static bool is_sound(const Tercet__Pb__LogEntry *e) {
    return e->type >= 1 && e->type <= PAXOS_ENTRY_TYPE_MAX && e->body_len == e->body.len &&
           e->body.len <= PAXOS_BODY_BYTES_MAX &&
           tc_crc32c(0, e->body.data, e->body.len) == e->body_crc;
}

tc_err store__restore_check(const Tercet__Pb__SegmentReply *reply, uint64_t first, uint64_t last) {
    if (reply->n_entries == 0 || reply->n_entries > RESTORE_ENTRIES_MAX)
        return TC_ECORRUPT;
    for (size_t i = 0; i < reply->n_entries; i++) {
        const Tercet__Pb__LogEntry *e = reply->entries[i];
        if (e->index != first + i || e->index > last || !is_sound(e))
            return TC_ECORRUPT;
    }
    return TC_OK;
}

static tc_err give(struct replica *r, const Tercet__Pb__SegmentReply *reply) {
    struct paxos_entry *entries = calloc(reply->n_entries, sizeof *entries);
    TC_ASSERT(entries != NULL);
    for (size_t i = 0; i < reply->n_entries; i++) {
        const Tercet__Pb__LogEntry *e = reply->entries[i];
        entries[i] = (struct paxos_entry){.index = e->index,
                                          .ballot = e->ballot,
                                          .chain = e->chain,
                                          .body_crc = e->body_crc,
                                          .body_len = e->body_len,
                                          .type = (uint16_t)e->type};
        if (e->body_len > 0)
            entries[i].body = tc_blob_dup(proto_slice(e->body));
    }
    struct paxos_event ev = {.type = PAXOS_EV_RESTORED,
                             .restored = {.entries = entries, .count = reply->n_entries}};
    tc_err err = store__group_step(r, &ev);
    for (size_t i = 0; i < reply->n_entries; i++)
        tc_blob_unref(entries[i].body);
    free(entries);
    return err;
}

static void take_page(struct replica *r, const Tercet__Pb__SegmentReply *reply) {
    uint64_t first = r->archive.restore_from, last = r->archive.restore_index;
    if (store__restore_check(reply, first, last) != TC_OK) {
        TC_PROBE("store: a damaged page of the archive was dropped");
        wait_for(r, "what it gives is damaged");
    } else if (give(r, reply) != TC_OK) {
        TC_PROBE("store: a page of the archive did not continue the log");
        if (++r->archive.refused_count % RESTORE_REFUSED_MAX == 0)
            r->archive.restore_from = r->status.commit + 1;
        wait_for(r, "what it gives does not continue this group's log");
    } else {
        TC_PROBE("store: a page of the archive was taken");
        r->store->counters.restored += reply->n_entries;
        r->archive.restore_from = first + reply->n_entries;
        r->archive.refused_count = 0;
        r->archive.next_ns = 0; /* the next one at once */
        store__due_touch(r, store__now_ns(r->store));
        (void)is_over(r);
    }
}

void store__restore_answered(struct replica *r, const Tercet__Pb__SegmentReply *reply) {
    r->archive.reading = false;
    if (is_over(r))
        return;
    if (reply == NULL)
        wait_for(r, "the archiver does not answer");
    else if (reply->n_entries == 0 && reply->problem[0])
        wait_for(r, reply->problem);
    else if (reply->n_entries == 0)
        wait_for(r, "the archiver gives no entries back (an older version?)");
    else
        take_page(r, reply);
}
