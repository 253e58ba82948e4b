#include "model/trace/trace.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>

enum item_kind {
    ITEM_CAMPAIGN,
    ITEM_PROMISE,
    ITEM_ADOPTED,
    ITEM_SYNC,
    ITEM_ACCEPT,
    ITEM_HEED,
    ITEM_ACK,   /* an ACCEPT that changes nothing: take it if it is one */
    ITEM_CHECK, /* the end of a unit: the node's log ends at count, with this entry */
};

/* What becomes true when the unit seq is durable. */
struct trace_item {
    uint64_t seq;
    enum item_kind kind;
    uint32_t from;
    uint64_t ballot;
    size_t count;
    struct machine_entry last;
};

static void reject(struct trace *t, uint32_t node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void reject(struct trace *t, uint32_t node, const char *fmt, ...) {
    char text[SIM_TEXT_MAX - 16];
    va_list args;
    if (t->rejected)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    t->rejected = true;
    snprintf(t->why, sizeof t->why, "%u: %s", node + 1, text);
}

/* A step of the machine was tried. */
static void took(struct trace *t, uint32_t node, const char *no, uint64_t ballot, uint64_t count) {
    t->step_count++;
    if (no)
        reject(t, node, "%s (ballot %lu.%u, %lu)", no, (unsigned long)paxos_ballot_round(ballot),
               paxos_ballot_rid(ballot), (unsigned long)count);
}

static struct machine_entry identity(const struct paxos_entry *e) {
    return (struct machine_entry){.ballot = e->ballot, .id = e->chain};
}

static bool equal(const struct machine_entry *a, const struct machine_entry *b) {
    return a && a->ballot == b->ballot && a->id == b->id;
}

/* ---- what the disk makes true */

/* True if the accept says nothing new of the node's own log, which then is what was acknowledged.
 */
static bool ack(struct trace *t, uint32_t node, uint64_t ballot, size_t count) {
    struct machine *m = &t->machine;
    const struct machine_ballot *b = machine_ballot(m, ballot);
    if (b && b->acked[node] >= count)
        return true;
    if (b == NULL || m->node[node].promised != ballot || count > machine_len(&b->log) ||
        count > machine_len(&m->node[node].log))
        return false;
    for (size_t at = 1; at <= count; at++)
        if (!equal(machine_at(&m->node[node].log, at), machine_at(&b->log, at)))
            return false;
    t->step_count++;
    return machine_accept(m, node, ballot, count) == NULL;
}

static void check(struct trace *t, uint32_t node, const struct trace_item *i) {
    const struct machine_log *log = &t->machine.node[node].log;
    if (machine_len(log) != i->count || !equal(machine_at(log, i->count), &i->last))
        reject(t, node, "its log does not end where the rules say: %lu there, %lu here",
               (unsigned long)machine_len(log), (unsigned long)i->count);
}

static void apply(struct trace *t, uint32_t node, const struct trace_item *i) {
    struct machine *m = &t->machine;
    switch (i->kind) {
    case ITEM_CAMPAIGN:
        took(t, node, machine_campaign(m, node, i->ballot), i->ballot, 0);
        break;
    case ITEM_PROMISE:
        took(t, node, machine_promise(m, node, i->ballot), i->ballot, 0);
        break;
    case ITEM_ADOPTED:
        took(t, node, machine_adopted(m, i->ballot, i->from, i->count), i->ballot, i->count);
        break;
    case ITEM_SYNC:
        took(t, node, machine_sync(m, i->ballot, i->count), i->ballot, i->count);
        break;
    case ITEM_ACCEPT:
        took(t, node, machine_accept(m, node, i->ballot, i->count), i->ballot, i->count);
        break;
    case ITEM_HEED:
        took(t, node, machine_heed(m, node, i->ballot), i->ballot, 0);
        break;
    case ITEM_ACK:
        (void)ack(t, node, i->ballot, i->count);
        break;
    case ITEM_CHECK:
        check(t, node, i);
        break;
    }
}

static bool apply_first(struct trace *t, uint32_t node, uint64_t seq) {
    struct tc_buf *q = &t->nodes[node].pending;
    struct trace_item first;
    if (q->len == 0)
        return false;
    memcpy(&first, q->data, sizeof first);
    if (first.seq > seq)
        return false;
    memmove(q->data, q->data + sizeof first, q->len - sizeof first);
    q->len -= sizeof first;
    apply(t, node, &first);
    return true;
}

static void on_durable(void *user, uint32_t node, uint64_t seq) {
    struct trace *t = user;
    t->nodes[node].durable_seq = seq;
    while (!t->rejected && apply_first(t, node, seq)) {
    }
}

static void later(struct trace *t, uint32_t node, struct trace_item i) {
    i.seq = t->nodes[node].seq;
    tc_buf_append(&t->nodes[node].pending, &i, sizeof i);
}

/* ---- steps */

static void append_own(struct trace *t, uint32_t node, uint64_t ballot,
                       const struct paxos_entry *e) {
    took(t, node, machine_append(&t->machine, ballot, e->chain), ballot, e->index);
}

static void check_proposed(struct trace *t, uint32_t node, uint64_t ballot,
                           const struct paxos_entry *last) {
    const struct machine_ballot *b = machine_ballot(&t->machine, ballot);
    if (b == NULL || machine_len(&b->log) != last->index)
        reject(t, node, "the entry it proposes stands at %lu, where the rules do not put it",
               (unsigned long)last->index);
    later(t, node, (struct trace_item){.kind = ITEM_SYNC, .ballot = ballot, .count = last->index});
}

/* A promise became part of the unit: whose, and why? */
static void note_promise(struct trace *t, uint32_t node, const struct paxos_event *ev,
                         const struct paxos_out *out) {
    enum paxos_msg_type why = ev->type == PAXOS_EV_RECEIVE ? ev->msg->type : 0;
    struct trace_item i = {.ballot = out->promised};
    if (paxos_ballot_rid(out->promised) == node + 1)
        i.kind = ITEM_CAMPAIGN;
    else if (why == PAXOS_PREPARE && ev->msg->ballot == out->promised)
        i.kind = ITEM_PROMISE;
    else if (why == PAXOS_ACCEPT && ev->msg->ballot == out->promised)
        i.kind = out->append_count ? ITEM_ACK : ITEM_HEED; /* ACCEPT itself raises the promise */
    else
        reject(t, node, "a promise that nobody asked for");
    later(t, node, i);
}

/* Entries became part of the unit: adopted, received or proposed. */
static void note_appends(struct trace *t, uint32_t node, const struct paxos_event *ev,
                         const struct paxos_out *out, const struct paxos_status *after,
                         bool leads_anew) {
    const struct paxos_entry *last = &out->appends[out->append_count - 1];
    size_t foreign = last->index - (leads_anew ? 1 : 0);
    enum paxos_msg_type why = ev->type == PAXOS_EV_RECEIVE ? ev->msg->type : 0;
    if (why == PAXOS_PROMISE && foreign >= out->appends[0].index) {
        uint64_t ballot = t->nodes[node].ballot;
        uint32_t from = ev->msg->from - 1;
        took(t, node, machine_adopt(&t->machine, ballot, from, foreign), ballot, foreign);
        later(t, node,
              (struct trace_item){
                  .kind = ITEM_ADOPTED, .ballot = ballot, .from = from, .count = foreign});
    } else if (why == PAXOS_ACCEPT) {
        later(t, node,
              (struct trace_item){
                  .kind = ITEM_ACCEPT, .ballot = ev->msg->ballot, .count = last->index});
    }
    if (leads_anew)
        took(t, node, machine_win(&t->machine, after->ballot, last->chain), after->ballot,
             last->index);
    else if (after->role == PAXOS_LEADER)
        for (size_t i = 0; i < out->append_count; i++)
            append_own(t, node, after->ballot, &out->appends[i]);
    if (after->role == PAXOS_LEADER)
        check_proposed(t, node, after->ballot, last);
    later(t, node,
          (struct trace_item){.kind = ITEM_CHECK, .count = last->index, .last = identity(last)});
}

/* Before anything else of the step: a leader that hands over commits and steps down in one. */
static void note_commit(struct trace *t, uint32_t node, const struct paxos_event *ev,
                        const struct paxos_status *after) {
    struct trace_node *n = &t->nodes[node];
    bool told = ev->type == PAXOS_EV_RECEIVE && ev->msg->type == PAXOS_ACCEPT;
    if (after->commit <= n->commit)
        return;
    n->commit = after->commit;
    if (n->role == PAXOS_LEADER && !told)
        took(t, node, machine_commit(&t->machine, n->ballot, after->commit), n->ballot,
             after->commit);
    else if (after->commit > machine_len(&t->machine.chosen))
        reject(t, node, "it counts %lu as committed, which no leader committed",
               (unsigned long)after->commit);
}

static void note_acks(struct trace *t, uint32_t node, const struct paxos_out *out) {
    for (size_t i = 0; i < out->send_count; i++) {
        const struct paxos_msg *m = &out->sends[i].msg;
        if (m->type == PAXOS_ACCEPTED && !(m->flags & (PAXOS_F_REFUSED | PAXOS_F_MISMATCH)))
            later(
                t, node,
                (struct trace_item){.kind = ITEM_ACK, .ballot = m->ballot, .count = m->mark.index});
    }
}

static void on_step(void *user, uint32_t node, const struct paxos_event *ev,
                    const struct paxos_out *out, const struct paxos_status *after) {
    struct trace *t = user;
    struct trace_node *n = &t->nodes[node];
    bool leads = after->role == PAXOS_LEADER;
    bool anew = leads && (n->role != PAXOS_LEADER || n->ballot != after->ballot);
    if (t->rejected)
        return;
    if (out->seq)
        n->seq = out->seq;
    note_commit(t, node, ev, after);
    if ((after->role == PAXOS_FOLLOWER || after->ballot != n->ballot) &&
        t->machine.node[node].runs != 0 && t->machine.node[node].runs == n->ballot)
        took(t, node, machine_stop(&t->machine, node), n->ballot, 0);
    if (out->hardstate)
        note_promise(t, node, ev, out);
    if (out->append_count > 0)
        note_appends(t, node, ev, out, after, anew);
    n->role = after->role;
    n->ballot = after->ballot;
    note_acks(t, node, out);
    on_durable(t, node, n->durable_seq);
}

/* ---- messages */

static void check_accept(struct trace *t, uint32_t node, const struct paxos_msg *m) {
    const struct machine_ballot *b = machine_ballot(&t->machine, m->ballot);
    for (size_t i = 0; i < m->entry_count; i++) {
        struct machine_entry e = identity(&m->entries[i]);
        if (b == NULL || !equal(machine_at(&b->log, m->entries[i].index), &e))
            reject(t, node, "it sends an entry at %lu that the rules do not give it",
                   (unsigned long)m->entries[i].index);
    }
}

static void on_launch(void *user, uint32_t node, const struct paxos_msg *m) {
    struct trace *t = user;
    const struct machine_ballot *b = machine_ballot(&t->machine, m->ballot);
    bool promised = b && (b->promisers & 1u << node);
    if (t->rejected || (m->flags & (PAXOS_F_REFUSED | PAXOS_F_MISMATCH)))
        return;
    if ((m->type == PAXOS_PROMISE || m->type == PAXOS_PREPARE) && !promised)
        reject(t, node, "a %s leaves before its promise is durable", paxos_msg_name(m->type));
    else if (m->type == PAXOS_ACCEPTED && !ack(t, node, m->ballot, m->mark.index))
        reject(t, node, "it acknowledges %lu, which is not durable there",
               (unsigned long)m->mark.index);
    else if (m->type == PAXOS_ACCEPT)
        check_accept(t, node, m);
}

/* ---- crash and restart */

static bool is_state(const struct trace *t, uint32_t node, const struct paxos_recovery *r) {
    const struct machine_node *n = &t->machine.node[node];
    if (n->promised != r->promised || machine_len(&n->log) != r->entry_count)
        return false;
    for (size_t i = 0; i < r->entry_count; i++) {
        struct machine_entry e = identity(&r->entries[i]);
        if (!equal(machine_at(&n->log, i + 1), &e))
            return false;
    }
    return true;
}

static void on_crash(void *user, uint32_t node) {
    struct trace *t = user;
    if (t->machine.node[node].runs != 0)
        took(t, node, machine_stop(&t->machine, node), t->nodes[node].ballot, 0);
}

/* The crash may have torn the next unit: its entries are there up to some place, its promise not.
 */
static bool tear(struct trace *t, uint32_t node, const struct paxos_recovery *r) {
    const struct tc_buf *q = &t->nodes[node].pending;
    const struct trace_item *i = (const struct trace_item *)(const void *)q->data;
    for (size_t left = q->len / sizeof *i; left > 0; i++, left--) {
        const char *no = "no entries";
        if (i->kind == ITEM_ACCEPT)
            no = machine_torn(&t->machine, node, i->ballot, r->entry_count);
        else if (i->kind == ITEM_SYNC)
            no = machine_sync(&t->machine, i->ballot, r->entry_count);
        else if (i->kind == ITEM_ADOPTED)
            no = machine_adopted(&t->machine, i->ballot, i->from, r->entry_count);
        else if (i->kind == ITEM_ACK || i->kind == ITEM_CHECK)
            continue; /* of the unit before, or of this one's promise */
        return no == NULL && is_state(t, node, r);
    }
    return false;
}

/* Only if it explains what came back: the machine stays as it is otherwise. */
static bool recovered_torn(struct trace *t, uint32_t node, const struct paxos_recovery *r) {
    struct machine before = machine_copy(&t->machine);
    bool yes = tear(t, node, r);
    if (!yes) {
        struct machine torn = t->machine;
        t->machine = before;
        before = torn;
    }
    machine_deinit(&before);
    return yes;
}

static void on_start(void *user, uint32_t node, const struct paxos_recovery *r) {
    struct trace *t = user;
    struct trace_node *n = &t->nodes[node];
    while (!t->rejected && !is_state(t, node, r))
        if (!recovered_torn(t, node, r) && !apply_first(t, node, UINT64_MAX))
            reject(t, node, "it comes back with what it never had, or without what it said");
    on_crash(t, node); /* a campaign that reached the disk is over all the same */
    tc_buf_clear(&n->pending);
    n->seq = n->durable_seq = n->commit = n->ballot = 0;
    n->role = PAXOS_FOLLOWER;
    t->restart_count++;
}

void trace_init(struct trace *t, uint32_t nodes) {
    TC_ASSERT(nodes <= MACHINE_NODES_MAX);
    *t = (struct trace){.machine.nodes = nodes};
    t->observer = (struct sim_observer){.user = t,
                                        .start = on_start,
                                        .crash = on_crash,
                                        .durable = on_durable,
                                        .step = on_step,
                                        .launch = on_launch};
}

void trace_deinit(struct trace *t) {
    machine_deinit(&t->machine);
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++)
        tc_buf_deinit(&t->nodes[i].pending);
}
