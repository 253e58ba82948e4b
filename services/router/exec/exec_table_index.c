/* Indexes in a table's record: as CreateTable and UpdateTable ask for them. */
#include "exec_table_index.h"

#include "core/index/index.h"

#include <inttypes.h>
#include <stdlib.h>

#define INVALID_VALUES "One or more parameter values were invalid: "

static void *make(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size);
    TC_ASSERT(p != NULL);
    return p;
}

static bool is_on_demand(const Tercet__Pb__TableDescriptor *d) {
    return d->billing == TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND;
}

/* ---- a new index */

static const char *type_name(const struct api_list *definitions, struct tc_slice name) {
    static const char *const names[] = {"", "S", "N", "B"};
    const struct api_attribute_definition *a = definitions->items;
    for (size_t i = 0; i < definitions->count; i++)
        if (tc_slice_eq(a[i].name, name))
            return names[a[i].type];
    return "S"; /* the decoder's rules made sure that every key attribute is defined */
}

static const char *type_in_use(const Tercet__Pb__TableDescriptor *d, struct tc_slice name) {
    for (size_t i = 0; i < d->n_keys; i++)
        if (tc_slice_eq(tc_slice_str(d->keys[i]->name), name))
            return d->keys[i]->type;
    for (size_t i = 0; i < d->n_indexes; i++) {
        const Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        for (size_t k = 0; k < x->n_hash_keys; k++)
            if (tc_slice_eq(tc_slice_str(x->hash_keys[k]->name), name))
                return x->hash_keys[k]->type;
        for (size_t k = 0; k < x->n_range_keys; k++)
            if (tc_slice_eq(tc_slice_str(x->range_keys[k]->name), name))
                return x->range_keys[k]->type;
    }
    return NULL;
}

/* An attribute has one type, whatever it is a key of: the one that it had first. */
static Tercet__Pb__KeyAttribute *new_key(const struct api_list *definitions, struct tc_slice name,
                                         const Tercet__Pb__TableDescriptor *d) {
    const char *now = type_in_use(d, name);
    Tercet__Pb__KeyAttribute *k = make(1, sizeof *k);
    tercet__pb__key_attribute__init(k);
    exec__set_text(&k->name, name);
    exec__set_text(&k->type, tc_slice_str(now ? now : type_name(definitions, name)));
    return k;
}

static void set_keys(Tercet__Pb__IndexDescriptor *x, const struct api_index *asked,
                     const struct api_list *definitions, const Tercet__Pb__TableDescriptor *d) {
    const struct api_key_element *k = asked->key_schema.items;
    x->hash_keys = make(asked->key_schema.count, sizeof *x->hash_keys);
    x->range_keys = make(asked->key_schema.count, sizeof *x->range_keys);
    for (size_t i = 0; i < asked->key_schema.count; i++) {
        Tercet__Pb__KeyAttribute *key = new_key(definitions, k[i].name, d);
        if (k[i].type == API_KEY_HASH)
            x->hash_keys[x->n_hash_keys++] = key;
        else
            x->range_keys[x->n_range_keys++] = key;
    }
}

static void set_projection(Tercet__Pb__IndexDescriptor *x, const struct api_projection *p) {
    static const Tercet__Pb__Projection kinds[] = {
        [API_PROJECTION_ALL] = TERCET__PB__PROJECTION__PROJECTION_ALL,
        [API_PROJECTION_KEYS_ONLY] = TERCET__PB__PROJECTION__PROJECTION_KEYS_ONLY,
        [API_PROJECTION_INCLUDE] = TERCET__PB__PROJECTION__PROJECTION_INCLUDE,
    };
    x->projection = kinds[p->type];
    x->attributes = make(p->attributes.count, sizeof *x->attributes);
    x->n_attributes = p->attributes.count;
    for (size_t i = 0; i < x->n_attributes; i++) {
        x->attributes[i] = NULL;
        exec__set_text(&x->attributes[i], p->attributes.items[i]);
    }
}

static bool is_used(const Tercet__Pb__TableDescriptor *d, uint32_t id) {
    for (size_t i = 0; i < d->n_indexes; i++)
        if (d->indexes[i]->id == id)
            return true;
    return false;
}

