#include "base/assert.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/probe.h"
#include "engine/store/group.h"
#include "engine/store/heal.h"
#include "engine/store/members.h"
#include "engine/store/snapshot.h"

#include <stdlib.h>

enum {
    CHUNK_FILL_BYTES = 192 * 1024, /* then the chunk is closed; one item may carry it further */
};

struct snapshot_send {
    struct snapshot_send *next;
    struct replica *r;
    uint32_t to;
    uint64_t id;
    struct btree_snapshot *snap;
    struct paxos_mark base;
    struct tc_buf config;
    uint64_t archived;
    uint64_t item_count; /* sent */
    uint64_t item_total;
    uint32_t next_seq;
    uint32_t acked_count;
    bool filling; /* a job reads the next chunk */
    bool ended;   /* the last chunk was sent */
    bool dropped; /* free it when the job comes back */
    uint64_t progress_ns;
};

struct fill_job {
    struct store_job job;
    struct snapshot_send *send;
    struct tc_buf data;
    uint64_t item_count;
    bool ended;
    tc_err err;
};

void store__snapshot_post(struct replica *r, uint32_t to, Tercet__Pb__SnapshotChunk *chunk) {
    const Tercet__Pb__Member *m = store__members_find(r, to);
    if (m == NULL)
        return;
    chunk->gid = r->gid;
    chunk->from = r->rid;
    chunk->to = to;
    chunk->from_store = (ProtobufCBinaryData){.len = STORE_UUID_BYTES, .data = r->store->uuid};
    chunk->to_store = m->store_uuid;
    store__send(r->store, STORE_SEND_CHUNK, m->addr, 0, &chunk->base);
}

/* ---- lists */

static struct snapshot_send *find(const struct replica *r, uint32_t to) {
    struct snapshot_send *send = r->sends;
    while (send && send->to != to)
        send = send->next;
    return send;
}

static void free_send(struct snapshot_send *send) {
    btree_snapshot_unpin(send->r->tree, send->snap);
    tc_buf_deinit(&send->config);
    free(send);
}

/* Take it off the list; freed now, or when its job comes back. */
static void drop(struct snapshot_send *send) {
    struct snapshot_send **at = &send->r->sends;
    while (*at != send)
        at = &(*at)->next;
    *at = send->next;
    send->dropped = true;
    if (!send->filling)
        free_send(send);
}

void store__snapshot_sends_drop(struct replica *r) {
    while (r->sends)
        drop(r->sends);
}

uint64_t store__snapshot_log_floor(const struct replica *r) {
    uint64_t floor = store__snapshot_take_floor(r);
    for (const struct snapshot_send *send = r->sends; send; send = send->next)
        if (send->base.index < floor)
            floor = send->base.index;
    return floor;
}

/* ---- filling and sending chunks */

static void append_lenbytes(struct tc_buf *out, struct tc_slice s) {
    tc_buf_append_varint(out, s.len);
    tc_buf_append_slice(out, s);
}

static void fill_run(struct store_job *j) {
    struct fill_job *f = TC_CONTAINER(j, struct fill_job, job);
    while (f->err == TC_OK && f->data.len < CHUNK_FILL_BYTES) {
        struct tc_slice key, value;
        f->err = btree_snapshot_next(f->send->snap, &key, &value);
        if (f->err != TC_OK)
            break;
        append_lenbytes(&f->data, key);
        append_lenbytes(&f->data, value);
        f->item_count++;
    }
    f->ended = f->err == TC_EEND;
    if (f->ended)
        f->err = TC_OK;
}

static void post_chunk(struct snapshot_send *send, const struct fill_job *f) {
    struct btree_stamp stamp = btree_snapshot_stamp(send->snap);
    Tercet__Pb__SnapshotChunk chunk = TERCET__PB__SNAPSHOT_CHUNK__INIT;
    chunk.snapshot_id = send->id;
    chunk.seq = send->next_seq++;
    chunk.data = (ProtobufCBinaryData){.len = f->data.len, .data = f->data.data};
    chunk.last = f->ended;
    chunk.index = stamp.index;
    chunk.ballot = stamp.ballot;
    chunk.chain = stamp.chain;
    chunk.config = (ProtobufCBinaryData){.len = send->config.len, .data = send->config.data};
    chunk.crc = tc_crc32c(0, f->data.data, f->data.len);
    chunk.base_index = send->base.index;
    chunk.base_ballot = send->base.ballot;
    chunk.base_chain = send->base.chain;
    chunk.archived = send->archived;
    if (chunk.seq == 0) {
        chunk.partition = send->r->desc->partition;
        chunk.config_version = store__members_version(send->r);
    }
    send->item_count += f->item_count;
    send->r->store->counters.copy_bytes_out += f->data.len;
    if (f->ended) {
        const struct btree_sums *sums = btree_snapshot_sums(send->snap);
        chunk.sums_hash = tc_hash64(tc_slice(sums, sizeof *sums), 0);
    }
    store__snapshot_post(send->r, send->to, &chunk);
}

static void fill_next(struct snapshot_send *send);

static void fill_done(struct store *s, struct store_job *j) {
    struct fill_job *f = TC_CONTAINER(j, struct fill_job, job);
    struct snapshot_send *send = f->send;
    (void)s;
    send->filling = false;
    if (send->dropped) {
        free_send(send);
    } else if (j->cancelled || f->err != TC_OK) {
        TC_TRACE(&s->env.trace, "snapshot to %u cannot be read: %s -> given up", send->to,
                 tc_err_name(f->err));
        drop(send);
    } else {
        post_chunk(send, f);
        send->ended = f->ended;
        fill_next(send);
    }
    tc_buf_deinit(&f->data);
    free(f);
}

