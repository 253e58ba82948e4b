/* Shared by the files of core/json only. */
#ifndef TC_CORE_JSON_PRIVATE_H
#define TC_CORE_JSON_PRIVATE_H

#include "core/json/json.h"

/* Make the reader failed (the first failure stays) and return its error. */
tc_err json__fail(struct json_reader *r, tc_err err, const uint8_t *at);
/* The reader stands on the opening quote. */
TC_MUST_USE tc_err json__string(struct json_reader *r, struct tc_slice *ret_text);
TC_MUST_USE tc_err json__string_skip(struct json_reader *r);
/* json_object_next without the key. */
TC_MUST_USE tc_err json__object_next_skip(struct json_reader *r, bool *ret_more);

#endif
