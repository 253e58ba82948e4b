/* Whoever leads group 1: found by asking, asked until it answers. */
#include "catalog/catalog_private.h"

#include "base/assert.h"
#include "env/posix/posix.h"
#include "rpc/message.h"

#include <pthread.h>
#include <time.h>

enum {
    ATTEMPT_MS = 1000,
    PAUSE_NS = 30 * 1000 * 1000,
};

/* One request that a thread waits for; the reply's bytes are copied out of the callback. */
struct wait {
    pthread_mutex_t lock;
    pthread_cond_t done_cond;
    bool done;
    tc_err err;
    bool from_peer;
    struct tc_buf payload;
};

static void wake(void *user, const struct rpc_reply *reply) {
    struct wait *w = user;
    pthread_mutex_lock(&w->lock);
    w->err = reply->err;
    w->from_peer = reply->from_peer;
    if (reply->from_peer)
        tc_buf_append_slice(&w->payload, reply->payload);
    w->done = true;
    pthread_cond_signal(&w->done_cond);
    pthread_mutex_unlock(&w->lock);
}

static tc_err call(struct rpc_peer *peer, uint32_t kind, const ProtobufCMessage *message,
                   struct tc_buf *ret_payload, bool *ret_from_peer) {
    struct wait w = {.lock = PTHREAD_MUTEX_INITIALIZER, .done_cond = PTHREAD_COND_INITIALIZER};
    *ret_from_peer = false;
    TC_TRY(rpc_peer_request_message(peer, kind, message, ATTEMPT_MS, wake, &w));
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.done_cond, &w.lock);
    pthread_mutex_unlock(&w.lock);
    tc_buf_clear(ret_payload);
    tc_buf_append_slice(ret_payload, tc_buf_slice(&w.payload));
    tc_buf_deinit(&w.payload);
    *ret_from_peer = w.from_peer;
    return w.err;
}

/* Follow what a misdirected request learnt; without it, ask the next node. */
static void redirect(struct catalog *s, const Tercet__Pb__Partition *moved) {
    if (moved && moved->gid == SYSTEM_GID) {
        s->epoch = moved->epoch;
        for (size_t i = 0; i < moved->n_members; i++)
            for (size_t k = 0; k < s->addr_count; k++)
                if (moved->members[i]->rid == moved->leader_rid &&
                    strcmp(moved->members[i]->addr, s->addrs[k]) == 0 && s->leader_index != k) {
                    s->leader_index = k;
                    return;
                }
    }
    TC_ASSERT(s->addr_count > 0); /* the option demands one */
    s->leader_index = (s->leader_index + 1) % s->addr_count;
}

static void pause_briefly(void) {
    struct timespec t = {.tv_nsec = PAUSE_NS};
    nanosleep(&t, NULL);
}

static bool worth_another_try(tc_err err, uint64_t until_ns) {
    enum tc_err_class class = tc_err_class(err);
    return class != TC_CLASS_NONE && posix_mono_ns() < until_ns;
}

static uint64_t deadline_ns(void) {
    return posix_mono_ns() + (uint64_t)CATALOG_DEADLINE_MS * 1000000u;
}

static const Tercet__Pb__Partition *moved_of(const ProtobufCMessage *reply) {
    if (reply && reply->descriptor == &tercet__pb__item_reply__descriptor)
        return ((const Tercet__Pb__ItemReply *)reply)->moved;
    return reply ? ((const Tercet__Pb__RangeReply *)reply)->moved : NULL;
}

tc_err catalog__ask(struct catalog *s, const struct catalog_question *q,
                    ProtobufCMessage **ret_reply) {
    struct tc_buf payload = {0};
    uint64_t until_ns = deadline_ns();
    tc_err err;
    for (;;) {
        bool from_peer;
        *q->epoch = s->epoch;
        err = call(s->peers[s->leader_index], q->kind, q->message, &payload, &from_peer);
        *ret_reply = from_peer
                         ? protobuf_c_message_unpack(q->reply_type, NULL, payload.len, payload.data)
                         : NULL;
        if (err == TC_OK || !worth_another_try(err, until_ns))
            break;
        redirect(s, moved_of(*ret_reply));
        protobuf_c_message_free_unpacked(*ret_reply, NULL);
        pause_briefly();
    }
    tc_buf_deinit(&payload);
    return err;
}
