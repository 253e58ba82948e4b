/* What SPLIT, SEAL and MERGE have in common: they end a group's log. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mutant.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"

#include <stdlib.h>

enum {
    UNSAVED_BYTES_MAX = 4 << 20, /* applied since the last checkpoint when it is proposed */
};

struct store_seal *store__seal_new(enum paxos_entry_type type, const struct paxos_entry *e) {
    struct store_seal *made = calloc(1, sizeof *made);
    TC_ASSERT(made != NULL);
    made->type = type;
    made->at = (struct paxos_mark){e->index, e->ballot, e->chain};
    return made;
}

void store__seal_free(struct replica *r) {
    if (r->seal)
        tc_buf_deinit(&r->seal->key);
    free(r->seal);
    r->seal = NULL;
}

uint16_t store__seal_type(const struct replica *r) {
    if (r->seal)
        return (uint16_t)r->seal->type;
    const struct paxos_entry *e =
        r->paxos && r->status.seal_index ? paxos_entry_at(r->paxos, r->status.seal_index) : NULL;
    return e ? e->type : 0;
}

bool store__seal_done(const struct replica *r) {
    return r->seal && r->seal->done && r->applied.index >= r->seal->at.index;
}

/* ---- who still needs it */

bool store__seal_neighbours(const struct replica *left, const struct replica *right) {
    const Tercet__Pb__Partition *a = left->desc->partition, *b = right->desc->partition;
    return a->table_id == b->table_id && a->end.len > 0 &&
           tc_slice_eq(proto_slice(a->end), proto_slice(b->start));
}

/* Some left neighbour here may still make the merged group from it. */
static bool may_be_merged(const struct replica *r) {
    const struct store *s = r->store;
    for (size_t i = 0; i < s->replica_count; i++) {
        const struct replica *left = s->replicas[i];
        if (store__seal_neighbours(left, r) && (left->seal == NULL || !left->seal->done))
            return true;
    }
    return false;
}

static bool is_recent(const struct replica *r, uint64_t since_ns) {
    return store__now_ns(r->store) < since_ns + STORE_DEDUP_KEEP_NS;
}

static bool right_needed(const struct replica *r) {
    struct replica *merged = NULL;
    if (store__split_child_known(r->store, r->seal->gids[0], &merged) == TC_ENOTFOUND)
        return may_be_merged(r);
    if (merged == NULL) /* it was here, and is retired itself by now */
        return false;
    return merged->state == REPLICA_BUILDING || is_recent(r, merged->made_ns);
}

bool store__seal_needed(const struct replica *r) {
    if (r->seal == NULL)
        return false;
    if (r->seal->type == PAXOS_SEAL)
        return right_needed(r);
    return !r->seal->done || is_recent(r, r->seal->done_ns);
}

/* After a start the entry is in the log, and not applied before others say that it was chosen. */
bool store__seal_unarchived(const struct replica *r) {
    if (r->seal == NULL)
        return r->status.seal_index != 0;
    return r->store->options.archive_required && r->status.archived < r->seal->at.index;
}

/* A newcomer could lead, and does not know whose child the group is: the archive would not take its
 * log from it, unless it has the beginning. */
static bool lineage_unknown(const struct replica *r) {
    return r->desc->parent_gid != 0 && r->store->options.archive_required &&
           r->status.archived <= r->desc->base_index;
}

bool store__seal_keeps_members(const struct replica *r) {
    bool inherited =
        r->desc->parent_gid != 0 && store_dedup_oldest_index(&r->dedup) <= r->desc->base_index;
    return r->status.seal_index != 0 || inherited || lineage_unknown(r);
}

/* ---- applying */

tc_err store__seal_apply(struct replica *r, const struct paxos_entry *e, struct tc_slice body) {
    tc_err err = e->type == PAXOS_SPLIT  ? store__split_apply(r, e, body)
                 : e->type == PAXOS_SEAL ? store__merge_apply_seal(r, e, body)
                                         : store__merge_apply(r, e, body);
    if (err == TC_OK && !r->seal->done) {
        r->seal->done = true;
        r->seal->done_ns = store__now_ns(r->store);
    }
    return err;
}

