/*
 * schema -- a struct described once (idea 3)
 *
 * Every API object has one table of its fields. From it come JSON decode and encode, HCL
 * decode, defaults, limits, validation errors with a path, deep copy, equality, diff and
 * redaction. Nobody writes a field-by-field converter.
 *
 *     struct restart_policy { int64_t attempts; int64_t interval_ns; const char *mode; };
 *     static const struct schema_field restart_fields[] = {
 *         {"Attempts", "attempts", F_INT,      offsetof(struct restart_policy, attempts)},
 *         {"Interval", "interval", F_DURATION, offsetof(struct restart_policy, interval_ns)},
 *         {"Mode",     "mode",     F_STR,      offsetof(struct restart_policy, mode), .one_of =
 * "fail|delay"},
 *     };
 *     SCHEMA(restart_schema, "restart", struct restart_policy, restart_fields);
 *
 * Objects live in one arena (everything they point to does too), so there is nothing to free
 * field by field. Once committed they are immutable and shared through `struct object`.
 *
 * C shapes by type:
 *   F_STR       const char *      (NULL: null/absent)      F_INT     int64_t
 *   F_UINT      uint64_t          F_DOUBLE  double         F_BOOL    bool
 *   F_DURATION  int64_t ns; JSON: integer ns, HCL and lenient JSON: "30s" or a number of ns
 *   F_TTL       int64_t seconds; JSON: ttl_from_json's forms; written as a number of seconds
 *   F_TIME      int64_t Unix ns; JSON: RFC 3339; 0 is "0001-01-01T00:00:00Z"
 *   F_STRLIST   struct strlist    F_STRMAP  struct strmap  F_JSON    struct json * (free form)
 *   F_OBJ       pointer to `sub`'s struct, NULL: null      F_EMBED   the struct itself
 *   F_LIST      LIST(struct of `sub`) : array of objects; HCL: repeated blocks, in order
 *   F_MAP       LIST(struct of `sub`): object of objects; the key goes into sub's field 0
 * (F_STR) F_BYTES     struct str; JSON: base64 With FIELD_PTR a scalar (F_INT ... F_TIME) is a
 * pointer to its C type; NULL: null/absent. Use it where the API distinguishes "not given" from
 * zero.
 *
 * Limits: strings SCHEMA_STR_MAX unless `max` says else; a NUL inside a string is ERR_INVALID.
 * Tables are static and constant: what is prepared from one is kept for ever under its address.
 */
#ifndef LANG_SCHEMA_H
#define LANG_SCHEMA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "lang/json.h"

struct err;
struct hcl_body;
struct problems;
struct schema;

enum field_type {
    F_STR = 1,
    F_INT,
    F_UINT,
    F_DOUBLE,
    F_BOOL,
    F_DURATION,
    F_TTL,
    F_TIME,
    F_STRLIST,
    F_STRMAP,
    F_JSON,
    F_OBJ,
    F_EMBED,
    F_LIST,
    F_MAP,
    F_BYTES,
};

enum field_flags {
    FIELD_PTR = 1 << 0,       /* scalar behind a pointer */
    FIELD_REQUIRED = 1 << 1,  /* must be given (and not null, not "") */
    FIELD_SECRET = 1 << 2,    /* redacted wherever it is shown, but for the reply itself */
    FIELD_LABEL = 1 << 3,     /* HCL: the block's label (in table order for several labels) */
    FIELD_OMITEMPTY = 1 << 4, /* encode: left out when zero/NULL/empty */
    FIELD_NULLEMPTY =
        1 << 5,         /* encode: a list or map not given is null (Go's nil), else [] / {} */
    FIELD_CSL = 1 << 6, /* F_STRLIST: also takes "a,b" (Vault's comma-separated lists) */
    FIELD_HIDDEN = 1 << 7,      /* stored, never shown by the API encoder */
    FIELD_NODIFF = 1 << 8,      /* ignored by equality and diff (indexes, status) */
    FIELD_BLOCK = 1 << 9,       /* HCL: F_STRMAP/F_JSON may be written as a block too */
    FIELD_HCL_ONLY = 1 << 10,   /* HCL name only; not in JSON */
    FIELD_JSON_ONLY = 1 << 11,  /* no HCL form; hcl name may be NULL */
    FIELD_BLOCK_ONLY = 1 << 12, /* HCL: F_STRMAP/F_JSON is a block, never an argument */
};

struct schema_field {
    const char *json, *hcl; /* names; hcl NULL: not in HCL */
    uint8_t type;
    uint32_t offset;
    uint32_t flags;
    const struct schema *sub; /* F_OBJ, F_EMBED, F_LIST, F_MAP */
    const char *def;          /* default, in JSON text: "5", "\"fail\"", "true"; NULL: zero */
    const char *one_of;       /* "a|b|c": F_STR's values */
    int64_t min,
        max; /* numbers: range if min < max; strings and lists: most bytes/items if max > 0 */
    const char *doc;       /* one line, for `help` and errors */
    const char *diff_name; /* what a difference calls the object(s) in it ("Constraint" for
                              "Constraints"); NULL: the JSON name */
};

struct schema {
    const char *name; /* as errors call it: "group", "task" */
    size_t size;
    const struct schema_field *fields;
    size_t n_fields;
    /* Optional, after decoding: what one field alone cannot say. Adds to the problems. */
    void (*check)(const void *obj, const char *path, struct problems *p);
};

#define SCHEMA(var, name_, type_, fields_) \
    const struct schema var = {(name_), sizeof(type_), (fields_), ARRAY_LEN(fields_), NULL}
#define SCHEMA_CHECKED(var, name_, type_, fields_, check_) \
    const struct schema var = {(name_), sizeof(type_), (fields_), ARRAY_LEN(fields_), (check_)}

