/* suite_lin: is the history of one key linearizable? Judged from what clients saw, nothing else.
 *
 * Search in the manner of Wing and Gong with Lowe's memory of configurations: operations are tried
 * in every order that real time allows, until one explains every answer. An operation whose outcome
 * nobody learnt may have taken effect at any time after its call, or never.
 *
 * Memory: heap. Limits: SUITE_LIN_OPS_MAX operations; a search of more than steps_max is given up.
 */
#ifndef TC_SIM_SUITE_LIN_H
#define TC_SIM_SUITE_LIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SUITE_LIN_OPS_MAX = 2048,
};

enum suite_lin_kind {
    LIN_READ,      /* saw result */
    LIN_WRITE,     /* state becomes value; 0: deleted */
    LIN_EXCHANGE,  /* state becomes value; saw result before */
    LIN_CAS,       /* if state is expected it becomes value; won says whether it was */
    LIN_INCREMENT, /* state rises by one; saw result after */
    LIN_MISS,      /* saw no row of the local index with letter expected (0: any): the lowest two
                      bits of a state are its letter */
};

struct suite_lin_op {
    enum suite_lin_kind kind;
    uint64_t call_ns;
    uint64_t return_ns; /* UINT64_MAX: outcome unknown */
    uint64_t value;
    uint64_t expected;
    uint64_t result;
    bool won;
};

enum suite_lin_verdict {
    LIN_OK,
    LIN_VIOLATED,
    LIN_GAVE_UP,
};

/* Every key starts at 0. */
enum suite_lin_verdict suite_lin_check(const struct suite_lin_op *ops, size_t count,
                                       uint64_t steps_max);

#endif
