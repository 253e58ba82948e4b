/* Query and Scan: what they ask for, as a range of storage keys. */
#include "core/key/key.h"
#include "exec_page.h"

static const struct api_read_page *input(const struct exec_op *op) {
    return op->req->input;
}

/* Exactly the key attributes of what is read? Types are another matter. */
static bool names_fit(const struct exec_op *op, const struct exec_page *p, struct tc_slice key) {
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    struct item_value v;
    if (p->index)
        return exec__index_names_fit(p->index, key);
    for (size_t i = 0; i < d->n_keys; i++)
        if (!item_get(key, tc_slice_str(d->keys[i]->name), &v))
            return false;
    return item_iter(key).left == d->n_keys;
}

static bool start_key_of(struct exec_op *op, struct exec_page *p, struct tc_buf *why) {
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    struct tc_slice key = input(op)->exclusive_start_key;
    struct tc_buf base = {0};
    if (!names_fit(op, p, key)) {
        tc_buf_append_str(why, "The provided key element does not match the schema");
        return false;
    }
    exec__project_key(d, key, &base);
    tc_err err = exec__key_of_key(d, tc_buf_slice(&base), &p->after, why);
    tc_buf_deinit(&base);
    return err == TC_OK && (p->index == NULL || exec__index_start_key(p->index, key, &p->after));
}

/* ExclusiveStartKey as a storage key. Only a scan of the table says what is wrong with it. */
static bool take_start_key(struct exec_op *op, struct exec_page *p, bool query) {
    struct tc_buf why = {0};
    if (input(op)->exclusive_start_key.data == NULL)
        return true;
    bool fits = start_key_of(op, p, &why);
    if (!fits)
        tc_buf_append_str(&op->diag, "The provided starting key is invalid");
    if (!fits && !query && !p->index)
        tc_buf_printf(&op->diag, ": %.*s", TC_SLICE_ARGS(tc_buf_slice(&why)));
    tc_buf_deinit(&why);
    return fits;
}

static bool forbid_key(struct exec_op *op, struct tc_slice name) {
    if (expr_forbid_key(tc_buf_slice(&op->programs.filter), name, &op->diag) == TC_OK)
        return true;
    if (input(op)->filter_conditions.set) {
        tc_buf_clear(&op->diag);
        tc_buf_printf(&op->diag,
                      "QueryFilter can only contain non-primary key attributes: Primary key "
                      "attribute: %.*s",
                      TC_SLICE_ARGS(name));
    }
    return false;
}

/* Of the table or index that is queried. */
static bool forbid_keys_in_filter(struct exec_op *op, const struct expr_key_schema *schema) {
    if (op->programs.filter.len == 0)
        return true;
    for (size_t i = 0; i < schema->hash_count; i++)
        if (!forbid_key(op, schema->hash[i].name))
            return false;
    for (size_t i = 0; i < schema->sort_count; i++)
        if (!forbid_key(op, schema->sort[i].name))
            return false;
    return true;
}

static bool match_key(struct exec_op *op, const struct expr_key_schema *schema,
                      struct expr_key_range *ret_range) {
    const struct api_read_page *in = input(op);
    bool ok =
        in->key_conditions.set
            ? exec__compile_key_conditions(op, &in->key_conditions, schema, ret_range)
            : expr_match_key_condition(op->key_condition, schema, ret_range, &op->diag) == TC_OK;
    return ok && forbid_keys_in_filter(op, schema);
}

/* Does the page begin among the rows that are asked for? */
static bool starts_inside(struct exec_op *op, const struct exec_page *p,
                          const struct expr_key_range *range) {
    struct tc_buf prefix = {0};
    if (p->after.len == 0)
        return true;
    if (p->index)
        exec__index_prefix(p->index, range, &prefix);
    else
        key_append_hash(&prefix, item_value_at(range->hash[0]));
    bool inside = tc_slice_has_prefix(tc_buf_slice(&p->after), tc_buf_slice(&prefix));
    tc_buf_deinit(&prefix);
    if (!inside)
        tc_buf_append_str(&op->diag,
                          "The provided starting key is outside query boundaries based on "
                          "provided conditions");
    else if (!key_in_range(tc_buf_slice(&p->after), tc_buf_slice(&p->start), tc_buf_slice(&p->end)))
        tc_buf_append_str(&op->diag,
                          "The provided starting key does not match the range key predicate");
    return op->diag.len == 0;
}

