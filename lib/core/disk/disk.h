/* disk: how healthy the disk of one store is, and what the store must therefore stop doing.
 *
 * It is told how full the disk is, how long log writes take and when the disk failed a write or
 * sync; it answers with a verdict (REPLICATION.md B11). Slow is treated as failed: a disk that is
 * slow for long gives up its leaderships, and in the end its replicas.
 *
 * Pure: time comes in, nothing is allocated, nothing blocks. Monotonic times in ns; the times of
 * errors are wall clock, because they are compared across restarts.
 *
 * Fullness has three steps, each with its consequence. A step is entered at its limit and left two
 * percent below it, so that a disk at the limit does not flap. No step is entered while ample_bytes
 * are free: five percent of a large disk is room enough.
 * Slowness is judged by windows: a window is slow when log writes that each took slow_write_ns or
 * longer filled at least half of it; it is quick when they filled less than a tenth. One slow
 * window makes the disk slow, one quick window ends that.
 */
#ifndef TC_CORE_DISK_H
#define TC_CORE_DISK_H

#include "base/err.h"
#include "base/slice.h"

enum {
    DISK_ERRORS_MAX = 8, /* remembered; more only push out the oldest */
    DISK_ERRORS_DRAIN = 2,
    DISK_HYSTERESIS_PERMILLE = 20,
    DISK_RECORD_BYTES_MAX = 2 + 8 * DISK_ERRORS_MAX,
};

/* An error counts for this long. */
#define DISK_ERROR_NS UINT64_C(86400000000000)

enum disk_fill {
    DISK_ROOMY,
    DISK_NO_REPLICAS, /* takes no new replica */
    DISK_NO_LEADERS,  /* and leads nothing that another node can lead */
    DISK_NO_WRITES,   /* and takes no user write but deletes */
};

struct disk_options {
    uint32_t no_replicas_permille; /* 850, of the disk's size in use; rising, at most 1000 */
    uint32_t no_leaders_permille;  /* 900 */
    uint32_t no_writes_permille;   /* 950 */
    uint64_t ample_bytes;          /* 16 GiB */
    uint64_t slow_write_ns;        /* 200 ms */
    uint64_t slow_window_ns;       /* 10 s */
    uint64_t slow_drain_ns;        /* 10 min: slow for so long, and the store drains itself */
};

struct disk {
    struct disk_options options;
    enum disk_fill fill;
    uint64_t used_permille;
    uint64_t write_ns;   /* when the write that is out began; 0: none */
    uint64_t counted_ns; /* time of that write up to here is in slow_ns already */
    uint64_t window_ns;  /* when the window began; 0: before the first call */
    uint64_t slow_ns;    /* of the window */
    bool slow;
    uint64_t slow_since_ns;
    uint64_t errors[DISK_ERRORS_MAX]; /* wall clock, oldest first */
    size_t error_count;
};

struct disk_options disk_options_default(void);
bool disk_options_sound(const struct disk_options *o);
void disk_init(struct disk *d, const struct disk_options *options);

/* total_bytes 0: not known, nothing changes. */
void disk_space(struct disk *d, uint64_t total_bytes, uint64_t free_bytes);

/* One log write is out at a time. */
void disk_write_began(struct disk *d, uint64_t now_ns);
void disk_write_ended(struct disk *d, uint64_t now_ns);
/* Close the window if it is over; call about once a second. */
void disk_tick(struct disk *d, uint64_t now_ns);
/* How long the write that is out has been out; 0: none. */
uint64_t disk_outstanding_ns(const struct disk *d, uint64_t now_ns);

/* ---- errors, remembered across restarts
 *
 *   record  u8 version 1 | u8 count | count times u64 wall clock in ns, oldest first */

void disk_error(struct disk *d, uint64_t wall_ns);
/* Errors within the last day. */
size_t disk_errors(const struct disk *d, uint64_t wall_ns);
/* Returns the bytes written. */
size_t disk_record_encode(const struct disk *d, uint8_t to[DISK_RECORD_BYTES_MAX]);
/* Add the errors of a record that are not known yet. Errors  TC_ECORRUPT  nothing was added */
TC_MUST_USE tc_err disk_record_decode(struct disk *d, struct tc_slice record);

/* ---- verdict */

bool disk_takes_replicas(const struct disk *d, uint64_t now_ns, uint64_t wall_ns);
bool disk_may_lead(const struct disk *d, uint64_t now_ns, uint64_t wall_ns);
bool disk_takes_writes(const struct disk *d);
/* The store had better be emptied: why in words, or NULL. */
const char *disk_drain(const struct disk *d, uint64_t now_ns, uint64_t wall_ns);
const char *disk_fill_name(enum disk_fill fill);

bool disk_check(const struct disk *d);

#endif
