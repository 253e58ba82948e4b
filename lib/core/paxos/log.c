#include "core/paxos/log.h"

#include "base/assert.h"
#include "base/hash.h"

#define CHAIN_SEED 0x7465726365740010u

uint64_t paxos_chain(uint64_t gid, uint64_t chain_before, const struct paxos_entry *e) {
    uint64_t words[6] = {
        chain_before, gid, e->index, e->ballot, (uint64_t)e->type << 32 | e->body_len, e->body_crc};
    uint8_t bytes[sizeof words];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(words[i / 8] >> (i % 8 * 8));
    return tc_hash64(tc_slice(bytes, sizeof bytes), CHAIN_SEED);
}

static struct paxos_entry *slots(const struct paxos_log *l) {
    return (struct paxos_entry *)(void *)l->mem.data;
}

void paxos__log_init(struct paxos_log *l, uint64_t gid, struct paxos_mark base,
                     const struct quorum_config *config) {
    *l = (struct paxos_log){.gid = gid, .base = base, .body_from = base.index + 1};
    paxos__log_config_begin(l, config);
}

void paxos__log_deinit(struct paxos_log *l) {
    for (size_t i = 0; i < l->count; i++)
        tc_blob_unref(slots(l)[l->head + i].body);
    tc_buf_deinit(&l->mem);
    tc_buf_deinit(&l->configs);
    *l = (struct paxos_log){0};
}

uint64_t paxos__log_last(const struct paxos_log *l) {
    return l->base.index + l->count;
}

struct paxos_entry *paxos__log_at(const struct paxos_log *l, uint64_t index) {
    if (index <= l->base.index || index > paxos__log_last(l))
        return NULL;
    return &slots(l)[l->head + (index - l->base.index - 1)];
}

struct paxos_mark paxos__log_mark(const struct paxos_log *l, uint64_t index) {
    if (index == l->base.index)
        return l->base;
    const struct paxos_entry *e = paxos__log_at(l, index);
    TC_ASSERT(e != NULL);
    return (struct paxos_mark){.index = index, .ballot = e->ballot, .chain = e->chain};
}

bool paxos__log_holds(const struct paxos_log *l, const struct paxos_mark *m) {
    if (m->index < l->base.index || m->index > paxos__log_last(l))
        return false;
    return paxos__log_mark(l, m->index).chain == m->chain;
}

static void mark_faulty(struct paxos_log *l, uint64_t index) {
    l->faulty_count++;
    if (l->faulty_first == 0 || index < l->faulty_first)
        l->faulty_first = index;
}

tc_err paxos__log_append(struct paxos_log *l, const struct paxos_entry *e) {
    uint64_t last = paxos__log_last(l);
    struct paxos_mark prev = paxos__log_mark(l, last);
    if (e->index != last + 1 || e->ballot < prev.ballot)
        return TC_ECORRUPT;
    if (e->chain != paxos_chain(l->gid, prev.chain, e))
        return TC_ECORRUPT;
    if (e->type == PAXOS_CONF && !(e->flags & PAXOS_FAULTY && e->body == NULL))
        TC_TRY(paxos__log_config_add(l, e));
    tc_buf_append(&l->mem, e, sizeof *e);
    l->count++;
    if (paxos_entry_seals(e->type) && l->seal_index == 0)
        l->seal_index = e->index;
    if (e->body) {
        tc_blob_ref(e->body);
        l->body_bytes += e->body_len;
    }
    if (e->flags & PAXOS_FAULTY)
        mark_faulty(l, e->index);
    return TC_OK;
}

static void drop_body(struct paxos_log *l, struct paxos_entry *e) {
    if (e->body == NULL)
        return;
    TC_ASSERT(l->body_bytes >= e->body_len);
    l->body_bytes -= e->body_len;
    tc_blob_unref(e->body);
    e->body = NULL;
}

/* Find the first FAULTY mark again after entries left or were repaired. */
static void find_faulty(struct paxos_log *l) {
    l->faulty_first = 0;
    if (l->faulty_count == 0)
        return;
    for (size_t i = 0; i < l->count; i++)
        if (slots(l)[l->head + i].flags & PAXOS_FAULTY) {
            l->faulty_first = l->base.index + 1 + i;
            return;
        }
    TC_ASSERT(!"faulty_count counts a mark that is not there");
}

