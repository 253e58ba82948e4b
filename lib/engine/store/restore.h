/* store__restore: archived entries for a replica whose log no other log joins any more.
 *
 * When the only storage replica that is left lags below what the log replicas have trimmed, the
 * core asks for the entries between (out->restore_index, docs/protocols/paxos.md). They are read
 * from the archive in pages, by offers that ask (SegmentOffer.read_first), one at a time, and given
 * to the core, which counts them as committed only when they end in the very entry at which the
 * other log begins.
 *
 * Nothing that arrives is trusted: number, order, lengths and checksums are checked here, chain
 * hashes and ballots by the core. What does not fit is dropped, named in the replica's archive
 * problem, and asked for again no sooner than RESTORE_PAUSE_MS later, after RESTORE_REFUSED_MAX
 * refusals of the core from the commit index on, for the log may be another one since; so a group
 * that the archive cannot help waits, and says why.
 */
#ifndef TC_ENGINE_STORE_RESTORE_H
#define TC_ENGINE_STORE_RESTORE_H

#include "engine/store/store_private.h"

enum {
    RESTORE_ENTRIES_MAX = 1024, /* of one page */
    RESTORE_PAUSE_MS = 1000,
    RESTORE_REFUSED_MAX = 3,
};

/* The core wants the entries up to index. */
void store__restore_wanted(struct replica *r, uint64_t index);
/* They are wanted still: true if the next page was asked for in out. */
bool store__restore_offer(struct replica *r, uint64_t now_ns, Tercet__Pb__SegmentOffer *offer);
/* The answer to that; NULL: none came. */
void store__restore_answered(struct replica *r, const Tercet__Pb__SegmentReply *reply);
/* Entries of a page that begins at first and ends at last at the latest: dense, and each as its
 * header says.
 *   Errors   TC_ECORRUPT  what is wrong is in no entry before */
TC_MUST_USE tc_err store__restore_check(const Tercet__Pb__SegmentReply *reply, uint64_t first,
                                        uint64_t last);

#endif
