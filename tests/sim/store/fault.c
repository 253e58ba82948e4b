/* What goes wrong, when, and within which bounds.
 *
 * Bits rot on one node only (the victim of the seed), so every entry and every item always has an
 * intact copy: what the group must survive, it must survive. Power, processes, links and disks
 * that answer with errors fail everywhere and at once. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "base/probe.h"

#include <stdio.h>

static uint64_t below(struct world *w, uint64_t bound) {
    return tc_prng_below(&w->fault_prng, bound);
}

static uint64_t between_ms(struct world *w, uint64_t lo, uint64_t hi) {
    return tc_prng_between(&w->fault_prng, lo, hi) * WORLD_MS_NS;
}

static bool leads_any(struct world_node *n) {
    size_t led = 0, all = 0;
    if (n->store)
        store_replica_counts(n->store, &led, &all);
    return led > 0;
}

/* Half of the time somebody who leads. */
static struct world_node *pick(struct world *w) {
    uint32_t first = (uint32_t)below(w, w->swarm.nodes);
    if (below(w, 2) == 0)
        for (uint32_t i = 0; i < w->swarm.nodes; i++)
            if (leads_any(&w->nodes[(first + i) % w->swarm.nodes]))
                return &w->nodes[(first + i) % w->swarm.nodes];
    return &w->nodes[first];
}

static uint64_t down_ns(struct world *w) {
    return below(w, 6) == 0 ? between_ms(w, 2000, 8000) : between_ms(w, 5, 1500);
}

static void cut(struct world *w) {
    uint64_t how = below(w, 3);
    sim_net_isolate(&w->net, pick(w)->id, w->swarm.nodes, how != 0, how != 1);
}

static void cut_link(struct world *w) {
    uint32_t from = (uint32_t)below(w, w->swarm.nodes);
    uint32_t to = (uint32_t)below(w, w->swarm.nodes);
    if (from != to)
        sim_net_cut(&w->net, from, to);
}

/* Now and then longer than request ids keep entries in the log: then only the archive's own word
 * keeps them. */
static uint64_t archive_out_ns(struct world *w) {
    return below(w, 3) == 0 ? between_ms(w, 32000, 50000) : between_ms(w, 100, 5000);
}

/* ---- disks */

static void fail_disk(struct world *w) {
    static const enum sim_fault_kind kinds[] = {SIM_WRITE_ERROR, SIM_SYNC_ERROR, SIM_FULL,
                                                SIM_READ_ERROR};
    struct world_node *n = pick(w);
    struct sim_fault f = {.kind = kinds[below(w, 4)],
                          .path_part = below(w, 2) ? "wal" : ".tree",
                          .skip_count = below(w, 10),
                          .hit_count = 1 + below(w, 3)};
    if (f.kind == SIM_READ_ERROR)
        n = &w->nodes[w->swarm.victim]; /* an unreadable page counts as a damaged one */
    if (n->store == NULL || n->lost)
        return;
    n->doubted = n->doubted || f.kind == SIM_READ_ERROR;
    n->failing = true;
    TC_IGNORE(sim_fs_fault(n->fs, &f)); /* at the bound: there are enough */
    world_trace(w, "%u  disk fault %d in %s", n->id, (int)f.kind, f.path_part);
}

struct rot {
    struct world *w;
    struct tc_fs *fs;
    const char *dir;
    char path[64];
    uint64_t offset;
    uint64_t found_count;
};

/* Every block that holds something is as likely as any other. */
static void weigh_file(struct rot *r, const char *path) {
    struct tc_file *f = NULL;
    uint8_t block[TC_FS_SECTOR_BYTES];
    uint64_t size = 0;
    if (tc_fs_open(r->fs, path, TC_FS_READ_ONLY, &f) != TC_OK)
        return;
    if (tc_file_size(f, &size) != TC_OK)
        size = 0;
    for (uint64_t at = 0; at + sizeof block <= size; at += 4096) {
        if (tc_file_read_at(f, at, block, sizeof block) != TC_OK || (block[0] | block[9]) == 0)
            continue;
        if (below(r->w, ++r->found_count) == 0) {
            snprintf(r->path, sizeof r->path, "%s", path);
            r->offset = at;
        }
    }
    tc_file_close(f);
}

static void weigh_name(void *user, const char *name) {
    struct rot *r = user;
    char path[64];
    bool wanted = strncmp(name, "seg-", 4) == 0 || strstr(name, ".tree") != NULL;
    int len = snprintf(path, sizeof path, "%s/%s", r->dir, name);
    if (wanted && len > 0 && (size_t)len < sizeof path)
        weigh_file(r, path);
}

