#include "core/paxos/paxos_private.h"

#include "core/support/support.h"

#ifdef PAXOS_MUTANTS
unsigned paxos_mutant;
#endif

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

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

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

const struct quorum_config *paxos__config(const struct paxos *p) {
    return paxos__log_config(&p->log, UINT64_MAX);
}

struct paxos_mark paxos__last(const struct paxos *p) {
    return paxos__log_mark(&p->log, paxos__log_last(&p->log));
}

uint64_t paxos__jitter(struct paxos *p, uint64_t max_ns) {
    return tc_prng_below(&p->prng, max_ns + 1);
}

uint64_t paxos__sound(const struct paxos *p, uint64_t index) {
    uint64_t faulty = p->log.faulty_first;
    return faulty != 0 && index >= faulty ? faulty - 1 : index;
}

void paxos__see_round(struct paxos *p, uint64_t ballot) {
    if (paxos_ballot_round(ballot) > p->round_seen)
        p->round_seen = paxos_ballot_round(ballot);
}

void paxos__durable(struct paxos *p, uint64_t seq) {
    TC_ASSERT(seq <= p->seq);
    while (p->pending_count > 0 && paxos__pending(p, 0)->seq <= seq) {
        const struct pending *w = paxos__pending(p, 0);
        if (w->last > p->durable)
            p->durable = w->last;
        if (w->repair != 0)
            paxos__log_clear_faulty(&p->log, w->repair);
        p->pending_head = (p->pending_head + 1) % paxos__pending_cap(p);
        p->pending_count--;
        p->pending_since_ns = p->now_ns;
    }
    if (seq > p->durable_seq)
        p->durable_seq = seq;
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

static tc_err dispatch(struct paxos *p, const struct paxos_msg *m) {
    switch (m->type) {
    case PAXOS_ASK:
        return paxos__recv_ask(p, m);
    case PAXOS_ASK_REPLY:
        return paxos__recv_ask_reply(p, m);
    case PAXOS_PREPARE:
        return paxos__recv_prepare(p, m);
    case PAXOS_PROMISE:
        return paxos__recv_promise(p, m);
    case PAXOS_ACCEPT:
        return paxos__recv_accept(p, m);
    case PAXOS_ACCEPTED:
        return paxos__recv_accepted(p, m);
    case PAXOS_FETCH:
        return paxos__recv_fetch(p, m);
    case PAXOS_FETCHED:
        return paxos__recv_fetched(p, m);
    case PAXOS_RESIGN:
        return paxos__recv_resign(p, m);
    case PAXOS_REMOVED:
        return paxos__recv_removed(p, m);
    case PAXOS_NUDGE:
        return paxos__recv_nudge(p, m);
    default:
        return TC_EINVAL;
    }
}

/* Rounds rise by one per campaign. A leap is not an election but damage, and to follow it would use
 * up the rounds of this group for ever. */
static bool round_leaps(const struct paxos *p, uint64_t ballot) {
    return paxos_ballot_round(ballot) > p->round_seen + PAXOS_ROUND_LEAP_MAX;
}

static tc_err receive(struct paxos *p, const struct paxos_msg *m) {
    if (m->to != p->rid || m->from == p->rid || p->role == PAXOS_OUTCAST)
        return TC_EINVAL;
    if (round_leaps(p, m->ballot) || round_leaps(p, m->seen_ballot))
        return TC_EINVAL;
    if (m->entry_count > PAXOS_MSG_ENTRIES_MAX)
        return TC_ECORRUPT;
    if (paxos__tell_removed(p, m))
        return TC_OK;
    return dispatch(p, m);
}

static tc_err installed(struct paxos *p, const struct paxos_event *ev) {
    const struct paxos_mark *base = &ev->installed.base;
    uint64_t checkpoint = ev->installed.checkpoint_index;
    bool older = base->index <= p->log.base.index;
    bool held = !older && paxos__log_holds(&p->log, base);
    bool log_only = ev->installed.log_only;
    if (checkpoint < base->index || checkpoint < p->log.base.index ||
        (!older && !held && base->index <= p->commit))
        return TC_EINVAL;
    if (log_only && (!p->log_only || checkpoint != base->index))
        return TC_EINVAL;
    if (p->role != PAXOS_FOLLOWER && p->role != PAXOS_OUTCAST)
        paxos__follow(p, 0, "snapshot installed");
    if (held) {
        p->commit = p->commit > base->index ? p->commit : base->index;
        paxos__log_trim(&p->log, base->index);
        paxos__log_base_config(&p->log, ev->installed.config);
        paxos__sync_peers(p);
    } else if (!older) {
        paxos__log_reset(&p->log, *base, ev->installed.config);
        p->commit = p->verified = p->durable = base->index;
        for (size_t i = 0; i < p->pending_count; i++)
            paxos__pending(p, i)->last = base->index;
        paxos__sync_peers(p);
    }
    if (p->log_only && !log_only)
        TC_PROBE("paxos: a log replica got its B-tree");
    p->log_only = log_only;
    p->applied = p->checkpoint = checkpoint;
    if (ev->installed.archived > p->archived)
        p->archived = ev->installed.archived;
    p->restless = p->fortified;
    p->restore = (struct paxos_mark){0};
    p->out->base_changed = true;
    TRACE(p, "%s at %" PRIu64 " installed -> log from %" PRIu64 "%s",
          log_only ? "log begin" : "snapshot", checkpoint, p->log.base.index,
          held    ? ", tail kept"
          : older ? ", log kept"
                  : ", log emptied");
    return TC_OK;
}

uint64_t paxos_trim_max(const struct paxos *p) {
    uint64_t max = min_u64(PAXOS_MUTANT(17) ? UINT64_MAX : p->archived, p->commit);
    max = min_u64(max, p->log_only ? p->applied : p->checkpoint);
    max = min_u64(max, p->durable);
    uint64_t unreadable = paxos__log_faulty_conf(&p->log, max);
    if (unreadable)
        max = unreadable - 1;
    uint64_t change = paxos__config_index(p);
    if (quorum_is_joint(paxos__config(p)) && change > p->log.base.index)
        max = min_u64(max, change - 1);
    if (p->log.seal_index)
        max = min_u64(max, p->log.seal_index - 1);
    if (p->role != PAXOS_LEADER || p->log.count > PAXOS_LOG_COUNT_MAX / 2)
        return max > p->log.base.index ? max : p->log.base.index;
    for (size_t i = 0; i < p->peer_count; i++) {
        const struct peer *f = &p->peers[i];
        bool live = paxos__heard(p, f) + 2 * p->opt.lease_ns > p->now_ns;
        if (live && f->mode != PEER_SNAPSHOT && f->match < max)
            max = f->match;
    }
    return max > p->log.base.index ? max : p->log.base.index;
}

/* A log replica has nothing to apply: what is committed and durable is all it owes. */
static void apply_nothing(struct paxos *p, uint64_t index) {
    if (p->log_only && index > p->applied)
        p->applied = index;
}

static tc_err trim(struct paxos *p, uint64_t index) {
    if (index <= p->log.base.index)
        return TC_OK;
    if (index > paxos_trim_max(p))
        return TC_EINVAL;
    paxos__log_trim(&p->log, index);
    p->out->base_changed = true;
    return TC_OK;
}

static void clock_jump(struct paxos *p) {
    TRACE(p, "clock jumped -> leases and grants of before are void");
    p->echo_floor_ns = p->now_ns;
    for (size_t i = 0; i < p->peer_count; i++)
        p->peers[i].echo_ns = 0;
    p->quarantine_until_ns = p->now_ns + p->opt.lease_ns;
}

static void tick(struct paxos *p) {
    if (p->log.faulty_count > 0 && p->now_ns >= p->fetch_at_ns)
        paxos__send_fetches(p);
    if (p->role == PAXOS_FOLLOWER)
        paxos__tick_follower(p);
    else if (p->role == PAXOS_CANDIDATE)
        paxos__tick_candidate(p);
    else if (p->role == PAXOS_LEADER)
        paxos__tick_leader(p);
}

/* Rot that a running replica met. Its body is not in memory, else nobody would have read it. */
static void faulty(struct paxos *p, uint64_t index) {
    if (index > p->durable || !paxos__log_spoil(&p->log, index))
        return;
    TC_PROBE("paxos: an entry became unreadable while running");
    TRACE(p, "entry %" PRIu64 " became unreadable -> fetch", index);
    p->fetch_at_ns = p->now_ns;
}

static tc_err read_err(const struct paxos *p) {
    if (PAXOS_MUTANT(24))
        return TC_OK;
    if (!paxos__serving(p))
        return TC_ENOTLEADER;
    return paxos__lease_valid(p) || PAXOS_MUTANT(6) ? TC_OK : TC_EUNAVAILABLE;
}

static tc_err handle(struct paxos *p, const struct paxos_event *ev) {
    switch (ev->type) {
    case PAXOS_EV_TICK:
        tick(p);
        return TC_OK;
    case PAXOS_EV_RECEIVE:
        return receive(p, ev->msg);
    case PAXOS_EV_PROPOSE:
        return paxos__propose(p, ev);
    case PAXOS_EV_DURABLE:
        paxos__durable(p, ev->seq);
        return TC_OK;
    case PAXOS_EV_APPLIED:
        if (ev->index > p->applied)
            p->applied = ev->index;
        return TC_OK;
    case PAXOS_EV_READ:
        p->out->read_err = read_err(p);
        return TC_OK;
    case PAXOS_EV_RESIGN:
        return paxos__resign(p, ev->resign.target, ev->resign.leaves);
    case PAXOS_EV_INSTALLED:
        return installed(p, ev);
    case PAXOS_EV_REPAIRED:
        paxos__log_clear_faulty(&p->log, ev->index);
        return TC_OK;
    case PAXOS_EV_FAULTY:
        faulty(p, ev->index);
        return TC_OK;
    case PAXOS_EV_ARCHIVED:
        if (ev->index > p->archived)
            p->archived = ev->index;
        return TC_OK;
    case PAXOS_EV_CHECKPOINT:
        if (ev->index > p->checkpoint)
            p->checkpoint = ev->index;
        return TC_OK;
    case PAXOS_EV_TRIM:
        return trim(p, ev->index);
    case PAXOS_EV_CLOCK_JUMP:
        clock_jump(p);
        return TC_OK;
    case PAXOS_EV_LEARN:
        return paxos__learn(p, ev->target);
    case PAXOS_EV_UNLEARN:
        return paxos__unlearn(p, ev->target);
    case PAXOS_EV_CONFIGURE:
        return paxos__configure(p, ev);
    case PAXOS_EV_RESTORED:
        return paxos__restored(p, ev);
    case PAXOS_EV_WOKEN:
        paxos__woken(p, ev->woken.slot, ev->woken.number);
        return TC_OK;
    case PAXOS_EV_BEGIN:
        return paxos__begin(p);
    default:
        return TC_EINVAL;
    }
}

tc_err paxos_step(struct paxos *p, const struct paxos_event *ev, struct paxos_out *out) {
    p->before_ns = p->now_ns;
    if (ev->now_ns > p->now_ns)
        p->now_ns = ev->now_ns;
    paxos__out_begin(p, out);
    tc_err err = handle(p, ev);
    if (p->role == PAXOS_CANDIDATE)
        paxos__candidate_advance(p);
    if (p->role == PAXOS_LEADER)
        paxos__leader_advance(p);
    if (p->role == PAXOS_LEADER)
        paxos__advance_quiet(p);
    if (p->role == PAXOS_FOLLOWER && paxos__excluded(p) && !PAXOS_MUTANT(36))
        paxos__become_outcast(p);
    paxos__out_end(p);
    apply_nothing(p, out->apply_index);
    TC_DASSERT(paxos_check(p));
    return err;
}
