/* store__archive_pack: offers to the archiver, packed (SegmentOffer) behind out. False: there is
 * nothing to offer, and out is as before. */
#ifndef TC_ENGINE_STORE_ARCHIVE_OFFER_H
#define TC_ENGINE_STORE_ARCHIVE_OFFER_H

#include "engine/store/store_private.h"

/* A leader's committed entries above the archive's end, as many as an offer holds. */
bool store__archive_pack_entries(struct replica *r, struct tc_buf *out);
/* Chain hashes of the range that the archiver wants compared; it is not wanted any more then. */
bool store__archive_pack_verify(struct replica *r, struct tc_buf *out);
/* The wish for entries that only the archive has. */
bool store__archive_pack_read(struct replica *r, uint64_t now_ns, struct tc_buf *out);
/* The question where the archive ends. */
bool store__archive_pack_question(struct replica *r, struct tc_buf *out);
/* The chain hash at index, if this log still knows it. */
bool store__archive_chain_at(const struct replica *r, uint64_t index, uint64_t *ret_chain);

#endif
