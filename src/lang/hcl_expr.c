#include "base/err.h"
#include "lang/hcl_priv.h"

/*
 * Expressions, by precedence:
 *     cond ? a : b
 *     ||   &&   == !=   < > <= >=   + -   * / %
 *     - !  and then the term with its steps: .name [index] .* [*]
 * Inside ( ) and [ ] newlines mean nothing; inside { } they separate.
 */

static const char bad_expression[] = "Invalid expression";

static struct hcl_range here(struct hcl_parser *p)
{
    return hcl_tok_range(p, hcl_peek(p));
}

/* Something in place of what could not be read, so that the tree is whole. */
static struct hcl_expr *placeholder(struct hcl_parser *p, struct hcl_range at)
{
    struct hcl_expr *x = hcl_new_expr(p, HCL_LITERAL, at);

    x->value = arena_new_of(p->arena, struct json);
    return x;
}

static struct hcl_expr *parse_with_steps(struct hcl_parser *p);

/*
 * for
 */

static bool next_is_word(struct hcl_parser *p, const char *word)
{
    return hcl_next_type(p) == T_IDENT && str_eqc(hcl_tok_text(p, hcl_peek(p)), word);
}

static bool for_error(struct hcl_parser *p, bool in_template, const char *expr_detail,
                      const char *template_detail)
{
    hcl_expected(p, here(p),
                 in_template ? "Invalid 'for' directive" : "Invalid 'for' expression",
                 in_template ? template_detail : expr_detail);
    return false;
}

static bool parse_for_names(struct hcl_parser *p, struct hcl_for *f, bool in_template)
{
    if (hcl_next_type(p) != T_IDENT)
        return for_error(p, in_template, "For expression requires variable name after 'for'.",
                         "For directive requires variable name after 'for'.");
    f->val_var = hcl_tok_text(p, hcl_read(p));
    if (hcl_next_type(p) == T_COMMA) {
        hcl_read(p);
        if (hcl_next_type(p) != T_IDENT)
            return for_error(p, in_template,
                             "For expression requires value variable name after comma.",
                             "For directive requires value variable name after comma.");
        f->key_var = f->val_var;
        f->val_var = hcl_tok_text(p, hcl_read(p));
    }
    if (!next_is_word(p, "in"))
        return for_error(
            p, in_template,
            "For expression requires the 'in' keyword after its name declarations.",
            "For directive requires 'in' keyword after names.");
    hcl_read(p);
    return true;
}

struct hcl_for *hcl_parse_for_intro(struct hcl_parser *p, bool in_template)
{
    struct hcl_for *f = arena_new_of(p->arena, struct hcl_for);

    f->template = in_template;
    if (!parse_for_names(p, f, in_template))
        return NULL;
    f->in = hcl_parse_expr(p);
    if (in_template)
        return f;
    if (hcl_next_type(p) != T_COLON) {
        for_error(p, false, "For expression requires a colon after the collection expression.",
                  "");
        return NULL;
    }
    hcl_read(p);
    return f;
}

/* What follows the colon, up to the bracket. */
static bool parse_for_result(struct hcl_parser *p, struct hcl_for *f, bool is_object)
{
    f->val = hcl_parse_expr(p);
    if (hcl_next_type(p) == T_FATARROW) {
        if (!is_object)
            return for_error(p, false, "Key expression is not valid when building a tuple.",
                             "");
        hcl_read(p);
        f->key = f->val;
        f->val = hcl_parse_expr(p);
    }
    if (hcl_next_type(p) == T_ELLIPSIS) {
        if (!is_object)
            return for_error(
                p, false, "Grouping ellipsis (...) cannot be used when building a tuple.", "");
        hcl_read(p);
        f->group = true;
    }
    if (is_object && !f->key)
        return for_error(p, false, "Key expression is required when building an object.", "");
    if (next_is_word(p, "if")) {
        hcl_read(p);
        f->cond = hcl_parse_expr(p);
    }
    if (hcl_next_type(p) != (is_object ? T_CBRACE : T_CBRACK))
        return for_error(p, false, "Extra characters after the end of the 'for' expression.",
                         "");
    hcl_read(p);
    return true;
}

/* The bracket is read, `for` is next. */
static struct hcl_expr *parse_for(struct hcl_parser *p, struct hcl_range open, bool is_object)
{
    struct hcl_expr *x = hcl_new_expr(p, HCL_FOR, open);
    bool newlines = p->newlines;

