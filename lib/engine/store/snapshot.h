/* store__snapshot: whole copies of a replica, from a pinned checkpoint to another store.
 *
 * The sender pins its durable checkpoint and sends it in chunks of sorted items, a few ahead of the
 * receiver's acks; the receiver builds a new B-tree beside its old one and swaps it in whole. The
 * log follows by ordinary ACCEPTs from a base below the checkpoint, so that the receiver also has
 * the entries that the archive lacks and the request ids that may still be repeated. A replica
 * whose B-tree is damaged asks its leader for a copy; its log and promises stay. A log replica that
 * takes a copy keeps its log too, and becomes a storage replica. One store takes a bounded number
 * of copies at a time; a sender that is refused comes again.
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
/* Where the log of a receiver is to begin: as low as the archive and repeated requests may need it,
 * at most at index, as high as this log still reaches. */
struct paxos_mark store__snapshot_base(const struct replica *r, uint64_t index);
bool store__snapshot_sends_to(const struct replica *r, uint32_t to);
/* Copies to members on this store. */
uint32_t store__snapshot_sends_into(const struct replica *r, struct tc_slice store_uuid);
/* Items sent to a member, of how many; false: no copy to it runs. */
bool store__snapshot_progress(const struct replica *r, uint32_t to, uint64_t *ret_done,
                              uint64_t *ret_total);
/* Lowest log index that a running copy still needs: its receiver is sent the log from there, or
 * goes on from there itself; UINT64_MAX: none. */
uint64_t store__snapshot_log_floor(const struct replica *r);
/* Timeouts, and the request of a damaged replica. */
void store__snapshot_tick(struct replica *r, uint64_t now_ns);
void store__snapshot_sends_tick(struct replica *r, uint64_t now_ns);
void store__snapshot_take_tick(struct replica *r, uint64_t now_ns);
/* Where a copy that comes in goes on; UINT64_MAX: none does. */
uint64_t store__snapshot_take_floor(const struct replica *r);
/* A data chunk arrived. */
void store__snapshot_taken(struct replica *r, const Tercet__Pb__SnapshotChunk *chunk);
/* Free everything; no job may be out. */
void store__snapshot_forget(struct replica *r);
void store__snapshot_sends_drop(struct replica *r);
/* Fill in the ends of a chunk to member to and queue it. */
void store__snapshot_post(struct replica *r, uint32_t to, Tercet__Pb__SnapshotChunk *chunk);

#endif
