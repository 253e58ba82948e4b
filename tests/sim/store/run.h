/* One seed from beginning to end, and what came of it. */
#ifndef TC_SIM_STORE_RUN_H
#define TC_SIM_STORE_RUN_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WORLD_FAILURE_BYTES = 512,
};

struct world_result {
    bool ok;
    uint64_t hash;
    uint64_t simulated_ns;
    uint64_t event_count;
    uint64_t op_count;
    uint64_t acked_count;
    uint64_t unknown_count;
    uint64_t refused_count;
    uint64_t fault_count;
    uint64_t restart_count;
    uint64_t snapshot_count;
    uint64_t damage_count;
    uint64_t trimmed_count;
    uint64_t lost_count;
    uint64_t scrub_count;
    uint64_t wiped_count;
    uint64_t move_count;
    uint64_t join_count;
    uint64_t heal_count;
    uint64_t restored_count;
    uint64_t split_count;
    uint64_t merge_count;
    bool indexed;
    uint64_t row_count; /* that the index's log took, gone ones included */
    char failure[WORLD_FAILURE_BYTES];
};
struct world_result world_run(uint64_t seed, void (*trace)(void *user, const char *line),
                              void *user);

#endif
