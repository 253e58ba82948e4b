/* Three stores and a spare one on simulated disks, wired by direct calls in virtual time. Every
 * message is packed and unpacked on its way, so the wire codecs are part of what is tested. */
#ifndef TEST_STORE_CLUSTER_H
#define TEST_STORE_CLUSTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/map.h"
#include "engine/store/store.h"
#include "env/sim/sim.h"

enum {
    NODES = 3,
    SPARE = NODES, /* one more store, of no group */
    ALL_NODES,
    GID = 7,
};

struct reply {
    tc_err err;
    struct tc_buf payload;
};

struct node {
    struct cluster *cluster;
    struct sim_fs *fs;
    struct store *store; /* NULL: down */
    struct store_env env;
    struct tc_prng prng;
    struct tc_list inbox;
    uint8_t uuid[STORE_UUID_BYTES];
    bool cut;                  /* nothing in or out */
    uint32_t disk_ms;          /* every batch takes so much longer */
    struct store_batch *batch; /* at the WAL thread until batch_ns */
    uint64_t batch_ns;
    struct tc_list jobs; /* of struct late_job: at the disk thread */
};

struct cluster {
    struct node nodes[ALL_NODES];
    struct sim_clock clock;
    struct store_options options;
    struct tc_map replies; /* token -> struct reply */
    uint64_t next_token;
    uint64_t epoch; /* that requests are sent with; 1 at first, 0: any */
    uint64_t next_id;
    uint64_t pushes;
    struct tc_prng prng;
    uint32_t disk_max_ms; /* batches and jobs take up to this long; 0: none */
    /* Rows of a global index that a store wants sent; NULL: they are refused. */
    void (*on_rows)(struct cluster *c, struct node *from, const struct store_effect *e);
    uint32_t loss_permille; /* messages lost; as many are repeated, all are delayed */
};

void cluster_init(struct cluster *c, uint64_t seed, const struct store_options *options);
void cluster_deinit(struct cluster *c);
void cluster_run(struct cluster *c, uint64_t ms);
/* Perform the effects that a node has ready now. */
void cluster_drain(struct cluster *c, struct node *n);
/* No row of this effect was taken. */
void cluster_refuse_rows(struct node *n, const struct store_effect *e, tc_err err);
/* Run until somebody serves; returns its number. */
int cluster_wait_leader(struct cluster *c);
int cluster_leader(struct cluster *c); /* -1: nobody serves now */
void cluster_create_group(struct cluster *c);
void cluster_create_group_as(struct cluster *c, uint64_t gid);
void cluster_stop(struct cluster *c, int n, bool power_loss);
void cluster_start(struct cluster *c, int n);
/* Tell every node that is up of all of them. */
void cluster_tell_directory(struct cluster *c, uint64_t version);
/* Same applied index and content on all nodes. */
void cluster_assert_equal(struct cluster *c);

/* Requests: the token; the answer is waited for with cluster_wait. */
struct op {
    Tercet__Pb__ItemOp op;
    int key;
    const char *value; /* PUT: attribute a */
    uint32_t want;
    bool consistent;
    bool if_absent; /* condition: no such item */
    bool if_value;  /* condition: attribute a exists with expect */
    const char *expect;
    uint64_t id;        /* 0: a new one */
    const char *update; /* text of an update expression without values; NULL: none */
};
uint64_t cluster_send(struct cluster *c, int node, const struct op *op);
const struct reply *cluster_wait(struct cluster *c, uint64_t token);
const struct reply *cluster_peek(struct cluster *c, uint64_t token);
tc_err cluster_do(struct cluster *c, int node, const struct op *op);
/* Put through whoever leads, with retries; asserts success. */
void cluster_put(struct cluster *c, int key, const char *value);
/* Unpacked; the caller frees it with tercet__pb__..._free_unpacked. */
Tercet__Pb__ItemReply *cluster_item_reply(const struct reply *r);
Tercet__Pb__RangeReply *cluster_range(struct cluster *c, int node,
                                      const Tercet__Pb__RangeRequest *req, tc_err *ret_err);
/* Append the storage key of "key-N", or its item with attribute a = value. */
void cluster_make_key(struct tc_buf *out, int key);
void cluster_make_item(struct tc_buf *out, int key, const char *value);
/* The value of attribute a by a strongly consistent read, or NULL; static storage. */
const char *cluster_get(struct cluster *c, int key);
Tercet__Pb__NodeInfoReply *cluster_info(struct cluster *c, int n);

#endif
