/* Shared by exec's files: the state of one request. */
#ifndef TC_ROUTER_EXEC_PRIVATE_H
#define TC_ROUTER_EXEC_PRIVATE_H

#include "router/exec/exec.h"

#include "base/assert.h"
#include "proto/bytes.h"

enum {
    EXEC__WANT_OLD = 1,
    EXEC__WANT_NEW = 2,
    EXEC__WANT_ON_FAILURE = 4,
    EXEC__UNIT_MU = 1000,
    EXEC__WRITE_UNIT_BYTES = 1024,
    EXEC__READ_UNIT_BYTES = 4096,
};

/* Compiled expressions; empty when not given. */
struct exec_programs {
    struct tc_buf condition;
    struct tc_buf update;
    struct tc_buf projection;
    struct tc_buf filter;
};

struct exec_op {
    struct exec *exec;
    struct api_request *req;
    uint64_t deadline_ns;
    struct route_find find;
    struct route_table *table;
    struct exec_programs programs;
    const struct expr_node *key_condition; /* of a query, not yet held against its schema */
    struct tc_buf key;                     /* storage key */
    struct tc_buf item;                    /* key attributes of an update */
    struct tc_buf diag;
    struct route_call call;
    /* What to do once the table is there. */
    void (*found)(struct exec_op *op);
    void *state; /* of paging and batches */
    void (*free_state)(void *state);
};

/* exec.c */
struct exec_op *exec__op_new(struct exec *e, struct api_request *req);
/* Free everything that the op holds; before the request is completed. */
void exec__op_deinit(struct exec_op *op);
/* Deinit and answer. */
void exec__fail(struct exec_op *op, enum api_error error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* ValidationException with the text collected in op->diag. */
void exec__invalid(struct exec_op *op);
void exec__complete(struct exec_op *op);
/* Look the table up and go on with op->found, or answer that there is none. */
void exec__find(struct exec_op *op, struct tc_slice table_name, void (*found)(struct exec_op *op));
/* Answer for a failed storage call; message: of the reply, or NULL. */
void exec__storage_error(struct exec_op *op, tc_err err, const char *message);
/* Its partitions can take no more: the exception that fits the table's billing mode. */
void exec__throttled(struct exec_op *op);
/* The same of a global index, on which a write has to wait. */
void exec__throttled_index(struct exec_op *op);
/* The table's own limit is reached, as provisioned or as the maximum of an on-demand table. */
void exec__over_limit(struct exec_op *op);
bool exec__is_throttle(tc_err err);
/* Refused without having been applied, worth another try by the client. */
bool exec__is_retryable(tc_err err);
const char *exec__pb_text(const char *s); /* NULL for "" */

static inline ProtobufCBinaryData exec__pb(const struct tc_buf *b) {
    return proto_bytes(tc_buf_slice(b));
}

/* exec_key.c: keys by the table's schema. On failure diag has the API's text. */
/* Append the storage key of an item that is put. */
TC_MUST_USE tc_err exec__key_of_item(const Tercet__Pb__TableDescriptor *d, struct tc_slice item,
                                     struct tc_buf *ret_key, struct tc_buf *diag);
/* The same of a Key parameter: exactly the key attributes. */
TC_MUST_USE tc_err exec__key_of_key(const Tercet__Pb__TableDescriptor *d, struct tc_slice key,
                                    struct tc_buf *ret_key, struct tc_buf *diag);
/* Are the key attributes there, of their types? A batch tells no more of what is put. */
bool exec__item_has_key(const Tercet__Pb__TableDescriptor *d, struct tc_slice item);
/* Append an item of only the key attributes of item. */
void exec__project_key(const Tercet__Pb__TableDescriptor *d, struct tc_slice item,
                       struct tc_buf *out);
struct expr_key_schema exec__key_schema(const Tercet__Pb__TableDescriptor *d);
/* Does the program reach into no key attribute of the table or of an index? */
bool exec__check_scalar_keys(const Tercet__Pb__TableDescriptor *d, struct tc_slice program,
                             struct tc_buf *diag);

/* exec_range.c: the storage keys [start, end) that a key condition selects; empty when start is not
 * below end. Both buffers are overwritten. */
void exec__range(const struct expr_key_range *range, struct tc_buf *ret_start,
                 struct tc_buf *ret_end);

/* exec_compile.c: false, with the text in op->diag. */
struct exec_expressions {
    struct tc_slice condition, update, projection, filter;
    struct tc_slice key_condition; /* parsed only, into op->key_condition */
    const struct api_slices *attributes_to_get;
    struct expr_bindings *names, *values;
};
bool exec__compile(struct exec_op *op, const struct exec_expressions *x);

/* exec_legacy.c: false, with the text in op->diag. Lists are those of api_types.h, checked there.
 */
/* Append a program; an empty list appends none. */
bool exec__compile_conditions(struct exec_op *op, enum expr_kind kind, const struct api_list *list,
                              unsigned conditional_operator, struct tc_buf *out);
bool exec__compile_key_conditions(struct exec_op *op, const struct api_list *list,
                                  const struct expr_key_schema *schema,
                                  struct expr_key_range *ret_range);
bool exec__compile_updates(struct exec_op *op, const struct api_list *list);
bool exec__compile_names(struct exec_op *op, const struct api_slices *names);

/* exec_capacity.c: milli-units. */
uint64_t exec__write_mu(uint64_t old_bytes, uint64_t new_bytes);
uint64_t exec__read_mu(uint64_t bytes, bool consistent);
struct api_consumed exec__consumed(struct exec_op *op, unsigned detail, uint64_t units_mu);

/* The operations. */
void exec__get_item(struct exec_op *op);
void exec__put_item(struct exec_op *op);
void exec__update_item(struct exec_op *op);
void exec__delete_item(struct exec_op *op);
void exec__query(struct exec_op *op);
void exec__scan(struct exec_op *op);
void exec__batch_get(struct exec_op *op);
void exec__batch_write(struct exec_op *op);
void exec__create_table(struct exec_op *op);
void exec__describe_table(struct exec_op *op);
void exec__list_tables(struct exec_op *op);
void exec__update_table(struct exec_op *op);
void exec__delete_table(struct exec_op *op);
void exec__tag_resource(struct exec_op *op);
void exec__untag_resource(struct exec_op *op);
void exec__list_tags(struct exec_op *op);
void exec__update_ttl(struct exec_op *op);
void exec__describe_ttl(struct exec_op *op);
void exec__describe_limits(struct exec_op *op);
void exec__describe_endpoints(struct exec_op *op);
void exec__transact(struct exec_op *op);
void exec__unbuilt(struct exec_op *op);

#endif
