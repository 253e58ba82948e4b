/* Fibers on stacks of their own, and the scheduler that picks one by the seed. */
#include "sim/suite/suite.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

enum {
    STACK_BYTES = 1 << 20,
};

enum fiber_state {
    FIBER_READY,
    FIBER_RUNNING,
    FIBER_PARKED,
    FIBER_ENDED,
};

struct suite_fiber {
    struct tc_list link; /* in its process */
    struct suite_proc *proc;
    char name[SUITE_FIBER_NAME_BYTES];
    enum fiber_state state;
    ucontext_t context;
    uint8_t *stack;
    void *fake_stack; /* the sanitizer's */
    void *(*fn)(void *arg);
    void *arg;
    void *result;
    const void *on;  /* what it waits for */
    uint64_t parked; /* number of the parking, so that an old alarm wakes nobody */
    bool timed_out;
};

static struct {
    ucontext_t scheduler;
    void *fake_stack;
    const void *stack_bottom;
    size_t stack_bytes;
    struct suite_fiber *self;
    uint64_t parkings;
} fibers;

struct suite_fiber *suite_fiber_self(void) {
    return fibers.self;
}

struct suite_proc *suite_fiber_proc(const struct suite_fiber *f) {
    return f->proc;
}

/* ---- switching; the sanitizer must know which stack is in use */

static void before_switch(void **fake_stack, const void *bottom, size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(fake_stack, bottom, bytes);
#else
    (void)fake_stack, (void)bottom, (void)bytes;
#endif
}

static void after_switch(void *fake_stack, const void **bottom, size_t *bytes) {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake_stack, bottom, bytes);
#else
    (void)fake_stack, (void)bottom, (void)bytes;
#endif
}

static void to_scheduler(struct suite_fiber *f) {
    before_switch(f->state == FIBER_ENDED ? NULL : &f->fake_stack, fibers.stack_bottom,
                  fibers.stack_bytes);
    swapcontext(&f->context, &fibers.scheduler);
    after_switch(f->fake_stack, &fibers.stack_bottom, &fibers.stack_bytes);
}

static void fiber_main(void) {
    after_switch(NULL, &fibers.stack_bottom, &fibers.stack_bytes);
    struct suite_fiber *f = fibers.self;
    f->result = f->fn(f->arg);
    f->state = FIBER_ENDED;
    suite_wake(f->proc, f, /* all= */ true);
    to_scheduler(f);
    TC_ASSERT(!"an ended fiber was resumed");
}

static void run(struct suite *s, struct suite_fiber *f) {
    f->state = FIBER_RUNNING;
    fibers.self = f;
    s->switch_count++;
    before_switch(&fibers.fake_stack, f->stack, STACK_BYTES);
    swapcontext(&fibers.scheduler, &f->context);
    after_switch(fibers.fake_stack, NULL, NULL);
    fibers.self = NULL;
}

/* ---- life */

static void make_ready(struct suite_fiber *f) {
    f->state = FIBER_READY;
    f->on = NULL;
    tc_buf_append(&f->proc->suite->ready, &f, sizeof(struct suite_fiber *));
}

struct suite_fiber *suite_fiber_new(struct suite_proc *proc, const char *name,
                                    void *(*fn)(void *arg), void *arg) {
    struct suite_fiber *f = calloc(1, sizeof *f);
    TC_ASSERT(f != NULL);
    f->proc = proc;
    f->fn = fn;
    f->arg = arg;
    snprintf(f->name, sizeof f->name, "%s", name);
    f->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    TC_ASSERT(f->stack != MAP_FAILED);
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(f->stack, STACK_BYTES); /* marks of a stack that lay there */
#endif
    int err = getcontext(&f->context);
    TC_ASSERT(err == 0);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&f->context, fiber_main, 0);
    tc_list_push_back(&proc->fibers, &f->link);
    make_ready(f);
    return f;
}

/* The struct stays, for an alarm may still be set on it. */
static void fiber_bury(struct suite_fiber *f) {
    tc_list_remove(&f->link);
    munmap(f->stack, STACK_BYTES);
}

void *suite_fiber_join(struct suite_fiber *f) {
    while (f->state != FIBER_ENDED)
        (void)suite_park(f, UINT64_MAX);
    fiber_bury(f);
    return f->result;
}

