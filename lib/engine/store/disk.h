/* store__disk: watches the disk under a store and carries out what core/disk decides.
 *
 * A failed write or sync is noted in a mark, a small file (file.h) with the record of core/disk. It
 * goes into options.suspect_dir, which should be on another disk, under the name
 * suspect-<uuid of the store>; and beside the data as `suspect`, because that is the only place
 * there is when no other was given, and because the other may be lost first. Either may fail to be
 * written: whichever is readable at the next start counts, and both together are not two errors.
 */
#ifndef TC_ENGINE_STORE_DISK_H
#define TC_ENGINE_STORE_DISK_H

#include "engine/store/store_private.h"

/* Read the marks. A damaged mark counts as one error now: somebody wrote there for a reason. */
void store__disk_open(struct store *s);
/* The disk failed a write or sync: remember it where the next start finds it. */
void store__disk_failed(struct store *s, const char *what);
/* Look at space and slowness about once a second; give leaderships away when the verdict says so.
 */
void store__disk_tick(struct store *s, uint64_t now_ns);
/* A log write has been out for longer than a leader may wait for one. */
bool store__disk_hangs(const struct store *s, uint64_t now_ns);
/* TC_EFULL when no replica may be added. */
TC_MUST_USE tc_err store__disk_admit_replica(struct store *s);
/* TC_EFULL when a write that can make the store grow is refused. */
TC_MUST_USE tc_err store__disk_admit_write(struct store *s, bool deletes);

#endif
