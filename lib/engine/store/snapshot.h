/* store__snapshot: whole copies of a replica, from a pinned checkpoint to another store.
 *
 * The sender pins its durable checkpoint and sends it in chunks of sorted items, a few ahead of the
 * receiver's acks; the receiver builds a new B-tree beside its old one and swaps it in whole. The
 * log follows by ordinary ACCEPTs from a base below the checkpoint, so that the receiver also has
 * the entries that the archive lacks and the request ids that may still be repeated. A replica
 * whose B-tree is damaged asks its leader for a copy; its log and promises stay.
 *
 * Disk work runs as jobs on the shell's worker, one at a time per copy.
 */
#ifndef TC_ENGINE_STORE_SNAPSHOT_H
#define TC_ENGINE_STORE_SNAPSHOT_H

#include "engine/store/store_private.h"

enum {
    SNAPSHOT_SENDS_MAX = 2,      /* copies of one replica at a time */
    SNAPSHOT_PATIENCE_MS = 4000, /* without progress a copy is given up */
    SNAPSHOT_ASK_MS = 2000,
};

/* Start a copy to a member, unless one is under way. */
void store__snapshot_send(struct replica *r, uint32_t to);
/* ... that reaches at least index: takes a checkpoint first if need be. */
void store__snapshot_send_from(struct replica *r, uint32_t to, uint64_t index);
void store__snapshot_acked(struct replica *r, const Tercet__Pb__SnapshotChunk *ack);
/* Lowest log index that a running copy still needs its receiver to be sent; UINT64_MAX: none. */
uint64_t store__snapshot_log_floor(const struct replica *r);
/* Timeouts, and the request of a damaged replica. */
void store__snapshot_tick(struct replica *r, uint64_t now_ns);
void store__snapshot_sends_tick(struct replica *r, uint64_t now_ns);
void store__snapshot_take_tick(struct replica *r, uint64_t now_ns);
/* A data chunk arrived. */
void store__snapshot_taken(struct replica *r, const Tercet__Pb__SnapshotChunk *chunk);
/* Free everything; no job may be out. */
void store__snapshot_forget(struct replica *r);
void store__snapshot_sends_drop(struct replica *r);
/* Fill in the ends of a chunk to member to and queue it. */
void store__snapshot_post(struct replica *r, uint32_t to, Tercet__Pb__SnapshotChunk *chunk);

#endif