/* One byte in a group's rows: numbers go round, so that one is long gone before it comes again. */
static uint32_t next_id(Tercet__Pb__TableDescriptor *d) {
    uint32_t id = d->next_index_id ? d->next_index_id : 1;
    while (id > UINT8_MAX || is_used(d, id))
        id = id >= UINT8_MAX ? 1 : id + 1;
    d->next_index_id = id == UINT8_MAX ? 1 : id + 1;
    return id;
}

static void append(Tercet__Pb__TableDescriptor *d, Tercet__Pb__IndexDescriptor *x) {
    d->indexes = realloc(d->indexes, (d->n_indexes + 1) * sizeof *d->indexes);
    TC_ASSERT(d->indexes != NULL);
    d->indexes[d->n_indexes++] = x;
}

static void keep_units(const struct api_integer *asked, uint64_t *at) {
    if (asked->set)
        *at = asked->value > 0 ? (uint64_t)asked->value : 0;
}

static enum api_error set_units(const struct exec_settings *c, const struct api_throughput *asked,
                                Tercet__Pb__IndexDescriptor *x) {
    enum api_error refused = exec__check_units(c, asked);
    if (refused)
        return refused;
    x->rcu = (uint64_t)asked->read_units.value;
    x->wcu = (uint64_t)asked->write_units.value;
    return API_OK;
}

static enum api_error set_maxima(const struct exec_settings *c, const struct api_on_demand *asked,
                                 bool on_demand, Tercet__Pb__IndexDescriptor *x) {
    bool any = asked->max_read_units.set || asked->max_write_units.set;
    if (any && !on_demand)
        return exec__refuse(c->diag, API_VALIDATION,
                            INVALID_VALUES
                            "OnDemandThroughput for index %s cannot be specified when table "
                            "BillingMode is PROVISIONED",
                            x->name);
    keep_units(&asked->max_read_units, &x->max_read_units);
    keep_units(&asked->max_write_units, &x->max_write_units);
    return API_OK;
}

static enum api_error set_warm_unit(const struct exec_settings *c, const struct api_integer *asked,
                                    uint64_t now, uint64_t *at) {
    if (!asked->set)
        return API_OK;
    if (asked->value < 0 || (uint64_t)asked->value < now)
        return exec__refuse(c->diag, API_VALIDATION,
                            INVALID_VALUES
                            "Requested WarmThroughput for index is lower than what it has already");
    if ((uint64_t)asked->value > c->limits->table_units_max)
        return exec__refuse(c->diag, API_LIMIT_EXCEEDED,
                            "Subscriber limit exceeded: Requested WarmThroughput for index exceeds "
                            "what a table of the account can have");
    *at = (uint64_t)asked->value;
    return API_OK;
}

static enum api_error set_warm(const struct exec_settings *c, const struct api_warm *asked,
                               bool on_demand, Tercet__Pb__IndexDescriptor *x) {
    uint64_t reads = exec__index_warm_read(x, on_demand);
    uint64_t writes = exec__index_warm_write(x, on_demand);
    enum api_error refused = set_warm_unit(c, &asked->read_units, reads, &x->warm_read_units);
    return refused ? refused : set_warm_unit(c, &asked->write_units, writes, &x->warm_write_units);
}

uint64_t exec__index_warm_read(const Tercet__Pb__IndexDescriptor *x, bool on_demand) {
    uint64_t now = on_demand ? API_ON_DEMAND_READ_UNITS : x->rcu;
    return x->warm_read_units > now ? x->warm_read_units : now;
}

uint64_t exec__index_warm_write(const Tercet__Pb__IndexDescriptor *x, bool on_demand) {
    uint64_t now = on_demand ? API_ON_DEMAND_WRITE_UNITS : x->wcu;
    return x->warm_write_units > now ? x->warm_write_units : now;
}

static enum api_error add(const struct exec_settings *c, const struct api_index *asked, bool global,
                          const struct api_list *definitions, Tercet__Pb__TableDescriptor *d) {
    Tercet__Pb__IndexDescriptor *x = make(1, sizeof *x);
    tercet__pb__index_descriptor__init(x);
    x->id = next_id(d);
    x->global = global;
    x->status = TERCET__PB__TABLE_STATUS__TABLE_CREATING;
    x->created_ms = c->now_ms;
    exec__set_text(&x->name, asked->name);
    set_keys(x, asked, definitions, d);
    set_projection(x, asked->projection);
    append(d, x);
    enum api_error refused = asked->throughput ? set_units(c, asked->throughput, x) : API_OK;
    if (refused == API_OK && asked->on_demand)
        refused = set_maxima(c, asked->on_demand, is_on_demand(d), x);
    if (refused == API_OK && asked->warm)
        refused = set_warm(c, asked->warm, is_on_demand(d), x);
    return refused;
}

