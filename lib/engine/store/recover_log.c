#include "engine/store/recover_log.h"

#include "base/assert.h"
#include "engine/store/replica.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Requests are repeated for at most 10 s; twice that covers clocks of successive leaders apart. */
#define DEDUP_LOOKBACK_NS 20000000000u

/* ---- entries */

static tc_err read_entry(const struct replica *r, uint64_t idx, struct paxos_entry *ret) {
    struct wal_entry e;
    tc_err err = TC_OK;
    if (!wal_entry(r->store->wal, r->gid, idx, &e))
        return TC_ECORRUPT;
    *ret = (struct paxos_entry){.index = idx,
                                .ballot = e.ballot,
                                .chain = e.chain,
                                .body_crc = e.body_crc,
                                .body_len = e.body_len,
                                .type = e.type,
                                .flags = e.faulty ? PAXOS_FAULTY : 0};
    if (e.type == PAXOS_CONF && !e.faulty && e.body_len > 0)
        err = wal_read(r->store->wal, r->gid, idx, &ret->body);
    if (err == TC_ECORRUPT) /* it rotted since the log was scanned */
        ret->flags = PAXOS_FAULTY;
    return err == TC_ECORRUPT ? TC_OK : err;
}

void store__recover_entries_free(struct paxos_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        tc_blob_unref(entries[i].body);
    free(entries);
}

static void notice_faulty(const struct replica *r, const struct paxos_entry *entries,
                          size_t count) {
    uint64_t first = 0, faulty = 0;
    for (size_t i = 0; i < count; i++) {
        bool bad = entries[i].flags & PAXOS_FAULTY;
        first = bad && faulty == 0 ? entries[i].index : first;
        faulty += bad;
    }
    char text[128];
    (void)snprintf(text, sizeof text,
                   "%" PRIu64 " log entries are unreadable, the first is %" PRIu64
                   "; peers are asked for them",
                   faulty, first);
    if (faulty)
        store__replica_notice(r, text, /* bad= */ NULL);
}

tc_err store__recover_entries(const struct replica *r, uint64_t base,
                              struct paxos_entry **ret_entries, size_t *ret_count) {
    struct wal_group g;
    *ret_entries = NULL;
    *ret_count = 0;
    if (!wal_group(r->store->wal, r->gid, &g) || g.last_idx <= base)
        return TC_OK;
    size_t count = (size_t)(g.last_idx - base);
    if (count > PAXOS_LOG_COUNT_MAX)
        return TC_ECORRUPT;
    struct paxos_entry *entries = calloc(count, sizeof *entries);
    TC_ASSERT(entries != NULL);
    tc_err err = TC_OK;
    for (size_t i = 0; i < count && err == TC_OK; i++)
        err = read_entry(r, base + 1 + i, &entries[i]);
    if (err != TC_OK) {
        store__recover_entries_free(entries, count);
        return err;
    }
    notice_faulty(r, entries, count);
    *ret_entries = entries;
    *ret_count = count;
    return TC_OK;
}

/* ---- request ids */

struct recent_id {
    uint64_t index;
    uint8_t id[ENTRY_REQUEST_ID_BYTES];
};

static bool read_id(const struct replica *r, const struct paxos_entry *e, struct recent_id *ret,
                    uint64_t *ret_hlc_ns) {
    struct tc_blob *body = NULL;
    struct entry_write w;
    if (e->type != PAXOS_WRITE || (e->flags & PAXOS_FAULTY) ||
        wal_read(r->store->wal, r->gid, e->index, &body) != TC_OK)
        return false;
    bool ok = entry_write_decode(tc_blob_slice(body), &w) == TC_OK;
    if (ok) {
        ret->index = e->index;
        memcpy(ret->id, w.request_id, sizeof ret->id);
        *ret_hlc_ns = w.hlc_ns;
    }
    tc_blob_unref(body);
    return ok;
}

/* Newest first until they are too old to be repeated by anyone, then entered oldest first. */
void store__recover_ids(struct replica *r, const struct paxos_entry *entries, size_t count) {
    struct recent_id *recent = calloc(count ? count : 1, sizeof *recent);
    TC_ASSERT(recent != NULL);
    size_t found = 0;
    for (size_t i = count; i > 0; i--) {
        uint64_t hlc_ns = 0;
        if (entries[i - 1].index > r->noted ||
            !read_id(r, &entries[i - 1], &recent[found], &hlc_ns))
            continue;
        if (hlc_ns > r->hlc_ns)
            r->hlc_ns = hlc_ns;
        if (hlc_ns + DEDUP_LOOKBACK_NS < r->hlc_ns)
            break;
        found++;
    }
    while (found-- > 0)
        store_dedup_add(&r->dedup, recent[found].id, recent[found].index, store__now_ns(r->store));
    free(recent);
}
