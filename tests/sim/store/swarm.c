/* Which world a seed means. */
#include "sim/store/world.h"

static void draw_net(struct tc_prng *p, struct sim_net_options *n) {
    static const uint32_t drop_ppm[] = {0, 1000, 20000, 100000};
    static const uint64_t delay_max_ns[] = {500000, 3000000, 20000000};
    n->delay_min_ns = 50000;
    n->delay_max_ns = delay_max_ns[tc_prng_below(p, 3)];
    n->drop_ppm = drop_ppm[tc_prng_below(p, 4)];
    n->duplicate_ppm = drop_ppm[tc_prng_below(p, 3)];
    n->late_ppm = drop_ppm[tc_prng_below(p, 3)];
    n->late_min_ns = 50000000;
    n->late_max_ns = 3000000000;
}

static void draw_store(struct tc_prng *p, struct store_options *o) {
    static const uint64_t lease_ms[] = {150, 300, 1000};
    static const uint64_t checkpoint_ms[] = {100, 1000, 5000};
    static const uint64_t age_ms[] = {50, 500, 2000};
    *o = store_options_default();
    o->segment_bytes = 4u << 20;
    o->wal_max_bytes = 64u << 20;
    o->cache_bytes = tc_prng_chance(p, 1, 2) ? 256u << 10 : 4u << 20;
    o->checkpoint_ms = checkpoint_ms[tc_prng_below(p, 3)];
    o->checkpoint_bytes = tc_prng_chance(p, 1, 3) ? 64u << 10 : 8u << 20;
    o->segment_age_ms = age_ms[tc_prng_below(p, 3)];
    o->segment_offer_bytes = 64u << 10;
    o->lease_ms = lease_ms[tc_prng_below(p, 3)];
}

static void draw_load(struct tc_prng *p, struct world_swarm *s) {
    static const uint32_t value_bytes[] = {8, 200, 3000, 60000};
    s->clients = (uint32_t)tc_prng_between(p, 2, WORLD_CLIENTS_MAX);
    s->keys = (uint32_t)tc_prng_between(p, 2, WORLD_KEYS_MAX);
    s->groups = (uint32_t)tc_prng_between(p, 1, WORLD_ROOTS_MAX);
    s->nodes = tc_prng_chance(p, 1, 4) ? 5 : 3;
    s->victim = (uint32_t)tc_prng_below(p, s->nodes);
    s->think_ns = tc_prng_between(p, 1, 60) * WORLD_MS_NS;
    s->value_bytes_max = value_bytes[tc_prng_below(p, 4)];
}

/* Drawn apart, so that a seed without it is the world that it was before. Rot stays out: a disk
 * that is lost and one that rots at the same time may lose data for good. */
static void draw_reshape(uint64_t seed, struct world_swarm *s) {
    static const uint64_t dead_ms[] = {600, 1200, 2500};
    struct tc_prng prng = tc_prng(seed * 40503 + 5);
    s->store.dead_ms = 0;
    if (seed % 3 != 0) /* so that --seed 3 --stride 3 runs these alone */
        return;
    s->reshape = true;
    s->nodes = tc_prng_chance(&prng, 1, 2) ? 6 : 5;
    s->victim %= s->nodes;
    s->heals_per_node = (uint32_t)tc_prng_between(&prng, 1, 3);
    s->store.dead_ms = dead_ms[tc_prng_below(&prng, 3)];
    s->store.learner_orphan_ms = tc_prng_between(&prng, 3000, 9000);
    s->faults[FAULT_ROT] = s->faults[FAULT_DISK] = s->faults[FAULT_TREE] = false;
    s->strands = tc_prng_chance(&prng, 1, 4);
    if (s->strands) {
        s->store.archive_required = true;
        s->safety_ns = 90000 * (uint64_t)WORLD_MS_NS;
        if (s->value_bytes_max > 3000)
            s->value_bytes_max = 3000;
    }
    if (s->safety_ns < 20000 * (uint64_t)WORLD_MS_NS)
        s->safety_ns = 20000 * (uint64_t)WORLD_MS_NS;
}

/* The same. Half of them have no store to spare: what is missing can only be made where it is
 * missing. */
static void draw_unmade(uint64_t seed, struct world_swarm *s) {
    struct tc_prng p = tc_prng(seed * 48271 + 23);
    if (!s->reshape || s->strands || !tc_prng_chance(&p, 1, 3))
        return;
    s->unmade = true;
    if (tc_prng_chance(&p, 1, 2))
        s->nodes = 3;
    s->victim %= s->nodes;
}

/* From numbers of their own, so that seeds without splits stay what they were. */
static void draw_splits(uint64_t seed, struct world_swarm *s) {
    struct tc_prng p = tc_prng(seed * 40503 + 5);
    if (s->reshape || tc_prng_chance(&p, 1, 3))
        return;
    s->splits = (uint32_t)tc_prng_between(&p, 1, WORLD_SPLITS_MAX);
    if (s->groups == 1)
        s->groups = 2; /* the first is the system's, which is never split */
    s->split_every_ns = tc_prng_between(&p, 200, 3000) * WORLD_MS_NS;
    if (!tc_prng_chance(&p, 2, 3))
        return;
    s->merging = true;
    s->merges = (uint32_t)tc_prng_between(&p, 3, WORLD_MERGES_MAX);
    s->keys = (uint32_t)tc_prng_between(&p, 6, WORLD_KEYS_MAX);
    s->splits = (uint32_t)tc_prng_between(&p, 2, WORLD_SPLITS_MAX + 4);
    s->split_every_ns /= 4; /* merges take their turns */
}

