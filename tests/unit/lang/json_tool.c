/*
 * json_tool -- our JSON reader and writer for a test in another language
 *
 * Standard input: one text a line, in hexadecimal. Standard output: for each a line, "=" and
 * the text as we print it, or "!" and the error.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/err.h"
#include "lang/json.h"

enum { TEXT_MAX = 1 << 20 };

static void answer(struct str hex)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf text = BUF_INIT(TEXT_MAX), out = BUF_INIT(8 * TEXT_MAX);
    struct err e = ERR_INIT;
    struct json *v;

    if (codec_hex_decode(&text, hex, &e) < 0 ||
        json_parse(buf_str(&text), NULL, 0, a, &v, &e) < 0) {
        printf("!%s\n", e.msg);
        return;
    }
    json_print(&out, v, NULL);
    printf("=%s\n", buf_str(&out).p);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    while ((n = getline(&line, &cap, stdin)) > 0)
        answer(str_trim(str_n(line, (size_t)n)));
    free(line);
    return 0;
}
