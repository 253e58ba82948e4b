#include "core/disk/disk.h"

#include "base/assert.h"

#include <string.h>

enum {
    PERMILLE = 1000,
    RECORD_VERSION = 1,
};

#define S_NS UINT64_C(1000000000)

struct disk_options disk_options_default(void) {
    return (struct disk_options){
        .no_replicas_permille = 850,
        .no_leaders_permille = 900,
        .no_writes_permille = 950,
        .ample_bytes = UINT64_C(16) << 30,
        .slow_write_ns = S_NS / 5,
        .slow_window_ns = 10 * S_NS,
        .slow_drain_ns = 600 * S_NS,
    };
}

bool disk_options_sound(const struct disk_options *o) {
    return o->no_replicas_permille > DISK_HYSTERESIS_PERMILLE &&
           o->no_replicas_permille <= o->no_leaders_permille &&
           o->no_leaders_permille <= o->no_writes_permille && o->no_writes_permille <= PERMILLE &&
           o->slow_write_ns > 0 && o->slow_window_ns > o->slow_write_ns;
}

void disk_init(struct disk *d, const struct disk_options *options) {
    TC_ASSERT(disk_options_sound(options));
    *d = (struct disk){.options = *options};
}

/* ---- space */

static uint64_t limit_of(const struct disk *d, enum disk_fill fill) {
    switch (fill) {
    case DISK_ROOMY:
        return 0;
    case DISK_NO_REPLICAS:
        return d->options.no_replicas_permille;
    case DISK_NO_LEADERS:
        return d->options.no_leaders_permille;
    case DISK_NO_WRITES:
        break;
    }
    return d->options.no_writes_permille;
}

void disk_space(struct disk *d, uint64_t total_bytes, uint64_t free_bytes) {
    if (total_bytes == 0)
        return;
    uint64_t used = free_bytes < total_bytes ? total_bytes - free_bytes : 0;
    /* Divided first: a size in bytes times a thousand may not fit. */
    uint64_t unit = total_bytes / PERMILLE;
    d->used_permille = unit ? used / unit : PERMILLE;
    if (d->used_permille > PERMILLE)
        d->used_permille = PERMILLE;
    if (free_bytes >= d->options.ample_bytes) {
        d->fill = DISK_ROOMY;
        return;
    }
    while (d->fill < DISK_NO_WRITES && d->used_permille >= limit_of(d, d->fill + 1))
        d->fill++;
    while (d->fill > DISK_ROOMY &&
           d->used_permille + DISK_HYSTERESIS_PERMILLE < limit_of(d, d->fill))
        d->fill--;
}

/* ---- time */

/* The write that is out counts once it is slow, and then from its begin. */
static void count(struct disk *d, uint64_t now_ns) {
    if (d->write_ns == 0 || now_ns < d->write_ns + d->options.slow_write_ns)
        return;
    uint64_t from = d->counted_ns > d->window_ns ? d->counted_ns : d->window_ns;
    if (now_ns > from)
        d->slow_ns += now_ns - from;
    d->counted_ns = now_ns;
}

static void judge(struct disk *d, uint64_t now_ns) {
    uint64_t window = now_ns - d->window_ns;
    if (!d->slow && d->slow_ns >= window / 2) {
        d->slow = true;
        d->slow_since_ns = now_ns;
    } else if (d->slow && d->slow_ns < window / 10) {
        d->slow = false;
    }
    d->window_ns = now_ns;
    d->slow_ns = 0;
}

void disk_tick(struct disk *d, uint64_t now_ns) {
    if (d->window_ns == 0)
        d->window_ns = now_ns;
    count(d, now_ns);
    if (now_ns >= d->window_ns + d->options.slow_window_ns)
        judge(d, now_ns);
}

void disk_write_began(struct disk *d, uint64_t now_ns) {
    TC_ASSERT(d->write_ns == 0);
    if (d->window_ns == 0)
        d->window_ns = now_ns;
    d->write_ns = d->counted_ns = now_ns;
}

