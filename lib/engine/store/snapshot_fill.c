/* A copy going out: chunks of its pinned checkpoint are read at the worker and sent in order. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "engine/store/members.h"
#include "engine/store/snapshot.h"
#include "engine/store/snapshot_send.h"

#include <stdlib.h>

enum {
    CHUNK_FILL_BYTES = 192 * 1024, /* then the chunk is closed; one item may carry it further */
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

static void fill_done(struct store *s, struct store_job *j) {
    struct fill_job *f = TC_CONTAINER(j, struct fill_job, job);
    struct snapshot_send *send = f->send;
    (void)s;
    send->filling = false;
    if (send->dropped) {
        store__sending_free(send);
    } else if (j->cancelled || f->err != TC_OK) {
        TC_TRACE(&s->env.trace, "snapshot to %u cannot be read: %s -> given up", send->to,
                 tc_err_name(f->err));
        store__sending_drop(send);
    } else {
        post_chunk(send, f);
        send->ended = f->ended;
        store__sending_fill(send);
    }
    tc_buf_deinit(&f->data);
    free(f);
}

void store__sending_fill(struct snapshot_send *send) {
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
