#include "archiver/options.h"
#include "archiver/shell_offers.h"
#include "daemon/daemon.h"
#include "daemon/rpc/daemon_rpc.h"
#include "engine/archive/url.h"
#include "env/posix/posix.h"

#include <stdlib.h>

struct archiver {
    struct daemon daemon;
    struct archiver_options options;
    struct archiver_metrics metrics;
    struct posix_fs fs;
    struct posix_clock clock;
    struct objstore *store;
    struct offers offers;
    struct daemon_rpc rpc;
    struct rpc_server *server;
};

static void status(void *user, struct tc_buf *ret_json) {
    struct archiver *a = user;
    offers_status(&a->offers, ret_json);
}

static bool ready(void *user, struct tc_buf *ret_why) {
    struct archiver *a = user;
    return offers_ready(&a->offers, ret_why);
}

static tc_err check(void *user, struct tc_buf *ret_problem) {
    struct archiver *a = user;
    if (a->options.archive[0])
        return TC_OK;
    tc_buf_append_str(ret_problem, "--archive must be dir:PATH or s3://BUCKET/PREFIX?endpoint=URL");
    return TC_EINVAL;
}

static void ignore(void *user, const char *key, uint64_t size_bytes) {
    (void)user, (void)key, (void)size_bytes;
}

/* One look at the store now tells a wrong secret at the start and not at the first segment. A store
 * that is down only warns: what waits is offered again when it is back. */
static tc_err open_store(struct archiver *a) {
    struct daemon *d = &a->daemon;
    struct archive_url_env env = {
        .fs = &a->fs.fs,
        .clock = &a->clock.clock,
        .key_id = getenv("TERCET_S3_KEY_ID"),
        .secret = getenv("TERCET_S3_SECRET"),
        .seed = tc_clock_mono_ns(&a->clock.clock),
    };
    bool more = false;
    tc_err err = archive_url_open(a->options.archive, &env, &a->store);
    if (err != TC_OK) {
        DAEMON_ERROR(
            d->log, "cannot use the archive: url=%s err=%s help=\"%s\"", a->options.archive,
            tc_err_name(err),
            "dir:PATH, or s3://BUCKET?endpoint=URL with TERCET_S3_KEY_ID and TERCET_S3_SECRET");
        return err;
    }
    err = objstore_list(a->store, "groups/", NULL, ignore, NULL, &more);
    if (err == TC_EAUTH)
        DAEMON_ERROR(d->log, "the archive refuses the key: url=%s", a->options.archive);
    else if (err != TC_OK)
        DAEMON_WARN(d->log, "the archive does not answer yet: url=%s err=%s", a->options.archive,
                    tc_err_name(err));
    return err == TC_EAUTH ? err : TC_OK;
}

static tc_err start(struct archiver *a) {
    struct daemon *d = &a->daemon;
    struct offers_config offers = {.store = a->store,
                                   .compress = a->options.compress,
                                   .queue_max_bytes = a->options.queue_bytes,
                                   .log = d->log,
                                   .metrics = &a->metrics};
    struct rpc_server_config listen = {
        .listen = d->common.rpc_listen.items[0], .on_frames = offers_frames, .user = &a->offers};
    tc_err err = offers_start(&a->offers, &offers);
    if (err == TC_OK)
        err = daemon_rpc_start(&a->rpc, d);
    if (err == TC_OK)
        err = rpc_server_start(a->rpc.rpc, &listen, &a->server);
    if (err != TC_OK)
        DAEMON_ERROR(d->log, "cannot listen: address=%s err=%s", listen.listen, tc_err_name(err));
    return err;
}

static tc_err run(struct archiver *a) {
    TC_TRY(open_store(a));
    TC_TRY(start(a));
    DAEMON_INFO(a->daemon.log, "serving: port=%u archive=%s", rpc_server_port(a->server),
                a->options.archive);
    TC_TRY(daemon_serve(&a->daemon));
    daemon_wait(&a->daemon);
    daemon_drain(&a->daemon);
    return TC_OK;
}

/* The admin endpoint ends before what its callbacks look at, the server before the worker that its
 * last callbacks post to. */
static int teardown(struct archiver *a) {
    daemon_admin_stop(a->daemon.admin);
    a->daemon.admin = NULL;
    rpc_server_stop(a->server);
    offers_stop(&a->offers);
    daemon_rpc_stop(&a->rpc);
    objstore_free(a->store);
    return daemon_teardown(&a->daemon);
}

int main(int argc, char **argv) {
    static struct archiver a;
    struct daemon_spec spec = {
        .name = "archiver",
        .summary = "Keeps every table's log in an object store and compares the replicas' logs.",
        .example = "--rpc-listen 10.0.0.6:7300 --archive dir:/srv/tercet-archive",
        .options = archiver_options_table(),
        .options_values = &a.options,
        .metrics = archiver_metrics_table(),
        .metrics_values = &a.metrics,
        .shared_metrics = daemon_rpc_metrics_table(),
        .shared_metrics_values = &a.rpc.metrics,
        .check = check,
        .ready = ready,
        .status = status,
        .user = &a,
    };
    int code = 0;
    if (!daemon_setup(&a.daemon, &spec, argc, argv, &code))
        return code;
    posix_fs_init(&a.fs);
    posix_clock_init(&a.clock);
    tc_err err = run(&a);
    code = teardown(&a);
    return err == TC_OK ? code : 1;
}
