/* layout: which daemons a local cluster consists of, and the address, folder and arguments of each.
 *
 * The layout is a function of (port, data folder, archive, storage nodes per zone): nothing about
 * it is stored but those four, so `tercet local up` after a reboot starts exactly what ran before.
 * The second and further storage nodes of each zone come last, so that a cluster that grows keeps
 * the ports it has: storage-a, storage-b, storage-c, ..., storage-a2, storage-b2, storage-c2, ...
 *
 *   HTTP   port, port + 1            routers a and b
 *   RPC    port + 100 + slot         every daemon, slot = its row below
 *   admin  port + 200 + slot         /livez /readyz /metrics /status
 */
#ifndef TC_TOOLS_CTL_LAYOUT_H
#define TC_TOOLS_CTL_LAYOUT_H

#include "base/buf.h"
#include "base/err.h"

enum {
    LAYOUT_DAEMONS_MAX = 32,
    LAYOUT_ARGS_MAX = 64,
    LAYOUT_PATH_BYTES_MAX = 1024,
    LAYOUT_NODES_PER_ZONE_MAX = 5,
};

struct layout_daemon {
    const char *kind; /* "storage" */
    char zone;        /* 'a' */
    char node[32];    /* "storage-a" */
    uint16_t rpc_port;
    uint16_t admin_port;
    uint16_t http_port; /* routers only, else 0 */
};

struct layout {
    uint16_t port;
    uint16_t nodes_per_zone;             /* storage nodes; 0 counts as 1 */
    char data[LAYOUT_PATH_BYTES_MAX];    /* absolute */
    char archive[LAYOUT_PATH_BYTES_MAX]; /* "dir:PATH" or "s3://bucket?endpoint=..." */
    char bin[LAYOUT_PATH_BYTES_MAX];     /* folder of the tercet binaries */
    struct layout_daemon daemons[LAYOUT_DAEMONS_MAX];
    size_t count;
};

/* argv of one daemon; strings live in text until it is deinitialised. */
struct layout_args {
    struct tc_buf text;
    size_t offsets[LAYOUT_ARGS_MAX];
    size_t count;
};

/* Fill daemons from port; data, archive and bin must be set. TC_EINVAL: the ports do not fit, or
 * there are too many nodes per zone. */
TC_MUST_USE tc_err layout_init(struct layout *l);
/* Write DIR/cluster.conf, atomically. */
TC_MUST_USE tc_err layout_save(const struct layout *l);
/* Read port, archive and nodes per zone of an existing DIR/cluster.conf. TC_ENOTFOUND: not a
 * cluster folder. TC_EINVAL: it holds no usable port. */
TC_MUST_USE tc_err layout_load(struct layout *l);

void layout_args(const struct layout *l, const struct layout_daemon *d, struct layout_args *out);
void layout_args_deinit(struct layout_args *args);
const char *layout_arg(const struct layout_args *args, size_t i);

const struct layout_daemon *layout_find(const struct layout *l, const char *node);

#endif
