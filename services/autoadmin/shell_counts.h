/* shell_counts: what every table holds, by the reports of its leaders, on record for DescribeTable
 * (kind "count" of lib/engine/system).
 *
 * A record is written when it differs, all of them together at most every SHELL_COUNTS_MS; at once
 * when the table's groups have come to know another schema. A table that rests costs a comparison
 * in memory for each round that looks at the nodes. Blocking; one thread.
 */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_COUNTS_H
#define TC_SERVICES_AUTOADMIN_SHELL_COUNTS_H

#include "base/map.h"
#include "shell_observe.h"

enum {
    SHELL_COUNTS_MS = 30 * 1000,
    SHELL_COUNTS_WRITES_MAX = 128, /* in one round; the rest follows */
};

struct shell_counts {
    struct tc_map written; /* table id -> what its record says */
    bool loaded;
    uint64_t written_ns;
};

/* Bring the records up to date with a whole view whose tables were read. */
TC_MUST_USE tc_err shell_counts_publish(struct shell_counts *k, struct catalog *c,
                                        const struct shell_view *v, uint64_t now_ns);
void shell_counts_deinit(struct shell_counts *k);

#endif