enum api_error exec__add_indexes(const struct exec_settings *c, const struct api_create_table *in,
                                 Tercet__Pb__TableDescriptor *d) {
    const struct api_index *local = in->local_indexes.items, *global = in->global_indexes.items;
    enum api_error refused = API_OK;
    for (size_t i = 0; refused == API_OK && i < in->local_indexes.count; i++)
        refused = add(c, &local[i], /* global= */ false, &in->attribute_definitions, d);
    for (size_t i = 0; refused == API_OK && i < in->global_indexes.count; i++)
        refused = add(c, &global[i], /* global= */ true, &in->attribute_definitions, d);
    if (d->n_indexes)
        d->schema_version = 1;
    return refused;
}

/* ---- UpdateTable */

static Tercet__Pb__IndexDescriptor *find(const Tercet__Pb__TableDescriptor *d,
                                         struct tc_slice name) {
    for (size_t i = 0; i < d->n_indexes; i++)
        if (tc_slice_eq(tc_slice_str(d->indexes[i]->name), name))
            return d->indexes[i];
    return NULL;
}

static enum api_error check_room(const struct exec_settings *c, const struct api_index *asked,
                                 const Tercet__Pb__TableDescriptor *d) {
    size_t globals = 0, projected = asked->projection->attributes.count;
    for (size_t i = 0; i < d->n_indexes; i++) {
        globals += d->indexes[i]->global ? 1 : 0;
        projected += d->indexes[i]->n_attributes;
    }
    if (globals >= INDEX_GLOBAL_MAX)
        return exec__refuse(c->diag, API_LIMIT_EXCEEDED,
                            "GlobalSecondaryIndex count exceeds the per-table limit of 20");
    if (projected > INDEX_ATTRIBUTES_MAX)
        return exec__refuse(c->diag, API_VALIDATION,
                            INVALID_VALUES "The number of projected attributes over all indexes "
                                           "exceeds the per-table limit of 100");
    return API_OK;
}

static enum api_error check_mode(const struct exec_settings *c, const struct api_index *asked,
                                 bool on_demand) {
    if (on_demand && asked->throughput)
        return exec__refuse(c->diag, API_VALIDATION,
                            INVALID_VALUES
                            "ProvisionedThroughput should not be specified for index: %.*s when "
                            "BillingMode is PAY_PER_REQUEST",
                            TC_SLICE_ARGS(asked->name));
    if (!on_demand && asked->throughput == NULL)
        return exec__refuse(c->diag, API_VALIDATION,
                            INVALID_VALUES
                            "ProvisionedThroughput must be specified for index: %.*s",
                            TC_SLICE_ARGS(asked->name));
    return API_OK;
}

static enum api_error create(const struct exec_settings *c, const struct api_update_table *in,
                             const struct api_index *asked, Tercet__Pb__TableDescriptor *d) {
    if (find(d, asked->name))
        return exec__refuse(c->diag, API_VALIDATION,
                            "Attempting to create an index which already exists");
    enum api_error refused = check_mode(c, asked, is_on_demand(d));
    if (refused == API_OK)
        refused = check_room(c, asked, d);
    return refused ? refused : add(c, asked, /* global= */ true, &in->attribute_definitions, d);
}

static enum api_error refuse_absent(const struct exec_settings *c) {
    return exec__refuse(c->diag, API_RESOURCE_NOT_FOUND, "Requested resource not found");
}

/* autoadmin gives the groups of the table a schema without it, then lets its own groups go. */
static enum api_error drop(const struct exec_settings *c, struct tc_slice name,
                           Tercet__Pb__TableDescriptor *d) {
    Tercet__Pb__IndexDescriptor *x = find(d, name);
    if (x == NULL || !x->global)
        return refuse_absent(c);
    if (x->status != TERCET__PB__TABLE_STATUS__TABLE_DELETING) {
        d->schema_version += schema_has_index(d, x);
        x->status = TERCET__PB__TABLE_STATUS__TABLE_DELETING;
        x->backfilling = false;
    }
    return API_OK;
}

