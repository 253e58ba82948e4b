/* Shared by the files of rules. Each function reports to the decoder and returns false, or true. */
#ifndef TC_ROUTER_API_CHECK_PRIVATE_H
#define TC_ROUTER_API_CHECK_PRIVATE_H

#include "router/api/api_decode.h"

/* One parameter of a request and whether the client gave it. */
struct api_given {
    const char *name;
    bool given;
};
struct api_givens {
    const struct api_given *at;
    size_t count;
};

/* Legacy parameters and expressions exclude each other. */
bool api__check_mix(struct api_decoder *d, struct api_givens legacy, struct api_givens expressions);
/* api_condition of QueryFilter, ScanFilter: values that fit the operators. */
bool api__check_conditions(struct api_decoder *d, const struct api_list *conditions);
/* KeyConditions: only operators that select a range. How many fit is a matter of the schema. */
bool api__check_key_conditions(struct api_decoder *d, const struct api_list *conditions);
bool api__check_expected(struct api_decoder *d, const struct api_list *expected);
bool api__check_updates(struct api_decoder *d, const struct api_list *updates);
/* ConditionalOperator goes with at least two conditions. */
bool api__check_operator(struct api_decoder *d, unsigned conditional_operator,
                         const struct api_list *conditions);

/* ---- api_check_keys.c. A list's elements are structs of this size that begin with a name. */

bool api__is_named(const struct api_list *list, size_t bytes, struct tc_slice name);
/* "[a, b]" */
void api__list_names(const struct api_list *list, size_t bytes, struct tc_buf *out);
/* Every key of a table or an index is one of the AttributeDefinitions. */
bool api__check_defined(struct api_decoder *d, const struct api_list *keys,
                        const struct api_list *definitions);
/* HASH, then RANGE attributes, at most each_max of both, all defined. */
bool api__check_index_keys(struct api_decoder *d, const struct api_index *x,
                           const struct api_list *definitions, size_t each_max);

#endif
