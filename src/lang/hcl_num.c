#include <assert.h>

#include "base/buf.h"
#include "lang/hcl_priv.h"

/*
 * A number is m * 2^e with a mantissa of 512 bits whose top bit is set; results are rounded to
 * the nearest, ties to even. Natural numbers of any size up to BIG_LIMBS are the workshop:
 * every operation makes one exactly, and `round_big` cuts it back to a number.
 */

enum {
    LIMBS = 16, /* of 32 bits */
    BITS = 32 * LIMBS,
    BIG_LIMBS = 320,
    EXP_MAX = 3400, /* 10^HCL_NUM_DIGITS_MAX is below 2^EXP_MAX */
};

struct big {
    uint32_t at[BIG_LIMBS];
    size_t n; /* limbs in use, the top one not zero */
};

struct num {
    bool neg, zero;
    int32_t e;
    uint32_t m[LIMBS];
};

/*
 * Natural numbers
 */

static void big_set(struct big *b, const uint32_t *limbs, size_t n)
{
    assert(n <= BIG_LIMBS);
    memcpy(b->at, limbs, n * sizeof *limbs);
    while (n > 0 && b->at[n - 1] == 0)
        n--;
    b->n = n;
}

static void big_set_small(struct big *b, uint32_t v)
{
    big_set(b, &v, 1);
}

static void big_mul_add(struct big *b, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;

    for (size_t i = 0; i < b->n; i++) {
        carry += (uint64_t)b->at[i] * factor;
        b->at[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        assert(b->n < BIG_LIMBS);
        b->at[b->n++] = (uint32_t)carry;
    }
}

static void big_mul_pow10(struct big *b, size_t k)
{
    for (; k >= 9; k -= 9)
        big_mul_add(b, 1000000000, 0);
    for (; k > 0; k--)
        big_mul_add(b, 10, 0);
}

static size_t big_bits(const struct big *b)
{
    return b->n ? 32 * b->n - (size_t)__builtin_clz(b->at[b->n - 1]) : 0;
}

static void big_shl(struct big *b, size_t bits)
{
    size_t limbs = bits / 32, part = bits % 32;

    if (b->n == 0)
        return;
    assert(b->n + limbs + 1 <= BIG_LIMBS);
    b->at[b->n] = 0;
    for (size_t i = b->n + 1; i-- > 0;) {
        uint64_t v = (uint64_t)b->at[i] << part;

        if (i > 0 && part > 0)
            v |= b->at[i - 1] >> (32 - part);
        b->at[i + limbs] = (uint32_t)v;
    }
    memset(b->at, 0, limbs * sizeof *b->at);
    b->n += limbs + 1;
    while (b->n > 0 && b->at[b->n - 1] == 0)
        b->n--;
}

static int big_cmp(const struct big *x, const struct big *y)
{
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    for (size_t i = x->n; i-- > 0;)
        if (x->at[i] != y->at[i])
            return x->at[i] < y->at[i] ? -1 : 1;
    return 0;
}

static void big_add(struct big *x, const struct big *y)
{
    uint64_t carry = 0;
    size_t n = x->n > y->n ? x->n : y->n;

    assert(n < BIG_LIMBS);
    for (size_t i = 0; i < n; i++) {
        carry += (i < x->n ? x->at[i] : 0) + (uint64_t)(i < y->n ? y->at[i] : 0);
        x->at[i] = (uint32_t)carry;
        carry >>= 32;
    }
    x->n = n;
    if (carry)
        x->at[x->n++] = (uint32_t)carry;
}

/* x must not be smaller. */
static void big_sub(struct big *x, const struct big *y)
{
    int64_t borrow = 0;

    for (size_t i = 0; i < x->n; i++) {
        int64_t v = (int64_t)x->at[i] - (i < y->n ? y->at[i] : 0) + borrow;

        x->at[i] = (uint32_t)v;
        borrow = v >> 32;
    }
    while (x->n > 0 && x->at[x->n - 1] == 0)
        x->n--;
}

static void big_mul(struct big *r, const struct big *x, const struct big *y)
{
    assert(x->n + y->n <= BIG_LIMBS);
    memset(r->at, 0, (x->n + y->n) * sizeof *r->at);
    for (size_t i = 0; i < x->n; i++) {
        uint64_t carry = 0;

        for (size_t k = 0; k < y->n; k++) {
            carry += (uint64_t)x->at[i] * y->at[k] + r->at[i + k];
            r->at[i + k] = (uint32_t)carry;
            carry >>= 32;
        }
        r->at[i + y->n] = (uint32_t)carry;
    }
    r->n = x->n + y->n;
    while (r->n > 0 && r->at[r->n - 1] == 0)
        r->n--;
}

/* x[j .. j + y->n] -= q * y; true if that was too much. */
static bool sub_mul(struct big *x, size_t j, const struct big *y, uint64_t q)
{
    uint64_t carry = 0;
    int64_t borrow = 0, top;

    for (size_t i = 0; i < y->n; i++) {
        int64_t v;

        carry += q * y->at[i];
        v = (int64_t)x->at[i + j] - (int64_t)(uint32_t)carry + borrow;
        x->at[i + j] = (uint32_t)v;
        borrow = v >> 32;
        carry >>= 32;
    }
    top = (int64_t)x->at[j + y->n] - (int64_t)carry + borrow;
    x->at[j + y->n] = (uint32_t)top;
    return top < 0;
}

static void add_back(struct big *x, size_t j, const struct big *y)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < y->n; i++) {
        carry += (uint64_t)x->at[i + j] + y->at[i];
        x->at[i + j] = (uint32_t)carry;
        carry >>= 32;
    }
    x->at[j + y->n] += (uint32_t)carry;
}

