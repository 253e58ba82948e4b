/* Whatever paxos_conf_decode accepts encodes again to the same bytes. */
#include "base/assert.h"
#include "core/paxos/paxos.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct quorum_config c;
    struct tc_slice driver;
    if (paxos_conf_decode(tc_slice(data, size), &c, &driver) != TC_OK)
        return 0;
    struct tc_buf out = {0};
    paxos_conf_encode(&c, driver, &out);
    TC_ASSERT(tc_slice_eq(tc_buf_slice(&out), tc_slice(data, size)));
    tc_buf_deinit(&out);
    return 0;
}
