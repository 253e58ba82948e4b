#include "base/map.h"

#include "base/assert.h"
#include "base/hash.h"

#include <stdlib.h>

struct tc_map_slot {
    uint8_t *key; /* NULL: empty, or dead if value is the tombstone */
    size_t key_len;
    uint64_t hash;
    void *value;
};

static char tombstone;

void tc_map_deinit(struct tc_map *m) {
    for (size_t i = 0; i < m->cap; i++)
        free(m->slots[i].key);
    free(m->slots);
    *m = (struct tc_map){0};
}

static uint64_t hash_key(struct tc_slice key) {
    return tc_hash64(key, 0x7465726365740001u);
}

static bool slot_is(const struct tc_map_slot *s, struct tc_slice key, uint64_t hash) {
    return s->key && s->hash == hash && tc_slice_eq(tc_slice(s->key, s->key_len), key);
}

static struct tc_map_slot *find(const struct tc_map *m, struct tc_slice key) {
    if (m->cap == 0)
        return NULL;
    uint64_t hash = hash_key(key);
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct tc_map_slot *s = &m->slots[i];
        if (slot_is(s, key, hash))
            return s;
        if (s->key == NULL && s->value == NULL)
            return NULL;
    }
}

static struct tc_map_slot *find_free(struct tc_map *m, uint64_t hash) {
    size_t i = hash & (m->cap - 1);
    while (m->slots[i].key != NULL)
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

static void resize(struct tc_map *m, size_t cap) {
    struct tc_map old = *m;
    m->slots = calloc(cap, sizeof *m->slots);
    TC_ASSERT(m->slots != NULL);
    m->cap = cap;
    m->dead = 0;
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key)
            *find_free(m, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

void *tc_map_get(const struct tc_map *m, struct tc_slice key) {
    struct tc_map_slot *s = find(m, key);
    return s ? s->value : NULL;
}

static void make_room(struct tc_map *m) {
    if ((m->count + m->dead + 1) * 4 > m->cap * 3)
        resize(m, m->cap == 0 ? 16 : m->count * 2 >= m->cap ? m->cap * 2 : m->cap);
}

void *tc_map_put(struct tc_map *m, struct tc_slice key, void *value) {
    TC_ASSERT(value != NULL);
    struct tc_map_slot *s = find(m, key);
    if (s) {
        void *before = s->value;
        s->value = value;
        return before;
    }
    make_room(m);
    uint64_t hash = hash_key(key);
    s = find_free(m, hash);
    if (s->value == &tombstone)
        m->dead--;
    uint8_t *copy = malloc(key.len ? key.len : 1);
    TC_ASSERT(copy != NULL);
    if (key.len)
        memcpy(copy, key.data, key.len);
    *s = (struct tc_map_slot){.key = copy, .key_len = key.len, .hash = hash, .value = value};
    m->count++;
    return NULL;
}

void *tc_map_del(struct tc_map *m, struct tc_slice key) {
    struct tc_map_slot *s = find(m, key);
    if (s == NULL)
        return NULL;
    void *value = s->value;
    free(s->key);
    *s = (struct tc_map_slot){.value = &tombstone};
    m->count--;
    m->dead++;
    return value;
}

bool tc_map_next(const struct tc_map *m, size_t *at, struct tc_slice *ret_key, void **ret_value) {
    for (; *at < m->cap; (*at)++) {
        struct tc_map_slot *s = &m->slots[*at];
        if (s->key == NULL)
            continue;
        *ret_key = tc_slice(s->key, s->key_len);
        *ret_value = s->value;
        (*at)++;
        return true;
    }
    return false;
}
