/* tc_arena: memory that is freed all at once, for one request, message or machine.
 *
 * One owner, one thread, one reset point (named by the owner's header). Allocations are 16-byte
 * aligned and live until reset or deinit. The byte bound given at init is the module's declared
 * maximum: reaching it returns NULL, which callers turn into TC_ENOMEM or TC_ELIMIT.
 * A zeroed struct is a valid arena with no bound.
 */
#ifndef TC_BASE_ARENA_H
#define TC_BASE_ARENA_H

#include "base/slice.h"

struct tc_arena_chunk;

struct tc_arena {
    struct tc_arena_chunk *head; /* newest first */
    size_t used_bytes;           /* handed out since the last reset */
    size_t max_bytes;            /* 0: unbounded */
    size_t first_bytes;          /* of the first chunk; 0: 4 KiB. For owners that are many */
};

void tc_arena_init(struct tc_arena *a, size_t max_bytes);
void tc_arena_deinit(struct tc_arena *a);
/* Forget every allocation; keeps one chunk for reuse. */
void tc_arena_reset(struct tc_arena *a);
void *tc_arena_alloc(struct tc_arena *a, size_t len);
/* Zeroed array; NULL on overflow of count * size too. */
void *tc_arena_calloc(struct tc_arena *a, size_t count, size_t size);
/* A copy of s that lives in the arena; data is NULL on failure unless s is empty. */
struct tc_slice tc_arena_dup(struct tc_arena *a, struct tc_slice s);

#endif
