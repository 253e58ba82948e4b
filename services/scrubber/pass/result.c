#include "scrubber/pass/pass_private.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TEXT_BYTES_MAX = 512,
    CHECKS_MAX = 8,
};

static char *format(const char *fmt, va_list args) {
    char text[TEXT_BYTES_MAX];
    (void)vsnprintf(text, sizeof text, fmt, args);
    char *copy = strdup(text);
    TC_ASSERT(copy != NULL);
    return copy;
}

static char *dup_text(const char *text) {
    char *copy = strdup(text);
    TC_ASSERT(copy != NULL);
    return copy;
}

static Tercet__Pb__ScrubCheck *find_check(const Tercet__Pb__ScrubGroup *g, const char *name) {
    for (size_t i = 0; i < g->n_checks; i++)
        if (strcmp(g->checks[i]->name, name) == 0)
            return g->checks[i];
    return NULL;
}

static Tercet__Pb__ScrubCheck *new_check(Tercet__Pb__ScrubGroup *g, const char *name) {
    if (g->checks == NULL)
        g->checks = calloc(CHECKS_MAX, sizeof(Tercet__Pb__ScrubCheck *));
    Tercet__Pb__ScrubCheck *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL && g->checks != NULL && g->n_checks < CHECKS_MAX);
    tercet__pb__scrub_check__init(c);
    c->name = dup_text(name);
    c->why = NULL;
    g->checks[g->n_checks++] = c;
    return c;
}

void pass__check(struct pass *p, const char *name, Tercet__Pb__ScrubState state, const char *fmt,
                 ...) {
    Tercet__Pb__ScrubCheck *c = find_check(p->out, name);
    if (c && state != TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED)
        return;
    if (c == NULL)
        c = new_check(p->out, name);
    free(c->why);
    c->state = state;
    va_list args;
    va_start(args, fmt);
    c->why = format(fmt, args);
    va_end(args);
}

Tercet__Pb__ScrubFinding *pass__finding(struct pass *p, const char *check, const char *copy,
                                        const char *fmt, ...) {
    Tercet__Pb__ScrubGroup *g = p->out;
    if (g->n_findings >= PASS_FINDINGS_MAX)
        return NULL;
    if (g->findings == NULL)
        g->findings = calloc(PASS_FINDINGS_MAX, sizeof(Tercet__Pb__ScrubFinding *));
    Tercet__Pb__ScrubFinding *f = calloc(1, sizeof *f);
    TC_ASSERT(f != NULL && g->findings != NULL);
    tercet__pb__scrub_finding__init(f);
    f->check = dup_text(check);
    f->copy = dup_text(copy);
    va_list args;
    va_start(args, fmt);
    f->what = format(fmt, args);
    va_end(args);
    g->findings[g->n_findings++] = f;
    return f;
}

void pass__waits(const struct pass *p, uint32_t max_ms, const char *fmt, ...) {
    char text[TEXT_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (p->env->waits)
        p->env->waits(p->env->user, text, max_ms);
}

void pass__waits_over(const struct pass *p) {
    if (p->env->waits)
        p->env->waits(p->env->user, "", 0);
}

ProtobufCBinaryData pass__bytes(struct tc_slice s) {
    ProtobufCBinaryData b = {.len = s.len, .data = NULL};
    if (s.len == 0)
        return b;
    b.data = malloc(s.len);
    TC_ASSERT(b.data != NULL);
    memcpy(b.data, s.data, s.len);
    return b;
}

size_t pass__findings(const struct pass *p, const char *check) {
    size_t count = 0;
    for (size_t i = 0; i < p->out->n_findings; i++)
        count += strcmp(p->out->findings[i]->check, check) == 0;
    return count;
}

Tercet__Pb__ScrubState pass_group_state(const Tercet__Pb__ScrubGroup *g) {
    Tercet__Pb__ScrubState worst =
        g->n_checks ? TERCET__PB__SCRUB_STATE__SCRUB_CLEAN : TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN;
    for (size_t i = 0; i < g->n_checks; i++) {
        if (g->checks[i]->state == TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED)
            return TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED;
        if (g->checks[i]->state != TERCET__PB__SCRUB_STATE__SCRUB_CLEAN)
            worst = TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN;
    }
    return worst;
}
