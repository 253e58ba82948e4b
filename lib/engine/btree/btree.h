/* btree: one replica's items in a checksummed copy-on-write B-tree, one file per tree.
 *
 * Durability comes from the write-ahead log: put and delete change pages in memory and never touch
 * the disk for writing. A checkpoint writes a frozen version: pages, sync, superblock, sync; after
 * a crash the file holds the previous or the new checkpoint, never a mixture. The byte tables are
 * in format.h, their page in docs/formats/btree.md.
 *
 * Threads: a tree has one owner thread and every function belongs to it, except
 *   btree_checkpoint_write   any one thread between begin and end, while the owner reads and writes
 *   btree_snapshot_seek/next/stamp/sums/damage and btree_verify_step
 *                            any one thread at a time per object, while the owner reads and writes;
 *                            pin, unpin, begin and end stay with the owner
 * Memory: the page cache holds clean pages up to cache_bytes plus whatever is dirty. A slice
 * returned by get or by a cursor is borrowed until the next call on the same tree.
 * Checks: each page carries a checksum, its own id, group and generation, and its parent holds the
 * checksum too (which catches lost and misdirected writes). Every page is checked when it is read
 * from disk; a bad one answers TC_ECORRUPT, is described by btree_last_damage, and is never served.
 * All other keys stay readable.
 * Invariant: pages of the last durable checkpoint, of a checkpoint being written and of pinned
 * snapshots are never reused; content sums, count and bytes always describe the current version.
 */
#ifndef TC_ENGINE_BTREE_BTREE_H
#define TC_ENGINE_BTREE_BTREE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct tc_fs;
struct btree;
struct btree_checkpoint;
struct btree_snapshot;
struct btree_verify;
struct btree_load;

#define BTREE_PAGE_BYTES      16384u
#define BTREE_KEY_BYTES_MAX   5200u    /* a storage key whose partition key is all escapes */
#define BTREE_VALUE_BYTES_MAX 2097152u /* 2 MiB */
#define BTREE_BLOB_BYTES_MAX  8192u
#define BTREE_PAGE_COUNT_MAX  16777216u /* 256 GiB */
#define BTREE_SNAPSHOT_MAX    16u
#define BTREE_BUCKET_COUNT    256u

struct btree_opts {
    uint64_t gid;            /* group the file belongs to; checked against every page */
    size_t cache_bytes;      /* clean pages kept; 0: 64 MiB */
    size_t dirty_bytes_max;  /* put answers TC_EBUSY at this bound; 0: 1 GiB */
    uint64_t file_bytes_max; /* put answers TC_EFULL at this bound; 0: BTREE_PAGE_COUNT_MAX pages */
    bool create;             /* make an empty durable tree if the file is absent */
};

/* What a checkpoint says about itself: where in the log its content stands, and the caller's own
 * bytes (configuration and the like). */
struct btree_stamp {
    uint64_t index;
    uint64_t ballot;
    uint64_t chain;
    struct tc_slice blob; /* at most BTREE_BLOB_BYTES_MAX; when read, borrowed from the tree */
};

/* Order-independent content sums: sum[2 b] and sum[2 b + 1] add up, mod 2^64, the two hashes of
 * every item whose key falls in bucket b. Equal item sets have equal sums. */
struct btree_sums {
    uint64_t sum[2 * BTREE_BUCKET_COUNT];
};

struct btree_item_hash {
    uint64_t lo;
    uint64_t hi;
    uint32_t bucket;
};

struct btree_stats {
    uint64_t item_count;
    uint64_t item_bytes;   /* key and value bytes */
    uint64_t dirty_bytes;  /* memory that only a checkpoint can release */
    uint64_t cached_bytes; /* all page memory */
    uint64_t file_bytes;
    uint64_t free_bytes; /* in the file, reusable now */
    uint64_t page_reads; /* pages read from disk by the owner */
    uint32_t depth;      /* levels; 0: empty */
};

/* A page (of a large value: the first of its run) that failed its check. The range is that of the
 * keys it serves: [start, end), end empty: to the end of the tree. */
struct btree_damage {
    uint64_t page;
    const char *what; /* static text */
    struct tc_buf start;
    struct tc_buf end;
};

