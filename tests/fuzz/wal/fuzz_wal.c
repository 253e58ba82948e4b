/* A segment file of any bytes: opening, reading, appending and opening again must hold together. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "engine/wal/format.h"
#include "env/sim/sim.h"

#include <stdlib.h>

enum {
    SEGMENT = WAL_SEGMENT_BYTES_MIN,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t get32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void set32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* Make checksums right, so that what stands behind them is reached. */
static void fix_checksums(uint8_t *bytes) {
    set32(bytes + 8, tc_crc32c(0, bytes + 12, WAL_SEGMENT_HEADER_BYTES - 12));
    for (size_t at = WAL_BLOCK_BYTES; at + WAL_HEADER_BYTES <= SEGMENT; at += 8) {
        if (get32(bytes + at) != 0x43455254u)
            continue;
        uint32_t len = get32(bytes + at + 12);
        if (len <= SEGMENT - at - WAL_HEADER_BYTES)
            set32(bytes + at + 8, tc_crc32c(0, bytes + at + WAL_HEADER_BYTES, len));
        set32(bytes + at + 4, tc_crc32c(0, bytes + at + 8, WAL_HEADER_BYTES - 8));
    }
}

static void read_all(void *user, const struct wal_group *g) {
    struct wal *w = user;
    uint64_t idx = g->last_idx;
    for (int i = 0; idx >= g->first_idx && idx > 0 && i < 1000; i++, idx--) {
        struct wal_entry e;
        struct tc_blob *body = NULL;
        TC_ASSERT(wal_entry(w, g->gid, idx, &e));
        tc_err err = wal_read(w, g->gid, idx, &body);
        TC_ASSERT(err == TC_OK || err == TC_ECORRUPT);
        TC_ASSERT(TC_IMPLIES(err == TC_OK, body->len == e.body_len));
        tc_blob_unref(body);
    }
}

static void put_file(struct tc_fs *fs, const uint8_t *bytes) {
    struct tc_file *f = NULL;
    TC_ASSERT(tc_fs_open(fs, "d/seg-0000", TC_FS_CREATE, &f) == TC_OK);
    TC_ASSERT(tc_file_write_at(f, 0, bytes, SEGMENT) == TC_OK);
    tc_file_close(f);
}

static void use_and_reopen(struct tc_fs *fs, const struct wal_options *o) {
    struct wal *w = NULL;
    tc_err err = wal_open(fs, "d", o, &w);
    TC_ASSERT(err == TC_OK || err == TC_ECORRUPT);
    if (err != TC_OK)
        return;
    wal_each_group(w, read_all, w);
    struct wal_record rec = {.gid = 99, .idx = 1, .type = 1};
    uint64_t lsn = 0;
    err = wal_append(w, &rec, NULL, /* urgent= */ true, &lsn);
    bool added = err == TC_OK && wal_flush(w) == TC_OK;
    uint64_t durable = wal_durable_lsn(w);
    wal_close(w);
    TC_ASSERT(wal_open(fs, "d", o, &w) == TC_OK);
    struct wal_entry e;
    TC_ASSERT(TC_IMPLIES(added, wal_durable_lsn(w) == durable && wal_entry(w, 99, 1, &e)));
    wal_close(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *bytes = calloc(1, SEGMENT);
    if (bytes == NULL)
        return 0;
    if (size > 0)
        memcpy(bytes, data, size < SEGMENT ? size : SEGMENT);
    struct wal_options o = wal_options_default();
    o.segment_bytes = SEGMENT;
    o.max_bytes = 4 * SEGMENT;
    o.queue_max_bytes = SEGMENT / 2;
    memset(o.store_uuid, 'u', sizeof o.store_uuid);
    for (int fixed = 0; fixed < 2; fixed++) {
        struct sim_fs *s = sim_fs_new(1);
        TC_ASSERT(tc_fs_mkdir(sim_fs_fs(s), "d") == TC_OK);
        if (fixed)
            fix_checksums(bytes);
        put_file(sim_fs_fs(s), bytes);
        use_and_reopen(sim_fs_fs(s), &o);
        sim_fs_free(s);
    }
    free(bytes);
    return 0;
}
