/* Any bytes as a push, a lookup and a peer's answer: the map stays sound. The first byte chooses
 * how many bytes of the rest are the push. */
#include "base/assert.h"
#include "memds/map/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
    NOW_MS = 1000,
    RECORDS_MAX = 50
};

static void push(struct map *m, struct tc_slice bytes) {
    Tercet__Pb__PushRequest *request =
        tercet__pb__push_request__unpack(NULL, bytes.len, bytes.data);
    struct map_counts counts = {0};
    if (request == NULL)
        return;
    const tc_err err = map_push(m, request, NOW_MS, &counts);
    TC_ASSERT(err == TC_OK || err == TC_ENOMEM);
    tercet__pb__push_request__free_unpacked(request, NULL);
}

static void look_up(struct map *m, struct tc_slice bytes) {
    Tercet__Pb__LookupRequest *request =
        tercet__pb__lookup_request__unpack(NULL, bytes.len, bytes.data);
    struct tc_buf out = {0};
    if (request == NULL)
        return;
    if (map_append_reply(m, request, 0, &out) == TC_OK) {
        Tercet__Pb__LookupReply *reply = tercet__pb__lookup_reply__unpack(NULL, out.len, out.data);
        TC_ASSERT(reply != NULL && reply->n_results == request->n_lookups);
        tercet__pb__lookup_reply__free_unpacked(reply, NULL);
    }
    tercet__pb__lookup_request__free_unpacked(request, NULL);
    tc_buf_deinit(&out);
}

/* The same answer to every question: a round must end all the same. */
static void answer(struct map *m, struct tc_slice bytes) {
    Tercet__Pb__SyncReply *reply = tercet__pb__sync_reply__unpack(NULL, bytes.len, bytes.data);
    struct perkle_sync round = {0};
    struct tc_buf prefix = {0};
    if (reply == NULL)
        return;
    perkle_sync_start(&round, &m->tree);
    for (int i = 0; i < 100 && perkle_sync_next(&round, &prefix); i++) {
        struct map_word word = {.warm = false};
        const tc_err err = map_take_sync(&round, tc_buf_slice(&prefix), reply, NOW_MS, &word);
        TC_ASSERT(err == TC_OK || !word.warm);
        if (err == TC_OK)
            map_peer_heard(m, (struct map_time){0, NOW_MS}, word.told_ms_ago);
    }
    perkle_sync_deinit(&round);
    tc_buf_deinit(&prefix);
    tercet__pb__sync_reply__free_unpacked(reply, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct map m;
    if (len == 0)
        return 0;
    const struct tc_slice all = tc_slice(data + 1, len - 1);
    const size_t split = data[0] < all.len ? data[0] : all.len;
    map_init(&m, RECORDS_MAX, (struct map_time){0, NOW_MS});
    push(&m, tc_slice(all.data, split));
    look_up(&m, tc_slice_from(all, split));
    answer(&m, tc_slice_from(all, split));
    TC_ASSERT(perkle_check(&m.tree));
    TC_ASSERT(perkle_count(&m.tree) <= RECORDS_MAX);
    map_deinit(&m);
    return 0;
}
