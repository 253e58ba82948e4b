/* store__call: unary control calls from this node to others, as effects.
 *
 * A call goes out as STORE_CALL with its number as token and comes back once, by store_call_done,
 * with an answer or an error; calls that have no answer within the shell's deadline come back as
 * TC_ETIMEOUT. Whoever asked is found by gid again, since it may be gone by then.
 */
#ifndef TC_ENGINE_STORE_CALL_H
#define TC_ENGINE_STORE_CALL_H

#include "engine/store/store_private.h"

enum {
    STORE_CALLS_MAX = 256, /* outstanding */
};

enum store_call_kind {
    STORE_CALL_CREATE, /* a leader has a learner made: gid, rid */
    STORE_CALL_DELETE, /* ... and taken back; nobody waits */
    STORE_CALL_ALIVE,  /* a leader asks a member about another one: gid, rid */
    STORE_CALL_RELAY,  /* the member asks the other one: token */
    STORE_CALL_LOOKUP, /* a replica that is alone asks who belongs to its group: gid, rid */
};

struct store_call {
    struct tc_list link;
    uint64_t id;
    enum store_call_kind kind;
    uint64_t gid;
    uint32_t rid;
    uint64_t token;
};

/* Send msg to addr; what is filled in of call comes back. Returns the call's number.
 *   Errors   TC_EBUSY  too many are out */
TC_MUST_USE tc_err store__call(struct store *s, const struct store_call *call, const char *addr,
                               const ProtobufCMessage *msg, uint64_t *ret_id);
void store__calls_deinit(struct store *s);

#endif
