#include "core/expr/expr_private.h"

static bool is_alpha(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static bool is_word(uint8_t c) {
    return is_alpha(c) || is_digit(c) || c == '_';
}

static bool is_space(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* word is upper case. */
static bool same_word(struct tc_slice text, const char *word) {
    size_t len = strlen(word);
    if (text.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((text.data[i] & ~0x20) != word[i])
            return false;
    return true;
}

struct keyword {
    const char *word;
    enum expr_tok_kind kind;
};

static enum expr_tok_kind keyword_kind(const struct expr_parser *p, struct tc_slice text) {
    static const struct keyword conditions[] = {{"AND", TOK_AND},
                                                {"OR", TOK_OR},
                                                {"NOT", TOK_NOT},
                                                {"BETWEEN", TOK_BETWEEN},
                                                {"IN", TOK_IN}};
    static const struct keyword updates[] = {
        {"SET", TOK_SET}, {"REMOVE", TOK_REMOVE}, {"ADD", TOK_ADD}, {"DELETE", TOK_DELETE}};
    if (text.len > 7 || p->kind == EXPR_PROJECTION)
        return TOK_IDENT;
    bool update = p->kind == EXPR_UPDATE;
    const struct keyword *words = update ? updates : conditions;
    size_t count =
        update ? sizeof updates / sizeof *updates : sizeof conditions / sizeof *conditions;
    for (size_t i = 0; i < count; i++)
        if (same_word(text, words[i].word))
            return words[i].kind;
    return TOK_IDENT;
}

static const uint8_t *skip_word(const struct expr_parser *p, const uint8_t *at) {
    while (at < p->end && is_word(*at))
        at++;
    return at;
}

/* A whole UTF-8 character, so that error texts stay valid. */
static const uint8_t *skip_character(const struct expr_parser *p, const uint8_t *at) {
    for (at++; at < p->end && (*at & 0xc0) == 0x80;)
        at++;
    return at;
}

static enum expr_tok_kind punctuation_kind(const struct expr_parser *p, const uint8_t *at,
                                           size_t *ret_len) {
    uint8_t second = at + 1 < p->end ? at[1] : 0;
    *ret_len = 1;
    switch (*at) {
    case '=':
        return TOK_EQ;
    case '<':
        *ret_len = second == '=' || second == '>' ? 2 : 1;
        return second == '=' ? TOK_LE : second == '>' ? TOK_NE : TOK_LT;
    case '>':
        *ret_len = second == '=' ? 2 : 1;
        return second == '=' ? TOK_GE : TOK_GT;
    case '(':
        return TOK_LPAREN;
    case ')':
        return TOK_RPAREN;
    case '[':
        return TOK_LBRACKET;
    case ']':
        return TOK_RBRACKET;
    case ',':
        return TOK_COMMA;
    case '.':
        return TOK_DOT;
    case '+':
        return TOK_PLUS;
    case '-':
        return TOK_MINUS;
    default:
        return TOK_BAD;
    }
}

static struct expr_tok token(enum expr_tok_kind kind, const uint8_t *from, const uint8_t *to) {
    return (struct expr_tok){.kind = kind, .text = tc_slice(from, (size_t)(to - from))};
}

static struct expr_tok lex_number(const struct expr_parser *p, const uint8_t *from) {
    const uint8_t *at = from;
    while (at < p->end && is_digit(*at))
        at++;
    return token(TOK_NUMBER, from, at);
}

static struct expr_tok lex(const struct expr_parser *p) {
    const uint8_t *from = p->at;
    while (from < p->end && is_space(*from))
        from++;
    if (from == p->end)
        return token(TOK_EOF, from, from);
    if (is_alpha(*from)) {
        struct expr_tok word = token(TOK_IDENT, from, skip_word(p, from));
        word.kind = keyword_kind(p, word.text);
        return word;
    }
    if (*from == '#' || *from == ':') {
        const uint8_t *to = skip_word(p, from + 1);
        if (to > from + 1)
            return token(*from == '#' ? TOK_NAME : TOK_VALUE, from, to);
    }
    if (is_digit(*from))
        return lex_number(p, from);
    size_t len = 1;
    enum expr_tok_kind kind = punctuation_kind(p, from, &len);
    return token(kind, from, kind == TOK_BAD ? skip_character(p, from) : from + len);
}

void expr__advance(struct expr_parser *p) {
    p->prev = p->tok;
    p->tok = lex(p);
    p->at = p->tok.text.data + p->tok.text.len;
    TC_ASSERT(p->at <= p->end);
}

enum expr_tok_kind expr__peek(const struct expr_parser *p) {
    return lex(p).kind;
}

void expr__lex_start(struct expr_parser *p, struct tc_slice text) {
    TC_ASSERT(text.len > 0 && text.len <= EXPR_TEXT_BYTES_MAX);
    p->at = text.data;
    p->end = text.data + text.len;
    p->tok = token(TOK_EOF, text.data, text.data);
    expr__advance(p);
}

/* The API shows the text from the token before to the token after the one at fault. */
tc_err expr__syntax_error(struct expr_parser *p) {
    struct expr_tok next = lex(p);
    const uint8_t *from = p->prev.text.len ? p->prev.text.data : p->tok.text.data;
    const uint8_t *to =
        next.text.len ? next.text.data + next.text.len : p->tok.text.data + p->tok.text.len;
    if (p->tok.kind == TOK_EOF)
        to = p->prev.text.data + p->prev.text.len;
    TC_ASSERT(from <= to);
    struct tc_slice shown = p->tok.kind == TOK_EOF ? TC_SLICE_LIT("<EOF>") : p->tok.text;
    tc_buf_printf(p->diag, "Invalid %s: Syntax error; token: \"", expr__kind_name(p->kind));
    tc_buf_append_slice(p->diag, shown);
    tc_buf_append_str(p->diag, "\", near: \"");
    tc_buf_append(p->diag, from, (size_t)(to - from));
    tc_buf_append_str(p->diag, "\"");
    return TC_EINVAL;
}

tc_err expr__expect(struct expr_parser *p, enum expr_tok_kind kind) {
    if (p->tok.kind != kind)
        return expr__syntax_error(p);
    expr__advance(p);
    return TC_OK;
}
