#include "replica.h"

struct quorum_config group_of(uint32_t count) {
    struct quorum_config c = {.version = 1, .sets[0].count = count};
    for (uint32_t i = 0; i < count; i++)
        c.sets[0].members[i] = (struct quorum_member){.rid = i + 1, .role = QUORUM_STORAGE};
    return c;
}

tc_err open_replica(struct replica *r, uint32_t count, struct paxos_recovery *rec) {
    r->config = group_of(count);
    r->now = ORIGIN;
    rec->config = &r->config;
    struct paxos_params params = {
        .gid = GID, .rid = 1, .seed = 1, .now_ns = r->now, .recovery = rec};
    return paxos_new(&params, &r->p);
}

void open_new(struct replica *r, uint32_t count) {
    struct paxos_recovery rec = {0};
    assert_int_equal(open_replica(r, count, &rec), TC_OK);
}

tc_err step(struct replica *r, struct paxos_event ev) {
    ev.now_ns = r->now;
    tc_err err = paxos_step(r->p, &ev, &r->out);
    assert_true(paxos_check(r->p));
    return err;
}

tc_err tick(struct replica *r, uint64_t after_ms) {
    r->now += after_ms * MS;
    return step(r, (struct paxos_event){.type = PAXOS_EV_TICK});
}

tc_err receive(struct replica *r, struct paxos_msg m) {
    m.to = 1;
    return step(r, (struct paxos_event){.type = PAXOS_EV_RECEIVE, .msg = &m});
}

tc_err durable(struct replica *r, uint64_t seq) {
    return step(r, (struct paxos_event){.type = PAXOS_EV_DURABLE, .seq = seq});
}

tc_err applied(struct replica *r, uint64_t index) {
    return step(r, (struct paxos_event){.type = PAXOS_EV_APPLIED, .index = index});
}

tc_err propose(struct replica *r, const char *text) {
    struct tc_blob *b = tc_blob_dup(tc_slice_str(text));
    struct paxos_proposal item = {
        .type = PAXOS_WRITE, .body = b, .body_crc = tc_crc32c(0, b->data, b->len)};
    tc_err err = step(
        r, (struct paxos_event){.type = PAXOS_EV_PROPOSE, .propose = {.items = &item, .count = 1}});
    tc_blob_unref(b);
    return err;
}

void make_entries(struct paxos_entry *e, size_t count, struct paxos_mark after, uint64_t ballot) {
    uint64_t chain = after.chain;
    for (size_t i = 0; i < count; i++) {
        e[i] = (struct paxos_entry){.index = after.index + 1 + i,
                                    .ballot = ballot,
                                    .type = PAXOS_WRITE,
                                    .body_len = 8,
                                    .body = tc_blob_new(8)};
        memset(e[i].body->data, (int)(i + ballot), 8);
        e[i].body_crc = tc_crc32c(0, e[i].body->data, 8);
        e[i].chain = chain = paxos_chain(GID, chain, &e[i]);
    }
}

void drop_entries(struct paxos_entry *e, size_t count) {
    for (size_t i = 0; i < count; i++)
        tc_blob_unref(e[i].body);
}

const struct paxos_send *sent(const struct replica *r, enum paxos_msg_type type) {
    for (size_t i = 0; i < r->out.send_count; i++)
        if (r->out.sends[i].msg.type == type)
            return &r->out.sends[i];
    return NULL;
}

struct paxos_msg prepare_from(uint32_t from, uint64_t round) {
    return (struct paxos_msg){
        .type = PAXOS_PREPARE, .from = from, .ballot = paxos_ballot(round, from)};
}

struct paxos_msg accept_from(uint32_t from, uint64_t round, struct paxos_mark prev,
                             const struct paxos_entry *e, size_t count) {
    return (struct paxos_msg){.type = PAXOS_ACCEPT,
                              .from = from,
                              .ballot = paxos_ballot(round, from),
                              .mark = prev,
                              .echo_ns = 77,
                              .entries = e,
                              .entry_count = count};
}

void open_leader(struct replica *r) {
    open_new(r, 3);
    assert_int_equal(tick(r, 300), TC_OK);
    const struct paxos_send *ask = sent(r, PAXOS_ASK);
    assert_non_null(ask);
    struct paxos_msg silent = {
        .type = PAXOS_ASK_REPLY, .from = 2, .echo_ns = ask->msg.echo_ns, .config = &r->config};
    assert_int_equal(receive(r, silent), TC_OK);
    assert_int_equal(durable(r, r->out.seq), TC_OK);
    uint64_t ballot = paxos_status(r->p).ballot;
    struct paxos_msg promise = {
        .type = PAXOS_PROMISE, .from = 2, .ballot = ballot, .seen_ballot = ballot};
    assert_int_equal(receive(r, promise), TC_OK);
    assert_int_equal(paxos_status(r->p).role, PAXOS_LEADER);
    assert_int_equal(durable(r, r->out.seq), TC_OK);
}

tc_err ack(struct replica *r, uint32_t from, uint64_t index, uint32_t flags) {
    const struct paxos_entry *e = paxos_entry_at(r->p, index);
    uint64_t ballot = paxos_status(r->p).ballot;
    struct paxos_msg m = {.type = PAXOS_ACCEPTED,
                          .from = from,
                          .flags = flags,
                          .ballot = ballot,
                          .seen_ballot = ballot,
                          .echo_ns = r->now};
    if (e)
        m.mark = (struct paxos_mark){.index = index, .ballot = e->ballot, .chain = e->chain};
    return receive(r, m);
}

void commit_all(struct replica *r) {
    uint64_t last = paxos_status(r->p).last.index;
    if (r->out.seq)
        assert_int_equal(durable(r, r->out.seq), TC_OK);
    assert_int_equal(ack(r, 2, last, PAXOS_F_BTREE), TC_OK);
    assert_int_equal(ack(r, 3, last, PAXOS_F_BTREE), TC_OK);
    assert_int_equal(applied(r, last), TC_OK);
}
