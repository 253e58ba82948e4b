#include "base/prng.h"
#include "core/reshape/reshape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    NODES = 4,
    RUNS = 3000,
    ROUNDS = 400,
};

static struct reshape_group healthy(void) {
    return (struct reshape_group){.led = true,
                                  .members = 3,
                                  .durable = 3,
                                  .present = 3,
                                  .holders = 3,
                                  .recorded = true,
                                  .listed = true};
}

/* A split that was just asked for, all well. */
static struct reshape_view fresh(void) {
    struct reshape_view v = {.kind = RESHAPE_SPLIT,
                             .table_serves = true,
                             .nodes_answer = true,
                             .parent_count = 1,
                             .child_count = 2};
    v.parents[0] = healthy();
    return v;
}

static struct reshape_view at(enum reshape_step step) {
    struct reshape_view v = fresh();
    v.step = step;
    v.reserved = true;
    v.children[0] = v.children[1] = healthy();
    v.parents[0].listed = false;
    return v;
}

static void expect(const struct reshape_view *v, enum reshape_action_type type) {
    struct reshape_action a = reshape_next(v);
    if (a.type != type)
        fail_msg("action %d, not %d (step %s): %s", a.type, type, reshape_step_name(v->step),
                 a.waits);
}

static void expect_enter(const struct reshape_view *v, enum reshape_step step) {
    struct reshape_action a = reshape_next(v);
    assert_int_equal(a.type, RESHAPE_ENTER);
    assert_string_equal(reshape_step_name(a.step), reshape_step_name(step));
}

/* ---- one rule each */

static void ids_come_before_anybody_is_asked(void **state) {
    (void)state;
    struct reshape_view v = fresh();
    expect(&v, RESHAPE_RESERVE);
    v.parents[0].led = false;
    expect(&v, RESHAPE_WAIT);
    v = fresh();
    v.table_serves = false;
    expect(&v, RESHAPE_WAIT);
    v = fresh();
    v.reserved = true;
    expect_enter(&v, RESHAPE_MAKING);
}

static void a_child_counts_when_a_majority_has_its_tree(void **state) {
    (void)state;
    struct reshape_view v = at(RESHAPE_MAKING);
    expect_enter(&v, RESHAPE_RECORDING);
    v.children[1].durable = 2;
    expect_enter(&v, RESHAPE_RECORDING);
    v.children[1].durable = 1;
    expect(&v, RESHAPE_ASK);
    v.children[1].durable = 3;
    v.children[0].led = false;
    expect(&v, RESHAPE_ASK);
    v.parents[0].led = false;
    expect(&v, RESHAPE_WAIT);
}

static void the_table_names_children_after_their_records(void **state) {
    (void)state;
    struct reshape_view v = at(RESHAPE_RECORDING);
    v.parents[0].listed = true;
    v.children[0].listed = v.children[1].listed = v.children[1].recorded = false;
    expect(&v, RESHAPE_RECORD_CHILD);
    assert_int_equal(reshape_next(&v).index, 1);
    v.children[1].led = false;
    expect(&v, RESHAPE_WAIT);
    v.children[1].recorded = true;
    expect(&v, RESHAPE_RECORD_TABLE);
    v.parents[0].listed = false;
    v.children[0].listed = v.children[1].listed = true;
    expect_enter(&v, RESHAPE_RETIRING);
}

static void a_parent_stays_while_a_child_lacks_a_replica(void **state) {
    (void)state;
    struct reshape_view v = at(RESHAPE_RETIRING);
    expect(&v, RESHAPE_WAIT);
    v.step_age_ms = RESHAPE_REPEAT_MS;
    expect(&v, RESHAPE_DELETE_COPIES);
    v.children[0].present = 2;
    expect(&v, RESHAPE_WAIT);
    v.children[0].present = 3;
    assert_false(reshape_next(&v).sole);
    v.parents[0].holders = 1;
    assert_true(reshape_next(&v).sole);
    v.nodes_answer = false; /* the others may be there yet */
    assert_false(reshape_next(&v).sole);
    v.children[1].led = false;
    expect(&v, RESHAPE_WAIT);
    v.children[1] = (struct reshape_group){0}; /* it was split itself, and is gone */
    expect(&v, RESHAPE_DELETE_COPIES);
}

static void the_record_of_a_parent_outlives_its_replicas(void **state) {
    (void)state;
    struct reshape_view v = at(RESHAPE_RETIRING);
    v.parents[0].holders = 0;
    v.nodes_answer = false;
    expect(&v, RESHAPE_WAIT);
    v.nodes_answer = true;
    expect(&v, RESHAPE_FORGET_PARENT);
    v.parents[0].recorded = false;
    expect_enter(&v, RESHAPE_DONE);
}

/* ---- merges */

