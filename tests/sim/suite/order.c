/* An operator who has groups split and merged at random times, and clients who ask for more
 * throughput; and at the end: every order is closed, the table's record names groups that cover its
 * keys once, as many as it was promised, each of them is led, and nothing is left of those that
 * were split. */
#include "sim/suite/ask.h"
#include "sim/suite/errand.h"

#include "base/assert.h"
#include "catalog/order.h"
#include "core/item/item.h"
#include "core/key/key.h"
#include "proto/bytes.h"
#include "proto/table.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUPS_MAX = 64,
    GROWTH_MAX = 12, /* groups of a table, after which nobody asks for more */
    FIRST_TABLE_ID = 100,
    TABLES_MAX = 16, /* with indexes */
};

#define CLOSE_NS (240 * SUITE_S)

/* ---- giving orders */

static struct tc_prng dice;

/* The storage key of one of the keys that clients use: a split there parts two neighbours. */
static void client_key(struct suite *s, struct tc_buf *out) {
    char pk[8], sk[8];
    struct tc_buf value = {0};
    uint32_t key = (uint32_t)tc_prng_below(&dice, s->swarm.keys);
    snprintf(pk, sizeof pk, "p%u", key % 2);
    snprintf(sk, sizeof sk, "k%u", key);
    item_put_string(&value, tc_slice_str(pk));
    key_append_hash(out, item_value_at(tc_buf_slice(&value)));
    tc_buf_clear(&value);
    item_put_string(&value, tc_slice_str(sk));
    key_append_range(out, item_value_at(tc_buf_slice(&value)));
    tc_buf_deinit(&value);
}

static void hash_key(struct tc_buf *out) {
    uint64_t at = tc_prng_u64(&dice);
    for (int shift = 56; shift >= 0; shift -= 8)
        tc_buf_append_u8(out, (uint8_t)(at >> shift));
}

static bool lives(const Tercet__Pb__ReplicaInfo *r) {
    return r->split == NULL && r->merge == NULL && r->seal == NULL;
}

static bool holds(const Tercet__Pb__ReplicaInfo *r, uint64_t table_id, struct tc_slice key) {
    const Tercet__Pb__Partition *p = r->partition;
    return p && r->role == 2 && lives(r) && p->table_id >= FIRST_TABLE_ID &&
           (table_id == 0 || p->table_id == table_id) &&
           key_in_range(key, tc_slice(p->start.data, p->start.len),
                        tc_slice(p->end.data, p->end.len));
}

/* A table's, or an index's, if table_id is 0. */
static const Tercet__Pb__Partition *find_leader(const struct suite_errand *e, uint64_t table_id,
                                                struct tc_slice key) {
    const Tercet__Pb__Partition *found = NULL;
    uint64_t others = 0;
    for (uint32_t i = 0; i < e->storage_count; i++)
        for (size_t k = 0; e->infos[i] && k < e->infos[i]->n_replicas; k++)
            if (holds(e->infos[i]->replicas[k], table_id, key) &&
                tc_prng_below(&dice, ++others) == 0)
                found = e->infos[i]->replicas[k]->partition;
    return found;
}

static void give_split(struct suite_errand *e, struct catalog *c) {
    struct tc_buf key = {0};
    if (tc_prng_chance(&dice, 1, 2))
        client_key(e->suite, &key);
    else
        hash_key(&key);
    const Tercet__Pb__Partition *p = find_leader(e, 0, tc_buf_slice(&key));
    if (p) {
        uint64_t gid = p->gid;
        Tercet__Pb__ReshapeOrder order = TERCET__PB__RESHAPE_ORDER__INIT;
        order.parents = &gid;
        order.n_parents = 1;
        order.table_id = p->table_id;
        order.key = (ProtobufCBinaryData){.len = key.len, .data = key.data};
        tc_err err = catalog_order_reshape(c, &order);
        e->suite->order_count += err == TC_OK;
        suite_trace(e->suite, "order to split group %lu: %s", (unsigned long)gid, tc_err_name(err));
    }
    tc_buf_deinit(&key);
}

