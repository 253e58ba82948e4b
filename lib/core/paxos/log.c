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

static struct paxos_log_config *configs(const struct paxos_log *l) {
    return (struct paxos_log_config *)(void *)l->configs.data;
}

static size_t config_count(const struct paxos_log *l) {
    return l->configs.len / sizeof(struct paxos_log_config);
}

static void config_push(struct paxos_log *l, uint64_t index, const struct quorum_config *c) {
    struct paxos_log_config at = {.index = index, .config = *c};
    tc_buf_append(&l->configs, &at, sizeof at);
}

void paxos__log_init(struct paxos_log *l, uint64_t gid, struct paxos_mark base,
                     const struct quorum_config *config) {
    *l = (struct paxos_log){.gid = gid, .base = base, .body_from = base.index + 1};
    config_push(l, base.index, config);
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

static tc_err decode_config(const struct paxos_entry *e, struct quorum_config *ret_config) {
    if (e->body == NULL)
        return TC_ECORRUPT;
    return paxos_conf_decode(tc_blob_slice(e->body), ret_config, /* ret_driver= */ NULL);
}

static void mark_faulty(struct paxos_log *l, uint64_t index) {
    l->faulty_count++;
    if (l->faulty_first == 0 || index < l->faulty_first)
        l->faulty_first = index;
}

tc_err paxos__log_append(struct paxos_log *l, const struct paxos_entry *e) {
    uint64_t last = paxos__log_last(l);
    struct paxos_mark prev = paxos__log_mark(l, last);
    struct quorum_config config;
    if (e->index != last + 1 || e->ballot < prev.ballot)
        return TC_ECORRUPT;
    if (e->chain != paxos_chain(l->gid, prev.chain, e))
        return TC_ECORRUPT;
    if (e->type == PAXOS_CONF && !(e->flags & PAXOS_FAULTY && e->body == NULL)) {
        TC_TRY(decode_config(e, &config));
        config_push(l, e->index, &config);
    }
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
    while (config_count(l) > 1 && configs(l)[config_count(l) - 1].index >= index)
        l->configs.len -= sizeof(struct paxos_log_config);
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
    while (config_count(l) > 1 && configs(l)[1].index <= index) {
        memmove(configs(l), configs(l) + 1, l->configs.len - sizeof(struct paxos_log_config));
        l->configs.len -= sizeof(struct paxos_log_config);
    }
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

/* A CONF that was unreadable is known now. */
static void config_insert(struct paxos_log *l, const struct paxos_entry *e) {
    struct quorum_config config;
    size_t at = config_count(l);
    if (decode_config(e, &config) != TC_OK)
        return;
    for (size_t i = 0; i < at; i++)
        if (configs(l)[i].index == e->index)
            return; /* it became unreadable after it was known */
    config_push(l, e->index, &config);
    for (; at > 0 && configs(l)[at - 1].index > e->index; at--)
        configs(l)[at] = configs(l)[at - 1];
    configs(l)[at] = (struct paxos_log_config){.index = e->index, .config = config};
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
        config_insert(l, e);
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

static const struct paxos_log_config *config_at(const struct paxos_log *l, uint64_t index) {
    size_t at = config_count(l);
    TC_ASSERT(at > 0);
    while (at > 1 && configs(l)[at - 1].index > index)
        at--;
    return &configs(l)[at - 1];
}

const struct quorum_config *paxos__log_config(const struct paxos_log *l, uint64_t index) {
    return &config_at(l, index)->config;
}

uint64_t paxos__log_config_index(const struct paxos_log *l, uint64_t index) {
    return config_at(l, index)->index;
}

size_t paxos__log_config_count(const struct paxos_log *l) {
    return config_count(l);
}

void paxos__log_base_config(struct paxos_log *l, const struct quorum_config *config) {
    TC_ASSERT(configs(l)[0].index <= l->base.index);
    configs(l)[0].config = *config;
}

bool paxos__log_named(const struct paxos_log *l, uint32_t rid) {
    for (size_t i = 0; i < config_count(l); i++)
        if (quorum_may_vote(&configs(l)[i].config, rid))
            return true;
    return false;
}

uint64_t paxos__log_faulty_conf(const struct paxos_log *l, uint64_t limit) {
    if (l->faulty_count == 0)
        return 0;
    for (uint64_t i = l->faulty_first; i <= limit; i++) {
        const struct paxos_entry *e = paxos__log_at(l, i);
        if (e && e->type == PAXOS_CONF && (e->flags & PAXOS_FAULTY) && e->body == NULL)
            return i;
    }
    return 0;
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
