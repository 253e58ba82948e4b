#include "engine/store/derive.h"

#include "base/mutant.h"
#include "core/index/index_aux.h"
#include "core/key/key.h"
#include "engine/store/newest.h"
#include "engine/store/outbox.h"

static tc_err read_collection(struct replica *r, struct tc_slice key, struct store_derivation *d) {
    struct tc_buf at = {0};
    struct tc_slice value = TC_SLICE_EMPTY;
    index_collection_key(key, &at);
    tc_err err = TC_MUTANT(82) ? store__newest_applied(r, tc_buf_slice(&at), &value)
                               : store__newest(r, tc_buf_slice(&at), &value, &d->seen_index);
    if (err == TC_OK && value.len > 0)
        err = index_collection_decode(value, &d->write.collection_bytes);
    tc_buf_deinit(&at);
    return err;
}

static tc_err read_outbox(struct replica *r, struct tc_slice key, struct store_derivation *d) {
    struct tc_buf at = {0};
    struct tc_slice value = TC_SLICE_EMPTY;
    index_outbox_key(key, &at);
    tc_err err = store__newest(r, tc_buf_slice(&at), &value, &d->seen_index);
    if (err == TC_OK && value.len > 0) {
        d->write.outbox = tc_arena_dup(&r->store->scratch, value);
        err = d->write.outbox.data ? TC_OK : TC_ENOMEM;
    }
    d->write.outbox_full = store__outbox_full(r);
    tc_buf_deinit(&at);
    return err;
}

tc_err store__derive_read(struct replica *r, struct tc_slice key, struct store_derivation **ret) {
    *ret = NULL;
    TC_TRY(key_check(key, NULL) == TC_OK ? TC_OK : TC_EINVAL);
    if (r->schema->def_count == 0 && r->schema->ttl.len == 0)
        return TC_OK;
    struct store_derivation *d = tc_arena_calloc(&r->store->scratch, 1, sizeof *d);
    if (d == NULL)
        return TC_ENOMEM;
    d->write.key = key;
    d->write.collection_bytes_max = r->store->options.collection_bytes_max;
    if (index_schema_has_local(r->schema))
        TC_TRY(read_collection(r, key, d));
    if (index_schema_has_global(r->schema))
        TC_TRY(read_outbox(r, key, d));
    *ret = d;
    return TC_OK;
}

static void say_why(const struct store_derivation *d, tc_err err, struct tc_buf *message) {
    tc_buf_clear(message);
    if (err == TC_EINVAL)
        index_fault_text(&d->derived.fault, d->write.updated, message);
    else if (err == TC_ELIMIT)
        tc_buf_append_str(message, INDEX_COLLECTION_FULL_TEXT);
}

tc_err store__derive(struct replica *r, struct store_derivation *d, bool updated,
                     struct tc_slice old_item, struct tc_slice new_item, uint64_t hlc_ns,
                     struct tc_buf *message) {
    d->write.updated = updated;
    d->write.old_item = old_item;
    d->write.new_item = new_item;
    d->write.hlc_ns = hlc_ns;
    tc_err err = index_derive(r->schema, &d->write, &r->store->scratch, &d->derived);
    if (err != TC_OK)
        say_why(d, err, message);
    return err;
}

uint64_t store__derive_local_bytes(const struct replica *r, const struct store_derivation *d) {
    uint64_t units = 0;
    for (size_t i = 0; i < d->derived.unit_count; i++) {
        const struct index_def *def = index_schema_find(r->schema, d->derived.units[i].id);
        units += def && !def->global ? d->derived.units[i].units : 0;
    }
    return units * INDEX_UNIT_BYTES;
}
