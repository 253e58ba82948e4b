/* Shared by the files of shell_offers. On the worker's thread. */
#ifndef TC_SERVICES_ARCHIVER_SHELL_OFFERS_PRIVATE_H
#define TC_SERVICES_ARCHIVER_SHELL_OFFERS_PRIVATE_H

#include "archiver/shell_offers.h"
#include "proto/archive.pb-c.h"
#include "proto/common.pb-c.h"

/* ---- shell_offers_wire.c */

/* Give an offer to the intake.
 *   Errors   those of intake_take; TC_EINVAL  an entry cannot be one */
TC_MUST_USE tc_err offers__take(struct offers *o, const Tercet__Pb__SegmentOffer *m,
                                struct intake_reply *ret_reply);
void offers__answer(struct rpc_conn *conn, uint64_t id, const struct intake_reply *r);
/* Encoded entries, as many as go into one page. */
void offers__answer_page(struct rpc_conn *conn, uint64_t id, struct tc_slice entries);
/* What the archive cannot give is an answer in words, for the node's status to tell. */
void offers__answer_nothing(struct rpc_conn *conn, uint64_t id, const Tercet__Pb__SegmentOffer *m,
                            const char *why);

/* ---- shell_offers_status.c */

void offers__set_healthy(struct offers *o, bool healthy);
void offers__tell_metrics(struct offers *o);
/* Once a second. */
void offers__renew_status(struct offers *o, uint64_t now_ns);

#endif