/* Schoolbook division: q = x / y, x becomes the remainder. y is not zero. */
static void big_div(struct big *x, const struct big *divisor, struct big *q)
{
    struct big y = *divisor;
    unsigned shift = (unsigned)__builtin_clz(y.at[y.n - 1]);
    size_t n;

    q->n = 0;
    if (big_cmp(x, divisor) < 0)
        return;
    if (y.n == 1)
        shift += 32; /* the estimate below wants two limbs */
    big_shl(&y, shift);
    big_shl(x, shift);
    n = x->n;
    assert(n + 1 <= BIG_LIMBS);
    x->at[n] = 0;
    memset(q->at, 0, (n - y.n + 1) * sizeof *q->at);
    for (size_t j = n - y.n + 1; j-- > 0;) {
        uint64_t top = (uint64_t)x->at[j + y.n] << 32 | x->at[j + y.n - 1];
        uint64_t guess = top / y.at[y.n - 1], rest = top % y.at[y.n - 1];

        while (guess >> 32 || guess * y.at[y.n - 2] > (rest << 32 | x->at[j + y.n - 2])) {
            guess--;
            rest += y.at[y.n - 1];
            if (rest >> 32)
                break;
        }
        if (sub_mul(x, j, &y, guess)) {
            guess--;
            add_back(x, j, &y);
        }
        q->at[j] = (uint32_t)guess;
    }
    big_set(q, q->at, n - y.n + 1);
    big_set(x, x->at, n);
    /* the remainder is only asked whether it is zero: its shift stays */
}

static bool big_bit(const struct big *b, size_t i)
{
    return i / 32 < b->n && (b->at[i / 32] >> (i % 32) & 1);
}

static bool any_below(const struct big *b, size_t bit)
{
    for (size_t i = 0; i < bit / 32 && i < b->n; i++)
        if (b->at[i])
            return true;
    return bit / 32 < b->n && (b->at[bit / 32] & ((1u << (bit % 32)) - 1));
}

/*
 * Numbers
 */

static bool increment(uint32_t *m)
{
    for (size_t i = 0; i < LIMBS; i++)
        if (++m[i])
            return false;
    return true; /* all ones became zero */
}

/* b * 2^e, where something was left off below if `sticky`. */
static struct num round_big(struct big *b, int32_t e, bool sticky, bool neg)
{
    struct num r = {.neg = neg};
    size_t bits = big_bits(b), drop;
    bool half;

    if (bits == 0) {
        r.zero = true;
        r.neg = false;
        return r;
    }
    if (bits < BITS) {
        big_shl(b, BITS - bits);
        e -= (int32_t)(BITS - bits);
        bits = BITS;
    }
    drop = bits - BITS;
    for (size_t i = 0; i < LIMBS; i++) {
        size_t from = drop / 32 + i, part = drop % 32;

        r.m[i] = b->at[from] >> part;
        if (part && from + 1 < b->n)
            r.m[i] |= b->at[from + 1] << (32 - part);
    }
    r.e = e + (int32_t)drop;
    half = drop > 0 && big_bit(b, drop - 1);
    if (half && (sticky || any_below(b, drop - 1) || (r.m[0] & 1)) && increment(r.m)) {
        r.m[LIMBS - 1] = 0x80000000u;
        r.e++;
    }
    return r;
}