/* btree_open: read the newest valid superblock and the page map; no tree page is read.
 *
 * A damaged copy of the superblock is rewritten from the other and told by btree_last_damage; so is
 * a damaged page map, which costs only the reuse of free pages. Should both copies of the newest
 * superblock rot, the checkpoint before it is what opens: a caller that trims its log by the
 * durable index must compare btree_durable_stamp with where that log begins.
 *   opts     copied
 *   Errors   TC_ENOTFOUND no file and not opts->create
 *            TC_ECORRUPT  no valid superblock, or one of another group
 *            TC_EIO       the disk failed
 */
TC_MUST_USE tc_err btree_open(struct tc_fs *fs, const char *path, const struct btree_opts *opts,
                              struct btree **ret_tree);
/* Drop the tree; changes since the last checkpoint are lost. No checkpoint, snapshot, verify or
 * cursor may be in use. NULL is a no-op. */
void btree_close(struct btree *t);
/* Give the clean pages' memory back if nothing was read or written since the last call; what is
 * needed again is read again. For owners of many trees, of which few are busy: call it now and
 * then. No cursor may be in use. */
void btree_rest(struct btree *t);

/* The stamp and sums of the last durable checkpoint; a fresh tree has index 0. The blob is valid
 * until the next btree_checkpoint_end. */
struct btree_stamp btree_durable_stamp(const struct btree *t);
struct btree_stats btree_stats(const struct btree *t);
/* The last page that answered TC_ECORRUPT to the owner, or NULL. Valid until the next call. */
const struct btree_damage *btree_last_damage(const struct btree *t);

/* Errors of get, put, delete and cursors besides those named: TC_ECORRUPT (see above) and TC_EIO;
 * the tree is unchanged. */

/* TC_ENOTFOUND if absent. */
TC_MUST_USE tc_err btree_get(struct btree *t, struct tc_slice key, struct tc_slice *ret_value);
/* Insert or replace. key and value must not point into the tree. TC_EINVAL: empty key; TC_ELIMIT:
 * key or value too long; TC_EBUSY: dirty_bytes_max reached, write a checkpoint first; TC_EFULL. */
TC_MUST_USE tc_err btree_put(struct btree *t, struct tc_slice key, struct tc_slice value);
/* TC_ENOTFOUND if absent. Deletes are not refused by dirty_bytes_max or file_bytes_max. */
TC_MUST_USE tc_err btree_delete(struct btree *t, struct tc_slice key);

enum btree_seek {
    BTREE_GE, /* first key >= the given one */
    BTREE_GT,
    BTREE_LE, /* last key <= the given one */
    BTREE_LT,
};

/* A position in the current version. It survives writes: next and prev then go on from the key it
 * stood on, whether that key still exists or not. Fields are private except key. */
struct btree_cursor {
    struct btree *tree;
    struct tc_buf key; /* of the item it stands on; stays valid until the cursor moves */
    uint64_t change;
    uint32_t page;
    uint32_t at;
    bool valid;
};

void btree_cursor_init(struct btree_cursor *c, struct btree *t);
void btree_cursor_deinit(struct btree_cursor *c);
/* Position; TC_EEND when no such key. An empty key with BTREE_GE is the first item. */
TC_MUST_USE tc_err btree_cursor_seek(struct btree_cursor *c, enum btree_seek how,
                                     struct tc_slice key);
TC_MUST_USE tc_err btree_cursor_last(struct btree_cursor *c);
/* Move; TC_EEND at the end, the cursor then has no position. */
TC_MUST_USE tc_err btree_cursor_next(struct btree_cursor *c);
TC_MUST_USE tc_err btree_cursor_prev(struct btree_cursor *c);
/* The value under the cursor; TC_ENOTFOUND if the item has been deleted since. */
TC_MUST_USE tc_err btree_cursor_value(struct btree_cursor *c, struct tc_slice *ret_value);

/* btree_checkpoint_begin: freeze the current version (cost: a copy of sums and page map).
 *
 *   stamp    copied
 *   Errors   TC_EBUSY   another checkpoint is between begin and end
 *            TC_ELIMIT  the blob is too long
 *            TC_EIO     an earlier checkpoint failed for good; reopen the file
 */
TC_MUST_USE tc_err btree_checkpoint_begin(struct btree *t, const struct btree_stamp *stamp,
                                          struct btree_checkpoint **ret_ckpt);
/* All the I/O. Pass the result to btree_checkpoint_end whatever it is. */
TC_MUST_USE tc_err btree_checkpoint_write(struct btree_checkpoint *c);
/* Make the written version the durable one and release what only older ones used; frees c.
 * With an error the old checkpoint stays the durable one. After TC_EFULL a new checkpoint may be
 * tried; after any other error the tree takes no more checkpoints, because a failed write or sync
 * must never be retried. Returns err, or TC_EIO if shrinking the file failed. */
