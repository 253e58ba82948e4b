#include "cluster.h"

#include "ctl.h"
#include "rpc/unary.h"

#include <stdio.h>
#include <stdlib.h>

const char cluster_help[] =
    "  --data DIR        the local cluster there (default ~/.local/share/tercet)\n"
    "  --storage LIST    instead: storage nodes' RPC addresses, HOST:PORT,...\n"
    "  --scrubber ADDR   instead: the scrubber's RPC address\n"
    "  --cluster NAME    the cluster's name (default local)\n"
    "  --tls-cert FILE --tls-key FILE --tls-ca FILE   when daemons speak TLS\n"
    "  --json            for programs\n";

struct cluster_options {
    const char *data;
    const char *storage;
    const char *scrubber;
    const char *name;
    struct rpc_tls tls;
};

static void add_list(struct cluster *c, const char *list) {
    while (*list && c->storage_count < CLUSTER_NODES_MAX) {
        size_t len = strcspn(list, ",");
        snprintf(c->storage[c->storage_count++], CLUSTER_ADDR_BYTES_MAX, "%.*s", (int)len, list);
        list += len + (list[len] == ',');
    }
}

/* Addresses of the local cluster, from its stored layout. */
static bool add_local(struct cluster *c, const char *data) {
    struct layout l = {0};
    const char *home = getenv("HOME");
    if (data)
        snprintf(l.data, sizeof l.data, "%s", data);
    else
        snprintf(l.data, sizeof l.data, "%s/.local/share/tercet", home ? home : "/tmp");
    if (layout_load(&l) != TC_OK) {
        fprintf(
            stderr,
            "tercet: no local cluster in %s; start one with `tercet local up`, or name the nodes "
            "with --storage\n",
            l.data);
        return false;
    }
    for (size_t i = 0; i < l.count; i++) {
        const struct layout_daemon *d = &l.daemons[i];
        char *to = NULL;
        if (strcmp(d->kind, "storage") == 0 && c->storage_count < CLUSTER_NODES_MAX)
            to = c->storage[c->storage_count++];
        else if (strcmp(d->kind, "scrubber") == 0)
            to = c->scrubber;
        if (to)
            snprintf(to, CLUSTER_ADDR_BYTES_MAX, "127.0.0.1:%u", d->rpc_port);
    }
    return true;
}

static bool take_option(struct cluster *c, struct cluster_options *o, int argc, char **argv,
                        int *i) {
    if (strcmp(argv[*i], "--json") == 0)
        return c->json = true;
    return ctl_option(argc, argv, i, "--data", &o->data) ||
           ctl_option(argc, argv, i, "--storage", &o->storage) ||
           ctl_option(argc, argv, i, "--scrubber", &o->scrubber) ||
           ctl_option(argc, argv, i, "--cluster", &o->name) ||
           ctl_option(argc, argv, i, "--tls-cert", &o->tls.cert_path) ||
           ctl_option(argc, argv, i, "--tls-key", &o->tls.key_path) ||
           ctl_option(argc, argv, i, "--tls-ca", &o->tls.ca_path);
}

bool cluster_open(struct cluster *c, int *argc, char **argv) {
    *c = (struct cluster){0};
    struct cluster_options o = {.name = "local"};
    int kept = 0;
    for (int i = 0; i < *argc; i++)
        if (!take_option(c, &o, *argc, argv, &i))
            argv[kept++] = argv[i];
    *argc = kept;
    if (o.storage)
        add_list(c, o.storage);
    if (o.scrubber)
        snprintf(c->scrubber, sizeof c->scrubber, "%s", o.scrubber);
    if (!o.storage && !o.scrubber && !add_local(c, o.data))
        return false;
    struct rpc_config config = {.self = {o.name, "tercet", "tercet-tool", ""}, .tls = o.tls};
    tc_err err = rpc_start(&config, &c->rpc);
    if (err != TC_OK)
        fprintf(stderr, "tercet: cannot start RPC: %s; check the --tls files\n", tc_err_text(err));
    return err == TC_OK;
}

size_t cluster_ask(struct cluster *c) {
    size_t answered = 0;
    for (size_t i = 0; i < c->storage_count; i++) {
        struct tc_buf answer = {0};
        if (c->reports[i])
            tercet__pb__node_info_reply__free_unpacked(c->reports[i], NULL);
        c->reports[i] = NULL;
        tc_err err = rpc_unary_wait(c->rpc, c->storage[i], "/tercet.Storage/NodeInfo",
                                    TC_SLICE_EMPTY, CLUSTER_DEADLINE_MS, &answer);
        if (err == TC_OK)
            c->reports[i] = tercet__pb__node_info_reply__unpack(NULL, answer.len, answer.data);
        answered += c->reports[i] != NULL;
        tc_buf_deinit(&answer);
    }
    return answered;
}

void cluster_close(struct cluster *c) {
    for (size_t i = 0; i < CLUSTER_NODES_MAX; i++)
        if (c->reports[i])
            tercet__pb__node_info_reply__free_unpacked(c->reports[i], NULL);
    rpc_stop(c->rpc);
}
