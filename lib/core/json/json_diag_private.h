/* Filling diagnoses; only the reading half of json_item does. */
#ifndef TC_CORE_JSON_DIAG_PRIVATE_H
#define TC_CORE_JSON_DIAG_PRIVATE_H

#include "core/json/json_item.h"

/* Start a text anew. */
void json__diag_set(struct json_diag *d, enum json_diag_kind kind, const char *text);
/* Extend it; what does not fit is cut off at a character. */
void json__diag_add(struct json_diag *d, struct tc_slice text);

#endif