/* The group that begins where p ends. */
static const Tercet__Pb__Partition *find_right(const struct suite_errand *e,
                                               const Tercet__Pb__Partition *p) {
    struct tc_slice end = tc_slice(p->end.data, p->end.len);
    const Tercet__Pb__Partition *right = end.len ? find_leader(e, p->table_id, end) : NULL;
    bool neighbour = right && right->table_id == p->table_id &&
                     tc_slice_eq(tc_slice(right->start.data, right->start.len), end);
    return neighbour ? right : NULL;
}

static void give_merge(struct suite_errand *e, struct catalog *c) {
    struct tc_buf key = {0};
    hash_key(&key);
    const Tercet__Pb__Partition *left = find_leader(e, 0, tc_buf_slice(&key));
    const Tercet__Pb__Partition *right = left ? find_right(e, left) : NULL;
    tc_buf_deinit(&key);
    if (right == NULL)
        return;
    uint64_t gids[2] = {left->gid, right->gid};
    Tercet__Pb__ReshapeOrder order = TERCET__PB__RESHAPE_ORDER__INIT;
    order.kind = TERCET__PB__RESHAPE_KIND__RESHAPE_MERGE;
    order.parents = gids;
    order.n_parents = 2;
    order.table_id = left->table_id;
    tc_err err = catalog_order_reshape(c, &order);
    e->suite->order_count += err == TC_OK;
    suite_trace(e->suite, "order to merge groups %lu and %lu: %s", (unsigned long)gids[0],
                (unsigned long)gids[1], tc_err_name(err));
}

/* What a router writes when more throughput is asked for: autoadmin splits until it is there. */
static void ask_for_more(struct suite_errand *e, struct catalog *c, const struct system_record *r) {
    Tercet__Pb__TableDescriptor *d =
        tercet__pb__table_descriptor__unpack(NULL, r->data.len, r->data.data);
    struct tc_buf data = {0};
    if (d && d->status == TERCET__PB__TABLE_STATUS__TABLE_ACTIVE && d->n_gids > 0 &&
        d->n_gids < GROWTH_MAX) {
        d->partitions_wanted = (uint32_t)d->n_gids + 1 + (uint32_t)tc_prng_below(&dice, 3);
        d->version = r->version + 1;
        proto_append(&data, &d->base);
        struct system_record fresh = {r->kind, r->name, d->version, tc_buf_slice(&data)};
        tc_err err = catalog_write(c, &fresh, r->version);
        suite_trace(e->suite, "table %s is to have %u groups: %s", d->name, d->partitions_wanted,
                    tc_err_name(err));
    }
    if (d)
        tercet__pb__table_descriptor__free_unpacked(d, NULL);
    tc_buf_deinit(&data);
}

static void give_growth(struct suite_errand *e, struct catalog *c) {
    struct tc_arena arena = {0};
    struct catalog_records tables = {0};
    if (catalog_read(c, SYSTEM_KIND_TABLE, &arena, &tables) == TC_OK && tables.count > 0)
        ask_for_more(e, c, &tables.at[tc_prng_below(&dice, tables.count)]);
    tc_arena_deinit(&arena);
}

/* In a fourth of the seeds. */
static bool grows(const struct suite *s) {
    return s->seed % 4 == 1;
}

static void give(struct suite_errand *e, struct catalog *c) {
    suite_errand_ask(e, c);
    if (grows(e->suite) && tc_prng_chance(&dice, 1, 3))
        give_growth(e, c);
    else if (e->suite->swarm.merges && tc_prng_chance(&dice, 2, 5))
        give_merge(e, c);
    else
        give_split(e, c);
}

static struct suite_proc *any_alive(struct suite *s) {
    for (uint32_t i = 0; i < 20; i++) {
        struct suite_proc *p = &s->procs[tc_prng_below(&dice, s->proc_count)];
        if (p->alive)
            return p;
    }
    return NULL;
}

/* One at a time; what its host takes along when it dies was never given, or not heard of. */
static void next_order(struct suite *s, void *arg) {
    struct suite_errand *before = arg;
    if (before && before->done) {
        suite_errand_free(before);
        before = NULL;
    }
    if (s->calm)
        return;
    struct suite_proc *host = any_alive(s);
    if (host)
        before = suite_errand_new(s, host, give);
    suite_after(s, s->swarm.order_every_ns + tc_prng_below(&dice, s->swarm.order_every_ns),
                next_order, before);
}

