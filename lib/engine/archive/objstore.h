/* objstore: named immutable blobs, in a local directory or in an S3 bucket.
 *
 * What Tercet keeps in an object store is never overwritten: every key is written once, and
 * "if absent" decides between two writers. So the interface has no update and needs no locks.
 *
 * Threads: one object of this interface belongs to one thread at a time; calls block (S3: up to its
 * deadline). Memory: results are appended to the caller's buffers.
 * Limits: keys are 1..OBJSTORE_KEY_BYTES_MAX bytes of [A-Za-z0-9._/-], no empty, "." or ".." part;
 * objects at most OBJSTORE_OBJECT_BYTES_MAX.
 *
 * Errors of every call besides those named: TC_EINVAL (key), TC_EIO, TC_EFULL (directory);
 * TC_EAUTH (credentials refused), TC_EUNAVAILABLE and TC_ETIMEOUT (after retries) (S3).
 */
#ifndef TC_ENGINE_OBJSTORE_H
#define TC_ENGINE_OBJSTORE_H

#include "base/buf.h"
#include "base/err.h"
#include "env/clock.h"
#include "env/fs.h"

enum {
    OBJSTORE_KEY_BYTES_MAX = 512,
    OBJSTORE_OBJECT_BYTES_MAX = 256 * 1024 * 1024,
    OBJSTORE_LIST_COUNT_MAX = 1000,
};

struct objstore {
    const struct objstore_ops *ops;
};

typedef void objstore_visit(void *user, const char *key, uint64_t size_bytes);

struct objstore_ops {
    tc_err (*put)(struct objstore *o, const char *key, struct tc_slice bytes);
    tc_err (*get)(struct objstore *o, const char *key, struct tc_buf *out);
    tc_err (*get_range)(struct objstore *o, const char *key, uint64_t offset, size_t len,
                        struct tc_buf *out);
    tc_err (*head)(struct objstore *o, const char *key, uint64_t *ret_size_bytes);
    tc_err (*list)(struct objstore *o, const char *prefix, const char *after, objstore_visit *visit,
                   void *user, bool *ret_more);
    tc_err (*remove)(struct objstore *o, const char *key);
    void (*free)(struct objstore *o);
};

/* Store an object, durable and verified by checksum when TC_OK.
 *   Errors   TC_EEXISTS  the key is taken, whatever its content
 *            TC_ELIMIT   too large */
TC_MUST_USE static inline tc_err objstore_put(struct objstore *o, const char *key,
                                              struct tc_slice bytes) {
    return o->ops->put(o, key, bytes);
}

/* Append a whole object, verified against the checksum it was stored with.
 *   Errors   TC_ENOTFOUND; TC_ECORRUPT (out is as before) */
TC_MUST_USE static inline tc_err objstore_get(struct objstore *o, const char *key,
                                              struct tc_buf *out) {
    return o->ops->get(o, key, out);
}

/* Append exactly len bytes from offset on. Not verified: the formats carry their own checksums.
 *   Errors   TC_ENOTFOUND; TC_EEND (out is as before) */
TC_MUST_USE static inline tc_err objstore_get_range(struct objstore *o, const char *key,
                                                    uint64_t offset, size_t len,
                                                    struct tc_buf *out) {
    return o->ops->get_range(o, key, offset, len, out);
}

/*   Errors   TC_ENOTFOUND */
TC_MUST_USE static inline tc_err objstore_head(struct objstore *o, const char *key,
                                               uint64_t *ret_size_bytes) {
    return o->ops->head(o, key, ret_size_bytes);
}

/* Visit keys that begin with prefix, in byte order, after the given one (NULL: from the first), at
 * most OBJSTORE_LIST_COUNT_MAX. ret_more: go on after the last key visited. */
TC_MUST_USE static inline tc_err objstore_list(struct objstore *o, const char *prefix,
                                               const char *after, objstore_visit *visit, void *user,
                                               bool *ret_more) {
    return o->ops->list(o, prefix, after, visit, user, ret_more);
}

/* Remove an object; TC_OK when it is not there. */
TC_MUST_USE static inline tc_err objstore_remove(struct objstore *o, const char *key) {
    return o->ops->remove(o, key);
}

/* NULL is a no-op. */
static inline void objstore_free(struct objstore *o) {
    if (o)
        o->ops->free(o);
}

/* Is key within the limits above? */
bool objstore_key_ok(const char *key);

/* A directory as object store. Each object is a file of its key's name with 16 bytes appended:
 * u32 magic "TOBJ", u32 CRC32C of the content, u64 content length. Written under a temporary name,
 * synced, renamed, directory synced. "If absent" holds among users of one process only.
 *   dir      must exist; copied
 *   Errors   TC_EINVAL (path too long), TC_ENOMEM */
TC_MUST_USE tc_err objstore_dir_new(struct tc_fs *fs, const char *dir, struct objstore **ret_store);

struct objstore_s3_config {
    const char *endpoint; /* http://host:port or https://host[:port], no path */
    const char *bucket;
    const char *region; /* "us-east-1" where the server has none */
    const char *prefix; /* put before every key, e.g. "tercet/"; NULL: none */
    const char *key_id;
    const char *secret;
    const char *ca_file;   /* PEM; NULL: the system's authorities */
    bool virtual_host;     /* bucket.host instead of host/bucket */
    uint32_t deadline_ms;  /* of one call with all its retries; 0: 30000 */
    uint32_t attempts_max; /* 0: 6 */
    uint64_t seed;         /* of the jitter between attempts */
    struct tc_clock *clock;
};

/* An S3 bucket over HTTP(S), requests signed with Signature Version 4. Bodies are sent with their
 * SHA-256 (signed) and CRC32C; whole reads are verified where the server returns the checksum.
 * After an attempt of unknown outcome, TC_EEXISTS of the next one is resolved by comparing
 * contents. Strings are copied. curl_global_init must have run (it does at the first curl_easy_init
 * of a single thread). Errors   TC_EINVAL (endpoint, bucket, prefix), TC_ENOMEM */
TC_MUST_USE tc_err objstore_s3_new(const struct objstore_s3_config *config,
                                   struct objstore **ret_store);

#endif
