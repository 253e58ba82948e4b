/* store__log: between paxos and the write-ahead log, for one replica. */
#ifndef TC_ENGINE_STORE_LOG_H
#define TC_ENGINE_STORE_LOG_H

#include "engine/store/store_private.h"

/* Queue the unit of a step. A refusal of the log ends the store (store__fail). */
void store__log_unit(struct replica *r, const struct paxos_out *out);
/* The newest unit that store.durable_lsn covers, taken off the list; 0: none. */
uint64_t store__log_durable_seq(struct replica *r);

/* Where a group's log begins, as a WAL_BASE record says it: u8 version = 1 | index, ballot, chain |
 * u64 cut_lsn | configuration. cut_lsn is not 0 when the log was started anew above a snapshot:
 * entries with an lsn up to it are leftovers of the log before. */
struct store_base {
    struct paxos_mark mark;
    uint64_t cut_lsn;
    struct quorum_config config;
};
TC_MUST_USE tc_err store__log_base_decode(struct tc_slice body, struct store_base *ret_base);
/* Returns the record's lsn. */
uint64_t store__log_base_append(struct replica *r, const struct store_base *base);

/* Paxos forgot entries up to its base: log the base. */
void store__log_base(struct replica *r);
/* ... and when that is durable, drop them. */
void store__log_trimmed(struct replica *r);
/* A snapshot replaced everything: the log begins anew at mark. Call before paxos hears of it. */
void store__log_restart(struct replica *r, const struct paxos_mark *mark,
                        const struct quorum_config *config);

/* ---- log_send.c */

/* Turn a step's messages into effects that wait for their units. */
void store__log_sends(struct replica *r, const struct paxos_out *out);

/* ---- log_body.c */

/* The body of a committed entry, one reference. A failure makes a leader hand over: it could
 * neither archive nor pass on the entry, while an intact copy can; and the entry is repaired in
 * place by the next ticks (store__log_unread). Errors   TC_ENOTFOUND, TC_ECORRUPT, TC_EIO */
TC_MUST_USE tc_err store__log_body(struct replica *r, const struct paxos_entry *e,
                                   struct tc_blob **ret_body);
/* Tell paxos of the entry that could not be read, so that it is fetched and repaired in place. */
void store__log_unread(struct replica *r);
/* Look for an entry that the log found damaged by itself. */
void store__log_find_unread(struct replica *r);

#endif
