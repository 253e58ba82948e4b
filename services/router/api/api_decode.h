/* Decoder of request bodies: JSON straight into the struct of an operation, by its field table.
 *
 * Pure but for the scratch buffers it keeps between requests; one per thread.
 * Errors come in the order of the API: SerializationException wherever a JSON type is wrong, then
 * all violated constraints in one ValidationException ("2 validation errors detected: ..."), then
 * members that exclude each other, faults of attribute values, the rules of the operation, and
 * last the placeholders: their names, then their values.
 */
#ifndef TC_ROUTER_API_DECODE_H
#define TC_ROUTER_API_DECODE_H

#include "base/arena.h"
#include "core/json/json_item.h"
#include "router/api/api_op.h"

enum {
    API_PATH_DEPTH_MAX = 12,
    API_CONSTRAINTS_MAX = 10, /* told at once */
    API_JSON_DEPTH_MAX = 100,
    API_VALUE_TEXT_BYTES_MAX = 256, /* of an offending value, in a message */
};

struct api_path_step {
    const char *name;    /* a member, written with a lower-case first letter */
    struct tc_slice key; /* of a map, when name is NULL and data is not */
    size_t index;        /* of a list, from 1, otherwise */
};

struct api_decoder {
    struct json_item item;
    struct tc_buf scratch;
    struct tc_buf constraints; /* texts of violated constraints, "; " between */
    unsigned constraint_count;
    struct json_diag diag;              /* last of the JSON layer */
    struct json_diag item_fault;        /* the first ValidationException of an attribute value */
    struct json_diag placeholder_fault; /* the first of one in ExpressionAttributeValues */
    bool in_placeholders;
    const char *missing; /* first parameter whose absence is told plainly */
    const char *refused; /* first parameter that is not supported yet */
    struct api_path_step path[API_PATH_DEPTH_MAX];
    unsigned path_depth;
    struct json_reader reader;
    struct tc_arena *arena;
    enum api_error error;
    struct tc_buf text; /* of the error */
};

void api_decoder_deinit(struct api_decoder *d);
/* Decode body for op. Returns the struct of the operation in the arena, or NULL with d->error and
 * d->text set. */
void *api_decode(struct api_decoder *d, const struct api_op_info *op, struct tc_slice body,
                 struct tc_arena *arena);

/* For the rules of operations: report and return false. */
bool api_invalid(struct api_decoder *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool api_refuse(struct api_decoder *d, enum api_error error, const char *text);

#endif
