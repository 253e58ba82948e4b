/* store__sending: one whole copy going out, as the files that send it see it.
 *
 * snapshot_send.c decides which copies run and when one ends; snapshot_fill.c reads their chunks at
 * the worker and sends them, a few ahead of the receiver's acknowledgements.
 */
#ifndef TC_ENGINE_STORE_SNAPSHOT_SEND_H
#define TC_ENGINE_STORE_SNAPSHOT_SEND_H

#include "engine/store/store_private.h"

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

/* ---- snapshot_send.c */

/* Take it off the list; freed now, or when its job comes back. */
void store__sending_drop(struct snapshot_send *send);
void store__sending_free(struct snapshot_send *send);

/* ---- snapshot_fill.c */

/* Read and send the next chunk, if the window has room for one. */
void store__sending_fill(struct snapshot_send *send);

#endif
