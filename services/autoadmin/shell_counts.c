#include "shell_counts.h"

#include "base/assert.h"
#include "catalog/order.h"
#include "env/posix/posix.h"
#include "proto/bytes.h"

#include <stdlib.h>

enum {
    INDEXES_MAX = 32
};

struct written {
    uint64_t table_id;
    uint64_t version; /* of the record; 0: there is none */
    Tercet__Pb__TableCount count;
    Tercet__Pb__IndexCount indexes[INDEXES_MAX];
    Tercet__Pb__IndexCount *list[INDEXES_MAX];
    bool seen; /* its table is on record */
};

/* ---- what was written, in memory ---- */

static struct written *entry(struct shell_counts *k, uint64_t table_id) {
    struct written *w = tc_map_get(&k->written, tc_map_u64_key(&table_id));
    if (w)
        return w;
    w = calloc(1, sizeof *w);
    TC_ASSERT(w != NULL);
    w->table_id = table_id;
    tercet__pb__table_count__init(&w->count);
    tc_map_put(&k->written, tc_map_u64_key(&table_id), w);
    return w;
}

static void adopt(struct written *w, const Tercet__Pb__TableCount *m) {
    w->count = *m;
    w->count.n_indexes = m->n_indexes < INDEXES_MAX ? m->n_indexes : INDEXES_MAX;
    for (size_t i = 0; i < w->count.n_indexes; i++) {
        w->indexes[i] = *m->indexes[i];
        w->list[i] = &w->indexes[i];
    }
    w->count.indexes = w->list;
}

static void forget_all(struct shell_counts *k) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&k->written, &at, &key, &value))
        free(value);
    tc_map_deinit(&k->written);
    k->written = (struct tc_map){0};
    k->loaded = false;
}

void shell_counts_deinit(struct shell_counts *k) {
    forget_all(k);
}

/* A record that cannot be read is written anew. */
static tc_err load(struct shell_counts *k, struct catalog *c) {
    struct tc_arena arena = {0};
    struct catalog_records records = {0};
    if (k->loaded)
        return TC_OK;
    tc_arena_init(&arena, SHELL_ARENA_BYTES_MAX);
    tc_err err = catalog_read(c, SYSTEM_KIND_COUNT, &arena, &records);
    for (size_t i = 0; err == TC_OK && i < records.count; i++) {
        const struct system_record *r = &records.at[i];
        char text[24] = "";
        if (r->name.len < sizeof text)
            memcpy(text, r->name.data, r->name.len);
        struct written *w = entry(k, strtoull(text, NULL, 10));
        w->version = r->version;
        Tercet__Pb__TableCount *m =
            tercet__pb__table_count__unpack(NULL, r->data.len, r->data.data);
        if (m == NULL)
            continue;
        adopt(w, m);
        tercet__pb__table_count__free_unpacked(m, NULL);
    }
    tc_arena_deinit(&arena);
    k->loaded = err == TC_OK;
    return err;
}

/* ---- what the view shows ---- */

static const Tercet__Pb__ReplicaInfo *leader_of(const struct shell_view *v, uint64_t gid) {
    for (uint32_t i = 0; i < v->snapshot.group_count; i++)
        if (v->snapshot.groups[i].gid == gid)
            return v->leaders[i];
    return NULL;
}

struct sum {
    uint64_t items, bytes, schema_version;
};

/* False: a group does not answer now; the sum would be short of it. */
static bool add_up(const struct shell_view *v, const uint64_t *gids, size_t count,
                   struct sum *ret_sum) {
    *ret_sum = (struct sum){.schema_version = UINT64_MAX};
    for (size_t i = 0; i < count; i++) {
        const Tercet__Pb__ReplicaInfo *r = leader_of(v, gids[i]);
        if (r == NULL)
            return false;
        ret_sum->items += r->item_count;
        ret_sum->bytes += r->item_bytes;
        if (r->schema_version < ret_sum->schema_version)
            ret_sum->schema_version = r->schema_version;
    }
    return count > 0;
}

/* Rows of a local index stand in the groups of its table. */
static bool add_local(const struct shell_view *v, const Tercet__Pb__TableDescriptor *d, uint32_t id,
                      struct sum *ret_sum) {
    *ret_sum = (struct sum){0};
    for (size_t i = 0; i < d->n_gids; i++) {
        const Tercet__Pb__ReplicaInfo *r = leader_of(v, d->gids[i]);
        if (r == NULL)
            return false;
        for (size_t k = 0; k < r->n_locals; k++)
            if (r->locals[k]->id == id) {
                ret_sum->items += r->locals[k]->items;
                ret_sum->bytes += r->locals[k]->bytes;
            }
    }
    return true;
}

