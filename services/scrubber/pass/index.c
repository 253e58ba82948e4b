/* A table against one of its global indexes: sums of the rows that its items should have, asked of
 * the leaders of the table's groups, against those that the index's leaders hold. */
#include "scrubber/pass/index_private.h"

#include "base/assert.h"
#include "core/index/index.h"
#include "proto/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CLEAN   TERCET__PB__SCRUB_STATE__SCRUB_CLEAN
#define DAMAGED TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED
#define NOT_RUN TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN

enum {
    TRIES_MAX = 5,
    AGAIN_MS = 300,
    PAGES_MAX = 1000000,
};

/* ---- which groups */

/* The replica that leads with the newest ballot. */
static bool find_leader(const struct pass_nodes *n, uint64_t gid, struct pass_side_group *ret) {
    const Tercet__Pb__ReplicaInfo *best = NULL;
    for (size_t i = 0; i < n->count; i++) {
        const Tercet__Pb__ReplicaInfo *r = pass__find(n->node[i].info, gid);
        if (r == NULL || r->role != 2 ||
            (best && r->partition->leader_round <= best->partition->leader_round))
            continue;
        best = r;
        *ret = (struct pass_side_group){.addr = n->node[i].addr, .partition = r->partition};
    }
    return best != NULL;
}

static uint64_t table_of(const struct pass_nodes *n, uint64_t gid) {
    for (size_t i = 0; i < n->count; i++) {
        const Tercet__Pb__ReplicaInfo *r = pass__find(n->node[i].info, gid);
        if (r)
            return r->partition->table_id;
    }
    return 0;
}

static int by_start(const void *a, const void *b) {
    const struct pass_side_group *x = a, *y = b;
    return tc_slice_cmp(proto_slice(x->partition->start), proto_slice(y->partition->start));
}

/* Groups without a hole between them hold the whole table. */
static bool is_whole(const struct pass_side *s) {
    struct tc_slice at = TC_SLICE_EMPTY;
    for (size_t i = 0; i < s->count; i++) {
        if (!tc_slice_eq(at, proto_slice(s->group[i].partition->start)))
            return false;
        at = proto_slice(s->group[i].partition->end);
        if (at.len == 0)
            return i + 1 == s->count;
    }
    return false;
}

static const char *gather(const struct pass_nodes *n, uint64_t table_id, struct pass_side *s) {
    for (uint64_t gid = pass_nodes_next_gid(n, 0); gid; gid = pass_nodes_next_gid(n, gid)) {
        if (table_of(n, gid) != table_id)
            continue;
        if (s->count == PASS_SIDE_GROUPS_MAX)
            return "too many groups";
        if (!find_leader(n, gid, &s->group[s->count]))
            return "a group has no leader";
        s->count++;
    }
    qsort(s->group, s->count, sizeof s->group[0], by_start);
    return is_whole(s) ? NULL : "its partitions are changing";
}

/* ---- asking */

Tercet__Pb__ScrubIndexReply *pass__index_ask(struct pass_index_run *x, const struct pass_side *s,
                                             size_t group, struct tc_slice after, uint32_t bucket) {
    Tercet__Pb__ScrubIndexRequest req = TERCET__PB__SCRUB_INDEX_REQUEST__INIT;
    struct tc_buf packed = {0}, reply = {0};
    req.gid = s->group[group].partition->gid;
    req.id = x->which->id;
    req.after = proto_bytes(after);
    req.bucket = bucket;
    proto_append(&packed, &req.base);
    tc_err err = x->env->ask(x->env->user, s->group[group].addr, "/tercet.Storage/ScrubIndex",
                             tc_buf_slice(&packed), PASS_DEADLINE_MS, &reply);
    Tercet__Pb__ScrubIndexReply *m =
        err == TC_OK ? tercet__pb__scrub_index_reply__unpack(NULL, reply.len, reply.data) : NULL;
    if (m && (m->n_sums != BTREE_BUCKET_COUNT || m->n_keys != m->n_hashes)) {
        tercet__pb__scrub_index_reply__free_unpacked(m, NULL);
        m = NULL;
    }
    tc_buf_deinit(&packed);
    tc_buf_deinit(&reply);
    return m;
}

static void add(struct pass_side *s, size_t group, const Tercet__Pb__ScrubIndexReply *m,
                bool first) {
    for (size_t b = 0; b < BTREE_BUCKET_COUNT; b++)
        s->sums[b] += m->sums[b];
    s->rows += m->rows;
    s->outbox_count += m->outbox_count;
    if (first)
        s->group[group].index = m->index;
    s->moved = s->moved || s->group[group].index != m->index;
}

static const char *sum_group(struct pass_index_run *x, struct pass_side *s, size_t group) {
    struct tc_buf after = {0};
    const char *why = "a leader does not answer";
    for (int page = 0; page < PAGES_MAX; page++) {
        Tercet__Pb__ScrubIndexReply *m =
            pass__index_ask(x, s, group, tc_buf_slice(&after), /* bucket= */ 0);
        if (m == NULL)
            break;
        add(s, group, m, page == 0);
        tc_buf_clear(&after);
        tc_buf_append(&after, m->next.data, m->next.len);
        tercet__pb__scrub_index_reply__free_unpacked(m, NULL);
        if (after.len == 0) {
            why = NULL;
            break;
        }
        if (!x->env->pause(x->env->user, x->env->pace_ms))
            break;
    }
    tc_buf_deinit(&after);
    return why;
}

