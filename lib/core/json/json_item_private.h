/* Parts of json_item: reading values (json_item_read.c), sets (json_item_set.c), and putting the
 * entries of a container in order (json_item_order.c). */
#ifndef TC_CORE_JSON_ITEM_PRIVATE_H
#define TC_CORE_JSON_ITEM_PRIVATE_H

#include "core/json/json_item.h"

/* An entry of an open map or set, by offsets into out (which may move while it grows). */
struct json_span {
    size_t key_at; /* name of an attribute, content of a set's element */
    size_t key_len;
    size_t at; /* all of the entry */
    size_t end;
};

/* A container whose entries are being appended to out. */
struct json_open {
    size_t head_at;  /* where its counts will stand; entries begin JSON_HEAD_BYTES later */
    size_t spans_at; /* its first span on the stack */
    uint64_t count;
    bool ordered; /* so far every key is greater than the one before */
    bool is_item; /* no byte length */
};

#define JSON_DEEP_TEXT                                                                             \
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "    \
    "beyond supported limit"

/* Room for the byte length and the count, closed up when they are known. */
enum {
    JSON_HEAD_BYTES = 10
};

struct json_open json__open(struct json_item *j, bool is_item);
/* An entry [at, out->len) with its key was appended. */
void json__entry(struct json_item *j, struct json_open *open, struct json_span span);
/* Write the head and move the entries in order behind it. TC_EEXISTS: two keys are equal; out is
 * then only good for being cut off. */
TC_MUST_USE tc_err json__close(struct json_item *j, struct json_open *open);

/* Remember the first ValidationException and go on, because a SerializationException behind it
 * would win. */
void json__invalid(struct json_item *j, const char *text, struct tc_slice detail);
/* Give up: the value has another JSON type than wanted, or the reader failed with err. */
TC_MUST_USE tc_err json__refuse(struct json_item *j, struct json_reader *r, const char *wanted,
                                tc_err err);

/* Append length and content, with the type byte if type is not 0. Returns where content stands. */
size_t json__put(struct json_item *j, enum item_type type, struct tc_slice content);
/* Read one scalar's content as S, N or B and append it; ret_at, ret_len (in out) is the content. */
TC_MUST_USE tc_err json__scalar(struct json_item *j, struct json_reader *r, enum item_type scalar,
                                bool typed, struct json_span *ret_span);
TC_MUST_USE tc_err json__set(struct json_item *j, struct json_reader *r, enum item_type type);

#endif
