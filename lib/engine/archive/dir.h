/* dir: an object store in a directory, as its own files see it. */
#ifndef TC_ENGINE_ARCHIVE_DIR_H
#define TC_ENGINE_ARCHIVE_DIR_H

#include "base/assert.h"
#include "engine/archive/objstore.h"

#define DIR_TEMPORARY ".tmp" /* an object that is being written; no key */

struct objstore_dir {
    struct objstore store;
    struct tc_fs *fs;
    char root[TC_FS_PATH_MAX - OBJSTORE_KEY_BYTES_MAX];
};

static inline struct objstore_dir *dir__self(struct objstore *o) {
    return TC_CONTAINER(o, struct objstore_dir, store);
}

/* The file of a key; to has TC_FS_PATH_MAX bytes. */
void dir__path(const struct objstore_dir *d, const char *key, char *to);
/* objstore_ops.list */
TC_MUST_USE tc_err dir__list(struct objstore *o, const char *prefix, const char *after,
                             objstore_visit *visit, void *user, bool *ret_more);

#endif
