/*
 * bench_timing -- does the time of what touches secrets depend on the secrets?
 *
 * bench_timing [SECONDS]: that long for each of them.
 *
 * After dudect (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?"): each
 * measurement takes, by a coin's toss, a fixed input or a random one; Welch's t-test compares
 * the two groups of times. |t| above 10 means that they differ. Times above a percentile are
 * cut off (interrupts), for several percentiles, and the largest |t| counts. A deliberately
 * leaky comparison is measured too: a run that does not find it proves nothing.
 *
 * Exit status: 0 no difference found, 1 found one, 2 the machine is too noisy to tell.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/crypto.h"
#include "crypto/shamir.h"
#include "figure.h"

enum { LEN = 256, BATCH = 4000, CUTS = 6, SHARES = 3, WARM_UP = 200 };

static const double t_limit = 10;

/* Running mean and variance (Welford). */
struct stat_of {
    double n, mean, m2;
};

static void stat_add(struct stat_of *s, double x)
{
    double d = x - s->mean;

    s->n += 1;
    s->mean += d / s->n;
    s->m2 += d * (x - s->mean);
}

static double welch_t(const struct stat_of *a, const struct stat_of *b)
{
    double va, vb;

    if (a->n < 100 || b->n < 100)
        return 0;
    va = a->m2 / (a->n - 1) / a->n;
    vb = b->m2 / (b->n - 1) / b->n;
    return va + vb > 0 ? fabs(a->mean - b->mean) / sqrt(va + vb) : 0;
}

/* What is measured: prepare an input of the class (0 fixed, 1 random), then do the work. */
struct subject {
    const char *name;
    void (*prepare)(int class);
    void (*work)(void);
};

static struct secret input[SHARES], result, reference;
static volatile int sink;

/* Both classes cost the same to prepare: what went through the caches last is the same. */
static void fill(struct secret *s, const uint8_t *fixed, size_t len, int class)
{
    uint8_t mask = (uint8_t)(0 - class), random[LEN];

    random_bytes(random, len);
    for (size_t i = 0; i < len; i++)
        s->p[i] = (uint8_t)((random[i] & mask) | (fixed[i] & ~mask));
}

static void prepare_combine(int class)
{
    static const uint8_t zeros[LEN];

    for (size_t i = 0; i < SHARES; i++)
        fill(&input[i], zeros, LEN - 1, class);
}

static void work_combine(void)
{
    if (shamir_combine(input, SHARES, &result, NULL) < 0)
        abort();
    secret_done(&result);
}

/* Fixed: the same bytes as the reference; random: other ones, which differ early. */
static void prepare_eq(int class)
{
    fill(&input[0], reference.p, LEN, class);
}

static void work_secret_eq(void)
{
    for (int i = 0; i < 16; i++)
        sink += secret_eq(&input[0], &reference);
}

static void work_crypto_eq(void)
{
    for (int i = 0; i < 16; i++)
        sink += crypto_eq(input[0].p, reference.p, LEN);
}

static void work_leaky(void)
{
    for (int i = 0; i < 16; i++)
        sink += memcmp(input[0].p, reference.p, LEN) == 0;
}

static int cmp_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double times[BATCH];
static int classes[BATCH];

static void measure_batch(const struct subject *s)
{
    for (size_t i = 0; i < BATCH; i++) {
        int64_t start;

        classes[i] = (int)random_below(2);
        s->prepare(classes[i]);
        start = clock_mono_ns();
        s->work();
        times[i] = (double)(clock_mono_ns() - start);
    }
}

/* The largest |t| over all cuts after `seconds`. */
static double measure(const struct subject *s, double seconds)
{
    struct stat_of stats[CUTS][2] = {{{0}}};
    int64_t end = clock_mono_ns() + (int64_t)(seconds * 1e9);
    double limits[CUTS] = {0}, worst = 0;

    for (int i = 0; i < WARM_UP; i++) {
        s->prepare(i & 1);
        s->work();
    }
    do {
        measure_batch(s);
        if (limits[0] == 0) { /* the first batch says where to cut and is not counted */
            qsort(times, BATCH, sizeof *times, cmp_double);
            for (size_t c = 0; c < CUTS; c++)
                limits[c] = times[(size_t)(BATCH * (1 - pow(0.5, (double)(c + 1) * 1.2))) - 1];
            continue;
        }
        for (size_t i = 0; i < BATCH; i++)
            for (size_t c = 0; c < CUTS; c++)
                if (times[i] <= limits[c])
                    stat_add(&stats[c][classes[i]], times[i]);
    } while (clock_mono_ns() < end);
    for (size_t c = 0; c < CUTS; c++)
        worst = fmax(worst, welch_t(&stats[c][0], &stats[c][1]));
    return worst;
}

static void set_up(void)
{
    for (size_t i = 0; i < SHARES; i++) {
        if (secret_alloc(LEN, &input[i], NULL) < 0)
            abort();
        input[i].p[LEN - 1] = (uint8_t)(i + 1); /* a share's point */
    }
    if (secret_random(LEN, &reference, NULL) < 0)
        abort();
}

int main(int argc, char **argv)
{
    static const struct subject leaky = {"memcmp", prepare_eq, work_leaky};
    static const struct subject subjects[] = {
        {"shamir_combine", prepare_combine, work_combine},
        {"secret_eq", prepare_eq, work_secret_eq},
        {"crypto_eq", prepare_eq, work_crypto_eq},
    };
    double seconds = 2, t;
    int status = 0;

    if (argc > 1 && (!str_to_double(str_of(argv[1]), &seconds) || seconds <= 0)) {
        fprintf(stderr, "usage: %s [SECONDS]\n", argv[0]);
        return 2;
    }
    set_up();
    t = measure(&leaky, seconds);
    figure(leaky.name, t, "t", ">= 10", "leaks: must be found, or the machine is too noisy");
    if (t <= t_limit)
        status = 2;
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        t = measure(&subjects[i], seconds);
        figure(subjects[i].name, t, "t", "<= 10", "Welch's t of a fixed and random inputs");
        if (t > t_limit)
            status = 1;
    }
    if (status == 2)
        fprintf(stderr, "the machine is too noisy: give it more seconds\n");
    return status;
}
