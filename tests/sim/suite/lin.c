#include "sim/suite/lin.h"

#include "base/assert.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

enum {
    WORDS = SUITE_LIN_OPS_MAX / 64,
};

/* The history as a list of calls and returns in the order of time; a call knows its return. */
struct moment {
    uint64_t at_ns;
    uint32_t op;
    bool is_return;
    struct moment *match; /* of a call: its return, NULL when the outcome is unknown */
    struct moment *prev, *next;
};

struct step {
    struct moment *call;
    uint64_t state;
};

struct search {
    const struct suite_lin_op *ops;
    struct moment head;
    struct moment *moments;
    size_t moment_count;
    uint64_t taken[WORDS];
    struct step *stack;
    size_t depth;
    uint64_t state;
    struct tc_map seen;
    uint64_t steps;
    size_t returns_left;
};

/* May op take effect in this state, and what becomes of the state? */
static bool apply(const struct suite_lin_op *op, uint64_t state, uint64_t *ret_state) {
    bool known = op->return_ns != UINT64_MAX;
    *ret_state = state;
    switch (op->kind) {
    case LIN_READ:
        return !known || op->result == state;
    case LIN_WRITE:
        *ret_state = op->value;
        return true;
    case LIN_EXCHANGE:
        *ret_state = op->value;
        return !known || op->result == state;
    case LIN_CAS:
        if (state == op->expected)
            *ret_state = op->value;
        return !known || op->won == (state == op->expected);
    case LIN_INCREMENT:
        *ret_state = state + 1;
        return !known || op->result == state + 1;
    case LIN_MISS:
        return !known || state == 0 || (op->expected ? state % 4 != op->expected : state % 4 == 0);
    }
    return false;
}

static int by_time(const void *a, const void *b) {
    const struct moment *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    if (x->is_return != y->is_return)
        return x->is_return ? 1 : -1; /* at one instant both overlap */
    return x->op < y->op ? -1 : x->op > y->op;
}

static void link_moments(struct search *s) {
    struct moment **calls = calloc(SUITE_LIN_OPS_MAX, sizeof(struct moment *));
    struct moment *last = &s->head;
    TC_ASSERT(calls != NULL);
    for (size_t i = 0; i < s->moment_count; i++) {
        struct moment *m = &s->moments[i];
        m->prev = last;
        last->next = m;
        last = m;
        if (m->is_return)
            calls[m->op]->match = m;
        else
            calls[m->op] = m;
    }
    last->next = NULL;
    free(calls);
}

static void prepare(struct search *s, const struct suite_lin_op *ops, size_t count) {
    s->ops = ops;
    s->moments = calloc(2 * count + 1, sizeof *s->moments);
    s->stack = calloc(count + 1, sizeof *s->stack);
    TC_ASSERT(s->moments != NULL && s->stack != NULL);
    for (size_t i = 0; i < count; i++) {
        s->moments[s->moment_count++] = (struct moment){.at_ns = ops[i].call_ns, .op = (uint32_t)i};
        if (ops[i].return_ns != UINT64_MAX)
            s->moments[s->moment_count++] =
                (struct moment){.at_ns = ops[i].return_ns, .op = (uint32_t)i, .is_return = true};
        s->returns_left += ops[i].return_ns != UINT64_MAX;
    }
    qsort(s->moments, s->moment_count, sizeof *s->moments, by_time);
    link_moments(s);
}

static void unlink_one(struct moment *m) {
    m->prev->next = m->next;
    if (m->next)
        m->next->prev = m->prev;
}

static void relink(struct moment *m) {
    m->prev->next = m;
    if (m->next)
        m->next->prev = m;
}

static void lift(struct moment *call) {
    unlink_one(call);
    if (call->match)
        unlink_one(call->match);
}

static void unlift(struct moment *call) {
    if (call->match)
        relink(call->match);
    relink(call);
}

/* True when this set of operations with this state was not met before. */
static bool fresh(struct search *s, uint64_t state) {
    uint64_t key[WORDS + 1];
    static uint8_t here;
    memcpy(key, s->taken, sizeof s->taken);
    key[WORDS] = state;
    struct tc_slice bytes = tc_slice(key, sizeof key);
    if (tc_map_get(&s->seen, bytes))
        return false;
    (void)tc_map_put(&s->seen, bytes, &here);
    return true;
}

static void flip(struct search *s, uint32_t op) {
    s->taken[op / 64] ^= UINT64_C(1) << (op % 64);
}

/* Take the call into the order, if that leads somewhere new. */
static bool take(struct search *s, struct moment *call) {
    uint64_t state;
    if (!apply(&s->ops[call->op], s->state, &state))
        return false;
    flip(s, call->op);
    if (!fresh(s, state)) {
        flip(s, call->op);
        return false;
    }
    s->stack[s->depth++] = (struct step){call, s->state};
    s->state = state;
    s->returns_left -= call->match != NULL;
    lift(call);
    return true;
}

static struct moment *take_back(struct search *s) {
    struct step last = s->stack[--s->depth];
    s->state = last.state;
    flip(s, last.call->op);
    unlift(last.call);
    s->returns_left += last.call->match != NULL;
    return last.call->next;
}

static enum suite_lin_verdict search(struct search *s, uint64_t steps_max) {
    struct moment *at = s->head.next;
    while (s->returns_left > 0) {
        if (++s->steps > steps_max)
            return LIN_GAVE_UP;
        if (at && !at->is_return) {
            at = take(s, at) ? s->head.next : at->next;
            continue;
        }
        /* A return whose call was not taken in time: what was taken last was wrong. */
        if (s->depth == 0)
            return LIN_VIOLATED;
        at = take_back(s);
    }
    return LIN_OK;
}

enum suite_lin_verdict suite_lin_check(const struct suite_lin_op *ops, size_t count,
                                       uint64_t steps_max) {
    struct search s = {0};
    if (count > SUITE_LIN_OPS_MAX)
        return LIN_GAVE_UP;
    prepare(&s, ops, count);
    enum suite_lin_verdict verdict = search(&s, steps_max);
    tc_map_deinit(&s.seen);
    free(s.moments);
    free(s.stack);
    return verdict;
}
