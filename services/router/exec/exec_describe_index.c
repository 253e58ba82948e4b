#include "env/posix/posix.h"
#include "exec_table_index.h"

static void *room(struct exec_op *op, size_t count, size_t size) {
    void *p = tc_arena_calloc(op->req->arena, count + 1, size);
    TC_ASSERT(p != NULL);
    return p;
}

/* ---- AttributeDefinitions: the keys of table and indexes, each once, in order of name */

static void define(struct api_table_description *t, struct api_table_key *list,
                   const Tercet__Pb__KeyAttribute *k) {
    size_t at = 0;
    int order = 1;
    while (at < t->definition_count &&
           (order = tc_slice_cmp(list[at].name, tc_slice_str(k->name))) < 0)
        at++;
    if (at < t->definition_count && order == 0)
        return;
    memmove(&list[at + 1], &list[at], (t->definition_count - at) * sizeof *list);
    list[at] = (struct api_table_key){tc_slice_str(k->name), tc_slice_str(k->type)};
    t->definition_count++;
}

static void add_definitions(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                            struct api_table_description *t) {
    size_t most = d->n_keys;
    for (size_t i = 0; i < d->n_indexes; i++)
        most += d->indexes[i]->n_hash_keys + d->indexes[i]->n_range_keys;
    struct api_table_key *list = room(op, most, sizeof *list);
    t->definitions = list;
    for (size_t i = 0; i < d->n_keys; i++)
        define(t, list, d->keys[i]);
    for (size_t i = 0; i < d->n_indexes; i++) {
        const Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        for (size_t k = 0; k < x->n_hash_keys; k++)
            define(t, list, x->hash_keys[k]);
        for (size_t k = 0; k < x->n_range_keys; k++)
            define(t, list, x->range_keys[k]);
    }
}

/* ---- one index */

static void add_keys(struct exec_op *op, const Tercet__Pb__IndexDescriptor *x,
                     struct api_index_description *ret) {
    struct tc_slice *names = room(op, x->n_hash_keys + x->n_range_keys, sizeof *names);
    ret->keys = names;
    ret->hash_count = x->n_hash_keys;
    for (size_t i = 0; i < x->n_hash_keys; i++)
        names[ret->key_count++] = tc_slice_str(x->hash_keys[i]->name);
    for (size_t i = 0; i < x->n_range_keys; i++)
        names[ret->key_count++] = tc_slice_str(x->range_keys[i]->name);
}

static void add_projection(struct exec_op *op, const Tercet__Pb__IndexDescriptor *x,
                           struct api_index_description *ret) {
    static const unsigned kinds[] = {
        [TERCET__PB__PROJECTION__PROJECTION_ALL] = API_PROJECTION_ALL,
        [TERCET__PB__PROJECTION__PROJECTION_KEYS_ONLY] = API_PROJECTION_KEYS_ONLY,
        [TERCET__PB__PROJECTION__PROJECTION_INCLUDE] = API_PROJECTION_INCLUDE,
    };
    struct tc_slice *names = room(op, x->n_attributes, sizeof *names);
    ret->projection = (unsigned)x->projection < 3 ? kinds[x->projection] : API_PROJECTION_ALL;
    ret->attributes = names;
    ret->attribute_count = x->n_attributes;
    for (size_t i = 0; i < x->n_attributes; i++)
        names[i] = tc_slice_str(x->attributes[i]);
}

static void add_throughput(const Tercet__Pb__IndexDescriptor *x, bool on_demand,
                           struct api_index_description *ret) {
    ret->on_demand = on_demand;
    ret->read_units = x->rcu;
    ret->write_units = x->wcu;
    ret->last_increase_ms = x->last_increase_ms;
    ret->last_decrease_ms = x->last_decrease_ms;
    ret->decreases_today =
        exec__decreases_today(x->last_decrease_ms, x->decreases_today, posix_wall_ms());
    ret->max_read_units = x->max_read_units;
    ret->max_write_units = x->max_write_units;
    ret->warm_read_units = exec__index_warm_read(x, on_demand);
    ret->warm_write_units = exec__index_warm_write(x, on_demand);
}

/* Nothing yet where autoadmin has not counted. */
static void add_count(const Tercet__Pb__IndexDescriptor *x, const Tercet__Pb__TableCount *count,
                      struct api_index_description *ret) {
    for (size_t i = 0; count && i < count->n_indexes; i++)
        if (count->indexes[i]->id == x->id) {
            ret->item_count = count->indexes[i]->items;
            ret->size_bytes = count->indexes[i]->bytes;
        }
}

static void add_index(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                      const Tercet__Pb__IndexDescriptor *x, const Tercet__Pb__TableCount *count,
                      struct api_index_description *ret) {
    *ret = (struct api_index_description){
        .name = tc_slice_str(x->name),
        .global = x->global,
        .status = (enum api_table_status)x->status,
        .backfilling = x->backfilling,
        /* Told while an index is added to a table that lives. */
        .shows_backfilling = x->status == TERCET__PB__TABLE_STATUS__TABLE_CREATING &&
                             d->status != TERCET__PB__TABLE_STATUS__TABLE_CREATING,
    };
    add_keys(op, x, ret);
    add_projection(op, x, ret);
    add_throughput(x, exec__is_on_demand(d), ret);
    add_count(x, count, ret);
}

void exec__describe_indexes(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                            const Tercet__Pb__TableCount *count, struct api_table_description *t) {
    add_definitions(op, d, t);
    if (d->n_indexes == 0)
        return;
    struct api_index_description *list = room(op, d->n_indexes, sizeof *list);
    for (size_t i = 0; i < d->n_indexes; i++)
        add_index(op, d, d->indexes[i], count, &list[i]);
    t->indexes = list;
    t->index_count = d->n_indexes;
}
