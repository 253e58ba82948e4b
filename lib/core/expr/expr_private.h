/* What the files of core/expr share: tokens, the syntax tree, program bytes, texts.
 *
 * Program bytes after version and kind:
 *   condition  node
 *   update     trie, the leaves are actions
 *   projection trie, the leaves are OP_KEEP
 *
 *   node   OP_AND, OP_OR  varint count, nodes        OP_NOT  node
 *          OP_EQ .. OP_GE operand operand            OP_BETWEEN operand x 3
 *          OP_IN          operand, varint count, operands
 *          OP_EXISTS, OP_NOT_EXISTS path             OP_TYPE operand, u8 enum item_type
 *          OP_BEGINS_WITH, OP_CONTAINS operand operand
 *   operand (right-hand sides too)
 *          OP_PATH path   OP_VALUE lenbytes value    OP_SIZE operand
 *          OP_PLUS, OP_MINUS, OP_LIST_APPEND operand operand
 *          OP_IF_NOT_EXISTS path operand
 *   path   u8 count, elements: varint len << 1, name bytes  or  varint index << 1 | 1
 *   trie   OP_MAP  varint count, children: lenbytes name, lenbytes trie; names ascend
 *          OP_LIST varint count, children: varint index, lenbytes trie; indexes ascend
 *          OP_SET operand   OP_REMOVE   OP_ADD, OP_DELETE lenbytes value   OP_KEEP
 *          The root is OP_MAP. Children carry their length so that walkers may skip them.
 */
#ifndef TC_CORE_EXPR_PRIVATE_H
#define TC_CORE_EXPR_PRIVATE_H

#include "base/assert.h"
#include "base/reader.h"
#include "core/expr/expr.h"

/* Values are program bytes: never renumber. */
enum expr_op {
    OP_NONE = 0,
    OP_AND = 1,
    OP_OR = 2,
    OP_NOT = 3,
    OP_EQ = 4,
    OP_NE = 5,
    OP_LT = 6,
    OP_LE = 7,
    OP_GT = 8,
    OP_GE = 9,
    OP_BETWEEN = 10,
    OP_IN = 11,
    OP_EXISTS = 12,
    OP_NOT_EXISTS = 13,
    OP_TYPE = 14,
    OP_BEGINS_WITH = 15,
    OP_CONTAINS = 16,
    OP_PATH = 32,
    OP_VALUE = 33,
    OP_SIZE = 34,
    OP_PLUS = 35,
    OP_MINUS = 36,
    OP_IF_NOT_EXISTS = 37,
    OP_LIST_APPEND = 38,
    OP_MAP = 64,
    OP_LIST = 65,
    OP_SET = 66,
    OP_REMOVE = 67,
    OP_ADD = 68,
    OP_DELETE = 69,
    OP_KEEP = 70,
    OP_UNKNOWN = 255, /* a function of no known name; never in a program */
};

enum {
    EXPR_LIST_INDEX_MAX = INT32_MAX,
    EXPR_HEADER_BYTES = 2,
    /* Names and literals of a program; what a text of 4 KiB adds to them is far below 64 KiB. */
    EXPR_INLINED_BYTES_MAX = EXPR_PROGRAM_BYTES_MAX - 64 * 1024,
};

/* ---- tokens ---------------------------------------------------------------------------------- */

enum expr_tok_kind {
    TOK_EOF,
    TOK_BAD, /* one character that starts no token */
    TOK_IDENT,
    TOK_NAME,  /* #n */
    TOK_VALUE, /* :v */
    TOK_NUMBER,
    TOK_EQ,
    TOK_NE,
    TOK_LT,
    TOK_LE,
    TOK_GT,
    TOK_GE,
    TOK_LPAREN,
    TOK_RPAREN,
    TOK_LBRACKET,
    TOK_RBRACKET,
    TOK_COMMA,
    TOK_DOT,
    TOK_PLUS,
    TOK_MINUS,
    TOK_AND,
    TOK_OR,
    TOK_NOT,
    TOK_BETWEEN,
    TOK_IN,
    TOK_SET,
    TOK_REMOVE,
    TOK_ADD,
    TOK_DELETE,
};

struct expr_tok {
    enum expr_tok_kind kind;
    struct tc_slice text;
};

/* ---- syntax tree, in ctx->scratch ------------------------------------------------------------ */

struct expr_elem {
    struct expr_elem *next;
    struct tc_slice text; /* name; the placeholder until resolved */
    uint32_t index;
    bool is_index;
    bool is_token; /* text is a placeholder, not resolved yet */
};

/* A condition, operand, right-hand side or action. Children: comparator and function operands in
 * order; an action has its path, then its value if any. */
