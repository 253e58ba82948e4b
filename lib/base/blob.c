#include "base/blob.h"

#include "base/assert.h"

#include <stdlib.h>

struct tc_blob *tc_blob_new(size_t len) {
    TC_ASSERT(len <= UINT32_MAX);
    struct tc_blob *b = malloc(sizeof *b + len);
    TC_ASSERT(b != NULL);
    b->refs = 1;
    b->len = (uint32_t)len;
    return b;
}

struct tc_blob *tc_blob_dup(struct tc_slice s) {
    struct tc_blob *b = tc_blob_new(s.len);
    if (s.len)
        memcpy(b->data, s.data, s.len);
    return b;
}

struct tc_blob *tc_blob_ref(struct tc_blob *b) {
    int before = __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
    TC_ASSERT(before > 0);
    return b;
}

void tc_blob_unref(struct tc_blob *b) {
    if (b == NULL)
        return;
    int before = __atomic_fetch_sub(&b->refs, 1, __ATOMIC_ACQ_REL);
    TC_ASSERT(before > 0);
    if (before == 1)
        free(b);
}
