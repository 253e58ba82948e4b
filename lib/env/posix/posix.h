/* posix: the real file system and clocks.
 *
 * Paths are passed on as they are (absolute, or relative to the working directory). A file opened
 * with TC_FS_DIRECT uses O_DIRECT where the file system takes it and the page cache elsewhere
 * (tmpfs, some overlays); durability is the same, only slower or faster.
 * Threads: as env/fs.h says. Memory: one small heap object per open file.
 */
#ifndef TC_ENV_POSIX_H
#define TC_ENV_POSIX_H

#include "env/clock.h"
#include "env/fs.h"

struct posix_fs {
    struct tc_fs fs;
};

struct posix_clock {
    struct tc_clock clock;
};

void posix_fs_init(struct posix_fs *p);
/* CLOCK_BOOTTIME and CLOCK_REALTIME. */
void posix_clock_init(struct posix_clock *p);
/* CLOCK_MONOTONIC, by which condition variables wait: the clock of every _ns in daemon, rpc,
 * catalog and the router. It stands still while the machine sleeps. */
uint64_t posix_mono_ns(void);
/* The wall clock by itself, as records are stamped with it. */
uint64_t posix_wall_ms(void);

#endif
