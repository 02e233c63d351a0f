/* nomad job init: an example to begin with. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool short_, connect, list;
    const char *template;
} o;

static const struct flag init_flags[] = {
    {"short", FLAG_BOOL, &o.short_, NULL, "without comments"},
    {"connect", FLAG_BOOL, &o.connect, NULL, "two groups that talk to each other"},
    {"template", FLAG_STR, &o.template, NULL,
     "a template of this name, from the variable nomad/job-templates/NAME"},
    {"list-templates", FLAG_BOOL, &o.list, NULL, "the names of the templates there are"},
};

/* Variables below it are templates. */
#define TEMPLATES "nomad/job-templates/"

static const char example[] =
    "# An example job. `nomad job plan` tells what it would do, `nomad job run` does it.\n"
    "job \"example\" {\n"
    "\n"
    "  # \"service\" runs until it is stopped, \"batch\" until it is done, \"system\" once on\n"
    "  # every node. service is what a job is if it does not say.\n"
    "  # type = \"service\"\n"
    "\n"
    "  # Where it may run. Every datacenter, if not said.\n"
    "  # datacenters = [\"dc1\"]\n"
    "\n"
    "  # Only nodes that fit are considered; `nomad node status -verbose <node>` shows what\n"
    "  # can be asked for.\n"
    "  # constraint {\n"
    "  #   attribute = \"${attr.kernel.name}\"\n"
    "  #   value     = \"linux\"\n"
    "  # }\n"
    "\n"
    "  # How a new version replaces the old one: so many at a time, each for so long well\n"
    "  # before the next, and back to the old version if it does not get well.\n"
    "  # update {\n"
    "  #   max_parallel     = 1\n"
    "  #   min_healthy_time = \"10s\"\n"
    "  #   healthy_deadline = \"3m\"\n"
    "  #   auto_revert      = false\n"
    "  #   canary           = 0\n"
    "  # }\n"
    "\n"
    "  # The tasks of a group run together, on one node, and share a directory and ports.\n"
    "  group \"cache\" {\n"
    "    # How many of this group there are.\n"
    "    # count = 1\n"
    "\n"
    "    # A port without `static` is one that is free on the node.\n"
    "    network {\n"
    "      port \"db\" {\n"
    "        to = 6379\n"
    "      }\n"
    "    }\n"
    "\n"
    "    # A task that ends is started again on its node, so many times in that time; then\n"
    "    # \"fail\" gives up and another node is looked for, \"delay\" waits and goes on.\n"
    "    # restart {\n"
    "    #   attempts = 2\n"
    "    #   interval = \"30m\"\n"
    "    #   delay    = \"15s\"\n"
    "    #   mode     = \"fail\"\n"
    "    # }\n"
    "\n"
    "    # A disk that outlives one allocation: `migrate` takes it to the next node.\n"
    "    # ephemeral_disk {\n"
    "    #   size    = 300\n"
    "    #   sticky  = true\n"
    "    #   migrate = true\n"
    "    # }\n"
    "\n"
    "    # Others find it by this name: `nomad service info redis-cache`.\n"
    "    # service {\n"
    "    #   name     = \"redis-cache\"\n"
    "    #   port     = \"db\"\n"
    "    #   provider = \"nomad\"\n"
    "    # }\n"
    "\n"
    "    task \"redis\" {\n"
    "      # What runs the task: docker, exec, raw_exec, java, ...\n"
    "      driver = \"docker\"\n"
    "\n"
    "      # What the driver wants to know.\n"
    "      config {\n"
    "        image = \"redis:7\"\n"
    "        ports = [\"db\"]\n"
    "      }\n"
    "\n"
    "      # Variables of the task's environment.\n"
    "      # env {\n"
    "      #   LEVEL = \"debug\"\n"
    "      # }\n"
    "\n"
    "      # A Vault token of these policies for the task, in secrets/vault_token.\n"
    "      # vault {\n"
    "      #   policies    = [\"redis-read\"]\n"
    "      #   change_mode = \"restart\"\n"
    "      # }\n"
    "\n"
    "      # A file made of secrets, written before the task starts and again when they "
    "change.\n"
    "      # template {\n"
    "      #   data        = \"PASSWORD={{with secret \\\"secret/data/redis\\\"}}\"\n"
    "      #   destination = \"secrets/redis.env\"\n"
    "      #   env         = true\n"
    "      # }\n"
    "\n"
    "      # MHz and MiB; the scheduler finds a node that has them.\n"
    "      resources {\n"
    "        cpu    = 500\n"
    "        memory = 256\n"
    "      }\n"
    "    }\n"
    "  }\n"
    "}\n";