struct expr_node {
    enum expr_op op;
    bool parens;
    uint32_t count; /* of children */
    struct expr_node *first;
    struct expr_node *last;
    struct expr_node *next;
    struct tc_slice text;    /* OP_VALUE: placeholder, then encoded value; functions: their name */
    struct expr_elem *elems; /* OP_PATH */
};

struct expr_parser {
    enum expr_kind kind;
    const uint8_t *at; /* behind tok */
    const uint8_t *end;
    struct expr_tok prev;
    struct expr_tok tok;
    struct expr_ctx *ctx;
    struct tc_buf *diag;
    uint32_t depth;
    uint32_t operators_count; /* and functions; bounded by the text until it is checked */
    uint64_t inlined_bytes;   /* substitutions so far, each time one is used */
    /* Faults that syntax errors take precedence over; the first of each in the text. */
    bool redundant_parens;
    struct tc_slice unknown_function;
    struct tc_slice misused_function;
    struct tc_slice reserved;
    struct tc_slice bad_index;
    enum expr_op sections_seen[4];
    enum expr_op repeated_section;
    struct expr_node **sorted; /* actions in trie order, once their paths are checked */
};

/* expr_lex.c */
void expr__lex_start(struct expr_parser *p, struct tc_slice text);
void expr__advance(struct expr_parser *p);
/* Kind of the token after the current one. */
enum expr_tok_kind expr__peek(const struct expr_parser *p);
/* Advance over a token of this kind, or fail with a syntax error. */
TC_MUST_USE tc_err expr__expect(struct expr_parser *p, enum expr_tok_kind kind);
tc_err expr__syntax_error(struct expr_parser *p);

/* expr_reserved.c */
bool expr__is_reserved(struct tc_slice word);

/* expr_text.c: "Invalid <kind>Expression: <text>" to diag; all return TC_EINVAL. */
const char *expr__kind_name(enum expr_kind kind);
tc_err expr__fail(const struct expr_parser *p, const char *text);
tc_err expr__fail_about(const struct expr_parser *p, const char *text, struct tc_slice about);
tc_err expr__fail_type(const struct expr_parser *p, const char *role, struct tc_slice op,
                       const char *type_name);
tc_err expr__fail_count(const struct expr_parser *p, struct tc_slice op, uint32_t count);
tc_err expr__fail_paths(const struct expr_parser *p, const char *how, const struct expr_node *one,
                        const struct expr_node *two);
/* "[a, [1], b]" */
void expr__append_path(struct tc_buf *out, const struct expr_node *path);
/* "AttributeValue: {S:a}" */
void expr__append_value(struct tc_buf *out, struct tc_slice encoded);
/* "=", "AND", "begins_with" ... */
struct tc_slice expr__op_text(enum expr_op op);

/* expr_parse.c, expr_parse_update.c */
TC_MUST_USE tc_err expr__parse_condition(struct expr_parser *p, struct expr_node **ret_root);
/* The paths of a projection or actions of an update, as children of an OP_NONE node. */
TC_MUST_USE tc_err expr__parse_projection(struct expr_parser *p, struct expr_node **ret_list);
TC_MUST_USE tc_err expr__parse_update(struct expr_parser *p, struct expr_node **ret_list);
TC_MUST_USE tc_err expr__enter(struct expr_parser *p);
TC_MUST_USE tc_err expr__new_node(struct expr_parser *p, enum expr_op op,
                                  struct expr_node **ret_node);
void expr__add_child(struct expr_node *parent, struct expr_node *child);
/* Parse the operand of a function of this expression kind (brackets and all). */
TC_MUST_USE tc_err expr__parse_operand(struct expr_parser *p, struct expr_node **ret_node);

/* expr_parse_simple.c */
TC_MUST_USE tc_err expr__parse_path(struct expr_parser *p, struct expr_node **ret_path);
/* More elements of a path: .name and [number], as many as follow. */
TC_MUST_USE tc_err expr__parse_path_rest(struct expr_parser *p, struct expr_node *path);
/* A bracketed list of operands, as children of a function or of IN. */
TC_MUST_USE tc_err expr__parse_arguments(struct expr_parser *p, struct expr_node *call);
/* A path, :value or function call. */
TC_MUST_USE tc_err expr__parse_simple(struct expr_parser *p, struct expr_node **ret_node);

/* expr_bind.c */
TC_MUST_USE tc_err expr__resolve(struct expr_parser *p, struct expr_node *node);
TC_MUST_USE tc_err expr__resolve_names(struct expr_parser *p, struct expr_node *node);
TC_MUST_USE tc_err expr__resolve_values(struct expr_parser *p, struct expr_node *node);

