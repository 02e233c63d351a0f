/*
 * hcl_priv -- what the files of the HCL parser share
 *
 * hcl_lex.c cuts HCL2 text into tokens; hcl_parse.c reads bodies from them, hcl_expr.c
 * expressions, hcl_template.c quoted strings and heredocs. hcl1_*.c read the older dialect,
 * hcl_json.c the JSON syntax of both. hcl_eval.c and hcl_ops.c compute values, hcl_num.c
 * numbers.
 */
#ifndef LANG_HCL_PRIV_H
#define LANG_HCL_PRIV_H

#include "lang/hcl.h"

enum hcl_tok_type {
    T_EOF,
    T_NEWLINE,
    T_IDENT,
    T_NUMBER,
    T_OQUOTE,
    T_CQUOTE,
    T_OHEREDOC, /* "<<EOT\n", the newline included */
    T_CHEREDOC, /* the line of the closing marker, without its newline */
    T_LITERAL,  /* text inside a quoted string or heredoc */
    T_QUOTED_NEWLINE,
    T_INTERP,  /* "${" or "${~" */
    T_CONTROL, /* "%{" or "%{~" */
    T_SEQ_END, /* "}" or "~}" */
    T_OBRACE,
    T_CBRACE,
    T_OBRACK,
    T_CBRACK,
    T_OPAREN,
    T_CPAREN,
    T_DOT,
    T_COMMA,
    T_COLON,
    T_DCOLON,
    T_EQUAL,
    T_FATARROW,
    T_ELLIPSIS,
    T_QUESTION,
    T_OR,
    T_AND,
    T_EQ,
    T_NE,
    T_LT,
    T_GT,
    T_LE,
    T_GE,
    T_PLUS,
    T_MINUS,
    T_STAR,
    T_SLASH,
    T_PERCENT,
    T_BANG,
    T_INVALID, /* said by the lexer already */
};

struct hcl_tok {
    enum hcl_tok_type type;
    struct hcl_pos start, end;
};

/* Tokens of one text; on the heap, dropped when the tree is there. */
enum { HCL_TOKENS_MAX = 4 * HCL_NODES_MAX, HCL_MODES_MAX = 4 * HCL_DEPTH_MAX };

enum { HCL_BLOCK_NODES = 4 }; /* a block is as large as so many other nodes */

struct hcl_tokens {
    struct hcl_tok *at;
    size_t len, cap;
};

/* The last token is T_EOF. Says what is wrong with characters and encodings in `d`; the rest is
 * the parser's. ERR_TOOBIG: a budget is spent (said in `d`). */
int hcl_lex(struct str text, const char *file, struct hcl_tokens *ret, struct hcl_diags *d);
/* The same for a text that is a template as a whole; `start`: where its first character stands.
 * Bytes of positions count from its own beginning. */
int hcl_lex_template(struct str text, const char *file, struct hcl_pos start,
                     struct hcl_tokens *ret, struct hcl_diags *d);

struct hcl_parser {
    struct str text;
    const char *file;
    struct arena *arena;
    struct hcl_diags *diags;
    struct hcl_tokens toks;
    size_t next;     /* index of the token that comes next */
    size_t prev;     /* and of the one read last */
    bool newlines;   /* newlines are tokens here, else they are skipped */
    bool recovering; /* an error was said: what follows from it is not */
    bool spent;      /* a budget is gone: every token is the end now */
    uint32_t depth, nodes;
    size_t flush; /* in a <<- heredoc: columns to cut at line starts */
};

/* hcl_parse.c: tokens */
const struct hcl_tok *hcl_peek(struct hcl_parser *p);
const struct hcl_tok *hcl_read(struct hcl_parser *p);
static inline enum hcl_tok_type hcl_next_type(struct hcl_parser *p)
{
    return hcl_peek(p)->type;
}
struct hcl_range hcl_tok_range(const struct hcl_parser *p, const struct hcl_tok *t);
struct str hcl_tok_text(const struct hcl_parser *p, const struct hcl_tok *t);
struct hcl_range hcl_range_between(struct hcl_range first, struct hcl_range last);
/* An error, unless one was said before that may have caused it. Then recovering. */
void hcl_expected(struct hcl_parser *p, struct hcl_range at, const char *summary,
                  const char *detail);
/* Skip to after the closing token of what is open (brackets inside are counted). */
void hcl_recover(struct hcl_parser *p, enum hcl_tok_type closer);
/* False: deeper than HCL_DEPTH_MAX (said). */
bool hcl_enter(struct hcl_parser *p);
void hcl_leave(struct hcl_parser *p);
/* Beyond HCL_NODES_MAX the parser is `spent`. A number costs as much as it is long: "1e999". */
void hcl_count_nodes(struct hcl_parser *p, uint32_t n);
enum { HCL_NODE_DIGITS = 32 };
/* NULL never. */
struct hcl_expr *hcl_new_expr(struct hcl_parser *p, enum hcl_expr_kind kind,
                              struct hcl_range at);
