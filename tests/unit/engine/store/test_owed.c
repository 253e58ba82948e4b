/* Answers to writes wait for the rows they owe to a global index, but not for long. */
#include "index_fixture.h"

#include "engine/store/store_private.h"

#include <stdio.h>

enum {
    WAIT_MS = 40,
};

/* The index: keeps what is sent until it is told how to answer. */
static struct {
    struct node *from;
    uint64_t token;
    size_t rows; /* 0: nothing is kept */
} kept;

static void keep_rows(struct cluster *c, struct node *n, const struct store_effect *e) {
    (void)c;
    Tercet__Pb__IndexRequest *m =
        tercet__pb__index_request__unpack(NULL, e->payload.len, e->payload.data);
    kept.from = n;
    kept.token = e->token;
    kept.rows = m->n_rows;
    tercet__pb__index_request__free_unpacked(m, NULL);
}

static void answer_kept(struct cluster *c, tc_err err) {
    tc_err errs[STORE_INDEX_ROWS_MAX];
    for (size_t i = 0; i < STORE_INDEX_ROWS_MAX; i++)
        errs[i] = err;
    assert_true(kept.rows > 0);
    size_t rows = kept.rows;
    kept.rows = 0;
    store_index_done(kept.from->store, kept.token, errs, rows);
    cluster_drain(c, kept.from);
}

static void set_wait(struct cluster *c, uint64_t ms) {
    for (int n = 0; n < NODES; n++)
        c->nodes[n].store->options.index_wait_ms = ms;
}

static void begin(struct cluster *c) {
    kept.rows = 0;
    index_put_in_force(c, 1);
    cluster_run(c, 500); /* the empty table is carried over */
    c->on_rows = keep_rows;
    set_wait(c, WAIT_MS);
}

static uint64_t send_put(struct cluster *c, const char *json) {
    return index_send(c, index_leader(c, GID), GID, TERCET__PB__ITEM_OP__ITEM_PUT, json,
                      ++c->next_id);
}

static bool is_answered(struct cluster *c, uint64_t token) {
    const struct reply *r = cluster_peek(c, token);
    if (r)
        assert_int_equal(r->err, TC_OK);
    return r != NULL;
}

static void until_rows_leave(struct cluster *c) {
    for (int i = 0; i < 20 && kept.rows == 0; i++)
        cluster_run(c, 1);
    assert_true(kept.rows > 0);
}

#define ROW(pk, g) ITEM(pk, "1", "5", ",\"g\":{\"S\":\"" g "\"}")

static void an_answer_comes_with_its_rows(void **state) {
    struct cluster *c = *state;
    begin(c);
    uint64_t first = send_put(c, ROW("a", "q"));
    until_rows_leave(c);
    uint64_t second = send_put(c, ROW("b", "q"));
    uint64_t apart = send_put(c, ITEM("c", "1", "5", "")); /* owes nothing */
    cluster_run(c, 8);
    assert_true(is_answered(c, apart));
    assert_false(is_answered(c, first));
    answer_kept(c, TC_OK);
    assert_true(is_answered(c, first));
    assert_false(is_answered(c, second)); /* its row is in the next batch */
    until_rows_leave(c);
    assert_false(is_answered(c, second));
    answer_kept(c, TC_OK);
    assert_true(is_answered(c, second));
}

/* The row that was on its way showed the item as it was before. */
static void an_older_state_is_not_enough(void **state) {
    struct cluster *c = *state;
    begin(c);
    uint64_t first = send_put(c, ROW("a", "q"));
    until_rows_leave(c);
    uint64_t second = send_put(c, ROW("a", "r"));
    cluster_run(c, 8);
    answer_kept(c, TC_OK);
    assert_true(is_answered(c, first));
    assert_false(is_answered(c, second));
    until_rows_leave(c);
    answer_kept(c, TC_OK);
    assert_true(is_answered(c, second));
}

/* One write pays for an index that says nothing; the others do not wait until it has caught up. */
static void a_silent_index_costs_one_wait(void **state) {
    struct cluster *c = *state;
    begin(c);
    uint64_t first = send_put(c, ROW("a", "q"));
    cluster_run(c, WAIT_MS / 2);
    assert_false(is_answered(c, first));
    cluster_run(c, WAIT_MS);
    assert_true(is_answered(c, first));
    uint64_t second = send_put(c, ROW("b", "q"));
    cluster_run(c, 8);
    assert_true(is_answered(c, second));
    answer_kept(c, TC_OK);
    until_rows_leave(c);
    answer_kept(c, TC_OK);
    uint64_t third = send_put(c, ROW("c", "q"));
    until_rows_leave(c);
    assert_false(is_answered(c, third));
    answer_kept(c, TC_OK);
    assert_true(is_answered(c, third));
}

static void a_refusal_ends_the_wait(void **state) {
    struct cluster *c = *state;
    begin(c);
    uint64_t first = send_put(c, ROW("a", "q"));
    until_rows_leave(c);
    answer_kept(c, TC_ETHROTTLED);
    assert_true(is_answered(c, first));
    uint64_t second = send_put(c, ROW("b", "q"));
    cluster_run(c, 8);
    assert_true(is_answered(c, second));
}

/* They are committed: leaving the leader's chair makes no write uncertain. */
static void the_end_of_a_term_answers(void **state) {
    struct cluster *c = *state;
    begin(c);
    set_wait(c, 60000);
    uint64_t first = send_put(c, ROW("a", "q"));
    until_rows_leave(c);
    struct index_schema next = index_schema_at(2);
    uint64_t version = 0;
    next.def_count = 1; /* the global index is dropped */
    for (int i = 0; i < PATIENCE && version < 2; i++, cluster_run(c, 1))
        (void)index_set_schema(c, index_leader(c, GID), GID, &next, &version);
    cluster_run(c, 500);
    assert_true(is_answered(c, first));
}

static void nobody_waits_when_told_so(void **state) {
    struct cluster *c = *state;
    begin(c);
    set_wait(c, 0);
    uint64_t first = send_put(c, ROW("a", "q"));
    until_rows_leave(c);
    cluster_run(c, 4);
    assert_true(is_answered(c, first));
}

int owed_tests(void);

int owed_tests(void) {
#define OWED_TEST(name) cmocka_unit_test_setup_teardown(name, index_setup, index_teardown)
    const struct CMUnitTest tests[] = {
        OWED_TEST(an_answer_comes_with_its_rows), OWED_TEST(an_older_state_is_not_enough),
        OWED_TEST(a_silent_index_costs_one_wait), OWED_TEST(a_refusal_ends_the_wait),
        OWED_TEST(the_end_of_a_term_answers),     OWED_TEST(nobody_waits_when_told_so),
    };
    return cmocka_run_group_tests_name("owed", tests, NULL, NULL);
}
