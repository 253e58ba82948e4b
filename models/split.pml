/* Split of a group (REPLICATION.md B12): a parent and one of its children on the same three nodes,
 * each a group of the protocol, with leases. README.md maps the options to the C functions.
 *
 * Group 0 is the parent, group 1 the child that the key in question moves to. SPLIT is an entry of
 * the parent's log. A node that applies it seals the parent and creates its child replica, whose
 * promise is b0, the ballot named by SPLIT; the process that proposed SPLIT leads the child at b0
 * without phase 1, once. Everything else at the child is an ordinary election at a higher ballot.
 *
 * Abstractions: as in election_lease.pml (messages stay for ever, one clock; a
 * leader hears of an acknowledgement at once, which is the worst for its reads) and log_replica.pml
 * (candidates merge logs as promises come). What a leader appends is durable at itself by a step of
 * its own, so a crash can lose what a follower already has. Nodes that have not applied SPLIT know
 * no child and answer nothing. The whole group takes part in the split: no membership change.
 *
 * Properties: no slot of either group is committed with two entries; no write is committed behind
 * SPLIT, where nobody would apply it; a strong read of the parent is served only while no write of
 * the child is committed, a strong read of either group only while no later leader is. MUTANT: the
 * numbers of REPLICATION.md D4 and D6; 73 is ours.
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#define N      3
#define TOP    4 /* ballots of a group: 1, 2 of the parent's leaders, also b0; 3, 4 of the child's */
#define BIT(i) (1 << (i))
#define OWNER(b)    ((b) == 1 || (b) == 4 -> 0 : 1)
#define QUORUM(set) ((set) == 3 || (set) == 5 || (set) == 6 || (set) == 7)

#define LEAD  1
#define SPLIT 2
#define WRITE 3 /* and above: every write is another one */
#define ENTRY(b, kind) ((b) * 8 + (kind))
#define BALLOT(e)      ((e) / 8)
#define KIND(e)        ((e) % 8)

/* Index of a node's, or of a ballot's, part of a group. */
#define X(g)    ((g) * N + i)
#define Y(g, b) ((g) * (TOP + 1) + (b))

/* Durable, per group and node. */
byte promised[2 * N];
byte held[2 * N];
byte slot[2 * N * SLOTS];
byte commit[2 * N];
bit born[N]; /* the child replica exists */
/* Volatile. */
byte leads[2 * N];
byte grant_until[2 * N];
byte grant_ballot[2 * N];
byte quarantine[N];
byte proposed[N]; /* ballot at which this very process proposed SPLIT */
bit replays[N];   /* mutant 40: restarted, reads its log again */

/* Per group and ballot. */
byte promisers[2 * (TOP + 1)];
byte blen[2 * (TOP + 1)];
byte bslot[2 * (TOP + 1) * SLOTS];
byte lead_at[2 * (TOP + 1)];
byte bcommit[2 * (TOP + 1)];
byte acked[2 * (TOP + 1) * N];
byte sent_at[2 * (TOP + 1)]; /* newest beat, plus 1 */
byte echoed[2 * (TOP + 1)]; /* newest send time that came back, plus 1 */

byte chosen[2 * SLOTS];
byte chosen_lead[2];
bit child_wrote;
byte writes = WRITES;
byte crashes = CRASHES;
byte now;

hidden byte k;
hidden byte same;

#define EXISTS(g)     ((g) == 0 || born[i])
#define LAST(g)       (held[X(g)] > 0 -> slot[X(g) * SLOTS + held[X(g)] - 1] : 0)
#define BLAST(g, b)   (blen[Y(g, b)] > 0 -> bslot[Y(g, b) * SLOTS + blen[Y(g, b)] - 1] : 0)
#define BETTER(g, b)                                                                               \
    (BALLOT(LAST(g)) > BALLOT(BLAST(g, b)) ||                                                      \
     (BALLOT(LAST(g)) == BALLOT(BLAST(g, b)) && held[X(g)] > blen[Y(g, b)]))
#define ACKS(g, b, n)                                                                              \
    ((acked[Y(g, b) * N] >= (n)) + 2 * (acked[Y(g, b) * N + 1] >= (n)) +                           \
     4 * (acked[Y(g, b) * N + 2] >= (n)))
