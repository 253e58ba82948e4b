#include "engine/store/answer.h"

#include "base/assert.h"
#include "core/index/index_derive.h"
#include "core/item/item.h"
#include "engine/store/group.h"
#include "engine/store/owed.h"
#include "proto/bytes.h"

#include <stdlib.h>

/* What a reply points to. */
struct units_reply {
    Tercet__Pb__IndexUnits units[INDEX_DEFS_MAX];
    Tercet__Pb__IndexUnits *pointers[INDEX_DEFS_MAX];
};

static void fill_index(struct tc_slice bytes, struct units_reply *u, Tercet__Pb__ItemReply *reply) {
    struct index_answer a;
    if (bytes.len == 0 || index_answer_decode(bytes, &a) != TC_OK)
        return;
    reply->collection_bytes = a.collection_bytes;
    for (size_t i = 0; i < a.unit_count; i++) {
        tercet__pb__index_units__init(&u->units[i]);
        u->units[i].id = a.units[i].id;
        u->units[i].units = a.units[i].units;
        u->pointers[i] = &u->units[i];
    }
    reply->index_units = u->pointers;
    reply->n_index_units = a.unit_count;
}

void store__answer_write(struct store *s, uint64_t token, uint64_t index, struct tc_slice body,
                         uint32_t want) {
    struct entry_write w;
    struct entry_mutation m;
    if (entry_write_decode(body, &w) != TC_OK) {
        store__reply(s, token, TC_EUNKNOWN, NULL);
        return;
    }
    struct entry_iter it = entry_iter(&w);
    bool any = entry_next(&it, &m);
    TC_ASSERT(any);
    Tercet__Pb__ItemReply reply = TERCET__PB__ITEM_REPLY__INIT;
    reply.found = w.old_bytes > 0;
    reply.old_bytes = (uint32_t)w.old_bytes;
    reply.index = index;
    if (m.op == ENTRY_PUT)
        reply.new_bytes = (uint32_t)item_size_bytes(m.item);
    struct units_reply units;
    fill_index(w.answer, &units, &reply);
    if ((want & STORE_WANT_OLD) && w.has_old)
        reply.old_item = proto_bytes(w.old_item);
    if ((want & STORE_WANT_NEW) && m.op == ENTRY_PUT)
        reply.new_item = proto_bytes(m.item);
    store__reply(s, token, TC_OK, &reply.base);
}

void store__answer_moved(struct store *s, uint64_t token, tc_err err, struct replica *r,
                         bool is_range) {
    Tercet__Pb__Partition *moved = NULL;
    if (r)
        moved = (Tercet__Pb__Partition *)(uintptr_t)store__group_partition(r);
    Tercet__Pb__ItemReply item = TERCET__PB__ITEM_REPLY__INIT;
    Tercet__Pb__RangeReply range = TERCET__PB__RANGE_REPLY__INIT;
    item.moved = range.moved = moved;
    store__reply(s, token, err, is_range ? &range.base : &item.base);
}

void store__answer_error(struct store *s, uint64_t token, tc_err err, struct tc_slice message) {
    Tercet__Pb__ItemReply reply = TERCET__PB__ITEM_REPLY__INIT;
    struct tc_buf text = {0};
    tc_buf_append_slice(&text, message);
    tc_buf_append_u8(&text, 0);
    reply.message = (char *)text.data;
    store__reply(s, token, err, &reply.base);
    tc_buf_deinit(&text);
}

static struct store_wait *wait_new(enum store_wait_kind kind, uint64_t token, uint64_t index) {
    struct store_wait *wait = calloc(1, sizeof *wait);
    TC_ASSERT(wait != NULL);
    wait->kind = kind;
    wait->token = token;
    wait->index = index;
    return wait;
}

void store__answer_later_write(struct replica *r, uint64_t token,
                               const Tercet__Pb__ItemRequest *req, uint64_t index,
                               struct tc_blob *body) {
    TC_ASSERT(req->request_id.len == ENTRY_REQUEST_ID_BYTES);
    struct store_wait *wait = wait_new(STORE_WAIT_WRITE, token, index);
    wait->want = req->want;
    wait->body = tc_blob_ref(body);
    memcpy(wait->id, req->request_id.data, sizeof wait->id);
    store_waits_add_take(&r->waits, wait);
}

void store__answer_later_read(struct replica *r, uint64_t token, uint64_t index, tc_err err,
                              const Tercet__Pb__ItemReply *reply) {
    struct store_wait *wait = wait_new(STORE_WAIT_READ, token, index);
    wait->err = err;
    proto_append(&wait->answer, &reply->base);
    store_waits_add_take(&r->waits, wait);
}

void store__answer_later_index(struct replica *r, uint64_t token, uint64_t index) {
    store_waits_add_take(&r->waits, wait_new(STORE_WAIT_INDEX, token, index));
}

void store__answer_later_rows(struct replica *r, uint64_t token, uint64_t index) {
    store_waits_add_take(&r->waits, wait_new(STORE_WAIT_ROWS, token, index));
}

void store__answer_moved_rows(struct store *s, uint64_t token, tc_err err, struct replica *r) {
    Tercet__Pb__IndexReply reply = TERCET__PB__INDEX_REPLY__INIT;
    if (r)
        reply.moved = store__group_partition(r);
    store__reply(s, token, err, &reply.base);
}

static void complete(struct replica *r, const struct store_wait *wait) {
    struct store *s = r->store;
    Tercet__Pb__ScrubMarkReply mark = TERCET__PB__SCRUB_MARK_REPLY__INIT;
    Tercet__Pb__IndexReply rows = TERCET__PB__INDEX_REPLY__INIT;
    switch (wait->kind) {
    case STORE_WAIT_WRITE:
        store__answer_write(s, wait->token, wait->index, tc_blob_slice(wait->body), wait->want);
        break;
    case STORE_WAIT_READ:
        store__reply_packed(s, wait->token, wait->err, tc_buf_slice(&wait->answer));
        break;
    case STORE_WAIT_INDEX:
        mark.index = wait->index;
        store__reply(s, wait->token, TC_OK, &mark.base);
        break;
    case STORE_WAIT_ROWS:
        rows.index = wait->index;
        store__reply(s, wait->token, TC_OK, &rows.base);
        break;
    }
}

void store__answer_applied(struct replica *r) {
    struct store_wait *wait;
    while ((wait = store_waits_pop(&r->waits, r->applied.index)) != NULL) {
        if (wait->kind == STORE_WAIT_WRITE && store__owed_take(r, wait))
            continue;
        complete(r, wait);
        store_wait_free(wait);
    }
}

void store__answer_refused_from(struct replica *r, uint64_t first) {
    struct store_wait *wait;
    while ((wait = store_waits_pop_last(&r->waits, first)) != NULL) {
        store__answer_moved(r->store, wait->token, TC_EBUSY, r, /* is_range= */ false);
        store_wait_free(wait);
    }
}

void store__answer_term_ended(struct replica *r) {
    struct store_wait *wait;
    while ((wait = store_waits_pop(&r->waits, UINT64_MAX)) != NULL) {
        if (wait->kind == STORE_WAIT_READ)
            store__answer_moved(r->store, wait->token, TC_ENOTLEADER, r, /* is_range= */ false);
        else
            store__reply(r->store, wait->token, TC_EUNKNOWN, NULL);
        store_wait_free(wait);
    }
    store_overlay_clear(&r->overlay);
}
