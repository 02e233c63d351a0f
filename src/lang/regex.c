#include "lang/regex_priv.h"

#include <string.h>

#include "base/err.h"

static uint32_t emit(struct re_program *p, enum re_op op, const struct re_node *n)
{
    if (p->len >= REGEX_PROGRAM_MAX) {
        p->over = true;
        return 0;
    }
    if (p->len == p->cap) {
        struct re_inst *more = arena_array(p->arena, struct re_inst, p->cap * 2);

        memcpy(more, p->at, p->len * sizeof *more);
        p->at = more;
        p->cap *= 2;
    }
    p->at[p->len] = (struct re_inst){.op = op, .node = n};
    return p->len++;
}

static void compile(struct re_program *p, const struct re_node *n);

static void compile_optional(struct re_program *p, const struct re_node *n, bool loop)
{
    uint32_t split = emit(p, OP_SPLIT, NULL);

    compile(p, n->a);
    if (loop) {
        uint32_t jump = emit(p, OP_JUMP, NULL);

        p->at[jump].x = split;
    }
    p->at[split].x = n->lazy ? p->len : split + 1;
    p->at[split].y = n->lazy ? split + 1 : p->len;
}

static void compile_group(struct re_program *p, const struct re_node *n)
{
    uint32_t save = emit(p, OP_SAVE, NULL);

    p->at[save].x = 2 * (uint32_t)n->min;
    compile(p, n->a);
    save = emit(p, OP_SAVE, NULL);
    p->at[save].x = 2 * (uint32_t)n->min + 1;
}

static void compile_repeat(struct re_program *p, const struct re_node *n)
{
    for (int i = 0; i < n->min && !p->over; i++)
        compile(p, n->a);
    if (n->max < 0)
        compile_optional(p, n, true);
    for (int i = n->min; i < n->max && !p->over; i++)
        compile_optional(p, n, false);
}

static void compile_alt(struct re_program *p, const struct re_node *n)
{
    uint32_t split = emit(p, OP_SPLIT, NULL), jump;

    compile(p, n->a);
    jump = emit(p, OP_JUMP, NULL);
    p->at[split].x = split + 1;
    p->at[split].y = p->len;
    compile(p, n->b);
    p->at[jump].x = p->len;
}

static void compile(struct re_program *p, const struct re_node *n)
{
    if (p->over || ++p->work > 4 * REGEX_PROGRAM_MAX) {
        p->over = true;
        return;
    }
    switch (n->kind) {
    case RE_EMPTY:
        break;
    case RE_CAT:
        compile(p, n->a);
        compile(p, n->b);
        break;
    case RE_ALT:
        compile_alt(p, n);
        break;
    case RE_REPEAT:
        compile_repeat(p, n);
        break;
    case RE_GROUP:
        compile_group(p, n);
        break;
    default:
        emit(p, OP_NODE, n);
        break;
    }
}

int re_compile(struct str pattern, struct arena *a, struct re_program *ret, struct err *e)
{
    struct re_node *n;
    int groups, r = re_parse(pattern, a, &n, &groups, e);

    if (r < 0)
        return r;
    *ret = (struct re_program){
        .arena = a, .at = arena_array(a, struct re_inst, 64), .cap = 64, .groups = groups};
    compile(ret, n);
    emit(ret, OP_MATCH, NULL);
    if (ret->over)
        return err_set(e, ERR_TOOBIG, "error parsing regexp: expression is too large");
    return 0;
}

int regexp_check(const char *pattern, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct re_program p;

    return re_compile(str_of(pattern), a, &p, e);
}

/*
 * Running.
 */
struct threads {
    uint32_t *pcs, len;
    uint32_t *mark; /* mark[pc] == generation: already there */
    uint32_t generation;
};

struct runner {
    const struct re_program *p;
    struct str text;
    size_t at;
    struct threads now, next;
    uint32_t *stack;
    int64_t steps;
    bool matched;
};

static bool word_char(struct str s, size_t at)
{
    unsigned char c = at < s.len ? (unsigned char)s.p[at] : 0;

    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           c == '_';
}

