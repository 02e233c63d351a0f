#include "cli/vault/pgp_files.h"

#include "base/codec.h"
#include "base/str.h"
#include "cli/vault/vault_priv.h"

static const char *skip_at(const char *name)
{
    return name[0] == '@' ? name + 1 : name;
}

/* The lines between the head and the checksum, without their ends. */
static const char *strip_armour(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.len + 1);
    size_t n = 0;
    bool in_body = false;
    struct str line;

    while (str_split(&text, '\n', &line)) {
        line = str_trim(line);
        if (!in_body) {
            in_body = line.len == 0;
            continue;
        }
        if (line.len == 0 || line.p[0] == '=' || line.p[0] == '-')
            break;
        for (size_t i = 0; i < line.len; i++)
            out[n++] = line.p[i];
    }
    out[n] = '\0';
    return out;
}

static bool is_text(struct str s)
{
    return str_is_utf8(s) && str_chr(s, '\0') < 0;
}

static const char *key_of(struct cli_call *c, const char *name)
{
    auto_buf struct buf b = BUF_INIT(INPUT_MAX * 2);
    struct err e = ERR_INIT;
    struct str text;

    if (str_starts(str_of(name), STR("keybase:"))) {
        cli_fail(0, "PGP keys from keybase are not supported: save \"%s\" to a file", name);
        return NULL;
    }
    if (input_file(c->arena, skip_at(name), &text, &e) < 0) {
        cli_fail(0, "Error reading PGP key: %s", e.msg);
        return NULL;
    }
    if (str_starts(str_trim(text), STR("-----BEGIN PGP")))
        return strip_armour(c->arena, text);
    if (is_text(text))
        return arena_cstr(c->arena, str_trim(text)); /* it is base64 already */
    codec_base64_encode(&b, text, false, true);
    return arena_cstr(c->arena, buf_str(&b));
}

bool pgp_set_keys(struct cli_call *c, struct json *body, const char *member,
                  const struct flag_list *files)
{
    struct json *list = json_new_array(c->arena);

    for (size_t i = 0; i < files->len; i++) {
        struct str rest = str_of(files->at[i]), item;

        while (str_split(&rest, ',', &item)) {
            const char *key = key_of(c, arena_cstr(c->arena, str_trim(item)));

            if (!key)
                return false;
            if (list->len == PGP_KEYS_MAX) {
                cli_fail(0, "more than %d PGP keys", PGP_KEYS_MAX);
                return false;
            }
            json_push(c->arena, list, json_of_str(str_of(key)));
        }
    }
    if (list->len > 0)
        json_set(c->arena, body, str_of(member), *list);
    return true;
}

bool pgp_set_key(struct cli_call *c, struct json *body, const char *member, const char *file)
{
    const char *key;

    if (!file)
        return true;
    key = key_of(c, file);
    if (key)
        set_str(c->arena, body, member, key);
    return key != NULL;
}