/* Groups that split and merge while their members change. Members of a child stay as they are for
 * half a minute (request ids), so these take longer. */
static void draw_mixed(uint64_t seed, struct world_swarm *s) {
    struct tc_prng p = tc_prng(seed * 16807 + 29);
    bool spare = s->nodes > 3; /* long runs: stores that failed twice take no replica for a day */
    if (!s->reshape || s->strands || !spare || !tc_prng_chance(&p, 1, 2))
        return;
    s->splits = (uint32_t)tc_prng_between(&p, 1, 3);
    s->split_every_ns = tc_prng_between(&p, 500, 4000) * WORLD_MS_NS;
    s->safety_ns = tc_prng_between(&p, 20000, 70000) * WORLD_MS_NS;
    if (s->groups == 1)
        s->groups = 2; /* the first is the system's, which is never split */
    if (s->keys < 4)
        s->keys = 4;
    if (s->value_bytes_max > 3000)
        s->value_bytes_max = 3000;
    if (!tc_prng_chance(&p, 1, 2))
        return;
    s->merging = true;
    s->merges = (uint32_t)tc_prng_between(&p, 1, 3);
    s->splits++;
}

/* The same. Where a replica was never made and no store is spare, each must be able to take one. */
static void draw_disks(uint64_t seed, struct world_swarm *s) {
    struct tc_prng p = tc_prng(seed * 22695477 + 31);
    if (s->strands || s->unmade || !tc_prng_chance(&p, 1, 3))
        return;
    uint64_t which = tc_prng_between(&p, 1, 3);
    s->fills = which != 2;
    s->drags = which != 1;
    if (s->fills)
        s->store.disk.ample_bytes = UINT64_MAX;
    if (!s->drags)
        return;
    s->store.disk.slow_write_ns = 100 * (uint64_t)WORLD_MS_NS;
    s->store.disk.slow_window_ns = tc_prng_between(&p, 500, 2000) * WORLD_MS_NS;
    s->store.disk.slow_drain_ns = tc_prng_between(&p, 1000, 4000) * WORLD_MS_NS;
    if (s->safety_ns < 20000 * (uint64_t)WORLD_MS_NS)
        s->safety_ns = 20000 * (uint64_t)WORLD_MS_NS;
}

/* The same. A group left behind for good takes all the time there is, without an index too. */
static void draw_index(uint64_t seed, struct world_swarm *s) {
    struct tc_prng p = tc_prng(seed * 69621 + 11);
    if (s->strands || seed % 4 != 2) /* so that --seed 2 --stride 4 runs these alone */
        return;
    s->indexed = true;
    s->store.gone_ms = tc_prng_chance(&p, 1, 2) ? 15000 : 900000; /* later than any message */
    if (s->groups < 2)
        s->groups = 2; /* the first is the system's */
    if (tc_prng_chance(&p, 1, 2))
        s->index_at_ns = tc_prng_between(&p, 500, 6000) * WORLD_MS_NS;
}

/* Tables whose items have rows that follow from them. */
static void draw_follow(uint64_t seed, struct world_swarm *s) {
    if (s->strands || seed % 4 != 0) /* so that --seed 4 --stride 4 runs these alone */
        return;
    s->follows = true;
    if (s->groups < 2)
        s->groups = 2; /* the first is the system's */
}

struct world_swarm world_swarm_draw(uint64_t seed) {
    struct tc_prng prng = tc_prng(seed * 2654435761u + 17);
    struct tc_prng *p = &prng;
    struct world_swarm s = {0};
    draw_load(p, &s);
    draw_net(p, &s.net);
    draw_store(p, &s.store);
    s.store.wal_cache_bytes = seed % 2 ? 0 : s.store.wal_cache_bytes; /* 0: the disk is read */
    bool is_long = tc_prng_chance(p, 1, 5); /* long enough for logs to be trimmed */
    s.safety_ns = (is_long ? 60000 : tc_prng_between(p, 4000, 12000)) * (uint64_t)WORLD_MS_NS;
    s.fault_every_ns = tc_prng_between(p, 100, is_long ? 4000 : 1500) * WORLD_MS_NS;
    if (is_long && s.value_bytes_max > 3000)
        s.value_bytes_max = 3000;
    s.batch_min_ns = 50000;
    s.batch_max_ns = tc_prng_chance(p, 1, 2) ? 2000000 : 15000000;
    s.job_max_ns = tc_prng_between(p, 1, 200) * WORLD_MS_NS;
    s.drift_ppm = tc_prng_chance(p, 1, 2) ? 9000 : 100;
    for (int i = 0; i < FAULT_KINDS; i++)
        s.faults[i] = tc_prng_chance(p, 2, 3);
    s.stale_max_ns = 1030 * (uint64_t)WORLD_MS_NS + s.net.delay_max_ns;
    if (s.net.late_ppm)
        s.stale_max_ns += s.net.late_max_ns;
    if (s.faults[FAULT_PAUSE])
        s.stale_max_ns += 3 * s.store.lease_ms * WORLD_MS_NS;
    draw_reshape(seed, &s);
    draw_unmade(seed, &s);
    draw_splits(seed, &s);
    draw_mixed(seed, &s);
    draw_index(seed, &s);
    draw_follow(seed, &s);
    draw_disks(seed, &s);
    return s;
}
