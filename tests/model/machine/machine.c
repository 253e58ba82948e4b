#include "model/machine/machine.h"

#include "base/assert.h"

/* ---- logs */

size_t machine_len(const struct machine_log *l) {
    return l->entries.len / sizeof(struct machine_entry);
}

static struct machine_entry *entry(const struct machine_log *l, size_t slot) {
    return (struct machine_entry *)(void *)l->entries.data + (slot - 1);
}

const struct machine_entry *machine_at(const struct machine_log *l, size_t slot) {
    return slot >= 1 && slot <= machine_len(l) ? entry(l, slot) : NULL;
}

static bool same(const struct machine_entry *a, const struct machine_entry *b) {
    return a->ballot == b->ballot && a->id == b->id;
}

static void copy_log(struct machine_log *to, const struct machine_log *from) {
    tc_buf_clear(&to->entries);
    if (from->entries.len > 0)
        tc_buf_append_slice(&to->entries, tc_buf_slice(&from->entries));
}

static void push(struct machine_log *l, uint64_t ballot, uint64_t id) {
    struct machine_entry e = {.ballot = ballot, .id = id};
    tc_buf_append(&l->entries, &e, sizeof e);
}

/* Equal entries stay, and what stands behind them; the first difference cuts. */
static void take(struct machine_log *to, const struct machine_log *from, size_t count) {
    size_t at = 1;
    while (at <= count && at <= machine_len(to) && same(entry(to, at), entry(from, at)))
        at++;
    if (at > count)
        return;
    to->entries.len = (at - 1) * sizeof(struct machine_entry);
    for (; at <= count; at++)
        push(to, entry(from, at)->ballot, entry(from, at)->id);
}

static bool better(const struct machine_log *a, const struct machine_log *b) {
    uint64_t last_a = machine_len(a) ? entry(a, machine_len(a))->ballot : 0;
    uint64_t last_b = machine_len(b) ? entry(b, machine_len(b))->ballot : 0;
    return last_a > last_b || (last_a == last_b && machine_len(a) > machine_len(b));
}

/* ---- life */

static struct machine_ballot *ballots(const struct machine *m) {
    return (struct machine_ballot *)(void *)m->ballots.data;
}

static size_t ballot_count(const struct machine *m) {
    return m->ballots.len / sizeof(struct machine_ballot);
}

struct machine_ballot *machine_ballot(const struct machine *m, uint64_t number) {
    for (size_t i = ballot_count(m); i-- > 0;)
        if (ballots(m)[i].number == number)
            return &ballots(m)[i];
    return NULL;
}

void machine_deinit(struct machine *m) {
    for (size_t i = 0; i < ballot_count(m); i++) {
        for (uint32_t n = 0; n < MACHINE_NODES_MAX; n++)
            tc_buf_deinit(&ballots(m)[i].said[n].entries);
        tc_buf_deinit(&ballots(m)[i].log.entries);
    }
    for (uint32_t n = 0; n < MACHINE_NODES_MAX; n++)
        tc_buf_deinit(&m->node[n].log.entries);
    tc_buf_deinit(&m->ballots);
    tc_buf_deinit(&m->chosen.entries);
}

static struct machine_log dup_log(const struct machine_log *l) {
    struct machine_log copy = {0};
    copy_log(&copy, l);
    return copy;
}

struct machine machine_copy(const struct machine *m) {
    struct machine c = *m;
    c.ballots = (struct tc_buf){0};
    c.chosen = dup_log(&m->chosen);
    for (uint32_t n = 0; n < m->nodes; n++)
        c.node[n].log = dup_log(&m->node[n].log);
    for (size_t i = 0; i < ballot_count(m); i++) {
        struct machine_ballot b = ballots(m)[i];
        b.log = dup_log(&b.log);
        for (uint32_t n = 0; n < m->nodes; n++)
            b.said[n] = dup_log(&b.said[n]);
        tc_buf_append(&c.ballots, &b, sizeof b);
    }
    return c;
}

static void append_log(const struct machine_log *l, struct tc_buf *out) {
    tc_buf_append_varint(out, machine_len(l));
    if (l->entries.len > 0)
        tc_buf_append_slice(out, tc_buf_slice(&l->entries));
}

