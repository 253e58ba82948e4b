/* The Merkle half. A record's hash covers its whole key, so a node needs to hash only its own
 * record and its children: where paths fork is a function of the keys alone. */
#include "core/perkle/perkle_private.h"

enum {
    SEED_RECORD = 1,
    SEED_NODE = 2,
};

static void append_hash(struct tc_buf *b, struct tc_hash128 h) {
    tc_buf_append_u64(b, h.lo);
    tc_buf_append_u64(b, h.hi);
}

static struct tc_hash128 record_hash(struct tc_buf *scratch, const struct perkle_node *n) {
    tc_buf_clear(scratch);
    tc_buf_append_u32(scratch, n->path_len);
    tc_buf_append_slice(scratch, perkle__path(n));
    tc_buf_append_u64(scratch, n->version.major);
    tc_buf_append_u64(scratch, n->version.minor);
    tc_buf_append_u64(scratch, n->dead_until_ms);
    tc_buf_append_slice(scratch, tc_blob_slice(n->value));
    return tc_hash128(tc_buf_slice(scratch), SEED_RECORD);
}

static struct tc_hash128 node_hash(struct tc_buf *scratch, const struct perkle *t,
                                   const struct perkle_node *n) {
    const size_t count = perkle__child_count(n);
    if (n->value == NULL && count == 0)
        return (struct tc_hash128){0};
    struct tc_hash128 own = {0};
    if (n->value != NULL)
        own = record_hash(scratch, n);
    tc_buf_clear(scratch);
    tc_buf_append_u8(scratch, n->value != NULL);
    append_hash(scratch, own);
    for (size_t i = 0; i < count; i++)
        append_hash(scratch, perkle__node(t, perkle__children(n)[i].node)->hash);
    return tc_hash128(tc_buf_slice(scratch), SEED_NODE);
}

struct sums {
    uint64_t count;
    uint64_t live;
};

static struct sums sums_of(const struct perkle *t, const struct perkle_node *n) {
    struct sums s = {
        .count = n->value != NULL,
        .live = n->value != NULL && n->dead_until_ms == 0,
    };
    for (size_t i = 0; i < perkle__child_count(n); i++) {
        const struct perkle_node *c = perkle__node(t, perkle__children(n)[i].node);
        s.count += c->count;
        s.live += c->live;
    }
    return s;
}

void perkle__refresh(struct perkle *t, uint32_t index) {
    for (; index != PERKLE_NONE; index = perkle__node(t, index)->parent) {
        struct perkle_node *n = perkle__node(t, index);
        const struct sums s = sums_of(t, n);
        n->count = s.count;
        n->live = s.live;
        n->hash = node_hash(&t->scratch, t, n);
    }
}

static bool children_check(const struct perkle *t, uint32_t index, const struct perkle_node *n) {
    for (size_t i = 0; i < perkle__child_count(n); i++) {
        const struct perkle_child *c = perkle__children(n) + i;
        const struct perkle_node *below = perkle__node(t, c->node);
        if (i > 0 && c[-1].byte >= c->byte)
            return false;
        if (below->parent != index || below->path_len <= n->path_len)
            return false;
        if (below->path->data[n->path_len] != c->byte ||
            !tc_slice_has_prefix(perkle__path(below), perkle__path(n)))
            return false;
    }
    return true;
}

bool perkle_check(struct perkle *t) {
    const size_t nodes = t->nodes.len / sizeof(struct perkle_node);
    for (uint32_t i = 0; i < nodes; i++) {
        const struct perkle_node *n = perkle__node(t, i);
        const bool unused = n->count == 0 && i != t->root;
        if (unused)
            continue;
        const struct sums s = sums_of(t, n);
        const struct tc_hash128 h = node_hash(&t->scratch, t, n);
        if (s.count != n->count || s.live != n->live || h.lo != n->hash.lo || h.hi != n->hash.hi)
            return false;
        if (i != t->root && n->value == NULL && perkle__child_count(n) < 2)
            return false;
        if (!children_check(t, i, n))
            return false;
    }
    return true;
}
