/* wal: the one write-ahead log of a store, shared by all its replication groups.
 *
 * The log is a sequence of segments, a segment a sequence of batches, a batch what was queued while
 * the batch before it was being written. All integers are little endian, all offsets count from
 * the segment's beginning. docs/formats/wal.md draws whole segments; lib/engine/wal/format.h holds
 * the frame and segment header tables.
 *
 *   record  offset  0  u32  magic 0x43455254 "TREC"
 *                   4  u32  CRC32C of header bytes 8..63
 *                   8  u32  CRC32C of the body
 *                  12  u32  body length
 *                  16  u64  group id
 *                  24  u64  log index (states and frames: 0)
 *                  32  u64  ballot
 *                  40  u64  chain hash
 *                  48  u64  lsn, dense per store
 *                  56  u16  type: below 0x100 a log entry of the group, else see enum wal_type
 *                  58  u16  flags
 *                  60  u32  generation: number of the segment, so that leftovers in a recycled
 *                           segment are never taken for records
 *                  64       body, padded with zeros to 8 bytes
 *
 * What a record means for its group:
 *   - an entry replaces the entry of the same index and cuts everything above it;
 *   - an entry above last + 1 starts the group's log anew (its base moved: a snapshot came);
 *   - an entry with WAL_IN_PLACE replaces the one of the same index, ballot and chain and cuts
 *     nothing: repair of a damaged entry, or a copy out of a segment that is to be reused;
 *   - a state (hard state, base) replaces the older one of the same group and type and survives
 *     until replaced or forgotten, wherever its segment went;
 *   - wal_forget ends the group.
 *
 * Threads: one owner thread calls everything; wal_batch_write and wal_prepare_run may each run on
 * another thread between the owner's take and done. There is no lock inside.
 * Memory: heap. Bodies are shared blobs: queued and cached bodies hold a reference. About 64 bytes
 * per live entry for the index.
 *
 * Invariant: what wal_batch_done reported durable is found again by every later wal_open, whole or
 * named as damaged, never silently absent (REPLICATION.md B11). A failed write or sync makes the
 * log failed for good: nothing is retried, every later call answers TC_EIO. A segment is reused
 * only when no live record is in it and whatever superseded its records is durable; segments are
 * reused oldest first, so the log on disk is always one run of lsn.
 */
#ifndef TC_ENGINE_WAL_H
#define TC_ENGINE_WAL_H

#include "base/blob.h"
#include "env/fs.h"

struct wal;
struct wal_batch;
struct wal_prepare;

enum {
    WAL_HEADER_BYTES = 64,
    WAL_BODY_BYTES_MAX = 5 * 1024 * 1024, /* a transaction of 4 MB and its envelope */
    WAL_STATE_BYTES_MAX = 64 * 1024,
    WAL_SEGMENT_BYTES_MIN = 64 * 1024,
    WAL_SEGMENT_BYTES_MAX = 1024 * 1024 * 1024,
    WAL_SEGMENTS_MAX = 4096,
};

enum wal_type {
    WAL_ENTRY_TYPE_MAX = 0xff, /* entries: 1..255, meaning given by core/paxos */
    WAL_HARDSTATE = 0x100,     /* promised ballot and vote */
    WAL_BASE = 0x101,          /* where the group's log begins: index, ballot, chain, config */
    WAL_STATE_2 = 0x102,       /* for the store */
    WAL_STATE_3 = 0x103,
    WAL_STATE_TYPES = 4,
    WAL_FORGET = 0x110,     /* the group ended; written by wal_forget */
    WAL_FRAME_HEAD = 0x1f0, /* written by the log itself */
    WAL_FRAME_TAIL = 0x1f1,
};

enum wal_flags {
    WAL_IN_PLACE = 0x8000,    /* see the top */
    WAL_CALLER_FLAGS = 0x00ff /* stored and given back, not read */
};

