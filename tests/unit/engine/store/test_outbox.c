/* Rows of a global index: taken in by version, sent until they are there, owed within bounds,
 * forgotten when they are gone since long. */
#include "index_fixture.h"

#include "core/index/index_aux.h"
#include "engine/store/expire.h"
#include "engine/store/rows.h"
#include "engine/store/store_private.h"
#include "proto/bytes.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    INDEX_GID = 8,
    GONE_MS = 3000,
};

/* ---- the index's group */

static void create_index(struct cluster *c) {
    struct index_schema s = index_schema_at(1);
    uint64_t version = 0;
    s.kind = INDEX_GLOBAL;
    s.ttl = TC_SLICE_EMPTY;
    cluster_create_group_as(c, INDEX_GID);
    for (int i = 0; i < PATIENCE && version == 0; i++) {
        for (int n = 0; n < NODES && version == 0; n++)
            (void)index_set_schema(c, n, INDEX_GID, &s, &version);
        cluster_run(c, STEP_MS);
    }
    assert_int_equal(version, 1);
}

/* One row under a key of the index; letter 0: it is gone. */
static Tercet__Pb__IndexRow row_of(char *key, struct tc_buf *item, char letter, uint64_t version) {
    Tercet__Pb__IndexRow row = TERCET__PB__INDEX_ROW__INIT;
    char json[80];
    snprintf(json, sizeof json, "{\"pk\":{\"S\":\"%c\"}}", letter ? letter : '-');
    if (letter)
        tc_buf_append_slice(item, index_item_of(json));
    row.key = (ProtobufCBinaryData){.len = strlen(key), .data = (uint8_t *)key};
    row.item = proto_bytes(tc_buf_slice(item));
    row.version = version;
    return row;
}

static uint64_t send_rows(struct cluster *c, Tercet__Pb__IndexRow **rows, size_t count) {
    Tercet__Pb__IndexRequest req = TERCET__PB__INDEX_REQUEST__INIT;
    uint64_t id[2] = {++c->next_id, 0x0b0};
    req.gid = INDEX_GID;
    req.request_id = (ProtobufCBinaryData){.len = sizeof id, .data = (uint8_t *)id};
    req.rows = rows;
    req.n_rows = count;
    uint64_t token = ++c->next_token;
    int leader = index_leader(c, INDEX_GID);
    store_index_request(c->nodes[leader].store, token, &req);
    cluster_drain(c, &c->nodes[leader]);
    return token;
}

static uint64_t send_row(struct cluster *c, char letter, uint64_t version) {
    char key[] = "hash-key\x01name";
    struct tc_buf item = {0};
    Tercet__Pb__IndexRow row = row_of(key, &item, letter, version), *rows[] = {&row};
    uint64_t token = send_rows(c, rows, 1);
    tc_buf_deinit(&item);
    return token;
}

static tc_err take(struct cluster *c, char letter, uint64_t version) {
    return cluster_wait(c, send_row(c, letter, version))->err;
}

/* The letter that stands there; '-': gone, with a version; 0: nothing at all. */
static char stands(struct cluster *c) {
    const struct replica *r = store__find(c->nodes[index_leader(c, INDEX_GID)].store, INDEX_GID);
    struct tc_slice value;
    struct item_value pk;
    if (btree_get(r->tree, TC_SLICE_LIT("hash-key\x01name"), &value) != TC_OK)
        return 0;
    if (index_version_is_gone(value))
        return '-';
    assert_true(item_get(value, TC_SLICE_LIT("pk"), &pk));
    return (char)pk.body.data[0];
}

static void the_newest_row_stands(void **state) {
    struct cluster *c = *state;
    create_index(c);
    assert_int_equal(take(c, 'b', 20), TC_OK);
    assert_int_equal(take(c, 'a', 10), TC_OK);
    assert_int_equal(stands(c), 'b');
    assert_int_equal(take(c, 'x', 20), TC_OK); /* as new is not newer */
    assert_int_equal(stands(c), 'b');
    assert_int_equal(take(c, 0, 30), TC_OK);
    assert_int_equal(stands(c), '-');
    assert_int_equal(take(c, 'b', 29), TC_OK);
    assert_int_equal(stands(c), '-');
    assert_int_equal(take(c, 'c', 31), TC_OK);
    assert_int_equal(stands(c), 'c');
}

/* The version is the store's own attribute, whatever a peer sends. */
static void a_row_that_brings_a_version_is_refused(void **state) {
    struct cluster *c = *state;
    char key[] = "hash-key\x01name";
    struct tc_buf item = {0}, versioned = {0};
    create_index(c);
    Tercet__Pb__IndexRow row = row_of(key, &item, 'a', 10), *rows[] = {&row};
    index_version_put(tc_buf_slice(&item), 7, &versioned);
    row.item = proto_bytes(tc_buf_slice(&versioned));
    assert_int_equal(cluster_wait(c, send_rows(c, rows, 1))->err, TC_EINVAL);
    assert_int_equal(stands(c), 0);
    tc_buf_deinit(&item);
    tc_buf_deinit(&versioned);
}

