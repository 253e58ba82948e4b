/* Writers that never give up, on nodes that crash, lose power, are cut off and rot. Every write is
 * conditional on the writer's previous value and repeated under one request id until it succeeds,
 * so a write that is lost or done twice shows as a failed condition. Reads must never go back. */
#include "cluster.h"

#include "core/item/item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRITERS = 6,
    PATIENCE_MS = 25000, /* below the time that request ids are remembered */
};

struct writer {
    int key;
    uint64_t acked; /* value */
    uint64_t id;    /* of the write in progress: acked + 1 */
    uint64_t token; /* 0: none out */
    uint64_t since_ms;
    int node;
    uint64_t read_token;
    uint64_t read_floor; /* acked when the read was sent */
};

struct chaos {
    struct cluster *c;
    struct tc_prng prng;
    struct writer writers[WRITERS];
    uint64_t ms;
    uint64_t down_until_ms[NODES];
    uint64_t cut_until_ms[NODES];
    uint64_t crashes, cuts, writes, reads, unknown, rots;
};

static bool healthy(const struct chaos *x) {
    for (int i = 0; i < NODES; i++)
        if (x->c->nodes[i].store == NULL || x->c->nodes[i].cut)
            return false;
    return true;
}

static void write_some(struct chaos *x, struct writer *w) {
    static char before[NODES][32], after[NODES][32];
    snprintf(before[0], sizeof before[0], "%llu", (unsigned long long)w->acked);
    snprintf(after[0], sizeof after[0], "%llu", (unsigned long long)w->acked + 1);
    struct op op = {.op = TERCET__PB__ITEM_OP__ITEM_PUT, .key = w->key, .value = after[0]};
    op.if_absent = w->acked == 0;
    op.if_value = !op.if_absent;
    op.expect = before[0];
    if (w->id == 0) {
        w->id = (uint64_t)(w->key + 1) << 32 | (w->acked + 1);
        w->since_ms = x->ms;
    }
    op.id = w->id;
    if (x->c->nodes[w->node].store == NULL) {
        w->node = (w->node + 1) % NODES;
        return;
    }
    w->token = cluster_send(x->c, w->node, &op);
}

static void hear_write(struct chaos *x, struct writer *w) {
    const struct reply *r = cluster_peek(x->c, w->token);
    if (r == NULL) {
        if (x->c->nodes[w->node].store == NULL)
            w->token = 0; /* its node died with the answer */
        return;
    }
    w->token = 0;
    if (r->err == TC_OK) {
        w->acked++;
        w->id = 0;
        x->writes++;
        return;
    }
    assert_int_not_equal(r->err, TC_ECONDITION); /* lost, or done twice */
    x->unknown += r->err == TC_EUNKNOWN;
    w->node = (int)tc_prng_below(&x->prng, NODES);
}

static uint64_t value_of(const struct reply *r) {
    Tercet__Pb__ItemReply *m =
        tercet__pb__item_reply__unpack(NULL, r->payload.len, r->payload.data);
    assert_non_null(m);
    uint64_t value = 0;
    struct item_value v;
    if (m->found && item_get(tc_slice(m->new_item.data, m->new_item.len), TC_SLICE_LIT("a"), &v)) {
        char text[32];
        snprintf(text, sizeof text, "%.*s", (int)v.body.len, (const char *)v.body.data);
        value = strtoull(text, NULL, 10);
    }
    tercet__pb__item_reply__free_unpacked(m, NULL);
    return value;
}

static void read_some(struct chaos *x, struct writer *w) {
    struct op op = {.op = TERCET__PB__ITEM_OP__ITEM_GET, .key = w->key, .consistent = true};
    int node = (int)tc_prng_below(&x->prng, NODES);
    if (x->c->nodes[node].store == NULL)
        return;
    w->read_floor = w->acked;
    const struct reply *r = cluster_peek(x->c, cluster_send(x->c, node, &op));
    assert_non_null(r); /* reads never wait */
    if (r->err != TC_OK)
        return;
    uint64_t value = value_of(r);
    assert_true(value >= w->read_floor && value <= w->acked + 1);
    x->reads++;
}

