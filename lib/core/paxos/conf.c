/* The body of a CONF entry: a configuration and what the driver keeps beside it. */
#include "base/assert.h"
#include "base/reader.h"
#include "core/paxos/paxos.h"

void paxos_conf_encode(const struct quorum_config *c, struct tc_slice driver, struct tc_buf *out) {
    struct tc_buf config = {0};
    quorum_encode(c, &config);
    TC_ASSERT(config.len <= UINT16_MAX);
    tc_buf_append_u16(out, (uint16_t)config.len);
    tc_buf_append_slice(out, tc_buf_slice(&config));
    tc_buf_append_slice(out, driver);
    tc_buf_deinit(&config);
}

tc_err paxos_conf_decode(struct tc_slice body, struct quorum_config *ret_config,
                         struct tc_slice *ret_driver) {
    struct tc_reader r = tc_reader(body);
    uint16_t len = tc_reader_u16(&r);
    struct tc_slice config = tc_reader_bytes(&r, len);
    if (!tc_reader_ok(&r))
        return TC_ECORRUPT;
    TC_TRY(quorum_decode(config, ret_config));
    if (ret_driver)
        *ret_driver = r.rest;
    return TC_OK;
}
