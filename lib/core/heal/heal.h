/* heal: what the leader of a group does next to make its group whole (REPLICATION.md B10).
 *
 * A voter that is silent for good is replaced by a log replica: learned first (fed, not counted),
 * then taken in by a joint configuration, later made a storage replica by a whole copy. The same
 * steps move a replica that somebody wants elsewhere. One change of a group at a time.
 *
 * Pure plain functions: time comes in as durations, memory is the caller's, slices borrow.
 *
 * Placement (heal_place): never two replicas of a group in one zone while a usable store in a free
 * zone exists; the zone of the replica that leaves comes first, then the least loaded store. Only
 * stores that are UP, hold no member of the group and are not to be avoided are usable. A voter
 * whose own store says that it never made it, or holds it no more, is replaced by a newcomer with a
 * rid of its own, on that store as well as on any other: the old rid may have promised something.
 *
 * A new rid is above every rid that the leader ever saw in this group, by a random distance: two
 * leaders that do not know of each other's learners must not give one rid to two stores (B1).
 */
#ifndef TC_CORE_HEAL_H
#define TC_CORE_HEAL_H

#include "core/quorum/quorum.h"

#define HEAL_NOWHERE UINT32_MAX /* no store */

enum {
    HEAL_STORES_MAX = 1024,
    HEAL_RID_SPREAD = 256,   /* a new rid is 1 to so much above the highest one */
    HEAL_PROMOTE_LAG = 4096, /* entries that a log replica may lag when it becomes storage */
};

enum heal_store_state {
    HEAL_UP,
    HEAL_DOWN,
    HEAL_DRAINING,
    HEAL_FULL,
};

/* A store of the directory. */
struct heal_store {
    uint8_t uuid[QUORUM_UUID_BYTES];
    struct tc_slice zone;
    enum heal_store_state state;
    uint32_t load; /* replicas on it */
    bool avoid;    /* it failed or refused a short while ago */
};

/* What another member found out about one that is silent to the leader, a short while ago. */
enum heal_opinion {
    HEAL_UNASKED,
    HEAL_ASKED,   /* there is no answer yet */
    HEAL_REACHED, /* it lives there, and hears the one that asked */
    HEAL_LOST,    /* nobody reaches it */
    HEAL_ABSENT,  /* its store answers, and holds no replica of the group */
};

/* What the leader knows of another member, or of its learner. */
struct heal_peer {
    uint32_t rid;
    bool learner;
    bool has_tree;
    bool below_base; /* its log does not reach the leader's base */
    bool copying;    /* a whole copy to it is on its way */
    enum heal_opinion opinion;
    uint32_t copies; /* whole copies on their way into its store, as far as this node knows */
    uint64_t match;
    uint64_t silent_ns;
};

/* The change that goes on; rid 0: none. */
struct heal_change {
    uint32_t rid;        /* of the newcomer */
    uint32_t remove_rid; /* 0: nobody leaves */
    bool created;        /* its store has made it, and it is fed */
    bool wished;         /* asked for, not for a silent voter: a return ends nothing */
};

struct heal_input {
    const struct quorum_config *config;
    bool settled; /* it is committed and not joint, and the leader serves */
    uint32_t self;
    uint64_t commit;
    const struct heal_peer *peers;
    uint32_t peer_count;
    const struct heal_store *stores;
    uint32_t store_count;
    struct heal_change change;
    uint32_t copies_max;  /* into one store at a time */
    uint64_t dead_ns;     /* silence after which a voter is replaced */
    uint64_t patience_ns; /* silence after which a learner is given up */
};

enum heal_action_type {
    HEAL_NOTHING,
    HEAL_CONFIRM, /* ask another member, via, whether it reaches rid */
    HEAL_LEARN,   /* make a learner on store, for the place of rid (0: nobody's) */
    HEAL_JOINT,   /* the learner holds the log: take it in */
    HEAL_UNLEARN, /* forget the learner, and have it deleted */
    HEAL_SHIP,    /* send a whole copy to rid */
    HEAL_PROMOTE, /* rid holds a copy: make it a storage replica */
};

struct heal_action {
    enum heal_action_type type;
    uint32_t rid;
    uint32_t via;
    uint32_t store;
    const char *why; /* never NULL */
};

struct heal_action heal_next(const struct heal_input *in);
/* Voters, the leader among them, that have not been silent for dead_ns: durable logs. */
uint32_t heal_live_logs(const struct heal_input *in);

/* The store for a newcomer in the place of remove_rid (0: nobody's); HEAL_NOWHERE: none. vacant:
 * the store of remove_rid holds no replica of the group. */
uint32_t heal_place(const struct quorum_config *config, uint32_t remove_rid, bool vacant,
                    const struct heal_store *stores, uint32_t store_count);
/* Placing a newcomer there would put two members in one zone although a free zone is usable. */
bool heal_crowds(const struct quorum_config *config, uint32_t remove_rid,
                 const struct heal_store *stores, uint32_t store_count, uint32_t store);

/* A rid above highest; random is any number.
 *   Errors   TC_ELIMIT  the group has used its rids up */
TC_MUST_USE tc_err heal_rid(const struct quorum_config *config, uint32_t highest, uint64_t random,
                            uint32_t *ret_rid);
/* From now, with remove_rid replaced by the newcomer (added, if remove_rid is 0), as joint
 * configuration.
 *   Errors   TC_EINVAL  remove_rid is not a member, newcomer is one, or now is joint
 *            TC_ELIMIT  too many members */
TC_MUST_USE tc_err heal_joint(const struct quorum_config *now, uint32_t remove_rid,
                              const struct quorum_member *newcomer, struct quorum_config *ret_next);
/* From now, with the log replica rid as storage replica.
 *   Errors   TC_EINVAL  it is not a log replica of this configuration, or now is joint */
TC_MUST_USE tc_err heal_promoted(const struct quorum_config *now, uint32_t rid,
                                 struct quorum_config *ret_next);

#endif
