#include "base/probe.h"

#include <stddef.h>
#include <string.h>

static struct tc_probe *head;

void tc_probe_hit(struct tc_probe *p) {
    if (__atomic_fetch_add(&p->count, 1, __ATOMIC_RELAXED) != 0)
        return;
    p->next = __atomic_load_n(&head, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&head, &p->next, p, /* weak= */ 1, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
}

uint64_t tc_probe_count(const char *name) {
    uint64_t count = 0;
    for (struct tc_probe *p = __atomic_load_n(&head, __ATOMIC_ACQUIRE); p; p = p->next)
        if (strcmp(p->name, name) == 0)
            count += __atomic_load_n(&p->count, __ATOMIC_RELAXED);
    return count;
}

void tc_probe_each(void (*visit)(void *user, const struct tc_probe *p), void *user) {
    for (struct tc_probe *p = __atomic_load_n(&head, __ATOMIC_ACQUIRE); p; p = p->next)
        visit(user, p);
}
