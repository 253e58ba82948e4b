/* One group of the simulated cluster whose table has indexes and an expiry attribute: pk S, sk S;
 * local index 1 on l N with the keys; global index 9 on g S with all; expiry time t. */
#ifndef TEST_STORE_INDEX_FIXTURE_H
#define TEST_STORE_INDEX_FIXTURE_H

#include "cluster.h"

#include "core/index/index.h"

enum {
    STEP_MS = 20,
    PATIENCE = 500,
    LEFT = 30,
    RIGHT = 31,
    MERGED = 32,
};

int index_setup(void **state);
int index_teardown(void **state);
struct index_schema index_schema_at(uint64_t version);
tc_err index_set_schema(struct cluster *c, int n, uint64_t gid, const struct index_schema *s,
                        uint64_t *ret_version);
/* Until it is in force. */
void index_put_in_force(struct cluster *c, uint64_t version);
/* Valid until the next call. */
struct tc_slice index_item_of(const char *json);
struct tc_slice index_key_of(struct tc_slice item);
/* PUT or DELETE at node n; the token to wait for. */
uint64_t index_send(struct cluster *c, int n, uint64_t gid, Tercet__Pb__ItemOp op, const char *json,
                    uint64_t id);
/* Until it is answered for good; the caller frees the reply. */
Tercet__Pb__ItemReply *index_write_item(struct cluster *c, uint64_t gid, Tercet__Pb__ItemOp op,
                                        const char *json, uint64_t id, tc_err *ret_err);
void index_put(struct cluster *c, uint64_t gid, const char *json);
void index_drop(struct cluster *c, uint64_t gid, const char *json);
/* Every replica holds so many items, and the rows that follow from them. */
void index_check_rows(struct cluster *c, uint64_t gid, uint64_t items);
int index_leader(struct cluster *c, uint64_t gid);
/* The sort keys that a range gives, one after the other; x where a fetched item has an x. */
void index_range_is(struct cluster *c, Tercet__Pb__RangeRequest *req, const char *want);

#define ITEM(pk, sk, l, rest)                                                                      \
    "{\"pk\":{\"S\":\"" pk "\"},\"sk\":{\"S\":\"" sk "\"},\"l\":{\"N\":\"" l "\"}" rest "}"
#define T(seconds) ",\"t\":{\"N\":\"" seconds "\"}"
#define FUTURE     "9999999999"

#endif
