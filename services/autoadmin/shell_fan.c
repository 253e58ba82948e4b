#include "shell_fan.h"

#include "rpc/unary.h"

#include <pthread.h>

struct fan {
    pthread_mutex_t lock;
    pthread_cond_t done_cond;
    size_t pending;
};

struct slot {
    struct fan *fan;
    struct shell_fan_answer *ret_answer;
};

static void arrived(void *user, const struct rpc_reply *reply) {
    struct slot *slot = user;
    pthread_mutex_lock(&slot->fan->lock);
    slot->ret_answer->err = reply->err;
    if (reply->from_peer)
        tc_buf_append_slice(&slot->ret_answer->payload, reply->payload);
    slot->fan->pending--;
    pthread_cond_signal(&slot->fan->done_cond);
    pthread_mutex_unlock(&slot->fan->lock);
}

static void ask(struct fan *fan, struct slot *slot, const struct catalog *c, size_t i,
                const char *method, struct tc_slice payload, uint32_t deadline_ms) {
    pthread_mutex_lock(&fan->lock);
    fan->pending++;
    pthread_mutex_unlock(&fan->lock);
    tc_err err = rpc_unary(c->rpc, c->addrs[i], method, payload, deadline_ms, arrived, slot);
    if (err == TC_OK)
        return;
    pthread_mutex_lock(&fan->lock);
    slot->ret_answer->err = err;
    fan->pending--;
    pthread_mutex_unlock(&fan->lock);
}

void shell_fan(const struct catalog *c, const bool *to, const char *method, struct tc_slice payload,
               uint32_t deadline_ms, struct shell_fan_answer *ret_answers) {
    struct fan fan = {.lock = PTHREAD_MUTEX_INITIALIZER, .done_cond = PTHREAD_COND_INITIALIZER};
    struct slot slots[CATALOG_ADDRS_MAX];
    for (size_t i = 0; i < c->addr_count; i++) {
        slots[i] = (struct slot){&fan, &ret_answers[i]};
        if (to == NULL || to[i])
            ask(&fan, &slots[i], c, i, method, payload, deadline_ms);
    }
    pthread_mutex_lock(&fan.lock);
    while (fan.pending > 0)
        pthread_cond_wait(&fan.done_cond, &fan.lock);
    pthread_mutex_unlock(&fan.lock);
}
