/*
 * api/config -- configuration files: HCL1 or JSON, files and directories, merged in order
 *
 * A half describes its configuration by a schema (lang/schema.h) and merges decoded structs
 * itself where its rules say so; here is what both share: finding and reading files, unknown
 * keys that name the nearest known one, and where (file:line:column).
 *
 * Errors: ERR_NOTFOUND, ERR_INVALID ("FILE:LINE:COL: unknown key \"adress\" in listener, did
 * you mean
 *         \"address\"?"), ERR_TOOBIG (CONFIG_FILE_MAX).
 */
#ifndef API_CONFIG_H
#define API_CONFIG_H

#include "base/arena.h"
#include "lang/hcl.h"
#include "lang/schema.h"

enum { CONFIG_FILE_MAX = 4 << 20, CONFIG_FILES_MAX = 1000 };

struct config_file {
    const char *path;
    struct hcl_body *body;
};

struct config_files {
    LIST(struct config_file) list;
};

/* `path` is a file, or a directory whose *.hcl and *.json files are taken in name order (hidden
 * files and editors' backups are not). Appends to `ret`. */
int config_read(struct arena *a, const char *path, struct config_files *ret, struct err *e);
/* Decode one body into `obj` (schema_decode_hcl with HCL1 rules); unknown keys are errors. */
int config_decode(const struct schema *s, const struct config_file *f, struct arena *a,
                  void *obj, struct err *e);

/* All of `path`, each file decoded into a fresh zeroed struct and handed to `take` in order.
 * `what` begins the errors: "WHAT from PATH: ...". The number of files. */
int config_load(struct arena *a, const char *path, const struct schema *s, const char *what,
                void (*take)(void *ctx, const char *file, const void *obj), void *ctx,
                struct err *e);

#endif
