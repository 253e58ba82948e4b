/* Error codes: one enum from one table, shared by every module, daemon and wire message.
 *
 * A code exists only if some caller reacts to it. Each has an outcome class, which is what a
 * distributed caller must know before it retries:
 *   NONE     the request is at fault; nothing happened
 *   RETRY    nothing happened; the same request may be sent again
 *   UNKNOWN  may have happened; only an idempotent retry is safe
 *   FATAL    this replica or process stops serving
 *
 * Values are part of the wire protocol: never renumber, only append.
 */
#ifndef TC_BASE_ERR_H
#define TC_BASE_ERR_H

#define TC_ERRORS(X)                                                                               \
    X(TC_EINVAL, -1, NONE, "invalid argument or request")                                          \
    X(TC_ENOMEM, -2, RETRY, "a memory bound was reached")                                          \
    X(TC_ELIMIT, -3, NONE, "a documented limit was exceeded")                                      \
    X(TC_ETHROTTLED, -4, RETRY, "no capacity tokens left")                                         \
    X(TC_ENOTFOUND, -5, NONE, "no such key, table or object")                                      \
    X(TC_EEXISTS, -6, NONE, "already exists")                                                      \
    X(TC_ECONDITION, -7, NONE, "the condition was not met")                                        \
    X(TC_ETYPE, -8, NONE, "an operand has the wrong type")                                         \
    X(TC_ECORRUPT, -9, FATAL, "stored or received bytes fail their check")                         \
    X(TC_EIO, -10, FATAL, "the storage device reported an error")                                  \
    X(TC_EUNKNOWN, -11, UNKNOWN, "the write may have been applied")                                \
    X(TC_ENOTLEADER, -12, RETRY, "this replica does not lead the group")                           \
    X(TC_EMOVED, -13, RETRY, "the key belongs to another group or epoch")                          \
    X(TC_EUNAVAILABLE, -14, RETRY, "the peer or quorum cannot be reached")                         \
    X(TC_ETIMEOUT, -15, UNKNOWN, "the deadline passed")                                            \
    X(TC_EBUSY, -16, RETRY, "a bounded queue is full or the object is in use")                     \
    X(TC_EFULL, -17, RETRY, "no space left")                                                       \
    X(TC_ESTALE, -18, RETRY, "a newer version, ballot or configuration exists")                    \
    X(TC_EUNSUPPORTED, -19, NONE, "not built yet")                                                 \
    X(TC_EEND, -20, NONE, "no more data")                                                          \
    X(TC_EAUTH, -21, NONE, "identity or signature refused")                                        \
    X(TC_ECLOSED, -22, UNKNOWN, "the connection was lost")                                         \
    X(TC_EINTERNAL, -23, UNKNOWN, "internal error")                                                \
    X(TC_ENOTALIGNED, -24, RETRY, "two neighbours do not lie on the same stores: move one first")

enum tc_err_class {
    TC_CLASS_NONE,
    TC_CLASS_RETRY,
    TC_CLASS_UNKNOWN,
    TC_CLASS_FATAL,
};

typedef enum tc_err {
    TC_OK = 0,
#define X(name, value, class, text) name = value,
    TC_ERRORS(X)
#undef X
} tc_err;

#define TC_MUST_USE __attribute__((warn_unused_result))

/* Return from the enclosing function on failure; only where nothing must be undone. */
#define TC_TRY(expr)                                                                               \
    do {                                                                                           \
        tc_err tc_try_err_ = (expr);                                                               \
        if (tc_try_err_ != TC_OK)                                                                  \
            return tc_try_err_;                                                                    \
    } while (0)

/* Drop an error on purpose; the caller says why in a comment. */
#define TC_IGNORE(expr)                                                                            \
    do {                                                                                           \
        tc_err tc_ignored_err_ = (expr);                                                           \
        (void)tc_ignored_err_;                                                                     \
    } while (0)

/* The constant's name without the TC_ prefix ("ETHROTTLED"), "OK", or "E?" for a foreign value. */
const char *tc_err_name(tc_err err);
/* One line for people. */
const char *tc_err_text(tc_err err);
enum tc_err_class tc_err_class(tc_err err);
/* Map a number off the wire to a known code; anything unknown becomes TC_EINTERNAL. */
tc_err tc_err_from_wire(int value);

#endif
