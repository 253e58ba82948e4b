/* Processes: a daemon's main on a fiber of its own, with zeroed statics, on its node's disk. */
#include "sim/suite/suite.h"

#include "base/assert.h"
#include "sim/suite/images.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WALL_START_NS (UINT64_C(1700000000) * SUITE_S)

struct suite *suite_now;

struct suite_proc *suite_proc_self(void) {
    struct suite_fiber *f = suite_fiber_self();
    return f ? suite_fiber_proc(f) : NULL;
}

static uint64_t elapsed_ns(const struct suite_proc *p) {
    int64_t skew = (int64_t)(p->suite->now_ns / 1000000) * p->drift_ppm;
    return p->suite->now_ns + (uint64_t)skew;
}

uint64_t suite_proc_mono_ns(const struct suite_proc *p) {
    return p->origin_ns + elapsed_ns(p);
}

uint64_t suite_proc_wall_ns(const struct suite_proc *p) {
    return WALL_START_NS + elapsed_ns(p) + (uint64_t)p->wall_skew_ns;
}

/* The k-th process of a kind gets the k-th copy of its program. */
static struct suite_image image_of(const struct suite *s, const char *kind) {
    uint32_t before = 0;
    for (uint32_t i = 0; i < s->proc_count; i++)
        before += strcmp(s->procs[i].kind, kind) == 0;
    for (size_t i = 0; i < sizeof suite_images / sizeof suite_images[0]; i++)
        if (strcmp(suite_images[i].kind, kind) == 0 && before-- == 0)
            return suite_images[i];
    TC_ASSERT(!"more processes of a kind than copies of its program");
    return (struct suite_image){0};
}

struct suite_proc *suite_proc_add(struct suite *s, const char *kind, const char *name, char zone) {
    TC_ASSERT(s->proc_count < SUITE_PROCS_MAX);
    struct suite_image image = image_of(s, kind);
    struct suite_proc *p = &s->procs[s->proc_count];
    p->suite = s;
    p->id = s->proc_count++;
    p->kind = kind;
    p->image = image;
    snprintf(p->name, sizeof p->name, "%s", name);
    p->zone[0] = zone;
    p->fs = sim_fs_new(s->seed * 31 + p->id);
    p->prng = tc_prng(s->seed * 77 + p->id);
    p->origin_ns = tc_prng_between(&s->prng, 1, 1000) * SUITE_S;
    p->drift_ppm = (int32_t)suite_below(s, 8001) - 4000;
    tc_list_init(&p->fibers);
    tc_list_init(&p->rpcs);
    return p;
}

void suite_proc_arg(struct suite_proc *p, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    TC_ASSERT(++p->arg_count < SUITE_ARGS_MAX);
    tc_buf_append(&p->args, text, strlen(text) + 1);
}

/* As the kernel does before main; not by memset, for the sanitizer guards the gaps between. */
__attribute__((no_sanitize("address"))) static void zero_statics(struct suite_proc *p) {
    for (volatile uint8_t *at = p->image.bss; at < p->image.bss_end; at++)
        *at = 0;
}

static void *process_main(void *arg) {
    struct suite_proc *p = arg;
    char *argv[SUITE_ARGS_MAX + 1];
    char *at = (char *)p->args.data;
    for (size_t i = 0; i < p->arg_count; i++, at += strlen(at) + 1)
        argv[i] = at;
    argv[p->arg_count] = NULL;
    int code = p->image.main((int)p->arg_count, argv);
    suite_trace(p->suite, "%s  exits with %d", p->name, code);
    if (code != 0 && !p->stop_asked && p->suite->calm)
        suite_fail(p->suite, "%s does not start: exit code %d", p->name, code);
    p->alive = false;
    p->life++;
    if (sim_fs_is_down(p->fs)) {
        sim_fs_crash(p->fs);
        p->armed = false;
    }
    suite_rpc_killed(p);
    return NULL;
}

void suite_proc_start(struct suite_proc *p) {
    if (p->alive)
        return;
    zero_statics(p);
    p->alive = true;
    p->stop_asked = false;
    p->http = NULL;
    p->paused_until_ns = 0;
    p->life++;
    tc_list_init(&p->fibers);
    suite_trace(p->suite, "%s  starts", p->name);
    (void)suite_fiber_new(p, "main", process_main, p);
}

void suite_proc_kill(struct suite_proc *p, bool power) {
    if (!p->alive)
        return;
    suite_trace(p->suite, "%s  dies (%s)", p->name, power ? "power" : "process");
    p->alive = false;
    p->life++;
    p->suite->kill_count++;
    suite_fibers_drop(p);
    suite_rpc_killed(p);
    p->http = NULL;
    p->armed = false;
    if (power)
        sim_fs_crash(p->fs);
    else
        sim_fs_restart(p->fs);
}

void suite_proc_stop(struct suite_proc *p) {
    p->stop_asked = true;
    suite_wake(p, &p->stop_asked, /* all= */ true);
}

static void resume(struct suite *s, void *arg) {
    (void)s, (void)arg; /* the event itself makes the scheduler look again */
}

void suite_proc_pause(struct suite_proc *p, uint64_t ns) {
    suite_trace(p->suite, "%s  stands still for %lu ms", p->name, (unsigned long)(ns / SUITE_MS));
    p->paused_until_ns = p->suite->now_ns + ns;
    suite_after(p->suite, ns, resume, NULL);
}

struct suite_proc *suite_proc_find(struct suite *s, const char *name) {
    for (uint32_t i = 0; i < s->proc_count; i++)
        if (strcmp(s->procs[i].name, name) == 0)
            return &s->procs[i];
    return NULL;
}
