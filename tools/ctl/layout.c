#include "layout.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *kind;
    const char *zones;
} rows[] = {
    {"storage", "abc"}, {"memds", "ab"},   {"gac", "ab"},      {"router", "ab"},
    {"archiver", "a"},  {"scrubber", "a"}, {"autoadmin", "a"}, {"canary", "abc"},
};

/* number: which of the zone's daemons of that kind, from 1. */
static void add_daemon(struct layout *l, const char *kind, char zone, unsigned number) {
    TC_ASSERT(l->count < LAYOUT_DAEMONS_MAX);
    uint16_t slot = (uint16_t)l->count;
    struct layout_daemon *d = &l->daemons[l->count++];
    *d = (struct layout_daemon){.kind = kind, .zone = zone};
    snprintf(d->node, sizeof d->node, number > 1 ? "%s-%c%u" : "%s-%c", kind, zone, number);
    d->rpc_port = (uint16_t)(l->port + 100 + slot);
    d->admin_port = (uint16_t)(l->port + 200 + slot);
    if (strcmp(kind, "router") == 0)
        d->http_port = (uint16_t)(l->port + (zone - 'a'));
}

tc_err layout_init(struct layout *l) {
    if (l->port < 1024 || l->port > 65535 - 300 || l->nodes_per_zone > LAYOUT_NODES_PER_ZONE_MAX)
        return TC_EINVAL;
    l->count = 0;
    if (l->nodes_per_zone == 0)
        l->nodes_per_zone = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (const char *z = rows[i].zones; *z; z++)
            add_daemon(l, rows[i].kind, *z, 1);
    for (unsigned number = 2; number <= l->nodes_per_zone; number++)
        for (const char *z = rows[0].zones; *z; z++)
            add_daemon(l, rows[0].kind, *z, number);
    return TC_OK;
}

tc_err layout_save(const struct layout *l) {
    char path[LAYOUT_PATH_BYTES_MAX + 32], fresh[LAYOUT_PATH_BYTES_MAX + 32];
    snprintf(path, sizeof path, "%s/cluster.conf", l->data);
    snprintf(fresh, sizeof fresh, "%s/cluster.conf.new", l->data);
    FILE *f = fopen(fresh, "w");
    if (f == NULL)
        return TC_EIO;
    fprintf(f,
            "# A local Tercet cluster; written by `tercet local up`.\nport = %u\narchive = %s\n"
            "nodes-per-zone = %u\n",
            l->port, l->archive, l->nodes_per_zone);
    int failed = fflush(f) != 0 || fsync(fileno(f)) != 0;
    if (fclose(f) != 0 || failed || rename(fresh, path) != 0)
        return TC_EIO;
    return TC_OK;
}

/* 0, which no layout accepts as a port, if text is not a number of that size. */
static uint16_t parse_u16(const char *text) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    return *end == '\0' && number <= UINT16_MAX ? (uint16_t)number : 0;
}

tc_err layout_load(struct layout *l) {
    char path[LAYOUT_PATH_BYTES_MAX + 32], line[LAYOUT_PATH_BYTES_MAX + 32];
    snprintf(path, sizeof path, "%s/cluster.conf", l->data);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return TC_ENOTFOUND;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "port = ", 7) == 0)
            l->port = parse_u16(line + 7);
        if (strncmp(line, "nodes-per-zone = ", 17) == 0)
            l->nodes_per_zone = parse_u16(line + 17);
        if (strncmp(line, "archive = ", 10) == 0)
            snprintf(l->archive, sizeof l->archive, "%.*s", LAYOUT_PATH_BYTES_MAX - 1, line + 10);
    }
    fclose(f);
    return layout_init(l);
}

__attribute__((format(printf, 2, 3))) static void arg(struct layout_args *a, const char *fmt, ...) {
    TC_ASSERT(a->count < LAYOUT_ARGS_MAX);
    char text[LAYOUT_PATH_BYTES_MAX + 64];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    a->offsets[a->count++] = a->text.len;
    tc_buf_append(&a->text, text, strlen(text) + 1);
}

/* "--storage", "127.0.0.1:8100,127.0.0.1:8101,..." for every daemon of that kind. */
static void arg_list(struct layout_args *a, const struct layout *l, const char *option,
                     const char *kind) {
    char list[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct layout_daemon *d = &l->daemons[i];
        if (strcmp(d->kind, kind) != 0)
            continue;
        uint16_t port = strcmp(option, "--routers") == 0 ? d->http_port : d->rpc_port;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s127.0.0.1:%u", used ? "," : "",
                                 port);
        TC_ASSERT(used < sizeof list);
    }
    arg(a, "%s", option);
    arg(a, "%s", list);
}

static void args_common(const struct layout *l, const struct layout_daemon *d,
                        struct layout_args *a) {
    arg(a, "%s/tercet-%s", l->bin, d->kind);
    arg(a, "--node");
    arg(a, "%s", d->node);
    arg(a, "--zone");
    arg(a, "%c", d->zone);
    arg(a, "--cluster");
    arg(a, "local");
    arg(a, "--data");
    arg(a, "%s/%s", l->data, d->node);
    arg(a, "--rpc-listen");
    arg(a, "127.0.0.1:%u", d->rpc_port);
    arg(a, "--admin-listen");
    arg(a, "127.0.0.1:%u", d->admin_port);
}

void layout_args(const struct layout *l, const struct layout_daemon *d, struct layout_args *out) {
    static const struct {
        const char *kind;
        const char *option;
        const char *of;
    } links[] = {
        {"storage", "--memds", "memds"},
        {"storage", "--archiver", "archiver"},
        {"memds", "--peers", "memds"},
        {"router", "--memds", "memds"},
        {"router", "--gac", "gac"},
        {"scrubber", "--storage", "storage"},
        {"autoadmin", "--storage", "storage"},
        {"canary", "--routers", "router"},
    };
    args_common(l, d, out);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        if (strcmp(d->kind, links[i].kind) == 0)
            arg_list(out, l, links[i].option, links[i].of);
    if (d->http_port != 0) {
        arg(out, "--http-listen");
        arg(out, "127.0.0.1:%u", d->http_port);
    }
    if (strcmp(d->kind, "archiver") == 0 || strcmp(d->kind, "scrubber") == 0) {
        arg(out, "--archive");
        arg(out, "%s", l->archive);
    }
}

void layout_args_deinit(struct layout_args *args) {
    tc_buf_deinit(&args->text);
    args->count = 0;
}

const char *layout_arg(const struct layout_args *args, size_t i) {
    TC_ASSERT(i < args->count);
    return (const char *)args->text.data + args->offsets[i];
}

const struct layout_daemon *layout_find(const struct layout *l, const char *node) {
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->daemons[i].node, node) == 0)
            return &l->daemons[i];
    return NULL;
}
