/*
 * bench_json -- reading and printing JSON, ours against jansson's, in one run
 *
 * bench_json [FILE]: of that text, else of one that looks like an evaluation's reply (1.8 KB).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "figure.h"
#include "jansson_side.h"
#include "lang/json.h"

enum { TEXT_MAX = 64 << 20, ROUND_NS = 300000000 };

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void sample(struct buf *b)
{
    struct json_out w;

    json_out_init(&w, b, NULL);
    json_obj(&w);
    json_kv_str(&w, "ID", "0a1b2c3d-aaaa-bbbb-cccc-1234567890ab");
    json_kv_str(&w, "Namespace", "default");
    json_key(&w, "TaskGroups");
    json_arr(&w);
    for (int i = 0; i < 6; i++) {
        json_obj(&w);
        json_kv_str(&w, "Name", "front");
        json_kv_i64(&w, "Count", i);
        json_kv_bool(&w, "Sticky", true);
        json_kv_null(&w, "Meta");
        json_kv_i64(&w, "KillTimeout", 5000000000);
        json_key(&w, "Env");
        json_obj(&w);
        json_kv_str(&w, "GREETING", "hello \"world\"");
        json_kv_str(&w, "DATABASE_URL", "postgres://app:secret@10.0.0.1:5432/app?sslmode=off");
        json_obj_end(&w);
        json_key(&w, "Args");
        json_arr(&w);
        json_str(&w, "-listen");
        json_str(&w, "0.0.0.0:8080");
        json_arr_end(&w);
        json_obj_end(&w);
    }
    json_arr_end(&w);
    json_kv_u64(&w, "ModifyIndex", 123456);
    json_obj_end(&w);
}

static void load(struct buf *b, const char *path)
{
    FILE *f = fopen(path, "rb");
    char block[65536];
    size_t n;

    if (!f) {
        perror(path);
        exit(1);
    }
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_put(b, block, n);
    fclose(f);
}

static struct arena *arena;
static struct buf out = BUF_INIT(TEXT_MAX * 2);

static struct json *read_ours(struct str text)
{
    struct err e = ERR_INIT;
    struct json *v;

    arena_reset(arena);
    if (json_parse(text, &json_limits_file, 0, arena, &v, &e) < 0) {
        fprintf(stderr, "bench_json: %s\n", e.msg);
        exit(1);
    }
    return v;
}

static void ours(struct str text)
{
    read_ours(text);
}

static void ours_print(struct str text)
{
    buf_reset(&out);
    json_print(&out, read_ours(text), NULL);
}

static void theirs(struct str text)
{
    jansson_read_print(text, false);
}

static void theirs_print(struct str text)
{
    jansson_read_print(text, true);
}

/* The best of five rounds, in ns. */
static double measure(void (*fn)(struct str), struct str text)
{
    double best = 1e300;

    for (int round = 0; round < 5; round++) {
        int64_t start = now_ns(), spent;
        int n = 0;

        do {
            fn(text);
            n++;
            spent = now_ns() - start;
        } while (spent < ROUND_NS / 5);
        if ((double)spent / n < best)
            best = (double)spent / n;
    }
    return best;
}

static void report(const char *what, double mine, double other, size_t bytes)
{
    char note[96];

    snprintf(note, sizeof note, "%zu bytes: ours %.0f ns, %.2f GB/s; jansson %.0f ns", bytes,
             mine, (double)bytes / mine, other);
    figure(what, other / mine, "times as fast as jansson", "", note);
}

int main(int argc, char **argv)
{
    struct buf text = BUF_INIT(TEXT_MAX);

    arena = arena_new(64 << 10);
    if (argc > 1)
        load(&text, argv[1]);
    else
        sample(&text);
    report("read", measure(ours, buf_str(&text)), measure(theirs, buf_str(&text)), text.len);
    report("read and print", measure(ours_print, buf_str(&text)),
           measure(theirs_print, buf_str(&text)), text.len);
    buf_done(&text);
    buf_done(&out);
    arena_free(arena);
    return 0;
}
