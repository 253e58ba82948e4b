/* `tercet split`: one group becomes two, at a key or in the middle of its hash range. */
#include "base/reader.h"
#include "catalog/order.h"
#include "ctl.h"
#include "groups.h"
#include "orders.h"
#include "records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HASH_BYTES = 8,
};

static const char usage[] =
    "usage: tercet split GROUP [--key HEX] [--no-wait] [options]   split the group into two before "
    "a\n"
    "                                                              storage key\n"
    "\n"
    "Without --key the group is split in the middle of its hash range, which halves a table whose\n"
    "partition keys are many. A storage key begins with 8 bytes of hash; HEX may be these alone.\n"
    "Both halves stay on the same nodes; no item crosses the network. Requests wait some ms.\n"
    "The order is a record that autoadmin carries out. This command shows how far it is until "
    "both\n"
    "halves serve and are on record; `tercet orders` shows the rest, and whatever is under way.\n"
    "Example: tercet split 104\n";

struct job {
    struct cluster cluster;
    struct groups groups;
    struct records records;
    uint64_t gid;
    struct tc_buf key;
};

static bool look(struct job *j) {
    cluster_ask(&j->cluster);
    groups_of(&j->cluster, &j->groups);
    return records_open(&j->records, &j->cluster, &j->groups) == TC_OK;
}

static bool parse_hex(const char *text, struct tc_buf *out) {
    size_t len = strlen(text);
    for (size_t i = 0; i + 1 < len; i += 2) {
        char pair[3] = {text[i], text[i + 1], 0}, *end;
        unsigned long byte = strtoul(pair, &end, 16);
        if (*end != 0)
            return false;
        tc_buf_append_u8(out, (uint8_t)byte);
    }
    return len > 0 && len % 2 == 0;
}

static uint64_t hash_of(ProtobufCBinaryData key, uint64_t none) {
    uint64_t hash = 0;
    for (size_t i = 0; i < HASH_BYTES; i++)
        hash = hash << 8 | (i < key.len ? key.data[i] : 0);
    return key.len ? hash : none;
}

static bool middle(const Tercet__Pb__Partition *p, struct tc_buf *out) {
    uint64_t from = hash_of(p->start, 0), to = hash_of(p->end, UINT64_MAX);
    uint64_t at = from + (to - from) / 2;
    for (int shift = 56; shift >= 0; shift -= 8)
        tc_buf_append_u8(out, (uint8_t)(at >> shift));
    return at > from && at < to;
}

static int run(struct job *j, const char *hex, bool wait) {
    const struct group *g = look(j) ? groups_find(&j->groups, j->gid) : NULL;
    if (g == NULL || g->leader == NULL) {
        fprintf(stderr,
                "tercet split: group %" PRIu64
                " has no leader now; `tercet partitions` lists them\n",
                j->gid);
        return 1;
    }
    if (j->gid == SYSTEM_GID) {
        fprintf(stderr, "tercet split: the system's group cannot be split\n");
        return 2;
    }
    if (hex ? !parse_hex(hex, &j->key) : !middle(g->leader->partition, &j->key)) {
        fprintf(stderr, "tercet split: %s\n",
                hex ? "--key wants an even number of hexadecimal digits"
                    : "the group's hash range cannot be halved; give --key");
        return 2;
    }
    Tercet__Pb__ReshapeOrder order = TERCET__PB__RESHAPE_ORDER__INIT;
    order.kind = TERCET__PB__RESHAPE_KIND__RESHAPE_SPLIT;
    order.parents = &j->gid;
    order.n_parents = 1;
    order.key = (ProtobufCBinaryData){.len = j->key.len, .data = j->key.data};
    order.table_id = g->table_id;
    return orders_give(&j->records.catalog, &order, wait);
}

int ctl_split(int argc, char **argv) {
    struct job j = {0};
    if (ctl_help_asked(argc, argv)) {
        printf("%s%s", usage, cluster_help);
        return 0;
    }
    const char *hex = NULL;
    bool wait = !ctl_flag(&argc, argv, "--no-wait");
    for (int i = 0; i + 1 < argc; i++)
        if (strcmp(argv[i], "--key") == 0) {
            hex = argv[i + 1];
            memmove(&argv[i], &argv[i + 2], (size_t)(argc - i - 2) * sizeof *argv);
            argc -= 2;
        }
    if (!cluster_open(&j.cluster, &argc, argv))
        return 1;
    j.gid = argc == 1 ? ctl_gid(argv[0]) : 0;
    int code = 2;
    if (j.gid == 0)
        fprintf(stderr, "%s%s", usage, cluster_help);
    else
        code = run(&j, hex, wait);
    tc_buf_deinit(&j.key);
    records_close(&j.records);
    groups_free(&j.groups);
    cluster_close(&j.cluster);
    return code;
}