void suite_orders_begin(struct suite *s) {
    dice = tc_prng(s->seed * 9 + 7);
    if (s->swarm.order_every_ns)
        suite_after(s, s->swarm.order_every_ns, next_order, NULL);
}

/* ---- what must be true at the end */

static void find_open(struct suite_errand *e, const struct catalog_records *orders) {
    for (size_t i = 0; i < orders->count && e->text[0] == 0; i++) {
        struct tc_slice data = orders->at[i].data;
        Tercet__Pb__ReshapeOrder *o = tercet__pb__reshape_order__unpack(NULL, data.len, data.data);
        if (o == NULL)
            snprintf(e->text, sizeof e->text, "an order cannot be read");
        else if (!catalog_order_closed(o))
            snprintf(e->text, sizeof e->text, "the order for group %lu is at step %d: %s",
                     (unsigned long)o->parents[0], (int)o->step, o->waits);
        if (o)
            tercet__pb__reshape_order__free_unpacked(o, NULL);
    }
}

/* A table, or one of its global indexes: groups that cover all keys once. */
struct whole {
    const char *name;
    uint64_t table_id;
    const uint64_t *gids;
    size_t gid_count;
    Tercet__Pb__Partition *parts[GROUPS_MAX];
    size_t count;
};

/* Table ids on record. */
struct known {
    uint64_t ids[TABLES_MAX];
    size_t count;
};

static bool is_listed(const struct whole *t, uint64_t gid) {
    for (size_t i = 0; i < t->gid_count; i++)
        if (t->gids[i] == gid)
            return true;
    return false;
}

static int by_start(const void *a, const void *b) {
    const Tercet__Pb__Partition *x = *(Tercet__Pb__Partition *const *)a;
    const Tercet__Pb__Partition *y = *(Tercet__Pb__Partition *const *)b;
    return tc_slice_cmp(tc_slice(x->start.data, x->start.len),
                        tc_slice(y->start.data, y->start.len));
}

/* Records and table name the same groups, and these tile all keys in the order of the table. */
static void check_cover(struct suite_errand *e, const struct whole *t) {
    Tercet__Pb__Partition *parts[GROUPS_MAX];
    memcpy(parts, t->parts, sizeof parts);
    qsort(parts, t->count, sizeof *parts, by_start);
    bool sound = t->count == t->gid_count && t->count > 0 && parts[0]->start.len == 0 &&
                 parts[t->count - 1]->end.len == 0;
    for (size_t i = 0; sound && i < t->count; i++)
        sound = is_listed(t, parts[i]->gid);
    for (size_t i = 0; sound && i + 1 < t->count; i++)
        sound = parts[i]->end.len > 0 &&
                tc_slice_eq(tc_slice(parts[i]->end.data, parts[i]->end.len),
                            tc_slice(parts[i + 1]->start.data, parts[i + 1]->start.len));
    if (!sound)
        snprintf(e->text, sizeof e->text,
                 "%s names %zu groups, %zu are on record, and they do not cover its keys once",
                 t->name, t->gid_count, t->count);
}

/* Whatever lives is named, and whatever is named is led. */
static void check_replicas(struct suite_errand *e, const struct whole *t) {
    size_t led = 0;
    for (uint32_t i = 0; i < e->storage_count; i++)
        for (size_t k = 0; e->infos[i] && k < e->infos[i]->n_replicas; k++) {
            const Tercet__Pb__ReplicaInfo *r = e->infos[i]->replicas[k];
            if (r->partition == NULL || r->partition->table_id != t->table_id)
                continue;
            led += r->role == 2;
            if (!is_listed(t, r->partition->gid))
                snprintf(e->text, sizeof e->text, "a replica of group %lu is left",
                         (unsigned long)r->partition->gid);
        }
    if (e->text[0] == 0 && led != t->gid_count)
        snprintf(e->text, sizeof e->text, "%zu of %zu groups of %s are led", led, t->gid_count,
                 t->name);
}

static void check_whole(struct suite_errand *e, struct whole *t,
                        const struct catalog_records *partitions) {
    for (size_t i = 0; i < partitions->count && t->count < GROUPS_MAX; i++) {
        struct tc_slice data = partitions->at[i].data;
        Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, data.len, data.data);
        if (p && p->table_id == t->table_id)
            t->parts[t->count++] = p;
        else if (p)
            tercet__pb__partition__free_unpacked(p, NULL);
    }
    check_cover(e, t);
    if (e->text[0] == 0)
        check_replicas(e, t);
    for (size_t i = 0; i < t->count; i++)
        tercet__pb__partition__free_unpacked(t->parts[i], NULL);
}

