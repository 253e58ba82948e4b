/* What a person with a tool does: calls and records, over rpc, from a fiber of some process. */
#include "sim/suite/errand.h"

#include "base/assert.h"
#include "rpc/unary.h"
#include "sim/suite/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INFO_DEADLINE_MS = 2000,
};

static void *errand_main(void *arg) {
    struct suite_errand *e = arg;
    const struct rpc_config config = {.self = {"sim", "tool", "tool", ""}};
    const char *addrs[SUITE_PROCS_MAX];
    struct rpc *rpc = NULL;
    struct catalog catalog = {0};
    for (uint32_t i = 0; i < e->storage_count; i++)
        addrs[i] = e->addrs[i];
    e->err = rpc_start(&config, &rpc);
    if (e->err == TC_OK)
        e->err = catalog_init(&catalog, rpc, addrs, e->storage_count);
    if (e->err == TC_OK) {
        e->run(e, &catalog);
        catalog_deinit(&catalog);
    }
    rpc_stop(rpc);
    e->done = true;
    return NULL;
}

struct suite_errand *suite_errand_new(struct suite *s, struct suite_proc *host,
                                      void (*run)(struct suite_errand *e, struct catalog *c)) {
    struct suite_errand *e = calloc(1, sizeof *e);
    TC_ASSERT(e != NULL);
    e->suite = s;
    e->run = run;
    for (uint32_t i = 0; i < s->proc_count; i++)
        if (strcmp(s->procs[i].kind, "storage") == 0)
            snprintf(e->addrs[e->storage_count++], sizeof e->addrs[0], "127.0.0.1:%u",
                     WIRE_PORT_BASE + i);
    (void)suite_fiber_new(host, "errand", errand_main, e);
    return e;
}

void suite_errand_ask(struct suite_errand *e, struct catalog *c) {
    for (uint32_t i = 0; i < e->storage_count; i++) {
        struct tc_buf reply = {0};
        tc_err err = rpc_unary_wait(c->rpc, e->addrs[i], "/tercet.Storage/NodeInfo", TC_SLICE_EMPTY,
                                    INFO_DEADLINE_MS, &reply);
        e->infos[i] =
            err == TC_OK ? tercet__pb__node_info_reply__unpack(NULL, reply.len, reply.data) : NULL;
        tc_buf_deinit(&reply);
    }
}

void suite_errand_free(struct suite_errand *e) {
    for (uint32_t i = 0; i < e->storage_count; i++)
        if (e->infos[i])
            tercet__pb__node_info_reply__free_unpacked(e->infos[i], NULL);
    free(e);
}
