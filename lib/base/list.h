/* tc_list: an intrusive circular doubly linked list; nodes are embedded in the caller's objects. */
#ifndef TC_BASE_LIST_H
#define TC_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct tc_list {
    struct tc_list *prev;
    struct tc_list *next;
};

static inline void tc_list_init(struct tc_list *l) {
    l->prev = l->next = l;
}

static inline bool tc_list_empty(const struct tc_list *l) {
    return l->next == l;
}

static inline void tc_list_push_back(struct tc_list *l, struct tc_list *node) {
    node->prev = l->prev;
    node->next = l;
    l->prev->next = node;
    l->prev = node;
}

static inline void tc_list_push_front(struct tc_list *l, struct tc_list *node) {
    tc_list_push_back(l->next, node);
}

/* Unlink node and make it a list of one, so that a second removal is harmless. */
static inline void tc_list_remove(struct tc_list *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    tc_list_init(node);
}

static inline struct tc_list *tc_list_pop_front(struct tc_list *l) {
    if (tc_list_empty(l))
        return NULL;
    struct tc_list *node = l->next;
    tc_list_remove(node);
    return node;
}

#endif
