#include "core/reshape/reshape.h"

#include "base/assert.h"

#include <stddef.h>

static struct reshape_action act(enum reshape_action_type type, uint32_t index) {
    return (struct reshape_action){.type = type, .index = index, .waits = ""};
}

static struct reshape_action enter(enum reshape_step step) {
    struct reshape_action a = act(RESHAPE_ENTER, 0);
    a.step = step;
    return a;
}

static struct reshape_action saying(struct reshape_action a, const char *text) {
    a.waits = text;
    return a;
}

static struct reshape_action wait_for(const char *text) {
    return saying(act(RESHAPE_WAIT, 0), text);
}

/* ---- before anything was changed */

static struct reshape_action asked(const struct reshape_view *v) {
    for (uint32_t i = 0; i < v->parent_count; i++)
        if (!v->parents[i].led)
            return wait_for("a group of it has no leader that answers: start its nodes");
    if (!v->table_serves)
        return wait_for("the table is being created");
    if (!v->reserved)
        return act(RESHAPE_RESERVE, 0);
    return enter(v->kind == RESHAPE_MERGE ? RESHAPE_ALIGNING : RESHAPE_MAKING);
}

/* ---- a merge, before the left one is asked */

static struct reshape_action aligning(const struct reshape_view *v) {
    if (v->parents[1].sealed) /* asked for before the members changed */
        return enter(RESHAPE_MAKING);
    if (!v->parents[0].led || !v->parents[1].led)
        return wait_for("one of the groups has no leader that answers: start its nodes");
    if (v->moving)
        return wait_for("a replica moves to the nodes of the other group: `tercet heal`");
    return v->aligned ? enter(RESHAPE_SEALING) : act(RESHAPE_MOVE, 1);
}

static struct reshape_action sealing(const struct reshape_view *v) {
    if (v->parents[1].sealed)
        return enter(RESHAPE_MAKING);
    if (!v->parents[0].led || !v->parents[1].led)
        return wait_for("one of the groups has no leader that answers: start its nodes");
    return v->aligned ? act(RESHAPE_SEAL, 1) : enter(RESHAPE_ALIGNING);
}

/* The right one is sealed where it is: now the left one has to come to it. */
static struct reshape_action bring_left(const struct reshape_view *v) {
    if (!v->quorum_covered)
        return v->moving ? wait_for("a replica of the left group moves to the right one's nodes")
                         : act(RESHAPE_MOVE, 0);
    return act(RESHAPE_TRANSFER, 0);
}

/* ---- the children */

static bool is_durable(const struct reshape_group *g) {
    return g->led && g->durable * 2 > g->members;
}

static struct reshape_action making(const struct reshape_view *v) {
    bool durable = true;
    for (uint32_t i = 0; i < v->child_count; i++)
        durable = durable && is_durable(&v->children[i]);
    if (durable)
        return enter(RESHAPE_RECORDING);
    bool covered = v->kind == RESHAPE_SPLIT || v->parents[0].sealed ||
                   (v->leader_covered && v->quorum_covered);
    if (v->parents[0].led)
        return covered ? act(RESHAPE_ASK, 0) : bring_left(v);
    return wait_for("neither the group nor both of its children have a leader that answers");
}

/* A child's leader may have changed since; its record needs the members from one. */
static struct reshape_action recording(const struct reshape_view *v) {
    bool listed = true;
    for (uint32_t i = 0; i < v->child_count; i++) {
        if (!v->children[i].recorded)
            return v->children[i].led ? act(RESHAPE_RECORD_CHILD, i)
                                      : wait_for("a child has no leader that answers");
        listed = listed && v->children[i].listed;
    }
    for (uint32_t i = 0; i < v->parent_count; i++)
        listed = listed && !v->parents[i].listed;
    return listed ? enter(RESHAPE_RETIRING) : act(RESHAPE_RECORD_TABLE, 0);
}

/* ---- the parents */

static bool is_whole(const struct reshape_group *g) {
    bool retired = !g->recorded && g->holders == 0; /* by an order of its own */
    return retired || (g->led && g->members > 0 && g->present == g->members);
}

static struct reshape_action delete_copies(const struct reshape_view *v, uint32_t index) {
    struct reshape_action a = act(RESHAPE_DELETE_COPIES, index);
    a.sole = v->parents[index].holders == 1 && v->nodes_answer;
    return saying(a, "a store keeps the parent: for repeated requests, or until it is archived");
}

