#include "core/paxos/paxos_private.h"

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

void paxos__out_begin(struct paxos *p, struct paxos_out *out) {
    *out = (struct paxos_out){0};
    tc_arena_reset(&p->scratch);
    tc_buf_deinit(&p->peer_mem_before);
    tc_buf_clear(&p->sends);
    tc_buf_clear(&p->repairs);
    tc_buf_clear(&p->snapshots);
    p->out = out;
    p->append_from = 0;
    p->hardstate = false;
}

/* A message and, until the step ends, what it waits for. */
struct queued {
    struct paxos_send send;
    enum after after;
};

void paxos__send(struct paxos *p, const struct paxos_msg *msg, enum after after) {
    struct queued q = {.send.msg = *msg, .after = after};
    TC_ASSERT(msg->to != 0 && msg->to != p->rid);
    q.send.msg.from = p->rid;
    tc_buf_append(&p->sends, &q, sizeof q);
}

void paxos__ask_snapshot(struct paxos *p, uint32_t rid) {
    tc_buf_append(&p->snapshots, &rid, sizeof rid);
}

void paxos__promise(struct paxos *p, uint64_t ballot) {
    TC_ASSERT(ballot > p->promised);
    p->promised = ballot;
    p->hardstate = !PAXOS_MUTANT(3);
    if (p->hardstate)
        p->hard_seq = p->seq + 1; /* this step's unit: not durable before it is even written */
    paxos__see_round(p, ballot);
}

tc_err paxos__write(struct paxos *p, const struct paxos_entry *e) {
    TC_TRY(paxos__log_append(&p->log, e));
    if (p->append_from == 0 || p->append_from > e->index)
        p->append_from = e->index;
    if (e->type == PAXOS_CONF)
        paxos__sync_peers(p);
    return TC_OK;
}

void paxos__cut(struct paxos *p, uint64_t index) {
    TC_ASSERT(index > p->commit);
    paxos__log_cut(&p->log, index);
    p->durable = min_u64(p->durable, index - 1);
    p->verified = min_u64(p->verified, index - 1);
    for (size_t i = 0; i < p->pending_count; i++) {
        struct pending *w = paxos__pending(p, i);
        w->last = min_u64(w->last, index - 1);
        if (w->repair >= index)
            w->repair = 0;
    }
    paxos__sync_peers(p);
}

bool paxos__repair_write(struct paxos *p, const struct paxos_entry *e) {
    size_t count = p->repairs.len / sizeof *e;
    if (count >= PAXOS_FETCHES_MAX || p->pending_count + count + 2 >= PAXOS_PENDING_MAX)
        return false;
    paxos__log_repair(&p->log, e->index, e->body);
    if (e->type == PAXOS_CONF)
        paxos__sync_peers(p);
    p->repaired[count] = e->index;
    tc_buf_append(&p->repairs, paxos__log_at(&p->log, e->index), sizeof *e);
    return true;
}

const struct paxos_entry *paxos__copy_entries(struct paxos *p, uint64_t from, size_t count) {
    if (count == 0)
        return NULL;
    struct paxos_entry *copy = tc_arena_alloc(&p->scratch, count * sizeof *copy);
    TC_ASSERT(copy != NULL && paxos__log_at(&p->log, from + count - 1) != NULL);
    memcpy(copy, paxos__log_at(&p->log, from), count * sizeof *copy);
    return copy;
}

size_t paxos__fit(const struct paxos *p, uint64_t from, size_t count_max, uint64_t bytes_max) {
    size_t count = 0;
    uint64_t bytes = 0;
    const struct paxos_entry *e;
    while (count < count_max && (e = paxos__log_at(&p->log, from + count)) != NULL) {
        bytes += e->body_len;
        if (count > 0 && bytes > bytes_max)
            break;
        count++;
    }
    return count;
}

/* A node holds thousands of groups of which few write at a time: the ring starts small. */
static void pending_grow(struct paxos *p) {
    size_t cap = paxos__pending_cap(p) * 2;
    cap = cap ? cap : PAXOS_PENDING_MIN;
    TC_ASSERT(cap <= PAXOS_PENDING_MAX);
    struct tc_buf ring = {0};
    struct pending *to = (void *)tc_buf_extend(&ring, cap * sizeof *to);
    for (size_t i = 0; i < p->pending_count; i++)
        to[i] = *paxos__pending(p, i);
    tc_buf_deinit(&p->pending);
    p->pending = ring;
    p->pending_head = 0;
}

