#include "sim/store/disk.h"

#include "base/probe.h"
#include "sim/store/world.h"

enum {
    LOOK_MS = 100,
    EVERY_MS_MIN = 1000,
    EVERY_MS_MAX = 8000,
};

static uint64_t between(struct world *w, uint64_t lo, uint64_t hi) {
    return tc_prng_between(&w->disks.prng, lo, hi);
}

/* ---- faults */

/* So much of the disk is in use from now on, in permille. */
static void fill(struct world_node *n, uint64_t permille, uint64_t ms) {
    struct world *w = n->w;
    struct tc_fs_space space;
    sim_fs_set_capacity(n->fs, UINT64_C(1) << 50);
    if (tc_fs_space(n->env.fs, "d", &space) != TC_OK) {
        sim_fs_set_capacity(n->fs, 0);
        return;
    }
    uint64_t used = space.total_bytes - space.free_bytes;
    sim_fs_set_capacity(n->fs, used * 1000 / permille + 1);
    n->disk.full_until_ns = w->now_ns + ms * WORLD_MS_NS;
    n->disk.filled = true;
    w->disks.full_count++;
    TC_PROBE("sim: a disk gets full");
    world_trace(w, "%u  its disk is %lu permille full for %lu ms", n->id, (unsigned long)permille,
                (unsigned long)ms);
}

static void empty(struct world_node *n) {
    sim_fs_set_capacity(n->fs, 0);
    n->disk.full_until_ns = 0;
    world_trace(n->w, "%u  its disk has room", n->id);
}

static void drag(struct world_node *n, uint64_t ms) {
    n->disk.drag_until_ns = n->w->now_ns + ms * WORLD_MS_NS;
    world_trace(n->w, "%u  its disk is slow for %lu ms", n->id, (unsigned long)ms);
}

/* Sometimes every disk: then nobody else can lead or take what does not fit. */
static void inflict(struct world *w) {
    static const uint64_t permille[] = {870, 920, 960, 1000};
    uint32_t first = (uint32_t)between(w, 0, w->swarm.nodes - 1);
    uint32_t count = between(w, 0, 5) == 0 ? w->swarm.nodes : 1;
    bool slows = w->swarm.drags && (!w->swarm.fills || between(w, 0, 1));
    uint64_t used = permille[between(w, 0, 3)];
    uint64_t drain_ms = w->swarm.store.disk.slow_drain_ns / WORLD_MS_NS;
    uint64_t ms = slows ? between(w, 1000, 4 * drain_ms) : between(w, 1000, 10000);
    for (uint32_t i = 0; i < count; i++) {
        struct world_node *n = &w->nodes[(first + i) % w->swarm.nodes];
        if (slows && count == 1)
            drag(n, ms);
        else if (!slows && n->store && !n->lost)
            fill(n, used, ms);
    }
}

/* ---- what stores say */

static void look(struct world_node *n) {
    struct world *w = n->w;
    if (n->store == NULL)
        return;
    world_node_set_clock(n);
    struct store_disk is = store_disk(n->store);
    bool refuses = is.fill == DISK_NO_WRITES;
    if (n->disk.refused && !refuses)
        TC_PROBE("sim: a store that took no writes takes them again");
    n->disk.refused = refuses;
    bool drains = is.drain != NULL && is.slow && is.errors < DISK_ERRORS_DRAIN;
    if (drains && !n->disk.drains) {
        TC_PROBE("sim: a store asks to be emptied because its disk is slow");
        w->disks.drained_count++;
        world_trace(w, "%u  asks to be emptied: %s", n->id, is.drain);
    }
    if (!drains && n->disk.drains)
        TC_PROBE("sim: a store that asked to be emptied does so no more");
    n->disk.drains = drains;
}

void world_disk_next(struct world *w) {
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        struct world_node *n = &w->nodes[i];
        if (n->disk.full_until_ns && w->now_ns >= n->disk.full_until_ns)
            empty(n);
        look(n);
    }
    if (!w->calm && !w->strand.no_copies && w->now_ns >= w->disks.next_ns) {
        inflict(w);
        w->disks.next_ns = w->now_ns + between(w, EVERY_MS_MIN, EVERY_MS_MAX) * WORLD_MS_NS;
    }
    world_push(w, LOOK_MS * (uint64_t)WORLD_MS_NS, EVENT_DISK, 0, 0, NULL);
}

void world_disk_calm(struct world *w) {
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        w->nodes[i].disk.drag_until_ns = 0;
        if (w->nodes[i].disk.full_until_ns)
            empty(&w->nodes[i]);
    }
}

/* ---- what must be so */

static bool is_well(struct world_node *n) {
    if (n->store == NULL)
        return n->lost;
    world_node_set_clock(n);
    struct store_disk is = store_disk(n->store);
    bool failed = is.errors >= DISK_ERRORS_DRAIN; /* for a day */
    return is.fill == DISK_ROOMY && !is.slow && (failed || is.drain == NULL);
}

static bool all_well(struct world *w, uint32_t *ret_node) {
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        *ret_node = i;
        if (!is_well(&w->nodes[i]))
            return false;
    }
    return true;
}

void world_disk_settle(struct world *w) {
    uint32_t node = 0;
    if (!world_settles(w, all_well, &node))
        world_fail(w, "liveness: node %u still takes its disk for full or slow", node);
}

void world_disk_stopped(struct world_node *n) {
    n->disk.filled = n->disk.full_until_ns != 0;
    n->disk.drains = n->disk.refused = false;
}

uint64_t world_disk_slowed(const struct world_node *n, uint64_t delay_ns) {
    bool drags = n->w->now_ns < n->disk.drag_until_ns;
    return drags ? delay_ns + 2 * n->w->swarm.store.disk.slow_write_ns : delay_ns;
}

/* The system's own group may grow: what it holds is needed to make room. */
void world_disk_asked(struct world_node *n, uint64_t token) {
    struct world_op *op = n->w->ops[token / 64 - 1];
    world_node_set_clock(n);
    bool grows = world_op_is_write(op->kind) && op->kind != OP_DELETE && op->group != 0;
    if (grows && token % 64 == 0 && store_disk(n->store).fill == DISK_NO_WRITES)
        op->refusing = true;
}

/* Nobody has asked before, so it is not the answer to a request that was carried out elsewhere. */
void world_disk_answered(struct world_node *n, uint64_t token, bool done) {
    const struct world_op *op = n->w->ops[token / 64 - 1];
    if (token % 64 != 0 || !op->refusing)
        return;
    TC_PROBE("sim: a write came to a store whose disk is full");
    if (done)
        world_fail(n->w, "node %u took op %lu (%s) while its disk was full", n->id,
                   (unsigned long)op->id, world_op_name(op->kind));
}

void world_disk_took_replica(struct world_node *n, const struct store_disk *is) {
    if (is->fill >= DISK_NO_REPLICAS || is->slow || is->drain)
        world_fail(n->w, "node %u took a replica on a disk that is full, slow or failing", n->id);
}

bool world_disk_drains(const struct world_node *n) {
    return n->store && store_disk(n->store).drain != NULL;
}

bool world_disk_takes_replicas(const struct world_node *n) {
    if (n->store == NULL)
        return true;
    struct store_disk is = store_disk(n->store);
    return is.fill < DISK_NO_REPLICAS && !is.slow && is.drain == NULL;
}