void paxos__log_cut(struct paxos_log *l, uint64_t index) {
    TC_ASSERT(index > l->base.index);
    if (l->seal_index >= index)
        l->seal_index = 0;
    bool faulty = l->faulty_count > 0;
    while (paxos__log_last(l) >= index) {
        struct paxos_entry *e = paxos__log_at(l, paxos__log_last(l));
        l->faulty_count -= (e->flags & PAXOS_FAULTY) ? 1 : 0;
        drop_body(l, e);
        l->count--;
    }
    l->mem.len = (l->head + l->count) * sizeof(struct paxos_entry);
    paxos__log_config_cut(l, index);
    if (l->body_from > index)
        l->body_from = index;
    if (faulty)
        find_faulty(l);
}

/* Slots are moved down only when as many are free as in use, so trimming is amortized O(1). */
static void compact(struct paxos_log *l) {
    if (l->head < 64 || l->head < l->count)
        return;
    memmove(slots(l), slots(l) + l->head, l->count * sizeof(struct paxos_entry));
    l->head = 0;
    l->mem.len = l->count * sizeof(struct paxos_entry);
}

void paxos__log_trim(struct paxos_log *l, uint64_t index) {
    TC_ASSERT(index >= l->base.index && index <= paxos__log_last(l));
    struct paxos_mark base = paxos__log_mark(l, index);
    bool faulty = l->faulty_count > 0;
    while (l->base.index < index) {
        struct paxos_entry *e = paxos__log_at(l, l->base.index + 1);
        l->faulty_count -= (e->flags & PAXOS_FAULTY) ? 1 : 0;
        drop_body(l, e);
        l->head++;
        l->count--;
        l->base.index++;
    }
    l->base = base;
    if (l->body_from <= index)
        l->body_from = index + 1;
    paxos__log_config_trim(l, index);
    compact(l);
    if (faulty)
        find_faulty(l);
}

void paxos__log_reset(struct paxos_log *l, struct paxos_mark base,
                      const struct quorum_config *config) {
    struct quorum_config copy = *config; /* it may live in this very log */
    uint64_t gid = l->gid;
    paxos__log_deinit(l);
    paxos__log_init(l, gid, base, &copy);
}

void paxos__log_repair(struct paxos_log *l, uint64_t index, struct tc_blob *body) {
    struct paxos_entry *e = paxos__log_at(l, index);
    TC_ASSERT(e != NULL && (e->flags & PAXOS_FAULTY) && e->body == NULL);
    if (body == NULL)
        return;
    e->body = tc_blob_ref(body);
    l->body_bytes += e->body_len;
    if (index < l->body_from)
        l->body_from = index;
    if (e->type == PAXOS_CONF)
        paxos__log_config_insert(l, e);
}

bool paxos__log_spoil(struct paxos_log *l, uint64_t index) {
    struct paxos_entry *e = paxos__log_at(l, index);
    if (e == NULL || e->body != NULL || e->body_len == 0 || (e->flags & PAXOS_FAULTY))
        return false;
    e->flags |= PAXOS_FAULTY;
    mark_faulty(l, index);
    return true;
}

void paxos__log_clear_faulty(struct paxos_log *l, uint64_t index) {
    struct paxos_entry *e = paxos__log_at(l, index);
    if (e == NULL || !(e->flags & PAXOS_FAULTY))
        return;
    e->flags &= (uint16_t)~PAXOS_FAULTY;
    l->faulty_count--;
    find_faulty(l);
}

void paxos__log_evict(struct paxos_log *l, uint64_t limit_index, uint64_t max_bytes) {
    while (l->body_bytes > max_bytes && l->body_from <= limit_index) {
        struct paxos_entry *e = paxos__log_at(l, l->body_from);
        if (e == NULL)
            return;
        drop_body(l, e);
        l->body_from++;
    }
}

bool paxos__log_check(const struct paxos_log *l) {
    uint64_t chain = l->base.chain;
    uint64_t bytes = 0;
    uint64_t faulty = 0;
    for (uint64_t i = l->base.index + 1; i <= paxos__log_last(l); i++) {
        const struct paxos_entry *e = paxos__log_at(l, i);
        chain = paxos_chain(l->gid, chain, e);
        if (e->index != i || e->chain != chain)
            return false;
        bytes += e->body ? e->body_len : 0;
        faulty += (e->flags & PAXOS_FAULTY) ? 1 : 0;
    }
    return bytes == l->body_bytes && faulty == l->faulty_count;
}
