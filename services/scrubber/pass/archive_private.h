/* What the archive's part of a pass is made of; see pass_private.h. */
#ifndef TC_SERVICES_SCRUBBER_PASS_ARCHIVE_PRIVATE_H
#define TC_SERVICES_SCRUBBER_PASS_ARCHIVE_PRIVATE_H

#include "engine/archive/manifest.h"
#include "scrubber/pass/pass_private.h"

/* An empty reference, if the mark is set and archived; else the check says why there is none. */
void pass__archive_begin(struct pass *p, const struct archive_manifest *m);
/* Drop the reference and say why there is none. */
void pass__archive_give_up(struct pass *p, const char *why);
/* Read one object and hold it against the checksum the manifest has of it. TC_ECORRUPT: missing or
 * damaged, and a finding names it. */
tc_err pass__archive_read(struct pass *p, const char *key, uint32_t crc, struct tc_buf *object);
/* Read one segment of group gid and feed the reference its entries up to last. TC_ECORRUPT: a
 * finding was added; others: the segment could not be read. */
tc_err pass__archive_segment(struct pass *p, uint64_t gid, const struct archive_segment_ref *ref,
                             uint64_t last);
/* The group of m was split off another one or merged from two: begin the reference with what their
 * archive holds up to their ends, and what their own parents' holds. */
void pass__archive_line(struct pass *p, const struct archive_manifest *m);
/* Read every snapshot; the newest sound one at or below the mark becomes the reference's start. */
tc_err pass__archive_snapshots(struct pass *p, const struct archive_manifest *m);

#endif
