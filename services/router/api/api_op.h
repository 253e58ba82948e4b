/* The operations of the API and the tables that describe their parameters: a new parameter is a
 * row, a new operation a row and its fields. */
#ifndef TC_ROUTER_API_OP_H
#define TC_ROUTER_API_OP_H

#include "router/api/api_error.h"
#include "router/api/api_types.h"

struct api_shape;
struct api_decoder;

/* What a member holds and where it goes. Comments name the field's type in the struct. */
enum api_kind {
    API_KIND_STRING,      /* struct tc_slice */
    API_KIND_TABLE,       /* struct tc_slice: a table's name, taken out of an ARN if it is one */
    API_KIND_BOOL,        /* unsigned, enum api_bool */
    API_KIND_INTEGER,     /* struct api_integer */
    API_KIND_LONG,        /* struct api_integer */
    API_KIND_NUMBER,      /* struct tc_slice: the literal of a double or a timestamp */
    API_KIND_ENUM,        /* unsigned, 1 for the first name */
    API_KIND_STRUCT,      /* pointer to the shape's struct */
    API_KIND_STRUCT_LIST, /* struct api_list of the shape's structs */
    API_KIND_STRUCT_MAP,  /* the same; each struct begins with the key, a struct tc_slice */
    API_KIND_STRUCT_LIST_MAP, /* the same; the shape's only field takes the list */
    API_KIND_STRING_LIST,     /* struct api_slices */
    API_KIND_VALUE,           /* struct tc_slice: one encoded value */
    API_KIND_VALUE_LIST,      /* struct api_slices of them */
    API_KIND_ITEM,            /* struct tc_slice */
    API_KIND_ITEM_LIST,       /* struct api_slices */
    API_KIND_NAME_MAP,        /* struct api_bindings */
    API_KIND_VALUE_MAP,       /* struct api_bindings */
    API_KIND_REFUSED,         /* no field: parsed, and the request refused as not supported yet */
};

enum {
    API_REQUIRED = 1,
    API_NAME_PATTERN = 2, /* [a-zA-Z0-9_.-]+ */
    /* The keys of a STRUCT_MAP are names of attributes, unique ones; without: of tables. */
    API_ATTRIBUTE_KEYS = 4,
    /* The service checks it in another layer, which tells neither value nor lower-case path. */
    API_TOLD_PLAINLY = 8,
    API_MISSING_PLAINLY = 16, /* the same, when it is absent */
};

struct api_field {
    const char *name;
    enum api_kind kind;
    unsigned flags;
    size_t offset;
    const struct api_shape *shape;
    const char *enum_names; /* "A, B, C" */
    int64_t min, max;       /* length, count or value; 0 max: unbounded */
};

struct api_shape {
    const struct api_field *fields;
    size_t count;
    size_t struct_bytes;
    const char *name; /* in the model; NULL: the input of an operation */
};

enum api_op {
    API_OP_BATCH_GET_ITEM,
    API_OP_BATCH_WRITE_ITEM,
    API_OP_CREATE_TABLE,
    API_OP_DELETE_ITEM,
    API_OP_DELETE_TABLE,
    API_OP_DESCRIBE_ENDPOINTS,
    API_OP_DESCRIBE_LIMITS,
    API_OP_DESCRIBE_TABLE,
    API_OP_DESCRIBE_TTL,
    API_OP_GET_ITEM,
    API_OP_LIST_TABLES,
    API_OP_LIST_TAGS,
    API_OP_PUT_ITEM,
    API_OP_QUERY,
    API_OP_SCAN,
    API_OP_TAG_RESOURCE,
    API_OP_UNTAG_RESOURCE,
    API_OP_UPDATE_ITEM,
    API_OP_UPDATE_TABLE,
    API_OP_UPDATE_TTL,
    API_OP_TRANSACT, /* checked in full, then answered with a typed error */
    API_OP_UNBUILT,  /* known by name, answered with a typed error */
};

struct api_op_info {
    const char *name;
    enum api_op op;
    bool streams; /* DynamoDBStreams_20120810 */
    const struct api_shape *shape;
    /* Rules beyond single members; NULL if none. False: an error was reported to the decoder. Which
     * members exclude each other is told before faults of attribute values, all else after them. */
    bool (*mix)(struct api_decoder *d, const void *input);
    bool (*check)(struct api_decoder *d, const void *input);
};

/* By the value of X-Amz-Target. NULL: no such operation. */
const struct api_op_info *api_op_find(struct tc_slice target);
/* All of them, in order of name; for metrics and tests. */
const struct api_op_info *api_op_all(size_t *ret_count);

extern const struct api_shape api_shape_create_table, api_shape_update_table, api_shape_table_only,
    api_shape_list_tables, api_shape_nothing, api_shape_put_item, api_shape_delete_item,
    api_shape_update_item, api_shape_get_item, api_shape_query, api_shape_scan, api_shape_batch_get,
    api_shape_batch_write, api_shape_update_ttl, api_shape_tag_resource, api_shape_untag_resource,
    api_shape_list_tags, api_shape_transact_get, api_shape_transact_write;

bool api_check_create_table(struct api_decoder *d, const void *input);
bool api_check_update_table(struct api_decoder *d, const void *input);
bool api_check_tag_resource(struct api_decoder *d, const void *input);
bool api_check_untag_resource(struct api_decoder *d, const void *input);
bool api_check_list_tags(struct api_decoder *d, const void *input);
bool api_check_tags(struct api_decoder *d, const struct api_list *tags); /* of api_tag */
bool api_mix_write_item(struct api_decoder *d, const void *input);
bool api_mix_update_item(struct api_decoder *d, const void *input);
bool api_mix_get_item(struct api_decoder *d, const void *input);
bool api_check_write_item(struct api_decoder *d, const void *input);
bool api_check_update_item(struct api_decoder *d, const void *input);
bool api_check_get_item(struct api_decoder *d, const void *input);
bool api_check_query(struct api_decoder *d, const void *input);
bool api_check_scan(struct api_decoder *d, const void *input);
bool api_check_batch_get(struct api_decoder *d, const void *input);
bool api_check_batch_write(struct api_decoder *d, const void *input);
bool api_check_transact(struct api_decoder *d, const void *input);

#endif
