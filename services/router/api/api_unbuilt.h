/* Operations that are known and not built: their parameters are decoded and checked as the service
 * model says, and then they answer what is true: that there is no such backup, an empty list, or
 * that the operation is not supported. Never a success that did nothing. */
#ifndef TC_ROUTER_API_UNBUILT_H
#define TC_ROUTER_API_UNBUILT_H

#include "router/api/api_op.h"

struct api_request;

/* Input of all of them: nothing is kept but the name or ARN of what the operation is about, and
 * whether it asks for more than there is. */
struct api_unbuilt_input {
    struct tc_slice resource;
    const struct api_unbuilt_input *settings; /* PointInTimeRecoverySpecification */
    unsigned setting;         /* PointInTimeRecoveryEnabled, ContributorInsightsAction */
    struct tc_slice index;    /* IndexName */
    struct tc_slice revision; /* ExpectedRevisionId */
    union {
        struct tc_slice text;
        unsigned choice;
        struct api_integer integer;
        void *pointer;
        struct api_list list;
        struct api_slices slices;
        struct api_bindings bindings;
    } slot;
};

struct api_unbuilt {
    const char *name;
    enum api_error no_table; /* the resource is a table: what to answer if there is no such table;
                                API_OK: no table is looked for */
    enum api_error error;    /* API_OK: text is the body of the answer */
    const char *text; /* '$' stands for the resource, or its table's name if a table is looked for;
                         '@' for it as given, '#' for the member IndexName; NULL: not supported */
    const struct api_shape *shape;
};

/* NULL: no such row. */
const struct api_unbuilt *api_unbuilt_find(const char *op_name);
/* In a word or two, for the documentation. */
const char *api_unbuilt_summary(const struct api_unbuilt *u);
/* The table that must exist before the operation is answered; empty: none. */
struct tc_slice api_unbuilt_table(const struct api_request *req);
/* The index of that table that must exist too; empty: none. */
struct tc_slice api_unbuilt_index(const struct api_request *req);
/* Answer req; its table, if it needs one, exists or does not. */
void api_unbuilt_answer(struct api_request *req, bool table_exists);

#endif
