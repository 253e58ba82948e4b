/* plan_heal: which groups change their members next, and who leads them.
 *
 * A group's leader replaces a silent member by a log replica by itself, within seconds and without
 * a control plane (docs/protocols/paxos.md). What is planned here is the rest, most urgent first:
 *   1. a member whose disk is lost or that has been silent for PLAN_DEAD_MS is replaced, should its
 *      leader not have done so
 *   2. a log replica becomes a storage replica, likewise
 *   3. a replica is moved because somebody asked for it
 *   4. a draining node gives its replicas away, and before that its leaders
 *   5. two replicas that share a zone although a third zone lives are parted
 *   6. leaders are spread over the nodes again, when nothing else is to be done
 *      (to no node that has just started, and neither from nor to one of two nodes that do not hear
 *      each other: what one direction of a link loses is no reason to elect)
 *
 * Rules, each with a test:
 *   - a group changes one member at a time: never while a change or a copy goes on, never while
 *     another member is silent, never without a majority that answers
 *   - a new replica stands in a zone of its own while three zones live
 *   - at most pace.changes_max groups change at once, at most pace.changes_per_node_max into one
 *     node; what leaders do by themselves counts too
 *   - nothing at all while half of the nodes are silent (it may be us who are cut off), or while
 *     two nodes answer with one name or one disk
 *   - placement records follow what leaders report, forwards only
 *
 * No memory: everything it knows is in the snapshot, so any autoadmin goes on where another
 * stopped. Pure.
 */
#ifndef TC_CORE_PLAN_HEAL_H
#define TC_CORE_PLAN_HEAL_H

#include "core/plan/plan.h"

enum {
    PLAN_SUSPECT_MS = 2500,     /* a member silent for longer is not counted on */
    PLAN_DEAD_MS = 10000,       /* leaders replace it after 2.5 s; we, should they not */
    PLAN_TRANSFERS_MAX = 4,     /* leaders moved in one round to spread them ... */
    PLAN_TRANSFERS_SHARE = 256, /* ... and one more for so many groups */
    PLAN_APART_MS = 1000, /* silence between leader and member after which neither gets leaders */
    PLAN_YOUNG_MS = 5000, /* a process this young gets none: it still catches up */
};

/* Appends to out (plan_step calls it). */
void plan_heal(const struct plan_snapshot *s, struct plan_out *out);

#endif
