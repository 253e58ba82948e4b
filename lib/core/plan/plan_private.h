/* plan, private: what its files share. */
#ifndef TC_CORE_PLAN_PRIVATE_H
#define TC_CORE_PLAN_PRIVATE_H

#include "core/plan/plan.h"

/* NULL: the list is full; the rest follows in the next round. */
struct plan_action *plan__add(struct plan_out *out, enum plan_action_type type);

#endif
