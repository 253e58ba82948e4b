/* store__fresh: how old the applied state of a replica may be, for eventual reads.
 *
 * An ACCEPT names a commit index; once that is applied, reads are as fresh as the ACCEPT was. A new
 * leader may know of fewer commits than the one before it told, until its own LEAD is committed: so
 * an entry of its ballot must be applied too. Of a quiet group the nodes' beats say it
 * (core/paxos).
 */
#ifndef TC_ENGINE_STORE_FRESH_H
#define TC_ENGINE_STORE_FRESH_H

#include "engine/store/store_private.h"

/* The leader's ACCEPT named this commit index just now. */
void store__fresh_heard(struct replica *r, uint64_t commit);
/* Something was applied, or a leader's ballot is known. */
void store__fresh_note(struct replica *r);
/* The applied state is at most about a second behind the group's. */
bool store__fresh(const struct replica *r);

#endif
