#include "records.h"

#include "env/posix/posix.h"
#include "proto/bytes.h"

#include <stdio.h>
#include <time.h>

static tc_err read_kind(struct records *r, const char *kind, struct catalog_records *ret) {
    return catalog_read(&r->catalog, kind, &r->arena, ret);
}

static tc_err read_all(struct records *r) {
    struct catalog_records directory = {0};
    TC_TRY(read_kind(r, SYSTEM_KIND_TABLE, &r->tables));
    TC_TRY(read_kind(r, SYSTEM_KIND_NODE, &r->marks));
    TC_TRY(read_kind(r, SYSTEM_KIND_MOVE, &r->orders));
    TC_TRY(read_kind(r, SYSTEM_KIND_DIRECTORY, &directory));
    if (directory.count)
        r->directory = tercet__pb__directory__unpack(NULL, directory.at[0].data.len,
                                                     directory.at[0].data.data);
    return TC_OK;
}

tc_err records_open(struct records *r, struct cluster *c, const struct groups *g) {
    *r = (struct records){0};
    tc_arena_init(&r->arena, RECORDS_ARENA_BYTES_MAX);
    const struct group *system = groups_find(g, SYSTEM_GID);
    if (system == NULL || system->leader == NULL)
        return TC_EUNAVAILABLE;
    for (size_t i = 0; i < c->storage_count; i++)
        r->addrs[i] = c->storage[i];
    TC_TRY(catalog_init(&r->catalog, c->rpc, r->addrs, c->storage_count));
    r->open = true;
    r->catalog.leader_index = system->leader_node;
    r->catalog.epoch = system->leader->partition->epoch;
    return read_all(r);
}

void records_close(struct records *r) {
    if (r->open)
        catalog_deinit(&r->catalog);
    if (r->directory)
        tercet__pb__directory__free_unpacked(r->directory, NULL);
    tc_arena_deinit(&r->arena);
    *r = (struct records){0};
}

/* Are the groups with this id the table's, or those of one of its indexes? */
static bool owns(const Tercet__Pb__TableDescriptor *d, uint64_t table_id, const char **ret_index) {
    for (size_t i = 0; i < d->n_indexes; i++)
        if (d->indexes[i]->table_id == table_id) {
            *ret_index = d->indexes[i]->name;
            return true;
        }
    return d->table_id == table_id;
}

const char *records_table_name(const struct records *r, uint64_t table_id) {
    static char name[2 * SYSTEM_NAME_BYTES_MAX + 2];
    snprintf(name, sizeof name, "%llu", (unsigned long long)table_id);
    if (table_id == SYSTEM_TABLE_ID)
        return "system";
    for (size_t i = 0; i < r->tables.count; i++) {
        struct tc_slice data = r->tables.at[i].data;
        Tercet__Pb__TableDescriptor *d =
            tercet__pb__table_descriptor__unpack(NULL, data.len, data.data);
        const char *index = NULL;
        bool it = d && owns(d, table_id, &index);
        if (it)
            snprintf(name, sizeof name, "%s%s%s", d->name, index ? "/" : "", index ? index : "");
        if (d)
            tercet__pb__table_descriptor__free_unpacked(d, NULL);
        if (it)
            break;
    }
    return name;
}

static const struct system_record *find(const struct catalog_records *list, struct tc_slice name) {
    for (size_t i = 0; i < list->count; i++)
        if (tc_slice_eq(list->at[i].name, name))
            return &list->at[i];
    return NULL;
}

bool records_draining(const struct records *r, const char *node) {
    const struct system_record *record = find(&r->marks, tc_slice_str(node));
    if (record == NULL)
        return false;
    Tercet__Pb__NodeMark *mark =
        tercet__pb__node_mark__unpack(NULL, record->data.len, record->data.data);
    bool draining = mark && mark->draining;
    if (mark)
        tercet__pb__node_mark__free_unpacked(mark, NULL);
    return draining;
}

const Tercet__Pb__DirectoryNode *records_at_addr(const struct records *r, const char *addr) {
    for (size_t i = 0; r->directory && i < r->directory->n_nodes; i++)
        if (strcmp(r->directory->nodes[i]->addr, addr) == 0)
            return r->directory->nodes[i];
    return NULL;
}

const Tercet__Pb__DirectoryNode *records_named(const struct records *r, const char *node) {
    for (size_t i = 0; r->directory && i < r->directory->n_nodes; i++)
        if (strcmp(r->directory->nodes[i]->node, node) == 0)
            return r->directory->nodes[i];
    return NULL;
}

/* Write over the record that was read, or make it; conditional on nobody having been faster. */
static tc_err put(struct records *r, const char *kind, const struct catalog_records *list,
                  struct tc_slice name, const ProtobufCMessage *message) {
    const struct system_record *old = find(list, name);
    uint64_t version = old ? old->version : 0;
    struct tc_buf data = {0};
    proto_append(&data, message);
    struct system_record fresh = {tc_slice_str(kind), name, version + 1, tc_buf_slice(&data)};
    tc_err err = catalog_write(&r->catalog, &fresh, version);
    tc_buf_deinit(&data);
    return err;
}

static tc_err take_away(struct records *r, const char *kind, const struct catalog_records *list,
                        struct tc_slice name) {
    const struct system_record *old = find(list, name);
    return old ? catalog_delete(&r->catalog, kind, name, old->version) : TC_ENOTFOUND;
}

tc_err records_mark(struct records *r, const char *node, bool draining) {
    if (!draining) {
        tc_err err = take_away(r, SYSTEM_KIND_NODE, &r->marks, tc_slice_str(node));
        return err == TC_ENOTFOUND ? TC_OK : err;
    }
    if (records_draining(r, node))
        return TC_OK;
    Tercet__Pb__NodeMark mark = TERCET__PB__NODE_MARK__INIT;
    mark.draining = true;
    mark.since_ms = posix_wall_ms();
    return put(r, SYSTEM_KIND_NODE, &r->marks, tc_slice_str(node), &mark.base);
}

tc_err records_order(struct records *r, uint64_t gid, const char *from, const char *to) {
    char name[24];
    snprintf(name, sizeof name, "%020llu", (unsigned long long)gid);
    if (to == NULL)
        return take_away(r, SYSTEM_KIND_MOVE, &r->orders, tc_slice_str(name));
    Tercet__Pb__MoveOrder order = TERCET__PB__MOVE_ORDER__INIT;
    order.gid = gid;
    order.from = (char *)(uintptr_t)from;
    order.to = (char *)(uintptr_t)to;
    order.asked_ms = posix_wall_ms();
    return put(r, SYSTEM_KIND_MOVE, &r->orders, tc_slice_str(name), &order.base);
}
