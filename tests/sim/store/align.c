/* Two groups that are to merge must stand on the same nodes. Where members change, somebody must
 * bring them together, as an order to merge does: before the seal the right one comes to the left
 * one, a replica at a time; after it the left one comes back to the right one, whose members stay
 * as they are. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "base/probe.h"

#include <stdlib.h>

struct side {
    Tercet__Pb__NodeInfoReply *info;
    Tercet__Pb__ReplicaInfo *r; /* its leader, NULL: none */
    struct world_node *n;
};

static struct side side_of(struct world *w, struct world_group *g) {
    struct side s = {0};
    s.r = world_group_leader(w, g->gid, &s.info, &s.n);
    if (s.r)
        world_group_learn(w, g, s.r->partition);
    return s;
}

static void side_deinit(struct side *s) {
    if (s->info)
        tercet__pb__node_info_reply__free_unpacked(s->info, NULL);
}

static const uint8_t *store_of(const struct side *s, size_t at) {
    const ProtobufCBinaryData *id = &s->r->partition->members[at]->store_uuid;
    TC_ASSERT(id->len == STORE_UUID_BYTES);
    return id->data;
}

static uint32_t node_of(const struct side *s, size_t at) {
    return (uint32_t)strtoul(s->r->partition->members[at]->addr + 5, NULL, 10);
}

/* By its disk: a node that lost its disk has nothing of what stood there. */
static bool stands_on(const struct side *s, const uint8_t store[STORE_UUID_BYTES]) {
    for (size_t i = 0; i < s->r->partition->n_members; i++)
        if (memcmp(store_of(s, i), store, STORE_UUID_BYTES) == 0)
            return true;
    return false;
}

/* The disk on which member k stands is still there, and takes replicas. */
static bool may_come(const struct world *w, const struct side *to, size_t k) {
    const struct world_node *n = &w->nodes[node_of(to, k)];
    return memcmp(n->uuid, store_of(to, k), STORE_UUID_BYTES) == 0 && world_disk_takes_replicas(n);
}

/* One replica of moves goes from a node that to does not have to one that only to has, and that
 * takes replicas. False: there is none. */
static bool move_one(struct world *w, const struct side *moves, const struct side *to) {
    for (uint32_t i = 0; i < moves->r->partition->n_members; i++) {
        if (stands_on(to, store_of(moves, i)))
            continue;
        for (uint32_t k = 0; k < to->r->partition->n_members; k++) {
            if (stands_on(moves, store_of(to, k)) || !may_come(w, to, k))
                continue;
            TC_PROBE("sim: a replica moves so that two groups can merge");
            world_ask_move(w, moves->n, moves->r, i, node_of(to, k));
            return true;
        }
    }
    return false;
}

/* Whoever leads the left one must have the sealed right one on its own node. */
static void come_back(struct world *w, const struct side *left, const struct side *right) {
    (void)move_one(w, left, right);
    if (stands_on(right, left->n->uuid))
        return;
    for (uint32_t i = 0; i < left->r->partition->n_members; i++)
        if (stands_on(right, store_of(left, i))) {
            TC_PROBE("sim: a leadership comes to where the sealed neighbour is");
            world_ask_transfer(w, left->n, left->r, i);
            return;
        }
}

void world_align(struct world *w, struct world_group *merged) {
    struct side left = side_of(w, &w->groups[merged->parent]);
    struct side right = side_of(w, &w->groups[merged->right]);
    bool may = left.r && right.r && left.n->store && right.n->store &&
               left.n->paused_until_ns <= w->now_ns && right.n->paused_until_ns <= w->now_ns;
    if (may && right.r->seal)
        come_back(w, &left, &right);
    else if (may && !move_one(w, &right, &left))
        (void)move_one(w, &left, &right);
    side_deinit(&left);
    side_deinit(&right);
}

bool world_align_holds(const struct world_group *g) {
    return g->merged != 0;
}