static struct reshape_view merge_at(enum reshape_step step) {
    struct reshape_view v = {.kind = RESHAPE_MERGE,
                             .step = step,
                             .reserved = true,
                             .table_serves = true,
                             .aligned = true,
                             .leader_covered = true,
                             .quorum_covered = true,
                             .nodes_answer = true,
                             .parent_count = 2,
                             .child_count = 1};
    v.parents[0] = v.parents[1] = healthy();
    return v;
}

static void a_group_is_sealed_where_its_neighbour_stands(void **state) {
    (void)state;
    struct reshape_view v = merge_at(RESHAPE_ASKED);
    v.reserved = false;
    expect(&v, RESHAPE_RESERVE);
    v.reserved = true;
    expect_enter(&v, RESHAPE_ALIGNING);
    v = merge_at(RESHAPE_ALIGNING);
    v.aligned = false;
    expect(&v, RESHAPE_MOVE);
    assert_int_equal(reshape_next(&v).index, 1); /* the right one comes to the left one */
    v.moving = true;
    expect(&v, RESHAPE_WAIT);
    v = merge_at(RESHAPE_ALIGNING);
    expect_enter(&v, RESHAPE_SEALING);
    v.step = RESHAPE_SEALING;
    expect(&v, RESHAPE_SEAL);
    v.aligned = false; /* a node was lost meanwhile */
    expect_enter(&v, RESHAPE_ALIGNING);
    v.parents[1].led = false;
    expect(&v, RESHAPE_WAIT);
    v.parents[1].sealed = true; /* it was heard in time after all: no way back */
    expect_enter(&v, RESHAPE_MAKING);
    v.step = RESHAPE_ALIGNING;
    expect_enter(&v, RESHAPE_MAKING);
}

static void a_sealed_group_stays_and_the_left_one_comes(void **state) {
    (void)state;
    struct reshape_view v = merge_at(RESHAPE_MAKING);
    v.parents[1].sealed = true;
    v.parents[1].led = false; /* it need not be led any more */
    expect(&v, RESHAPE_ASK);
    v.leader_covered = false;
    expect(&v, RESHAPE_TRANSFER);
    v.quorum_covered = false;
    expect(&v, RESHAPE_MOVE);
    assert_int_equal(reshape_next(&v).index, 0);
    v.moving = true;
    expect(&v, RESHAPE_WAIT);
    v.parents[0].sealed = true; /* the merge is chosen: nothing is moved any more */
    expect(&v, RESHAPE_ASK);
    v.children[0] = healthy();
    expect_enter(&v, RESHAPE_RECORDING);
}

static void both_parents_go(void **state) {
    (void)state;
    struct reshape_view v = merge_at(RESHAPE_RETIRING);
    v.children[0] = healthy();
    v.step_age_ms = RESHAPE_REPEAT_MS;
    v.parents[0].holders = 0;
    expect(&v, RESHAPE_DELETE_COPIES);
    assert_int_equal(reshape_next(&v).index, 1);
    v.parents[1].holders = 0;
    for (uint32_t i = 0; i < 2; i++) {
        expect(&v, RESHAPE_FORGET_PARENT);
        assert_int_equal(reshape_next(&v).index, i);
        struct reshape_action a = reshape_next(&v);
        reshape_did(&v, &a);
    }
    expect_enter(&v, RESHAPE_DONE);
}

static void closed_orders_are_shown_for_a_while(void **state) {
    (void)state;
    struct reshape_view v = at(RESHAPE_DONE);
    expect(&v, RESHAPE_WAIT);
    v.step_age_ms = RESHAPE_KEEP_MS;
    expect(&v, RESHAPE_FORGET);
    assert_true(reshape_is_closed(RESHAPE_DONE) && reshape_is_closed(RESHAPE_REFUSED));
    assert_false(reshape_is_closed(RESHAPE_RETIRING) || reshape_is_urgent(RESHAPE_RETIRING));
    assert_true(reshape_is_urgent(RESHAPE_ASKED) && reshape_is_urgent(RESHAPE_RECORDING));
}

static void clocks_may_be_apart(void **state) {
    (void)state;
    assert_int_equal(reshape_age_ms(1000, 1700), 700);
    assert_int_equal(reshape_age_ms(1700, 1000), 0);
    assert_true(reshape_age_ms(1000000, 1000) > RESHAPE_KEEP_MS);
}

static void a_table_takes_its_orders_along(void **state) {
    (void)state;
    for (int step = RESHAPE_ASKED; step < RESHAPE_DONE; step++) {
        struct reshape_view v = at((enum reshape_step)step);
        v.table_goes = true;
        expect_enter(&v, RESHAPE_REFUSED);
    }
    struct reshape_view v = at(RESHAPE_REFUSED);
    v.table_goes = true; /* a record that was written too late */
    expect(&v, RESHAPE_FORGET_CHILD);
}

