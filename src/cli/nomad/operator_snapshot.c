/* nomad operator snapshot: save, inspect, restore. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "cli/common/input.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"
#include "store/store.h"

enum {
    BACK_MS = 60000, /* how long an agent may take to start again */
    BACK_PAUSE_MS = 100,
    TABLES_MAX = 1000, /* kinds of objects in one snapshot */
};

/* ---- save ------------------------------------------------------------------------------- */

static bool stale;

static const struct flag save_flags[] = {
    {"stale", FLAG_BOOL, &stale, NULL, "from any server"},
};

struct saving {
    int fd;
    struct err e;
};

static bool on_piece(void *arg, struct str data)
{
    struct saving *s = arg;

    return fd_write_all(s->fd, data, &s->e) == 0;
}

/* Into `part`, which is checked then: a reply that was cut off is no snapshot. */
static int fetch(struct cli_call *c, const char *part)
{
    struct saving s = {.fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    auto_fd int fd = s.fd;
    struct nomad_reply r;

    if (fd < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error creating snapshot file: open %s: %s", part,
                        strerror(errno));
    if (nomad_stream(c, NULL, stale ? "operator/snapshot?stale" : "operator/snapshot", on_piece,
                     &s, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error saving snapshot: %s",
                        s.e.code ? s.e.msg : r.error);
    if (lseek(fd, 0, SEEK_SET) != 0 || fsync(fd) != 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error saving snapshot: %s", strerror(errno));
    if (store_snapshot_read(fd, NULL, NULL, NULL, &s.e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error verifying snapshot: %s", s.e.msg);
    return CLI_EXIT_OK;
}

static int save_run(struct cli_call *c)
{
    const char *path =
        c->argc ? c->argv[0]
                : arena_printf(c->arena, "nomad-state-%lld.snap", (long long)clock_wall_s());
    const char *part = arena_printf(c->arena, "%s.part", path);
    int code = fetch(c, part);

    if (code == CLI_EXIT_OK && rename(part, path) != 0)
        code = cli_fail(NOMAD_EXIT_FAILED, "Error saving snapshot: rename %s: %s", part,
                        strerror(errno));
    if (code != CLI_EXIT_OK) {
        unlink(part);
        return code;
    }
    printf("State file written to %s\n", path);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_snapshot_save = {
    .name = "operator snapshot save",
    .usage = "nomad operator snapshot save [options] [<file>]",
    .synopsis = "Saves snapshot of Nomad server state",
    .about =
        "Writes everything the server holds into a file. The keys of the keyring are in it "
        "sealed; what they are sealed with (keystore/root.key of the server) is not.",
    .flags = CLI_FLAGS(save_flags),
    .sets = SET_CLIENT,
    .args = {0, 1, "either no arguments or one: <file>"},
    .guess = {cli_guess_files},
    .run = save_run,
};

/* ---- inspect ---------------------------------------------------------------------------- */

struct kind {
    const char *table;
    uint64_t count, bytes;
};

struct kinds {
    struct arena *arena;
    LIST(struct kind) list;
};

static struct kind *kind_of(struct kinds *k, struct str table)
{
    struct kind *added;

    list_each (&k->list, it)
        if (str_eqc(table, it->table))
            return it;
    if (k->list.len == TABLES_MAX)
        return &k->list.at[TABLES_MAX - 1];
    added = list_add(k->arena, &k->list);
    added->table = arena_cstr(k->arena, table);
    return added;
}

static void on_record(void *arg, const struct record *rec)
{
    struct str key = rec->key, table = {0};
    struct kind *k;

    str_split(&key, '\0', &table); /* keys are tuples, the table first */
    k = kind_of(arg, str_is_printable(table) ? table : STR("?"));
    k->count++;
    k->bytes += rec->key.len + rec->value.len;
}

static int larger_first(const void *a, const void *b)
{
    const struct kind *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return strcmp(x->table, y->table);
}

static void print_kinds(struct cli_call *c, struct kinds *k)
{
    struct table t = TABLE_NOMAD(c->arena);
    struct kind all = {"Total", 0, 0};

    qsort(k->list.at, k->list.len, sizeof *k->list.at, larger_first);
    table_add(&t, "Type", "Count", "Size", NULL);
    list_each (&k->list, it) {
        table_add(&t, it->table, arena_printf(c->arena, "%llu", (unsigned long long)it->count),
                  bytes_text(c, (double)it->bytes), NULL);
        all.count += it->count;
        all.bytes += it->bytes;
    }
    table_add(&t, all.table, arena_printf(c->arena, "%llu", (unsigned long long)all.count),
              bytes_text(c, (double)all.bytes), NULL);
    table_print(&t, stdout);
}

static int inspect_run(struct cli_call *c)
{
    auto_fd int fd = open(c->argv[0], O_RDONLY | O_CLOEXEC);
    struct kinds k = {.arena = c->arena};
    struct err e = ERR_INIT;
    struct stat st = {0};
    uint64_t rev = 0;

    if (fd < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error opening snapshot file: open %s: %s",
                        c->argv[0], strerror(errno));
    if (store_snapshot_read(fd, on_record, &k, &rev, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error verifying snapshot: %s", e.msg);
    fstat(fd, &st);
    {
        const struct kv_line lines[] = {
            {"Size", bytes_text(c, (double)st.st_size)},
            {"Index", arena_printf(c->arena, "%llu", (unsigned long long)rev)},
            {"Version", "1"},
        };

        print_kv(c, lines, ARRAY_LEN(lines));
    }
    printf("\n");
    print_kinds(c, &k);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_snapshot_inspect = {
    .name = "operator snapshot inspect",
    .usage = "nomad operator snapshot inspect <file>",
    .synopsis = "Displays information about a Nomad snapshot file",
    .about = "Checks a snapshot and shows what is in it: how many objects of which kind. No "
             "agent is needed.",
    .args = {1, 1, "one argument: <file>"},
    .guess = {cli_guess_files},
    .run = inspect_run,
};

/* ---- restore ---------------------------------------------------------------------------- */

static int check(const char *path)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct err e = ERR_INIT;

    if (fd < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error opening snapshot file: open %s: %s", path,
                        strerror(errno));
    if (store_snapshot_read(fd, NULL, NULL, NULL, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error verifying snapshot: %s", e.msg);
    return CLI_EXIT_OK;
}

/* At which index the server was started; -1: it does not answer. */
static int64_t started(struct cli_call *c)
{
    struct nomad_reply r;

    return nomad_get(c, "operator/raft/configuration", &r) == 0 ? number_at(r.json, "Index")
                                                                : -1;
}

/* The agent starts again, at a higher index. */
static bool is_back(struct cli_call *c, int64_t before)
{
    int64_t until = clock_mono_ms() + BACK_MS;

    while (clock_mono_ms() < until) {
        if (started(c) > before)
            return true;
        usleep(BACK_PAUSE_MS * 1000);
    }
    return false;
}

static int restore_run(struct cli_call *c)
{
    struct nomad_reply r;
    struct err e = ERR_INIT;
    struct str body;
    int64_t before;
    int code = check(c->argv[0]);

    if (code != CLI_EXIT_OK)
        return code;
    before = started(c);
    if (input_file(c->arena, c->argv[0], &body, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error opening snapshot file: %s", e.msg);
    if (nomad_raw(c, "PUT", "/v1/operator/snapshot", body, NULL, 0, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to get restore snapshot: %s", r.error);
    if (!is_back(c, before))
        return cli_fail(NOMAD_EXIT_FAILED, "The snapshot was taken, but the agent has not come "
                                           "back with it yet: see its log");
    printf("Snapshot Restored\n");
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_snapshot_restore = {
    .name = "operator snapshot restore",
    .usage = "nomad operator snapshot restore <file>",
    .synopsis = "Restore snapshot of Nomad server state",
    .about =
        "Makes a server's state that of a snapshot. The agent checks it, starts again with "
        "it, and keeps the old state beside the new one.",
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <file>"},
    .guess = {cli_guess_files},
    .run = restore_run,
};
