/* store, inside: what one replica holds. Files that change a part of it have headers of their own,
 * which say what that part means. */
#ifndef TC_ENGINE_STORE_REPLICA_STATE_H
#define TC_ENGINE_STORE_REPLICA_STATE_H

#include "base/list.h"
#include "core/bucket/bucket.h"
#include "core/paxos/paxos.h"
#include "engine/btree/btree.h"
#include "engine/store/dedup.h"
#include "engine/store/overlay.h"
#include "engine/store/wait.h"

#include "proto/storage.pb-c.h"

struct store;
struct index_schema;

enum {
    STORE_SCRUB_MARKS_MAX = 4, /* marked indices whose content vector is kept */
    STORE_AUX_LOCALS_MAX = 5,  /* local indexes of a table, which never change */
};

enum replica_state {
    REPLICA_OK,
    REPLICA_DAMAGED,    /* the B-tree is not to be trusted; waits for a snapshot */
    REPLICA_INSTALLING, /* a snapshot is coming in */
    REPLICA_LOG,        /* a log replica: it holds no B-tree, and never leads or serves */
    REPLICA_BUILDING,   /* a child of a split or merge: its B-tree is being made */
    REPLICA_LOST,       /* what it promised is lost: it must be replaced, and says nothing (B11) */
};

/* A unit of the log that paxos waits for, and the lsn at which it is durable. */
struct store_unit {
    uint64_t seq;
    uint64_t lsn;
};

/* Proposals taken in since the last flush; their indices are already given. */
struct store_proposals {
    struct paxos_proposal items[PAXOS_PROPOSALS_MAX];
    size_t count;
    uint64_t bytes;
};

/* Addresses and stores of members by rid; see members.h. */
struct store_members {
    Tercet__Pb__Member **items; /* owned */
    size_t count;
};

/* The content vector of a replica at a marked index (REPLICATION.md C4). */
struct scrub_mark {
    uint64_t index;
    uint64_t chain;
    uint64_t item_count;
    struct btree_sums sums;
};

/* Rows of the B-tree that are no items of clients; see aux.h. */
struct store_aux {
    uint64_t count;
    uint64_t bytes; /* keys and values */
    uint64_t outbox_count;
    struct store_aux_local { /* rows of one local index, in the order in which they were met */
        uint8_t id;
        uint64_t count;
        uint64_t bytes;
    } locals[STORE_AUX_LOCALS_MAX];
    size_t local_count;
    bool uncounted; /* locals are not known: an older version's stamp */
};

struct replica {
    struct store *store;
    uint64_t gid;
    uint32_t rid;
    Tercet__Pb__CreateReplicaRequest *desc; /* owned; partition kept at the newest known */
    struct paxos *paxos;                    /* NULL: REPLICA_LOST */
    struct paxos_status status;             /* after the last step */
    uint64_t deadline_ns;
    size_t heap_at;             /* place in the heap of deadlines; 0: none */
    struct tc_list active_link; /* in store.due.active */
    uint64_t active_until_ns;
    struct store_unit *units; /* not yet durable, oldest first */
    size_t unit_count;
    size_t unit_cap;
    uint64_t durable_seq;
    struct tc_list flush_link;         /* in store.flush_waiting while proposals wait */
    struct store_proposals *proposals; /* NULL until the first */
    struct btree *tree;                /* never NULL while state is REPLICA_OK */
    enum replica_state state;
    char damage[128]; /* why, in words */

    struct paxos_mark applied; /* what the B-tree holds */
    uint64_t reported;         /* what paxos was told of it */
    uint64_t committed;        /* committed and durable here */
    uint64_t noted;            /* request ids of the log are known up to here */
    uint64_t fresh_ns;         /* at that time all is applied that a leader had committed */
    uint64_t lag_index;        /* committed by a leader at lag_ns, not applied yet; 0: none */
    uint64_t lag_ns;
    uint64_t hlc_ns;          /* highest seen in an entry */
    uint64_t applied_hlc_ns;  /* of the newest WRITE applied in this process; 0: none */
    uint64_t term_ballot;     /* own ballot while leading, else 0 */
    uint64_t term_ended_ns;   /* the last one it led; 0: none */
    uint64_t campaign_ballot; /* newest own ballot of a campaign */
    bool stalled;             /* apply waits for a checkpoint to free memory */
    bool blocked;             /* pipeline state is not known: no evaluation until it is applied */
    bool restarting;          /* an installed snapshot began the log anew; its base is logged */
    uint64_t unread_index;    /* an entry that could not be read, for the next tick; 0: none */
    bool hand_over;           /* an entry could not be read: somebody else had better lead */
    uint64_t hand_over_ns;    /* not again before */
    uint64_t disk_stay_ns;    /* not given away because of the disk before */
    bool announced;           /* this term's leadership was pushed to memds */