static void hurt(struct chaos *x) {
    int n = (int)tc_prng_below(&x->prng, NODES);
    if (!healthy(x) || x->ms < 3000)
        return;
    switch (tc_prng_below(&x->prng, 8)) {
    case 0: /* everything at once */
        for (int i = 0; i < NODES; i++) {
            cluster_stop(x->c, i, true);
            x->down_until_ms[i] = x->ms + 1;
        }
        x->crashes += NODES;
        break;
    case 1:
    case 2:
    case 3:
        cluster_stop(x->c, n, tc_prng_chance(&x->prng, 2, 3));
        x->down_until_ms[n] = x->ms + 1 + tc_prng_below(&x->prng, 3000);
        x->crashes++;
        break;
    case 4:
        if (store_reinstall(x->c->nodes[n].store, GID) == TC_OK)
            x->rots++;
        break;
    default:
        x->c->nodes[n].cut = true;
        x->cut_until_ms[n] = x->ms + 1 + tc_prng_below(&x->prng, 3000);
        x->cuts++;
        break;
    }
}

static void heal(struct chaos *x) {
    for (int i = 0; i < NODES; i++) {
        if (x->c->nodes[i].store == NULL && x->ms >= x->down_until_ms[i])
            cluster_start(x->c, i);
        if (x->c->nodes[i].cut && x->ms >= x->cut_until_ms[i])
            x->c->nodes[i].cut = false;
    }
}

static void writer_step(struct chaos *x, struct writer *w) {
    if (w->token)
        hear_write(x, w);
    else if (tc_prng_chance(&x->prng, 1, 8))
        write_some(x, w);
    if (w->id && x->ms - w->since_ms > PATIENCE_MS)
        fail_msg("a write found no leader in %d ms", PATIENCE_MS);
    if (tc_prng_chance(&x->prng, 1, 40))
        read_some(x, w);
}

static void chaos_run(uint64_t seed, uint64_t length_ms) {
    static struct cluster c;
    struct store_options o = store_options_default();
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 64u << 20;
    o.cache_bytes = 1u << 20;
    o.checkpoint_ms = 300;
    o.archive_required = false;
    cluster_init(&c, seed, &o);
    c.disk_max_ms = seed % 3 ? 12 : 0;
    c.loss_permille = seed % 4 ? 20 : 0;
    cluster_create_group(&c);
    struct chaos x = {.c = &c, .prng = tc_prng(seed)};
    for (int i = 0; i < WRITERS; i++)
        x.writers[i].key = i;
    for (; x.ms < length_ms; x.ms++) {
        heal(&x);
        if (tc_prng_chance(&x.prng, 1, 1500))
            hurt(&x);
        for (int i = 0; i < WRITERS; i++)
            writer_step(&x, &x.writers[i]);
        cluster_run(&c, 1);
    }
    for (x.ms += 10000; !healthy(&x);)
        heal(&x);
    c.loss_permille = 0;
    cluster_run(&c, 15000);
    cluster_assert_equal(&c);
    if (getenv("STORE_STATS"))
        fprintf(stderr,
                "seed %llu: writes %llu reads %llu unknown %llu crashes %llu cuts %llu rots %llu\n",
                (unsigned long long)seed, (unsigned long long)x.writes, (unsigned long long)x.reads,
                (unsigned long long)x.unknown, (unsigned long long)x.crashes,
                (unsigned long long)x.cuts, (unsigned long long)x.rots);
    assert_true(x.writes > 50);
    cluster_deinit(&c);
}

static void writes_happen_once_whatever_breaks(void **state) {
    (void)state;
    const char *from = getenv("STORE_SEED");
    uint64_t first = from ? strtoull(from, NULL, 10) : 1;
    const char *count = getenv("STORE_SEEDS");
    uint64_t seeds = count ? strtoull(count, NULL, 10) : 3;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        chaos_run(seed, 30000);
    }
}

int chaos_tests(void);

int chaos_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_happen_once_whatever_breaks),
    };
    return cmocka_run_group_tests_name("chaos", tests, NULL, NULL);
}
