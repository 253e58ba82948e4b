/* records: the system tables as the operator's commands see them: table names, marks of nodes,
 * orders, the directory. */
#ifndef TC_TOOLS_CTL_RECORDS_H
#define TC_TOOLS_CTL_RECORDS_H

#include "catalog/catalog.h"
#include "cluster.h"
#include "groups.h"
#include "proto/system.pb-c.h"
#include "proto/table.pb-c.h"

enum {
    RECORDS_ARENA_BYTES_MAX = 64 * 1024 * 1024,
};

/* Zeroed: nothing is open. */
struct records {
    struct catalog catalog;
    const char *addrs[CLUSTER_NODES_MAX];
    struct tc_arena arena;
    bool open;
    struct catalog_records tables;
    struct catalog_records marks;
    struct catalog_records orders;
    Tercet__Pb__Directory *directory; /* NULL: none was ever published */
};

/* Read them all. Without a leader of group 1 among the reports nothing is asked: TC_EUNAVAILABLE.
 * After an error the struct may be used (it is empty) and is to be closed. */
TC_MUST_USE tc_err records_open(struct records *r, struct cluster *c, const struct groups *g);
void records_close(struct records *r);

/* The table's name, or "table/index" for a global index; the id in digits if the records do not
 * say. Valid until the next call. */
const char *records_table_name(const struct records *r, uint64_t table_id);
bool records_draining(const struct records *r, const char *node);
/* The directory's entry of an address or of a name; NULL: none. */
const Tercet__Pb__DirectoryNode *records_at_addr(const struct records *r, const char *addr);
const Tercet__Pb__DirectoryNode *records_named(const struct records *r, const char *node);

/* Mark a node as draining, or take the mark away; both may be repeated. */
TC_MUST_USE tc_err records_mark(struct records *r, const char *node, bool draining);
/* Order a move in the place of an earlier order for the group; to NULL: take the order back
 * (TC_ENOTFOUND: there is none). */
TC_MUST_USE tc_err records_order(struct records *r, uint64_t gid, const char *from, const char *to);

#endif
