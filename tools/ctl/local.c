/* `tercet local`: a three-zone cluster on one machine, every daemon its own process. */
#include "ctl.h"
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READY_TIMEOUT_MS = 30000,
    DRAIN_TIMEOUT_MS = 10000,
    STAGES = 3, /* of stopping */
};

static const char help[] =
    "usage: tercet local COMMAND [options]\n"
    "\n"
    "  up [--port N] [--data DIR] [--archive URL] [--nodes-per-zone N] [--fresh]\n"
    "                    start every daemon that is not running and wait until the cluster "
    "answers\n"
    "  down [--data DIR] stop them (leaders hand over first); the data stays\n"
    "  ps [--json]       each daemon with node, zone, pid and ports\n"
    "  start NODE, stop NODE, kill NODE\n"
    "                    one daemon, e.g. storage-b; stop drains it, kill is SIGKILL\n"
    "\n"
    "  --port N          first HTTP port (default 8000; the second router listens on N + 1)\n"
    "  --data DIR        where the cluster lives (default ~/.local/share/tercet)\n"
    "  --archive URL     dir:PATH (default: DIR/archive) or s3://BUCKET/PREFIX?endpoint=URL\n"
    "  --nodes-per-zone N  storage nodes in each of the three zones (default 1, at most 5): "
    "storage-a,\n"
    "                    storage-a2, ... Groups heal by themselves from 2 on. Larger than before: "
    "the\n"
    "                    cluster grows while it runs; who must know the new nodes is restarted\n"
    "  --fresh           delete the cluster's data first\n";

struct local_options {
    const char *data;
    const char *port;
    const char *archive;
    const char *nodes_per_zone;
    const char *node;
    bool fresh;
    bool json;
};

static bool parse(int argc, char **argv, struct local_options *o) {
    for (int i = 0; i < argc; i++) {
        if (ctl_option(argc, argv, &i, "--data", &o->data) ||
            ctl_option(argc, argv, &i, "--port", &o->port) ||
            ctl_option(argc, argv, &i, "--archive", &o->archive) ||
            ctl_option(argc, argv, &i, "--nodes-per-zone", &o->nodes_per_zone))
            continue;
        if (strcmp(argv[i], "--fresh") == 0)
            o->fresh = true;
        else if (strcmp(argv[i], "--json") == 0)
            o->json = true;
        else if (argv[i][0] != '-' && o->node == NULL)
            o->node = argv[i];
        else {
            fprintf(stderr, "tercet local: no option '%s'\n\n%s", argv[i], help);
            return false;
        }
    }
    return true;
}

