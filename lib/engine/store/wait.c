#include "engine/store/wait.h"

#include "base/assert.h"

#include <stdlib.h>

static struct store_wait *of(struct tc_list *node) {
    return TC_CONTAINER(node, struct store_wait, link);
}

static struct tc_slice id_key(const uint8_t *id) {
    return tc_slice(id, ENTRY_REQUEST_ID_BYTES);
}

void store_waits_init(struct store_waits *w) {
    *w = (struct store_waits){0};
    tc_list_init(&w->queue);
}

void store_waits_deinit(struct store_waits *w) {
    TC_ASSERT(w->count == 0);
    tc_map_deinit(&w->writes);
}

void store_waits_add_take(struct store_waits *w, struct store_wait *wait) {
    TC_ASSERT(wait->index > 0);
    struct tc_list *before = w->queue.prev;
    while (before != &w->queue && of(before)->index > wait->index)
        before = before->prev;
    tc_list_push_front(before, &wait->link);
    w->count++;
    if (wait->kind == STORE_WAIT_WRITE && store_waits_find(w, wait->id) == NULL)
        (void)tc_map_put(&w->writes, id_key(wait->id), wait);
}

const struct store_wait *store_waits_find(const struct store_waits *w,
                                          const uint8_t id[ENTRY_REQUEST_ID_BYTES]) {
    return tc_map_get(&w->writes, id_key(id));
}

static struct store_wait *take(struct store_waits *w, struct store_wait *wait) {
    TC_ASSERT(w->count > 0);
    tc_list_remove(&wait->link);
    w->count--;
    if (store_waits_find(w, wait->id) == wait)
        (void)tc_map_del(&w->writes, id_key(wait->id));
    return wait;
}

struct store_wait *store_waits_pop(struct store_waits *w, uint64_t applied) {
    if (tc_list_empty(&w->queue) || of(w->queue.next)->index > applied)
        return NULL;
    return take(w, of(w->queue.next));
}

struct store_wait *store_waits_pop_last(struct store_waits *w, uint64_t first) {
    if (tc_list_empty(&w->queue) || of(w->queue.prev)->index < first)
        return NULL;
    return take(w, of(w->queue.prev));
}

void store_wait_free(struct store_wait *wait) {
    if (wait == NULL)
        return;
    tc_blob_unref(wait->body);
    tc_buf_deinit(&wait->answer);
    free(wait);
}
