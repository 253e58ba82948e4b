#include "daemon/daemon.h"
#include "daemon/rpc/daemon_rpc.h"
#include "env/posix/posix.h"
#include "scrubber/shell_run.h"

struct scrubber {
    struct daemon daemon;
    struct scrubber_options options;
    struct scrubber_metrics metrics;
    struct daemon_rpc rpc;
    struct rpc_server *server;
    struct board *board;
    struct run *run;
};

static void status(void *user, struct tc_buf *ret_json) {
    struct scrubber *s = user;
    board_json(s->board, ret_json);
}

static tc_err check(void *user, struct tc_buf *ret_problem) {
    struct scrubber *s = user;
    if (s->daemon.common.data[0] == 0)
        tc_buf_append_str(ret_problem, "--data: a folder for the scratch copy is needed");
    else if (s->options.storage.count == 0)
        tc_buf_append_str(ret_problem, "--storage: at least one storage node is needed");
    return ret_problem->len ? TC_EINVAL : TC_OK;
}

static tc_err make_folder(const char *path) {
    struct posix_fs fs;
    posix_fs_init(&fs);
    tc_err err = tc_fs_mkdir(&fs.fs, path);
    return err == TC_EEXISTS ? TC_OK : err;
}

static tc_err start(struct scrubber *s) {
    struct daemon *d = &s->daemon;
    TC_TRY(make_folder(d->common.data));
    TC_TRY(daemon_rpc_start(&s->rpc, d));
    const struct run_config run = {.rpc = s->rpc.rpc,
                                   .log = d->log,
                                   .board = s->board,
                                   .options = &s->options,
                                   .metrics = &s->metrics,
                                   .dir = d->common.data};
    TC_TRY(run_start(&run, &s->run));
    const struct rpc_method methods[] = {
        {"/tercet.Scrubber/Run", run_method_run, s->run},
        {"/tercet.Scrubber/Last", run_method_last, s->run},
        {"/tercet.Scrubber/Progress", run_method_progress, s->run},
    };
    const struct rpc_server_config listen = {
        .listen = d->common.rpc_listen.items[0],
        .methods = methods,
        .method_count = sizeof methods / sizeof methods[0],
    };
    return rpc_server_start(s->rpc.rpc, &listen, &s->server);
}

static int serve(struct scrubber *s) {
    struct daemon *d = &s->daemon;
    s->board = board_new(&s->metrics);
    tc_err err = start(s);
    if (err != TC_OK)
        DAEMON_ERROR(d->log, "cannot start: address=%s data=\"%s\" archive=\"%s\" err=%s",
                     d->common.rpc_listen.items[0], d->common.data, s->options.archive,
                     tc_err_name(err));
    if (err == TC_OK && (err = daemon_serve(d)) == TC_OK)
        daemon_wait(d);
    daemon_drain(d);
    rpc_server_stop(s->server); /* no method runs any more */
    run_stop(s->run);
    daemon_rpc_stop(&s->rpc);
    return err == TC_OK ? 0 : 1;
}

int main(int argc, char **argv) {
    static struct scrubber s;
    const struct daemon_spec spec = {
        .name = "scrubber",
        .summary = "Compares the copies of every group with each other and with the archive.",
        .example = "--storage 10.0.0.5:7000,10.0.1.5:7000,10.0.2.5:7000 --archive dir:/archive "
                   "--data /var/lib/tercet",
        .options = scrubber_options_table(),
        .options_values = &s.options,
        .metrics = scrubber_metrics_table(),
        .metrics_values = &s.metrics,
        .shared_metrics = daemon_rpc_metrics_table(),
        .shared_metrics_values = &s.rpc.metrics,
        .check = check,
        .status = status,
        .user = &s,
    };
    int code = 0;
    if (!daemon_setup(&s.daemon, &spec, argc, argv, &code))
        return code;
    code = serve(&s);
    int left = daemon_teardown(&s.daemon);
    board_free(s.board); /* the admin thread showed it until now */
    return code != 0 ? code : left;
}
