/* `tercet split`: one group becomes two, at a key or in the middle of its hash range. */
#include "base/reader.h"
#include "ctl.h"
#include "groups.h"
#include "process.h"
#include "proto/bytes.h"
#include "records.h"
#include "rpc/unary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WAIT_MS = 60000,
    AGAIN_MS = 50,
    FIRST_ID = 100, /* ids below are reserved for the system */
    HASH_BYTES = 8,
};

static const char usage[] =
    "usage: tercet split GROUP [--key HEX] [options]   split the group into two before a storage "
    "key\n"
    "\n"
    "Without --key the group is split in the middle of its hash range, which halves a table whose\n"
    "partition keys are many. A storage key begins with 8 bytes of hash; HEX may be these alone.\n"
    "Both halves stay on the same nodes; no item crosses the network. Requests wait some ms.\n"
    "Example: tercet split 104\n";

struct job {
    struct cluster cluster;
    struct groups groups;
    struct records records;
    uint64_t gid;
    struct tc_buf key;
    uint64_t ids[2];
    Tercet__Pb__SplitReply *reply; /* the last one that says DONE */
};

static bool look(struct job *j) {
    records_close(&j->records);
    groups_free(&j->groups);
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

/* Two ids that nobody else gets: the counter moves on before they are used. */
static tc_err reserve(struct job *j) {
    struct catalog_records counters = {0};
    TC_TRY(catalog_read(&j->records.catalog, SYSTEM_KIND_COUNTER, &j->records.arena, &counters));
    uint64_t version = counters.count ? counters.at[0].version : 0;
    uint64_t next = version > FIRST_ID ? version : FIRST_ID;
    struct system_record fresh = {tc_slice_str(SYSTEM_KIND_COUNTER), TC_SLICE_LIT("id"), next + 2,
                                  TC_SLICE_EMPTY};
    TC_TRY(catalog_write(&j->records.catalog, &fresh, version));
    j->ids[0] = next;
    j->ids[1] = next + 1;
    return TC_OK;
}

static tc_err ask(struct job *j, const struct group *g) {
    Tercet__Pb__SplitRequest request = TERCET__PB__SPLIT_REQUEST__INIT;
    struct tc_buf payload = {0}, answer = {0};
    request.gid = j->gid;
    request.key = (ProtobufCBinaryData){.len = j->key.len, .data = j->key.data};
    request.left_gid = j->ids[0];
    request.right_gid = j->ids[1];
    proto_append(&payload, &request.base);
    tc_err err =
        rpc_unary_wait(j->cluster.rpc, j->cluster.storage[g->leader_node], "/tercet.Storage/Split",
                       tc_buf_slice(&payload), CLUSTER_DEADLINE_MS, &answer);
    Tercet__Pb__SplitReply *reply =
        err == TC_OK ? tercet__pb__split_reply__unpack(NULL, answer.len, answer.data) : NULL;
    if (reply && reply->state == TERCET__PB__SPLIT_STATE__SPLIT_DONE && reply->n_children == 2)
        j->reply = reply;
    else if (reply)
        tercet__pb__split_reply__free_unpacked(reply, NULL);
    tc_buf_deinit(&payload);
    tc_buf_deinit(&answer);
    return err;
}

/* Asked again until both halves are durable at the leader, whoever that is by then. */
static tc_err split(struct job *j) {
    uint64_t until_ms = process_now_ms() + WAIT_MS;
    tc_err err = TC_EUNAVAILABLE;
    while (j->reply == NULL && process_now_ms() < until_ms) {
        const struct group *g = groups_find(&j->groups, j->gid);
        err = g && g->leader ? ask(j, g) : TC_ENOTLEADER;
        if (err == TC_EINVAL || err == TC_EEXISTS)
            return err;
        if (j->reply == NULL)
            process_sleep_ms(AGAIN_MS);
        if (err != TC_OK && err != TC_EBUSY)
            (void)look(j);
    }
    return j->reply ? TC_OK : err == TC_OK ? TC_ETIMEOUT : err;
}

/* ---- the records of both halves */

static tc_err record_child(struct job *j, const Tercet__Pb__Partition *p) {
    char name[24];
    struct tc_buf data = {0};
    snprintf(name, sizeof name, "%020" PRIu64, p->gid);
    proto_append(&data, &p->base);
    struct system_record fresh = {tc_slice_str(SYSTEM_KIND_PARTITION), tc_slice_str(name), 1,
                                  tc_buf_slice(&data)};
    tc_err err = catalog_write(&j->records.catalog, &fresh, 0);
    tc_buf_deinit(&data);
    return err == TC_ESTALE ? TC_OK : err; /* there already */
}

/* The table names its groups: the parent leaves, its children come in its place. */
static tc_err replace(struct job *j, const struct system_record *record,
                      Tercet__Pb__TableDescriptor *d) {
    uint64_t *gids = calloc(d->n_gids + 2, sizeof *gids);
    struct tc_buf data = {0};
    size_t count = 0;
    if (gids == NULL)
        return TC_ENOMEM;
    for (size_t i = 0; i < d->n_gids; i++) {
        if (d->gids[i] != j->gid) {
            gids[count++] = d->gids[i];
            continue;
        }
        gids[count++] = j->ids[0];
        gids[count++] = j->ids[1];
    }
    Tercet__Pb__TableDescriptor changed = *d;
    changed.gids = gids;
    changed.n_gids = count;
    changed.version = record->version + 1;
    proto_append(&data, &changed.base);
    struct system_record fresh = {record->kind, record->name, record->version + 1,
                                  tc_buf_slice(&data)};
    tc_err err = catalog_write(&j->records.catalog, &fresh, record->version);
    tc_buf_deinit(&data);
    free(gids);
    return err;
}

static tc_err record_table(struct job *j, uint64_t table_id) {
    for (size_t i = 0; i < j->records.tables.count; i++) {
        const struct system_record *r = &j->records.tables.at[i];
        Tercet__Pb__TableDescriptor *d =
            tercet__pb__table_descriptor__unpack(NULL, r->data.len, r->data.data);
        bool it = d && d->table_id == table_id;
        tc_err err = it ? replace(j, r, d) : TC_OK;
        if (d)
            tercet__pb__table_descriptor__free_unpacked(d, NULL);
        if (it)
            return err;
    }
    return TC_ENOTFOUND;
}

/* A writer that was faster is read and written over again. */
static tc_err record(struct job *j) {
    tc_err err = TC_ESTALE;
    for (int i = 0; i < 2; i++)
        TC_TRY(record_child(j, j->reply->children[i]));
    for (int i = 0; i < 20 && err != TC_OK; i++) {
        err = look(j) ? record_table(j, j->reply->children[0]->table_id) : TC_EUNAVAILABLE;
        if (err != TC_OK)
            process_sleep_ms(AGAIN_MS);
    }
    return err;
}

static int failed(const struct job *j, const char *what, tc_err err) {
    fprintf(stderr, "tercet split: group %" PRIu64 ": %s: %s\n", j->gid, what,
            err == TC_EINVAL
                ? "the key is not inside the group's range; `tercet partitions` shows it"
            : err == TC_EEXISTS ? "it was split already"
                                : tc_err_text(err));
    return 1;
}

static int run(struct job *j, const char *hex) {
    const struct group *g = look(j) ? groups_find(&j->groups, j->gid) : NULL;
    if (g == NULL || g->leader == NULL) {
        fprintf(stderr,
                "tercet split: group %" PRIu64
                " has no leader now; `tercet partitions` lists them\n",
                j->gid);
        return 1;
    }
    if (hex ? !parse_hex(hex, &j->key) : !middle(g->leader->partition, &j->key)) {
        fprintf(stderr, "tercet split: %s\n",
                hex ? "--key wants an even number of hexadecimal digits"
                    : "the group's hash range cannot be halved; give --key");
        return 2;
    }
    tc_err err = reserve(j);
    if (err != TC_OK)
        return failed(j, "no ids could be reserved", err);
    err = split(j);
    if (err != TC_OK)
        return failed(j, "not split", err);
    err = record(j);
    if (err != TC_OK)
        return failed(j, "split, but the table's record could not be written", err);
    printf("group %" PRIu64 " is split: %" PRIu64 " and %" PRIu64 "\n", j->gid, j->ids[0],
           j->ids[1]);
    return 0;
}

int ctl_split(int argc, char **argv) {
    struct job j = {0};
    if (ctl_help_asked(argc, argv)) {
        printf("%s%s", usage, cluster_help);
        return 0;
    }
    const char *hex = NULL;
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
        code = run(&j, hex);
    if (j.reply)
        tercet__pb__split_reply__free_unpacked(j.reply, NULL);
    tc_buf_deinit(&j.key);
    records_close(&j.records);
    groups_free(&j.groups);
    cluster_close(&j.cluster);
    return code;
}
