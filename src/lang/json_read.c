#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "lang/json.h"
#include "lang/json_scan.h"

const struct json_limits json_limits_request = {32 << 20, 64, 1000000};
const struct json_limits json_limits_anon = {256 << 10, 32, 10000};
const struct json_limits json_limits_file = {64 << 20, 128, 5000000};

/*
 * Items are collected on one stack for the whole text, because their number is not known before
 * the closing bracket; then they are copied once into the arena. The stack starts in the
 * caller's frame and moves to the heap when it grows. DEPTH_HARD bounds the recursion whatever
 * limits a caller passes.
 */
enum { STACK_FIRST = 8192, DEPTH_HARD = 1024, SMALL_OBJECT = 24 };

struct reader {
    const char *p, *end, *start;
    struct arena *arena;
    struct err *e;
    uint32_t depth_left, nodes_left;
    const struct json_limits *lim;
    char *stack, *heap;
    size_t used, cap;
};

static int read_value(struct reader *r, struct json *ret);

static void position(const struct reader *r, const char *at, size_t *line, size_t *col)
{
    *line = *col = 1;
    for (const char *p = r->start; p < at; p++) {
        if (*p == '\n') {
            ++*line;
            *col = 1;
        } else if (((unsigned char)*p & 0xC0) != 0x80) {
            ++*col;
        }
    }
}

__attribute__((cold, noinline)) static int invalid(struct reader *r, const char *at,
                                                   const char *what)
{
    size_t line, col;

    position(r, at, &line, &col);
    return err_set(r->e, ERR_INVALID, "invalid JSON: %s at line %zu, column %zu", what, line,
                   col);
}

/* What stands at r->p has no place there. */
__attribute__((cold, noinline)) static int unexpected(struct reader *r, const char *wanted)
{
    char what[96];
    unsigned char c;

    if (r->p >= r->end) {
        snprintf(what, sizeof what, "unexpected end, want %s", wanted);
        return invalid(r, r->end, what);
    }
    c = (unsigned char)*r->p;
    if (c > 0x20 && c < 0x7F)
        snprintf(what, sizeof what, "unexpected '%c', want %s", c, wanted);
    else
        snprintf(what, sizeof what, "unexpected byte 0x%02x, want %s", c, wanted);
    return invalid(r, r->p, what);
}

__attribute__((cold, noinline)) static int too_many(struct reader *r)
{
    return err_set(r->e, ERR_TOOBIG, "JSON has more than %u values and keys", r->lim->nodes);
}

__attribute__((cold, noinline)) static int too_deep(struct reader *r)
{
    return err_set(r->e, ERR_TOOBIG, "JSON is nested deeper than %u levels", r->lim->depth);
}

static inline bool count_node(struct reader *r)
{
    if (r->nodes_left == 0)
        return false;
    r->nodes_left--;
    return true;
}

static inline void skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
        r->p++;
}

static void stack_grow(struct reader *r, size_t need)
{
    size_t cap = r->cap;
    char *fresh;

    while (cap < need)
        cap *= 2;
    fresh = realloc(r->heap, cap);
    if (!fresh)
        abort();
    if (!r->heap)
        memcpy(fresh, r->stack, r->used);
    r->heap = r->stack = fresh;
    r->cap = cap;
}

static inline void push(struct reader *r, const void *item, size_t size)
{
    if (__builtin_expect(r->cap - r->used < size, 0))
        stack_grow(r, r->used + size);
    memcpy(r->stack + r->used, item, size);
    r->used += size;
}

/* Room up to the next power of two, as base/arena.h's lists have: json_push and json_set may
 * then extend what was parsed. */
static void *pop_all(struct reader *r, size_t base, size_t n, size_t item_bytes)
{
    void *at = NULL;

    if (n) {
        at = arena_alloc(r->arena, json_room(n) * item_bytes);
        memcpy(at, r->stack + base, n * item_bytes);
    }
    r->used = base;
    return at;
}

/*
 * Strings.
 */