    p->newlines = false;
    hcl_read(p); /* for */
    x->for_ = hcl_parse_for_intro(p, false);
    if (!x->for_ || !parse_for_result(p, x->for_, is_object)) {
        x = placeholder(p, open);
        hcl_recover(p, is_object ? T_CBRACE : T_CBRACK);
    }
    p->newlines = newlines;
    hcl_expr_ends(p, x, open);
    return x;
}

/*
 * Terms
 */

static struct hcl_expr *parse_number(struct hcl_parser *p)
{
    const struct hcl_tok *t = hcl_read(p);
    struct hcl_range at = hcl_tok_range(p, t);
    struct hcl_expr *x = placeholder(p, at);

    if (hcl_num_parse(hcl_tok_text(p, t), p->arena, &x->value->text) == HCL_NUM_OK)
        x->value->type = JSON_NUMBER;
    else
        hcl_diag_add(p->diags, at, "Invalid number literal",
                     "Numbers have at most %d digits before and after the decimal point.",
                     HCL_NUM_DIGITS_MAX);
    hcl_count_nodes(p, (uint32_t)(x->value->text.len / HCL_NODE_DIGITS));
    return x;
}

static struct hcl_expr *parse_paren(struct hcl_parser *p)
{
    struct hcl_range open = hcl_tok_range(p, hcl_read(p));
    bool newlines = p->newlines;
    struct hcl_expr *x = hcl_new_expr(p, HCL_PAREN, open);

    p->newlines = false;
    hcl_add_item(p, x, hcl_parse_expr(p));
    if (hcl_next_type(p) == T_CPAREN) {
        hcl_read(p);
    } else {
        hcl_expected(p, here(p), "Unbalanced parentheses",
                     "Expected a closing parenthesis to terminate the expression.");
        hcl_recover(p, T_CPAREN);
    }
    p->newlines = newlines;
    hcl_expr_ends(p, x, open);
    x->start_at = x->at;
    return x;
}

static struct hcl_expr *parse_tuple(struct hcl_parser *p)
{
    struct hcl_range open = hcl_tok_range(p, hcl_read(p));
    bool newlines = p->newlines;
    struct hcl_expr *x;

    p->newlines = false;
    if (next_is_word(p, "for")) {
        x = parse_for(p, open, false);
        p->newlines = newlines;
        return x;
    }
    x = hcl_new_expr(p, HCL_TUPLE, open);
    while (hcl_next_type(p) != T_CBRACK) {
        bool was_recovering = p->recovering;

        hcl_add_item(p, x, hcl_parse_expr(p));
        if (hcl_next_type(p) == T_COMMA && p->recovering == was_recovering) {
            hcl_read(p);
        } else if (hcl_next_type(p) != T_CBRACK) {
            if (hcl_next_type(p) == T_EOF)
                hcl_expected(
                    p, open, "Unterminated tuple constructor expression",
                    "There is no corresponding closing bracket before the end of the "
                    "file. This may be caused by incorrect bracket nesting elsewhere in "
                    "this file.");
            else
                hcl_expected(p, here(p), "Missing item separator",
                             "Expected a comma to mark the beginning of the next item.");
            hcl_recover(p, T_CBRACK);
            p->newlines = newlines;
            hcl_expr_ends(p, x, open);
            return x;
        }
    }
    hcl_read(p);
    p->newlines = newlines;
    hcl_expr_ends(p, x, open);
    return x;
}

static void add_pair(struct hcl_parser *p, struct hcl_expr *x, struct hcl_expr *key,
                     struct hcl_expr *value)
{
    LIST(struct hcl_expr *) keys = {x->keys, x->n_items};

    list_push(p->arena, &keys, key);
    x->keys = keys.at;
    hcl_add_item(p, x, value);
}

/* A bare name is its own text; anything else is computed. */
static struct hcl_expr *parse_key(struct hcl_parser *p)
{
    struct hcl_expr *key = hcl_parse_expr(p);

