/* bucket: admits capacity units for one table share, partition or node.
 *
 * Amounts are milli-units (mu): one capacity unit is 1000 mu, so an eventually consistent read of
 * 4 KiB costs 500 mu. The exact cost of a request is known only after it was served, so a request
 * is admitted while tokens are above zero and debited afterwards; the balance may go below zero, at
 * most to -debt_mu_max, and later requests wait for the debt.
 *
 * Pure: time is an argument, nothing is allocated, nothing blocks.
 * Invariant: -debt_mu_max <= tokens_mu <= burst_mu and frac < 1e9.
 */
#ifndef TC_CORE_BUCKET_H
#define TC_CORE_BUCKET_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BUCKET_RATE_MU_MAX = 2000000000
};

struct bucket {
    uint64_t rate_mu_per_s; /* at most BUCKET_RATE_MU_MAX */
    int64_t burst_mu;
    int64_t debt_mu_max;
    int64_t tokens_mu;
    uint64_t frac; /* refill below one mu, in 1e-9 mu: frequent calls would lose it otherwise */
    uint64_t at_ns;
};

struct bucket_config {
    uint64_t rate_mu_per_s;
    uint64_t burst_mu;    /* what an idle bucket collects */
    uint64_t debt_mu_max; /* how far one expensive request may overdraw */
};

/* A full bucket. */
void bucket_init(struct bucket *b, const struct bucket_config *config, uint64_t now_ns);
/* Change the limits; tokens stay, cut to the new burst. */
void bucket_configure(struct bucket *b, const struct bucket_config *config, uint64_t now_ns);
/* Refill up to now_ns, then remove cost_mu or nothing. A now_ns before the last call's counts as no
 * time passed.
 *   Errors  TC_ETHROTTLED  fewer than cost_mu tokens; none were removed */
TC_MUST_USE tc_err bucket_take(struct bucket *b, uint64_t cost_mu, uint64_t now_ns);
/* Refill; are there any tokens? */
bool bucket_open(struct bucket *b, uint64_t now_ns);
/* Remove cost_mu whatever the balance, down to the debt limit. */
void bucket_debit(struct bucket *b, uint64_t cost_mu, uint64_t now_ns);

#endif
