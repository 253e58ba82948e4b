#include "shell_observe.h"

#include "base/assert.h"
#include "schema/schema.h"
#include "shell_fan.h"
#include "shell_groups.h"

#include <stdlib.h>

static void ask_all(struct shell_view *v, const struct catalog *c) {
    struct shell_fan_answer answers[CATALOG_ADDRS_MAX] = {0};
    shell_fan(c, /* to= */ NULL, "/tercet.Storage/NodeInfo", TC_SLICE_EMPTY,
              SHELL_REPORT_DEADLINE_MS, answers);
    for (size_t i = 0; i < c->addr_count; i++) {
        if (answers[i].err == TC_OK)
            v->reports[i] = tercet__pb__node_info_reply__unpack(NULL, answers[i].payload.len,
                                                                answers[i].payload.data);
        tc_buf_deinit(&answers[i].payload);
    }
}

static void *need(void *memory) {
    TC_ASSERT(memory != NULL); /* the arena's bound is far above any legal cluster */
    return memory;
}

void *shell_view_alloc(struct shell_view *v, size_t count, size_t size) {
    return need(tc_arena_calloc(&v->arena, count ? count : 1, size));
}

static bool marked_draining(const struct shell_view *v, const char *node) {
    for (size_t i = 0; i < v->mark_records.count; i++) {
        const struct system_record *r = &v->mark_records.at[i];
        if (!tc_slice_eq(r->name, tc_slice_str(node)))
            continue;
        Tercet__Pb__NodeMark *mark = tercet__pb__node_mark__unpack(NULL, r->data.len, r->data.data);
        bool draining = mark && mark->draining;
        if (mark)
            tercet__pb__node_mark__free_unpacked(mark, NULL);
        return draining;
    }
    return false;
}

/* A silent node is who the directory's record says stood at its address. */
static void name_silent(const struct shell_view *v, const char *addr, struct plan_node *n) {
    for (size_t i = 0; v->directory && i < v->directory->n_nodes; i++) {
        const Tercet__Pb__DirectoryNode *d = v->directory->nodes[i];
        if (strcmp(d->addr, addr) != 0)
            continue;
        n->name = tc_slice_str(d->node);
        n->zone = tc_slice_str(d->zone);
        n->store = tc_slice(d->store_uuid.data, d->store_uuid.len);
        n->replica_count = d->replicas;
        n->draining = marked_draining(v, d->node);
        return;
    }
}

static struct plan_node node_of(const struct shell_view *v, const Tercet__Pb__NodeInfoReply *r,
                                const struct shell_limits *limits) {
    return (struct plan_node){.name = tc_slice_str(r->node),
                              .zone = tc_slice_str(r->zone),
                              .store = tc_slice(r->store_uuid.data, r->store_uuid.len),
                              .alive = true,
                              .draining = marked_draining(v, r->node) || r->disk_drain[0],
                              .full = r->disk_free_bytes < limits->full_bytes || r->disk_fill > 0,
                              .leads_not = r->disk_fill > 1 || r->disk_slow,
                              .replica_count = (uint32_t)r->n_replicas,
                              .uptime_ms = r->uptime_ms};
}

static int by_gid(const void *a, const void *b) {
    const struct plan_replica *x = a, *y = b;
    return (x->gid > y->gid) - (x->gid < y->gid);
}