    if (key->kind == HCL_VARIABLE)
        return hcl_new_string(p, key->name, key->at);
    if (key->kind == HCL_LITERAL && key->value->type != JSON_STRING)
        return hcl_new_string(p, key->source, key->at); /* true, null, 5 as they stand */
    if (key->kind == HCL_ATTR || key->kind == HCL_INDEX)
        hcl_expected(
            p, key->at, "Ambiguous attribute key",
            "If this expression is intended to be a reference, wrap it in parentheses. "
            "If it's instead intended as a literal name containing periods, wrap it in "
            "quotes to create a string literal.");
    return key;
}

static void say_no_value(struct hcl_parser *p, struct hcl_range open)
{
    switch (hcl_next_type(p)) {
    case T_NEWLINE:
    case T_COMMA:
        hcl_expected(p, here(p), "Missing attribute value",
                     "Expected an attribute value, introduced by an equals sign (\"=\").");
        break;
    case T_IDENT:
        hcl_expected(p, here(p), "Missing key/value separator",
                     "Expected an equals sign (\"=\") to mark the beginning of the attribute "
                     "value. If you intended to given an attribute name containing periods or "
                     "spaces, write the name in quotes to create a string literal.");
        break;
    case T_EOF:
        hcl_expected(p, open, "Unterminated object constructor expression",
                     "There is no corresponding closing brace before the end of the file. This "
                     "may be caused by incorrect brace nesting elsewhere in this file.");
        break;
    default:
        hcl_expected(p, here(p), "Missing key/value separator",
                     "Expected an equals sign (\"=\") to mark the beginning of the attribute "
                     "value.");
    }
}

static void say_no_separator(struct hcl_parser *p, struct hcl_range open)
{
    if (hcl_next_type(p) == T_EOF)
        say_no_value(p, open);
    else
        hcl_expected(
            p, here(p), "Missing attribute separator",
            "Expected a newline or comma to mark the beginning of the next attribute.");
}

/* One `key = value` and what separates it from the next; false: recover. */
static bool parse_pair(struct hcl_parser *p, struct hcl_expr *x, struct hcl_range open)
{
    bool was_recovering = p->recovering;
    struct hcl_expr *key = parse_key(p), *value;

    if (p->recovering != was_recovering)
        return false;
    if (hcl_next_type(p) != T_EQUAL && hcl_next_type(p) != T_COLON) {
        say_no_value(p, open);
        return false;
    }
    hcl_read(p);
    value = hcl_parse_expr(p);
    add_pair(p, x, key, value);
    if (p->recovering != was_recovering)
        return false;
    if (hcl_next_type(p) == T_CBRACE)
        return true;
    if (hcl_next_type(p) != T_COMMA && hcl_next_type(p) != T_NEWLINE) {
        say_no_separator(p, open);
        return false;
    }
    hcl_read(p);
    return true;
}

static struct hcl_expr *parse_object(struct hcl_parser *p)
{
    struct hcl_range open = hcl_tok_range(p, hcl_read(p));
    bool newlines = p->newlines;
    struct hcl_expr *x;

    p->newlines = false;
    if (next_is_word(p, "for")) {
        x = parse_for(p, open, true);
        p->newlines = newlines;
        return x;
    }
    p->newlines = true;
    x = hcl_new_expr(p, HCL_OBJECT, open);
    for (;;) {
        while (hcl_next_type(p) == T_NEWLINE)
            hcl_read(p);
        if (hcl_next_type(p) == T_CBRACE) {
            hcl_read(p);
            break;
        }
        if (!parse_pair(p, x, open)) {
            hcl_recover(p, T_CBRACE);
            break;
        }
    }
    p->newlines = newlines;
    hcl_expr_ends(p, x, open);
    return x;
}

/* Arguments up to the closing parenthesis; false: recover. */
static bool parse_arguments(struct hcl_parser *p, struct hcl_expr *x, struct hcl_range open)
{
    while (hcl_next_type(p) != T_CPAREN) {
        bool was_recovering = p->recovering;

        hcl_add_item(p, x, hcl_parse_expr(p));
        if (p->recovering != was_recovering)
            return false;
        if (hcl_next_type(p) == T_ELLIPSIS) {
            hcl_read(p);
            x->expand = true;
            if (hcl_next_type(p) == T_CPAREN)
                break;
            hcl_expected(
                p, here(p), "Missing closing parenthesis",
                "An expanded function argument (with ...) must be immediately followed "
                "by closing parenthesis.");
            return false;
        }
        if (hcl_next_type(p) == T_COMMA) {
            hcl_read(p);
        } else if (hcl_next_type(p) == T_EOF) {
            hcl_expected(
                p, open, "Unterminated function call",
                "There is no closing parenthesis for this function call before the end "
                "of the file. This may be caused by incorrect parethesis nesting "
                "elsewhere in this file.");
            return false;
        } else if (hcl_next_type(p) != T_CPAREN) {
            hcl_expected(p, here(p), "Missing argument separator",
                         "A comma is required to separate each function argument from the "
                         "next.");
            return false;
        }
    }
    hcl_read(p);
    return true;
}