static bool is_huge(const struct num *x)
{
    return !x->zero && (x->e + BITS > EXP_MAX || x->e < -2 * EXP_MAX);
}

static void big_of(struct big *b, const struct num *x)
{
    if (x->zero)
        b->n = 0;
    else
        big_set(b, x->m, LIMBS);
}

static int cmp_magnitude(const struct num *x, const struct num *y)
{
    if (x->zero || y->zero)
        return (int)y->zero - (int)x->zero;
    if (x->e != y->e)
        return x->e < y->e ? -1 : 1;
    for (size_t i = LIMBS; i-- > 0;)
        if (x->m[i] != y->m[i])
            return x->m[i] < y->m[i] ? -1 : 1;
    return 0;
}

static struct num add(const struct num *x, const struct num *y)
{
    const struct num *hi = cmp_magnitude(x, y) >= 0 ? x : y, *lo = hi == x ? y : x;
    enum { FAR = 2 * BITS };
    struct big a, b;
    int32_t gap = hi->e - lo->e;

    if (lo->zero)
        return *hi;
    big_of(&a, hi);
    if (gap > FAR) { /* too small to matter */
        big_shl(&a, 1);
        return round_big(&a, hi->e - 1, false, hi->neg);
    }
    big_of(&b, lo);
    big_shl(&a, (size_t)gap);
    if (hi->neg == lo->neg)
        big_add(&a, &b);
    else
        big_sub(&a, &b);
    return round_big(&a, lo->e, false, hi->neg);
}

static struct num mul(const struct num *x, const struct num *y)
{
    struct big a, b, r;

    big_of(&a, x);
    big_of(&b, y);
    big_mul(&r, &a, &b);
    return round_big(&r, x->e + y->e, false, x->neg != y->neg);
}

static struct num divide(const struct num *x, const struct num *y)
{
    struct big a, b, q;
    enum { GUARD = BITS + 2 };

    big_of(&a, x);
    big_of(&b, y);
    big_shl(&a, GUARD);
    big_div(&a, &b, &q);
    return round_big(&q, x->e - y->e - GUARD, a.n > 0, x->neg != y->neg);
}

/* Towards zero. */
static struct num whole_part(struct num x)
{
    size_t fraction = x.e < 0 ? (size_t)-x.e : 0;

    if (x.zero || fraction == 0)
        return x;
    if (fraction >= BITS)
        return (struct num){.zero = true};
    for (size_t i = 0; i < fraction / 32; i++)
        x.m[i] = 0;
    if (fraction % 32)
        x.m[fraction / 32] &= ~0u << (fraction % 32);
    return x;
}

static struct num modulo(const struct num *x, const struct num *y)
{
    struct num q = divide(x, y), back;

    q = whole_part(q);
    back = mul(&q, y);
    back.neg = !back.neg;
    return add(x, &back);
}

/*
 * Texts
 */

/* Cut "-12.5e3" into digits (into b) and a power of ten. */
static enum hcl_num_result read_decimal(struct str s, struct big *b, int64_t *ret_exp,
                                        bool *ret_neg)
{
    ptrdiff_t e = str_chr(s, 'e');
    size_t digits = 0;
    bool point = false;

    if (e < 0)
        e = str_chr(s, 'E');
    *ret_exp = 0;
    if (e >= 0) {
        struct str exp = str_from(s, (size_t)e + 1);

        if (exp.len > 0 && exp.p[0] == '+')
            exp = str_from(exp, 1);
        if (!str_to_i64(exp, 10, ret_exp))
            return HCL_NUM_BAD;
        s = str_upto(s, (size_t)e);
    }
    *ret_neg = s.len > 0 && s.p[0] == '-';
    b->n = 0;
    for (size_t i = *ret_neg; i < s.len; i++) {
        char c = s.p[i];

        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            return HCL_NUM_BAD;
        if (++digits > HCL_NUM_DIGITS_MAX)
            return HCL_NUM_HUGE;
        if (b->n > 0)
            big_mul_add(b, 10, (uint32_t)(c - '0'));
        else
            big_set_small(b, (uint32_t)(c - '0'));
        *ret_exp -= point;
    }
    return digits > 0 ? HCL_NUM_OK : HCL_NUM_BAD;
}