void disk_write_ended(struct disk *d, uint64_t now_ns) {
    TC_ASSERT(d->write_ns != 0);
    count(d, now_ns);
    d->write_ns = 0;
}

uint64_t disk_outstanding_ns(const struct disk *d, uint64_t now_ns) {
    return d->write_ns != 0 && now_ns > d->write_ns ? now_ns - d->write_ns : 0;
}

/* ---- errors */

void disk_error(struct disk *d, uint64_t wall_ns) {
    size_t at = 0;
    while (at < d->error_count && d->errors[at] < wall_ns)
        at++;
    if (at < d->error_count && d->errors[at] == wall_ns)
        return;
    if (d->error_count == DISK_ERRORS_MAX) {
        if (at == 0)
            return;
        memmove(d->errors, d->errors + 1, (DISK_ERRORS_MAX - 1) * sizeof d->errors[0]);
        d->error_count--;
        at--;
    }
    memmove(d->errors + at + 1, d->errors + at, (d->error_count - at) * sizeof d->errors[0]);
    d->errors[at] = wall_ns;
    d->error_count++;
}

size_t disk_errors(const struct disk *d, uint64_t wall_ns) {
    size_t n = 0;
    for (size_t i = 0; i < d->error_count; i++)
        /* An error of the future was noted before the clock was set back: it counts. */
        n += d->errors[i] > wall_ns || wall_ns - d->errors[i] < DISK_ERROR_NS;
    return n;
}

size_t disk_record_encode(const struct disk *d, uint8_t to[DISK_RECORD_BYTES_MAX]) {
    size_t at = 0;
    to[at++] = RECORD_VERSION;
    to[at++] = (uint8_t)d->error_count;
    for (size_t i = 0; i < d->error_count; i++)
        for (unsigned k = 0; k < 8; k++)
            to[at++] = (uint8_t)(d->errors[i] >> (8 * k));
    return at;
}

tc_err disk_record_decode(struct disk *d, struct tc_slice record) {
    if (record.len < 2 || record.data[0] != RECORD_VERSION || record.data[1] > DISK_ERRORS_MAX ||
        record.len != 2 + 8 * (size_t)record.data[1])
        return TC_ECORRUPT;
    for (size_t i = 0; i < record.data[1]; i++) {
        uint64_t wall_ns = 0;
        for (unsigned k = 0; k < 8; k++)
            wall_ns |= (uint64_t)record.data[2 + 8 * i + k] << (8 * k);
        disk_error(d, wall_ns);
    }
    return TC_OK;
}

/* ---- verdict */

const char *disk_drain(const struct disk *d, uint64_t now_ns, uint64_t wall_ns) {
    if (disk_errors(d, wall_ns) >= DISK_ERRORS_DRAIN)
        return "the disk failed writes more than once within a day";
    if (d->slow && now_ns >= d->slow_since_ns + d->options.slow_drain_ns)
        return "the disk has been slow for too long";
    return NULL;
}

bool disk_takes_replicas(const struct disk *d, uint64_t now_ns, uint64_t wall_ns) {
    return d->fill < DISK_NO_REPLICAS && !d->slow && disk_drain(d, now_ns, wall_ns) == NULL;
}

bool disk_may_lead(const struct disk *d, uint64_t now_ns, uint64_t wall_ns) {
    return d->fill < DISK_NO_LEADERS && !d->slow && disk_drain(d, now_ns, wall_ns) == NULL;
}

bool disk_takes_writes(const struct disk *d) {
    return d->fill < DISK_NO_WRITES;
}

const char *disk_fill_name(enum disk_fill fill) {
    static const char *const names[] = {"room", "no new replicas", "no leaders", "no writes"};
    return names[fill];
}

bool disk_check(const struct disk *d) {
    for (size_t i = 1; i < d->error_count; i++)
        if (d->errors[i - 1] >= d->errors[i])
            return false;
    return d->error_count <= DISK_ERRORS_MAX && d->fill <= DISK_NO_WRITES &&
           d->used_permille <= PERMILLE;
}
