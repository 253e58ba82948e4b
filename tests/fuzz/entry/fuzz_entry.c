/* Whatever the decoders of bodies accept, encodes again to the same. */
#include "base/assert.h"
#include "core/entry/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_split(struct tc_slice body) {
    struct entry_split s, again;
    struct tc_buf out = {0};
    if (entry_split_decode(body, &s) != TC_OK)
        return;
    entry_split_encode(&s, &out);
    TC_ASSERT(entry_split_decode(tc_buf_slice(&out), &again) == TC_OK);
    TC_ASSERT(again.hlc_ns == s.hlc_ns && tc_slice_eq(again.key, s.key));
    tc_buf_deinit(&out);
}

static void fuzz_seal(struct tc_slice body) {
    struct entry_seal s;
    struct tc_buf out = {0};
    if (entry_seal_decode(body, &s) != TC_OK)
        return;
    entry_seal_encode(&s, &out);
    TC_ASSERT(tc_slice_eq(tc_buf_slice(&out), body));
    tc_buf_deinit(&out);
}

static void fuzz_merge(struct tc_slice body) {
    struct entry_merge m, again;
    struct tc_buf out = {0};
    if (entry_merge_decode(body, &m) != TC_OK)
        return;
    entry_merge_encode(&m, &out);
    TC_ASSERT(entry_merge_decode(tc_buf_slice(&out), &again) == TC_OK);
    TC_ASSERT(again.right_index == m.right_index && tc_slice_eq(again.end, m.end));
    tc_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct entry_write w;
    fuzz_split(tc_slice(data, size));
    fuzz_seal(tc_slice(data, size));
    fuzz_merge(tc_slice(data, size));
    if (entry_write_decode(tc_slice(data, size), &w) != TC_OK)
        return 0;
    struct entry_mutation m[ENTRY_MUTATIONS_MAX];
    struct entry_iter it = entry_iter(&w);
    size_t count = 0;
    while (entry_next(&it, &m[count]))
        count++;
    TC_ASSERT(count == w.mutation_count);
    struct tc_buf out = {0};
    entry_write_encode(&w, m, count, &out);
    struct entry_write again;
    TC_ASSERT(entry_write_decode(tc_buf_slice(&out), &again) == TC_OK);
    TC_ASSERT(again.hlc_ns == w.hlc_ns && tc_slice_eq(again.old_item, w.old_item) &&
              tc_slice_eq(again.answer, w.answer));
    tc_buf_deinit(&out);
    return 0;
}
