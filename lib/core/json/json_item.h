/* DynamoDB JSON, both ways: {"a":{"S":"x"},"n":{"N":"1"}} <-> item encoding (core/item).
 *
 * Pure; one pass, no tree. Scratch memory is kept by struct json_item between calls so that the hot
 * path does not allocate; one per thread.
 *
 * Errors come in the API's order: a SerializationException anywhere in the value wins over a
 * ValidationException found earlier.
 */
#ifndef TC_CORE_JSON_ITEM_H
#define TC_CORE_JSON_ITEM_H

#include "core/item/item.h"
#include "core/json/json.h"

enum {
    JSON_DIAG_TEXT_BYTES_MAX = 1024,
    JSON_ITEM_DEPTH = 2 * (ITEM_DEPTH_MAX + 2), /* JSON depth that a legal item needs */
};

/* Which exception the client gets, and its message. */
enum json_diag_kind {
    JSON_DIAG_NONE,
    JSON_DIAG_SERIALIZATION, /* SerializationException */
    JSON_DIAG_VALIDATION,    /* ValidationException */
};

struct json_diag {
    enum json_diag_kind kind;
    char text[JSON_DIAG_TEXT_BYTES_MAX]; /* NUL-terminated, cut at a character; may be empty when
                                            the bytes are not JSON at all */
};

/* A zeroed struct is ready for use. */
/* Java's package of the shapes of the model. */
#define JSON_DIAG_MODEL "com.amazonaws.dynamodb.v20120810."

struct json_item {
    struct tc_buf spans;  /* stack of the entries of open maps and sets */
    struct tc_buf copy;   /* body of a container while it is put in order */
    struct tc_buf sorted; /* views into copy */
    struct tc_buf *out;
    struct json_diag *diag;
    size_t base; /* of this value in out */
};

void json_item_deinit(struct json_item *j);

/* Read an attribute map and append it to out as an item.
 *   Errors  TC_EINVAL, TC_ELIMIT, TC_ETYPE, TC_ENOMEM with diag filled; out is as before
 */
TC_MUST_USE tc_err json_item_read(struct json_item *j, struct json_reader *r, struct tc_buf *out,
                                  struct json_diag *diag);
/* One attribute value, {"S":"x"}, appended as an encoded value. */
TC_MUST_USE tc_err json_item_read_value(struct json_item *j, struct json_reader *r,
                                        struct tc_buf *out, struct json_diag *diag);

/* Append DynamoDB JSON of checked bytes. */
void json_item_write(struct tc_buf *out, struct tc_slice item);
void json_item_write_value(struct tc_buf *out, struct item_value v);

/* Fill diag with the SerializationException that the API gives when a member of the named Java
 * type ("String", "Boolean", "Integer", "Long", "List", "AttributeValue", ...) holds the value that
 * the reader stands before, which is of another type and stays unread.
 */
void json_diag_type(struct json_diag *diag, const char *wanted, const struct json_reader *r);
/* The same where a map is wanted; element: the Java type of what it maps to, "java.lang.String". */
void json_diag_map(struct json_diag *diag, const char *element, const struct json_reader *r);
/* The same where a structure of the model is wanted. name: of its shape, NULL: the whole body.
 * member: it is a member of another structure, not an element of a list or map. */
void json_diag_struct(struct json_diag *diag, const char *name, bool member,
                      const struct json_reader *r);

#endif
