/* What the store wants done: answers, messages, pushes, and work for the other threads. */
#include "base/assert.h"
#include "shell.h"

#include <stdlib.h>

uint64_t shell_pending_new(struct shell *s, struct rpc_conn *conn, const struct shell_work *work,
                           struct rpc_call *call) {
    struct shell_pending *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->conn = conn ? rpc_conn_ref(conn) : NULL;
    p->id = work ? work->id : 0;
    p->kind = work ? work->kind : 0;
    p->call = call;
    tc_list_push_back(&s->pendings, &p->link);
    return (uint64_t)(uintptr_t)p;
}

void shell_pending_answer(struct shell *s, uint64_t token, tc_err err, struct tc_slice payload) {
    struct shell_pending *p = (struct shell_pending *)(uintptr_t)token;
    (void)s;
    if (p->call)
        rpc_call_reply(p->call, err, payload);
    else
        rpc_conn_reply(p->conn, p->id, p->kind, err, payload);
    tc_list_remove(&p->link);
    if (p->conn)
        rpc_conn_unref(p->conn);
    free(p);
}

/* At the end: whoever still waits hears that the outcome is not known. */
void shell_pendings_drop(struct shell *s) {
    while (!tc_list_empty(&s->pendings)) {
        struct shell_pending *p = TC_CONTAINER(s->pendings.next, struct shell_pending, link);
        shell_pending_answer(s, (uint64_t)(uintptr_t)p, TC_EUNKNOWN, TC_SLICE_EMPTY);
    }
}

static void perform(struct shell *s, const struct store_effect *e) {
    switch (e->type) {
    case STORE_REPLY:
        shell_pending_answer(s, e->token, e->err, tc_buf_slice(&e->payload));
        break;
    case STORE_SEND:
    case STORE_SEND_CHUNK:
    case STORE_SEND_BEAT:
    case STORE_SEND_BEAT_ACK:
        shell_peer_send(s, e);
        break;
    case STORE_PUSH:
        shell_memds_send(s, e);
        break;
    case STORE_INDEX:
        shell_index_send(s, e);
        break;
    case STORE_CALL:
        shell_call(s, e);
        break;
    }
}

static void hand_out_batch(struct shell *s) {
    if (s->batch_out || s->resting)
        return;
    struct store_batch *batch = store_batch_take(s->store);
    if (batch == NULL)
        return;
    s->batch_out = true;
    tc_err err = daemon_worker_post_reserved(s->wal, batch);
    TC_ASSERT(err == TC_OK);
}

static void hand_out_jobs(struct shell *s) {
    while (!s->resting && s->jobs_out < SHELL_RESERVE / 2) {
        struct store_job *job = store_job_take(s->store);
        if (job == NULL)
            return;
        s->jobs_out++;
        tc_err err = daemon_worker_post_reserved(s->disk, job);
        TC_ASSERT(err == TC_OK);
    }
}

void shell_effects(struct shell *s) {
    struct store_effect *e;
    hand_out_batch(s);
    while ((e = store_effect_next(s->store)) != NULL) {
        perform(s, e);
        store_effect_free(e);
    }
    hand_out_jobs(s);
}
