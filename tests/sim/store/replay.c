/* The archive's log of each group is replayed from its first entry: every entry must be what its
 * request asked for in the state it met, and every request must be there at most once. */
#include "sim/store/judge.h"

#include "base/assert.h"
#include "base/hash.h"
#include "core/entry/entry.h"
#include "core/paxos/paxos.h"

#include <stdlib.h>

/* How a group's log ends, if it was split, sealed or merged. */
struct line_end {
    uint64_t index; /* of that entry; 0: it goes on */
    uint16_t type;
    uint64_t chain;
    uint64_t hlc_ns; /* of its newest write */
    struct tc_slice body;
};

typedef unsigned long ul;

const struct version *judge_newest(const struct judge *j, uint32_t key) {
    return &j->keys[key].at[j->keys[key].count - 1];
}

void judge_add_version(struct judge *j, uint32_t key, struct version v) {
    struct versions *to = &j->keys[key];
    to->at = realloc(to->at, (to->count + 1) * sizeof *to->at);
    TC_ASSERT(to->at != NULL);
    to->at[to->count++] = v;
}

/* What the operation does to the item it meets; NULL if that is what the entry did. */
static const char *wrong_effect(const struct world_op *op, const struct version *old,
                                const struct entry_mutation *m, const struct world_seen *now) {
    bool deletes = m->op == ENTRY_DELETE;
    if ((op->kind == OP_DELETE) != deletes)
        return "it puts where it should delete, or the other way round";
    if (!deletes && now->stamp != op->id)
        return "the item is another operation's";
    if (op->kind == OP_PUT_ABSENT && old->stamp != 0)
        return "there was an item";
    if (op->kind == OP_PUT_IF && old->stamp != op->expected)
        return "the item was another than the condition allows";
    if (op->kind == OP_ADD && now->count != old->count + 1)
        return "the counter did not rise by one";
    if (op->kind != OP_ADD && !deletes && tc_hash64(m->item, 0) != op->item_hash)
        return "the item is not what was sent";
    return NULL;
}

static void replay_mutation(struct judge *j, struct world_op *op, uint64_t index,
                            const struct entry_mutation *m) {
    struct world *w = j->w;
    const struct world_group *g = &w->groups[j->group];
    uint32_t key = world_key_find(w, g, m->key);
    const struct world_group *part = &w->groups[j->part];
    if (key != op->key || op->group != j->group || key < part->from || key >= part->to) {
        world_fail(w, "op %lu was carried out on another key, at %lu", (ul)op->id, (ul)index);
        return;
    }
    struct world_seen now = world_item_read(g, key, m->item);
    const char *wrong = wrong_effect(op, judge_newest(j, key), m, &now);
    if (wrong)
        world_fail(w, "op %lu (%s) at %lu of group %u: %s", (ul)op->id, world_op_name(op->kind),
                   (ul)index, j->group, wrong);
    if (op->logged)
        world_fail(w, "op %lu (%s) was done twice: at %lu and at %lu", (ul)op->id,
                   world_op_name(op->kind), (ul)op->logged, (ul)index);
    op->logged = index;
    judge_add_version(j, key,
                      (struct version){index, now.stamp, now.count, world_follow_time(m->item)});
}

/* Rows that follow from items are judged by what they follow from (index_judge.c). */
static bool is_auxiliary(struct tc_slice key) {
    return key.len > 8 && key.data[8] >= 0x10;
}

/* A write of the leader's own: auxiliary rows alone. */
static bool is_own(const struct entry_write *e) {
    struct entry_mutation m;
    for (struct entry_iter it = entry_iter(e); entry_next(&it, &m);)
        if (!is_auxiliary(m.key))
            return false;
    return true;
}

/* One item's mutation comes first; none, or auxiliary rows, follow it. */
static void replay_mutations(struct judge *j, struct world_op *op, uint64_t index,
                             const struct entry_write *e) {
    struct entry_iter it = entry_iter(e);
    struct entry_mutation m;
    if (entry_next(&it, &m))
        replay_mutation(j, op, index, &m);
    while (entry_next(&it, &m))
        if (!(j->w->swarm.indexed || world_follow_is(j->w, j->group)) || !is_auxiliary(m.key))
            world_fail(j->w, "entry %lu of group %u writes a second item", (ul)index, j->group);
}

/* The leader's own delete of an item that was due, or rows alone. */
static void replay_own(struct judge *j, uint64_t index, const struct entry_write *e) {
    struct world *w = j->w;
    struct entry_mutation m;
    struct entry_iter it = entry_iter(e);
    if (is_own(e) || !entry_next(&it, &m))
        return;
    uint32_t key = world_key_find(w, &w->groups[j->group], m.key);
    const struct version *is = key < WORLD_KEYS_MAX ? judge_newest(j, key) : NULL;
    bool due = is && m.op == ENTRY_DELETE && is->stamp != 0 && is->due_s != 0 &&
               is->due_s <= e->hlc_ns / 1000000000u;
    if (!due) {
        world_fail(w, "entry %lu of group %u deletes what is not due", (ul)index, j->group);
        return;
    }
    w->follow.expired_count++;
    judge_add_version(j, key, (struct version){index, 0, 0, 0});
    while (entry_next(&it, &m))
        if (!is_auxiliary(m.key))
            world_fail(w, "entry %lu of group %u deletes a second item", (ul)index, j->group);
}

static bool is_clients(const struct world *w, const uint64_t id[2]) {
    return id[0] != 0 && id[0] <= w->op_count && id[1] == w->seed;
}

