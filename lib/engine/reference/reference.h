/* reference: a replica rebuilt from the archive alone, to hold the live ones against.
 *
 * It starts empty (the group's genesis) or from an archived snapshot, and applies archived log
 * entries in order. Every entry is checked before it counts: its index is the next one, its body
 * has its checksum, its chain hash continues the one before. It shares no code path with the
 * replicas but the B-tree, the entry codec and the chain hash, and no bytes at all.
 *
 * Threads: one. Memory: the B-tree's cache and dirty pages, bounded by the options; the tree lies
 * in a scratch file that belongs to the reference and is removed with it.
 * Invariant: the tree holds exactly what the log holds up to reference_mark's index.
 */
#ifndef TC_ENGINE_REFERENCE_H
#define TC_ENGINE_REFERENCE_H

#include "core/paxos/paxos.h"
#include "engine/btree/btree.h"

struct tc_fs;
struct reference;

struct reference_opts {
    uint64_t gid;
    size_t cache_bytes;     /* 0: 64 MiB */
    size_t dirty_bytes_max; /* 0: 64 MiB; reached: pages go to the scratch file */
};

/* Begin at the genesis: index 0, no items. path: scratch file in an existing directory; what is
 * there is replaced.
 *   Errors   TC_EINVAL, TC_EFULL, TC_EIO (scratch file) */
TC_MUST_USE tc_err reference_new(struct tc_fs *fs, const char *path,
                                 const struct reference_opts *opts, struct reference **ret_ref);
/* Another one in a file of its own that stands where from stands.
 *   Errors   as reference_new; TC_ECORRUPT */
TC_MUST_USE tc_err reference_copy(struct reference *from, const char *path,
                                  struct reference **ret_ref);
/* NULL is a no-op. Removes the scratch file. */
void reference_free(struct reference *r);

/* Begin at a snapshot instead: every item in ascending key order, then the end with the place in
 * the log where it was taken. Only before the first entry.
 *   Errors   TC_ECORRUPT  keys out of order, or the sums (NULL: unknown) are not those of the items
 *            TC_EFULL, TC_EIO (scratch file) */
TC_MUST_USE tc_err reference_snapshot_item(struct reference *r, struct tc_slice key,
                                           struct tc_slice value);
TC_MUST_USE tc_err reference_snapshot_end(struct reference *r, const struct paxos_mark *at,
                                          const struct btree_sums *sums);

/* Apply the next entry; e->body is not looked at, body is.
 *   Errors   TC_ECORRUPT    index, checksum, chain hash or body is wrong: reference_problem says
 *                           which; the reference stands before the entry
 *            TC_EUNSUPPORTED  an entry of a kind that this version cannot apply
 *            TC_EFULL, TC_EIO (scratch file; give the reference up) */
TC_MUST_USE tc_err reference_apply(struct reference *r, const struct paxos_entry *e,
                                   struct tc_slice body);
/* The last entry was a SPLIT: go on as its child gid. What belongs outside the child's range is
 * dropped, and the next entry is the first of the child's own log. Only right after that entry.
 * Errors TC_EINVAL  the last entry is no SPLIT, or it does not make this group */
TC_MUST_USE tc_err reference_child(struct reference *r, uint64_t gid);
/* The last entry of left was a MERGE and the last one of right the SEAL that it names: left takes
 * in what right holds, and its next entry is the first of the merged group's own log. Right may be
 * freed afterwards.
 *   Errors   TC_EINVAL  they do not end so; TC_EFULL, TC_EIO, TC_ECORRUPT (scratch files) */
TC_MUST_USE tc_err reference_merge(struct reference *left, struct reference *right, uint64_t gid);
/* One sentence about the last TC_ECORRUPT or TC_EUNSUPPORTED; "" before. */
const char *reference_problem(const struct reference *r);

/* The last entry applied (or the snapshot's place). */
struct paxos_mark reference_mark(const struct reference *r);
void reference_sums(const struct reference *r, struct btree_sums *ret_sums);
uint64_t reference_item_count(const struct reference *r);
/* Visit the items of one bucket in key order. */
TC_MUST_USE tc_err reference_bucket(struct reference *r, uint32_t bucket,
                                    void (*visit)(void *user, struct tc_slice key,
                                                  const struct btree_item_hash *hash),
                                    void *user);
/* TC_ENOTFOUND if absent; the value is borrowed until the next call. */
TC_MUST_USE tc_err reference_get(struct reference *r, struct tc_slice key,
                                 struct tc_slice *ret_value);

#endif