#define ECHOED(g)     echoed[Y(g, leads[X(g)])]
#define LEASED(g)     (leads[X(g)] != 0 && ECHOED(g) != 0 && now < ECHOED(g) - 1 + LEASE)
#define LED(g)        (leads[X(g)] != 0 && bcommit[Y(g, leads[X(g)])] >= lead_at[Y(g, leads[X(g)])])

/* Where SPLIT stands in the own parent log, counted from 1; 0: nowhere. */
#define IS_SPLIT(n)   (held[i] >= (n) && KIND(slot[i * SLOTS + (n) - 1]) == SPLIT)
#define SPLIT_AT      (IS_SPLIT(2) -> 2 : (IS_SPLIT(3) -> 3 : (IS_SPLIT(4) -> 4 : 0)))
/* In the log that this node leads, durable here or not. */
#define BSPLIT(n)     (blen[leads[i]] >= (n) && KIND(bslot[leads[i] * SLOTS + (n) - 1]) == SPLIT)
#define SPLITTING     (BSPLIT(2) || BSPLIT(3) || BSPLIT(4))

inline take_log(g, b) {
    for (k : 1 .. SLOTS) {
        slot[X(g) * SLOTS + k - 1] = bslot[Y(g, b) * SLOTS + k - 1]
    }
    held[X(g)] = blen[Y(g, b)]
}

inline give_log(g, b) {
    for (k : 1 .. SLOTS) {
        bslot[Y(g, b) * SLOTS + k - 1] = slot[X(g) * SLOTS + k - 1]
    }
    blen[Y(g, b)] = held[X(g)]
}

inline append(g, b, kind) { /* durable here by ACCEPT */
    bslot[Y(g, b) * SLOTS + blen[Y(g, b)]] = ENTRY(b, kind);
    blen[Y(g, b)]++
}

inline lead(g, b) {
    append(g, b, LEAD);
    lead_at[Y(g, b)] = blen[Y(g, b)];
    leads[X(g)] = b;
    sent_at[Y(g, b)] = now + 1
}

#define MAY_PROMISE(g, b)                                                                          \
    (now >= quarantine[i] &&                                                                       \
     (now >= grant_until[X(g)] || OWNER(grant_ballot[X(g)]) == OWNER(b) || MUTANT == 9) &&         \
     !LEASED(g))

#define CAMPAIGN(g, b)                                                                             \
    d_step {                                                                                       \
        OWNER(b) == i && EXISTS(g) && b > promised[X(g)] && promisers[Y(g, b)] == 0 &&             \
            leads[X(g)] == 0 && MAY_PROMISE(g, b) ->                                               \
        promised[X(g)] = b;                                                                        \
        promisers[Y(g, b)] = BIT(i);                                                               \
        grant_until[X(g)] = 0;                                                                     \
        give_log(g, b)                                                                             \
    }

#define PROMISE(g, b)                                                                              \
    d_step {                                                                                       \
        promisers[Y(g, b)] != 0 && OWNER(b) != i && EXISTS(g) && b > promised[X(g)] &&             \
            lead_at[Y(g, b)] == 0 && MAY_PROMISE(g, b) ->                                          \
        promised[X(g)] = b;                                                                        \
        leads[X(g)] = 0;                                                                           \
        grant_until[X(g)] = 0;                                                                     \
        promisers[Y(g, b)] = promisers[Y(g, b)] | BIT(i);                                          \
        if                                                                                         \
        :: BETTER(g, b) -> give_log(g, b)                                                          \
        :: else                                                                                    \
        fi                                                                                         \
    }

#define WIN(g, b)                                                                                  \
    d_step {                                                                                       \
        OWNER(b) == i && promised[X(g)] == b && lead_at[Y(g, b)] == 0 &&                           \
            QUORUM(promisers[Y(g, b)]) && blen[Y(g, b)] < SLOTS ->                                 \
        take_log(g, b);                                                                            \
        lead(g, b)                                                                                 \
    }

