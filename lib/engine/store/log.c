#include "engine/store/log.h"

#include "engine/store/due.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/probe.h"
#include "base/reader.h"
#include "engine/store/apply.h"
#include "engine/store/group.h"
#include "engine/store/members.h"
#include "engine/store/replica.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BASE_VERSION = 1,
};

/* Everything here is urgent: the store refuses requests and messages long before the log is full,
 * so what paxos already decided always finds room. */
static uint64_t append(struct replica *r, const struct wal_record *rec, struct tc_blob *body) {
    struct store *s = r->store;
    uint64_t lsn = s->durable_lsn;
    tc_err err = wal_append(s->wal, rec, body, /* urgent= */ true, &lsn);
    if (err != TC_OK) {
        store__fail(s, "the log refused a record");
        return UINT64_MAX; /* never durable: whatever waits for it is never said */
    }
    return lsn;
}

static uint64_t append_entry(struct replica *r, const struct paxos_entry *e, uint16_t flags) {
    TC_ASSERT(e->body != NULL || e->body_len == 0);
    TC_ASSERT(e->type >= 1 && e->type <= PAXOS_ENTRY_TYPE_MAX);
    struct wal_record rec = {.gid = r->gid,
                             .idx = e->index,
                             .ballot = e->ballot,
                             .chain = e->chain,
                             .body_crc = e->body_crc,
                             .type = e->type,
                             .flags = flags};
    return append(r, &rec, e->body);
}

static uint64_t append_state(struct replica *r, enum wal_type type, struct tc_slice bytes) {
    struct tc_blob *body = tc_blob_dup(bytes);
    struct wal_record rec = {
        .gid = r->gid, .body_crc = tc_crc32c(0, bytes.data, bytes.len), .type = (uint16_t)type};
    uint64_t lsn = append(r, &rec, body);
    tc_blob_unref(body);
    return lsn;
}

static uint64_t append_hardstate(struct replica *r, uint64_t promised) {
    struct tc_buf b = {0};
    tc_buf_append_u64(&b, promised);
    uint64_t lsn = append_state(r, WAL_HARDSTATE, tc_buf_slice(&b));
    tc_buf_deinit(&b);
    return lsn;
}

static void unit_push(struct replica *r, struct store_unit unit) {
    if (r->unit_count == r->unit_cap) {
        r->unit_cap = r->unit_cap ? 2 * r->unit_cap : 16;
        r->units = realloc(r->units, r->unit_cap * sizeof *r->units);
        TC_ASSERT(r->units != NULL);
    }
    r->units[r->unit_count++] = unit;
}

void store__log_unit(struct replica *r, const struct paxos_out *out) {
    if (out->seq == 0)
        return;
    uint64_t lsn = 0;
    for (size_t i = 0; i < out->append_count; i++)
        lsn = append_entry(r, &out->appends[i], 0);
    for (size_t i = 0; i < out->repair_count; i++)
        lsn = append_entry(r, &out->repairs[i], WAL_IN_PLACE);
    if (out->hardstate)
        lsn = append_hardstate(r, out->promised);
    TC_ASSERT(lsn > 0);
    unit_push(r, (struct store_unit){.seq = out->seq, .lsn = lsn});
}

uint64_t store__log_durable_seq(struct replica *r) {
    size_t covered = 0;
    while (covered < r->unit_count && r->units[covered].lsn <= r->store->durable_lsn)
        covered++;
    if (covered == 0)
        return 0;
    r->durable_seq = r->units[covered - 1].seq;
    r->unit_count -= covered;
    memmove(r->units, r->units + covered, r->unit_count * sizeof *r->units);
    return r->durable_seq;
}

/* ---- messages */

