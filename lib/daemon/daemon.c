#include "daemon/daemon.h"

#include "base/assert.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#ifndef TERCET_VERSION
#define TERCET_VERSION "0.1.0"
#endif

static const char *const verbs[] = {
    "--help", "-h", "--version", "--check-config", "--list-options", "--list-metrics", NULL};

static const char *find_verb(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        for (const char *const *v = verbs; *v; v++)
            if (strcmp(argv[i], *v) == 0)
                return *v;
    return NULL;
}

static void print_out(struct tc_buf *text) {
    fwrite(text->data, 1, text->len, stdout);
    tc_buf_deinit(text);
}

static void help(const struct daemon *d) {
    struct tc_buf text = {0};
    tc_buf_printf(&text, "tercet-%s: %s\n\nusage: tercet-%s [options]\n", d->spec.name,
                  d->spec.summary, d->spec.name);
    if (d->spec.example)
        tc_buf_printf(&text, "   e.g. tercet-%s %s\n", d->spec.name, d->spec.example);
    tc_buf_append_str(&text, "\nEach option may stand on the command line (--rpc-listen ADDR), in "
                             "the environment\n(TERCET_RPC_LISTEN=ADDR) or in the file of --config "
                             "(rpc-listen = ADDR); the first found wins.\n\n");
    daemon_options_help(&d->options, &text);
    tc_buf_append_str(
        &text, "Instead of running:\n"
               "  --check-config    check all options, say what is wrong, exit 0 or 2\n"
               "  --list-options    the table above, tab separated\n"
               "  --list-metrics    every metric with unit, labels and meaning\n"
               "  --version, --help\n"
               "\nSignals: SIGTERM, SIGINT drain and stop; SIGHUP reloads what can change.\n");
    print_out(&text);
}

static void add_metrics(const struct daemon *d, struct daemon_metrics *m) {
    daemon_metrics_add(m, d->spec.metrics, d->spec.metrics_values);
    daemon_metrics_add(m, d->spec.shared_metrics, d->spec.shared_metrics_values);
}

static void list_metrics(const struct daemon *d) {
    struct daemon_metrics *m = daemon_metrics_new();
    struct tc_buf text = {0};
    add_metrics(d, m);
    daemon_metrics_list(m, &text);
    print_out(&text);
    daemon_metrics_free(m);
}

/* What needs no valid options. */
static bool serve_verb(const struct daemon *d, const char *verb) {
    struct tc_buf text = {0};
    if (strcmp(verb, "--check-config") == 0)
        return false;
    if (strcmp(verb, "--version") == 0)
        printf("tercet-%s %s\n", d->spec.name, TERCET_VERSION);
    else if (strcmp(verb, "--list-options") == 0) {
        daemon_options_list(&d->options, &text);
        print_out(&text);
    } else if (strcmp(verb, "--list-metrics") == 0)
        list_metrics(d);
    else
        help(d);
    return true;
}

static tc_err check_common(struct daemon *d) {
    struct tc_buf *problem = &d->options.problem;
    enum daemon_log_level level;
    const struct daemon_tls_options *tls = &d->tls;
    if (daemon_log_parse_level(d->common.log_level, &level) != TC_OK) {
        tc_buf_append_str(problem, "--log-level must be error, warn, info or debug");
        return TC_EINVAL;
    }
    if (strcmp(d->common.log_format, "logfmt") != 0 && strcmp(d->common.log_format, "json") != 0) {
        tc_buf_append_str(problem, "--log-format must be logfmt or json");
        return TC_EINVAL;
    }
    int given = (tls->tls_cert[0] != 0) + (tls->tls_key[0] != 0) + (tls->tls_ca[0] != 0);
    if (given != 0 && given != 3) {
        tc_buf_append_str(problem, "--tls-cert, --tls-key and --tls-ca: give all three or none");
        return TC_EINVAL;
    }
    return TC_OK;
}

static tc_err parse(struct daemon *d, int argc, char **argv) {
    extern char **environ;
    TC_TRY(daemon_options_parse(&d->options, argc, argv, environ, verbs));
    TC_TRY(check_common(d));
    if (d->common.node[0] != '\0')
        snprintf(d->node, sizeof d->node, "%s", d->common.node);
    else
        snprintf(d->node, sizeof d->node, "%s-%s", d->spec.name, d->common.zone);
    return d->spec.check ? d->spec.check(d->spec.user, &d->options.problem) : TC_OK;
}