static struct hcl_expr *parse_call(struct hcl_parser *p, struct hcl_range name_at)
{
    struct hcl_expr *x = hcl_new_expr(p, HCL_CALL, name_at);
    bool newlines = p->newlines;
    struct hcl_range open;

    x->name = x->source;
    x->name_at = name_at;
    open = hcl_tok_range(p, hcl_read(p));
    x->start_at = hcl_range_between(name_at, open);
    p->newlines = false;
    if (!parse_arguments(p, x, open))
        hcl_recover(p, T_CPAREN);
    p->newlines = newlines;
    hcl_expr_ends(p, x, name_at);
    return x;
}

static struct hcl_expr *parse_name(struct hcl_parser *p)
{
    const struct hcl_tok *t = hcl_read(p);
    struct hcl_range at = hcl_tok_range(p, t);
    struct str name = hcl_tok_text(p, t);
    struct hcl_expr *x;

    if (hcl_next_type(p) == T_OPAREN)
        return parse_call(p, at);
    if (!str_eqc(name, "true") && !str_eqc(name, "false") && !str_eqc(name, "null")) {
        x = hcl_new_expr(p, HCL_VARIABLE, at);
        x->name = name;
        return x;
    }
    x = placeholder(p, at);
    if (!str_eqc(name, "null"))
        *x->value = json_of_bool(str_eqc(name, "true"));
    return x;
}

static struct hcl_expr *parse_unary(struct hcl_parser *p)
{
    const struct hcl_tok *t = hcl_read(p);
    struct hcl_range at = hcl_tok_range(p, t);
    struct hcl_expr *x = hcl_new_expr(p, HCL_UNARY, at);

    x->op[0] = t->type == T_MINUS ? '-' : '!';
    if (!hcl_enter(p))
        return x;
    hcl_add_item(p, x, parse_with_steps(p));
    hcl_leave(p);
    hcl_expr_ends(p, x, at);
    return x;
}

static struct hcl_expr *no_term(struct hcl_parser *p)
{
    struct hcl_range at = here(p);

    if (hcl_next_type(p) == T_EOF)
        hcl_expected(p, at, "Missing expression",
                     "Expected the start of an expression, but found the end of the file.");
    else
        hcl_expected(p, at, bad_expression,
                     "Expected the start of an expression, but found an invalid expression "
                     "token.");
    return placeholder(p, at);
}

static struct hcl_expr *parse_term(struct hcl_parser *p)
{
    switch (hcl_next_type(p)) {
    case T_NUMBER:
        return parse_number(p);
    case T_IDENT:
        return parse_name(p);
    case T_OQUOTE:
    case T_OHEREDOC:
        return hcl_parse_template(p);
    case T_OPAREN:
        return parse_paren(p);
    case T_OBRACK:
        return parse_tuple(p);
    case T_OBRACE:
        return parse_object(p);
    case T_MINUS:
    case T_BANG:
        return parse_unary(p);
    default:
        return no_term(p);
    }
}

/*
 * Steps: .name .0 .* [x] [*]
 */

static struct hcl_expr *new_step(struct hcl_parser *p, enum hcl_expr_kind kind,
                                 struct hcl_expr *of, struct hcl_range step_start)
{
    struct hcl_expr *x = hcl_new_expr(p, kind, of->at);

    hcl_add_item(p, x, of);
    hcl_expr_ends(p, x, of->at);
    x->start_at = x->at;
    x->name_at = hcl_range_between(step_start, x->at);
    return x;
}

static struct hcl_expr *new_index(struct hcl_parser *p, struct hcl_expr *of,
                                  struct hcl_expr *key, struct hcl_range open)
{
    struct hcl_expr *x = new_step(p, HCL_INDEX, of, open);

    hcl_add_item(p, x, key);
    if (key->kind != HCL_LITERAL)
        x->start_at = open;
    return x;
}