/* The table's groups pay what they owe to their index. */
static bool is_indexed(const struct judge *j) {
    return j->w->swarm.indexed && j->group == j->w->index.base;
}

static void replay_write(struct judge *j, uint64_t index, struct tc_slice body) {
    struct world *w = j->w;
    struct entry_write e;
    uint64_t id[2];
    if (entry_write_decode(body, &e) != TC_OK) {
        world_fail(w, "entry %lu of group %u cannot be read", (ul)index, j->group);
        return;
    }
    memcpy(id, e.request_id, sizeof id);
    bool own =
        !is_clients(w, id) && (world_follow_is(w, j->group) || (is_indexed(j) && is_own(&e)));
    if (!own && !is_clients(w, id)) {
        world_fail(w, "entry %lu of group %u is nobody's request", (ul)index, j->group);
        return;
    }
    if (e.hlc_ns <= j->hlc_ns)
        world_fail(w, "time of group %u goes back at entry %lu", j->group, (ul)index);
    j->hlc_ns = e.hlc_ns;
    if (own)
        replay_own(j, index, &e);
    else
        replay_mutations(j, w->ops[id[0] - 1], index, &e);
}

/* What follows the entry that seals says nothing: leaders may still change. True: go on. */
static bool check_sealed(struct judge *j, uint64_t index, uint64_t seal, uint16_t type) {
    if (seal == 0 || type == PAXOS_LEAD)
        return true;
    world_fail(j->w, "entry %lu of group %u stands behind its end at %lu", (ul)index, j->part,
               (ul)seal);
    return false;
}

static void replay(struct judge *j, struct line_end *end) {
    const struct world_archive *a = &j->w->archives[j->part];
    uint64_t chain = a->base_chain;
    for (uint64_t i = a->base + 1; i <= a->count && !j->w->failed; i++) {
        const struct world_entry *e = &a->entries[i - 1 - a->base];
        struct paxos_entry p = {.index = i,
                                .ballot = e->ballot,
                                .body_crc = e->body_crc,
                                .body_len = (uint32_t)e->body.len,
                                .type = e->type};
        chain = paxos_chain(j->w->groups[j->part].gid, chain, &p);
        if (chain != e->chain)
            world_fail(j->w, "I9: the archive's chain breaks at %lu of group %u", (ul)i, j->part);
        if (!check_sealed(j, i, end->index, e->type))
            return;
        if (paxos_entry_seals(e->type))
            *end = (struct line_end){
                .index = i, .type = e->type, .body = tc_buf_slice(&e->body), .chain = chain};
        if (e->type == PAXOS_WRITE)
            replay_write(j, i, tc_buf_slice(&e->body));
    }
    end->hlc_ns = j->hlc_ns;
}

static uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* Where a child's log must begin by its parent's SPLIT, and its time; false: it is another's. */
static bool begin_half(const struct judge *j, const struct line_end *parent, uint64_t *ret_base,
                       uint64_t *ret_hlc_ns) {
    const struct world_group *g = &j->w->groups[j->part];
    struct entry_split s;
    if (parent->type != PAXOS_SPLIT || entry_split_decode(parent->body, &s) != TC_OK ||
        (s.gids[0] != g->gid && s.gids[1] != g->gid))
        return false;
    *ret_base = parent->index;
    *ret_hlc_ns = max_u64(s.hlc_ns, parent->hlc_ns);
    return true;
}

/* The same of a merged group: above the ends of both. */
static bool begin_merged(const struct judge *j, const struct line_end *left,
                         const struct line_end *right, uint64_t *ret_base, uint64_t *ret_hlc_ns) {
    const struct world_group *g = &j->w->groups[j->part];
    struct entry_merge m;
    struct entry_seal s;
    if (left->type != PAXOS_MERGE || entry_merge_decode(left->body, &m) != TC_OK ||
        right->type != PAXOS_SEAL || entry_seal_decode(right->body, &s) != TC_OK ||
        m.merged_gid != g->gid || s.merged_gid != g->gid || m.right_index != right->index ||
        m.right_chain != right->chain || m.right_gid != j->w->groups[g->right].gid)
        return false;
    *ret_base = max_u64(left->index, right->index);
    *ret_hlc_ns = max_u64(max_u64(m.hlc_ns, s.hlc_ns), max_u64(left->hlc_ns, right->hlc_ns));
    return true;
}

static void replay_part(struct judge *j, struct line_end *ends) {
    const struct world_group *g = &j->w->groups[j->part];
    const struct world_archive *a = &j->w->archives[j->part];
    uint64_t base = 0, hlc_ns = 0;
    bool begins = g->parent == j->part ||
                  (g->right ? begin_merged(j, &ends[g->parent], &ends[g->right], &base, &hlc_ns)
                            : begin_half(j, &ends[g->parent], &base, &hlc_ns));
    if (a->count == 0)
        return;
    if (!begins || a->base != base) {
        world_fail(j->w, "the log of group %u begins at %lu, not where its parents end (%lu)",
                   j->part, (ul)a->base, (ul)base);
        return;
    }
    j->hlc_ns = hlc_ns;
    replay(j, &ends[j->part]);
}

/* A group's number is above those of all that it comes from. */
void judge_replay(struct judge *j) {
    struct line_end ends[WORLD_GROUPS_MAX] = {{0}};
    for (j->part = 0; j->part < j->w->group_count && !j->w->failed; j->part++)
        if (j->w->groups[j->part].root == j->group)
            replay_part(j, ends);
}
