/* What a memds node believes and answers. */
#include "base/prng.h"
#include "memds/map/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
enum {
    NOW_MS = 1000000,
    RECORDS_MAX = 10000
};

/* Both clocks, so many nanoseconds after the test began. */
static struct map_time at(uint64_t ns) {
    return (struct map_time){.ns = ns, .ms = NOW_MS + ns / 1000000};
}

static ProtobufCBinaryData bytes(const char *text) {
    return (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)(uintptr_t)text};
}

static struct map_counts push_partition(struct map *m, uint64_t gid, uint64_t table_id,
                                        const char *start, const char *end, uint64_t epoch,
                                        uint64_t round) {
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    p.gid = gid;
    p.table_id = table_id;
    p.start = bytes(start);
    p.end = bytes(end);
    p.epoch = epoch;
    p.leader_round = round;
    Tercet__Pb__Partition *list[] = {&p};
    Tercet__Pb__PushRequest push = TERCET__PB__PUSH_REQUEST__INIT;
    push.n_partitions = 1;
    push.partitions = list;
    struct map_counts counts = {0};
    assert_int_equal(map_push(m, &push, NOW_MS, &counts), TC_OK);
    return counts;
}

static struct map_counts push_table(struct map *m, const char *name, uint64_t id, uint64_t version,
                                    bool deleted) {
    Tercet__Pb__TableRecord t = TERCET__PB__TABLE_RECORD__INIT;
    t.name = (char *)(uintptr_t)name;
    t.table_id = id;
    t.version = version;
    t.deleted = deleted;
    Tercet__Pb__TableRecord *list[] = {&t};
    Tercet__Pb__PushRequest push = TERCET__PB__PUSH_REQUEST__INIT;
    push.n_tables = 1;
    push.tables = list;
    struct map_counts counts = {0};
    assert_int_equal(map_push(m, &push, NOW_MS, &counts), TC_OK);
    return counts;
}

static void push_removed(struct map *m, uint64_t gid) {
    Tercet__Pb__PushRequest push = TERCET__PB__PUSH_REQUEST__INIT;
    push.n_removed_gids = 1;
    push.removed_gids = &gid;
    struct map_counts counts = {0};
    assert_int_equal(map_push(m, &push, NOW_MS, &counts), TC_OK);
}

/* The whole path: the packed reply is what the router unpacks. gid 0: no partition in the answer.
 */
static tc_err ask(struct map *m, const char *name, uint64_t id, const char *key, bool before,
                  uint64_t now_ns, uint64_t *ret_gid) {
    Tercet__Pb__Lookup l = TERCET__PB__LOOKUP__INIT;
    l.table = (char *)(uintptr_t)(name ? name : "");
    l.table_id = id;
    l.has_key = key != NULL;
    l.key = bytes(key ? key : "");
    l.before = before;
    Tercet__Pb__Lookup *list[] = {&l};
    Tercet__Pb__LookupRequest request = TERCET__PB__LOOKUP_REQUEST__INIT;
    request.n_lookups = 1;
    request.lookups = list;
    struct tc_buf out = {0};
    assert_int_equal(map_append_reply(m, &request, now_ns, &out), TC_OK);
    Tercet__Pb__LookupReply *reply = tercet__pb__lookup_reply__unpack(NULL, out.len, out.data);
    assert_non_null(reply);
    assert_int_equal(reply->n_results, 1);
    const Tercet__Pb__LookupResult *r = reply->results[0];
    Tercet__Pb__Partition *p =
        tercet__pb__partition__unpack(NULL, r->partition.len, r->partition.data);
    Tercet__Pb__TableRecord *t =
        tercet__pb__table_record__unpack(NULL, r->table.len, r->table.data);
    assert_true(p != NULL && t != NULL);
    *ret_gid = p->gid;
    if (r->table.len)
        assert_string_equal(t->name, name);
    const tc_err err = (tc_err)r->err;
    assert_true(err != TC_OK || (r->table.len > 0) == (name != NULL));
    tercet__pb__partition__free_unpacked(p, NULL);
    tercet__pb__table_record__free_unpacked(t, NULL);
    tercet__pb__lookup_reply__free_unpacked(reply, NULL);
    tc_buf_deinit(&out);
    return err;
}

