/* store__archive: what this node offers to the archiver, group by group (DESIGN.md 5).
 *
 * A leader offers its committed entries above the archive's end when they are old or many enough;
 * the others offer chain hashes of ranges that the archiver wants compared. Everybody asks first
 * where the archive ends, because the manifest and not the replica knows.
 */
#ifndef TC_ENGINE_STORE_ARCHIVE_H
#define TC_ENGINE_STORE_ARCHIVE_H

#include "engine/store/store_private.h"

/* The replica may have something to offer: store_segment_next looks at it. */
void store__archive_look(struct replica *r, uint64_t now_ns);

#endif
