/* catalog's own: one request of whoever leads group 1. */
#ifndef TC_CATALOG_PRIVATE_H
#define TC_CATALOG_PRIVATE_H

#include "catalog/catalog.h"
#include "proto/storage.pb-c.h"

struct catalog_question {
    uint32_t kind; /* of the frame */
    const ProtobufCMessage *message;
    uint64_t *epoch; /* the message's field; set before every attempt */
    const ProtobufCMessageDescriptor *reply_type;
};

/* Ask until somebody answers, CATALOG_DEADLINE_MS at most; blocks. The message, and so its request
 * id, is the same in every attempt. *ret_reply is to be freed; NULL: none, or one that cannot be
 * read.
 *   Errors   the leader's; TC_EUNAVAILABLE, TC_EUNKNOWN  there was none in time */
TC_MUST_USE tc_err catalog__ask(struct catalog *s, const struct catalog_question *q,
                                ProtobufCMessage **ret_reply);

#endif