static bool make_dirs(const char *path) {
    char part[LAYOUT_PATH_BYTES_MAX];
    for (size_t i = 1; path[i - 1] != '\0' && i < sizeof part; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

static bool set_paths(struct layout *l, const struct local_options *o) {
    const char *home = getenv("HOME");
    char data[LAYOUT_PATH_BYTES_MAX];
    if (o->data)
        snprintf(data, sizeof data, "%s", o->data);
    else
        snprintf(data, sizeof data, "%s/.local/share/tercet", home ? home : "/tmp");
    if (!make_dirs(data) || realpath(data, l->data) == NULL) {
        fprintf(stderr, "tercet local: cannot make the folder %s: choose one with --data\n", data);
        return false;
    }
    ssize_t len = readlink("/proc/self/exe", l->bin, sizeof l->bin - 1);
    if (len <= 0)
        return false;
    l->bin[len] = '\0';
    *strrchr(l->bin, '/') = '\0';
    return true;
}

/* A cluster may grow; making it smaller would take the last copies of what its nodes hold. */
static bool set_nodes(struct layout *l, const struct local_options *o) {
    if (o->nodes_per_zone == NULL)
        return true;
    char *end;
    unsigned long count = strtoul(o->nodes_per_zone, &end, 10);
    if (*end || count < 1 || count > LAYOUT_NODES_PER_ZONE_MAX) {
        fprintf(stderr, "tercet local: --nodes-per-zone takes a number from 1 to %d\n",
                LAYOUT_NODES_PER_ZONE_MAX);
        return false;
    }
    if (count < l->nodes_per_zone && !o->fresh) {
        fprintf(stderr,
                "tercet local: this cluster has %u storage nodes per zone and is not made smaller; "
                "empty a node with `tercet drain NODE`, then stop it, or begin anew with --fresh\n",
                l->nodes_per_zone);
        return false;
    }
    l->nodes_per_zone = (uint16_t)count;
    return true;
}

/* The stored layout, or a new one; options given on the command line win. */
static bool load(struct layout *l, const struct local_options *o) {
    if (!set_paths(l, o))
        return false;
    l->port = 8000;
    snprintf(l->archive, sizeof l->archive, "dir:%.*s/archive", LAYOUT_PATH_BYTES_MAX - 16,
             l->data);
    tc_err err = layout_load(l);
    if (o->port)
        l->port = (uint16_t)strtoul(o->port, NULL, 10);
    if (o->archive)
        snprintf(l->archive, sizeof l->archive, "%s", o->archive);
    if (!set_nodes(l, o))
        return false;
    if (err == TC_OK || err == TC_ENOTFOUND)
        err = layout_init(l);
    if (err != TC_OK)
        fprintf(stderr, "tercet local: port %u does not work: choose one from 1024 to 65000\n",
                l->port);
    return err == TC_OK;
}

/* Who asks stops before who answers: a router finishes its requests at once while there is storage,
 * and only after ten seconds of retries when there is none. */
static int stage_of(const struct layout_daemon *d) {
    static const char *const early[] = {"canary", "autoadmin", "scrubber"};
    for (size_t i = 0; i < sizeof early / sizeof early[0]; i++)
        if (strcmp(d->kind, early[i]) == 0)
            return 0;
    return strcmp(d->kind, "router") == 0 ? 1 : STAGES - 1;
}

/* How many are still there at the end. */
static int stop_stage(const struct layout *l, int stage) {
    int left = 0;
    for (size_t i = l->count; i-- > 0;)
        if (stage_of(&l->daemons[i]) == stage)
            TC_IGNORE(process_signal(l, &l->daemons[i], SIGTERM)); /* not running is fine */
    for (size_t i = 0; i < l->count; i++)
        if (stage_of(&l->daemons[i]) == stage &&
            process_wait_gone(l, &l->daemons[i], DRAIN_TIMEOUT_MS) != TC_OK) {
            fprintf(stderr, "tercet local: %s does not stop in time and is killed\n",
                    l->daemons[i].node);
            TC_IGNORE(process_signal(l, &l->daemons[i], SIGKILL)); /* the wait below tells */
            left += process_wait_gone(l, &l->daemons[i], DRAIN_TIMEOUT_MS) != TC_OK;
        }
    return left;
}

static int stop_all(const struct layout *l) {
    int left = 0;
    for (int stage = 0; stage < STAGES; stage++)
        left += stop_stage(l, stage);
    return left == 0 ? 0 : 1;
}

static void remove_tree(const char *path) {
    char command[] = "/bin/rm";
    char flag[] = "-rf";
    char *argv[] = {command, flag, (char *)(uintptr_t)path, NULL};
    extern char **environ;
    pid_t pid = fork();
    if (pid == 0) {
        execve(command, argv, environ);
        _exit(127);
    }
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
}

/* Only what a cluster made is deleted: its daemons' folders, logs and archive. */
static void wipe(const struct layout *l) {
    char path[LAYOUT_PATH_BYTES_MAX + 64];
    static const char *const own[] = {"run", "log", "archive", "cluster.conf"};
    for (size_t i = 0; i < l->count; i++) {
        snprintf(path, sizeof path, "%s/%s", l->data, l->daemons[i].node);
        remove_tree(path);
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", l->data, own[i]);
        remove_tree(path);
    }
}

/* The cluster before may have had more nodes than this one. */
static bool begin_anew(const struct layout *l) {
    struct layout largest = *l;
    largest.nodes_per_zone = LAYOUT_NODES_PER_ZONE_MAX;
    if (layout_init(&largest) != TC_OK || stop_all(&largest) != 0)
        return false;
    wipe(&largest);
    return true;
}

static bool ports_free(const struct layout *l) {
    for (size_t i = 0; i < l->count; i++) {
        const struct layout_daemon *d = &l->daemons[i];
        const uint16_t ports[] = {d->rpc_port, d->admin_port, d->http_port};
        for (int k = 0; k < 3; k++)
            if (ports[k] != 0 && process_find(l, d) == 0 && process_port_taken(ports[k])) {
                fprintf(stderr,
                        "tercet local: port %u (for %s) is taken by another program; choose "
                        "another range with --port\n",
                        ports[k], d->node);
                return false;
            }
    }
    return true;
}

static int start_one(const struct layout *l, const struct layout_daemon *d) {
    if (process_find(l, d) != 0)
        return 0;
    tc_err err = process_start(l, d);
    if (err != TC_OK)
        fprintf(stderr, "tercet local: cannot start %s/tercet-%s: %s\n", l->bin, d->kind,
                tc_err_text(err));
    return err == TC_OK ? 0 : 1;
}

static bool prepare(const struct layout *l) {
    char path[LAYOUT_PATH_BYTES_MAX + 64];
    static const char *const own[] = {"run", "log", "archive"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", l->data, own[i]);
        if (!make_dirs(path))
            return false;
    }
    for (size_t i = 0; i < l->count; i++) {
        snprintf(path, sizeof path, "%s/%s", l->data, l->daemons[i].node);
        if (!make_dirs(path))
            return false;
    }
    return layout_save(l) == TC_OK;
}

static bool wait_ready(const struct layout *l) {
    uint64_t until_ms = process_now_ms() + READY_TIMEOUT_MS;
    for (size_t i = 0; i < l->count;) {
        const struct layout_daemon *d = &l->daemons[i];
        if (strcmp(d->kind, "router") != 0 || process_http_ok(d->admin_port, "/readyz")) {
            i++;
            continue;
        }
        if (process_find(l, d) == 0 || process_now_ms() > until_ms) {
            fprintf(stderr, "tercet local: %s is not ready; its log: %s/log/%s.log\n", d->node,
                    l->data, d->node);
            return false;
        }
        process_sleep_ms(20);
    }
    return true;
}

static void greet(const struct layout *l, uint64_t took_ms) {
    printf("Tercet is up after %llu ms: %zu daemons in three zones, data in %s\n\n",
           (unsigned long long)took_ms, l->count, l->data);
    printf("  endpoint     http://127.0.0.1:%u   (second router: http://127.0.0.1:%u)\n", l->port,
           l->port + 1);
    printf(
        "  access key   tercet\n  secret key   tercet-local-secret\n  region       us-east-1\n\n");
    printf("A first command:\n\n"
           "  export AWS_ACCESS_KEY_ID=tercet AWS_SECRET_ACCESS_KEY=tercet-local-secret "
           "AWS_DEFAULT_REGION=us-east-1\n"
           "  aws dynamodb list-tables --endpoint-url http://127.0.0.1:%u\n\n"
           "Daemons: %s/tercet local ps    Stop: %s/tercet local down\n",
           l->port, l->bin, l->bin);
}

/* The cluster has grown: autoadmin and the scrubber are told of storage nodes by their arguments.
 * Neither is on a request's path. */
static void stop_outdated(const struct layout *l) {
    for (size_t i = 0; i < l->count; i++) {
        const struct layout_daemon *d = &l->daemons[i];
        if (stage_of(d) != 0 || process_find(l, d) == 0 || process_is_current(l, d))
            continue;
        TC_IGNORE(process_signal(l, d, SIGTERM));
        if (process_wait_gone(l, d, DRAIN_TIMEOUT_MS) != TC_OK)
            fprintf(stderr, "tercet local: %s keeps its old arguments until it is restarted\n",
                    d->node);
    }
}

static int up(struct layout *l, const struct local_options *o) {
    uint64_t started_ms = process_now_ms();
    if (o->fresh && !begin_anew(l))
        return 1;
    if (!ports_free(l))
        return 1;
    if (!prepare(l)) {
        fprintf(stderr, "tercet local: cannot write in %s\n", l->data);
        return 1;
    }
    stop_outdated(l);
    for (size_t i = 0; i < l->count; i++)
        if (start_one(l, &l->daemons[i]) != 0)
            return 1;
    if (!wait_ready(l))
        return 1;
    greet(l, process_now_ms() - started_ms);
    return 0;
}

static int ps(const struct layout *l, bool json) {
    int running = 0;
    printf(json ? "[" : "%-12s %-10s %-4s %8s %6s %6s %6s\n", "DAEMON", "NODE", "ZONE", "PID",
           "HTTP", "RPC", "ADMIN");
    for (size_t i = 0; i < l->count; i++) {
        const struct layout_daemon *d = &l->daemons[i];
        pid_t pid = process_find(l, d);
        running += pid != 0;
        if (json)
            printf("%s\n {\"daemon\":\"tercet-%s\",\"node\":\"%s\",\"zone\":\"%c\",\"pid\":%d,"
                   "\"running\":%s,\"http_port\":%u,\"rpc_port\":%u,\"admin_port\":%u,"
                   "\"data\":\"%s/%s\",\"log\":\"%s/log/%s.log\"}",
                   i ? "," : "", d->kind, d->node, d->zone, (int)pid, pid ? "true" : "false",
                   d->http_port, d->rpc_port, d->admin_port, l->data, d->node, l->data, d->node);
        else
            printf("%-12s %-10s %-4c %8d %6u %6u %6u%s\n", d->kind, d->node, d->zone, (int)pid,
                   d->http_port, d->rpc_port, d->admin_port, pid ? "" : "  not running");
    }
    printf(json ? "\n]\n" : "");
    return running == (int)l->count ? 0 : 1;
}

static int one(const struct layout *l, const char *verb, const char *node) {
    const struct layout_daemon *d = node ? layout_find(l, node) : NULL;
    if (d == NULL) {
        fprintf(stderr, "tercet local %s: which node? `tercet local ps` lists them\n", verb);
        return 2;
    }
    if (strcmp(verb, "start") == 0)
        return prepare(l) ? start_one(l, d) : 1;
    tc_err err = process_signal(l, d, strcmp(verb, "kill") == 0 ? SIGKILL : SIGTERM);
    if (err == TC_OK)
        err = process_wait_gone(l, d, DRAIN_TIMEOUT_MS);
    if (err != TC_OK)
        fprintf(stderr, "tercet local %s: %s: %s\n", verb, node, tc_err_text(err));
    return err == TC_OK ? 0 : 1;
}

int ctl_local(int argc, char **argv) {
    if (argc < 1 || ctl_help_asked(argc, argv)) {
        fputs(help, argc < 1 ? stderr : stdout);
        return argc < 1 ? 2 : 0;
    }
    struct local_options o = {0};
    struct layout l = {0};
    if (!parse(argc - 1, argv + 1, &o))
        return 2;
    if (!load(&l, &o))
        return 1;
    if (strcmp(argv[0], "up") == 0)
        return up(&l, &o);
    if (strcmp(argv[0], "down") == 0)
        return stop_all(&l);
    if (strcmp(argv[0], "ps") == 0)
        return ps(&l, o.json);
    if (strcmp(argv[0], "start") == 0 || strcmp(argv[0], "stop") == 0 ||
        strcmp(argv[0], "kill") == 0)
        return one(&l, argv[0], o.node);
    fprintf(stderr, "tercet local: no command '%s'\n\n%s", argv[0], help);
    return 2;
}
