#include "scrubber/shell_progress.h"

#include "proto/bytes.h"
#include "proto/scrubber.pb-c.h"

void progress_init(struct progress *p) {
    *p = (struct progress){.running = false};
    pthread_mutex_init(&p->lock, NULL);
}

void progress_deinit(struct progress *p) {
    tc_buf_deinit(&p->waits_for);
    pthread_mutex_destroy(&p->lock);
}

void progress_begin(struct progress *p, bool demanded, uint64_t total) {
    pthread_mutex_lock(&p->lock);
    p->running = true;
    p->demanded = demanded;
    p->total = total;
    p->done = p->gid = 0;
    tc_buf_clear(&p->waits_for);
    pthread_mutex_unlock(&p->lock);
}

void progress_end(struct progress *p) {
    pthread_mutex_lock(&p->lock);
    p->running = false;
    pthread_mutex_unlock(&p->lock);
}

void progress_more(struct progress *p, uint64_t count) {
    pthread_mutex_lock(&p->lock);
    p->total += count;
    pthread_mutex_unlock(&p->lock);
}

void progress_next(struct progress *p, uint64_t gid) {
    pthread_mutex_lock(&p->lock);
    p->done += p->gid != 0;
    p->gid = gid;
    pthread_mutex_unlock(&p->lock);
}

void progress_waits(struct progress *p, const char *what, uint32_t max_ms, uint64_t now_ns) {
    pthread_mutex_lock(&p->lock);
    tc_buf_clear(&p->waits_for);
    tc_buf_append_str(&p->waits_for, what);
    p->wait_ns = now_ns;
    p->wait_max_ms = max_ms;
    pthread_mutex_unlock(&p->lock);
}

void progress_pack(struct progress *p, uint64_t now_ns, struct tc_buf *ret_reply) {
    Tercet__Pb__ScrubProgressReply reply = TERCET__PB__SCRUB_PROGRESS_REPLY__INIT;
    pthread_mutex_lock(&p->lock);
    reply.running = p->running;
    reply.demanded = p->demanded;
    reply.done = p->done;
    reply.total = p->total;
    reply.gid = p->gid;
    tc_buf_append_u8(&p->waits_for, 0);
    p->waits_for.len--;
    reply.waits_for = (char *)p->waits_for.data;
    if (p->waits_for.len > 0) {
        reply.waited_ms = now_ns > p->wait_ns ? (now_ns - p->wait_ns) / 1000000 : 0;
        reply.wait_max_ms = p->wait_max_ms;
    }
    proto_append(ret_reply, &reply.base);
    pthread_mutex_unlock(&p->lock);
}
