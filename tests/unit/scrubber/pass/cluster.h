/* Three storage nodes of one group in memory, answering what the scrubber asks. */
#ifndef TC_TESTS_SCRUBBER_CLUSTER_H
#define TC_TESTS_SCRUBBER_CLUSTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/archive/manifest.h"
#include "engine/archive/snapshot.h"
#include "engine/btree/btree.h"
#include "env/sim/sim.h"
#include "scrubber/pass/pass.h"

enum {
    CLUSTER_NODES = 3,
    CLUSTER_GID = 7,
};

struct cluster_node {
    char addr[16];
    char name[16];
    char path[16];
    struct btree *tree;
    bool silent;
    bool leads;
    bool gone;     /* its replica is deleted */
    uint32_t busy; /* this many vector requests answer "not applied yet" */
    uint64_t chain;
};

enum {
    CLUSTER_ENTRIES_MAX = 1024,
    CLUSTER_SEGMENT_ENTRIES = 100,
};

struct cluster {
    struct sim_fs *fs;
    struct archive_entry log[CLUSTER_ENTRIES_MAX + 1]; /* [1 .. index]: what made the items */
    struct tc_buf bodies[CLUSTER_ENTRIES_MAX + 1];
    struct objstore *store;
    struct cluster_node node[CLUSTER_NODES];
    uint64_t index;
    const char *addrs[CLUSTER_NODES];
    struct pass_env env;
    uint64_t paused_ms;
    char waited_for[200]; /* the last thing that a pass said it waits for */
    bool waits;           /* it still does */
};

void cluster_init(struct cluster *c);
void cluster_deinit(struct cluster *c);
/* The same item at every node, and an entry of the log. */
void cluster_put(struct cluster *c, uint32_t key, const char *value);
/* Checkpoint node i and flip a bit of the page that get reads for key. */
void cluster_rot(struct cluster *c, size_t i, uint64_t page);
void cluster_checkpoint(struct cluster *c);
/* Archive the log up to index in segments, with a snapshot at snapshot_index (0: none) whose item
 * `wrong` (0: none) is not what the log says, but whose sums agree with it. */
void cluster_archive(struct cluster *c, uint64_t index, uint64_t snapshot_index, uint32_t wrong);
/* The path of segment number n's object, and its key behind the store's folder. */
void cluster_segment_path(const struct cluster *c, size_t n, char ret_path[256], const char **key);
Tercet__Pb__ScrubGroup *cluster_scrub(struct cluster *c);
const Tercet__Pb__ScrubCheck *cluster_check(const Tercet__Pb__ScrubGroup *g, const char *name);

#endif
