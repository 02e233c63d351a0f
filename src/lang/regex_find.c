#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "lang/regex_priv.h"

/*
 * Where a pattern matches: the same threads as in regex.c, but each remembers where its groups
 * began and ended, and their order is their rank: of two that stand at the same instruction the
 * first one is preferred, and a match ends all that come after it.
 */
static const uint32_t UNSET = UINT32_MAX;

struct thread {
    uint32_t pc;
    uint32_t *edges; /* n_edges places */
};

struct threads {
    struct thread *at;
    uint32_t len;
    uint32_t *mark, generation; /* mark[pc] == generation: already there */
};

struct finder {
    const struct re_program *p;
    struct str text;
    uint32_t n_edges;
    struct threads now, next;
    uint32_t *stack; /* pairs: an instruction, or UNSET - edge and the place to put back */
    uint32_t *edges; /* of the thread being followed */
    uint32_t *match;
    bool matched;
    uint64_t steps;
};

static void threads_init(struct finder *f, struct threads *t)
{
    uint32_t *edges = arena_array(f->p->arena, uint32_t, (size_t)f->p->len * f->n_edges);

    t->at = arena_array(f->p->arena, struct thread, f->p->len);
    t->mark = arena_array(f->p->arena, uint32_t, f->p->len);
    for (uint32_t i = 0; i < f->p->len; i++)
        t->at[i].edges = edges + (size_t)i * f->n_edges;
    t->generation = 1;
}

static void copy_edges(const struct finder *f, uint32_t *to, const uint32_t *from)
{
    memcpy(to, from, f->n_edges * sizeof *to);
}

static void add(struct finder *f, struct threads *t, uint32_t pc)
{
    copy_edges(f, t->at[t->len].edges, f->edges);
    t->at[t->len++].pc = pc;
}

/* Follow what needs no character from `pc` on, what is preferred first. A saved place is put
 * back when everything behind it has been followed. */
static void follow(struct finder *f, struct threads *t, uint32_t pc, size_t at)
{
    uint32_t depth = 0;

    f->stack[depth++] = 0;
    f->stack[depth++] = pc;
    while (depth) {
        const struct re_inst *in;
        uint32_t place;

        pc = f->stack[--depth];
        place = f->stack[--depth];
        if (pc >= f->p->len) {
            f->edges[UNSET - pc] = place;
            continue;
        }
        f->steps++;
        if (t->mark[pc] == t->generation)
            continue;
        t->mark[pc] = t->generation;
        in = &f->p->at[pc];
        switch (in->op) {
        case OP_SPLIT:
            f->stack[depth++] = 0;
            f->stack[depth++] = in->y;
            f->stack[depth++] = 0;
            f->stack[depth++] = in->x;
            break;
        case OP_JUMP:
            f->stack[depth++] = 0;
            f->stack[depth++] = in->x;
            break;
        case OP_SAVE:
            if (in->x < f->n_edges) {
                f->stack[depth++] = f->edges[in->x];
                f->stack[depth++] = UNSET - in->x;
                f->edges[in->x] = (uint32_t)at;
            }
            f->stack[depth++] = 0;
            f->stack[depth++] = pc + 1;
            break;
        case OP_NODE:
            if (in->node->kind != RE_CLASS && !re_assertion_holds(f->text, in->node->kind, at))
                break;
            if (in->node->kind == RE_CLASS) {
                add(f, t, pc);
                break;
            }
            f->stack[depth++] = 0;
            f->stack[depth++] = pc + 1;
            break;
        case OP_MATCH:
            add(f, t, pc);
            break;
        }
    }
}

/* One character for all threads; the match of one ends those it is preferred to. */
static void step(struct finder *f, uint32_t c, size_t at, size_t after)
{
    f->next.len = 0;
    f->next.generation++;
    for (uint32_t i = 0; i < f->now.len; i++) {
        const struct thread *th = &f->now.at[i];

        f->steps += 1 + f->n_edges / 16;
        if (f->p->at[th->pc].op == OP_MATCH) {
            copy_edges(f, f->match, th->edges);
            f->match[1] = (uint32_t)at;
            f->matched = true;
            return;
        }
        if (after > at && re_class_has(f->p->at[th->pc].node, c)) {
            copy_edges(f, f->edges, th->edges);
            follow(f, &f->next, th->pc + 1, after);
        }
    }
}

