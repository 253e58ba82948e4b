/* reshape: what an order to split a group, or to merge two, needs next.
 *
 * An order is a record of the system tables. Whoever carries it out looks at the cluster, asks
 * reshape_next for one action, performs it, tells reshape_did and asks again until it has to wait.
 * Everything is in the record and in what is seen, nothing in memory: a crash at any point, and
 * another one that goes on, make no difference. Every action may be repeated.
 *
 *   ASKED -> MAKING -> RECORDING -> RETIRING -> DONE        each step is entered by a conditional
 *                                                           write of the record
 *   ASKED -> ALIGNING -> SEALING -> MAKING -> ...           a merge; parent 0 is the left group
 *   ... -> REFUSED    the order can never be carried out, or its table is being deleted
 *
 * Rules, each with a test:
 *   - ids are on record before anybody is asked to use them
 *   - the table names a child only when every child is led and durable at a majority, and when the
 *     children's own records are there: at every moment the table's groups cover its keys once
 *   - the right group of a merge is sealed when the replicas of both lie on the same nodes, for it
 *     serves nobody from then on; should they part again, the left one is brought to it
 *   - a parent's replica goes only after that, when every member of every child holds its own
 *     copy: until then the parent may be where a member must take it from
 *   - the first replicas of a parent to go are such that know its log to be in the archive; the
 *     last one cannot learn anything any more and is not asked
 *   - the parent's record goes only when every configured node has answered and none holds it
 *   - an order ends as REFUSED when its entry can never be chosen any more, or with its table,
 *     whose deletion takes every replica along
 *
 * Pure: no clock, no I/O, no memory of its own.
 */
#ifndef TC_CORE_RESHAPE_H
#define TC_CORE_RESHAPE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RESHAPE_PARENTS_MAX = 2,
    RESHAPE_CHILDREN_MAX = 2,
    RESHAPE_KEEP_MS = 10 * 60 * 1000, /* a closed order is shown so long */
    RESHAPE_REPEAT_MS = 30 * 1000,    /* stores keep a parent so long for repeated requests */
};

enum reshape_kind {
    RESHAPE_SPLIT,
    RESHAPE_MERGE,
};

/* Values are those of the record (proto/system.proto). */
enum reshape_step {
    RESHAPE_ASKED,
    RESHAPE_ALIGNING,
    RESHAPE_SEALING,
    RESHAPE_MAKING,
    RESHAPE_RECORDING,
    RESHAPE_RETIRING,
    RESHAPE_DONE,
    RESHAPE_REFUSED,
    RESHAPE_STEPS,
};

/* One group of the order as it is seen now. */
struct reshape_group {
    bool led;         /* a leader answers */
    uint32_t members; /* as that leader has them; 0: no leader */
    uint32_t durable; /* of these: replicas with a B-tree of their own that answer */
    uint32_t present; /* of these: their node reports a replica that is not being built */
    uint32_t holders; /* nodes that report a replica, member or not */
    bool sealed;      /* nothing that means anything can follow in its log, as a node reports it */
    bool recorded;    /* it has a placement record */
    bool listed;      /* its table names it */
};

struct reshape_view {
    enum reshape_kind kind;
    enum reshape_step step;
    uint64_t step_age_ms; /* since the step was entered */
    bool reserved;        /* the children's ids are on record */
    bool table_serves;    /* ACTIVE or UPDATING */
    bool table_goes;      /* being deleted, or gone */
    bool moving;          /* merge: an order to move a replica of a parent is open */
    bool aligned;         /* merge: both parents' members stand on the same nodes */
    bool leader_covered;  /* merge: the left one's leader is on a node that holds the right one */
    bool quorum_covered;  /* merge: a majority of its members are */
    bool nodes_answer;    /* every configured node answered just now */
    struct reshape_group parents[RESHAPE_PARENTS_MAX];
    uint32_t parent_count;
    struct reshape_group children[RESHAPE_CHILDREN_MAX];
    uint32_t child_count;
};

enum reshape_action_type {
    RESHAPE_WAIT,     /* look again later; waits says for what */
    RESHAPE_RESERVE,  /* take ids for the children and write them into the order */
    RESHAPE_ENTER,    /* write the order with this step */
    RESHAPE_ASK,      /* ask parent[0]'s leader to make the children; then look again */
    RESHAPE_SEAL,     /* merge: ask parent[1]'s leader to seal it; then look again */
    RESHAPE_MOVE,     /* merge: order a move of a replica of parent[index] to a node of the other;
                         then look again */
    RESHAPE_TRANSFER, /* merge: hand parent[0]'s leadership to a node that holds parent[1]; then
                         look again */
    RESHAPE_RECORD_CHILD,  /* write the placement record of child[index], if there is none */
    RESHAPE_RECORD_TABLE,  /* in the table's record: the children in the parents' place */
    RESHAPE_DELETE_COPIES, /* ask every node that reports a replica of parent[index] to delete it;
                              then look again */
    RESHAPE_FORGET_PARENT, /* remove the placement record of parent[index] */
    RESHAPE_FORGET_CHILD,  /* remove the placement record of child[index] */
    RESHAPE_FORGET,        /* remove the order */
};

struct reshape_action {
    enum reshape_action_type type;
    enum reshape_step step; /* ENTER */
    uint32_t index;
    bool
        sole; /* DELETE_COPIES: the others are gone, so its log is in the archive: no need to ask */
    const char *waits; /* WAIT, ASK, DELETE_COPIES, ENTER REFUSED: for people; "": nothing to say */
};

struct reshape_action reshape_next(const struct reshape_view *v);
/* The action was carried out: the view as it must be now. Not for those that say "look again". */
void reshape_did(struct reshape_view *v, const struct reshape_action *a);

/* Time since the step was entered, by two wall clocks: one that went back far counts as passed. */
uint64_t reshape_age_ms(uint64_t since_ms, uint64_t now_ms);
/* Why the leader's answer means that the order can never be carried out; NULL: it may yet be. */
const char *reshape_refusal(tc_err err);
/* Nothing more will be done for it, and another order may take its place. */
bool reshape_is_closed(enum reshape_step step);
/* Somebody waits for the next step, which comes in milliseconds. */
bool reshape_is_urgent(enum reshape_step step);
/* One word for people. */
const char *reshape_step_name(enum reshape_step step);

#endif