bool re_assertion_holds(struct str text, enum re_kind kind, size_t at)
{
    bool before = at > 0 && word_char(text, at - 1), after = word_char(text, at);

    switch (kind) {
    case RE_BEGIN_TEXT:
        return at == 0;
    case RE_END_TEXT:
        return at == text.len;
    case RE_BEGIN_LINE:
        return at == 0 || text.p[at - 1] == '\n';
    case RE_END_LINE:
        return at == text.len || text.p[at] == '\n';
    case RE_WORD:
        return before != after;
    default:
        return before == after;
    }
}

/* Follow what needs no character from `pc` on. */
static void add_thread(struct runner *r, struct threads *t, uint32_t pc, size_t at)
{
    uint32_t depth = 0;

    r->stack[depth++] = pc;
    while (depth && r->steps-- > 0) {
        const struct re_inst *in;

        pc = r->stack[--depth];
        if (t->mark[pc] == t->generation)
            continue;
        t->mark[pc] = t->generation;
        in = &r->p->at[pc];
        if (in->op == OP_MATCH) {
            r->matched = true;
            return;
        }
        if (in->op == OP_JUMP) {
            r->stack[depth++] = in->x;
        } else if (in->op == OP_SPLIT) {
            r->stack[depth++] = in->y;
            r->stack[depth++] = in->x;
        } else if (in->op == OP_SAVE) {
            r->stack[depth++] = pc + 1;
        } else if (in->node->kind == RE_CLASS) {
            t->pcs[t->len++] = pc;
        } else if (re_assertion_holds(r->text, in->node->kind, at)) {
            r->stack[depth++] = pc + 1;
        }
    }
}

bool re_class_has(const struct re_node *n, uint32_t c)
{
    for (size_t i = 0; i < n->ranges.len; i++)
        if (c >= n->ranges.at[i].lo && c <= n->ranges.at[i].hi)
            return !n->negate;
    return n->negate;
}

static void step(struct runner *r, uint32_t c, size_t after)
{
    r->next.len = 0;
    r->next.generation++;
    for (uint32_t i = 0; i < r->now.len && !r->matched; i++) {
        r->steps--;
        if (re_class_has(r->p->at[r->now.pcs[i]].node, c))
            add_thread(r, &r->next, r->now.pcs[i] + 1, after);
    }
}

/*
 * A pattern and the room its matches need.
 */
struct regex {
    struct re_program program;
    struct threads now, next;
    uint32_t *stack;
};

static void threads_init(struct threads *t, const struct re_program *p)
{
    t->pcs = arena_array(p->arena, uint32_t, p->len);
    t->mark = arena_array(p->arena, uint32_t, p->len);
}

static void threads_clear(struct threads *t, const struct re_program *p)
{
    memset(t->mark, 0, p->len * sizeof *t->mark);
    t->generation = 1;
    t->len = 0;
}

int regex_compile(struct str pattern, struct arena *a, struct regex **ret, struct err *e)
{
    struct regex *re = arena_new_of(a, struct regex);
    int r = re_compile(pattern, a, &re->program, e);

    if (r < 0)
        return r;
    threads_init(&re->now, &re->program);
    threads_init(&re->next, &re->program);
    re->stack = arena_array(a, uint32_t, 2 * (size_t)re->program.len + 2);
    *ret = re;
    return 0;
}

bool regex_matches(struct regex *re, struct str text)
{
    struct runner r = {.p = &re->program, .text = text, .steps = REGEX_STEPS_MAX};

    threads_clear(&re->now, r.p);
    threads_clear(&re->next, r.p);
    r.now = re->now;
    r.next = re->next;
    r.stack = re->stack;
    for (;;) {
        struct threads swap;
        uint32_t c;

        add_thread(&r, &r.now, 0, r.at); /* a match may begin anywhere */
        if (r.matched || r.steps <= 0 || r.at >= text.len)
            return r.matched;
        c = re_char(text, &r.at);
        step(&r, c, r.at);
        swap = r.now;
        r.now = r.next;
        r.next = swap;
        if (r.matched)
            return true;
    }
}

size_t regex_size(const struct regex *re)
{
    return re->program.len;
}

bool regexp_matches(const char *pattern, const char *text)
{
    auto_arena struct arena *a = arena_new(0);
    struct regex *re;

    return regex_compile(str_of(pattern), a, &re, NULL) == 0 && regex_matches(re, str_of(text));
}
