#include "golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GOLDEN_BYTES_MAX = 4 << 20,
};

static void path_of(const char *name, char *to, size_t cap) {
    int n = snprintf(to, cap, "%s/tests/compat/formats/%s", TC_SOURCE_DIR, name);
    assert_true(n > 0 && (size_t)n < cap);
}

bool golden_writing(void) {
    const char *mode = getenv("TERCET_GOLDEN");
    return mode && strcmp(mode, "write") == 0;
}

void golden_read(const char *name, struct tc_buf *out) {
    char path[512];
    path_of(name, path, sizeof path);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("no golden file %s", path);
    uint8_t *at = tc_buf_extend(out, GOLDEN_BYTES_MAX);
    size_t len = fread(at, 1, GOLDEN_BYTES_MAX, f);
    out->len -= GOLDEN_BYTES_MAX - len;
    fclose(f);
}

bool golden_make(const char *name, struct tc_slice bytes) {
    char path[512];
    if (!golden_writing())
        return false;
    path_of(name, path, sizeof path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, f), bytes.len);
    assert_int_equal(fclose(f), 0);
    return true;
}

void golden_same(const char *name, struct tc_slice bytes) {
    struct tc_buf file = {0};
    (void)golden_make(name, bytes);
    golden_read(name, &file);
    if (file.len != bytes.len || memcmp(file.data, bytes.data, bytes.len) != 0)
        fail_msg("%s: %zu bytes are written now, %zu stand in the file, and they differ", name,
                 bytes.len, file.len);
    tc_buf_deinit(&file);
}

int main(void) {
    return core_formats() + archive_formats() + store_formats() + index_formats();
}
