/* The heart: one queue of events, one virtual time, one running hash of all that happens. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "base/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SETTLE_MS_MAX = 120000,
    SETTLE_STEP_MS = 500,
};

void world_trace(struct world *w, const char *fmt, ...) {
    if (w->trace == NULL)
        return;
    char line[600];
    int used = snprintf(line, sizeof line, "[%10.6f] ", (double)w->now_ns / 1e9);
    va_list args;
    va_start(args, fmt);
    vsnprintf(line + used, sizeof line - (size_t)used, fmt, args);
    va_end(args);
    w->trace(w->trace_user, line);
}

void world_fail(struct world *w, const char *fmt, ...) {
    if (w->failed)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(w->failure, sizeof w->failure, fmt, args);
    va_end(args);
    w->failed = true;
    world_trace(w, "FAILED: %s", w->failure);
}

void world_mix(struct world *w, struct tc_slice bytes) {
    w->hash = tc_hash64(bytes, w->hash);
}

uint64_t world_below(struct world *w, uint64_t bound) {
    return tc_prng_below(&w->prng, bound);
}

struct world_parcel *world_parcel_new(enum world_parcel_kind kind, uint32_t from) {
    struct world_parcel *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->kind = kind;
    p->from = from;
    return p;
}

void world_parcel_free(struct world_parcel *p) {
    if (p == NULL)
        return;
    tc_buf_deinit(&p->bytes);
    free(p);
}

void world_push(struct world *w, uint64_t delay_ns, enum world_event kind, uint32_t node,
                uint64_t arg, void *data) {
    struct sim_event ev = {.at_ns = w->now_ns + delay_ns,
                           .kind = (uint32_t)kind,
                           .node = node,
                           .arg = arg,
                           .data = data};
    sim_heap_push(&w->heap, ev);
}

/* ---- begin and end */

void world_init(struct world *w, uint64_t seed, const struct world_swarm *swarm) {
    w->seed = seed;
    w->swarm = *swarm;
    w->prng = tc_prng(seed);
    w->fault_prng = tc_prng(seed + 0x5eed);
    w->reshape_prng = tc_prng(seed + 0xe5a9e);
    w->split_prng = tc_prng(seed * 3 + 0x5b117);
    w->disks.prng = tc_prng(seed * 5 + 0xd15c);
    w->now_ns = WORLD_MS_NS;
    w->net = (struct sim_net){.opt = swarm->net, .prng = &w->prng};
    for (uint32_t i = 0; i < swarm->nodes; i++)
        world_node_init(w, i);
    if (swarm->follows) {
        world_follow_init(w);
        world_push(w, 1000 * (uint64_t)WORLD_MS_NS, EVENT_FOLLOW, 0, 0, NULL);
    }
    if (!w->failed)
        world_groups_create(w);
    for (uint32_t i = 0; i < swarm->clients; i++)
        world_push(w, world_below(w, 2000 * (uint64_t)WORLD_MS_NS), EVENT_CLIENT, i, 0, NULL);
    world_push(w, 1500 * (uint64_t)WORLD_MS_NS, EVENT_FAULT, 0, 0, NULL);
    world_push(w, WORLD_MS_NS, EVENT_ORACLE, 0, 0, NULL);
    if (swarm->splits)
        world_push(w, 1000 * (uint64_t)WORLD_MS_NS, EVENT_SPLIT, UINT32_MAX, 0, NULL);
    for (uint32_t g = 0; g < w->root_count; g++)
        world_push(w, 2000 * (uint64_t)WORLD_MS_NS, EVENT_SCRUB, g, 0, NULL);
    if (swarm->indexed && swarm->index_at_ns > 0)
        world_push(w, swarm->index_at_ns, EVENT_SCHEMA, 0, 0, NULL);
    if (swarm->reshape)
        world_push(w, 100 * (uint64_t)WORLD_MS_NS, EVENT_RESHAPE, 0, 0, NULL);
    if (swarm->fills || swarm->drags)
        world_push(w, 2500 * (uint64_t)WORLD_MS_NS, EVENT_DISK, 0, 0, NULL);
    if (w->swarm.strands)
        world_push(w, 2000 * (uint64_t)WORLD_MS_NS, EVENT_STRAND, 0, 0, NULL);
}

static void drop_events(struct world *w) {
    struct sim_event ev;
    while (sim_heap_pop(&w->heap, &ev))
        world_parcel_free(ev.data);
    sim_heap_deinit(&w->heap);
}

