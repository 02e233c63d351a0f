/*
 * json -- strict JSON, read into an arena, written into a buf
 *
 * Reading: RFC 8259, UTF-8 only, numbers kept as their text, strings unescaped (they may
 * contain NUL: use struct str), object members in source order; of duplicate keys the last wins
 * and keeps the first one's place. Lone surrogate escapes become U+FFFD (as the API's clients
 * expect). What a reader may spend is bounded by `struct json_limits`.
 * Writing: a streaming writer; no tree is needed to answer a request.
 *
 * Thread: a tree is read-only once parsed. Memory: the arena's; strings without escapes point
 * into the source text, which must outlive the tree (JSON_COPY copies it first).
 * Errors: ERR_INVALID "invalid JSON: <what> at line L, column C", ERR_TOOBIG (a budget).
 */
#ifndef LANG_JSON_H
#define LANG_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

struct err;

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_member;

struct json {
    enum json_type type : 8;
    unsigned kind : 8; /* the configuration language's: enum hcl_kind; 0 for JSON itself */
    uint32_t len;      /* of items or members */
    union {
        bool b;
        struct str text; /* string: its value; number: its exact text */
        struct json *items;
        struct json_member *members;
    };
};

struct json_member {
    struct str key;
    struct json value;
};

enum json_flags {
    JSON_COPY = 1 << 0,     /* copy the text into the arena first */
    JSON_TRAILING = 1 << 1, /* only the first value is read, what follows is ignored */
};

struct json_limits {
    size_t bytes; /* of text */
    uint32_t depth;
    uint32_t nodes; /* values and keys in all */
};

/* For requests of authenticated callers, for others, and for our own files and stored records.
 */
extern const struct json_limits json_limits_request; /* 32 MiB, 64 deep, 1,000,000 nodes */
extern const struct json_limits json_limits_anon;    /* 256 KiB, 32 deep, 10,000 nodes */
extern const struct json_limits json_limits_file;    /* 64 MiB, 128 deep, 5,000,000 nodes */

/* lim NULL: json_limits_request. */
int json_parse(struct str text, const struct json_limits *lim, unsigned flags, struct arena *a,
               struct json **ret, struct err *e);

/* Member by name, NULL if absent or `obj` is NULL or no object. json_get_nocase folds ASCII
 * case. */
const struct json *json_get(const struct json *obj, const char *key);
const struct json *json_get_nocase(const struct json *obj, const char *key);
const struct json *json_path(const struct json *v, const char *dotted); /* "data.keys.0" */

/* The value if it has the type (and fits), else the given default. */
struct str json_str_or(const struct json *v, struct str other);
const char *json_cstr_or(struct arena *a, const struct json *v, const char *other);
int64_t json_i64_or(const struct json *v, int64_t other);
bool json_bool_or(const struct json *v, bool other);
bool json_to_i64(const struct json *v, int64_t *ret); /* number without fraction that fits */
bool json_to_double(const struct json *v, double *ret);
static inline bool json_is(const struct json *v, enum json_type type)
{
    return v && v->type == type;
}
bool json_eq(const struct json *a, const struct json *b); /* objects: order does not matter */
struct json *json_copy(struct arena *a, const struct json *v); /* deep; NULL stays NULL */
const char *json_type_name(enum json_type type);               /* "string", ... */

/* Building trees by hand. */
struct json *json_new_object(struct arena *a);
struct json *json_new_array(struct arena *a);
struct json json_of_str(struct str s); /* borrowed */
struct json json_of_bool(bool b);
struct json json_of_i64(struct arena *a, int64_t v);
void json_set(struct arena *a, struct json *obj, struct str key,
              struct json value); /* add or replace */
bool json_unset(struct json *obj, const char *key);
void json_push(struct arena *a, struct json *arr, struct json value);

/*
 * The writer. Commas and indentation are its business:
 *     json_obj(&w); json_key(&w, "a"); json_i64(&w, 1); json_obj_end(&w);
 * Misuse (a value without key inside an object) is a bug and asserts.
 */
enum { JSON_WRITE_DEPTH_MAX = 128 };

struct json_out {
    struct buf *b;
    const char *indent; /* NULL: compact; else one level's text ("  ") */
    uint32_t depth;
    bool first, after_key;
    bool escape_html; /* <, >, & as \u003c ... (what Vault's API does) */
    uint8_t is_array[JSON_WRITE_DEPTH_MAX / 8];
};

void json_out_init(struct json_out *w, struct buf *b, const char *indent);
void json_obj(struct json_out *w);
void json_obj_end(struct json_out *w);
void json_arr(struct json_out *w);
void json_arr_end(struct json_out *w);
void json_key(struct json_out *w, const char *key);
void json_keyn(struct json_out *w, struct str key);
void json_null(struct json_out *w);
void json_bool(struct json_out *w, bool v);
void json_i64(struct json_out *w, int64_t v);
void json_u64(struct json_out *w, uint64_t v);
void json_double(struct json_out *w, double v);            /* shortest form that reads back */
void json_strn(struct json_out *w, struct str s);          /* invalid UTF-8 becomes U+FFFD */
void json_str(struct json_out *w, const char *s);          /* NULL: null */
void json_raw(struct json_out *w, struct str text);        /* finished JSON */
void json_value(struct json_out *w, const struct json *v); /* NULL: null */
void json_strlist(struct json_out *w, const struct strlist *l); /* always an array */
void json_strmap(struct json_out *w, const struct strmap *m);   /* always an object */

/* key and value in one */
void json_kv_str(struct json_out *w, const char *key, const char *v);
void json_kv_strn(struct json_out *w, const char *key, struct str v);
void json_kv_i64(struct json_out *w, const char *key, int64_t v);
void json_kv_u64(struct json_out *w, const char *key, uint64_t v);
void json_kv_bool(struct json_out *w, const char *key, bool v);
void json_kv_null(struct json_out *w, const char *key);

/* Whole tree as text. */
void json_print(struct buf *b, const struct json *v, const char *indent);

#endif
