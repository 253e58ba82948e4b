/* DynamoDB expressions: compiled at the router, evaluated at storage
 * (docs/decisions/0003-expression-programs.md).
 *
 * Condition, filter, projection and update texts become programs: position independent prefix
 * bytes with attribute names and literal values inlined, so that they travel in one message field
 * and are evaluated without allocation or look-ups of placeholders. Key conditions become a range
 * and never leave the router.
 *
 * Pure, no shared state. Programs and items are borrowed for the call. Compiling uses ctx->scratch
 * only (some 100 bytes per token; 1 MiB suffices for any text) and the out buffer. On failure out
 * is as it was, and diag has the client-facing text appended, whole, ready for a
 * ValidationException's message.
 *
 * Program bytes: u8 version (EXPR_VERSION), u8 enum expr_kind, then by kind the node, trie or
 * action bytes described in expr_private.h.
 *
 * Limits (developer guide): 4 KiB of text, 300 operators and functions, IN of 100 operands,
 * 32 path elements. Errors everywhere below:
 *   TC_EINVAL  the expression or its operands are at fault, diag says how
 *   TC_ENOMEM  the arena's bound was reached; diag is untouched
 */
#ifndef TC_CORE_EXPR_H
#define TC_CORE_EXPR_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/item/item.h"

enum {
    EXPR_VERSION = 1,
    EXPR_TEXT_BYTES_MAX = 4096,
    EXPR_OPERATORS_MAX = 300,
    EXPR_IN_OPERANDS_MAX = 100,
    EXPR_PATH_ELEMENTS_MAX = 32,
    EXPR_DEPTH_MAX = 320, /* nesting of a text; deeper ones have too many operators */
    EXPR_PROGRAM_DEPTH_MAX = 640,
    EXPR_TOKEN_BYTES_MAX = 255,                /* a placeholder, with its # or : */
    EXPR_BINDINGS_BYTES_MAX = 2 * 1024 * 1024, /* all substitutions of one request */
    EXPR_PROGRAM_BYTES_MAX = 8 * 1024 * 1024,  /* a substitution counts each time it is used */
};

enum expr_kind {
    EXPR_CONDITION = 1,
    EXPR_FILTER = 2, /* evaluates as a condition; differs in texts */
    EXPR_UPDATE = 3,
    EXPR_PROJECTION = 4,
    EXPR_KEY_CONDITION = 5, /* never a program */
};

/* ---- placeholders ---------------------------------------------------------------------------- */

/* One substitution: "#n" -> attribute name bytes, or ":v" -> one encoded value (item encoding). */
struct expr_binding {
    struct tc_slice token;
    struct tc_slice target;
    bool used; /* set by compiling; starts false */
};

/* ExpressionAttributeNames or ExpressionAttributeValues of one request; the caller's storage. */
struct expr_bindings {
    struct expr_binding *at;
    size_t count;
    uint64_t bytes; /* of tokens and targets; set by expr_bindings_prepare */
};

/* Order the bindings for look-up and check their tokens; call once before compiling.
 *   sigil   '#' or ':'
 *   Errors  TC_EINVAL  "ExpressionAttributeNames contains invalid key: Syntax error; key: "x"" */
TC_MUST_USE tc_err expr_bindings_prepare(struct expr_bindings *b, char sigil, struct tc_buf *diag);
/* After all expressions of the request: every binding must have been used.
 *   Errors  TC_EINVAL  "Value provided in ExpressionAttributeValues unused in expressions: ..." */
TC_MUST_USE tc_err expr_bindings_check_used(const struct expr_bindings *b, char sigil,
                                            struct tc_buf *diag);

struct expr_ctx {
    struct expr_bindings *names;  /* prepared; NULL: none given */
    struct expr_bindings *values; /* prepared; NULL: none given */
    struct tc_arena *scratch;     /* reset by its owner, any time after the call */
};

/* ---- compile (router) ------------------------------------------------------------------------ */

/* Append the program of text to out. kind is anything but EXPR_KEY_CONDITION. */
TC_MUST_USE tc_err expr_compile(enum expr_kind kind, struct tc_slice text, struct expr_ctx *ctx,
                                struct tc_buf *out, struct tc_buf *diag);

struct expr_key_attr {
    struct tc_slice name;
    enum item_type type; /* ITEM_S, ITEM_N or ITEM_B */
};

enum {
    EXPR_KEY_PARTS_MAX = 4, /* attributes of an index's partition key, and of its sort key */
};

/* A table has one hash attribute and at most one sort attribute; a global index up to four each. */
struct expr_key_schema {
    struct expr_key_attr hash[EXPR_KEY_PARTS_MAX];
    size_t hash_count;
    struct expr_key_attr sort[EXPR_KEY_PARTS_MAX];
    size_t sort_count;
};

