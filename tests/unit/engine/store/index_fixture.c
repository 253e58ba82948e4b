/* The group, its schema, and items as DynamoDB JSON; what must be so on every store. */
#include "index_fixture.h"

#include "core/json/json_item.h"
#include "core/key/key.h"
#include "engine/store/store_private.h"
#include "proto/bytes.h"
#include "sim/kit/index_rows.h"

static struct cluster cluster;
static struct tc_buf item_bytes, key_bytes;

int index_setup(void **state) {
    struct store_options options = store_options_default();
    options.archive_required = false;
    options.segment_bytes = 4 << 20;
    options.wal_max_bytes = 64 << 20;
    options.checkpoint_ms = 200;
    options.gone_ms = 3000;
    options.outbox_rows_max = 100;
    cluster_init(&cluster, 77, &options);
    cluster_create_group(&cluster);
    cluster.epoch = 0; /* any: schemas raise it */
    *state = &cluster;
    return 0;
}

int index_teardown(void **state) {
    (void)state;
    cluster_deinit(&cluster);
    tc_buf_deinit(&item_bytes);
    tc_buf_deinit(&key_bytes);
    return 0;
}

/* ---- schema */

/* pk S, sk S; local 1 on l N, keys only; global 9 on g S; expiry time t. */
struct index_schema index_schema_at(uint64_t version) {
    struct index_schema s = {.version = version,
                             .kind = INDEX_TABLE,
                             .hash = {TC_SLICE_LIT("pk"), ITEM_S},
                             .range = {TC_SLICE_LIT("sk"), ITEM_S},
                             .has_range = true,
                             .ttl = TC_SLICE_LIT("t"),
                             .ttl_tag = 1,
                             .def_count = 2};
    s.defs[0] = (struct index_def){.id = 1,
                                   .name = TC_SLICE_LIT("by-l"),
                                   .hash = {{TC_SLICE_LIT("pk"), ITEM_S}},
                                   .hash_count = 1,
                                   .range = {{TC_SLICE_LIT("l"), ITEM_N}},
                                   .range_count = 1,
                                   .projection = INDEX_KEYS_ONLY};
    s.defs[1] = (struct index_def){.id = 9,
                                   .name = TC_SLICE_LIT("by-g"),
                                   .global = true,
                                   .table_id = 55,
                                   .hash = {{TC_SLICE_LIT("g"), ITEM_S}},
                                   .hash_count = 1,
                                   .projection = INDEX_ALL};
    return s;
}

tc_err index_set_schema(struct cluster *c, int n, uint64_t gid, const struct index_schema *s,
                        uint64_t *ret_version) {
    Tercet__Pb__SetSchemaRequest req = TERCET__PB__SET_SCHEMA_REQUEST__INIT;
    struct tc_buf bytes = {0}, out = {0};
    assert_int_equal(index_schema_encode(s, &bytes), TC_OK);
    req.gid = gid;
    req.schema = (ProtobufCBinaryData){.len = bytes.len, .data = bytes.data};
    tc_err err = store_set_schema(c->nodes[n].store, &req, &out);
    if (err == TC_OK) {
        Tercet__Pb__SetSchemaReply *reply =
            tercet__pb__set_schema_reply__unpack(NULL, out.len, out.data);
        *ret_version = reply->version;
        tercet__pb__set_schema_reply__free_unpacked(reply, NULL);
    }
    tc_buf_deinit(&bytes);
    tc_buf_deinit(&out);
    return err;
}

void index_put_in_force(struct cluster *c, uint64_t version) {
    struct index_schema s = index_schema_at(version);
    uint64_t got = 0;
    for (int i = 0; i < PATIENCE && got < version; i++) {
        for (int n = 0; n < NODES && got < version; n++)
            if (c->nodes[n].store)
                (void)index_set_schema(c, n, GID, &s, &got);
        cluster_run(c, STEP_MS);
    }
    assert_int_equal(got, version);
}

/* ---- items */

struct tc_slice index_item_of(const char *json) {
    struct json_item j = {0};
    struct json_diag diag;
    struct tc_arena arena = {0};
    struct json_reader r = json_reader(tc_slice_str(json), &arena, JSON_ITEM_DEPTH);
    tc_buf_clear(&item_bytes);
    assert_int_equal(json_item_read(&j, &r, &item_bytes, &diag), TC_OK);
    json_item_deinit(&j);
    tc_arena_deinit(&arena);
    return tc_buf_slice(&item_bytes);
}

struct tc_slice index_key_of(struct tc_slice item) {
    const struct index_schema s = index_schema_at(1);
    tc_buf_clear(&key_bytes);
    assert_true(index_base_key(&s, item, &key_bytes));
    return tc_buf_slice(&key_bytes);
}

uint64_t index_send(struct cluster *c, int n, uint64_t gid, Tercet__Pb__ItemOp op, const char *json,
                    uint64_t id) {
    Tercet__Pb__ItemRequest req = TERCET__PB__ITEM_REQUEST__INIT;
    struct tc_slice item = index_item_of(json), key = index_key_of(item);
    uint64_t words[2] = {id, 0x1d}, token = ++c->next_token;
    req.gid = gid;
    req.op = op;
    req.request_id = (ProtobufCBinaryData){.len = sizeof words, .data = (uint8_t *)words};
    req.key = proto_bytes(key);
    if (op == TERCET__PB__ITEM_OP__ITEM_PUT)
        req.item = proto_bytes(item);
    store_item_request(c->nodes[n].store, token, &req);
    return token;
}

