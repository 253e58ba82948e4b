/* One round's view: nodes are asked, records are read, and all is put together. */
#include "base/assert.h"
#include "shell_fan.h"
#include "shell_groups.h"
#include "shell_observe_private.h"

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

void *shell_view_alloc(struct shell_view *v, size_t count, size_t size) {
    void *memory = tc_arena_calloc(&v->arena, count ? count : 1, size);
    TC_ASSERT(memory != NULL); /* the arena's bound is far above any legal cluster */
    return memory;
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

uint32_t shell_view_node(const struct shell_view *v, const char *name) {
    for (uint32_t i = 0; i < v->snapshot.node_count; i++)
        if (*name && tc_slice_eq(v->snapshot.nodes[i].name, tc_slice_str(name)))
            return i;
    return PLAN_NODE_NONE;
}

static bool read_kind(struct shell_view *v, struct catalog *c, const char *kind,
                      struct catalog_records *ret_records) {
    return catalog_read(c, kind, &v->arena, ret_records) == TC_OK;
}

static bool read_tables(struct shell_view *v, struct catalog *c) {
    return read_kind(v, c, SYSTEM_KIND_TABLE, &v->table_records) && shell_view_unpack_tables(v);
}

static bool read_placement(struct shell_view *v, struct catalog *c) {
    if (!read_kind(v, c, SYSTEM_KIND_PARTITION, &v->partition_records) ||
        !read_kind(v, c, SYSTEM_KIND_COUNTER, &v->counters))
        return false;
    v->snapshot.next_id = PLAN_FIRST_ID;
    for (size_t i = 0; i < v->counters.count; i++)
        if (v->counters.at[i].version > v->snapshot.next_id)
            v->snapshot.next_id = v->counters.at[i].version;
    return shell_view_unpack_partitions(v);
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
    shell_view_add_nodes(v, system, limits);
    shell_view_add_system(v, system);
    shell_view_add_orders(v);
    shell_view_add_dropped(v);
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