/* Stores refuse to delete a parent that may be needed; not asking them for as long spares calls. */
static struct reshape_action retiring(const struct reshape_view *v) {
    for (uint32_t i = 0; i < v->parent_count; i++) {
        if (v->parents[i].holders == 0)
            continue;
        if (v->step_age_ms < RESHAPE_REPEAT_MS)
            return wait_for("repeated requests may need the parent for 30 s");
        for (uint32_t k = 0; k < v->child_count; k++)
            if (!is_whole(&v->children[k]))
                return wait_for("a child lacks a replica, which may have to come from the parent");
        return delete_copies(v, i);
    }
    if (!v->nodes_answer)
        return wait_for("a storage node is silent and may hold a replica of the parent");
    for (uint32_t i = 0; i < v->parent_count; i++)
        if (v->parents[i].recorded)
            return act(RESHAPE_FORGET_PARENT, i);
    return enter(RESHAPE_DONE);
}

/* ---- its end */

/* Of a table that is gone no record may stay, should one have been written too late. */
static struct reshape_action closed(const struct reshape_view *v) {
    for (uint32_t i = 0; v->table_goes && i < v->child_count; i++)
        if (v->children[i].recorded)
            return act(RESHAPE_FORGET_CHILD, i);
    return v->step_age_ms >= RESHAPE_KEEP_MS ? act(RESHAPE_FORGET, 0) : wait_for("");
}

struct reshape_action reshape_next(const struct reshape_view *v) {
    TC_ASSERT(v->parent_count <= RESHAPE_PARENTS_MAX && v->child_count <= RESHAPE_CHILDREN_MAX);
    TC_ASSERT(v->parent_count == (v->kind == RESHAPE_MERGE ? 2u : 1u));
    if (v->table_goes && !reshape_is_closed(v->step))
        return saying(enter(RESHAPE_REFUSED), "the table is being deleted");
    switch (v->step) {
    case RESHAPE_ASKED:
        return asked(v);
    case RESHAPE_MAKING:
        return making(v);
    case RESHAPE_RECORDING:
        return recording(v);
    case RESHAPE_RETIRING:
        return retiring(v);
    case RESHAPE_DONE:
    case RESHAPE_REFUSED:
        return closed(v);
    case RESHAPE_ALIGNING:
        return aligning(v);
    case RESHAPE_SEALING:
        return sealing(v);
    case RESHAPE_STEPS:
        break;
    }
    return wait_for("this autoadmin does not know the order's step: it is older than the order");
}

void reshape_did(struct reshape_view *v, const struct reshape_action *a) {
    switch (a->type) {
    case RESHAPE_RESERVE:
        v->reserved = true;
        break;
    case RESHAPE_ENTER:
        v->step = a->step;
        v->step_age_ms = 0;
        break;
    case RESHAPE_RECORD_CHILD:
        v->children[a->index].recorded = true;
        break;
    case RESHAPE_RECORD_TABLE:
        for (uint32_t i = 0; i < v->parent_count; i++)
            v->parents[i].listed = false;
        for (uint32_t i = 0; i < v->child_count; i++)
            v->children[i].listed = true;
        break;
    case RESHAPE_FORGET_PARENT:
        v->parents[a->index].recorded = false;
        break;
    case RESHAPE_FORGET_CHILD:
        v->children[a->index].recorded = false;
        break;
    case RESHAPE_WAIT:
    case RESHAPE_ASK:
    case RESHAPE_SEAL:
    case RESHAPE_MOVE:
    case RESHAPE_TRANSFER:
    case RESHAPE_DELETE_COPIES:
    case RESHAPE_FORGET:
        break;
    }
}

uint64_t reshape_age_ms(uint64_t since_ms, uint64_t now_ms) {
    const uint64_t apart_ms = 5000; /* of two autoadmins' clocks */
    if (now_ms >= since_ms)
        return now_ms - since_ms;
    return since_ms - now_ms <= apart_ms ? 0 : UINT64_MAX;
}

/* A leader answers these from what is committed: no other leader can come to another answer. */
const char *reshape_refusal(tc_err err) {
    if (err == TC_EINVAL)
        return "the key is not inside the group's range, or the groups are no neighbours: `tercet "
               "partitions` shows it";
    return err == TC_EEXISTS ? "the group was split or merged otherwise before" : NULL;
}

bool reshape_is_closed(enum reshape_step step) {
    return step == RESHAPE_DONE || step == RESHAPE_REFUSED;
}

bool reshape_is_urgent(enum reshape_step step) {
    return !reshape_is_closed(step) && step != RESHAPE_RETIRING;
}

const char *reshape_step_name(enum reshape_step step) {
    static const char *const names[] = {"asked",     "aligning", "sealing", "making",
                                        "recording", "retiring", "done",    "refused"};
    _Static_assert(sizeof names / sizeof names[0] == RESHAPE_STEPS, "one name for each step");
    return (unsigned)step < RESHAPE_STEPS ? names[step] : "unknown";
}
