#include "engine/store/owed.h"

#include "base/assert.h"
#include "core/index/index_aux.h"
#include "engine/store/answer.h"
#include "engine/store/outbox.h"

#include <stdlib.h>

struct answer {
    struct tc_list link;
    struct store_wait *wait;
    struct tc_slice key; /* of the outbox row, in the wait's body */
    uint64_t hlc_ns;     /* of the write */
    uint64_t until_ns;
};

static struct answer *of(struct tc_list *node) {
    return TC_CONTAINER(node, struct answer, link);
}

void store__owed_init(struct store_owed *owed) {
    *owed = (struct store_owed){0};
    tc_list_init(&owed->queue);
}

static void give(struct store *s, struct store_owed *owed, struct answer *a) {
    struct store_wait *wait = a->wait;
    tc_list_remove(&a->link);
    owed->count--;
    store__answer_write(s, wait->token, wait->index, tc_blob_slice(wait->body), wait->want);
    store_wait_free(wait);
    free(a);
}

/* The outbox row that the write put, if any. */
static bool find_row(const struct entry_write *w, struct tc_slice *ret_key) {
    struct entry_mutation m;
    struct tc_slice base_key;
    for (struct entry_iter it = entry_iter(w); entry_next(&it, &m);) {
        if (m.op != ENTRY_PUT || index_outbox_key_decode(m.key, &base_key) != TC_OK)
            continue;
        *ret_key = m.key;
        return true;
    }
    return false;
}

bool store__owed_take(struct replica *r, struct store_wait *wait) {
    struct store *s = r->store;
    struct store_owed *owed = r->outbox ? &r->outbox->owed : NULL;
    struct entry_write w;
    struct tc_slice key;
    if (owed == NULL || r->outbox->term == 0 || owed->behind || s->options.index_wait_ms == 0 ||
        owed->count >= STORE_OWED_MAX || r->aux.outbox_count == 0)
        return false;
    if (entry_write_decode(tc_blob_slice(wait->body), &w) != TC_OK || !find_row(&w, &key))
        return false;
    struct answer *a = calloc(1, sizeof *a);
    TC_ASSERT(a != NULL);
    *a = (struct answer){.wait = wait, .key = key, .hlc_ns = w.hlc_ns};
    a->until_ns = store__now_ns(s) + s->options.index_wait_ms * STORE_MS_NS;
    tc_list_push_back(&owed->queue, &a->link);
    owed->count++;
    return true;
}

/* The outbox row of this key that the batch paid; owners stand in order of their keys. */
static const struct delivery_owner *find_owner(const struct delivery *d, struct tc_slice key) {
    size_t low = 0, high = d->owner_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tc_slice_cmp(store__delivery_owner_key(d, middle), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < d->owner_count && tc_slice_eq(store__delivery_owner_key(d, low), key);
    return found && !d->owners[low].failed ? &d->owners[low] : NULL;
}

void store__owed_delivered(struct store *s, struct store_owed *owed, const struct delivery *d) {
    bool is_all = d->owner_count < STORE_OUTBOX_ITEMS_MAX && !store__delivery_full(d);
    for (struct tc_list *at = owed->queue.next, *next; at != &owed->queue; at = next) {
        next = at->next;
        const struct delivery_owner *paid = find_owner(d, of(at)->key);
        if (paid && paid->hlc_ns >= of(at)->hlc_ns)
            give(s, owed, of(at));
    }
    if (d->err != TC_OK)
        store__owed_end(s, owed);
    owed->behind = d->err != TC_OK || (owed->behind && !is_all);
}

uint64_t store__owed_tick(struct store *s, struct store_owed *owed, uint64_t now_ns) {
    while (!tc_list_empty(&owed->queue) && of(owed->queue.next)->until_ns <= now_ns) {
        owed->behind = true;
        give(s, owed, of(owed->queue.next));
    }
    return tc_list_empty(&owed->queue) ? UINT64_MAX : of(owed->queue.next)->until_ns;
}

void store__owed_end(struct store *s, struct store_owed *owed) {
    while (!tc_list_empty(&owed->queue))
        give(s, owed, of(owed->queue.next));
}
