/* Records of the system tables as the plan reads them. */
#include "schema/schema.h"
#include "shell_observe_private.h"

#include <stdlib.h>

static uint64_t most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static struct plan_index index_of(const Tercet__Pb__IndexDescriptor *x) {
    return (struct plan_index){.id = x->id,
                               .global = x->global,
                               .table_id = x->table_id,
                               .status = (enum plan_status)x->status,
                               .backfilling = x->backfilling,
                               .rcu = most(x->rcu, x->warm_read_units),
                               .wcu = most(x->wcu, x->warm_write_units),
                               .gids = x->gids,
                               .gid_count = (uint32_t)x->n_gids};
}

/* A record that is beyond what a schema can say asks for none: its groups stay as they are. */
static struct tc_slice schema_of(struct shell_view *v, const Tercet__Pb__TableDescriptor *d) {
    struct tc_buf bytes = {0};
    if (schema_append_table(d, &bytes) != TC_OK)
        tc_buf_clear(&bytes);
    uint8_t *copy = shell_view_alloc(v, bytes.len, 1);
    struct tc_slice schema = tc_slice(copy, bytes.len);
    if (bytes.len)
        memcpy(copy, bytes.data, bytes.len);
    tc_buf_deinit(&bytes);
    return schema;
}

static struct plan_table table_of(struct shell_view *v, struct tc_slice name,
                                  const Tercet__Pb__TableDescriptor *d) {
    struct plan_index *indexes = NULL;
    if (d->n_indexes)
        indexes = shell_view_alloc(v, d->n_indexes, sizeof *indexes);
    for (size_t i = 0; i < d->n_indexes; i++)
        indexes[i] = index_of(d->indexes[i]);
    return (struct plan_table){.name = name,
                               .table_id = d->table_id,
                               .status = (enum plan_status)d->status,
                               .on_demand =
                                   d->billing == TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND,
                               .rcu = d->rcu,
                               .wcu = d->wcu,
                               .partitions_wanted = d->partitions_wanted,
                               .gids = d->gids,
                               .gid_count = (uint32_t)d->n_gids,
                               .indexes = indexes,
                               .index_count = (uint32_t)d->n_indexes,
                               .schema = schema_of(v, d),
                               .schema_version = d->schema_version};
}

bool shell_view_unpack_tables(struct shell_view *v) {
    size_t count = v->table_records.count;
    v->descriptors = shell_view_alloc(v, count, sizeof(void *));
    struct plan_table *tables = shell_view_alloc(v, count, sizeof *tables);
    for (size_t i = 0; i < count; i++) {
        const struct system_record *r = &v->table_records.at[i];
        Tercet__Pb__TableDescriptor *d =
            tercet__pb__table_descriptor__unpack(NULL, r->data.len, r->data.data);
        if (d == NULL)
            return false;
        v->descriptors[i] = d;
        tables[i] = table_of(v, r->name, d);
    }
    v->snapshot.tables = tables;
    v->snapshot.table_count = (uint32_t)count;
    return true;
}

/* The first eight bytes of a storage key, big-endian. */
static uint64_t hash_of(ProtobufCBinaryData key) {
    uint64_t hash = 0;
    for (size_t i = 0; i < 8; i++)
        hash = hash << 8 | (i < key.len ? key.data[i] : 0);
    return hash;
}

static void add_range(const Tercet__Pb__Partition *p, struct plan_partition *out) {
    out->first_hash = hash_of(p->start);
    out->last_hash = p->end.len == 0 ? UINT64_MAX : hash_of(p->end);
    /* A key of eight bytes is where its hash begins. */
    if (p->end.len > 0 && p->end.len <= 8 && out->last_hash > 0)
        out->last_hash--;
}

bool shell_view_unpack_partitions(struct shell_view *v) {
    size_t count = v->partition_records.count;
    v->partitions = shell_view_alloc(v, count, sizeof(void *));
    struct plan_partition *plans = shell_view_alloc(v, count, sizeof *plans);
    for (size_t i = 0; i < count; i++) {
        const struct system_record *r = &v->partition_records.at[i];
        Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, r->data.len, r->data.data);
        if (p == NULL)
            return false;
        v->partitions[i] = p;
        plans[i] =
            (struct plan_partition){.gid = p->gid, .table_id = p->table_id, .epoch = p->epoch};
        add_range(p, &plans[i]);
        for (size_t m = 0; m < p->n_members && m < PLAN_REPLICAS_PER_GROUP; m++) {
            plans[i].nodes[m] = tc_slice_str(p->members[m]->node);
            plans[i].rids[m] = p->members[m]->rid;
        }
    }
    v->snapshot.partitions = plans;
    v->snapshot.partition_count = (uint32_t)count;
    return true;
}

/* An order that cannot be read is one between no nodes: it is dropped. */
void shell_view_add_orders(struct shell_view *v) {
    struct plan_order *orders = shell_view_alloc(v, v->order_records.count, sizeof *orders);
    for (size_t i = 0; i < v->order_records.count; i++) {
        const struct system_record *r = &v->order_records.at[i];
        Tercet__Pb__MoveOrder *o = tercet__pb__move_order__unpack(NULL, r->data.len, r->data.data);
        orders[i] = (struct plan_order){.from = PLAN_NODE_NONE, .to = PLAN_NODE_NONE};
        if (o == NULL)
            continue;
        orders[i] =
            (struct plan_order){o->gid, shell_view_node(v, o->from), shell_view_node(v, o->to)};
        tercet__pb__move_order__free_unpacked(o, NULL);
    }
    v->snapshot.orders = orders;
    v->snapshot.order_count = (uint32_t)v->order_records.count;
}

/* The name is the id in digits; a name that is none is id 0, which no table has. */
void shell_view_add_dropped(struct shell_view *v) {
    uint64_t *ids = shell_view_alloc(v, v->dropped_records.count, sizeof *ids);
    for (size_t i = 0; i < v->dropped_records.count; i++) {
        char text[24] = "";
        struct tc_slice name = v->dropped_records.at[i].name;
        if (name.len < sizeof text)
            memcpy(text, name.data, name.len);
        ids[i] = strtoull(text, NULL, 10);
    }
    v->snapshot.dropped_ids = ids;
    v->snapshot.dropped_count = (uint32_t)v->dropped_records.count;
}
