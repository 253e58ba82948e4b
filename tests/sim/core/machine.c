/* The replicated state: a few registers. Its sum depends on every entry applied, so two replicas
 * that ever differ stay different. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "sim/core/cluster.h"

struct tc_blob *sim_body(uint32_t key, uint64_t value, size_t extra) {
    struct tc_blob *b = tc_blob_new(12 + extra);
    memcpy(b->data, &key, 4);
    memcpy(b->data + 4, &value, 8);
    memset(b->data + 12, (int)(value & 0xff), extra);
    return b;
}

void sim_apply(struct sim_state *s, const struct paxos_entry *e, uint32_t *ret_key,
               uint64_t *ret_before) {
    TC_ASSERT(e->index == s->applied + 1);
    uint64_t words[3] = {s->sum, e->chain, 0};
    *ret_key = UINT32_MAX;
    *ret_before = 0;
    if (e->type == PAXOS_WRITE) {
        uint32_t key;
        TC_ASSERT(e->body != NULL && e->body->len >= 12);
        TC_ASSERT(tc_crc32c(0, e->body->data, e->body->len) == e->body_crc);
        memcpy(&key, e->body->data, 4);
        memcpy(&words[2], e->body->data + 4, 8);
        *ret_key = key;
        *ret_before = s->version[key];
        s->version[key] = e->index;
        s->value[key] = words[2];
    }
    s->applied = e->index;
    s->chain = e->chain;
    s->sum = tc_hash64(tc_slice(words, sizeof words), 0);
}
