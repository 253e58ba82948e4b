/* Lookups: a table by name, a partition by the storage key it contains. */
#include "base/assert.h"
#include "memds/map/map_private.h"

enum {
    WIRE_VARINT = 0,
    WIRE_BYTES = 2,
    REPLY_RESULTS = 1, /* field numbers of LookupReply and LookupResult */
    RESULT_ERR = 1,
    RESULT_TABLE = 2,
    RESULT_PARTITION = 3,
};

static tc_err absent(const struct map *m, uint64_t now_ns) {
    return map_warm(m, now_ns) ? TC_ENOTFOUND : TC_EUNAVAILABLE;
}

static tc_err find_table(struct map *m, const char *name, uint64_t now_ns,
                         struct map_found *found) {
    struct perkle_record r;
    map__table_key(&m->scratch, name);
    if (!perkle_get(&m->tree, tc_buf_slice(&m->scratch), &r))
        return absent(m, now_ns);
    if (r.dead_until_ms != 0)
        return TC_ENOTFOUND;
    found->table = r.value;
    return TC_OK;
}

static bool contains(struct tc_slice partition, struct tc_slice key, bool before) {
    const struct tc_slice end = map__bytes_field(partition, MAP__PARTITION_END);
    if (end.len == 0)
        return true;
    if (before)
        return key.len > 0 && tc_slice_cmp(key, end) <= 0;
    return tc_slice_cmp(key, end) < 0;
}

/* The last partition that starts at (before: strictly below) key. An empty key with before means
 * the end of the table: everything below the next table's first key. */
static bool find_start(struct map *m, uint64_t table_id, struct tc_slice key, bool before,
                       struct perkle_record *ret_record) {
    const bool last = before && key.len == 0 && table_id < UINT64_MAX;
    map__partition_key(&m->scratch, table_id + last, key);
    return perkle_floor(&m->tree, tc_buf_slice(&m->scratch), /* strict= */ before, PERKLE_LIVE,
                        ret_record);
}

static tc_err find_partition(struct map *m, uint64_t table_id, const Tercet__Pb__Lookup *lookup,
                             uint64_t now_ns, struct map_found *found) {
    const struct tc_slice key = tc_slice(lookup->key.data, lookup->key.len);
    struct perkle_record r;
    const bool has = find_start(m, table_id, key, lookup->before, &r);
    map__partition_key(&m->scratch, table_id, TC_SLICE_EMPTY);
    const struct tc_slice table = tc_buf_slice(&m->scratch);
    if (has && tc_slice_has_prefix(r.key, table) && contains(r.value, key, lookup->before)) {
        found->partition = r.value;
        return TC_OK;
    }
    /* Partitions tile the keys of their table: a hole is this node's ignorance. */
    if (perkle_ceiling(&m->tree, table, /* strict= */ false, PERKLE_LIVE, &r) &&
        tc_slice_has_prefix(r.key, table))
        return TC_EUNAVAILABLE;
    struct perkle_part part;
    perkle_part(&m->tree, table, &part);
    return part.count > 0 ? TC_ENOTFOUND : absent(m, now_ns);
}

struct map_found map_lookup(struct map *m, const Tercet__Pb__Lookup *lookup, uint64_t now_ns) {
    struct map_found found = {.err = TC_OK};
    uint64_t table_id = lookup->table_id;
    const bool by_name = lookup->table != NULL && lookup->table[0] != 0;
    if (by_name) {
        found.err = find_table(m, lookup->table, now_ns, &found);
        table_id = map__varint_field(found.table, MAP__TABLE_ID);
    }
    if (!by_name && (table_id == 0 || !lookup->has_key))
        found.err = TC_EINVAL;
    if (found.err == TC_OK && lookup->has_key)
        found.err = find_partition(m, table_id, lookup, now_ns, &found);
    return found;
}

static void append_tag(struct tc_buf *out, unsigned field, unsigned wire) {
    tc_buf_append_varint(out, field << 3 | wire);
}

static void append_bytes(struct tc_buf *out, unsigned field, struct tc_slice bytes) {
    if (bytes.len == 0)
        return;
    append_tag(out, field, WIRE_BYTES);
    tc_buf_append_varint(out, bytes.len);
    tc_buf_append_slice(out, bytes);
}

static uint64_t zigzag(tc_err err) {
    const int64_t v = err;
    return v < 0 ? ((uint64_t)-v << 1) - 1 : (uint64_t)v << 1;
}

/* Packed by hand: records are stored packed, unpacking them for every lookup would cost more than
 * the lookup. */
static void append_result(struct tc_buf *out, const struct map_found *f) {
    struct tc_buf body = {0};
    if (f->err != TC_OK) {
        append_tag(&body, RESULT_ERR, WIRE_VARINT);
        tc_buf_append_varint(&body, zigzag(f->err));
    }
    append_bytes(&body, RESULT_TABLE, f->table);
    append_bytes(&body, RESULT_PARTITION, f->partition);
    append_tag(out, REPLY_RESULTS, WIRE_BYTES);
    tc_buf_append_varint(out, body.len);
    tc_buf_append_slice(out, tc_buf_slice(&body));
    tc_buf_deinit(&body);
}

tc_err map_append_reply(struct map *m, const Tercet__Pb__LookupRequest *request, uint64_t now_ns,
                        struct tc_buf *out) {
    if (request->n_lookups > MAP_LOOKUPS_MAX)
        return TC_EINVAL;
    for (size_t i = 0; i < request->n_lookups; i++) {
        const struct map_found f = map_lookup(m, request->lookups[i], now_ns);
        append_result(out, &f);
    }
    return TC_OK;
}
