#include "sim/kit/history.h"

#include "base/assert.h"

#include <stdlib.h>

void sim_history_deinit(struct sim_history *h) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&h->values, &at, &key, &value))
        free(value);
    tc_map_deinit(&h->values);
    *h = (struct sim_history){0};
}

void sim_history_invoke(struct sim_history *h, struct sim_op *op) {
    TC_ASSERT(op->key < SIM_HISTORY_KEYS_MAX);
    op->floor = h->told[op->key];
}

/* One version of the log is one value, whoever tells it. */
static bool value_agrees(struct sim_history *h, uint64_t version, uint64_t value) {
    uint64_t *known = tc_map_get(&h->values, tc_map_u64_key(&version));
    if (known)
        return *known == value;
    known = malloc(sizeof *known);
    TC_ASSERT(known != NULL);
    *known = value;
    tc_map_put(&h->values, tc_map_u64_key(&version), known);
    return true;
}

static void tell(struct sim_history *h, uint32_t key, uint64_t version) {
    h->completed_count++;
    if (version > h->told[key])
        h->told[key] = version;
}

const char *sim_history_read(struct sim_history *h, const struct sim_op *op, uint64_t version,
                             uint64_t value) {
    if (version < op->floor)
        return "linearizability: a read went back in time";
    if (version != 0 && !value_agrees(h, version, value))
        return "linearizability: two values for one version";
    tell(h, op->key, version);
    return NULL;
}

const char *sim_history_write(struct sim_history *h, const struct sim_op *op, uint64_t version,
                              uint64_t before) {
    if (version <= op->floor)
        return "linearizability: a write was ordered before what its client could know";
    if (op->kind == SIM_CONDITIONAL && before != op->expected)
        return "linearizability: a conditional write replaced another version";
    if (!value_agrees(h, version, op->value))
        return "linearizability: two values for one version";
    tell(h, op->key, version);
    return NULL;
}