static const char *sum_side(struct pass_index_run *x, struct pass_side *s) {
    const char *why = NULL;
    memset(s->sums, 0, sizeof s->sums);
    s->rows = s->outbox_count = 0;
    s->moved = false;
    for (size_t i = 0; i < s->count && why == NULL; i++)
        why = sum_group(x, s, i);
    return why;
}

/* A page behind all keys: only to see whether something was written meanwhile. */
static void look_again(struct pass_index_run *x, struct pass_side *s) {
    static const uint8_t last[9] = {255, 255, 255, 255, 255, 255, 255, 255, 255};
    for (size_t i = 0; i < s->count; i++) {
        Tercet__Pb__ScrubIndexReply *m =
            pass__index_ask(x, s, i, tc_slice(last, sizeof last), /* bucket= */ 0);
        s->moved = s->moved || m == NULL || m->index != s->group[i].index;
        if (m)
            tercet__pb__scrub_index_reply__free_unpacked(m, NULL);
    }
}

/* ---- the verdict */

static bool are_equal(const struct pass_index_run *x) {
    return x->table.rows == x->index.rows &&
           memcmp(x->table.sums, x->index.sums, sizeof x->table.sums) == 0;
}

/* What is not equal while writes go on says nothing. NULL: it can be said. */
static const char *compare_once(struct pass_index_run *x) {
    const char *why = sum_side(x, &x->table);
    if (why == NULL && x->table.outbox_count > 0)
        return "outbox not empty";
    if (why == NULL)
        why = sum_side(x, &x->index);
    if (why || are_equal(x))
        return why;
    look_again(x, &x->table);
    look_again(x, &x->index);
    return x->table.moved || x->index.moved ? "writes go on" : NULL;
}

static void judge(struct pass_index_run *x, struct pass *p) {
    const char *why = NULL;
    for (int i = 0; i < TRIES_MAX; i++) {
        why = compare_once(x);
        if (why == NULL || !x->env->pause(x->env->user, AGAIN_MS))
            break;
    }
    p->out->items = x->index.rows;
    if (why) {
        pass__check(p, PASS_INDEX_CHECK, NOT_RUN, "cannot say: %s", why);
        return;
    }
    if (are_equal(x)) {
        pass__check(p, PASS_INDEX_CHECK, CLEAN,
                    "equal: %" PRIu64 " rows of index %s in %zu groups, items in %zu",
                    x->index.rows, x->which->name, x->index.count, x->table.count);
        return;
    }
    pass__index_narrow(x, p);
}

size_t pass_indexes(const struct pass_nodes *n, struct pass_index *ret, size_t max) {
    struct index_schema *s = calloc(1, sizeof *s);
    size_t count = 0;
    TC_ASSERT(s != NULL);
    for (uint64_t gid = pass_nodes_next_gid(n, 0); gid; gid = pass_nodes_next_gid(n, gid)) {
        struct pass_side_group g;
        if (!find_leader(n, gid, &g) ||
            index_schema_decode(proto_slice(g.partition->schema), s) != TC_OK ||
            s->kind != INDEX_TABLE)
            continue;
        for (size_t i = 0; i < s->def_count; i++) {
            bool known = !s->defs[i].global;
            for (size_t k = 0; k < count; k++)
                known = known || ret[k].index_table_id == s->defs[i].table_id;
            if (known || count == max)
                continue;
            ret[count] = (struct pass_index){.table_id = g.partition->table_id,
                                             .index_table_id = s->defs[i].table_id,
                                             .id = s->defs[i].id};
            snprintf(ret[count++].name, sizeof ret[0].name, "%.*s", TC_SLICE_ARGS(s->defs[i].name));
        }
    }
    free(s);
    return count;
}

uint64_t pass_index_idle(const struct pass_nodes *n, const struct pass_index *which) {
    uint64_t sum = 0;
    for (uint64_t gid = pass_nodes_next_gid(n, 0); gid; gid = pass_nodes_next_gid(n, gid)) {
        uint64_t table_id = table_of(n, gid);
        if (table_id != which->table_id && table_id != which->index_table_id)
            continue;
        uint64_t index = pass_nodes_idle_index(n, gid);
        if (index == 0)
            return 0;
        sum += index + gid; /* other groups, other sum */
    }
    return sum;
}

Tercet__Pb__ScrubGroup *pass_index(const struct pass_env *env, const struct pass_nodes *nodes,
                                   const struct pass_index *which) {
    struct pass_index_run *x = calloc(1, sizeof *x);
    struct pass *p = calloc(1, sizeof *p);
    TC_ASSERT(x != NULL && p != NULL);
    p->env = x->env = env;
    x->which = which;
    p->out = calloc(1, sizeof *p->out);
    TC_ASSERT(p->out != NULL);
    tercet__pb__scrub_group__init(p->out);
    p->out->gid = which->index_table_id;
    p->out->table_id = which->table_id;
    p->out->index = pass_index_idle(nodes, which);
    const char *why = gather(nodes, which->table_id, &x->table);
    if (why == NULL)
        why = gather(nodes, which->index_table_id, &x->index);
    if (why)
        pass__check(p, PASS_INDEX_CHECK, NOT_RUN, "cannot say: %s", why);
    else
        judge(x, p);
    p->out->ended_ms = env->wall_ms(env->user);
    Tercet__Pb__ScrubGroup *out = p->out;
    free(p);
    free(x);
    return out;
}
