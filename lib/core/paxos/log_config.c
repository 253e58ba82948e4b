/* The configurations of a log: those that its CONF entries carry, and the one in force at its base.
 *
 * The newest one of the log is in force whether it is committed or not, so a cut takes one back,
 * and an unreadable CONF counts from its repair on. */
#include "base/assert.h"
#include "core/paxos/log.h"

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

static tc_err decode_config(const struct paxos_entry *e, struct quorum_config *ret_config) {
    if (e->body == NULL)
        return TC_ECORRUPT;
    return paxos_conf_decode(tc_blob_slice(e->body), ret_config, /* ret_driver= */ NULL);
}

void paxos__log_config_begin(struct paxos_log *l, const struct quorum_config *config) {
    config_push(l, l->base.index, config);
}

tc_err paxos__log_config_add(struct paxos_log *l, const struct paxos_entry *e) {
    struct quorum_config config;
    TC_TRY(decode_config(e, &config));
    config_push(l, e->index, &config);
    return TC_OK;
}

void paxos__log_config_insert(struct paxos_log *l, const struct paxos_entry *e) {
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

void paxos__log_config_cut(struct paxos_log *l, uint64_t index) {
    while (config_count(l) > 1 && configs(l)[config_count(l) - 1].index >= index)
        l->configs.len -= sizeof(struct paxos_log_config);
}

void paxos__log_config_trim(struct paxos_log *l, uint64_t index) {
    while (config_count(l) > 1 && configs(l)[1].index <= index) {
        memmove(configs(l), configs(l) + 1, l->configs.len - sizeof(struct paxos_log_config));
        l->configs.len -= sizeof(struct paxos_log_config);
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
