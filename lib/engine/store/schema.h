/* store__schema: what a group keeps besides items, as its replicas have applied it.
 *
 * The bytes stand in the descriptor's Partition. A CONF entry's driver bytes carry them beside the
 * members, so a change of members repeats them, and a change of them (SetSchema) is a CONF entry
 * with the members as they are. The higher version wins everywhere; a driver without a schema says
 * nothing about it.
 */
#ifndef TC_ENGINE_STORE_SCHEMA_H
#define TC_ENGINE_STORE_SCHEMA_H

#include "core/index/index.h"
#include "engine/store/store_private.h"

/* Take what the descriptor says into r->schema; call whenever the descriptor is another one. */
void store__schema_load(struct replica *r);
void store__schema_free(struct replica *r);
/* A schema that may be put in force: empty, or one that this version can read. */
bool store__schema_sound(struct tc_slice schema);
/* Give to the newer one of both schemas. */
void store__schema_keep_newer(Tercet__Pb__Partition *to, struct tc_slice schema);
/* The group may be split at key only between two hashes. */
bool store__schema_splits_at_hashes(const struct replica *r);

#endif
