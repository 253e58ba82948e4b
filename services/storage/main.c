#include "shell.h"

#include "daemon/rpc/daemon_rpc.h"

struct storage {
    struct daemon daemon;
    struct storage_options options;
    struct storage_metrics metrics;
    struct shell shell;
    struct daemon_rpc rpc;
    bool begun;
    uint64_t ready_at_ns; /* set before anybody asks, then fixed */
};

/* Beats and memberships carry this node's address. One that means every interface leads each other
 * node to itself. */
static bool tells_where(const struct storage *st) {
    const char *addr = shell_address(&st->options, &st->daemon.common);
    return strncmp(addr, "0.0.0.0:", 8) != 0 && strncmp(addr, "[::]:", 5) != 0;
}

static tc_err check(void *user, struct tc_buf *ret_problem) {
    const struct storage *st = user;
    if (st->daemon.common.data[0] == 0) {
        tc_buf_append_str(ret_problem, "--data: name the folder that holds this node's store");
        return TC_EINVAL;
    }
    if (!tells_where(st)) {
        tc_buf_append_str(ret_problem,
                          "--rpc-advertise: name the HOST:PORT at which other nodes reach this "
                          "one; --rpc-listen stands for every interface");
        return TC_EINVAL;
    }
    if (st->options.wal_max_bytes / st->options.wal_segment_bytes < 8) {
        tc_buf_append_str(ret_problem,
                          "--wal-max-bytes must be at least 8 times --wal-segment-bytes");
        return TC_EINVAL;
    }
    if (st->options.disk_no_replicas_permille > st->options.disk_no_leaders_permille ||
        st->options.disk_no_leaders_permille > st->options.disk_no_writes_permille) {
        tc_buf_append_str(ret_problem,
                          "--disk-no-replicas-permille, --disk-no-leaders-permille and "
                          "--disk-no-writes-permille must rise in this order");
        return TC_EINVAL;
    }
    if (st->options.disk_slow_window_ms <= st->options.disk_slow_write_ms) {
        tc_buf_append_str(ret_problem, "--disk-slow-window-ms must be above --disk-slow-write-ms");
        return TC_EINVAL;
    }
    return TC_OK;
}

/* For one lease after a start the replicas promise nothing, since they do not know what they had
 * granted. Whoever restarts nodes one after another must not take the next one down meanwhile: its
 * groups could elect nobody. What needs other nodes is no condition here, or a cluster whose nodes
 * are started one after the other would never be ready. */
static bool ready(void *user, struct tc_buf *ret_why) {
    const struct storage *st = user;
    if (daemon_now_ns() >= st->ready_at_ns)
        return true;
    tc_buf_append_str(ret_why, "just started: one lease without promises");
    return false;
}

static uint64_t ready_at_ns(const struct storage *st) {
    size_t led = 0, all = 0;
    store_replica_counts(st->shell.store, &led, &all);
    return all == 0 ? 0 : daemon_now_ns() + st->options.lease_ms * 1000000;
}

static void status(void *user, struct tc_buf *ret_json) {
    struct storage *st = user;
    shell_status(&st->shell, ret_json);
}

static tc_err listen_on(struct storage *st) {
    struct rpc_method methods[RPC_METHODS_MAX];
    struct shell *s = &st->shell;
    struct rpc_server_config config = {
        .listen = st->daemon.common.rpc_listen.items[0],
        .on_frames = shell_on_frames,
        .user = s,
        .methods = methods,
        .method_count = shell_methods(s, methods, RPC_METHODS_MAX),
    };
    tc_err err = rpc_server_start(s->rpc, &config, &s->server);
    if (err != TC_OK)
        DAEMON_ERROR(st->daemon.log, "cannot listen: address=%s err=%s", config.listen,
                     tc_err_name(err));
    return err;
}

static tc_err start(struct storage *st) {
    struct daemon *d = &st->daemon;
    TC_TRY(shell_open_store(&st->shell));
    st->ready_at_ns = ready_at_ns(st);
    TC_TRY(daemon_rpc_start(&st->rpc, d));
    st->shell.rpc = st->rpc.rpc;
    TC_TRY(shell_start_threads(&st->shell));
    TC_TRY(shell_peers_open(&st->shell));
    shell_begin(&st->shell);
    st->begun = true;
    TC_TRY(listen_on(st));
    return daemon_serve(d);
}

/* Mirrors start: leaderships and disk work first, then the wire, then the threads. */
static void stop(struct storage *st) {
    daemon_drain(&st->daemon);
    if (st->begun)
        shell_rest(&st->shell);
    if (st->shell.rpc)
        shell_peers_close(&st->shell);
    rpc_server_stop(st->shell.server);
    if (st->shell.store)
        shell_stop_threads(&st->shell);
    daemon_rpc_stop(&st->rpc);
}

int main(int argc, char **argv) {
    static struct storage st;
    struct daemon_spec spec = {
        .name = "storage",
        .summary = "Keeps replicas of partitions: replicated log, B-tree, item and range requests.",
        .example =
            "--data /var/lib/tercet/storage-a --rpc-listen 10.0.0.5:7100 --memds 10.0.0.6:7300",
        .options = storage_options_table(),
        .options_values = &st.options,
        .metrics = storage_metrics_table(),
        .metrics_values = &st.metrics,
        .shared_metrics = daemon_rpc_metrics_table(),
        .shared_metrics_values = &st.rpc.metrics,
        .check = check,
        .ready = ready,
        .status = status,
        .user = &st,
    };
    int code = 0;
    if (!daemon_setup(&st.daemon, &spec, argc, argv, &code))
        return code;
    st.shell.daemon = &st.daemon;
    st.shell.options = &st.options;
    st.shell.metrics = &st.metrics;
    tc_err err = start(&st);
    if (err == TC_OK)
        daemon_wait(&st.daemon);
    stop(&st);
    code = daemon_teardown(&st.daemon);
    return err != TC_OK ? 1 : code;
}
