/* store__group: one replica's place in its group, that is the driver of its paxos machine.
 *
 * Each step's output is performed at once: units are queued to the log, messages become effects
 * that wait for their units, committed entries are applied, and paxos hears of all that.
 */
#ifndef TC_ENGINE_STORE_GROUP_H
#define TC_ENGINE_STORE_GROUP_H

#include "engine/store/store_private.h"

/* The timers of every group of this store. */
struct paxos_options store__group_timers(const struct store *s);
/* One event (its now_ns is filled in here) and everything that follows from it.
 *   Errors   those of paxos_step; the output was performed all the same */
tc_err store__group_step(struct replica *r, struct paxos_event *ev);
/* Go on applying what was left over. */
void store__group_continue(struct replica *r);
/* The log is durable up to store.durable_lsn. */
void store__group_durable(struct replica *r);
/* Hand queued proposals to paxos. */
void store__group_flush(struct replica *r);

/* This replica leads and has applied the entry that began its term: it knows every write that was
 * ever answered. */
bool store__group_leads(const struct replica *r);
/* ... and nobody else leads at this moment; reads the clock.
 *   Errors   TC_ENOTLEADER, TC_EUNAVAILABLE (no lease) */
TC_MUST_USE tc_err store__group_may_read(struct replica *r);
/* Queue an entry of this leader's ballot and give it its index; takes a reference on body.
 *   Errors   TC_ENOTLEADER, TC_EBUSY (pipeline full, or its state is not known),
 *            TC_EMOVED (the log is sealed) */
TC_MUST_USE tc_err store__group_propose(struct replica *r, enum paxos_entry_type type,
                                        struct tc_blob *body, uint64_t *ret_index);
/* Resign if an entry could not be read here; call between steps. */
void store__group_hand_over(struct replica *r, uint64_t now_ns);
/* Hand over to a member that answers and can take it; without one: lead on, or, if this replica
 * leaves, step down. False: it does not lead, or nobody can be asked now. */
bool store__group_resign(struct replica *r, bool leaves);

/* ---- announce.c */

/* The newest partition, with the leader hint filled in; borrowed until the next input. */
Tercet__Pb__Partition *store__group_partition(struct replica *r);
/* This replica is the one that tells memds about the partition. */
bool store__group_announces(const struct replica *r);
/* Tell memds, if this replica leads. */
void store__group_announce(struct replica *r);

#endif
