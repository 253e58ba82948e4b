/* Replacement of a dead storage replica by a log replica, its upgrade in place, and leader changes
 * anywhere in between (REPLICATION.md B10). README.md maps the options to the C functions.
 *
 * Replicas 0, 1, 2 are the group; 3 is the new one: a learner, then a voter that holds the log only,
 * then a storage replica. It also stands for the new rid of a disk that was lost. The steps are log
 * entries: JOINT counts majorities of {0,1,2} and of {0,1,3}, FINAL and UPGRADE those of {0,1,3};
 * from UPGRADE on replica 3 may lead. The configuration in force is the newest in a log, committed
 * or not.
 *
 * Abstractions. Whoever does nothing for a while is dead, cut off or slow: one behaviour. A
 * candidate merges the best log of those who promised so far; an ACCEPT brings any prefix of the
 * leader's log that was ever sent, late too. No leases, no disks, no trimming: a log is a few slots
 * that hold ballot and kind. CALM adds the phase of the liveness check: at most one replica stays
 * down, candidates take turns (the C core asks first and draws timeouts), and somebody must come to
 * lead and commit.
 *
 * Properties: no slot is committed with two entries; whoever leads holds all that was committed; no
 * committed entry is cut; replica 3 leads only after UPGRADE; in the calm somebody serves
 * (ltl no_jam, weak fairness). MUTANT: the numbers of REPLICATION.md D6; 71 and 72 are ours.
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef CALM
#define CALM 0
#endif
#define N      4
#define TOP    (BALLOTS + CALM * N) /* calm ballot of replica i: BALLOTS + 1 + i */
#define BIT(i) (1 << (i))

/* Entries: ballot and kind. Kinds from JOINT on are configurations; 0 is {0,1,2}. */
#define LEAD    1
#define WRITE   2
#define JOINT   3
#define FINAL   4
#define UPGRADE 5
#define ALONE   6 /* mutant 72: {0,1}, the dead one removed before another one is added */
#define ENTRY(b, kind) ((b) * 8 + (kind))
#define BALLOT(e)      ((e) / 8)
#define KIND(e)        ((e) % 8)

#define OLD(s) (((s) & 3) == 3 || ((s) & 5) == 5 || ((s) & 6) == 6)
#define NEW(s) (((s) & 3) == 3 || ((s) & 9) == 9 || ((s) & 10) == 10)
#define JOINT_QUORUM(s) (MUTANT == 35 -> NEW(s) : (MUTANT == 29 -> OLD(s) : OLD(s) && NEW(s)))
#define QUORUM(c, s)                                                                               \
    ((c) == 0 -> OLD(s) : ((c) == JOINT -> JOINT_QUORUM(s) : ((c) == ALONE -> ((s) & 3) == 3 : NEW(s))))
#define VOTER(c, i)   ((c) == 0 -> (i) < 3 : ((c) == JOINT || ((c) == ALONE -> (i) < 2 : (i) != 2)))
#define STORAGE(c, i) (VOTER(c, i) && ((i) != 3 || (c) == UPGRADE))
#define MAY_LEAD(c, i) (STORAGE(c, i) || (MUTANT == 71 && VOTER(c, i)))

/* Durable. */
byte promised[N];
byte size[N];
byte slot[N * SLOTS];
byte conf[N];   /* newest configuration in the log */
/* Volatile, but a restart that forgets it does what a slow replica does. */
byte commit[N];
bit gone2[N];   /* knows as committed that 2 is no member any more */
byte leads[N];

/* Per ballot: who owns it (rid + 1), who promised, the best log, and once it leads, its log. */
byte owner[TOP + 1];
byte promisers[TOP + 1];
byte blen[TOP + 1];
byte bslot[(TOP + 1) * SLOTS];
byte bconf[TOP + 1];
byte lead_at[TOP + 1]; /* length of the log with LEAD at its end; 0: not leading */
byte bcommit[TOP + 1];
byte acked[(TOP + 1) * N];

byte chosen[SLOTS];
byte chosen_by[SLOTS]; /* lowest ballot that committed it */
byte writes = WRITES;
bit wiped;
bit calm;
bit served;
byte down = N;  /* calm: this one does not answer; N: all do */
byte turn;      /* calm: who may campaign */

hidden byte k;
hidden byte c;
hidden byte same;

#define ALIVE(i)  (!calm || (i) != down)
#define WILD(b)   (calm == ((b) > BALLOTS)) /* in the calm only its own ballots go on */
#define LAST(i)   (size[i] > 0 -> slot[(i) * SLOTS + size[i] - 1] : 0)
#define BLAST(b)  (blen[b] > 0 -> bslot[(b) * SLOTS + blen[b] - 1] : 0)
#define BETTER(i, b)                                                                               \
    (MUTANT == 12 -> size[i] > blen[b] :                                                            \
     BALLOT(LAST(i)) > BALLOT(BLAST(b)) ||                                                         \
         (BALLOT(LAST(i)) == BALLOT(BLAST(b)) && size[i] > blen[b]))
