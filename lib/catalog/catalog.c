#include "catalog/catalog.h"

#include "base/assert.h"
#include "base/reader.h"
#include "core/item/item.h"
#include "proto/storage.pb-c.h"
#include "rpc/message.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
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

tc_err catalog_init(struct catalog *s, struct rpc *rpc, const char *const *addrs,
                    size_t addr_count) {
    *s = (struct catalog){.rpc = rpc, .addrs = addrs, .addr_count = addr_count, .epoch = 1};
    if (addr_count == 0 || addr_count > CATALOG_ADDRS_MAX)
        return TC_EINVAL;
    for (size_t i = 0; i < addr_count; i++) {
        struct rpc_peer_config config = {.target = addrs[i]};
        tc_err err = rpc_peer_open(rpc, &config, &s->peers[i]);
        if (err != TC_OK) {
            catalog_deinit(s);
            return err;
        }
    }
    return TC_OK;
}

void catalog_deinit(struct catalog *s) {
    for (size_t i = 0; i < CATALOG_ADDRS_MAX; i++)
        rpc_peer_close(s->peers[i]);
    *s = (struct catalog){0};
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

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool worth_another_try(tc_err err, uint64_t until_ns) {
    enum tc_err_class class = tc_err_class(err);
    return class != TC_CLASS_NONE && now_ns() < until_ns;
}

static uint64_t deadline_ns(void) {
    return now_ns() + (uint64_t)CATALOG_DEADLINE_MS * 1000000u;
}

static tc_err item_request(struct catalog *s, Tercet__Pb__ItemRequest *request) {
    uint8_t id[16];
    if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id)
        return TC_EIO;
    request->request_id = (ProtobufCBinaryData){sizeof id, id};
    request->gid = SYSTEM_GID;
    struct tc_buf payload = {0};
    uint64_t until_ns = deadline_ns();
    tc_err err;
    for (;;) {
        bool from_peer;
        request->epoch = s->epoch;
        err = call(s->peers[s->leader_index], TERCET__PB__FRAME_KIND__FRAME_ITEM, &request->base,
                   &payload, &from_peer);
        if (err == TC_OK || !worth_another_try(err, until_ns))
            break;
        Tercet__Pb__ItemReply *reply =
            from_peer ? tercet__pb__item_reply__unpack(NULL, payload.len, payload.data) : NULL;
        redirect(s, reply ? reply->moved : NULL);
        if (reply)
            tercet__pb__item_reply__free_unpacked(reply, NULL);
        pause_briefly();
    }
    request->request_id = (ProtobufCBinaryData){0};
    tc_buf_deinit(&payload);
    return err == TC_ECONDITION ? TC_ESTALE : err;
}

tc_err catalog_write(struct catalog *s, const struct system_record *r, uint64_t expected) {
    char kind[32];
    TC_ASSERT(r->kind.len < sizeof kind && r->version > expected);
    memcpy(kind, r->kind.data, r->kind.len);
    kind[r->kind.len] = '\0';
    struct tc_buf key = {0}, item = {0}, condition = {0};
    system_key(&key, kind, r->name);
    system_item(&item, r);
    system_condition(&condition, expected);
    Tercet__Pb__ItemRequest request = TERCET__PB__ITEM_REQUEST__INIT;
    request.op = TERCET__PB__ITEM_OP__ITEM_PUT;
    request.key = (ProtobufCBinaryData){key.len, key.data};
    request.item = (ProtobufCBinaryData){item.len, item.data};
    request.condition = (ProtobufCBinaryData){condition.len, condition.data};
    tc_err err = item_request(s, &request);
    tc_buf_deinit(&key);
    tc_buf_deinit(&item);
    tc_buf_deinit(&condition);
    return err;
}

tc_err catalog_delete(struct catalog *s, const char *kind, struct tc_slice name,
                      uint64_t expected) {
    struct tc_buf key = {0}, condition = {0};
    system_key(&key, kind, name);
    system_condition(&condition, expected);
    Tercet__Pb__ItemRequest request = TERCET__PB__ITEM_REQUEST__INIT;
    request.op = TERCET__PB__ITEM_OP__ITEM_DELETE;
    request.key = (ProtobufCBinaryData){key.len, key.data};
    request.condition = (ProtobufCBinaryData){condition.len, condition.data};
    tc_err err = item_request(s, &request);
    tc_buf_deinit(&key);
    tc_buf_deinit(&condition);
    return err;
}

