/* scenario: one kind of fault again and again, all else calm, and what it cost.
 *
 *   one-way   what one storage node sends to another one, to an autoadmin or a memds (or they to
 * it) is lost for seconds, one link after the other: no group has a reason to elect rolling   every
 * storage node in turn is drained by SIGTERM and started again: every leadership is handed over by
 * choice, and to somebody who can take it
 *
 * Judged on top of what every run is: no campaign began because no leader was heard (a campaign on
 * a leader's resignation is by choice, and is counted apart), and no partition that clients use
 * stood still for longer than the scenario's bound.
 */
#ifndef TC_SIM_SUITE_SCENARIO_H
#define TC_SIM_SUITE_SCENARIO_H

#include "sim/suite/suite.h"

/* By its name; false: there is none. */
bool suite_scenario_find(const char *name, enum suite_scenario *ret);
const char *suite_scenario_name(enum suite_scenario scenario);
/* What the swarm drew, calmed: load without pause, a network that loses nothing by itself. */
void suite_scenario_swarm(struct suite *s);
/* Run the scenario's faults for swarm.safety_ns, and judge what they cost. */
void suite_scenario_run(struct suite *s);
/* A client's request on that partition key succeeded. */
void suite_scenario_served(struct suite *s, uint32_t partition);

#endif
