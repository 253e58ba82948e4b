#include "exec_index.h"

#include "core/index/index_range.h"
#include "schema/schema.h"

static const struct api_read_page *input(const struct exec_op *op) {
    return op->req->input;
}

static const Tercet__Pb__IndexDescriptor *find(const Tercet__Pb__TableDescriptor *d,
                                               struct tc_slice name) {
    for (size_t i = 0; i < d->n_indexes; i++)
        if (tc_slice_eq(tc_slice_str(d->indexes[i]->name), name) &&
            d->indexes[i]->status != TERCET__PB__TABLE_STATUS__TABLE_DELETING)
            return d->indexes[i];
    return NULL;
}

static bool refuse(struct exec_op *op, const char *text, struct tc_slice name, const char *rest) {
    tc_buf_append_str(&op->diag, text);
    tc_buf_append_slice(&op->diag, name);
    tc_buf_append_str(&op->diag, rest);
    return false;
}

/* ---- what the index does not have */

struct missing {
    const struct exec_index *x;
    struct tc_buf *names; /* "a, b", each once; NULL: one is enough to know */
    bool any;
};

static bool has_attr(const struct index_attr *attrs, size_t count, struct tc_slice name) {
    for (size_t i = 0; i < count; i++)
        if (tc_slice_eq(attrs[i].name, name))
            return true;
    return false;
}

static bool is_projected(const struct exec_index *x, struct tc_slice name) {
    const struct index_schema *s = &x->schema;
    const struct index_def *def = x->def;
    if (def->projection == INDEX_ALL || tc_slice_eq(name, s->hash.name) ||
        (s->has_range && tc_slice_eq(name, s->range.name)) ||
        has_attr(def->hash, def->hash_count, name) || has_attr(def->range, def->range_count, name))
        return true;
    for (size_t i = 0; i < def->attribute_count; i++)
        if (tc_slice_eq(s->attributes[def->attribute_at + i], name))
            return true;
    return false;
}

static bool note_missing(void *user, struct tc_slice name) {
    struct missing *m = user;
    if (is_projected(m->x, name))
        return false;
    if (m->names) {
        tc_buf_append_str(m->names, m->any ? ", " : "");
        tc_buf_append_slice(m->names, name);
    }
    m->any = true;
    return m->names == NULL;
}

/* Does the request need an attribute that is not projected? A filter of a global index (names) may
 * speak of such: to it the attribute is not there. */
static bool lacks(const struct exec_op *op, const struct exec_index *x, struct tc_buf *names) {
    struct missing m = {.x = x, .names = names};
    (void)expr_visit_names(tc_buf_slice(&op->programs.projection), note_missing, &m);
    if (!m.any && names == NULL)
        (void)expr_visit_names(tc_buf_slice(&op->programs.filter), note_missing, &m);
    return m.any;
}

static bool check_global(struct exec_op *op, const struct exec_index *x) {
    struct tc_slice name = x->def->name;
    struct tc_buf names = {0};
    if (input(op)->consistent_read == API_TRUE)
        return refuse(op, "Consistent reads are not supported on global secondary indexes",
                      TC_SLICE_EMPTY, "");
    if (input(op)->select == API_SELECT_ALL_ATTRIBUTES && x->def->projection != INDEX_ALL)
        return refuse(op,
                      "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is "
                      "not supported for global secondary index ",
                      name, " because its projection type is not ALL");
    if (!lacks(op, x, &names))
        return true;
    tc_buf_printf(&op->diag,
                  "One or more parameter values were invalid: Global secondary index %.*s does not "
                  "project [%.*s]",
                  TC_SLICE_ARGS(name), TC_SLICE_ARGS(tc_buf_slice(&names)));
    tc_buf_deinit(&names);
    return false;
}

