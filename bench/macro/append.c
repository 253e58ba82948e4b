/* The floor for a durable write: 4 KiB appends, each synced, into prewritten space with
 * O_DIRECT|O_DSYNC. Prints one JSON line. Usage: bench_append FILE SECONDS */
#include "base/assert.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCK = 4096,
    BLOCKS = 4096,
    SAMPLES_MAX = 1 << 22
};

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: bench_append FILE SECONDS\n");
        return 2;
    }
    uint8_t *block = aligned_alloc(BLOCK, BLOCK);
    uint32_t *samples = calloc(SAMPLES_MAX, sizeof *samples);
    TC_ASSERT(block != NULL && samples != NULL);
    memset(block, 'x', BLOCK);
    int fd = open(argv[1], O_CREAT | O_RDWR | O_CLOEXEC, 0644);
    for (int i = 0; fd >= 0 && i < BLOCKS; i++)
        if (pwrite(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK)
            return 1;
    if (fd < 0 || fsync(fd) != 0 || close(fd) != 0)
        return 1;
    fd = open(argv[1], O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
    if (fd < 0)
        fd = open(argv[1], O_RDWR | O_DSYNC | O_CLOEXEC); /* a file system without O_DIRECT */
    uint64_t started = now_ns(), end = started + strtoull(argv[2], NULL, 10) * 1000000000u;
    size_t n = 0;
    for (uint64_t t = started; t < end && n < SAMPLES_MAX;) {
        if (pwrite(fd, block, BLOCK, (off_t)(n % BLOCKS) * BLOCK) != BLOCK)
            return 1;
        uint64_t done = now_ns();
        samples[n++] = (uint32_t)((done - t) / 1000);
        t = done;
    }
    double seconds = (double)(now_ns() - started) / 1e9;
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
                 (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    qsort(samples, n, sizeof *samples, by_value);
    printf("{\"op\":\"append\",\"seconds\":%.2f,\"requests\":%zu,\"rate\":%.0f,\"p50_us\":%u,\"p99_"
           "us\":%u,"
           "\"cpu_us_per_op\":%.2f}\n",
           seconds, n, (double)n / seconds, samples[n / 2], samples[n * 99 / 100], cpu / (double)n);
    close(fd);
    unlink(argv[1]);
    return 0;
}
