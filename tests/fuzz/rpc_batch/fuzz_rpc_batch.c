/* Any bytes as a stream message: decode must stay inside them, and what decodes must survive a
 * second trip through the encoder. */
#include "base/assert.h"
#include "rpc/batch_private.h"

#include <stdlib.h>

static void encode(const struct rpc_frame *frames, size_t count, struct tc_buf *out) {
    for (size_t i = 0; i < count; i++) {
        struct rpc__payload p = rpc__payload_bytes(frames[i].payload);
        rpc__batch_append(out, &frames[i], &p);
    }
}

static void compare(const struct rpc_frame *a, const struct rpc_frame *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        TC_ASSERT(a[i].id == b[i].id && a[i].kind == b[i].kind && a[i].err == b[i].err);
        TC_ASSERT(a[i].reply == b[i].reply && a[i].deadline_ms == b[i].deadline_ms);
        TC_ASSERT(tc_slice_eq(a[i].payload, b[i].payload));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tc_slice message = tc_slice(data, size);
    size_t count = 0, again_count = 0;
    if (rpc__batch_count(message, &count) != TC_OK)
        return 0;
    struct rpc_frame *frames = calloc(2 * count + 1, sizeof *frames);
    struct tc_buf again = {0};
    if (rpc__batch_decode(message, frames, count) == TC_OK) {
        encode(frames, count, &again);
        TC_ASSERT(rpc__batch_count(tc_buf_slice(&again), &again_count) == TC_OK);
        TC_ASSERT(again_count == count);
        TC_ASSERT(rpc__batch_decode(tc_buf_slice(&again), frames + count, count) == TC_OK);
        compare(frames, frames + count, count);
    }
    tc_buf_deinit(&again);
    free(frames);
    return 0;
}
