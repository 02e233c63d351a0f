/*
 * AWS's answers: expat reads, we keep elements and their text. No document types, so no
 * entities; depth and number of elements are bounded; expat's memory is wiped when it is given
 * back, for keys pass through it.
 */
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/secret.h"
#include "vault/secrets/aws_priv.h"

struct builder {
    XML_Parser parser;
    struct arena *a;
    struct aws_xml *open[AWS_XML_DEPTH_MAX];
    size_t depth, nodes;
    struct buf text; /* of the innermost element, so far */
    struct aws_xml *root;
    int failed; /* ERR_* of our own making */
    const char *why;
};

/* ---- memory that is wiped ------------------------------------------------------------------
 */

struct block {
    _Alignas(max_align_t) size_t size;
};

static void *block_new(size_t size)
{
    struct block *b = size < AWS_REPLY_MAX * 8UL ? malloc(sizeof *b + size) : NULL;

    if (!b)
        return NULL;
    b->size = size;
    return b + 1;
}

static void block_free(void *p)
{
    struct block *b = p;

    if (!p)
        return;
    b--;
    secret_wipe(p, b->size);
    free(b);
}

static void *block_resize(void *p, size_t size)
{
    void *fresh = block_new(size);

    if (fresh && p) {
        size_t old = ((struct block *)p - 1)->size;

        memcpy(fresh, p, old < size ? old : size);
        block_free(p);
    }
    return fresh;
}

/* ---- the tree ------------------------------------------------------------------------------
 */

static void give_up(struct builder *b, int code, const char *why)
{
    b->failed = code;
    b->why = why;
    XML_StopParser(b->parser, XML_FALSE);
}

static void on_start(void *arg, const char *name, const char **attributes)
{
    struct builder *b = arg;
    struct aws_xml *x, *parent = b->depth ? b->open[b->depth - 1] : NULL;

    (void)attributes;
    if (b->depth == AWS_XML_DEPTH_MAX) {
        give_up(b, ERR_TOOBIG, "it is too deep");
        return;
    }
    if (++b->nodes > AWS_XML_NODES_MAX) {
        give_up(b, ERR_TOOBIG, "it has too many elements");
        return;
    }
    x = arena_new_of(b->a, struct aws_xml);
    x->name = arena_strdup(b->a, name);
    x->text = STR("");
    if (!parent)
        b->root = x;
    else if (!parent->first)
        parent->first = parent->last = x;
    else
        parent->last = parent->last->next = x;
    b->open[b->depth++] = x;
    buf_reset(&b->text);
}

static void on_end(void *arg, const char *name)
{
    struct builder *b = arg;

    struct aws_xml *x = b->open[--b->depth];

    (void)name;
    if (!x->first)
        x->text = arena_str(b->a, buf_str(&b->text));
    buf_reset(&b->text);
}

/* Text arrives in pieces (at line ends, at escapes). Between elements there are only blanks. */
static void on_text(void *arg, const char *p, int len)
{
    buf_put(&((struct builder *)arg)->text, p, (size_t)len);
}

static void on_doctype(void *arg, const char *name, const char *system, const char *public,
                       int has_subset)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    give_up(arg, ERR_INVALID, "it has a document type");
}

static int parse_error(const struct builder *b, struct err *e)
{
    if (b->failed)
        return err_set(e, b->failed, "the answer cannot be read: %s", b->why);
    return err_set(e, ERR_INVALID, "the answer cannot be read: %s at line %lu",
                   XML_ErrorString(XML_GetErrorCode(b->parser)),
                   (unsigned long)XML_GetCurrentLineNumber(b->parser));
}

int aws_xml_parse(struct str text, struct arena *a, const struct aws_xml **ret, struct err *e)
{
    static const XML_Memory_Handling_Suite memory = {block_new, block_resize, block_free};
    struct builder b = {.a = a, .text = {.max = AWS_REPLY_MAX, .secret = true}};
    int r = 0;

    if (text.len > AWS_REPLY_MAX)
        return err_set(e, ERR_TOOBIG, "the answer cannot be read: it is too large");
    b.parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    if (!b.parser)
        abort();
    XML_SetUserData(b.parser, &b);
    XML_SetElementHandler(b.parser, on_start, on_end);
    XML_SetCharacterDataHandler(b.parser, on_text);
    XML_SetStartDoctypeDeclHandler(b.parser, on_doctype);
    if (XML_Parse(b.parser, text.p, (int)text.len, XML_TRUE) != XML_STATUS_OK)
        r = parse_error(&b, e);
    XML_ParserFree(b.parser);
    buf_done(&b.text);
    if (r == 0)
        *ret = b.root;
    return r;
}

const struct aws_xml *aws_xml_at(const struct aws_xml *x, const char *path)
{
    struct str rest = str_of(path), name;

    while (x && str_split(&rest, '/', &name)) {
        x = x->first;
        while (x && !str_eqc(name, x->name))
            x = x->next;
    }
    return x;
}

struct str aws_xml_text(const struct aws_xml *x, const char *path)
{
    x = aws_xml_at(x, path);
    return x ? x->text : STR("");
}
