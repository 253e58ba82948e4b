/* store__answer: replies to item requests, packed. */
#ifndef TC_ENGINE_STORE_ANSWER_H
#define TC_ENGINE_STORE_ANSWER_H

#include "engine/store/store_private.h"

/* The reply that a write's entry gives: the same whether it was just applied or is repeated. */
void store__answer_write(struct store *s, uint64_t token, uint64_t index, struct tc_slice body,
                         uint32_t want);
/* Refusals that send the router elsewhere carry the newest partition. r may be NULL. */
void store__answer_moved(struct store *s, uint64_t token, tc_err err, struct replica *r,
                         bool is_range);
void store__answer_error(struct store *s, uint64_t token, tc_err err, struct tc_slice message);

/* Answer when the entry at index, with this body, is applied. */
void store__answer_later_write(struct replica *r, uint64_t token,
                               const Tercet__Pb__ItemRequest *req, uint64_t index,
                               struct tc_blob *body);
/* Give this refusal when index is applied. */
void store__answer_later_read(struct replica *r, uint64_t token, uint64_t index, tc_err err,
                              const Tercet__Pb__ItemReply *reply);
/* Answer with the index (ScrubMarkReply) when it is applied. */
void store__answer_later_index(struct replica *r, uint64_t token, uint64_t index);
/* The same for rows of a global index (IndexReply). */
void store__answer_later_rows(struct replica *r, uint64_t token, uint64_t index);
/* As store__answer_moved, with an IndexReply. */
void store__answer_moved_rows(struct store *s, uint64_t token, tc_err err, struct replica *r);

/* Complete every wait that the applied index has reached. */
void store__answer_applied(struct replica *r);
/* What would have stood at first or above was never proposed. */
void store__answer_refused_from(struct replica *r, uint64_t first);
/* The term ended: writes may have happened, reads did not. */
void store__answer_term_ended(struct replica *r);

#endif
