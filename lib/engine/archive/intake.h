/* archive intake: takes what storage replicas offer, checks it, archives it, compares replicas.
 *
 * A group's leader offers entries; they are checked one by one (density, checksums, chain hashes)
 * and must continue the manifest's end, then become a segment object, then the manifest names it,
 * and only then the answer says so: what is trimmed because of an answer is in the archive.
 * Every other replica is asked, range by range, for its chain hashes there; equal hashes mean equal
 * logs. A difference is attributed: if the archived object is intact, the replica differs, else the
 * archive does (DESIGN.md 5).
 *
 * Threads: one. Calls block on the object store. Memory: heap; one manifest per group seen.
 * Limits: INTAKE_GROUPS_MAX groups, INTAKE_REPLICAS_MAX replicas remembered per group.
 * Invariant: a manifest is held only while it equals the newest stored one; after any failed store
 * it is dropped and loaded again.
 */
#ifndef TC_ENGINE_ARCHIVE_INTAKE_H
#define TC_ENGINE_ARCHIVE_INTAKE_H

#include "engine/archive/manifest.h"

enum {
    INTAKE_GROUPS_MAX = 1 << 16,
    INTAKE_REPLICAS_MAX = 8,
    INTAKE_NODE_BYTES_MAX = 64,
    INTAKE_PROBLEM_BYTES_MAX = 256,
    INTAKE_READ_ENTRIES_MAX = 1024,  /* of one page */
    INTAKE_READ_BYTES_MAX = 1 << 20, /* of bodies; one entry may always go alone */
};

struct intake;

struct intake_offer {
    struct archive_segment segment; /* first 0: only asking. entries empty: chain hashes only */
    struct tc_slice node;
    uint32_t rid;
    /* A child of a split: its log continues its parent's at base_index. parent_gid 0: none. */
    uint64_t parent_gid;
    uint64_t base_index;
    uint64_t base_chain;
    /* A merged group: parent_gid is the left one, which ends at parent_index. right_gid 0: none. */
    uint64_t parent_index;
    uint64_t right_gid;
    uint64_t right_index;
};

struct intake_reply {
    uint64_t archived; /* 0: nothing yet (a child: base_index) */
    uint64_t archived_chain;
    uint64_t verify_first; /* 0: nothing to compare */
    uint64_t verify_last;
    char problem[INTAKE_PROBLEM_BYTES_MAX]; /* "": none */
};

#define INTAKE_COUNTERS(X)                                                                         \
    X(offers, "offers taken")                                                                      \
    X(segments, "segments archived")                                                               \
    X(segment_bytes, "bytes of segment objects written")                                           \
    X(entries, "log entries archived")                                                             \
    X(entries_read, "archived entries given back to replicas")                                     \
    X(ranges_verified, "ranges in which a replica's log equals the archive")                       \
    X(replicas_differ, "ranges in which a replica's log differs from an intact archive")           \
    X(archive_damaged, "archived objects found unreadable or different from what was stored")      \
    X(entries_refused, "offers refused because an entry failed its check")                         \
    X(holes_refused, "offers that do not continue the archive's end")                              \
    X(races_lost, "manifests that another archiver stored first")

struct intake_counters {
#define X(name, text) uint64_t name;
    INTAKE_COUNTERS(X)
#undef X
};

/* store is borrowed. */
struct intake *intake_new(struct objstore *store, bool compress);
void intake_free(struct intake *in);

/* Take one offer.
 *   Errors   TC_EINVAL   malformed; TC_ELIMIT too many groups
 *            TC_ESTALE   another archiver was first: offer again
 *            TC_ECORRUPT the newest manifest is damaged: nothing is archived over it
 *            those of objstore: nothing was promised; offer again
 *            In all cases ret_reply is untouched. */
TC_MUST_USE tc_err intake_take(struct intake *in, const struct intake_offer *offer,
                               struct intake_reply *ret_reply);

/* Give archived entries of a group back: a page from first on, up to last at most, as it stands in
 * one segment, which is read and checked whole. Append them as archive_entry_encode does.
 *   Errors   TC_ENOTFOUND  nothing is archived at first; TC_EINVAL  no range
 *            TC_ECORRUPT   the manifest or the segment there is damaged or gone
 *            TC_ELIMIT, those of objstore. ret_entries is untouched. */
TC_MUST_USE tc_err intake_read(struct intake *in, uint64_t gid, uint64_t first, uint64_t last,
                               struct tc_buf *ret_entries);

const struct intake_counters *intake_counters(const struct intake *in);

struct intake_group_status {
    uint64_t gid;
    uint64_t archived;
    uint64_t segment_count;
    uint64_t last_ms;    /* wall time of the newest archived entry */
    const char *problem; /* newest one, "" if none is open */
};
/* In ascending gid. */
void intake_each_group(struct intake *in,
                       void (*visit)(void *user, const struct intake_group_status *g), void *user);

#endif
