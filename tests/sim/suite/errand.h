/* errand: something that is asked of the cluster over rpc while the simulation goes on, as the
 * operator's tool would. */
#ifndef TC_SIM_SUITE_ERRAND_H
#define TC_SIM_SUITE_ERRAND_H

#include "catalog/catalog.h"
#include "proto/storage.pb-c.h"
#include "sim/suite/suite.h"

enum {
    SUITE_FIRST_TABLE_ID = 100, /* below are the system's */
};

struct suite_errand {
    struct suite *suite;
    void (*run)(struct suite_errand *e, struct catalog *c); /* on the fiber; may block */
    uint32_t storage_count;
    char addrs[SUITE_PROCS_MAX][32];
    Tercet__Pb__NodeInfoReply *infos[SUITE_PROCS_MAX]; /* after suite_errand_ask; NULL: silent */
    bool done;                                         /* if the host dies it never is */
    tc_err err;
    char text[SUITE_FAILURE_BYTES]; /* what run found out */
};

/* Begin it on a fiber of host, which is alive. */
struct suite_errand *suite_errand_new(struct suite *s, struct suite_proc *host,
                                      void (*run)(struct suite_errand *e, struct catalog *c));
/* From run: NodeInfo of every storage node. */
void suite_errand_ask(struct suite_errand *e, struct catalog *c);
/* Once it is done. */
void suite_errand_free(struct suite_errand *e);

#endif
