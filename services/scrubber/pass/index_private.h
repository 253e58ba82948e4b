/* One comparison of a table with an index, under way. */
#ifndef TC_SERVICES_SCRUBBER_INDEX_PRIVATE_H
#define TC_SERVICES_SCRUBBER_INDEX_PRIVATE_H

#include "scrubber/pass/pass_private.h"

#define PASS_INDEX_CHECK "index"

enum {
    PASS_SIDE_GROUPS_MAX = 4096,
};

struct pass_side_group {
    const char *addr; /* of its leader */
    const Tercet__Pb__Partition *partition;
    uint64_t index; /* applied, when its first page was read */
};

/* The table's groups, or the index's. */
struct pass_side {
    struct pass_side_group group[PASS_SIDE_GROUPS_MAX]; /* by start key */
    size_t count;
    uint64_t sums[BTREE_BUCKET_COUNT];
    uint64_t rows;
    uint64_t outbox_count;
    bool moved; /* something was written meanwhile */
};

struct pass_index_run {
    const struct pass_env *env;
    const struct pass_index *which;
    struct pass_side table;
    struct pass_side index;
};

/* One page of one group; NULL: no sound answer. */
Tercet__Pb__ScrubIndexReply *pass__index_ask(struct pass_index_run *x, const struct pass_side *s,
                                             size_t group, struct tc_slice after, uint32_t bucket);
/* index_narrow.c: they differ; findings for single rows of a few buckets, and the check. */
void pass__index_narrow(struct pass_index_run *x, struct pass *p);

#endif
