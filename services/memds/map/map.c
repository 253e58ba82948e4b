#include "memds/map/map.h"

#include "base/assert.h"
#include "base/reader.h"
#include "memds/map/map_private.h"

#define MS_NS UINT64_C(1000000)

void map_init(struct map *m, uint64_t record_count_max, struct map_time now) {
    *m = (struct map){.started_ns = now.ns, .told = now};
    perkle_init(&m->tree, record_count_max);
}

void map_deinit(struct map *m) {
    perkle_deinit(&m->tree);
    tc_buf_deinit(&m->scratch);
    *m = (struct map){0};
}

bool map_warm(const struct map *m, uint64_t now_ns) {
    return m->peer_heard || (m->pushed && now_ns - m->started_ns >= MAP_WARM_NS);
}

uint64_t map_told_ms_ago(const struct map *m, struct map_time now) {
    uint64_t by_ns = now.ns > m->told.ns ? (now.ns - m->told.ns) / MS_NS : 0;
    uint64_t by_ms = now.ms > m->told.ms ? now.ms - m->told.ms : 0;
    return by_ns > by_ms ? by_ns : by_ms;
}

void map_told(struct map *m, struct map_time now) {
    m->told = now;
}

void map_peer_heard(struct map *m, struct map_time began, uint64_t told_ms_ago) {
    m->peer_heard = true;
    if (told_ms_ago >= map_told_ms_ago(m, began)) /* older news than its own */
        return;
    uint64_t ago_ns = told_ms_ago * MS_NS; /* less than what has passed here */
    m->told.ns = began.ns > ago_ns ? began.ns - ago_ns : 0;
    m->told.ms = began.ms > told_ms_ago ? began.ms - told_ms_ago : 0;
}

bool map_begin_anew(struct map *m, struct map_time now) {
    if (map_told_ms_ago(m, now) < MAP_ALONE_MS)
        return false;
    const uint64_t count_max = m->tree.record_count_max;
    const bool any = perkle_count(&m->tree) > 0;
    map_deinit(m);
    map_init(m, count_max, now);
    return any;
}

void map__table_key(struct tc_buf *key, const char *name) {
    tc_buf_clear(key);
    tc_buf_append_str(key, "t/");
    tc_buf_append_str(key, name);
}

void map__partition_key(struct tc_buf *key, uint64_t table_id, struct tc_slice start) {
    tc_buf_clear(key);
    tc_buf_append_str(key, "p/");
    tc_buf_append_u64be(key, table_id);
    tc_buf_append_slice(key, start);
}

/* One field of the protobuf wire format: its number, and its varint or bytes. */
struct field {
    uint32_t number;
    uint64_t varint;
    struct tc_slice bytes;
};

static bool next_field(struct tc_reader *r, struct field *ret_field) {
    if (r->rest.len == 0)
        return false;
    const uint64_t tag = tc_reader_varint(r);
    *ret_field = (struct field){.number = (uint32_t)(tag >> 3)};
    switch (tag & 7) {
    case 0:
        ret_field->varint = tc_reader_varint(r);
        break;
    case 1:
        ret_field->varint = tc_reader_u64(r);
        break;
    case 2:
        ret_field->bytes = tc_reader_lenbytes(r);
        break;
    case 5:
        ret_field->varint = tc_reader_u32(r);
        break;
    default:
        return false;
    }
    return tc_reader_ok(r);
}

uint64_t map__varint_field(struct tc_slice packed, uint32_t number) {
    struct tc_reader r = tc_reader(packed);
    struct field f;
    uint64_t value = 0;
    while (next_field(&r, &f)) {
        if (f.number == number)
            value = f.varint;
    }
    return value;
}

struct tc_slice map__bytes_field(struct tc_slice packed, uint32_t number) {
    struct tc_reader r = tc_reader(packed);
    struct field f;
    struct tc_slice value = TC_SLICE_EMPTY;
    while (next_field(&r, &f)) {
        if (f.number == number)
            value = f.bytes;
    }
    return value;
}
