#include "daemon/daemon.h"
#include "daemon/rpc/daemon_rpc.h"
#include "memds/metrics.h"
#include "memds/options.h"
#include "memds/shell.h"

struct memds {
    struct daemon daemon;
    struct memds_options options;
    struct memds_metrics metrics;
    struct daemon_rpc rpc;
    struct shell *shell;
};

static bool ready(void *user, struct tc_buf *ret_why) {
    struct memds *m = user;
    struct shell_view view;
    shell_view(m->shell, &view);
    if (!view.warm)
        tc_buf_append_str(ret_why, "map not warm: no warm peer heard, nothing pushed by storage");
    return view.warm;
}

static void status(void *user, struct tc_buf *ret_json) {
    struct memds *m = user;
    struct shell_view view;
    shell_view(m->shell, &view);
    tc_buf_printf(ret_json,
                  "{\"node\":\"%s\",\"warm\":%s,\"records\":%llu,\"tombstones\":%llu,"
                  "\"root\":\"%016llx%016llx\"}",
                  m->daemon.node, view.warm ? "true" : "false", (unsigned long long)view.records,
                  (unsigned long long)view.tombstones, (unsigned long long)view.root_hi,
                  (unsigned long long)view.root_lo);
}

static tc_err start_shell(struct memds *m) {
    const struct shell_config config = {
        .rpc = m->rpc.rpc,
        .listen = m->daemon.common.rpc_listen.items[0],
        .peers = &m->options.peers,
        .metrics = &m->metrics,
        .log = m->daemon.log,
        .records_max = m->options.records_max,
        .sync_interval_ms = m->options.sync_interval_ms,
    };
    return shell_start(&config, &m->shell);
}

static tc_err run(struct memds *m) {
    tc_err err = daemon_rpc_start(&m->rpc, &m->daemon);
    if (err == TC_OK)
        err = start_shell(m);
    if (err != TC_OK) {
        DAEMON_ERROR(m->daemon.log, "cannot start: err=%s", tc_err_name(err));
        daemon_rpc_stop(&m->rpc);
        return err;
    }
    DAEMON_INFO(m->daemon.log, "serving: port=%u", shell_port(m->shell));
    err = daemon_serve(&m->daemon);
    if (err == TC_OK)
        daemon_wait(&m->daemon);
    daemon_drain(&m->daemon);
    return err;
}

/* The admin endpoint ends before what its callbacks look at. */
static int teardown(struct memds *m) {
    daemon_admin_stop(m->daemon.admin);
    m->daemon.admin = NULL;
    shell_stop(m->shell);
    if (m->shell)
        daemon_rpc_stop(&m->rpc);
    return daemon_teardown(&m->daemon);
}

int main(int argc, char **argv) {
    static struct memds m;
    const struct daemon_spec spec = {
        .name = "memds",
        .summary = "Routing metadata in memory: tables and partitions, told by storage nodes.",
        .example = "--rpc-listen 10.0.0.1:7200 --peers 10.0.1.1:7200",
        .options = memds_options_table(),
        .options_values = &m.options,
        .metrics = memds_metrics_table(),
        .metrics_values = &m.metrics,
        .shared_metrics = daemon_rpc_metrics_table(),
        .shared_metrics_values = &m.rpc.metrics,
        .ready = ready,
        .status = status,
        .user = &m,
    };
    int code = 0;
    if (!daemon_setup(&m.daemon, &spec, argc, argv, &code))
        return code;
    const tc_err err = run(&m);
    code = teardown(&m);
    return err == TC_OK ? code : 1;
}
