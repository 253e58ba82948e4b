/* cluster: how the operator's commands reach a cluster: the local one of --data, or addresses
 * given. */
#ifndef TC_TOOLS_CTL_CLUSTER_H
#define TC_TOOLS_CTL_CLUSTER_H

#include "layout.h"
#include "proto/storage.pb-c.h"
#include "rpc/rpc.h"

enum {
    CLUSTER_NODES_MAX = 64,
    CLUSTER_ADDR_BYTES_MAX = 128,
    CLUSTER_DEADLINE_MS = 3000,
};

struct cluster {
    struct rpc *rpc;
    char storage[CLUSTER_NODES_MAX][CLUSTER_ADDR_BYTES_MAX];
    size_t storage_count;
    char scrubber[CLUSTER_ADDR_BYTES_MAX];
    Tercet__Pb__NodeInfoReply *reports[CLUSTER_NODES_MAX]; /* after cluster_ask; NULL: silent */
    bool json;
};

/* The options every such command understands, for its --help. */
extern const char cluster_help[];

/* Parse --data, --storage, --scrubber, --cluster, --tls-*, --json and start rpc. False: the problem
 * was told. Options that are not known stay in argv (argc is lowered). */
bool cluster_open(struct cluster *c, int *argc, char **argv);
void cluster_close(struct cluster *c);
/* NodeInfo of every storage node, in the place of earlier ones; how many answered. */
size_t cluster_ask(struct cluster *c);

#endif
