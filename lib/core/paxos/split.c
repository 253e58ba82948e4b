/* Both ends of a split and of a merge: the last entry of a parent, and how a child begins (B12). */
#include "base/hash.h"
#include "core/paxos/paxos_private.h"

#define CHILD_SEED  0x7465726365740012u
#define MERGED_SEED 0x7465726365740013u

enum {
    WORDS_MAX = 5,
};

static uint64_t hash_words(const uint64_t *words, size_t count, uint64_t seed) {
    uint8_t bytes[WORDS_MAX * 8];
    for (size_t i = 0; i < count * 8; i++)
        bytes[i] = (uint8_t)(words[i / 8] >> (i % 8 * 8));
    return tc_hash64(tc_slice(bytes, count * 8), seed);
}

struct paxos_mark paxos_child_base(const struct paxos_mark *split, uint64_t child_gid) {
    uint64_t words[3] = {split->chain, split->index, child_gid};
    return (struct paxos_mark){.index = split->index, .chain = hash_words(words, 3, CHILD_SEED)};
}

struct paxos_mark paxos_merged_base(const struct paxos_mark *merge, const struct paxos_mark *seal,
                                    uint64_t merged_gid) {
    uint64_t words[5] = {merge->chain, merge->index, seal->chain, seal->index, merged_gid};
    bool right = seal->index > merge->index;
    return (struct paxos_mark){.index = right ? seal->index : merge->index,
                               .chain = hash_words(words, 5, MERGED_SEED)};
}

tc_err paxos__may_seal(const struct paxos *p, size_t count) {
    const struct quorum_config *c = paxos__config(p);
    if (count != 1)
        return TC_ELIMIT;
    if (quorum_is_joint(c) || paxos__config_index(p) > p->commit)
        return TC_EBUSY;
    for (uint32_t i = 0; i < c->sets[0].count; i++)
        if (c->sets[0].members[i].role != QUORUM_STORAGE)
            return TC_EBUSY;
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].learner)
            return TC_EBUSY;
    return TC_OK;
}

tc_err paxos__begin(struct paxos *p) {
    bool empty = p->log.count == 0 && p->commit == p->log.base.index;
    if (!p->newborn || p->role != PAXOS_FOLLOWER || !empty || p->log.base.ballot != 0 ||
        !paxos__able(p) || paxos_ballot_rid(p->promised) != p->rid ||
        paxos_ballot_round(p->promised) != 1)
        return TC_EINVAL;
    TRACE(p, "begin at " B_FMT ", which everybody promised when this child was made",
          B_ARGS(p->promised));
    p->newborn = false;
    p->role = PAXOS_CANDIDATE;
    p->ballot = p->promised;
    p->resigned_ballot = p->promised; /* nobody had to miss a leader */
    paxos__lead(p);
    return TC_OK;
}
