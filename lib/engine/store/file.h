/* store__file: small checksummed files that are replaced as a whole.
 *
 * A file is u32 magic | u32 CRC32C of the rest | u32 length | content. It is written beside its
 * name, synced and renamed, so that after a crash the name holds the old or the new content.
 * Limits: STORE_FILE_BYTES_MAX of content.
 */
#ifndef TC_ENGINE_STORE_FILE_H
#define TC_ENGINE_STORE_FILE_H

#include "base/buf.h"
#include "base/err.h"

struct tc_fs;

enum {
    STORE_FILE_BYTES_MAX = 1 << 20,
};

/* Durable when TC_OK. Errors: TC_EIO, TC_EFULL: the name holds the old or the new content. */
TC_MUST_USE tc_err store__file_save(struct tc_fs *fs, const char *dir, const char *name,
                                    struct tc_slice content);
/* Append the content to ret_content.
 *   Errors   TC_ENOTFOUND  no such file
 *            TC_ECORRUPT   not what was written; TC_EIO */
TC_MUST_USE tc_err store__file_load(struct tc_fs *fs, const char *dir, const char *name,
                                    struct tc_buf *ret_content);
/* Remove and make it durable; a missing file is TC_OK. */
TC_MUST_USE tc_err store__file_remove(struct tc_fs *fs, const char *dir, const char *name);

#endif