struct wal_options {
    uint8_t store_uuid[16];   /* segments of another store are refused */
    uint64_t segment_bytes;   /* multiple of 4096; default 64 MiB */
    uint64_t max_bytes;       /* all segments; default 4 GiB; at least 4 segments */
    uint64_t queue_max_bytes; /* queued for the next batch; default 4 MiB, fits a segment */
    uint64_t cache_max_bytes; /* bodies kept for wal_read; default 64 MiB */
};

struct wal_record {
    uint64_t gid;
    uint64_t idx; /* 0 for states */
    uint64_t ballot;
    uint64_t chain;
    uint32_t body_crc; /* tc_crc32c(0, body): the caller has it, it is part of the chain */
    uint16_t type;     /* entry type 1..255 or WAL_HARDSTATE.. */
    uint16_t flags;
};

/* What the log knows about an entry without reading it. */
struct wal_entry {
    uint64_t idx;
    uint64_t ballot;
    uint64_t chain;
    uint64_t lsn;
    uint32_t body_crc; /* 0 when faulty and only the frame list names it */
    uint32_t body_len;
    uint16_t type;
    uint16_t flags;
    bool faulty; /* acknowledged once, now unreadable: repair with WAL_IN_PLACE */
};

/* What wal_open found. */
struct wal_report {
    uint64_t records_count;
    uint64_t durable_lsn;      /* last record kept */
    uint64_t torn_bytes;       /* cut from the end: never acknowledged */
    uint64_t faulty_count;     /* entries reported by wal_entry.faulty */
    uint64_t state_lost_count; /* states damaged: wal_group.state_lost */
    bool identity_lost;        /* damage whose records cannot be named: give the store up (B11) */
};

struct wal_group {
    uint64_t gid;
    uint64_t first_idx; /* 0: no entries */
    uint64_t last_idx;  /* 0: no entries */
    uint64_t faulty_count;
    bool state_lost; /* a state of this group was damaged and none newer exists: amnesiac (B11) */
};

struct wal_options wal_options_default(void);

/* Open the log in dir (which exists; empty: a new log), scan and verify all of it.
 * Torn bytes after the last acknowledged record are cut; damaged acknowledged records stay, named.
 *   Errors   TC_EINVAL   options
 *            TC_ECORRUPT dir holds another store's log
 *            TC_EIO, TC_EFULL
 */
TC_MUST_USE tc_err wal_open(struct tc_fs *fs, const char *dir, const struct wal_options *opts,
                            struct wal **ret_wal);
/* No batch or preparation may be out. What is queued and not written is lost. NULL is a no-op. */
void wal_close(struct wal *w);
const struct wal_report *wal_report(const struct wal *w);

/* ---- groups: after wal_open this is how the owner recovers; later it mirrors every append -------
 */

/* Visit every group in ascending gid. The visitor may read and append, not forget. */
void wal_each_group(struct wal *w, void (*visit)(void *user, const struct wal_group *g),
                    void *user);
/* False: nothing of this group is in the log. */
bool wal_group(const struct wal *w, uint64_t gid, struct wal_group *ret_group);
/* False: no such entry. Includes entries still queued. */
bool wal_entry(const struct wal *w, uint64_t gid, uint64_t idx, struct wal_entry *ret_entry);
/* The newest state; the slice is valid until the next state of this group and type or forget. */
bool wal_state(const struct wal *w, uint64_t gid, enum wal_type type, struct tc_slice *ret_body);
/* The entry's body (one reference), from memory or by one blocking read, checked.
 *   Errors   TC_ENOTFOUND
 *            TC_ECORRUPT  damaged, or the disk cannot read it: the entry is faulty from now on; the
 *                         log itself goes on
 */
TC_MUST_USE tc_err wal_read(struct wal *w, uint64_t gid, uint64_t idx, struct tc_blob **ret_body);

/* ---- appending ----------------------------------------------------------------------------------
 */

