/* Archived entries read back, a page at a time. */
#include "engine/archive/intake_private.h"

static uint64_t copy_page(struct tc_slice entries, uint64_t first, uint64_t last,
                          struct tc_buf *out) {
    struct archive_entry e;
    uint64_t count = 0, bytes = 0;
    while (count < INTAKE_READ_ENTRIES_MAX && archive_entry_next(&entries, &e) && e.index <= last) {
        if (e.index < first)
            continue;
        bytes += e.body.len;
        if (count > 0 && bytes > INTAKE_READ_BYTES_MAX)
            break;
        archive_entry_encode(&e, out);
        count++;
    }
    return count;
}

tc_err intake_read(struct intake *in, uint64_t gid, uint64_t first, uint64_t last,
                   struct tc_buf *ret_entries) {
    struct intake_group *g = NULL;
    if (gid == 0 || first == 0 || last < first)
        return TC_EINVAL;
    TC_TRY(intake__group(in, gid, &g));
    const struct archive_segment_ref *ref = archive_manifest_find(&g->manifest, first);
    if (ref == NULL)
        return TC_ENOTFOUND;
    struct tc_buf object = {0};
    struct tc_buf scratch = {0};
    struct archive_segment s;
    tc_err err = intake__read_segment(in, g, ref, &object, &scratch, &s);
    if (err == TC_OK)
        in->counters.entries_read += copy_page(s.entries, first, last, ret_entries);
    if (err == TC_ENOTFOUND)
        err = TC_ECORRUPT; /* the manifest names it */
    in->counters.archive_damaged += err == TC_ECORRUPT;
    tc_buf_deinit(&object);
    tc_buf_deinit(&scratch);
    return err;
}