static void flip_one(struct world *w) {
    struct world_node *n = &w->nodes[w->swarm.victim];
    struct rot r = {.w = w, .fs = n->env.fs, .dir = below(w, 2) ? "d/wal" : "d"};
    if (n->lost || n->failing || sim_fs_is_down(n->fs))
        return;
    TC_IGNORE(tc_fs_list(r.fs, r.dir, weigh_name, &r)); /* nothing found: nothing rots */
    if (r.found_count == 0)
        return;
    uint64_t offset = r.offset + below(w, 4096);
    if (sim_fs_flip(n->fs, r.path, offset, (unsigned)below(w, 8)) != TC_OK)
        return;
    n->rotten = true;
    TC_PROBE("sim: a bit rots");
    world_trace(w, "%u  a bit flips in %s at %lu", n->id, r.path, (unsigned long)offset);
}

/* Often found at once, because the node starts again and reads its log. */
static void rot(struct world *w) {
    struct world_node *n = &w->nodes[w->swarm.victim];
    for (uint64_t i = below(w, 6) + 1; i > 0; i--)
        flip_one(w);
    if (n->rotten && below(w, 2) == 0)
        world_node_stop(n, below(w, 2) == 0, down_ns(w));
}

static void take_tree_again(struct world *w) {
    struct world_node *n = &w->nodes[w->swarm.victim];
    if (n->store == NULL)
        return;
    n->doubted = true;
    world_node_set_clock(n);
    TC_IGNORE(store_reinstall(n->store, w->groups[below(w, w->group_count)].gid));
    world_node_pump(n);
}

static void drain(struct world *w) {
    struct world_node *n = pick(w);
    if (n->store == NULL || n->paused_until_ns > w->now_ns)
        return;
    world_node_set_clock(n);
    (void)store_drain(n->store);
    world_node_pump(n);
}

/* ---- */

static void inflict(struct world *w, enum world_fault kind) {
    struct world_node *n = pick(w);
    uint64_t lease_ms = w->swarm.store.lease_ms;
    switch (kind) {
    case FAULT_POWER:
    case FAULT_KILL:
        world_node_stop(n, kind == FAULT_POWER, down_ns(w));
        break;
    case FAULT_ALL:
        for (uint32_t i = 0; i < w->swarm.nodes; i++)
            world_node_stop(&w->nodes[i], /* power= */ true, down_ns(w));
        break;
    case FAULT_PAUSE:
        n->paused_until_ns = w->now_ns + between_ms(w, lease_ms / 4, 3 * lease_ms);
        break;
    case FAULT_CUT:
        cut(w);
        break;
    case FAULT_LINK:
        cut_link(w);
        break;
    case FAULT_HEAL:
        sim_net_heal(&w->net);
        break;
    case FAULT_SLOW:
        n->slow_until_ns = w->now_ns + between_ms(w, 100, 3000);
        break;
    case FAULT_DISK:
        fail_disk(w);
        break;
    case FAULT_ROT:
        rot(w);
        break;
    case FAULT_TREE:
        take_tree_again(w);
        break;
    case FAULT_ARCHIVE:
        w->archive_out_until_ns = w->now_ns + archive_out_ns(w);
        break;
    case FAULT_WALL:
        n->clock.wall_offset_ns += between_ms(w, 0, 4000) - 2000 * (uint64_t)WORLD_MS_NS;
        break;
    case FAULT_DRAIN:
        drain(w);
        break;
    case FAULT_KINDS:
        break;
    }
}

void world_fault_power(struct world *w, uint32_t node) {
    if (!w->calm)
        world_node_stop(&w->nodes[node], /* power= */ true, between_ms(w, 1, 40));
}

void world_fault_next(struct world *w) {
    static const char *const names[FAULT_KINDS] = {"power", "kill",    "all",  "pause", "cut",
                                                   "link",  "heal",    "slow", "disk",  "rot",
                                                   "tree",  "archive", "wall", "drain"};
    if (w->calm)
        return;
    enum world_fault kind = (enum world_fault)below(w, FAULT_KINDS);
    if (kind == FAULT_ALL && below(w, 3) > 0)
        kind = FAULT_HEAL;
    if ((w->swarm.faults[kind] || kind == FAULT_HEAL) && !w->strand.no_copies) {
        world_trace(w, "fault: %s", names[kind]);
        w->fault_count++;
        inflict(w, kind);
    }
    world_push(w, 1 + below(w, 2 * w->swarm.fault_every_ns), EVENT_FAULT, 0, 0, NULL);
}

void world_fault_end_dead(struct world *w) {
    for (uint32_t i = 0; i < w->swarm.nodes; i++)
        if (sim_fs_is_down(w->nodes[i].fs))
            world_node_stop(&w->nodes[i], /* power= */ true, 100 * (uint64_t)WORLD_MS_NS);
}

void world_calm(struct world *w) {
    w->calm = true;
    world_trace(w, "---- calm");
    sim_net_heal(&w->net);
    w->swarm.net.drop_ppm = w->swarm.net.duplicate_ppm = w->swarm.net.late_ppm = 0;
    w->net.opt = w->swarm.net;
    w->archive_out_until_ns = 0;
    world_disk_calm(w);
    world_strand_end(w);
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        sim_fs_heal(w->nodes[i].fs);
        w->nodes[i].paused_until_ns = 0;
        w->nodes[i].slow_until_ns = 0;
    }
    world_fault_end_dead(w);
}