static void only_final_answers_refuse(void **state) {
    (void)state;
    assert_true(reshape_refusal(TC_EINVAL) && reshape_refusal(TC_EEXISTS));
    assert_false(reshape_refusal(TC_OK) || reshape_refusal(TC_EBUSY));
    assert_false(reshape_refusal(TC_ENOTLEADER) || reshape_refusal(TC_EUNKNOWN));
}

/* ---- a cluster, and autoadmins that die after any action */

/* What is true of one group in the world. */
struct group {
    bool exists;
    bool copy[NODES];  /* the node has a replica */
    bool built[NODES]; /* and its B-tree */
    bool member[NODES];
    bool recorded;
    bool listed;
};

struct world {
    struct tc_prng prng;
    enum reshape_step step; /* as the record has it */
    bool reserved;
    bool gone; /* the order's record was removed */
    struct group parent, children[2];
    bool up[NODES];
    bool calm;
    uint64_t age_ms;
};

static bool chance(struct world *w, uint64_t num, uint64_t den) {
    return tc_prng_chance(&w->prng, num, den);
}

static uint32_t living(const struct world *w, const struct group *g) {
    uint32_t n = 0;
    for (int i = 0; i < NODES; i++)
        n += g->member[i] && g->copy[i] && w->up[i];
    return n;
}

static struct reshape_group seen(const struct world *w, const struct group *g) {
    struct reshape_group s = {.recorded = g->recorded, .listed = g->listed};
    s.led = g->exists && living(w, g) >= 2;
    for (int i = 0; i < NODES; i++) {
        bool member = s.led && g->member[i];
        s.members += member;
        s.durable += member && w->up[i] && g->copy[i] && g->built[i];
        s.present += member && w->up[i] && g->copy[i] && g->built[i];
        s.holders += w->up[i] && g->copy[i];
    }
    return s;
}

static struct reshape_view look(const struct world *w) {
    struct reshape_view v = {.kind = RESHAPE_SPLIT,
                             .step = w->step,
                             .step_age_ms = w->age_ms,
                             .reserved = w->reserved,
                             .table_serves = true,
                             .nodes_answer = w->up[0] && w->up[1] && w->up[2] && w->up[3],
                             .parent_count = 1,
                             .child_count = 2};
    v.parents[0] = seen(w, &w->parent);
    for (int i = 0; i < 2 && w->reserved; i++)
        v.children[i] = seen(w, &w->children[i]);
    return v;
}

/* Every node that holds the parent makes its children, sooner or later; a member whose node is away
 * for long is replaced by the node that is left. */
static void world_goes_on(struct world *w) {
    w->age_ms += 1000;
    for (int i = 0; i < NODES; i++)
        w->up[i] = w->calm || (w->up[i] ? !chance(w, 1, 12) : chance(w, 1, 4));
    for (int c = 0; c < 2; c++) {
        struct group *g = &w->children[c];
        for (int i = 0; i < NODES && g->exists; i++) {
            if (w->up[i] && w->parent.copy[i] && !g->copy[i] && g->member[i])
                g->copy[i] = chance(w, 1, 2);
            if (w->up[i] && g->copy[i])
                g->built[i] = g->built[i] || chance(w, 1, 2);
        }
    }
}

static void ask_leader(struct world *w) {
    assert_true(w->reserved);
    if (living(w, &w->parent) < 2)
        return;
    for (int c = 0; c < 2; c++) {
        w->children[c].exists = true;
        memcpy(w->children[c].member, w->parent.member, sizeof w->parent.member);
    }
}

/* The rule that keeps data: no member may be left for which no replica can come from anywhere. */
static void delete_copies(struct world *w, bool sole) {
    uint32_t copies = 0;
    for (int i = 0; i < NODES; i++)
        copies += w->parent.copy[i];
    assert_true(!sole || copies == 1);
    for (int i = 0; i < NODES; i++) {
        bool unsure =
            copies < 2 && !sole; /* it was started anew: nobody tells it what is archived */
        if (!w->up[i] || !w->parent.copy[i] || unsure || chance(w, 1, 3))
            continue; /* EBUSY, or it does not answer now */
        for (int c = 0; c < 2; c++)
            assert_true(!w->children[c].member[i] || w->children[c].built[i]);
        w->parent.copy[i] = false;
    }
}