enum {
    SCHEMA_STR_MAX = 1 << 20,
    SCHEMA_LIST_MAX = 100000, /* strings in a list or map */
    SCHEMA_ITEMS_MAX = 10000, /* objects in a list or map; pairs of a map in other than JSON */
    SCHEMA_DEPTH_MAX = 32,
};

/*
 * An empty list or map that was given (`[]`, an empty block) has an `at` that is not NULL; one
 * that was not given, or given as null, is all zero. Decoding, copying and the stored form keep
 * the difference, FIELD_NULLEMPTY shows it; equality, differences and "required" do not know
 * it. Room for it is shared and read-only: with len 0 nobody writes there.
 */
extern const max_align_t schema_given_empty;
#define SCHEMA_GIVEN_EMPTY ((void *)(uintptr_t)&schema_given_empty)
/* Forget the difference: an empty list or map counts as not given. */
#define schema_forget_empty(list) ((void)((list)->at = (list)->len ? (list)->at : NULL))

/*
 * All problems at once: a list of sentences, each with the path where it stands
 * (`group "web" > task "api" > resources.memory: must be at least 10`).
 */
struct problem {
    const char *path, *text;
};

struct problems {
    struct arena *arena;
    LIST(struct problem) list;
};

enum { PROBLEMS_MAX = 100 };

void problem_add(struct problems *p, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* ERR_INVALID with all of them, one a line ("path: text"), or 0 when there are none. */
int problems_to_err(const struct problems *p, struct err *e);

enum schema_flags {
    SCHEMA_NOCASE = 1 << 0,     /* field names match in any case (Nomad's API) */
    SCHEMA_UNKNOWN_OK = 1 << 1, /* unknown JSON members are ignored (both APIs); without it they
                                   are problems that name the nearest known one */
    SCHEMA_LENIENT = 1 << 2, /* Vault's weak typing: "5" for 5, "true" for true, 5 for "5", one
                                item for a list */
    SCHEMA_NO_DEFAULTS = 1 << 3,
    SCHEMA_ALL = 1 << 4,    /* hidden fields too (stored form). Without it decoding ignores
                               them, so that a client cannot set what it cannot see */
    SCHEMA_REDACT = 1 << 5, /* encode: secret fields become "<redacted>" */
};

/* Decode into memory of schema->size at `obj`: zeroed here, then defaults filled, then what was
 * given. On failure obj is half filled and must be dropped. What was given is checked against
 * the table's limits; a null leaves a plain field as it is. Errors: ERR_INVALID (all problems).
 */
int schema_decode(const struct schema *s, const struct json *v, unsigned flags, struct arena *a,
                  void *obj, struct err *e);
/* The same collecting into `p` under `path` (NULL: none); what obj points to is in p->arena. */
void schema_decode_into(const struct schema *s, const struct json *v, unsigned flags,
                        const char *path, void *obj, struct problems *p);
/* From a parsed HCL body whose expressions are evaluated with lang/hcl.h's hcl_eval in `ctx`
 * (NULL: no variables, no functions). Types and required fields are looked at, with the texts
 * and ranges users know; limits are schema_check's. In HCL2 `dynamic` blocks are unfolded. */
struct hcl_eval_ctx;
struct hcl_diags;
void schema_decode_hcl(const struct schema *s, const struct hcl_body *body,
                       const struct hcl_eval_ctx *ctx, struct arena *a, void *obj,
                       struct hcl_diags *d);

void schema_defaults(const struct schema *s, struct arena *a,
                     void *obj); /* every field's `def`, deep for F_EMBED */
void schema_encode(const struct schema *s, const void *obj, unsigned flags, struct json_out *w);
/* The members only, inside an object that the caller has open. */
void schema_encode_fields(const struct schema *s, const void *obj, unsigned flags,
                          struct json_out *w);
void *schema_copy(const struct schema *s, const void *obj, struct arena *a); /* deep */
bool schema_eq(const struct schema *s, const void *a, const void *b); /* FIELD_NODIFF skipped */
/* Limits, one_of, required, check(). A zero or an empty string is taken as "not given" unless
 * the field has a default or is required. */
void schema_check(const struct schema *s, const void *obj, const char *path,
                  struct problems *p);

/* Differences, for `job plan`. Names as the API shows them: "Resources.CPU"-like paths are
 * split in objects. `type`: "None" "Added" "Deleted" "Edited". */
struct field_diff {
    const char *type, *name, *old_text, *new_text;
};
struct object_diff {
    const char *type, *name;
    LIST(struct field_diff) fields;
    LIST(struct object_diff) objects;
};
/* a or b may be NULL (added, deleted). `all`: unchanged fields too (contextual). */
void schema_diff(const struct schema *s, const void *a, const void *b, bool all,
                 struct arena *ar, struct object_diff *ret);

/*
 * A committed object: immutable, shared. Its arena holds the struct and all it points to.
 */
struct object {
    atomic_uint refs;
    const struct schema *schema;
    struct arena *arena;
    void *body;                   /* the struct that `schema` describes */
    uint64_t create_rev, mod_rev; /* of the record it was read from, 0: not stored */
};

struct object *object_new(const struct schema *s); /* zeroed body, defaults set, refs 1 */
struct object *object_ref(const struct object *o);
void object_unref(const struct object *o); /* NULL is fine */
static inline void object_unrefp_(struct object **o)
{
    object_unref(*o);
}
#define auto_object AUTO(object_unrefp_)

/* The stored form: JSON with a leading version, `{"_v":1,...}`. A newer program reads an older
 * one's records (new fields take their defaults); unknown fields are kept out. */
void object_store(const struct object *o, struct buf *b);
int object_load(const struct schema *s, struct str record, struct object **ret, struct err *e);

#endif
