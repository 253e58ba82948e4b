/* store__members: who is who in a group, and what a CONF entry changes.
 *
 * The configuration (core/quorum) knows rids, stores, zones and roles. Where a member is reached
 * travels beside it: a CONF entry's driver bytes are a packed Partition that names the members of
 * both sets. Everybody ever named stays known here by rid, since messages of a change come before
 * the change is committed, and a rid is bound to one store for ever (REPLICATION.md B1).
 *
 * A committed configuration is applied to the descriptor, durably, before the B-tree's next
 * checkpoint can hold it: members, roles, and an epoch that rises with every configuration, so that
 * a router that knows an older one is corrected in one hop.
 */
#ifndef TC_ENGINE_STORE_MEMBERS_H
#define TC_ENGINE_STORE_MEMBERS_H

#include "engine/store/store_private.h"

enum {
    MEMBERS_MAX = 64, /* known at a time; who is of no configuration goes first */
};

/* Everybody the descriptor names. */
void store__members_init(struct replica *r);
void store__members_deinit(struct replica *r);
/* Borrowed until the next input; NULL: not known. */
const Tercet__Pb__Member *store__members_find(const struct replica *r, uint32_t rid);
/* m has a rid, a store and an address of bounded length. */
bool store__members_sound(const Tercet__Pb__Member *m);
/* ... and so has everybody in p, which is of group gid. */
bool store__members_all_sound(const Tercet__Pb__Partition *p, uint64_t gid);
/* Remember m; in a logged change it replaces what was known of its rid. */
void store__members_learn(struct replica *r, const Tercet__Pb__Member *m, bool logged);
void store__members_learn_all(struct replica *r, const Tercet__Pb__Partition *p, bool logged);
/* The driver bytes of a CONF entry; what cannot be read is not judged here. */
void store__members_learn_driver(struct replica *r, struct tc_slice driver);
/* CONF entries that a step appended or repaired. */
void store__members_logged(struct replica *r, const struct paxos_entry *entries, size_t count);
/* Append the driver bytes of a configuration: its members, and the schema from then on. */
void store__members_driver(const struct replica *r, const struct quorum_config *c,
                           struct tc_slice schema, struct tc_buf *out);
/* Fill in this replica as others shall know it; borrows from the store. */
void store__members_self(const struct replica *r, Tercet__Pb__Member *m);

/* ---- members_apply.c */

/* A committed CONF entry's body.
 *   Errors   TC_ECORRUPT  it is none
 *            TC_EIO (the store has failed), TC_EFULL: the descriptor was not changed */
TC_MUST_USE tc_err store__members_apply(struct replica *r, struct tc_slice body);
/* A copy was installed that holds everything up to this configuration.
 *   Errors   TC_EIO, TC_EFULL: as above */
TC_MUST_USE tc_err store__members_installed(struct replica *r, const Tercet__Pb__Partition *p,
                                            uint64_t config_version);
/* Of which configuration the descriptor's members are. */
uint64_t store__members_version(const struct replica *r);

#endif
