/*
 * replay_main -- a fuzz target as an ordinary test: every file of the folders or files given as
 * arguments is one input. A folder without inputs is an error, for a corpus must be committed.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
/* A target may set itself up once, as under libFuzzer. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { INPUT_MAX = 16 << 20 };

static void die(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(1);
}

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MAX);
    size_t len;

    if (!f || !data)
        die(path, strerror(errno));
    len = fread(data, 1, INPUT_MAX, f);
    if (ferror(f))
        die(path, "cannot be read");
    fclose(f);

    /* An exact copy, so that a sanitizer sees a read past the end. */
    uint8_t *exact = malloc(len ? len : 1);
    if (!exact)
        die(path, "out of memory");
    memcpy(exact, data, len);
    free(data);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return 1;
}

static int replay_folder(const char *path)
{
    struct dirent **names;
    char file[PATH_MAX];
    int done = 0, n;

    n = scandir(path, &names, NULL, alphasort);
    if (n < 0)
        die(path, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
            done += replay_file(file);
        }
        free(names[i]);
    }
    free(names);
    if (done == 0)
        die(path, "no inputs in this corpus");
    return done;
}

int main(int argc, char **argv)
{
    int done = 0;

    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st) < 0)
            die(argv[i], strerror(errno));
        done += S_ISDIR(st.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]);
    }
    printf("%d inputs replayed\n", done);
    return done > 0 ? 0 : 1;
}
