/* pass: scrub one group once: ask its replicas, rebuild it from the archive, compare, attribute.
 *
 * Straight-line code that waits for answers, on a thread of its own; everything outside (calls to
 * storage nodes, waiting, the archive) comes in through struct pass_env, so that tests run it over
 * replicas in memory. Results are protobuf messages (proto/scrubber.proto), which are what the
 * daemon keeps, shows and sends.
 *
 * A pass answers, for one group, at one log index:
 *   vectors    do the content sums of all storage replicas agree?
 *   reference  does a replica rebuilt from the archive alone agree with them?
 *   pages      is every live page of every replica sound?
 *   archive    are the manifest, the snapshots and the segments whole, without a hole?
 * and for one global index of a table:
 *   index      does it hold the rows that follow from the table's items, and no other?
 * Each check says clean, damaged (findings name the copy), or not run and why.
 *
 * Memory: results are heap, freed with tercet__pb__scrub_group__free_unpacked(g, NULL).
 * Limits: PASS_NODES_MAX nodes, PASS_FINDINGS_MAX findings a group (further ones are counted in the
 * last one's text), JUDGE_COPIES_MAX - 1 replicas.
 */
#ifndef TC_SERVICES_SCRUBBER_PASS_H
#define TC_SERVICES_SCRUBBER_PASS_H

#include "base/buf.h"
#include "base/err.h"
#include "proto/scrubber.pb-c.h"
#include "proto/storage.pb-c.h"

enum {
    PASS_NODES_MAX = 64,
    PASS_FINDINGS_MAX = 200,
    PASS_INDEXES_MAX = 4096, /* of one pass */
};

struct objstore;
struct tc_fs;

struct pass_env {
    /* A unary call to a storage node; the reply is appended. Blocks. */
    tc_err (*ask)(void *user, const char *addr, const char *method, struct tc_slice request,
                  uint32_t deadline_ms, struct tc_buf *ret_reply);
    /* Wait; false: the daemon is stopping, give up soon. */
    bool (*pause)(void *user, uint32_t ms);
    uint64_t (*wall_ms)(void *user);
    /* What the pass waits for from now on, at most so long; "": it goes on. NULL: nobody listens.
     */
    void (*waits)(void *user, const char *what, uint32_t max_ms);
    void *user;
    struct tc_fs *fs;           /* for the reference's scratch file */
    const char *dir;            /* where it lies; must exist */
    struct objstore *store;     /* the archive; NULL: none configured */
    uint32_t apply_wait_ms;     /* for replicas to apply the mark */
    uint32_t archive_wait_ms;   /* for the archive to reach the mark */
    uint32_t pages_deadline_ms; /* of one replica's page scrub */
    uint32_t pace_ms;           /* rest between two archive objects */
};

/* What the storage nodes said about themselves at the start of a pass. */
struct pass_nodes {
    size_t count;
    struct {
        const char *addr;                /* borrowed */
        Tercet__Pb__NodeInfoReply *info; /* NULL: no answer; replicas ascending by gid */
    } node[PASS_NODES_MAX];
};

/* Ask every address, which must outlive nodes; count is cut at PASS_NODES_MAX. */
void pass_nodes_ask(const struct pass_env *env, const char *const *addrs, size_t count,
                    struct pass_nodes *ret_nodes);
void pass_nodes_deinit(struct pass_nodes *n);
/* The next group after gid that any node holds, in rising order; 0: none. */
uint64_t pass_nodes_next_gid(const struct pass_nodes *n, uint64_t gid);
/* The last index of the group's log if every member holds and has applied exactly that and says it
 * is well: nothing was written since that index was marked. 0: not so, or not known. */
uint64_t pass_nodes_idle_index(const struct pass_nodes *n, uint64_t gid);
/* How many did not answer; appends "no answer from storage A, B", if ret_text is not NULL. */
size_t pass_nodes_silent(const struct pass_nodes *n, struct tc_buf *ret_text);

enum pass_depth {
    PASS_QUICK, /* vectors only: a message or two per replica */
    PASS_DEEP,  /* everything: reads all live pages and the group's archive */
};

Tercet__Pb__ScrubGroup *pass_group(const struct pass_env *env, const struct pass_nodes *nodes,
                                   uint64_t gid, enum pass_depth depth);
/* The same in the middle of a long pass: if nobody takes the mark, all nodes are asked anew what
 * they hold, and the group is looked at once more. NULL: it has ended since; what it was split or
 * merged into has results of its own. */
Tercet__Pb__ScrubGroup *pass_group_now(const struct pass_env *env, struct pass_nodes *nodes,
                                       uint64_t gid, enum pass_depth depth);

/* A global index, as the schemas of its table's groups name it. */
struct pass_index {
    uint64_t table_id;
    uint64_t index_table_id; /* of its own groups */
    uint32_t id;
    char name[256];
};
/* All that leaders told of, at most max. */
size_t pass_indexes(const struct pass_nodes *n, struct pass_index *ret, size_t max);
/* As pass_nodes_idle_index, of all groups of both: a number that changes when anything is written;
 * 0: something may be. */
uint64_t pass_index_idle(const struct pass_nodes *n, const struct pass_index *which);
/* Compare; the result stands under the index's table id, which is no group's number. */
Tercet__Pb__ScrubGroup *pass_index(const struct pass_env *env, const struct pass_nodes *nodes,
                                   const struct pass_index *which);

/* The worst state of a group's checks: damaged before not run before clean. */
Tercet__Pb__ScrubState pass_group_state(const Tercet__Pb__ScrubGroup *g);

#endif
