#include "core/plan/plan.h"

#include "base/assert.h"
#include "core/plan/heal.h"
#include "core/plan/index.h"
#include "core/plan/plan_private.h"

struct plan_action *plan__add(struct plan_out *out, enum plan_action_type type) {
    if (out->count == PLAN_ACTIONS_MAX)
        return NULL; /* the rest follows in the next round */
    struct plan_action *a = &out->actions[out->count++];
    *a = (struct plan_action){.type = type};
    return a;
}

static bool zone_used(const struct plan_snapshot *s, const uint32_t *chosen, uint32_t count,
                      struct tc_slice zone) {
    for (uint32_t i = 0; i < count; i++)
        if (tc_slice_eq(s->nodes[chosen[i]].zone, zone))
            return true;
    return false;
}

/* The living node with the fewest replicas in a zone that none of the chosen ones has. */
static bool pick_node(const struct plan_snapshot *s, const uint32_t *chosen, uint32_t count,
                      uint32_t *ret_node) {
    bool found = false;
    for (uint32_t i = 0; i < s->node_count; i++) {
        const struct plan_node *n = &s->nodes[i];
        if (!n->alive || n->draining || n->full || zone_used(s, chosen, count, n->zone))
            continue;
        if (found && s->nodes[*ret_node].replica_count <= n->replica_count)
            continue;
        *ret_node = i;
        found = true;
    }
    return found;
}

bool plan__pick_nodes(const struct plan_snapshot *s, uint32_t *ret_nodes) {
    for (uint32_t i = 0; i < PLAN_REPLICAS_PER_GROUP; i++)
        if (!pick_node(s, ret_nodes, i, &ret_nodes[i]))
            return false;
    return true;
}

bool plan__all_answer(const struct plan_snapshot *s) {
    for (uint32_t i = 0; i < s->node_count; i++)
        if (!s->nodes[i].alive)
            return false;
    return true;
}

static bool all_virgin(const struct plan_snapshot *s) {
    return plan__all_answer(s) && s->replica_count == 0 && s->node_count > 0;
}