static void know(struct known *known, uint64_t id) {
    TC_ASSERT(known->count < TABLES_MAX);
    known->ids[known->count++] = id;
}

static void check_table(struct suite_errand *e, const struct system_record *record,
                        const struct catalog_records *partitions, struct known *known) {
    Tercet__Pb__TableDescriptor *d =
        tercet__pb__table_descriptor__unpack(NULL, record->data.len, record->data.data);
    if (d == NULL) {
        snprintf(e->text, sizeof e->text, "a table's record cannot be read");
        return;
    }
    struct whole table = {
        .name = d->name, .table_id = d->table_id, .gids = d->gids, .gid_count = d->n_gids};
    know(known, d->table_id);
    check_whole(e, &table, partitions);
    for (size_t i = 0; i < d->n_indexes && e->text[0] == 0; i++) {
        const Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        struct whole index = {
            .name = x->name, .table_id = x->table_id, .gids = x->gids, .gid_count = x->n_gids};
        if (!x->global || x->table_id == 0)
            continue;
        know(known, x->table_id);
        check_whole(e, &index, partitions);
    }
    if (e->text[0] == 0 && d->n_gids < d->partitions_wanted)
        snprintf(e->text, sizeof e->text, "the table has %zu of the %u groups that it was promised",
                 d->n_gids, d->partitions_wanted);
    tercet__pb__table_descriptor__free_unpacked(d, NULL);
}

/* Whatever lives belongs to something on record: an index that was dropped has left nothing. */
static void check_strays(struct suite_errand *e, const struct known *known) {
    for (uint32_t i = 0; i < e->storage_count; i++)
        for (size_t k = 0; e->infos[i] && k < e->infos[i]->n_replicas; k++) {
            const Tercet__Pb__Partition *p = e->infos[i]->replicas[k]->partition;
            bool found = p == NULL || p->table_id < FIRST_TABLE_ID;
            for (size_t n = 0; n < known->count && !found; n++)
                found = known->ids[n] == p->table_id;
            if (!found)
                snprintf(e->text, sizeof e->text, "a replica of group %lu is left of no table",
                         (unsigned long)p->gid);
        }
}

static void inspect(struct suite_errand *e, struct catalog *c) {
    struct tc_arena arena = {0};
    struct catalog_records orders = {0}, tables = {0}, partitions = {0};
    struct known known = {0};
    suite_errand_ask(e, c);
    if (catalog_read(c, SYSTEM_KIND_RESHAPE, &arena, &orders) != TC_OK ||
        catalog_read(c, SYSTEM_KIND_TABLE, &arena, &tables) != TC_OK ||
        catalog_read(c, SYSTEM_KIND_PARTITION, &arena, &partitions) != TC_OK)
        snprintf(e->text, sizeof e->text, "the records cannot be read");
    if (e->text[0] == 0)
        find_open(e, &orders);
    for (size_t i = 0; i < tables.count && e->text[0] == 0; i++)
        check_table(e, &tables.at[i], &partitions, &known);
    if (e->text[0] == 0)
        check_strays(e, &known);
    tc_arena_deinit(&arena);
}

static bool never(struct suite *s) {
    (void)s;
    return false;
}

static struct suite_errand *inspection;

static bool inspected(struct suite *s) {
    (void)s;
    return inspection->done;
}

void suite_orders_judge(struct suite *s) {
    uint64_t until_ns = s->now_ns + CLOSE_NS;
    char text[SUITE_FAILURE_BYTES] = "?";
    while (text[0] && !s->failed && s->now_ns < until_ns) {
        inspection = suite_errand_new(s, suite_proc_find(s, "autoadmin-a"), inspect);
        if (!suite_within(s, 60 * SUITE_S, inspected)) {
            suite_fail(s, "nobody answers what the records say");
            return;
        }
        memcpy(text, inspection->text, sizeof text);
        suite_errand_free(inspection);
        if (text[0])
            (void)suite_within(s, SUITE_S, never);
    }
    if (text[0])
        suite_fail(s, "the records are not right after all orders: %s", text);
}
