/* The two batch operations: what a batch is made of. */
#ifndef TC_ROUTER_EXEC_BATCH_H
#define TC_ROUTER_EXEC_BATCH_H

#include "exec_index.h"

enum part_state {
    PART_LEFT,
    PART_DONE
};

struct part {
    struct batch *batch;
    size_t table_index;
    size_t item_index;
    struct tc_buf key;
    struct tc_buf item;  /* a read's answer */
    uint64_t item_bytes; /* as items are measured, whatever is projected */
    bool found;
    enum part_state state;
    tc_err err;
    uint64_t cost_mu;
    uint64_t *index_mu; /* malloc'd, of INDEX_DEFS_MAX: a write that changed indexes */
    uint64_t collection_bytes;
    struct route_call call;
};

struct batch_table {
    struct tc_slice name;
    struct route_table *table;
    struct tc_buf projection;
    bool consistent;
    size_t item_count;
};

struct batch {
    struct exec_op *op;
    bool write;
    struct batch_table *tables;
    size_t table_count;
    size_t table_at; /* being looked up */
    struct part *parts;
    size_t part_count;
    size_t pending; /* atomic */
};

const struct api_batch_get_table *exec__batch_get_table(const struct batch *b, size_t i);
const struct api_batch_write_table *exec__batch_write_table(const struct batch *b, size_t i);
const struct api_write_request *exec__batch_write_of(const struct part *p);

/* exec_batch_answer.c: append the answer; every part has ended. */
void exec__batch_answer_get(struct batch *b);
void exec__batch_answer_write(struct batch *b);

#endif
