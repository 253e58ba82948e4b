/* tc_trace: where pure code tells its decisions, one line each: "fact -> consequence".
 *
 * Lines are stable wording because tests assert them. A NULL sink (or NULL function) costs one
 * branch. No secrets, no item data.
 */
#ifndef TC_BASE_TRACE_H
#define TC_BASE_TRACE_H

#include <stddef.h>

struct tc_trace {
    void (*line)(void *user, const char *text);
    void *user;
};

void tc_trace_printf(const struct tc_trace *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define TC_TRACE(t, ...)                                                                           \
    do {                                                                                           \
        if ((t) != NULL && (t)->line != NULL)                                                      \
            tc_trace_printf((t), __VA_ARGS__);                                                     \
    } while (0)

#endif
