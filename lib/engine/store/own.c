#include "engine/store/own.h"

#include "engine/store/apply.h"
#include "engine/store/group.h"

tc_err store__own_write(struct replica *r, const struct entry_mutation *mutations, size_t count,
                        uint64_t hlc_ns, bool if_room, uint64_t *ret_index) {
    struct entry_write w = {.hlc_ns = hlc_ns};
    struct tc_buf bytes = {0};
    store__random_id(r->store, w.request_id);
    entry_write_encode(&w, mutations, count, &bytes);
    struct tc_blob *body = tc_blob_dup(tc_buf_slice(&bytes));
    tc_err err = if_room && !store__log_has_room(r->store) ? TC_EFULL : TC_OK;
    if (err == TC_OK)
        err = store__group_propose(r, PAXOS_WRITE, body, ret_index);
    if (err == TC_OK)
        store__apply_expect(r, *ret_index, body);
    tc_blob_unref(body);
    tc_buf_deinit(&bytes);
    return err;
}
