/* The heap of replicas by deadline; each knows its place (1 is the top, 0 nowhere). */
#include "base/assert.h"
#include "engine/store/due.h"

#include <stdlib.h>

static void place(struct store_due *d, size_t at, struct replica *r) {
    d->heap[at] = r;
    r->heap_at = at;
}

static void sift_up(struct store_due *d, struct replica *r) {
    size_t at = r->heap_at;
    for (; at > 1 && d->heap[at / 2]->deadline_ns > r->deadline_ns; at /= 2)
        place(d, at, d->heap[at / 2]);
    place(d, at, r);
}

static void sift_down(struct store_due *d, struct replica *r) {
    size_t at = r->heap_at;
    for (size_t child = 2 * at; child <= d->count; child = 2 * at) {
        if (child < d->count && d->heap[child + 1]->deadline_ns < d->heap[child]->deadline_ns)
            child++;
        if (d->heap[child]->deadline_ns >= r->deadline_ns)
            break;
        place(d, at, d->heap[child]);
        at = child;
    }
    place(d, at, r);
}

static void heap_add(struct store_due *d, struct replica *r) {
    if (d->count + 1 >= d->cap) {
        d->cap = d->cap ? 2 * d->cap : 64;
        d->heap = realloc((void *)d->heap, d->cap * sizeof(struct replica *));
        TC_ASSERT(d->heap != NULL);
    }
    place(d, ++d->count, r);
    sift_up(d, r);
}

void store__due_heap_remove(struct store_due *d, struct replica *r) {
    size_t at = r->heap_at;
    struct replica *last = d->heap[d->count--];
    r->heap_at = 0;
    if (last == r)
        return;
    place(d, at, last);
    sift_up(d, last);
    sift_down(d, last);
}

void store__due_set(struct replica *r) {
    struct store_due *d = &r->store->due;
    if (r->deadline_ns == UINT64_MAX) {
        if (r->heap_at)
            store__due_heap_remove(d, r);
        return;
    }
    if (r->heap_at == 0) {
        heap_add(d, r);
        return;
    }
    sift_up(d, r);
    sift_down(d, r);
}
