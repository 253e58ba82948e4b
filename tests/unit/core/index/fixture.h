/* One schema and items written as DynamoDB JSON. */
#ifndef TESTS_INDEX_FIXTURE_H
#define TESTS_INDEX_FIXTURE_H

#include "core/index/index.h"

#define NAME(text) TC_SLICE_LIT(text)

/* Holds the bytes of the last item read into it. */
struct text_item {
    struct tc_buf bytes;
};
struct tc_slice item_of(struct text_item *t, const char *json);
/* pk S, sk N; local 1 on l N, keys only; global 9 on g S and h N with x; expiry time t. */
struct index_schema music(void);
/* The item's storage key, checked, in place of what out held. */
void base_key_of(const struct index_schema *s, struct tc_slice item, struct tc_buf *out);

int range_tests(void);
int aux_tests(void);
int derive_tests(void);

#endif