static int hex4(const char *p, unsigned *ret)
{
    unsigned v = 0;

    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];

        if (c - '0' < 10)
            v = v << 4 | (c - '0');
        else if ((c | 0x20) - 'a' < 6)
            v = v << 4 | ((c | 0x20) - 'a' + 10);
        else
            return -1;
    }
    *ret = v;
    return 0;
}

static char *put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

/* r->p is at the 'u'. A pair of surrogates is one character, a lone one is U+FFFD. */
static int read_u_escape(struct reader *r, char **to)
{
    unsigned c, low;

    if (r->end - r->p < 5 || hex4(r->p + 1, &c) < 0)
        return invalid(r, r->p - 1, "bad \\u escape");
    r->p += 5;
    if (c >= 0xD800 && c <= 0xDBFF && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u' &&
        hex4(r->p + 2, &low) == 0 && low >= 0xDC00 && low <= 0xDFFF) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        r->p += 6;
    } else if (c >= 0xD800 && c <= 0xDFFF) {
        c = 0xFFFD;
    }
    *to = put_utf8(*to, c);
    return 0;
}

/* r->p is at the backslash. */
static int read_escape(struct reader *r, char **to)
{
    static const char plain[128] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    unsigned char c;

    if (++r->p >= r->end)
        return unexpected(r, "an escape");
    c = (unsigned char)*r->p;
    if (c == 'u')
        return read_u_escape(r, to);
    if (c >= 128 || !plain[c])
        return invalid(r, r->p - 1, "bad escape");
    *(*to)++ = plain[c];
    r->p++;
    return 0;
}

/* What stopped the scan at r->p is neither a quote nor an escape. Steps over a UTF-8 sequence.
 */
static int check_special(struct reader *r)
{
    size_t n;

    if (r->p >= r->end)
        return unexpected(r, "the string's closing quote");
    if ((unsigned char)*r->p < 0x20)
        return invalid(r, r->p, "control character in a string");
    n = str_utf8_at(str_n(r->p, (size_t)(r->end - r->p)), 0);
    if (n == 0)
        return invalid(r, r->p, "invalid UTF-8");
    r->p += n;
    return 0;
}

/* The end of the string that starts at `from` (behind its quote) is not known yet, but its
 * value is never longer than its text: memory for the text up to the closing quote suffices. */
static size_t raw_string_len(const struct reader *r)
{
    const char *p = r->p;

    while (p < r->end && *p != '"')
        p += *p == '\\' ? 2 : 1;
    return (size_t)((p < r->end ? p : r->end) - r->p);
}

/* The first escape stands at r->p; `from` is where the string began. */
static int read_escaped_string(struct reader *r, const char *from, struct str *ret)
{
    size_t head = (size_t)(r->p - from);
    char *out = arena_alloc(r->arena, head + raw_string_len(r) + 1), *to = out + head;
    int n;

    memcpy(out, from, head);
    for (;;) {
        const char *run = r->p;

        r->p = json_scan_plain(r->p, r->end);
        n = 0;
        if (r->p >= r->end || (*r->p != '"' && *r->p != '\\'))
            n = check_special(r);
        if (n < 0)
            return n;
        memcpy(to, run, (size_t)(r->p - run));
        to += r->p - run;
        if (r->p < r->end && *r->p == '\\') {
            n = read_escape(r, &to);
            if (n < 0)
                return n;
        } else if (r->p < r->end && *r->p == '"') {
            break;
        }
    }
    r->p++;
    *to = '\0';
    *ret = str_n(out, (size_t)(to - out));
    return 0;
}

/* r->p is behind the opening quote. */
static inline int read_string(struct reader *r, struct str *ret)
{
    const char *from = r->p;
    int n;

    for (;;) {
        r->p = json_scan_plain(r->p, r->end);
        if (__builtin_expect(r->p < r->end && *r->p == '"', 1)) {
            *ret = str_n(from, (size_t)(r->p - from));
            r->p++;
            return 0;
        }
        if (r->p < r->end && *r->p == '\\')
            return read_escaped_string(r, from, ret);
        n = check_special(r);
        if (n < 0)
            return n;
    }
}

