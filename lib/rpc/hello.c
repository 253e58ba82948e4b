#include "rpc/rpc_private.h"

#include "proto/common.pb-c.h"

#include <stdio.h>

/* Generated code takes char *; it never writes through it. */
static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

void rpc__hello_encode(const struct rpc_identity *self, struct tc_buf *ret_batch) {
    Tercet__Pb__Hello hello = TERCET__PB__HELLO__INIT;
    hello.protocol_version = RPC_PROTOCOL_VERSION;
    hello.cluster = text(self->cluster);
    hello.daemon = text(self->daemon);
    hello.node = text(self->node);
    hello.zone = text(self->zone);
    struct rpc_frame head = {.kind = TERCET__PB__FRAME_KIND__FRAME_HELLO};
    struct rpc__payload p = rpc__payload_message(&hello.base);
    rpc__batch_append(ret_batch, &head, &p);
}

static tc_err take(const char *from, char *to) {
    size_t len = strlen(from);
    if (len >= RPC_NAME_BYTES_MAX)
        return TC_ELIMIT;
    memcpy(to, from, len + 1);
    for (size_t i = 0; i < len; i++) /* it goes to logs */
        if (to[i] <= ' ' || to[i] == '"' || to[i] == 0x7f)
            to[i] = '?';
    return TC_OK;
}

static tc_err take_all(const Tercet__Pb__Hello *m, struct rpc__hello *h) {
    TC_TRY(take(m->cluster, h->cluster));
    TC_TRY(take(m->daemon, h->daemon));
    TC_TRY(take(m->node, h->node));
    return take(m->zone, h->zone);
}

static tc_err compare(const struct rpc *rpc, uint32_t version, const struct rpc__hello *h,
                      char *problem, size_t problem_bytes) {
    if (version != RPC_PROTOCOL_VERSION) {
        snprintf(problem, problem_bytes, "protocol version %u, expected %d", version,
                 RPC_PROTOCOL_VERSION);
        return TC_EUNSUPPORTED;
    }
    if (strcmp(h->cluster, rpc->cluster) != 0) {
        snprintf(problem, problem_bytes, "cluster '%.40s', expected '%.40s'", h->cluster,
                 rpc->cluster);
        return TC_EAUTH;
    }
    return TC_OK;
}

tc_err rpc__hello_check(const struct rpc *rpc, const struct rpc_frames *frames,
                        struct rpc__hello *ret_hello, char *problem, size_t problem_bytes) {
    snprintf(problem, problem_bytes, "first message is no Hello");
    if (frames->count < 1 || frames->frames[0].kind != TERCET__PB__FRAME_KIND__FRAME_HELLO)
        return TC_ECORRUPT;
    struct tc_slice payload = frames->frames[0].payload;
    if (payload.len > 4096)
        return TC_ECORRUPT;
    Tercet__Pb__Hello *m = tercet__pb__hello__unpack(NULL, payload.len, payload.data);
    if (m == NULL)
        return TC_ECORRUPT;
    struct rpc__hello h = {0};
    tc_err err = take_all(m, &h);
    if (err == TC_OK)
        err = compare(rpc, m->protocol_version, &h, problem, problem_bytes);
    tercet__pb__hello__free_unpacked(m, NULL);
    if (err == TC_OK) {
        problem[0] = '\0';
        *ret_hello = h;
    }
    return err;
}
