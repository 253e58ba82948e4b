#include "engine/store/digest.h"

#include "base/assert.h"
#include "base/hash.h"
#include "engine/store/disk.h"
#include "engine/store/group.h"
#include "engine/store/heal.h"
#include "engine/store/outbox.h"
#include "engine/store/split.h"

enum {
    YOUNG_S = 10, /* whoever plans treats a process that has just started with care */
};

static uint64_t mix(uint64_t digest, const uint64_t *words, size_t count) {
    return tc_hash64(tc_slice((const uint8_t *)words, count * sizeof *words), digest);
}

static uint64_t mix_peers(uint64_t digest, const struct replica *r, uint64_t now_ns) {
    struct heal_peer peers[HEAL_PEERS_MAX];
    size_t count = store__heal_peers(r, now_ns, peers);
    for (size_t i = 0; i < count; i++) {
        const uint64_t words[] = {peers[i].rid, peers[i].learner, peers[i].has_tree,
                                  peers[i].silent_ns / (1000 * (uint64_t)STORE_MS_NS)};
        digest = mix(digest, words, sizeof words / sizeof words[0]);
    }
    return digest;
}

static uint64_t mix_leader(uint64_t digest, const struct replica *r, uint64_t now_ns) {
    Tercet__Pb__ChangeReplicaReply change = TERCET__PB__CHANGE_REPLICA_REPLY__INIT;
    store__heal_progress(r, &change);
    const uint64_t words[] = {change.rid, (uint64_t)change.state, change.done, change.total,
                              r->outbox ? store__backfill_done_bits(r->outbox) : 0};
    return mix_peers(mix(digest, words, sizeof words / sizeof words[0]), r, now_ns);
}

static uint64_t digest_replica(const struct replica *r, uint64_t now_ns) {
    const uint64_t words[] = {r->gid,
                              r->rid,
                              r->desc->partition->epoch,
                              (uint64_t)r->status.role << 8 | (uint64_t)r->state,
                              r->status.leader,
                              r->status.ballot,
                              r->status.seal_index,
                              r->seal ? 2u * (uint64_t)r->seal->type + r->seal->done : 0u};
    uint64_t digest = mix(0, words, sizeof words / sizeof words[0]);
    return r->paxos && store__group_leads(r) ? mix_leader(digest, r, now_ns) : digest;
}

void store__digest_note(struct replica *r, uint64_t now_ns) {
    r->store->digest_sum -= r->digest;
    r->digest = digest_replica(r, now_ns);
    r->store->digest_sum += r->digest;
}

void store__digest_drop(struct replica *r) {
    r->store->digest_sum -= r->digest;
    r->digest = 0;
}

uint64_t store__digest(struct store *s) {
    uint64_t now_ns = store__now_ns(s);
    struct store_disk disk = store_disk(s);
    uint64_t up_s = (now_ns - s->opened_ns) / (1000 * (uint64_t)STORE_MS_NS);
    const struct tc_list *active = &s->due.active;
    for (const struct tc_list *at = active->next; at != active; at = at->next)
        store__digest_note(TC_CONTAINER(at, struct replica, active_link), now_ns);
    const uint64_t words[] = {s->boot,      s->replica_count,   (uint64_t)disk.fill,
                              disk.slow,    disk.drain != NULL, up_s < YOUNG_S ? up_s : YOUNG_S,
                              s->digest_sum};
    uint64_t digest = tc_hash64(tc_slice(s->uuid, sizeof s->uuid), 0);
    digest = mix(digest, words, sizeof words / sizeof words[0]);
    return digest ? digest : 1;
}
