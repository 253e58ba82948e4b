/* The board as its own files see it: what is kept of each group, and what was told lately. */
#ifndef TC_SERVICES_SCRUBBER_SHELL_BOARD_PRIVATE_H
#define TC_SERVICES_SCRUBBER_SHELL_BOARD_PRIVATE_H

#include "base/buf.h"
#include "scrubber/shell_board.h"

#include <pthread.h>

enum {
    BOARD_DEPTHS = 2,
    BOARD_RECENT_COUNT_MAX = 64,
};

extern const char *const board_depth_names[BOARD_DEPTHS];

/* A finding as it was told, kept after its group has become clean again. */
struct board_recent {
    uint64_t gid;
    uint64_t ms;
    Tercet__Pb__ScrubFinding *finding;
};

struct board_row {
    uint64_t gid;
    uint64_t posted;                            /* number of its newest result, or since it stood */
    Tercet__Pb__ScrubGroup *last[BOARD_DEPTHS]; /* by enum pass_depth; NULL: none yet */
};

struct board {
    pthread_mutex_t lock;
    struct board_row *rows; /* ascending gid */
    size_t count, max;
    uint64_t posted;                                    /* results ever */
    struct board_recent recent[BOARD_RECENT_COUNT_MAX]; /* a ring */
    uint64_t recent_count;                              /* ever */
    struct tc_buf problem;
    uint64_t passes[BOARD_DEPTHS];
    size_t posts; /* since the last export, which walks all rows */
    struct scrubber_metrics *metrics;
};

#endif