/*
 * Numbers: only their shape is checked here.
 */
static inline bool skip_digits(struct reader *r)
{
    const char *from = r->p;

    while (r->p < r->end && (unsigned)(*r->p - '0') < 10)
        r->p++;
    return r->p > from;
}

static int read_number(struct reader *r, struct json *ret)
{
    const char *from = r->p;

    if (*r->p == '-')
        r->p++;
    if (r->p < r->end && *r->p == '0') {
        r->p++;
        if (r->p < r->end && (unsigned)(*r->p - '0') < 10)
            return invalid(r, from, "number with a leading zero");
    } else if (!skip_digits(r)) {
        return unexpected(r, "a digit");
    }
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        if (!skip_digits(r))
            return unexpected(r, "a digit");
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
            r->p++;
        if (!skip_digits(r))
            return unexpected(r, "a digit");
    }
    ret->type = JSON_NUMBER;
    ret->len = 0;
    ret->text = str_n(from, (size_t)(r->p - from));
    return 0;
}

static int read_word(struct reader *r, const char *word, size_t len, struct json *ret,
                     struct json value)
{
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
        return unexpected(r, "a value");
    r->p += len;
    *ret = value;
    return 0;
}

/*
 * Arrays and objects.
 */
static int read_array(struct reader *r, struct json *ret)
{
    size_t base = r->used, n;
    struct json item;
    int err;

    r->p++;
    skip_space(r);
    if (r->p < r->end && *r->p == ']') {
        r->p++;
        *ret = (struct json){.type = JSON_ARRAY};
        return 0;
    }
    for (;;) {
        err = read_value(r, &item);
        if (err < 0)
            return err;
        push(r, &item, sizeof item);
        skip_space(r);
        if (r->p >= r->end || (*r->p != ',' && *r->p != ']'))
            return unexpected(r, "',' or ']'");
        if (*r->p++ == ']')
            break;
        skip_space(r);
    }
    n = (r->used - base) / sizeof item;
    ret->type = JSON_ARRAY;
    ret->len = (uint32_t)n;
    ret->items = pop_all(r, base, n, sizeof item);
    return 0;
}

/* One bit per (length, first, last character): no bit twice means no key twice. */
static inline uint64_t key_bit(struct str key)
{
    unsigned h = (unsigned)key.len;

    if (key.len)
        h = h * 31 + (unsigned char)key.p[0] * 7u + (unsigned char)key.p[key.len - 1];
    return 1ull << (h & 63);
}

static bool drop_if_seen(struct json_member *m, size_t n, size_t i)
{
    for (size_t j = 0; j < n; j++) {
        if (str_eq(m[j].key, m[i].key)) {
            m[j].value = m[i].value;
            return true;
        }
    }
    return false;
}

static size_t merge_many(struct json_member *m, size_t len)
{
    struct map seen = MAP_INIT;
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        void *first = map_get(&seen, m[i].key);

        if (first) { /* stored as index + 1 */
            m[(uintptr_t)first - 1].value = m[i].value;
            continue;
        }
        m[n] = m[i];
        map_put(&seen, m[n].key, (void *)(uintptr_t)(n + 1));
        n++;
    }
    map_done(&seen);
    return n;
}

/* The last of equal keys wins, in the place of the first. Returns how many are left. */
static size_t merge_duplicates(struct json_member *m, size_t len)
{
    uint64_t bits = 0;
    size_t n = 0;

    if (len > SMALL_OBJECT)
        return merge_many(m, len);
    for (size_t i = 0; i < len; i++) {
        uint64_t bit = key_bit(m[i].key);

        if ((bits & bit) && drop_if_seen(m, n, i))
            continue;
        bits |= bit;
        if (n != i)
            m[n] = m[i];
        n++;
    }
    return n;
}

