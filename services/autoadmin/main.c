#include "shell_round.h"

static int start(struct autoadmin *a) {
    struct daemon *d = &a->daemon;
    struct daemon_worker *worker = NULL;
    struct daemon_worker_config work = {
        .name = "autoadmin", .count_max = 1, .run = shell_round_run, .user = a};
    if (daemon_rpc_start(&a->rpc, d) != TC_OK ||
        catalog_init(&a->system, a->rpc.rpc, a->options.storage.items, a->options.storage.count) !=
            TC_OK)
        return 1;
    if (daemon_worker_start(&work, &worker) != TC_OK)
        return 1;
    tc_err err = daemon_serve(d);
    if (err == TC_OK)
        daemon_wait(d);
    daemon_drain(d);
    daemon_worker_stop(worker);
    shell_counts_deinit(&a->counts);
    catalog_deinit(&a->system);
    daemon_rpc_stop(&a->rpc);
    return err == TC_OK ? 0 : 1;
}

int main(int argc, char **argv) {
    static struct autoadmin a = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct daemon_spec spec = {
        .name = "autoadmin",
        .summary = "Control plane: founds the cluster, places partitions, drives table states.",
        .example = "--storage 10.0.0.1:7100,10.0.1.1:7100,10.0.2.1:7100",
        .options = autoadmin_options_table(),
        .options_values = &a.options,
        .metrics = autoadmin_metrics_table(),
        .metrics_values = &a.metrics,
        .shared_metrics = daemon_rpc_metrics_table(),
        .shared_metrics_values = &a.rpc.metrics,
        .status = shell_round_status,
        .user = &a,
    };
    int code = 0;
    if (!daemon_setup(&a.daemon, &spec, argc, argv, &code))
        return code;
    code = start(&a);
    int left = daemon_teardown(&a.daemon);
    return code != 0 ? code : left;
}
