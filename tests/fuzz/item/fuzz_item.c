/* Any bytes as an item, a number or a storage key: what the checks accept, the walkers survive, and
 * it is the one encoding of its value. */
#include "base/assert.h"
#include "core/json/json_item.h"
#include "core/key/key.h"
#include "core/number/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_item(struct tc_slice item) {
    struct tc_arena arena = {0};
    struct json_item j = {0};
    struct json_diag diag;
    struct tc_buf text = {0};
    struct tc_buf back = {0};
    (void)item_size_bytes(item);
    json_item_write(&text, item);
    struct json_reader r = json_reader(tc_buf_slice(&text), &arena, JSON_ITEM_DEPTH);
    if (json_item_read(&j, &r, &back, &diag) == TC_OK)
        TC_ASSERT(tc_slice_eq(tc_buf_slice(&back), item));
    else
        TC_ASSERT(diag.kind == JSON_DIAG_VALIDATION); /* names that the API does not allow */
    tc_buf_deinit(&text);
    tc_buf_deinit(&back);
    json_item_deinit(&j);
    tc_arena_deinit(&arena);
}

static void check_number(struct tc_slice bytes) {
    struct tc_buf text = {0};
    struct number n;
    number_append_text(&text, bytes);
    TC_ASSERT(number_parse(tc_buf_slice(&text), &n, NULL) == TC_OK);
    TC_ASSERT(tc_slice_eq(number_slice(&n), bytes));
    tc_buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    const struct tc_slice bytes = tc_slice(data, len);
    size_t range_at = 0;
    struct number n;
    if (item_check(bytes) == TC_OK)
        check_item(bytes);
    if (item_value_check(bytes) == TC_OK)
        (void)item_value_size_bytes(item_value_at(bytes));
    if (number_check(bytes) == TC_OK)
        check_number(bytes);
    if (number_parse(bytes, &n, NULL) == TC_OK)
        TC_ASSERT(number_check(number_slice(&n)) == TC_OK);
    if (key_check(bytes, &range_at) == TC_OK)
        TC_ASSERT(range_at <= len);
    return 0;
}