static inline int read_member(struct reader *r)
{
    struct json_member m;
    int n;

    if (r->p >= r->end || *r->p != '"')
        return unexpected(r, "a key in quotes");
    if (!count_node(r))
        return too_many(r);
    r->p++;
    n = read_string(r, &m.key);
    if (n < 0)
        return n;
    skip_space(r);
    if (r->p >= r->end || *r->p != ':')
        return unexpected(r, "':'");
    r->p++;
    skip_space(r);
    n = read_value(r, &m.value);
    if (n < 0)
        return n;
    push(r, &m, sizeof m);
    skip_space(r);
    return 0;
}

static int read_object(struct reader *r, struct json *ret)
{
    size_t base = r->used, n;
    int err;

    r->p++;
    skip_space(r);
    if (r->p < r->end && *r->p == '}') {
        r->p++;
        *ret = (struct json){.type = JSON_OBJECT};
        return 0;
    }
    for (;;) {
        err = read_member(r);
        if (err < 0)
            return err;
        if (r->p >= r->end || (*r->p != ',' && *r->p != '}'))
            return unexpected(r, "',' or '}'");
        if (*r->p++ == '}')
            break;
        skip_space(r);
    }
    n = (r->used - base) / sizeof(struct json_member);
    n = merge_duplicates((struct json_member *)(r->stack + base), n);
    ret->type = JSON_OBJECT;
    ret->len = (uint32_t)n;
    ret->members = pop_all(r, base, n, sizeof(struct json_member));
    return 0;
}

static int read_nested(struct reader *r, struct json *ret)
{
    int n;

    if (r->depth_left == 0)
        return too_deep(r);
    r->depth_left--;
    n = *r->p == '{' ? read_object(r, ret) : read_array(r, ret);
    r->depth_left++;
    return n;
}

/* r->p is at the value's first character. */
static int read_value(struct reader *r, struct json *ret)
{
    if (r->p >= r->end)
        return unexpected(r, "a value");
    if (!count_node(r))
        return too_many(r);
    switch (*r->p) {
    case '"':
        r->p++;
        ret->type = JSON_STRING;
        ret->len = 0;
        return read_string(r, &ret->text);
    case '{':
    case '[':
        return read_nested(r, ret);
    case 't':
        return read_word(r, "true", 4, ret, (struct json){.type = JSON_BOOL, .b = true});
    case 'f':
        return read_word(r, "false", 5, ret, (struct json){.type = JSON_BOOL, .b = false});
    case 'n':
        return read_word(r, "null", 4, ret, (struct json){.type = JSON_NULL});
    default:
        if (*r->p == '-' || (unsigned)(*r->p - '0') < 10)
            return read_number(r, ret);
        return unexpected(r, "a value");
    }
}

static int read_text(struct reader *r, unsigned flags, struct json *ret)
{
    int n;

    skip_space(r);
    n = read_value(r, ret);
    if (n < 0 || flags & JSON_TRAILING)
        return n;
    skip_space(r);
    return r->p < r->end ? unexpected(r, "the end") : 0;
}

int json_parse(struct str text, const struct json_limits *lim, unsigned flags, struct arena *a,
               struct json **ret, struct err *e)
{
    char first[STACK_FIRST] __attribute__((aligned(16)));
    struct json *root;
    int n;

    lim = lim ? lim : &json_limits_request;
    if (text.len > lim->bytes)
        return err_set(e, ERR_TOOBIG, "JSON is larger than %zu bytes", lim->bytes);
    if (flags & JSON_COPY)
        text = arena_str(a, text);
    struct reader r = {
        .p = text.p,
        .end = text.p + text.len,
        .start = text.p,
        .arena = a,
        .e = e,
        .lim = lim,
        .depth_left = lim->depth < DEPTH_HARD ? lim->depth : DEPTH_HARD,
        .nodes_left = lim->nodes,
        .stack = first,
        .cap = sizeof first,
    };

    root = arena_alloc(a, sizeof *root);
    n = read_text(&r, flags, root);
    free(r.heap);
    if (n < 0)
        return n;
    *ret = root;
    return 0;
}
