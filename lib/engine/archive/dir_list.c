/* Keys of an object store in a directory: all below the prefix's directory are collected, then
 * sorted, for a directory gives its names in no order. */
#include "engine/archive/dir.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DEPTH_MAX = 16,
};

struct names {
    struct tc_buf text; /* zero-ended names */
};

struct listing {
    struct objstore_dir *d;
    const char *prefix;
    const char *after;
    char **keys;
    size_t count;
    size_t cap;
};

static void add_name(void *user, const char *name) {
    struct names *n = user;
    tc_buf_append(&n->text, name, strlen(name) + 1);
}

static void add_key(struct listing *l, const char *key) {
    if (strncmp(key, l->prefix, strlen(l->prefix)) != 0 || (l->after && strcmp(key, l->after) <= 0))
        return;
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->keys = realloc(l->keys, l->cap * sizeof *l->keys);
        TC_ASSERT(l->keys != NULL);
    }
    l->keys[l->count] = strdup(key);
    TC_ASSERT(l->keys[l->count] != NULL);
    l->count++;
}

static tc_err walk(struct listing *l, const char *below, int depth);

static tc_err walk_child(struct listing *l, const char *below, const char *name, int depth) {
    char key[OBJSTORE_KEY_BYTES_MAX + 2];
    int n = snprintf(key, sizeof key, "%s%s%s", below, *below ? "/" : "", name);
    if (n < 0 || n > OBJSTORE_KEY_BYTES_MAX || !objstore_key_ok(key) ||
        !strcmp(name, DIR_TEMPORARY))
        return TC_OK; /* not ours */
    tc_err err = walk(l, key, depth + 1);
    if (err == TC_ENOTFOUND)
        add_key(l, key);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

/* TC_ENOTFOUND: below is no directory. */
static tc_err walk(struct listing *l, const char *below, int depth) {
    if (depth > DEPTH_MAX)
        return TC_ELIMIT;
    size_t shared = strlen(below) < strlen(l->prefix) ? strlen(below) : strlen(l->prefix);
    if (memcmp(below, l->prefix, shared) != 0)
        return TC_OK;
    char path[TC_FS_PATH_MAX];
    if (*below)
        dir__path(l->d, below, path);
    else
        memcpy(path, l->d->root, strlen(l->d->root) + 1);
    struct names names = {0};
    tc_err err = tc_fs_list(l->d->fs, path, add_name, &names);
    for (size_t at = 0; err == TC_OK && at < names.text.len;) {
        const char *name = (const char *)names.text.data + at;
        err = walk_child(l, below, name, depth);
        at += strlen(name) + 1;
    }
    tc_buf_deinit(&names.text);
    return err;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

tc_err dir__list(struct objstore *o, const char *prefix, const char *after, objstore_visit *visit,
                 void *user, bool *ret_more) {
    struct listing l = {.d = dir__self(o), .prefix = prefix, .after = after};
    tc_err err = walk(&l, "", 0);
    if (err == TC_OK && l.count > 0)
        qsort(l.keys, l.count, sizeof *l.keys, by_bytes);
    for (size_t i = 0; err == TC_OK && i < l.count && i < OBJSTORE_LIST_COUNT_MAX; i++) {
        uint64_t size = 0;
        tc_err one = objstore_head(o, l.keys[i], &size);
        if (one == TC_OK || one == TC_ECORRUPT)
            visit(user, l.keys[i], size);
        else if (one != TC_ENOTFOUND)
            err = one;
    }
    if (err == TC_OK)
        *ret_more = l.count > OBJSTORE_LIST_COUNT_MAX;
    for (size_t i = 0; i < l.count; i++)
        free(l.keys[i]);
    free(l.keys);
    return err;
}