static enum hcl_num_result num_of_text(struct str s, struct num *ret)
{
    struct big b, ten, q;
    int64_t exp;
    bool neg;
    enum hcl_num_result r = read_decimal(s, &b, &exp, &neg);

    if (r != HCL_NUM_OK)
        return r;
    if (b.n == 0)
        exp = 0;
    if (exp > HCL_NUM_DIGITS_MAX || exp < -HCL_NUM_DIGITS_MAX)
        return HCL_NUM_HUGE;
    if (exp >= 0) {
        big_mul_pow10(&b, (size_t)exp);
        *ret = round_big(&b, 0, false, neg);
    } else {
        size_t shift;

        big_set_small(&ten, 1);
        big_mul_pow10(&ten, (size_t)-exp);
        shift = big_bits(&ten) + BITS + 2;
        big_shl(&b, shift);
        big_div(&b, &ten, &q);
        *ret = round_big(&q, -(int32_t)shift, b.n > 0, neg);
    }
    return is_huge(ret) ? HCL_NUM_HUGE : HCL_NUM_OK;
}

/*
 * Shortest digits: value = r/s, and any text within (r - below, r + above)/s reads back as it.
 */
struct digits {
    struct big r, s, below, above;
    bool even; /* the ends belong to it */
    int32_t point;
    char text[BITS / 3 + 8];
    size_t n;
};

static bool is_power_of_two(const struct num *x)
{
    for (size_t i = 0; i + 1 < LIMBS; i++)
        if (x->m[i])
            return false;
    return x->m[LIMBS - 1] == 0x80000000u;
}

static bool reaches(const struct digits *d, const struct big *sum)
{
    int c = big_cmp(sum, &d->s);

    return d->even ? c >= 0 : c > 0;
}

static void digits_start(struct digits *d, const struct num *x)
{
    unsigned lopsided = is_power_of_two(x); /* the gap below is half of that above */
    int64_t log10_e5 = (int64_t)(x->e + BITS) * 30103;
    int32_t k = (int32_t)(log10_e5 / 100000) - 2; /* too low, the loop below adjusts */
    struct big sum;

    big_set(&d->r, x->m, LIMBS);
    big_set_small(&d->s, 1);
    big_set_small(&d->below, 1);
    big_shl(&d->r, 1 + lopsided);
    big_shl(&d->s, 1 + lopsided);
    if (x->e > 0) {
        big_shl(&d->r, (size_t)x->e);
        big_shl(&d->below, (size_t)x->e);
    } else {
        big_shl(&d->s, (size_t)-x->e);
    }
    d->above = d->below;
    big_shl(&d->above, lopsided);
    d->even = !(x->m[0] & 1);
    if (k > 0) {
        big_mul_pow10(&d->s, (size_t)k);
    } else {
        big_mul_pow10(&d->r, (size_t)-k);
        big_mul_pow10(&d->below, (size_t)-k);
        big_mul_pow10(&d->above, (size_t)-k);
    }
    for (;; k++) {
        sum = d->r;
        big_add(&sum, &d->above);
        if (!reaches(d, &sum))
            break;
        big_mul_add(&d->s, 10, 0);
    }
    d->point = k;
}

static void digits_make(struct digits *d, const struct num *x)
{
    digits_start(d, x);
    d->n = 0;
    for (;;) {
        struct big sum;
        unsigned digit = 0;
        int c;
        bool low, high;

        big_mul_add(&d->r, 10, 0);
        big_mul_add(&d->below, 10, 0);
        big_mul_add(&d->above, 10, 0);
        while (big_cmp(&d->r, &d->s) >= 0) {
            big_sub(&d->r, &d->s);
            digit++;
        }
        c = big_cmp(&d->r, &d->below);
        low = d->even ? c <= 0 : c < 0;
        sum = d->r;
        big_add(&sum, &d->above);
        high = reaches(d, &sum);
        if (low && high) {
            big_shl(&d->r, 1);
            digit += big_cmp(&d->r, &d->s) >= 0;
        } else if (high) {
            digit++;
        }
        assert(d->n < sizeof d->text);
        d->text[d->n++] = (char)('0' + digit);
        if (low || high)
            return;
    }
}