/* Each key attribute of table and index once. */
static size_t key_names(const struct exec_index *x,
                        struct tc_slice names[2 + 2 * INDEX_KEY_ATTRS_MAX]) {
    const struct index_def *def = x->def;
    size_t count = 0;
    for (size_t i = 0; i < def->hash_count; i++)
        names[count++] = def->hash[i].name;
    for (size_t i = 0; i < def->range_count; i++)
        names[count++] = def->range[i].name;
    if (!has_attr(def->hash, def->hash_count, x->schema.hash.name) &&
        !has_attr(def->range, def->range_count, x->schema.hash.name))
        names[count++] = x->schema.hash.name;
    if (x->schema.has_range && !has_attr(def->hash, def->hash_count, x->schema.range.name) &&
        !has_attr(def->range, def->range_count, x->schema.range.name))
        names[count++] = x->schema.range.name;
    return count;
}

static bool is_among(const struct tc_slice *names, size_t count, struct tc_slice name) {
    for (size_t i = 0; i < count; i++)
        if (tc_slice_eq(names[i], name))
            return true;
    return false;
}

/* Whole items are taken from the table for the sake of a filter: what is answered is what the index
 * projects all the same, unless more was asked for. */
static bool project_as_index(struct exec_op *op, const struct exec_index *x) {
    struct tc_slice names[2 + 2 * INDEX_KEY_ATTRS_MAX + INDEX_ATTRIBUTES_MAX];
    const unsigned select = input(op)->select;
    if (!x->fetch || op->programs.projection.len || select == API_SELECT_ALL_ATTRIBUTES ||
        select == API_SELECT_COUNT)
        return true;
    size_t keys = key_names(x, names), count = keys;
    for (size_t i = 0; i < x->def->attribute_count; i++) {
        struct tc_slice name = x->schema.attributes[x->def->attribute_at + i];
        if (!is_among(names, keys, name))
            names[count++] = name;
    }
    return exec__compile_names(op, &(struct api_slices){true, names, count});
}

bool exec__index_find(struct exec_op *op, struct exec_index **ret_index) {
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    struct tc_slice name = input(op)->index_name;
    const Tercet__Pb__IndexDescriptor *descriptor = find(d, name);
    if (descriptor == NULL)
        return refuse(op, "The table does not have the specified index: ", name, "");
    if (descriptor->status == TERCET__PB__TABLE_STATUS__TABLE_CREATING)
        return refuse(op, "Cannot read from backfilling global secondary index: ", name, "");
    struct exec_index *x = tc_arena_calloc(op->req->arena, 1, sizeof *x);
    TC_ASSERT(x != NULL); /* some KiB, small beside what the arena admits */
    if (schema_of_index(d, descriptor, &x->schema) != TC_OK)
        return refuse(op, "The index's record is damaged: ", name, "");
    x->descriptor = descriptor;
    x->def = &x->schema.defs[0];
    *ret_index = x;
    if (x->def->global)
        return check_global(op, x);
    x->fetch = x->def->projection != INDEX_ALL &&
               (input(op)->select == API_SELECT_ALL_ATTRIBUTES || lacks(op, x, NULL));
    return project_as_index(op, x);
}

/* ---- keys and ranges */

static struct expr_key_attr key_attr(const struct index_attr *a) {
    return (struct expr_key_attr){a->name, a->type};
}

struct expr_key_schema exec__index_key_schema(const struct exec_index *x) {
    struct expr_key_schema s = {.hash_count = x->def->hash_count,
                                .sort_count = x->def->range_count};
    for (size_t i = 0; i < s.hash_count; i++)
        s.hash[i] = key_attr(&x->def->hash[i]);
    for (size_t i = 0; i < s.sort_count; i++)
        s.sort[i] = key_attr(&x->def->range[i]);
    return s;
}

static void take_values(const struct tc_slice *encoded, size_t count, struct item_value *ret) {
    for (size_t i = 0; i < count; i++)
        ret[i] = item_value_at(encoded[i]);
}

