#include "api/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"

/* "FILE:LINE:COL: what", one a line. */
static int report(const struct config_file *f, struct hcl_diags *d, struct err *e)
{
    auto_buf struct buf text = {.max = ERR_MSG_SIZE};

    if (d->list.len == 0)
        return 0;
    list_each (&d->list, it) {
        if (it != d->list.at)
            buf_putc(&text, '\n');
        buf_printf(&text, "%s:%u:%u: %s", f->path, it->at.start.line, it->at.start.col,
                   it->summary);
        if (it->detail[0])
            buf_printf(&text, "; %s", it->detail);
    }
    return err_set(e, ERR_INVALID, "%s", buf_str(&text).p);
}

static int read_one(struct arena *a, const char *path, struct config_files *ret, struct err *e)
{
    auto_buf struct buf text = BUF_INIT(CONFIG_FILE_MAX);
    struct hcl_diags d = {.arena = a, .dialect = HCL1};
    struct config_file f = {.path = arena_strdup(a, path)};
    int r;

    if (ret->list.len == CONFIG_FILES_MAX)
        return err_set(e, ERR_TOOBIG, "%s: more than %d configuration files", path,
                       (int)CONFIG_FILES_MAX);
    r = path_read_file(AT_FDCWD, path, &text, e);
    if (r < 0)
        return err_wrap(e, r, "read configuration");
    r = hcl_parse(arena_str(a, buf_str(&text)), f.path, HCL1, a, &f.body, &d);
    if (r < 0 || d.list.len > 0)
        return d.list.len > 0 ? report(&f, &d, e)
                              : err_set(e, r, "%s: %s", path, err_kind_text(r));
    list_push(a, &ret->list, f);
    return 0;
}

/* Editors leave "x~", "#x#" and ".x.swp"; the first two and what is hidden never count. */
static bool is_config_name(const char *name)
{
    struct str s = str_of(name);

    return name[0] != '.' && name[0] != '#' &&
           (str_ends(s, STR(".hcl")) || str_ends(s, STR(".json")));
}

static int list_dir(struct arena *a, const char *path, struct strlist *ret, struct err *e)
{
    DIR *dir = opendir(path);
    LIST(const char *) names = {0};

    if (!dir)
        return err_set_errno(e, ERR_IO, "read configuration directory %s", path);
    for (struct dirent *d; (d = readdir(dir)) && names.len <= CONFIG_FILES_MAX;) {
        if (is_config_name(d->d_name))
            list_push(a, &names, arena_strdup(a, d->d_name));
    }
    closedir(dir);
    *ret = (struct strlist){names.at, names.len};
    strlist_sort_unique(ret);
    return 0;
}

static int read_dir(struct arena *a, const char *path, struct config_files *ret, struct err *e)
{
    struct strlist names;
    int r = list_dir(a, path, &names, e);

    for (size_t i = 0; r >= 0 && i < names.len; i++) {
        const char *file = path_join(a, path, names.at[i]);
        struct stat st;

        if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
            continue;
        r = read_one(a, file, ret, e);
    }
    return r;
}

int config_read(struct arena *a, const char *path, struct config_files *ret, struct err *e)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return err_set_errno(e, errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : ERR_IO,
                             "read configuration %s", path);
    return S_ISDIR(st.st_mode) ? read_dir(a, path, ret, e) : read_one(a, path, ret, e);
}

/*
 * Unknown keys. The decoder would refuse them too; here the nearest known key is named.
 */
enum { NEAR = 2, KEY_SHOWN_MAX = 64, LEVELS_MAX = 16 };

static bool is_key(const struct schema_field *f)
{
    return f->hcl && !(f->flags & (FIELD_LABEL | FIELD_JSON_ONLY));
}

static bool is_known(const struct schema *s, struct str name)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        if (is_key(&s->fields[i]) && str_eqc(name, s->fields[i].hcl))
            return true;
    }
    return false;
}

static const char *nearest(const struct schema *s, struct str name)
{
    const char *best = NULL;
    size_t least = NEAR + 1;

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        size_t far = is_key(f) ? str_distance(name, str_of(f->hcl), NEAR) : least;

        if (far < least) {
            least = far;
            best = f->hcl;
        }
    }
    return best;
}

static void add_unknown(struct hcl_diags *d, const struct schema *s, struct str name,
                        struct hcl_range at, bool top)
{
    const char *near = nearest(s, name);

    hcl_diag_add(d, at,
                 arena_printf(d->arena, "unknown key \"%.*s\"%s%s%s%s%s",
                              STR_ARG(str_upto(name, KEY_SHOWN_MAX)), top ? "" : " in ",
                              top ? "" : s->name, near ? ", did you mean \"" : "",
                              near ? near : "", near ? "\"?" : ""),
                 "%s", "");
}

static size_t count_labels(const struct schema_field *f)
{
    size_t n = f->type == F_MAP;

    for (size_t i = f->type == F_MAP; i < f->sub->n_fields; i++)
        n += (f->sub->fields[i].flags & FIELD_LABEL) != 0;
    return n;
}

static void check_keys(const struct schema *s, const struct hcl_body *body, int level,
                       struct hcl_diags *d)
{
    list_each (&body->items, it) {
        struct str name = it->attr ? it->attr->name : it->block->type;

        if (!is_known(s, name))
            add_unknown(d, s, name, it->attr ? it->attr->name_at : it->block->type_at,
                        level == 0);
    }
    for (size_t i = 0; i < s->n_fields && level < LEVELS_MAX; i++) {
        const struct schema_field *f = &s->fields[i];
        struct hcl_diags ignored = {.arena = d->arena, .dialect = HCL1};
        struct hcl_blocks blocks = {0};

        if (!is_key(f) || f->type < F_OBJ || f->type > F_MAP)
            continue;
        hcl_blocks(body, f->hcl, count_labels(f), "name", d->arena, &ignored, &blocks);
        for (size_t k = 0; k < blocks.len; k++)
            check_keys(f->sub, blocks.at[k]->body, level + 1, d);
    }
}

int config_decode(const struct schema *s, const struct config_file *f, struct arena *a,
                  void *obj, struct err *e)
{
    struct hcl_diags d = {.arena = a, .dialect = HCL1};
    struct hcl_eval_ctx ctx = {0};

    check_keys(s, f->body, 0, &d);
    if (d.list.len == 0)
        schema_decode_hcl(s, f->body, &ctx, a, obj, &d);
    return report(f, &d, e);
}

int config_load(struct arena *a, const char *path, const struct schema *s, const char *what,
                void (*take)(void *ctx, const char *file, const void *obj), void *ctx,
                struct err *e)
{
    struct config_files files = {0};
    struct stat st;
    int r;

    if (stat(path, &st) < 0)
        return err_set(e, ERR_NOTFOUND, "%s from %s: stat %s: no such file or directory", what,
                       path, path);
    r = config_read(a, path, &files, e);
    for (size_t i = 0; r == 0 && i < files.list.len; i++) {
        void *obj = arena_zalloc(a, s->size);

        r = config_decode(s, &files.list.at[i], a, obj, e);
        if (r == 0)
            take(ctx, files.list.at[i].path, obj);
    }
    return r < 0 ? err_wrap(e, r, "%s from %s", what, path) : (int)files.list.len;
}