/* A repeat is not answered before the first is certain: it might still be lost. */
static void an_old_row_waits_for_the_newer_one(void **state) {
    struct cluster *c = *state;
    create_index(c);
    uint64_t first = send_row(c, 'a', 10), second = send_row(c, 'a', 10);
    assert_null(cluster_peek(c, first));
    assert_null(cluster_peek(c, second));
    assert_int_equal(cluster_wait(c, first)->err, TC_OK);
    assert_int_equal(cluster_wait(c, second)->err, TC_OK);
}

static void what_is_no_rows_is_refused(void **state) {
    struct cluster *c = *state;
    char a[] = "hash-key\x01"
               "a",
         b[] = "hash-key\x01"
               "b",
         short_key[] = "short",
         aux[] = "hash-key\x12"
                 "a";
    struct tc_buf none = {0}, item = {0};
    create_index(c);
    Tercet__Pb__IndexRow x = row_of(a, &item, 'a', 1), y = row_of(b, &none, 0, 1);
    Tercet__Pb__IndexRow *rows[STORE_INDEX_ROWS_MAX + 1] = {&y, &x};
    assert_int_equal(cluster_wait(c, send_rows(c, rows, 2))->err, TC_EINVAL); /* not in order */
    rows[0] = rows[1] = &x;
    assert_int_equal(cluster_wait(c, send_rows(c, rows, 2))->err, TC_EINVAL); /* twice */
    assert_int_equal(cluster_wait(c, send_rows(c, rows, 0))->err, TC_EINVAL);
    Tercet__Pb__IndexRow bad = row_of(short_key, &none, 0, 1);
    rows[0] = &bad;
    assert_int_equal(cluster_wait(c, send_rows(c, rows, 1))->err, TC_EINVAL);
    bad = row_of(aux, &none, 0, 1);
    assert_int_equal(cluster_wait(c, send_rows(c, rows, 1))->err, TC_EINVAL);
    bad = row_of(a, &none, 0, 0); /* no version */
    assert_int_equal(cluster_wait(c, send_rows(c, rows, 1))->err, TC_EINVAL);
    char keys[STORE_INDEX_ROWS_MAX + 1][24];
    Tercet__Pb__IndexRow many[STORE_INDEX_ROWS_MAX + 1];
    for (int i = 0; i <= STORE_INDEX_ROWS_MAX; i++) {
        snprintf(keys[i], sizeof keys[i], "hash-key\x01%03d", i);
        many[i] = row_of(keys[i], &none, 0, 7);
        rows[i] = &many[i];
    }
    assert_int_equal(cluster_wait(c, send_rows(c, rows, STORE_INDEX_ROWS_MAX + 1))->err, TC_EINVAL);
    assert_int_equal(cluster_wait(c, send_rows(c, rows, STORE_INDEX_ROWS_MAX))->err, TC_OK);
    tc_buf_deinit(&item);
}

static void gone_rows_are_dropped_after_their_time(void **state) {
    struct cluster *c = *state;
    create_index(c);
    assert_int_equal(take(c, 0, 10), TC_OK);
    assert_int_equal(take(c, 'a', 20), TC_OK); /* the first row 0x14 is about nothing now */
    cluster_run(c, 3 * GONE_MS);
    assert_int_equal(stands(c), 'a');
    assert_int_equal(take(c, 0, 30), TC_OK);
    cluster_run(c, GONE_MS / 2);
    assert_int_equal(stands(c), '-');
    cluster_run(c, 3 * GONE_MS);
    assert_int_equal(stands(c), 0);
    const struct replica *r = store__find(c->nodes[0].store, INDEX_GID);
    assert_int_equal(r->aux.count, 0);
}

/* A mark set before the first write has no second before it. */
static void a_mark_before_the_first_write_drops_nothing(void **state) {
    struct cluster *c = *state;
    create_index(c);
    cluster_run(c, GONE_MS - 500);
    assert_int_equal(take(c, 0, 10), TC_OK);
    cluster_run(c, 1500); /* beyond the mark's time, not the row's */
    assert_int_equal(stands(c), '-');
    assert_int_equal(take(c, 'b', 9), TC_OK); /* older than what is gone */
    assert_int_equal(stands(c), '-');
}

/* ---- the table's group */

static struct {
    uint64_t rows;
    tc_err err;
    uint64_t tokens[64];
    size_t count;
} seen;

static void answer_rows(struct cluster *c, struct node *n, const struct store_effect *e) {
    (void)c;
    assert_int_equal(e->table_id, 55);
    Tercet__Pb__IndexRequest *m =
        tercet__pb__index_request__unpack(NULL, e->payload.len, e->payload.data);
    seen.rows += m->n_rows;
    tercet__pb__index_request__free_unpacked(m, NULL);
    cluster_refuse_rows(n, e, seen.err);
}

