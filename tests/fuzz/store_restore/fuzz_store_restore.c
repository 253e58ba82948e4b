/* A page of the archive as an archiver answers it: what is accepted keeps within the bounds that
 * the store and the core rely on. The first two bytes say which page was asked for. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "engine/store/restore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* So that what stands behind the checksums is reached. */
static void make_sound(Tercet__Pb__SegmentReply *reply) {
    for (size_t i = 0; i < reply->n_entries; i++) {
        Tercet__Pb__LogEntry *e = reply->entries[i];
        if (e->flags & 2)
            e->body_crc = tc_crc32c(0, e->body.data, e->body.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    uint64_t first = data[0], last = first + data[1];
    Tercet__Pb__SegmentReply *reply = tercet__pb__segment_reply__unpack(NULL, size - 2, data + 2);
    if (reply == NULL)
        return 0;
    make_sound(reply);
    if (store__restore_check(reply, first, last) == TC_OK) {
        TC_ASSERT(reply->n_entries > 0 && reply->n_entries <= RESTORE_ENTRIES_MAX);
        for (size_t i = 0; i < reply->n_entries; i++) {
            const Tercet__Pb__LogEntry *e = reply->entries[i];
            TC_ASSERT(e->index >= first && e->index <= last && e->type <= PAXOS_ENTRY_TYPE_MAX &&
                      e->body.len == e->body_len && e->body_len <= PAXOS_BODY_BYTES_MAX);
        }
    }
    tercet__pb__segment_reply__free_unpacked(reply, NULL);
    return 0;
}