tc_err btree_checkpoint_end(struct btree *t, struct btree_checkpoint *c, tc_err err);
/* begin, write, end. */
TC_MUST_USE tc_err btree_checkpoint(struct btree *t, const struct btree_stamp *stamp);

/* Content sums of the current version, maintained by every put and delete. */
void btree_sums(const struct btree *t, struct btree_sums *ret_sums);
/* The hashes of one item, a pure function shared with whoever rebuilds a replica elsewhere. */
struct btree_item_hash btree_item_hash(struct tc_slice key, struct tc_slice value);
void btree_sums_add(struct btree_sums *s, const struct btree_item_hash *h);
void btree_sums_remove(struct btree_sums *s, const struct btree_item_hash *h);
/* Visit the items of one bucket from key start on, looking at no more than items_max items.
 * TC_OK: call again with ret_next as start (exclusive bound already applied); TC_EEND: done. */
TC_MUST_USE tc_err btree_bucket_scan(struct btree *t, uint32_t bucket, struct tc_slice start,
                                     uint32_t items_max,
                                     void (*visit)(void *user, struct tc_slice key,
                                                   const struct btree_item_hash *hash),
                                     void *user, struct tc_buf *ret_next);

/* Pin the last durable checkpoint: a consistent version, read straight from the disk. TC_EBUSY:
 * BTREE_SNAPSHOT_MAX are pinned. Call btree_checkpoint first for the newest state. */
TC_MUST_USE tc_err btree_snapshot_pin(struct btree *t, struct btree_snapshot **ret_snap);
void btree_snapshot_unpin(struct btree *t, struct btree_snapshot *s);
/* Stamp (blob borrowed from the snapshot), sums, item count and bytes of the pinned version. */
struct btree_stamp btree_snapshot_stamp(const struct btree_snapshot *s);
const struct btree_sums *btree_snapshot_sums(const struct btree_snapshot *s);
uint64_t btree_snapshot_item_count(const struct btree_snapshot *s);
/* Go before the first key >= key; then next yields items in order, TC_EEND after the last. Slices
 * are borrowed until the next call on the snapshot. A fresh snapshot stands before the first. */
TC_MUST_USE tc_err btree_snapshot_seek(struct btree_snapshot *s, struct tc_slice key);
TC_MUST_USE tc_err btree_snapshot_next(struct btree_snapshot *s, struct tc_slice *ret_key,
                                       struct tc_slice *ret_value);
const struct btree_damage *btree_snapshot_damage(const struct btree_snapshot *s);

/* Read every live page of the last durable checkpoint from disk and check it. */
struct btree_verify_result {
    uint64_t page_count;
    uint64_t bad_count;
    bool sums_equal; /* recomputed from the pages read; meaningful when bad_count is 0 */
};
TC_MUST_USE tc_err btree_verify_begin(struct btree *t, struct btree_verify **ret_verify);
/* Read at most pages_max more pages (a large value counts its pages at once). visit is called for
 * each bad page; the damage is borrowed for the call. TC_OK: call again; TC_EEND: all read;
 * TC_EIO: a read failed, the step may be repeated. */
TC_MUST_USE tc_err btree_verify_step(struct btree_verify *v, uint32_t pages_max,
                                     void (*visit)(void *user, const struct btree_damage *bad),
                                     void *user);
struct btree_verify_result btree_verify_result(const struct btree_verify *v);
void btree_verify_end(struct btree *t, struct btree_verify *v);

/* Build a tree from strictly ascending keys in a file beside path; finish makes it durable and puts
 * it in path's place in one step. A tree open at path must be closed before finish. add answers
 * TC_EINVAL for a key out of order. finish and abort free the load. */
TC_MUST_USE tc_err btree_load_begin(struct tc_fs *fs, const char *path,
                                    const struct btree_opts *opts, struct btree_load **ret_load);
TC_MUST_USE tc_err btree_load_add(struct btree_load *l, struct tc_slice key, struct tc_slice value);
/* Sums of what was added so far, to be held against the sender's before finish. */
void btree_load_sums(const struct btree_load *l, struct btree_sums *ret_sums);
TC_MUST_USE tc_err btree_load_finish(struct btree_load *l, const struct btree_stamp *stamp);
void btree_load_abort(struct btree_load *l);

#endif