static enum index_compare compare_of(enum expr_sort_op op) {
    switch (op) {
    case EXPR_SORT_EQ:
        return INDEX_EQ;
    case EXPR_SORT_LT:
        return INDEX_LT;
    case EXPR_SORT_LE:
        return INDEX_LE;
    case EXPR_SORT_GT:
        return INDEX_GT;
    case EXPR_SORT_GE:
        return INDEX_GE;
    case EXPR_SORT_BETWEEN:
        return INDEX_BETWEEN;
    case EXPR_SORT_BEGINS_WITH:
        return INDEX_BEGINS_WITH;
    case EXPR_SORT_ALL:
        break;
    }
    return INDEX_ANY;
}

void exec__index_range(const struct exec_index *x, const struct expr_key_range *range,
                       struct tc_buf *start, struct tc_buf *end) {
    struct item_value hash[INDEX_KEY_ATTRS_MAX], equal[INDEX_KEY_ATTRS_MAX];
    struct index_condition c = {.hash = hash,
                                .equal = equal,
                                .equal_count = range->equal_count,
                                .compare = compare_of(range->op)};
    take_values(range->hash, x->def->hash_count, hash);
    take_values(range->equal, range->equal_count, equal);
    if (range->op != EXPR_SORT_ALL)
        c.low = item_value_at(range->low);
    if (range->op == EXPR_SORT_BETWEEN)
        c.high = item_value_at(range->high);
    index_range(x->def, &c, start, end);
}

void exec__index_prefix(const struct exec_index *x, const struct expr_key_range *range,
                        struct tc_buf *out) {
    struct item_value hash[INDEX_KEY_ATTRS_MAX];
    take_values(range->hash, x->def->hash_count, hash);
    index_append_hash(x->def, hash, out);
}

bool exec__index_names_fit(const struct exec_index *x, struct tc_slice key) {
    struct tc_slice names[2 + 2 * INDEX_KEY_ATTRS_MAX];
    struct item_value v;
    size_t count = key_names(x, names);
    for (size_t i = 0; i < count; i++)
        if (!item_get(key, names[i], &v))
            return false;
    return item_iter(key).left == count;
}

bool exec__index_start_key(const struct exec_index *x, struct tc_slice key, struct tc_buf *out) {
    struct tc_buf base = {0};
    tc_buf_clear(out);
    bool fits = index_base_key(&x->schema, key, &base) &&
                index_row_key(x->def, key, tc_buf_slice(&base), out);
    tc_buf_deinit(&base);
    return fits;
}

void exec__index_project_key(const struct exec_index *x, struct tc_slice item, struct tc_buf *out) {
    struct tc_slice names[2 + 2 * INDEX_KEY_ATTRS_MAX];
    struct item_builder b = {0};
    size_t count = key_names(x, names);
    for (size_t i = 0; i < count; i++) {
        struct item_value v;
        if (item_get(item, names[i], &v))
            item_builder_add(&b, names[i], v.encoded);
    }
    tc_err err = item_builder_finish(&b, out);
    TC_ASSERT(err == TC_OK);
    item_builder_deinit(&b);
}

bool exec__check_indexes(const Tercet__Pb__TableDescriptor *d, struct tc_slice item,
                         struct tc_slice base_key, struct tc_buf *diag) {
    struct index_schema schema;
    struct index_fault fault;
    if (schema_of_table(d, &schema) != TC_OK ||
        index_item_check(&schema, item, TC_SLICE_EMPTY, base_key, &fault))
        return true; /* a record that is none is storage's to refuse */
    index_fault_text(&fault, /* updated= */ false, diag);
    return false;
}

void exec__index_ask(const struct exec_index *x, struct route_call *call) {
    Tercet__Pb__RangeRequest *r = &call->request.range;
    if (x->def->global) {
        call->table_id = x->def->table_id;
        return;
    }
    r->auxiliary = true;
    r->index_id = x->def->id;
    r->fetch = x->fetch;
}