/* Queue one record (in memory only) and enter it into the index; takes a reference on body (NULL:
 * empty). States above WAL_STATE_BYTES_MAX and entries above WAL_BODY_BYTES_MAX are refused.
 * An entry is at or below the group's last index + 1, or starts the log anew (see the top).
 *   urgent   may use the space held back for states, configuration and trimming
 *   Errors   TC_EINVAL   type, flags or length
 *            TC_ENOTFOUND WAL_IN_PLACE and no such entry with that ballot and chain
 *            TC_EBUSY    the queue is full: write the batch first
 *            TC_EFULL    no segment left: trim first
 *            TC_EIO      the log has failed
 */
TC_MUST_USE tc_err wal_append(struct wal *w, const struct wal_record *rec, struct tc_blob *body,
                              bool urgent, uint64_t *ret_lsn);
/* End a group: its entries and states leave the index now and for good once the lsn is durable.
 *   Errors   as wal_append; TC_ENOTFOUND no such group
 */
TC_MUST_USE tc_err wal_forget(struct wal *w, uint64_t gid, uint64_t *ret_lsn);
/* Drop entries up to and including idx. Not logged: after a crash some may be there again, so the
 * owner trims again after recovery. The owner vouches that checkpoint and archive cover them. */
void wal_trim(struct wal *w, uint64_t gid, uint64_t idx);

/* Everything queued as one batch; NULL: nothing queued, one batch is out, or the log has failed. */
struct wal_batch *wal_batch_take(struct wal *w);
/* Write and sync it; any one thread. Touches the batch and its file only.
 *   Errors   TC_EIO, TC_EFULL, TC_ECORRUPT (a body changed in memory): the log is lost to this
 * process
 */
TC_MUST_USE tc_err wal_batch_write(struct wal_batch *b);
/* Give the batch back with the result of its write; consumes it.
 *   ret_lsn  every record up to and including it is durable
 *   Errors   TC_EIO  err was a failure: the log has failed for good; end the process
 */
TC_MUST_USE tc_err wal_batch_done(struct wal *w, struct wal_batch *b, tc_err err,
                                  uint64_t *ret_lsn);
/* take, write and done in one call, until nothing is queued; no batch may be out.
 *   Errors   TC_EIO */
TC_MUST_USE tc_err wal_flush(struct wal *w);
uint64_t wal_durable_lsn(const struct wal *w);
uint64_t wal_last_lsn(const struct wal *w); /* last appended */

/* ---- upkeep -------------------------------------------------------------------------------------
 */

/* Make the next segment (create and prewrite) ahead of its use, off the owner thread. NULL: not
 * needed now. Without it wal_batch_write does the same inline when it must. */
struct wal_prepare *wal_prepare_take(struct wal *w);
void wal_prepare_run(struct wal_prepare *p);
/*   Errors   TC_EFULL  no space: the log goes on in what it has; try again later
 *            TC_EIO    the disk fails: end the process, as after a failed batch */
TC_MUST_USE tc_err wal_prepare_done(struct wal *w, struct wal_prepare *p);

/* Re-append what still lives in the oldest segment (at most copy_max_bytes of bodies now), so that
 * the segment becomes free. Call while wal_space().pressure, after asking the groups of
 * wal_oldest_groups to checkpoint and archive.
 *   Errors   as wal_append; entries that cannot be read stay where they are (TC_ECORRUPT) */
TC_MUST_USE tc_err wal_copy_forward(struct wal *w, uint64_t copy_max_bytes);
/* Groups with live records in the oldest segment, ascending; returns the count, at most max. */
size_t wal_oldest_groups(const struct wal *w, uint64_t *gids, size_t max);

struct wal_space {
    uint64_t used_bytes; /* in segments that are not free */
    uint64_t max_bytes;
    uint64_t queued_bytes;
    uint64_t cached_bytes;
    bool no_room;  /* ordinary appends are refused now: the log or its disk is full */
    bool pressure; /* three quarters used: trim, checkpoint, copy forward */
};
struct wal_space wal_space(const struct wal *w);

#endif
