#include "engine/store/identity.h"

#include "base/reader.h"
#include "engine/store/file.h"
#include "env/fs.h"

enum {
    STORE_FILE_VERSION = 1,
};

#define STORE_FILE "store"

static tc_err save_identity(struct store *s) {
    struct tc_buf b = {0};
    tc_buf_append_u8(&b, STORE_FILE_VERSION);
    tc_buf_append(&b, s->uuid, sizeof s->uuid);
    tc_buf_append_u64(&b, s->boot);
    tc_err err = store__file_save(s->env.fs, s->dir, STORE_FILE, tc_buf_slice(&b));
    tc_buf_deinit(&b);
    return err;
}

static tc_err decode_identity(struct store *s, struct tc_slice content) {
    struct tc_reader r = tc_reader(content);
    uint8_t version = tc_reader_u8(&r);
    struct tc_slice uuid = tc_reader_bytes(&r, STORE_UUID_BYTES);
    s->boot = tc_reader_u64(&r);
    if (!tc_reader_at_end(&r) || version != STORE_FILE_VERSION)
        return TC_ECORRUPT;
    memcpy(s->uuid, uuid.data, sizeof s->uuid);
    return TC_OK;
}

static void count_name(void *user, const char *name) {
    (void)name;
    (*(size_t *)user)++;
}

/* A new uuid is made for a directory without a log only: a log whose store file is gone belongs to
 * a store that nobody can vouch for any more. */
static tc_err format(struct store *s, const char *wal_dir) {
    tc_err err = tc_fs_mkdir(s->env.fs, wal_dir);
    if (err == TC_EEXISTS) {
        size_t names = 0;
        TC_TRY(tc_fs_list(s->env.fs, wal_dir, count_name, &names));
        err = names > 0 ? TC_ECORRUPT : TC_OK;
    }
    TC_TRY(err);
    store__random_id(s, s->uuid);
    return tc_fs_sync_dir(s->env.fs, s->dir);
}

tc_err store__identity_load(struct store *s, const char *wal_dir) {
    struct tc_buf content = {0};
    tc_err err = store__file_load(s->env.fs, s->dir, STORE_FILE, &content);
    if (err == TC_OK)
        err = decode_identity(s, tc_buf_slice(&content));
    else if (err == TC_ENOTFOUND)
        err = format(s, wal_dir);
    tc_buf_deinit(&content);
    TC_TRY(err);
    s->boot++;
    s->opened_ns = store__now_ns(s);
    return save_identity(s);
}
