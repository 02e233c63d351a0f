#include "lang/schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "lang/schema_priv.h"

/*
 * Problems.
 */
PRINTF_LIKE(3, 0)
static void add(struct problems *p, const char *path, const char *fmt, va_list ap)
{
    struct problem *it;

    if (p->list.len >= PROBLEMS_MAX)
        return;
    it = list_add(p->arena, &p->list);
    it->path = path;
    it->text = arena_vprintf(p->arena, fmt, ap);
}

void problem_add(struct problems *p, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(p, arena_strdup(p->arena, path ? path : ""), fmt, ap);
    va_end(ap);
}

void schema_problem(struct problems *p, const struct schema_at *at, const char *fmt, ...)
{
    va_list ap;

    if (p->list.len >= PROBLEMS_MAX)
        return;
    va_start(ap, fmt);
    add(p, schema_path(p->arena, at), fmt, ap);
    va_end(ap);
}

int problems_to_err(const struct problems *p, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(ERR_MSG_SIZE);

    if (p->list.len == 0)
        return 0;
    list_each (&p->list, it) {
        if (it != p->list.at)
            buf_putc(&b, '\n');
        if (*it->path)
            buf_printf(&b, "%s: ", it->path);
        buf_puts(&b, it->text);
        if (!buf_ok(&b))
            break;
    }
    /* What did not fit is cut, as in every long message. */
    return err_set(e, ERR_INVALID, "%s%s", buf_str(&b).p, buf_ok(&b) ? "" : "\n...");
}

/*
 * Paths: group "web" > task "api" > resources.memory
 */
static const char *field_name(const struct schema_field *f)
{
    return f->hcl ? f->hcl : f->json ? f->json : "";
}

/* The value of the item's label field; while decoding it may still stand in the JSON. */
static const char *item_label(struct arena *a, const struct schema_at *at)
{
    const struct schema *s = at->field->sub;

    if (at->key)
        return at->key;
    for (size_t i = 0; s && at->item && i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        const char *text;

        if (!(f->flags & FIELD_LABEL) || f->type != F_STR)
            continue;
        text = *(const char *const *)field_at(at->item, f);
        return text      ? text
               : f->json ? json_cstr_or(a, json_get(at->json, f->json), NULL)
                         : NULL;
    }
    return NULL;
}

static void put_path(struct buf *b, struct arena *a, const struct schema_at *at)
{
    const char *label, *name, *sep = "";

    if (!at)
        return;
    put_path(b, a, at->up);
    if (at->base) {
        buf_puts(b, at->base);
        return;
    }
    label = at->index != (size_t)NO_INDEX || at->key ? item_label(a, at) : NULL;
    if (b->len)
        sep = (label && at->field->sub) || b->p[b->len - 1] == '"' ? " > " : ".";
    name = field_name(at->field);
    if (label && at->field->sub)
        buf_printf(b, "%s%s \"%.128s\"", sep, at->field->sub->name, label);
    else if (label)
        buf_printf(b, "%s%s[\"%.128s\"]", sep, name, label);
    else if (at->index != (size_t)NO_INDEX)
        buf_printf(b, "%s%s[%zu]", sep, name, at->index);
    else
        buf_printf(b, "%s%s", sep, name);
}

const char *schema_path(struct arena *a, const struct schema_at *at)
{
    auto_buf struct buf b = BUF_INIT(64 << 10);

    put_path(&b, a, at);
    return arena_cstr(a, buf_str(&b));
}

const char *schema_nearest(const struct schema *s, struct str name)
{
    size_t best = 3; /* further away is another word */
    const char *found = NULL;

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        size_t n;

        if (!in_json(f) || f->flags & FIELD_HIDDEN)
            continue;
        n = str_eq_nocase(name, str_of(f->json)) ? 0 : str_distance(name, str_of(f->json), 2);
        if (n < best) {
            best = n;
            found = f->json;
        }
    }
    return found;
}

/*
 * Prepared tables. The cache is a fixed hash table of pointers that are set once and never
 * change or go, so readers need no lock. Two threads may prepare the same schema; one wins.
 */
enum { PREP_SLOTS = 4096 };

static _Atomic(const struct prep *) preps[PREP_SLOTS];

static void prep_names(struct prep *p, const struct schema *s)
{
    p->fields = arena_array(p->arena, struct prep_field, s->n_fields + 1);
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        struct prep_field *pf = &p->fields[i];

        assert(f->type >= F_STR && f->type <= F_BYTES);
        assert(f->sub || f->type < F_OBJ || f->type > F_MAP);
        pf->name = in_json(f) ? f->json : "";
        pf->len = strlen(pf->name);
    }
}

static void prep_default(struct prep *p, const struct schema_field *f)
{
    struct problems problems = {.arena = p->arena};
    struct schema_decoder d = {&problems, 0, 0};
    struct schema_at at = {.field = f, .index = (size_t)NO_INDEX};
    struct json *v;
    int r = json_parse(str_of(f->def), NULL, 0, p->arena, &v, NULL);

    assert(r == 0); /* a table's default is JSON that its field takes */
    r = schema_decode_field(&d, f, v, &at, field_at(p->image, f)) ? 0 : -1;
    assert(r == 0);
    (void)r;
}

