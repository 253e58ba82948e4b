/* Any bytes as JSON: the skipper and the item reader must agree on what is JSON, and what the item
 * reader makes must be canonical. */
#include "base/assert.h"
#include "core/json/json_item.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct tc_arena arena = {0};
    struct json_item j = {0};
    struct json_diag diag;
    struct tc_buf out = {0};
    const struct tc_slice text = tc_slice(data, len);
    struct json_reader r = json_reader(text, &arena, JSON_ITEM_DEPTH);
    tc_err skipped = json_skip(&r);
    if (skipped == TC_OK)
        skipped = json_end(&r);
    r = json_reader(text, &arena, JSON_ITEM_DEPTH);
    tc_err read = json_item_read(&j, &r, &out, &diag);
    if (read == TC_OK)
        read = json_end(&r);
    TC_ASSERT(read != TC_OK || skipped == TC_OK);
    if (read == TC_OK) {
        TC_ASSERT(item_check(tc_buf_slice(&out)) == TC_OK);
        (void)item_size_bytes(tc_buf_slice(&out));
    }
    tc_buf_deinit(&out);
    json_item_deinit(&j);
    tc_arena_deinit(&arena);
    return 0;
}
