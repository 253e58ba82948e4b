/* Records of tables in the system table: reading one, writing one, and the change that most
 * operations on tables are. autoadmin carries out what a record asks for. */
#ifndef TC_ROUTER_EXEC_TABLE_H
#define TC_ROUTER_EXEC_TABLE_H

#include "exec_settings.h"

#include "proto/system.pb-c.h"

typedef void (*exec_call_done)(struct route_call *c, tc_err err, const ProtobufCMessage *reply,
                               const Tercet__Pb__Partition *partition);

/* Read the record of a table; done with op as the call's user. */
void exec__table_read(struct exec_op *op, struct tc_slice name, exec_call_done done);
/* The descriptor in the reply to a read; the caller frees it. NULL: the failure was answered; that
 * there is none with what the client named it by: kind is "Table" or "ResourceArn". */
Tercet__Pb__TableDescriptor *exec__table_take(struct exec_op *op, const char *kind,
                                              struct tc_slice name, tc_err err,
                                              const ProtobufCMessage *reply);
/* Read a table's record and what autoadmin counted of it. described answers and completes; count is
 * NULL for a table that has not been counted yet. */
typedef void (*exec_described)(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                               const Tercet__Pb__TableCount *count);
void exec__table_describe(struct exec_op *op, struct tc_slice name, exec_described described);
/* Read what was counted of a table, and take it out of the reply: to be freed; NULL with TC_OK:
 * nothing yet. */
void exec__count_read(struct exec_op *op, uint64_t table_id, exec_call_done done);
TC_MUST_USE tc_err exec__count_take(tc_err err, const ProtobufCMessage *reply,
                                    Tercet__Pb__TableCount **ret_count);
void exec__count_free(Tercet__Pb__TableCount *count); /* NULL is a no-op */
/* Write d if the stored version is `expected`, 0 for none; otherwise done gets TC_ECONDITION. */
void exec__table_write(struct exec_op *op, const Tercet__Pb__TableDescriptor *d, uint64_t expected,
                       exec_call_done done);

/* exec_change.c: a change of a record: read, apply, write if nobody wrote meanwhile; else again, a
 * few times. */
struct exec_change {
    struct tc_slice table_name;
    struct tc_slice arn; /* as the client named it; data NULL: by table_name */
    /* Change d, whose fields are malloc'd. Anything but API_OK (see exec__refuse) is answered with
     * the text in op->diag, and nothing is written. */
    enum api_error (*apply)(struct exec_op *op, Tercet__Pb__TableDescriptor *d);
    /* What the table is to have counts against the quotas; NULL: never. */
    bool (*counts)(const struct exec_op *op);
    bool counted; /* the answer is to have exec__change_count */
    /* Append the answer's body; d is as written. NULL: the body is empty. */
    void (*answer)(struct exec_op *op, const Tercet__Pb__TableDescriptor *d);
};
void exec__table_change(struct exec_op *op, const struct exec_change *change);
/* For answer: what the table holds; NULL: not known. */
const Tercet__Pb__TableCount *exec__change_count(const struct exec_op *op);

/* exec_quota.c: go on with `then` if d, as it is to be, fits beside all other tables; or answer
 * that it does not. d stays as it is until then. */
void exec__check_quota(struct exec_op *op, const Tercet__Pb__TableDescriptor *d, bool creating,
                       void (*then)(struct exec_op *op));

/* Put a text into diag; returns error, for apply. */
enum api_error exec__refuse(struct tc_buf *diag, enum api_error error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What exec_settings.h asks for, of a request. */
struct exec_settings exec__settings(struct exec_op *op);
/* API_OK when the table is ACTIVE. */
enum api_error exec__refuse_in_use(struct exec_op *op, const Tercet__Pb__TableDescriptor *d);
/* Replace a malloc'd text of a record. */
void exec__set_text(char **field, struct tc_slice text);

/* exec_describe.c: the table's description, for api_write_table. */
struct api_table_description exec__description(struct exec_op *op,
                                               const Tercet__Pb__TableDescriptor *d,
                                               const Tercet__Pb__TableCount *count);

#endif