static enum api_error refuse_same(const struct exec_settings *c,
                                  const Tercet__Pb__IndexDescriptor *x) {
    return exec__refuse(c->diag, API_VALIDATION,
                        "The provisioned throughput for the index %s will not change. The "
                        "requested value equals the current value. Current ReadCapacityUnits "
                        "provisioned for the index: %" PRIu64
                        ". Requested ReadCapacityUnits: %" PRIu64
                        ". Current WriteCapacityUnits provisioned for the index: %" PRIu64
                        ". Requested WriteCapacityUnits: %" PRIu64 ". " EXEC_MORE_LIMITS,
                        x->name, x->rcu, x->rcu, x->wcu, x->wcu);
}

static enum api_error change_units(const struct exec_settings *c,
                                   const struct api_throughput *asked,
                                   Tercet__Pb__IndexDescriptor *x) {
    uint64_t rcu = x->rcu, wcu = x->wcu;
    enum api_error refused = set_units(c, asked, x);
    if (refused)
        return refused;
    if (x->rcu == rcu && x->wcu == wcu)
        return refuse_same(c, x);
    if (x->rcu > rcu || x->wcu > wcu)
        x->last_increase_ms = c->now_ms;
    if (x->rcu < rcu || x->wcu < wcu) {
        x->decreases_today =
            exec__decreases_today(x->last_decrease_ms, x->decreases_today, c->now_ms) + 1;
        x->last_decrease_ms = c->now_ms;
    }
    return API_OK;
}

static enum api_error change(const struct exec_settings *c, const struct api_index_change *asked,
                             Tercet__Pb__TableDescriptor *d) {
    Tercet__Pb__IndexDescriptor *x = find(d, asked->name);
    enum api_error refused = API_OK;
    if (x == NULL || !x->global || x->status == TERCET__PB__TABLE_STATUS__TABLE_DELETING)
        return refuse_absent(c);
    if (asked->throughput && is_on_demand(d))
        return exec__refuse(c->diag, API_VALIDATION,
                            INVALID_VALUES
                            "ProvisionedThroughput should not be specified for index: %s when "
                            "BillingMode is PAY_PER_REQUEST",
                            x->name);
    if (asked->throughput)
        refused = change_units(c, asked->throughput, x);
    if (refused == API_OK && asked->on_demand)
        refused = set_maxima(c, asked->on_demand, is_on_demand(d), x);
    if (refused == API_OK && asked->warm)
        refused = set_warm(c, asked->warm, is_on_demand(d), x);
    if (refused == API_OK && x->status == TERCET__PB__TABLE_STATUS__TABLE_ACTIVE)
        x->status = TERCET__PB__TABLE_STATUS__TABLE_UPDATING;
    return refused;
}

/* With the table's billing mode the indexes change theirs, and may need more partitions. */
static enum api_error follow_billing(const struct exec_settings *c, bool switched,
                                     Tercet__Pb__TableDescriptor *d) {
    for (size_t i = 0; i < d->n_indexes; i++) {
        Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        if (!x->global)
            continue;
        if (switched && x->status == TERCET__PB__TABLE_STATUS__TABLE_ACTIVE)
            x->status = TERCET__PB__TABLE_STATUS__TABLE_UPDATING;
        if (is_on_demand(d))
            x->rcu = x->wcu = 0;
        else if (x->rcu == 0)
            return exec__refuse(
                c->diag, API_VALIDATION,
                INVALID_VALUES "ProvisionedThroughput must be specified for index: %s", x->name);
        else
            x->max_read_units = x->max_write_units = 0;
    }
    return API_OK;
}

enum api_error exec__change_indexes(const struct exec_settings *c,
                                    const struct api_update_table *in,
                                    Tercet__Pb__TableDescriptor *d) {
    const struct api_index_update *u = in->index_updates.items;
    enum api_error refused = API_OK;
    for (size_t i = 0; refused == API_OK && i < in->index_updates.count; i++) {
        if (u[i].create)
            refused = create(c, in, u[i].create, d);
        else if (u[i].del)
            refused = drop(c, u[i].del->name, d);
        else
            refused = change(c, u[i].update, d);
    }
    return refused ? refused : follow_billing(c, in->billing_mode != 0, d);
}

bool exec__deletes_new_index(const struct api_update_table *in,
                             const Tercet__Pb__TableDescriptor *d) {
    const struct api_index_update *u = in->index_updates.items;
    if (in->index_updates.count != 1 || u->del == NULL)
        return false;
    const Tercet__Pb__IndexDescriptor *x = find(d, u->del->name);
    return x && x->backfilling;
}