static const struct prep *prep_make(const struct schema *s)
{
    struct arena *a = arena_new(0);
    struct prep *p = arena_new_of(a, struct prep);

    assert(s->n_fields <= SCHEMA_FIELDS_MAX);
    *p = (struct prep){.schema = s, .arena = a, .image = arena_zalloc(a, s->size)};
    p->defaults = arena_array(a, const struct schema_field *, s->n_fields + 1);
    prep_names(p, s);
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];

        if (f->def)
            prep_default(p, f);
        if (f->def || (f->type == F_EMBED && schema_prep(f->sub)->n_defaults))
            p->defaults[p->n_defaults++] = f;
    }
    return p;
}

const struct prep *schema_prep(const struct schema *s)
{
    size_t i = (uintptr_t)s / sizeof(void *) * 0x9E3779B1u % PREP_SLOTS;

    for (size_t n = 0; n < PREP_SLOTS; n++, i = (i + 1) % PREP_SLOTS) {
        const struct prep *have = atomic_load_explicit(&preps[i], memory_order_acquire), *mine;

        if (have && have->schema == s)
            return have;
        if (have)
            continue;
        mine = prep_make(s);
        /* Preparing may have filled this slot with a sub's table; then go on from it. */
        if (atomic_compare_exchange_strong(&preps[i], &have, mine))
            return mine;
        arena_free(mine->arena);
        if (have->schema == s)
            return have;
    }
    abort(); /* more schemas than the program has */
}

void schema_defaults(const struct schema *s, struct arena *a, void *obj)
{
    const struct prep *p = schema_prep(s);

    for (size_t i = 0; i < p->n_defaults; i++) {
        const struct schema_field *f = p->defaults[i];
        void *to = field_at(obj, f);

        if (f->type == F_EMBED && !f->def)
            schema_defaults(f->sub, a, to);
        else if (f->type == F_STR) /* lives as long as the program */
            *(const char **)to = *(const char **)field_at(p->image, f);
        else
            field_copy(f, field_at(p->image, f), to, a);
    }
}

/*
 * Committed objects.
 */
static struct object *object_empty(const struct schema *s)
{
    struct arena *a = arena_new(0);
    struct object *o = arena_new_of(a, struct object);

    atomic_init(&o->refs, 1);
    o->schema = s;
    o->arena = a;
    o->body = arena_zalloc(a, s->size);
    return o;
}

struct object *object_new(const struct schema *s)
{
    struct object *o = object_empty(s);

    schema_defaults(s, o->arena, o->body);
    return o;
}

struct object *object_ref(const struct object *o)
{
    struct object *mine = (struct object *)(uintptr_t)o;
    unsigned before = atomic_fetch_add_explicit(&mine->refs, 1, memory_order_relaxed);

    assert(before > 0 && before < UINT32_MAX);
    (void)before;
    return mine;
}

void object_unref(const struct object *o)
{
    struct object *mine = (struct object *)(uintptr_t)o;
    unsigned before;

    if (!mine)
        return;
    before = atomic_fetch_sub_explicit(&mine->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        arena_free(mine->arena);
}

void object_store(const struct object *o, struct buf *b)
{
    struct json_out w;

    json_out_init(&w, b, NULL);
    json_obj(&w);
    json_kv_i64(&w, "_v", SCHEMA_VERSION);
    schema_encode_fields(o->schema, o->body, SCHEMA_ALL, &w);
    json_obj_end(&w);
}

static int check_version(const struct schema *s, const struct json *v, struct err *e)
{
    int64_t version = json_i64_or(json_get(v, "_v"), 0);

    if (version < 1)
        return err_set(e, ERR_CORRUPT, "stored %s: no version", s->name);
    if (version > SCHEMA_VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "stored %s: written by a newer program (record version %lld, this one "
                       "knows %d)",
                       s->name, (long long)version, SCHEMA_VERSION);
    return 0;
}

int object_load(const struct schema *s, struct str record, struct object **ret, struct err *e)
{
    auto_arena struct arena *tmp = arena_new(record.len < 64 << 10 ? record.len * 2 : 0);
    auto_object struct object *o = NULL;
    struct problems p = {0};
    struct json *v;
    int r;

    arena_set_wipe(tmp); /* strings with escapes are unescaped there */
    r = json_parse(record, &json_limits_file, 0, tmp, &v, e);
    if (r < 0)
        return err_wrap(e, ERR_CORRUPT, "stored %s", s->name);
    r = check_version(s, v, e);
    if (r < 0)
        return r;
    o = object_empty(s);
    p.arena = o->arena;
    schema_decode_into(s, v, SCHEMA_ALL | SCHEMA_UNKNOWN_OK | SCHEMA_STORED, NULL, o->body, &p);
    r = problems_to_err(&p, e);
    if (r < 0)
        return err_wrap(e, ERR_CORRUPT, "stored %s", s->name);
    *ret = TAKE_PTR(o);
    return 0;
}
