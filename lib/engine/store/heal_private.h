/* What the parts of store__heal share: heal.c, heal_change.c, heal_opinion.c, heal_config.c. */
#ifndef TC_ENGINE_STORE_HEAL_PRIVATE_H
#define TC_ENGINE_STORE_HEAL_PRIVATE_H

#include "engine/store/heal.h"

/* Of this replica; made when it is first asked for. */
struct store_heal *store__heal_of(struct replica *r);
uint64_t store__heal_after_ms(const struct replica *r, uint64_t ms);

/* ---- heal_change.c */
/* The change is over, for this leader. */
void store__heal_forget(struct store_heal *h);
/* The learner, if there is one, is not wanted any more; avoid: nor is its store, for a while. */
void store__heal_give_up(struct replica *r, bool avoid);

/* ---- heal_opinion.c */
void store__heal_confirm(struct replica *r, uint32_t rid, uint32_t via);

/* ---- heal_config.c */
void store__heal_join(struct replica *r);
void store__heal_promote(struct replica *r, uint32_t rid);
/* If the newcomer of the change is a member of a settled configuration, the change is over. */
void store__heal_note_joined(struct replica *r);
void store__heal_ship(struct replica *r, uint32_t rid, uint64_t now_ns);

#endif
