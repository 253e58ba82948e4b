/* system: the records of the system tables, as ordinary items of group 1 (docs/CONTRACTS.md).
 *
 * One record is one item of table id 1:
 *   k (S) partition key, the kind    n (S) sort key, the name
 *   v (N) version, rises with every change    d (B) packed protobuf, by kind
 *
 *   kind         name          d
 *   "table"      table name    TableDescriptor (table.proto)
 *   "partition"  gid, 20 digits  Partition (common.proto): range and placement, written first
 *   "counter"    "id"          empty; v is the next free table or group id
 *   "lease"      "autoadmin"   holder's name; v rises while the holder lives
 *   "node"       node name     NodeMark (system.proto): what the operator said about it
 *   "move"       gid, 20 digits  MoveOrder (system.proto)
 *   "reshape"    gid, 20 digits  ReshapeOrder (system.proto): a split or merge, and how far it is
 *   "dropped"    table id, 20 digits  empty; a table that was dropped while a node was silent
 *   "count"      table id, 20 digits  TableCount (system.proto): what the table holds
 *   "directory"  "nodes"       Directory (storage.proto) as last published; v is its version
 *
 * Every write is conditional on the version that the writer read, so that two writers never undo
 * each other. Pure but for heap buffers; decoded slices borrow from the item.
 */
#ifndef TC_ENGINE_SYSTEM_H
#define TC_ENGINE_SYSTEM_H

#include "base/buf.h"
#include "base/err.h"

enum {
    SYSTEM_GID = 1,
    SYSTEM_TABLE_ID = 1,
    SYSTEM_NAME_BYTES_MAX = 255,
};

#define SYSTEM_KIND_TABLE     "table"
#define SYSTEM_KIND_PARTITION "partition"
#define SYSTEM_KIND_COUNTER   "counter"
#define SYSTEM_KIND_LEASE     "lease"
#define SYSTEM_KIND_NODE      "node"
#define SYSTEM_KIND_MOVE      "move"
#define SYSTEM_KIND_RESHAPE   "reshape"
#define SYSTEM_KIND_DROPPED   "dropped"
#define SYSTEM_KIND_DIRECTORY "directory"
#define SYSTEM_KIND_COUNT     "count"

struct system_record {
    struct tc_slice kind;
    struct tc_slice name;
    uint64_t version;
    struct tc_slice data;
};

/* Append the storage key of a record. */
void system_key(struct tc_buf *out, const char *kind, struct tc_slice name);
/* Append the range [start, end) of all records of one kind. */
void system_kind_range(const char *kind, struct tc_buf *start, struct tc_buf *end);
/* Append the encoded item. */
void system_item(struct tc_buf *out, const struct system_record *r);
/* TC_ECORRUPT: not a record. The item must have passed item_check. */
TC_MUST_USE tc_err system_decode(struct tc_slice item, struct system_record *ret_record);
/* The next page of records begins after last_key, which replaces `after` (empty: from the start).
 *   Errors  TC_ECORRUPT  last_key does not lie beyond `after`: the same page would be read for
 * ever; `after` is as it was
 */
TC_MUST_USE tc_err system_page_next(struct tc_buf *after, struct tc_slice last_key);
/* Append the condition program "no such record" (version 0) or "its version is this one". */
void system_condition(struct tc_buf *out, uint64_t version);

#endif
