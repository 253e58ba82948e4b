/* Lookups. Subtree counts by kind let every search skip what does not match, so that tombstones
 * cost nothing. */
#include "core/perkle/perkle_private.h"

/* A record found, or a subtree whose first (last) match is the answer. */
struct candidate {
    uint32_t node; /* PERKLE_NONE: none */
    bool whole;    /* search the subtree, else the node's own record */
};

static const struct candidate NOTHING = {.node = PERKLE_NONE};

static uint32_t matching_child(const struct perkle *t, const struct perkle_node *n, size_t at,
                               enum perkle_kind kind, bool forward) {
    const struct perkle_child *children = perkle__children(n);
    const size_t count = perkle__child_count(n);
    if (forward) {
        for (; at < count; at++) {
            if (perkle__matching(perkle__node(t, children[at].node), kind) > 0)
                return children[at].node;
        }
        return PERKLE_NONE;
    }
    while (at > 0) {
        at--;
        if (perkle__matching(perkle__node(t, children[at].node), kind) > 0)
            return children[at].node;
    }
    return PERKLE_NONE;
}

static uint32_t first_of(const struct perkle *t, uint32_t index, enum perkle_kind kind) {
    for (;;) {
        const struct perkle_node *n = perkle__node(t, index);
        TC_ASSERT(perkle__matching(n, kind) > 0);
        if (perkle__has_record(n, kind))
            return index;
        index = matching_child(t, n, 0, kind, /* forward= */ true);
    }
}

static uint32_t last_of(const struct perkle *t, uint32_t index, enum perkle_kind kind) {
    for (;;) {
        const struct perkle_node *n = perkle__node(t, index);
        TC_ASSERT(perkle__matching(n, kind) > 0);
        const uint32_t below =
            matching_child(t, n, perkle__child_count(n), kind, /* forward= */ false);
        if (below == PERKLE_NONE)
            return index;
        index = below;
    }
}

static bool give(const struct perkle *t, uint32_t index, struct perkle_record *ret_record) {
    if (index == PERKLE_NONE)
        return false;
    *ret_record = perkle__record(perkle__node(t, index));
    return true;
}

/* Where a path stands to a key: before it, after it, equal, or a prefix of it. */
enum stand {
    STAND_BEFORE,
    STAND_AFTER,
    STAND_EQUAL,
    STAND_PREFIX,
};

static enum stand stand_of(struct tc_slice path, struct tc_slice key, size_t known) {
    const size_t shared = perkle__shared(path, key, known);
    if (shared == path.len)
        return shared == key.len ? STAND_EQUAL : STAND_PREFIX;
    if (shared == key.len)
        return STAND_AFTER;
    TC_ASSERT(path.data != NULL && key.data != NULL);
    return path.data[shared] < key.data[shared] ? STAND_BEFORE : STAND_AFTER;
}

bool perkle_get(const struct perkle *t, struct tc_slice key, struct perkle_record *ret_record) {
    struct perkle_record r;
    if (!perkle_floor(t, key, /* strict= */ false, PERKLE_ANY, &r) || !tc_slice_eq(r.key, key))
        return false;
    *ret_record = r;
    return true;
}

static uint32_t resolve_floor(const struct perkle *t, struct candidate c, enum perkle_kind kind) {
    return c.node != PERKLE_NONE && c.whole ? last_of(t, c.node, kind) : c.node;
}

bool perkle_floor(const struct perkle *t, struct tc_slice key, bool strict, enum perkle_kind kind,
                  struct perkle_record *ret_record) {
    struct candidate best = NOTHING;
    uint32_t index = t->root;
    size_t known = 0;
    for (;;) {
        const struct perkle_node *n = perkle__node(t, index);
        const enum stand stand = stand_of(perkle__path(n), key, known);
        if (stand == STAND_BEFORE && perkle__matching(n, kind) > 0)
            best = (struct candidate){.node = index, .whole = true};
        if (stand == STAND_EQUAL && !strict && perkle__has_record(n, kind))
            best = (struct candidate){.node = index};
        if (stand != STAND_PREFIX)
            break;
        if (perkle__has_record(n, kind))
            best = (struct candidate){.node = index};
        const uint32_t byte = key.data[n->path_len];
        const size_t at = perkle__child_at(n, byte);
        const uint32_t smaller = matching_child(t, n, at, kind, /* forward= */ false);
        if (smaller != PERKLE_NONE)
            best = (struct candidate){.node = smaller, .whole = true};
        if (at == perkle__child_count(n) || perkle__children(n)[at].byte != byte)
            break;
        known = n->path_len;
        index = perkle__children(n)[at].node;
    }
    return give(t, resolve_floor(t, best, kind), ret_record);
}

