#include "ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *text;
} commands[] = {
    {"local", ctl_local, "a whole cluster on this machine: up, down, ps, start, stop"},
    {"nodes", ctl_nodes, "the storage nodes: zone, replicas, leaders, log, free space"},
    {"tables", ctl_tables, "tables and their indexes: status, partitions, size, backfill"},
    {"partitions", ctl_partitions,
     "every replica of every group: role, log positions, items, state"},
    {"heal", ctl_heal, "groups without three storage replicas: what goes on, how far, how long"},
    {"drain", ctl_drain, "empty a storage node before it is taken away; --cancel takes it back"},
    {"split", ctl_split, "split one group into two"},
    {"merge", ctl_merge, "make one group of two neighbours"},
    {"orders", ctl_orders, "splits and merges under way: step, since when, what they wait for"},
    {"move", ctl_move, "move one group's replica from one storage node to another"},
    {"transfer", ctl_transfer, "hand a group's leadership to another of its replicas"},
    {"scrub", ctl_scrub, "compare all copies with each other and with the archive, now"},
    {"health", ctl_health, "/readyz of one daemon as exit status, for containers"},
};

enum {
    COMMANDS = sizeof commands / sizeof commands[0]
};

static void usage(FILE *out) {
    fprintf(out,
            "tercet: run and look after a Tercet cluster\n\nusage: tercet COMMAND [options]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].text);
    fprintf(out, "\n`tercet COMMAND --help` tells more. A first cluster: tercet local up\n");
}

bool ctl_help_asked(int argc, char **argv) {
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

bool ctl_flag(int *argc, char **argv, const char *name) {
    int kept = 0;
    for (int i = 0; i < *argc; i++)
        if (strcmp(argv[i], name) != 0)
            argv[kept++] = argv[i];
    bool there = kept < *argc;
    *argc = kept;
    return there;
}

uint64_t ctl_gid(const char *text) {
    char *end;
    uint64_t gid = strtoull(text, &end, 10);
    return *end || end == text || text[0] == '-' ? 0 : gid;
}

int ctl_option(int argc, char **argv, int *i, const char *name, const char **ret_value) {
    size_t len = strlen(name);
    if (strncmp(argv[*i], name, len) != 0)
        return 0;
    if (argv[*i][len] == '=') {
        *ret_value = argv[*i] + len + 1;
        return 1;
    }
    if (argv[*i][len] != '\0')
        return 0;
    if (*i + 1 >= argc) {
        fprintf(stderr, "tercet: %s needs a value\n", name);
        exit(2);
    }
    *ret_value = argv[++*i];
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    fprintf(stderr, "tercet: no command '%s'; `tercet --help` lists them\n", argv[1]);
    return 2;
}
