/* shell_execute: carries out one planned action; every one may be repeated without harm. */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_EXECUTE_H
#define TC_SERVICES_AUTOADMIN_SHELL_EXECUTE_H

#include "shell_observe.h"

enum {
    SHELL_CONTROL_DEADLINE_MS = 3000
};

const char *shell_action_name(enum plan_action_type type);
/* TC_ESTALE: the world moved on since the snapshot; plan again. */
TC_MUST_USE tc_err shell_execute(struct catalog *system, const struct shell_view *v,
                                 const struct plan_action *a);

#endif
