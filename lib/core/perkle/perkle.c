/* Structure: nodes, puts, erasures. */
#include "core/perkle/perkle.h"

#include "core/perkle/perkle_private.h"

size_t perkle__shared(struct tc_slice a, struct tc_slice b, size_t from) {
    const size_t end = a.len < b.len ? a.len : b.len;
    TC_ASSERT(end == 0 || (a.data != NULL && b.data != NULL));
    size_t at = from;
    while (at < end && a.data[at] == b.data[at])
        at++;
    return at;
}

size_t perkle__child_at(const struct perkle_node *n, uint32_t byte) {
    const struct perkle_child *children = perkle__children(n);
    size_t low = 0;
    size_t high = perkle__child_count(n);
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (children[middle].byte < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A node with this path; takes a reference to the blob. */
static uint32_t new_node(struct perkle *t, struct tc_blob *path, size_t path_len) {
    uint32_t index = t->free;
    if (index != PERKLE_NONE)
        t->free = perkle__node(t, index)->parent;
    else {
        index = (uint32_t)(t->nodes.len / sizeof(struct perkle_node));
        TC_ASSERT(index < PERKLE_NONE);
        (void)tc_buf_extend(&t->nodes, sizeof(struct perkle_node));
    }
    *perkle__node(t, index) = (struct perkle_node){
        .path = path ? tc_blob_ref(path) : NULL,
        .path_len = (uint32_t)path_len,
        .parent = PERKLE_NONE,
    };
    return index;
}

static void free_node(struct perkle *t, uint32_t index) {
    struct perkle_node *n = perkle__node(t, index);
    tc_blob_unref(n->path);
    tc_blob_unref(n->value);
    tc_buf_deinit(&n->children);
    *n = (struct perkle_node){.parent = t->free};
    t->free = index;
}

void perkle_init(struct perkle *t, uint64_t record_count_max) {
    /* Every record costs at most one node of its own and one above it. */
    TC_ASSERT(record_count_max > 0 && record_count_max < PERKLE_NONE / 2 - 1);
    *t = (struct perkle){.free = PERKLE_NONE, .record_count_max = record_count_max};
    t->root = new_node(t, NULL, 0);
}

void perkle_deinit(struct perkle *t) {
    const size_t count = t->nodes.len / sizeof(struct perkle_node);
    for (size_t i = 0; i < count; i++) {
        struct perkle_node *n = perkle__node(t, (uint32_t)i);
        tc_blob_unref(n->path);
        tc_blob_unref(n->value);
        tc_buf_deinit(&n->children);
    }
    tc_buf_deinit(&t->nodes);
    tc_buf_deinit(&t->scratch);
    *t = (struct perkle){0};
}

uint64_t perkle_count(const struct perkle *t) {
    return perkle__node(t, t->root)->count;
}

uint64_t perkle_live_count(const struct perkle *t) {
    return perkle__node(t, t->root)->live;
}

struct perkle_record perkle__record(const struct perkle_node *n) {
    TC_ASSERT(n->value != NULL);
    return (struct perkle_record){
        .key = perkle__path(n),
        .value = tc_blob_slice(n->value),
        .version = n->version,
        .dead_until_ms = n->dead_until_ms,
    };
}

bool perkle_newer(const struct perkle_record *b, const struct perkle_record *a) {
    if (b->version.major != a->version.major)
        return b->version.major > a->version.major;
    if (b->version.minor != a->version.minor)
        return b->version.minor > a->version.minor;
    if (b->dead_until_ms != a->dead_until_ms)
        return b->dead_until_ms > a->dead_until_ms;
    return tc_slice_cmp(b->value, a->value) > 0;
}

/* Hang child under parent, at the byte that follows the parent's path. */
static void link_child(struct perkle *t, uint32_t parent, uint32_t child) {
    struct perkle_node *p = perkle__node(t, parent);
    struct perkle_node *c = perkle__node(t, child);
    TC_ASSERT(c->path_len > p->path_len);
    const uint32_t byte = c->path->data[p->path_len];
    const size_t at = perkle__child_at(p, byte);
    const size_t count = perkle__child_count(p);
    c->parent = parent;
    if (at < count && perkle__children(p)[at].byte == byte) {
        perkle__children(p)[at].node = child;
        return;
    }
    (void)tc_buf_extend(&p->children, sizeof(struct perkle_child));
    struct perkle_child *children = perkle__children(p);
    memmove(children + at + 1, children + at, (count - at) * sizeof *children);
    children[at] = (struct perkle_child){.node = child, .byte = byte};
}

static void unlink_child(struct perkle *t, uint32_t parent, uint32_t byte) {
    struct perkle_node *p = perkle__node(t, parent);
    const size_t at = perkle__child_at(p, byte);
    const size_t count = perkle__child_count(p);
    TC_ASSERT(at < count && perkle__children(p)[at].byte == byte);
    struct perkle_child *children = perkle__children(p);
    memmove(children + at, children + at + 1, (count - at - 1) * sizeof *children);
    p->children.len -= sizeof *children;
}

/* The deepest node whose path is a prefix of key. */
static uint32_t descend(const struct perkle *t, struct tc_slice key) {
    uint32_t index = t->root;
    for (;;) {
        const struct perkle_node *n = perkle__node(t, index);
        if (key.len == n->path_len)
            return index;
        const uint32_t byte = key.data[n->path_len];
        const size_t at = perkle__child_at(n, byte);
        if (at == perkle__child_count(n) || perkle__children(n)[at].byte != byte)
            return index;
        const uint32_t below = perkle__children(n)[at].node;
        const struct tc_slice path = perkle__path(perkle__node(t, below));
        if (perkle__shared(path, key, n->path_len) < path.len)
            return index;
        index = below;
    }
}

/* Make the node for a key that has none: below `above`, with a fork if another path is in the way.
 */
static uint32_t insert(struct perkle *t, uint32_t above, struct tc_slice key) {
    struct tc_blob *blob = tc_blob_dup(key);
    const uint32_t leaf = new_node(t, blob, key.len);
    tc_blob_unref(blob); /* the leaf holds it */
    const struct perkle_node *a = perkle__node(t, above);
    const uint32_t byte = key.data[a->path_len];
    const size_t at = perkle__child_at(a, byte);
    if (at == perkle__child_count(a) || perkle__children(a)[at].byte != byte) {
        link_child(t, above, leaf);
        return leaf;
    }
    const uint32_t other = perkle__children(a)[at].node;
    const size_t shared = perkle__shared(perkle__path(perkle__node(t, other)), key, a->path_len);
    TC_ASSERT(shared > a->path_len);
    if (shared == key.len) {
        link_child(t, above, leaf);
        link_child(t, leaf, other);
        return leaf;
    }
    const uint32_t fork = new_node(t, perkle__node(t, leaf)->path, shared);
    link_child(t, above, fork);
    link_child(t, fork, other);
    link_child(t, fork, leaf);
    return leaf;
}

static void set_record(struct perkle *t, uint32_t index, const struct perkle_record *r) {
    struct perkle_node *n = perkle__node(t, index);
    struct tc_blob *value = tc_blob_dup(r->value);
    tc_blob_unref(n->value);
    n->value = value;
    n->version = r->version;
    n->dead_until_ms = r->dead_until_ms;
    perkle__refresh(t, index);
}

static tc_err check_sizes(const struct perkle_record *r) {
    if (r->key.len == 0 || r->key.len > PERKLE_KEY_BYTES_MAX)
        return TC_ELIMIT;
    if (r->value.len > PERKLE_VALUE_BYTES_MAX || (r->dead_until_ms != 0 && r->value.len > 0))
        return TC_ELIMIT;
    return TC_OK;
}

tc_err perkle_put(struct perkle *t, const struct perkle_record *record, uint64_t now_ms,
                  bool *ret_changed) {
    TC_TRY(check_sizes(record));
    uint32_t index = descend(t, record->key);
    const struct perkle_node *n = perkle__node(t, index);
    const bool exists = n->path_len == record->key.len && n->value != NULL;
    const bool expired = record->dead_until_ms != 0 && record->dead_until_ms <= now_ms;
    bool changed = !expired;
    if (exists) {
        const struct perkle_record old = perkle__record(n);
        changed = perkle_newer(record, &old);
    } else if (!expired && perkle_count(t) >= t->record_count_max)
        return TC_ENOMEM;
    if (changed && expired)
        perkle_erase(t, record->key);
    else if (changed) {
        if (n->path_len != record->key.len)
            index = insert(t, index, record->key);
        set_record(t, index, record);
    }
    if (ret_changed)
        *ret_changed = changed;
    return TC_OK;
}

/* A node that lost its record or a child: remove it or splice it out if it has no reason to be.
 * Returns the lowest node whose subtree changed and that still exists. */
static uint32_t tidy(struct perkle *t, uint32_t index) {
    for (;;) {
        const struct perkle_node *n = perkle__node(t, index);
        const size_t count = perkle__child_count(n);
        if (index == t->root || n->value != NULL || count > 1)
            return index;
        const uint32_t parent = n->parent;
        const uint32_t byte = n->path->data[perkle__node(t, parent)->path_len];
        if (count == 1) {
            link_child(t, parent, perkle__children(n)[0].node);
            free_node(t, index);
            return parent;
        }
        unlink_child(t, parent, byte);
        free_node(t, index);
        index = parent;
    }
}

bool perkle_erase(struct perkle *t, struct tc_slice key) {
    const uint32_t index = descend(t, key);
    struct perkle_node *n = perkle__node(t, index);
    if (n->path_len != key.len || n->value == NULL)
        return false;
    tc_blob_unref(n->value);
    n->value = NULL;
    n->dead_until_ms = 0;
    perkle__refresh(t, tidy(t, index));
    return true;
}

uint64_t perkle_purge(struct perkle *t, uint64_t now_ms, uint64_t count_max) {
    uint64_t purged = 0;
    struct tc_buf at = {0};
    struct perkle_record r;
    while (purged < count_max &&
           perkle_ceiling(t, tc_buf_slice(&at), /* strict= */ true, PERKLE_DEAD, &r)) {
        tc_buf_clear(&at);
        tc_buf_append_slice(&at, r.key);
        if (r.dead_until_ms <= now_ms)
            purged += perkle_erase(t, tc_buf_slice(&at));
    }
    tc_buf_deinit(&at);
    return purged;
}