/* Ballots in the order of their numbers, whoever campaigned first. */
static void append_ballot(const struct machine *m, const struct machine_ballot *b,
                          struct tc_buf *out) {
    tc_buf_append_varint(out, b->number);
    tc_buf_append_varint(out, b->promisers);
    tc_buf_append_varint(out, b->lead_at);
    tc_buf_append_varint(out, b->commit);
    append_log(&b->log, out);
    for (uint32_t n = 0; n < m->nodes; n++) {
        tc_buf_append_varint(out, b->acked[n]);
        append_log(&b->said[n], out);
    }
}

void machine_append_state(const struct machine *m, struct tc_buf *out) {
    for (uint32_t n = 0; n < m->nodes; n++) {
        tc_buf_append_varint(out, m->node[n].promised);
        tc_buf_append_varint(out, m->node[n].runs);
        append_log(&m->node[n].log, out);
    }
    append_log(&m->chosen, out);
    uint64_t above = 0;
    for (;;) {
        const struct machine_ballot *next = NULL;
        for (size_t i = 0; i < ballot_count(m); i++) {
            const struct machine_ballot *b = &ballots(m)[i];
            if (b->number > above && (next == NULL || b->number < next->number))
                next = b;
        }
        if (next == NULL)
            return;
        append_ballot(m, next, out);
        above = next->number;
    }
}

/* ---- rules */

static uint32_t bits(uint32_t set) {
    uint32_t count = 0;
    for (; set; set &= set - 1)
        count++;
    return count;
}

static bool quorum(const struct machine *m, uint32_t set) {
    return bits(set) > m->nodes / 2;
}

const char *machine_campaign(struct machine *m, uint32_t node, uint64_t ballot) {
    struct machine_node *n = &m->node[node];
    if (ballot <= n->promised)
        return "campaign at or below the own promise";
    if (machine_ballot(m, ballot))
        return "campaign at a ballot that was used before";
    struct machine_ballot b = {.number = ballot, .owner = node, .promisers = 1u << node};
    b.log = dup_log(&n->log);
    tc_buf_append(&m->ballots, &b, sizeof b);
    n->promised = n->runs = ballot;
    return NULL;
}

const char *machine_promise(struct machine *m, uint32_t node, uint64_t ballot) {
    struct machine_node *n = &m->node[node];
    struct machine_ballot *b = machine_ballot(m, ballot);
    if (b == NULL || b->owner == node)
        return "promise to a ballot that nobody else campaigns at";
    if (ballot <= n->promised)
        return "promise at or below an earlier one";
    n->promised = ballot;
    n->runs = 0;
    b->promisers |= 1u << node;
    copy_log(&b->said[node], &n->log);
    return NULL;
}

static const char *may_take(const struct machine *m, const struct machine_ballot *b, uint32_t from,
                            size_t count, const struct machine_log *own) {
    if (b == NULL || m->node[b->owner].promised != b->number)
        return "adoption without a campaign in force";
    if (from == b->owner || !(b->promisers & 1u << from))
        return "adoption from a node that did not promise";
    if (!quorum(m, b->promisers))
        return "adoption before a quorum promised";
    if (count > machine_len(&b->said[from]) || !better(&b->said[from], own))
        return "adoption of entries that no better log has";
    return NULL;
}

const char *machine_adopt(struct machine *m, uint64_t ballot, uint32_t from, size_t count) {
    struct machine_ballot *b = machine_ballot(m, ballot);
    if (b == NULL || m->node[b->owner].runs != ballot || b->lead_at != 0)
        return "adoption by a node that is no candidate";
    const char *no = may_take(m, b, from, count, &b->log);
    if (no == NULL)
        take(&b->log, &b->said[from], count);
    return no;
}

const char *machine_adopted(struct machine *m, uint64_t ballot, uint32_t from, size_t count) {
    struct machine_ballot *b = machine_ballot(m, ballot);
    const char *no = may_take(m, b, from, count, b ? &m->node[b->owner].log : NULL);
    if (no == NULL)
        take(&m->node[b->owner].log, &b->said[from], count);
    return no;
}

