/* Whatever the decoders accept, encodes again to the same. */
#include "base/assert.h"
#include "core/index/index.h"
#include "core/index/index_aux.h"
#include "core/index/index_derive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_schema(struct tc_slice bytes) {
    static struct index_schema s, again;
    struct tc_buf out = {0};
    if (index_schema_decode(bytes, &s) != TC_OK)
        return;
    TC_ASSERT(index_schema_version(bytes) == s.version);
    TC_ASSERT(index_schema_encode(&s, &out) == TC_OK);
    TC_ASSERT(index_schema_decode(tc_buf_slice(&out), &again) == TC_OK);
    TC_ASSERT(again.def_count == s.def_count && again.attribute_count == s.attribute_count);
    tc_buf_deinit(&out);
}

static void fuzz_outbox(struct tc_slice bytes) {
    static struct index_outbox o, again;
    struct tc_buf out = {0};
    if (index_outbox_decode(bytes, &o) != TC_OK)
        return;
    index_outbox_encode(&o, &out);
    TC_ASSERT(index_outbox_decode(tc_buf_slice(&out), &again) == TC_OK);
    TC_ASSERT(again.count == o.count && again.hlc_ns == o.hlc_ns);
    tc_buf_deinit(&out);
}

static void fuzz_backfill(struct tc_slice bytes) {
    struct index_backfill b, again;
    struct tc_buf out = {0};
    if (index_backfill_decode(bytes, &b) != TC_OK)
        return;
    index_backfill_encode(&b, &out);
    TC_ASSERT(index_backfill_decode(tc_buf_slice(&out), &again) == TC_OK);
    TC_ASSERT(again.done == b.done && tc_slice_eq(again.after, b.after));
    tc_buf_clear(&out);
    index_backfill_unite(bytes, bytes, &out);
    TC_ASSERT(out.len > 0);
    tc_buf_deinit(&out);
}

static void fuzz_keys(struct tc_slice bytes) {
    struct tc_slice base;
    uint64_t seconds = 0;
    uint8_t id = 0;
    const struct tc_slice home = index_key_home(bytes);
    TC_ASSERT(home.len <= bytes.len);
    if (index_outbox_key_decode(bytes, &base) == TC_OK)
        TC_ASSERT(tc_slice_eq(base, home));
    if (index_expiry_key_decode(bytes, &seconds, &base) == TC_OK)
        TC_ASSERT(tc_slice_eq(base, home));
    if (index_backfill_key_decode(bytes, &id) == TC_OK)
        TC_ASSERT(home.len == 0);
}

static void fuzz_answer(struct tc_slice bytes) {
    static struct index_answer a, again;
    static struct index_derived d;
    struct tc_buf out = {0};
    if (index_answer_decode(bytes, &a) != TC_OK)
        return;
    d.collection_bytes = a.collection_bytes;
    d.unit_count = a.unit_count;
    memcpy(d.units, a.units, a.unit_count * sizeof a.units[0]);
    index_answer_encode(&d, &out);
    TC_ASSERT(index_answer_decode(tc_buf_slice(&out), &again) == TC_OK);
    TC_ASSERT(again.unit_count == a.unit_count && again.collection_bytes == a.collection_bytes);
    tc_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct tc_slice bytes = tc_slice(data, size);
    uint64_t ignored = 0;
    fuzz_schema(bytes);
    fuzz_outbox(bytes);
    fuzz_backfill(bytes);
    fuzz_keys(bytes);
    fuzz_answer(bytes);
    TC_IGNORE(index_collection_decode(bytes, &ignored)); /* it only must not read beyond */
    return 0;
}