#define ACKS(b, n)                                                                                 \
    ((acked[(b) * N] >= (n)) + 2 * (acked[(b) * N + 1] >= (n)) +                                   \
     4 * (acked[(b) * N + 2] >= (n)) + 8 * (acked[(b) * N + 3] >= (n)))

/* Newest configuration in the first n slots of the own log. */
inline config_of(n) {
    c = 0;
    for (k : 1 .. n) {
        if
        :: KIND(slot[i * SLOTS + k - 1]) >= JOINT -> c = KIND(slot[i * SLOTS + k - 1])
        :: else
        fi
    }
}

inline take_log(b) { /* the ballot's log becomes the own one */
    for (k : 1 .. blen[b]) {
        slot[i * SLOTS + k - 1] = bslot[(b) * SLOTS + k - 1]
    }
    for (k : blen[b] + 1 .. SLOTS) {
        slot[i * SLOTS + k - 1] = 0
    }
    size[i] = blen[b];
    conf[i] = bconf[b]
}

inline give_log(b) { /* the own log becomes the ballot's best */
    for (k : 1 .. size[i]) {
        bslot[(b) * SLOTS + k - 1] = slot[i * SLOTS + k - 1]
    }
    for (k : size[i] + 1 .. SLOTS) {
        bslot[(b) * SLOTS + k - 1] = 0
    }
    blen[b] = size[i];
    bconf[b] = conf[i]
}

inline note_gone(upto) {
    config_of(upto);
    gone2[i] = (c == FINAL || c == UPGRADE || c == ALONE)
}

/* paxos__campaign: a storage replica by its own log, at any free ballot above its promise */
#define CAMPAIGN(b)                                                                                \
    d_step {                                                                                       \
        owner[b] == 0 && b > promised[i] && MAY_LEAD(conf[i], i) && ALIVE(i) && WILD(b) &&         \
            (!calm || (turn == i && b == BALLOTS + 1 + i)) && !(i == 2 && gone2[i]) ->             \
        owner[b] = i + 1;                                                                          \
        promised[i] = b;                                                                           \
        leads[i] = 0;                                                                              \
        promisers[b] = BIT(i);                                                                     \
        give_log(b)                                                                                \
    }

/* paxos__recv_prepare and what the candidate keeps of the promise; paxos__tell_removed refuses.
 * Mutant 31: a vote, refused to whoever has the lesser log. Mutant 11: nothing is adopted. */
#define REFUSES(i, b) ((gone2[i] && owner[b] == 3 && MUTANT != 36) || (MUTANT == 31 && BETTER(i, b)))
#define PROMISE(b)                                                                                 \
    d_step {                                                                                       \
        owner[b] != 0 && owner[b] != i + 1 && b > promised[i] && lead_at[b] == 0 && ALIVE(i) &&    \
            WILD(b) && !REFUSES(i, b) ->                                                           \
        promised[i] = b;                                                                           \
        leads[i] = 0;                                                                              \
        promisers[b] = promisers[b] | BIT(i);                                                      \
        if                                                                                         \
        :: BETTER(i, b) && MUTANT != 11 -> give_log(b)                                             \
        :: else                                                                                    \
        fi                                                                                         \
    }

/* paxos__adopt (adopt.c): as soon as those who promised are a quorum by the own log. What is adopted
 * may bring another configuration, which then counts. */
#define ADOPT(b)                                                                                   \
    d_step {                                                                                       \
        owner[b] == i + 1 && promised[i] == b && lead_at[b] == 0 && ALIVE(i) && WILD(b) &&         \
            QUORUM(conf[i], promisers[b]) && (size[i] != blen[b] || LAST(i) != BLAST(b)) ->         \
        take_log(b)                                                                                \
    }

/* paxos__candidate_advance and paxos__lead */
#define CAN_WIN(b)                                                                                 \
    (size[i] == blen[b] && LAST(i) == BLAST(b) && QUORUM(conf[i], promisers[b]) &&                  \
     MAY_LEAD(conf[i], i) && blen[b] < (calm -> SLOTS : SLOTS - CALM))
