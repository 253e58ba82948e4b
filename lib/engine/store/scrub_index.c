/* What a table's items should be in a global index, and what the index holds, as sums that add up
 * over groups: a row counts by its key and what it shows, not by its version. */
#include "base/assert.h"
#include "core/index/index.h"
#include "core/index/index_aux.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/scrub.h"
#include "engine/store/span.h"
#include "proto/bytes.h"

#include <stdlib.h>

enum {
    LOOKS_MAX = 2000, /* items or rows of one page ... */
    BYTES_MAX = 4 << 20,
    KEYS_MAX = 2000, /* of the bucket that was asked for */
};

struct sums {
    uint64_t sums[BTREE_BUCKET_COUNT];
    uint64_t rows;
    uint32_t bucket; /* whose keys are wanted, plus 1 */
    struct tc_buf keys;
    ProtobufCBinaryData at[KEYS_MAX]; /* offsets until they are packed */
    uint64_t hashes[KEYS_MAX];
    size_t count;
};

static void add(struct sums *s, struct tc_slice key, struct tc_slice row) {
    struct btree_item_hash h = btree_item_hash(key, row);
    s->sums[h.bucket] += h.lo;
    s->rows++;
    if (s->bucket != h.bucket + 1 || s->count == KEYS_MAX)
        return;
    s->at[s->count].len = key.len;
    s->hashes[s->count++] = h.lo;
    tc_buf_append_slice(&s->keys, key);
}

/* The row that should follow from an item of the table. */
static void add_item(struct sums *s, const struct index_schema *schema, const struct index_def *def,
                     struct tc_slice key, struct tc_slice item) {
    struct tc_buf row_key = {0}, row = {0};
    if (index_row_key(def, item, key, &row_key)) {
        index_row_item(schema, def, item, &row);
        add(s, tc_buf_slice(&row_key), tc_buf_slice(&row));
    }
    tc_buf_deinit(&row_key);
    tc_buf_deinit(&row);
}

static void add_stored(struct sums *s, struct tc_slice key, struct tc_slice stored) {
    struct tc_buf row = {0};
    if (!index_version_is_gone(stored)) {
        index_version_strip(stored, &row);
        add(s, key, tc_buf_slice(&row));
    }
    tc_buf_deinit(&row);
}

/* One page. ret_next: the last key looked at, if more may follow. */
static tc_err walk(struct replica *r, const struct index_def *def, struct tc_slice after,
                   struct sums *s, struct tc_buf *ret_next) {
    struct btree_cursor c;
    struct store_span span = {.after = after};
    struct tc_slice value;
    uint64_t bytes = 0;
    btree_cursor_init(&c, r->tree);
    tc_err err = store__span_first(&span, &c);
    for (int looks = 0; err == TC_OK; looks++) {
        err = btree_cursor_value(&c, &value);
        if (err != TC_OK)
            break;
        if (def)
            add_item(s, r->schema, def, tc_buf_slice(&c.key), value);
        else
            add_stored(s, tc_buf_slice(&c.key), value);
        bytes += value.len;
        if (looks + 1 >= LOOKS_MAX || bytes >= BYTES_MAX) {
            tc_buf_append_slice(ret_next, tc_buf_slice(&c.key));
            break;
        }
        err = store__span_next(&span, &c);
    }
    btree_cursor_deinit(&c);
    store__span_deinit(&span);
    return err == TC_EEND ? TC_OK : err;
}

static void pack(const struct replica *r, struct sums *s, const struct tc_buf *next,
                 struct tc_buf *out) {
    Tercet__Pb__ScrubIndexReply reply = TERCET__PB__SCRUB_INDEX_REPLY__INIT;
    uint8_t *key = s->keys.data;
    for (size_t i = 0; i < s->count; key += s->at[i++].len)
        s->at[i].data = key;
    reply.sums = s->sums;
    reply.n_sums = BTREE_BUCKET_COUNT;
    reply.rows = s->rows;
    reply.outbox_count = r->aux.outbox_count;
    reply.next = proto_bytes(tc_buf_slice(next));
    reply.index = r->applied.index;
    reply.keys = s->at;
    reply.n_keys = s->count;
    reply.hashes = s->hashes;
    reply.n_hashes = s->count;
    reply.table = r->schema->kind == INDEX_TABLE;
    proto_append(out, &reply.base);
}

static tc_err admit(struct replica *r, const Tercet__Pb__ScrubIndexRequest *req,
                    const struct index_def **ret_def) {
    if (r == NULL)
        return TC_ENOTFOUND;
    if (store__group_may_read(r) != TC_OK || r->seal)
        return TC_EBUSY;
    if (r->schema == NULL || req->bucket > BTREE_BUCKET_COUNT || req->id > UINT8_MAX)
        return TC_EINVAL;
    *ret_def = NULL;
    if (r->schema->kind == INDEX_GLOBAL)
        return TC_OK;
    *ret_def = index_schema_find(r->schema, (uint8_t)req->id);
    return *ret_def && (*ret_def)->global ? TC_OK : TC_EINVAL;
}

tc_err store_scrub_index(struct store *s, const Tercet__Pb__ScrubIndexRequest *req,
                         struct tc_buf *out) {
    struct replica *r = store__find(s, req->gid);
    const struct index_def *def;
    TC_TRY(admit(r, req, &def));
    struct sums *sums = calloc(1, sizeof *sums);
    TC_ASSERT(sums != NULL);
    struct tc_buf next = {0};
    sums->bucket = req->bucket;
    tc_err err = walk(r, def, proto_slice(req->after), sums, &next);
    if (err == TC_OK)
        pack(r, sums, &next, out);
    else if (err == TC_ECORRUPT || err == TC_EIO)
        store__replica_damaged(r, "an item or its page is damaged");
    tc_buf_deinit(&next);
    tc_buf_deinit(&sums->keys);
    free(sums);
    return err;
}
