#include "sim/suite/tool/probes.h"

#include "base/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PROBES_MAX = 512,
};

struct record {
    uint64_t count;
    char name[96];
};

static struct record sums[PROBES_MAX];
static size_t sum_count;

/* What a few hundred seeds reach; one that none of them meets is a hole in the workload. */
static const char *const demanded[] = {
    "index: rows reached an index twice",
    "index: a row arrived after a newer one",
    "index: an answer waited for what made its rows old",
    "index: rows were refused and will leave again",
    "index: a term or a schema ended while rows were on their way",
    "index: a write changed an outbox row while its rows were on their way",
    "index: an outbox row names an index that is no more",
    "index: a leader found rows that are owed since another one",
    "index: the outbox waited for the mark of a backfill",
    "index: a backfill goes on where another leader or group stopped",
    "index: a start found rows that are owed in its checkpoint",
    "index: a child of a split has rows that are owed",
};

static void write_one(void *user, const struct tc_probe *p) {
    const int *fd = user;
    struct record r = {.count = p->count};
    snprintf(r.name, sizeof r.name, "%s", p->name);
    if (write(*fd, &r, sizeof r) != (ssize_t)sizeof r)
        _exit(1);
}

void probes_write(int fd) {
    tc_probe_each(write_one, &fd);
}

static void add(const char *name, uint64_t count) {
    size_t at = 0;
    while (at < sum_count && strcmp(sums[at].name, name) != 0)
        at++;
    if (at == PROBES_MAX)
        return;
    if (at == sum_count)
        snprintf(sums[sum_count++].name, sizeof sums[0].name, "%s", name);
    sums[at].count += count;
}

void probes_read(int fd) {
    struct record r;
    for (size_t got = 0;;) {
        ssize_t n = read(fd, (char *)&r + got, sizeof r - got);
        if (n <= 0)
            return;
        got += (size_t)n;
        if (got < sizeof r)
            continue;
        r.name[sizeof r.name - 1] = 0;
        add(r.name, r.count);
        got = 0;
    }
}

bool probes_report(void) {
    bool all = true;
    for (size_t i = 0; i < sizeof demanded / sizeof demanded[0]; i++)
        add(demanded[i], 0);
    for (size_t i = 0; i < sum_count; i++) {
        printf("  probe %10" PRIu64 "  %s%s\n", sums[i].count, sums[i].name,
               sums[i].count ? "" : "  NOT REACHED");
        all = all && sums[i].count > 0;
    }
    return all;
}
