/* index: the table with a local and a global index, and a global one that comes and goes.
 *
 * Each stamp that a client writes says by its lowest four bits which keys of the indexes the item
 * has (suite_stamp_local, suite_stamp_global; 0: none), so a state of an item tells which rows it
 * must have, and a strong read of the local index is one more read of the keys' histories.
 *
 *   by-l   local: pk, l                         by-g   global: g
 *   by-h   global: g, stamp; an operator creates and drops it (index_order.c)
 *
 * Besides the keys with histories there are fillers, one a partition key value: the first ones come
 * and go, the others are written once, or twice at the same
 * time, most of them while by-h is being filled.
 */
#ifndef TC_SIM_SUITE_INDEX_H
#define TC_SIM_SUITE_INDEX_H

#include "sim/suite/items.h"

enum {
    SUITE_FILLERS_MAX = 400,
    SUITE_FILLERS_LIVE = 24,
};

struct suite_filler {
    uint64_t stamp;
    uint64_t other; /* half of them are written twice at the same time; else the stamp again */
    bool known;     /* all answers were good, and nobody writes it again */
};

struct suite_index {
    struct suite_filler fillers[SUITE_FILLERS_MAX];
    uint32_t filler_count;
    uint32_t fillers_out;
    bool is_there;       /* by-h is ACTIVE, seen by a look after `judging` */
    uint64_t made, gone; /* how often by-h was ACTIVE, was dropped */
};

/* ---- index_client.c: what clients do with indexes */

/* A stamp with letters; just a number without indexes. */
uint64_t suite_stamp_new(struct suite *s);
/* ,"l":{...},"g":{...},"more":{...} of a stamp. */
void suite_index_put_attributes(struct suite *s, struct tc_buf *b, uint64_t stamp);
/* More of an UpdateExpression's SET and REMOVE, and its values. */
void suite_index_put_update(struct suite *s, struct tc_buf *b, uint64_t stamp);
void suite_index_put_values(struct suite *s, struct tc_buf *b, uint64_t stamp);
/* Values :l and :g of any letters, for an item without a stamp. */
void suite_index_put_letters(struct suite *s, struct tc_buf *b);
/* An operation on indexes or fillers; NULL: not this time. */
const char *suite_index_build(struct suite_op *op, struct tc_buf *b);
void suite_index_answered(struct suite_op *op, enum suite_class class, struct tc_slice body);
/* CreateTable's members. */
void suite_index_put_definitions(struct suite *s, struct tc_buf *b);
/* What by-g and by-h, or by-l, project besides their keys: bits of enum suite_attribute. */
unsigned suite_index_projects(const struct suite *s, bool global);
/* "ProjectionType":... */
void suite_index_put_projection(const struct suite *s, bool global, struct tc_buf *b);
void suite_index_filler_name(uint32_t filler, char *out, size_t max);
/* Write a filler that nobody has written; done is called with it. False: there are enough. */
bool suite_index_fill(struct suite *s, suite_fn done);

/* ---- index_order.c: the operator */

void suite_index_begin(struct suite *s);

/* ---- index_judge.c */

void suite_index_judge(struct suite *s);

#endif
