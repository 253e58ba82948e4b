/* The verdict on a whole run. The archive's log of each group is replayed from its first entry:
 * every entry must be what its request asked for in the state it met, every request must be there
 * at most once, and every answer that a client got must be true at the index it names.
 *
 * Together with the floors checked while the run goes on (client.c) this is linearizability: the
 * log is the order, an operation stands at its index, and no operation stands below another one
 * that was answered before it was asked for. */
#include "sim/store/judge.h"

#include <stdlib.h>

typedef unsigned long ul;

/* Position of the version in force at index. */
static size_t version_at(const struct versions *v, uint64_t index) {
    size_t lo = 0, hi = v->count;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (v->at[mid].index <= index)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static void check_seen(const struct judge *j, const struct world_op *op,
                       const struct world_seen *seen) {
    const struct versions *v = &j->keys[seen->key];
    const struct version *is = &v->at[version_at(v, op->index)];
    if (is->stamp != seen->stamp || is->count != seen->count)
        world_fail(j->w,
                   "op %lu (%s) read k%u as written by op %lu (count %lu) at index %lu, where the "
                   "log has op %lu (count %lu)",
                   (ul)op->id, world_op_name(op->kind), seen->key, (ul)seen->stamp, (ul)seen->count,
                   (ul)op->index, (ul)is->stamp, (ul)is->count);
}

/* The item that refused it was there at some time after it was asked for. */
static void check_refused(const struct judge *j, const struct world_op *op) {
    const struct versions *v = &j->keys[op->key];
    uint64_t stamp = op->seen[0].stamp;
    bool possible = false;
    for (size_t i = 0; i < v->count; i++) {
        bool lasts = i + 1 == v->count || v->at[i + 1].index > op->floor;
        possible = possible || (lasts && v->at[i].stamp == stamp);
    }
    bool unmet = op->kind == OP_PUT_ABSENT ? stamp != 0 : stamp != op->expected;
    if (!possible || !unmet)
        world_fail(j->w, "op %lu (%s) was refused because of op %lu's item, which was not there",
                   (ul)op->id, world_op_name(op->kind), (ul)stamp);
    if (op->logged && !op->maybe)
        world_fail(j->w, "op %lu (%s) was refused and is in the log at %lu", (ul)op->id,
                   world_op_name(op->kind), (ul)op->logged);
}

static void check_range(const struct judge *j, const struct world_op *op) {
    const struct world_group *part = &j->w->groups[op->part];
    uint32_t at = 0, keys = part->to - part->from;
    for (uint32_t i = 0; i < keys && at < op->limit; i++) {
        uint32_t key = op->reverse ? part->to - 1 - i : part->from + i;
        const struct versions *v = &j->keys[key];
        if (v->at[version_at(v, op->index)].stamp == 0)
            continue;
        if (at >= op->seen_count || op->seen[at].key != key) {
            world_fail(j->w, "op %lu (%s) at index %lu lacks k%u", (ul)op->id,
                       world_op_name(op->kind), (ul)op->index, key);
            return;
        }
        check_seen(j, op, &op->seen[at++]);
    }
    if (at < op->seen_count)
        world_fail(j->w, "op %lu (%s) at index %lu has an item too many", (ul)op->id,
                   world_op_name(op->kind), (ul)op->index);
}

static void check_op(const struct judge *j, const struct world_op *op) {
    if (!op->done || op->err == TC_EUNKNOWN)
        return;
    if (op->err == TC_OK && op->index > j->w->archives[op->part].count)
        world_fail(j->w, "op %lu (%s) was answered at index %lu, which nobody ever committed",
                   (ul)op->id, world_op_name(op->kind), (ul)op->index);
    else if (op->err != TC_OK)
        check_refused(j, op);
    else if (op->kind == OP_RANGE || op->kind == OP_RANGE_EVENTUAL)
        check_range(j, op);
    else if (world_op_is_write(op->kind) && op->logged != op->index)
        world_fail(j->w, "acknowledged write lost: op %lu (%s) at %lu; the log has it at %lu",
                   (ul)op->id, world_op_name(op->kind), (ul)op->index, (ul)op->logged);
    else if (!world_op_is_write(op->kind))
        check_seen(j, op, &op->seen[0]);
}

/* By the clients' own count, without the log: what was acknowledged was added, nothing twice. */
static void check_counter(const struct judge *j) {
    uint64_t acked = 0, unknown = 0, is = judge_newest(j, 0)->count;
    for (uint64_t i = 0; i < j->w->op_count; i++) {
        const struct world_op *op = j->w->ops[i];
        bool adds = op->group == j->group && op->key == 0 && op->kind == OP_ADD;
        acked += adds && op->done && op->err == TC_OK;
        unknown += adds && (!op->done || op->err != TC_OK);
    }
    if (is < acked || is > acked + unknown)
        world_fail(j->w, "the counter of group %u stands at %lu after %lu known and %lu unknown",
                   j->group, (ul)is, (ul)acked, (ul)unknown);
}

static void judge_group(struct judge *j) {
    for (uint32_t k = 0; k < WORLD_KEYS_MAX; k++)
        judge_add_version(j, k, (struct version){0, 0, 0, 0});
    judge_replay(j);
    for (uint64_t i = 0; i < j->w->op_count && !j->w->failed; i++)
        if (j->w->ops[i]->group == j->group)
            check_op(j, j->w->ops[i]);
    if (!j->w->failed)
        check_counter(j);
    for (uint32_t k = 0; k < WORLD_KEYS_MAX; k++)
        free(j->keys[k].at);
}

void world_judge(struct world *w) {
    for (uint32_t g = 0; g < w->swarm.groups && !w->failed; g++) {
        struct judge j = {.w = w, .group = g, .part = g};
        judge_group(&j);
    }
}
