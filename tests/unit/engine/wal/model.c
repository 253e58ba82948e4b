#include "model.h"

#include "base/crc32c.h"

struct tc_blob *model_body(uint64_t seed, uint32_t len) {
    struct tc_blob *b = tc_blob_new(len);
    struct tc_prng p = tc_prng(seed);
    for (uint32_t i = 0; i < len; i++)
        b->data[i] = (uint8_t)tc_prng_u64(&p);
    return b;
}

static void apply(struct model *m, const struct model_op *op) {
    struct model_group *g = &m->groups[op->gid];
    switch (op->kind) {
    case MODEL_ENTRY:
        if (op->idx > g->last + 1)
            g->trimmed = op->idx - 1;
        g->last = op->idx;
        g->entries[op->idx] = op;
        break;
    case MODEL_STATE:
        g->states[op->type - WAL_HARDSTATE] = op;
        break;
    case MODEL_FORGET:
        memset(g, 0, sizeof *g);
        break;
    case MODEL_TRIM:
        if (op->idx > g->trimmed)
            g->trimmed = op->idx;
        if (op->idx > g->last)
            g->last = op->idx;
        break;
    }
}

static void push(struct model *m, const struct model_op *op) {
    assert_true(m->count < MODEL_OPS_MAX);
    m->ops[m->count] = *op;
    apply(m, &m->ops[m->count++]);
}

tc_err model_append(struct model *m, struct wal *w, const struct model_op *op) {
    struct tc_blob *body = model_body(op->chain, op->len);
    struct wal_record rec = {
        .gid = op->gid,
        .idx = op->idx,
        .ballot = op->ballot,
        .chain = op->chain,
        .body_crc = tc_crc32c(0, body->data, body->len),
        .type = op->type,
        .flags = (uint16_t)(op->len & 0x3f),
    };
    uint64_t lsn = 0;
    tc_err err = wal_append(w, &rec, body, op->kind == MODEL_STATE, &lsn);
    tc_blob_unref(body);
    if (err != TC_OK)
        return err;
    struct model_op done = *op;
    done.lsn = lsn;
    push(m, &done);
    return TC_OK;
}

tc_err model_forget(struct model *m, struct wal *w, uint64_t gid) {
    struct model_op op = {.kind = MODEL_FORGET, .gid = gid};
    tc_err err = wal_forget(w, gid, &op.lsn);
    if (err == TC_OK)
        push(m, &op);
    return err;
}

void model_trim(struct model *m, struct wal *w, uint64_t gid, uint64_t idx) {
    struct model_op op = {.kind = MODEL_TRIM, .gid = gid, .idx = idx, .lsn = wal_last_lsn(w)};
    wal_trim(w, gid, idx);
    push(m, &op);
}

void model_rewind(struct model *m, uint64_t lsn) {
    memset(m->groups, 0, sizeof m->groups);
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (m->ops[i].lsn > lsn)
            continue;
        m->ops[kept] = m->ops[i];
        apply(m, &m->ops[kept++]);
    }
    m->count = kept;
}

static tc_err step_entry(struct model *m, struct wal *w, struct tc_prng *p, uint64_t gid) {
    struct model_group *g = &m->groups[gid];
    struct model_op op = {.kind = MODEL_ENTRY,
                          .gid = gid,
                          .idx = g->last + 1,
                          .ballot = tc_prng_u64(p),
                          .chain = tc_prng_u64(p),
                          .len = (uint32_t)tc_prng_below(p, 600),
                          .type = (uint16_t)tc_prng_between(p, 1, 20)};
    if (tc_prng_chance(p, 1, 12))
        op.len = (uint32_t)tc_prng_below(p, 12000);
    if (g->last > g->trimmed && tc_prng_chance(p, 1, 8))
        op.idx = tc_prng_between(p, g->trimmed + 1, g->last);
    if (tc_prng_chance(p, 1, 60))
        op.idx = g->last + tc_prng_between(p, 2, 9);
    if (op.idx >= MODEL_IDX_MAX)
        return TC_OK;
    return model_append(m, w, &op);
}

