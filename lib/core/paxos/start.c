/* How a replica begins from what its disk held, and how it ends (B11).
 *
 * Nothing that a replica granted or heard survives a stop, only what was durable: a beginning is
 * where that is made good, so it stands apart from the steps that follow. */
#include "core/paxos/paxos_private.h"
#include "core/support/support.h"

enum {
    SCRATCH_BYTES_FEW = 512, /* what a beat to two peers takes: most groups never need more */
};

static const struct paxos_options defaults = {
    .lease_ns = 1000000000u,
    .beat_ns = 150000000u,
    .suspect_ns = 500000000u,
    .stall_ns = 1000000000u,
    .drift_ppm = 10000,
    .window_count_max = 1024,
    .batch_count_max = 128,
    .batch_bytes_max = 1u << 20,
    .tail_bytes_max = 8u << 20,
};

#define DEFAULT(o, field) ((o)->field = (o)->field ? (o)->field : defaults.field)

static void fill_options(struct paxos_options *o) {
    DEFAULT(o, lease_ns);
    DEFAULT(o, beat_ns);
    DEFAULT(o, suspect_ns);
    DEFAULT(o, stall_ns);
    DEFAULT(o, drift_ppm);
    DEFAULT(o, window_count_max);
    DEFAULT(o, batch_count_max);
    DEFAULT(o, batch_bytes_max);
    DEFAULT(o, tail_bytes_max);
}

static bool options_valid(const struct paxos_options *o) {
    return o->suspect_ns <= o->lease_ns / 2 && o->beat_ns * 2 <= o->suspect_ns &&
           o->drift_ppm < 500000 && o->batch_count_max <= PAXOS_MSG_ENTRIES_MAX &&
           o->batch_bytes_max <= PAXOS_MSG_BYTES_MAX;
}

static tc_err load_entries(struct paxos *p, const struct paxos_recovery *r) {
    for (size_t i = 0; i < r->entry_count; i++) {
        TC_TRY(paxos__log_append(&p->log, &r->entries[i]));
        paxos__see_round(p, r->entries[i].ballot);
    }
    return r->checkpoint_index >= r->base.index || r->log_only ? TC_OK : TC_ECORRUPT;
}

/* A snapshot may be ahead of the log behind it, and that log may end in entries that were never
 * chosen: a checkpoint says nothing about a log that does not hold its place. */
static uint64_t commit_at_start(const struct paxos *p, const struct paxos_recovery *r) {
    struct paxos_mark at = {.index = r->checkpoint_index, .chain = r->checkpoint_chain};
    if (PAXOS_MUTANT(70))
        return at.index < paxos__log_last(&p->log) ? at.index : paxos__log_last(&p->log);
    if (r->log_only || at.index == p->log.base.index || !paxos__log_holds(&p->log, &at)) {
        if (at.index > p->log.base.index && !r->log_only)
            TC_PROBE("paxos: started with a checkpoint that its log does not hold");
        return p->log.base.index;
    }
    return at.index;
}

static void start(struct paxos *p, const struct paxos_recovery *r) {
    uint64_t last = paxos__log_last(&p->log);
    bool virgin = r->promised == 0 && last == 0;
    p->promised = r->promised;
    paxos__see_round(p, r->promised);
    p->log_only = r->log_only;
    p->newborn = r->newborn;
    p->checkpoint = p->applied = r->log_only ? r->base.index : r->checkpoint_index;
    p->archived = r->archived;
    p->durable = last;
    p->commit = commit_at_start(p, r);
    if (PAXOS_MUTANT(19))
        p->commit = last;
    /* Grants are volatile: whatever this replica granted before it stopped runs out first. One that
     * never promised anything cannot have granted anything. */
    p->quarantine_until_ns = virgin || PAXOS_MUTANT(8) ? 0 : p->now_ns + p->opt.lease_ns;
    p->suspect_at_ns = p->now_ns + (virgin ? 0 : p->opt.suspect_ns);
    p->suspect_at_ns += paxos__jitter(p, p->opt.beat_ns);
    paxos__sync_peers(p);
    TRACE(p, "start promised " B_FMT ", log (%" PRIu64 ", %" PRIu64 "], commit %" PRIu64 "%s%s",
          B_ARGS(p->promised), p->log.base.index, last, p->commit, p->log_only ? ", log only" : "",
          virgin ? "" : " -> promise nothing for one lease");
}

tc_err paxos_new(const struct paxos_params *params, struct paxos **ret_paxos) {
    const struct paxos_recovery *r = params->recovery;
    struct tc_arena self = {.first_bytes = sizeof(struct paxos)};
    struct paxos_options opt = params->options;
    fill_options(&opt);
    if (params->support && support_lease_ns(params->support) != opt.lease_ns)
        return TC_EINVAL;
    if (!options_valid(&opt) || params->rid == 0 || params->rid >= 1u << PAXOS_RID_BITS ||
        !quorum_valid(r->config))
        return TC_EINVAL;
    struct paxos *p = tc_arena_calloc(&self, 1, sizeof *p);
    if (p == NULL)
        return TC_ENOMEM;
    p->self = self;
    p->scratch.first_bytes = SCRATCH_BYTES_FEW;
    p->gid = params->gid;
    p->rid = params->rid;
    p->opt = opt;
    p->prng = tc_prng(params->seed);
    p->trace = params->trace;
    p->support = params->support;
    p->now_ns = p->before_ns = params->now_ns;
    paxos__log_init(&p->log, p->gid, r->base, r->config);
    tc_err err = load_entries(p, r);
    if (err != TC_OK) {
        paxos_free(p);
        return err;
    }
    start(p, r);
    *ret_paxos = p;
    return TC_OK;
}

void paxos_free(struct paxos *p) {
    if (p == NULL)
        return;
    struct tc_arena self = p->self;
    if (p->role == PAXOS_LEADER)
        paxos__wake_all(p); /* nobody must go on trusting a leader that is gone */
    paxos__drop_slots(p);
    paxos__log_deinit(&p->log);
    tc_arena_deinit(&p->scratch);
    tc_buf_deinit(&p->sends);
    tc_buf_deinit(&p->repairs);
    tc_buf_deinit(&p->snapshots);
    tc_buf_deinit(&p->pending);
    tc_buf_deinit(&p->peer_mem);
    tc_buf_deinit(&p->peer_mem_before);
    tc_buf_deinit(&p->shown);
    tc_arena_deinit(&self);
}
