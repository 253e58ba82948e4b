/* paxos_log: the metadata of (base, last] of one group, bodies of a bounded tail, and the
 * configurations that its CONF entries carry.
 *
 * Private to core/paxos. Memory: heap through tc_buf; bodies are references.
 * Invariant: entries are dense from base.index + 1, each chain hash continues the one before it.
 */
#ifndef TC_CORE_PAXOS_LOG_H
#define TC_CORE_PAXOS_LOG_H

#include "base/buf.h"
#include "core/paxos/paxos.h"

enum {
    PAXOS_CONFIGS_MAX = 256, /* changes between base and last above which a leader begins none */
};

struct paxos_log {
    uint64_t gid;
    struct paxos_mark base;
    struct tc_buf mem; /* struct paxos_entry[head + count] */
    size_t head;       /* slots already trimmed */
    size_t count;
    struct tc_buf configs; /* struct paxos_log_config[], the first one at or below base */
    uint64_t body_from;    /* entries below hold no body */
    uint64_t body_bytes;
    uint64_t faulty_count;
    uint64_t faulty_first; /* 0: none */
    uint64_t seal_index;   /* of the entry that seals it, which is never trimmed; 0: none */
};

struct paxos_log_config {
    uint64_t index;
    struct quorum_config config;
};

void paxos__log_init(struct paxos_log *l, uint64_t gid, struct paxos_mark base,
                     const struct quorum_config *config);
void paxos__log_deinit(struct paxos_log *l);
uint64_t paxos__log_last(const struct paxos_log *l);
/* Identity of the entry at index, which is in [base, last]. */
struct paxos_mark paxos__log_mark(const struct paxos_log *l, uint64_t index);
/* NULL outside (base, last]. */
struct paxos_entry *paxos__log_at(const struct paxos_log *l, uint64_t index);
/* The log holds exactly this place (by chain hash, so everything before it is equal too). */
bool paxos__log_holds(const struct paxos_log *l, const struct paxos_mark *m);
/* Append one entry at last + 1, taking a reference of its body.
 *   Errors   TC_ECORRUPT  the chain does not continue, or a CONF body is no configuration */
TC_MUST_USE tc_err paxos__log_append(struct paxos_log *l, const struct paxos_entry *e);
/* Drop index and everything above. */
void paxos__log_cut(struct paxos_log *l, uint64_t index);
/* Drop everything up to index, which becomes the base. */
void paxos__log_trim(struct paxos_log *l, uint64_t index);
/* Forget all entries and start again at base. */
void paxos__log_reset(struct paxos_log *l, struct paxos_mark base,
                      const struct quorum_config *config);
/* Put a body back into a FAULTY entry; the mark stays until paxos__log_clear_faulty. An unreadable
 * CONF is unknown until then: the configuration before it counts as in force. */
void paxos__log_repair(struct paxos_log *l, uint64_t index, struct tc_blob *body);
/* Mark an entry whose body is not in memory FAULTY; false: nothing to mark. */
bool paxos__log_spoil(struct paxos_log *l, uint64_t index);
void paxos__log_clear_faulty(struct paxos_log *l, uint64_t index);
/* Release old bodies up to limit_index while more than max bytes are held. */
void paxos__log_evict(struct paxos_log *l, uint64_t limit_index, uint64_t max_bytes);
/* Every entry's chain and density; O(n). */
bool paxos__log_check(const struct paxos_log *l);

/* ---- log_config.c */

const struct quorum_config *paxos__log_config(const struct paxos_log *l, uint64_t index);
/* Where that configuration stands; at or below base: in the base itself. */
uint64_t paxos__log_config_index(const struct paxos_log *l, uint64_t index);
size_t paxos__log_config_count(const struct paxos_log *l);
/* The driver's word for what is in force at base. */
void paxos__log_base_config(struct paxos_log *l, const struct quorum_config *config);
/* Some configuration of this log names rid: it is or was a member. */
bool paxos__log_named(const struct paxos_log *l, uint32_t rid);
/* The first unreadable CONF up to limit; 0: none. */
uint64_t paxos__log_faulty_conf(const struct paxos_log *l, uint64_t limit);
/* What the log does to its configurations as it begins, grows, is repaired, cut and trimmed. */
void paxos__log_config_begin(struct paxos_log *l, const struct quorum_config *config);
/*   Errors   TC_ECORRUPT  the body is no configuration; none was added */
TC_MUST_USE tc_err paxos__log_config_add(struct paxos_log *l, const struct paxos_entry *e);
/* A CONF that was unreadable is known now. */
void paxos__log_config_insert(struct paxos_log *l, const struct paxos_entry *e);
void paxos__log_config_cut(struct paxos_log *l, uint64_t index);
void paxos__log_config_trim(struct paxos_log *l, uint64_t index);

#endif
