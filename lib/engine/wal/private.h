/* wal: what its files share. segment.c owns slots, append.c the queue, batch.c the write path,
 * scan.c and recover.c recovery, read.c reading and the cache, space.c reuse of segments, wal.c
 * open and close. */
#ifndef TC_ENGINE_WAL_PRIVATE_H
#define TC_ENGINE_WAL_PRIVATE_H

#include "engine/wal/format.h"
#include "engine/wal/index.h"

enum wal_slot_state {
    WAL_SLOT_ABSENT, /* no such file yet */
    WAL_SLOT_FREE,   /* allocated, nothing needed in it */
    WAL_SLOT_LIVE,
};

/* One file seg-NNNN. */
struct wal_slot {
    enum wal_slot_state state;
    struct tc_file *file; /* NULL: absent */
    uint32_t seq;
    uint64_t first_lsn;
    uint64_t size_bytes;
    uint64_t append_offset; /* end of the last batch laid out */
    uint64_t live_count;    /* index records here */
    uint64_t dead_lsn;      /* reusable once this is durable, if live_count is 0 */
};

struct wal_queued {
    struct wal_record rec;
    uint64_t lsn;
    uint32_t offset; /* in the batch */
    struct tc_blob *body;
};

struct wal_queue {
    struct wal_queued *records;
    size_t count;
    size_t cap;
    uint64_t bytes; /* padded records */
};

struct wal_cached {
    uint64_t gid;
    uint64_t idx;
    uint64_t lsn;
};

/* Ring of bodies in memory, oldest first; entries whose body went otherwise are skipped. */
struct wal_cache {
    struct wal_cached *ring;
    size_t head;
    size_t count;
    size_t cap;
};

/* The piece of a segment that was read last: neighbours of a record are often wanted next
 * (recovery, catching up, archiving), and one large direct read costs hardly more than a small one.
 */
struct wal_ahead {
    uint8_t *memory; /* aligned, WAL_AHEAD_BYTES; NULL until the first read */
    uint32_t slot;
    uint32_t seq; /* of the segment that was there; 0: nothing */
    uint64_t from;
    uint64_t len;
};

struct wal_batch {
    struct wal_queue queue;
    struct wal_frame frame; /* without items */
    uint32_t gen;
    uint64_t first_lsn;
    uint64_t last_lsn;
    uint32_t slot;
    struct tc_file *file; /* NULL: create it; done takes it over */
    bool begins_segment;
    struct wal_segment_header header;
    char path[TC_FS_PATH_MAX];
    const char *dir;
    struct tc_fs *fs;
    struct tc_file *mark;
    uint64_t mark_offset;
    uint8_t *memory; /* aligned, the log's, used by the one batch that is out */
    uint64_t memory_bytes;
    uint8_t store_uuid[16];
};

struct wal {
    struct tc_fs *fs;
    char dir[TC_FS_PATH_MAX];
    struct wal_options opts;
    struct wal_report report;
    struct wal_index index;
    struct wal_cache cache;
    struct wal_ahead ahead;
    struct wal_slot *slots;
    uint32_t slot_count;
    uint32_t *order; /* live slots, oldest first */
    uint32_t order_count;
    uint32_t *free; /* free slots, to be used in this order */
    uint32_t free_count;
    bool has_current; /* the newest live slot takes appends */
    uint32_t last_seq;
    uint64_t last_lsn;
    uint64_t durable_lsn;
    struct wal_queue queue;
    struct wal_batch batch;
    bool batch_out;
    struct wal_prepare *prepare_out;
    struct tc_file *mark;
    uint64_t mark_turn;
    bool failed;
    bool any_faulty;  /* groups must be searched for damaged entries */
    bool grow_failed; /* the last try to make a segment ahead found no space */
};

struct wal_prepare {
    struct tc_fs *fs;
    char dir[TC_FS_PATH_MAX];
    char path[TC_FS_PATH_MAX];
    uint32_t slot;
    uint64_t segment_bytes;
    struct tc_file *file;
    tc_err err;
};

/* segment.c */
TC_MUST_USE tc_err wal__slots_init(struct wal *w);
void wal__slots_deinit(struct wal *w);
void wal__slot_path(const struct wal *w, uint32_t slot, char *to, size_t cap);
/* Create, prewrite and name durably one segment file. */
TC_MUST_USE tc_err wal__segment_create(struct tc_fs *fs, const char *dir, const char *path,
                                       uint64_t bytes, struct tc_file **ret_file);
/* Remove a slot's file: unfinished, or of another size than segments have now. */
void wal__slot_discard(struct wal *w, uint32_t slot);
void wal__slot_free(struct wal *w, uint32_t slot);
/* The next slot to begin a segment in: a free one, else an absent one; WAL_NOWHERE: none. */
uint32_t wal__slot_next(struct wal *w);
uint32_t wal__slots_unused(const struct wal *w);
struct wal_slot *wal__current(struct wal *w);

/* space.c */
void wal__released(void *user, struct wal_place place);
void wal__occupied(void *user, struct wal_place place);
void wal__reuse(struct wal *w);

/* read.c */
void wal__cache_add(struct wal *w, const struct wal_record *rec, uint64_t lsn);
void wal__cache_shrink(struct wal *w);
void wal__cache_deinit(struct wal *w);

/* ---- ahead.c */
/* The bytes [from, from + len) of a slot out of the piece read last, which is read anew around them
 * if need be or when fresh is set. Empty: not possible here (too long, being written, unreadable);
 * the caller reads them alone. */
struct tc_slice wal__ahead_read(struct wal *w, uint32_t slot, uint64_t from, uint64_t len,
                                bool fresh);
void wal__ahead_deinit(struct wal *w);

/* append.c */
void wal__queue_clear(struct wal_queue *q);
void wal__queue_deinit(struct wal_queue *q);

/* recover.c */
TC_MUST_USE tc_err wal__recover(struct wal *w);

#endif