static bool waits_for_children(const struct replica *r) {
    for (int i = 0; i < 2; i++) {
        const struct replica *child = store__find(r->store, r->seal->gids[i]);
        if (child && child->state == REPLICA_BUILDING)
            return true;
    }
    return false;
}

/* The next tick applies the entry again. A right one waits for nothing but its checkpoint. */
void store__seal_wake(struct replica *r) {
    if (r && r->seal && r->seal->type != PAXOS_SEAL && !r->seal->done)
        r->stalled = false;
}

void store__seal_tick(struct replica *r, uint64_t now_ns) {
    if (r->seal == NULL || r->seal->type == PAXOS_SEAL || r->seal->done || !r->stalled)
        return;
    store__merge_tick(r, now_ns);
    if (waits_for_children(r) && now_ns < r->seal->retry_ns)
        return;
    r->seal->retry_ns = now_ns + STORE_BUILD_RETRY_NS;
    store__seal_wake(r);
}

/* ---- proposing */

bool store__seal_gid_used(struct store *s, uint64_t gid) {
    struct replica *child;
    return store__split_child_known(s, gid, &child) != TC_ENOTFOUND;
}

tc_err store__seal_may_begin(struct replica *r) {
    tc_err err = store__group_may_read(r);
    return err == TC_EUNAVAILABLE ? TC_EBUSY : err;
}

bool store__seal_is_live(const struct replica *r, const struct paxos_entry *e) {
    return r->seal_index == e->index && r->seal_ballot == e->ballot;
}

/* The entry may be committed and applied before this returns: who proposed it must be known
 * before. */
tc_err store__seal_propose(struct replica *r, enum paxos_entry_type type, struct tc_slice body) {
    if (r->checkpoint.log_bytes > UNSAVED_BYTES_MAX || r->checkpoint.running || r->stalled) {
        r->checkpoint.wanted = true;
        return TC_EBUSY;
    }
    struct tc_blob *blob = tc_blob_dup(body);
    struct paxos_proposal item = {
        .type = type, .body = blob, .body_crc = tc_crc32c(0, body.data, body.len)};
    struct paxos_event ev = {.type = PAXOS_EV_PROPOSE, .propose = {&item, 1}};
    store__group_flush(r);
    r->seal_index = r->status.last.index + 1;
    r->seal_ballot = r->status.ballot;
    tc_err err = store__group_step(r, &ev);
    if (err != TC_OK)
        r->seal_index = r->seal_ballot = 0;
    tc_blob_unref(blob);
    return err;
}

/* ---- requests */

/* The right one of a merge serves nobody: what comes after it may write already. */
static tc_err admit_right(const struct replica *r) {
    if (TC_MUTANT(63))
        return TC_OK;
    return store__find(r->store, r->seal->gids[0]) ? TC_EMOVED : TC_EBUSY;
}

tc_err store__seal_admit(const struct replica *r) {
    if (TC_MUTANT(41))
        return TC_OK;
    if (r->seal)
        return r->seal->type == PAXOS_SEAL ? admit_right(r) : TC_EMOVED;
    bool leads = r->status.role == PAXOS_LEADER;
    return leads && r->status.seal_index ? TC_EBUSY : TC_OK;
}

/* The child left of key: key itself, or everything below it, belongs to the left one. */
static bool is_left(const struct store_seal *split, struct tc_slice key, bool before) {
    int order = tc_slice_cmp(key, tc_buf_slice(&split->key));
    return before ? key.len > 0 && order <= 0 : order < 0;
}

struct replica *store__seal_target(struct replica *r, struct tc_slice key, bool before) {
    if (r == NULL || r->seal == NULL)
        return r;
    bool right = r->seal->type == PAXOS_SPLIT && !is_left(r->seal, key, before);
    return store__find(r->store, r->seal->gids[right ? 1 : 0]);
}
