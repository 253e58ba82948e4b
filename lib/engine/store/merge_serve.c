/* The control that asks for a merge. */
#include "engine/store/store.h"

tc_err store_seal(struct store *s, const Tercet__Pb__SealRequest *req, struct tc_buf *out) {
    (void)s, (void)req, (void)out;
    return TC_EUNSUPPORTED;
}

tc_err store_merge(struct store *s, const Tercet__Pb__MergeRequest *req, struct tc_buf *out) {
    (void)s, (void)req, (void)out;
    return TC_EUNSUPPORTED;
}