static bool check_scalar_keys(struct exec_op *op) {
    const Tercet__Pb__TableDescriptor *d = op->table->descriptor;
    return exec__check_scalar_keys(d, tc_buf_slice(&op->programs.projection), &op->diag) &&
           exec__check_scalar_keys(d, tc_buf_slice(&op->programs.filter), &op->diag);
}

static bool prepare_query(struct exec_op *op) {
    struct exec_index *index = NULL;
    struct expr_key_range range;
    if (input(op)->index_name.data != NULL && !exec__index_find(op, &index))
        return false;
    struct expr_key_schema schema =
        index ? exec__index_key_schema(index) : exec__key_schema(op->table->descriptor);
    struct exec_page *p = exec__page_new(op);
    p->index = index;
    p->reverse = input(op)->forward == API_FALSE;
    if (!take_start_key(op, p, /* query= */ true) || !match_key(op, &schema, &range) ||
        !check_scalar_keys(op))
        return false;
    if (index)
        exec__index_range(index, &range, &p->start, &p->end);
    else
        exec__range(&range, &p->start, &p->end);
    return starts_inside(op, p, &range);
}

static void query_found(struct exec_op *op) {
    if (prepare_query(op))
        exec__page_run(op);
    else
        exec__invalid(op);
}

static void scan_found(struct exec_op *op) {
    const struct api_read_page *in = input(op);
    struct exec_index *index = NULL;
    if (in->index_name.data != NULL && !exec__index_find(op, &index)) {
        exec__invalid(op);
        return;
    }
    struct exec_page *p = exec__page_new(op);
    p->index = index;
    if (in->total_segments.set)
        key_append_segment((uint32_t)in->segment.value, (uint32_t)in->total_segments.value,
                           &p->start, &p->end);
    if (!take_start_key(op, p, /* query= */ false) || !check_scalar_keys(op)) {
        exec__invalid(op);
        return;
    }
    if (p->after.len &&
        !key_in_range(tc_buf_slice(&p->after), tc_buf_slice(&p->start), tc_buf_slice(&p->end))) {
        exec__fail(op, API_VALIDATION,
                   "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
                   "ExclusiveStartKey with correct Segment. TotalSegments: %lld Segment: %lld",
                   (long long)in->total_segments.value, (long long)in->segment.value);
        return;
    }
    exec__page_run(op);
}

/* What the text of the key condition alone can be at fault for, apart from its syntax. */
static bool check_key_condition(struct exec_op *op) {
    return op->key_condition == NULL ||
           expr_check_key_condition(op->key_condition, &op->diag) == TC_OK;
}

static void begin(struct exec_op *op, void (*found)(struct exec_op *op)) {
    struct api_read_page *in = (struct api_read_page *)(uintptr_t)op->req->input;
    struct exec_expressions x = {.key_condition = in->key_condition_expression,
                                 .filter = in->filter_expression,
                                 .projection = in->projection_expression,
                                 .attributes_to_get = &in->attributes_to_get,
                                 .names = in->names.set ? &in->names.list : NULL,
                                 .values = in->values.set ? &in->values.list : NULL};
    if (exec__compile(op, &x) &&
        exec__compile_conditions(op, EXPR_FILTER, &in->filter_conditions, in->conditional_operator,
                                 &op->programs.filter) &&
        check_key_condition(op))
        exec__find(op, in->table_name, found);
    else
        exec__invalid(op);
}

void exec__query(struct exec_op *op) {
    begin(op, query_found);
}

void exec__scan(struct exec_op *op) {
    begin(op, scan_found);
}
