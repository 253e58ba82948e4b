/* A log as a list of operations: replayed up to any lsn, it says what a recovered wal must hold. */
#ifndef TEST_WAL_MODEL_H
#define TEST_WAL_MODEL_H

#include "base/prng.h"
#include "engine/wal/wal.h"
#include "env/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), TC_OK)

enum {
    MODEL_GROUPS = 6,
    MODEL_OPS_MAX = 4000,
    MODEL_IDX_MAX = 3000,
};

enum model_kind {
    MODEL_ENTRY,
    MODEL_STATE,
    MODEL_FORGET,
    MODEL_TRIM
};

struct model_op {
    enum model_kind kind;
    uint64_t lsn; /* TRIM: of the record before it */
    uint64_t gid;
    uint64_t idx;
    uint64_t ballot;
    uint64_t chain; /* also the seed of the body */
    uint32_t len;
    uint16_t type;
};

struct model_group {
    uint64_t trimmed;
    uint64_t last; /* 0: none */
    const struct model_op *entries[MODEL_IDX_MAX];
    const struct model_op *states[WAL_STATE_TYPES];
};

struct model {
    struct model_op ops[MODEL_OPS_MAX];
    size_t count;
    struct model_group groups[MODEL_GROUPS + 1]; /* by gid, 1.. */
};

struct tc_blob *model_body(uint64_t seed, uint32_t len);
/* Append the record to both; what the wal answers. */
tc_err model_append(struct model *m, struct wal *w, const struct model_op *op);
tc_err model_forget(struct model *m, struct wal *w, uint64_t gid);
void model_trim(struct model *m, struct wal *w, uint64_t gid, uint64_t idx);
/* Forget operations above lsn and replay the rest. */
void model_rewind(struct model *m, uint64_t lsn);
/* A random append, state, overwrite, jump, trim, forget or copy forward. */
tc_err model_step(struct model *m, struct wal *w, struct tc_prng *p);
/* Everything the model holds is in w, and nothing else (entries at or below the trimmed index may
 * be there). may_fault: damaged is accepted, absent or different never. */
void model_check(const struct model *m, struct wal *w, bool may_fault);

#endif