void world_deinit(struct world *w) {
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        world_node_stop(&w->nodes[i], /* power= */ false, 0);
        sim_fs_free(w->nodes[i].fs);
    }
    drop_events(w);
    for (uint64_t i = 0; i < w->op_count; i++) {
        tc_buf_deinit(&w->ops[i]->request);
        free(w->ops[i]);
    }
    free((void *)w->ops);
    for (uint32_t g = 0; g < WORLD_GROUPS_MAX; g++) {
        world_archive_deinit(&w->archives[g]);
        world_scrub_deinit(&w->scrubs[g]);
        tc_buf_deinit(&w->groups[g].history);
        for (uint32_t k = 0; k < WORLD_KEYS_MAX; k++)
            tc_buf_deinit(&w->groups[g].keys[k]);
    }
    tc_buf_deinit(&w->unmade.request);
    world_calls_deinit(w);
    world_index_deinit(w);
    world_follow_deinit(w);
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&w->marks, &at, &key, &value))
        free(value);
    tc_map_deinit(&w->marks);
    world_first_ballot_deinit(w);
}

/* ---- one event */

static void dispatch(struct world *w, const struct sim_event *ev) {
    switch ((enum world_event)ev->kind) {
    case EVENT_TICK:
    case EVENT_PARCEL:
    case EVENT_BATCH:
    case EVENT_JOB:
    case EVENT_START:
    case EVENT_ARCHIVE:
        world_node_event(&w->nodes[ev->node], ev);
        break;
    case EVENT_ANSWER:
        world_client_answer(w, ev->data);
        world_parcel_free(ev->data);
        break;
    case EVENT_CLIENT:
        world_client_wake(w, ev->node, ev->arg);
        break;
    case EVENT_OFFER:
        world_archive_take(w, ev->node, ev->data);
        break;
    case EVENT_FAULT:
        if (ev->node == 0)
            world_fault_next(w);
        else
            world_fault_power(w, ev->node - 1);
        break;
    case EVENT_ORACLE:
        world_oracle_next(w);
        break;
    case EVENT_SCRUB:
        world_scrub_next(w, ev->node);
        break;
    case EVENT_STRAND:
        world_strand_next(w);
        break;
    case EVENT_UNMADE:
        world_unmade_late(w);
        break;
    case EVENT_RESHAPE:
        world_reshape_next(w);
        break;
    case EVENT_SPLIT:
        world_split_next(w, ev->node);
        break;
    case EVENT_MERGE:
        world_merge_next(w, ev->node);
        break;
    case EVENT_PART:
        world_index_again(w, ev->arg);
        break;
    case EVENT_SCHEMA:
        world_index_schema_next(w);
        break;
    case EVENT_FOLLOW:
        world_follow_next(w);
        break;
    case EVENT_DISK:
        world_disk_next(w);
        break;
    }
}

static void mix_event(struct world *w, const struct sim_event *ev) {
    uint64_t words[4] = {ev->at_ns, ev->seq, ((uint64_t)ev->kind << 32) | ev->node, ev->arg};
    world_mix(w, tc_slice(words, sizeof words));
    const struct world_parcel *p = ev->data;
    if (p)
        world_mix(w, tc_buf_slice(&p->bytes));
}

bool world_next(struct world *w, uint64_t until_ns) {
    struct sim_event ev;
    if (w->failed || !sim_heap_pop(&w->heap, &ev))
        return false;
    if (ev.at_ns > until_ns) {
        sim_heap_push(&w->heap, ev);
        w->now_ns = until_ns;
        return false;
    }
    w->now_ns = ev.at_ns;
    w->event_count++;
    mix_event(w, &ev);
    dispatch(w, &ev);
    return true;
}

void world_run_ms(struct world *w, uint64_t ms) {
    uint64_t until_ns = w->now_ns + ms * WORLD_MS_NS;
    while (world_next(w, until_ns)) {
    }
}

bool world_settles(struct world *w, bool (*is_settled)(struct world *w, uint32_t *ret_group),
                   uint32_t *ret_group) {
    for (uint64_t ms = 0; ms < SETTLE_MS_MAX && !w->failed; ms += SETTLE_STEP_MS) {
        world_run_ms(w, SETTLE_STEP_MS);
        if (!w->failed && is_settled(w, ret_group))
            return true;
    }
    return false;
}
