/* The owner appends, reads and trims while another thread writes batches and prepares segments:
 * for ThreadSanitizer, and on a real file system. */
#include "base/crc32c.h"
#include "engine/wal/wal.h"
#include "env/posix/posix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#define OK(expr) assert_int_equal((expr), TC_OK)

enum {
    RECORDS = 1500,
};

/* One slot each way; the lock hands everything over. */
struct io_thread {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct wal_batch *batch;     /* to be written */
    struct wal_prepare *prepare; /* to be run */
    bool batch_done;
    bool prepare_done;
    bool stop;
    tc_err err;
};

static void *io_main(void *user) {
    struct io_thread *io = user;
    pthread_mutex_lock(&io->lock);
    for (;;) {
        bool work_batch = io->batch && !io->batch_done;
        bool work_prepare = io->prepare && !io->prepare_done;
        if (!work_batch && !work_prepare) {
            if (io->stop)
                break;
            pthread_cond_wait(&io->changed, &io->lock);
            continue;
        }
        pthread_mutex_unlock(&io->lock);
        if (work_prepare)
            wal_prepare_run(io->prepare);
        tc_err err = work_batch ? wal_batch_write(io->batch) : TC_OK;
        pthread_mutex_lock(&io->lock);
        io->err = work_batch ? err : io->err;
        io->batch_done |= work_batch;
        io->prepare_done |= work_prepare;
        pthread_cond_broadcast(&io->changed);
    }
    pthread_mutex_unlock(&io->lock);
    return NULL;
}

/* Take back what is done, hand out what is due; wait for the batch when told to. */
static void exchange(struct io_thread *io, struct wal *w, bool wait) {
    pthread_mutex_lock(&io->lock);
    while (wait && io->batch && !io->batch_done)
        pthread_cond_wait(&io->changed, &io->lock);
    if (io->prepare_done) {
        TC_IGNORE(wal_prepare_done(w, io->prepare));
        io->prepare = NULL;
        io->prepare_done = false;
    }
    if (io->batch_done) {
        uint64_t lsn = 0;
        OK(wal_batch_done(w, io->batch, io->err, &lsn));
        io->batch = NULL;
        io->batch_done = false;
    }
    if (io->batch == NULL)
        io->batch = wal_batch_take(w);
    if (io->prepare == NULL)
        io->prepare = wal_prepare_take(w);
    pthread_cond_broadcast(&io->changed);
    pthread_mutex_unlock(&io->lock);
}

static void append(struct io_thread *io, struct wal *w, uint64_t idx) {
    struct tc_blob *body = tc_blob_new(700);
    memset(body->data, (int)(idx % 251), body->len);
    struct wal_record rec = {.gid = idx % 3 + 1,
                             .idx = idx / 3 + 1,
                             .type = 1,
                             .body_crc = tc_crc32c(0, body->data, 700)};
    uint64_t lsn = 0;
    tc_err err;
    while ((err = wal_append(w, &rec, body, /* urgent= */ false, &lsn)) == TC_EBUSY ||
           err == TC_EFULL)
        exchange(io, w, /* wait= */ true);
    OK(err);
    tc_blob_unref(body);
}

static void read_back(struct wal *w, uint64_t idx) {
    struct tc_blob *body = NULL;
    OK(wal_read(w, idx % 3 + 1, idx / 3 + 1, &body));
    assert_true(body->len == 700 && body->data[699] == idx % 251);
    tc_blob_unref(body);
}

static void use(struct io_thread *io, struct wal *w) {
    for (uint64_t i = 0; i < RECORDS; i++) {
        append(io, w, i);
        if (i % 7 == 0)
            exchange(io, w, /* wait= */ false);
        read_back(w, i > 300 ? i - 300 : i);
        if (i % 3 == 0 && i > 600)
            for (uint64_t gid = 1; gid <= 3; gid++)
                wal_trim(w, gid, (i - 600) / 3);
    }
    for (int i = 0; i < 3; i++)
        exchange(io, w, /* wait= */ true);
}

static void io_stop(struct io_thread *io, struct wal *w) {
    pthread_mutex_lock(&io->lock);
    io->stop = true;
    pthread_cond_broadcast(&io->changed);
    pthread_mutex_unlock(&io->lock);
    pthread_join(io->thread, NULL);
    if (io->prepare)
        TC_IGNORE(wal_prepare_done(w, io->prepare));
    assert_null(io->batch);
}

static void remove_files(struct tc_fs *fs, const char *dir) {
    char path[256];
    for (unsigned i = 0; i < 16; i++) {
        snprintf(path, sizeof path, "%s/seg-%04u", dir, i);
        TC_IGNORE(tc_fs_unlink(fs, path));
    }
    snprintf(path, sizeof path, "%s/mark", dir);
    OK(tc_fs_unlink(fs, path));
    assert_int_equal(rmdir(dir), 0);
}

static void test_two_threads(void **state) {
    (void)state;
    struct posix_fs p;
    posix_fs_init(&p);
    char dir[] = "./tercet-wal-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct wal_options o = wal_options_default();
    o.segment_bytes = 256 * 1024;
    o.max_bytes = 16 * 256 * 1024;
    o.queue_max_bytes = 64 * 1024;
    o.cache_max_bytes = 64 * 1024;
    struct wal *w = NULL;
    OK(wal_open(&p.fs, dir, &o, &w));
    struct io_thread io = {.batch = NULL};
    pthread_mutex_init(&io.lock, NULL);
    pthread_cond_init(&io.changed, NULL);
    assert_int_equal(pthread_create(&io.thread, NULL, io_main, &io), 0);
    use(&io, w);
    io_stop(&io, w);
    assert_int_equal(wal_durable_lsn(w), RECORDS);
    wal_close(w);
    OK(wal_open(&p.fs, dir, &o, &w));
    assert_int_equal(wal_report(w)->durable_lsn, RECORDS);
    assert_true(wal_space(w).used_bytes < o.max_bytes / 2);
    for (uint64_t i = RECORDS - 300; i < RECORDS; i++)
        read_back(w, i);
    wal_close(w);
    remove_files(&p.fs, dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
