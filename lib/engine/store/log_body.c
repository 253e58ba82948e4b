/* Bodies of entries that paxos does not hold in memory, and what follows when one is unreadable. */
#include "base/probe.h"
#include "engine/store/due.h"
#include "engine/store/group.h"
#include "engine/store/log.h"
#include "engine/store/replica.h"

#include <inttypes.h>
#include <stdio.h>

static tc_err read_body(const struct replica *r, const struct paxos_entry *e,
                        struct tc_blob **ret_body) {
    struct tc_blob *body = NULL;
    TC_TRY(wal_read(r->store->wal, r->gid, e->index, &body));
    if (body->len != e->body_len) {
        tc_blob_unref(body);
        return TC_ECORRUPT;
    }
    *ret_body = body;
    return TC_OK;
}

static void note_unreadable(struct replica *r, const struct paxos_entry *e, tc_err err) {
    r->hand_over = true; /* another replica can read what this one cannot */
    if (err == TC_ECORRUPT && !(e->flags & PAXOS_FAULTY))
        r->unread_index = e->index;
    store__due_touch(r, store__now_ns(r->store));
}

tc_err store__log_body(struct replica *r, const struct paxos_entry *e, struct tc_blob **ret_body) {
    if (e->body) {
        *ret_body = tc_blob_ref(e->body);
        return TC_OK;
    }
    if (e->body_len == 0) {
        *ret_body = tc_blob_new(0);
        return TC_OK;
    }
    tc_err err = read_body(r, e, ret_body);
    if (err != TC_OK)
        note_unreadable(r, e, err);
    return err;
}

void store__log_unread(struct replica *r) {
    uint64_t index = r->unread_index;
    if (index == 0)
        return;
    TC_PROBE("store: log rot found while running");
    r->unread_index = 0;
    r->store->counters.log_rot++;
    char text[96];
    (void)snprintf(text, sizeof text, "log entry %" PRIu64 " is unreadable; peers are asked for it",
                   index);
    store__replica_notice(r, text, /* bad= */ NULL);
    struct paxos_event ev = {.type = PAXOS_EV_FAULTY, .index = index};
    (void)store__group_step(r, &ev);
}

void store__log_find_unread(struct replica *r) {
    struct wal_group g;
    struct wal_entry e;
    if (r->paxos == NULL || !wal_group(r->store->wal, r->gid, &g) || g.faulty_count == 0)
        return;
    for (uint64_t i = g.first_idx; i <= g.last_idx; i++) {
        const struct paxos_entry *known = paxos_entry_at(r->paxos, i);
        if (known && !(known->flags & PAXOS_FAULTY) && wal_entry(r->store->wal, r->gid, i, &e) &&
            e.faulty) {
            r->unread_index = i;
            store__due_touch(r, store__now_ns(r->store));
            return;
        }
    }
}
