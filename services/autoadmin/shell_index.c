/* Tables, their indexes and schemas on record: from being made to being gone. */
#include "base/assert.h"
#include "shell_execute_private.h"

static const Tercet__Pb__TableStatus ACTIVE = TERCET__PB__TABLE_STATUS__TABLE_ACTIVE;

tc_err shell_table_copy(const struct shell_view *v, size_t table, struct shell_table *ret_table) {
    const Tercet__Pb__TableDescriptor *d = v->descriptors[table];
    if (d->n_indexes > INDEX_DEFS_MAX)
        return TC_ECORRUPT;
    *ret_table = (struct shell_table){.record = &v->table_records.at[table], .d = *d};
    for (size_t i = 0; i < d->n_indexes; i++) {
        ret_table->indexes[i] = *d->indexes[i];
        ret_table->list[i] = &ret_table->indexes[i];
    }
    ret_table->d.indexes = ret_table->list;
    return TC_OK;
}

tc_err shell_table_write(struct catalog *system, struct shell_table *t) {
    t->d.version = t->record->version + 1;
    return shell_write_record(system, SYSTEM_KIND_TABLE, t->record->name, t->d.version,
                              t->record->version, &t->d.base);
}

/* A table that waited for its indexes only is ACTIVE with the last of them. */
static void settle(struct shell_table *t) {
    bool all = t->d.status == TERCET__PB__TABLE_STATUS__TABLE_UPDATING;
    for (size_t i = 0; i < t->d.n_indexes; i++)
        all = all && t->indexes[i].status == ACTIVE;
    if (all)
        t->d.status = ACTIVE;
}

tc_err shell_set_active(struct catalog *system, const struct shell_view *v,
                        const struct plan_action *a) {
    struct shell_table t;
    TC_TRY(shell_table_copy(v, a->table_index, &t));
    t.d.status = ACTIVE;
    for (size_t i = 0; i < t.d.n_indexes; i++)
        t.indexes[i].status = ACTIVE;
    return shell_table_write(system, &t);
}

tc_err shell_backfill(struct catalog *system, const struct shell_view *v,
                      const struct plan_action *a) {
    struct shell_table t;
    TC_TRY(shell_table_copy(v, a->table_index, &t));
    t.indexes[a->index_index].backfilling = true;
    t.d.schema_version++;
    return shell_table_write(system, &t);
}

tc_err shell_index_active(struct catalog *system, const struct shell_view *v,
                          const struct plan_action *a) {
    struct shell_table t;
    TC_TRY(shell_table_copy(v, a->table_index, &t));
    t.indexes[a->index_index].status = ACTIVE;
    t.indexes[a->index_index].backfilling = false;
    settle(&t);
    return shell_table_write(system, &t);
}

/* Above every version that a group of the table has. */
tc_err shell_raise_schema(struct catalog *system, const struct shell_view *v,
                          const struct plan_action *a) {
    struct shell_table t;
    TC_TRY(shell_table_copy(v, a->table_index, &t));
    for (uint32_t i = 0; i < v->snapshot.group_count; i++) {
        const struct plan_group *g = &v->snapshot.groups[i];
        if (g->table_id == t.d.table_id && g->schema_version > t.d.schema_version)
            t.d.schema_version = g->schema_version;
    }
    t.d.schema_version++;
    return shell_table_write(system, &t);
}

tc_err shell_set_schema(struct catalog *system, const struct shell_view *v,
                        const struct plan_action *a) {
    Tercet__Pb__SetSchemaRequest request = TERCET__PB__SET_SCHEMA_REQUEST__INIT;
    struct tc_slice schema = v->snapshot.tables[a->table_index].schema;
    request.gid = a->gid;
    request.schema = (ProtobufCBinaryData){schema.len, (uint8_t *)(uintptr_t)schema.data};
    return shell_control(system, a->leader_node, "/tercet.Storage/SetSchema", &request.base);
}

/* ---- what goes */

/* Repeated after a crash the record is there already. */
static tc_err remember_dropped(struct catalog *system, uint64_t table_id) {
    char name[24];
    tc_err err =
        shell_write_record(system, SYSTEM_KIND_DROPPED, shell_gid_name(table_id, name), 1, 0, NULL);
    return err == TC_ESTALE ? TC_OK : err;
}

tc_err shell_forget_dropped(struct catalog *system, const struct shell_view *v,
                            const struct plan_action *a) {
    const struct system_record *r = &v->dropped_records.at[a->dropped_index];
    return catalog_delete(system, SYSTEM_KIND_DROPPED, r->name, r->version);
}

/* The placement records of a table or an index; its id is kept if a node may return with replicas.
 */
static tc_err forget_partitions(struct catalog *system, const struct shell_view *v,
                                uint64_t table_id, bool node_silent) {
    if (table_id == 0)
        return TC_OK;
    if (node_silent)
        TC_TRY(remember_dropped(system, table_id));
    for (size_t i = 0; i < v->partition_records.count; i++)
        if (v->partitions[i]->table_id == table_id) {
            const struct system_record *p = &v->partition_records.at[i];
            tc_err err = catalog_delete(system, SYSTEM_KIND_PARTITION, p->name, p->version);
            if (err != TC_OK && err != TC_ESTALE) /* stale: deleted by a round before */
                return err;
        }
    return TC_OK;
}

tc_err shell_drop_table(struct catalog *system, const struct shell_view *v,
                        const struct plan_action *a) {
    const struct system_record *record = &v->table_records.at[a->table_index];
    const Tercet__Pb__TableDescriptor *d = v->descriptors[a->table_index];
    TC_TRY(forget_partitions(system, v, d->table_id, a->node_silent));
    for (size_t i = 0; i < d->n_indexes; i++)
        TC_TRY(forget_partitions(system, v, d->indexes[i]->table_id, a->node_silent));
    return catalog_delete(system, SYSTEM_KIND_TABLE, record->name, record->version);
}

tc_err shell_drop_index(struct catalog *system, const struct shell_view *v,
                        const struct plan_action *a) {
    struct shell_table t;
    TC_TRY(shell_table_copy(v, a->table_index, &t));
    size_t at = a->index_index;
    TC_TRY(forget_partitions(system, v, t.indexes[at].table_id, a->node_silent));
    for (size_t i = at + 1; i < t.d.n_indexes; i++)
        t.indexes[i - 1] = t.indexes[i]; /* the list goes on pointing at each in turn */
    t.d.n_indexes--;
    settle(&t);
    return shell_table_write(system, &t);
}
