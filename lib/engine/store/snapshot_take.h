/* store__take: one whole copy coming in, as the files that take it see it.
 *
 * snapshot_take.c decides which copy is taken and when it is given up for lack of chunks;
 * snapshot_load.c holds it, and loads its chunks into a new B-tree beside the old one;
 * snapshot_install.c puts the new B-tree in place and lets the log begin where the copy says.
 */
#ifndef TC_ENGINE_STORE_SNAPSHOT_TAKE_H
#define TC_ENGINE_STORE_SNAPSHOT_TAKE_H

#include "engine/store/store_private.h"
#include "env/fs.h"

struct snapshot_take {
    uint64_t id;
    uint32_t from;
    uint32_t next_seq;
    enum replica_state was; /* goes on being that if this copy fails */
    bool full;              /* the last chunk is in; the swap waits for other jobs of the replica */
    bool failed;
    uint32_t jobs_out; /* chunks at the worker, taken in order */
    tc_err worker_err; /* the worker's own: after a failure the rest is skipped */
    struct btree_load *load;
    struct store_aux aux; /* of what is loaded */
    bool global;          /* the group is one of a global index */
    struct paxos_mark at;
    struct paxos_mark base;
    struct quorum_config config;
    uint64_t archived;
    Tercet__Pb__Partition *partition; /* owned; NULL: an older sender's copy */
    uint64_t config_version;
    uint64_t progress_ns;
};

/* One chunk into the load; for the last one also the swap, in a second run. */
struct take_job {
    struct store_job job;
    struct snapshot_take *take;
    struct tc_fs *fs;
    char path[TC_FS_PATH_MAX];
    struct btree_opts opts;
    uint32_t seq;
    struct tc_buf data;
    bool last;
    uint64_t sums_hash;
    tc_err err;
};

/* ---- snapshot_load.c */

/* Begin with the copy whose first chunk this is.
 *   Errors   TC_ECORRUPT, and those of quorum_decode: nothing was begun */
TC_MUST_USE tc_err store__take_begin(struct replica *r, const Tercet__Pb__SnapshotChunk *first);
void store__take_free(struct replica *r);
/* Give this copy up; the old B-tree, if there is a good one, serves again, and a log replica is one
 * still. */
void store__take_give_up(struct replica *r, const char *why);
/* The next chunk goes to the worker; when it is loaded, its sender hears so. */
void store__take_load(struct replica *r, const Tercet__Pb__SnapshotChunk *c);
/* A job for this copy, which counts as out. */
struct take_job *store__take_job_new(struct replica *r);
void store__take_job_free(struct take_job *t);
/* Tell the sender of a copy what became of a chunk. */
void store__take_answer(struct replica *r, uint32_t to, uint64_t id, uint32_t seq, tc_err err);

/* ---- snapshot_install.c */

/* Swap the B-trees once the copy is whole and no job holds the old one. */
void store__take_swap(struct replica *r);
/* The copy brings nothing that is not here, but this log ends below where the sender's begins by
 * now (what lay between came by a copy too, and was trimmed there before it came as entries), or
 * cannot be read there. */
bool store__take_lacks_log(const struct replica *r, const Tercet__Pb__SnapshotChunk *c);
/* Then the B-tree stays, and the log begins where the sender's does. */
void store__take_base(struct replica *r, const Tercet__Pb__SnapshotChunk *c);

#endif