static struct str text_of_num(const struct num *x, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(16 << 10);
    struct digits d;

    if (x->zero)
        return STR("0");
    digits_make(&d, x);
    if (x->neg)
        buf_putc(&b, '-');
    if (d.point <= 0) {
        buf_puts(&b, "0.");
        for (int32_t i = d.point; i < 0; i++)
            buf_putc(&b, '0');
    }
    for (int32_t i = 0; i < (int32_t)d.n || i < d.point; i++) {
        if (i > 0 && i == d.point)
            buf_putc(&b, '.');
        buf_putc(&b, i < (int32_t)d.n ? d.text[i] : '0');
    }
    return arena_str(a, buf_str(&b));
}

/*
 * The door
 */

/* Whole numbers of up to 18 digits need none of the above. */
static bool is_small(struct str s, int64_t *ret)
{
    return s.len <= 18 && str_to_i64(s, 10, ret) && (s.len == 1 || s.p[0] != '+');
}

static struct str text_of_i64(int64_t v, struct arena *a)
{
    char buf[24];
    int n = snprintf(buf, sizeof buf, "%lld", (long long)v);

    return arena_str(a, str_n(buf, (size_t)n));
}

enum hcl_num_result hcl_num_parse(struct str text, struct arena *a, struct str *ret)
{
    enum hcl_num_result r;
    struct num x;
    int64_t v;

    if (is_small(text, &v)) {
        *ret = text_of_i64(v, a);
        return HCL_NUM_OK;
    }
    r = num_of_text(text, &x);
    if (r == HCL_NUM_OK)
        *ret = text_of_num(&x, a);
    return r;
}

static bool small_op(char op, int64_t x, int64_t y, int64_t *ret)
{
    switch (op) {
    case '+':
        return !__builtin_add_overflow(x, y, ret);
    case '-':
        return !__builtin_sub_overflow(x, y, ret);
    case '*':
        return !__builtin_mul_overflow(x, y, ret);
    case '/':
        if (y == 0 || x % y != 0)
            return false;
        *ret = x / y;
        return true;
    default:
        if (y == 0)
            return false;
        *ret = x % y;
        return true;
    }
}

static struct num num_op(char op, const struct num *x, struct num *y)
{
    switch (op) {
    case '-':
        y->neg = !y->neg;
        return add(x, y);
    case '+':
        return add(x, y);
    case '*':
        return mul(x, y);
    case '/':
        return divide(x, y);
    default:
        return modulo(x, y);
    }
}

enum hcl_num_result hcl_num_op(char op, struct str x, struct str y, struct arena *a,
                               struct str *ret)
{
    struct num nx, ny, r;
    int64_t ix, iy, v;

    if (is_small(x, &ix) && is_small(y, &iy) && small_op(op, ix, iy, &v)) {
        *ret = text_of_i64(v, a);
        return HCL_NUM_OK;
    }
    if (num_of_text(x, &nx) != HCL_NUM_OK || num_of_text(y, &ny) != HCL_NUM_OK)
        return HCL_NUM_BAD;
    if (ny.zero && op == '/' && !nx.zero) {
        *ret = nx.neg ? STR("-Inf") : STR("+Inf");
        return HCL_NUM_OK;
    }
    if (ny.zero && (op == '/' || op == '%'))
        return HCL_NUM_UNDEFINED;
    r = num_op(op, &nx, &ny);
    if (is_huge(&r))
        return HCL_NUM_HUGE;
    *ret = text_of_num(&r, a);
    return HCL_NUM_OK;
}

int hcl_num_cmp(struct str x, struct str y)
{
    struct num nx, ny;
    int64_t ix, iy;

    if (is_small(x, &ix) && is_small(y, &iy))
        return (ix > iy) - (ix < iy);
    if (num_of_text(x, &nx) != HCL_NUM_OK || num_of_text(y, &ny) != HCL_NUM_OK)
        return str_cmp(x, y);
    if (nx.neg != ny.neg)
        return nx.neg ? -1 : 1;
    return nx.neg ? cmp_magnitude(&ny, &nx) : cmp_magnitude(&nx, &ny);
}
