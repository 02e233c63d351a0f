#include "http/client.h"

/* RFC 3986 2.3: what never needs escaping. */
static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

static char *escape(struct arena *a, struct str s, bool keep_slash)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, s.len * 3 + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (is_unreserved((char)c) || (keep_slash && c == '/')) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = hex[c >> 4];
            out[n++] = hex[c & 15];
        }
    }
    out[n] = '\0';
    return out;
}

char *http_escape(struct arena *a, struct str s)
{
    return escape(a, s, false);
}

char *http_escape_path(struct arena *a, struct str s)
{
    return escape(a, s, true);
}
