/* Nodes of the tree; shared by the files of core/perkle only. */
#ifndef TC_CORE_PERKLE_PRIVATE_H
#define TC_CORE_PERKLE_PRIVATE_H

#include "base/assert.h"
#include "base/blob.h"
#include "core/perkle/perkle.h"

/* The pool moves when it grows: node pointers do not live across a new node. */
#define PERKLE_NONE UINT32_MAX

struct perkle_child {
    uint32_t node;
    uint32_t byte; /* of the child's path, at the parent's path length */
};

struct perkle_node {
    struct tc_blob *path;   /* its first path_len bytes; shared with a key below */
    struct tc_blob *value;  /* NULL: no record at this path */
    struct tc_buf children; /* struct perkle_child, sorted by byte */
    struct perkle_version version;
    uint64_t dead_until_ms;
    uint64_t count;
    uint64_t live;
    struct tc_hash128 hash;
    uint32_t path_len;
    uint32_t parent; /* of a free node: the next free one */
};

static inline struct perkle_node *perkle__node(const struct perkle *t, uint32_t index) {
    TC_ASSERT(index < t->nodes.len / sizeof(struct perkle_node));
    return (struct perkle_node *)(void *)t->nodes.data + index;
}

static inline struct tc_slice perkle__path(const struct perkle_node *n) {
    static const uint8_t nothing[1];
    return tc_slice(n->path ? n->path->data : nothing, n->path_len);
}

static inline size_t perkle__child_count(const struct perkle_node *n) {
    return n->children.len / sizeof(struct perkle_child);
}

static inline struct perkle_child *perkle__children(const struct perkle_node *n) {
    return (struct perkle_child *)(void *)n->children.data;
}

static inline uint64_t perkle__matching(const struct perkle_node *n, enum perkle_kind kind) {
    if (kind == PERKLE_ANY)
        return n->count;
    return kind == PERKLE_LIVE ? n->live : n->count - n->live;
}

static inline bool perkle__has_record(const struct perkle_node *n, enum perkle_kind kind) {
    if (n->value == NULL)
        return false;
    return kind == PERKLE_ANY || (kind == PERKLE_DEAD) == (n->dead_until_ms != 0);
}

struct perkle_record perkle__record(const struct perkle_node *n);
/* Index of the first child whose byte is >= byte. */
size_t perkle__child_at(const struct perkle_node *n, uint32_t byte);
/* Bytes that a and b share from offset `from` (where they are known to agree) on. */
size_t perkle__shared(struct tc_slice a, struct tc_slice b, size_t from);
/* Recompute count, live and hash from the node up to the root. */
void perkle__refresh(struct perkle *t, uint32_t index);

#endif
