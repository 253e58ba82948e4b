/* Secondary indexes as requests meet them: finding the one that is read, its keys and ranges, and
 * what reads and writes of it cost. Nothing here is called for a table without indexes. */
#ifndef TC_ROUTER_EXEC_INDEX_H
#define TC_ROUTER_EXEC_INDEX_H

#include "exec_private.h"

#include "core/index/index.h"

/* The index that a Query or Scan reads; lives in the request's arena. */
struct exec_index {
    const Tercet__Pb__IndexDescriptor *descriptor;
    struct index_schema schema;  /* the table's key, and this index alone */
    const struct index_def *def; /* of schema */
    bool fetch;                  /* local: whole items are taken from the table */
};

/* ---- exec_index.c: false, with the text in op->diag */

/* The index that op->req->input names, of op->table, if it can be read and has what is asked for.
 * op->programs are compiled. */
bool exec__index_find(struct exec_op *op, struct exec_index **ret_index);
struct expr_key_schema exec__index_key_schema(const struct exec_index *x);
/* The storage keys [start, end) of a key condition; both buffers are empty. */
void exec__index_range(const struct exec_index *x, const struct expr_key_range *range,
                       struct tc_buf *start, struct tc_buf *end);
/* Append what all rows of the range's partition key begin with. */
void exec__index_prefix(const struct exec_index *x, const struct expr_key_range *range,
                        struct tc_buf *out);
/* Has an ExclusiveStartKey exactly the key attributes of table and index? (No text.) */
bool exec__index_names_fit(const struct exec_index *x, struct tc_slice key);
/* Its storage key, in place of what out holds; its names fit. false: a value is none of such a key
 * (no text). */
bool exec__index_start_key(const struct exec_index *x, struct tc_slice key, struct tc_buf *out);
/* Append an item of only the keys of table and index. */
void exec__index_project_key(const struct exec_index *x, struct tc_slice item, struct tc_buf *out);
/* May an item be put, by the types and lengths of its index keys? Storage asks the same of every
 * write; a batch asks for all its items before any is written. */
bool exec__check_indexes(const Tercet__Pb__TableDescriptor *d, struct tc_slice item,
                         struct tc_slice base_key, struct tc_buf *diag);
/* Direct a range call to the index's rows. */
void exec__index_ask(const struct exec_index *x, struct route_call *call);

/* ---- exec_index_cost.c */

/* May the page be read now, by the table's limits or (global) by the index's own? */
bool exec__page_admitted(struct exec_op *op, const struct exec_index *x);
/* Charge a page over an index, and what the answer says of it. mu: of the rows read. */
struct api_consumed exec__index_consumed(struct exec_op *op, const struct exec_index *x,
                                         const struct api_read_page *in, uint64_t mu,
                                         uint64_t fetch_units);
/* Is none of the table's global indexes in debt? A write waits for all of them. */
bool exec__indexes_open(struct exec *e, const Tercet__Pb__TableDescriptor *d);
/* Charge what a write cost the indexes: a global one by itself, a local one the table. Adds milli
 * units to index_mu[i] for index i of the record (NULL: not wanted); returns their sum. */
uint64_t exec__indexes_charge(struct exec *e, const Tercet__Pb__TableDescriptor *d,
                              Tercet__Pb__IndexUnits *const *units, size_t count,
                              uint64_t index_mu[INDEX_DEFS_MAX]);
/* The indexes' part of the answer, in the request's arena: total becomes table_mu and all of
 * index_mu. */
struct api_consumed exec__indexes_consumed(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                                           unsigned detail, uint64_t table_mu,
                                           const uint64_t index_mu[INDEX_DEFS_MAX]);
bool exec__has_local(const Tercet__Pb__TableDescriptor *d);
/* The item collection that item (or a key) belongs to, for ReturnItemCollectionMetrics. */
struct api_collection exec__collection(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                                       struct tc_slice item, uint64_t bytes);

#endif
