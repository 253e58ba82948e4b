#include "core/bucket/bucket.h"

#include "base/assert.h"

static const uint64_t NS_PER_S = 1000000000u;
/* A longer pause fills any bucket; the bound keeps the product below in 64 bits. */
static const uint64_t PAUSE_NS_MAX = UINT64_C(4) * 1000000000u;

static void check(const struct bucket *b) {
    TC_ASSERT(b->tokens_mu <= b->burst_mu && b->tokens_mu >= -b->debt_mu_max);
    TC_ASSERT(b->frac < NS_PER_S);
}

static void add(struct bucket *b, uint64_t tokens_mu) {
    uint64_t room = (uint64_t)(b->burst_mu - b->tokens_mu);
    if (tokens_mu >= room) {
        b->tokens_mu = b->burst_mu;
        b->frac = 0;
        return;
    }
    b->tokens_mu += (int64_t)tokens_mu;
}

static void refill(struct bucket *b, uint64_t now_ns) {
    while (now_ns > b->at_ns) {
        uint64_t passed_ns = now_ns - b->at_ns;
        if (passed_ns > PAUSE_NS_MAX)
            passed_ns = PAUSE_NS_MAX;
        uint64_t gained = b->rate_mu_per_s * passed_ns + b->frac;
        b->frac = gained % NS_PER_S;
        add(b, gained / NS_PER_S);
        b->at_ns += passed_ns;
        if (b->tokens_mu == b->burst_mu || b->rate_mu_per_s == 0)
            b->at_ns = now_ns;
    }
    check(b);
}

static void set(struct bucket *b, const struct bucket_config *config) {
    TC_ASSERT(config->rate_mu_per_s <= BUCKET_RATE_MU_MAX);
    TC_ASSERT(config->burst_mu <= INT64_MAX / 4 && config->debt_mu_max <= INT64_MAX / 4);
    b->rate_mu_per_s = config->rate_mu_per_s;
    b->burst_mu = (int64_t)config->burst_mu;
    b->debt_mu_max = (int64_t)config->debt_mu_max;
}

void bucket_init(struct bucket *b, const struct bucket_config *config, uint64_t now_ns) {
    *b = (struct bucket){.at_ns = now_ns};
    set(b, config);
    b->tokens_mu = b->burst_mu;
    check(b);
}

void bucket_configure(struct bucket *b, const struct bucket_config *config, uint64_t now_ns) {
    refill(b, now_ns);
    set(b, config);
    if (b->tokens_mu > b->burst_mu)
        b->tokens_mu = b->burst_mu;
    if (b->tokens_mu < -b->debt_mu_max)
        b->tokens_mu = -b->debt_mu_max;
    check(b);
}

tc_err bucket_take(struct bucket *b, uint64_t cost_mu, uint64_t now_ns) {
    refill(b, now_ns);
    if (b->tokens_mu < 0 || (uint64_t)b->tokens_mu < cost_mu)
        return TC_ETHROTTLED;
    b->tokens_mu -= (int64_t)cost_mu;
    return TC_OK;
}

bool bucket_open(struct bucket *b, uint64_t now_ns) {
    refill(b, now_ns);
    return b->tokens_mu > 0;
}

void bucket_debit(struct bucket *b, uint64_t cost_mu, uint64_t now_ns) {
    refill(b, now_ns);
    uint64_t room = (uint64_t)(b->tokens_mu + b->debt_mu_max);
    b->tokens_mu -= (int64_t)(cost_mu < room ? cost_mu : room);
    check(b);
}
