/* Rows of a global index as another node sends them: what the check lets through is stored and read
 * again as it came, and its key is one that the group's own rows cannot be mistaken for. */
#include "base/assert.h"
#include "core/index/index.h"
#include "core/index/index_aux.h"
#include "engine/store/rows.h"
#include "proto/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_stored(const Tercet__Pb__IndexRow *row) {
    struct tc_slice item = proto_slice(row->item);
    struct tc_buf stored = {0}, back = {0};
    uint64_t version = 0;
    index_version_put(item, row->version, &stored);
    TC_ASSERT(index_version_take(tc_buf_slice(&stored), &version) && version == row->version);
    TC_ASSERT(index_version_is_gone(tc_buf_slice(&stored)) == (item.len == 0));
    index_version_strip(tc_buf_slice(&stored), &back);
    TC_ASSERT(item.len == 0 || tc_slice_eq(tc_buf_slice(&back), item));
    tc_buf_deinit(&stored);
    tc_buf_deinit(&back);
}

static void fuzz_gone(const Tercet__Pb__IndexRow *row) {
    struct tc_slice key = proto_slice(row->key), base;
    struct tc_buf gone = {0}, value = {0};
    uint64_t seconds = 0, version = 0;
    TC_ASSERT(!index_key_is_auxiliary(key) && tc_slice_eq(index_key_home(key), key));
    index_expiry_key(row->version, key, &gone);
    TC_ASSERT(index_expiry_key_decode(tc_buf_slice(&gone), &seconds, &base) == TC_OK);
    TC_ASSERT(seconds == row->version && tc_slice_eq(base, key));
    store__rows_gone_value(row->version, &value);
    TC_ASSERT(store__rows_gone_decode(tc_buf_slice(&value), &version) == TC_OK);
    TC_ASSERT(version == row->version);
    tc_buf_deinit(&gone);
    tc_buf_deinit(&value);
}

static void fuzz_request(const uint8_t *data, size_t size) {
    Tercet__Pb__IndexRequest *req = tercet__pb__index_request__unpack(NULL, size, data);
    if (req == NULL)
        return;
    bool sound = store__rows_check(req) == TC_OK;
    TC_ASSERT(!sound || (req->n_rows > 0 && req->n_rows <= STORE_INDEX_ROWS_MAX));
    for (size_t i = 0; sound && i < req->n_rows; i++) {
        TC_ASSERT(i == 0 || tc_slice_cmp(proto_slice(req->rows[i - 1]->key),
                                         proto_slice(req->rows[i]->key)) < 0);
        fuzz_stored(req->rows[i]);
        fuzz_gone(req->rows[i]);
    }
    tercet__pb__index_request__free_unpacked(req, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t version = 0;
    fuzz_request(data, size);
    TC_IGNORE(store__rows_gone_decode(tc_slice(data, size), &version)); /* must not read beyond */
    return 0;
}
