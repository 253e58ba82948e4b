/* Requests on one item: reads at once, writes into the leader's pipeline. */
#include "core/item/item.h"
#include "base/assert.h"
#include "core/expr/expr.h"
#include "core/key/key.h"
#include "engine/store/admit.h"
#include "engine/store/answer.h"
#include "engine/store/apply.h"
#include "engine/store/aux.h"
#include "engine/store/derive.h"
#include "engine/store/group.h"
#include "engine/store/newest.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"
#include "proto/bytes.h"

/* One write on its way through the checks; lives for the call. */
struct write_op {
    struct store *s;
    struct replica *r;
    uint64_t token;
    const Tercet__Pb__ItemRequest *req;
    struct tc_slice old; /* the item the request meets; empty: none */
    uint64_t seen_index; /* pending entry that old comes from; 0: applied state */
    struct store_decision decision;
    struct store_derivation *derivation; /* in scratch; NULL: no rows follow from the item */
    uint64_t hlc_ns;
};

static void answer_get(struct store *s, struct replica *r, uint64_t token,
                       const Tercet__Pb__ItemRequest *req) {
    struct tc_slice item;
    if (store__newest_applied(r, proto_slice(req->key), &item) != TC_OK) {
        store__answer_moved(s, token, TC_EUNAVAILABLE, r, /* is_range= */ false);
        return;
    }
    Tercet__Pb__ItemReply reply = TERCET__PB__ITEM_REPLY__INIT;
    struct tc_buf projected = {0};
    reply.found = item.len > 0;
    reply.index = r->applied.index;
    if (reply.found) {
        reply.new_bytes = (uint32_t)item_size_bytes(item);
        if (req->projection.len) {
            expr_project(proto_slice(req->projection), item, &projected);
            item = tc_buf_slice(&projected);
        }
        reply.new_item = proto_bytes(item);
    }
    store__admit_charge_read(r, reply.new_bytes, req->consistent);
    s->counters.gets++;
    store__reply(s, token, TC_OK, &reply.base);
    tc_buf_deinit(&projected);
}

static void get(struct store *s, struct replica *r, uint64_t token,
                const Tercet__Pb__ItemRequest *req) {
    tc_err err = store__admit_read(r, req->consistent);
    if (err != TC_OK) {
        store__answer_moved(s, token, err, r, /* is_range= */ false);
        return;
    }
    answer_get(s, r, token, req);
}

/* A request id that was seen before is answered from its entry, or joins it while it is pending. */
static bool repeated(struct write_op *op) {
    const struct store_wait *pending = store_waits_find(&op->r->waits, op->req->request_id.data);
    if (pending) {
        store__answer_later_write(op->r, op->token, op->req, pending->index, pending->body);
        op->s->counters.repeats++;
        return true;
    }
    uint64_t gid = 0, index = store_dedup_find(&op->r->dedup, op->req->request_id.data, &gid);
    if (index == 0)
        return false;
    struct tc_blob *body = NULL;
    op->s->counters.repeats++;
    if (wal_read(op->s->wal, gid ? gid : op->r->gid, index, &body) != TC_OK)
        store__reply(op->s, op->token, TC_EUNKNOWN, NULL);
    else
        store__answer_write(op->s, op->token, index, tc_blob_slice(body), op->req->want);
    tc_blob_unref(body);
    return true;
}

/* What the request meets; auxiliary rows first, for the item is borrowed from the B-tree. */
static tc_err find_old(struct write_op *op) {
    struct tc_slice key = proto_slice(op->req->key);
    if (store__derives(op->r)) {
        TC_TRY(store__derive_read(op->r, key, &op->derivation));
        if (op->derivation)
            op->seen_index = op->derivation->seen_index;
    }
    return store__newest(op->r, key, &op->old, &op->seen_index);
}

/* The write does not happen. If the reason lies in an entry that is still pending, the answer waits
 * until that entry is certain. */
static void refuse(struct write_op *op, tc_err err) {
    Tercet__Pb__ItemReply reply = TERCET__PB__ITEM_REPLY__INIT;
    reply.found = op->old.len > 0;
    if (reply.found)
        reply.old_bytes = (uint32_t)item_size_bytes(op->old);
    if (err == TC_ECONDITION && (op->req->want & STORE_WANT_OLD_ON_FAILURE))
        reply.old_item = proto_bytes(op->old);
    if (err == TC_ELIMIT && op->derivation)
        reply.collection_bytes = op->derivation->write.collection_bytes;
    tc_buf_append_u8(&op->decision.message, 0);
    reply.message = (char *)op->decision.message.data;
    op->s->counters.conditions_failed += err == TC_ECONDITION;
    if (op->seen_index > op->r->applied.index)
        store__answer_later_read(op->r, op->token, op->seen_index, err, &reply);
    else
        store__reply(op->s, op->token, err, &reply.base);
}

static struct tc_blob *encode_with(const struct entry_write *w, const struct entry_mutation *m,
                                   size_t count) {
    struct tc_buf body = {0};
    entry_write_encode(w, m, count, &body);
    struct tc_blob *blob = tc_blob_dup(tc_buf_slice(&body));
    tc_buf_deinit(&body);
    return blob;
}

