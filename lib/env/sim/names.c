#include "base/assert.h"
#include "env/sim/private.h"

#include <stdlib.h>

struct sim_node *sim__names_get(const struct tc_map *map, const char *path) {
    return tc_map_get(map, tc_slice_str(path));
}

void sim__names_put(struct sim_fs *s, struct tc_map *map, const char *path, struct sim_node *n) {
    TC_ASSERT(n != NULL);
    n->refs++;
    struct sim_node *old = tc_map_put(map, tc_slice_str(path), n);
    if (old)
        sim__node_unref(s, old);
}

void sim__names_del(struct sim_fs *s, struct tc_map *map, const char *path) {
    struct sim_node *old = tc_map_del(map, tc_slice_str(path));
    if (old)
        sim__node_unref(s, old);
}

static char *copy(const char *path) {
    if (path == NULL)
        return NULL;
    char *out = malloc(strlen(path) + 1);
    TC_ASSERT(out != NULL);
    memcpy(out, path, strlen(path) + 1);
    return out;
}

static void change_free(struct sim_fs *s, struct sim_change *c) {
    free(c->remove);
    free(c->add);
    if (c->node)
        sim__node_unref(s, c->node);
}

static void apply(struct sim_fs *s, struct tc_map *map, const struct sim_change *c) {
    if (c->remove)
        sim__names_del(s, map, c->remove);
    if (c->add)
        sim__names_put(s, map, c->add, c->node);
}

/* A disk's own name has no directory to sync: it is durable at once. */
static bool top_level(const char *path) {
    return path == NULL || strchr(path, '/') == NULL;
}

void sim__names_change(struct sim_fs *s, const char *remove, const char *add, struct sim_node *n) {
    if (s->pending_count == s->pending_cap) {
        s->pending_cap = s->pending_cap ? s->pending_cap * 2 : 16;
        s->pending = realloc(s->pending, s->pending_cap * sizeof *s->pending);
        TC_ASSERT(s->pending != NULL);
    }
    struct sim_change c = {.remove = copy(remove), .add = copy(add), .node = add ? n : NULL};
    if (c.node)
        c.node->refs++;
    apply(s, &s->names, &c);
    if (top_level(remove) && top_level(add)) {
        apply(s, &s->durable, &c);
        change_free(s, &c);
        return;
    }
    s->pending[s->pending_count++] = c;
}

bool sim__names_in_dir(const char *path, const char *dir) {
    size_t len = strlen(dir);
    return path && strncmp(path, dir, len) == 0 && path[len] == '/' &&
           strchr(path + len + 1, '/') == NULL;
}

void sim__names_sync_dir(struct sim_fs *s, const char *dir) {
    size_t left = 0;
    for (size_t i = 0; i < s->pending_count; i++) {
        struct sim_change *c = &s->pending[i];
        if (sim__names_in_dir(c->remove, dir) || sim__names_in_dir(c->add, dir)) {
            apply(s, &s->durable, c);
            change_free(s, c);
        } else {
            s->pending[left++] = *c;
        }
    }
    s->pending_count = left;
}

static void map_clear(struct sim_fs *s, struct tc_map *map) {
    size_t at = 0;
    struct tc_slice key;
    void *node;
    while (tc_map_next(map, &at, &key, &node))
        sim__node_unref(s, node);
    tc_map_deinit(map);
    *map = (struct tc_map){0};
}

static void show_durable(struct sim_fs *s) {
    map_clear(s, &s->names);
    size_t at = 0;
    struct tc_slice key;
    void *node;
    while (tc_map_next(&s->durable, &at, &key, &node)) {
        ((struct sim_node *)node)->refs++;
        tc_map_put(&s->names, key, node);
    }
}

void sim__names_crash(struct sim_fs *s, bool keep_all) {
    /* Journalling file systems keep a prefix of the changes; others may keep any of them. */
    bool by_prefix = tc_prng_chance(&s->prng, 1, 2);
    size_t prefix = (size_t)tc_prng_below(&s->prng, s->pending_count + 1);
    for (size_t i = 0; i < s->pending_count; i++) {
        bool keep = keep_all || (by_prefix ? i < prefix : tc_prng_chance(&s->prng, 1, 2));
        if (keep)
            apply(s, &s->durable, &s->pending[i]);
        else
            s->counters.names_lost++;
        change_free(s, &s->pending[i]);
    }
    s->pending_count = 0;
    show_durable(s);
}

void sim__names_clear(struct sim_fs *s) {
    for (size_t i = 0; i < s->pending_count; i++)
        change_free(s, &s->pending[i]);
    s->pending_count = 0;
    map_clear(s, &s->names);
    map_clear(s, &s->durable);
}