static void add_nodes(struct shell_view *v, const struct catalog *system,
                      const struct shell_limits *limits) {
    size_t count = system->addr_count, replicas = 0;
    struct plan_node *nodes = shell_view_alloc(v, count, sizeof *nodes);
    for (size_t i = 0; i < count; i++) {
        if (v->reports[i])
            nodes[i] = node_of(v, v->reports[i], limits);
        else
            name_silent(v, system->addrs[i], &nodes[i]);
        replicas += v->reports[i] ? v->reports[i]->n_replicas : 0;
    }
    struct plan_replica *held = shell_view_alloc(v, replicas, sizeof *held);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; v->reports[i] && k < v->reports[i]->n_replicas; k++) {
            const Tercet__Pb__ReplicaInfo *r = v->reports[i]->replicas[k];
            const Tercet__Pb__Partition *p = r->partition;
            held[v->snapshot.replica_count++] =
                (struct plan_replica){.node_index = (uint32_t)i,
                                      .gid = p ? p->gid : 0,
                                      .table_id = p ? p->table_id : 0,
                                      .epoch = p ? p->epoch : 0,
                                      .leader = r->role == 2};
        }
    if (v->snapshot.replica_count)
        qsort(held, v->snapshot.replica_count, sizeof *held, by_gid);
    v->snapshot.nodes = nodes;
    v->snapshot.node_count = (uint32_t)count;
    v->snapshot.replicas = held;
    v->snapshot.pace = limits->pace;
}

static bool same_store(const struct shell_view *v, const struct catalog *system,
                       const Tercet__Pb__Member *m) {
    for (size_t i = 0; i < system->addr_count; i++) {
        const Tercet__Pb__NodeInfoReply *r = v->reports[i];
        if (r && strcmp(r->node, m->node) == 0)
            return tc_slice_eq(tc_slice(r->store_uuid.data, r->store_uuid.len),
                               tc_slice(m->store_uuid.data, m->store_uuid.len));
    }
    return false;
}

/* Group 1 as the newest report of it has it; members whose store was replaced lose their name. */
static void add_system_group(struct shell_view *v, const struct catalog *system) {
    for (size_t i = 0; i < system->addr_count; i++)
        for (size_t k = 0; v->reports[i] && k < v->reports[i]->n_replicas; k++) {
            const Tercet__Pb__Partition *p = v->reports[i]->replicas[k]->partition;
            if (p == NULL || p->gid != SYSTEM_GID)
                continue;
            struct plan_partition *g = &v->snapshot.system;
            if (g->gid != 0 && p->epoch <= g->epoch)
                continue;
            *g = (struct plan_partition){.gid = p->gid, .table_id = p->table_id, .epoch = p->epoch};
            for (size_t m = 0; m < p->n_members && m < PLAN_REPLICAS_PER_GROUP; m++) {
                g->nodes[m] =
                    tc_slice_str(same_store(v, system, p->members[m]) ? p->members[m]->node : "");
                g->rids[m] = p->members[m]->rid;
            }
        }
}

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

