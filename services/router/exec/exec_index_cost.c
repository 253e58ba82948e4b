/* What reads and writes of indexes cost, and who is charged. */
#include "exec_index.h"

/* A global index as admission sees it: a table of its own, with its table's billing. */
static Tercet__Pb__TableDescriptor as_table(const Tercet__Pb__TableDescriptor *d,
                                            const Tercet__Pb__IndexDescriptor *x) {
    Tercet__Pb__TableDescriptor t = TERCET__PB__TABLE_DESCRIPTOR__INIT;
    t.table_id = x->table_id;
    t.version = d->version;
    t.billing = d->billing;
    t.rcu = x->rcu;
    t.wcu = x->wcu;
    t.max_read_units = x->max_read_units;
    t.max_write_units = x->max_write_units;
    return t;
}

bool exec__page_admitted(struct exec_op *op, const struct exec_index *x) {
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    if (x == NULL || !x->def->global)
        return admit_open(op->exec->admit, d, /* write= */ false);
    Tercet__Pb__TableDescriptor t = as_table(d, x->descriptor);
    return admit_open(op->exec->admit, &t, /* write= */ false);
}

static struct api_consumed with_index(struct exec_op *op, unsigned detail,
                                      const struct exec_index *x, uint64_t mu, uint64_t table_mu) {
    struct api_consumed consumed = exec__consumed(op, detail, mu + table_mu);
    if (detail != API_CAPACITY_INDEXES)
        return consumed;
    struct api_index_consumed *part = tc_arena_calloc(op->req->arena, 1, sizeof *part);
    TC_ASSERT(part != NULL);
    *part = (struct api_index_consumed){x->def->name, x->def->global, mu};
    consumed.indexes = part;
    consumed.index_count = 1;
    return consumed;
}

struct api_consumed exec__index_consumed(struct exec_op *op, const struct exec_index *x,
                                         const struct api_read_page *in, uint64_t mu,
                                         uint64_t fetch_units) {
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    bool consistent = in->consistent_read == API_TRUE;
    uint64_t fetch_mu = fetch_units * (consistent ? EXEC__UNIT_MU : EXEC__UNIT_MU / 2);
    if (x->def->global) {
        Tercet__Pb__TableDescriptor t = as_table(d, x->descriptor);
        admit_charge(op->exec->admit, &t, /* write= */ false, mu);
    } else {
        admit_charge(op->exec->admit, d, /* write= */ false, mu + fetch_mu);
    }
    return with_index(op, in->return_capacity, x, mu, fetch_mu);
}

bool exec__indexes_open(struct exec *e, const Tercet__Pb__TableDescriptor *d) {
    for (size_t i = 0; i < d->n_indexes; i++) {
        if (!d->indexes[i]->global || d->indexes[i]->table_id == 0)
            continue;
        Tercet__Pb__TableDescriptor t = as_table(d, d->indexes[i]);
        if (!admit_open(e->admit, &t, /* write= */ true))
            return false;
    }
    return true;
}

static size_t position_of(const Tercet__Pb__TableDescriptor *d, uint32_t id) {
    for (size_t i = 0; i < d->n_indexes && i < INDEX_DEFS_MAX; i++)
        if (d->indexes[i]->id == id)
            return i;
    return INDEX_DEFS_MAX; /* a group knows an index that this record does not yet */
}

uint64_t exec__indexes_charge(struct exec *e, const Tercet__Pb__TableDescriptor *d,
                              Tercet__Pb__IndexUnits *const *units, size_t count,
                              uint64_t index_mu[INDEX_DEFS_MAX]) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = position_of(d, units[i]->id);
        uint64_t mu = (uint64_t)units[i]->units * EXEC__UNIT_MU;
        if (at == INDEX_DEFS_MAX)
            continue;
        Tercet__Pb__TableDescriptor own = as_table(d, d->indexes[at]);
        admit_charge(e->admit, d->indexes[at]->global ? &own : d, /* write= */ true, mu);
        if (index_mu)
            index_mu[at] += mu;
        sum += mu;
    }
    return sum;
}

struct api_consumed exec__indexes_consumed(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                                           unsigned detail, uint64_t table_mu,
                                           const uint64_t index_mu[INDEX_DEFS_MAX]) {
    struct api_consumed c = {
        .detail = detail, .table_name = tc_slice_str(d->name), .units_mu = table_mu};
    struct api_index_consumed *parts =
        tc_arena_calloc(op->req->arena, INDEX_DEFS_MAX, sizeof *parts);
    TC_ASSERT(parts != NULL);
    for (size_t i = 0; i < d->n_indexes && i < INDEX_DEFS_MAX; i++) {
        if (index_mu[i] == 0)
            continue;
        const Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        parts[c.index_count++] =
            (struct api_index_consumed){tc_slice_str(x->name), x->global, index_mu[i]};
        c.units_mu += index_mu[i];
    }
    c.indexes = parts;
    return c;
}

bool exec__has_local(const Tercet__Pb__TableDescriptor *d) {
    for (size_t i = 0; i < d->n_indexes; i++)
        if (!d->indexes[i]->global)
            return true;
    return false;
}

struct api_collection exec__collection(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                                       struct tc_slice item, uint64_t bytes) {
    struct api_collection c = {.bytes = bytes};
    struct item_value v;
    struct item_builder b = {0};
    struct tc_buf key = {0};
    struct tc_slice name = tc_slice_str(d->keys[0]->name);
    if (item_get(item, name, &v))
        item_builder_add(&b, name, v.encoded);
    tc_err err = item_builder_finish(&b, &key);
    TC_ASSERT(err == TC_OK);
    uint8_t *copy = tc_arena_alloc(op->req->arena, key.len);
    TC_ASSERT(copy != NULL);
    memcpy(copy, key.data, key.len);
    c.key = tc_slice(copy, key.len);
    tc_buf_deinit(&key);
    item_builder_deinit(&b);
    return c;
}