struct hcl_expr *hcl_new_string(struct hcl_parser *p, struct str value, struct hcl_range at);
/* at and source from here to the last token read. */
void hcl_expr_ends(struct hcl_parser *p, struct hcl_expr *x, struct hcl_range first);
void hcl_add_item(struct hcl_parser *p, struct hcl_expr *x, struct hcl_expr *item);

/* hcl_expr.c */
struct hcl_expr *hcl_parse_expr(struct hcl_parser *p);
/* `for` up to the colon; shared with templates. `open`: what began it. NULL: said. */
struct hcl_for *hcl_parse_for_intro(struct hcl_parser *p, bool in_template);

/* hcl_template.c */
struct hcl_expr *hcl_parse_template(struct hcl_parser *p);
/* A quoted string without sequences (a label); its text. */
struct str hcl_parse_plain_string(struct hcl_parser *p, struct hcl_range *ret_at);
/* The value of a JSON string that stands at `at`, as a template. */
struct hcl_expr *hcl_template_of_text(struct hcl_parser *outer, struct str text,
                                      struct hcl_range at);

/* hcl_blocks.c: an object as a body seen as an expression. */
void hcl_object_of_body(struct hcl_parser *p, struct hcl_expr *x, struct hcl_body *b);

/* hcl1_scan.c */
enum hcl1_tok_type {
    H1_EOF,
    H1_IDENT,
    H1_NUMBER,
    H1_FLOAT,
    H1_BOOL,
    H1_STRING,
    H1_HEREDOC,
    H1_LBRACK,
    H1_LBRACE,
    H1_COMMA,
    H1_PERIOD,
    H1_RBRACK,
    H1_RBRACE,
    H1_ASSIGN,
    H1_ADD,
    H1_SUB,
    H1_ILLEGAL,
};

struct hcl1_tok {
    enum hcl1_tok_type type;
    struct hcl_pos start, end;
    struct str text;
};

struct hcl1_scanner {
    struct str text;
    struct hcl_pos at;      /* col: of the character read last; the end can be read again */
    uint32_t last_line_len; /* of the line that the last newline ended */
    const char *error;      /* the last one, NULL: none */
    struct hcl_pos error_at;
};

struct hcl1_tok hcl1_scan(struct hcl1_scanner *s);
const char *hcl1_tok_name(enum hcl1_tok_type type);
/* The values of a H1_STRING and a H1_HEREDOC. */
struct str hcl1_string_value(struct str quoted, struct arena *a);
struct str hcl1_heredoc_value(struct str text, struct arena *a);

/* The other readers. */
int hcl1_parse(struct hcl_parser *p, struct hcl_body **ret);
int hcl_json_parse(struct hcl_parser *p, enum hcl_dialect dialect, struct hcl_body **ret);

/* UTF-8: bytes of the character at `at`, 0 if it is malformed; *ret the code point. */
size_t hcl_utf8(struct str s, size_t at, uint32_t *ret);
size_t hcl_utf8_put(uint32_t cp, char *ret); /* at most 4 bytes */
bool hcl_is_ident_start(uint32_t cp);
bool hcl_is_ident_part(uint32_t cp);
/* Four or eight hexadecimal digits at p[0..n): false if they are not. */
bool hcl_hex(const char *p, size_t n, uint32_t *ret);

/*
 * Numbers: binary, 512 bits, as the language defines them; texts are the shortest that read
 * back the same, never with an exponent.
 */
enum { HCL_NUM_DIGITS_MAX = 1000 };
enum hcl_num_result { HCL_NUM_OK, HCL_NUM_BAD, HCL_NUM_HUGE, HCL_NUM_UNDEFINED };

enum hcl_num_result hcl_num_parse(struct str text, struct arena *a, struct str *ret);
/* op: + - * / %. x / 0 is the text "+Inf" or "-Inf". */
enum hcl_num_result hcl_num_op(char op, struct str x, struct str y, struct arena *a,
                               struct str *ret);
int hcl_num_cmp(struct str x, struct str y); /* both as hcl_num_parse returns them */

/* hcl_unicode.c: bytes of the grapheme cluster at `at`; how many of them a text has. */
size_t hcl_grapheme(struct str s, size_t at);
size_t hcl_graphemes(struct str s);
uint32_t hcl_case(uint32_t cp, bool upper);
bool hcl_is_word_char(uint32_t cp); /* part of a word: its first letter is one of a title */
bool hcl_is_space(uint32_t cp);

/* hcl_value.c */
struct json *hcl_new_value(struct arena *a, struct json v);
/* Numbers by value, everything else as json_eq. */
bool hcl_values_equal(const struct json *x, const struct json *y);
/* An order of all values: numbers by value, and any order for what is none. */
int hcl_values_cmp(const struct json *x, const struct json *y);
/* As compact JSON, numbers in canonical text, <, > and & escaped. */
void hcl_put_json(struct buf *b, const struct json *v, struct arena *a);

#endif