static bool unpack_tables(struct shell_view *v) {
    size_t count = v->table_records.count;
    v->descriptors = need(tc_arena_calloc(&v->arena, count, sizeof(void *)));
    struct plan_table *tables = need(tc_arena_calloc(&v->arena, count, sizeof *tables));
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

bool shell_view_owner(const struct shell_view *v, uint64_t table_id, size_t *ret_table,
                      const Tercet__Pb__IndexDescriptor **ret_index) {
    for (size_t i = 0; table_id != 0 && i < v->table_records.count; i++) {
        const Tercet__Pb__TableDescriptor *d = v->descriptors[i];
        *ret_table = i;
        *ret_index = NULL;
        if (d->table_id == table_id)
            return true;
        for (size_t k = 0; k < d->n_indexes; k++)
            if (d->indexes[k]->table_id == table_id) {
                *ret_index = d->indexes[k];
                return true;
            }
    }
    return false;
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

static bool unpack_partitions(struct shell_view *v) {
    size_t count = v->partition_records.count;
    v->partitions = need(tc_arena_calloc(&v->arena, count, sizeof(void *)));
    struct plan_partition *plans = need(tc_arena_calloc(&v->arena, count, sizeof *plans));
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

uint32_t shell_view_node(const struct shell_view *v, const char *name) {
    for (uint32_t i = 0; i < v->snapshot.node_count; i++)
        if (*name && tc_slice_eq(v->snapshot.nodes[i].name, tc_slice_str(name)))
            return i;
    return PLAN_NODE_NONE;
}

/* An order that cannot be read is one between no nodes: it is dropped. */
static void add_orders(struct shell_view *v) {
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
static void add_dropped(struct shell_view *v) {
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

static bool read_kind(struct shell_view *v, struct catalog *c, const char *kind,
                      struct catalog_records *ret_records) {
    return catalog_read(c, kind, &v->arena, ret_records) == TC_OK;
}

static bool read_tables(struct shell_view *v, struct catalog *c) {
    return read_kind(v, c, SYSTEM_KIND_TABLE, &v->table_records) && unpack_tables(v);
}

static bool read_placement(struct shell_view *v, struct catalog *c) {
    if (!read_kind(v, c, SYSTEM_KIND_PARTITION, &v->partition_records) ||
        !read_kind(v, c, SYSTEM_KIND_COUNTER, &v->counters))
        return false;
    v->snapshot.next_id = PLAN_FIRST_ID;
    for (size_t i = 0; i < v->counters.count; i++)
        if (v->counters.at[i].version > v->snapshot.next_id)
            v->snapshot.next_id = v->counters.at[i].version;
    return unpack_partitions(v);
}

/* A directory that cannot be read is replaced by a newer one: its version is known. */
static bool read_steering(struct shell_view *v, struct catalog *c) {
    if (!read_kind(v, c, SYSTEM_KIND_NODE, &v->mark_records) ||
        !read_kind(v, c, SYSTEM_KIND_MOVE, &v->order_records) ||
        !read_kind(v, c, SYSTEM_KIND_DROPPED, &v->dropped_records) ||
        !read_kind(v, c, SYSTEM_KIND_DIRECTORY, &v->directory_records))
        return false;
    if (v->directory_records.count > 0) {
        const struct system_record *r = &v->directory_records.at[0];
        v->directory_version = r->version;
        v->directory = tercet__pb__directory__unpack(NULL, r->data.len, r->data.data);
    }
    return true;
}

static bool somebody_has_system(const struct shell_view *v) {
    for (size_t i = 0; i < CATALOG_ADDRS_MAX; i++)
        for (size_t k = 0; v->reports[i] && k < v->reports[i]->n_replicas; k++)
            if (v->reports[i]->replicas[k]->partition &&
                v->reports[i]->replicas[k]->partition->gid == SYSTEM_GID)
                return true;
    return false;
}

void shell_view_init(struct shell_view *v, struct catalog *system,
                     const struct shell_limits *limits, bool whole) {
    *v = (struct shell_view){0};
    tc_arena_init(&v->arena, SHELL_ARENA_BYTES_MAX);
    if (whole)
        ask_all(v, system);
    /* A cluster without group 1 is not asked for its tables: nobody could answer. */
    bool read = (!whole || somebody_has_system(v)) && read_tables(v, system);
    if (read && whole)
        read = read_placement(v, system) && read_steering(v, system);
    v->snapshot.tables_read = read;
    add_nodes(v, system, limits);
    add_system_group(v, system);
    add_orders(v);
    add_dropped(v);
    shell_groups_fill(v, system);
}

void shell_view_deinit(struct shell_view *v) {
    for (size_t i = 0; i < CATALOG_ADDRS_MAX; i++)
        if (v->reports[i])
            tercet__pb__node_info_reply__free_unpacked(v->reports[i], NULL);
    for (size_t i = 0; v->descriptors && i < v->table_records.count; i++)
        if (v->descriptors[i])
            tercet__pb__table_descriptor__free_unpacked(v->descriptors[i], NULL);
    for (size_t i = 0; v->partitions && i < v->partition_records.count; i++)
        if (v->partitions[i])
            tercet__pb__partition__free_unpacked(v->partitions[i], NULL);
    if (v->directory)
        tercet__pb__directory__free_unpacked(v->directory, NULL);
    tc_arena_deinit(&v->arena);
    *v = (struct shell_view){0};
}
