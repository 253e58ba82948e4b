#include "base/assert.h"
#include "sim/core/cluster.h"

#include <stdlib.h>

static struct paxos_entry *entries(const struct tc_buf *b) {
    return (struct paxos_entry *)(void *)b->data;
}

static size_t entry_count(const struct tc_buf *b) {
    return b->len / sizeof(struct paxos_entry);
}

static void push(struct tc_buf *b, const struct paxos_entry *e) {
    if (e->body)
        tc_blob_ref(e->body);
    tc_buf_append(b, e, sizeof *e);
}

static void drop_from(struct tc_buf *b, size_t from) {
    for (size_t i = from; i < entry_count(b); i++)
        tc_blob_unref(entries(b)[i].body);
    if (from < entry_count(b))
        b->len = from * sizeof(struct paxos_entry);
}

static void free_unit(struct sim_unit *u) {
    drop_from(&u->appends, 0);
    drop_from(&u->repairs, 0);
    tc_buf_deinit(&u->appends);
    tc_buf_deinit(&u->repairs);
}

static struct sim_unit *unit_at(struct sim_disk *d, size_t i) {
    return &d->units[(d->unit_head + i) % SIM_UNITS_MAX];
}

static void pop_unit(struct sim_disk *d) {
    free_unit(unit_at(d, 0));
    d->unit_head = (d->unit_head + 1) % SIM_UNITS_MAX;
    d->unit_count--;
}

void sim_disk_deinit(struct sim_disk *d) {
    while (d->unit_count > 0)
        pop_unit(d);
    drop_from(&d->log, 0);
    tc_buf_deinit(&d->log);
}

uint64_t sim_disk_last(const struct sim_disk *d) {
    return d->base.index + entry_count(&d->log);
}

struct paxos_entry *sim_disk_entry(const struct sim_disk *d, uint64_t index) {
    if (index <= d->base.index || index > sim_disk_last(d))
        return NULL;
    return &entries(&d->log)[index - d->base.index - 1];
}

void sim_disk_write(struct sim_disk *d, const struct paxos_out *out) {
    TC_ASSERT(d->unit_count < SIM_UNITS_MAX);
    struct sim_unit u = {.seq = out->seq, .hardstate = out->hardstate, .promised = out->promised};
    for (size_t i = 0; i < out->append_count; i++)
        push(&u.appends, &out->appends[i]);
    for (size_t i = 0; i < out->repair_count; i++)
        push(&u.repairs, &out->repairs[i]);
    *unit_at(d, d->unit_count) = u;
    d->unit_count++;
}

static void settle_append(struct sim_disk *d, const struct paxos_entry *e) {
    if (e->index <= d->base.index)
        return;
    TC_ASSERT(e->index <= sim_disk_last(d) + 1);
    drop_from(&d->log, (size_t)(e->index - d->base.index - 1));
    push(&d->log, e);
}

static void settle_repair(struct sim_disk *d, const struct paxos_entry *e) {
    struct paxos_entry *own = sim_disk_entry(d, e->index);
    if (own == NULL || own->chain != e->chain || !(own->flags & PAXOS_FAULTY))
        return;
    own->flags = 0;
    own->body = e->body ? tc_blob_ref(e->body) : NULL;
}

static void settle(struct sim_disk *d) {
    const struct sim_unit *u = unit_at(d, 0);
    for (size_t i = 0; i < entry_count(&u->repairs); i++)
        settle_repair(d, &entries(&u->repairs)[i]);
    for (size_t i = 0; i < entry_count(&u->appends); i++)
        settle_append(d, &entries(&u->appends)[i]);
    if (u->hardstate && u->promised > d->promised)
        d->promised = u->promised;
    pop_unit(d);
}

void sim_disk_sync(struct sim_disk *d, uint64_t seq) {
    while (d->unit_count > 0 && unit_at(d, 0)->seq <= seq)
        settle(d);
}

/* The unit in which the cut falls may be half there: its appends are single records. */
static void settle_torn(struct sim_disk *d, struct tc_prng *prng) {
    struct sim_unit *u = unit_at(d, 0);
    size_t keep = (size_t)tc_prng_below(prng, entry_count(&u->appends) + 1);
    u->hardstate = false;
    drop_from(&u->appends, keep);
    settle(d);
}

void sim_disk_crash(struct sim_disk *d, struct tc_prng *prng) {
    uint64_t keep = tc_prng_chance(prng, 1, 2) ? 0 : tc_prng_below(prng, d->unit_count + 1);
    for (; keep > 0; keep--)
        settle(d);
    if (d->unit_count > 0 && tc_prng_chance(prng, 1, 4))
        settle_torn(d, prng);
    while (d->unit_count > 0)
        pop_unit(d);
    d->syncing_seq = 0;
}

void sim_disk_cut(struct sim_disk *d, uint64_t index) {
    drop_from(&d->log, (size_t)(index - d->base.index - 1));
}

void sim_disk_trim(struct sim_disk *d, struct paxos_mark base, const struct quorum_config *config) {
    size_t count = (size_t)(base.index - d->base.index);
    TC_ASSERT(base.index >= d->base.index);
    if (count > entry_count(&d->log))
        count = entry_count(&d->log);
    for (size_t i = 0; i < count; i++)
        tc_blob_unref(entries(&d->log)[i].body);
    size_t left = d->log.len - count * sizeof(struct paxos_entry);
    if (left > 0)
        memmove(d->log.data, d->log.data + (d->log.len - left), left);
    d->log.len = left;
    d->base = base;
    d->config = *config;
}

void sim_disk_install(struct sim_disk *d, struct paxos_mark base,
                      const struct quorum_config *config, const struct sim_state *state) {
    const struct paxos_entry *held = sim_disk_entry(d, base.index);
    TC_ASSERT(d->unit_count == 0);
    if (base.index > d->base.index && held && held->chain == base.chain) {
        sim_disk_trim(d, base, config);
    } else if (base.index > d->base.index) {
        drop_from(&d->log, 0);
        d->base = base;
        d->config = *config;
    }
    if (state)
        d->checkpoint = *state;
    d->log_only = state == NULL;
}

bool sim_disk_holds(const struct sim_disk *d, uint64_t index, uint64_t chain) {
    const struct paxos_entry *e = sim_disk_entry(d, index);
    if (index <= d->base.index || (!d->log_only && index <= d->checkpoint.applied))
        return true; /* only what was chosen is trimmed or checkpointed: checked elsewhere */
    return e != NULL && e->chain == chain;
}
