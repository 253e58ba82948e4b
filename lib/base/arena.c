#include "base/arena.h"

#include "base/assert.h"

#include <stdlib.h>

enum {
    ALIGN = 16,
    CHUNK_BYTES_MIN = 4096 - 64,
    CHUNK_BYTES_KEPT_MAX = 256 * 1024,
};

struct tc_arena_chunk {
    struct tc_arena_chunk *next;
    size_t cap;
    size_t used;
    size_t pad;
    uint8_t data[];
};

_Static_assert(sizeof(struct tc_arena_chunk) % ALIGN == 0, "chunk data must stay aligned");

void tc_arena_init(struct tc_arena *a, size_t max_bytes) {
    *a = (struct tc_arena){.max_bytes = max_bytes};
}

static void free_chunks(struct tc_arena_chunk *c) {
    while (c) {
        struct tc_arena_chunk *next = c->next;
        free(c);
        c = next;
    }
}

void tc_arena_deinit(struct tc_arena *a) {
    free_chunks(a->head);
    *a = (struct tc_arena){.max_bytes = a->max_bytes, .first_bytes = a->first_bytes};
}

void tc_arena_reset(struct tc_arena *a) {
    a->used_bytes = 0;
    if (a->head == NULL)
        return;
    free_chunks(a->head->next);
    a->head->next = NULL;
    a->head->used = 0;
    if (a->head->cap > CHUNK_BYTES_KEPT_MAX) {
        free(a->head);
        a->head = NULL;
    }
}

static struct tc_arena_chunk *add_chunk(struct tc_arena *a, size_t need) {
    size_t first = a->first_bytes ? a->first_bytes : CHUNK_BYTES_MIN;
    size_t cap = a->head ? a->head->cap * 2 : first;
    if (cap > CHUNK_BYTES_KEPT_MAX)
        cap = CHUNK_BYTES_KEPT_MAX;
    if (cap < need)
        cap = need;
    struct tc_arena_chunk *c = malloc(sizeof *c + cap);
    if (c == NULL)
        return NULL;
    *c = (struct tc_arena_chunk){.next = a->head, .cap = cap};
    a->head = c;
    return c;
}

void *tc_arena_alloc(struct tc_arena *a, size_t len) {
    if (len > SIZE_MAX / 2)
        return NULL;
    size_t need = (len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (need == 0)
        need = ALIGN;
    if (a->max_bytes != 0 && need > a->max_bytes - a->used_bytes)
        return NULL;
    struct tc_arena_chunk *c = a->head;
    if (c == NULL || c->cap - c->used < need)
        c = add_chunk(a, need);
    if (c == NULL)
        return NULL;
    void *at = c->data + c->used;
    c->used += need;
    a->used_bytes += need;
    return at;
}

void *tc_arena_calloc(struct tc_arena *a, size_t count, size_t size) {
    size_t len;
    if (__builtin_mul_overflow(count, size, &len))
        return NULL;
    void *at = tc_arena_alloc(a, len);
    if (at)
        memset(at, 0, len);
    return at;
}

struct tc_slice tc_arena_dup(struct tc_arena *a, struct tc_slice s) {
    if (s.len == 0)
        return TC_SLICE_EMPTY;
    uint8_t *copy = tc_arena_alloc(a, s.len);
    if (copy == NULL)
        return TC_SLICE_EMPTY;
    memcpy(copy, s.data, s.len);
    return tc_slice(copy, s.len);
}
