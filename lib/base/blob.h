/* tc_blob: immutable counted bytes, shared by log tail, network sends and apply without copies.
 *
 * Threads: ref and unref are atomic; the bytes are written only between tc_blob_new and the first
 * share.
 */
#ifndef TC_BASE_BLOB_H
#define TC_BASE_BLOB_H

#include "base/slice.h"

struct tc_blob {
    int refs; /* atomic */
    uint32_t len;
    uint8_t data[];
};

/* One reference, uninitialised bytes. */
struct tc_blob *tc_blob_new(size_t len);
struct tc_blob *tc_blob_dup(struct tc_slice s);
struct tc_blob *tc_blob_ref(struct tc_blob *b);
/* NULL is a no-op. */
void tc_blob_unref(struct tc_blob *b);

static inline struct tc_slice tc_blob_slice(const struct tc_blob *b) {
    return b ? tc_slice(b->data, b->len) : TC_SLICE_EMPTY;
}

#endif
