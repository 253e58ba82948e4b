#include "engine/store/log.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/reader.h"

#include <stdlib.h>

enum {
    BASE_VERSION = 1,
};

/* ---- records */

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

/* ---- units */

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