/* The leader's log, or all but its last entry; at the leader itself: its sync. */
#define ACCEPT(g, b, d)                                                                            \
    d_step {                                                                                       \
        lead_at[Y(g, b)] != 0 && EXISTS(g) && b >= promised[X(g)] && blen[Y(g, b)] > d &&          \
            (OWNER(b) != i || leads[X(g)] == b) &&                                                 \
            (acked[Y(g, b) * N + i] < blen[Y(g, b)] - d || commit[X(g)] < bcommit[Y(g, b)] ||      \
             (d == 0 && OWNER(b) != i && echoed[Y(g, b)] != sent_at[Y(g, b)])) ->                  \
        promised[X(g)] = b;                                                                        \
        leads[X(g)] = (leads[X(g)] == b -> b : 0);                                                 \
        same = 1;                                                                                  \
        for (k : 1 .. blen[Y(g, b)] - d) {                                                         \
            if                                                                                     \
            :: same && (k > held[X(g)] ||                                                          \
                        slot[X(g) * SLOTS + k - 1] != bslot[Y(g, b) * SLOTS + k - 1]) ->           \
                assert(k > commit[X(g)]);                                                          \
                same = 0                                                                           \
            :: else                                                                                \
            fi;                                                                                    \
            slot[X(g) * SLOTS + k - 1] = bslot[Y(g, b) * SLOTS + k - 1]                            \
        }                                                                                          \
        if                                                                                         \
        :: !same ->                                                                                \
            for (k : blen[Y(g, b)] - d + 1 .. SLOTS) {                                             \
                slot[X(g) * SLOTS + k - 1] = 0                                                     \
            }                                                                                      \
            held[X(g)] = blen[Y(g, b)] - d                                                         \
        :: else                                                                                    \
        fi;                                                                                        \
        if                                                                                         \
        :: acked[Y(g, b) * N + i] < blen[Y(g, b)] - d -> acked[Y(g, b) * N + i] = blen[Y(g, b)] - d \
        :: else                                                                                    \
        fi;                                                                                        \
        if                                                                                         \
        :: commit[X(g)] < bcommit[Y(g, b)] ->                                                      \
            commit[X(g)] = (bcommit[Y(g, b)] < blen[Y(g, b)] - d -> bcommit[Y(g, b)]               \
                                                                  : blen[Y(g, b)] - d)             \
        :: else                                                                                    \
        fi;                                                                                        \
        if                                                                                         \
        :: OWNER(b) != i ->                                                                        \
            echoed[Y(g, b)] = sent_at[Y(g, b)];                                                    \
            grant_until[X(g)] = now + LEASE;                                                       \
            grant_ballot[X(g)] = b                                                                 \
        :: else                                                                                    \
        fi                                                                                         \
    }

#define COMMIT(g, b)                                                                               \
    d_step {                                                                                       \
        leads[X(g)] == b && blen[Y(g, b)] > bcommit[Y(g, b)] &&                                    \
            blen[Y(g, b)] >= lead_at[Y(g, b)] && QUORUM(ACKS(g, b, blen[Y(g, b)])) ->              \
        bcommit[Y(g, b)] = blen[Y(g, b)];                                                          \
        commit[X(g)] = (held[X(g)] < blen[Y(g, b)] -> held[X(g)] : blen[Y(g, b)]);                 \
        same = 0;                                                                                  \
        for (k : 1 .. blen[Y(g, b)]) {                                                             \
            assert(chosen[(g) * SLOTS + k - 1] == 0 ||                                             \
                   chosen[(g) * SLOTS + k - 1] == bslot[Y(g, b) * SLOTS + k - 1]);                 \
            chosen[(g) * SLOTS + k - 1] = bslot[Y(g, b) * SLOTS + k - 1];                          \
            assert(!(same && KIND(chosen[(g) * SLOTS + k - 1]) >= WRITE));                         \
            same = same || KIND(chosen[(g) * SLOTS + k - 1]) == SPLIT;                             \
            child_wrote = child_wrote || ((g) == 1 && KIND(chosen[SLOTS + k - 1]) >= WRITE)        \
        }                                                                                          \
        chosen_lead[g] = (chosen_lead[g] < b -> b : chosen_lead[g])                                \
    }

#define BEAT(g)                                                                                    \
    d_step {                                                                                       \
        leads[X(g)] != 0 && sent_at[Y(g, leads[X(g)])] != now + 1 ->                               \
        sent_at[Y(g, leads[X(g)])] = now + 1                                                       \
    }

#if PREFIXES
#define FOLLOW(g, b)                                                                               \
    :: ACCEPT(g, b, 0)                                                                             \
    :: ACCEPT(g, b, 1)                                                                             \
    :: COMMIT(g, b)