static void an_empty_map_is_never_the_truth(void **state) {
    (void)state;
    struct map m;
    uint64_t gid;
    map_init(&m, RECORDS_MAX, at(10 * SECOND));
    assert_int_equal(ask(&m, "t", 0, NULL, false, 1000 * SECOND, &gid), TC_EUNAVAILABLE);
    assert_int_equal(ask(&m, NULL, 7, "k", false, 1000 * SECOND, &gid), TC_EUNAVAILABLE);
    push_removed(&m, 5); /* says nothing about what there is */
    assert_int_equal(ask(&m, "t", 0, NULL, false, 1000 * SECOND, &gid), TC_EUNAVAILABLE);
    (void)push_table(&m, "other", 9, 1, false);
    assert_int_equal(ask(&m, "t", 0, NULL, false, 11 * SECOND, &gid), TC_EUNAVAILABLE);
    assert_int_equal(ask(&m, "other", 0, NULL, false, 11 * SECOND, &gid), TC_OK);
    assert_int_equal(ask(&m, "t", 0, NULL, false, 12 * SECOND, &gid), TC_ENOTFOUND);
    assert_int_equal(ask(&m, NULL, 7, "k", false, 12 * SECOND, &gid), TC_ENOTFOUND);
    map_deinit(&m);
    map_init(&m, RECORDS_MAX, at(10 * SECOND));
    map_peer_heard(&m, at(0), 0);
    assert_int_equal(ask(&m, "t", 0, NULL, false, 10 * SECOND, &gid), TC_ENOTFOUND);
    assert_int_equal(ask(&m, NULL, 0, "k", false, 10 * SECOND, &gid), TC_EINVAL);
    map_deinit(&m);
}

static void partitions_are_found_by_floor(void **state) {
    (void)state;
    struct map m;
    uint64_t gid;
    map_init(&m, RECORDS_MAX, at(0));
    map_peer_heard(&m, at(0), 0);
    (void)push_table(&m, "orders", 7, 1, false);
    (void)push_partition(&m, 1, 7, "", "g", 1, 1);
    (void)push_partition(&m, 2, 7, "g", "p", 1, 1);
    (void)push_partition(&m, 3, 7, "p", "", 1, 1);
    (void)push_partition(&m, 9, 8, "", "", 1, 1);
    static const struct {
        const char *key;
        bool before;
        uint64_t gid;
    } cases[] = {{"", false, 1},  {"f", false, 1}, {"g", false, 2}, {"gg", false, 2},
                 {"z", false, 3}, {"g", true, 1},  {"ga", true, 2}, {"p", true, 2},
                 {"z", true, 3},  {"", true, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ask(&m, NULL, 7, cases[i].key, cases[i].before, 0, &gid), TC_OK);
        assert_int_equal(gid, cases[i].gid);
    }
    assert_int_equal(ask(&m, "orders", 0, "h", false, 0, &gid), TC_OK);
    assert_int_equal(gid, 2);
    assert_int_equal(ask(&m, NULL, 8, "h", true, 0, &gid), TC_OK);
    assert_int_equal(gid, 9);
    assert_int_equal(ask(&m, NULL, 6, "h", false, 0, &gid), TC_ENOTFOUND);
    map_deinit(&m);
}

static void the_newer_push_wins(void **state) {
    (void)state;
    struct map m;
    uint64_t gid;
    map_init(&m, RECORDS_MAX, at(0));
    map_peer_heard(&m, at(0), 0);
    assert_int_equal(push_partition(&m, 1, 7, "", "", 2, 5).taken, 1);
    assert_int_equal(push_partition(&m, 1, 7, "", "", 2, 5).stale, 1);
    assert_int_equal(push_partition(&m, 1, 7, "", "", 2, 4).stale, 1);
    assert_int_equal(push_partition(&m, 1, 7, "", "", 1, 9).stale, 1);
    assert_int_equal(push_partition(&m, 1, 7, "", "", 2, 6).taken, 1);
    /* A split: until the right half is known there is a hole, and a hole is not an answer. */
    assert_int_equal(push_partition(&m, 2, 7, "", "m", 3, 1).taken, 1);
    assert_int_equal(ask(&m, NULL, 7, "a", false, 0, &gid), TC_OK);
    assert_int_equal(gid, 2);
    assert_int_equal(ask(&m, NULL, 7, "x", false, 0, &gid), TC_EUNAVAILABLE);
    assert_int_equal(push_partition(&m, 3, 7, "m", "", 3, 1).taken, 1);
    assert_int_equal(ask(&m, NULL, 7, "x", false, 0, &gid), TC_OK);
    assert_int_equal(gid, 3);
    push_removed(&m, 1); /* the parent has no record any more */
    assert_int_equal(ask(&m, NULL, 7, "a", false, 0, &gid), TC_OK);
    map_deinit(&m);
}

