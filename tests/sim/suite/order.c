/* An operator who has groups split and merged at random times, and clients who ask for more
 * throughput. order_judge.c says what must be true at the end. */
#include "sim/suite/ask.h"
#include "sim/suite/errand.h"

#include "catalog/order.h"
#include "core/item/item.h"
#include "core/key/key.h"
#include "proto/bytes.h"
#include "proto/table.pb-c.h"

#include <stdio.h>

enum {
    GROWTH_MAX = 12, /* groups of a table, after which nobody asks for more */
};

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
    return p && r->role == 2 && lives(r) && p->table_id >= SUITE_FIRST_TABLE_ID &&
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