static void forget_ready(struct suite *s, const struct suite_proc *proc) {
    struct suite_fiber **at = (struct suite_fiber **)(void *)s->ready.data;
    size_t count = s->ready.len / sizeof(struct suite_fiber *), kept = 0;
    for (size_t i = 0; i < count; i++)
        if (at[i]->proc != proc)
            at[kept++] = at[i];
    s->ready.len = kept * sizeof(struct suite_fiber *);
}

void suite_fibers_drop(struct suite_proc *proc) {
    struct tc_list *l;
    forget_ready(proc->suite, proc);
    while ((l = tc_list_pop_front(&proc->fibers)) != NULL) {
        struct suite_fiber *f = TC_CONTAINER(l, struct suite_fiber, link);
        f->state = FIBER_ENDED;
        if (f != fibers.self)
            munmap(f->stack, STACK_BYTES);
    }
}

/* ---- waiting */

struct alarm {
    struct suite_fiber *fiber;
    uint64_t parked;
};

static void ring(struct suite *s, void *arg) {
    struct alarm *a = arg;
    (void)s;
    if (a->fiber->state == FIBER_PARKED && a->fiber->parked == a->parked) {
        a->fiber->timed_out = true;
        make_ready(a->fiber);
    }
    free(a);
}

bool suite_park(const void *on, uint64_t until_ns) {
    struct suite_fiber *f = fibers.self;
    TC_ASSERT(f != NULL);
    struct suite *s = f->proc->suite;
    f->state = FIBER_PARKED;
    f->on = on;
    f->parked = ++fibers.parkings;
    f->timed_out = false;
    if (until_ns != UINT64_MAX) {
        struct alarm *a = malloc(sizeof *a);
        TC_ASSERT(a != NULL);
        *a = (struct alarm){f, f->parked};
        suite_after(s, until_ns > s->now_ns ? until_ns - s->now_ns : 0, ring, a);
    }
    to_scheduler(f);
    return !f->timed_out;
}

void suite_sleep(uint64_t ns) {
    struct suite_fiber *f = fibers.self;
    (void)suite_park(f, f->proc->suite->now_ns + ns); /* nobody wakes it through itself */
}

void suite_wake(struct suite_proc *proc, const void *on, bool all) {
    for (;;) {
        struct suite_fiber *first = NULL;
        for (struct tc_list *l = proc->fibers.next; l != &proc->fibers; l = l->next) {
            struct suite_fiber *f = TC_CONTAINER(l, struct suite_fiber, link);
            if (f->state == FIBER_PARKED && f->on == on && (!first || f->parked < first->parked))
                first = f;
        }
        if (first == NULL)
            return;
        make_ready(first);
        if (!all)
            return;
    }
}

/* ---- the scheduler */

/* One of those that are ready and not of a paused process; NULL: none. */
static struct suite_fiber *pick(struct suite *s) {
    struct suite_fiber **at = (struct suite_fiber **)(void *)s->ready.data;
    size_t count = s->ready.len / sizeof(struct suite_fiber *);
    size_t start = count > 1 ? suite_below(s, count) : 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = (start + i) % count;
        struct suite_fiber *f = at[k];
        if (f->proc->paused_until_ns > s->now_ns)
            continue;
        memmove(&at[k], &at[k + 1], (count - k - 1) * sizeof(struct suite_fiber *));
        s->ready.len -= sizeof(struct suite_fiber *);
        return f;
    }
    return NULL;
}

bool suite_step(struct suite *s, uint64_t until_ns) {
    struct suite_fiber *f;
    while (!s->failed && (f = pick(s)) != NULL)
        run(s, f);
    struct sim_event ev;
    if (s->failed || !sim_heap_pop(&s->heap, &ev))
        return false;
    if (ev.at_ns > until_ns) {
        sim_heap_push(&s->heap, ev);
        s->now_ns = until_ns;
        return false;
    }
    TC_ASSERT(ev.at_ns >= s->now_ns);
    s->now_ns = ev.at_ns;
    s->event_count++;
    suite_mix(s, &ev.at_ns, sizeof ev.at_ns);
    ((suite_fn)(uintptr_t)ev.arg)(s, ev.data);
    return true;
}

void suite_after(struct suite *s, uint64_t delay_ns, suite_fn fn, void *arg) {
    struct sim_event ev = {
        .at_ns = s->now_ns + delay_ns, .arg = (uint64_t)(uintptr_t)fn, .data = arg};
    sim_heap_push(&s->heap, ev);
}
