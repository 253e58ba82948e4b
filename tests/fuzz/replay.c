/* Replays a fuzz corpus and seeded mutations of it without libFuzzer, so that every decoder meets
 * hostile bytes under the ordinary sanitizer build too. Usage: fuzz_x CORPUS_DIR */
#include "base/buf.h"
#include "base/prng.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
    MUTANTS_PER_FILE = 400,
    FILE_BYTES_MAX = 1 << 20,
};

static void mutate(struct tc_buf *b, struct tc_prng *p) {
    for (uint64_t n = tc_prng_between(p, 1, 8); n > 0 && b->len > 0; n--) {
        size_t at = (size_t)tc_prng_below(p, b->len);
        switch (tc_prng_below(p, 3)) {
        case 0:
            b->data[at] ^= (uint8_t)(1u << tc_prng_below(p, 8));
            break;
        case 1:
            b->data[at] = (uint8_t)tc_prng_u64(p);
            break;
        default:
            b->len = at;
        }
    }
}

/* Exact-size heap copies let ASan see a read one byte past the end. */
static void run(const struct tc_buf *b) {
    uint8_t *copy = malloc(b->len ? b->len : 1);
    if (copy == NULL)
        abort();
    if (b->len)
        memcpy(copy, b->data, b->len);
    LLVMFuzzerTestOneInput(copy, b->len);
    free(copy);
}

static int replay(const char *path, struct tc_prng *p) {
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return 0;
    struct tc_buf seed = {0};
    seed.len = fread(tc_buf_reserve(&seed, FILE_BYTES_MAX), 1, FILE_BYTES_MAX, f);
    fclose(f);
    run(&seed);
    struct tc_buf mutant = {0};
    for (int i = 0; i < MUTANTS_PER_FILE; i++) {
        tc_buf_clear(&mutant);
        tc_buf_append(&mutant, seed.data, seed.len);
        mutate(&mutant, p);
        run(&mutant);
    }
    tc_buf_deinit(&mutant);
    tc_buf_deinit(&seed);
    return 1;
}

int main(int argc, char **argv) {
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (dir == NULL) {
        fprintf(stderr, "usage: %s CORPUS_DIR (a folder under tests/fuzz/corpus)\n", argv[0]);
        return 2;
    }
    struct tc_prng p = tc_prng(1);
    int files = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        if (e->d_name[0] != '.')
            files += replay(path, &p);
    }
    closedir(dir);
    printf("%d corpus files, %d inputs each\n", files, MUTANTS_PER_FILE + 1);
    return files > 0 ? 0 : 1;
}