static void perform(struct world *w, const struct reshape_action *a) {
    switch (a->type) {
    case RESHAPE_RESERVE:
        w->reserved = true;
        break;
    case RESHAPE_ENTER:
        assert_true(a->step > w->step && a->step != RESHAPE_REFUSED);
        w->step = a->step;
        w->age_ms = 0;
        break;
    case RESHAPE_ASK:
        ask_leader(w);
        break;
    case RESHAPE_RECORD_CHILD:
        assert_true(w->children[a->index].exists);
        w->children[a->index].recorded = true;
        break;
    case RESHAPE_RECORD_TABLE:
        w->parent.listed = false;
        w->children[0].listed = w->children[1].listed = true;
        break;
    case RESHAPE_DELETE_COPIES:
        delete_copies(w, a->sole);
        break;
    case RESHAPE_FORGET_PARENT:
        w->parent.recorded = false;
        break;
    case RESHAPE_FORGET:
        w->gone = true;
        break;
    case RESHAPE_SEAL:
    case RESHAPE_MOVE:
    case RESHAPE_TRANSFER:
    case RESHAPE_FORGET_CHILD:
        fail_msg("no action of a split");
        break;
    case RESHAPE_WAIT:
        break;
    }
}

static void check_world(const struct world *w) {
    const struct group *p = &w->parent;
    for (int c = 0; c < 2; c++) {
        const struct group *g = &w->children[c];
        assert_int_equal(g->listed, !p->listed); /* the keys are covered once */
        assert_true(!g->listed || (g->recorded && g->exists));
    }
    for (int i = 0; i < NODES; i++)
        assert_true(p->recorded || !p->copy[i]); /* nobody holds what is not on record */
}

/* One autoadmin's turn: it may die after any action, and nothing of what it knew is left. */
static void turn(struct world *w) {
    struct reshape_view v = look(w);
    for (int i = 0; i < 20 && !w->gone; i++) {
        struct reshape_action a = reshape_next(&v);
        perform(w, &a);
        check_world(w);
        if (a.type == RESHAPE_WAIT || a.type == RESHAPE_ASK || a.type == RESHAPE_DELETE_COPIES ||
            chance(w, 1, 4))
            return;
        reshape_did(&v, &a);
    }
}

static struct world world_new(uint64_t seed) {
    struct world w = {.prng = tc_prng(seed), .parent = {.exists = true, .recorded = true}};
    w.parent.listed = true;
    for (int i = 0; i < NODES; i++)
        w.up[i] = true;
    for (int i = 0; i < 3; i++)
        w.parent.copy[i] = w.parent.built[i] = w.parent.member[i] = true;
    return w;
}

static void an_autoadmin_may_die_after_any_action(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct world w = world_new(seed);
        for (int round = 0; round < ROUNDS && w.step != RESHAPE_DONE; round++) {
            w.calm = round > 60;
            turn(&w);
            world_goes_on(&w);
        }
        if (w.step != RESHAPE_DONE)
            fail_msg("seed %lu: stuck at %s", (unsigned long)seed, reshape_step_name(w.step));
        assert_false(w.parent.recorded || w.parent.listed);
        w.age_ms = RESHAPE_KEEP_MS;
        turn(&w);
        assert_true(w.gone);
    }
}

/* A member that moves away while the order goes on: the parent's replica there is not needed. */
static void a_member_that_was_replaced_is_not_waited_for(void **state) {
    (void)state;
    struct world w = world_new(7);
    w.step = RESHAPE_RETIRING;
    w.reserved = true;
    w.parent.listed = false;
    ask_leader(&w);
    for (int c = 0; c < 2; c++) {
        struct group *g = &w.children[c];
        g->listed = g->recorded = true;
        g->member[2] = false; /* its node never came back in time */
        g->member[3] = true;
        for (int i = 0; i < NODES; i++)
            g->copy[i] = g->built[i] = g->member[i];
    }
    w.calm = true;
    w.age_ms = RESHAPE_REPEAT_MS;
    for (int round = 0; round < ROUNDS && w.step != RESHAPE_DONE; round++)
        turn(&w);
    assert_int_equal(w.step, RESHAPE_DONE);
    assert_false(w.parent.copy[2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_come_before_anybody_is_asked),
        cmocka_unit_test(a_child_counts_when_a_majority_has_its_tree),
        cmocka_unit_test(the_table_names_children_after_their_records),
        cmocka_unit_test(a_parent_stays_while_a_child_lacks_a_replica),
        cmocka_unit_test(the_record_of_a_parent_outlives_its_replicas),
        cmocka_unit_test(a_group_is_sealed_where_its_neighbour_stands),
        cmocka_unit_test(a_sealed_group_stays_and_the_left_one_comes),
        cmocka_unit_test(both_parents_go),
        cmocka_unit_test(closed_orders_are_shown_for_a_while),
        cmocka_unit_test(clocks_may_be_apart),
        cmocka_unit_test(a_table_takes_its_orders_along),
        cmocka_unit_test(only_final_answers_refuse),
        cmocka_unit_test(an_autoadmin_may_die_after_any_action),
        cmocka_unit_test(a_member_that_was_replaced_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