/* The group's first replica; the others follow it. */
static uint32_t first_of(const struct plan_snapshot *s, uint64_t gid) {
    uint32_t low = 0, high = s->replica_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->replicas[middle].gid < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_of(const struct plan_snapshot *s, uint32_t i, uint64_t gid) {
    return i < s->replica_count && s->replicas[i].gid == gid;
}

static bool holds(const struct plan_snapshot *s, uint64_t gid, uint32_t node) {
    for (uint32_t i = first_of(s, gid); is_of(s, i, gid); i++)
        if (s->replicas[i].node_index == node)
            return true;
    return false;
}

bool plan__has_leader(const struct plan_snapshot *s, uint64_t gid) {
    for (uint32_t i = first_of(s, gid); is_of(s, i, gid); i++)
        if (s->replicas[i].leader)
            return true;
    return false;
}

bool plan__find_node(const struct plan_snapshot *s, struct tc_slice name, uint32_t *ret_node) {
    for (uint32_t i = 0; i < s->node_count; i++)
        if (tc_slice_eq(s->nodes[i].name, name)) {
            *ret_node = i;
            return true;
        }
    return false;
}

/* The group has changed its members since the record was written: creating by it would bring a
 * removed replica back to life without what it had promised. */
static bool outgrown(const struct plan_snapshot *s, const struct plan_partition *p) {
    for (uint32_t i = first_of(s, p->gid); is_of(s, i, p->gid); i++)
        if (s->replicas[i].epoch > p->epoch)
            return true;
    return false;
}

void plan__replicas(const struct plan_snapshot *s, const struct plan_partition *p,
                    struct plan_out *out) {
    if (outgrown(s, p))
        return;
    for (uint32_t i = 0; i < PLAN_REPLICAS_PER_GROUP; i++) {
        uint32_t node;
        if (p->rids[i] == 0 || !plan__find_node(s, p->nodes[i], &node) || !s->nodes[node].alive ||
            holds(s, p->gid, node))
            continue;
        struct plan_action *a = plan__add(out, PLAN_CREATE_REPLICA);
        if (a == NULL)
            return;
        a->gid = p->gid;
        a->node_index = node;
        a->rid = p->rids[i];
    }
}

/* The system group on a cluster that has never stored anything; with one replica anywhere this is
 * not a new cluster, and a node that came back empty must not found a second one. */
static void plan_bootstrap(const struct plan_snapshot *s, struct plan_out *out) {
    if (s->system.gid == PLAN_SYSTEM_GID) /* a bootstrap cut short goes on where it stopped */
        plan__replicas(s, &s->system, out);
    if (!all_virgin(s)) {
        out->halted = s->replica_count > 0 ? "the system group does not answer"
                                           : "waiting for every configured storage node";
        return;
    }
    uint32_t nodes[PLAN_REPLICAS_PER_GROUP] = {0};
    if (!plan__pick_nodes(s, nodes)) {
        out->halted = "fewer than three zones have a living storage node with room";
        return;
    }
    struct plan_action *a = plan__add(out, PLAN_BOOTSTRAP);
    for (uint32_t i = 0; i < PLAN_REPLICAS_PER_GROUP; i++)
        a->nodes[i] = nodes[i];
}

/* Ids that a table takes with its global indexes: each its own and one per partition. */
static uint64_t ids_of(const struct plan_table *t) {
    uint64_t count = 1 + plan_partition_count(t);
    for (uint32_t i = 0; i < t->index_count; i++)
        if (t->indexes[i].global)
            count += 1 + plan_index_partition_count(t, &t->indexes[i]);
    return count;
}

struct plan_action *plan__place(const struct plan_snapshot *s, struct plan_out *out,
                                enum plan_action_type type) {
    uint32_t places = 0;
    for (uint32_t i = 0; i < out->count; i++)
        places += out->actions[i].type == PLAN_PLACE || out->actions[i].type == PLAN_PLACE_INDEX;
    uint32_t nodes[PLAN_REPLICAS_PER_GROUP] = {0};
    if (!plan__pick_nodes(s, nodes)) {
        out->halted = "fewer than three zones have a living storage node with room";
        return NULL;
    }
    struct plan_action *a = places < PLAN_PLACES_MAX ? plan__add(out, type) : NULL;
    for (uint32_t i = 0; a && i < PLAN_REPLICAS_PER_GROUP; i++)
        a->nodes[i] = nodes[i];
    return a;
}

static void plan_place(const struct plan_snapshot *s, uint32_t table, uint64_t *next_id,
                       struct plan_out *out) {
    struct plan_action *a = plan__place(s, out, PLAN_PLACE);
    if (a == NULL)
        return;
    a->table_index = table;
    a->table_id = *next_id;
    a->partition_count = plan_partition_count(&s->tables[table]);
    *next_id += ids_of(&s->tables[table]);
}

/* Its replicas are made where they are missing. True: every group has a leader. */
static bool made(const struct plan_snapshot *s, uint64_t table_id, const uint64_t *gids,
                 uint32_t gid_count, struct plan_out *out) {
    bool led = true;
    for (uint32_t i = 0; i < s->partition_count; i++)
        if (s->partitions[i].table_id == table_id)
            plan__replicas(s, &s->partitions[i], out);
    for (uint32_t i = 0; i < gid_count; i++)
        led = led && plan__has_leader(s, gids[i]);
    return led;
}

bool plan__index_made(const struct plan_snapshot *s, const struct plan_index *index,
                      struct plan_out *out) {
    return made(s, index->table_id, index->gids, index->gid_count, out);
}

/* A table and the indexes that it is created with become active together. */
static void plan_creating(const struct plan_snapshot *s, uint32_t table, struct plan_out *out) {
    const struct plan_table *t = &s->tables[table];
    bool led = made(s, t->table_id, t->gids, t->gid_count, out);
    for (uint32_t i = 0; i < t->index_count; i++)
        if (t->indexes[i].global)
            led = plan__index_made(s, &t->indexes[i], out) && led;
    struct plan_action *a = led ? plan__add(out, PLAN_SET_ACTIVE) : NULL;
    if (a)
        a->table_index = table;
}

static void plan_table(const struct plan_snapshot *s, uint32_t table, uint64_t *next_id,
                       struct plan_out *out) {
    const struct plan_table *t = &s->tables[table];
    switch (t->status) {
    case PLAN_CREATING:
        if (t->table_id == 0)
            plan_place(s, table, next_id, out);
        else
            plan_creating(s, table, out);
        break;
    case PLAN_UPDATING:
    case PLAN_ACTIVE:
        plan_indexes(s, table, next_id, out);
        plan__grow(
            s,
            &(struct plan_growth){table, t->table_id, t->gids, t->gid_count, t->partitions_wanted},
            out);
        break;
    case PLAN_DELETING:
        plan__deleting(s, table, out);
        break;
    }
}

void plan_step(const struct plan_snapshot *s, struct plan_out *out) {
    TC_ASSERT(TC_IMPLIES(s->tables_read, s->next_id >= PLAN_FIRST_ID));
    TC_ASSERT(s->node_count <= PLAN_NODES_MAX);
    *out = (struct plan_out){0};
    if (!s->tables_read) {
        plan_bootstrap(s, out);
        return;
    }
    uint64_t next_id = s->next_id;
    for (uint32_t i = 0; i < s->table_count; i++)
        plan_table(s, i, &next_id, out);
    plan__dropped(s, out);
    plan_heal(s, out);
}

static uint64_t divide_up(uint64_t a, uint64_t b) {
    return a / b + (a % b != 0);
}

static uint32_t clamp_partitions(uint64_t count) {
    if (count < 1)
        return 1;
    return count > PLAN_PARTITIONS_PER_TABLE_MAX ? PLAN_PARTITIONS_PER_TABLE_MAX : (uint32_t)count;
}

uint32_t plan_partitions_for(uint64_t rcu, uint64_t wcu) {
    uint64_t by_write = divide_up(wcu, PLAN_WCU_PER_PARTITION);
    uint64_t by_read = divide_up(rcu, PLAN_RCU_PER_PARTITION);
    return clamp_partitions(by_write > by_read ? by_write : by_read);
}

uint32_t plan_partition_count(const struct plan_table *t) {
    if (t->partitions_wanted)
        return clamp_partitions(t->partitions_wanted);
    return t->on_demand ? PLAN_ON_DEMAND_PARTITIONS : plan_partitions_for(t->rcu, t->wcu);
}

uint32_t plan_index_partition_count(const struct plan_table *t, const struct plan_index *index) {
    uint32_t count = plan_partitions_for(index->rcu, index->wcu);
    return t->on_demand && count < PLAN_ON_DEMAND_PARTITIONS ? PLAN_ON_DEMAND_PARTITIONS : count;
}

uint64_t plan_partition_start(uint32_t i, uint32_t n) {
    TC_ASSERT(n > 0 && i < n);
    uint64_t step = UINT64_MAX / n + (UINT64_MAX % n == n - 1);
    return n == 1 ? 0 : step * i;
}
