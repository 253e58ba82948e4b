#include "base/trace.h"

#include <stdarg.h>
#include <stdio.h>

void tc_trace_printf(const struct tc_trace *t, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    t->line(t->user, text);
}
