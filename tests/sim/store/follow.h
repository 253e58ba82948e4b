/* Tables with a local index and an expiry time, whose schemas change under load (follow.c). */
#ifndef TC_SIM_STORE_FOLLOW_H
#define TC_SIM_STORE_FOLLOW_H

#include "base/buf.h"
#include "base/prng.h"
#include "core/entry/entry.h"
#include "core/item/item.h"

struct world;
struct world_group;
struct world_op;

struct world_follow {
    struct tc_prng prng;
    uint64_t version; /* of the newest schema asked for */
    uint64_t tag;
    bool ttl;
    struct tc_buf schema;
    uint64_t expired_count; /* items that the groups deleted by themselves */
};

void world_follow_init(struct world *w);
void world_follow_deinit(struct world *w);
/* Groups of this root keep such rows. */
bool world_follow_is(const struct world *w, uint32_t root);
/* Bytes of the schema that the group begins with; empty: none. */
struct tc_slice world_follow_schema(const struct world *w, uint32_t group);
/* The values of the attributes that rows follow from, of an item that op writes whole; those that
 * it has are added to b, which borrows them until deinit. */
struct world_follow_attrs {
    struct tc_buf sk, l, t;
};
void world_follow_add(const struct world *w, const struct world_op *op, bool whole,
                      struct item_builder *b, struct world_follow_attrs *attrs);
void world_follow_attrs_deinit(struct world_follow_attrs *attrs);
/* The sort key of every item. */
void world_follow_append_range(struct tc_buf *key);
/* When the item is due, in seconds; 0: never. */
uint64_t world_follow_time(struct tc_slice item);
/* Another schema, or the same once more, for groups that are there. */
void world_follow_next(struct world *w);
/* All groups keep expiry times, of all their items, and what is due is gone. */
void world_follow_settle(struct world *w);
/* Every replica's rows say what its items say. */
void world_follow_check(struct world *w);

#endif
