#include "crypto/shamir.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"

/* The compiler must not learn that a mask is only ever all zeros or all ones: it could make a
 * branch of it. */
static inline uint8_t opaque(uint8_t v)
{
    __asm__("" : "+r"(v));
    return v;
}

static uint8_t gf_mul(uint8_t a, uint8_t b)
{
    uint8_t r = 0;

    for (int i = 0; i < 8; i++) {
        uint8_t take = opaque((uint8_t)(0 - (b & 1)));
        uint8_t carry = opaque((uint8_t)(0 - (a >> 7)));

        r = (uint8_t)(r ^ (take & a));
        a = (uint8_t)(a << 1 ^ (carry & 0x1B));
        b = (uint8_t)(b >> 1);
    }
    return r;
}

/* a^254, which is 1/a, and 0 for 0. */
static uint8_t gf_inv(uint8_t a)
{
    uint8_t r = 1, square = a;

    for (int i = 0; i < 7; i++) {
        square = gf_mul(square, square);
        r = gf_mul(r, square);
    }
    return r;
}

/* Different points that are not zero, in no order. They are no secret. */
static void choose_points(uint8_t *x, size_t n)
{
    uint8_t all[SHAMIR_SHARES_MAX];

    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)(i + 1);
    for (size_t i = 0; i < n; i++) {
        size_t pick = i + random_below(sizeof all - i);

        x[i] = all[pick];
        all[pick] = all[i];
    }
}

static int check_split(const struct secret *s, size_t shares, size_t threshold, struct err *e)
{
    if (s->len == 0)
        return err_set(e, ERR_INVALID, "cannot split an empty secret");
    if (s->len > SHAMIR_SECRET_MAX)
        return err_set(e, ERR_TOOBIG, "cannot split a secret of more than %d bytes",
                       SHAMIR_SECRET_MAX);
    if (shares > SHAMIR_SHARES_MAX)
        return err_set(e, ERR_INVALID, "parts cannot exceed %d", SHAMIR_SHARES_MAX);
    if (threshold < 2)
        return err_set(e, ERR_INVALID, "threshold must be at least 2");
    if (shares < threshold)
        return err_set(e, ERR_INVALID, "parts cannot be less than threshold");
    return 0;
}

/* Byte `i` of every share: a random polynomial of degree threshold - 1 that is the secret's
 * byte at 0, evaluated by Horner's rule at each share's point. `coef` is room for its
 * coefficients. */
static void split_byte(uint8_t byte, size_t i, struct secret *coef, const struct secret *shares,
                       size_t n)
{
    random_bytes(coef->p, coef->len);
    for (size_t s = 0; s < n; s++) {
        uint8_t x = shares[s].p[shares[s].len - 1], y = 0;

        for (size_t c = coef->len; c-- > 0;)
            y = gf_mul((uint8_t)(y ^ coef->p[c]), x);
        shares[s].p[i] = (uint8_t)(y ^ byte);
    }
}

static void shares_done(struct secret *shares, size_t n)
{
    for (size_t i = 0; i < n; i++)
        secret_done(&shares[i]);
}

int shamir_split(const struct secret *s, size_t shares, size_t threshold, struct secret *ret,
                 struct err *e)
{
    auto_secret struct secret coef = SECRET_INIT;
    uint8_t x[SHAMIR_SHARES_MAX];
    int r;

    r = check_split(s, shares, threshold, e);
    if (r == 0)
        r = secret_alloc(threshold - 1, &coef, e);
    if (r < 0)
        return r;
    choose_points(x, shares);
    for (size_t i = 0; i < shares; i++) {
        ret[i] = (struct secret)SECRET_INIT;
        r = secret_alloc(s->len + 1, &ret[i], e);
        if (r < 0) {
            shares_done(ret, i);
            return r;
        }
        ret[i].p[s->len] = x[i];
    }
    for (size_t i = 0; i < s->len; i++)
        split_byte(s->p[i], i, &coef, ret, shares);
    return 0;
}

static int check_shares(const struct secret *shares, size_t n, struct err *e)
{
    bool seen[256] = {false};

    if (n < 2)
        return err_set(e, ERR_INVALID,
                       "less than two parts cannot be used to reconstruct the secret");
    if (n > SHAMIR_SHARES_MAX)
        return err_set(e, ERR_INVALID, "parts cannot exceed %d", SHAMIR_SHARES_MAX);
    if (shares[0].len < 2)
        return err_set(e, ERR_INVALID, "parts must be at least two bytes");
    if (shares[0].len > SHAMIR_SECRET_MAX + 1)
        return err_set(e, ERR_TOOBIG, "parts cannot be longer than %d bytes",
                       SHAMIR_SECRET_MAX + 1);
    for (size_t i = 0; i < n; i++) {
        uint8_t x;

        if (shares[i].len != shares[0].len)
            return err_set(e, ERR_INVALID, "all parts must be the same length");
        x = shares[i].p[shares[i].len - 1];
        if (x == 0)
            return err_set(e, ERR_INVALID, "a part ends in zero: it is not one of ours");
        if (seen[x])
            return err_set(e, ERR_INVALID, "duplicate part detected");
        seen[x] = true;
    }
    return 0;
}

/* What share i counts for at 0: the product over the others of x_j / (x_i - x_j). */
static uint8_t weight_of(const struct secret *shares, size_t n, size_t i)
{
    size_t at = shares[0].len - 1;
    uint8_t above = 1, below = 1;

    for (size_t j = 0; j < n; j++) {
        if (j == i)
            continue;
        above = gf_mul(above, shares[j].p[at]);
        below = gf_mul(below, (uint8_t)(shares[i].p[at] ^ shares[j].p[at]));
    }
    return gf_mul(above, gf_inv(below));
}

int shamir_combine(const struct secret *shares, size_t n, struct secret *ret, struct err *e)
{
    struct secret out = SECRET_INIT;
    int r;

    r = check_shares(shares, n, e);
    if (r == 0)
        r = secret_alloc(shares[0].len - 1, &out, e);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        uint8_t weight = weight_of(shares, n, i);

        for (size_t b = 0; b < out.len; b++)
            out.p[b] = (uint8_t)(out.p[b] ^ gf_mul(weight, shares[i].p[b]));
    }
    *ret = out;
    return 0;
}
