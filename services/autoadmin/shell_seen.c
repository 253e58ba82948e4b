#include "shell_seen.h"

#include "base/hash.h"
#include "proto/bytes.h"
#include "rpc/unary.h"

static uint64_t mix_records(uint64_t hash, const struct catalog_records *records) {
    for (size_t i = 0; i < records->count; i++) {
        const struct system_record *r = &records->at[i];
        hash = tc_hash64(r->name, hash ^ r->version);
    }
    return hash + records->count;
}

static uint64_t steering_of(const struct shell_view *v) {
    uint64_t hash = mix_records(0, &v->mark_records);
    hash = mix_records(hash, &v->order_records);
    hash = mix_records(hash, &v->dropped_records);
    return mix_records(hash, &v->directory_records);
}

uint64_t shell_seen_tables(const struct shell_view *v) {
    return mix_records(0, &v->table_records);
}

void shell_seen_note(struct shell_seen *seen, const struct shell_view *v, const struct catalog *c,
                     const struct shell_limits *limits, uint64_t now_ns) {
    *seen = (struct shell_seen){.valid = true, .at_ns = now_ns, .steering = steering_of(v)};
    for (size_t i = 0; i < c->addr_count; i++) {
        const Tercet__Pb__NodeInfoReply *r = v->reports[i];
        seen->valid = seen->valid && r != NULL && r->digest != 0;
        seen->digests[i] = r ? r->digest : 0;
        seen->full[i] = r && r->disk_free_bytes < limits->full_bytes;
    }
}

static bool same_steering(uint64_t steering, struct catalog *c) {
    static const char *const kinds[] = {SYSTEM_KIND_NODE, SYSTEM_KIND_MOVE, SYSTEM_KIND_DROPPED,
                                        SYSTEM_KIND_DIRECTORY};
    struct tc_arena arena = {.max_bytes = SHELL_ARENA_BYTES_MAX};
    uint64_t hash = 0;
    bool read = true;
    for (size_t i = 0; read && i < sizeof kinds / sizeof kinds[0]; i++) {
        struct catalog_records records = {0};
        read = catalog_read(c, kinds[i], &arena, &records) == TC_OK;
        hash = mix_records(hash, &records);
    }
    tc_arena_deinit(&arena);
    return read && hash == steering;
}

static bool same_node(const struct shell_seen *seen, const struct catalog *c,
                      const struct shell_limits *limits, size_t i) {
    Tercet__Pb__NodeInfoRequest request = TERCET__PB__NODE_INFO_REQUEST__INIT;
    struct tc_buf payload = {0}, answer = {0};
    request.known_digest = seen->digests[i];
    proto_append(&payload, &request.base);
    tc_err err = rpc_unary_wait(c->rpc, c->addrs[i], "/tercet.Storage/NodeInfo",
                                tc_buf_slice(&payload), SHELL_REPORT_DEADLINE_MS, &answer);
    Tercet__Pb__NodeInfoReply *r =
        err == TC_OK ? tercet__pb__node_info_reply__unpack(NULL, answer.len, answer.data) : NULL;
    bool same = r && r->unchanged && (r->disk_free_bytes < limits->full_bytes) == seen->full[i];
    if (r)
        tercet__pb__node_info_reply__free_unpacked(r, NULL);
    tc_buf_deinit(&payload);
    tc_buf_deinit(&answer);
    return same;
}

bool shell_seen_same(const struct shell_seen *seen, struct catalog *c,
                     const struct shell_limits *limits, uint64_t now_ns) {
    if (!seen->valid || now_ns - seen->at_ns > SHELL_SEEN_MS * UINT64_C(1000000))
        return false;
    for (size_t i = 0; i < c->addr_count; i++)
        if (!same_node(seen, c, limits, i))
            return false;
    return same_steering(seen->steering, c);
}
