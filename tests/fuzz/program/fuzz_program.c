/* Program bytes off the network: whatever passes expr_check must evaluate within bounds, on an item
 * and on none, and yield legal items. */
#include "base/assert.h"
#include "core/expr/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* {a:1, b:[1,{c:'x'}], k:'k'} */
static const uint8_t item_bytes[] = {3,   1, 'a', 2,   3,    0xff, 0x82, 11, 1,  'b', 7,
                                     14,  2, 2,   3,   0xff, 0x82, 11,   6,  6,  1,   1,
                                     'c', 1, 1,   'x', 1,    'k',  1,    1,  'k'};

static void run_update(struct tc_slice program, struct tc_slice old, struct tc_slice key) {
    struct tc_arena scratch;
    struct tc_buf out = {0};
    struct tc_buf diag = {0};
    tc_arena_init(&scratch, 1 << 20);
    tc_err err = expr_update(program, old, key, &scratch, &out, &diag);
    TC_ASSERT(err == TC_OK || out.len == 0);
    TC_ASSERT(out.len == 0 || item_check(tc_buf_slice(&out)) == TC_OK);
    tc_buf_clear(&out);
    expr_update_project(program, old, &out);
    TC_ASSERT(item_check(tc_buf_slice(&out)) == TC_OK);
    tc_buf_deinit(&out);
    tc_buf_deinit(&diag);
    tc_arena_deinit(&scratch);
}

static void run_projection(struct tc_slice program, struct tc_slice item) {
    struct tc_buf out = {0};
    expr_project(program, item, &out);
    TC_ASSERT(item_check(tc_buf_slice(&out)) == TC_OK);
    tc_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct tc_slice program = tc_slice(data, len);
    struct tc_slice item = tc_slice(item_bytes, sizeof item_bytes);
    TC_ASSERT(item_check(item) == TC_OK);
    if (expr_check(program, EXPR_CONDITION) == TC_OK) {
        (void)expr_match(program, item);
        (void)expr_match(program, TC_SLICE_EMPTY);
        (void)expr_touches(program, TC_SLICE_LIT("a"));
    }
    if (expr_check(program, EXPR_UPDATE) == TC_OK) {
        run_update(program, item, TC_SLICE_EMPTY);
        run_update(program, TC_SLICE_EMPTY, item);
        (void)expr_touches(program, TC_SLICE_LIT("a"));
    }
    if (expr_check(program, EXPR_PROJECTION) == TC_OK) {
        run_projection(program, item);
        run_projection(program, TC_SLICE_EMPTY);
    }
    return 0;
}