#else
#define FOLLOW(g, b)                                                                               \
    :: ACCEPT(g, b, 0)                                                                             \
    :: COMMIT(g, b)
#endif
#define ELECT(g, b)                                                                                \
    :: CAMPAIGN(g, b)                                                                              \
    :: PROMISE(g, b)                                                                               \
    :: WIN(g, b)

/* SPLIT is committed here: seal the parent, create the child. */
#define SPLIT_APPLIES (SPLIT_AT != 0 && commit[i] >= SPLIT_AT)
#define B0            BALLOT(slot[i * SLOTS + SPLIT_AT - 1])

proctype node(byte i) {
    do
    FOLLOW(0, 1)
    FOLLOW(1, 1)
#if PARENT_BALLOTS > 1
    FOLLOW(0, 2)
    ELECT(0, 2)
    FOLLOW(1, 2)
#endif
#if CHILD_BALLOTS > 2
    FOLLOW(1, 3)
    ELECT(1, 3)
#endif
#if CHILD_BALLOTS > 3
    FOLLOW(1, 4)
    ELECT(1, 4)
#endif
    :: BEAT(0)
    :: BEAT(1)

    /* the parent: writes, then SPLIT; from SPLIT in the log on, requests wait (mutant 73: they go on) */
    :: d_step { LED(0) && (!SPLITTING || MUTANT == 73) && writes > 0 && blen[leads[i]] < SLOTS ->
        append(0, leads[i], WRITE + WRITES - writes);
        writes-- }
    :: d_step { LED(0) && !SPLITTING && blen[leads[i]] < SLOTS ->
        append(0, leads[i], SPLIT);
        proposed[i] = leads[i] }
    :: d_step { LED(1) && writes > 0 && blen[Y(1, leads[X(1)])] < SLOTS ->
        append(1, leads[X(1)], WRITE + WRITES - writes);
        writes-- }

    :: d_step { !born[i] && SPLIT_APPLIES ->
        born[i] = 1;
        promised[X(1)] = B0;
        if
        :: proposed[i] == B0 -> lead(1, B0)
        :: else
        fi;
        proposed[i] = 0 }
    /* mutant 40: whoever reads SPLIT in its log again leads at b0 again */
    :: d_step { MUTANT == 40 && replays[i] && born[i] && SPLIT_APPLIES && OWNER(B0) == i &&
                held[X(1)] < SLOTS ->
        replays[i] = 0;
        give_log(1, B0);
        lead(1, B0) }

    /* strong reads; mutant 41: by the parent after SPLIT, 42: by the child on the parent's lease */
    :: d_step { LED(0) && LEASED(0) && (!SPLITTING || MUTANT == 41) &&
                (child_wrote || chosen_lead[0] > leads[i]) -> assert(false) }
    :: d_step { LED(1) && (LEASED(1) || (MUTANT == 42 && LEASED(0))) &&
                chosen_lead[1] > leads[X(1)] -> assert(false) }

    :: d_step { crashes > 0 -> /* and restart: what was not durable here is gone */
        crashes--;
        leads[i] = 0;
        leads[X(1)] = 0;
        grant_until[i] = 0;
        grant_until[X(1)] = 0;
        grant_ballot[i] = 0;
        grant_ballot[X(1)] = 0;
        proposed[i] = 0;
        replays[i] = (MUTANT == 40);
        quarantine[i] = now + LEASE }
    od
}

proctype ticker() {
    do
    :: now < TICKS -> now++
    od
}

/* The story begins where node 0 leads the parent at ballot 1 and its LEAD is committed. */
init {
    atomic {
        d_step {
            for (k : 0 .. 2) {
                promised[k] = 1;
                held[k] = 1;
                slot[k * SLOTS] = ENTRY(1, LEAD);
                commit[k] = 1;
                acked[N + k] = 1
            }
            promisers[1] = 7;
            blen[1] = 1;
            bslot[SLOTS] = ENTRY(1, LEAD);
            lead_at[1] = 1;
            bcommit[1] = 1;
            sent_at[1] = 1;
            chosen[0] = ENTRY(1, LEAD);
            chosen_lead[0] = 1;
            leads[0] = 1
        }
        run node(0);
        run node(1);
        run node(2);
        run ticker()
    }
}