/* PUT (or DELETE) until it is answered for good; the caller frees the reply. */
Tercet__Pb__ItemReply *index_write_item(struct cluster *c, uint64_t gid, Tercet__Pb__ItemOp op,
                                        const char *json, uint64_t id, tc_err *ret_err) {
    for (int i = 0; i < PATIENCE; i++) {
        int n = i % NODES;
        if (c->nodes[n].store == NULL)
            continue;
        const struct reply *r = cluster_wait(c, index_send(c, n, gid, op, json, id));
        *ret_err = r->err;
        if (r->err == TC_OK || tc_err_class(r->err) == TC_CLASS_NONE)
            return cluster_item_reply(r);
        cluster_run(c, STEP_MS);
    }
    fail_msg("a write is not answered");
    return NULL;
}

static uint64_t next_id = 100;

void index_put(struct cluster *c, uint64_t gid, const char *json) {
    tc_err err = TC_OK;
    Tercet__Pb__ItemReply *m =
        index_write_item(c, gid, TERCET__PB__ITEM_OP__ITEM_PUT, json, ++next_id, &err);
    assert_int_equal(err, TC_OK);
    tercet__pb__item_reply__free_unpacked(m, NULL);
}

void index_drop(struct cluster *c, uint64_t gid, const char *json) {
    tc_err err = TC_OK;
    Tercet__Pb__ItemReply *m =
        index_write_item(c, gid, TERCET__PB__ITEM_OP__ITEM_DELETE, json, ++next_id, &err);
    assert_int_equal(err, TC_OK);
    tercet__pb__item_reply__free_unpacked(m, NULL);
}

/* ---- what must be so on every store */

void index_check_rows(struct cluster *c, uint64_t gid, uint64_t items) {
    for (int n = 0; n < NODES; n++) {
        struct replica *r = store__find(c->nodes[n].store, gid);
        struct btree_cursor cursor;
        struct tc_slice value;
        assert_non_null(r);
        assert_non_null(r->tree);
        struct index_rows rows = {.local_id = 1,
                                  .hash = "pk",
                                  .range = "sk",
                                  .local = "l",
                                  .ttl = "t",
                                  .ttl_items = true,
                                  .ttl_strict = true,
                                  .start = proto_slice(r->desc->partition->start),
                                  .end = proto_slice(r->desc->partition->end)};
        btree_cursor_init(&cursor, r->tree);
        tc_err err = btree_cursor_seek(&cursor, BTREE_GE, TC_SLICE_EMPTY);
        for (; err == TC_OK; err = btree_cursor_next(&cursor)) {
            assert_int_equal(btree_cursor_value(&cursor, &value), TC_OK);
            index_rows_add(&rows, tc_buf_slice(&cursor.key), value);
        }
        btree_cursor_deinit(&cursor);
        if (!index_rows_check(&rows))
            fail_msg("node %d group %d: %s", n, (int)gid, rows.problem);
        assert_int_equal(rows.items, items);
        assert_int_equal(r->aux.count, rows.auxiliary);
        assert_true(r->aux.local_count <= 1); /* none where no row ever was */
        assert_int_equal(r->aux.locals[0].count, rows.locals);
        assert_int_equal(r->aux.locals[0].bytes, rows.local_bytes);
        assert_int_equal(btree_stats(r->tree).item_count - r->aux.count, items);
        index_rows_deinit(&rows);
    }
}

int index_leader(struct cluster *c, uint64_t gid) {
    for (int i = 0; i < PATIENCE; i++) {
        for (int n = 0; n < NODES; n++) {
            const struct replica *r =
                c->nodes[n].store ? store__find(c->nodes[n].store, gid) : NULL;
            if (r && r->status.serving && r->state == REPLICA_OK)
                return n;
        }
        cluster_run(c, STEP_MS);
    }
    fail_msg("nobody leads");
    return -1;
}

/* The sort keys that a range gives, one after the other. */
void index_range_is(struct cluster *c, Tercet__Pb__RangeRequest *req, const char *want) {
    struct tc_buf got = {0};
    tc_err err = TC_OK;
    req->gid = GID;
    req->consistent = true;
    Tercet__Pb__RangeReply *m = cluster_range(c, index_leader(c, GID), req, &err);
    assert_int_equal(err, TC_OK);
    struct tc_reader r = tc_reader(tc_slice(m->items.data, m->items.len));
    while (!tc_reader_at_end(&r)) {
        struct item_value v;
        struct tc_slice item = tc_reader_lenbytes(&r);
        assert_true(item_get(item, TC_SLICE_LIT("sk"), &v));
        tc_buf_append_slice(&got, v.body);
        if (req->fetch && item_get(item, TC_SLICE_LIT("x"), &v))
            tc_buf_append_str(&got, "x");
    }
    tc_buf_append_u8(&got, 0);
    assert_string_equal((const char *)got.data, want);
    tc_buf_deinit(&got);
    tercet__pb__range_reply__free_unpacked(m, NULL);
}
