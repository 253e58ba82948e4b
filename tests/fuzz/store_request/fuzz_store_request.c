/* An item request with any content, against no item and against its own item; and the small state
 * records that recovery decodes. */
#include "base/assert.h"
#include "core/item/item.h"
#include "engine/store/decide.h"
#include "engine/store/log.h"
#include "engine/store/replica.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decide(const Tercet__Pb__ItemRequest *req, struct tc_slice old) {
    struct store_decision d = {0};
    struct tc_arena scratch = {.max_bytes = 1 << 20};
    if (req->op != TERCET__PB__ITEM_OP__ITEM_GET)
        (void)!store__decide(req, old, &scratch, &d);
    store__decision_deinit(&d);
    tc_arena_deinit(&scratch);
}

static void fuzz_request(const uint8_t *data, size_t size) {
    struct tc_buf message = {0};
    Tercet__Pb__ItemRequest *req = tercet__pb__item_request__unpack(NULL, size, data);
    if (req == NULL)
        return;
    if (store__decide_check(req, &message) == TC_OK) {
        decide(req, TC_SLICE_EMPTY);
        if (item_check(proto_slice(req->item)) == TC_OK)
            decide(req, proto_slice(req->item));
    }
    tc_buf_deinit(&message);
    tercet__pb__item_request__free_unpacked(req, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct store_base base;
    struct paxos_mark mark;
    struct quorum_config config;
    struct store_aux aux;
    fuzz_request(data, size);
    if (store__log_base_decode(tc_slice(data, size), &base) == TC_OK)
        TC_ASSERT(quorum_valid(&base.config));
    if (store__replica_blob_decode(tc_slice(data, size), &mark, &config, &aux) == TC_OK)
        TC_ASSERT(quorum_valid(&config));
    return 0;
}
