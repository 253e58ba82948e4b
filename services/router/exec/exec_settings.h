/* Settings of a table, as requests change them in its record.
 *
 * Pure: the time is an argument. Each function changes d, or returns an error with the API's text
 * in c->diag and leaves d in a state that must not be written.
 */
#ifndef TC_ROUTER_EXEC_SETTINGS_H
#define TC_ROUTER_EXEC_SETTINGS_H

#include "exec_private.h"

enum {
    EXEC_DECREASES_AT_ONCE = 4,      /* of provisioned throughput in a UTC day; then one an hour */
    EXEC_CLASS_CHANGES_MAX = 2,      /* in 30 days */
    EXEC_ON_DEMAND_SWITCHES_MAX = 4, /* in 24 hours */
};

#define EXEC_MORE_LIMITS                                                                           \
    "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request "          \
    "higher limits."

struct exec_settings {
    struct tc_buf *diag;
    uint64_t now_ms; /* wall clock */
    struct tc_slice region;
    const struct exec_limits *limits;
};

static inline bool exec__is_on_demand(const Tercet__Pb__TableDescriptor *d) {
    return d->billing == TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND;
}

/* Throughput that a table can take now and at once, for the API's WarmThroughput. */
struct exec_warm {
    uint64_t read_units, write_units;
    bool growing; /* more was asked for, and partitions are being made for it */
};
struct exec_warm exec__warm_now(const Tercet__Pb__TableDescriptor *d);

/* A new table: fills in warm throughput and the partitions that it needs. */
enum api_error exec__start_warm(const struct exec_settings *c, const struct api_warm *asked,
                                Tercet__Pb__TableDescriptor *d);
enum api_error exec__start_maxima(const struct exec_settings *c, const struct api_on_demand *asked,
                                  Tercet__Pb__TableDescriptor *d);
/* Units of a request against what a table may have. */
enum api_error exec__check_units(const struct exec_settings *c, const struct api_throughput *asked);

/* BillingMode and ProvisionedThroughput of UpdateTable, either may be absent. */
enum api_error exec__set_billing(const struct exec_settings *c, const struct api_update_table *in,
                                 Tercet__Pb__TableDescriptor *d);
enum api_error exec__set_maxima(const struct exec_settings *c, const struct api_on_demand *asked,
                                Tercet__Pb__TableDescriptor *d);
enum api_error exec__set_warm(const struct exec_settings *c, const struct api_warm *asked,
                              Tercet__Pb__TableDescriptor *d);
/* table_class as in api_update_table */
enum api_error exec__set_class(const struct exec_settings *c, unsigned table_class,
                               Tercet__Pb__TableDescriptor *d);
enum api_error exec__set_ttl(const struct exec_settings *c,
                             const struct api_ttl_specification *asked,
                             Tercet__Pb__TableDescriptor *d);

/* Keep at least that much ready from now on; before anything else of d is changed. */
void exec__raise_warm(Tercet__Pb__TableDescriptor *d, uint64_t reads, uint64_t writes);
/* Add now to the times of changes of one kind; API_LIMIT_EXCEEDED with the text `what` when max of
 * them lie within the window. */
enum api_error exec__note_change(const struct exec_settings *c, uint64_t **at, size_t *count,
                                 uint64_t window_ms, size_t max, const char *what);

/* exec_tags.c: sorted by key; at most API_TAGS_MAX afterwards. */
enum api_error exec__add_tags(const struct exec_settings *c, const struct api_list *tags,
                              Tercet__Pb__TableDescriptor *d);
void exec__drop_tags(const struct api_slices *keys, Tercet__Pb__TableDescriptor *d);

/* One more decrease of a table's throughput, or of an index's, which are counted apart: four in a
 * UTC day at any time, after them one each hour. */
enum api_error exec__count_decrease(const struct exec_settings *c, uint64_t *last_ms,
                                    uint32_t *decreases);
/* Decreases of today, when the last one was on an earlier day: 0. */
uint32_t exec__decreases_today(uint64_t last_decrease_ms, uint32_t decreases, uint64_t now_ms);
const char *exec__class_name(unsigned table_class);

#endif
