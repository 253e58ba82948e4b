/* Clients of the whole: operations through the API, and what each of them saw. */
#ifndef TC_SIM_SUITE_CLIENT_H
#define TC_SIM_SUITE_CLIENT_H

#include "sim/suite/lin.h"
#include "sim/suite/suite.h"

enum suite_class {
    CLASS_OK,
    CLASS_CONDITION, /* refused by its condition */
    CLASS_NOTHING,   /* refused, nothing happened */
    CLASS_UNKNOWN,
};

/* Sends one API request to some router; done gets the class and the answer's body, exactly once: a
 * request without an answer for SUITE_PATIENCE_NS is CLASS_UNKNOWN. */
#define SUITE_PATIENCE_NS (12 * SUITE_S)
typedef void (*suite_call_fn)(void *user, enum suite_class c, struct tc_slice body);
void suite_call(struct suite *s, const char *operation, struct tc_slice body, suite_call_fn done,
                void *user);

struct suite_history {
    struct suite_lin_op *ops;
    size_t count;
    size_t cap;
};

enum suite_what {
    OP_ITEM,   /* one key */
    OP_QUERY,  /* all keys of one partition key value */
    OP_LOCAL,  /* the same in the local index, all or with one letter */
    OP_GLOBAL, /* the global index, one letter */
    OP_FILLER, /* an item without a history */
};

/* One operation of a client, until its answer. */
struct suite_op {
    struct suite *suite;
    enum suite_what what;
    uint32_t key;
    uint32_t partition;
    uint64_t letter; /* of an index; 0: all */
    unsigned shows;  /* attributes that the answer has, of those that the item has */
    struct suite_lin_op lin;
};

struct suite_index; /* index.h */

struct suite_clients {
    struct suite_history keys[SUITE_KEYS_MAX];
    uint64_t last_seen[SUITE_KEYS_MAX];
    uint64_t stamps; /* unique values */
    uint32_t out;    /* operations without an answer */
    bool resting;
    bool created; /* the table serves */
    uint64_t ok, unknown, refused;
    struct suite_index *index;
};

void suite_client_record(struct suite_clients *c, uint32_t key, struct suite_lin_op op);

/* ---- client_request.c */
#define SUITE_TABLE "\"TableName\":\"suite\""
void suite_client_json(struct tc_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Draws what op does to its key; returns the operation, its request is appended to b. */
const char *suite_client_build(struct suite_op *op, struct tc_buf *b);

/* Keys below are counters, the others registers. */
enum {
    SUITE_COUNTERS = 1,
    SUITE_PARTITIONS = 2, /* partition key values; key k has k % 2 */
};

#endif
