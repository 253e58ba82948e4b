#include "engine/wal/private.h"

#include "base/assert.h"

#include <stdlib.h>

enum {
    WAL_AHEAD_BYTES = 256 * 1024,
};

static bool holds(const struct wal_ahead *a, uint32_t slot, uint32_t seq, uint64_t from,
                  uint64_t len) {
    return a->seq != 0 && a->seq == seq && a->slot == slot && from >= a->from &&
           from + len <= a->from + a->len;
}

static bool fill(struct wal *w, uint32_t slot, uint64_t from, uint64_t len) {
    struct wal_ahead *a = &w->ahead;
    const struct wal_slot *s = &w->slots[slot];
    void *memory = a->memory;
    a->seq = 0;
    if (memory == NULL && posix_memalign(&memory, WAL_BLOCK_BYTES, WAL_AHEAD_BYTES) != 0)
        return false;
    a->memory = memory;
    if (tc_file_read_at(s->file, from, a->memory, (size_t)len) != TC_OK)
        return false;
    *a = (struct wal_ahead){
        .memory = a->memory, .slot = slot, .seq = s->seq, .from = from, .len = len};
    return true;
}

struct tc_slice wal__ahead_read(struct wal *w, uint32_t slot, uint64_t from, uint64_t len,
                                bool fresh) {
    TC_ASSERT(from % WAL_BLOCK_BYTES == 0 && len % WAL_BLOCK_BYTES == 0);
    const struct wal_ahead *a = &w->ahead;
    uint64_t start = from / WAL_AHEAD_BYTES * WAL_AHEAD_BYTES;
    uint64_t size = w->opts.segment_bytes - start;
    if (size > WAL_AHEAD_BYTES)
        size = WAL_AHEAD_BYTES;
    /* A piece of the segment that another thread writes to now must not be touched. */
    bool writing = w->batch_out && w->batch.slot == slot;
    if (writing || from + len > start + size)
        return TC_SLICE_EMPTY;
    if ((fresh || !holds(a, slot, w->slots[slot].seq, from, len)) && !fill(w, slot, start, size))
        return TC_SLICE_EMPTY;
    return tc_slice(a->memory + (from - start), (size_t)len);
}

void wal__ahead_deinit(struct wal *w) {
    free(w->ahead.memory);
}