/* Blocked before any thread exists, so that only daemon_wait sees them. */
static void block_signals(sigset_t *ret_set) {
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, ret_set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void set_up_parts(struct daemon *d) {
    sigset_t set;
    enum daemon_log_level level = DAEMON_LOG_INFO;
    block_signals(&set);
    TC_IGNORE(daemon_log_parse_level(d->common.log_level, &level)); /* was checked */
    d->log = daemon_log_new(2, strcmp(d->common.log_format, "json") == 0, level);
    d->metrics = daemon_metrics_new();
    add_metrics(d, d->metrics);
    d->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    TC_ASSERT(d->wake_fd >= 0);
}

bool daemon_setup(struct daemon *d, const struct daemon_spec *spec, int argc, char **argv,
                  int *ret_code) {
    *d = (struct daemon){.spec = *spec, .wake_fd = -1};
    daemon_options_add(&d->options, spec->options, spec->options_values);
    daemon_options_add(&d->options, daemon_common_options_table(), &d->common);
    daemon_options_add(&d->options, daemon_tls_options_table(), &d->tls);
    const char *verb = find_verb(argc, argv);
    *ret_code = 0;
    if (verb && serve_verb(d, verb)) {
        daemon_options_deinit(&d->options);
        return false;
    }
    tc_err err = parse(d, argc, argv);
    if (err != TC_OK) {
        fprintf(stderr, "tercet-%s: %.*s\n", spec->name,
                TC_SLICE_ARGS(tc_buf_slice(&d->options.problem)));
        *ret_code = 2;
    } else if (verb) {
        printf("tercet-%s: the configuration is fine\n", spec->name);
    }
    if (err != TC_OK || verb) {
        daemon_options_deinit(&d->options);
        return false;
    }
    set_up_parts(d);
    return true;
}

static bool is_ready(void *user, struct tc_buf *ret_why) {
    struct daemon *d = user;
    if (__atomic_load_n(&d->draining, __ATOMIC_RELAXED)) {
        tc_buf_append_str(ret_why, "draining");
        return false;
    }
    return d->spec.ready == NULL || d->spec.ready(d->spec.user, ret_why);
}

static void tell_status(void *user, struct tc_buf *ret_json) {
    struct daemon *d = user;
    if (d->spec.status)
        d->spec.status(d->spec.user, ret_json);
}

tc_err daemon_serve(struct daemon *d) {
    struct daemon_admin_config c = {.listen = d->common.admin_listen.items[0],
                                    .metrics = d->metrics,
                                    .log = d->log,
                                    .ready = is_ready,
                                    .status = tell_status,
                                    .user = d};
    tc_err err = daemon_admin_start(&c, &d->admin);
    if (err != TC_OK) {
        DAEMON_ERROR(d->log, "cannot serve the admin endpoint: address=%s err=%s", c.listen,
                     tc_err_name(err));
        return err;
    }
    DAEMON_INFO(d->log, "started: daemon=%s node=%s zone=%s cluster=%s admin_port=%u version=%s",
                d->spec.name, d->node, d->common.zone, d->common.cluster,
                daemon_admin_port(d->admin), TERCET_VERSION);
    daemon_notify("READY=1");
    return TC_OK;
}

/* True: stop. */
static bool take_signal(struct daemon *d, int fd) {
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != sizeof info)
        return false;
    if (info.ssi_signo != SIGHUP) {
        DAEMON_INFO(d->log, "stopping: signal=%u", info.ssi_signo);
        return true;
    }
    DAEMON_INFO(d->log, "reloading");
    if (d->spec.reload)
        d->spec.reload(d->spec.user);
    return false;
}

void daemon_wait(struct daemon *d) {
    sigset_t set;
    block_signals(&set);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    TC_ASSERT(fd >= 0);
    struct pollfd polls[] = {{.fd = fd, .events = POLLIN}, {.fd = d->wake_fd, .events = POLLIN}};
    for (bool stop = false; !stop;) {
        if (poll(polls, 2, -1) < 0 && errno != EINTR)
            break;
        stop = polls[1].revents != 0 || (polls[0].revents != 0 && take_signal(d, fd));
    }
    close(fd);
}

void daemon_request_stop(struct daemon *d) {
    uint64_t one = 1;
    ssize_t n = write(d->wake_fd, &one, sizeof one);
    (void)n; /* already requested */
}

void daemon_drain(struct daemon *d) {
    __atomic_store_n(&d->draining, 1, __ATOMIC_RELAXED);
    daemon_notify("STOPPING=1");
}

void daemon_serve_end(struct daemon *d) {
    daemon_admin_stop(d->admin);
    d->admin = NULL;
}

int daemon_teardown(struct daemon *d) {
    daemon_serve_end(d);
    DAEMON_INFO(d->log, "stopped");
    daemon_metrics_free(d->metrics);
    daemon_log_free(d->log);
    daemon_options_deinit(&d->options);
    if (d->wake_fd >= 0)
        close(d->wake_fd);
    *d = (struct daemon){.wake_fd = -1};
    return 0;
}
