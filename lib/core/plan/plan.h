/* plan: what autoadmin should do next, as a pure function of what it has seen.
 *
 * plan_step reads one snapshot (system tables plus the storage nodes' reports) and lists actions; a
 * shell executes them and takes a new snapshot. Every action is idempotent and, where it writes a
 * system table, conditional on the version in the snapshot: an old or repeated plan does no harm.
 *
 * Safety rules, each with a test:
 *   - bootstrap only when every configured node answered and every store is virgin
 *   - replicas of one group never share a zone; without enough zones nothing is placed
 *   - a placement is a durable record before the first replica of it is created
 *   - replicas are deleted only for a table recorded as DELETING or as dropped, never because a
 * record is missing
 *   - a replica is created only from a record that no living replica of the group has outgrown
 *   - membership of groups that live: core/plan/heal.h
 *   - indexes and schemas of tables that live: core/plan/index.h
 *
 * Pure: no clock, no I/O; memory is the caller's. Slices borrow from the snapshot.
 */
#ifndef TC_CORE_PLAN_H
#define TC_CORE_PLAN_H

#include "base/err.h"
#include "base/slice.h"

enum {
    PLAN_REPLICAS_PER_GROUP = 3,
    PLAN_ACTIONS_MAX = 512,
    PLAN_PLACES_MAX = 8,  /* tables placed in one round: each is a write per partition */
    PLAN_MEMBERS_MAX = 8, /* three; during a joint change one more */
    PLAN_NODES_MAX = 64,
    PLAN_PARTITIONS_PER_TABLE_MAX = 64,
    PLAN_SYSTEM_GID = 1,
    PLAN_SYSTEM_TABLE_ID = 1,
    PLAN_FIRST_ID = 100,           /* ids below are reserved for the system */
    PLAN_WCU_PER_PARTITION = 1000, /* FEATURES.md 2.2, per-partition limits */
    PLAN_RCU_PER_PARTITION = 3000,
    PLAN_SPLITS_AT_ONCE = 4,       /* of one table, while it grows */
    PLAN_ON_DEMAND_PARTITIONS = 4, /* 4,000 WCU and 12,000 RCU at once (FEATURES.md row 24) */
};

#define PLAN_NODE_NONE    UINT32_MAX
#define PLAN_SILENT_NEVER UINT64_MAX

/* A configured storage node. A silent one keeps the name that the directory's record has for its
 * address; never heard of: the name is empty. */
struct plan_node {
    struct tc_slice name;
    struct tc_slice zone;
    struct tc_slice store; /* uuid of the disk it has now; silent: of the one it had */
    bool alive;            /* answered in this round */
    bool draining;         /* marked by the operator: takes nothing, gives everything away */
    bool leads_not;        /* its disk is slow or nearly full: it gives leaderships away */
    bool full;             /* takes no replica: too little free space, or its disk is slow */
    uint32_t replica_count;
    uint64_t uptime_ms; /* of its process; 0: it does not say */
};

struct plan_replica {
    uint32_t node_index;
    uint64_t gid;
    uint64_t table_id;
    uint64_t epoch;
    bool leader;
};

enum plan_status {
    PLAN_CREATING,
    PLAN_ACTIVE,
    PLAN_UPDATING,
    PLAN_DELETING
};

/* A secondary index. A local one stands in the table's own groups: it has no ids. */
struct plan_index {
    uint32_t id;
    bool global;
    uint64_t table_id; /* of its partitions; 0: not placed yet */
    enum plan_status status;
    bool backfilling; /* CREATING: the table's groups are to know it */
    uint64_t rcu;     /* provisioned or asked for as warm throughput, whichever is more */
    uint64_t wcu;
    const uint64_t *gids;
    uint32_t gid_count;
};