/* `.0` and, cut from one number token, `.0.1`: the older way to write an index. */
static struct hcl_expr *parse_legacy_index(struct hcl_parser *p, struct hcl_expr *of,
                                           struct hcl_range dot)
{
    const struct hcl_tok *t = hcl_read(p);
    struct str rest = hcl_tok_text(p, t), item;
    struct hcl_range at = hcl_tok_range(p, t);

    while (str_split(&rest, '.', &item)) {
        struct hcl_expr *key = placeholder(p, at);
        uint64_t unused;

        if (!str_to_u64(item, 10, &unused)) {
            hcl_expected(p, at, "Invalid legacy index syntax",
                         "A number after a dot must be a whole number.");
            return of;
        }
        key->value->type = JSON_NUMBER;
        hcl_num_parse(item, p->arena, &key->value->text);
        of = new_index(p, of, key, dot);
    }
    return of;
}

/* A splat applies what follows to each item: `items[1]` has the item as its root. */
static struct hcl_expr *new_splat(struct hcl_parser *p, struct hcl_expr *of,
                                  struct hcl_range marker)
{
    struct hcl_expr *x = new_step(p, HCL_SPLAT, of, marker);
    struct hcl_expr *each = hcl_new_expr(p, HCL_EACH, marker);

    x->start_at = x->name_at;
    hcl_add_item(p, x, each);
    return x;
}

static struct hcl_expr *end_splat(struct hcl_parser *p, struct hcl_expr *x,
                                  struct hcl_expr *each)
{
    x->items[1] = each;
    hcl_expr_ends(p, x, x->items[0]->at);
    return x;
}

static struct hcl_expr *parse_attr_step(struct hcl_parser *p, struct hcl_expr *of,
                                        struct hcl_range dot)
{
    struct str name = hcl_tok_text(p, hcl_read(p));
    struct hcl_expr *x = new_step(p, HCL_ATTR, of, dot);

    x->name = name;
    return x;
}

/* After `.*` only names and numbers belong to each item. */
static struct hcl_expr *parse_attr_splat(struct hcl_parser *p, struct hcl_expr *of,
                                         struct hcl_range dot)
{
    struct hcl_expr *x, *each;

    hcl_read(p); /* * */
    x = new_splat(p, of, dot);
    each = x->items[1];
    while (hcl_next_type(p) == T_DOT) {
        size_t at_dot = p->next;
        struct hcl_range step = hcl_tok_range(p, hcl_read(p));

        if (hcl_next_type(p) == T_IDENT) {
            each = parse_attr_step(p, each, step);
        } else if (hcl_next_type(p) == T_NUMBER) {
            each = parse_legacy_index(p, each, step);
        } else {
            p->next = at_dot;
            break;
        }
    }
    return end_splat(p, x, each);
}

static struct hcl_expr *parse_steps(struct hcl_parser *p, struct hcl_expr *x);

static struct hcl_expr *parse_dot(struct hcl_parser *p, struct hcl_expr *of)
{
    struct hcl_range dot = hcl_tok_range(p, hcl_read(p));

    switch (hcl_next_type(p)) {
    case T_IDENT:
        return parse_attr_step(p, of, dot);
    case T_NUMBER:
        return parse_legacy_index(p, of, dot);
    case T_STAR:
        return parse_attr_splat(p, of, dot);
    default:
        hcl_expected(p, here(p), "Invalid attribute name",
                     "An attribute name is required after a dot.");
        return of;
    }
}

static struct hcl_expr *parse_full_splat(struct hcl_parser *p, struct hcl_expr *of,
                                         struct hcl_range open)
{
    struct hcl_expr *x;

    hcl_read(p); /* * */
    if (hcl_next_type(p) == T_CBRACK) {
        hcl_read(p);
    } else {
        hcl_expected(p, here(p), "Missing close bracket on splat index",
                     "The star for a full splat operator must be immediately followed by a "
                     "closing bracket (\"]\").");
        hcl_recover(p, T_CBRACK);
    }
    x = new_splat(p, of, open);
    return end_splat(p, x, parse_steps(p, x->items[1]));
}

static struct hcl_expr *parse_bracket(struct hcl_parser *p, struct hcl_expr *of)
{
    struct hcl_range open = hcl_tok_range(p, hcl_read(p));
    bool newlines = p->newlines;
    struct hcl_expr *key;