/* expr_validate.c, expr_validate_update.c: semantic checks of a parsed tree; resolves it. */
TC_MUST_USE tc_err expr__validate_condition(struct expr_parser *p, struct expr_node *root);
TC_MUST_USE tc_err expr__validate_projection(struct expr_parser *p, struct expr_node *list);
TC_MUST_USE tc_err expr__validate_update(struct expr_parser *p, struct expr_node *list);
TC_MUST_USE tc_err expr__check_faults(struct expr_parser *p);
/* Type of a resolved literal or of a function's result; 0: known at evaluation only. */
enum item_type expr__static_type(const struct expr_node *node);

/* "S" -> ITEM_S; 0: no such type. */
enum item_type expr__type_named(struct tc_slice name);

/* expr_paths.c */
bool expr__elem_eq(const struct expr_elem *a, const struct expr_elem *b);
bool expr__path_eq(const struct expr_node *a, const struct expr_node *b);
/* No two paths of the actions may overlap or treat one place as both map and list; leaves the
 * actions in trie order in p->sorted. */
TC_MUST_USE tc_err expr__check_paths(struct expr_parser *p, struct expr_node *list);

/* expr_emit.c */
void expr__emit_header(struct tc_buf *out, enum expr_kind kind);
void expr__emit_condition(struct tc_buf *out, const struct expr_node *root);
void expr__emit_actions(struct tc_buf *out, struct expr_node *const *sorted, size_t count);
/* Put a varint of the bytes from start on in front of them. */
void expr__close_lenbytes(struct tc_buf *out, size_t start);
/* Room for 10 bytes; answers how many were written. */
size_t expr__varint(uint8_t ret_bytes[10], uint64_t v);
void expr__insert(struct tc_buf *out, size_t start, const void *bytes, size_t len);

/* expr_walk.c: reading programs */
struct expr_child {
    struct tc_slice name; /* OP_MAP */
    uint64_t index;       /* OP_LIST */
    struct tc_slice trie;
};
struct expr_children {
    struct tc_reader r;
    uint64_t left;
    enum expr_op of;
};
enum expr_op expr__read_op(struct tc_reader *r);
/* Children of the trie's OP_MAP or OP_LIST. */
struct expr_children expr__children(struct tc_slice trie);
bool expr__next_child(struct expr_children *c, struct expr_child *ret_child);
enum expr_op expr__trie_op(struct tc_slice trie);
struct tc_slice expr__body(struct tc_slice program);
enum expr_kind expr__kind(struct tc_slice program);
bool expr__is_set(enum item_type type);
/* Levels that v fills, as item.h counts them: 1 for a scalar, set or empty container. Looks max
 * levels deep. */
uint32_t expr__nesting(struct item_value v, uint32_t max);
/* Read a path and look it up. live false: only read. */
bool expr__read_path(struct tc_reader *r, struct tc_slice item, bool live,
                     struct item_value *ret_value);

/* expr_compile.c: size checks of a text and its first token */
TC_MUST_USE tc_err expr__start(struct expr_parser *p, struct tc_slice text);

/* expr_sort.c */
typedef bool (*expr__less)(const void *base, size_t a, size_t b);
typedef void (*expr__swap)(void *base, size_t a, size_t b);
void expr__sort(void *base, size_t count, expr__less less, expr__swap swap);

/* expr_set.c: canonical sets as sorted merges. Appends an encoded set; false: it came out empty
 * and nothing was appended. */
void expr__set_union(struct tc_buf *out, struct item_value a, struct item_value b);
bool expr__set_difference(struct tc_buf *out, struct item_value a, struct item_value b);
/* Wrap the bytes from start on as a container value of this type and element count. */
void expr__wrap_container(struct tc_buf *out, size_t start, enum item_type type, uint64_t count);

#define EXPR_TEXT_TOO_LARGE "Item size to update has exceeded the maximum allowed size"

/* expr_eval.c: right-hand sides of SET */
struct expr_eval {
    struct tc_slice old_item;
    struct tc_arena *scratch;
    struct tc_buf *diag;
    size_t out_start; /* where the new item begins in the out buffer */
};
TC_MUST_USE tc_err expr__eval_operand(struct expr_eval *e, struct tc_reader *r, bool live,
                                      struct item_value *ret_value);
TC_MUST_USE tc_err expr__add_numbers(struct expr_eval *e, struct item_value a, struct item_value b,
                                     bool minus, struct item_value *ret_value);
tc_err expr__eval_fail(struct expr_eval *e, const char *text);
/* Returns TC_ETYPE. */
tc_err expr__eval_fail_type(struct expr_eval *e);

#endif
