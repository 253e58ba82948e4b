#include "sim/kit/heap.h"

static struct sim_event *items(const struct sim_heap *h) {
    return (struct sim_event *)(void *)h->mem.data;
}

static size_t count_of(const struct sim_heap *h) {
    return h->mem.len / sizeof(struct sim_event);
}

static bool before(const struct sim_event *a, const struct sim_event *b) {
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq;
}

void sim_heap_deinit(struct sim_heap *h) {
    tc_buf_deinit(&h->mem);
    h->next_seq = 0;
}

void sim_heap_push(struct sim_heap *h, struct sim_event ev) {
    ev.seq = h->next_seq++;
    tc_buf_append(&h->mem, &ev, sizeof ev);
    struct sim_event *v = items(h);
    size_t at = count_of(h) - 1;
    while (at > 0 && before(&ev, &v[(at - 1) / 2])) {
        v[at] = v[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    v[at] = ev;
}

bool sim_heap_pop(struct sim_heap *h, struct sim_event *ret_event) {
    size_t count = count_of(h);
    struct sim_event *v = items(h);
    if (count == 0)
        return false;
    *ret_event = v[0];
    struct sim_event moved = v[--count];
    h->mem.len = count * sizeof moved;
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && before(&v[child + 1], &v[child]))
            child++;
        if (!before(&v[child], &moved))
            break;
        v[at] = v[child];
        at = child;
    }
    if (count > 0)
        v[at] = moved;
    return true;
}
