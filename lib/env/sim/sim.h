/* sim: an in-memory file system and clock whose faults come from a seed.
 *
 * It keeps, per file, what is synced and what is only written, in 512-byte sectors, and per
 * directory which names are durable. A crash keeps, drops or tears a random part of what was not
 * synced. Everything random comes from the tc_prng given at init, so one seed gives one run.
 * It is hostile within the contract of env/fs.h: what the contract does not promise is lost often.
 *
 * Not modelled: a shrinking truncate that is lost by a crash (it is durable at once).
 * Threads: one. Memory: heap, by 4 KiB page touched; prewritten zeros cost nothing.
 */
#ifndef TC_ENV_SIM_H
#define TC_ENV_SIM_H

#include "base/prng.h"
#include "env/clock.h"
#include "env/fs.h"

struct sim_fs;

enum sim_fault_kind {
    SIM_READ_ERROR,  /* TC_EIO */
    SIM_WRITE_ERROR, /* TC_EIO; a random part was written */
    SIM_SYNC_ERROR,  /* TC_EIO; a random part is lost even if a later sync succeeds */
    SIM_SYNC_LIE,    /* TC_OK and nothing was made durable (TC_FS_DSYNC writes too) */
    SIM_MISDIRECT, /* TC_OK, and the bytes went to another place of the same file, durable there */
    SIM_FULL,      /* writes that need space get TC_EFULL */
    SIM_FAULT_KINDS,
};

struct sim_fault {
    enum sim_fault_kind kind;
    const char *path_part; /* files whose path contains this; NULL: all. Copied */
    uint64_t skip_count;   /* this many matching calls stay healthy first */
    uint64_t hit_count;    /* then this many fail; 0: all */
};

struct sim_latency {
    uint64_t read_ns; /* per call */
    uint64_t write_ns;
    uint64_t sync_ns; /* per sync, and per TC_FS_DSYNC write on top */
    uint64_t kib_ns;  /* per KiB moved */
};

struct sim_counters {
    uint64_t reads, writes, syncs;
    uint64_t read_bytes, written_bytes;
    uint64_t faults_hit;
    uint64_t crashes, sectors_lost, sectors_kept, names_lost;
};

enum {
    SIM_FAULTS_MAX = 16,
};

struct sim_fs *sim_fs_new(uint64_t seed);
/* Every file must be closed. */
void sim_fs_free(struct sim_fs *s);
struct tc_fs *sim_fs_fs(struct sim_fs *s);

/* The machine loses power now: unsynced sectors and names survive at random. Files still open
 * answer TC_EIO to everything but close. Faults and an armed crash are cleared, damage stays. */
void sim_fs_crash(struct sim_fs *s);
/* The process dies and the machine goes on: everything written survives; open files as above. */
void sim_fs_restart(struct sim_fs *s);
/* The n-th mutating call from now (0: the next one) is the last: it is done in part, answers
 * TC_EIO, as does every later call until sim_fs_crash or sim_fs_restart. */
void sim_fs_crash_after(struct sim_fs *s, uint64_t skip_count);
bool sim_fs_is_down(const struct sim_fs *s);

/* Errors  TC_ELIMIT  more than SIM_FAULTS_MAX at once */
TC_MUST_USE tc_err sim_fs_fault(struct sim_fs *s, const struct sim_fault *fault);
void sim_fs_heal(struct sim_fs *s); /* no more faults; damage done stays */
/* Rot: flip one bit of a file, on the medium and in what readers see.
 *   Errors  TC_ENOTFOUND, TC_EEND (beyond the end) */
TC_MUST_USE tc_err sim_fs_flip(struct sim_fs *s, const char *path, uint64_t offset, unsigned bit);
/* The disk is replaced by an empty one (directories too). Counts as a restart. */
void sim_fs_wipe(struct sim_fs *s);
/* Sum of file sizes at which writes get TC_EFULL; 0: no limit. */
void sim_fs_set_capacity(struct sim_fs *s, uint64_t bytes);

void sim_fs_set_latency(struct sim_fs *s, const struct sim_latency *latency);
/* Virtual time that calls have cost since the last take. */
uint64_t sim_fs_take_busy_ns(struct sim_fs *s);
const struct sim_counters *sim_fs_counters(const struct sim_fs *s);

/* A clock that its owner moves. */
struct sim_clock {
    struct tc_clock clock;
    uint64_t now_ns;
    uint64_t wall_offset_ns; /* wall time = now + offset, wrapping */
};

void sim_clock_init(struct sim_clock *c, uint64_t now_ns, uint64_t wall_unix_ns);

#endif
