/* Records of tables in the system table: reading one, writing one, and the change that most
 * operations on tables are. autoadmin carries out what a record asks for. */
#ifndef TC_ROUTER_EXEC_TABLE_H
#define TC_ROUTER_EXEC_TABLE_H

#include "exec_private.h"

typedef void (*exec_call_done)(struct route_call *c, tc_err err, const ProtobufCMessage *reply,
                               const Tercet__Pb__Partition *partition);

uint64_t exec__wall_ms(void);

/* Read the record of a table; done with op as the call's user. */
void exec__table_read(struct exec_op *op, struct tc_slice name, exec_call_done done);
/* The descriptor in the reply to a read; the caller frees it. NULL: the failure was answered. */
Tercet__Pb__TableDescriptor *exec__table_take(struct exec_op *op, struct tc_slice name, tc_err err,
                                              const ProtobufCMessage *reply);
/* Write d if the stored version is `expected`, 0 for none; otherwise done gets TC_ECONDITION. */
void exec__table_write(struct exec_op *op, const Tercet__Pb__TableDescriptor *d, uint64_t expected,
                       exec_call_done done);

/* A change of a record: read, apply, write if nobody wrote meanwhile; else again, a few times. */
struct exec_change {
    struct tc_slice table_name;
    /* Change d, whose fields are malloc'd. Anything but API_OK (see exec__refuse) is answered with
     * the text in op->diag, and nothing is written. */
    enum api_error (*apply)(struct exec_op *op, Tercet__Pb__TableDescriptor *d);
    /* Append the answer's body; d is as written. NULL: the body is empty. */
    void (*answer)(struct exec_op *op, const Tercet__Pb__TableDescriptor *d);
};
void exec__table_change(struct exec_op *op, const struct exec_change *change);

/* Put a text into op->diag; returns error, for apply. */
enum api_error exec__refuse(struct exec_op *op, enum api_error error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* API_OK when the table is ACTIVE. */
enum api_error exec__refuse_in_use(struct exec_op *op, const Tercet__Pb__TableDescriptor *d);
/* Replace a malloc'd text of a record. */
void exec__set_text(char **field, struct tc_slice text);

/* exec_describe.c: append {"member": the table's description}. */
void exec__answer_table(struct exec_op *op, const char *member,
                        const Tercet__Pb__TableDescriptor *d);

#endif
