/* Functions of network addresses: an address is a number of 32 or 128 bits. */
#include <arpa/inet.h>

#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"

typedef unsigned __int128 address;

enum { EXTEND_MAX = 32 }; /* bits that cidrsubnets may add at once */

struct network {
    address base;
    int bits, prefix; /* bits: 32 or 128 */
};

static address size_of(const struct network *n)
{
    return n->bits - n->prefix >= 128 ? 0 : (address)1 << (n->bits - n->prefix);
}

static bool parse_network(struct str s, struct network *n)
{
    ptrdiff_t slash = str_chr(s, '/');
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];
    int64_t prefix;

    if (slash < 0 || (size_t)slash >= sizeof text ||
        !str_to_i64(str_from(s, (size_t)slash + 1), 10, &prefix) || s.p[slash + 1] == '+')
        return false;
    memcpy(text, s.p, (size_t)slash);
    text[slash] = '\0';
    n->bits = strchr(text, ':') ? 128 : 32;
    if (inet_pton(n->bits == 128 ? AF_INET6 : AF_INET, text, bytes) != 1 || prefix < 0 ||
        prefix > n->bits)
        return false;
    n->base = 0;
    for (int i = 0; i < n->bits / 8; i++)
        n->base = n->base << 8 | bytes[i];
    n->prefix = (int)prefix;
    n->base &= ~(size_of(n) - 1);
    return true;
}

static const char *address_text(address a, int bits, struct arena *arena)
{
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];

    for (int i = bits / 8; i-- > 0; a >>= 8)
        bytes[i] = (unsigned char)a;
    inet_ntop(bits == 128 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
    return arena_strdup(arena, text);
}

static struct json network_json(const struct network *n, struct arena *a)
{
    return json_of_str(
        str_of(arena_printf(a, "%s/%d", address_text(n->base, n->bits, a), n->prefix)));
}

/* False: said. */
static bool network_arg(const struct hcl_func_call *c, struct network *n)
{
    if (parse_network(c->args[0]->text, n))
        return true;
    hcl_call_failed(c, "invalid CIDR expression: invalid CIDR address: %.*s",
                    STR_ARG(c->args[0]->text));
    return false;
}

/* A whole number of up to 128 bits and its sign. False: it is none, or larger. */
static bool read_whole(struct str s, address *ret, bool *ret_neg)
{
    address v = 0;

    *ret_neg = s.p[0] == '-';
    for (size_t i = *ret_neg; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || v > (~(address)0 - 9) / 10)
            return false;
        v = v * 10 + (address)(s.p[i] - '0');
    }
    *ret = v;
    return true;
}

static struct json *fn_cidrhost(const struct hcl_func_call *c)
{
    struct str text = c->args[1]->text;
    struct network n;
    address host, last;
    bool neg;

    if (str_chr(text, '.') >= 0) {
        int64_t unused;

        hcl_call_i64(c, 1, &unused);
        return NULL;
    }
    if (!network_arg(c, &n))
        return NULL;
    last = size_of(&n) - 1;
    if (!read_whole(text, &host, &neg) || (neg ? host - 1 : host) > last)
        return hcl_call_failed(c, "prefix of %d does not accommodate a host numbered %.*s",
                               n.prefix, STR_ARG(text));
    host = neg ? last - (host - 1) : host;
    return hcl_result(c, json_of_str(str_of(address_text(n.base | host, n.bits, c->arena))));
}

static struct json *fn_cidrnetmask(const struct hcl_func_call *c)
{
    struct network n;

    if (!network_arg(c, &n))
        return NULL;
    if (n.bits == 128)
        return hcl_call_failed(c, "IPv6 addresses cannot have a netmask: %.*s",
                               STR_ARG(c->args[0]->text));
    return hcl_result(
        c, json_of_str(str_of(address_text(~(size_of(&n) - 1) & 0xffffffffu, 32, c->arena))));
}

static struct json *fn_cidrsubnet(const struct hcl_func_call *c)
{
    struct network n, sub;
    address number;
    int64_t extend;
    bool neg;

    if (!hcl_call_i64(c, 1, &extend))
        return NULL;
    if (str_chr(c->args[2]->text, '.') >= 0) {
        hcl_call_i64(c, 2, &extend);
        return NULL;
    }
    if (!network_arg(c, &n))
        return NULL;
    if (extend < 0 || extend > n.bits - n.prefix)
        return hcl_call_failed(c, "insufficient address space to extend prefix of %d by %lld",
                               n.prefix, (long long)extend);
    if (!read_whole(c->args[2]->text, &number, &neg) || neg ||
        (extend < 128 && number >> extend))
        return hcl_call_failed(
            c, "prefix extension of %d does not accommodate a subnet numbered %.*s",
            (int)extend, STR_ARG(c->args[2]->text));
    sub = (struct network){n.base, n.bits, n.prefix + (int)extend};
    if (sub.prefix > 0)
        sub.base |= number << (n.bits - sub.prefix);
    return hcl_result(c, network_json(&sub, c->arena));
}

/* One more subnet behind `last`, whose end is *end (0: none yet). False: said. */
static bool next_subnet(const struct hcl_func_call *c, size_t arg, const struct network *n,
                        struct network *sub, bool first)
{
    struct network before = *sub;
    int64_t extend;

    if (!hcl_call_i64(c, arg, &extend))
        return false;
    if (extend < 1 || extend > EXTEND_MAX) {
        hcl_arg_invalid(c, arg,
                        extend < 1 ? "must extend prefix by at least one bit"
                                   : "may not extend prefix by more than 32 bits");
        return false;
    }
    if (n->prefix + extend > n->bits) {
        hcl_arg_invalid(c, arg,
                        "would extend prefix to %d bits, which is too long for an %s address",
                        n->prefix + (int)extend, n->bits == 32 ? "IPv4" : "IPv6");
        return false;
    }
    sub->prefix = n->prefix + (int)extend;
    if (first)
        return true;
    sub->base = (before.base + size_of(&before) - 1) & ~(size_of(sub) - 1);
    sub->base += size_of(sub);
    if (sub->base - n->base < size_of(n) || (n->prefix == 0 && n->bits == 128 && sub->base))
        return true;
    hcl_arg_invalid(c, arg,
                    "not enough remaining address space for a subnet with a prefix of %d bits "
                    "after %s/%d",
                    sub->prefix, address_text(before.base, n->bits, c->arena), before.prefix);
    return false;
}

static struct json *fn_cidrsubnets(const struct hcl_func_call *c)
{
    struct json *r = hcl_result_list(c, HCL_IS_LIST, c->n_args);
    struct network n, sub;

    if (!network_arg(c, &n))
        return NULL;
    sub = n;
    for (size_t i = 1; i < c->n_args; i++) {
        if (!next_subnet(c, i, &n, &sub, i == 1))
            return NULL;
        r->items[r->len++] = network_json(&sub, c->arena);
    }
    return r;
}

void hcl_funcs_ip(struct map *funcs)
{
    static const struct hcl_function rows[] = {
        {"cidrhost", fn_cidrhost, {{"prefix", HCL_STRING}, {"hostnum", HCL_NUMBER}}},
        {"cidrnetmask", fn_cidrnetmask, {{"prefix", HCL_STRING}}},
        {"cidrsubnet",
         fn_cidrsubnet,
         {{"prefix", HCL_STRING}, {"newbits", HCL_NUMBER}, {"netnum", HCL_NUMBER}}},
        {"cidrsubnets",
         fn_cidrsubnets,
         {{"prefix", HCL_STRING}},
         .rest = {"newbits", HCL_NUMBER}},
    };

    hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
}
