#include "engine/store/aux.h"

#include "core/index/index.h"
#include "core/index/index_aux.h"
#include "engine/store/expire.h"

_Static_assert((int)STORE_AUX_LOCALS_MAX == (int)INDEX_LOCAL_MAX, "every local index has a count");

bool store__aux_is_global(const struct replica *r) {
    return r->schema && r->schema->kind == INDEX_GLOBAL;
}

static bool counts(bool global, struct tc_slice key, struct tc_slice value) {
    return index_key_is_auxiliary(key) || (global && index_version_is_gone(value));
}

/* NULL: not a row of a local index, or of one too many. */
static struct store_aux_local *local_of(struct store_aux *a, struct tc_slice key) {
    size_t head_bytes = 0;
    uint8_t id = 0;
    if (index_key_kind(key) != INDEX_KIND_LOCAL ||
        index_local_key_decode(key, &head_bytes, &id) != TC_OK)
        return NULL;
    for (size_t i = 0; i < a->local_count; i++)
        if (a->locals[i].id == id)
            return &a->locals[i];
    if (a->local_count == STORE_AUX_LOCALS_MAX)
        return NULL;
    a->locals[a->local_count] = (struct store_aux_local){.id = id};
    return &a->locals[a->local_count++];
}

static void count_local(struct store_aux *a, struct tc_slice key, size_t value_bytes) {
    struct store_aux_local *l = local_of(a, key);
    if (l == NULL)
        return;
    l->count++;
    l->bytes += key.len + value_bytes;
}

void store__aux_add(struct store_aux *a, bool global, struct tc_slice key, struct tc_slice value) {
    if (!counts(global, key, value))
        return;
    a->count++;
    a->bytes += key.len + value.len;
    a->outbox_count += index_key_kind(key) == INDEX_KIND_OUTBOX;
    count_local(a, key, value.len);
}

static void remove_row(struct store_aux *a, struct tc_slice key, size_t value_bytes) {
    a->count--;
    a->bytes -= key.len + value_bytes;
    a->outbox_count -= index_key_kind(key) == INDEX_KIND_OUTBOX;
    struct store_aux_local *l = local_of(a, key);
    if (l == NULL)
        return;
    l->count--;
    l->bytes -= key.len + value_bytes;
}

tc_err store__aux_recount(struct replica *r) {
    struct btree_cursor c;
    struct tc_slice value;
    r->aux.uncounted = false;
    if (r->schema == NULL || !index_schema_has_local(r->schema))
        return TC_OK;
    btree_cursor_init(&c, r->tree);
    tc_err err = btree_cursor_seek(&c, BTREE_GE, TC_SLICE_EMPTY);
    for (; err == TC_OK; err = err == TC_OK ? btree_cursor_next(&c) : err) {
        if (index_key_kind(tc_buf_slice(&c.key)) != INDEX_KIND_LOCAL)
            continue;
        err = btree_cursor_value(&c, &value);
        if (err == TC_OK)
            count_local(&r->aux, tc_buf_slice(&c.key), value.len);
    }
    btree_cursor_deinit(&c);
    return err == TC_EEND ? TC_OK : err;
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