/* The lsn that covers every unit up to seq; 0 when all of them are durable. */
static uint64_t lsn_of(const struct replica *r, uint64_t seq) {
    for (size_t i = r->unit_count; i > 0; i--)
        if (r->units[i - 1].seq <= seq)
            return r->units[i - 1].lsn;
    return 0;
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
    struct tc_blob *body = NULL;
    tc_err err = wal_read(r->store->wal, r->gid, e->index, &body);
    if (err == TC_OK && body->len != e->body_len) {
        tc_blob_unref(body);
        err = TC_ECORRUPT;
    }
    if (err == TC_OK)
        *ret_body = body;
    else
        r->hand_over = true; /* another replica can read what this one cannot */
    if (err == TC_ECORRUPT && !(e->flags & PAXOS_FAULTY))
        r->unread_index = e->index;
    if (err != TC_OK)
        store__due_touch(r, store__now_ns(r->store));
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

/* Copy the entries of a message with their bodies; false if one cannot be read here. */
static bool load_entries(struct replica *r, const struct paxos_msg *msg, struct paxos_entry *to) {
    for (size_t i = 0; i < msg->entry_count; i++) {
        to[i] = msg->entries[i];
        if (to[i].flags & PAXOS_FAULTY) {
            to[i].body = NULL;
            continue;
        }
        if (store__log_body(r, &msg->entries[i], &to[i].body) == TC_OK)
            continue;
        while (i-- > 0)
            tc_blob_unref(to[i].body);
        return false;
    }
    return true;
}

/* Where members change, a receiver may lag behind the change that made this one a member, and must
 * know where to answer. Entries and their acknowledgements go to who answered before. */
static bool introduces(const struct replica *r, const struct paxos_msg *msg) {
    bool busy = msg->type == PAXOS_ACCEPTED || msg->entry_count > 0;
    return !busy && paxos_config(r->paxos)->version > 1;
}

static void send(struct replica *r, const struct paxos_send *out, const Tercet__Pb__Member *to) {
    struct store *s = r->store;
    struct paxos_msg msg = out->msg;
    TC_ASSERT(msg.entry_count <= PAXOS_MSG_ENTRIES_MAX);
    if (!load_entries(r, &out->msg, s->wire_entries))
        return; /* paxos sends again; a damaged entry is repaired from elsewhere meanwhile */
    msg.entries = s->wire_entries;
    Tercet__Pb__Member self;
    struct store_wire_ends ends = {
        .gid = r->gid, .from_store = s->uuid, .to_store = to->store_uuid.data};
    if (introduces(r, &msg)) {
        store__members_self(r, &self);
        ends.sender = &self;
    }
    store__wire_out_init(s->wire_out, &ends, &msg);
    store__send(s, STORE_SEND, to->addr, lsn_of(r, out->after_seq), &s->wire_out->pb.base);
    store__wire_out_deinit(s->wire_out);
    for (size_t i = 0; i < msg.entry_count; i++)
        tc_blob_unref(s->wire_entries[i].body);
}

void store__log_sends(struct replica *r, const struct paxos_out *out) {
    for (size_t i = 0; i < out->send_count; i++) {
        const Tercet__Pb__Member *to = store__members_find(r, out->sends[i].msg.to);
        if (to && to->store_uuid.len == STORE_UUID_BYTES)
            send(r, &out->sends[i], to);
    }
}

/* ---- the log's base */

uint64_t store__log_base_append(struct replica *r, const struct store_base *base) {
    struct tc_buf b = {0};
    tc_buf_append_u8(&b, BASE_VERSION);
    tc_buf_append_u64(&b, base->mark.index);
    tc_buf_append_u64(&b, base->mark.ballot);
    tc_buf_append_u64(&b, base->mark.chain);
    tc_buf_append_u64(&b, base->cut_lsn);
    quorum_encode(&base->config, &b);
    uint64_t lsn = append_state(r, WAL_BASE, tc_buf_slice(&b));
    tc_buf_deinit(&b);
    return lsn;
}

tc_err store__log_base_decode(struct tc_slice body, struct store_base *ret_base) {
    struct tc_reader r = tc_reader(body);
    uint8_t version = tc_reader_u8(&r);
    struct store_base base = {0};
    base.mark.index = tc_reader_u64(&r);
    base.mark.ballot = tc_reader_u64(&r);
    base.mark.chain = tc_reader_u64(&r);
    base.cut_lsn = tc_reader_u64(&r);
    if (!tc_reader_ok(&r) || version != BASE_VERSION)
        return TC_ECORRUPT;
    TC_TRY(quorum_decode(r.rest, &base.config));
    *ret_base = base;
    return TC_OK;
}

void store__log_base(struct replica *r) {
    struct store_base base = {.mark = r->status.base};
    const struct quorum_config *config = paxos_config_at(r->paxos, base.mark.index);
    TC_ASSERT(config != NULL);
    base.config = *config;
    r->trim.index = base.mark.index;
    r->trim.lsn = store__log_base_append(r, &base);
}

void store__log_restart(struct replica *r, const struct paxos_mark *mark,
                        const struct quorum_config *config) {
    struct store *s = r->store;
    struct store_base base = {.mark = *mark, .config = *config, .cut_lsn = wal_last_lsn(s->wal)};
    (void)store__log_base_append(r, &base);
    struct wal_group g;
    if (wal_group(s->wal, r->gid, &g) && g.last_idx > 0)
        wal_trim(s->wal, r->gid, g.last_idx);
    r->trim.index = 0;
}

void store__log_trimmed(struct replica *r) {
    if (r->trim.index == 0 || r->trim.lsn > r->store->durable_lsn)
        return;
    wal_trim(r->store->wal, r->gid, r->trim.index);
    r->trim.index = 0;
}
