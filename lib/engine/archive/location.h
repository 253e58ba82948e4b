/* archive location: opens the object store that a daemon's options name.
 *
 *   where   "s3://bucket" or "s3://bucket/prefix", else a directory, made if it is missing (its
 * parent must exist) Everything is copied; threads and memory as objstore.h says.
 */
#ifndef TC_ENGINE_ARCHIVE_LOCATION_H
#define TC_ENGINE_ARCHIVE_LOCATION_H

#include "engine/archive/objstore.h"

struct archive_location {
    const char *where;
    const char *s3_endpoint; /* "" or NULL: https://s3.<region>.amazonaws.com, virtual hosts */
    const char *s3_region;
    const char *s3_key_id;
    const char *s3_secret;
    const char *s3_ca_file;
    bool s3_virtual_host;
};

/*   Errors   TC_EINVAL  problem says what to change (one line; may be NULL)
 *            TC_EIO, TC_EFULL, TC_ENOTFOUND (directory) */
TC_MUST_USE tc_err archive_open(struct tc_fs *fs, struct tc_clock *clock,
                                const struct archive_location *location, struct tc_buf *problem,
                                struct objstore **ret_store);

#endif
