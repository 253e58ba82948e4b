#include "daemon/daemon.h"
#include "daemon/rpc/daemon_rpc.h"
#include "options.h"
#include "shell_topup.h"

struct gac {
    struct daemon daemon;
    struct gac_options options;
    struct gac_metrics metrics;
    struct topup topup;
    struct daemon_rpc rpc;
};

static void status(void *user, struct tc_buf *ret_json) {
    struct gac *g = user;
    topup_status(&g->topup, ret_json);
}

static int serve(struct gac *g) {
    struct daemon *d = &g->daemon;
    struct rpc_server *server = NULL;
    struct rpc_server_config listen = {
        .listen = d->common.rpc_listen.items[0], .on_frames = topup_frames, .user = &g->topup};
    topup_init(&g->topup, g->options.tables_max, &g->metrics);
    tc_err err = daemon_rpc_start(&g->rpc, d);
    if (err == TC_OK)
        err = rpc_server_start(g->rpc.rpc, &listen, &server);
    if (err != TC_OK)
        DAEMON_ERROR(d->log, "cannot listen: address=%s err=%s", listen.listen, tc_err_name(err));
    if (err == TC_OK && (err = daemon_serve(d)) == TC_OK)
        daemon_wait(d);
    daemon_drain(d);
    daemon_rpc_stop(&g->rpc);
    topup_deinit(&g->topup);
    return err == TC_OK ? 0 : 1;
}

int main(int argc, char **argv) {
    static struct gac g;
    struct daemon_spec spec = {
        .name = "gac",
        .summary = "Global admission control: divides each table's throughput among the routers.",
        .example = "--rpc-listen 10.0.0.5:7200",
        .options = gac_options_table(),
        .options_values = &g.options,
        .metrics = gac_metrics_table(),
        .metrics_values = &g.metrics,
        .shared_metrics = daemon_rpc_metrics_table(),
        .shared_metrics_values = &g.rpc.metrics,
        .status = status,
        .user = &g,
    };
    int code = 0;
    if (!daemon_setup(&g.daemon, &spec, argc, argv, &code))
        return code;
    code = serve(&g);
    int left = daemon_teardown(&g.daemon);
    return code != 0 ? code : left;
}
