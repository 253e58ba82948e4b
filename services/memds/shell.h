/* The shell of a memds node: frames in, answers out, rounds with peers. One worker thread owns the
 * map; rpc threads only post to its mailbox. All decisions are in memds/map and core/perkle. */
#ifndef TC_SERVICES_MEMDS_SHELL_H
#define TC_SERVICES_MEMDS_SHELL_H

#include "daemon/log.h"
#include "daemon/options.h"
#include "memds/metrics.h"
#include "rpc/rpc.h"

struct shell;

struct shell_config {
    struct rpc *rpc; /* borrowed; stop the shell before it */
    const char *listen;
    const struct daemon_addrs *peers;
    const struct memds_metrics *metrics;
    struct daemon_log *log;
    uint64_t records_max;
    uint64_t sync_interval_ms;
};

/* What /status and /readyz show. */
struct shell_view {
    bool warm;
    uint64_t records;
    uint64_t tombstones;
    uint64_t root_lo;
    uint64_t root_hi;
};

/* Errors: as of rpc_server_start and rpc_peer_open; nothing is left running. */
TC_MUST_USE tc_err shell_start(const struct shell_config *config, struct shell **ret_shell);
/* Any thread. */
void shell_view(struct shell *s, struct shell_view *ret_view);
uint16_t shell_port(const struct shell *s);
/* Blocks. NULL is a no-op. */
void shell_stop(struct shell *s);

#endif
