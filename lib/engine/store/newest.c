#include "engine/store/newest.h"

#include "engine/store/replica.h"

tc_err store__newest_applied(struct replica *r, struct tc_slice key, struct tc_slice *ret_value) {
    tc_err err = btree_get(r->tree, key, ret_value);
    if (err == TC_ENOTFOUND) {
        *ret_value = TC_SLICE_EMPTY;
        return TC_OK;
    }
    if (err == TC_ECORRUPT)
        store__replica_damaged(r, "a B-tree page failed its check");
    else if (err == TC_EIO)
        store__replica_damaged(r, "a B-tree page cannot be read");
    return err;
}

tc_err store__newest(struct replica *r, struct tc_slice key, struct tc_slice *ret_value,
                     uint64_t *ret_index) {
    struct store_overlay_hit hit;
    if (!store_overlay_get(&r->overlay, key, &hit))
        return store__newest_applied(r, key, ret_value);
    if (hit.index > *ret_index)
        *ret_index = hit.index;
    *ret_value = hit.item;
    return TC_OK;
}
