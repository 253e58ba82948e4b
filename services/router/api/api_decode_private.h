/* Shared by the decoder's files. */
#ifndef TC_ROUTER_API_DECODE_PRIVATE_H
#define TC_ROUTER_API_DECODE_PRIVATE_H

#include "router/api/api_decode.h"

/* Reading functions return TC_OK, or a failure that ends the request with d->error set. */
TC_MUST_USE tc_err api__read_struct(struct api_decoder *d, const struct api_shape *shape, void *at);
TC_MUST_USE tc_err api__read_field(struct api_decoder *d, const struct api_field *f, void *at);
/* api_decode_item.c: members that hold attribute values and placeholders. */
TC_MUST_USE tc_err api__read_item(struct api_decoder *d, struct tc_slice *ret_item);
TC_MUST_USE tc_err api__read_item_list(struct api_decoder *d, const struct api_field *f,
                                       struct api_slices *at);
TC_MUST_USE tc_err api__read_value(struct api_decoder *d, struct tc_slice *ret_value);
TC_MUST_USE tc_err api__read_value_list(struct api_decoder *d, const struct api_field *f,
                                        struct api_slices *at);
TC_MUST_USE tc_err api__read_names(struct api_decoder *d, struct api_bindings *at);
TC_MUST_USE tc_err api__read_values(struct api_decoder *d, struct api_bindings *at);
TC_MUST_USE tc_err api__read_text(struct api_decoder *d, struct tc_slice *ret_text);

/* api_decode_list.c */
TC_MUST_USE tc_err api__read_struct_list(struct api_decoder *d, const struct api_field *f,
                                         struct api_list *at);
TC_MUST_USE tc_err api__read_string_list(struct api_decoder *d, const struct api_field *f,
                                         struct api_slices *at);
/* From names of tables or attributes to structs, or to lists of structs. */
TC_MUST_USE tc_err api__read_map(struct api_decoder *d, const struct api_field *f,
                                 struct api_list *at);
/* Room for one more element of bytes each; *cap counts elements. NULL: d->error is set. */
void *api__grow(struct api_decoder *d, void *items, size_t count, size_t *cap, size_t bytes);

/* api_decode.c */
/* arn:aws:dynamodb:region:account:table/NAME -> NAME; any other text as it is. */
struct tc_slice api__table_name(struct tc_slice s);
/* The first fault of a value in ExpressionAttributeValues; true: there is none. */
bool api__check_placeholder_fault(struct api_decoder *d);

/* api_decode_fault.c: faults that end the request. */
void api__fail(struct api_decoder *d, enum api_error error, struct tc_slice text);
tc_err api__serialization(struct api_decoder *d, const char *text);
/* Turn a failure of the JSON layer into d->error and return it. wanted: the Java type of the
 * member, "" if it cannot be of a wrong type here. */
tc_err api__json_fail(struct api_decoder *d, tc_err err, const char *wanted);
/* The same where a map is wanted; element: the Java type of what it maps to. */
tc_err api__map_fail(struct api_decoder *d, tc_err err, const char *element);
/* The same where a struct of this shape is wanted. */
tc_err api__struct_fail(struct api_decoder *d, tc_err err, const struct api_shape *shape);

/* api_constraint.c */
void api__push_name(struct api_decoder *d, const char *name);
void api__push_key(struct api_decoder *d, struct tc_slice key);
void api__push_index(struct api_decoder *d, size_t index);
void api__pop(struct api_decoder *d);
/* A violated constraint of the member at the path; value is rendered as given. */
void api__violate(struct api_decoder *d, struct tc_slice value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void api__violate_missing(struct api_decoder *d);
void api__check_string(struct api_decoder *d, const struct api_field *f, struct tc_slice s);
void api__check_integer(struct api_decoder *d, const struct api_field *f, int64_t value);
void api__check_count(struct api_decoder *d, const struct api_field *f, size_t count);
/* A key of a map of attributes: its length. Whether keys differ is told by api__check_unique. */
void api__check_attribute(struct api_decoder *d, struct tc_slice name);
/* Structs of this size that begin with their key. */
TC_MUST_USE tc_err api__check_unique(struct api_decoder *d, const struct api_list *list,
                                     size_t struct_bytes);
/* The same of a list of structs, which before can read again, to show it. */
void api__check_list(struct api_decoder *d, const struct api_field *f, size_t count,
                     struct json_reader before);
/* api_show.c: append a list as the service shows it in messages; false: not a kind it shows. */
bool api__show_list(const struct api_field *f, struct json_reader reader, struct tc_buf *out);
/* A key of RequestItems: a table's name, as none of those in the list. */
void api__check_table_key(struct api_decoder *d, const struct api_list *list, size_t struct_bytes,
                          struct tc_slice key);
/* 0 and a violation when s is none of the names. */
unsigned api__check_enum(struct api_decoder *d, const struct api_field *f, struct tc_slice s);

#endif
