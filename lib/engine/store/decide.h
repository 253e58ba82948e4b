/* store__decide: what a write request does to the item it meets.
 *
 * A function of the request and the old item alone, so the leader may evaluate it against state
 * that is still in its pipeline. Requests come off the network: every program and item is checked
 * here before it is walked.
 */
#ifndef TC_ENGINE_STORE_DECIDE_H
#define TC_ENGINE_STORE_DECIDE_H

#include "base/arena.h"
#include "core/entry/entry.h"

#include "proto/bytes.h"
#include "proto/storage.pb-c.h"

enum {
    STORE_WANT_OLD = 1,
    STORE_WANT_NEW = 2,
    STORE_WANT_OLD_ON_FAILURE = 4,
};

struct store_decision {
    enum entry_op op;
    struct tc_buf new_item; /* the item after the write; empty for a delete. Owned */
    struct tc_buf message;  /* validation text for the client on TC_EINVAL, TC_ELIMIT. Owned */
};

void store__decision_deinit(struct store_decision *d);

/* Structure of a request's untrusted parts, whatever its operation.
 *   Errors   TC_EINVAL  d->message says what is wrong, if a client can cause it */
TC_MUST_USE tc_err store__decide_check(const Tercet__Pb__ItemRequest *req, struct tc_buf *message);

/* Evaluate a PUT, UPDATE or DELETE that passed store__decide_check. An UPDATE that only takes away,
 * of no item, becomes a delete.
 *   old       the item before, empty: none
 *   scratch   reset by the caller, any time after the call
 *   Errors    TC_ECONDITION           the condition is false
 *             TC_EINVAL, TC_ELIMIT    with a message
 *             TC_ENOMEM               scratch is too small */
TC_MUST_USE tc_err store__decide(const Tercet__Pb__ItemRequest *req, struct tc_slice old,
                                 struct tc_arena *scratch, struct store_decision *d);

#endif