#define WIN(b)                                                                                     \
    d_step {                                                                                       \
        owner[b] == i + 1 && promised[i] == b && lead_at[b] == 0 && ALIVE(i) && WILD(b) &&         \
            CAN_WIN(b) ->                                                                          \
        for (k : 1 .. SLOTS) {                                                                     \
            assert(chosen_by[k - 1] == 0 || chosen_by[k - 1] > b ||                                \
                   chosen[k - 1] == bslot[(b) * SLOTS + k - 1])                                    \
        }                                                                                          \
        assert(STORAGE(conf[i], i));                                                               \
        append(b, LEAD);                                                                           \
        lead_at[b] = blen[b];                                                                      \
        leads[i] = b                                                                               \
    }

inline append(b, kind) { /* paxos__append_own (leader.c) */
    bslot[(b) * SLOTS + blen[b]] = ENTRY(b, kind);
    slot[i * SLOTS + blen[b]] = ENTRY(b, kind);
    blen[b]++;
    size[i] = blen[b];
    acked[(b) * N + i] = blen[b];
    if
    :: kind >= JOINT -> bconf[b] = kind; conf[i] = kind
    :: else
    fi
}

/* paxos__recv_accept: the prefix that ends d below the end of the leader's log; what stands behind
 * an equal prefix stays, what differs is cut */
#define ACCEPT(b, d)                                                                               \
    d_step {                                                                                       \
        lead_at[b] != 0 && owner[b] != i + 1 && (b >= promised[i] || MUTANT == 4) && ALIVE(i) &&   \
            WILD(b) && (VOTER(bconf[b], i) || i == 3) && blen[b] - d + 1 >= lead_at[b] &&          \
            (acked[(b) * N + i] < blen[b] - d || commit[i] < bcommit[b]) ->                        \
        promised[i] = (b > promised[i] -> b : promised[i]);                                        \
        leads[i] = 0;                                                                              \
        same = 1;                                                                                  \
        for (k : 1 .. blen[b] - d) {                                                               \
            if                                                                                     \
            :: same && (k > size[i] || slot[i * SLOTS + k - 1] != bslot[(b) * SLOTS + k - 1]) ->    \
                assert(k > commit[i]); /* I5 */                                                    \
                same = 0                                                                           \
            :: else                                                                                \
            fi;                                                                                    \
            slot[i * SLOTS + k - 1] = bslot[(b) * SLOTS + k - 1]                                   \
        }                                                                                          \
        if                                                                                         \
        :: !same ->                                                                                \
            for (k : blen[b] - d + 1 .. SLOTS) {                                                   \
                slot[i * SLOTS + k - 1] = 0                                                        \
            }                                                                                      \
            size[i] = blen[b] - d                                                                   \
        :: else                                                                                    \
        fi;                                                                                        \
        if                                                                                         \
        :: acked[(b) * N + i] < blen[b] - d -> acked[(b) * N + i] = blen[b] - d                    \
        :: else                                                                                    \
        fi;                                                                                        \
        if                                                                                         \
        :: commit[i] < bcommit[b] -> commit[i] = (bcommit[b] < blen[b] - d -> bcommit[b] : blen[b] - d) \
        :: else                                                                                    \
        fi;                                                                                        \
        config_of(size[i]);                                                        \
        conf[i] = c;                                                                               \
        note_gone(commit[i])                                                                       \
    }

/* advance_commit (leader.c). Mutant 10: entries of older ballots by counting. */
#define COMMIT(b, d)                                                                               \
    d_step {                                                                                       \
        leads[i] == b && ALIVE(i) && WILD(b) && blen[b] >= d && blen[b] - d > bcommit[b] &&        \
            (blen[b] - d >= lead_at[b] || MUTANT == 10) &&                                         \
            QUORUM(bconf[b], ACKS(b, blen[b] - d)) ->                                              \
        bcommit[b] = blen[b] - d;                                                                  \
        for (k : 1 .. bcommit[b]) {                                                                \
            assert(chosen[k - 1] == 0 || chosen[k - 1] == bslot[(b) * SLOTS + k - 1]);             \
            chosen[k - 1] = bslot[(b) * SLOTS + k - 1];                                            \
            chosen_by[k - 1] = (chosen_by[k - 1] == 0 || chosen_by[k - 1] > b -> b                 \
                                                                            : chosen_by[k - 1])    \
        }                                                                                          \
        if                                                                                         \
        :: commit[i] < bcommit[b] -> commit[i] = bcommit[b]                                        \
        :: else                                                                                    \
        fi;                                                                                        \
        note_gone(commit[i]);                                                                      \
        served = served || calm                                                                    \
    }

/* A leader that serves: its LEAD is committed, there is room, faults still happen. Mutant 13:
 * changes before LEAD is committed, and several at once. */
#define SERVES       (leads[i] != 0 && !calm && blen[leads[i]] < SLOTS - CALM)
#define LED          (bcommit[leads[i]] >= lead_at[leads[i]])
#define ALL_COMMITTED (LED && bcommit[leads[i]] == blen[leads[i]])
#define SETTLED      (ALL_COMMITTED || MUTANT == 13)

