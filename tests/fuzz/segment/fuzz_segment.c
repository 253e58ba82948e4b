/* Objects of the archive of any bytes: segments, manifests, snapshot parts and indexes. The footer
 * is made right, so that what stands behind its checksum is reached. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "engine/archive/manifest.h"
#include "engine/archive/pack.h"
#include "engine/archive/snapshot.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_segment(struct tc_slice object) {
    struct tc_buf scratch = {0};
    struct tc_buf again = {0};
    struct archive_segment s;
    if (archive_segment_decode(object, &scratch, &s) == TC_OK) {
        struct archive_entry e;
        uint64_t count = 0;
        struct tc_slice rest = s.entries;
        while (archive_entry_next(&rest, &e))
            count++;
        TC_ASSERT(count == s.last - s.first + 1 && rest.len == 0);
        TC_ASSERT(archive_segment_encode(&s, /* compress= */ false, &again) == TC_OK);
    }
    tc_buf_deinit(&again);
    tc_buf_deinit(&scratch);
}

static void try_manifest(struct tc_slice object) {
    struct archive_manifest m = {0};
    if (archive_manifest_decode(object, &m) != TC_OK)
        return;
    struct tc_buf again = {0};
    TC_ASSERT(archive_manifest_check(&m, NULL) == TC_OK);
    archive_manifest_encode(&m, &again);
    archive_manifest_deinit(&m);
    TC_ASSERT(archive_manifest_decode(tc_buf_slice(&again), &m) == TC_OK);
    archive_manifest_deinit(&m);
    tc_buf_deinit(&again);
}

static void try_snapshot(struct tc_slice object) {
    struct tc_buf scratch = {0};
    struct archive_part p;
    struct archive_snapshot s;
    if (archive_part_decode(object, &scratch, &p) == TC_OK) {
        struct tc_slice key;
        struct tc_slice item;
        uint64_t count = 0;
        while (archive_item_next(&p.items, &key, &item))
            count++;
        TC_ASSERT(count == p.item_count);
    }
    if (archive_snapshot_decode(object, &s) == TC_OK) {
        struct archive_part_ref ref;
        uint32_t count = 0;
        while (archive_part_ref_next(&s.parts, &ref))
            count++;
        TC_ASSERT(count == s.part_count);
    }
    tc_buf_deinit(&scratch);
}

static void try_all(struct tc_slice object) {
    try_segment(object);
    try_manifest(object);
    try_snapshot(object);
}

static void fix_header(struct tc_buf *b) {
    if (b->len < 20)
        return;
    uint32_t bytes = (uint32_t)b->data[12] | (uint32_t)b->data[13] << 8;
    if (bytes >= 4 && bytes <= b->len)
        archive__set_u32(b, bytes - 4, tc_crc32c(0, b->data, bytes - 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint32_t MAGICS[] = {0x43534547u, 0x434d414eu, 0x43534e50u, 0x43534e58u};
    try_all(tc_slice(data, size));
    size_t content = size < ARCHIVE__FOOTER_BYTES ? size : size - ARCHIVE__FOOTER_BYTES;
    for (size_t i = 0; i < sizeof MAGICS / sizeof *MAGICS; i++) {
        struct tc_buf fixed = {0};
        tc_buf_append(&fixed, data, content);
        if (i == 0)
            fix_header(&fixed);
        archive__append_footer(&fixed, 0, MAGICS[i]);
        try_all(tc_buf_slice(&fixed));
        tc_buf_deinit(&fixed);
    }
    return 0;
}
