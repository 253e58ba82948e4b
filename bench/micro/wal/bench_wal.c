/* Durable commits per second of the log, beside raw O_DSYNC writes of the same size in the same
 * run.
 *
 * Usage: micro_wal [DIR] [SECONDS_PER_ROW]. Prints only; what else runs on the machine decides much
 * (MEASURED.md 0), so compare within one run. */
#include "base/crc32c.h"
#include "engine/wal/format.h"
#include "env/posix/posix.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum {
    BODY = 1024,
    SEGMENT = 16 << 20,
};

struct cost {
    uint64_t wall_ns;
    uint64_t cpu_ns;
};

static struct cost now(struct posix_clock *clock) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    uint64_t us = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000u +
                  (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    return (struct cost){.wall_ns = tc_clock_mono_ns(&clock->clock), .cpu_ns = us * 1000};
}

static void print_row(const char *name, unsigned batch, uint64_t commits, struct cost a,
                      struct cost b) {
    double seconds = (double)(b.wall_ns - a.wall_ns) / 1e9;
    double cpu_us = (double)(b.cpu_ns - a.cpu_ns) / 1e3;
    double n = (double)commits;
    printf("%-10s batch %3u  %9.0f commits/s  %10.0f records/s  %7.1f us/commit  %6.1f us CPU\n",
           name, batch, n / seconds, n * batch / seconds, seconds * 1e6 / n, cpu_us / n);
}

static int run_wal(struct wal *w, struct posix_clock *clock, unsigned batch, uint64_t for_ns,
                   uint64_t *idx) {
    struct tc_blob *body = tc_blob_new(BODY);
    memset(body->data, 'x', BODY);
    uint32_t crc = tc_crc32c(0, body->data, BODY);
    struct cost start = now(clock);
    struct cost end = start;
    uint64_t commits = 0;
    tc_err err = TC_OK;
    while (err == TC_OK && end.wall_ns - start.wall_ns < for_ns) {
        for (unsigned i = 0; i < batch && err == TC_OK; i++) {
            struct wal_record rec = {.gid = 1, .idx = ++*idx, .type = 1, .body_crc = crc};
            uint64_t lsn = 0;
            err = wal_append(w, &rec, body, /* urgent= */ false, &lsn);
        }
        if (err == TC_OK)
            err = wal_flush(w);
        wal_trim(w, 1, *idx);
        commits++;
        end.wall_ns = tc_clock_mono_ns(&clock->clock);
    }
    tc_blob_unref(body);
    if (err != TC_OK) {
        printf("wal: %s\n", tc_err_text(err));
        return 1;
    }
    print_row("wal", batch, commits, start, now(clock));
    return 0;
}

static int run_raw(struct tc_fs *fs, const char *path, struct posix_clock *clock, unsigned batch,
                   uint64_t for_ns) {
    size_t bytes = (size_t)wal__batch_bytes(batch, (uint64_t)batch * (BODY + WAL_HEADER_BYTES));
    void *memory = NULL;
    struct tc_file *f = NULL;
    if (posix_memalign(&memory, TC_FS_BLOCK_BYTES, bytes) != 0)
        return 1;
    memset(memory, 'x', bytes);
    tc_err err = tc_fs_open(fs, path, TC_FS_CREATE | TC_FS_DIRECT | TC_FS_DSYNC, &f);
    if (err == TC_OK)
        err = tc_file_prewrite(f, SEGMENT);
    struct cost start = now(clock);
    struct cost end = start;
    uint64_t commits = 0;
    uint64_t at = 0;
    while (err == TC_OK && end.wall_ns - start.wall_ns < for_ns) {
        err = tc_file_write_at(f, at, memory, bytes);
        at = at + 2 * bytes > SEGMENT ? 0 : at + bytes;
        commits++;
        end.wall_ns = tc_clock_mono_ns(&clock->clock);
    }
    tc_file_close(f);
    free(memory);
    if (err != TC_OK) {
        printf("raw: %s\n", tc_err_text(err));
        return 1;
    }
    print_row("raw write", batch, commits, start, now(clock));
    return 0;
}

struct cleaning {
    struct tc_fs *fs;
    const char *dir;
};

static void remove_one(void *user, const char *name) {
    const struct cleaning *c = user;
    char path[800];
    snprintf(path, sizeof path, "%s/%s", c->dir, name);
    TC_IGNORE(tc_fs_unlink(c->fs, path));
}

/* What cannot be removed is only a file in a temporary folder. */
static void clean(struct tc_fs *fs, const char *dir) {
    struct cleaning c = {.fs = fs, .dir = dir};
    TC_IGNORE(tc_fs_list(fs, dir, remove_one, &c));
    TC_IGNORE(tc_fs_unlink(fs, dir));
}

int main(int argc, char **argv) {
    const char *parent = argc > 1 ? argv[1] : ".";
    uint64_t for_ns = (argc > 2 ? strtoull(argv[2], NULL, 10) : 2) * 1000000000u;
    char dir[512];
    char raw[600];
    snprintf(dir, sizeof dir, "%s/bench-wal-XXXXXX", parent);
    if (mkdtemp(dir) == NULL)
        return 1;
    snprintf(raw, sizeof raw, "%s/raw", dir);
    struct posix_fs p;
    struct posix_clock clock;
    posix_fs_init(&p);
    posix_clock_init(&clock);
    struct wal_options o = wal_options_default();
    o.segment_bytes = SEGMENT;
    o.max_bytes = 4 * SEGMENT;
    struct wal *w = NULL;
    if (wal_open(&p.fs, dir, &o, &w) != TC_OK)
        return 1;
    uint64_t idx = 0;
    int failed = 0;
    static const unsigned BATCHES[] = {1, 16, 64};
    for (size_t i = 0; i < 3 && !failed; i++)
        failed = run_raw(&p.fs, raw, &clock, BATCHES[i], for_ns) ||
                 run_wal(w, &clock, BATCHES[i], for_ns, &idx);
    wal_close(w);
    clean(&p.fs, dir);
    return failed;
}
