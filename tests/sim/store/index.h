/* A global index of the second group's table: rows on their way, schemas, and the verdict. */
#ifndef TC_SIM_STORE_INDEX_H
#define TC_SIM_STORE_INDEX_H

#include "base/map.h"
#include "base/prng.h"
#include "engine/store/store.h"

struct world;
struct world_node;
struct world_parcel;
struct world_shipment;

/* A part of the rows of one effect, for one group of the index; kept until it is answered. */
struct world_part {
    uint64_t id;
    uint32_t node; /* that sends it */
    uint64_t life; /* ... in this life; a later one knows nothing of it */
    struct world_shipment *shipment;
    size_t first;
    size_t count;
    uint32_t to;
    uint32_t attempts;
    uint64_t begun_ns;
    uint64_t request_id[2];
};

struct world_index {
    uint32_t base; /* roots: of the table, and of the index */
    uint32_t root;
    struct tc_buf schema;     /* of the table's groups */
    struct tc_buf own_schema; /* of the index's */
    struct tc_prng prng;
    struct tc_map parts; /* id -> struct world_part */
    uint64_t part_count;
    uint64_t busy_until_ns; /* clients do not rest: a schema comes into force */
    uint64_t row_count;     /* in the index's logs */
};

/* ---- index.c */
/* Schemas and keys of the table and its index; before groups are created. */
void world_index_init(struct world *w);
void world_index_deinit(struct world *w);
/* Bytes of the schema that the group begins with; empty: none. */
struct tc_slice world_index_schema(const struct world *w, uint32_t group);
/* Ask every group of the table to keep the index, until each does. */
void world_index_schema_next(struct world *w);
/* Nothing is owed any more, and every item is carried over; fails when that takes too long. */
void world_index_settle(struct world *w);

/* ---- index_send.c */
/* A node's store wants rows sent. */
void world_index_send(struct world_node *n, const struct store_effect *e);
void world_index_deliver(struct world_node *n, const struct world_parcel *p);
bool world_index_owns(uint64_t token);
void world_index_reply(struct world_node *n, const struct store_effect *e);
void world_index_again(struct world *w, uint64_t arg);
/* Rows that are still under way at the end. */
void world_index_parts_deinit(struct world *w);

/* ---- index_judge.c */
/* By the archive's logs alone: the index holds a row for each item that has one, and no other. */
void world_index_judge(struct world *w);

#endif