static const char connected[] =
    "# Two groups that talk to each other, each in a network of its own: the API behind a port "
    "of\n"
    "# its node, the dashboard knows where.\n"
    "job \"countdash\" {\n"
    "\n"
    "  group \"api\" {\n"
    "\n"
    "    # The group's own network; only the port is reached from outside.\n"
    "    network {\n"
    "      mode = \"bridge\"\n"
    "      port \"api\" {\n"
    "        static = 9001\n"
    "        to     = 9001\n"
    "      }\n"
    "    }\n"
    "\n"
    "    # Others find it by this name: `nomad service info count-api`.\n"
    "    service {\n"
    "      name     = \"count-api\"\n"
    "      port     = \"api\"\n"
    "      provider = \"nomad\"\n"
    "    }\n"
    "\n"
    "    task \"web\" {\n"
    "      driver = \"docker\"\n"
    "\n"
    "      config {\n"
    "        image = \"hashicorpdev/counter-api:v3\"\n"
    "        ports = [\"api\"]\n"
    "      }\n"
    "    }\n"
    "  }\n"
    "\n"
    "  group \"dashboard\" {\n"
    "\n"
    "    network {\n"
    "      mode = \"bridge\"\n"
    "      port \"http\" {\n"
    "        static = 9002\n"
    "        to     = 9002\n"
    "      }\n"
    "    }\n"
    "\n"
    "    service {\n"
    "      name     = \"count-dashboard\"\n"
    "      port     = \"http\"\n"
    "      provider = \"nomad\"\n"
    "    }\n"
    "\n"
    "    task \"dashboard\" {\n"
    "      driver = \"docker\"\n"
    "\n"
    "      # The API, on the node's address: with more than one node, that of another.\n"
    "      env {\n"
    "        COUNTING_SERVICE_URL = \"http://${attr.unique.network.ip-address}:9001\"\n"
    "      }\n"
    "\n"
    "      config {\n"
    "        image = \"hashicorpdev/counter-dashboard:v3\"\n"
    "        ports = [\"http\"]\n"
    "      }\n"
    "    }\n"
    "  }\n"
    "}\n";

/* Without the comments; of empty lines those stay that follow something. */
static void strip(struct buf *b, struct str text)
{
    struct str line;
    bool kept = false;

    while (text.len && str_split(&text, '\n', &line)) {
        struct str words = str_trim_chars(line, " ");
        bool comment = str_starts(words, STR("#")), empty = words.len == 0;

        if (!comment && (!empty || kept)) {
            buf_put_str(b, line);
            buf_putc(b, '\n');
        }
        kept = !comment && !empty;
    }
}

static int write_new(const char *path, struct str text)
{
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660);

    if (fd < 0 && errno == EEXIST)
        return cli_fail(NOMAD_EXIT_FAILED, "Job '%s' already exists", path);
    if (fd < 0 || fd_write_all(fd, text, NULL) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to write '%s': %s", path, strerror(errno));
    printf("Example job file written to %s\n", path);
    return CLI_EXIT_OK;
}

/* ---- templates of one's own -------------------------------------------------------------- */

static int list_templates(struct cli_call *c)
{
    static const struct str below = STR(TEMPLATES);
    struct nomad_reply r;
    int shown = 0;

    if (nomad_get(c, pathf(c, "vars?prefix=%s", path_part(c, TEMPLATES)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving job templates from the server: %s",
                        r.error);
    for (size_t i = 0; i < count_of(r.json); i++) {
        const char *path = text_at(c, &r.json->items[i], "Path");

        if (!str_starts(str_of(path), below))
            continue;
        if (shown++ == 0)
            printf("Use nomad job init -template=<template> with any of the following:\n");
        printf("  %s\n", path + below.len);
    }
    if (shown == 0)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "No job templates found. Write one with `nomad var put " TEMPLATES
                        "<name> template=@<file>`");
    return CLI_EXIT_OK;
}

/* The variable's item "template"; NULL: said, and *ret_code is how to end. */
static const char *fetch_template(struct cli_call *c, const char *name, int *ret_code)
{
    const struct json *text;
    struct nomad_reply r;

    *ret_code = CLI_EXIT_OK;
    if (nomad_get(c, pathf(c, "var/" TEMPLATES "%s", path_part(c, name)), &r)) {
        *ret_code =
            r.status == 404
                ? cli_fail(NOMAD_EXIT_FAILED, "Job template \"%s\" not found", name)
                : cli_fail(NOMAD_EXIT_FAILED,
                           "Error retrieving job template from the server: %s", r.error);
        return NULL;
    }
    text = json_get(at(r.json, "Items"), "template");
    if (!json_is(text, JSON_STRING)) {
        *ret_code =
            cli_fail(NOMAD_EXIT_FAILED,
                     "Job template \"%s\" is malformed: it has no item \"template\"", name);
        return NULL;
    }
    return arena_cstr(c->arena, text->text);
}

static const char *asked_text(struct cli_call *c, int *ret_code)
{
    *ret_code = CLI_EXIT_OK;
    if (o.template && *o.template)
        return fetch_template(c, o.template, ret_code);
    return o.connect ? connected : example;
}

static int init_run(struct cli_call *c)
{
    auto_buf struct buf b = BUF_INIT(PRINT_MAX);
    const char *text;
    int code;

    if (o.list)
        return list_templates(c);
    text = asked_text(c, &code);
    if (!text)
        return code;
    if (o.short_)
        strip(&b, str_of(text));
    else
        buf_puts(&b, text);
    return write_new(c->argc ? c->argv[0] : "example.nomad.hcl", buf_str(&b));
}

#define INIT_ROW(var, name_, synopsis_)                                                     \
    const struct cli_command var = {                                                        \
        .name = (name_),                                                                    \
        .usage = "nomad job init [options] [filename]",                                     \
        .synopsis = (synopsis_),                                                            \
        .about = "Writes an example of a job file, example.nomad.hcl if no name is given.", \
        .flags = CLI_FLAGS(init_flags),                                                     \
        .sets = SET_CLIENT,                                                                 \
        .args = {0, 1, "either no arguments or one: <filename>"},                           \
        .run = init_run,                                                                    \
    }

INIT_ROW(nomad_cmd_job_init, "job init", "Create an example job file");
INIT_ROW(nomad_cmd_init, "init", "");