static void step_trim(struct model *m, struct wal *w, struct tc_prng *p, uint64_t gid) {
    struct model_group *g = &m->groups[gid];
    uint64_t idx = g->last ? tc_prng_between(p, g->trimmed, g->last) : 0;
    /* Only what is durable is ever trimmed. */
    if (idx > g->trimmed && g->entries[idx]->lsn <= wal_durable_lsn(w))
        model_trim(m, w, gid, idx);
}

tc_err model_step(struct model *m, struct wal *w, struct tc_prng *p) {
    uint64_t gid = tc_prng_between(p, 1, MODEL_GROUPS);
    uint64_t dice = tc_prng_below(p, 100);
    if (dice < 70)
        return step_entry(m, w, p, gid);
    if (dice < 80) {
        struct model_op op = {.kind = MODEL_STATE,
                              .gid = gid,
                              .chain = tc_prng_u64(p),
                              .len = (uint32_t)tc_prng_below(p, 100),
                              .type = (uint16_t)tc_prng_between(p, WAL_HARDSTATE, WAL_STATE_3)};
        return model_append(m, w, &op);
    }
    if (dice < 94) {
        step_trim(m, w, p, gid);
        return TC_OK;
    }
    if (dice < 95) {
        tc_err err = model_forget(m, w, gid);
        return err == TC_ENOTFOUND ? TC_OK : err;
    }
    tc_err err = wal_copy_forward(w, tc_prng_below(p, 20000));
    return err == TC_ECORRUPT ? TC_OK : err;
}

static void check_entry(struct wal *w, const struct model_op *op, bool may_fault) {
    struct wal_entry e;
    assert_true(wal_entry(w, op->gid, op->idx, &e));
    assert_int_equal(e.ballot, op->ballot);
    assert_int_equal(e.chain, op->chain);
    assert_int_equal(e.type, op->type);
    assert_int_equal(e.body_len, op->len);
    assert_int_equal(e.flags, op->len & 0x3f);
    struct tc_blob *body = NULL;
    tc_err err = wal_read(w, op->gid, op->idx, &body);
    if (err != TC_OK) {
        assert_true(may_fault && err == TC_ECORRUPT);
        return;
    }
    struct tc_blob *want = model_body(op->chain, op->len);
    assert_true(tc_slice_eq(tc_blob_slice(body), tc_blob_slice(want)));
    tc_blob_unref(want);
    tc_blob_unref(body);
}

static void check_states(const struct model_group *g, struct wal *w, uint64_t gid, bool may_fault) {
    struct wal_group found = {0};
    bool any = wal_group(w, gid, &found);
    for (unsigned i = 0; i < WAL_STATE_TYPES; i++) {
        struct tc_slice body;
        bool there = wal_state(w, gid, WAL_HARDSTATE + i, &body);
        const struct model_op *op = g->states[i];
        if (op && !there) {
            assert_true(may_fault && any && found.state_lost);
            continue;
        }
        assert_int_equal(there, op != NULL);
        if (op == NULL)
            continue;
        struct tc_blob *want = model_body(op->chain, op->len);
        assert_true(tc_slice_eq(body, tc_blob_slice(want)));
        tc_blob_unref(want);
    }
}

void model_check(const struct model *m, struct wal *w, bool may_fault) {
    for (uint64_t gid = 1; gid <= MODEL_GROUPS; gid++) {
        const struct model_group *g = &m->groups[gid];
        struct wal_group found = {0};
        bool any = wal_group(w, gid, &found);
        if (g->last > g->trimmed) {
            assert_true(any && found.last_idx == g->last && found.first_idx <= g->trimmed + 1);
        } else {
            assert_true(found.last_idx <= g->trimmed);
        }
        for (uint64_t idx = g->trimmed + 1; idx <= g->last; idx++)
            check_entry(w, g->entries[idx], may_fault);
        check_states(g, w, gid, may_fault);
    }
}
