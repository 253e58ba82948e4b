#include "engine/store/aux.h"

#include "core/index/index.h"
#include "core/index/index_aux.h"
#include "engine/store/expire.h"

bool store__aux_is_global(const struct replica *r) {
    return r->schema && r->schema->kind == INDEX_GLOBAL;
}

static bool counts(bool global, struct tc_slice key, struct tc_slice value) {
    return index_key_is_auxiliary(key) || (global && index_version_is_gone(value));
}

void store__aux_add(struct store_aux *a, bool global, struct tc_slice key, struct tc_slice value) {
    if (!counts(global, key, value))
        return;
    a->count++;
    a->bytes += key.len + value.len;
    a->outbox_count += index_key_kind(key) == INDEX_KIND_OUTBOX;
}

static void remove_row(struct store_aux *a, struct tc_slice key, size_t value_bytes) {
    a->count--;
    a->bytes -= key.len + value_bytes;
    a->outbox_count -= index_key_kind(key) == INDEX_KIND_OUTBOX;
}

static void note_expiry(struct replica *r, const struct entry_mutation *m) {
    struct tc_slice key;
    uint64_t seconds = 0;
    if (m->op == ENTRY_PUT && index_key_kind(m->key) == INDEX_KIND_EXPIRY &&
        index_expiry_key_decode(m->key, &seconds, &key) == TC_OK)
        store__expire_note(r, seconds);
}

tc_err store__aux_apply(struct replica *r, const struct entry_mutation *m) {
    const bool global = store__aux_is_global(r);
    struct tc_slice before = TC_SLICE_EMPTY;
    tc_err err = TC_OK;
    if (global || index_key_is_auxiliary(m->key))
        err = btree_get(r->tree, m->key, &before);
    if (err != TC_OK && err != TC_ENOTFOUND)
        return err;
    const bool counted = before.len > 0 && counts(global, m->key, before);
    const size_t before_bytes = before.len;
    if (m->op == ENTRY_PUT)
        err = btree_put(r->tree, m->key, m->item);
    else
        err = btree_delete(r->tree, m->key);
    if (err != TC_OK && err != TC_ENOTFOUND)
        return err;
    if (counted)
        remove_row(&r->aux, m->key, before_bytes);
    if (m->op == ENTRY_PUT)
        store__aux_add(&r->aux, global, m->key, m->item);
    note_expiry(r, m);
    return TC_OK;
}