struct plan_table {
    struct tc_slice name;
    uint64_t table_id; /* 0: not placed yet */
    enum plan_status status;
    bool on_demand;
    uint64_t rcu;
    uint64_t wcu;
    uint32_t partitions_wanted; /* 0: as many as its throughput needs when it is created */
    const uint64_t *gids;
    uint32_t gid_count;
    const struct plan_index *indexes;
    uint32_t index_count;
    /* What each of its groups is to keep besides items (core/index), as the record says it now;
     * empty: nothing. Its version is the record's. */
    struct tc_slice schema;
    uint64_t schema_version;
};

/* A placement record. */
struct plan_partition {
    uint64_t gid;
    uint64_t table_id;
    uint64_t epoch;
    struct tc_slice nodes[PLAN_REPLICAS_PER_GROUP]; /* rids[i] stands on nodes[i] */
    uint32_t rids[PLAN_REPLICAS_PER_GROUP];         /* 0: fewer members */
    /* Hashes of partition keys: a split before any of (first, last] parts it. */
    uint64_t first_hash;
    uint64_t last_hash;
};

struct plan_member {
    uint32_t rid;
    struct tc_slice node;
    uint32_t node_index; /* PLAN_NODE_NONE: not configured (any more) */
    struct tc_slice zone;
    bool log;           /* a log replica */
    bool lost;          /* its node answers with another disk */
    uint64_t silent_ms; /* for the leader; PLAN_SILENT_NEVER: it has never answered this leader */
};

/* A group as its leader reports it. */
struct plan_group {
    uint64_t gid;
    uint64_t table_id;
    uint64_t epoch;
    uint32_t leader_rid;
    uint32_t leader_node;
    struct plan_member members[PLAN_MEMBERS_MAX];
    uint32_t member_count;
    bool retired;           /* it was split or merged: sealed, and kept for a while only */
    bool changing;          /* a membership change or a copy goes on */
    uint32_t change_node;   /* that takes it in; PLAN_NODE_NONE: not known */
    struct tc_slice schema; /* in force */
    uint64_t schema_version;
    const uint32_t *backfilled; /* ids of indexes whose backfill is done here */
    uint32_t backfilled_count;
};

/* Somebody asked for a replica to be moved; a record, so that it outlives any autoadmin. */
struct plan_order {
    uint64_t gid;
    uint32_t from; /* nodes; PLAN_NODE_NONE: there is no such node */
    uint32_t to;
};

/* How much may go on at once. */
struct plan_pace {
    uint32_t changes_max;          /* groups of the cluster whose membership changes */
    uint32_t changes_per_node_max; /* of these, taken in by one node */
};

struct plan_snapshot {
    const struct plan_node *nodes; /* every configured node, answering or not */
    uint32_t node_count;
    const struct plan_replica *replicas; /* what the answering nodes hold, ascending by gid */
    uint32_t replica_count;
    /* Group 1 as a node that holds it reports it; a member whose store is not the recorded one any
     * more has an empty name. gid 0: nobody reports it. */
    struct plan_partition system;
    bool tables_read; /* the system group answered: the three lists below are true */
    const struct plan_table *tables;
    uint32_t table_count;
    const struct plan_partition *partitions; /* ascending by gid */
    uint32_t partition_count;
    uint64_t next_id;                /* ids from here on are free */
    const struct plan_group *groups; /* with a leader that answers; one entry each */
    uint32_t group_count;
    const struct plan_order *orders;
    uint32_t order_count;
    /* Tables that were dropped while a node was silent: it may come back with a replica. */
    const uint64_t *dropped_ids;
    uint32_t dropped_count;
    /* Groups with an order to split or merge them that is under way. */
    const uint64_t *reshaped;
    uint32_t reshaped_count;
    /* Groups that refused one of late. */
    const uint64_t *refused;
    uint32_t refused_count;
    struct plan_pace pace;
};

