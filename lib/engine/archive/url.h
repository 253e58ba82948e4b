/* archive URL: the archive's object store as operators name it (--archive of every daemon and
 * tool).
 *
 *   dir:PATH                                    a directory, made if it is missing
 *   s3://BUCKET[/PREFIX]?endpoint=URL[&region=NAME][&ca=FILE][&virtual=1]
 *
 * Credentials are not part of it, so that command lines and process lists hold no secret; daemons
 * take them from TERCET_S3_KEY_ID and TERCET_S3_SECRET.
 */
#ifndef TC_ENGINE_ARCHIVE_URL_H
#define TC_ENGINE_ARCHIVE_URL_H

#include "engine/archive/objstore.h"

struct archive_url_env {
    struct tc_fs *fs;       /* outlives the store */
    struct tc_clock *clock; /* outlives the store */
    const char *key_id;     /* S3; may be NULL for dir: */
    const char *secret;
    uint64_t seed; /* of retry jitter */
};

/* Open the store; free it with objstore_free.
 *   Errors   TC_EINVAL  not such a URL, or an S3 one without credentials
 *            TC_ENOTFOUND, TC_EIO  the directory cannot be made */
TC_MUST_USE tc_err archive_url_open(const char *url, const struct archive_url_env *env,
                                    struct objstore **ret_store);

#endif