static void removals_win_and_expire(void **state) {
    (void)state;
    struct map m;
    uint64_t gid;
    map_init(&m, RECORDS_MAX, at(0));
    (void)push_table(&m, "orders", 7, 3, false);
    (void)push_partition(&m, 1, 7, "", "", 2, 5);
    push_removed(&m, 1);
    assert_int_equal(push_table(&m, "orders", 7, 4, true).taken, 1);
    assert_int_equal(push_table(&m, "orders", 7, 3, false).stale, 1);
    assert_int_equal(push_partition(&m, 1, 7, "", "", 2, 900).stale, 1);
    /* Told by tombstones, even though the map is not warm. */
    assert_int_equal(ask(&m, "orders", 0, NULL, false, 0, &gid), TC_ENOTFOUND);
    assert_int_equal(ask(&m, NULL, 7, "k", false, 0, &gid), TC_ENOTFOUND);
    assert_int_equal(ask(&m, "never", 0, NULL, false, 0, &gid), TC_EUNAVAILABLE);
    assert_true(perkle_count(&m.tree) == 2 && perkle_live_count(&m.tree) == 0);
    assert_int_equal(perkle_purge(&m.tree, NOW_MS + MAP_TOMBSTONE_MS - 1, 10), 0);
    assert_int_equal(perkle_purge(&m.tree, NOW_MS + MAP_TOMBSTONE_MS, 10), 2);
    (void)push_table(&m, "orders", 12, 5, false);
    assert_int_equal(ask(&m, "orders", 0, NULL, false, 0, &gid), TC_OK);
    map_deinit(&m);
}

/* One round of a against b over packed messages. */
static tc_err run_round(struct map *a, struct map *b, uint64_t now_ns) {
    struct perkle_sync round = {0};
    struct tc_buf prefix = {0};
    struct tc_buf packed = {0};
    bool all_warm = true;
    uint64_t told_ms_ago = 0;
    tc_err err = TC_OK;
    perkle_sync_start(&round, &a->tree);
    while (err == TC_OK && perkle_sync_next(&round, &prefix)) {
        tc_buf_clear(&packed);
        assert_int_equal(map_append_sync(b, tc_buf_slice(&prefix), at(now_ns), &packed), TC_OK);
        Tercet__Pb__SyncReply *reply =
            tercet__pb__sync_reply__unpack(NULL, packed.len, packed.data);
        assert_non_null(reply);
        struct map_word word = {.warm = false};
        err = map_take_sync(&round, tc_buf_slice(&prefix), reply, at(now_ns).ms, &word);
        all_warm = all_warm && word.warm;
        told_ms_ago = word.told_ms_ago > told_ms_ago ? word.told_ms_ago : told_ms_ago;
        tercet__pb__sync_reply__free_unpacked(reply, NULL);
    }
    if (err == TC_OK && all_warm && !round.incomplete)
        map_peer_heard(a, at(now_ns), told_ms_ago);
    perkle_sync_deinit(&round);
    tc_buf_deinit(&prefix);
    tc_buf_deinit(&packed);
    return err;
}

