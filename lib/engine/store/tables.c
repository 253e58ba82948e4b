#include "engine/store/tables.h"

#include "core/item/item.h"
#include "core/key/key.h"
#include "engine/store/group.h"
#include "engine/system/system.h"

#include "proto/table.pb-c.h"

#include <stdio.h>

static bool is_table_key(struct tc_slice key) {
    struct tc_buf start = {0}, end = {0};
    system_kind_range(SYSTEM_KIND_TABLE, &start, &end);
    bool inside = key_in_range(key, tc_buf_slice(&start), tc_buf_slice(&end));
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
    return inside;
}

static void push_record(struct store *s, struct tc_slice item, bool deleted) {
    struct system_record record;
    char name[SYSTEM_NAME_BYTES_MAX + 1];
    if (item_check(item) != TC_OK || system_decode(item, &record) != TC_OK)
        return; /* not written by autoadmin: nothing that memds could use */
    Tercet__Pb__TableDescriptor *d =
        tercet__pb__table_descriptor__unpack(NULL, record.data.len, record.data.data);
    if (d == NULL)
        return;
    (void)snprintf(name, sizeof name, "%.*s", TC_SLICE_ARGS(record.name));
    Tercet__Pb__TableRecord table = TERCET__PB__TABLE_RECORD__INIT;
    table.name = name;
    table.table_id = d->table_id;
    table.version = record.version + (deleted ? 1 : 0);
    table.deleted = deleted;
    if (!deleted)
        table.descriptor = (ProtobufCBinaryData){.len = record.data.len,
                                                 .data = (uint8_t *)(uintptr_t)record.data.data};
    Tercet__Pb__TableRecord *tables[1] = {&table};
    Tercet__Pb__PushRequest push = TERCET__PB__PUSH_REQUEST__INIT;
    push.tables = tables;
    push.n_tables = 1;
    store__push(s, &push);
    tercet__pb__table_descriptor__free_unpacked(d, NULL);
}

void store__tables_changing(struct replica *r, const struct entry_mutation *m) {
    if (!store__group_leads(r) || !is_table_key(m->key))
        return;
    struct tc_slice old;
    if (m->op == ENTRY_PUT)
        push_record(r->store, m->item, /* deleted= */ false);
    else if (btree_get(r->tree, m->key, &old) == TC_OK)
        push_record(r->store, old, /* deleted= */ true);
}

void store__tables_push(struct replica *r, size_t count) {
    if (r == NULL || !store__group_leads(r))
        return;
    struct tc_buf *at = &r->store->tables_at;
    struct tc_buf start = {0}, end = {0};
    struct btree_cursor c;
    system_kind_range(SYSTEM_KIND_TABLE, &start, &end);
    btree_cursor_init(&c, r->tree);
    tc_err err = at->len ? btree_cursor_seek(&c, BTREE_GT, tc_buf_slice(at))
                         : btree_cursor_seek(&c, BTREE_GE, tc_buf_slice(&start));
    tc_buf_clear(at);
    while (err == TC_OK &&
           key_in_range(tc_buf_slice(&c.key), tc_buf_slice(&start), tc_buf_slice(&end))) {
        struct tc_slice item;
        if (btree_cursor_value(&c, &item) == TC_OK)
            push_record(r->store, item, /* deleted= */ false);
        if (--count == 0) {
            tc_buf_append_slice(at, tc_buf_slice(&c.key));
            break;
        }
        err = btree_cursor_next(&c);
    }
    btree_cursor_deinit(&c);
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
}
