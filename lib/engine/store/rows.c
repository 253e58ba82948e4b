#include "engine/store/rows.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "base/reader.h"
#include "core/entry/entry.h"
#include "core/index/index.h"
#include "core/index/index_aux.h"
#include "core/key/key.h"
#include "engine/store/admit.h"
#include "engine/store/answer.h"
#include "engine/store/apply.h"
#include "engine/store/group.h"
#include "engine/store/newest.h"
#include "engine/store/split.h"
#include "proto/bytes.h"

enum {
    MUTATIONS_PER_ROW = 2, /* the row, and when it may be dropped */
    GONE_LAYOUT = 2,
    SECOND_NS = 1000000000,
};

_Static_assert(STORE_INDEX_ROWS_MAX *MUTATIONS_PER_ROW <= ENTRY_MUTATIONS_MAX,
               "all rows of a request fit in one entry");

/* One request on its way through; lives for the call. */
struct rows_op {
    struct replica *r;
    const Tercet__Pb__IndexRequest *req;
    uint64_t hlc_ns; /* of the entry */
    struct entry_mutation mutations[ENTRY_MUTATIONS_MAX];
    size_t count;
    uint64_t seen_index; /* newest pending entry that makes a row of the request an old one */
    uint64_t sizes[STORE_INDEX_ROWS_MAX]; /* of the rows that change, for the bucket */
    size_t size_count;
};

void store__rows_gone_value(uint64_t version, struct tc_buf *out) {
    tc_buf_append_u8(out, GONE_LAYOUT);
    tc_buf_append_u64be(out, version);
}

tc_err store__rows_gone_decode(struct tc_slice value, uint64_t *ret_version) {
    struct tc_reader r = tc_reader(value);
    uint8_t layout = tc_reader_u8(&r);
    uint64_t version = tc_reader_u64be(&r);
    if (!tc_reader_at_end(&r) || layout != GONE_LAYOUT)
        return TC_ECORRUPT;
    *ret_version = version;
    return TC_OK;
}

/* ---- checks */

/* The empty name is the version's, which is put in here. */
static bool is_row_item(struct tc_slice item) {
    struct item_value unused;
    return item.len <= ITEM_ENCODED_BYTES_MAX && item_check(item) == TC_OK &&
           item_iter(item).left > 0 && !item_get(item, TC_SLICE_EMPTY, &unused);
}

static bool is_sound(const Tercet__Pb__IndexRow *row) {
    struct tc_slice key = proto_slice(row->key), item = proto_slice(row->item);
    return row->version > 0 && key.len > 8 && key.len <= INDEX_KEY_BYTES_MAX &&
           !index_key_is_auxiliary(key) && (item.len == 0 || is_row_item(item));
}

static bool is_in_order(const Tercet__Pb__IndexRequest *req, size_t i) {
    return i == 0 ||
           tc_slice_cmp(proto_slice(req->rows[i - 1]->key), proto_slice(req->rows[i]->key)) < 0;
}

tc_err store__rows_check(const Tercet__Pb__IndexRequest *req) {
    if (req->n_rows == 0 || req->n_rows > STORE_INDEX_ROWS_MAX ||
        req->request_id.len != ENTRY_REQUEST_ID_BYTES)
        return TC_EINVAL;
    for (size_t i = 0; i < req->n_rows; i++)
        if (!is_sound(req->rows[i]) || !is_in_order(req, i))
            return TC_EINVAL;
    return TC_OK;
}

static tc_err admit(struct replica *r, const Tercet__Pb__IndexRequest *req) {
    TC_TRY(store__admit_route(r, req->epoch, proto_slice(req->rows[0]->key)));
    TC_TRY(store__admit_route(r, req->epoch, proto_slice(req->rows[req->n_rows - 1]->key)));
    if (r->schema == NULL || r->schema->kind != INDEX_GLOBAL)
        return TC_EINVAL;
    return store__admit_write(r, /* deletes= */ false);
}

/* ---- one row */

static void add(struct rows_op *op, enum entry_op how, struct tc_slice key, struct tc_slice item) {
    TC_ASSERT(op->count < ENTRY_MUTATIONS_MAX);
    op->mutations[op->count++] = (struct entry_mutation){.op = how, .key = key, .item = item};
}

/* What stands in buf, kept in the store's scratch memory. */
static tc_err keep(struct rows_op *op, struct tc_buf *buf, struct tc_slice *ret) {
    *ret = tc_arena_dup(&op->r->store->scratch, tc_buf_slice(buf));
    tc_buf_clear(buf);
    return ret->data ? TC_OK : TC_ENOMEM;
}

/* The row 0x14 of a row that is gone. One that an earlier such state left stays and does nothing
 * when its time has come, for its version is another one. */
static tc_err add_gone(struct rows_op *op, const Tercet__Pb__IndexRow *row, struct tc_buf *buf) {
    struct tc_slice key, value;
    index_expiry_key(op->hlc_ns / SECOND_NS, proto_slice(row->key), buf);
    TC_TRY(keep(op, buf, &key));
    store__rows_gone_value(row->version, buf);
    TC_TRY(keep(op, buf, &value));
    add(op, ENTRY_PUT, key, value);
    return TC_OK;
}