/* The leftmost match that begins at `from` or later; false: none, or too many steps. */
static bool find(struct finder *f, size_t from)
{
    size_t at = from;

    f->matched = false;
    f->now.len = 0;
    f->now.generation++;
    for (;;) {
        struct threads swap;
        size_t after = at;
        uint32_t c = 0;

        if (!f->matched) { /* a match may begin here, after those that began before */
            memset(f->edges, 0xff, f->n_edges * sizeof *f->edges);
            f->edges[0] = (uint32_t)at;
            follow(f, &f->now, 0, at);
        }
        if (f->now.len == 0 && (f->matched || at >= f->text.len))
            return f->matched;
        if (f->steps > REGEX_STEPS_MAX)
            return false;
        if (at < f->text.len)
            c = re_char(f->text, &after);
        step(f, c, at, after);
        if (at >= f->text.len)
            return f->matched;
        swap = f->now;
        f->now = f->next;
        f->next = swap;
        at = after;
    }
}

/*
 * Replacing
 */

static void put_group(const struct finder *f, int64_t n, struct buf *out)
{
    const uint32_t *m = f->match;

    if (n >= 0 && 2 * n + 1 < f->n_edges && m[2 * n] != UNSET && m[2 * n + 1] != UNSET)
        buf_put(out, f->text.p + m[2 * n], m[2 * n + 1] - m[2 * n]);
}

/* After a dollar: the name of a group, with braces or as long as it goes. Bytes read, 0: none.
 */
static size_t group_name(struct str s, struct str *ret)
{
    bool braces = s.len > 0 && s.p[0] == '{';
    size_t n = 0;

    s = str_from(s, braces);
    while (n < s.len && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '_' ||
                         ((s.p[n] | 32) >= 'a' && (s.p[n] | 32) <= 'z')))
        n++;
    *ret = str_upto(s, n);
    if (n == 0 || (braces && (n >= s.len || s.p[n] != '}')))
        return 0;
    return n + 2 * braces;
}

static void put_replacement(const struct finder *f, struct str with, struct buf *out)
{
    while (with.len > 0) {
        ptrdiff_t at = str_chr(with, '$');
        struct str name;
        int64_t number;
        size_t n;

        if (at < 0)
            break;
        buf_put_str(out, str_upto(with, (size_t)at));
        with = str_from(with, (size_t)at + 1);
        n = group_name(with, &name);
        if (with.len > 0 && with.p[0] == '$') {
            buf_putc(out, '$');
            with = str_from(with, 1);
        } else if (n == 0) {
            buf_putc(out, '$');
        } else {
            put_group(f, str_to_i64(name, 10, &number) ? number : -1, out);
            with = str_from(with, n);
        }
    }
    buf_put_str(out, with);
}

static void replace_all(struct finder *f, struct str with, struct buf *out)
{
    size_t done = 0, from = 0;
    bool after_match = false;

    while (from <= f->text.len && buf_ok(out) && find(f, from)) {
        size_t begin = f->match[0], end = f->match[1];

        if (end > begin || begin > done || !after_match) { /* no nothing behind a match */
            buf_put_str(out, str_from(str_upto(f->text, begin), done));
            put_replacement(f, with, out);
            done = end;
        }
        after_match = true;
        from = end;
        if (end == begin && from < f->text.len)
            (void)re_char(f->text, &from);
        else if (end == begin)
            break;
    }
    buf_put_str(out, str_from(f->text, done));
}

int regex_replace(struct str pattern, struct str text, struct str with, struct buf *out,
                  uint64_t *ret_steps, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct re_program p;
    struct finder f = {.p = &p, .text = text};
    int r = re_compile(pattern, a, &p, e);

    if (r < 0)
        return r;
    if (text.len >= UINT32_MAX / 2 || p.groups > REGEX_GROUPS_MAX)
        return err_set(e, ERR_TOOBIG, "regexp has more than %d groups", REGEX_GROUPS_MAX);
    f.n_edges = 2 * ((uint32_t)p.groups + 1);
    threads_init(&f, &f.now);
    threads_init(&f, &f.next);
    f.edges = arena_array(a, uint32_t, f.n_edges);
    f.match = arena_array(a, uint32_t, f.n_edges);
    f.stack = arena_array(a, uint32_t, 6 * ((size_t)p.len + 1));
    replace_all(&f, with, out);
    *ret_steps += f.steps;
    if (f.steps > REGEX_STEPS_MAX)
        return err_set(e, ERR_TOOBIG, "regexp takes more than %d steps", REGEX_STEPS_MAX);
    return 0;
}
