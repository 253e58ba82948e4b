/* Offers of storage nodes: queue, unpack, hand to the intake, answer.
 *
 * rpc threads post to one worker's mailbox; the worker owns the intake and blocks on the object
 * store. The queue is bounded in entries and in bytes; beyond, offers are answered TC_EBUSY and
 * come again.
 */
#ifndef TC_SERVICES_ARCHIVER_SHELL_OFFERS_H
#define TC_SERVICES_ARCHIVER_SHELL_OFFERS_H

#include "archiver/metrics.h"
#include "base/buf.h"
#include "daemon/log.h"
#include "daemon/worker.h"
#include "engine/archive/intake.h"
#include "rpc/server.h"

#include <pthread.h>

enum {
    OFFERS_COUNT_MAX = 1024,
    OFFERS_STATUS_GROUPS_MAX = 1000,
};

struct offers {
    struct intake *intake;
    struct daemon_log *log;
    struct archiver_metrics *metrics;
    struct daemon_worker *worker;
    uint64_t queue_max_bytes;
    uint64_t queued_bytes; /* atomic */
    struct intake_counters told;
    pthread_mutex_t lock;
    struct tc_buf status; /* under lock: JSON of the groups, renewed each second */
    bool healthy;         /* under lock: the last offer met a working store */
    uint64_t status_ns;
};

struct offers_config {
    struct objstore *store; /* borrowed */
    bool compress;
    uint64_t queue_max_bytes;
    struct daemon_log *log;
    struct archiver_metrics *metrics;
};

TC_MUST_USE tc_err offers_start(struct offers *o, const struct offers_config *config);
/* Works off what is queued. A zeroed struct is a no-op. */
void offers_stop(struct offers *o);
/* rpc_server_config.on_frames; user: struct offers. */
void offers_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames);
void offers_status(struct offers *o, struct tc_buf *ret_json);
bool offers_ready(struct offers *o, struct tc_buf *ret_why);

#endif
