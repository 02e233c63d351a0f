/*
 * figure -- how a C program of bench tells a figure to bench/run
 *
 * target: "" or ">= N" or "<= N" in the same unit. note: how it was measured, or what it means.
 */
#ifndef BENCH_FIGURE_H
#define BENCH_FIGURE_H

#include <stdio.h>

static inline void figure(const char *name, double value, const char *unit, const char *target,
                          const char *note)
{
    printf("FIGURE|%s|%.4g|%s|%s|%s\n", name, value, unit, target, note);
    fflush(stdout);
}

#endif
