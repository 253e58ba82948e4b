/* Records of the system tables: what is asked of whoever leads group 1. */
#include "catalog/catalog_private.h"

#include "base/assert.h"
#include "base/reader.h"
#include "core/item/item.h"

#include <sys/random.h>

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

static tc_err item_request(struct catalog *s, Tercet__Pb__ItemRequest *request) {
    uint8_t id[16];
    if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id)
        return TC_EIO;
    request->request_id = (ProtobufCBinaryData){sizeof id, id};
    request->gid = SYSTEM_GID;
    struct catalog_question q = {TERCET__PB__FRAME_KIND__FRAME_ITEM, &request->base,
                                 &request->epoch, &tercet__pb__item_reply__descriptor};
    ProtobufCMessage *reply;
    tc_err err = catalog__ask(s, &q, &reply);
    protobuf_c_message_free_unpacked(reply, NULL);
    request->request_id = (ProtobufCBinaryData){0};
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

/* One page from the leader; *ret_page, NULL or not, is to be freed. */
static tc_err read_page(struct catalog *s, Tercet__Pb__RangeRequest *request,
                        Tercet__Pb__RangeReply **ret_page) {
    struct catalog_question q = {TERCET__PB__FRAME_KIND__FRAME_RANGE, &request->base,
                                 &request->epoch, &tercet__pb__range_reply__descriptor};
    ProtobufCMessage *reply;
    tc_err err = catalog__ask(s, &q, &reply);
    *ret_page = (Tercet__Pb__RangeReply *)reply;
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
        if (more)
            err = system_page_next(&after, tc_slice(page->last_key.data, page->last_key.len));
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
