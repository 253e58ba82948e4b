/* reference, inside: what one is, and what its files offer each other. */
#ifndef TC_ENGINE_REFERENCE_PRIVATE_H
#define TC_ENGINE_REFERENCE_PRIVATE_H

#include "engine/reference/reference.h"
#include "env/fs.h"

enum {
    PROBLEM_BYTES = 160,
};

struct reference {
    struct tc_fs *fs;
    struct btree *tree;
    uint64_t gid;
    char path[TC_FS_PATH_MAX];
    struct paxos_mark at;
    struct tc_buf last_key; /* of the snapshot so far */
    uint64_t seal_index;    /* of the entry that sealed this log; 0: none */
    uint16_t seal_type;
    uint64_t seal_gids[2]; /* SPLIT: both children; SEAL, MERGE: the merged group, 0 */
    struct tc_buf split_key;
    uint64_t right_gid; /* MERGE: the other one, and where it was sealed */
    struct paxos_mark right_at;
    char problem[PROBLEM_BYTES];
};

/* btree_put; pages go to the scratch file when there are too many. */
TC_MUST_USE tc_err reference__put(struct reference *r, struct tc_slice key, struct tc_slice value);
/* All rows of right; those that say how far backfills are only if wanted, for they say nothing yet
 * of both groups together. */
TC_MUST_USE tc_err reference__take_in(struct reference *left, struct reference *right,
                                      bool backfills);

#endif