static uint64_t owed(struct cluster *c) {
    return store__find(c->nodes[index_leader(c, GID)].store, GID)->aux.outbox_count;
}

static void rows_are_sent_until_they_are_there(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    memset(&seen, 0, sizeof seen);
    seen.err = TC_ETHROTTLED;
    c->on_rows = answer_rows;
    index_put(c, GID, ITEM("a", "1", "5", ",\"g\":{\"S\":\"q\"}"));
    index_put(c, GID, ITEM("a", "1", "5", ",\"g\":{\"S\":\"r\"}"));
    cluster_run(c, 1000);
    assert_int_equal(owed(c), 1);
    assert_in_range(seen.rows, 2, 60); /* with longer and longer pauses */
    struct store_outbox_counts counts;
    store_outbox_counts(c->nodes[index_leader(c, GID)].store, &counts);
    assert_int_equal(counts.rows, 1);
    assert_true(counts.age_ms > 0);
    seen.err = TC_OK;
    cluster_run(c, 5000);
    assert_int_equal(owed(c), 0);
    uint64_t rows = seen.rows;
    cluster_run(c, 2000);
    assert_int_equal(seen.rows, rows); /* nothing is sent without need */
}

static void a_full_outbox_throttles_the_table(void **state) {
    struct cluster *c = *state;
    char json[120];
    index_put_in_force(c, 1);
    memset(&seen, 0, sizeof seen);
    seen.err = TC_EUNAVAILABLE;
    c->on_rows = answer_rows;
    for (int i = 0; i < 100; i++) { /* options.outbox_rows_max */
        snprintf(json, sizeof json,
                 "{\"pk\":{\"S\":\"p%d\"},\"sk\":{\"S\":\"1\"},\"g\":{\"S\":\"q\"}}", i);
        index_put(c, GID, json);
    }
    uint64_t token =
        index_send(c, index_leader(c, GID), GID, TERCET__PB__ITEM_OP__ITEM_PUT,
                   "{\"pk\":{\"S\":\"px\"},\"sk\":{\"S\":\"1\"},\"g\":{\"S\":\"q\"}}", 4711);
    assert_int_equal(cluster_wait(c, token)->err, TC_ETHROTTLED);
    index_put(c, GID, "{\"pk\":{\"S\":\"py\"},\"sk\":{\"S\":\"1\"}}"); /* no row of an index */
    seen.err = TC_OK;
    cluster_run(c, 6000);
    assert_int_equal(owed(c), 0);

    index_put(c, GID, "{\"pk\":{\"S\":\"px\"},\"sk\":{\"S\":\"1\"},\"g\":{\"S\":\"q\"}}");
}

/* Items that were there before the schema, and a leader that goes on where another one stopped. */
static void items_are_carried_over(void **state) {
    struct cluster *c = *state;
    char json[120];
    for (int i = 0; i < 40; i++) {
        snprintf(json, sizeof json,
                 "{\"pk\":{\"S\":\"p%d\"},\"sk\":{\"S\":\"1\"},\"g\":{\"S\":\"q\"}}", i);
        index_put(c, GID, json);
    }
    memset(&seen, 0, sizeof seen);
    seen.err = TC_ETHROTTLED;
    c->on_rows = answer_rows;
    index_put_in_force(c, 1);
    cluster_run(c, 500);
    assert_true(seen.rows >= 40);
    cluster_stop(c, index_leader(c, GID), /* power_loss= */ false);
    seen.err = TC_OK;
    cluster_run(c, 6000);
    const struct replica *r = store__find(c->nodes[index_leader(c, GID)].store, GID);
    struct tc_buf key = {0};
    struct tc_slice value;
    struct index_backfill b;
    index_backfill_key(9, &key);
    assert_int_equal(btree_get(r->tree, tc_buf_slice(&key), &value), TC_OK);
    assert_int_equal(index_backfill_decode(value, &b), TC_OK);
    assert_true(b.done);
    assert_int_equal(b.items, 40);
    assert_int_equal(b.tag, 55);
    tc_buf_deinit(&key);
}

int outbox_tests(void);

int outbox_tests(void) {
#define OUTBOX_TEST(name) cmocka_unit_test_setup_teardown(name, index_setup, index_teardown)
    const struct CMUnitTest tests[] = {
        OUTBOX_TEST(the_newest_row_stands),
        OUTBOX_TEST(a_row_that_brings_a_version_is_refused),
        OUTBOX_TEST(an_old_row_waits_for_the_newer_one),
        OUTBOX_TEST(what_is_no_rows_is_refused),
        OUTBOX_TEST(gone_rows_are_dropped_after_their_time),
        OUTBOX_TEST(a_mark_before_the_first_write_drops_nothing),
        OUTBOX_TEST(rows_are_sent_until_they_are_there),
        OUTBOX_TEST(a_full_outbox_throttles_the_table),
        OUTBOX_TEST(items_are_carried_over),
    };
    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
