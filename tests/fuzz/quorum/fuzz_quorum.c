/* Whatever quorum_decode accepts is valid and encodes again to the same bytes. */
#include "base/assert.h"
#include "core/quorum/quorum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct quorum_config c;
    if (quorum_decode(tc_slice(data, size), &c) != TC_OK)
        return 0;
    struct tc_buf out = {0};
    quorum_encode(&c, &out);
    TC_ASSERT(tc_slice_eq(tc_buf_slice(&out), tc_slice(data, size)));
    tc_buf_deinit(&out);
    return 0;
}
