/* store__directory: which nodes there are, so that a leader finds a lost member's successor at once
 * with or without a control plane. The newest one ever sent is kept in the store's directory.
 *
 * The file `directory` is a file of file.h with u8 version = 1 and a packed Directory. A damaged
 * one is reported and forgotten: the next one sent replaces it. See docs/formats/directory.md.
 */
#ifndef TC_ENGINE_STORE_DIRECTORY_H
#define TC_ENGINE_STORE_DIRECTORY_H

#include "core/heal/heal.h"
#include "engine/store/store_private.h"

struct store_directory {
    Tercet__Pb__Directory *pb; /* NULL: none yet */
    struct heal_store *stores; /* of pb->nodes, in their order; zones borrow from it */
    uint64_t *avoid_until_ns;  /* of each */
};

/* Read what is kept, if anything.
 *   Errors   TC_EIO */
TC_MUST_USE tc_err store__directory_load(struct store *s);
void store__directory_free(struct store *s);
/* Bytes from disk or wire as a sound Directory; free with free_unpacked.
 *   Errors   TC_ECORRUPT */
TC_MUST_USE tc_err store__directory_decode(struct tc_slice bytes, Tercet__Pb__Directory **ret);
/* The stores as they are to be seen now. */
const struct heal_store *store__directory_look(struct store *s, uint64_t now_ns, size_t *ret_count);
/* The node with this store; NULL: none. */
const Tercet__Pb__DirectoryNode *store__directory_find(const struct store *s,
                                                       struct tc_slice store_uuid);
/* Choose it no more for a while. */
void store__directory_avoid(struct store *s, struct tc_slice store_uuid, uint64_t until_ns);
/* One more replica was put there. */
void store__directory_placed(struct store *s, struct tc_slice store_uuid);
/* Whole copies that one store takes at a time. */
uint32_t store__directory_copies_max(const struct store *s);

#endif