static void pending_push(struct paxos *p, uint64_t repair) {
    if (p->pending_count == 0)
        p->pending_since_ns = p->now_ns;
    struct pending w = {.seq = p->seq, .last = paxos__log_last(&p->log), .repair = repair};
    bool full = p->pending_count + PAXOS_FETCHES_MAX + 1 >= PAXOS_PENDING_MAX;
    if (full && repair == 0 && paxos__pending(p, p->pending_count - 1)->repair == 0) {
        *paxos__pending(p, p->pending_count - 1) = w; /* both are durable once the newer one is */
        return;
    }
    if (p->pending_count == paxos__pending_cap(p))
        pending_grow(p);
    *paxos__pending(p, p->pending_count++) = w;
}

/* The first unit that makes the log durable up to index. */
static uint64_t seq_covering(const struct paxos *p, uint64_t index) {
    if (index <= p->durable)
        return 0;
    for (size_t i = 0; i < p->pending_count; i++) {
        const struct pending *w = paxos__pending(p, i);
        if (w->last >= index)
            return w->seq;
    }
    TC_ASSERT(!"an entry is neither durable nor on its way");
    return 0;
}

static uint64_t resolve(const struct paxos *p, const struct queued *q) {
    uint64_t seq = 0;
    if (q->after == AFTER_NOTHING)
        return 0;
    if (q->after == AFTER_ALL)
        seq = p->seq;
    if (q->after == AFTER_INDEX) {
        seq = seq_covering(p, q->send.msg.mark.index);
        seq = seq > p->hard_seq ? seq : p->hard_seq;
    }
    return seq > p->durable_seq ? seq : 0;
}

static void finish_unit(struct paxos *p) {
    struct paxos_out *out = p->out;
    size_t repairs = p->repairs.len / sizeof(struct paxos_entry);
    uint64_t last = paxos__log_last(&p->log);
    if (p->append_from != 0 && p->append_from <= last) {
        out->append_count = (size_t)(last - p->append_from + 1);
        out->appends = paxos__copy_entries(p, p->append_from, out->append_count);
    }
    if (out->append_count == 0 && repairs == 0 && !p->hardstate)
        return;
    out->seq = ++p->seq;
    TC_ASSERT(!p->hardstate || p->hard_seq == p->seq);
    out->repairs = (const struct paxos_entry *)(const void *)p->repairs.data;
    out->repair_count = repairs;
    out->hardstate = p->hardstate;
    for (size_t i = 0; i < repairs; i++)
        pending_push(p, p->repaired[i]);
    if (out->append_count > 0 || p->hardstate)
        pending_push(p, 0);
}

static void finish_sends(struct paxos *p) {
    size_t count = p->sends.len / sizeof(struct queued);
    const struct queued *queued = (const struct queued *)(const void *)p->sends.data;
    if (count == 0)
        return;
    struct paxos_send *sends = tc_arena_alloc(&p->scratch, count * sizeof *sends);
    TC_ASSERT(sends != NULL);
    for (size_t i = 0; i < count; i++) {
        sends[i] = queued[i].send;
        sends[i].after_seq = resolve(p, &queued[i]);
    }
    p->out->sends = sends;
    p->out->send_count = count;
}

static uint64_t deadline(const struct paxos *p) {
    uint64_t at = UINT64_MAX;
    if (p->role == PAXOS_FOLLOWER && !paxos__follower_rests(p))
        at = p->handed_ballot ? min_u64(p->suspect_at_ns, p->take_back_at_ns) : p->suspect_at_ns;
    if (p->role == PAXOS_CANDIDATE)
        at = min_u64(p->retry_at_ns, p->give_up_at_ns);
    if (p->role == PAXOS_LEADER && !paxos__leader_rests(p))
        at = p->asking || p->resigning ? min_u64(p->beat_at_ns, p->resign_at_ns) : p->beat_at_ns;
    if (p->log.faulty_count > 0 && p->role != PAXOS_OUTCAST)
        at = min_u64(at, p->fetch_at_ns);
    return at;
}

void paxos__out_end(struct paxos *p) {
    struct paxos_out *out = p->out;
    finish_unit(p);
    finish_sends(p);
    out->promised = p->promised;
    out->snapshots = (const uint32_t *)(const void *)p->snapshots.data;
    out->snapshot_count = p->snapshots.len / sizeof(uint32_t);
    out->apply_index = paxos__sound(p, min_u64(p->commit, p->durable));
    out->deadline_ns = deadline(p);
    if (paxos__serving(p) != p->was_serving) {
        p->was_serving = !p->was_serving;
        out->role_changed = true;
    }
    /* A joint configuration's body is needed again when the final one is proposed. */
    uint64_t old = min_u64(p->durable, p->applied);
    if (quorum_is_joint(paxos__config(p)))
        old = min_u64(old, paxos__config_index(p) - (paxos__config_index(p) > 0));
    paxos__log_evict(&p->log, old, p->opt.tail_bytes_max);
}