    if (hcl_next_type(p) == T_STAR)
        return parse_full_splat(p, of, open);
    p->newlines = false;
    key = hcl_parse_expr(p);
    if (hcl_next_type(p) == T_CBRACK) {
        hcl_read(p);
    } else {
        hcl_expected(p, here(p), "Missing close bracket on index",
                     "The index operator must end with a closing bracket (\"]\").");
        hcl_recover(p, T_CBRACK);
    }
    p->newlines = newlines;
    return new_index(p, of, key, open);
}

/* A chain is as deep as it is long, so every step counts as one level. */
static struct hcl_expr *parse_steps(struct hcl_parser *p, struct hcl_expr *x)
{
    uint32_t depth = p->depth;

    while (hcl_next_type(p) == T_DOT || hcl_next_type(p) == T_OBRACK) {
        bool was_recovering = p->recovering;

        if (!hcl_enter(p))
            break;
        x = hcl_next_type(p) == T_DOT ? parse_dot(p, x) : parse_bracket(p, x);
        if (p->recovering != was_recovering)
            break;
    }
    p->depth = depth;
    return x;
}

static struct hcl_expr *parse_with_steps(struct hcl_parser *p)
{
    struct hcl_expr *x = parse_term(p);

    return parse_steps(p, x);
}

/*
 * Operators
 */

static const struct {
    enum hcl_tok_type type;
    unsigned level;
    char text[3];
} binary[] = {
    {T_OR, 0, "||"},     {T_AND, 1, "&&"},  {T_EQ, 2, "=="},  {T_NE, 2, "!="},
    {T_LT, 3, "<"},      {T_GT, 3, ">"},    {T_LE, 3, "<="},  {T_GE, 3, ">="},
    {T_PLUS, 4, "+"},    {T_MINUS, 4, "-"}, {T_STAR, 5, "*"}, {T_SLASH, 5, "/"},
    {T_PERCENT, 5, "%"},
};

enum { BINARY_LEVELS = 6 };

/* The operator of this level that comes next, NULL if there is none. */
static const char *next_operator(struct hcl_parser *p, unsigned level)
{
    enum hcl_tok_type t = hcl_next_type(p);

    for (size_t i = 0; i < ARRAY_LEN(binary); i++)
        if (binary[i].type == t && binary[i].level == level)
            return binary[i].text;
    return NULL;
}

static struct hcl_expr *parse_binary(struct hcl_parser *p, unsigned level)
{
    uint32_t depth = p->depth;
    struct hcl_expr *left;
    const char *op;

    if (level == BINARY_LEVELS)
        return parse_with_steps(p);
    left = parse_binary(p, level + 1);
    while ((op = next_operator(p, level)) && hcl_enter(p)) {
        struct hcl_expr *x = hcl_new_expr(p, HCL_BINARY, left->at);

        hcl_read(p);
        memcpy(x->op, op, strlen(op) + 1);
        hcl_add_item(p, x, left);
        hcl_add_item(p, x, parse_binary(p, level + 1));
        hcl_expr_ends(p, x, left->at);
        x->start_at = left->start_at;
        left = x;
    }
    p->depth = depth;
    return left;
}

static struct hcl_expr *parse_cond(struct hcl_parser *p)
{
    struct hcl_expr *cond = parse_binary(p, 0), *x;

    if (hcl_next_type(p) != T_QUESTION)
        return cond;
    hcl_read(p);
    x = hcl_new_expr(p, HCL_COND, cond->at);
    hcl_add_item(p, x, cond);
    hcl_add_item(p, x, hcl_parse_expr(p));
    if (hcl_next_type(p) != T_COLON) {
        hcl_expected(p, here(p), "Missing false expression in conditional",
                     "The conditional operator (...?...:...) requires a false expression, "
                     "delimited by a colon.");
        return cond;
    }
    hcl_read(p);
    hcl_add_item(p, x, hcl_parse_expr(p));
    hcl_expr_ends(p, x, cond->at);
    x->start_at = cond->start_at;
    return x;
}

struct hcl_expr *hcl_parse_expr(struct hcl_parser *p)
{
    struct hcl_expr *x;

    if (!hcl_enter(p))
        return placeholder(p, here(p));
    x = parse_cond(p);
    hcl_leave(p);
    return x;
}
