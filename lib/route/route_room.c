/* What leaves the cache: partitions of tables that are no more, and, beyond the bound, of tables
 * that were not used of late. */
#include "route/route_private.h"

#include <stdlib.h>

void route__partitions_free(struct route__partitions *list) {
    for (size_t i = 0; i < list->count; i++)
        route__partition_unref(list->at[i]);
    free(list->at);
    free(list);
}

void route__partitions_drop(struct route *r, uint64_t table_id) {
    struct route__partitions *list = tc_map_del(&r->partitions, tc_map_u64_key(&table_id));
    if (list == NULL)
        return;
    r->partition_count -= list->count;
    route__partitions_free(list);
}

static bool has_table_id(const Tercet__Pb__TableDescriptor *d, uint64_t table_id) {
    if (d == NULL)
        return false;
    bool has = d->table_id == table_id;
    for (size_t i = 0; i < d->n_indexes; i++)
        has |= d->indexes[i]->table_id == table_id;
    return has;
}

void route__partitions_follow(struct route *r, const Tercet__Pb__TableDescriptor *old,
                              const Tercet__Pb__TableDescriptor *now) {
    if (!has_table_id(now, old->table_id))
        route__partitions_drop(r, old->table_id);
    for (size_t i = 0; i < old->n_indexes; i++)
        if (!has_table_id(now, old->indexes[i]->table_id))
            route__partitions_drop(r, old->indexes[i]->table_id);
}

/* One walk over the tables, until `most` are left: those that were not used since the last walk
 * go, the others are marked as not used. */
static void walk(struct route *r, uint64_t table_id, size_t most) {
    struct tc_slice key;
    size_t at = 0;
    void *value;
    while (r->partition_count > most && tc_map_next(&r->partitions, &at, &key, &value)) {
        struct route__partitions *list = value;
        uint64_t id;
        memcpy(&id, key.data, sizeof id);
        if (id == table_id || id == SYSTEM_TABLE_ID)
            continue;
        if (list->used)
            list->used = false;
        else
            route__partitions_drop(r, id);
    }
}

void route__partitions_make_room(struct route *r, uint64_t table_id) {
    size_t max = r->config.partitions_max ? r->config.partitions_max : ROUTE_PARTITIONS_MAX;
    if (r->partition_count <= max)
        return;
    walk(r, table_id, max - max / 4);
    walk(r, table_id, max - max / 4); /* all were used: some go all the same */
}