static void count_size(struct rows_op *op, struct tc_slice old, struct tc_slice item) {
    uint64_t before = old.len ? item_size_bytes(old) : 0;
    uint64_t after = item.len ? item_size_bytes(item) : 0;
    op->sizes[op->size_count++] = before > after ? before : after;
}

/* old: what stands there; empty: nothing, not even a version. */
static tc_err change(struct rows_op *op, const Tercet__Pb__IndexRow *row, struct tc_slice old,
                     struct tc_buf *buf) {
    struct tc_slice key = proto_slice(row->key), item = proto_slice(row->item), value;
    count_size(op, old, item);
    tc_buf_clear(buf);
    index_version_put(item, row->version, buf);
    TC_TRY(keep(op, buf, &value));
    if (TC_MUTANT(72) && item.len == 0) { /* nothing is left that knows of a newer state */
        add(op, ENTRY_DELETE, key, TC_SLICE_EMPTY);
        return TC_OK;
    }
    add(op, ENTRY_PUT, key, value);
    return item.len == 0 ? add_gone(op, row, buf) : TC_OK;
}

static tc_err take_row(struct rows_op *op, const Tercet__Pb__IndexRow *row, struct tc_buf *buf) {
    struct tc_slice old;
    uint64_t old_version = 0, index = 0;
    TC_TRY(store__newest(op->r, proto_slice(row->key), &old, &index));
    if (old.len > 0 && !index_version_take(old, &old_version))
        return TC_ECORRUPT;
    bool is_newer = row->version > old_version || TC_MUTANT(71); /* whatever comes is taken */
    if (is_newer)
        return change(op, row, old, buf);
    if (row->version == old_version)
        TC_PROBE("index: rows reached an index twice");
    else
        TC_PROBE("index: a row arrived after a newer one");
    if (index > op->seen_index)
        op->seen_index = index;
    return TC_OK;
}

/* ---- all of them */

static void charge(struct rows_op *op) {
    for (size_t i = 0; i < op->size_count; i++)
        store__admit_charge_write(op->r, op->sizes[i]);
}

static void propose(struct rows_op *op, uint64_t token) {
    struct store *s = op->r->store;
    struct entry_write w = {.hlc_ns = op->hlc_ns};
    struct tc_buf bytes = {0};
    uint64_t index = 0;
    memcpy(w.request_id, op->req->request_id.data, sizeof w.request_id);
    entry_write_encode(&w, op->mutations, op->count, &bytes);
    struct tc_blob *body = tc_blob_dup(tc_buf_slice(&bytes));
    tc_err err = store__group_propose(op->r, PAXOS_WRITE, body, &index);
    if (err == TC_OK) {
        s->counters.index_rows_taken += op->size_count;
        charge(op);
        store__answer_later_rows(op->r, token, index);
        store__apply_expect(op->r, index, body);
    } else {
        store__answer_moved_rows(s, token, err, op->r);
    }
    tc_blob_unref(body);
    tc_buf_deinit(&bytes);
}

/* All rows are old. If what makes one old is not certain yet, neither is the answer: the entry may
 * still be lost, and the sender would then have forgotten the row. */
static void answer_old(struct rows_op *op, uint64_t token) {
    if (op->seen_index > op->r->applied.index) {
        TC_PROBE("index: an answer waited for what made its rows old");
        store__answer_later_rows(op->r, token, op->seen_index);
        return;
    }
    Tercet__Pb__IndexReply reply = TERCET__PB__INDEX_REPLY__INIT;
    store__reply(op->r->store, token, TC_OK, &reply.base);
}

static void take(struct rows_op *op, uint64_t token) {
    struct store *s = op->r->store;
    struct tc_buf buf = {0};
    tc_err err = TC_OK;
    tc_arena_reset(&s->scratch);
    op->hlc_ns = store__apply_hlc_ns(op->r);
    for (size_t i = 0; i < op->req->n_rows && err == TC_OK; i++)
        err = take_row(op, op->req->rows[i], &buf);
    tc_buf_deinit(&buf);
    if (err != TC_OK)
        store__answer_moved_rows(s, token, TC_EUNAVAILABLE, op->r);
    else if (op->count > 0)
        propose(op, token);
    else
        answer_old(op, token);
}

void store_index_request(struct store *s, uint64_t token, const Tercet__Pb__IndexRequest *req) {
    tc_err err = store__rows_check(req);
    if (err != TC_OK) {
        store__reply(s, token, err, NULL);
        return;
    }
    struct replica *r = store__find(s, req->gid);
    err = admit(r, req);
    if (err != TC_OK) {
        store__answer_moved_rows(
            s, token, err,
            store__seal_target(r, proto_slice(req->rows[0]->key), /* before= */ false));
        return;
    }
    struct rows_op op = {.r = r, .req = req};
    take(&op, token);
}
