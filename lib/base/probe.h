/* TC_PROBE("name"): marks a rare branch that simulation runs must reach.
 *
 * Counting is process-wide and lock-free; tc_probe_count answers by name, tc_probe_each lists all
 * that ran at least once. A probe that never ran is simply absent: the simulator holds the list of
 * those it demands.
 */
#ifndef TC_BASE_PROBE_H
#define TC_BASE_PROBE_H

#include <stdint.h>

struct tc_probe {
    const char *name;
    uint64_t count;
    struct tc_probe *next;
};

void tc_probe_hit(struct tc_probe *p);
uint64_t tc_probe_count(const char *name);
void tc_probe_each(void (*visit)(void *user, const struct tc_probe *p), void *user);

#define TC_PROBE(text)                                                                             \
    do {                                                                                           \
        static struct tc_probe tc_probe_ = {.name = text};                                         \
        tc_probe_hit(&tc_probe_);                                                                  \
    } while (0)

#endif