static void a_fresh_node_fills_itself_from_a_warm_peer(void **state) {
    (void)state;
    struct map a;
    struct map b;
    struct map c;
    uint64_t gid;
    map_init(&a, RECORDS_MAX, at(0));
    map_init(&b, RECORDS_MAX, at(0));
    map_init(&c, RECORDS_MAX, at(0));
    struct tc_prng p = tc_prng(3);
    for (int i = 0; i < 2000; i++) {
        char start[16];
        char end[16];
        snprintf(start, sizeof start, "%05d", i * 10);
        snprintf(end, sizeof end, "%05d", i * 10 + 10);
        (void)push_partition(&a, (uint64_t)i + 1, 7 + tc_prng_below(&p, 2), start, end, 1, 1);
    }
    (void)push_table(&a, "orders", 7, 1, false);
    (void)push_table(&a, "gone", 70, 1, true);
    /* A cold peer fills the map, but does not vouch for it. */
    assert_int_equal(run_round(&b, &a, 1 * SECOND), TC_OK);
    assert_false(map_warm(&b, 1 * SECOND));
    assert_int_equal(ask(&b, "orders", 0, NULL, false, 1 * SECOND, &gid), TC_OK);
    assert_int_equal(run_round(&b, &a, 2 * SECOND), TC_OK);
    assert_true(map_warm(&b, 2 * SECOND));
    struct perkle_part x;
    struct perkle_part y;
    perkle_part(&a.tree, TC_SLICE_EMPTY, &x);
    perkle_part(&b.tree, TC_SLICE_EMPTY, &y);
    assert_true(x.count == 2002 && y.count == 2002);
    assert_true(x.hash.lo == y.hash.lo && x.hash.hi == y.hash.hi);
    /* The cold, empty node does not take anything away from a warm one. */
    assert_int_equal(run_round(&a, &c, 9 * SECOND), TC_OK);
    assert_true(perkle_count(&a.tree) == 2002);
    map_deinit(&a);
    map_deinit(&b);
    map_deinit(&c);
}

/* ---- alone */

#define ALONE (MAP_ALONE_MS * UINT64_C(1000000))
#define LOST  ((MAP_TOMBSTONE_MS + 60 * 1000) * UINT64_C(1000000)) /* nobody remembers a removal */

/* Two nodes that know one partition, equal and warm since second 3. */
static void two_nodes(struct map *a, struct map *b) {
    map_init(a, RECORDS_MAX, at(0));
    map_init(b, RECORDS_MAX, at(0));
    (void)push_partition(a, 1, 7, "", "", 2, 5);
    map_told(a, at(0));
    assert_int_equal(run_round(b, a, 3 * SECOND), TC_OK);
    assert_int_equal(run_round(a, b, 3 * SECOND), TC_OK);
    assert_true(map_warm(a, 3 * SECOND) && map_warm(b, 3 * SECOND));
}

/* One node was away while the partition was removed and the removal forgotten. */
static void what_was_removed_meanwhile_stays_away(void **state) {
    (void)state;
    struct map a, b;
    uint64_t gid;
    two_nodes(&a, &b);
    push_removed(&a, 1);
    (void)push_partition(&a, 2, 8, "", "", 1, 1);
    assert_int_equal(perkle_purge(&a.tree, at(LOST).ms, 10), 1);
    map_told(&a, at(LOST));
    /* The one that was away: still there a moment before its time is over, not beyond. */
    assert_false(map_begin_anew(&b, at(ALONE - 1)));
    assert_int_equal(ask(&b, NULL, 7, "k", false, ALONE - 1, &gid), TC_OK);
    assert_true(map_begin_anew(&b, at(ALONE)));
    assert_int_equal(ask(&b, NULL, 7, "k", false, ALONE, &gid), TC_EUNAVAILABLE);
    assert_false(map_begin_anew(&b, at(ALONE + SECOND)));
    /* They meet again. */
    assert_false(map_begin_anew(&a, at(LOST)));
    assert_int_equal(run_round(&a, &b, LOST), TC_OK);
    assert_int_equal(run_round(&b, &a, LOST), TC_OK);
    assert_int_equal(ask(&a, NULL, 7, "k", false, LOST, &gid), TC_ENOTFOUND);
    assert_int_equal(ask(&b, NULL, 7, "k", false, LOST, &gid), TC_ENOTFOUND);
    assert_int_equal(ask(&b, NULL, 8, "k", false, LOST, &gid), TC_OK);
    map_deinit(&a);
    map_deinit(&b);
}

/* Each hears the other all the time, and nobody hears storage. */
static void two_that_are_cut_off_together_notice(void **state) {
    (void)state;
    struct map a, b;
    bool dropped[2] = {false, false};
    two_nodes(&a, &b);
    for (uint64_t now = 4 * SECOND; now < LOST; now += SECOND) {
        dropped[0] |= map_begin_anew(&a, at(now));
        dropped[1] |= map_begin_anew(&b, at(now));
        assert_int_equal(run_round(&a, &b, now), TC_OK);
        assert_int_equal(run_round(&b, &a, now), TC_OK);
        assert_true(now >= ALONE || (!dropped[0] && !dropped[1]));
    }
    assert_true(dropped[0] && dropped[1]);
    assert_int_equal(perkle_count(&a.tree) + perkle_count(&b.tree), 0);
    map_deinit(&a);
    map_deinit(&b);
}

