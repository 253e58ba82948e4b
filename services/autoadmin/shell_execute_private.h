/* shell_execute, private: the actions on groups that live, and what all actions share. */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_EXECUTE_PRIVATE_H
#define TC_SERVICES_AUTOADMIN_SHELL_EXECUTE_PRIVATE_H

#include "shell_execute.h"

#include <protobuf-c/protobuf-c.h>

/* One unary call to a storage node; its answer's error. */
TC_MUST_USE tc_err shell_control(struct catalog *system, uint32_t node, const char *method,
                                 const ProtobufCMessage *message);
/* message NULL: a record without data. */
TC_MUST_USE tc_err shell_write_record(struct catalog *system, const char *kind,
                                      struct tc_slice name, uint64_t version, uint64_t expected,
                                      const ProtobufCMessage *message);

TC_MUST_USE tc_err shell_change_replica(struct catalog *system, const struct shell_view *v,
                                        const struct plan_action *a);
TC_MUST_USE tc_err shell_heal_replica(struct catalog *system, const struct plan_action *a);
TC_MUST_USE tc_err shell_transfer(struct catalog *system, const struct plan_action *a);
TC_MUST_USE tc_err shell_record_members(struct catalog *system, const struct shell_view *v,
                                        const struct plan_action *a);
TC_MUST_USE tc_err shell_drop_order(struct catalog *system, const struct shell_view *v,
                                    const struct plan_action *a);

#endif