    uint64_t made_ns; /* here, in this process */
    uint64_t digest;  /* its part of store.digest_sum */

    struct index_schema *schema; /* in force here; NULL: none. Borrows from desc */
    bool schema_unknown;         /* there is one that cannot be read here */
    struct store_aux aux;        /* at applied.index */
    struct expire_state {
        uint64_t next_s; /* no expiry row that counts is due before; 0: not known */
        uint64_t retry_ns;
        uint64_t mark_ns; /* of an index: this leader's hybrid time was in second mark_s then */
        uint64_t mark_s;
    } expire;
    struct store_outbox *outbox; /* a leader's: what is owed to global indexes; NULL: nothing */

    struct store_members members; /* everybody known to be, or to have been, of this group */
    struct store_heal *heal;      /* a leader's change of members; NULL until the first look */
    bool is_short;                /* a leader: members are missing; counted in due.shorts */
    bool restive;                 /* a leader: a member has fallen silent, not for long yet */
    uint64_t fed_ns;              /* a leader was heard then, or this one led */
    uint64_t lookup_ns;           /* alone for long: it asks about its group next */
    uint64_t lookups;             /* how often: another node each time */
    bool excluded;                /* a newer committed configuration is without it */
    uint32_t live_logs;           /* a leader: voters that answer, itself included */

    struct store_overlay overlay;
    struct store_dedup dedup;
    struct store_waits waits;

    struct checkpoint_state {
        bool running;
        bool wanted;
        uint64_t retry_ns;  /* the disk was full: not before */
        uint64_t last_ns;   /* when the last one began */
        uint64_t log_bytes; /* applied since */
        uint64_t durable;   /* index of the newest durable one */
        uint64_t reported;  /* what paxos was told of it */
    } checkpoint;
    struct trim_state {
        uint64_t index; /* to be dropped from the log once lsn is durable; 0: none */
        uint64_t lsn;
    } trim;
    struct archive_state {
        struct tc_list link; /* in store.offers: to be asked for an offer */
        uint64_t archived;   /* answered by the archiver or told by the leader */
        bool offered;        /* one offer is out */
        bool asked;          /* the archiver's end is known in this term */
        uint64_t next_ns;    /* no look before */
        uint64_t ask_ns;     /* no question before */
        uint64_t since_ns;   /* when the oldest entry that is not archived was first seen */
        uint64_t wanted; /* archive up to here without waiting: a scrub compares at this index */
        uint64_t verify_first;
        uint64_t verify_last;
        uint64_t restore_index; /* archived entries up to here are wanted; 0: none */
        uint64_t restore_from;  /* ... and from here on next */
        uint64_t restore_ns;    /* not asked for before */
        uint32_t refused_count; /* pages that the core refused, one after the other */
        bool reading;           /* the offer that is out asks for them */
        char problem[192];
    } archive;
    struct scrub_mark *marks; /* ring of STORE_SCRUB_MARKS_MAX; NULL until the first */
    size_t mark_next;
    struct snapshot_send *sends; /* one per receiving replica, linked */
    struct snapshot_take *take;  /* a snapshot coming in */
    uint64_t ask_ns;             /* when a damaged replica asks for one next */
    struct bucket reads; /* the partition's capacity; in force only where the flag says so */
    struct bucket writes;
    bool limits_reads;
    bool limits_writes;
    size_t jobs_out;         /* jobs that hold pointers into this replica */
    struct store_seal *seal; /* from the entry that seals its log on; see split.h */
    uint64_t seal_index;     /* a SPLIT or MERGE that this process proposed, and its ballot */
    uint64_t seal_ballot;
    bool building;  /* a child: its B-tree is at the worker */
    bool may_begin; /* a child whose first ballot is still this process's to use, once */
};

#endif