static bool look(const struct shell_view *v, const Tercet__Pb__TableDescriptor *d,
                 struct written *ret_seen) {
    struct sum sum;
    *ret_seen = (struct written){.table_id = d->table_id};
    tercet__pb__table_count__init(&ret_seen->count);
    if (!add_up(v, d->gids, d->n_gids, &sum))
        return false;
    ret_seen->count.items = sum.items;
    ret_seen->count.bytes = sum.bytes;
    ret_seen->count.schema_version = sum.schema_version;
    for (size_t i = 0; i < d->n_indexes && ret_seen->count.n_indexes < INDEXES_MAX; i++) {
        const Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        if (!(x->global ? add_up(v, x->gids, x->n_gids, &sum) : add_local(v, d, x->id, &sum)))
            continue;
        size_t at = ret_seen->count.n_indexes++;
        tercet__pb__index_count__init(&ret_seen->indexes[at]);
        ret_seen->indexes[at].id = x->id;
        ret_seen->indexes[at].items = sum.items;
        ret_seen->indexes[at].bytes = sum.bytes;
        ret_seen->list[at] = &ret_seen->indexes[at];
    }
    ret_seen->count.indexes = ret_seen->list;
    return true;
}

static bool same_counts(const Tercet__Pb__TableCount *a, const Tercet__Pb__TableCount *b) {
    bool same = a->items == b->items && a->bytes == b->bytes && a->n_indexes == b->n_indexes;
    for (size_t i = 0; same && i < a->n_indexes; i++)
        same = a->indexes[i]->id == b->indexes[i]->id &&
               a->indexes[i]->items == b->indexes[i]->items &&
               a->indexes[i]->bytes == b->indexes[i]->bytes;
    return same;
}

/* ---- writing ---- */

static tc_err write_count(struct catalog *c, struct written *w, struct written *seen) {
    char name[24];
    struct tc_buf data = {0};
    catalog_order_name(w->table_id, name);
    seen->count.counted_ms = posix_wall_ms();
    seen->count.indexes = seen->list;
    proto_append(&data, &seen->count.base);
    struct system_record r = {TC_SLICE_LIT(SYSTEM_KIND_COUNT), tc_slice_str(name), w->version + 1,
                              tc_buf_slice(&data)};
    tc_err err = catalog_write(c, &r, w->version);
    tc_buf_deinit(&data);
    if (err != TC_OK)
        return err;
    w->version++;
    adopt(w, &seen->count);
    return TC_OK;
}

/* The records of tables that are gone. */
static tc_err drop_unseen(struct shell_counts *k, struct catalog *c) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    tc_err err = TC_OK;
    while (err == TC_OK && tc_map_next(&k->written, &at, &key, &value)) {
        struct written *w = value;
        char name[24];
        if (w->seen || w->version == 0)
            continue;
        catalog_order_name(w->table_id, name);
        err = catalog_delete(c, SYSTEM_KIND_COUNT, tc_slice_str(name), w->version);
        if (err == TC_OK)
            w->version = 0;
    }
    return err;
}

static void mark_unseen(struct shell_counts *k) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&k->written, &at, &key, &value))
        ((struct written *)value)->seen = false;
}

static tc_err publish(struct shell_counts *k, struct catalog *c, const struct shell_view *v,
                      bool due, bool *ret_all) {
    unsigned writes = 0;
    *ret_all = true;
    mark_unseen(k);
    for (size_t i = 0; i < v->table_records.count; i++) {
        const Tercet__Pb__TableDescriptor *d = v->descriptors[i];
        struct written seen, *w = d->table_id ? entry(k, d->table_id) : NULL;
        if (w == NULL)
            continue;
        w->seen = true;
        if (d->status == TERCET__PB__TABLE_STATUS__TABLE_DELETING || !look(v, d, &seen))
            continue;
        bool schema = seen.count.schema_version != w->count.schema_version;
        if (!schema && (!due || same_counts(&seen.count, &w->count)))
            continue;
        if (writes++ == SHELL_COUNTS_WRITES_MAX) {
            *ret_all = false;
            continue;
        }
        TC_TRY(write_count(c, w, &seen));
    }
    return drop_unseen(k, c);
}

tc_err shell_counts_publish(struct shell_counts *k, struct catalog *c, const struct shell_view *v,
                            uint64_t now_ns) {
    bool all = true;
    bool due = k->written_ns == 0 || now_ns - k->written_ns >= SHELL_COUNTS_MS * UINT64_C(1000000);
    TC_TRY(load(k, c));
    tc_err err = publish(k, c, v, due, &all);
    if (err == TC_ESTALE)
        forget_all(k); /* somebody else wrote: read them anew */
    if (err == TC_OK && due && all)
        k->written_ns = now_ns;
    return err == TC_ESTALE ? TC_OK : err;
}