#define NODE_STEPS(b)                                                                              \
    :: CAMPAIGN(b)                                                                                 \
    :: PROMISE(b)                                                                                  \
    :: ADOPT(b)                                                                                    \
    :: WIN(b)                                                                                      \
    :: ACCEPT(b, 0)                                                                                \
    :: ACCEPT(b, 1)                                                                                \
    :: COMMIT(b, 0)                                                                                \
    :: COMMIT(b, 1)

proctype replica(byte i) {
    do
    NODE_STEPS(1)
    NODE_STEPS(2)
#if BALLOTS > 2
    NODE_STEPS(3)
#endif
#if BALLOTS > 3
    NODE_STEPS(4)
#endif
#if CALM
    NODE_STEPS(BALLOTS + 1)
    NODE_STEPS(BALLOTS + 2)
    NODE_STEPS(BALLOTS + 3)
    NODE_STEPS(BALLOTS + 4)
    :: d_step { /* a campaign that cannot be won any more ends, the next one may try */
        calm && !served && turn == i && i < N &&
            (!ALIVE(i) || !MAY_LEAD(conf[i], i) || (i == 2 && gone2[i]) ||
             (owner[BALLOTS + 1 + i] != 0 && lead_at[BALLOTS + 1 + i] == 0 &&
              (promisers[BALLOTS + 1 + i] & BIT(0) || !ALIVE(0) || REFUSES(0, BALLOTS + 1 + i)) &&
              (promisers[BALLOTS + 1 + i] & BIT(1) || !ALIVE(1) || REFUSES(1, BALLOTS + 1 + i)) &&
              (promisers[BALLOTS + 1 + i] & BIT(2) || !ALIVE(2) || REFUSES(2, BALLOTS + 1 + i)) &&
              (promisers[BALLOTS + 1 + i] & BIT(3) || !ALIVE(3) || REFUSES(3, BALLOTS + 1 + i)) &&
              !(QUORUM(conf[i], promisers[BALLOTS + 1 + i]) &&
                (size[i] != blen[BALLOTS + 1 + i] || LAST(i) != BLAST(BALLOTS + 1 + i))) &&
              !CAN_WIN(BALLOTS + 1 + i))) ->
        turn++
       }
#endif
    :: d_step { SERVES && LED && writes > 0 -> writes--; append(leads[i], WRITE) }
    /* the learner has what is committed: EV_CONFIGURE; mutant 14 skips the joint configuration */
    :: d_step { SERVES && SETTLED && bconf[leads[i]] == 0 && MUTANT != 72 &&
                acked[leads[i] * N + 3] >= bcommit[leads[i]] ->
        append(leads[i], (MUTANT == 14 -> FINAL : JOINT)) }
    :: d_step { SERVES && SETTLED && bconf[leads[i]] == 0 && MUTANT == 72 ->
        append(leads[i], ALONE) }
    :: d_step { SERVES && SETTLED && (bconf[leads[i]] == JOINT || bconf[leads[i]] == ALONE) ->
        append(leads[i], FINAL) }
    :: d_step { SERVES && SETTLED && bconf[leads[i]] == FINAL -> append(leads[i], UPGRADE) }
    /* mutant 15: 2 lost its disk and comes back under its rid */
    :: d_step { MUTANT == 15 && i == 2 && !wiped && !calm ->
        wiped = 1;
        promised[2] = 0;
        size[2] = 0;
        conf[2] = 0;
        commit[2] = 0;
        leads[2] = 0;
        for (k : 1 .. SLOTS) {
            slot[2 * SLOTS + k - 1] = 0
        };
        k = 0 }
    od
}

#if CALM
active proctype weather() {
    atomic {
        !calm ->
        if
        :: down = 0
        :: down = 1
        :: down = 2
        :: down = 3
        :: down = N
        fi;
        calm = 1
    }
}

ltl no_jam { [] (calm -> <> served) }
#endif

/* The story begins where replica 0 leads at ballot 1 and its LEAD is committed. */
init {
    atomic {
        d_step {
            for (k : 0 .. 2) {
                promised[k] = 1;
                size[k] = 1;
                slot[k * SLOTS] = ENTRY(1, LEAD);
                commit[k] = 1;
                acked[N + k] = 1
            }
            owner[1] = 1;
            promisers[1] = 7;
            blen[1] = 1;
            bslot[SLOTS] = ENTRY(1, LEAD);
            lead_at[1] = 1;
            bcommit[1] = 1;
            chosen[0] = ENTRY(1, LEAD);
            chosen_by[0] = 1;
            leads[0] = 1
        }
        run replica(0);
        run replica(1);
        run replica(2);
        run replica(3)
    }
}
