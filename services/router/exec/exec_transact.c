/* TransactGetItems and TransactWriteItems: everything that can be said against a transaction
 * without running it. Transactions themselves are not built: one that is in order is refused. */
#include "exec_private.h"

#include "core/json/json.h"

#include <stdlib.h>

struct action {
    struct tc_slice table_name;
    struct route_table *table; /* a reference */
    struct tc_buf key;
    const struct api_write_item *write; /* or get */
    const struct api_get_item *get;
    bool whole_item;     /* write has the item, not its key alone */
    struct tc_buf fault; /* empty: none found */
};

struct transact {
    struct action *actions;
    struct action **sorted; /* by table and key */
    size_t count;
    size_t at; /* being looked up */
};

static void free_transact(void *state) {
    struct transact *t = state;
    for (size_t i = 0; i < t->count; i++) {
        tc_buf_deinit(&t->actions[i].key);
        tc_buf_deinit(&t->actions[i].fault);
        route_table_unref(t->actions[i].table);
    }
}

static void clear_programs(struct exec_op *op) {
    tc_buf_clear(&op->programs.condition);
    tc_buf_clear(&op->programs.update);
    tc_buf_clear(&op->programs.projection);
}

/* Bindings are prepared in place: they belong to this request alone. */
static struct expr_bindings *list_of(const struct api_bindings *b) {
    return b->set ? (struct expr_bindings *)(uintptr_t)&b->list : NULL;
}

static bool compile(struct exec_op *op, const struct action *a) {
    struct exec_expressions x = {0};
    if (a->get) {
        x.projection = a->get->projection_expression;
        x.names = list_of(&a->get->names);
    } else {
        x.condition = a->write->condition_expression;
        x.update = a->write->update_expression;
        x.names = list_of(&a->write->names);
        x.values = list_of(&a->write->values);
    }
    bool fine = exec__compile(op, &x);
    clear_programs(op);
    return fine;
}

/* What is wrong with one action cancels the transaction, and is told in its place. */
static bool find_key(struct exec_op *op, struct action *a) {
    const Tercet__Pb__TableDescriptor *d = a->table->descriptor;
    struct tc_slice from = a->get ? a->get->key : a->write->key;
    tc_err err = a->whole_item ? exec__key_of_item(d, a->write->item, &a->key, &op->diag)
                               : exec__key_of_key(d, from, &a->key, &op->diag);
    if (err == TC_OK)
        return true;
    a->fault = op->diag;
    op->diag = (struct tc_buf){0};
    return false;
}

static void append_reason(struct tc_buf *text, struct tc_buf *members, const struct action *a) {
    const char *code = a->fault.len ? "ValidationError" : "None";
    tc_buf_append_str(text, code);
    tc_buf_printf(members, "{\"Code\":\"%s\"", code);
    if (a->fault.len) {
        tc_buf_append_str(members, ",\"Message\":");
        json_put_string(members, tc_buf_slice(&a->fault));
    }
    tc_buf_append_str(members, "}");
}

static void cancel(struct exec_op *op, const struct transact *t) {
    struct tc_buf text = {0}, members = {0};
    tc_buf_append_str(&text, "Transaction cancelled, please refer cancellation reasons for "
                             "specific reasons [");
    tc_buf_append_str(&members, ",\"CancellationReasons\":[");
    for (size_t i = 0; i < t->count; i++) {
        tc_buf_append_str(&text, i ? ", " : "");
        tc_buf_append_str(&members, i ? "," : "");
        append_reason(&text, &members, &t->actions[i]);
    }
    tc_buf_append_str(&text, "]");
    tc_buf_append_str(&members, "]");
    struct api_request *req = op->req;
    exec__op_deinit(op);
    api_fail_with(req, API_TRANSACTION_CANCELED, tc_buf_slice(&text), tc_buf_slice(&members));
    tc_buf_deinit(&text);
    tc_buf_deinit(&members);
}

static int by_key(const void *a, const void *b) {
    const struct action *x = *(const struct action *const *)a;
    const struct action *y = *(const struct action *const *)b;
    uint64_t left = x->table->descriptor->table_id, right = y->table->descriptor->table_id;
    if (left != right)
        return left < right ? -1 : 1;
    return tc_slice_cmp(tc_buf_slice(&x->key), tc_buf_slice(&y->key));
}

static bool has_duplicates(struct transact *t) {
    for (size_t i = 0; i < t->count; i++)
        t->sorted[i] = &t->actions[i];
    qsort(t->sorted, t->count, sizeof(void *), by_key);
    for (size_t i = 1; i < t->count; i++)
        if (by_key(&t->sorted[i - 1], &t->sorted[i]) == 0)
            return true;
    return false;
}

static void all_found(struct exec_op *op) {
    struct transact *t = op->state;
    size_t bad = 0;
    for (size_t i = 0; i < t->count; i++)
        bad += !find_key(op, &t->actions[i]);
    if (bad > 0)
        cancel(op, t);
    else if (has_duplicates(t))
        exec__fail(op, API_VALIDATION,
                   "Transaction request cannot include multiple operations on one item");
    else
        exec__fail(op, API_UNKNOWN_OPERATION,
                   "The operation %s is not supported by this version of Tercet.",
                   op->req->op->name);
}

static void one_found(struct exec_op *op) {
    struct transact *t = op->state;
    t->actions[t->at++].table = op->table;
    op->table = NULL;
    if (t->at < t->count)
        exec__find(op, t->actions[t->at].table_name, one_found);
    else
        all_found(op);
}

static struct action action_of(const struct api_transact_action *in) {
    if (in->get)
        return (struct action){.table_name = in->get->table_name, .get = in->get};
    const struct api_write_item *w = in->put ? in->put : in->update ? in->update : NULL;
    w = w ? w : in->del ? in->del : in->check;
    return (struct action){.table_name = w->table_name, .write = w, .whole_item = in->put != NULL};
}

void exec__transact(struct exec_op *op) {
    const struct api_transact *in = op->req->input;
    const struct api_transact_action *actions = in->actions.items;
    struct transact *t = tc_arena_calloc(op->req->arena, 1, sizeof *t);
    TC_ASSERT(t != NULL && in->actions.count > 0);
    t->actions = tc_arena_calloc(op->req->arena, in->actions.count, sizeof *t->actions);
    t->sorted = tc_arena_calloc(op->req->arena, in->actions.count, sizeof(void *));
    TC_ASSERT(t->actions != NULL && t->sorted != NULL); /* before anything is compiled */
    t->count = in->actions.count;
    op->state = t;
    op->free_state = free_transact;
    for (size_t i = 0; i < t->count; i++) {
        t->actions[i] = action_of(&actions[i]);
        if (!compile(op, &t->actions[i])) {
            exec__invalid(op);
            return;
        }
    }
    exec__find(op, t->actions[0].table_name, one_found);
}
