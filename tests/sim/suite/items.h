/* items: what a table or an index shows, read from answers of the API and compared.
 *
 * Values are flat, so each item of an answer ends with "}}". An attribute that is not there is 0:
 * no client writes a 0. Memory: heap, until suite_items_deinit.
 */
#ifndef TC_SIM_SUITE_ITEMS_H
#define TC_SIM_SUITE_ITEMS_H

#include "sim/suite/client.h"

enum suite_attribute {
    ITEM_STAMP = 1,
    ITEM_COUNT = 2,
    ITEM_LOCAL = 4,
    ITEM_GLOBAL = 8,
    ITEM_MORE = 16,
    ITEM_EVERYTHING = 31,
};

struct suite_item {
    char pk[16];
    char sk[8];
    uint64_t stamp;
    uint64_t count;
    uint64_t local; /* letter 1 to 3 */
    uint64_t global;
    uint64_t more;
};

struct suite_items {
    struct suite_item *at;
    size_t count;
    size_t cap;
};

/* The items of an answer, behind what is there. */
void suite_items_read(struct suite_items *list, struct tc_slice body);
/* Those of the table that an index has, with no more attributes than it projects; needs, projects:
 * bits of enum suite_attribute. */
void suite_items_derive(const struct suite_items *table, unsigned needs, unsigned projects,
                        struct suite_items *ret);
/* Sorts both; false: the text says how they differ. */
bool suite_items_equal(struct suite_items *is, struct suite_items *should, char *text, size_t max);
const struct suite_item *suite_items_find(const struct suite_items *list, const char *pk,
                                          const char *sk);
void suite_items_clear(struct suite_items *list);
void suite_items_deinit(struct suite_items *list);

/* All pages of a scan; index NULL: the table itself, read strongly. The items are lent for the
 * call of done. */
typedef void (*suite_scan_fn)(struct suite *s, enum suite_class class,
                              const struct suite_items *items);
void suite_scan(struct suite *s, const char *index, bool strong, suite_scan_fn done);

#endif
