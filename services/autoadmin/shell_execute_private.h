/* shell_execute, private: the actions by subject, and what all actions share. */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_EXECUTE_PRIVATE_H
#define TC_SERVICES_AUTOADMIN_SHELL_EXECUTE_PRIVATE_H

#include "core/index/index.h"
#include "shell_execute.h"

#include <protobuf-c/protobuf-c.h>

/* One unary call to a storage node; its answer's error. */
TC_MUST_USE tc_err shell_control(struct catalog *system, uint32_t node, const char *method,
                                 const ProtobufCMessage *message);
/* message NULL: a record without data. */
TC_MUST_USE tc_err shell_write_record(struct catalog *system, const char *kind,
                                      struct tc_slice name, uint64_t version, uint64_t expected,
                                      const ProtobufCMessage *message);

/* A placement record's name. */
struct tc_slice shell_gid_name(uint64_t gid, char text[24]);

/* A table's record that may be changed: the descriptor and its indexes are copies, what they point
 * to is the view's. */
struct shell_table {
    const struct system_record *record;
    Tercet__Pb__TableDescriptor d;
    Tercet__Pb__IndexDescriptor indexes[INDEX_DEFS_MAX];
    Tercet__Pb__IndexDescriptor *list[INDEX_DEFS_MAX];
};
/* TC_ECORRUPT: more indexes than a table can have. */
TC_MUST_USE tc_err shell_table_copy(const struct shell_view *v, size_t table,
                                    struct shell_table *ret_table);
/* Over the record that it was copied from, or TC_ESTALE. */
TC_MUST_USE tc_err shell_table_write(struct catalog *system, struct shell_table *t);

/* shell_place.c */
TC_MUST_USE tc_err shell_bootstrap(struct catalog *system, const struct shell_view *v,
                                   const struct plan_action *a);
TC_MUST_USE tc_err shell_place(struct catalog *system, const struct shell_view *v,
                               const struct plan_action *a);
TC_MUST_USE tc_err shell_place_index(struct catalog *system, const struct shell_view *v,
                                     const struct plan_action *a);

/* shell_index.c */
TC_MUST_USE tc_err shell_set_active(struct catalog *system, const struct shell_view *v,
                                    const struct plan_action *a);
TC_MUST_USE tc_err shell_backfill(struct catalog *system, const struct shell_view *v,
                                  const struct plan_action *a);
TC_MUST_USE tc_err shell_index_active(struct catalog *system, const struct shell_view *v,
                                      const struct plan_action *a);
TC_MUST_USE tc_err shell_raise_schema(struct catalog *system, const struct shell_view *v,
                                      const struct plan_action *a);
TC_MUST_USE tc_err shell_set_schema(struct catalog *system, const struct shell_view *v,
                                    const struct plan_action *a);
TC_MUST_USE tc_err shell_drop_index(struct catalog *system, const struct shell_view *v,
                                    const struct plan_action *a);
TC_MUST_USE tc_err shell_drop_table(struct catalog *system, const struct shell_view *v,
                                    const struct plan_action *a);
TC_MUST_USE tc_err shell_forget_dropped(struct catalog *system, const struct shell_view *v,
                                        const struct plan_action *a);

/* shell_execute_heal.c */
TC_MUST_USE tc_err shell_change_replica(struct catalog *system, const struct shell_view *v,
                                        const struct plan_action *a);
TC_MUST_USE tc_err shell_heal_replica(struct catalog *system, const struct plan_action *a);
TC_MUST_USE tc_err shell_transfer(struct catalog *system, const struct plan_action *a);
TC_MUST_USE tc_err shell_record_members(struct catalog *system, const struct shell_view *v,
                                        const struct plan_action *a);
TC_MUST_USE tc_err shell_drop_order(struct catalog *system, const struct shell_view *v,
                                    const struct plan_action *a);

#endif