/* Storage speaks to one of them: through it the other one is told as well. */
static void one_that_storage_speaks_to_is_enough(void **state) {
    (void)state;
    struct map a, b;
    two_nodes(&a, &b);
    for (uint64_t now = 4 * SECOND; now < 2 * LOST; now += 3 * SECOND) {
        map_told(&a, at(now));
        assert_int_equal(run_round(&b, &a, now + SECOND), TC_OK);
        assert_false(map_begin_anew(&a, at(now + SECOND)));
        assert_false(map_begin_anew(&b, at(now + SECOND)));
        assert_int_equal(map_told_ms_ago(&b, at(now + SECOND)), 1000);
    }
    assert_int_equal(perkle_count(&b.tree), 1);
    map_deinit(&a);
    map_deinit(&b);
}

/* A machine that slept: its monotonic clock stood still. */
static void sleep_counts(void **state) {
    (void)state;
    struct map a, b;
    two_nodes(&a, &b);
    struct map_time woken = {.ns = 5 * SECOND, .ms = NOW_MS + MAP_ALONE_MS};
    assert_true(map_begin_anew(&a, woken));
    /* The wall clock alone went back: what the other one counted is true. */
    struct map_time back = {.ns = ALONE, .ms = 1};
    assert_true(map_begin_anew(&b, back));
    map_deinit(&a);
    map_deinit(&b);
}

static void records_that_contradict_their_key_are_refused(void **state) {
    (void)state;
    struct map m;
    map_init(&m, RECORDS_MAX, at(0));
    uint8_t packed[128];
    Tercet__Pb__TableRecord t = TERCET__PB__TABLE_RECORD__INIT;
    t.name = (char *)(uintptr_t) "orders";
    t.version = 4;
    const size_t len = tercet__pb__table_record__pack(&t, packed);
    static const struct {
        const char *key;
        uint64_t version;
        uint64_t dead;
        tc_err err;
    } cases[] = {{"t/orders", 4, 0, TC_OK},       {"t/other", 4, 0, TC_ECORRUPT},
                 {"t/orders", 5, 0, TC_ECORRUPT}, {"p/orders", 4, 0, TC_ECORRUPT},
                 {"x", 4, 0, TC_ECORRUPT},        {"t/orders", 9, 5, TC_ECORRUPT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Tercet__Pb__SyncRecord r = TERCET__PB__SYNC_RECORD__INIT;
        r.key = bytes(cases[i].key);
        r.version = cases[i].version;
        r.dead_until_ms = cases[i].dead;
        r.value = (ProtobufCBinaryData){.len = len, .data = packed};
        Tercet__Pb__SyncRecord *list[] = {&r};
        Tercet__Pb__SyncReply reply = TERCET__PB__SYNC_REPLY__INIT;
        reply.hash_lo = 1 + i;
        reply.n_records = 1;
        reply.records = list;
        struct perkle_sync round = {0};
        struct tc_buf prefix = {0};
        struct map_word word;
        perkle_sync_start(&round, &m.tree);
        assert_true(perkle_sync_next(&round, &prefix));
        assert_int_equal(map_take_sync(&round, tc_buf_slice(&prefix), &reply, NOW_MS, &word),
                         cases[i].err);
        assert_true(perkle_sync_done(&round));
        perkle_sync_deinit(&round);
        tc_buf_deinit(&prefix);
    }
    assert_true(perkle_count(&m.tree) == 1);
    map_deinit(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_is_never_the_truth),
        cmocka_unit_test(partitions_are_found_by_floor),
        cmocka_unit_test(the_newer_push_wins),
        cmocka_unit_test(removals_win_and_expire),
        cmocka_unit_test(a_fresh_node_fills_itself_from_a_warm_peer),
        cmocka_unit_test(what_was_removed_meanwhile_stays_away),
        cmocka_unit_test(two_that_are_cut_off_together_notice),
        cmocka_unit_test(one_that_storage_speaks_to_is_enough),
        cmocka_unit_test(sleep_counts),
        cmocka_unit_test(records_that_contradict_their_key_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
