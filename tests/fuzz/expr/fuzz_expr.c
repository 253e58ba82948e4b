/* Expression texts: the first byte chooses the kind, the rest is the text. What compiles must pass
 * the program check and evaluate to a legal item; what fails must say why and leave nothing. */
#include "base/assert.h"
#include "core/expr/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct fixture {
    struct expr_binding names[2];
    struct expr_binding values[4];
    struct expr_bindings name_table;
    struct expr_bindings value_table;
    struct tc_arena scratch;
    struct expr_ctx ctx;
    struct tc_buf program;
    struct tc_buf out;
    struct tc_buf diag;
};

/* {a:1, b:[1,{c:'x'}], k:'k'} */
static const uint8_t item_bytes[] = {3,   1, 'a', 2,   3,    0xff, 0x82, 11, 1,  'b', 7,
                                     14,  2, 2,   3,   0xff, 0x82, 11,   6,  6,  1,   1,
                                     'c', 1, 1,   'x', 1,    'k',  1,    1,  'k'};

static void fixture_init(struct fixture *f) {
    static const uint8_t number[] = {2, 3, 0xff, 0x82, 11};
    static const uint8_t list[] = {7, 4, 1, 1, 1, 'l'};
    static const uint8_t set[] = {8, 3, 1, 1, 'a'};
    *f = (struct fixture){
        .names = {{.token = TC_SLICE_LIT("#a"), .target = TC_SLICE_LIT("name")},
                  {.token = TC_SLICE_LIT("#b"), .target = TC_SLICE_LIT("b")}},
        .values = {{.token = TC_SLICE_LIT(":l"), .target = tc_slice(list, sizeof list)},
                   {.token = TC_SLICE_LIT(":n"), .target = tc_slice(number, sizeof number)},
                   {.token = TC_SLICE_LIT(":s"), .target = TC_SLICE_LIT("\x01\x01S")},
                   {.token = TC_SLICE_LIT(":t"), .target = tc_slice(set, sizeof set)}},
    };
    for (size_t i = 0; i < 4; i++)
        TC_ASSERT(item_value_check(f->values[i].target) == TC_OK);
    TC_ASSERT(item_check(tc_slice(item_bytes, sizeof item_bytes)) == TC_OK);
    f->name_table = (struct expr_bindings){.at = f->names, .count = 2};
    f->value_table = (struct expr_bindings){.at = f->values, .count = 4};
    tc_arena_init(&f->scratch, 1 << 20);
    f->ctx = (struct expr_ctx){&f->name_table, &f->value_table, &f->scratch};
    TC_ASSERT(expr_bindings_prepare(&f->name_table, '#', &f->diag) == TC_OK);
    TC_ASSERT(expr_bindings_prepare(&f->value_table, ':', &f->diag) == TC_OK);
}

static void fixture_deinit(struct fixture *f) {
    tc_arena_deinit(&f->scratch);
    tc_buf_deinit(&f->program);
    tc_buf_deinit(&f->out);
    tc_buf_deinit(&f->diag);
}

static void evaluate(struct fixture *f, enum expr_kind kind) {
    struct tc_slice item = tc_slice(item_bytes, sizeof item_bytes);
    struct tc_slice program = tc_buf_slice(&f->program);
    TC_ASSERT(expr_check(program, kind) == TC_OK);
    if (kind == EXPR_CONDITION || kind == EXPR_FILTER) {
        (void)expr_match(program, item);
        return;
    }
    tc_err err = TC_OK;
    if (kind == EXPR_UPDATE)
        err = expr_update(program, item, TC_SLICE_EMPTY, &f->scratch, &f->out, &f->diag);
    else
        expr_project(program, item, &f->out);
    TC_ASSERT(err == TC_OK ? item_check(tc_buf_slice(&f->out)) == TC_OK : f->out.len == 0);
}

static void compile_key(struct fixture *f, struct tc_slice text) {
    struct expr_key_range range = {0};
    struct expr_key_schema schema = {
        .hash = {{TC_SLICE_LIT("k"), ITEM_S}},
        .hash_count = 1,
        .sort = {{TC_SLICE_LIT("a"), ITEM_N}, {TC_SLICE_LIT("b"), ITEM_S}},
        .sort_count = text.len % 3};
    tc_err err = expr_compile_key_condition(text, &schema, &f->ctx, &range, &f->diag);
    TC_ASSERT((err == TC_OK) == (range.hash[0].len > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len == 0)
        return 0;
    struct fixture f;
    fixture_init(&f);
    enum expr_kind kind = (enum expr_kind)(1 + data[0] % 5);
    struct tc_slice text = tc_slice(data + 1, len - 1);
    if (kind == EXPR_KEY_CONDITION) {
        compile_key(&f, text);
    } else if (expr_compile(kind, text, &f.ctx, &f.program, &f.diag) == TC_OK) {
        evaluate(&f, kind);
    } else {
        TC_ASSERT(f.program.len == 0 && f.diag.len > 0);
    }
    fixture_deinit(&f);
    return 0;
}
