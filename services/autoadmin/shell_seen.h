/* shell_seen: whether everything is as it was when a whole view left nothing to do. Asking that
 * costs a number per node and four small reads, however many groups there are; a whole view of
 * thousands of groups does not. Blocks; one thread. */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_SEEN_H
#define TC_SERVICES_AUTOADMIN_SHELL_SEEN_H

#include "shell_observe.h"

enum {
    SHELL_SEEN_MS = 60000, /* then a whole view is taken in any case */
};

struct shell_seen {
    bool valid;
    uint64_t at_ns;
    uint64_t digests[CATALOG_ADDRS_MAX]; /* NodeInfoReply.digest */
    bool full[CATALOG_ADDRS_MAX];
    uint64_t steering; /* marks, orders, dropped tables, the directory */
};

/* Remember a view in which every node answered; with a silent one nothing is remembered. */
void shell_seen_note(struct shell_seen *seen, const struct shell_view *v, const struct catalog *c,
                     const struct shell_limits *limits, uint64_t now_ns);
/* The tables' records by name and version: another number says that one was written since. */
uint64_t shell_seen_tables(const struct shell_view *v);
/* False: something differs, does not answer, or was seen too long ago. */
bool shell_seen_same(const struct shell_seen *seen, struct catalog *c,
                     const struct shell_limits *limits, uint64_t now_ns);

#endif