/* The first match at or below a node whose path is not before the key; its own record only counts
 * if it is not the key itself under strict. */
static uint32_t at_or_below(const struct perkle *t, uint32_t index, enum perkle_kind kind,
                            bool skip_own) {
    const struct perkle_node *n = perkle__node(t, index);
    if (!skip_own)
        return perkle__matching(n, kind) > 0 ? first_of(t, index, kind) : PERKLE_NONE;
    const uint32_t below = matching_child(t, n, 0, kind, /* forward= */ true);
    return below == PERKLE_NONE ? PERKLE_NONE : first_of(t, below, kind);
}

bool perkle_ceiling(const struct perkle *t, struct tc_slice key, bool strict, enum perkle_kind kind,
                    struct perkle_record *ret_record) {
    uint32_t greater = PERKLE_NONE; /* the nearest subtree that lies wholly after the key */
    uint32_t index = t->root;
    size_t known = 0;
    for (;;) {
        const struct perkle_node *n = perkle__node(t, index);
        const enum stand stand = stand_of(perkle__path(n), key, known);
        if (stand == STAND_AFTER || stand == STAND_EQUAL) {
            const uint32_t found =
                at_or_below(t, index, kind, /* skip_own= */ strict && stand == STAND_EQUAL);
            if (found != PERKLE_NONE)
                return give(t, found, ret_record);
        }
        if (stand != STAND_PREFIX)
            break;
        const uint32_t byte = key.data[n->path_len];
        size_t at = perkle__child_at(n, byte);
        const bool has = at < perkle__child_count(n) && perkle__children(n)[at].byte == byte;
        const uint32_t next = matching_child(t, n, at + has, kind, /* forward= */ true);
        if (next != PERKLE_NONE)
            greater = next;
        if (!has)
            break;
        known = n->path_len;
        index = perkle__children(n)[at].node;
    }
    return give(t, greater == PERKLE_NONE ? PERKLE_NONE : first_of(t, greater, kind), ret_record);
}

/* The top node of everything under prefix: the highest whose path starts with it. */
static uint32_t top_of(const struct perkle *t, struct tc_slice prefix) {
    uint32_t index = t->root;
    size_t known = 0;
    for (;;) {
        const struct perkle_node *n = perkle__node(t, index);
        if (perkle__shared(perkle__path(n), prefix, known) == prefix.len)
            return index;
        if (perkle__shared(perkle__path(n), prefix, known) < n->path_len)
            return PERKLE_NONE;
        const uint32_t byte = prefix.data[n->path_len];
        const size_t at = perkle__child_at(n, byte);
        if (at == perkle__child_count(n) || perkle__children(n)[at].byte != byte)
            return PERKLE_NONE;
        known = n->path_len;
        index = perkle__children(n)[at].node;
    }
}

void perkle_part(const struct perkle *t, struct tc_slice prefix, struct perkle_part *ret_part) {
    *ret_part = (struct perkle_part){.prefix = prefix};
    const uint32_t top = top_of(t, prefix);
    if (top == PERKLE_NONE)
        return;
    ret_part->hash = perkle__node(t, top)->hash;
    ret_part->count = perkle__node(t, top)->count;
}

size_t perkle_children(const struct perkle *t, struct tc_slice prefix,
                       struct perkle_part children[PERKLE_CHILDREN_MAX], bool *ret_has_record,
                       struct perkle_record *ret_record) {
    *ret_has_record = false;
    const uint32_t top = top_of(t, prefix);
    if (top == PERKLE_NONE)
        return 0;
    const struct perkle_node *n = perkle__node(t, top);
    *ret_has_record = n->value != NULL;
    if (n->value)
        *ret_record = perkle__record(n);
    const size_t count = perkle__child_count(n);
    TC_ASSERT(count <= PERKLE_CHILDREN_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct perkle_node *c = perkle__node(t, perkle__children(n)[i].node);
        children[i] = (struct perkle_part){
            .prefix = perkle__path(c),
            .hash = c->hash,
            .count = c->count,
        };
    }
    return count;
}