static bool grow(struct tc_arena *arena, struct catalog_records *r) {
    size_t cap = r->cap ? r->cap * 2 : 64;
    struct system_record *at = tc_arena_calloc(arena, cap, sizeof *at);
    if (at == NULL)
        return false;
    if (r->count)
        memcpy(at, r->at, r->count * sizeof *at);
    r->at = at;
    r->cap = cap;
    return true;
}

static tc_err add_record(struct tc_arena *arena, struct tc_slice item, struct catalog_records *r) {
    TC_TRY(item_check(item));
    struct tc_slice copy = tc_arena_dup(arena, item);
    if (copy.data == NULL || (r->count == r->cap && !grow(arena, r)))
        return TC_ENOMEM;
    TC_TRY(system_decode(copy, &r->at[r->count]));
    r->count++;
    return TC_OK;
}

static tc_err add_page(struct tc_arena *arena, const Tercet__Pb__RangeReply *page,
                       struct catalog_records *r) {
    struct tc_reader reader = tc_reader(tc_slice(page->items.data, page->items.len));
    while (!tc_reader_at_end(&reader)) {
        struct tc_slice item = tc_reader_lenbytes(&reader);
        if (!tc_reader_ok(&reader))
            return TC_ECORRUPT;
        TC_TRY(add_record(arena, item, r));
    }
    return TC_OK;
}

/* One page from the leader; *ret_page is NULL on failure. */
static tc_err read_page(struct catalog *s, Tercet__Pb__RangeRequest *request,
                        Tercet__Pb__RangeReply **ret_page) {
    struct tc_buf payload = {0};
    uint64_t until_ns = deadline_ns();
    tc_err err;
    *ret_page = NULL;
    for (;;) {
        bool from_peer;
        request->epoch = s->epoch;
        err = call(s->peers[s->leader_index], TERCET__PB__FRAME_KIND__FRAME_RANGE, &request->base,
                   &payload, &from_peer);
        *ret_page =
            from_peer ? tercet__pb__range_reply__unpack(NULL, payload.len, payload.data) : NULL;
        if (err == TC_OK || !worth_another_try(err, until_ns))
            break;
        redirect(s, *ret_page ? (*ret_page)->moved : NULL);
        if (*ret_page)
            tercet__pb__range_reply__free_unpacked(*ret_page, NULL);
        *ret_page = NULL;
        pause_briefly();
    }
    tc_buf_deinit(&payload);
    return err == TC_OK && *ret_page == NULL ? TC_ECORRUPT : err;
}

tc_err catalog_read(struct catalog *s, const char *kind, struct tc_arena *arena,
                    struct catalog_records *ret_records) {
    struct catalog_records records = {0};
    struct tc_buf start = {0}, end = {0}, after = {0};
    system_kind_range(kind, &start, &end);
    Tercet__Pb__RangeRequest request = TERCET__PB__RANGE_REQUEST__INIT;
    request.gid = SYSTEM_GID;
    request.start = (ProtobufCBinaryData){start.len, start.data};
    request.end = (ProtobufCBinaryData){end.len, end.data};
    request.consistent = true;
    request.max_bytes = 1024 * 1024;
    bool more = true;
    tc_err err = TC_OK;
    while (more && err == TC_OK) {
        Tercet__Pb__RangeReply *page;
        request.after = (ProtobufCBinaryData){after.len, after.data};
        err = read_page(s, &request, &page);
        if (err == TC_OK)
            err = add_page(arena, page, &records);
        more = err == TC_OK && page->more;
        if (more) {
            tc_buf_clear(&after);
            tc_buf_append(&after, page->last_key.data, page->last_key.len);
        }
        if (page)
            tercet__pb__range_reply__free_unpacked(page, NULL);
    }
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
    tc_buf_deinit(&after);
    if (err == TC_OK)
        *ret_records = records;
    return err;
}