/* The item's own mutation, then those that follow from it. */
static struct tc_blob *encode_derived(const struct write_op *op, struct entry_write *w,
                                      const struct entry_mutation *own) {
    const struct index_derived *d = &op->derivation->derived;
    struct entry_mutation m[1 + INDEX_MUTATIONS_MAX];
    struct tc_buf answer = {0};
    m[0] = *own;
    memcpy(&m[1], d->mutations, d->count * sizeof m[0]);
    if (d->unit_count > 0 || index_schema_has_local(op->r->schema))
        index_answer_encode(d, &answer);
    w->answer = tc_buf_slice(&answer);
    struct tc_blob *blob = encode_with(w, m, 1 + d->count);
    tc_buf_deinit(&answer);
    return blob;
}

static struct tc_blob *encode(const struct write_op *op) {
    struct entry_write w = {.hlc_ns = op->hlc_ns};
    memcpy(w.request_id, op->req->request_id.data, sizeof w.request_id);
    w.old_bytes = op->old.len ? item_size_bytes(op->old) : 0;
    w.has_old = op->old.len > 0 && (op->req->want & STORE_WANT_OLD);
    w.old_item = op->old;
    struct entry_mutation m = {.op = op->decision.op,
                               .key = proto_slice(op->req->key),
                               .item = tc_buf_slice(&op->decision.new_item)};
    return op->derivation ? encode_derived(op, &w, &m) : encode_with(&w, &m, 1);
}

/* A write costs by the larger of the item before and after (FEATURES.md 2.3). */
static uint64_t larger_bytes(const struct write_op *op) {
    uint64_t old_bytes = op->old.len ? item_size_bytes(op->old) : 0;
    uint64_t new_bytes = 0;
    if (op->decision.op == ENTRY_PUT)
        new_bytes = item_size_bytes(tc_buf_slice(&op->decision.new_item));
    return old_bytes > new_bytes ? old_bytes : new_bytes;
}

static void charge_local(const struct write_op *op) {
    uint64_t bytes = store__derive_local_bytes(op->r, op->derivation);
    if (bytes > 0)
        store__admit_charge_write(op->r, bytes);
}

static void propose(struct write_op *op) {
    struct tc_blob *body = encode(op);
    uint64_t bytes = larger_bytes(op); /* before proposing: old is borrowed from the B-tree */
    uint64_t index = 0;
    tc_err err = store__group_propose(op->r, PAXOS_WRITE, body, &index);
    if (err != TC_OK) {
        store__answer_moved(op->s, op->token, err, op->r, /* is_range= */ false);
    } else {
        op->s->counters.writes++;
        store__admit_charge_write(op->r, bytes);
        if (op->derivation)
            charge_local(op);
        store__answer_later_write(op->r, op->token, op->req, index, body);
        store__apply_expect(op->r, index, body);
    }
    tc_blob_unref(body);
}

static tc_err derive(struct write_op *op) {
    op->hlc_ns = store__apply_hlc_ns(op->r);
    if (op->derivation == NULL)
        return TC_OK;
    bool updated = op->req->op == TERCET__PB__ITEM_OP__ITEM_UPDATE;
    return store__derive(op->r, op->derivation, updated, op->old,
                         tc_buf_slice(&op->decision.new_item), op->hlc_ns, &op->decision.message);
}

/* False: it was answered. */
static bool admit(const struct write_op *op) {
    tc_err err = store__admit_write(op->r, op->req->op == TERCET__PB__ITEM_OP__ITEM_DELETE);
    if (err != TC_OK) {
        store__answer_moved(op->s, op->token, err, op->r, /* is_range= */ false);
        return false;
    }
    if (store__aux_is_global(op->r)) { /* its rows come as IndexRequest alone */
        store__answer_error(op->s, op->token, TC_EINVAL, TC_SLICE_EMPTY);
        return false;
    }
    return true;
}

static void write_op_run(struct write_op *op) {
    if (!admit(op) || repeated(op))
        return;
    tc_arena_reset(&op->s->scratch);
    tc_err err = find_old(op);
    if (err != TC_OK) {
        tc_err why = err == TC_EINVAL || err == TC_ENOMEM ? err : TC_EUNAVAILABLE;
        store__answer_moved(op->s, op->token, why, op->r, /* is_range= */ false);
        return;
    }
    err = store__decide(op->req, op->old, &op->s->scratch, &op->decision);
    if (err == TC_OK)
        err = derive(op);
    if (err != TC_OK)
        refuse(op, err);
    else
        propose(op);
}

void store_item_request(struct store *s, uint64_t token, const Tercet__Pb__ItemRequest *req) {
    struct tc_buf message = {0};
    tc_err err = store__decide_check(req, &message);
    if (err != TC_OK) {
        store__answer_error(s, token, err, tc_buf_slice(&message));
        tc_buf_deinit(&message);
        return;
    }
    struct replica *r = store__find(s, req->gid);
    err = store__admit_route(r, req->epoch, proto_slice(req->key));
    if (err != TC_OK) {
        r = store__seal_target(r, proto_slice(req->key), /* before= */ false);
        store__answer_moved(s, token, err, r, /* is_range= */ false);
    } else if (req->op == TERCET__PB__ITEM_OP__ITEM_GET) {
        get(s, r, token, req);
    } else {
        struct write_op op = {.s = s, .r = r, .token = token, .req = req};
        write_op_run(&op);
        store__decision_deinit(&op.decision);
    }
}