enum plan_action_type {
    PLAN_BOOTSTRAP,      /* create group 1 on nodes[] */
    PLAN_PLACE,          /* record ids, ranges and nodes of a table's partitions */
    PLAN_CREATE_REPLICA, /* rid of gid on node_index, as recorded */
    PLAN_SET_ACTIVE,     /* CREATING or UPDATING table is served by leaders everywhere */
    PLAN_DELETE_REPLICA, /* gid on node_index */
    PLAN_DROP_TABLE, /* no replica is left: remove the records; keep the id if a node is silent */
    PLAN_FORGET_DROPPED, /* every node has shown that it holds nothing of dropped_ids[dropped_index]
                          */
    PLAN_CHANGE_REPLICA, /* ask the leader on leader_node: node_index in the place of rid */
    PLAN_HEAL_REPLICA,   /* ask it: make the log replica rid a storage replica */
    PLAN_TRANSFER,       /* ask it: hand leadership to rid */
    PLAN_RECORD_MEMBERS, /* write the placement record as the leader reports it */
    PLAN_DROP_ORDER,     /* order_index is carried out, or can never be */
    PLAN_PLACE_INDEX,    /* record ids, ranges and nodes of a global index's partitions */
    PLAN_BACKFILL,       /* its groups are led: the table's groups are to know it from now on */
    PLAN_INDEX_ACTIVE,   /* every group of the table has carried its items over */
    PLAN_DROP_INDEX,     /* no group knows it, no replica is left: it leaves the records */
    PLAN_SET_SCHEMA,     /* ask the leader on leader_node: gid is to keep the table's schema */
    PLAN_RAISE_SCHEMA,   /* the schema changed with the record: give it a version of its own */
    PLAN_SPLIT,          /* order a split of gid before hash, for its table is to have more */
};

struct plan_action {
    enum plan_action_type type;
    uint32_t table_index;
    uint32_t index_index; /* of the table's indexes */
    uint32_t node_index;
    uint64_t gid;
    uint64_t hash; /* SPLIT */
    uint32_t rid;
    uint64_t table_id;        /* PLACE: the new table's id */
    uint32_t partition_count; /* PLACE: gids are table_id + 1 .. table_id + partition_count; the ids
                               * of global indexes and their gids follow in the same way */
    /* BOOTSTRAP, PLACE: node per rid; PLACE rotates them by partition so that leaders spread. */
    uint32_t nodes[PLAN_REPLICAS_PER_GROUP];
    uint32_t leader_node; /* CHANGE_REPLICA, HEAL_REPLICA, TRANSFER, SET_SCHEMA */
    uint32_t order_index;
    uint32_t dropped_index;
    bool node_silent; /* DROP_TABLE, DROP_INDEX: a configured node does not answer now */
};

struct plan_out {
    struct plan_action actions[PLAN_ACTIONS_MAX];
    uint32_t count;
    const char *halted; /* why nothing is done, for the operator; NULL: all is well */
    /* Healing (core/plan/heal.h). */
    const char *heal_halted; /* why no membership is changed at all; NULL: it may be */
    const char *blocked; /* why group blocked_gid stays as it is; NULL: none waits for a person */
    uint64_t blocked_gid;
    uint32_t changing_count;  /* groups that change now */
    uint32_t waiting_count;   /* groups that need a change and wait for their turn */
    uint32_t unhealthy_count; /* groups without three storage replicas that answer */
};

void plan_step(const struct plan_snapshot *s, struct plan_out *out);

/* Partitions that can take so many units per second, 1 to PLAN_PARTITIONS_PER_TABLE_MAX. */
uint32_t plan_partitions_for(uint64_t rcu, uint64_t wcu);
/* Partitions a table starts with, from its throughput. */
uint32_t plan_partition_count(const struct plan_table *t);
/* The same of a global index: the table's billing, its own throughput. */
uint32_t plan_index_partition_count(const struct plan_table *t, const struct plan_index *index);
/* First storage key of partition i of n: hash space divided evenly, 8 bytes big endian. */
uint64_t plan_partition_start(uint32_t i, uint32_t n);

#endif