static void fill_next(struct snapshot_send *send) {
    if (send->filling || send->ended ||
        send->next_seq - send->acked_count >= STORE_SEND_WINDOW_COUNT)
        return;
    struct fill_job *f = calloc(1, sizeof *f);
    TC_ASSERT(f != NULL);
    f->job.run = fill_run;
    f->job.done = fill_done;
    f->send = send;
    send->filling = true;
    store__job_add(send->r->store, send->r, &f->job);
}

void store__snapshot_acked(struct replica *r, const Tercet__Pb__SnapshotChunk *ack) {
    struct snapshot_send *send = find(r, ack->from);
    if (send == NULL || send->id != ack->snapshot_id || ack->seq != send->acked_count ||
        ack->seq >= send->next_seq)
        return;
    if (ack->err != TC_OK) {
        drop(send);
        if (ack->err != TC_EEXISTS) /* the receiver had all of it but where its log begins */
            store__heal_copy_refused(r);
        return;
    }
    send->acked_count++;
    send->progress_ns = store__now_ns(r->store);
    if (send->ended && send->acked_count == send->next_seq) {
        r->store->counters.snapshots_sent++;
        drop(send);
        return;
    }
    fill_next(send);
}

/* ---- start */

struct paxos_mark store__snapshot_base(const struct replica *r, uint64_t index) {
    uint64_t at = index;
    uint64_t oldest = store_dedup_oldest_index(&r->dedup);
    if (at > r->status.archived)
        at = r->status.archived;
    if (oldest <= at)
        at = oldest - 1;
    const struct paxos_entry *e = at > r->status.base.index ? paxos_entry_at(r->paxos, at) : NULL;
    return e ? (struct paxos_mark){e->index, e->ballot, e->chain} : r->status.base;
}

static void start(struct replica *r, uint32_t to) {
    struct btree_snapshot *snap = NULL;
    if (btree_snapshot_pin(r->tree, &snap) != TC_OK)
        return;
    struct btree_stamp stamp = btree_snapshot_stamp(snap);
    struct snapshot_send *send = calloc(1, sizeof *send);
    TC_ASSERT(send != NULL);
    send->r = r;
    send->to = to;
    send->id = r->store->env.random(r->store->env.user) | 1;
    send->snap = snap;
    send->base = store__snapshot_base(r, stamp.index);
    send->item_total = btree_stats(r->tree).item_count;
    const struct quorum_config *config = paxos_config_at(r->paxos, send->base.index);
    TC_ASSERT(config != NULL);
    quorum_encode(config, &send->config);
    send->archived = r->status.archived;
    send->progress_ns = store__now_ns(r->store);
    send->next = r->sends;
    r->sends = send;
    TC_TRACE(&r->store->env.trace, "replica %u is too far behind -> snapshot", to);
    fill_next(send);
}

/* The receiver's log begins above what the copy under way would bring: it takes none of it. Were
 * that copy left to its patience, the next one would be the same again, for the receiver's wish
 * would always find one under way. */
static void drop_useless(struct replica *r, uint32_t to, uint64_t index) {
    struct snapshot_send *send = find(r, to);
    if (send == NULL || btree_snapshot_stamp(send->snap).index >= index)
        return;
    TC_PROBE("store: a copy from an older checkpoint is of no use to its receiver");
    drop(send);
}

void store__snapshot_send_from(struct replica *r, uint32_t to, uint64_t index) {
    size_t count = 0;
    drop_useless(r, to, index);
    for (const struct snapshot_send *send = r->sends; send; send = send->next)
        count++;
    if (r->state != REPLICA_OK || count >= SNAPSHOT_SENDS_MAX || find(r, to) ||
        store__members_find(r, to) == NULL)
        return;
    uint64_t floor = index > r->status.base.index ? index : r->status.base.index;
    if (r->checkpoint.durable == 0 || r->checkpoint.durable < floor)
        r->checkpoint.wanted = true; /* asked again soon, by paxos or by the receiver */
    else
        start(r, to);
}

bool store__snapshot_sends_to(const struct replica *r, uint32_t to) {
    return find(r, to) != NULL;
}

uint32_t store__snapshot_sends_into(const struct replica *r, struct tc_slice store_uuid) {
    uint32_t count = 0;
    for (const struct snapshot_send *send = r->sends; send; send = send->next) {
        const Tercet__Pb__Member *m = store__members_find(r, send->to);
        count += m && tc_slice_eq(proto_slice(m->store_uuid), store_uuid);
    }
    return count;
}

bool store__snapshot_progress(const struct replica *r, uint32_t to, uint64_t *ret_done,
                              uint64_t *ret_total) {
    const struct snapshot_send *send = find(r, to);
    if (send == NULL)
        return false;
    *ret_done = send->item_count;
    *ret_total = send->item_total > send->item_count ? send->item_total : send->item_count;
    return true;
}

void store__snapshot_send(struct replica *r, uint32_t to) {
    store__snapshot_send_from(r, to, 0);
}

void store__snapshot_sends_tick(struct replica *r, uint64_t now_ns) {
    for (struct snapshot_send *send = r->sends, *next; send; send = next) {
        next = send->next;
        if (now_ns > send->progress_ns + (uint64_t)SNAPSHOT_PATIENCE_MS * STORE_MS_NS)
            drop(send);
    }
}
