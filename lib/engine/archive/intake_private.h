/* Parts of intake: comparing, archiving, reading. Callers are intake's own, on its one thread. */
#ifndef TC_ENGINE_ARCHIVE_INTAKE_PRIVATE_H
#define TC_ENGINE_ARCHIVE_INTAKE_PRIVATE_H

#include "base/map.h"
#include "engine/archive/intake.h"

struct intake_replica {
    uint32_t rid;       /* 0: unused */
    uint64_t asked;     /* ranges up to here were asked for, once each */
    uint64_t seen_turn; /* who was heard of longest ago makes room */
};

struct intake_group {
    uint64_t gid;
    bool loaded; /* manifest is what the store holds; version 0: nothing there */
    struct archive_manifest manifest;
    struct intake_replica replicas[INTAKE_REPLICAS_MAX];
    uint64_t turn;
    char problem[INTAKE_PROBLEM_BYTES_MAX];
};

struct intake {
    struct objstore *store;
    bool compress;
    struct tc_map groups; /* gid -> intake_group */
    struct intake_counters counters;
};

/* ---- intake.c */
/* The group, made if it is new, with its manifest loaded.
 *   Errors   TC_ELIMIT (INTAKE_GROUPS_MAX), those of archive_manifest_load but TC_ENOTFOUND */
TC_MUST_USE tc_err intake__group(struct intake *in, uint64_t gid, struct intake_group **ret_group);
/* Its manifest is not what the store holds: it is loaded again when it is needed. */
void intake__drop(struct intake_group *g);
/* The group's problem, for people. */
void intake__say(struct intake_group *g, const struct intake_offer *o, const char *what,
                 uint64_t first, uint64_t last);

/* ---- intake_compare.c */
/* Read one archived segment back whole and checked; ret_segment borrows from object and scratch.
 *   Errors   TC_ECORRUPT, those of objstore_get */
TC_MUST_USE tc_err intake__read_segment(struct intake *in, const struct intake_group *g,
                                        const struct archive_segment_ref *ref,
                                        struct tc_buf *object, struct tc_buf *scratch,
                                        struct archive_segment *ret_segment);
/* A range that the archive has: both its ends must have the same chain hash there. What differs is
 * counted and said, and is no error. */
TC_MUST_USE tc_err intake__compare(struct intake *in, struct intake_group *g,
                                   const struct intake_offer *o);
/* An object of this name exists already: from a run that was not named by a manifest in the end, or
 * it rotted since. TC_OK: it is as good; ref says how large it is. */
TC_MUST_USE tc_err intake__compare_existing(struct intake *in, struct intake_group *g,
                                            const struct archive_segment *s,
                                            struct archive_segment_ref *ref);

/* ---- intake_archive.c */
/* The first segment of a child joins its parent's log where it says that it was split off. */
bool intake__joins_parent(struct intake_group *g, const struct intake_offer *o);
/* Entries that follow on the last. Entries that are none are counted and said, and are no error.
 *   Errors   TC_ESTALE  another archiver was first: the manifest is loaded again */
TC_MUST_USE tc_err intake__archive(struct intake *in, struct intake_group *g,
                                   const struct intake_offer *o);

#endif