const char *machine_win(struct machine *m, uint64_t ballot, uint64_t id) {
    struct machine_ballot *b = machine_ballot(m, ballot);
    if (b == NULL || m->node[b->owner].runs != ballot || m->node[b->owner].promised != ballot ||
        b->lead_at != 0)
        return "leads without a durable campaign of its own";
    uint32_t set = 1u << b->owner;
    for (uint32_t n = 0; n < m->nodes; n++)
        if ((b->promisers & 1u << n) && n != b->owner && !better(&b->said[n], &b->log))
            set |= 1u << n;
    if (!quorum(m, set))
        return "leads without promises of a quorum whose logs are not better";
    push(&b->log, ballot, id);
    b->lead_at = machine_len(&b->log);
    return NULL;
}

const char *machine_append(struct machine *m, uint64_t ballot, uint64_t id) {
    struct machine_ballot *b = machine_ballot(m, ballot);
    if (b == NULL || b->lead_at == 0 || m->node[b->owner].runs != ballot)
        return "an entry is proposed by a node that does not lead";
    push(&b->log, ballot, id);
    return NULL;
}

static void ack(struct machine_ballot *b, uint32_t node, size_t count) {
    if (b->acked[node] < count)
        b->acked[node] = count;
}

const char *machine_sync(struct machine *m, uint64_t ballot, size_t count) {
    struct machine_ballot *b = machine_ballot(m, ballot);
    if (b == NULL || b->lead_at == 0 || m->node[b->owner].promised != ballot ||
        count > machine_len(&b->log))
        return "a leader's entries are durable that it did not propose";
    take(&m->node[b->owner].log, &b->log, count);
    ack(b, b->owner, count);
    return NULL;
}

static const char *may_heed(const struct machine *m, const struct machine_ballot *b,
                            uint32_t node) {
    if (b == NULL || b->lead_at == 0 || b->owner == node)
        return "an accept of a ballot at which nobody else leads";
    return b->number < m->node[node].promised ? "an accept below the promise" : NULL;
}

const char *machine_accept(struct machine *m, uint32_t node, uint64_t ballot, size_t count) {
    const char *no = machine_torn(m, node, ballot, count);
    if (no)
        return no;
    m->node[node].promised = ballot;
    ack(machine_ballot(m, ballot), node, count);
    return NULL;
}

const char *machine_torn(struct machine *m, uint32_t node, uint64_t ballot, size_t count) {
    struct machine_ballot *b = machine_ballot(m, ballot);
    const char *no = may_heed(m, b, node);
    if (no == NULL && count > machine_len(&b->log))
        no = "an accept of entries that the leader does not have";
    if (no)
        return no;
    m->node[node].runs = 0;
    take(&m->node[node].log, &b->log, count);
    return NULL;
}

const char *machine_heed(struct machine *m, uint32_t node, uint64_t ballot) {
    const char *no = may_heed(m, machine_ballot(m, ballot), node);
    if (no == NULL && ballot == m->node[node].promised)
        no = "nothing to heed";
    if (no)
        return no;
    m->node[node].promised = ballot;
    m->node[node].runs = 0;
    return NULL;
}

const char *machine_commit(struct machine *m, uint64_t ballot, size_t count) {
    struct machine_ballot *b = machine_ballot(m, ballot);
    uint32_t set = 0;
    if (b == NULL || b->lead_at == 0 || m->node[b->owner].runs != ballot)
        return "a commit by a node that does not lead";
    if (count < b->lead_at || count > machine_len(&b->log) || count <= b->commit)
        return "a commit below LEAD, or of what is not there";
    for (uint32_t n = 0; n < m->nodes; n++)
        set |= b->acked[n] >= count ? 1u << n : 0;
    if (!quorum(m, set))
        return "a commit that no quorum holds";
    for (size_t at = 1; at <= count; at++) {
        if (at > machine_len(&m->chosen))
            push(&m->chosen, entry(&b->log, at)->ballot, entry(&b->log, at)->id);
        else if (at > b->commit && !same(entry(&m->chosen, at), entry(&b->log, at)))
            return "two entries are committed in one slot";
    }
    b->commit = count;
    return NULL;
}

const char *machine_stop(struct machine *m, uint32_t node) {
    if (m->node[node].runs == 0)
        return "nothing to stop";
    m->node[node].runs = 0;
    return NULL;
}
