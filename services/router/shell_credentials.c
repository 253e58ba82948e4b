#include "shell_credentials.h"

#include <stdio.h>
#include <sys/stat.h>

enum {
    FILE_BYTES_MAX = 1024 * 1024
};

static tc_err read_file(const char *path, struct tc_buf *out) {
    struct stat st;
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return TC_ENOTFOUND;
    tc_err err = TC_OK;
    if (fstat(fileno(f), &st) != 0 || (st.st_mode & 077) != 0)
        err = TC_EAUTH;
    if (err == TC_OK)
        out->len = fread(tc_buf_reserve(out, FILE_BYTES_MAX), 1, FILE_BYTES_MAX, f);
    fclose(f);
    return err;
}

static tc_err add(struct credentials *c, struct tc_slice entry) {
    const uint8_t *colon = entry.len ? memchr(entry.data, ':', entry.len) : NULL;
    if (entry.len == 0)
        return TC_OK;
    if (colon == NULL || colon == entry.data || c->count == API_CREDENTIALS_MAX)
        return TC_EINVAL;
    size_t at = (size_t)(colon - entry.data);
    if (at + 1 == entry.len)
        return TC_EINVAL;
    c->list[c->count++] =
        (struct api_credential){tc_slice(entry.data, at), tc_slice_from(entry, at + 1)};
    return TC_OK;
}

tc_err credentials_load(struct credentials *c, const char *text, const char *file) {
    *c = (struct credentials){0};
    if (file[0])
        TC_TRY(read_file(file, &c->text));
    else
        tc_buf_append_str(&c->text, text);
    struct tc_slice rest = tc_buf_slice(&c->text);
    while (rest.len > 0) {
        size_t len = 0;
        while (len < rest.len && rest.data[len] != ',' && rest.data[len] != '\n')
            len++;
        TC_TRY(add(c, tc_slice(rest.data, len)));
        rest = tc_slice_from(rest, len < rest.len ? len + 1 : len);
    }
    return c->count > 0 ? TC_OK : TC_EINVAL;
}

void credentials_deinit(struct credentials *c) {
    tc_buf_deinit(&c->text);
    c->count = 0;
}