enum expr_sort_op {
    EXPR_SORT_ALL = 0, /* no condition on the sort key, or none beyond those in equal[] */
    EXPR_SORT_EQ,
    EXPR_SORT_LT,
    EXPR_SORT_LE,
    EXPR_SORT_GT,
    EXPR_SORT_GE,
    EXPR_SORT_BETWEEN,
    EXPR_SORT_BEGINS_WITH,
};

/* Encoded values, borrowed from ctx->values. */
struct expr_key_range {
    struct tc_slice hash[EXPR_KEY_PARTS_MAX];  /* one value per hash attribute of the schema */
    struct tc_slice equal[EXPR_KEY_PARTS_MAX]; /* of the sort attributes left of the one below */
    size_t equal_count; /* which op is about; sort attributes further right are free */
    enum expr_sort_op op;
    struct tc_slice low;  /* the operand; lower bound of BETWEEN */
    struct tc_slice high; /* BETWEEN only */
};

/* A KeyConditionExpression in steps, for its text can be at fault before anybody knows the table:
 * the parsed condition lives in ctx->scratch. */
struct expr_node;
TC_MUST_USE tc_err expr_parse_key_condition(struct tc_slice text, struct expr_ctx *ctx,
                                            const struct expr_node **ret_condition,
                                            struct tc_buf *diag);
/* Is it made of comparisons of keys, whatever they are called? expr_match_key_condition asks too.
 */
TC_MUST_USE tc_err expr_check_key_condition(const struct expr_node *condition, struct tc_buf *diag);
/* Against the schema of the table or index that is queried. */
TC_MUST_USE tc_err expr_match_key_condition(const struct expr_node *condition,
                                            const struct expr_key_schema *schema,
                                            struct expr_key_range *ret_range, struct tc_buf *diag);
/* Both at once. */
TC_MUST_USE tc_err expr_compile_key_condition(struct tc_slice text,
                                              const struct expr_key_schema *schema,
                                              struct expr_ctx *ctx,
                                              struct expr_key_range *ret_range,
                                              struct tc_buf *diag);

/* Does the program touch the top-level attribute name? Updates: as a target of an action only. */
bool expr_touches(struct tc_slice program, struct tc_slice name);
/* Every top-level attribute that the program touches, some of them more than once, until visit
 * answers true; then that is the answer. */
typedef bool (*expr_visit_name)(void *user, struct tc_slice name);
bool expr_visit_names(struct tc_slice program, expr_visit_name visit, void *user);
/* Every top-level attribute that a condition, filter or projection reaches into (a.b, a[0]). */
bool expr_visit_nested(struct tc_slice program, expr_visit_name visit, void *user);
/* Key attributes must be neither updated nor filtered by; call once per key attribute. Conditions
 * and projections may touch them and always pass.
 *   Errors  TC_EINVAL  "One or more parameter values were invalid: Cannot update attribute k. ..."
 *                      "Filter Expression can only contain non-primary key attributes: ..." */
TC_MUST_USE tc_err expr_forbid_key(struct tc_slice program, struct tc_slice key_name,
                                   struct tc_buf *diag);

/* ---- evaluate (storage) ---------------------------------------------------------------------- */

/* Whole check of untrusted program bytes: structure, bounds, depth, names, literal values. The
 * functions below require it once. kind EXPR_CONDITION accepts filters too.
 *   Errors  TC_EINVAL  not a program of this kind and version */
TC_MUST_USE tc_err expr_check(struct tc_slice program, enum expr_kind kind);

/* Condition or filter on one item; TC_SLICE_EMPTY: there is no item. An empty program is true. */
bool expr_match(struct tc_slice program, struct tc_slice item);

/* Append the updated item to out. Every right-hand side sees the old item. When there is no old
 * item and the program only takes away (REMOVE, DELETE), nothing is appended: no item comes to be.
 *   old_item  TC_SLICE_EMPTY: none, the new item starts from key_item
 *   key_item  the key attributes as an encoded item
 *   program   empty: only make sure that the item exists
 *   Errors    TC_EINVAL  e.g. "The document path provided in the update expression is invalid for
 *                        update", "Item size to update has exceeded the maximum allowed size"
 *             TC_ETYPE   "An operand in the update expression has an incorrect data type" */
TC_MUST_USE tc_err expr_update(struct tc_slice program, struct tc_slice old_item,
                               struct tc_slice key_item, struct tc_arena *scratch,
                               struct tc_buf *out, struct tc_buf *diag);

/* Append the parts of item that a projection program names; an empty item when there are none.
 * List elements are compacted in index order. An empty program copies the item. */
void expr_project(struct tc_slice program, struct tc_slice item, struct tc_buf *out);

/* The parts of item (old or new) that an update program's actions target: the Attributes of an
 * UPDATED_OLD or UPDATED_NEW answer. */
void expr_update_project(struct tc_slice program, struct tc_slice item, struct tc_buf *out);

#endif
